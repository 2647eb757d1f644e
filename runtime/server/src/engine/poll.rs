//! Scheduled pulls: what finds every change that no webhook told us of.

use truthsource_core::record::{Cause, Observed};
use truthsource_core::{Kind, UnixMs};
use truthsource_host::model::Pull;

use super::connections::{Parties, observed_of};
use super::fetch::log_news;
use super::lane::Lane;
use super::{Did, Engine, Error, listed_token};
use crate::store::{Change, CursorRow};

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
    let kinds: Vec<Kind> =
        lane.connection.spec.kinds.iter().filter(|(_, it)| it.reads).map(|(kind, _)| *kind).collect();
    let listing = kinds.iter().any(|kind| !cursors.get(kind).is_some_and(|it| it.listed));
    for kind in kinds {
        let row = cursors.remove(&kind).unwrap_or_default();
        if row.poll_at > engine.now() || parties.kind_power(lane.connection.id, kind).is_none() {
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

/// When work of this kind is due next at the connection.
///
/// # Errors
/// When the store fails.
pub async fn next_at(engine: &Engine, lane: &Lane) -> Result<UnixMs, Error> {
    let cursors = engine.store.cursors(lane.connection.id).await?;
    let kinds = lane.connection.spec.kinds.iter().filter(|(_, it)| it.reads).map(|(kind, _)| kind);
    let due = kinds.map(|kind| cursors.get(kind).map_or(UnixMs(0), |it| it.poll_at));
    Ok(due.min().unwrap_or(UnixMs(u64::MAX)))
}

async fn pull(engine: &Engine, lane: &mut Lane, kind: Kind, mut row: CursorRow) -> Result<Did, Error> {
    let mut did = Did::default();
    for _ in 0..engine.pace.pages_max {
        let pull = Pull { kind, cursor: row.cursor.clone(), overlap_ms: lane.connection.spec.overlap_ms };
        let as_of = lane.tick();
        let page = engine.guests.pull(&lane.connection, &pull).await;
        let wait_ms = lane.note(engine, page.as_ref().map(|_| ()));
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
                row.failures = 0;
                let every = lane.connection.spec.poll_every_ms.get(&kind).copied().unwrap_or(POLL_EVERY_MS);
                row.poll_at = if page.more { batch.at } else { batch.at.plus(every) };
                page.more
            }
            Err(error) => {
                tracing::warn!(connection = lane.connection.name, %kind, %error, "a pull failed");
                row.failures += 1;
                row.poll_at = batch.at.plus(wait_ms);
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
