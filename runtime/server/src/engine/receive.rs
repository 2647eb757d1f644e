//! From webhooks that were taken to records that must be read.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::record::{Cause, ConnectionId, RecordKey};
use truthsource_host::CallError;
use truthsource_host::model::{Notice, Webhook};

use super::{Did, Engine, Error};
use crate::store::{Batch, Change, Connection, Event, InboxRow, What, Work};

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// How much.
    pub did: Did,
    /// From whom: their systems live.
    pub heard: BTreeSet<ConnectionId>,
}

/// Understands webhooks, oldest first. Where a connector gives no answer the connection's kinds are pulled instead: a
/// webhook is only a hint, and one that makes a connector fail must not keep others waiting. While there is no place
/// to run in, it stays where it is.
///
/// # Errors
/// When the store fails. Nothing was understood then.
pub async fn receive(engine: &Engine) -> Result<Received, Error> {
    let rows = engine.store.inbox(engine.pace.inbox_max).await?;
    if rows.is_empty() {
        return Ok(Received::default());
    }
    let connections = engine.store.connections().await?;
    let mut batch = Batch::new(engine.now());
    let (mut done, mut touched) = (0, Touched::new());
    for row in &rows {
        let connection = connections.iter().find(|it| it.id == row.connection);
        let is_done = match connection {
            Some(connection) => understand(engine, connection, row, (&mut batch, &mut touched)).await,
            None => true,
        };
        if is_done {
            batch.changes.push(Change::InboxDone { id: row.id });
            done += 1;
        }
    }
    tell(engine, touched, &mut batch).await?;
    engine.store.commit(batch).await?;
    let heard = rows.iter().map(|it| it.connection).collect();
    Ok(Received { did: Did::some(done, engine.pace.inbox_max), heard })
}

/// What webhooks named, by connection and kind: remote id, and the webhook's topic and id.
type Touched = BTreeMap<(ConnectionId, Kind), Vec<(String, (String, String))>>;

/// Says in the timelines of the records that are known which webhook named them.
async fn tell(engine: &Engine, touched: Touched, batch: &mut Batch) -> Result<(), Error> {
    for ((connection, kind), named) in touched {
        let ids = named.iter().map(|(id, _)| id.clone()).collect();
        let links = engine.store.links_from(connection, kind, &ids).await?;
        for (remote_id, (topic, event_id)) in named {
            let Some(key) = links.get(&remote_id) else { continue };
            let (key, what) = (RecordKey::new(kind, key), What::Noticed { topic, event_id });
            batch.changes.push(Change::Event(Event { id: 0, at: batch.at, key, connection: Some(connection), what }));
        }
    }
    Ok(())
}

/// False while there was no place to run in: nothing is known about the webhook yet.
async fn understand(
    engine: &Engine,
    connection: &Connection,
    row: &InboxRow,
    (batch, touched): (&mut Batch, &mut Touched),
) -> bool {
    let webhook = Webhook { topic: row.topic.clone(), headers: row.headers.clone(), body: row.body.clone() };
    match engine.guests.receive(connection, &webhook).await {
        Ok(notices) => {
            for notice in notices {
                if let Notice::Touched(kind, remote_id) = &notice {
                    let what = (row.topic.clone(), row.event_id.clone());
                    touched.entry((connection.id, *kind)).or_default().push((remote_id.clone(), what));
                }
                heed(connection, notice, batch);
            }
        }
        Err(CallError::Busy { .. }) => return false,
        Err(error) => {
            tracing::warn!(connection = connection.name, topic = row.topic, %error, "a webhook was not understood");
            for kind in connection.spec.kinds.keys() {
                heed(connection, Notice::Poll(*kind), batch);
            }
        }
    }
    true
}

fn heed(connection: &Connection, notice: Notice, batch: &mut Batch) {
    match notice {
        Notice::Touched(kind, remote_id) if connection.spec.kinds.contains_key(&kind) => {
            batch.changes.push(Change::Touch { connection: connection.id, kind, remote_id, cause: Cause::Webhook });
        }
        Notice::Poll(kind) if connection.spec.kinds.contains_key(&kind) => {
            batch.changes.push(Change::Ask { connection: connection.id, kind, work: Work::Poll });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
