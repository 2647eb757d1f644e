//! What was decided, and what is stored as it stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::fold::Terms;

use super::bulk::Rows;
use super::decode::{checked, int, json, moment, number, record, to_doc, to_json, unavailable};
use super::entries::{Row as EntryRow, logged};
use super::records::keys;
use crate::store::{Change, ConnectionId, KeyState, LoggedEntry, LoggedRuling, RecordKey, Result, Stored, UnixMs};

pub(super) async fn rule(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Ruling(it) = change {
            let row = rows.row().int(it.at.0).text(it.key.kind.as_str()).text(&it.key.key);
            row.text(&it.terms).doc(&it.ruling)?;
        }
    }
    let sql = "
        with new (at, kind, key, terms, ruling) as (values)
        insert into ruling (at, kind, key, terms, ruling) select at, kind, key, terms, ruling from new";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn set_terms(db: &mut SqliteConnection, terms: &Terms) -> Result<()> {
    let query = sqlx::query("insert into terms (digest, terms) values (?1, ?2) on conflict do nothing");
    query.bind(terms.digest()).bind(to_doc(terms)?).execute(db).await.map_err(unavailable).map(|_| ())
}

/// One by one: a store that lost something is mended seldom.
pub(super) async fn restate(
    db: &mut SqliteConnection,
    key: &RecordKey,
    state: &KeyState,
    natural: Option<&str>,
) -> Result<()> {
    let (kind, key) = (key.kind.as_str(), key.key.as_str());
    for sql in ["delete from truth where kind = ?1 and key = ?2", "delete from shadow where kind = ?1 and key = ?2"] {
        sqlx::query(sql).bind(kind).bind(key).execute(&mut *db).await.map_err(unavailable)?;
    }
    if state.truth != Default::default() {
        let natural = natural.filter(|_| state.truth.deleted_at.is_none());
        let query = sqlx::query("insert into truth (kind, key, natural, truth) values (?1, ?2, ?3, ?4)");
        let query = query.bind(kind).bind(key).bind(natural).bind(to_doc(&state.truth)?);
        query.execute(&mut *db).await.map_err(unavailable)?;
    }
    for (connection, shadow) in &state.shadows {
        let query = sqlx::query("insert into shadow (kind, key, connection, shadow) values (?1, ?2, ?3, ?4)");
        let query = query.bind(kind).bind(key).bind(connection.0).bind(to_doc(shadow)?);
        query.execute(&mut *db).await.map_err(unavailable)?;
    }
    Ok(())
}

pub(super) const ACCOUNTS: &str = "
    select kind, key from (
        select * from (select kind, key from truth where (kind, key) > (?1, ?2) order by kind, key limit +?3)
        union
        select * from (select distinct kind, key from shadow where (kind, key) > (?1, ?2) order by kind, key limit +?3)
        union
        select * from (select distinct kind, key from ruling where (kind, key) > (?1, ?2) order by kind, key limit +?3))
    order by kind, key limit +?3";

pub(super) async fn accounts(db: &SqlitePool, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
    let (kind, key) = after.map_or(("", ""), |it| (it.kind.as_str(), it.key.as_str()));
    let query = sqlx::query_as(ACCOUNTS).bind(kind).bind(key).bind(n_max);
    named(query.fetch_all(db).await.map_err(unavailable)?)
}

pub(super) const RULED: &str = "
    select distinct kind, key from ruling indexed by ruling_record
    where (kind, key) > (?1, ?2) and at >= ?4 and at < ?5 order by kind, key limit +?3";

pub(super) async fn ruled(
    db: &SqlitePool,
    within: Range<UnixMs>,
    after: Option<&RecordKey>,
    n_max: u32,
) -> Result<Vec<RecordKey>> {
    let (kind, key) = after.map_or(("", ""), |it| (it.kind.as_str(), it.key.as_str()));
    let query = sqlx::query_as(RULED).bind(kind).bind(key).bind(n_max);
    let query = query.bind(int(within.start.0)).bind(int(within.end.0));
    named(query.fetch_all(db).await.map_err(unavailable)?)
}

fn named(rows: Vec<(String, String)>) -> Result<Vec<RecordKey>> {
    rows.into_iter().map(|(kind, key)| record(&kind, key)).collect()
}

pub(super) const RULINGS: &str = "
    select ruling.at, ruling.kind, ruling.key, ruling.terms, ruling.ruling
    from json_each(?1) asked cross join ruling indexed by ruling_record
      on ruling.kind = asked.value ->> 0 and ruling.key = asked.value ->> 1
    order by ruling.id";

pub(super) async fn rulings(db: &SqlitePool, asked: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>> {
    let query = sqlx::query_as(RULINGS).bind(keys(asked));
    let rows: Vec<(i64, String, String, String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    let ruling = |(at, kind, key, terms, ruling): (i64, String, String, String, String)| {
        Ok(LoggedRuling { at: moment(at), key: record(&kind, key)?, terms, ruling: json(&ruling)? })
    };
    rows.into_iter().map(ruling).collect()
}

pub(super) async fn entries(db: &SqlitePool, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>> {
    let sql = "
        select entry.seq, entry.at, entry.kind, entry.key, entry.connection, entry.remote_id, entry.entry
        from json_each(?1) asked cross join entry on entry.seq = asked.value";
    let rows: Vec<EntryRow> = sqlx::query_as(sql).bind(to_json(seqs)?).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|row| Ok((number(row.0), logged(row)?))).collect()
}

pub(super) async fn terms(db: &SqlitePool, digest: &str) -> Result<Option<Terms>> {
    let query = sqlx::query_scalar("select terms from terms where digest = ?1").bind(digest);
    let terms: Option<String> = query.fetch_optional(db).await.map_err(unavailable)?;
    terms.map(|it| json(&it)).transpose()
}

/// What each row is, by its first column.
const STORED: &str = "
    select 'truth', truth.kind, truth.key, 0, truth.truth, truth.natural from json_each(?1) asked cross join truth
      on truth.kind = asked.value ->> 0 and truth.key = asked.value ->> 1
    union all
    select 'shadow', shadow.kind, shadow.key, shadow.connection, shadow.shadow, null
    from json_each(?1) asked cross join shadow
      on shadow.kind = asked.value ->> 0 and shadow.key = asked.value ->> 1
    union all
    select 'commitment', 'order', commitment.order_key, 0, commitment.commitment, commitment.item
    from json_each(?1) asked cross join commitment indexed by commitment_order
      on asked.value ->> 0 = 'order' and commitment.order_key = asked.value ->> 1
    union all
    select 'link', link.kind, link.key, link.connection, link.remote_id, null
    from json_each(?1) asked cross join connection cross join link indexed by link_key
      on link.connection = connection.id and link.kind = asked.value ->> 0 and link.key = asked.value ->> 1";

pub(super) async fn stored(db: &SqlitePool, asked: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
    type Row = (String, String, String, u32, Vec<u8>, Option<String>);
    let query = sqlx::query_as(STORED).bind(keys(asked));
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    let mut found: BTreeMap<_, _> = asked.iter().map(|key| (key.clone(), Stored::default())).collect();
    for (what, kind, key, connection, text, natural) in rows {
        let stored = found.entry(record(&kind, key)?).or_default();
        let text = String::from_utf8_lossy(checked(&text).unwrap_or(&text)).into_owned();
        match what.as_str() {
            "truth" => (stored.truth, stored.natural) = (Some(text), natural),
            "commitment" => drop(stored.wants.insert(natural.unwrap_or_default(), text)),
            "shadow" => drop(stored.shadows.insert(ConnectionId(connection), text)),
            _ => drop(stored.links.insert(ConnectionId(connection), text)),
        }
    }
    Ok(found)
}
