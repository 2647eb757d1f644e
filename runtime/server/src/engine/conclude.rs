//! What became of writes, written down.

use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{Cause, ConnectionId, Entry, Observed, RecordKey, State};
use truthsource_core::{Fields, Kind, schema};
use truthsource_host::model::{Outcome, Rejection};

use super::address::Links;
use super::carried::Carried;
use super::deliver::{Ready, Sent};
use super::lane::Lane;
use super::token::Token;
use super::{Engine, Error, apply, twins};
use crate::store::{Batch, Change, Debt, DebtState, Event, Intent, LoggedRuling, PlanOutcome, What};

/// How often a write that its system said was carried out, and that left something as it was, is looked up and sent once
/// more. Some systems take whatever is written to them, and keep what they have: that is for a person then.
pub(super) const ACCEPTED_MAX: u32 = 4;

/// The system was out of reach, and that is not the write's fault: it waits for its turn without having failed.
pub(super) fn put_back(ready: Ready, batch: &mut Batch) {
    let Ready { debt, intent, open, .. } = ready;
    if !open {
        batch.changes.push(Token::Outcome(debt.connection, debt.key.clone()).wake());
    }
    let debt = Debt { intent: open.then_some(intent), ..debt };
    batch.changes.push(Change::Debt { debt, token: None });
}

/// Writes down what became of writes, in one commit.
pub(super) async fn conclude_all(
    engine: &Engine,
    lane: &Lane,
    concluded: Vec<(Ready, Outcome)>,
    sent: Sent,
    mut batch: Batch,
) -> Result<(), Error> {
    let state = |outcome| match outcome {
        &Outcome::Applied(ref state) | &Outcome::Stale(Observed::Present(ref state)) => Some(&state.fields),
        _ => None,
    };
    let states = concluded.iter().filter_map(|(ready, it)| Some((ready.debt.key.kind, state(it)?)));
    let links = Links::from(engine, lane.connection.id, states).await?;
    let created = concluded.iter().map(|(it, _)| it).filter(|it| it.intent.remote_id.is_none());
    let there = twins::there(engine, lane.connection.id, created.map(|it| &it.debt.key)).await?;
    let bearers = twins::bearers(engine, lane.connection.id, &concluded).await?;
    let is_all = concluded.iter().all(|(_, it)| matches!(it, Outcome::Applied(_)));
    let mut carried = Carried::default();
    for (ready, outcome) in concluded {
        let outcome = if is_all { outcome } else { planted(&ready, outcome) };
        if let Some(two) = twins::made_twice(&ready, &outcome, &there) {
            twins::ask(lane.connection.name.clone(), ready, two, &mut batch);
            continue;
        }
        let outcome = twins::kept_out(&ready, &outcome, &bearers).unwrap_or(outcome);
        carried.note(&links, &ready, &outcome);
        let again = if is_all { None } else { sent_again(&ready, &outcome, &links) };
        conclude(engine, (lane, &links), ready, (outcome, sent), &mut batch);
        batch.changes.extend(again.map(|debt| Change::Debt { debt, token: None }));
    }
    carried.append(engine, lane.connection.id, sent, &mut batch).await?;
    engine.store.commit(batch).await?;
    Ok(())
}

/// What planted bugs make of an outcome of a call in which not everything was carried out.
fn planted(ready: &Ready, outcome: Outcome) -> Outcome {
    let write = &ready.write.write;
    match outcome {
        Outcome::Unknown(error) if plant::on(Bug::TimeoutIsFailure) => Outcome::Retry(None, error),
        Outcome::Unknown(_) if plant::on(Bug::TimeoutIsSuccess) => Outcome::Applied(State {
            remote_id: write.remote_id.clone().unwrap_or_else(|| write.command_key.clone()),
            version: write.base_version.clone(),
            command_key: None,
            changed_at: None,
            fields: write.want.clone(),
            unmapped: None,
        }),
        Outcome::Applied(_) if plant::on(Bug::OneFailsAll) => {
            let (code, message) = ("one-failed".to_owned(), "another write of the call failed".to_owned());
            Outcome::Rejected(Rejection { code, message, field: None })
        }
        outcome => outcome,
    }
}

/// What planted bugs send next, of a call in which not everything was carried out.
fn sent_again(ready: &Ready, outcome: &Outcome, links: &Links) -> Option<Debt> {
    if !plant::on(Bug::RefreshBase) && !plant::on(Bug::UndoTheOthers) {
        return None;
    }
    let (Outcome::Applied(state) | Outcome::Stale(Observed::Present(state))) = outcome else { return None };
    let base = links.canonical(ready.debt.key.kind, state.clone()).fields;
    let was = ready.intent.clone();
    let intent = match outcome {
        Outcome::Stale(_) if plant::on(Bug::RefreshBase) => Intent { base, base_version: state.version.clone(), ..was },
        Outcome::Applied(_) if plant::on(Bug::UndoTheOthers) && was.remote_id.is_some() => {
            let (op_id, version) = (format!("undo-{}", was.op_id), was.truth_version.saturating_sub(1));
            Intent { op_id, truth_version: version, want: was.base.clone(), base, ..was }
        }
        _ => return None,
    };
    Some(Debt { state: DebtState::Due, intent: Some(intent), ..ready.debt.clone() })
}

/// What became of one write.
fn conclude(
    engine: &Engine,
    (lane, links): (&Lane, &Links),
    ready: Ready,
    (outcome, Sent { as_of, at: sent_at }): (Outcome, Sent),
    batch: &mut Batch,
) {
    let Ready { debt, intent, open, .. } = ready;
    let (connection, key) = (lane.connection.id, debt.key.clone());
    let wake = || Token::Outcome(connection, key.clone()).wake();
    let event = |at, what| Change::Event(Event { id: 0, at, key: key.clone(), connection: Some(connection), what });
    // What was read while the write was under way may be from before or after it: nobody can tell any more.
    let supersede = |remote_id: &str, reason: &str, batch: &mut Batch| {
        let (kind, remote_id, reason) = (key.kind, remote_id.to_owned(), reason.to_owned());
        batch.changes.push(Change::Supersede { connection, kind, remote_id, reason });
    };
    match outcome {
        Outcome::Applied(state) => {
            let state = links.canonical(key.kind, state);
            if let Some(name) = left_alone(key.kind, &intent, &state.fields) {
                let error = format!("the system said it was done, and `{name}` is as it was");
                if intent.accepted < ACCEPTED_MAX {
                    // Success may mean accepted, and no more: nobody knows whether it is still to come.
                    let intent = Some(Intent { accepted: intent.accepted + 1, ..intent });
                    return again(engine, Debt { intent, ..debt }, (error, None), batch);
                }
                note_reading(connection, (&key, Some(&intent)), as_of, Observed::Present(state), batch);
                return refuse(debt, &intent, error, batch);
            }
            if intent.remote_id.is_none() {
                let remote_id = state.remote_id.clone();
                batch.changes.push(Change::Link { connection, key: key.clone(), remote_id: remote_id.clone() });
                let linked = LoggedRuling::link(batch.at, &key, [(connection, remote_id.clone())].into());
                batch.changes.push(Change::Ruling(Box::new(linked)));
                batch.changes.push(Token::Linked(connection, key.kind, remote_id.clone()).wake());
                if !plant::on(Bug::LoseWakeUp) {
                    batch.changes.push(Token::Exists(connection, key.kind, key.key.clone()).wake());
                }
                let what = What::Linked { remote_id, by: "created".to_owned() };
                batch.changes.push(event(batch.at, what));
            }
            supersede(&state.remote_id, "the write was read back since", batch);
            let outcome = PlanOutcome::Applied { op_id: intent.op_id.clone() };
            batch.changes.extend(apply::concluded(&debt, &intent, outcome));
            let what = What::Confirmed { op_id: intent.op_id.clone(), version: intent.truth_version };
            batch.changes.push(event(batch.at, what));
            let (sent, truth_version) = (intent.sent(), intent.truth_version);
            // Where its answer was lost it was sent no earlier than it was begun. What a system that lags says of when it
            // changed may be from before that.
            let sent_at = sent_at.or(Some(intent.begun_at));
            let of = intent.of;
            let entry = Entry::Wrote { connection, as_of, sent, truth_version, of, sent_at, state };
            batch.changes.push(Change::Append { kind: key.kind, key: Some(key.key.clone()), entry });
            let debt = Debt { state: DebtState::Settling, intent: None, attempts: 0, last_error: None, ..debt };
            batch.changes.push(Change::Debt { debt, token: None });
        }
        Outcome::Stale(observed) => {
            batch.changes.push(event(batch.at, What::Overtaken { op_id: intent.op_id.clone() }));
            let observed = canonical(key.kind, observed, links);
            note_reading(connection, (&key, open.then_some(&intent)), as_of, observed, batch);
            let attempts = debt.attempts + 1;
            let debt = Debt { state: DebtState::Settling, intent: None, attempts, ..debt };
            batch.changes.push(Change::Debt { debt, token: None });
        }
        Outcome::Rejected(rejection) => {
            refuse(debt, &intent, format!("{}: {}", rejection.code, rejection.message), batch);
        }
        // This try did nothing; the one before it may have.
        Outcome::Retry(asked, error) if open => again(engine, debt, (error, asked), batch),
        Outcome::Retry(asked, error) => {
            batch.changes.push(wake());
            again(engine, Debt { intent: None, ..debt }, (error, asked), batch);
        }
        Outcome::Unknown(error) => again(engine, debt, (error, None), batch),
    }
}

/// The system does not take the write: it waits for a person.
fn refuse(debt: Debt, intent: &Intent, error: String, batch: &mut Batch) {
    let (at, connection, key) = (batch.at, debt.connection, debt.key.clone());
    batch.changes.push(Token::Outcome(connection, key.clone()).wake());
    batch.changes.extend(apply::concluded(&debt, intent, PlanOutcome::Failed { error: error.clone() }));
    let what = What::Parked { error: error.clone() };
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection: Some(connection), what }));
    let debt = Debt { state: DebtState::Parked, intent: None, last_error: Some(error), ..debt };
    batch.changes.push(Change::Debt { debt, token: None });
}

/// A field that reads as if the write had never been sent. A counter may have been moved back since an earlier try of it
/// was carried out, which is not asked for without end.
fn left_alone<'a>(kind: Kind, intent: &'a Intent, held: &Fields) -> Option<&'a str> {
    let is_counter = |name: &str| schema::of(kind).field(name).is_some_and(|it| it.counter);
    let name = intent.left_alone(kind, held).filter(|_| !plant::on(Bug::AcceptedIsApplied))?;
    Some(name).filter(|name| intent.accepted < ACCEPTED_MAX || !is_counter(name))
}

fn canonical(kind: Kind, observed: Observed, links: &Links) -> Observed {
    match observed {
        Observed::Present(state) => Observed::Present(links.canonical(kind, state)),
        absent => absent,
    }
}

/// What a system was found to hold that a write did not leave there, or not all of it: what is there of an earlier try,
/// which may have been carried out, is ours.
fn note_reading(
    connection: ConnectionId,
    (key, tried): (&RecordKey, Option<&Intent>),
    as_of: u64,
    observed: Observed,
    batch: &mut Batch,
) {
    let (kind, remote_id) = (key.kind, observed.remote_id().to_owned());
    let reason = "the system was read since".to_owned();
    batch.changes.push(Change::Supersede { connection, kind, remote_id, reason });
    let left = match (&observed, tried) {
        (Observed::Present(state), Some(intent)) => carried_out(kind, intent, &state.fields),
        _ => Fields::new(),
    };
    let entry = match (observed, tried) {
        (Observed::Present(state), Some(intent)) if !left.is_empty() => {
            let (truth_version, of, sent_at) = (intent.truth_version, intent.of.clone(), Some(intent.begun_at));
            Entry::Wrote { connection, as_of, sent: left, truth_version, of, sent_at, state }
        }
        (observed, tried) => {
            let tried = tried.map(Intent::sent).unwrap_or_default();
            Entry::Observed { connection, cause: Cause::Delivery, as_of, observed, tried }
        }
    };
    batch.changes.push(Change::Append { kind, key: Some(key.key.clone()), entry });
}

/// What a write to a record that was there left of what it was to change. Nothing unless the system holds some of it: what
/// is otherwise than before is then what the write made of it, and what somebody made of that. That a counter stands where
/// it was to be set shows nothing: somebody may have moved it as far.
fn carried_out(kind: Kind, intent: &Intent, held: &Fields) -> Fields {
    let is_counter = |name: &str| schema::of(kind).field(name).is_some_and(|it| it.counter);
    let mut sent = intent.sent();
    sent.retain(|name, value| !is_counter(name) && intent.base.get(name) != Some(value));
    let is_there = intent.remote_id.is_some() && sent.iter().any(|(name, value)| held.get(name) == Some(value));
    sent.retain(|name, _| is_there && held.get(name) != intent.base.get(name));
    sent
}

/// Nobody ever learned what became of the write, and the system does not hold it: it waits for a person, and no longer
/// keeps what its system says from being understood.
pub(super) async fn give_up(
    engine: &Engine,
    lane: &Lane,
    Ready { debt, intent, .. }: Ready,
    (observed, as_of): (Observed, u64),
) -> Result<(), Error> {
    let (connection, key) = (lane.connection.id, debt.key.clone());
    let state = if let Observed::Present(state) = &observed { Some((key.kind, &state.fields)) } else { None };
    let links = Links::from(engine, connection, state.into_iter()).await?;
    let mut batch = lane.batch(engine);
    let observed = canonical(key.kind, observed, &links);
    note_reading(connection, (&key, Some(&intent)), as_of, observed, &mut batch);
    batch.changes.push(Token::Outcome(connection, key.clone()).wake());
    let why = debt.last_error.as_deref().unwrap_or("no answer came");
    let error = format!("it was not carried out, as far as the system shows: {why}");
    let (at, what) = (batch.at, What::Parked { error: error.clone() });
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection: Some(connection), what }));
    let debt = Debt { state: DebtState::Parked, intent: None, last_error: Some(error), ..debt };
    batch.changes.push(Change::Debt { debt, token: None });
    engine.store.commit(batch).await?;
    Ok(())
}

/// Another try later, or none: a debt that failed too often is parked, its open intent with it. That the system asked
/// for patience is no failure of the write.
pub(super) fn again(engine: &Engine, debt: Debt, (error, asked): (String, Option<u32>), batch: &mut Batch) {
    if let Some(asked_ms) = asked {
        let due_at = batch.at.plus(u64::from(asked_ms).min(engine.pace.retry.asked_ms_max));
        let debt = Debt { due_at, last_error: Some(error), ..debt };
        batch.changes.push(Change::Debt { debt, token: None });
        return;
    }
    let attempts = debt.attempts + 1;
    let spent = engine.pace.retry.is_spent(attempts) || plant::on(Bug::ParkAtOnce);
    let what =
        if spent { What::Parked { error: error.clone() } } else { What::Failed { error: error.clone(), attempts } };
    let wait_ms = engine.pace.retry.wait_ms(attempts, None, engine.draw, &debt.key.to_string());
    let (at, key, connection) = (batch.at, debt.key.clone(), Some(debt.connection));
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection, what }));
    let state = if spent { DebtState::Parked } else { DebtState::Due };
    let debt = Debt { attempts, state, due_at: at.plus(wait_ms), last_error: Some(error), ..debt };
    batch.changes.push(Change::Debt { debt, token: None });
}
