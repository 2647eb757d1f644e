//! Full comparisons: what a system really holds against what it should hold.
//!
//! A sweep reads everything of a kind once. What differs is logged and repaired like any other news; what a complete
//! reading did not come across is asked for by id before it counts as gone, and a sudden mass of it is held for a
//! person. The figures of the reading are the accuracy that is published: measured at the system, never from our own
//! record of success.

mod compare;
mod lost;
pub mod outcome;
mod ranges;

use truthsource_core::Kind;
use truthsource_core::budget::Class;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{Cause, Observed};
use truthsource_host::CallError;
use truthsource_host::model::Pull;

use super::connections::Parties;
use super::fetch::log_news;
use super::lane::{Lane, is_away};
use super::poll::{moves_on, read_kinds};
use super::trust::Care;
use super::{Did, Engine, Error, deletions, mapped, unread};
use crate::store::{Accuracy, Change, ConnectionSpec, CursorRow, SweepRow, Work};

/// How long a difference may exist before it counts against accuracy.
pub const SLO_MS: u64 = 30_000;

/// Goes on with a sweep of the lane's connection by one page, or begins one that is due.
///
/// # Errors
/// When the store fails; a failing system is noted at the lane instead.
pub async fn sweep(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let swept = read_kinds(lane).filter(|kind| parties.kind_power(lane.connection.id, *kind).is_some());
    let under_way = swept.map(|kind| (kind, lane.cursor(kind))).find_map(|(kind, row)| {
        let asked_at = lane.asks.get(&(Work::Sweep, kind)).copied();
        let last = row.swept_at.unwrap_or_default();
        let is_asked = asked_at.is_some_and(|it| it > last);
        let every_ms = every_ms(&lane.connection.spec, parties.care(lane.connection.id, kind));
        let is_due = row.sweep.is_none() && (is_asked || is_its_turn(engine, every_ms, &row));
        let sweep = if is_due { Some(SweepRow::begun(engine.now(), is_asked)) } else { row.sweep.clone() };
        let sweep = sweep.filter(|it| it.due_at <= engine.now())?;
        Some((kind, CursorRow { sweep: None, ..row }, sweep))
    });
    match under_way {
        Some((kind, row, sweep)) => go_on(engine, parties, lane, kind, (row, sweep)).await,
        None => Ok(Did::default()),
    }
}

/// A sweep's time has come.
fn is_its_turn(engine: &Engine, every_ms: u64, row: &CursorRow) -> bool {
    row.listed && every_ms > 0 && engine.now().since(row.swept_at.unwrap_or_default()) >= every_ms
}

/// How often everything of a kind is compared; 0: on demand alone, however little its connector is believed to see.
fn every_ms(spec: &ConnectionSpec, care: Care) -> u64 {
    let every_ms = spec.sweep_every_ms;
    care.sweep_every_ms.map_or(every_ms, |it| it.min(every_ms))
}

async fn go_on(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    kind: Kind,
    (mut row, mut sweep): (CursorRow, SweepRow),
) -> Result<Did, Error> {
    if sweep.is_new()
        && let Err(error) = ranges::begin(engine, parties, lane, kind, (&row, &mut sweep)).await?
    {
        return put_off(engine, lane, kind, (row, sweep), &error).await;
    }
    if sweep.ranges.as_ref().is_some_and(Vec::is_empty) {
        return finish(engine, parties, lane, kind, (row, sweep)).await;
    }
    let cursor = sweep.cursor.clone().or_else(|| sweep.ranges.as_ref()?.first().cloned());
    let pull = Pull { kind, cursor, overlap_ms: 0 };
    let as_of = lane.tick();
    let page =
        mapped::pull(engine, &lane.connection, (&pull, Class::Sweep)).await.and_then(|page| moves_on(page, &pull));
    lane.note(engine, page.as_ref().map(|_| ()));
    let page = match page {
        Ok(page) => page,
        Err(error) => return put_off(engine, lane, kind, (row, sweep), &error).await,
    };
    let seen = page.entries;
    let mut batch = lane.batch(engine);
    sweep.pages += 1;
    sweep.news += log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Sweep, &mut batch).await? as u64;
    compare::compare(engine, parties, lane, (kind, &seen), &mut sweep, &mut batch).await?;
    let connection = lane.connection.id;
    let unread: Vec<String> = page.unread.into_iter().map(|it| it.remote_id).collect();
    compare::count_unread((lane, kind), &unread, &mut sweep, &mut batch);
    unread::touch((connection, kind), unread.iter().cloned(), Cause::Sweep, &mut batch);
    let remote_ids = seen.iter().map(|it| it.remote_id().to_owned()).chain(unread).collect();
    batch.changes.push(Change::Swept { connection, kind, sweep: sweep.id, remote_ids });
    let more = sweep.turn(page.cursor, page.more);
    row.sweep = Some(sweep.clone());
    lane.commit_at(engine, kind, row.clone(), batch).await?;
    if more {
        return Ok(Did { handled: 1, more: true });
    }
    finish(engine, parties, lane, kind, (row, sweep)).await
}

/// How many tries in a row may fail before a sweep begins anew: a listing may have become unreadable where it stands.
const TRIES_MAX: u32 = 5;

/// The sweep goes on later. Where the system itself is away the lane waits for it anyway.
async fn put_off(
    engine: &Engine,
    lane: &mut Lane,
    kind: Kind,
    (mut row, mut sweep): (CursorRow, SweepRow),
    error: &CallError,
) -> Result<Did, Error> {
    if is_away(error) {
        return Ok(Did::default());
    }
    tracing::warn!(connection = lane.connection.name, %kind, %error, "a sweep cannot go on");
    let failures = sweep.failures + 1;
    if failures.is_multiple_of(TRIES_MAX) {
        sweep = SweepRow::begun(engine.now(), sweep.asked);
    }
    let what = format!("sweep/{}/{kind}", lane.connection.id);
    sweep.failures = failures;
    sweep.due_at = engine.now().plus(engine.pace.retry.wait_ms(failures, None, engine.draw, &what));
    row.sweep = Some(sweep);
    let batch = lane.batch(engine);
    lane.commit_at(engine, kind, row, batch).await?;
    Ok(Did::default())
}

/// The reading is complete: what it did not come across is asked for, unless it is too much to be true, and the figures
/// are published.
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
    if plant::on(Bug::DeleteOnMissing) {
        let gone: Vec<Observed> = unswept.into_iter().map(Observed::Absent).collect();
        let as_of = lane.tick();
        log_news(engine, lane, (kind, as_of), &gone, &|_| Cause::Sweep, &mut batch).await?;
    } else if deletions::is_believed(engine, (connection, kind), &row).await? {
        let believed = |remote_id| Change::Touch { connection, kind, remote_id, cause: Cause::Believed };
        batch.changes.extend(unswept.into_iter().map(believed));
    } else if deletions::is_too_much(missing, linked) {
        deletions::hold(engine, (&lane.connection.name, kind), (missing, linked), &mut batch).await?;
    } else {
        let read_max = parties.kind_power(connection, kind).map_or(1, |it| it.read_max.max(1)) as usize;
        for ids in unswept.chunks(read_max) {
            let as_of = lane.tick();
            let read = mapped::read(engine, &lane.connection, kind, (ids, false)).await;
            lane.note(engine, read.as_ref().map(|_| ()));
            // What may pass by itself is asked again, and what does not is not known.
            let read =
                read.and_then(|it| match it.iter().find_map(|it| it.as_ref().err().filter(|it| it.is_retryable())) {
                    Some(error) => Err(error.clone()),
                    None => Ok(it),
                });
            let read = match read {
                Ok(read) => read,
                Err(error) => return put_off(engine, lane, kind, (row, sweep), &error).await,
            };
            let unread: Vec<String> =
                ids.iter().zip(&read).filter(|(_, it)| it.is_err()).map(|(id, _)| id.clone()).collect();
            compare::count_unread((lane, kind), &unread, &mut sweep, &mut batch);
            unread::touch((connection, kind), unread.into_iter(), Cause::Sweep, &mut batch);
            let seen: Vec<Observed> = read.into_iter().filter_map(Result::ok).collect();
            sweep.news += log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Sweep, &mut batch).await? as u64;
            compare::count_absent(engine, lane, (kind, &seen), &mut sweep, &mut batch).await?;
        }
    }
    compare::count_uncreated(engine, lane, kind, &mut sweep, &mut batch).await?;
    lost::ask(lane, kind, &sweep, &mut batch);
    row.sweep = None;
    row.swept_at = Some(sweep.began_at);
    batch.changes.push(Change::Accuracy(Accuracy {
        connection: lane.connection.name.clone(),
        kind,
        sweep: sweep.id,
        began_at: sweep.began_at,
        at: batch.at,
        asked: sweep.asked,
        pages: sweep.pages,
        records: sweep.seen,
        news: sweep.news,
        fields: sweep.fields,
        mismatches: sweep.mismatches,
        by_field: sweep.by_field,
        drifted: sweep.drifted,
    }));
    lane.commit_at(engine, kind, row, batch).await?;
    Ok(Did { handled: 1, more: false })
}

#[cfg(test)]
mod tests;
