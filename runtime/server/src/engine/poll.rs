//! Scheduled pulls: what finds every change that no webhook told us of.

use truthsource_core::record::{Cause, Observed};
use truthsource_core::{Kind, UnixMs};
use truthsource_host::model::Pull;

use super::connections::{Parties, observed_of};
use super::fetch::log_news;
use super::lane::{Lane, cuts_off};
use super::{Did, Engine, Error, listed_token};
use crate::store::{Asks, Change, CursorRow, Work};

/// How often a kind is polled when its connection does not say.
pub const POLL_EVERY_MS: u64 = 300_000;

/// Pulls the kinds of the lane's connection that are due, in reading order, a few pages each. The cursor moves in the
/// same commit as what was read, so that a crash neither loses nor repeats a page for good.
///
/// # Errors
/// When the store fails; a failing system is noted at the cursor and the lane instead.
pub async fn poll(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let mut did = Did::default();
    let mut cursors = engine.store.cursors(lane.connection.id).await?;
    let asks = engine.store.asks(lane.connection.id).await?;
    let kinds: Vec<Kind> = read_kinds(lane).collect();
    let listing = kinds.iter().any(|kind| !cursors.get(kind).is_some_and(|it| it.listed));
    for kind in kinds {
        if !lane.is_open(engine) {
            break;
        }
        let row = cursors.remove(&kind).unwrap_or_default();
        if due_at(kind, &row, &asks) > engine.now() || parties.kind_power(lane.connection.id, kind).is_none() {
            continue;
        }
        let listed = row.listed;
        did = did.and(pull(engine, lane, kind, row).await?);
        // A first listing goes kind by kind: what refers to others comes after them.
        if listing && !listed {
            break;
        }
    }
    Ok(did)
}

/// Asks a system that is down for the first kind there is, due or not, to see whether it is back.
///
/// # Errors
/// When the store fails.
pub async fn probe(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let first = read_kinds(lane).find(|kind| parties.kind_power(lane.connection.id, *kind).is_some());
    let Some(kind) = first else { return Ok(Did::default()) };
    let row = engine.store.cursors(lane.connection.id).await?.remove(&kind).unwrap_or_default();
    pull(engine, lane, kind, row).await
}

/// When work of this kind is due next at the connection.
///
/// # Errors
/// When the store fails.
pub async fn next_at(engine: &Engine, lane: &Lane) -> Result<UnixMs, Error> {
    let cursors = engine.store.cursors(lane.connection.id).await?;
    let asks = engine.store.asks(lane.connection.id).await?;
    let due = read_kinds(lane).map(|kind| cursors.get(&kind).map_or(UnixMs(0), |row| due_at(kind, row, &asks)));
    Ok(due.min().unwrap_or(UnixMs(u64::MAX)))
}

fn read_kinds(lane: &Lane) -> impl Iterator<Item = Kind> {
    lane.connection.spec.kinds.iter().filter(|(_, it)| it.reads).map(|(kind, _)| *kind)
}

/// At its time, or at once when somebody asked since the last pull began. A pull that fails keeps to its time.
fn due_at(kind: Kind, row: &CursorRow, asks: &Asks) -> UnixMs {
    let is_asked = asks.get(&(Work::Poll, kind)).is_some_and(|at| row.pulled_at.is_none_or(|began| *at >= began));
    if is_asked && row.failures == 0 { UnixMs(0) } else { row.poll_at }
}

async fn pull(engine: &Engine, lane: &mut Lane, kind: Kind, mut row: CursorRow) -> Result<Did, Error> {
    let mut did = Did::default();
    for _ in 0..engine.pace.pages_max {
        let pull = Pull { kind, cursor: row.cursor.clone(), overlap_ms: lane.connection.spec.overlap_ms };
        let began_at = *row.pulling_since.get_or_insert(engine.now());
        let as_of = lane.tick();
        let page = engine.guests.pull(&lane.connection, &pull).await;
        lane.note(engine, page.as_ref().map(|_| ()));
        let mut batch = lane.batch(engine);
        let more = match page {
            Ok(page) => {
                let seen: Vec<Observed> = page.entries.into_iter().map(observed_of).collect();
                did.handled += log_news(engine, lane, (kind, as_of), &seen, &|_| Cause::Poll, &mut batch).await?;
                row.cursor = Some(page.cursor);
                if !page.more && !row.listed {
                    row.listed = true;
                    batch.changes.push(Change::Wake { token: listed_token(lane.connection.id, kind) });
                }
                if !page.more {
                    (row.pulling_since, row.pulled_at) = (None, Some(began_at));
                }
                row.failures = 0;
                let every = lane.connection.spec.poll_every_ms.get(&kind).copied().unwrap_or(POLL_EVERY_MS);
                row.poll_at = if page.more { batch.at } else { batch.at.plus(every) };
                page.more
            }
            Err(error) => {
                tracing::warn!(connection = lane.connection.name, %kind, %error, "a pull failed");
                if !cuts_off(&error) {
                    row.failures += 1;
                    let what = format!("{}/{kind}", lane.connection.id);
                    row.poll_at = batch.at.plus(engine.pace.retry.wait_ms(row.failures, None, engine.draw, &what));
                }
                false
            }
        };
        batch.changes.push(Change::Cursor { connection: lane.connection.id, kind, row: row.clone() });
        engine.store.commit(batch).await?;
        did.more = more;
        if !more {
            break;
        }
    }
    Ok(did)
}
