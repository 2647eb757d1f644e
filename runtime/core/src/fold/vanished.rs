//! What a person says of a record that vanished where that deletes nothing by itself.

use super::Folding;
use crate::Value;
use crate::record::{ConnectionId, Shadow};

impl Folding<'_> {
    /// Another owns whether the record is in use, so that to delete it would be a word against theirs (promise P3).
    /// Whether they still have it says nothing: they may be heard later.
    pub(super) fn is_anothers(&self, connection: ConnectionId) -> bool {
        let owner = self.rules.field(self.key.kind, "active").and_then(|it| it.owner);
        owner.is_some_and(|it| it != connection)
    }

    /// It is deleted for everybody, those included whose authority is higher. If it is there again by now the question
    /// is not open any more, and nothing happens.
    pub(super) fn deleted(&mut self, connection: ConnectionId, by: &str) {
        if self.is_gone(connection) {
            self.state.truth.deleted_at = Some(connection);
            self.settled("active", &Value::Flag(false), by);
        }
    }

    /// It is to be there again. What was there is forgotten, so that the record is owed like one that never was; only
    /// news from before stays old. If it is there again by now, nothing happens.
    pub(super) fn recreated(&mut self, connection: ConnectionId) {
        if self.is_gone(connection) {
            // A version of its own: a system must not take the creation for a repetition of the first one.
            self.touch();
            let shadow = self.state.shadows.entry(connection).or_default();
            *shadow = Shadow { as_of: shadow.as_of, ..Shadow::default() };
        }
    }

    /// The record was there and is not any more.
    #[must_use]
    pub fn is_gone(&self, connection: ConnectionId) -> bool {
        self.shadow(connection).is_some_and(|it| it.gone)
    }
}
