//! The log of what systems said, and which of it is still to be folded.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::record::Entry;

use super::bulk::Rows;
use super::decode::{int, json, kind, moment, number, unavailable};
use super::links::Holdings;
use crate::store::digest::{digest_of, remote_id_of};
use crate::store::{Change, ConnectionId, Error, Kind, LoggedEntry, Result, UnixMs};

pub(super) async fn append(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Append { kind, key, entry } = change {
            let connection = entry.connection().map(|it| u64::from(it.0));
            let row = rows.row().text(kind.as_str()).maybe(key.as_deref()).maybe_int(connection);
            row.text(remote_id_of(entry)).maybe(digest_of(key.as_deref(), entry).as_deref()).doc(entry)?;
        }
    }
    let sql = "
        insert into entry (at, kind, key, connection, remote_id, digest, entry)
        select ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
               cast(substr(?2, value ->> 5, value ->> 6) as text)
        from json_each(?1)";
    rows.run(db, sql, at).await.map(|_| ())
}

/// Marks entries as folded and notes what they say that systems hold.
pub(super) async fn folded(
    db: &mut SqliteConnection,
    at: UnixMs,
    changes: &[Change],
    holdings: &mut Holdings,
) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Folded { seq, key, entry } = change {
            rows.row().int(*seq).text(key).doc(entry)?;
        }
    }
    let sql = "
        update entry set state = 'folded', token = null, key = new.key, entry = new.entry
        from (select value ->> 0 as seq, value ->> 1 as key,
                     cast(substr(?2, value ->> 2, value ->> 3) as text) as entry from json_each(?1)) new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')
        returning entry.seq, entry.kind";
    let kinds: Vec<(i64, String)> = rows.fetch(db, sql, at).await?;
    all_pending(kinds.len() as u64, changes.len())?;
    let kinds: BTreeMap<u64, String> = kinds.into_iter().map(|(seq, kind)| (number(seq), kind)).collect();
    for change in changes {
        if let Change::Folded { seq, entry, .. } = change
            && let Some(name) = kinds.get(seq)
        {
            holdings.note(kind(name)?, entry);
        }
    }
    Ok(())
}

pub(super) async fn wait(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut tokens = BTreeMap::new();
    for change in changes {
        if let Change::Wait { seq, token } = change {
            tokens.insert(*seq, token);
        }
    }
    let (mut rows, asked) = (Rows::new(), tokens.len());
    for (seq, token) in tokens {
        rows.row().int(seq).text(token);
    }
    let sql = "
        update entry set state = 'waiting', token = new.token
        from (select value ->> 0 as seq, value ->> 1 as token from json_each(?1)) new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')";
    all_pending(rows.run(db, sql, at).await?, asked)
}

pub(super) async fn discard(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Drop { seq, reason } = change {
            rows.row().int(*seq).text(reason);
        }
    }
    let sql = "
        update entry set state = 'dropped', token = null, reason = new.reason
        from (select value ->> 0 as seq, value ->> 1 as reason from json_each(?1)) new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')";
    all_pending(rows.run(db, sql, at).await?, changes.len())
}

pub(super) async fn wake(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let sql = "
        update entry indexed by entry_waiting set state = 'new', token = null
        where state = 'waiting' and token in (select value ->> 0 from json_each(?1))";
    tokens(changes).run(db, sql, at).await.map(|_| ())
}

pub(super) async fn supersede(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Supersede { connection, kind, remote_id, reason } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).text(remote_id).text(reason);
        }
    }
    let sql = "
        update entry indexed by entry_pending set state = 'dropped', token = null, reason = new.reason
        from (select value ->> 0 as connection, value ->> 1 as kind, value ->> 2 as remote_id, value ->> 3 as reason
              from json_each(?1)) new
        where entry.connection = new.connection and entry.kind = new.kind and entry.remote_id = new.remote_id
          and entry.state in ('new', 'waiting') and entry.entry -> 'moved' is null";
    rows.run(db, sql, at).await.map(|_| ())
}

/// The tokens that are woken, one a row.
pub(super) fn tokens(changes: &[Change]) -> Rows {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Wake { token } = change {
            rows.row().text(token);
        }
    }
    rows
}

/// Each change must have found its entry still to be folded: one that was folded meanwhile must not count twice.
fn all_pending(found: u64, asked: usize) -> Result<()> {
    if found == asked as u64 {
        return Ok(());
    }
    Err(Error::Conflict("an entry was folded or dropped by somebody else".to_owned()))
}

pub(super) type Row = (i64, i64, String, Option<String>, String);

pub(super) const UNFOLDED: &str = "
    select seq, at, kind, key, entry from entry indexed by entry_new where state = 'new' order by seq limit +?1";

pub(super) async fn unfolded(db: &SqlitePool, n_max: u32) -> Result<Vec<LoggedEntry>> {
    let rows: Vec<Row> = sqlx::query_as(UNFOLDED).bind(n_max).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(logged).collect()
}

pub(super) const WAITING: &str = "
    select seq, at, kind, key, entry from entry indexed by entry_waiting
    where state = 'waiting' and token = ?1 and seq > ?2 order by seq limit +?3";

pub(super) async fn waiting(db: &SqlitePool, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>> {
    let query = sqlx::query_as(WAITING).bind(token).bind(int(after)).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(logged).collect()
}

pub(super) async fn unidentified(db: &SqlitePool, connection: ConnectionId, kind: Kind) -> Result<bool> {
    let sql = "
        select exists (select 1 from entry indexed by entry_pending
                       where connection = ?1 and kind = ?2 and key is null
                         and state in ('new', 'waiting') and state = 'new')";
    let query = sqlx::query_scalar(sql).bind(connection.0).bind(kind.as_str());
    query.fetch_one(db).await.map_err(unavailable)
}

pub(super) fn logged((seq, at, kind_name, key, entry): Row) -> Result<LoggedEntry> {
    let entry: Entry = json(&entry)?;
    Ok(LoggedEntry { seq: number(seq), at: moment(at), kind: kind(&kind_name)?, key, entry })
}
