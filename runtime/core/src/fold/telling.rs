//! What is being told while a fold decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Folding;
use crate::record::{Claim, ConnectionId};

/// A write that was begun and has not come to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The truth's version that it tells.
    pub version: u64,
    /// The fields that it changes.
    pub fields: BTreeSet<String>,
}

impl Folding<'_> {
    /// These connections are being told something: their words of before that are settled, whenever it is heard that the
    /// writes were carried out. To be called before anything is absorbed.
    pub fn telling(&mut self, mut telling: BTreeMap<ConnectionId, Telling>) {
        telling.retain(|connection, it| {
            let fields = it.fields.iter().filter_map(|name| self.state.truth.fields.get(name));
            let mut claims = fields.flat_map(|field| &field.claims);
            claims.any(|claim| claim.connection == *connection && claim.version <= it.version)
        });
        self.ruling.telling = telling;
    }

    /// The claim lost, and its system is being told what came of that.
    pub(super) fn is_settling(&self, name: &str, claim: &Claim) -> bool {
        let telling = self.ruling.telling.get(&claim.connection);
        telling.is_some_and(|it| claim.version <= it.version && it.fields.contains(name))
    }
}
