//! Deciding again what was decided: after the tenant's rules, a connection's part or a policy's release changed.
//!
//! What systems said and were not told otherwise since is put to the rules of now, and the word of an owner that stands
//! counts. What is long settled, because everybody was told, is not dug up: nobody holds it any more. Neither is what a
//! person settled, nor what went round in circles, nor the moves of a counter, each of which happened.

use super::{Folding, Note};
use crate::{Value, schema};

impl Folding<'_> {
    /// Opens what is to be decided again. To be called before anything is absorbed.
    pub fn review(&mut self) {
        self.ruling.reviewed = true;
        // Of what is deleted nothing more is decided.
        if self.state.truth.deleted_at.is_some() {
            return;
        }
        let names: Vec<String> = self.state.truth.fields.keys().cloned().collect();
        names.iter().for_each(|name| self.open_again(name));
    }

    fn open_again(&mut self, name: &str) {
        let (kind, rules) = (self.key.kind, self.rules);
        let is_counter = schema::of(kind).field(name).is_some_and(|it| it.counter);
        let standing = rules.field(kind, name).and_then(|it| it.owner).and_then(|owner| self.standing(owner, name));
        let Some(field) = self.state.truth.fields.get_mut(name) else { return };
        if field.loops || field.settled {
            return;
        }
        self.before.insert(name.to_owned(), (field.value.clone(), field.held.clone()));
        // Who is not listened to any more has no say.
        field.claims.retain(|it| rules.direction(it.connection, kind).is_some_and(|it| it.reads));
        if std::mem::take(&mut field.refused) {
            field.held = None;
        }
        if is_counter {
            // Where the opening that counts was told away nobody is left to compare it with.
            if field.claims.iter().any(|it| it.now == field.base) {
                self.choose_opening(name);
            }
            return;
        }
        if !field.claims.is_empty() || standing.is_some_and(|it| it != field.value) {
            self.open.insert(name.to_owned());
        }
    }

    /// An answer says something that is not known already.
    pub(super) fn is_news(&self, name: &str, value: Option<&Value>, hold: Option<&String>) -> bool {
        let before = self.before.get(name);
        before.is_none_or(|(was, held)| value.is_some_and(|it| it != was) || hold != held.as_ref())
    }

    /// What waited for a person waits no more: the rules of now decide it.
    pub(super) fn note_release(&mut self, name: &str) {
        let Some((_, Some(_))) = self.before.get(name) else { return };
        let Some(field) = self.state.truth.fields.get(name).filter(|it| it.held.is_none()) else { return };
        let (value, reason) = (field.value.clone(), "other rules decide it now".to_owned());
        self.notes.push(Note::Settled(name.to_owned(), value, reason));
    }
}
