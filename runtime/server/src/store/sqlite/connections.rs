//! Connections, their sealed secrets, what their components keep, and the tenant's settings.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use super::decode::{int, is_taken, moment, name, named, needed, number, to_doc, unavailable};
use crate::store::{Change, Connection, ConnectionId, ConnectionSpec, ConnectionState, Error, Result, UnixMs};

pub(super) async fn add(
    db: &mut SqliteConnection,
    at: UnixMs,
    connection_name: &str,
    spec: &ConnectionSpec,
) -> Result<ConnectionId> {
    let sql = "insert into connection (name, spec, state, created_at) values (?1, ?2, ?3, ?4) returning id";
    let state = name(&ConnectionState::New)?;
    let query = sqlx::query_scalar(sql).bind(connection_name).bind(to_doc(spec)?).bind(state).bind(int(at.0));
    query.fetch_one(db).await.map(ConnectionId).map_err(|e| match is_taken(&e) {
        true => Error::Conflict(format!("there is a connection `{connection_name}` already")),
        false => unavailable(e),
    })
}

pub(super) async fn put_spec(
    db: &mut SqliteConnection,
    (id, read): (ConnectionId, u64),
    spec: &ConnectionSpec,
) -> Result<()> {
    let sql = "update connection set spec = ?3, revision = revision + 1 where id = ?1 and revision = ?2";
    let query = sqlx::query(sql).bind(id.0).bind(int(read)).bind(to_doc(spec)?);
    as_read(id, query.execute(db).await.map_err(unavailable)?.rows_affected())
}

pub(super) async fn put_state(
    db: &mut SqliteConnection,
    (id, read): (ConnectionId, u64),
    state: ConnectionState,
    trouble: Option<String>,
) -> Result<()> {
    let sql = "
        update connection set state = ?3, trouble = ?4, revision = revision + 1 where id = ?1 and revision = ?2";
    let query = sqlx::query(sql).bind(id.0).bind(int(read)).bind(name(&state)?).bind(trouble);
    as_read(id, query.execute(db).await.map_err(unavailable)?.rows_affected())
}

/// The change must have found the connection as it was read: what was decided on an older reading does not count.
fn as_read(id: ConnectionId, found: u64) -> Result<()> {
    if found == 1 { Ok(()) } else { Err(Error::Conflict(format!("connection {id} is not what was read of it"))) }
}

type Row = (u32, String, Vec<u8>, String, Option<String>, i64, i64);

pub(super) async fn all(db: &SqlitePool) -> Result<Vec<Connection>> {
    let sql = "select id, name, spec, state, trouble, created_at, revision from connection order by id";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    let connection = |(id, name, spec, state, trouble, created_at, revision): Row| {
        let of = || format!("connection `{name}`");
        let state = named(state).map_err(|e| Error::damaged(format!("{}: {e}", of())))?;
        let (id, spec) = (ConnectionId(id), needed(&spec, of)?);
        let (created_at, revision) = (moment(created_at), number(revision));
        Ok(Connection { id, name, spec, state, trouble, created_at, revision })
    };
    rows.into_iter().map(connection).collect()
}

pub(super) async fn seal(db: &mut SqliteConnection, id: ConnectionId, purpose: &str, sealed: Vec<u8>) -> Result<()> {
    let sql = if sealed.is_empty() {
        "delete from credential where connection = ?1 and purpose = ?2"
    } else {
        "insert or replace into credential (connection, purpose, sealed) values (?1, ?2, ?3)"
    };
    sqlx::query(sql).bind(id.0).bind(purpose).bind(sealed).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn sealed(db: &SqlitePool, id: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>> {
    let sql = "select sealed from credential where connection = ?1 and purpose = ?2";
    sqlx::query_scalar(sql).bind(id.0).bind(purpose).fetch_optional(db).await.map_err(unavailable)
}

pub(super) async fn kv(db: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Change::Kv { connection, key, value } = change else { continue };
        let sql = if value.is_some() {
            "insert or replace into kv (connection, key, value) values (?1, ?2, ?3)"
        } else {
            "delete from kv where connection = ?1 and key = ?2"
        };
        let query = sqlx::query(sql).bind(connection.0).bind(key).bind(value.as_deref());
        query.execute(&mut *db).await.map_err(unavailable)?;
    }
    Ok(())
}

pub(super) async fn kv_count(db: &SqlitePool, connection: ConnectionId) -> Result<u64> {
    let sql = "select count(*) from kv where connection = ?1";
    let count: i64 = sqlx::query_scalar(sql).bind(connection.0).fetch_one(db).await.map_err(unavailable)?;
    Ok(number(count))
}

pub(super) async fn kv_get(db: &SqlitePool, connection: ConnectionId, key: &str) -> Result<Option<Vec<u8>>> {
    let sql = "select value from kv where connection = ?1 and key = ?2";
    sqlx::query_scalar(sql).bind(connection.0).bind(key).fetch_optional(db).await.map_err(unavailable)
}

pub(super) async fn set(db: &mut SqliteConnection, setting: &str, value: &serde_json::Value) -> Result<()> {
    let sql = "insert or replace into setting (name, value) values (?1, ?2)";
    sqlx::query(sql).bind(setting).bind(to_doc(value)?).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn settings(db: &SqlitePool) -> Result<BTreeMap<String, serde_json::Value>> {
    let sql = "select name, value from setting";
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    let setting = |(name, value): (String, Vec<u8>)| {
        let value = needed(&value, || format!("setting `{name}`"))?;
        Ok((name, value))
    };
    rows.into_iter().map(setting).collect()
}
