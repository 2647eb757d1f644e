//! Slots, their releases, and recorded calls.

use sqlx::{SqliteConnection, SqlitePool};

use super::decode::{int, is_taken, json, moment, number, to_json, unavailable};
use crate::store::{CALLS_KEPT, CallRow, Error, Release, Result, Slot};

/// Adds a release under its number; under the next one if that is 0.
pub(super) async fn release(db: &mut SqliteConnection, it: &Release) -> Result<()> {
    let sql = "
        insert into release (id, slot, digest, plugin, state, created_at)
        values (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6)";
    let query = sqlx::query(sql).bind(int(it.id)).bind(&it.slot).bind(&it.digest).bind(&it.plugin).bind(&it.state);
    query.bind(int(it.created_at.0)).execute(&mut *db).await.map_err(|e| match is_taken(&e) {
        true => Error::Conflict("a release of this number, or of these bytes in this slot, exists".to_owned()),
        false => unavailable(e),
    })?;
    let sql = "insert into slot (name) values (?1) on conflict do nothing";
    sqlx::query(sql).bind(&it.slot).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn activate(db: &mut SqliteConnection, slot: &str, release: u64) -> Result<()> {
    let sql = "
        update slot set previous = nullif(coalesce(nullif(active, ?2), previous), ?2), active = ?2
        where name = ?1 and exists (select 1 from release where id = ?2 and slot = ?1)";
    let query = sqlx::query(sql).bind(slot).bind(int(release));
    if query.execute(&mut *db).await.map_err(unavailable)?.rows_affected() == 0 {
        return Err(Error::Conflict(format!("slot `{slot}` has no release {release}")));
    }
    let sql = "
        update release set state = iif(id = ?2, 'active', 'retired')
        where slot = ?1 and (id = ?2 or state = 'active')";
    sqlx::query(sql).bind(slot).bind(int(release)).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn vacate(db: &mut SqliteConnection, slot: &str) -> Result<()> {
    let sql = "update release set state = 'retired' where slot = ?1 and state = 'active'";
    sqlx::query(sql).bind(slot).execute(&mut *db).await.map_err(unavailable)?;
    let sql = "update slot set previous = active, active = null where name = ?1 and active is not null";
    sqlx::query(sql).bind(slot).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn all(db: &SqlitePool) -> Result<Vec<Slot>> {
    let sql = "select name, active, previous from slot order by name";
    let rows: Vec<(String, Option<i64>, Option<i64>)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    let slot = |(name, active, previous): (String, Option<i64>, Option<i64>)| Slot {
        name,
        active: active.map(number),
        previous: previous.map(number),
    };
    Ok(rows.into_iter().map(slot).collect())
}

pub(super) async fn releases(db: &SqlitePool, slot: &str) -> Result<Vec<Release>> {
    let sql = "
        select id, slot, digest, plugin, state, created_at from release where slot = ?1 order by id desc";
    type Row = (i64, String, String, String, String, i64);
    let rows: Vec<Row> = sqlx::query_as(sql).bind(slot).fetch_all(db).await.map_err(unavailable)?;
    let release = |(id, slot, digest, plugin, state, created_at): Row| Release {
        id: number(id),
        slot,
        digest,
        plugin,
        state,
        created_at: moment(created_at),
    };
    Ok(rows.into_iter().map(release).collect())
}

/// Adds a recorded call and forgets the oldest of its slot beyond [`CALLS_KEPT`].
pub(super) async fn call(db: &mut SqliteConnection, it: &CallRow) -> Result<()> {
    let sql = "insert into call (slot, row) values (?1, ?2)";
    sqlx::query(sql).bind(&it.slot).bind(to_json(it)?).execute(&mut *db).await.map_err(unavailable)?;
    let sql = "
        delete from call where slot = ?1 and id <= (
            select id from call where slot = ?1 order by id desc limit 1 offset ?2)";
    sqlx::query(sql).bind(&it.slot).bind(CALLS_KEPT).execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn calls(db: &SqlitePool, slot: &str, n_max: u32) -> Result<Vec<CallRow>> {
    let sql = "select id, row from call where slot = ?1 order by id desc limit +?2";
    let rows: Vec<(i64, String)> =
        sqlx::query_as(sql).bind(slot).bind(n_max).fetch_all(db).await.map_err(unavailable)?;
    let call = |(id, row): (i64, String)| Ok(CallRow { id: number(id), ..json(&row)? });
    rows.into_iter().map(call).collect()
}
