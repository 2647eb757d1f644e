//! The log of what systems said, and which of it is still to be folded.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::record::Entry;

use super::bulk::Rows;
use super::decode::{doc, int, json, kind, moment, number, unavailable};
use super::links::Holdings;
use crate::store::digest::{self, Holding, digest_of, remote_id_of};
use crate::store::{Change, ConnectionId, Error, Kind, LoggedEntry, RecordKey, Result, UnixMs, damage};

pub(super) async fn append(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Append { kind, key, entry } = change {
            let connection = entry.connection().map(|it| u64::from(it.0));
            let row = rows.row().text(kind.as_str()).maybe(key.as_deref()).maybe_int(connection);
            let row = row.text(remote_id_of(entry)).maybe_int(entry.as_of());
            row.maybe(digest_of(key.as_deref(), entry).as_deref()).doc(entry)?;
        }
    }
    let sql = "
        with new (kind, key, connection, remote_id, as_of, digest, entry) as (values)
        insert into entry (at, kind, key, connection, remote_id, as_of, digest, entry)
        select ?, kind, key, connection, remote_id, as_of, digest, entry from new";
    rows.run(db, sql, at).await.map(|_| ())
}

/// Marks entries as folded and notes what they say that systems hold.
pub(super) async fn folded(
    db: &mut SqliteConnection,
    at: UnixMs,
    changes: &[Change],
    holdings: &mut Holdings,
) -> Result<()> {
    let (mut logged, mut other, mut entries) = (Rows::new(), Rows::new(), BTreeMap::new());
    for change in changes {
        match change {
            Change::Folded { seq, key, entry: Some(entry) } => {
                other.row().int(*seq).text(key).doc(entry)?;
                entries.insert(*seq, entry);
            }
            Change::Folded { seq, key, entry: None } => {
                logged.row().int(*seq).text(key);
            }
            _ => {}
        }
    }
    let sql = "
        with new (seq, key, entry) as (values)
        update entry set state = 'folded', token = null, key = new.key, entry = new.entry from new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')
        returning entry.seq, entry.kind";
    let kinds: Vec<(i64, String)> = other.fetch(db, sql, at).await?;
    let sql = "
        with new (seq, key) as (values)
        update entry set state = 'folded', token = null, key = new.key from new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')
        returning entry.kind, entry.connection, entry.remote_id, entry.as_of, entry.digest,
                  case when entry.digest is null then entry.entry end";
    let held: Vec<Held> = logged.fetch(db, sql, at).await?;
    all_pending((kinds.len() + held.len()) as u64, changes.len())?;
    for (seq, name) in kinds {
        if let Some(entry) = entries.get(&number(seq)) {
            holdings.note(kind(&name)?, entry);
        }
    }
    for (name, connection, remote_id, as_of, digest, entry) in held {
        match (connection, as_of, digest, entry) {
            (Some(connection), Some(as_of), Some(digest), _) => {
                let holding = Holding { remote_id, as_of: number(as_of), held: digest::Held::Digest(digest) };
                holdings.put(ConnectionId(connection as u32), kind(&name)?, holding);
            }
            (.., Some(entry)) => holdings.note(kind(&name)?, &json(&entry)?),
            _ => {}
        }
    }
    Ok(())
}

/// Of an entry that is folded as it was logged: its kind, connection, remote id, number and digest, and what it says where
/// it has no digest.
type Held = (String, Option<i64>, String, Option<i64>, Option<String>, Option<String>);

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
        with new (seq, token) as (values)
        update entry set state = 'waiting', token = new.token from new
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
        with new (seq, reason) as (values)
        update entry set state = 'dropped', token = null, reason = new.reason from new
        where entry.seq = new.seq and entry.state in ('new', 'waiting')";
    all_pending(rows.run(db, sql, at).await?, changes.len())
}

pub(super) async fn wake(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let sql = "
        with woken (token) as (values)
        update entry indexed by entry_waiting set state = 'new', token = null
        where state = 'waiting' and token in woken";
    tokens(changes).run(db, sql, at).await.map(|_| ())
}

/// What cannot be read may be a move, and stays.
pub(super) async fn supersede(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Supersede { connection, kind, remote_id, reason } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).text(remote_id).text(reason);
        }
    }
    let sql = "
        with new (connection, kind, remote_id, reason) as (values)
        update entry indexed by entry_pending set state = 'dropped', token = null, reason = new.reason from new
        where entry.connection = new.connection and entry.kind = new.kind and entry.remote_id = new.remote_id
          and entry.state in ('new', 'waiting')
          and case when json_valid(entry.entry, 2) then
                coalesce(entry.entry -> 'observed', entry.entry -> 'wrote', entry.entry -> 'settled') is not null end";
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

/// Place, moment, kind, key, connection, remote id, entry.
pub(super) type Row = (i64, i64, String, Option<String>, Option<u32>, String, Vec<u8>);

pub(super) const UNFOLDED: &str = "
    select seq, at, kind, key, connection, remote_id, entry
    from entry indexed by entry_new where state = 'new' order by seq limit +?1";

/// What no query would find.
pub(super) const STRAY: &str = "
    select seq, at, kind, key, connection, remote_id, cast(state as blob) from entry indexed by entry_stray
    where state not in ('new', 'waiting', 'folded', 'dropped', 'damaged') order by seq limit 1";

pub(super) async fn unfolded(db: &SqlitePool, n_max: u32) -> Result<Vec<LoggedEntry>> {
    let stray: Option<Row> = sqlx::query_as(STRAY).fetch_optional(db).await.map_err(unavailable)?;
    if let Some((seq, _, of, key, connection, remote_id, _)) = stray {
        let row = row_of((number(seq), kind(&of)?), (key.as_deref(), connection.map(ConnectionId)), remote_id);
        return Err(Error::damaged_row(row, "its state is none"));
    }
    let rows: Vec<Row> = sqlx::query_as(UNFOLDED).bind(n_max).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(logged).collect()
}

pub(super) const WAITING: &str = "
    select seq, at, kind, key, connection, remote_id, entry from entry indexed by entry_waiting
    where state = 'waiting' and token = ?1 and seq > ?2 order by seq limit +?3";

pub(super) async fn waiting(db: &SqlitePool, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>> {
    let query = sqlx::query_as(WAITING).bind(token).bind(int(after)).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(logged).collect()
}

/// How many entries were ever logged.
pub(super) async fn count(db: &SqlitePool) -> Result<u64> {
    let sql = "select seq from sqlite_sequence where name = 'entry'";
    let found: Option<i64> = sqlx::query_scalar(sql).fetch_optional(db).await.map_err(unavailable)?;
    Ok(found.map_or(0, number))
}

pub(super) async fn unidentified(db: &SqlitePool, connection: ConnectionId, kind: Kind) -> Result<bool> {
    let sql = "
        select exists (select 1 from entry indexed by entry_pending
                       where connection = ?1 and kind = ?2 and key is null
                         and state in ('new', 'waiting') and state = 'new')";
    let query = sqlx::query_scalar(sql).bind(connection.0).bind(kind.as_str());
    query.fetch_one(db).await.map_err(unavailable)
}

pub(super) fn logged((seq, at, kind_name, key, connection, remote_id, entry): Row) -> Result<LoggedEntry> {
    let (seq, kind, connection) = (number(seq), kind(&kind_name)?, connection.map(ConnectionId));
    let entry: Entry = doc(&entry, || row_of((seq, kind), (key.as_deref(), connection), remote_id))?;
    Ok(LoggedEntry { seq, at: moment(at), kind, key, entry })
}

/// How an entry is named that cannot be read.
fn row_of(
    (seq, kind): (u64, Kind),
    (key, connection): (Option<&str>, Option<ConnectionId>),
    remote_id: String,
) -> damage::Row {
    match (key, connection) {
        (None, Some(connection)) => damage::Row::Reading { seq, connection, kind, remote_id },
        (key, connection) => damage::Row::Entry { seq, key: RecordKey::new(kind, key.unwrap_or_default()), connection },
    }
}
