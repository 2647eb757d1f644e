//! Which remote id is which record, what a sweep came across, and what each remote record holds, as a digest.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::record::Entry;

use super::bulk::{Rows, list};
use super::decode::{int, number, unavailable};
use crate::store::digest::{Holding, gone_digest};
use crate::store::{Change, ConnectionId, Error, Heard, Kind, Result, UnixMs};

pub(super) async fn link(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let (mut rows, mut linked) = (Rows::new(), Rows::new());
    for change in changes {
        if let Change::Link { connection, key, remote_id } = change {
            for rows in [&mut rows, &mut linked] {
                rows.row().int(connection.0.into()).text(key.kind.as_str()).text(remote_id).text(&key.key);
            }
        }
    }
    let add = "
        with new (connection, kind, remote_id, key) as (values)
        insert into link (connection, kind, remote_id, key) select connection, kind, remote_id, key from new where true
        on conflict do nothing";
    rows.run(db, add, at).await?;
    // A link that is not there now was kept out by another one.
    let missing = "
        with new (connection, kind, remote_id, key) as (values)
        select connection, kind, remote_id, key from new
        where not exists (select 1 from link where link.connection = new.connection and link.kind = new.kind
                                               and link.remote_id = new.remote_id and link.key = new.key)
        limit 1";
    let missing: Vec<(i64, String, String, String)> = linked.fetch(db, missing, at).await?;
    match missing.into_iter().next() {
        None => Ok(()),
        Some((connection, kind, remote_id, key)) => Err(Error::Conflict(format!(
            "{kind} `{remote_id}` of connection {connection} or record {kind}/{key} is linked otherwise"
        ))),
    }
}

pub(super) async fn unlink(db: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    // One by one: a person said so of each.
    for change in changes {
        let Change::Unlink { connection, key } = change else { continue };
        let sql = "delete from link where connection = ?1 and kind = ?2 and key = ?3";
        let query = sqlx::query(sql).bind(connection.0).bind(key.kind.as_str()).bind(&key.key);
        query.execute(&mut *db).await.map_err(unavailable)?;
    }
    Ok(())
}

pub(super) async fn command(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Command { connection, command_key, key } = change {
            rows.row().int(connection.0.into()).text(command_key).text(&key.key);
        }
    }
    let sql = "
        with new (connection, command_key, key) as (values)
        insert into command (connection, command_key, key) select connection, command_key, key from new where true
        on conflict do nothing";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn commands(
    db: &SqlitePool,
    connection: ConnectionId,
    command_keys: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>> {
    let sql = "
        select command_key, key from command
        where connection = ?1 and command_key in (select value from json_each(?2))";
    let query = sqlx::query_as(sql).bind(connection.0).bind(list(command_keys));
    let rows: Vec<(String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn swept(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Swept { connection, kind, sweep, remote_ids } = change {
            for remote_id in remote_ids {
                rows.row().int(connection.0.into()).text(kind.as_str()).text(remote_id).int(*sweep);
            }
        }
    }
    // In order of the rows, so that the newest sweep stays.
    let sql = "
        with seen (connection, kind, remote_id, swept) as (values)
        insert into link (connection, kind, remote_id, key, swept)
        select seen.connection, seen.kind, seen.remote_id, link.key, seen.swept
        from seen cross join link
          on link.connection = seen.connection and link.kind = seen.kind and link.remote_id = seen.remote_id
        where true
        on conflict (connection, kind, remote_id) do update set swept = max(link.swept, excluded.swept)";
    rows.run(db, sql, at).await.map(|_| ())
}

/// What the folded entries of a batch say that remote records hold: the newest of each.
#[derive(Default)]
pub(super) struct Holdings(BTreeMap<(ConnectionId, Kind, String), Holding>);

impl Holdings {
    /// Notes what a folded entry, with canonical references, says.
    pub fn note(&mut self, kind: Kind, entry: &Entry) {
        if let (Some(connection), Some(holding)) = (entry.connection(), Holding::of(entry, None)) {
            self.put(connection, kind, holding);
        }
    }

    /// Notes what a remote record holds.
    pub fn put(&mut self, connection: ConnectionId, kind: Kind, holding: Holding) {
        let place = (connection, kind, holding.remote_id.clone());
        if self.0.get(&place).is_none_or(|it| it.as_of <= holding.as_of) {
            self.0.insert(place, holding);
        }
    }

    fn references(&self) -> BTreeSet<(ConnectionId, Kind, String)> {
        let mut found = BTreeSet::new();
        for ((connection, kind, _), holding) in &self.0 {
            found.extend(holding.references(*kind).into_iter().map(|(kind, key)| (*connection, kind, key)));
        }
        found
    }
}

/// Keeps the digest of what each remote record holds, in the remote form, unless something newer is known.
pub(super) async fn keep_digests(db: &mut SqliteConnection, at: UnixMs, holdings: Holdings) -> Result<()> {
    let linked = linked_to(db, at, holdings.references()).await?;
    let mut rows = Rows::new();
    for ((connection, kind, remote_id), holding) in holdings.0 {
        let digest = holding.digest(kind, &mut |kind, key| linked.get(&(connection, kind, key.to_owned())).cloned());
        let row = rows.row().int(connection.0.into()).text(kind.as_str()).text(&remote_id);
        row.int(holding.as_of).maybe(digest.as_deref());
    }
    let sql = "
        with new (connection, kind, remote_id, as_of, digest) as (values)
        update link set as_of = new.as_of, digest = new.digest from new
        where link.connection = new.connection and link.kind = new.kind and link.remote_id = new.remote_id
          and link.as_of <= new.as_of";
    rows.run(db, sql, at).await.map(|_| ())
}

type Reference = (ConnectionId, Kind, String);

async fn linked_to(
    db: &mut SqliteConnection,
    at: UnixMs,
    references: BTreeSet<Reference>,
) -> Result<BTreeMap<Reference, String>> {
    let references: Vec<Reference> = references.into_iter().collect();
    let mut rows = Rows::new();
    for (n, (connection, kind, key)) in references.iter().enumerate() {
        rows.row().int(n as u64).int(connection.0.into()).text(kind.as_str()).text(key);
    }
    let sql = "
        with asked (n, connection, kind, key) as (values)
        select asked.n, link.remote_id from asked cross join link indexed by link_key
          on link.connection = asked.connection and link.kind = asked.kind and link.key = asked.key";
    let found: Vec<(i64, String)> = rows.fetch(db, sql, at).await?;
    let named = found.into_iter().filter_map(|(at, id)| Some((references.get(at as usize)?.clone(), id)));
    Ok(named.collect())
}

pub(super) const FROM: &str = "
    select remote_id, link.key from json_each(?3) asked cross join link
      on link.connection = ?1 and link.kind = ?2 and link.remote_id = asked.value";

pub(super) const TO: &str = "
    select link.key, remote_id from json_each(?3) asked cross join link indexed by link_key
      on link.connection = ?1 and link.kind = ?2 and link.key = asked.value";

pub(super) const HEARD: &str = "
    select asked.id, link.digest, asked.newest, entry.digest, coalesce(link.swept, 0)
    from (select value as id, (select max(seq) from entry indexed by entry_pending
                               where entry.connection = ?1 and entry.kind = ?2 and entry.remote_id = value
                                 and entry.state in ('new', 'waiting')) as newest
          from json_each(?3)) asked
    left join link on link.connection = ?1 and link.kind = ?2 and link.remote_id = asked.id
    left join entry on entry.seq = asked.newest
    where link.remote_id is not null or asked.newest is not null";

/// A remote id, the digest of what a fold has taken, the newest entry that none has, that entry's digest, and the newest
/// sweep.
type HeardRow = (String, Option<String>, Option<i64>, Option<String>, i64);

/// What was heard last about remote ids.
pub(super) async fn heard(
    db: &SqlitePool,
    connection: ConnectionId,
    kind: Kind,
    asked: &BTreeSet<String>,
) -> Result<BTreeMap<String, Heard>> {
    let query = sqlx::query_as(HEARD).bind(connection.0).bind(kind.as_str()).bind(list(asked));
    let rows: Vec<HeardRow> = query.fetch_all(db).await.map_err(unavailable)?;
    let heard = rows.into_iter().map(|(id, folded, newest, logged, swept)| {
        let pending = newest.is_some();
        (id, Heard { digest: if pending { logged } else { folded }, pending, swept: number(swept) })
    });
    Ok(heard.collect())
}

/// Looks texts up among the links of a kind at a connection, by one of the statements above.
pub(super) async fn look_up(
    db: &SqlitePool,
    sql: &'static str,
    connection: ConnectionId,
    kind: Kind,
    asked: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>> {
    let query = sqlx::query_as(sql).bind(connection.0).bind(kind.as_str()).bind(list(asked));
    let rows: Vec<(String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn unswept(db: &SqlitePool, connection: ConnectionId, kind: Kind, sweep: u64) -> Result<Vec<String>> {
    let sql = "
        select remote_id from link
        where connection = ?1 and kind = ?2 and swept < ?3 and digest is not ?4 order by remote_id";
    let query = sqlx::query_scalar(sql).bind(connection.0).bind(kind.as_str()).bind(int(sweep)).bind(gone_digest());
    query.fetch_all(db).await.map_err(unavailable)
}

pub(super) async fn count(db: &SqlitePool, connection: ConnectionId, kind: Kind) -> Result<i64> {
    let sql = "select count(*) from link where connection = ?1 and kind = ?2 and digest is not ?3";
    sqlx::query_scalar(sql)
        .bind(connection.0)
        .bind(kind.as_str())
        .bind(gone_digest())
        .fetch_one(db)
        .await
        .map_err(unavailable)
}
