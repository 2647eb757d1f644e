//! From webhooks that were taken to records that must be read.

use truthsource_core::record::Cause;
use truthsource_host::model::{Notice, Webhook};

use super::{Did, Engine, Error};
use crate::store::{Batch, Change, Connection, CursorRow, InboxRow};

/// Understands webhooks, oldest first. One that its connector cannot understand is dropped with a warning: polls and
/// sweeps find what it was about.
///
/// # Errors
/// When the store fails. Nothing was understood then.
pub async fn receive(engine: &Engine) -> Result<Did, Error> {
    let rows = engine.store.inbox(engine.pace.inbox_max).await?;
    if rows.is_empty() {
        return Ok(Did::default());
    }
    let connections = engine.store.connections().await?;
    let mut batch = Batch::new(engine.now());
    for row in &rows {
        if let Some(connection) = connections.iter().find(|it| it.id == row.connection) {
            understand(engine, connection, row, &mut batch).await?;
        }
        batch.changes.push(Change::InboxDone { id: row.id });
    }
    engine.store.commit(batch).await?;
    Ok(Did::some(rows.len(), engine.pace.inbox_max))
}

async fn understand(engine: &Engine, connection: &Connection, row: &InboxRow, batch: &mut Batch) -> Result<(), Error> {
    let webhook = Webhook { topic: row.topic.clone(), headers: row.headers.clone(), body: row.body.clone() };
    match engine.guests.receive(connection, &webhook).await {
        Ok(notices) => {
            for notice in notices {
                heed(engine, connection, notice, batch).await?;
            }
        }
        Err(error) if error.is_retryable() => return Err(error.into()),
        Err(error) => {
            tracing::warn!(connection = connection.name, topic = row.topic, %error, "a webhook was not understood");
        }
    }
    Ok(())
}

async fn heed(engine: &Engine, connection: &Connection, notice: Notice, batch: &mut Batch) -> Result<(), Error> {
    match notice {
        Notice::Touched(kind, remote_id) if connection.spec.kinds.contains_key(&kind) => {
            batch.changes.push(Change::Touch { connection: connection.id, kind, remote_id, cause: Cause::Webhook });
        }
        Notice::Poll(kind) if connection.spec.kinds.contains_key(&kind) => {
            let row = engine.store.cursors(connection.id).await?.remove(&kind).unwrap_or_default();
            let row = CursorRow { poll_at: batch.at, ..row };
            batch.changes.push(Change::Cursor { connection: connection.id, kind, row });
        }
        _ => {}
    }
    Ok(())
}
