//! Fields that several systems may move at once, and every move counts.
//!
//! What a system holds when it is first seen *opens* the counter: of several openings the highest authority's counts.
//! From then on only differences count, each exactly once, because a difference is taken between two things that one
//! connection is known to have held. That one value looks like another proves nothing here: two systems that both
//! sold three did not sell three together.

use std::collections::BTreeMap;

use super::{Folding, Note, Question, Verdict};
use crate::record::{Claim, ConnectionId, TruthField};
use crate::{Decimal, Value};

impl Folding<'_> {
    pub(super) fn claim_counter(&mut self, name: &str, claim: Claim) {
        if claim.now.as_number().is_none() {
            return;
        }
        match &claim.was {
            Some(was) if was.as_number().is_some() => self.move_counter(name, claim.connection, was.clone(), claim.now),
            _ => self.open_counter(name, claim),
        }
    }

    fn move_counter(&mut self, name: &str, connection: ConnectionId, was: Value, now: Value) {
        self.touch();
        let moves = self.moves.entry(name.to_owned()).or_default();
        moves.entry(connection).and_modify(|it| it.1 = now.clone()).or_insert((was, now));
    }

    /// A move that is not counted yet goes on from where the counter was carried to.
    pub(super) fn shift_counter(&mut self, name: &str, connection: ConnectionId, by: Decimal) {
        if let Some(pair) = self.moves.get_mut(name).and_then(|it| it.get_mut(&connection)) {
            *pair = (plus(&pair.0, by), plus(&pair.1, by));
        }
    }

    fn open_counter(&mut self, name: &str, claim: Claim) {
        self.touch();
        let version = self.version;
        let known = self
            .state
            .truth
            .fields
            .entry(name.to_owned())
            .or_insert_with(|| TruthField::decided(claim.now.clone(), version));
        known.claims.retain(|it| it.connection != claim.connection);
        known.claims.push(Claim { version, ..claim });
        known.claims.sort_by_key(|it| it.connection);
        self.choose_opening(name);
    }

    /// The counter's opening is that of the highest authority.
    pub(super) fn choose_opening(&mut self, name: &str) {
        let version = self.version;
        let Some(known) = self.state.truth.fields.get_mut(name) else { return };
        let best = known.claims.iter().min_by_key(|it| (self.rules.rank(it.connection), it.connection));
        let Some(opening) = best.map(|it| it.now.clone()) else { return };
        if known.base != opening {
            let moved = difference(&known.base, &known.value).unwrap_or_default();
            known.value = plus(&opening, moved);
            known.base = opening.clone();
            known.version = version;
            self.state.truth.version = version;
        } else if self.before.contains_key(name) {
            // Decided again, and it is as it was.
            return;
        }
        if known.claims.iter().any(|it| it.now != opening) {
            self.notes.push(Note::Disagreed {
                field: name.to_owned(),
                claims: known.claims.clone(),
                outcome: Some(opening),
                reason: "the opening quantity of the highest authority counts".to_owned(),
            });
        }
    }

    /// The moves that a policy must still count.
    pub(super) fn counted(&self) -> impl Iterator<Item = Question> {
        self.moves.iter().filter_map(|(name, moves)| {
            let rule = self.rules.field(self.key.kind, name);
            let claims = moves.iter().map(|(connection, (was, now))| Claim {
                connection: *connection,
                was: Some(was.clone()),
                now: now.clone(),
                changed_at: None,
                version: self.version,
                seen: 0,
                was_of: None,
                passed: Vec::new(),
                filled_in: false,
            });
            Some(Question {
                field: name.clone(),
                policy: rule.and_then(|it| it.policy.clone()),
                owner: rule.and_then(|it| it.owner),
                base: self.state.truth.fields.get(name)?.value.clone(),
                claims: claims.collect(),
            })
        })
    }

    /// Settles a question about moves. A policy may hold or refuse them; a value it merges must be a number.
    pub(super) fn count(&mut self, question: &Question, verdict: Verdict) {
        let Some(moves) = self.moves.remove(&question.field) else { return };
        let owner = question.owner;
        let counted = moves.iter().filter(|(connection, _)| owner.is_none_or(|owner| owner == **connection));
        let sum = sum_of(counted.map(|(_, pair)| pair));
        let (value, hold) = match (verdict, sum) {
            (Verdict::Merge(value), _) if value.as_number().is_some() && owner.is_none() => (value, None),
            (Verdict::Hold(reason), _) => (question.base.clone(), Some(reason)),
            (Verdict::Keep, _) => (question.base.clone(), None),
            (_, Some(sum)) => (plus(&question.base, sum), None),
            (_, None) => (question.base.clone(), Some("the sum leaves the range of a quantity".to_owned())),
        };
        if hold.is_some() || moves.len() > 1 {
            self.notes.push(Note::Disagreed {
                field: question.field.clone(),
                claims: question.claims.clone(),
                outcome: hold.is_none().then(|| value.clone()),
                reason: hold.clone().unwrap_or_else(|| "several systems moved it; every move counts".to_owned()),
            });
        }
        let Some(field) = self.state.truth.fields.get_mut(&question.field) else { return };
        if field.value != value {
            field.version = self.version;
        }
        field.value = value;
        if !field.loops {
            field.held = hold;
        }
    }
}

fn sum_of<'a>(moves: impl Iterator<Item = &'a (Value, Value)>) -> Option<Decimal> {
    moves.map(|(was, now)| difference(was, now)).try_fold(Decimal::ZERO, |sum, it| sum.checked_add(it?))
}

fn difference(was: &Value, now: &Value) -> Option<Decimal> {
    now.as_number()?.checked_sub(was.as_number()?)
}

fn plus(value: &Value, delta: Decimal) -> Value {
    let sum = value.as_number().and_then(|it| it.checked_add(delta));
    sum.map_or_else(|| value.clone(), Value::Number)
}

/// Kept here so that the built-in rule for counters has one home: every move counts.
impl Folding<'_> {
    /// The built-in answer to a question about a counter's moves: their sum on top of the base.
    #[must_use]
    pub fn summed(question: &Question) -> Verdict {
        let moves: BTreeMap<ConnectionId, (Value, Value)> =
            question.claims.iter().filter_map(|it| Some((it.connection, (it.was.clone()?, it.now.clone())))).collect();
        match sum_of(moves.values()) {
            Some(sum) => Verdict::Merge(plus(&question.base, sum)),
            None => Verdict::Hold("the sum leaves the range of a quantity".to_owned()),
        }
    }
}
