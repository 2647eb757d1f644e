//! What a reading found, against what should be there.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::accuracy::Class;
use truthsource_core::record::{KeyState, Observed, RecordKey, State};
use truthsource_core::{Fields, Kind, UnixMs};

use super::SLO_MS;
use crate::engine::address::Links;
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Engine, Error};
use crate::store::{Batch, Change, Debt, Event, SweepRow, What};

/// Records of which something is looked up at once.
const PAGE: u32 = 500;

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
    let (lag, power) = (parties.lag(Some(connection), kind), parties.power(connection, kind));
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
            note(sweep, Class::Unverifiable, state.fields.len());
            continue;
        };
        let fresh = known.shadows.get(&connection).and_then(|it| it.fresh.as_ref());
        if fresh.is_some_and(|it| it.outlasts(Some(state), engine.now(), lag)) {
            continue;
        }
        let held = links.canonical(kind, state.clone()).fields;
        // A field that was not read says nothing: so is a reference to what is no record of ours.
        let read = wanted(known, lane).into_iter().filter_map(|(name, want)| Some((held.get(&name)?, name, want)));
        let mut fields = BTreeMap::new();
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
        note(sweep, class, fields.len());
        if class.counts() {
            let what = What::Diverged { class: class.as_str().to_owned(), fields };
            let event = Event { id: 0, at: batch.at, key: key.clone(), connection: Some(connection), what };
            batch.changes.push(Change::Event(event));
        }
    }
    Ok(())
}

/// Counts records that are there and could not be taken in, a field each: themselves.
pub(super) fn count_unread(n: usize, sweep: &mut SweepRow) {
    sweep.seen += n as u64;
    if n > 0 {
        note(sweep, Class::Unverifiable, n);
    }
}

/// Counts the fields of records that the system says it does not have.
pub(super) async fn count_absent(
    engine: &Engine,
    lane: &Lane,
    (kind, seen): (Kind, &[Observed]),
    sweep: &mut SweepRow,
) -> Result<(), Error> {
    let absent = seen.iter().filter_map(|it| if let Observed::Absent(id) = it { Some(id.clone()) } else { None });
    let expected = Expected::of(engine, lane, kind, &absent.collect()).await?;
    for (_, known) in expected.by_id.values().filter(|(_, known)| known.truth.deleted_at.is_none()) {
        count_missing(sweep, Class::Missing, wanted(known, lane));
    }
    Ok(())
}

/// Counts the fields of records that the system should have and was not given yet.
pub(super) async fn count_uncreated(
    engine: &Engine,
    lane: &Lane,
    kind: Kind,
    sweep: &mut SweepRow,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let debts = engine.store.uncreated(lane.connection.id, kind, after.as_deref(), PAGE).await?;
        let Some(last) = debts.last() else { return Ok(()) };
        after = Some(last.key.key.clone());
        let states = engine.store.states(&debts.iter().map(|it| it.key.clone()).collect()).await?;
        for debt in &debts {
            let class = if is_young(debt, engine.now()) { Class::Stale } else { Class::Missing };
            count_missing(sweep, class, states.get(&debt.key).map(|it| wanted(it, lane)).unwrap_or_default());
        }
    }
}

/// A record that is not there lacks every field that it should have, and one at least: itself.
fn count_missing(sweep: &mut SweepRow, class: Class, want: Fields) {
    let n = want.len().max(1);
    sweep.fields += n as u64;
    note(sweep, class, n);
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

fn note(sweep: &mut SweepRow, class: Class, n: usize) {
    *sweep.mismatches.entry(class.as_str().to_owned()).or_default() += n as u64;
}
