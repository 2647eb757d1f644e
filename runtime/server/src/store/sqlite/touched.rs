//! Records to be read, and how far kinds were read.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::Rows;
use super::decode::{doc, int, kind, moment, name, named, number, unavailable};
use crate::store::{Asks, Change, ConnectionId, CursorRow, Error, Kind, Result, Touched, UnixMs, damage};

/// Replaces the row, so that its number is one that no earlier read has seen; keeps since when and until when.
const TOUCH: &str = "
    with new (connection, kind, remote_id, cause, at) as (values)
    insert or replace into touched (connection, kind, remote_id, since, due_at, cause, attempts)
    select new.connection, new.kind, new.remote_id, coalesce(old.since, new.at), coalesce(old.due_at, new.at), new.cause,
           coalesce(old.attempts, 0)
    from new
    left join touched old on old.connection = new.connection and old.kind = new.kind
                         and old.remote_id = new.remote_id";

pub(super) async fn touch(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Touch { connection, kind, remote_id, cause } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).text(remote_id).text(&name(cause)?).int(at.0);
        }
    }
    rows.run(db, TOUCH, at).await.map(|_| ())
}

pub(super) async fn untouch(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Untouch { connection, kind, remote_id, seq } = change {
            rows.row().int(*seq).int(connection.0.into()).text(kind.as_str()).text(remote_id);
        }
    }
    let sql = "
        with read (seq, connection, kind, remote_id) as (values)
        delete from touched where (seq, connection, kind, remote_id) in read";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn later(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::TouchLater { connection, kind, remote_id, due_at } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).text(remote_id).int(due_at.0);
        }
    }
    let sql = "
        with new (connection, kind, remote_id, due_at) as (values)
        insert into touched (connection, kind, remote_id, since, due_at, cause, attempts)
        select connection, kind, remote_id, 0, due_at, '', 0 from new
        where exists (select 1 from touched it where it.connection = new.connection and it.kind = new.kind
                                                 and it.remote_id = new.remote_id)
        on conflict (connection, kind, remote_id) do update
        set due_at = excluded.due_at, attempts = touched.attempts + 1";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn reread(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Reread { connection, kind } = change {
            rows.row().int(connection.0.into()).text(kind.as_str());
        }
    }
    let sql = "
        with asked (connection, kind) as (values)
        update touched set due_at = min(due_at, ?) where attempts > 0 and (connection, kind) in asked";
    rows.run(db, sql, at).await.map(|_| ())
}

/// What was touched by a listing was on it and could not be taken in.
pub(super) const UNREAD: &str = "
    select exists (select 1 from touched
                   where connection = ?1 and kind = ?2 and (attempts > 0 or cause in ('poll', 'sweep'))
                     and not exists (select 1 from link where link.connection = touched.connection
                                                          and link.kind = touched.kind
                                                          and link.remote_id = touched.remote_id))";

pub(super) async fn unread(db: &SqlitePool, connection: ConnectionId, kind: Kind) -> Result<bool> {
    let query = sqlx::query_scalar(UNREAD).bind(connection.0).bind(kind.as_str());
    query.fetch_one(db).await.map_err(unavailable)
}

type Row = (String, String, i64, i64, String, i64);

/// Due records, oldest due time first.
pub(super) const DUE: &str = "
    select kind, remote_id, seq, since, cause, attempts from touched
    where connection = ?1 and due_at <= ?2 order by due_at, seq limit +?3";

pub(super) async fn due(db: &SqlitePool, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Touched>> {
    let query = sqlx::query_as(DUE).bind(connection.0).bind(int(now.0)).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|it| touched_row(connection, it)).collect()
}

fn touched_row(connection: ConnectionId, (kind_name, remote_id, seq, since, cause, attempts): Row) -> Result<Touched> {
    let (kind, seq) = (kind(&kind_name)?, number(seq));
    let row = || damage::Row::Touch { seq, connection, kind, remote_id: remote_id.clone() };
    let cause = named(cause).map_err(|e| Error::damaged_row(row(), e))?;
    Ok(Touched { kind, remote_id, seq, since: moment(since), cause, attempts: attempts as u32 })
}

pub(super) async fn move_cursor(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Cursor { connection, kind, row } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).doc(row)?;
        }
    }
    let sql = "
        with new (connection, kind, row) as (values)
        insert into cursor (connection, kind, row) select connection, kind, row from new where true
        on conflict (connection, kind) do update set row = excluded.row";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn cursors(db: &SqlitePool, connection: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>> {
    let sql = "select kind, row from cursor where connection = ?1";
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as(sql).bind(connection.0).fetch_all(db).await.map_err(unavailable)?;
    let cursor = |(name, row): (String, Vec<u8>)| {
        let kind = kind(&name)?;
        Ok((kind, doc(&row, || damage::Row::Cursor { connection, kind })?))
    };
    rows.into_iter().map(cursor).collect()
}

pub(super) async fn ask(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Ask { connection, kind, work } = change {
            rows.row().int(connection.0.into()).text(kind.as_str()).text(&name(work)?);
        }
    }
    let sql = "
        with new (connection, kind, work) as (values)
        insert into ask (connection, kind, work, asked_at) select connection, kind, work, ? from new where true
        on conflict (connection, kind, work) do update set asked_at = max(ask.asked_at, excluded.asked_at)";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn asks(db: &SqlitePool, connection: ConnectionId) -> Result<Asks> {
    let sql = "select work, kind, asked_at from ask where connection = ?1";
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as(sql).bind(connection.0).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|(work, of, at)| Ok(((named(work)?, kind(&of)?), moment(at)))).collect()
}
