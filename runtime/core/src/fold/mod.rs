//! From what systems say to one truth, and from the truth to what is owed: one record at a time.
//!
//! A [`Folding`] takes the record's state and the entries that no fold has taken yet. It absorbs each entry into the
//! shadow of its connection; whatever moved there becomes a *claim*. Claims that did not know of each other are put to
//! the field's policy as a set, so that it does not matter in which order or how often they arrive (promise P8). The
//! caller asks the policies, because they are components; everything else happens here.
//!
//! A claim is news to a connection until the connection is told the truth that came of it, or agrees with it on its
//! own. A claim made in knowledge of others supersedes them; one made in ignorance competes with them.

mod circles;
mod claims;
mod counter;
mod lag;
mod owed;
mod refused;
mod review;
mod ruling;
mod taken;
mod telling;
mod vanished;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::plant::{self, Bug};
use crate::record::{
    Cause, Claim, ConnectionId, Entry, Fresh, HeldField, KeyState, Observed, RecordKey, Settlement, Shadow, State,
    TruthField,
};
use crate::rules::Rules;
use crate::stock::Supply;
use crate::{Decimal, Fields, UnixMs, Value, schema};

pub use lag::{LAG_MS_MAX, Lag};
pub use owed::{Owed, Power};
pub use ruling::{Answer, Hear, Misfit, Projection, Ruling, Terms, Void, unlinked};
pub use taken::{FOLLOWS_MS, taken};
pub use telling::Telling;

/// A fold under way.
#[derive(Debug, Clone)]
pub struct Folding<'a> {
    key: &'a RecordKey,
    rules: &'a Rules,
    state: KeyState,
    /// Fields whose claims moved and that no policy has been asked about yet.
    open: BTreeSet<String>,
    /// Moves of counters that are not counted yet: field → connection → (before, now).
    moves: BTreeMap<String, BTreeMap<ConnectionId, (Value, Value)>>,
    /// The version that the truth has after this fold, if anything moved.
    version: u64,
    notes: Vec<Note>,
    /// What is decided, for whoever folds again.
    ruling: Ruling,
    /// Every question so far had one claim, and that was taken.
    is_plain: bool,
    /// What was decided before of each field that is only decided again: its value, and why it was held.
    before: BTreeMap<String, (Value, Option<String>)>,
    /// What other records say about the stock of this one.
    supply: Supply,
}

/// Something that a fold found out, for the record's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A connection holds other values than before.
    Moved(ConnectionId, BTreeMap<String, (Option<Value>, Value)>),
    /// The record vanished at a connection; `true` if that deletes it for everybody.
    Vanished(ConnectionId, bool),
    /// Several systems disagreed, or one spoke against the owner.
    Disagreed {
        /// The field.
        field: String,
        /// What each side said.
        claims: Vec<Claim>,
        /// What the truth became; `None` while a person must decide.
        outcome: Option<Value>,
        /// Why, for people.
        reason: String,
    },
    /// A person settled a field.
    Settled(String, Value, String),
}

/// A field that a policy must decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The field.
    pub field: String,
    /// The policy's slot; `None`: the built-in rule, [`Folding::newest`].
    pub policy: Option<String>,
    /// The connection that owns the field, if one does.
    pub owner: Option<ConnectionId>,
    /// What the claims have in common: what all systems held before some moved on, else what the one of them held that
    /// knew most of the truth, else the truth before the claims.
    pub base: Value,
    /// The claims, at least one, ordered by connection.
    pub claims: Vec<Claim>,
}

impl Question {
    /// Nobody changed anything: the systems differ as they did when each was first seen. When that was is no reason
    /// to prefer one, so that no policy is asked: what a shop fills in by itself for a record that is new to it (a
    /// price of nothing) is the newest of all.
    #[must_use]
    pub fn is_opening(&self) -> bool {
        self.owner.is_none() && self.claims.iter().all(Claim::is_opening)
    }
}

/// A policy's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The claim at this index is the truth.
    Take(usize),
    /// This value is the truth.
    Merge(Value),
    /// The truth stays what it was.
    Keep,
    /// A person must decide.
    Hold(String),
}

impl<'a> Folding<'a> {
    /// Begins with what is known about the record.
    #[must_use]
    pub fn new(key: &'a RecordKey, rules: &'a Rules, state: KeyState) -> Self {
        let version = state.truth.version + 1;
        let (open, moves, notes, ruling, before, supply) = Default::default();
        Self { key, rules, state, open, moves, version, notes, ruling, is_plain: true, before, supply }
    }

    /// Takes one entry, which was logged at `at`. Older news than what is known changes nothing.
    pub fn absorb(&mut self, entry: &Entry, at: UnixMs) {
        self.decide_again();
        match entry {
            Entry::Observed { connection, as_of, observed, tried, cause } => match observed {
                Observed::Present(state) => {
                    self.refresh(*connection, *as_of, |known| Fresh::read((state, tried), at, known));
                    self.present((*connection, *as_of), state, at);
                    // What it was being told, and the owner stood by meanwhile, was not written.
                    if *cause == Cause::Delivery {
                        state.fields.iter().for_each(|(name, value)| self.owner_holds(*connection, name, value));
                    }
                }
                Observed::Absent(_) if self.vanishes(entry) => self.absent(*connection, *as_of),
                Observed::Absent(_) => {}
            },
            Entry::Wrote { connection, as_of, sent, truth_version, of, sent_at, state } => {
                self.refresh(*connection, *as_of, |known| Fresh::written((state, sent), (at, *sent_at), known));
                self.wrote((*connection, *as_of), (sent, of, *truth_version), state, at);
                self.count_repetitions(*connection, sent, at);
            }
            Entry::Moved { connection, as_of, by, sent_at, .. } => {
                self.carried(*connection, *as_of, by, (at, *sent_at))
            }
            Entry::Settled { what: Settlement::Field { field, value }, by } => self.settled(field, value, by),
            Entry::Settled { what: Settlement::Deleted(connection), by } => self.deleted(*connection, by),
            Entry::Settled { what: Settlement::Recreated(connection), .. } => self.recreated(*connection),
        }
    }

    /// What must be decided now. Answer each with [`Folding::answer`], then ask again: an answer can raise a new
    /// question. Empty when all is decided.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        let claimed = self.open.iter().filter_map(|field| self.claimed(field));
        claimed.chain(self.counted()).collect()
    }

    /// Settles a question. An answer against the owner of the field is not accepted: the field is held for a person
    /// (promise P3).
    pub fn answer(&mut self, question: &Question, verdict: Verdict) {
        self.note_answer(question, &verdict);
        if self.moves.contains_key(&question.field) && !self.open.contains(&question.field) {
            self.count(question, verdict);
            return;
        }
        self.open.remove(&question.field);
        let verdict = if plant::on(Bug::LastHeardWins) { last_heard(question) } else { verdict };
        let is_known = self.state.truth.fields.get(&question.field).is_some_and(TruthField::is_known);
        let (value, hold) = match verdict {
            Verdict::Take(index) => match question.claims.get(index) {
                Some(claim) => (Some(claim.now.clone()), None),
                None => (None, Some("the policy chose a claim that is not there".to_owned())),
            },
            Verdict::Merge(value) => (Some(value), None),
            Verdict::Keep if is_known => (Some(question.base.clone()), None),
            // To keep what was never known would be to make something up: "known to be empty" is a value like others.
            Verdict::Keep => (None, Some("the policy keeps a truth that is not there yet".to_owned())),
            Verdict::Hold(reason) => (is_known.then(|| question.base.clone()), Some(reason)),
        };
        let (value, hold) = self.guard_owner(question, value, hold);
        if self.is_news(&question.field, value.as_ref(), hold.as_ref()) {
            self.note_disagreement(question, value.as_ref(), hold.as_ref());
        }
        let Some(field) = self.state.truth.fields.get_mut(&question.field) else { return };
        if let Some(value) = value {
            if field.value != value || !field.is_known() {
                field.version = self.version;
                self.state.truth.version = self.version;
            }
            field.value = value;
        }
        if !field.loops {
            field.held = hold;
        }
        self.note_release(&question.field);
    }

    /// The built-in rule: the owner's word, else the newest claim; a tie goes to the higher authority, then to the
    /// larger value, so that the outcome depends on the set of claims alone. When systems meet, the higher authority
    /// counts from the start, unless it holds nothing, zero, or an empty list in what we created there, as systems do where
    /// nobody has said anything: a shop gives a product that is made there a price of nothing.
    #[must_use]
    pub fn newest(&self, question: &Question) -> Verdict {
        let is_opening = question.is_opening();
        let rank = |claim: &Claim| {
            let owner = Some(claim.connection) == question.owner;
            let authority = std::cmp::Reverse(self.rules.rank(claim.connection));
            let opening = is_opening.then(|| (!is_blank(claim), authority));
            (owner, opening, claim.changed_at, authority, claim.now.clone())
        };
        let best = question.claims.iter().enumerate().max_by_key(|(_, claim)| rank(claim));
        best.map_or(Verdict::Keep, |(index, _)| Verdict::Take(index))
    }

    /// Anything moved: the truth has a new version.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.state.truth.version == self.version
    }

    /// The record's key.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        self.key
    }

    /// The record as it stands.
    #[must_use]
    pub fn state(&self) -> &KeyState {
        &self.state
    }

    /// What the fold found out, and the state it leaves.
    #[must_use]
    pub fn finish(self) -> (KeyState, Vec<Note>) {
        (self.state, self.notes)
    }

    fn refresh(&mut self, connection: ConnectionId, as_of: u64, fresh: impl FnOnce(&Shadow) -> Fresh) {
        let shadow = self.state.shadows.entry(connection).or_default();
        if as_of >= shadow.as_of {
            shadow.fresh = Some(fresh(shadow));
        }
    }

    /// A connection holds this; it was logged at `at`. A change is never younger than that, whatever the system's clock
    /// says.
    fn present(&mut self, (connection, as_of): (ConnectionId, u64), state: &State, at: UnixMs) {
        let shadow = self.state.shadows.entry(connection).or_default();
        if as_of < shadow.as_of {
            return;
        }
        shadow.as_of = as_of;
        shadow.gone = false;
        shadow.remote_id.clone_from(&state.remote_id);
        shadow.version.clone_from(&state.version);
        match (&mut shadow.unmapped.held, &state.unmapped) {
            // A reading may say less than the one before.
            (Some(held), Some(now)) => held.extend(now.clone()),
            (held, now) => held.clone_from(now),
        }
        if self.state.truth.deleted_at == Some(connection) {
            self.state.truth.deleted_at = None;
        }
        let (is_made, mut moved) = (shadow.made, BTreeMap::new());
        for (name, now) in &state.fields {
            let shadow = self.state.shadows.entry(connection).or_default();
            let held = shadow.fields.get(name);
            let (was, seen) = (held.map(|it| it.value.clone()), held.map_or(0, |it| it.seen));
            if was.as_ref() == Some(now) {
                continue;
            }
            let was_of = held.and_then(|it| it.of.clone());
            shadow.fields.insert(name.clone(), HeldField { value: now.clone(), seen, of: None });
            moved.insert(name.clone(), (was.clone(), now.clone()));
            let (changed_at, now) = (state.changed_at.map(|it| it.min(at)), now.clone());
            let filled_in = is_made && was.is_none();
            let of_schema = schema::of(self.key.kind).field(name).filter(|_| filled_in);
            let was = was.or_else(|| of_schema.and_then(|it| it.made_with(&now)));
            let (version, passed) = (0, Vec::new());
            self.claim(
                name,
                seen,
                Claim { connection, was, now, changed_at, version, seen, was_of, passed, filled_in },
            );
        }
        if !moved.is_empty() {
            self.notes.push(Note::Moved(connection, moved));
        }
    }

    /// To absorb this would make the record vanish at its connection.
    #[must_use]
    pub fn vanishes(&self, entry: &Entry) -> bool {
        let Entry::Observed { connection, as_of, observed: Observed::Absent(remote_id), .. } = entry else {
            return false;
        };
        let is_known = |it: &Shadow| *as_of >= it.as_of && it.exists() && it.remote_id == *remote_id;
        self.shadow(*connection).is_some_and(is_known)
    }

    /// The id of the record that vanished there was given again: what has it now bears another name.
    #[must_use]
    pub fn is_given_again(&self, entry: &Entry) -> bool {
        let Entry::Observed { connection, observed: Observed::Present(state), .. } = entry else { return false };
        let is_it = |it: &Shadow| it.gone && it.remote_id == state.remote_id;
        if !self.shadow(*connection).is_some_and(is_it) {
            return false;
        }
        let name = |fields: &Fields| schema::of(self.key.kind).natural_key(fields);
        let (was, now) = (name(&self.state.truth.values()), name(&state.fields));
        was.is_some() && now.is_some() && was != now
    }

    /// The record is not there any more.
    fn absent(&mut self, connection: ConnectionId, as_of: u64) {
        let shadow = self.state.shadows.entry(connection).or_default();
        shadow.as_of = as_of;
        (shadow.gone, shadow.made) = (true, false);
        shadow.fields.clear();
        shadow.unmapped.held = None;
        shadow.version.clear();
        let deletes = self.rules.rank(connection) == 0 && !self.is_anothers(connection);
        self.notes.push(Note::Vanished(connection, deletes));
        self.touch();
        if deletes {
            self.state.truth.deleted_at = Some(connection);
            if let Some(active) = self.state.truth.fields.get_mut("active") {
                active.value = Value::Flag(false);
                active.version = self.version;
            }
        }
    }

    fn wrote(
        &mut self,
        (connection, as_of): (ConnectionId, u64),
        (sent, of, told): (&Fields, &Fields, u64),
        state: &State,
        at: UnixMs,
    ) {
        let shadow = self.state.shadows.entry(connection).or_default();
        if as_of < shadow.as_of {
            return;
        }
        shadow.made |= !shadow.exists();
        for (name, value) in sent.iter().filter(|_| !plant::on(Bug::IgnoreEcho)) {
            shadow
                .fields
                .insert(name.clone(), HeldField { value: value.clone(), seen: told, of: of.get(name).cloned() });
            // It was told what came of its claim: the claim is settled.
            if let Some(field) = self.state.truth.fields.get_mut(name) {
                let claims = field.claims.len();
                field.claims.retain(|it| it.connection != connection || it.version > told);
                // What was decided after that had no business to hear it.
                let is_heard = field.claims.len() < claims && field.version > told && !field.claims.is_empty();
                let is_counter = schema::of(self.key.kind).field(name).is_some_and(|it| it.counter);
                if is_heard && !is_counter && !field.settled && !field.loops {
                    self.open.insert(name.clone());
                }
            }
        }
        sent.iter().for_each(|(name, value)| self.owner_holds(connection, name, value));
        self.present((connection, as_of), state, at);
    }

    /// A write that was decided before the connection owned the field left something else there than the truth is, or came
    /// to nothing: what the owner holds stands, as it would have to be written to once more otherwise (promise P3).
    fn owner_holds(&mut self, connection: ConnectionId, name: &str, value: &Value) {
        let kind = self.key.kind;
        let is_counter = schema::of(kind).field(name).is_some_and(|it| it.counter);
        let is_owner = self.rules.field(kind, name).is_some_and(|it| it.owner == Some(connection));
        let truth = self.state.truth.fields.get(name).filter(|it| it.is_known() && !it.loops && !it.settled);
        if is_owner && !is_counter && truth.is_some_and(|it| it.value != *value) {
            self.open.insert(name.to_owned());
        }
    }

    fn settled(&mut self, name: &str, value: &Value, by: &str) {
        self.touch();
        let Some(field) = self.state.truth.fields.get_mut(name) else { return };
        field.value = value.clone();
        field.base = value.clone();
        field.version = self.version;
        field.claims.clear();
        (field.held, field.loops, field.refused, field.settled) = (None, false, false, true);
        self.state.shadows.values_mut().for_each(|it| it.sent.clear());
        self.open.remove(name);
        self.before.remove(name);
        self.notes.push(Note::Settled(name.to_owned(), value.clone(), by.to_owned()));
    }

    fn touch(&mut self) {
        self.state.truth.version = self.version;
    }

    fn guard_owner(
        &self,
        question: &Question,
        value: Option<Value>,
        hold: Option<String>,
    ) -> (Option<Value>, Option<String>) {
        let owner = question.owner.and_then(|owner| question.claims.iter().find(|it| it.connection == owner));
        match owner {
            Some(owner) if hold.is_none() && Some(&owner.now) != value.as_ref() => {
                (Some(owner.now.clone()), Some("the policy decided against the owner of the field".to_owned()))
            }
            _ => (value, hold),
        }
    }

    fn note_disagreement(&mut self, question: &Question, value: Option<&Value>, hold: Option<&String>) {
        let overruled = question.claims.iter().any(|it| Some(&it.now) != value);
        let names: Vec<&Claim> = question.claims.iter().collect();
        if !overruled && hold.is_none() || names.is_empty() {
            return;
        }
        let reason = hold.cloned().unwrap_or_else(|| match question.owner {
            Some(_) => "the field has an owner".to_owned(),
            None if question.is_opening() => "they differed when they met; the highest authority counts".to_owned(),
            None if question.claims.len() > 1 => "several systems moved it".to_owned(),
            None => "the policy overruled it".to_owned(),
        });
        self.notes.push(Note::Disagreed {
            field: question.field.clone(),
            claims: question.claims.clone(),
            outcome: value.filter(|_| hold.is_none()).cloned(),
            reason,
        });
    }

    fn shadow(&self, connection: ConnectionId) -> Option<&Shadow> {
        self.state.shadows.get(&connection)
    }
}

/// What a system holds where nobody has said anything. An empty list may well be said.
fn is_blank(claim: &Claim) -> bool {
    match &claim.now {
        Value::Null => true,
        Value::Number(number) => *number == Decimal::ZERO,
        Value::Rows(rows) => rows.is_empty() && claim.filled_in,
        Value::Text(_) | Value::Flag(_) => false,
    }
}

/// What [`Bug::LastHeardWins`] does.
fn last_heard(question: &Question) -> Verdict {
    let last = question.claims.iter().enumerate().max_by_key(|(_, claim)| claim.version);
    last.map_or(Verdict::Keep, |(index, _)| Verdict::Take(index))
}

#[cfg(test)]
mod tests;
