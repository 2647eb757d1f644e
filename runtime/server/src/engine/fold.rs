//! From the log to the truth: the only step that changes truths, shadows and debts.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::{Folding, Note, Question, Verdict};
use truthsource_core::record::{Cause, Claim, ConnectionId, Entry, KeyState, RecordKey};
use truthsource_core::{Fields, Kind, UnixMs, Value, schema};
use truthsource_host::model;

use super::connections::Parties;
use super::identify::{Identifier, Identity};
use super::{Did, Engine, Error, intent_token, priority};
use crate::store::{Batch, Change, Conflict, Debt, DebtState, Event, LoggedEntry, What};

/// Folds entries that no fold has taken yet, oldest first, and commits truths, shadows, debts and what happened.
///
/// One at a time per tenant: the caller sees to it.
///
/// # Errors
/// When the store fails, or a policy cannot be asked right now. Nothing was folded then.
pub async fn fold(engine: &Engine, parties: &Parties) -> Result<Did, Error> {
    let entries = engine.store.unfolded(engine.pace.fold_max).await?;
    if entries.is_empty() {
        return Ok(Did::default());
    }
    let mut batch = Batch::new(engine.now());
    let at: BTreeMap<u64, UnixMs> = entries.iter().map(|it| (it.seq, it.at)).collect();
    let by_key = sort_out(engine, parties, &entries, &mut batch).await?;
    let keys: BTreeSet<RecordKey> = by_key.keys().cloned().collect();
    let before = engine.store.states(&keys).await?;
    let debts = index(engine.store.debts_of(&keys).await?);

    let mut folds = Vec::with_capacity(keys.len());
    for (key, entries) in &by_key {
        let mut folding = Folding::new(key, &parties.rules, before.get(key).cloned().unwrap_or_default());
        let mut cause = None;
        for (seq, entry) in entries {
            let waits = waits_for_outcome(entry, key, &debts);
            if let Some(token) = waits {
                batch.changes.push(Change::Wait { seq: *seq, token });
                continue;
            }
            folding.absorb(entry, at.get(seq).copied().unwrap_or(batch.at));
            cause = cause.or(cause_of(entry));
            batch.changes.push(Change::Folded { seq: *seq, key: key.key.clone(), entry: entry.clone() });
        }
        folds.push(Fold { key, folding, cause, policies: BTreeMap::new() });
    }
    decide(engine, parties, &mut folds).await?;
    project(engine, parties, &mut folds).await?;
    for fold in folds {
        conclude(parties, fold, &before, &debts, &mut batch);
    }
    engine.store.commit(batch).await?;
    Ok(Did::some(entries.len(), engine.pace.fold_max))
}

/// One record under the fold.
struct Fold<'a> {
    key: &'a RecordKey,
    folding: Folding<'a>,
    cause: Option<Cause>,
    /// Field → the policy that decided it.
    policies: BTreeMap<String, String>,
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
        for (at, fold) in folds.iter().enumerate() {
            for question in fold.folding.questions() {
                asked.entry(question.policy.clone()).or_default().push((at, question));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        for (policy, questions) in asked {
            let (verdicts, policy) = match policy {
                Some(slot) => ask(engine, parties, &slot, folds, &questions).await?,
                None => (None, String::new()),
            };
            for (n, (at, question)) in questions.iter().enumerate() {
                let fold = &mut folds[*at];
                let verdict = verdicts.as_ref().and_then(|it| it.get(n).cloned());
                let verdict = verdict.unwrap_or_else(|| built_in(fold, question));
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

/// The policy's verdicts and its name; no verdicts when the slot is empty. A policy that fails for good holds the
/// fields for a person: a broken rule never decides, and never stops other records.
async fn ask(
    engine: &Engine,
    parties: &Parties,
    slot: &str,
    folds: &[Fold<'_>],
    questions: &[(usize, Question)],
) -> Result<(Option<Vec<Verdict>>, String), Error> {
    let conflicts: Vec<model::Conflict> =
        questions.iter().map(|(at, question)| conflict_of(parties, folds[*at].key, question)).collect();
    match engine.guests.decide(slot, &conflicts).await {
        Ok(None) => Ok((None, String::new())),
        Ok(Some(decided)) => {
            let verdicts = decided.decisions.into_iter().map(verdict_of).collect();
            Ok((Some(verdicts), decided.policy))
        }
        Err(error) if error.is_retryable() => Err(error.into()),
        Err(error) => {
            let held = Verdict::Hold(format!("the policy failed: {error}"));
            Ok((Some(vec![held; questions.len()]), slot.to_owned()))
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

/// Asks every connector what its system would hold of the truths.
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
            let wants = engine.guests.project(connection, kind, &records).await?;
            for ((at, _), want) in told.into_iter().zip(wants) {
                folds[at].folding.projected(connection.id, want);
            }
        }
    }
    Ok(())
}

/// Writes down what the fold came to.
fn conclude(
    parties: &Parties,
    fold: Fold<'_>,
    before: &BTreeMap<RecordKey, KeyState>,
    debts: &Debts,
    batch: &mut Batch,
) {
    let Fold { key, folding, cause, policies } = fold;
    let nothing = KeyState::default();
    let before = before.get(key).unwrap_or(&nothing);
    for connection in parties.rules.connections.keys() {
        settle_debt(parties, key, *connection, &folding, debts, batch);
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
        (None, Some(_)) => batch.changes.push(Change::Paid { connection, key: key.clone() }),
        (Some(_), present) => batch.changes.push(Change::Owe(Debt {
            connection,
            key: key.clone(),
            truth_version: folding.state().truth.version,
            priority: priority(key.kind),
            due_at: batch.at,
            since: batch.at,
            attempts: present.map_or(0, |it| it.attempts),
            state: DebtState::Due,
            last_error: None,
            intent: None,
        })),
    }
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
