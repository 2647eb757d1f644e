//! Plans that somebody applied: each of their writes is carried out if everything is still as the plan says, by the way
//! that every write takes; else it is said what moved.
//!
//! Whoever hands a plan in has its records read first, so that what moved at a system since is known before anything is
//! decided.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use truthsource_core::fold::Folding;
use truthsource_core::record::{Cause, KeyState, RecordKey, Shadow};
use truthsource_core::{Fields, UnixMs, digest};

use super::connections::Parties;
use super::deliver::{intend, unread};
use super::lane::Lane;
use super::plan::{held, wanted};
use super::{Engine, Error};
use crate::store::plan::PLAN_KEPT_MS;
use crate::store::{Batch, Change, Debt, DebtState, Intent, PlanOutcome, Planned, PlannedDue, PlannedWrite, Step};

/// How long a write of a plan waits for what keeps it from being tried. Nobody is surprised by it later.
pub const OPEN_MS: u64 = 3_600_000;
/// How long after a look that found something in the way the next one is.
const LOOK_AGAIN_MS: u64 = 1_000;
/// The same where a fold is all that is waited for.
const FOLD_MS: u64 = 20;

/// Takes writes of a plan to be carried out: their records are read first. Open ones that are handed in again stay as
/// they are.
///
/// # Errors
/// When the store fails.
pub async fn hand_in(engine: &Engine, planned: Vec<Planned>) -> Result<(), Error> {
    let mut batch = Batch::new(engine.now());
    batch.changes.push(Change::PlansForgotten { before: batch.at.minus(PLAN_KEPT_MS) });
    for it in &planned {
        if let Some(remote_id) = it.write.remote_id.clone() {
            let (connection, kind, cause) = (it.connection, it.key.kind, Cause::Recheck);
            batch.changes.push(Change::Touch { connection, kind, remote_id, cause });
        }
    }
    batch.changes.extend(planned.into_iter().map(Change::Plan));
    engine.store.commit(batch).await?;
    Ok(())
}

/// What is to be done about a write of a plan.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// It is carried out: the debt that it pays, and the write.
    Write(Box<(Debt, Intent)>),
    /// Something is in the way until this moment at least, and why.
    Wait(UnixMs, String),
    /// It has come to this.
    End(PlanOutcome),
}

/// What the lane's connection is to be written by plans now. What has come to an end without a write is written down, and
/// counted.
///
/// # Errors
/// When the store fails.
pub(super) async fn due(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
) -> Result<(Vec<(Debt, Intent)>, usize), Error> {
    let connection = lane.connection.id;
    let due = engine.store.planned_due(connection, engine.now(), engine.pace.deliver_max).await?;
    if due.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let keys: BTreeSet<RecordKey> = due.iter().map(|it| it.planned.key.clone()).collect();
    let news = unread(engine, connection, &keys).await?;
    let states = engine.store.states(&keys).await?;
    let debts = engine.store.debts_of(&keys).await?.into_iter().filter(|it| it.connection == connection);
    let debts: BTreeMap<RecordKey, Debt> = debts.map(|it| (it.key.clone(), it)).collect();
    let mut batch = lane.batch(engine);
    let (mut writes, mut taken) = (Vec::new(), BTreeSet::new());
    for it in due {
        let key = it.planned.key.clone();
        let state = states.get(&key).cloned().unwrap_or_default();
        // Two plans may name one record: the second sees what the first did.
        let is_busy = news.contains(&key) || !taken.insert(key.clone());
        match weigh(parties, &it, is_busy, (&state, debts.get(&key)), batch.at) {
            Verdict::Write(write) => writes.push(*write),
            Verdict::Wait(due_at, waits) => batch.changes.push(waiting(&it.planned, due_at, waits)),
            Verdict::End(outcome) => batch.changes.push(ended(&it.planned, outcome)),
        }
    }
    let ended = batch.changes.iter().filter(|it| matches!(it, Change::PlanEnded { .. })).count();
    if !batch.changes.is_empty() {
        engine.store.commit(batch).await?;
    }
    Ok((writes, ended))
}

fn waiting(planned: &Planned, due_at: UnixMs, waits: String) -> Change {
    let (plan, connection, key) = (planned.plan.clone(), planned.connection, planned.key.clone());
    Change::PlanWaits { plan, connection, key, due_at, waits }
}

fn ended(planned: &Planned, outcome: PlanOutcome) -> Change {
    let (plan, connection, key) = (planned.plan.clone(), planned.connection, planned.key.clone());
    Change::PlanEnded { plan, connection, key, outcome }
}

/// A write that carries out a plan could not be begun.
pub(super) fn put_off(debt: &Debt, plan: String, (at, waits): (UnixMs, String)) -> Change {
    let (connection, key, due_at) = (debt.connection, debt.key.clone(), at.plus(LOOK_AGAIN_MS));
    Change::PlanWaits { plan, connection, key, due_at, waits }
}

/// What became of a write, for the plan that it carries out.
pub(super) fn concluded(debt: &Debt, intent: &Intent, outcome: PlanOutcome) -> Option<Change> {
    let (connection, key) = (debt.connection, debt.key.clone());
    intent.plan.clone().map(|plan| Change::PlanEnded { plan, connection, key, outcome })
}

fn weigh(
    parties: &Parties,
    PlannedDue { planned, to_read }: &PlannedDue,
    is_busy: bool,
    (state, debt): (&KeyState, Option<&Debt>),
    at: UnixMs,
) -> Verdict {
    let later = |waits: &str| match at.since(planned.at) >= OPEN_MS {
        true => Verdict::End(PlanOutcome::Expired { waits: waits.to_owned() }),
        false => Verdict::Wait(at.plus(LOOK_AGAIN_MS), waits.to_owned()),
    };
    let soon = |waits: &str| match later(waits) {
        Verdict::Wait(_, waits) => Verdict::Wait(at.plus(FOLD_MS), waits),
        ended => ended,
    };
    if let Some(parked) = debt.filter(|it| it.state == DebtState::Parked) {
        let error = parked.last_error.clone().unwrap_or_else(|| "it was given up".to_owned());
        return Verdict::End(PlanOutcome::Failed { error });
    }
    match debt {
        Some(debt) if debt.intent.is_some() => return later("a write of the record is under way"),
        Some(debt) if debt.state == DebtState::Settling => return soon("what was written is to be taken in"),
        Some(debt) if debt.state == DebtState::Untold => return soon("what it should hold is to be decided"),
        _ => {}
    }
    if *to_read {
        return later("the record is to be read first");
    }
    if is_busy {
        return soon("what was read of the record is to be taken in");
    }
    if let Some(outcome) = moved(&planned.write, planned, state) {
        return Verdict::End(outcome);
    }
    match debt {
        // A try failed a while ago.
        Some(debt) if debt.due_at > at => {
            match later(debt.last_error.as_deref().unwrap_or("it is tried again later")) {
                Verdict::Wait(_, waits) => Verdict::Wait(debt.due_at, waits),
                ended => ended,
            }
        }
        Some(debt) => write(parties, planned, debt, state, at),
        None => soon("what is owed is to be decided"),
    }
}

/// What is not as the plan says any more, or what it wanted and is there already; `None`: all is as it was.
fn moved(write: &PlannedWrite, planned: &Planned, state: &KeyState) -> Option<PlanOutcome> {
    let nothing = Shadow::default();
    let shadow = state.shadows.get(&planned.connection).unwrap_or(&nothing);
    let is_there = shadow.exists();
    let is_same = write.remote_id.as_ref().is_none_or(|it| is_there && shadow.remote_id == *it);
    let is_deleted = write.remote_id.is_none() && !is_there && state.truth.deleted_at.is_some();
    if shadow.gone || !is_same || is_deleted {
        return Some(PlanOutcome::Gone);
    }
    let now = |name: &str| if is_there { held(shadow, name) } else { Json::Null };
    if is_there && write.fields.iter().all(|(name, step)| now(name) == step.to) {
        return Some(PlanOutcome::AlreadyHolds);
    }
    let fields: BTreeMap<String, Step> = differing(write, |name, step| {
        let now = now(name);
        let is_base = now == step.from && (is_there || write.remote_id.is_none());
        (!is_base && now != step.to).then(|| Step { from: step.from.clone(), to: now })
    });
    if !fields.is_empty() {
        return Some(PlanOutcome::MovedAtRemote { fields });
    }
    let fields = differing(write, |name, step| {
        let to = wanted(shadow, name);
        (to != step.to).then(|| Step { from: step.to.clone(), to })
    });
    let (from, to) = (write.truth_version, state.truth.version);
    (from != to || !fields.is_empty()).then_some(PlanOutcome::MovedTruth { from, to, fields })
}

fn differing(write: &PlannedWrite, differs: impl Fn(&str, &Step) -> Option<Step>) -> BTreeMap<String, Step> {
    write.fields.iter().filter_map(|(name, step)| Some((name.clone(), differs(name, step)?))).collect()
}

/// The write, of the fields of the plan alone: whatever else is owed stays owed.
fn write(parties: &Parties, planned: &Planned, debt: &Debt, state: &KeyState, at: UnixMs) -> Verdict {
    let Some(intent) = intend(parties, debt, state, at) else {
        let folding = Folding::new(&debt.key, &parties.rules, state.clone());
        return Verdict::End(unwritable(planned, &folding, &[]));
    };
    let is_planned = |name: &String| planned.write.fields.contains_key(name);
    let is_open = |name: &&String| {
        let step = &planned.write.fields[*name];
        intent.base.get(*name).map_or(Json::Null, truthsource_core::Value::to_json) != step.to
    };
    let fields: Vec<&String> = planned.write.fields.keys().filter(is_open).collect();
    let missing: Vec<&String> = fields.iter().filter(|it| !intent.changed.contains(it)).copied().collect();
    if !missing.is_empty() {
        let folding = Folding::new(&debt.key, &parties.rules, state.clone());
        return Verdict::End(unwritable(planned, &folding, &missing));
    }
    let changed: Vec<String> = intent.changed.iter().filter(|it| is_planned(it)).cloned().collect();
    let want = match intent.remote_id {
        None => intent.want.clone(),
        Some(_) => only(&intent, &changed),
    };
    // Another set of fields is another write.
    let op_id = digest::op_id(&intent.op_id, intent.truth_version, &intent.base, &want, [0, 0]);
    let intent = Intent { op_id, changed, want, plan: Some(planned.plan.clone()), ..intent };
    // What it waited for is looked at again.
    let debt = Debt { state: DebtState::Due, ..debt.clone() };
    Verdict::Write(Box::new((debt, intent)))
}

/// What the system should hold once the plan's fields are written: of what the plan does not name, what it holds.
fn only(intent: &Intent, changed: &[String]) -> Fields {
    let want = intent.want.iter().filter_map(|(name, want)| {
        let is_left = intent.changed.contains(name) && !changed.contains(name);
        let value = if is_left { intent.base.get(name)? } else { want };
        Some((name.clone(), value.clone()))
    });
    want.collect()
}

/// Fields that differ and cannot be written: a person has to decide about them, or the record is not told any more.
fn unwritable(planned: &Planned, folding: &Folding<'_>, missing: &[&String]) -> PlanOutcome {
    let truth = &folding.state().truth;
    let is_held = |name: &&String| truth.fields.get(*name).is_some_and(|it| it.held.is_some());
    let named = planned.write.fields.keys().filter(|it| missing.is_empty() || missing.contains(it));
    let fields: Vec<String> = named.filter(is_held).cloned().collect();
    if fields.is_empty() { PlanOutcome::Gone } else { PlanOutcome::Held { fields } }
}

#[cfg(test)]
mod tests;
