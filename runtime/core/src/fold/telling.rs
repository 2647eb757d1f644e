//! What is being told while a fold decides.

use std::collections::BTreeMap;

use super::Folding;
use crate::record::{Claim, ConnectionId};

/// What writes tell connections that were begun and have not come to an end: by field, the truth's version.
pub type Telling = BTreeMap<ConnectionId, BTreeMap<String, u64>>;

impl Folding<'_> {
    /// This is being told: the words of before that are settled, whenever it is heard that the writes were carried out. To
    /// be called before anything is absorbed.
    pub fn telling(&mut self, mut telling: Telling) {
        for (connection, told) in &mut telling {
            told.retain(|name, version| {
                let field = self.state.truth.fields.get(name);
                let mut claims = field.into_iter().flat_map(|field| &field.claims);
                claims.any(|claim| claim.connection == *connection && claim.version <= *version)
            });
        }
        telling.retain(|_, told| !told.is_empty());
        self.ruling.telling = telling;
    }

    /// The claim lost, and its system is being told what came of that.
    pub(super) fn is_settling(&self, name: &str, claim: &Claim) -> bool {
        let told = self.ruling.telling.get(&claim.connection).and_then(|it| it.get(name));
        told.is_some_and(|version| claim.version <= *version)
    }
}
