//! What is being told while a fold decides.

use std::collections::BTreeMap;

use super::Folding;
use crate::record::{Claim, ConnectionId};

/// What writes tell connections that were begun and have not come to an end: by field, the truth's version.
pub type Telling = BTreeMap<ConnectionId, BTreeMap<String, u64>>;

impl Folding<'_> {
    /// This is being told: the words of before that are settled, whenever it is heard that the writes were carried out, and
    /// an owner stands by it. To be called before anything is absorbed.
    pub fn telling(&mut self, mut telling: Telling) {
        for (connection, told) in &mut telling {
            told.retain(|name, version| {
                if self.rules.field(self.key.kind, name).is_some_and(|it| it.owner == Some(*connection)) {
                    return true;
                }
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
        self.is_telling(claim.connection, name, claim.version)
    }

    /// A connection is being told what a field was at this version of the truth, or later.
    pub(super) fn is_telling(&self, connection: ConnectionId, name: &str, version: u64) -> bool {
        let told = self.ruling.telling.get(&connection).and_then(|it| it.get(name));
        told.is_some_and(|told| version <= *told)
    }
}
