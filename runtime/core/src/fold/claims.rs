//! Words: what systems say of a field, which of them count, and what they have in common.

use std::cmp::Reverse;

use super::{Folding, Question};
use crate::plant::{self, Bug};
use crate::record::{Claim, ConnectionId, TruthField};
use crate::{Value, schema};

impl Folding<'_> {
    /// A connection's word on a field, which it says in knowledge of the truth's versions up to `seen`.
    pub(super) fn claim(&mut self, name: &str, seen: u64, claim: Claim) {
        let reads = self.rules.direction(claim.connection, self.key.kind).is_some_and(|it| it.reads);
        let Some(known) = schema::of(self.key.kind).field(name).filter(|_| reads) else { return };
        if known.own || known.counter && self.rules.sells_by_quantity(claim.connection) {
            return;
        }
        if known.counter && !plant::on(Bug::StockByValue) {
            self.claim_counter(name, claim);
            return;
        }
        self.touch();
        self.before.remove(name);
        let version = self.version;
        let field =
            self.state.truth.fields.entry(name.to_owned()).or_insert_with(|| TruthField::decided(Value::Null, 0));
        field.settled = false;
        let mine = field.claims.iter().position(|it| it.connection == claim.connection);
        let mine = mine.map(|at| field.claims.remove(at)).filter(|it| it.version > seen);
        field.claims.retain(|it| it.version > seen);
        if field.claims.is_empty() && mine.is_none() {
            field.base = field.value.clone();
        }
        field.claims.push(continued(mine, claim, version));
        field.claims.sort_by_key(|it| it.connection);
        self.open.insert(name.to_owned());
    }

    /// What is to be decided of a field; `None` where nobody has a word on it any more.
    pub(super) fn claimed(&self, name: &str) -> Option<Question> {
        let field = self.state.truth.fields.get(name)?;
        // What is deleted is not for sale, whoever says so: that is decided when it is there again.
        if name == "active" && self.state.truth.deleted_at.is_some() {
            return None;
        }
        let rule = self.rules.field(self.key.kind, name);
        let owner = rule.and_then(|it| it.owner).filter(|_| !plant::on(Bug::NobodyOwns));
        let heard: Vec<&Claim> = field.claims.iter().filter(|it| !self.is_settling(name, it)).collect();
        let is_superseded = |claim: &&Claim| heard.iter().any(|it| it.supersedes(claim));
        let (superseded, mut claims): (Vec<&Claim>, Vec<&Claim>) = heard.iter().partition(|it| is_superseded(it));
        if claims.is_empty() {
            // Three or more that supersede each other in a circle: none of them is above the others.
            claims = heard;
        }
        let ground = common_ground(&superseded, &claims).map(|held| told(held, &claims));
        let base = ground.or_else(|| latest_ground(&claims)).unwrap_or(&field.base).clone();
        let mut claims: Vec<Claim> = claims.into_iter().cloned().collect();
        // What somebody changed counts, and not what others held all along.
        if claims.iter().any(|it| !it.is_opening()) {
            claims.retain(|it| !it.is_opening() || Some(it.connection) == owner);
        }
        // The owner's word stands even when it did not move.
        let silent = owner.filter(|owner| claims.iter().all(|it| it.connection != *owner));
        if let Some((owner, standing)) = silent.and_then(|owner| Some((owner, self.standing(owner, name)?))) {
            claims.push(Claim {
                connection: owner,
                was: Some(standing.clone()),
                now: standing,
                changed_at: None,
                version: field.version,
                seen: 0,
                was_of: None,
                passed: Vec::new(),
                filled_in: false,
            });
            claims.sort_by_key(|it| it.connection);
        }
        if claims.is_empty() {
            return None;
        }
        // While the owner has said nothing at all, its policy has nobody to side with: whoever knows the field says it,
        // until the owner speaks. Otherwise an owner that is read last would empty the field everywhere first.
        let spoke = owner.is_none_or(|owner| claims.iter().any(|it| it.connection == owner));
        let policy = rule.and_then(|it| it.policy.clone()).filter(|_| spoke && !plant::on(Bug::NobodyOwns));
        let question = Question { field: name.to_owned(), policy, owner, base, claims };
        let is_opening = question.is_opening();
        Some(Question { policy: question.policy.filter(|_| !is_opening), ..question })
    }

    /// What the owner says of a field without having moved it: what it holds. Where the record vanished there it is what it
    /// said last; and where it holds the truth as it was told it, or is being told it, the truth, for which it may not have the
    /// room.
    pub(super) fn standing(&self, owner: ConnectionId, name: &str) -> Option<Value> {
        let truth = self.state.truth.fields.get(name).filter(|it| it.is_known());
        if self.state.truth.deleted_at == Some(owner) || self.is_gone(owner) {
            return truth.map(|it| it.value.clone());
        }
        let shadow = self.state.shadows.get(&owner).filter(|it| it.exists())?;
        let held = shadow.fields.get(name)?;
        let is_told = |it: &&TruthField| held.seen >= it.version && shadow.want.get(name) == Some(&held.value);
        let told = truth.filter(|it| is_told(it) || self.is_telling(owner, name, it.version));
        Some(told.map_or(&held.value, |it| &it.value).clone())
    }
}

/// What the systems that speak held in common before they moved on: the first value that all of them have passed, and
/// that those they supersede still hold. That it was the truth meanwhile would depend on when each was heard; this does
/// not.
fn common_ground<'a>(superseded: &[&Claim], claims: &[&'a Claim]) -> Option<&'a Value> {
    let is_common = |value: &&Value| {
        claims.iter().all(|it| it.passed.contains(value)) && superseded.iter().all(|it| it.now == **value)
    };
    claims.first()?.passed.iter().find(is_common)
}

/// The truth that was told to the one that knew most of it: where they have nothing in common, the others changed what
/// came before that. It follows from the claims alone, whenever each was heard.
fn latest_ground<'a>(claims: &[&'a Claim]) -> Option<&'a Value> {
    let moved = claims.iter().filter_map(|it| Some((it.seen, Reverse(it.connection), it.was.as_ref()?)));
    let (.., held) = moved.max_by_key(|(seen, connection, _)| (*seen, *connection))?;
    Some(told(held, claims))
}

/// The truth that somebody was told who held this: what has no room for all of it is no reason to forget the rest.
fn told<'a>(held: &'a Value, claims: &[&'a Claim]) -> &'a Value {
    let holders = claims.iter().filter(|it| it.was.as_ref() == Some(held));
    let whole = holders.filter_map(|it| Some((it.seen, it.was_of.as_ref()?)));
    whole.max_by_key(|it| it.0).map_or(held, |it| it.1)
}

/// The same connection moved again before it was told: one claim, from where it started. What it says now is news to
/// everybody, also to those who were told what it said before.
fn continued(mine: Option<Claim>, claim: Claim, version: u64) -> Claim {
    let version = mine.as_ref().filter(|_| plant::on(Bug::SecondChangeIsOld)).map_or(version, |it| it.version);
    let (was, seen, was_of, mut passed) = match mine {
        Some(mine) => (mine.was, mine.seen, mine.was_of, mine.passed),
        None => (claim.was.clone(), claim.seen, claim.was_of.clone(), Vec::new()),
    };
    if let Some(was) = claim.was.clone() {
        passed.retain(|it| *it != was);
        passed.push(was);
    }
    passed.drain(..passed.len().saturating_sub(crate::record::PASSED_MAX));
    Claim { was, version, seen, was_of, passed, ..claim }
}
