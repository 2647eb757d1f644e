//! What happened: timelines, conflicts, accuracy.

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::Rows;
use super::decode::{doc, int, json, moment, number, record, to_json, unavailable};
use crate::store::{
    About, Accuracy, Change, Conflict, ConnectionId, Drift, Event, FIGURES_KEPT, Kind, RecordKey, Result, UnixMs,
    damage,
};

pub(super) async fn event(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Event(event) = change {
            let row = rows.row().int(event.at.0).text(event.key.kind.as_str()).text(&event.key.key);
            row.maybe_int(event.connection.map(|it| it.0.into())).text(&to_json(&event.what)?);
        }
    }
    let sql = "
        with new (at, kind, key, connection, what) as (values)
        insert into event (at, kind, key, connection, what) select at, kind, key, connection, what from new";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) const TIMELINE: &str = "
    select id, at, connection, what from event where kind = ?1 and key = ?2 and id > ?3 order by id limit +?4";

pub(super) async fn timeline(db: &SqlitePool, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
    events(db, TIMELINE, (key, int(after)), n_max).await
}

pub(super) const TIMELINE_BACK: &str = "
    select id, at, connection, what from event where kind = ?1 and key = ?2 and id < ?3 order by id desc limit +?4";

pub(super) async fn timeline_back(
    db: &SqlitePool,
    key: &RecordKey,
    before: Option<u64>,
    n_max: u32,
) -> Result<Vec<Event>> {
    events(db, TIMELINE_BACK, (key, before.map_or(i64::MAX, int)), n_max).await
}

async fn events(db: &SqlitePool, sql: &'static str, (key, from): (&RecordKey, i64), n_max: u32) -> Result<Vec<Event>> {
    let query = sqlx::query_as(sql).bind(key.kind.as_str()).bind(&key.key).bind(from).bind(n_max);
    let rows: Vec<(i64, i64, Option<u32>, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    let event = |(id, at, connection, what): (i64, i64, Option<u32>, String)| {
        let connection = connection.map(ConnectionId);
        Ok(Event { id: number(id), at: moment(at), key: key.clone(), connection, what: json(&what)? })
    };
    rows.into_iter().map(event).collect()
}

pub(super) const VANISHED: &str = r#"
    select count(*) from event
    where connection = ?1 and kind = ?2 and at >= ?3 and what = '{"event":"vanished"}'"#;

pub(super) async fn vanished(db: &SqlitePool, connection: ConnectionId, kind: Kind, since: UnixMs) -> Result<i64> {
    let query = sqlx::query_scalar(VANISHED).bind(connection.0).bind(kind.as_str()).bind(int(since.0));
    query.fetch_one(db).await.map_err(unavailable)
}

pub(super) async fn conflict(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Conflict(it) = change {
            // Of a mass each connection's is a question of its own.
            let sides: Vec<&String> = it.claims.keys().filter(|_| it.about == About::Mass).collect();
            let row = rows.row().int(it.at.0).text(it.key.kind.as_str()).text(&it.key.key);
            row.text(&to_json(&it.about)?).text(&to_json(&sides)?);
            row.doc(&it.claims)?.maybe_doc(it.outcome.as_ref())?.text(&it.reason).text(&it.policy);
        }
    }
    let sql = "
        with new (at, kind, key, about, sides, claims, outcome, reason, policy) as (values)
        insert into conflict (at, kind, key, about, sides, claims, outcome, reason, policy)
        select at, kind, key, about, sides, claims, outcome, reason, policy from new where true
        on conflict (kind, about, key, sides) where outcome is null do update
        set claims = excluded.claims, reason = excluded.reason, policy = excluded.policy";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn close_conflict(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::ConflictClosed { kind, key, about, outcome, reason } = change {
            let row = rows.row().text(kind.as_str()).maybe(key.as_deref()).text(&to_json(about)?);
            row.doc(outcome)?.text(reason);
        }
    }
    let sql = "
        with new (kind, key, about, outcome, reason) as (values)
        update conflict indexed by conflict_open set outcome = new.outcome, reason = new.reason from new
        where conflict.kind = new.kind and conflict.about = new.about
          and (new.key is null or conflict.key = new.key) and conflict.outcome is null";
    rows.run(db, sql, at).await.map(|_| ())
}

type Row = (i64, i64, String, String, Vec<u8>, Vec<u8>, Option<Vec<u8>>, String, String);

pub(super) async fn conflicts(
    db: &SqlitePool,
    open: Option<bool>,
    before: Option<u64>,
    n_max: u32,
) -> Result<Vec<Conflict>> {
    let sql = "
        select id, at, kind, key, about, claims, outcome, reason, policy from conflict
        where (?1 is null or ?1 = (outcome is null)) and (?2 is null or id < ?2) order by id desc limit +?3";
    let query = sqlx::query_as(sql).bind(open).bind(before.map(int)).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(conflict_row).collect()
}

fn conflict_row((id, at, kind, key, about, claims, outcome, reason, policy): Row) -> Result<Conflict> {
    let (id, at, key) = (number(id), moment(at), record(&kind, key)?);
    let row = || damage::Row::Question { id, key: key.clone() };
    let (about, claims) = (doc(&about, row)?, doc(&claims, row)?);
    let outcome = outcome.map(|it| doc(&it, row)).transpose()?;
    Ok(Conflict { id, at, key, about, claims, outcome, reason, policy })
}

/// Keeps the figure, and of its kind at its connection the newest.
pub(super) async fn accuracy(db: &mut SqliteConnection, figure: &Accuracy) -> Result<()> {
    let sql = "
        insert into accuracy (connection, kind, sweep, at, figure) values (?1, ?2, ?3, ?4, ?5)
        on conflict (connection, kind, sweep) do update set at = excluded.at, figure = excluded.figure";
    let (connection, kind) = (figure.connection.as_str(), figure.kind.as_str());
    let query = sqlx::query(sql).bind(connection).bind(kind).bind(int(figure.sweep)).bind(int(figure.at.0));
    query.bind(to_json(figure)?).execute(&mut *db).await.map_err(unavailable)?;
    let oldest = "
        select sweep from accuracy where connection = ?1 and kind = ?2 order by sweep desc limit 1 offset +?3";
    let query = sqlx::query_scalar(oldest).bind(connection).bind(kind).bind(FIGURES_KEPT - 1);
    let Some(oldest): Option<i64> = query.fetch_optional(&mut *db).await.map_err(unavailable)? else { return Ok(()) };
    for sql in [
        "delete from accuracy where connection = ?1 and kind = ?2 and sweep < ?3",
        "delete from drift where connection = ?1 and kind = ?2 and sweep < ?3",
    ] {
        let query = sqlx::query(sql).bind(connection).bind(kind).bind(oldest);
        query.execute(&mut *db).await.map_err(unavailable)?;
    }
    Ok(())
}

pub(super) async fn accuracies(db: &SqlitePool) -> Result<Vec<Accuracy>> {
    // The figure is that of the row with the greatest number.
    let sql = "select figure, max(sweep) from accuracy group by connection, kind order by connection, kind";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    rows.iter().map(|it| json(&it.0)).collect()
}

pub(super) async fn figures(
    db: &SqlitePool,
    connection: &str,
    kind: Option<Kind>,
    before: Option<u64>,
    n_max: u32,
) -> Result<Vec<Accuracy>> {
    let sql = "
        select figure from accuracy
        where connection = ?1 and (?2 is null or kind = ?2) and (?3 is null or sweep < ?3)
        order by sweep desc, kind limit +?4";
    let query = sqlx::query_scalar(sql).bind(connection).bind(kind.map(Kind::as_str)).bind(before.map(int)).bind(n_max);
    let rows: Vec<String> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.iter().map(|it| json(it)).collect()
}

pub(super) async fn drifted(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Drift(it) = change {
            rows.row().text(&it.connection).text(it.kind.as_str()).int(it.sweep).int(it.n).doc(it)?;
        }
    }
    let sql = "
        with new (connection, kind, sweep, n, drift) as (values)
        insert into drift (connection, kind, sweep, n, drift) select connection, kind, sweep, n, drift from new where true
        on conflict do update set drift = excluded.drift";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn drift(
    db: &SqlitePool,
    (connection, kind, sweep): (&str, Kind, u64),
    after: u64,
    n_max: u32,
) -> Result<Vec<Drift>> {
    let sql = "
        select drift from drift where connection = ?1 and kind = ?2 and sweep = ?3 and n > ?4 order by n limit +?5";
    let query = sqlx::query_scalar(sql).bind(connection).bind(kind.as_str()).bind(int(sweep)).bind(int(after));
    let rows: Vec<String> = query.bind(n_max).fetch_all(db).await.map_err(unavailable)?;
    rows.iter().map(|it| json(it)).collect()
}
