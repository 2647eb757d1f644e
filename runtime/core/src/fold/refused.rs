//! What a validator does not let become the truth.

use super::{Folding, Note};
use crate::record::Truth;
use crate::{Value, schema};

impl Folding<'_> {
    /// A validator refused the record as it would be. What moved since `before` keeps its last value, or stays unknown,
    /// and is held for a person; a counter keeps its moves, which happened, and is only not told to anybody. The
    /// record's next news has it all decided again.
    pub fn refuse(&mut self, before: &Truth, reason: &str) {
        self.ruling.refused = Some(reason.to_owned());
        let schema = schema::of(self.key.kind);
        for (name, field) in &mut self.state.truth.fields {
            let old = before.fields.get(name).filter(|it| it.is_known());
            if !field.is_known() || old.is_some_and(|it| it.value == field.value) {
                continue;
            }
            let outcome = None;
            let (claims, field_name) = (field.claims.clone(), name.clone());
            self.notes.push(Note::Disagreed { field: field_name, claims, outcome, reason: reason.to_owned() });
            (field.held, field.refused) = (Some(reason.to_owned()), true);
            if !schema.field(name).is_some_and(|it| it.counter) {
                (field.value, field.version) = old.map_or((Value::Null, 0), |it| (it.value.clone(), it.version));
            }
        }
    }

    /// Opens what was refused, as there is news.
    pub(super) fn decide_again(&mut self) {
        for (name, field) in self.state.truth.fields.iter_mut().filter(|(_, field)| field.refused) {
            (field.held, field.refused) = (None, false);
            if !schema::of(self.key.kind).field(name).is_some_and(|it| it.counter) {
                self.open.insert(name.clone());
            }
        }
    }
}
