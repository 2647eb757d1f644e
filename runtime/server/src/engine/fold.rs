//! From the log to the truth: the only step that changes truths, shadows and debts.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::{Folding, Note, Question, Verdict};
use truthsource_core::record::{Cause, Claim, ConnectionId, Entry, KeyState, RecordKey};
use truthsource_core::{Fields, Kind, UnixMs, Value, schema};
use truthsource_host::{CallError, model};

use super::connections::Parties;
use super::identify::{Identifier, Identity};
use super::{Did, Engine, Error, intent_token, priority};
use crate::store::{Batch, Change, Conflict, Connection, Debt, DebtState, Event, LoggedEntry, What};

/// Folds entries that no fold has taken yet, oldest first, and commits truths, shadows, debts and what happened.
///
/// One at a time per tenant: the caller sees to it.
///
/// # Errors
/// When the store fails, or there is no place for a component to run in. Nothing was folded then.
pub async fn fold(engine: &Engine, parties: &Parties) -> Result<Did, Error> {
    let entries = engine.store.unfolded(engine.pace.fold_max).await?;
    let untold = engine.store.untold(engine.now(), engine.pace.fold_max).await?;
    if entries.is_empty() && untold.is_empty() {
        return Ok(Did::default());
    }
    let handled = entries.len() + untold.len();
    let mut batch = Batch::new(engine.now());
    let at: BTreeMap<u64, UnixMs> = entries.iter().map(|it| (it.seq, it.at)).collect();
    let mut by_key = sort_out(engine, parties, &entries, &mut batch).await?;
    for key in untold {
        by_key.entry(key).or_default();
    }
    let keys: BTreeSet<RecordKey> = by_key.keys().cloned().collect();
    let before = engine.store.states(&keys).await?;
    let debts = index(engine.store.debts_of(&keys).await?);

    let mut folds = Vec::with_capacity(keys.len());
    for (key, entries) in &by_key {
        let mut folding = Folding::new(key, &parties.rules, before.get(key).cloned().unwrap_or_default());
        let (mut cause, mut absorbed) = (None, Vec::new());
        for (seq, entry) in entries {
            let waits = waits_for_outcome(entry, key, &debts);
            if let Some(token) = waits {
                batch.changes.push(Change::Wait { seq: *seq, token });
                continue;
            }
            let at = at.get(seq).copied().unwrap_or(batch.at);
            if folding.lags(entry, at, parties.lag(entry.connection(), key.kind)) {
                look_again(*seq, (key.kind, entry), &mut batch);
                continue;
            }
            folding.absorb(entry, at);
            cause = cause.or(cause_of(entry));
            absorbed.push((*seq, entry));
        }
        let (policies, untold, is_put_off) = Default::default();
        folds.push(Fold { key, folding, cause, absorbed, policies, untold, is_put_off });
    }
    decide(engine, parties, &mut folds).await?;
    let (put_off, mut folds): (Vec<Fold<'_>>, Vec<Fold<'_>>) = folds.into_iter().partition(|it| it.is_put_off);
    for (seq, _) in put_off.into_iter().flat_map(|it| it.absorbed) {
        batch.changes.push(Change::Wait { seq, token: PUT_OFF.to_owned() });
    }
    project(engine, parties, &mut folds).await?;
    for fold in folds {
        conclude(engine, parties, fold, &before, &debts, &mut batch);
    }
    engine.store.commit(batch).await?;
    Ok(Did::some(handled, engine.pace.fold_max))
}

/// Token of entries whose policy could not be asked. Nothing says when it can be: [`take_up`] is called now and then.
const PUT_OFF: &str = "policy";

/// Takes up again what was put off because its policy could not be asked.
///
/// # Errors
/// When the store fails.
pub async fn take_up(engine: &Engine) -> Result<(), Error> {
    let mut batch = Batch::new(engine.now());
    batch.changes.push(Change::Wake { token: PUT_OFF.to_owned() });
    engine.store.commit(batch).await?;
    Ok(())
}

/// One record under the fold.
struct Fold<'a> {
    key: &'a RecordKey,
    folding: Folding<'a>,
    cause: Option<Cause>,
    /// What it takes in, with its place in the log.
    absorbed: Vec<(u64, &'a Entry)>,
    /// Field → the policy that decided it.
    policies: BTreeMap<String, String>,
    /// Connection → why it is not known what its system should hold.
    untold: BTreeMap<ConnectionId, String>,
    /// A policy could not be asked: nothing about the record is decided in this fold.
    is_put_off: bool,
}

type Debts = BTreeMap<(RecordKey, ConnectionId), Debt>;

fn index(debts: Vec<Debt>) -> Debts {
    debts.into_iter().map(|it| ((it.key.clone(), it.connection), it)).collect()
}

/// Finds out which record each entry is about; those that must wait or are dropped are done with.
async fn sort_out(
    engine: &Engine,
    parties: &Parties,
    entries: &[LoggedEntry],
    batch: &mut Batch,
) -> Result<BTreeMap<RecordKey, Vec<(u64, Entry)>>, Error> {
    let mut identifier = Identifier::prepare(engine, parties, entries).await?;
    let mut by_key: BTreeMap<RecordKey, Vec<(u64, Entry)>> = BTreeMap::new();
    for logged in entries {
        match identifier.identify(logged, batch).await? {
            Identity::Known(key, entry) => by_key.entry(key).or_default().push((logged.seq, entry)),
            Identity::Waits(token) => batch.changes.push(Change::Wait { seq: logged.seq, token }),
            Identity::Dropped(reason) => batch.changes.push(Change::Drop { seq: logged.seq, reason }),
        }
    }
    Ok(by_key)
}

/// While it is unknown what became of a write, nothing that its system says can be understood.
fn waits_for_outcome(entry: &Entry, key: &RecordKey, debts: &Debts) -> Option<String> {
    let Entry::Observed { connection, cause, .. } = entry else { return None };
    let open = debts.get(&(key.clone(), *connection)).is_some_and(|it| it.intent.is_some());
    (open && *cause != Cause::Delivery).then(|| intent_token(*connection, key))
}

/// How long after a reading that lags behind the record is read again.
const LOOK_AGAIN_MS: u64 = 1_000;

/// The entry is older news than what is known. It is dropped, so that nothing takes what it says for known, and the
/// record is read again: should it be true after all, it will be once the system's lag has passed.
fn look_again(seq: u64, (kind, entry): (Kind, &Entry), batch: &mut Batch) {
    batch.changes.push(Change::Drop { seq, reason: "it lags behind what is known".to_owned() });
    if let Entry::Observed { connection, cause, observed, .. } = entry {
        let (connection, cause, remote_id) = (*connection, *cause, observed.remote_id().to_owned());
        batch.changes.push(Change::Touch { connection, kind, remote_id: remote_id.clone(), cause });
        let due_at = batch.at.plus(LOOK_AGAIN_MS);
        batch.changes.push(Change::TouchLater { connection, kind, remote_id, due_at });
    }
}

fn cause_of(entry: &Entry) -> Option<Cause> {
    match entry {
        Entry::Observed { cause, .. } => Some(*cause),
        Entry::Wrote { .. } => Some(Cause::Delivery),
        Entry::Settled { .. } => None,
    }
}

/// Puts every question to its policy, round by round until none is left.
async fn decide(engine: &Engine, parties: &Parties, folds: &mut [Fold<'_>]) -> Result<(), Error> {
    loop {
        let mut asked: BTreeMap<Option<String>, Vec<(usize, Question)>> = BTreeMap::new();
        for (at, fold) in folds.iter().enumerate().filter(|(_, it)| !it.is_put_off) {
            for question in fold.folding.questions() {
                asked.entry(question.policy.clone()).or_default().push((at, question));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        for (policy, questions) in asked {
            let answer = match policy {
                Some(slot) => ask(engine, parties, &slot, folds, &questions).await?,
                None => Answer::BuiltIn,
            };
            let (verdicts, policy) = match answer {
                Answer::Decided(verdicts, policy) => (verdicts, policy),
                Answer::BuiltIn => {
                    (questions.iter().map(|(at, it)| built_in(&folds[*at], it)).collect(), String::new())
                }
                Answer::NotNow => {
                    questions.iter().for_each(|(at, _)| folds[*at].is_put_off = true);
                    continue;
                }
            };
            for ((at, question), verdict) in questions.iter().zip(verdicts) {
                let fold = &mut folds[*at];
                fold.policies.insert(question.field.clone(), policy.clone());
                fold.folding.answer(question, verdict);
            }
        }
    }
}

fn built_in(fold: &Fold<'_>, question: &Question) -> Verdict {
    let counter = schema::of(fold.key.kind).field(&question.field).is_some_and(|it| it.counter);
    if counter { Folding::summed(question) } else { fold.folding.newest(question) }
}

/// What asking a policy came to.
enum Answer {
    /// One verdict a question, and the policy's name.
    Decided(Vec<Verdict>, String),
    /// No policy is there to be asked.
    BuiltIn,
    /// It may answer later.
    NotNow,
}

/// Asks the policy in a slot. One that fails for good holds the fields for a person: a broken rule never decides, and
/// never stops other records.
async fn ask(
    engine: &Engine,
    parties: &Parties,
    slot: &str,
    folds: &[Fold<'_>],
    questions: &[(usize, Question)],
) -> Result<Answer, Error> {
    let conflicts: Vec<model::Conflict> =
        questions.iter().map(|(at, question)| conflict_of(parties, folds[*at].key, question)).collect();
    match engine.guests.decide(slot, &conflicts).await {
        Ok(None) => Ok(Answer::BuiltIn),
        Ok(Some(decided)) => {
            Ok(Answer::Decided(decided.decisions.into_iter().map(verdict_of).collect(), decided.policy))
        }
        Err(error @ CallError::Busy { .. }) => Err(error.into()),
        Err(error) if error.is_retryable() => Ok(Answer::NotNow),
        Err(error) => {
            let held = Verdict::Hold(format!("the policy failed: {error}"));
            Ok(Answer::Decided(vec![held; questions.len()], slot.to_owned()))
        }
    }
}

fn conflict_of(parties: &Parties, key: &RecordKey, question: &Question) -> model::Conflict {
    let claim = |it: &Claim| model::Claim {
        connection: parties.name(it.connection),
        rank: parties.rules.rank(it.connection),
        owner: question.owner == Some(it.connection),
        was: it.was.clone().unwrap_or(Value::Null),
        now: it.now.clone(),
        changed_at: it.changed_at,
    };
    model::Conflict {
        kind: key.kind,
        key: key.key.clone(),
        field: question.field.clone(),
        base: question.base.clone(),
        claims: question.claims.iter().map(claim).collect(),
    }
}

fn verdict_of(decision: model::Decision) -> Verdict {
    match decision {
        model::Decision::Take(index) => Verdict::Take(index),
        model::Decision::Merge(value) => Verdict::Merge(value),
        model::Decision::Keep => Verdict::Keep,
        model::Decision::Hold(reason) => Verdict::Hold(reason),
    }
}

/// Asks every connector what its system would hold of the truths. One that fails keeps no other connection waiting, and
/// a record that makes it fail no other record: what it does not say is noted, and asked again later.
async fn project(engine: &Engine, parties: &Parties, folds: &mut [Fold<'_>]) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = folds.iter().map(|it| it.key.kind).collect();
    for kind in kinds {
        for connection in parties.told(kind) {
            let told: Vec<(usize, Fields)> = folds
                .iter()
                .enumerate()
                .filter(|(_, it)| it.key.kind == kind)
                .filter_map(|(at, it)| Some((at, it.folding.tell(connection.id)?)))
                .collect();
            let records: Vec<Fields> = told.iter().map(|(_, fields)| fields.clone()).collect();
            if records.is_empty() {
                continue;
            }
            let wants = match parties.mute.get(&connection.id) {
                Some(reason) => vec![Err(reason.clone()); records.len()],
                None => wants(engine, connection, kind, &records).await?,
            };
            for ((at, _), want) in told.into_iter().zip(wants) {
                match want {
                    Ok(want) => folds[at].folding.projected(connection.id, want),
                    Err(reason) => drop(folds[at].untold.insert(connection.id, reason)),
                }
            }
        }
    }
    Ok(())
}

/// One record that makes a connector fail is found among [`Pace::fold_max`](super::Pace) by halving in ten calls that
/// fail. Where more fail than that, the rest is not asked about: each such call may cost all that a call may cost.
const FAILED_CALLS_MAX: u32 = 12;

/// What the connection's system would hold of each record, or why that is not known.
async fn wants(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Fields, String>>, Error> {
    let (mut parts, mut wants) = (vec![records], Vec::with_capacity(records.len()));
    let mut failed = None;
    let mut failed_calls = 0;
    while let Some(part) = parts.pop() {
        if let Some(reason) = failed.as_ref().filter(|_| failed_calls >= FAILED_CALLS_MAX) {
            wants.extend(vec![Err(String::clone(reason)); part.len()]);
            continue;
        }
        match engine.guests.project(connection, kind, part).await {
            Ok(told) => wants.extend(told.into_iter().map(Ok)),
            Err(error @ CallError::Busy { .. }) => return Err(error.into()),
            Err(error) => {
                failed_calls += 1;
                if part.len() > 1 && is_about_input(&error) {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                } else {
                    wants.extend(vec![Err(error.to_string()); part.len()]);
                }
                failed = Some(error.to_string());
            }
        }
    }
    Ok(wants)
}

/// The call may succeed with other records.
fn is_about_input(error: &CallError) -> bool {
    !error.is_retryable() || matches!(error, CallError::OutOfTime { .. })
}

/// Writes down what the fold came to.
fn conclude(
    engine: &Engine,
    parties: &Parties,
    fold: Fold<'_>,
    before: &BTreeMap<RecordKey, KeyState>,
    debts: &Debts,
    batch: &mut Batch,
) {
    let Fold { key, folding, cause, absorbed, policies, untold, .. } = fold;
    for (seq, entry) in absorbed {
        batch.changes.push(Change::Folded { seq, key: key.key.clone(), entry: entry.clone() });
    }
    let nothing = KeyState::default();
    let before = before.get(key).unwrap_or(&nothing);
    for connection in parties.rules.connections.keys() {
        match untold.get(connection) {
            Some(reason) => ask_again(engine, key, *connection, (&folding, reason), debts, batch),
            None => settle_debt(parties, key, *connection, &folding, debts, batch),
        }
    }
    let (after, notes) = folding.finish();
    for (connection, shadow) in &after.shadows {
        if before.shadows.get(connection) != Some(shadow) {
            let shadow = shadow.clone();
            batch.changes.push(Change::Shadow { key: key.clone(), connection: *connection, shadow });
        }
    }
    if before.truth != after.truth {
        let natural = schema::of(key.kind).natural_key(&after.truth.values());
        batch.changes.push(Change::Truth { key: key.clone(), truth: after.truth.clone(), natural });
    }
    tell_story(parties, key, (before, &after), (notes, cause, &policies), batch);
}

fn settle_debt(
    parties: &Parties,
    key: &RecordKey,
    connection: ConnectionId,
    folding: &Folding<'_>,
    debts: &Debts,
    batch: &mut Batch,
) {
    let owed = folding.owed(connection, &parties.power(connection, key.kind));
    let present = debts.get(&(key.clone(), connection));
    match (owed, present) {
        (None, None) => {}
        // What was begun must be brought to an end, whatever is owed now.
        (None, Some(debt)) if debt.intent.is_some() => {}
        (None, Some(debt)) => batch.changes.push(Change::Paid(debt.clone())),
        (Some(_), present) => {
            let attempts = present.filter(|it| it.state != DebtState::Untold).map_or(0, |it| it.attempts);
            let owed = owe(key, connection, folding, batch.at);
            batch.changes.push(Change::Owe(Debt { attempts, ..owed }));
        }
    }
}

fn owe(key: &RecordKey, connection: ConnectionId, folding: &Folding<'_>, at: UnixMs) -> Debt {
    Debt {
        connection,
        key: key.clone(),
        truth_version: folding.state().truth.version,
        priority: priority(key.kind),
        due_at: at,
        since: at,
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent: None,
    }
}

/// What the system should hold is not known: its connector is asked again later, and a person when it keeps failing.
fn ask_again(
    engine: &Engine,
    key: &RecordKey,
    connection: ConnectionId,
    (folding, reason): (&Folding<'_>, &str),
    debts: &Debts,
    batch: &mut Batch,
) {
    let present = debts.get(&(key.clone(), connection));
    let owed = owe(key, connection, folding, batch.at);
    let is_begun = present.is_some_and(|it| it.intent.is_some());
    let is_given_up = present.is_some_and(|it| it.state == DebtState::Parked && it.truth_version >= owed.truth_version);
    // The fold of what became of the write asks again.
    if is_begun || is_given_up {
        return;
    }
    let attempts = present.filter(|it| it.state == DebtState::Untold).map_or(0, |it| it.attempts) + 1;
    let error = format!("it is not known what the system should hold: {reason}");
    let is_spent = engine.pace.retry.is_spent(attempts);
    let (state, what) = match is_spent {
        true => (DebtState::Parked, What::Parked { error: error.clone() }),
        false => (DebtState::Untold, What::Failed { error: error.clone(), attempts }),
    };
    let wait_ms = engine.pace.retry.wait_ms(attempts, None, engine.draw, &key.to_string());
    let (at, due_at) = (batch.at, batch.at.plus(wait_ms));
    batch.changes.push(Change::Event(Event { id: 0, at, key: key.clone(), connection: Some(connection), what }));
    batch.changes.push(Change::Owe(Debt { attempts, state, due_at, last_error: Some(error), ..owed }));
}

/// The record's timeline and conflicts.
fn tell_story(
    parties: &Parties,
    key: &RecordKey,
    (before, after): (&KeyState, &KeyState),
    (notes, cause, policies): (Vec<Note>, Option<Cause>, &BTreeMap<String, String>),
    batch: &mut Batch,
) {
    let at = batch.at;
    let event = |connection, what| Change::Event(Event { id: 0, at, key: key.clone(), connection, what });
    for note in notes {
        match note {
            Note::Moved(connection, moved) => {
                let cause = cause.unwrap_or(Cause::Poll);
                let what = What::Observed { cause, moved, changed_at: None };
                batch.changes.push(event(Some(connection), what));
            }
            Note::Vanished(connection, deletes) => {
                batch.changes.push(event(Some(connection), What::Vanished));
                if !deletes {
                    let reason = "it was deleted there, but not where it counts: recreate it or delete it everywhere";
                    let claims = [(parties.name(connection), Value::Null)].into();
                    batch.changes.push(conflict(at, key, "*", (claims, None), (reason, "")));
                }
            }
            Note::Disagreed { field, claims, outcome, reason } => {
                let claims = claims.into_iter().map(|it| (parties.name(it.connection), it.now)).collect();
                let policy = policies.get(&field).map_or("", String::as_str);
                let what = What::Decided {
                    field: field.clone(),
                    outcome: outcome.as_ref().map_or("held".to_owned(), |it| it.to_json().to_string()),
                    policy: policy.to_owned(),
                };
                batch.changes.push(event(None, what));
                batch.changes.push(conflict(at, key, &field, (claims, outcome), (&reason, policy)));
            }
            Note::Settled(field, outcome, reason) => {
                let key = key.clone();
                batch.changes.push(Change::ConflictClosed { key, field, outcome, reason });
            }
        }
    }
    let old = before.truth.values();
    let fields: Fields =
        after.truth.values().into_iter().filter(|(name, value)| old.get(name) != Some(value)).collect();
    if !fields.is_empty() {
        batch.changes.push(event(None, What::Resolved { version: after.truth.version, fields }));
    }
}

fn conflict(
    at: UnixMs,
    key: &RecordKey,
    field: &str,
    (claims, outcome): (BTreeMap<String, Value>, Option<Value>),
    (reason, policy): (&str, &str),
) -> Change {
    Change::Conflict(Conflict {
        id: 0,
        at,
        key: key.clone(),
        field: field.to_owned(),
        claims,
        outcome,
        reason: reason.to_owned(),
        policy: policy.to_owned(),
    })
}

#[cfg(test)]
mod tests;
