//! Webhooks that were taken.

use std::collections::BTreeSet;

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::Rows;
use super::decode::{doc, int, moment, number, unavailable};
use crate::store::{Batch, Change, ConnectionId, INBOX_ID_KEPT_MS, InboxRow, Result, UnixMs, damage};

/// A webhook whose id was kept too long ago is new again, and takes the old one's row.
const TAKE: &str = "
    with new (connection, event_id, topic, headers, body, received_at) as (values)
    insert into inbox (connection, event_id, topic, headers, body, received_at)
    select connection, event_id, topic, headers, body, received_at from new where true
    on conflict (connection, event_id) do update
    set topic = excluded.topic, headers = excluded.headers, body = excluded.body, received_at = excluded.received_at
    where inbox.body is null and inbox.received_at <= excluded.received_at - 604800000
    returning connection, event_id";

/// Clears away more expired ids than one step adds, without making anyone wait.
const PURGE: &str = "
    delete from inbox where id in (
        select id from inbox indexed by inbox_done where body is null and received_at <= ?1
        order by received_at limit 1000)";

/// The batch holds nothing but webhooks and needs no fence.
pub(super) fn is_intake(batch: &Batch) -> bool {
    batch.fence.is_none()
        && !batch.changes.is_empty()
        && batch.changes.iter().all(|it| matches!(it, Change::Inbox { .. }))
}

/// Writes the webhooks of all these batches at once and says which were new, batch by batch.
pub(super) async fn take<'a>(
    db: &mut SqliteConnection,
    batches: impl Iterator<Item = &'a Batch> + Clone,
) -> Result<Vec<Vec<bool>>> {
    let mut rows = Rows::new();
    for batch in batches.clone() {
        for change in &batch.changes {
            add(&mut rows, batch.at, change)?;
        }
    }
    let Some(newest) = batches.clone().map(|it| it.at).max() else { return Ok(Vec::new()) };
    let mut fresh = write(db, rows, newest).await?;
    Ok(batches.map(|batch| batch.changes.iter().map(|it| fresh.is_first(it)).collect()).collect())
}

/// Writes the webhooks of one batch and says which were new.
pub(super) async fn take_some(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<Vec<bool>> {
    let mut rows = Rows::new();
    for change in changes {
        add(&mut rows, at, change)?;
    }
    let mut fresh = write(db, rows, at).await?;
    Ok(changes.iter().map(|it| fresh.is_first(it)).collect())
}

fn add(rows: &mut Rows, at: UnixMs, change: &Change) -> Result<()> {
    if let Change::Inbox { connection, event_id, topic, headers, body } = change {
        rows.row().int(connection.0.into()).text(event_id).text(topic).doc(headers)?.bytes(body).int(at.0);
    }
    Ok(())
}

/// The events that were written and not told of yet.
struct Fresh(BTreeSet<(ConnectionId, String)>);

impl Fresh {
    /// The change is the one that was written; the same event later in the group was not.
    fn is_first(&mut self, change: &Change) -> bool {
        let Change::Inbox { connection, event_id, .. } = change else { return false };
        self.0.remove(&(*connection, event_id.clone()))
    }
}

async fn write(db: &mut SqliteConnection, rows: Rows, at: UnixMs) -> Result<Fresh> {
    let written: Vec<(i64, String)> = rows.fetch(db, TAKE, at).await?;
    let named = written.into_iter().map(|(connection, event_id)| (ConnectionId(connection as u32), event_id));
    Ok(Fresh(named.collect()))
}

/// Drops the bodies of understood webhooks, and the ids of those that were understood long ago.
pub(super) async fn done(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::InboxDone { id } = change {
            rows.row().int(*id);
        }
    }
    let sql = "
        with done (id) as (values)
        update inbox set body = null, headers = '[]' where id in done";
    rows.run(db, sql, at).await?;
    let expired = int(at.minus(INBOX_ID_KEPT_MS).0);
    sqlx::query(PURGE).bind(expired).execute(db).await.map_err(unavailable).map(|_| ())
}

type Row = (i64, i64, String, String, Vec<u8>, Vec<u8>, i64);

pub(super) async fn pending(db: &SqlitePool, n_max: u32) -> Result<Vec<InboxRow>> {
    let sql = "select id, connection, event_id, topic, headers, body, received_at
               from inbox indexed by inbox_pending where body is not null order by id limit +?1";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(n_max).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(inbox_row).collect()
}

fn inbox_row((id, connection, event_id, topic, headers, body, at): Row) -> Result<InboxRow> {
    let (id, connection) = (number(id), ConnectionId(connection as u32));
    Ok(InboxRow {
        id,
        connection,
        event_id,
        topic,
        headers: doc(&headers, || damage::Row::Webhook { id, connection })?,
        body,
        received_at: moment(at),
    })
}
