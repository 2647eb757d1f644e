//! Scheduled pulls: what finds every change that no webhook told us of.

use truthsource_core::budget::Class;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::Cause;
use truthsource_core::{Kind, UnixMs};
use truthsource_host::model::{Page, Pull};
use truthsource_host::{CallError, Misfit};

use super::connections::Parties;
use super::fetch::log_news;
use super::lane::{Lane, is_away};
use super::token::Token;
use super::{Did, Engine, Error, mapped, priority, unread};
use crate::store::Work;

/// How often a kind is polled when its connection does not say.
pub const POLL_EVERY_MS: u64 = 300_000;

/// The least urgent kinds that are pulled before anything is written once a system is back.
const URGENT: u8 = priority(Kind::StockLevel);

/// Pulls one page of the kind of the lane's connection that has been due the longest. The cursor moves in the same commit as
/// what was read, so that a crash neither loses nor repeats a page for good.
///
/// # Errors
/// When the store fails; a failing system is noted at the cursor and the lane instead.
pub async fn poll(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let due = due(engine, parties, lane);
    let Some(&kind) = due.first() else { return Ok(Did::default()) };
    let did = pull(engine, parties, lane, kind).await?;
    Ok(Did { more: did.more || due.len() > 1, ..did })
}

/// Pulls what is most urgent of a system that has just come back, a page of each kind: what people did there while it
/// was away is older than what it is to be told.
///
/// # Errors
/// As of [`poll`].
pub async fn poll_urgent(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let mut did = Did::default();
    for kind in due(engine, parties, lane).into_iter().filter(|it| priority(*it) <= URGENT) {
        if lane.is_open(engine) {
            did = did.and(pull(engine, parties, lane, kind).await?);
        }
    }
    Ok(did)
}

/// Asks a system that is down for the most urgent kind there is, due or not, to see whether it is back.
///
/// # Errors
/// As of [`poll`].
pub async fn probe(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let Some(kind) = pulled(parties, lane).min_by_key(|kind| priority(*kind)) else { return Ok(Did::default()) };
    pull(engine, parties, lane, kind).await
}

/// Kinds that are due, in the order in which they are to be pulled: those that have been due the longest first, so that
/// none has to wait for another for ever. While any was not listed yet they go in the order in which they refer to each
/// other.
fn due(engine: &Engine, parties: &Parties, lane: &Lane) -> Vec<Kind> {
    let is_due = |kind: &Kind| due_at(lane, *kind) <= engine.now();
    let mut kinds: Vec<Kind> = pulled(parties, lane).filter(is_due).collect();
    if read_kinds(lane).all(|kind| lane.cursor(kind).listed) {
        kinds.sort_by_key(|kind| (due_at(lane, *kind), priority(*kind)));
    }
    kinds
}

/// Kinds that can be pulled.
fn pulled(parties: &Parties, lane: &Lane) -> impl Iterator<Item = Kind> {
    read_kinds(lane).filter(|kind| parties.kind_power(lane.connection.id, *kind).is_some())
}

/// When the next poll of the lane's connection is due, as far as was known when its turn began.
#[must_use]
pub fn next_at(lane: &Lane) -> UnixMs {
    read_kinds(lane).map(|kind| due_at(lane, kind)).min().unwrap_or(UnixMs(u64::MAX))
}

/// The kinds that the lane's connection reads.
pub(super) fn read_kinds(lane: &Lane) -> impl Iterator<Item = Kind> {
    lane.connection.spec.kinds.iter().filter(|(_, it)| it.reads).map(|(kind, _)| *kind)
}

/// Since when, or from when on, a kind is due: at its time, or when somebody asked since the last pull began. A pull that
/// fails keeps to its time.
fn due_at(lane: &Lane, kind: Kind) -> UnixMs {
    let row = lane.cursor(kind);
    let asked = |work| lane.asks.get(&(work, kind)).copied();
    let poll = asked(Work::Poll).filter(|at| row.failures == 0 && row.pulled_at.is_none_or(|began| *at >= began));
    let retry = asked(Work::Retry).filter(|at| row.failed_at.is_some_and(|failed| *at > failed));
    [poll, retry].into_iter().flatten().fold(row.poll_at, UnixMs::min)
}

/// A listing that stands still would be asked for without end.
pub(super) fn moves_on(page: Page, pull: &Pull) -> Result<Page, CallError> {
    if page.more && pull.cursor.as_deref() == Some(page.cursor.as_str()) {
        return Err(CallError::BadOutput(Misfit::new("cursor", "it stands still, and there is more")));
    }
    Ok(page)
}

/// Pulls one page.
async fn pull(engine: &Engine, parties: &Parties, lane: &mut Lane, kind: Kind) -> Result<Did, Error> {
    let mut row = lane.cursor(kind);
    let mut did = Did::default();
    let overlap_ms = lane.connection.spec.overlap_ms.max(parties.care(lane.connection.id, kind).overlap_ms);
    let pull = Pull { kind, cursor: row.cursor.clone(), overlap_ms };
    let began_at = *row.pulling_since.get_or_insert(engine.now());
    let as_of = lane.tick();
    let page =
        mapped::pull(engine, &lane.connection, (&pull, Class::of(kind))).await.and_then(|page| moves_on(page, &pull));
    lane.note(engine, page.as_ref().map(|_| ()));
    let mut batch = lane.batch(engine);
    match page {
        Ok(page) => {
            did.handled = log_news(engine, lane, (kind, as_of), &page.entries, &|_| Cause::Poll, &mut batch).await?;
            let unread = page.unread.into_iter().map(|it| it.remote_id);
            unread::touch((lane.connection.id, kind), unread, Cause::Poll, &mut batch);
            did.more = page.more;
            row.cursor = Some(page.cursor);
            if !page.more && !row.listed {
                row.listed = true;
                // The next complete reading is due as long after this one as after any.
                row.swept_at.get_or_insert(began_at);
                batch.changes.push(Token::Listed(lane.connection.id, kind).wake());
            }
            if !page.more {
                (row.pulling_since, row.pulled_at) = (None, Some(began_at));
            }
            (row.failures, row.failed_at) = (0, None);
            let every = lane.connection.spec.poll_every_ms.get(&kind).copied().unwrap_or(POLL_EVERY_MS);
            row.poll_at = if page.more { batch.at } else { batch.at.plus(every) };
            if plant::on(Bug::CursorEarly) {
                let early = lane.batch(engine);
                lane.commit_at(engine, kind, row.clone(), early).await?;
            }
        }
        Err(error) => {
            tracing::warn!(connection = lane.connection.name, %kind, %error, "a pull failed");
            if !is_away(&error) {
                row.failures += 1;
                row.failed_at = Some(batch.at);
                let what = format!("{}/{kind}", lane.connection.id);
                row.poll_at = batch.at.plus(engine.pace.retry.wait_ms(row.failures, None, engine.draw, &what));
            }
        }
    }
    lane.commit_at(engine, kind, row, batch).await?;
    Ok(did)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use truthsource_host::model::Fault;

    use super::*;
    use crate::engine::connections::resume;
    use crate::engine::fake::{Fake, House, SHOP, answers};
    use crate::engine::trust::{CAREFUL_OVERLAP_MS, Word};

    /// Nobody has seen how late changes show there: polls reach further back than the connection says.
    #[tokio::test]
    async fn a_connector_without_proof_is_asked_further_back() {
        for (word, expect) in [(Word::Declared, 0), (Word::Certified(Arc::default()), CAREFUL_OVERLAP_MS)] {
            let asked = Arc::new(AtomicU32::new(u32::MAX));
            let noted = asked.clone();
            let pull = answers(move |pull: Pull| {
                noted.store(pull.overlap_ms, Ordering::Relaxed);
                Ok(Page { entries: Vec::new(), unread: Vec::new(), cursor: "1".to_owned(), more: false })
            });
            let house = House::with(Fake { pull, word, ..Fake::default() }).await;
            let parties = Parties::load(&house.engine).await.unwrap();
            let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
            lane.look(&house.engine).await.unwrap();
            poll(&house.engine, &parties, &mut lane).await.unwrap();
            assert_eq!(asked.load(Ordering::Relaxed), expect);
        }
    }

    /// What made a kind fail may be gone when a connection was mended: it does not wait out its pause.
    #[tokio::test]
    async fn what_failed_is_pulled_at_once_when_its_connection_was_mended() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let pull = answers(move |_: Pull| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(CallError::Refused(Fault::Protocol("what is this?".to_owned())))
        });
        let house = House::with(Fake { pull, ..Fake::default() }).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let polled = async || {
            let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
            for _ in 0..20 {
                lane.look(&house.engine).await.unwrap();
                poll(&house.engine, &parties, &mut lane).await.unwrap();
            }
            asked.swap(0, Ordering::Relaxed)
        };
        assert_eq!(polled().await, 4, "each of its kinds once");
        assert_eq!(polled().await, 0, "each waits");
        house.pass(1);
        house.commit(resume(&parties.connections[&SHOP])).await;
        assert_eq!(polled().await, 4);
        assert_eq!(polled().await, 0, "and waits again");
    }
}
