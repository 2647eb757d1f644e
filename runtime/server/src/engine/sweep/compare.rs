//! What a reading found, against what should be there.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::accuracy::Class;
use truthsource_core::fold::Lag;
use truthsource_core::record::{KeyState, Observed, RecordKey, State};
use truthsource_core::{Fields, Kind, UnixMs, Value};

use super::{SLO_MS, lost};
use crate::engine::address::Links;
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Engine, Error};
use crate::store::{Batch, Change, Debt, DebtState, Drift, Event, SweepRow, What};

/// Records of which something is looked up at once.
const PAGE: u32 = 500;
/// Records of one sweep that are told of one by one: of more their number says enough.
pub(super) const TOLD_MAX: u64 = 1_000;

/// Fields that differ: (expected, found).
pub(super) type Differing = BTreeMap<String, (Option<Value>, Option<Value>)>;

/// Counts the fields that were read, and those that are not what they should be, by class; what is wrong is noted in
/// the record's timeline. What lags behind is not counted: it says nothing about what the system holds now.
pub(super) async fn compare(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    (kind, seen): (Kind, &[Observed]),
    sweep: &mut SweepRow,
    batch: &mut Batch,
) -> Result<(), Error> {
    let connection = lane.connection.id;
    // What only may lag is counted: a system that drifts right after a write is not right for that.
    let lag = Lag { checkable: false, ..parties.lag(Some(connection), kind) };
    let power = parties.power(connection, kind);
    let present: Vec<&State> =
        seen.iter().filter_map(|it| if let Observed::Present(state) = it { Some(state) } else { None }).collect();
    let ids: BTreeSet<String> = present.iter().map(|it| it.remote_id.clone()).collect();
    let expected = Expected::of(engine, lane, kind, &ids).await?;
    // A page that shifted shows records twice.
    let heard = engine.store.heard(connection, kind, &ids).await?;
    let mut counted: BTreeSet<&str> =
        heard.iter().filter(|(_, it)| it.swept >= sweep.id).map(|(id, _)| id.as_str()).collect();
    let links = Links::from(engine, connection, present.iter().map(|it| (kind, &it.fields))).await?;
    for state in present {
        if !counted.insert(&state.remote_id) {
            continue;
        }
        sweep.seen += 1;
        let Some((key, known)) = expected.by_id.get(&state.remote_id) else {
            // Nothing says yet what it is: it waits to be matched.
            let found = state.fields.iter().map(|(name, it)| (name.clone(), (None, Some(it.clone()))));
            let whose = Whose { key: None, remote_id: &state.remote_id };
            note(sweep, Class::Unverifiable, (lane, kind, whose), found.collect(), batch);
            continue;
        };
        let canonical = links.canonical(kind, state.clone());
        if known.shadows.get(&connection).is_some_and(|it| it.outlasts(Some(&canonical), engine.now(), lag)) {
            continue;
        }
        let held = canonical.fields;
        let want = wanted(known, lane);
        let whose = Whose { key: Some(key), remote_id: &state.remote_id };
        let lost = lost::count((known.shadows.get(&connection), &held), &want, sweep);
        if !lost.is_empty() {
            note(sweep, Class::Unverifiable, (lane, kind, whose), lost, batch);
        }
        // A field that was not read says nothing: so is a reference to what is no record of ours.
        let read = want.into_iter().filter_map(|(name, want)| Some((held.get(&name)?, name, want)));
        let mut fields = Differing::new();
        for (held, name, want) in read {
            // What no write can change there is not for us to answer for, once it is something else.
            if *held != want && !power.writes(&name, known.shadows.get(&connection)) {
                continue;
            }
            sweep.fields += 1;
            if *held != want {
                fields.insert(name, (Some(want), Some(held.clone())));
            }
        }
        if fields.is_empty() {
            continue;
        }
        let class = if expected.is_under_way(engine, key) {
            Class::Stale
        } else if known.truth.deleted_at.is_some() {
            Class::Extra
        } else {
            Class::Wrong
        };
        note(sweep, class, (lane, kind, whose), fields, batch);
    }
    Ok(())
}

/// Counts records that are there and could not be taken in, a field each: themselves.
pub(super) fn count_unread((lane, kind): (&Lane, Kind), ids: &[String], sweep: &mut SweepRow, batch: &mut Batch) {
    sweep.seen += ids.len() as u64;
    for remote_id in ids {
        note(sweep, Class::Unverifiable, (lane, kind, Whose { key: None, remote_id }), Differing::new(), batch);
    }
}

/// Counts the fields of records that the system says it does not have.
pub(super) async fn count_absent(
    engine: &Engine,
    lane: &Lane,
    (kind, seen): (Kind, &[Observed]),
    sweep: &mut SweepRow,
    batch: &mut Batch,
) -> Result<(), Error> {
    let absent = seen.iter().filter_map(|it| if let Observed::Absent(id) = it { Some(id.clone()) } else { None });
    let expected = Expected::of(engine, lane, kind, &absent.collect()).await?;
    for (remote_id, (key, known)) in expected.by_id.iter().filter(|(_, it)| it.1.truth.deleted_at.is_none()) {
        let whose = Whose { key: Some(key), remote_id };
        count_missing(sweep, Class::Missing, (lane, kind, whose), wanted(known, lane), batch);
    }
    Ok(())
}

/// Counts the fields of records that the system should have and was not given yet.
pub(super) async fn count_uncreated(
    engine: &Engine,
    lane: &Lane,
    kind: Kind,
    sweep: &mut SweepRow,
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let debts = engine.store.uncreated(lane.connection.id, kind, after.as_deref(), PAGE).await?;
        let Some(last) = debts.last() else { return Ok(()) };
        after = Some(last.key.key.clone());
        let states = engine.store.states(&debts.iter().map(|it| it.key.clone()).collect()).await?;
        // What is not to be there for now is not missing.
        for debt in debts.iter().filter(|it| it.state != DebtState::Held) {
            let class = if is_young(debt, engine.now()) { Class::Stale } else { Class::Missing };
            let want = states.get(&debt.key).map(|it| wanted(it, lane)).unwrap_or_default();
            let whose = Whose { key: Some(&debt.key), remote_id: "" };
            count_missing(sweep, class, (lane, kind, whose), want, batch);
        }
    }
}

/// A record that is not there lacks every field that it should have, and one at least: itself.
fn count_missing(sweep: &mut SweepRow, class: Class, place: (&Lane, Kind, Whose<'_>), want: Fields, batch: &mut Batch) {
    sweep.fields += want.len().max(1) as u64;
    let fields = want.into_iter().map(|(name, want)| (name, (Some(want), None))).collect();
    note(sweep, class, place, fields, batch);
}

/// What is known of records that a connection has.
struct Expected {
    by_id: BTreeMap<String, (RecordKey, KeyState)>,
    debts: BTreeMap<RecordKey, Debt>,
}

impl Expected {
    async fn of(engine: &Engine, lane: &Lane, kind: Kind, ids: &BTreeSet<String>) -> Result<Self, Error> {
        let connection = lane.connection.id;
        let links = engine.store.links_from(connection, kind, ids).await?;
        let keys: BTreeSet<RecordKey> = links.values().map(|key| RecordKey::new(kind, key)).collect();
        let mut states = engine.store.states(&keys).await?;
        let debts = engine.store.debts_of(&keys).await?.into_iter().filter(|it| it.connection == connection);
        let debts = debts.map(|it| (it.key.clone(), it)).collect();
        let known = links.into_iter().filter_map(|(id, key)| {
            let key = RecordKey::new(kind, &key);
            let state = states.remove(&key)?;
            Some((id, (key, state)))
        });
        Ok(Self { by_id: known.collect(), debts })
    }

    fn is_under_way(&self, engine: &Engine, key: &RecordKey) -> bool {
        self.debts.get(key).is_some_and(|it| is_young(it, engine.now()))
    }
}

fn is_young(debt: &Debt, now: UnixMs) -> bool {
    now.since(debt.since) < SLO_MS
}

/// What the connection should hold of a record. Of a deleted one nothing is told but that it is no longer active, and
/// nothing at all where it was deleted.
fn wanted(known: &KeyState, lane: &Lane) -> Fields {
    let connection = lane.connection.id;
    let Some(shadow) = known.shadows.get(&connection) else { return Fields::new() };
    let mut want = shadow.want.clone();
    match known.truth.deleted_at {
        Some(deleted_at) if deleted_at == connection => want.clear(),
        Some(_) => want.retain(|name, _| name == "active"),
        None => {}
    }
    want
}

/// A record, by the names it has.
#[derive(Clone, Copy)]
struct Whose<'a> {
    key: Option<&'a RecordKey>,
    remote_id: &'a str,
}

/// Counts what differs of a record, by class and field. What is not just on its way is a drift of the sweep, and what
/// counts against accuracy is noted in the record's timeline.
fn note(
    sweep: &mut SweepRow,
    class: Class,
    (lane, kind, whose): (&Lane, Kind, Whose<'_>),
    fields: Differing,
    batch: &mut Batch,
) {
    let class_name = class.as_str().to_owned();
    *sweep.mismatches.entry(class_name.clone()).or_default() += fields.len().max(1) as u64;
    for name in fields.keys() {
        *sweep.by_field.entry(name.clone()).or_default().entry(class_name.clone()).or_default() += 1;
    }
    if class == Class::Stale {
        return;
    }
    sweep.drifted += 1;
    if sweep.drifted <= TOLD_MAX {
        batch.changes.push(Change::Drift(Box::new(Drift {
            connection: lane.connection.name.clone(),
            kind,
            sweep: sweep.id,
            n: sweep.drifted,
            key: whose.key.map(|it| it.key.clone()),
            remote_id: whose.remote_id.to_owned(),
            class: class_name.clone(),
            fields: fields.clone(),
        })));
    }
    // What was never created has its debt in the timeline already.
    let is_there = !whose.remote_id.is_empty();
    let Some(key) = whose.key.filter(|_| class.counts() && is_there && !fields.is_empty()) else { return };
    let what = What::Diverged { class: class_name, fields };
    let event = Event { id: 0, at: batch.at, key: key.clone(), connection: Some(lane.connection.id), what };
    batch.changes.push(Change::Event(event));
}
