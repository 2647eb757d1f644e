//! From records that something says have changed to what their system holds now.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use truthsource_core::record::{Cause, Entry, Observed};
use truthsource_core::{Fields, Kind, UnixMs};

use super::connections::Parties;
use super::halves::in_halves;
use super::lane::{Lane, cuts_off, is_away};
use super::token::Token;
use super::{Did, Engine, Error, mapped, unread};
use crate::store::{Batch, Change, Touched, observed_digest};

/// Reads touched records of the lane's connection, a kind at a time; those that a reading left in doubt from the records
/// themselves, where the connector can.
///
/// # Errors
/// When the store fails; a failing system is noted at the records and the lane instead.
pub async fn fetch(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let touched = engine.store.touched(lane.connection.id, engine.now(), engine.pace.fetch_max).await?;
    let handled = touched.len();
    let connection = lane.connection.id;
    let mut by_kind: BTreeMap<(Kind, bool), Vec<Touched>> = BTreeMap::new();
    for it in touched {
        let certain = it.cause == Cause::Recheck && parties.certain_max(connection, it.kind).is_some();
        by_kind.entry((it.kind, certain)).or_default().push(it);
    }
    for ((kind, certain), touched) in by_kind {
        let read_max = parties.kind_power(connection, kind).map_or(50, |it| it.read_max.max(1)) as usize;
        let size = parties.certain_max(connection, kind).filter(|_| certain).unwrap_or(read_max);
        for chunk in touched.chunks(size) {
            if !lane.is_open(engine) {
                return Ok(Did { handled, more: false });
            }
            read(engine, lane, (kind, certain), chunk).await?;
        }
    }
    Ok(Did::some(handled, engine.pace.fetch_max))
}

/// Reads records, in halves where they cannot be read together: one that makes its connector fail keeps no other
/// waiting.
async fn read(
    engine: &Engine,
    lane: &mut Lane,
    (kind, certain): (Kind, bool),
    touched: &[Touched],
) -> Result<(), Error> {
    let ids: Vec<String> = touched.iter().map(|it| it.remote_id.clone()).collect();
    let as_of = lane.tick();
    let connection = &lane.connection;
    let ask = |part| Box::pin(mapped::read(engine, connection, kind, (part, certain))) as BoxFuture<'_, _>;
    let answers = in_halves(&ids, ask).await.map(|it| it.into_iter().map(Result::flatten).collect::<Vec<_>>());
    let failed = match &answers {
        // What says something about the whole system counts before what does about a record.
        Ok(answers) => answers.iter().filter_map(|it| it.as_ref().err()).max_by_key(|it| cuts_off(it)),
        Err(error) => Some(error),
    };
    lane.note(engine, failed.map_or(Ok(()), Err));
    if let Some(error) = failed {
        tracing::warn!(connection = lane.connection.name, %kind, %error, "touched records were not read");
    }
    let Ok(answers) = answers else { return Ok(()) };
    let mut batch = lane.batch(engine);
    let (mut news, mut causes, mut unread) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (it, answer) in touched.iter().zip(answers) {
        match answer {
            Ok(observed) => {
                let cause = if certain { Cause::Certain } else { it.cause };
                causes.insert(it.remote_id.clone(), cause);
                news.push(observed);
                batch.changes.push(untouch(lane, it));
                if it.is_unread() {
                    batch.changes.push(unread::answered(lane.connection.id, it));
                    batch.changes.push(Token::Listed(lane.connection.id, kind).wake());
                }
            }
            Err(error) if is_away(&error) => {}
            Err(error) => {
                unread.push((it, error.to_string()));
                let wait_ms = engine.pace.retry.wait_ms(it.attempts + 1, None, engine.draw, &it.remote_id);
                batch.changes.push(later(lane, it, batch.at.plus(wait_ms)));
            }
        }
    }
    unread::ask(engine, (lane.connection.id, &lane.connection.name), &unread, &mut batch).await?;
    let cause = |observed: &Observed| causes.get(observed.remote_id()).copied().unwrap_or(Cause::Webhook);
    log_news(engine, lane, (kind, as_of), &news, &cause, &mut batch).await?;
    engine.store.commit(batch).await?;
    Ok(())
}

fn untouch(lane: &Lane, it: &Touched) -> Change {
    Change::Untouch { connection: lane.connection.id, kind: it.kind, remote_id: it.remote_id.clone(), seq: it.seq }
}

fn later(lane: &Lane, it: &Touched, due_at: UnixMs) -> Change {
    Change::TouchLater { connection: lane.connection.id, kind: it.kind, remote_id: it.remote_id.clone(), due_at }
}

/// Logs what was read, leaving out what is known already. Gives how many entries are news.
///
/// # Errors
/// When the store fails.
pub async fn log_news(
    engine: &Engine,
    lane: &Lane,
    (kind, as_of): (Kind, u64),
    seen: &[Observed],
    cause: &(dyn Fn(&Observed) -> Cause + Sync),
    batch: &mut Batch,
) -> Result<usize, Error> {
    let connection = lane.connection.id;
    let ids: BTreeSet<String> = seen.iter().map(|it| it.remote_id().to_owned()).collect();
    let heard = engine.store.heard(connection, kind, &ids).await?;
    let mut news = 0;
    for observed in seen {
        let heard = heard.get(observed.remote_id());
        // What nobody knew and is not there is no news, however long its system tells of it, unless something refers to it.
        if heard.is_none() && matches!(observed, Observed::Absent(_)) {
            let token = Token::Linked(connection, kind, observed.remote_id().to_owned()).to_string();
            if engine.store.waiting(&token, 0, 1).await?.is_empty() {
                continue;
            }
        }
        if heard.and_then(|it| it.digest.as_ref()).is_some_and(|it| *it == observed_digest(observed)) {
            continue;
        }
        let (cause, observed, tried) = (cause(observed), observed.clone(), Fields::new());
        let entry = Entry::Observed { connection, cause, as_of, observed, tried };
        batch.changes.push(Change::Append { kind, key: None, entry });
        news += 1;
    }
    Ok(news)
}

#[cfg(test)]
mod tests;
