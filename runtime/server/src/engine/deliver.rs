//! From debts to confirmed writes.
//!
//! A write is stored as an *intent* before it is sent, with everything that decides it. Whatever then happens, to the
//! answer or to us, the intent is brought to an end before anything else is done about the record: repeated where the
//! connector says that repeating is safe, looked up first where it is not. What a write did goes into the log and is
//! folded like everything else a system says.

mod doubts;
mod look_up;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt as _, stream};
use truthsource_core::fold::Folding;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::{Fields, Kind, UnixMs, digest};
use truthsource_host::CallError;
use truthsource_host::model::{self, Outcome, Rate, Write};

use super::address::{Addressed, Links, address};
use super::basis::unwritable;
use super::beforehand::{self, Compared};
use super::carried::UnderWay;
use super::conclude::{again, conclude_all, put_back};
use super::connections::Parties;
use super::lane::{Lane, cuts_off};
use super::through::Through;
use super::token::{Token, look_once_more};
use super::twins::there;
use super::{Did, Engine, Error, apply, damage, mapped};
use crate::store::{Batch, Change, Debt, DebtState, Deliver, Event, Intent, UnmappedWrite, What};
pub(super) use doubts::unread;
use doubts::{unidentified, unread_kinds};
use look_up::look_up;
pub(super) use look_up::unchanged;

/// How many calls to one connection run at once where its system does not say.
const PARALLEL_DEFAULT: usize = 4;

/// Writes that are worth a call of their own beside others.
const CHUNK_MIN: usize = 20;

/// Pays debts of the lane's connection, most urgent first.
///
/// # Errors
/// When the store fails; a failing system is noted at the debts and the lane instead.
pub async fn deliver(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let held = damage::held(engine).await?;
    // Those that are held are due as well, and are no reason to leave out others.
    let mut debts = due(engine, lane, held.len()).await?;
    debts.retain(|it| !held.contains(&it.key));
    let (mut begun, mut fresh): (Vec<Debt>, Vec<Debt>) = debts.into_iter().partition(|it| it.intent.is_some());
    let (mut planned, ended) = apply::due(engine, parties, lane).await?;
    planned.retain(|(it, _)| !held.contains(&it.key));
    let of_plans: BTreeSet<RecordKey> = planned.iter().map(|(debt, _)| debt.key.clone()).collect();
    // What a plan writes is not written beside it.
    begun.retain(|it| !of_plans.contains(&it.key));
    fresh.retain(|it| !of_plans.contains(&it.key));
    let handled = begun.len() + fresh.len() + planned.len() + ended;
    if handled == 0 {
        return Ok(Did::default());
    }
    let mut ready = look_up(engine, parties, lane, begun).await?;
    if !lane.is_open(engine) {
        // Nothing new is begun that could not be sent.
        return Ok(Did::some(handled, engine.pace.deliver_max));
    }
    let fresh_keys = fresh.iter().chain(planned.iter().map(|(debt, _)| debt)).map(|it| it.key.clone()).collect();
    // Where rules changed a moment ago, the next turn begins it by those of now.
    if let Some(behind) = unwritable(engine, parties, &fresh_keys).await? {
        ready.extend(begin(engine, parties, lane, ((planned, fresh), &behind)).await?);
    }
    push(engine, parties, lane, ready).await?;
    Ok(Did::some(handled, engine.pace.deliver_max))
}

/// Debts that are due: all, or those whose write was begun where nothing else is written unless a plan says so.
async fn due(engine: &Engine, lane: &Lane, beside: usize) -> Result<Vec<Debt>, Error> {
    let (connection, now) = (lane.connection.id, engine.now());
    let n_max = engine.pace.deliver_max.saturating_add(u32::try_from(beside).unwrap_or(u32::MAX));
    Ok(match lane.connection.spec.deliver {
        Deliver::Continuous => engine.store.due_debts(connection, now, n_max).await?,
        Deliver::OnApply => engine.store.begun_debts(connection, now, n_max).await?,
    })
}

/// A debt whose intent is stored, ready to be sent.
pub(super) struct Ready {
    pub debt: Debt,
    pub intent: Intent,
    pub write: Addressed,
    /// It was sent before, and it is not known what became of that.
    pub open: bool,
}

/// When a write took place.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    /// Its number among the reads and writes of the lane.
    pub as_of: u64,
    /// When it was sent; `None` where only its outcome was found.
    pub at: Option<UnixMs>,
}

/// Writes of plans, and debts.
type Owed = (Vec<(Debt, Intent)>, Vec<Debt>);

/// How long what is to be decided again first is left alone.
const BEHIND_MS: u64 = 100;

/// Turns debts into stored intents, and stores those of plans. Debts that wait for something, or that nothing is to be
/// sent for, are noted as such.
async fn begin(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    ((planned, debts), behind): (Owed, &BTreeSet<RecordKey>),
) -> Result<Vec<Ready>, Error> {
    let keys: BTreeSet<RecordKey> = debts.iter().map(|it| it.key.clone()).collect();
    let unread = unread(engine, lane.connection.id, &keys).await?;
    let states = engine.store.states(&keys).await?;
    let reads = |kind: &Kind| lane.connection.spec.kinds.get(kind).is_some_and(|it| it.reads);
    // A kind that is never read there is never listed either: nothing of it can be there but what we created.
    let is_listed = |kind: &Kind| lane.cursor(*kind).listed || !reads(kind);
    let listed: BTreeSet<Kind> = Kind::ALL.into_iter().filter(is_listed).collect();
    let mut batch = lane.batch(engine);
    let (planned, put_off): (Vec<_>, Vec<_>) = planned.into_iter().partition(|(it, _)| !behind.contains(&it.key));
    for (debt, intent) in put_off {
        let why = "other rules are to decide about it first".to_owned();
        batch.changes.push(apply::put_off(&debt, intent.plan.unwrap_or_default(), (batch.at, why)));
    }
    let mut intended = planned;
    let nothing = KeyState::default();
    for debt in debts {
        let state = states.get(&debt.key).unwrap_or(&nothing);
        if behind.contains(&debt.key) {
            let debt = Debt { due_at: batch.at.plus(BEHIND_MS), ..debt };
            batch.changes.push(Change::Debt { debt, token: None });
            continue;
        }
        if unread.contains(&debt.key) && !plant::on(Bug::IgnoreNews) {
            // News about it waits to be folded: it is decided again after that.
            let debt = Debt { due_at: batch.at.plus(20), ..debt };
            batch.changes.push(Change::Debt { debt, token: None });
            continue;
        }
        match intend(parties, &debt, state, batch.at) {
            None => {
                // Only the fold settles debts: it may know of something newer.
                let debt = Debt { state: DebtState::Untold, due_at: batch.at, ..debt };
                batch.changes.push(Change::Debt { debt, token: None });
            }
            Some(intent) => intended.push((debt, intent)),
        }
    }
    let phrased = mapped::phrase(engine, parties, &lane.connection, &mut intended).await?;
    let (intended, failed) = intended.into_iter().zip(phrased).partition::<Vec<_>, _>(|(_, it)| it.is_ok());
    for ((debt, intent), phrased) in failed {
        let error = phrased.err().map(|it| mapped::told(&it)).unwrap_or_default();
        match intent.plan {
            Some(plan) => batch.changes.push(apply::put_off(&debt, plan, (batch.at, error))),
            None => again(engine, debt, (error, None), &mut batch),
        }
    }
    set_out(engine, lane, (intended.into_iter().map(|(it, _)| it).collect(), &listed), batch).await
}

/// Stores intents whose records can be named at the system, and notes what the others wait for.
async fn set_out(
    engine: &Engine,
    lane: &Lane,
    (intended, listed): (Vec<(Debt, Intent)>, &BTreeSet<Kind>),
    mut batch: Batch,
) -> Result<Vec<Ready>, Error> {
    let unidentified = unidentified(engine, lane.connection.id, &intended).await?;
    let unread = unread_kinds(engine, lane.connection.id, &intended).await?;
    // What the connection has by now: it said so, and that is not folded yet. What is created once more there is what was
    // created first, and would be taken for somebody's change back to it.
    let created = intended.iter().filter(|(_, it)| it.remote_id.is_none()).map(|(debt, _)| &debt.key);
    let just_created = there(engine, lane.connection.id, created).await?;
    let links = Links::of(engine, lane.connection.id, intended.iter().map(|(debt, it)| (debt.key.kind, it))).await?;
    let mut under_way = UnderWay::at(engine, lane.connection.id, &intended).await?;
    let mut through = BTreeMap::new();
    for kind in intended.iter().map(|(debt, _)| debt.key.kind).collect::<BTreeSet<Kind>>() {
        through.insert(kind, Through::of(engine, &lane.connection, kind).await);
    }
    let (mut ready, mut waits) = (Vec::new(), BTreeSet::new());
    for (debt, intent) in intended {
        let (kind, creates) = (debt.key.kind, intent.remote_id.is_none());
        let soon = if creates && unidentified.contains(&kind) && !plant::on(Bug::CreateEarly) {
            // What was read there last may be this very record.
            Some("what was read there last is to be identified first")
        } else if creates && just_created.contains_key(&debt.key) {
            Some("what was created there is to be taken in first")
        } else if !under_way.admits(kind, &intent) {
            Some("another write that moves its stock has not come to an end")
        } else {
            None
        };
        if let Some(why) = soon {
            batch.changes.push(match intent.plan {
                Some(plan) => apply::put_off(&debt, plan, (batch.at, why.to_owned())),
                None => Change::Debt { debt: Debt { due_at: batch.at.plus(50), ..debt }, token: None },
            });
            continue;
        }
        let is_known = plant::on(Bug::CreateEarly) || listed.contains(&kind) && !unread.contains(&kind);
        let is_withheld = creates && !lane.connection.spec.links.is_automatic();
        let addressed = if is_withheld {
            // What is there already may be this very record, and nobody said so yet.
            Err(Token::Approved(lane.connection.id))
        } else if creates && !is_known {
            Err(Token::Listed(lane.connection.id, kind))
        } else {
            address(&links, lane.connection.id, kind, &intent)
        };
        match addressed {
            Ok(write) => {
                if plant::on(Bug::PayBeforeSending) {
                    let debt = Debt { state: DebtState::Settling, ..debt.clone() };
                    batch.changes.push(Change::Debt { debt, token: None });
                } else if !plant::on(Bug::ForgetIntent) {
                    note_begun(&mut batch, &debt, &intent, &through[&kind]);
                }
                ready.push(Ready { debt: Debt { intent: Some(intent.clone()), ..debt }, intent, write, open: false });
            }
            Err(token) if intent.plan.is_some() => {
                let (plan, why) = (intent.plan.unwrap_or_default(), format!("it waits for {token}"));
                batch.changes.push(apply::put_off(&debt, plan, (batch.at, why)));
            }
            Err(token) => {
                let debt = Debt { state: DebtState::Blocked, ..debt };
                batch.changes.push(Change::Debt { debt, token: Some(token.to_string()) });
                waits.insert(token);
            }
        }
    }
    engine.store.commit(batch).await?;
    look_once_more(engine, waits).await?;
    Ok(ready)
}

/// What must be written to pay a debt, decided on what is known now; `None` if nothing is owed any more.
pub(super) fn intend(parties: &Parties, debt: &Debt, state: &KeyState, at: UnixMs) -> Option<Intent> {
    let connection = debt.connection;
    let key = &debt.key;
    let folding = Folding::new(key, &parties.rules, state.clone());
    let owed = folding.owed(connection, &parties.power(connection, key.kind))?;
    if owed.create && folding.held_back(connection).is_some() {
        return None;
    }
    let shadow = state.shadows.get(&connection)?;
    let base = if owed.create { Fields::new() } else { shadow.values() };
    let command_key = digest::command_key(connection.0, key.kind, &key.key);
    let unmapped = shadow.unmapped.want.clone().map(|want| UnmappedWrite {
        changed: if owed.create { want.keys().cloned().collect() } else { Vec::new() },
        want,
        base: if owed.create { Fields::new() } else { shadow.unmapped.held.clone().unwrap_or_else(|| base.clone()) },
    });
    let decided_on = [shadow.as_of, u64::from(debt.attempts)];
    let op_id = digest::op_id(&command_key, state.truth.version, &base, &shadow.want, decided_on);
    let mut of = state.truth.values();
    of.retain(|name, truth| owed.changed.contains(name) && shadow.want.get(name).is_some_and(|want| want != truth));
    Some(Intent {
        op_id,
        remote_id: (!owed.create).then(|| shadow.remote_id.clone()),
        command_key,
        want: shadow.want.clone(),
        of,
        changed: owed.changed,
        base,
        base_version: shadow.version.clone(),
        truth_version: state.truth.version,
        begun_at: at,
        accepted: 0,
        plan: None,
        unmapped,
    })
}

fn note_begun(batch: &mut Batch, debt: &Debt, intent: &Intent, through: &Through) {
    let (at, key, connection) = (batch.at, debt.key.clone(), debt.connection);
    if intent.remote_id.is_none() {
        let command_key = intent.command_key.clone();
        batch.changes.push(Change::Command { connection, command_key, key: key.clone() });
    }
    let fields = intent.want.iter().filter(|(name, _)| intent.changed.contains(name));
    let fields = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    let what = What::Began { op_id: intent.op_id.clone(), fields, through: through.passed(&intent.changed) };
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection: Some(connection), what }));
    let debt = Debt { intent: Some(intent.clone()), ..debt.clone() };
    batch.changes.push(Change::Debt { debt, token: None });
}

/// Sends writes, most urgent kinds first, a kind in a call, several calls at once where the system allows it. After a
/// call that says something about the whole system no other is begun: what was not sent is found by the next turn.
async fn push(engine: &Engine, parties: &Parties, lane: &mut Lane, ready: Vec<Ready>) -> Result<(), Error> {
    let mut by_kind: BTreeMap<(u8, Kind), Vec<Ready>> = BTreeMap::new();
    for it in ready {
        by_kind.entry((it.debt.priority, it.debt.key.kind)).or_default().push(it);
    }
    let parallel = parallel(parties, lane.connection.id).min(engine.pace.calls_max);
    let is_cut_off = &AtomicBool::new(!lane.is_open(engine));
    let mut chunks = Vec::new();
    for ((_, kind), ready) in by_kind {
        let push_max = parties.kind_power(lane.connection.id, kind).map_or(1, |it| it.push_max.max(1)) as usize;
        let size = ready.len().div_ceil(parallel).max(chunk_min(parties, lane.connection.id)).clamp(1, push_max);
        let mut rest = ready.into_iter().peekable();
        while rest.peek().is_some() {
            chunks.push(rest.by_ref().take(size).collect::<Vec<Ready>>());
        }
    }
    // What is read before the writes of a call are sent is another step than they are.
    let chunks: Vec<([u64; 2], Vec<Ready>)> = chunks.into_iter().map(|it| ([lane.tick(), lane.tick()], it)).collect();
    let sending = &*lane;
    let calls = chunks.into_iter().map(|(ticks, chunk)| async move {
        if is_cut_off.load(Ordering::Relaxed) {
            return Ok(Heard::default());
        }
        let heard = send(engine, parties, sending, (ticks, chunk)).await?;
        is_cut_off.fetch_or(heard.cuts_off(), Ordering::Relaxed);
        Ok(heard)
    });
    let heard: Vec<Result<Heard, Error>> = stream::iter(calls).buffer_unordered(parallel).collect().await;
    for heard in heard {
        let heard = heard?;
        if let Some(answer) = &heard.answer {
            lane.note(engine, answer.as_ref().copied());
        }
        if let Some(asked_ms) = heard.asked_ms {
            lane.wait(engine, asked_ms);
        }
    }
    Ok(())
}

/// What a call said about the system it was made to.
#[derive(Default)]
struct Heard {
    /// `None`: it was not made.
    answer: Option<Result<(), CallError>>,
    /// The system answered, and wants to be left alone for so long.
    asked_ms: Option<u32>,
}

impl Heard {
    fn cuts_off(&self) -> bool {
        self.asked_ms.is_some() || matches!(&self.answer, Some(Err(error)) if cuts_off(error))
    }
}

/// A system that counts calls in flight alone answers soonest when writes are spread over as many as it takes. One that
/// counts calls, or what they cost, is asked for more at once: every call has its price.
fn chunk_min(parties: &Parties, connection: ConnectionId) -> usize {
    match parties.powers.get(&connection).map(|it| &it.rate) {
        Some(Rate::Concurrent(_)) => 1,
        _ => CHUNK_MIN,
    }
}

fn parallel(parties: &Parties, connection: ConnectionId) -> usize {
    let at_once = parties.powers.get(&connection).and_then(|it| it.rate.at_once());
    at_once.map_or(PARALLEL_DEFAULT, |it| it.clamp(1, 32) as usize)
}

/// Sends the writes of one call and writes down what became of them.
async fn send(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    ([read_as_of, as_of], chunk): ([u64; 2], Vec<Ready>),
) -> Result<Heard, Error> {
    let sent = Sent { as_of, at: Some(engine.now()) };
    let kind = chunk.first().map_or(Kind::Item, |it| it.debt.key.kind);
    let Compared { chunk, stale, failed: unread } = beforehand::compare(engine, parties, lane, (kind, chunk)).await;
    if !stale.is_empty() {
        conclude_all(engine, lane, stale, Sent { as_of: read_as_of, at: None }, lane.batch(engine)).await?;
    }
    let writes: Vec<Write> = chunk.iter().map(|it| it.write.sent().clone()).collect();
    let pushed = match unread {
        None if writes.is_empty() => return Ok(Heard { answer: Some(Ok(())), asked_ms: None }),
        None => mapped::push(engine, &lane.connection, kind, &writes).await,
        Some(error) => return unsent(engine, lane, (chunk, sent), error).await,
    };
    let (answer, outcomes) = match pushed {
        Ok(outcomes) => (Ok(()), outcomes),
        Err(error) if cuts_off(&error) && !error.may_have_acted() => {
            return unsent(engine, lane, (chunk, sent), error).await;
        }
        Err(error) => {
            let outcomes = chunk.iter().map(|_| failed(&error)).collect();
            (Err(error), outcomes)
        }
    };
    let asked = outcomes.iter().filter_map(|it| if let Outcome::Retry(asked, _) = it { *asked } else { None });
    let heard = Heard { answer: Some(answer), asked_ms: asked.max() };
    let batch = lane.batch(engine);
    conclude_all(engine, lane, chunk.into_iter().zip(outcomes).collect(), sent, batch).await?;
    Ok(heard)
}

/// Nothing was sent: where the system itself is away the writes have not failed.
async fn unsent(
    engine: &Engine,
    lane: &Lane,
    (chunk, sent): (Vec<Ready>, Sent),
    error: CallError,
) -> Result<Heard, Error> {
    let mut batch = lane.batch(engine);
    if cuts_off(&error) {
        chunk.into_iter().for_each(|it| put_back(it, &mut batch));
        engine.store.commit(batch).await?;
    } else {
        let outcome = Outcome::Retry(None, error.to_string());
        let concluded = chunk.into_iter().map(|it| (it, outcome.clone())).collect();
        conclude_all(engine, lane, concluded, sent, batch).await?;
    }
    Ok(Heard { answer: Some(Err(error)), asked_ms: None })
}

fn failed(error: &CallError) -> Outcome {
    if error.may_have_acted() {
        return Outcome::Unknown(error.to_string());
    }
    let asked = match error {
        CallError::Refused(model::Fault::Throttled(asked)) => *asked,
        _ => None,
    };
    Outcome::Retry(asked, error.to_string())
}

#[cfg(test)]
mod tests;
