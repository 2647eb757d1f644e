//! The control file: tenants, keys, idempotency.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use super::decode::{int, is_taken, json, moment, number, to_json, unavailable};
use crate::store::control::{ApiKey, Remembered, Tenant, TenantId, scope_of};
use crate::store::{Error, REMEMBERED_MS, Result, UnixMs};

pub(super) async fn add_tenant(db: &mut SqliteConnection, name: &str, at: UnixMs) -> Result<Tenant> {
    let sql = "insert into tenant (name, created_at) values (?1, ?2) returning id, shard";
    let added: sqlx::Result<(u32, u32)> = sqlx::query_as(sql).bind(name).bind(int(at.0)).fetch_one(db).await;
    let (id, shard) = added.map_err(|e| match is_taken(&e) {
        true => Error::Conflict(format!("there is a tenant `{name}` already")),
        false => unavailable(e),
    })?;
    Ok(Tenant { id: TenantId(id), name: name.to_owned(), created_at: at, shard })
}

pub(super) async fn tenants(db: &SqlitePool) -> Result<Vec<Tenant>> {
    let sql = "select id, name, created_at, shard from tenant where name is not null order by id";
    let rows: Vec<(u32, String, i64, u32)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    let tenant = |(id, name, at, shard)| Tenant { id: TenantId(id), name, created_at: moment(at), shard };
    Ok(rows.into_iter().map(tenant).collect())
}

pub(super) async fn end_tenant(db: &mut SqliteConnection, tenant: TenantId, at: UnixMs) -> Result<bool> {
    let sql =
        "update tenant set name = null, ended_at = ?2, has_file = 0, entries = 0 where id = ?1 and name is not null";
    let ended = sqlx::query(sql).bind(tenant.0).bind(int(at.0)).execute(&mut *db).await.map_err(unavailable)?;
    let keys = sqlx::query("delete from api_key where tenant = ?1").bind(tenant.0);
    keys.execute(&mut *db).await.map_err(unavailable)?;
    let sql = "delete from remembered where substr(scope, 1, length(?1)) = ?1";
    sqlx::query(sql).bind(scope_of(Some(tenant))).execute(db).await.map_err(unavailable)?;
    Ok(ended.rows_affected() > 0)
}

pub(super) async fn ended(db: &SqlitePool) -> Result<BTreeMap<TenantId, UnixMs>> {
    let sql = "select id, ended_at from tenant where name is null";
    let rows: Vec<(u32, i64)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    Ok(rows.into_iter().map(|(id, at)| (TenantId(id), moment(at))).collect())
}

/// The tenant's file is there.
pub(super) async fn has_file(db: &mut SqliteConnection, tenant: TenantId) -> Result<()> {
    let sql = "update tenant set has_file = 1 where id = ?1";
    sqlx::query(sql).bind(tenant.0).execute(db).await.map_err(unavailable).map(|_| ())
}

/// How many entries were logged in the tenant's file when that was written down last.
pub(super) async fn entries(db: &SqlitePool, tenant: TenantId) -> Result<u64> {
    let query = sqlx::query_scalar("select entries from tenant where id = ?1").bind(tenant.0);
    let found: Option<i64> = query.fetch_optional(db).await.map_err(unavailable)?;
    Ok(found.map_or(0, number))
}

/// So many entries are logged in the tenant's file.
pub(super) async fn note_entries(db: &mut SqliteConnection, tenant: TenantId, entries: u64) -> Result<()> {
    let query = sqlx::query("update tenant set entries = ?2 where id = ?1 and entries <> ?2");
    query.bind(tenant.0).bind(int(entries)).execute(db).await.map_err(unavailable).map(|_| ())
}

/// The tenants whose files were made.
pub(super) async fn with_files(db: &SqlitePool) -> Result<Vec<TenantId>> {
    let ids: Vec<u32> =
        sqlx::query_scalar("select id from tenant where has_file = 1").fetch_all(db).await.map_err(unavailable)?;
    Ok(ids.into_iter().map(TenantId).collect())
}

pub(super) async fn add_key(db: &mut SqliteConnection, key: &ApiKey) -> Result<()> {
    let sql = "
        insert into api_key (id, tenant, label, secret_sha256, scopes, created_at, expires_at, revoked_at, last_used_at)
        select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
        where ?2 is null or exists (select 1 from tenant where id = ?2 and name is not null)";
    let moment = |it: Option<UnixMs>| it.map(|it| int(it.0));
    let query = sqlx::query(sql).bind(&key.id).bind(key.tenant.map(|it| it.0)).bind(&key.label);
    let query = query.bind(key.secret_sha256.to_vec()).bind(to_json(&key.scopes)?).bind(int(key.created_at.0));
    let query = query.bind(moment(key.expires_at)).bind(moment(key.revoked_at)).bind(moment(key.last_used_at));
    let added = query.execute(db).await.map_err(|e| match is_taken(&e) {
        true => Error::Conflict("there is a key of this id".to_owned()),
        false => unavailable(e),
    })?;
    if added.rows_affected() == 0 {
        return Err(Error::Conflict("there is no such tenant".to_owned()));
    }
    Ok(())
}

type Row = (String, Option<u32>, String, Vec<u8>, String, i64, Option<i64>, Option<i64>, Option<i64>);

fn api_key((id, tenant, label, secret, scopes, created_at, expires_at, revoked_at, used): Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id,
        tenant: tenant.map(TenantId),
        label,
        secret_sha256: secret.try_into().map_err(|_| Error::damaged("a key's hash has the wrong length"))?,
        scopes: json(&scopes)?,
        created_at: moment(created_at),
        expires_at: expires_at.map(moment),
        revoked_at: revoked_at.map(moment),
        last_used_at: used.map(moment),
    })
}

pub(super) async fn key(db: &SqlitePool, id: &str) -> Result<Option<ApiKey>> {
    let sql = "
        select id, tenant, label, secret_sha256, scopes, created_at, expires_at, revoked_at, last_used_at
        from api_key where id = ?1";
    let row: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(db).await.map_err(unavailable)?;
    row.map(api_key).transpose()
}

pub(super) async fn keys(db: &SqlitePool, tenant: Option<TenantId>) -> Result<Vec<ApiKey>> {
    let sql = "
        select id, tenant, label, secret_sha256, scopes, created_at, expires_at, revoked_at, last_used_at
        from api_key where tenant is ?1 order by id";
    let query = sqlx::query_as(sql).bind(tenant.map(|it| it.0));
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(api_key).collect()
}

pub(super) async fn revoke_key(
    db: &mut SqliteConnection,
    tenant: Option<TenantId>,
    id: &str,
    at: UnixMs,
) -> Result<bool> {
    let sql = "update api_key set revoked_at = coalesce(revoked_at, ?3) where id = ?1 and tenant is ?2";
    let query = sqlx::query(sql).bind(id).bind(tenant.map(|it| it.0)).bind(int(at.0));
    Ok(query.execute(db).await.map_err(unavailable)?.rows_affected() > 0)
}

/// `used` is a JSON object of ids and moments.
pub(super) async fn keys_used(db: &mut SqliteConnection, used: String) -> Result<()> {
    let sql = "
        update api_key set last_used_at = max(coalesce(last_used_at, 0), used.at)
        from (select key as id, value / 60000 * 60000 as at from json_each(?1)) used where api_key.id = used.id";
    sqlx::query(sql).bind(used).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn remember(
    db: &mut SqliteConnection,
    scope: &str,
    key: &str,
    request_sha256: [u8; 32],
    now: UnixMs,
) -> Result<Remembered> {
    let sql = "delete from remembered indexed by remembered_at where at <= ?1";
    sqlx::query(sql).bind(int(now.minus(REMEMBERED_MS).0)).execute(&mut *db).await.map_err(unavailable)?;
    let sql = "
        insert into remembered (scope, key, request_sha256, at) values (?1, ?2, ?3, ?4)
        on conflict (scope, key) do nothing";
    let query = sqlx::query(sql).bind(scope).bind(key).bind(request_sha256.to_vec()).bind(int(now.0));
    if query.execute(&mut *db).await.map_err(unavailable)?.rows_affected() > 0 {
        return Ok(Remembered::New);
    }
    let sql = "select request_sha256, status, body from remembered where scope = ?1 and key = ?2";
    let row: (Vec<u8>, Option<u16>, Option<Vec<u8>>) =
        sqlx::query_as(sql).bind(scope).bind(key).fetch_one(db).await.map_err(unavailable)?;
    Ok(match row {
        (request, ..) if request != request_sha256 => Remembered::Mismatch,
        (_, Some(status), body) => Remembered::Answer { status, body: body.unwrap_or_default() },
        (_, None, _) => Remembered::InFlight,
    })
}

pub(super) async fn answered(
    db: &mut SqliteConnection,
    scope: &str,
    key: &str,
    answer: Option<(u16, Vec<u8>)>,
) -> Result<()> {
    let (status, body) = answer.map_or((None, None), |(status, body)| (Some(status), Some(body)));
    let sql = if status.is_some() {
        "update remembered set status = ?3, body = ?4 where scope = ?1 and key = ?2 and status is null"
    } else {
        "delete from remembered where scope = ?1 and key = ?2 and status is null"
    };
    let query = sqlx::query(sql).bind(scope).bind(key).bind(status).bind(body);
    query.execute(db).await.map_err(unavailable).map(|_| ())
}

/// Reservations of requests that a process which is no more was carrying out: whoever asks again may try again.
pub(super) async fn forget_in_flight(db: &mut SqliteConnection) -> Result<()> {
    sqlx::query("delete from remembered where status is null").execute(db).await.map_err(unavailable).map(|_| ())
}
