//! Full comparisons: what a system really holds against what it should hold.
//!
//! A sweep reads everything of a kind once. What differs is logged and repaired like any other news; what a complete
//! reading did not come across is asked for by id before it counts as gone, and a sudden mass of it is held for a
//! person. The figures of the reading are the accuracy that is published: measured at the system, never from our own
//! record of success.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::digest::count;
use truthsource_core::record::{Cause, KeyState, Observed, RecordKey};
use truthsource_core::{Kind, UnixMs};
use truthsource_host::model::Pull;

use super::connections::{Parties, observed_of};
use super::fetch::log_news;
use super::lane::Lane;
use super::poll::read_kinds;
use super::{Did, Engine, Error};
use crate::store::{Accuracy, Batch, Change, Conflict, CursorRow, Debt, SweepRow, Work};

/// How long a difference may exist before it counts against accuracy.
pub const SLO_MS: u64 = 30_000;
/// More records than this missing at once are held for a person, even in a small catalogue.
pub const MISSING_MAX: u64 = 50;
/// One missing record in so many is held for a person, from [`MISSING_FLOOR`] on.
pub const MISSING_SHARE: u64 = 100;
/// Fewer missing records than this are never a mass.
pub const MISSING_FLOOR: u64 = 5;

/// Goes on with a sweep of the lane's connection by one page, or begins one that is due.
///
/// # Errors
/// When the store fails; a failing system is noted at the lane instead.
pub async fn sweep(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let swept = read_kinds(lane).filter(|kind| parties.kind_power(lane.connection.id, *kind).is_some());
    let under_way = swept.map(|kind| (kind, lane.cursor(kind))).find_map(|(kind, row)| {
        let asked_at = lane.asks.get(&(Work::Sweep, kind)).copied();
        let is_due = row.sweep.is_none() && is_due(engine, lane, &row, asked_at);
        let mut row = if is_due { begin(engine, row) } else { row };
        row.sweep.take().map(|sweep| (kind, row, sweep))
    });
    match under_way {
        Some((kind, row, sweep)) => go_on(engine, parties, lane, kind, (row, sweep)).await,
        None => Ok(Did::default()),
    }
}

/// A sweep is due when its time has come, or when somebody asked for one since the last began.
fn is_due(engine: &Engine, lane: &Lane, row: &CursorRow, asked_at: Option<UnixMs>) -> bool {
    let every = lane.connection.spec.sweep_every_ms;
    let last = row.swept_at.unwrap_or_default();
    let in_turn = row.listed && every > 0 && engine.now().since(last) >= every;
    in_turn || asked_at.is_some_and(|it| it > last)
}

fn begin(engine: &Engine, row: CursorRow) -> CursorRow {
    let began_at = engine.now();
    let mismatches = BTreeMap::new();
    CursorRow {
        sweep: Some(SweepRow { id: began_at.0, cursor: None, began_at, seen: 0, fields: 0, mismatches }),
        ..row
    }
}

async fn go_on(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    kind: Kind,
    (mut row, mut sweep): (CursorRow, SweepRow),
) -> Result<Did, Error> {
    let pull = Pull { kind, cursor: sweep.cursor.clone(), overlap_ms: 0 };
    let as_of = lane.tick();
    let page = engine.guests.pull(&lane.connection, &pull).await;
    lane.note(engine, page.as_ref().map(|_| ()));
    let Ok(page) = page else { return Ok(Did::default()) };
    let seen: Vec<Observed> = page.entries.into_iter().map(observed_of).collect();
    let mut batch = lane.batch(engine);
    log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Sweep, &mut batch).await?;
    compare(engine, parties, lane, kind, &seen, &mut sweep).await?;
    let remote_ids = seen.iter().map(|it| it.remote_id().to_owned()).collect();
    batch.changes.push(Change::Swept { connection: lane.connection.id, kind, sweep: sweep.id, remote_ids });
    sweep.cursor = Some(page.cursor);
    row.sweep = Some(sweep.clone());
    lane.commit_at(engine, kind, row.clone(), batch).await?;
    if page.more {
        return Ok(Did { handled: 1, more: true });
    }
    finish(engine, lane, kind, (row, sweep)).await
}

/// Counts the fields that were read, and those that are not what they should be, by class. What lags behind is not
/// counted: it says nothing about what the system holds now.
async fn compare(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    kind: Kind,
    seen: &[Observed],
    sweep: &mut SweepRow,
) -> Result<(), Error> {
    let connection = lane.connection.id;
    let lag = parties.lag(Some(connection), kind);
    let ids: BTreeSet<String> = seen.iter().map(|it| it.remote_id().to_owned()).collect();
    let links = engine.store.links_from(connection, kind, &ids).await?;
    let keys: BTreeSet<RecordKey> = links.values().map(|key| RecordKey::new(kind, key)).collect();
    let states = engine.store.states(&keys).await?;
    let debts: BTreeMap<RecordKey, Debt> = engine
        .store
        .debts_of(&keys)
        .await?
        .into_iter()
        .filter(|it| it.connection == connection)
        .map(|it| (it.key.clone(), it))
        .collect();
    for observed in seen {
        let Observed::Present(state) = observed else { continue };
        sweep.seen += 1;
        let key = links.get(&state.remote_id).map(|key| RecordKey::new(kind, key));
        let Some((key, known)) = key.and_then(|key| states.get(&key).map(|it| (key, it))) else { continue };
        let in_flight = debts.get(&key).is_some_and(|it| engine.now().since(it.since) < SLO_MS);
        let fresh = known.shadows.get(&connection).and_then(|it| it.fresh.as_ref());
        if fresh.is_some_and(|it| it.outlasts(state, engine.now(), lag)) {
            continue;
        }
        compare_record(lane, (kind, known), &state.fields, in_flight_class(in_flight), sweep);
    }
    Ok(())
}

fn in_flight_class(in_flight: bool) -> &'static str {
    if in_flight { "stale" } else { "wrong" }
}

fn compare_record(
    lane: &Lane,
    (kind, known): (Kind, &KeyState),
    fields: &truthsource_core::Fields,
    class: &'static str,
    sweep: &mut SweepRow,
) {
    let Some(shadow) = known.shadows.get(&lane.connection.id) else { return };
    let schema = truthsource_core::schema::of(kind);
    for (name, want) in &shadow.want {
        // References are other names for the same thing at every system; the link table vouches for them.
        let refers = schema.field(name).is_some_and(|it| {
            matches!(it.ty, truthsource_core::schema::Type::Ref(_) | truthsource_core::schema::Type::Rows(_))
        });
        let Some(held) = fields.get(name).filter(|_| !refers) else { continue };
        sweep.fields += 1;
        if held != want {
            count(&mut sweep.mismatches, class);
        }
    }
}

/// The reading is complete: what it did not come across is asked for, and the figures are published.
async fn finish(
    engine: &Engine,
    lane: &mut Lane,
    kind: Kind,
    (mut row, mut sweep): (CursorRow, SweepRow),
) -> Result<Did, Error> {
    let connection = lane.connection.id;
    let unswept = engine.store.unswept(connection, kind, sweep.id).await?;
    let linked = engine.store.linked(connection, kind).await?;
    let mut batch = lane.batch(engine);
    let missing = unswept.len() as u64;
    if missing >= MISSING_FLOOR && missing > MISSING_MAX.min(linked / MISSING_SHARE) {
        hold(lane, kind, missing, linked, &mut batch);
    } else if missing > 0 {
        let as_of = lane.tick();
        let seen = engine.guests.read(&lane.connection, kind, &unswept).await;
        lane.note(engine, seen.as_ref().map(|_| ()));
        let Ok(seen) = seen else { return Ok(Did::default()) };
        let seen: Vec<Observed> = seen.into_iter().map(observed_of).collect();
        log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Sweep, &mut batch).await?;
        for _ in seen.iter().filter(|it| matches!(it, Observed::Absent(_))) {
            count(&mut sweep.mismatches, "missing");
        }
    }
    row.sweep = None;
    row.swept_at = Some(sweep.began_at);
    batch.changes.push(Change::Accuracy(Accuracy {
        connection: lane.connection.name.clone(),
        kind,
        at: batch.at,
        records: sweep.seen,
        fields: sweep.fields,
        mismatches: sweep.mismatches,
    }));
    lane.commit_at(engine, kind, row, batch).await?;
    Ok(Did { handled: 1, more: false })
}

/// Too much is missing to believe it: nothing is deleted until a person has looked.
fn hold(lane: &Lane, kind: Kind, missing: u64, linked: u64, batch: &mut Batch) {
    let reason = format!("{missing} of {linked} records were not in a complete reading: nothing is taken as deleted");
    tracing::warn!(connection = lane.connection.name, %kind, missing, linked, "mass deletion held");
    batch.changes.push(Change::Conflict(Conflict {
        id: 0,
        at: batch.at,
        key: RecordKey::new(kind, "*"),
        field: "*".to_owned(),
        claims: [(lane.connection.name.clone(), truthsource_core::Value::Null)].into(),
        outcome: None,
        reason,
        policy: String::new(),
    }));
}
