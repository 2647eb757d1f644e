//! Truths and shadows.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::{Rows, list, pairs};
use super::decode::{doc, number, record, unavailable};
use crate::store::{Change, ConnectionId, KeyState, Kind, RecordKey, Result, Row, UnixMs};

pub(super) async fn truth(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Truth { key, truth, natural, basis } = change {
            // A deleted record is not found by its natural key: another one may bear it now.
            let natural = natural.as_deref().filter(|_| truth.deleted_at.is_none());
            rows.row().text(key.kind.as_str()).text(&key.key).maybe(natural).text(basis).doc(truth)?;
        }
    }
    let sql = "
        with new (kind, key, natural, basis, truth) as (values)
        insert into truth (kind, key, natural, basis, truth)
        select kind, key, natural, basis, truth from new where true
        on conflict (kind, key) do update
        set natural = excluded.natural, basis = excluded.basis, truth = excluded.truth";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn shadow(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Shadow { key, connection, shadow } = change {
            rows.row().text(key.kind.as_str()).text(&key.key).int(connection.0.into()).doc(shadow)?;
        }
    }
    let sql = "
        with new (kind, key, connection, shadow) as (values)
        insert into shadow (kind, key, connection, shadow) select kind, key, connection, shadow from new where true
        on conflict (kind, key, connection) do update set shadow = excluded.shadow";
    rows.run(db, sql, at).await.map(|_| ())
}

/// Records for `json_each`, as pairs of kind and key.
pub(super) fn keys(keys: &BTreeSet<RecordKey>) -> String {
    pairs(keys.iter().map(|it| (it.kind.as_str(), it.key.as_str())))
}

/// One statement, so that truths and shadows are of one moment. A truth comes without a connection.
pub(super) const STATES: &str = "
    select truth.kind, truth.key, null, truth.truth from json_each(?1) asked cross join truth
      on truth.kind = asked.value ->> 0 and truth.key = asked.value ->> 1
    union all
    select shadow.kind, shadow.key, shadow.connection, shadow.shadow from json_each(?1) asked cross join shadow
      on shadow.kind = asked.value ->> 0 and shadow.key = asked.value ->> 1";

pub(super) async fn states(db: &SqlitePool, asked: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
    let rows: Vec<(String, String, Option<i64>, Vec<u8>)> =
        sqlx::query_as(STATES).bind(keys(asked)).fetch_all(db).await.map_err(unavailable)?;
    let mut states: BTreeMap<_, _> = asked.iter().map(|key| (key.clone(), KeyState::default())).collect();
    for (kind, key, connection, document) in rows {
        let key = record(&kind, key)?;
        let state = states.entry(key.clone()).or_default();
        match connection.map(|it| ConnectionId(it as u32)) {
            None => state.truth = doc(&document, || Row::Truth { key })?,
            Some(connection) => {
                state.shadows.insert(connection, doc(&document, || Row::Shadow { key, connection })?);
            }
        }
    }
    Ok(states)
}

pub(super) async fn naturals(
    db: &SqlitePool,
    kind: Kind,
    asked: &BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<String>>> {
    let sql = "
        select truth.natural, truth.key from json_each(?2) asked cross join truth indexed by truth_natural
          on truth.kind = ?1 and truth.natural = asked.value and truth.natural is not null
        order by truth.natural, truth.key";
    let query = sqlx::query_as(sql).bind(kind.as_str()).bind(list(asked));
    let rows: Vec<(String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for (natural, key) in rows {
        found.entry(natural).or_default().push(key);
    }
    Ok(found)
}

pub(super) async fn records(db: &SqlitePool, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
    let sql = "select key from truth where kind = ?1 and (?2 is null or key > ?2) order by key limit +?3";
    let query = sqlx::query_scalar(sql).bind(kind.as_str()).bind(after).bind(n_max);
    query.fetch_all(db).await.map_err(unavailable)
}

/// At most `?2` of each kind on either side of its basis, so that a kind that cannot be decided now keeps no other waiting.
pub(super) const OUTDATED: &str = "
    select truth.kind, truth.key from json_each(?1) asked cross join truth on truth.rowid in (
        select below.rowid from truth below indexed by truth_basis
        where below.kind = asked.value ->> 0 and below.basis < asked.value ->> 1
        order by below.basis, below.key limit +?2)
    union all
    select truth.kind, truth.key from json_each(?1) asked cross join truth on truth.rowid in (
        select above.rowid from truth above indexed by truth_basis
        where above.kind = asked.value ->> 0 and above.basis > asked.value ->> 1
        order by above.basis, above.key limit +?2)";

pub(super) async fn outdated(
    db: &SqlitePool,
    bases: &BTreeMap<Kind, String>,
    n_max: u32,
) -> Result<BTreeSet<RecordKey>> {
    let query = sqlx::query_as(OUTDATED).bind(by_kind(bases)).bind(n_max);
    let rows: Vec<(String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|(kind, key)| record(&kind, key)).collect()
}

pub(super) async fn count_outdated(db: &SqlitePool, bases: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>> {
    let sql = "
        select asked.value ->> 0,
               (select count(*) from truth indexed by truth_basis
                where kind = asked.value ->> 0 and basis < asked.value ->> 1)
               + (select count(*) from truth indexed by truth_basis
                  where kind = asked.value ->> 0 and basis > asked.value ->> 1)
        from json_each(?1) asked";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).bind(by_kind(bases)).fetch_all(db).await.map_err(unavailable)?;
    let counted = rows.into_iter().filter(|(_, n)| *n > 0);
    counted.map(|(name, n)| Ok((super::decode::kind(&name)?, number(n)))).collect()
}

pub(super) async fn bases(db: &SqlitePool, asked: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>> {
    let sql = "
        select truth.kind, truth.key, truth.basis from json_each(?1) asked cross join truth
          on truth.kind = asked.value ->> 0 and truth.key = asked.value ->> 1";
    let rows: Vec<(String, String, String)> =
        sqlx::query_as(sql).bind(keys(asked)).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|(kind, key, basis)| Ok((record(&kind, key)?, basis))).collect()
}

/// Pairs of a kind and a basis for `json_each`.
fn by_kind(bases: &BTreeMap<Kind, String>) -> String {
    pairs(bases.iter().map(|(kind, basis)| (kind.as_str(), basis.as_str())))
}
