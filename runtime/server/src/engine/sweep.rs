//! Full comparisons: what a system really holds against what it should hold.
//!
//! A sweep reads everything of a kind once. What differs is logged and repaired like any other news; what a complete
//! reading did not come across is asked for by id before it counts as gone, and a sudden mass of it is held for a
//! person. The figures of the reading are the accuracy that is published: measured at the system, never from our own
//! record of success.

mod compare;

use std::collections::BTreeMap;

use truthsource_core::record::{Cause, ConnectionId, Observed, RecordKey};
use truthsource_core::{Kind, UnixMs};
use truthsource_host::model::Pull;

use super::connections::{Parties, observed_of};
use super::fetch::log_news;
use super::lane::Lane;
use super::poll::read_kinds;
use super::{Did, Engine, Error};
use crate::store::{self, Accuracy, Batch, Change, Conflict, CursorRow, SweepRow, TenantStore, Work};

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
    compare::compare(engine, parties, lane, (kind, &seen), &mut sweep, &mut batch).await?;
    let remote_ids = seen.iter().map(|it| it.remote_id().to_owned()).collect();
    batch.changes.push(Change::Swept { connection: lane.connection.id, kind, sweep: sweep.id, remote_ids });
    sweep.cursor = Some(page.cursor);
    row.sweep = Some(sweep.clone());
    lane.commit_at(engine, kind, row.clone(), batch).await?;
    if page.more {
        return Ok(Did { handled: 1, more: true });
    }
    finish(engine, parties, lane, kind, (row, sweep)).await
}

/// The reading is complete: what it did not come across is asked for, and the figures are published.
async fn finish(
    engine: &Engine,
    parties: &Parties,
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
        hold(engine, lane, kind, (missing, linked), &mut batch).await?;
    } else {
        let read_max = parties.kind_power(connection, kind).map_or(1, |it| it.read_max.max(1)) as usize;
        for ids in unswept.chunks(read_max) {
            let as_of = lane.tick();
            let seen = engine.guests.read(&lane.connection, kind, ids, false).await;
            lane.note(engine, seen.as_ref().map(|_| ()));
            let Ok(seen) = seen else { return Ok(Did::default()) };
            let seen: Vec<Observed> = seen.into_iter().map(observed_of).collect();
            log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Sweep, &mut batch).await?;
            compare::count_absent(engine, lane, (kind, &seen), &mut sweep).await?;
        }
    }
    compare::count_uncreated(engine, lane, kind, &mut sweep).await?;
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

/// Stands for all records of a kind in the conflict that holds a mass deletion.
const ALL: &str = "*";

/// The conflict holds a mass deletion. A record may well be called `*`; none of its fields is.
#[must_use]
pub fn is_mass(conflict: &Conflict) -> bool {
    conflict.key.key == ALL && conflict.field == ALL
}

/// Too much is missing to believe it: nothing is deleted until a person has looked. One who has not looked yet is not
/// told again.
async fn hold(
    engine: &Engine,
    lane: &Lane,
    kind: Kind,
    (missing, linked): (u64, u64),
    batch: &mut Batch,
) -> Result<(), Error> {
    let (name, key) = (&lane.connection.name, RecordKey::new(kind, ALL));
    tracing::warn!(connection = name, %kind, missing, linked, "mass deletion held");
    let mut before = None;
    loop {
        let open = engine.store.conflicts(Some(true), before, 100).await?;
        let Some(last) = open.last() else { break };
        before = Some(last.id);
        if open.iter().any(|it| it.key == key && is_mass(it) && it.claims.contains_key(name)) {
            return Ok(());
        }
    }
    let reason = format!("{missing} of {linked} records were not in a complete reading: nothing is taken as deleted");
    batch.changes.push(Change::Conflict(Conflict {
        id: 0,
        at: batch.at,
        key,
        field: ALL.to_owned(),
        claims: [(name.clone(), truthsource_core::Value::Null)].into(),
        outcome: None,
        reason,
        policy: String::new(),
    }));
    Ok(())
}

/// What follows when a person believes that so much is gone: each record that the last complete reading did not come
/// across is asked for by its id, and counts as deleted when the system says so.
///
/// # Errors
/// When the store fails.
pub async fn believe(store: &dyn TenantStore, connection: ConnectionId, kind: Kind) -> store::Result<Vec<Change>> {
    let Some(swept) = store.cursors(connection).await?.remove(&kind).and_then(|it| it.swept_at) else {
        return Ok(Vec::new());
    };
    let missing = store.unswept(connection, kind, swept.0).await?.into_iter();
    Ok(missing.map(|remote_id| Change::Touch { connection, kind, remote_id, cause: Cause::Sweep }).collect())
}

#[cfg(test)]
mod tests;
