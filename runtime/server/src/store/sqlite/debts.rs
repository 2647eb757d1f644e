//! What systems are owed.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection, SqlitePool};

use super::bulk::Rows;
use super::decode::{doc, int, moment, name, named, number, record, unavailable};
use super::{entries, records};
use crate::store::{Change, ConnectionId, Debt, DebtState, Error, Kind, Owing, RecordKey, Result, UnixMs, damage};

/// A newer truth replaces a parked debt; an old one leaves it to the person who looks at it. What settles is replaced by
/// whoever has taken in what became of the write, and by nobody else.
const OWE: &str = "
    with new (connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent, anew)
      as (values)
    insert into debt (connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent)
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from new where anew or not exists (
        select 1 from debt as old
        where old.connection = new.connection and old.kind = new.kind and old.key = new.key and old.state = 'settling')
    on conflict (connection, kind, key) do update
    set truth_version = excluded.truth_version, priority = excluded.priority, due_at = excluded.due_at,
        attempts = iif(debt.state = 'parked', 0, excluded.attempts), state = excluded.state,
        last_error = excluded.last_error, intent = coalesce(debt.intent, excluded.intent), token = null
    where debt.state <> 'parked' or excluded.truth_version > debt.truth_version";

/// What a newer truth owes is not stuck with what became of an older one.
const PUT: &str = "
    with new (connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent, token)
      as (values)
    insert into debt (connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent,
                      token)
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent, token
    from new where true
    on conflict (connection, kind, key) do update
    set priority = excluded.priority, since = excluded.since, last_error = excluded.last_error,
        intent = excluded.intent, truth_version = max(debt.truth_version, excluded.truth_version),
        (state, attempts, due_at, token) = (
            select iif(excluded.intent is null, 'untold', 'due'), 0, ?, null
            where debt.truth_version > excluded.truth_version and excluded.state in ('parked', 'blocked')
            union all select excluded.state, excluded.attempts, excluded.due_at, excluded.token limit 1)";

pub(super) async fn owe(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Owe(debt) | Change::OweAnew(debt) = change {
            add(&mut rows, debt)?;
            rows.int(matches!(change, Change::OweAnew(_)).into());
        }
    }
    rows.run(db, OWE, at).await.map(|_| ())
}

pub(super) async fn put(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Debt { debt, token } = change {
            add(&mut rows, debt)?;
            rows.maybe(token.as_deref());
        }
    }
    rows.run(db, PUT, at).await.map(|_| ())
}

fn add(rows: &mut Rows, debt: &Debt) -> Result<()> {
    let row = rows.row().int(debt.connection.0.into()).text(debt.key.kind.as_str()).text(&debt.key.key);
    let row = row.int(debt.truth_version).int(debt.priority.into()).int(debt.due_at.0).int(debt.since.0);
    let row = row.int(debt.attempts.into()).text(&name(&debt.state)?).maybe(debt.last_error.as_deref());
    row.maybe_doc(debt.intent.as_ref()).map(|_| ())
}

pub(super) async fn paid(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Paid(debt) = change {
            let row = rows.row().int(debt.connection.0.into()).text(debt.key.kind.as_str()).text(&debt.key.key);
            row.int(debt.truth_version).int(debt.due_at.0).text(&name(&debt.state)?);
        }
    }
    let sql = "
        with paid (connection, kind, key, truth_version, due_at, state) as (values)
        delete from debt where intent is null and (connection, kind, key, truth_version, due_at, state) in paid";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn retell(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let sql = "
        insert into debt (connection, kind, key, truth_version, priority, due_at, since, attempts, state)
        select ?1, kind, key, iif(json_valid(truth, 2), truth ->> 'version', 0), 0, ?3, ?3, 0, 'untold'
        from truth where kind = ?2
        on conflict (connection, kind, key) do update
        set state = 'untold', due_at = excluded.due_at, attempts = 0, token = null
        where debt.intent is null and debt.state <> 'settling'";
    for change in changes {
        if let Change::Retell { connection, kind } = change {
            let query = sqlx::query(sql).bind(connection.0).bind(kind.as_str()).bind(int(at.0));
            query.execute(&mut *db).await.map_err(unavailable)?;
        }
    }
    Ok(())
}

pub(super) async fn retell_some(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::RetellOne { connection, key, due_at } = change {
            rows.row().int(connection.0.into()).text(key.kind.as_str()).text(&key.key).int(due_at.0);
        }
    }
    let sql = "
        with asked (connection, kind, key, due_at) as (values)
        insert into debt (connection, kind, key, truth_version, priority, due_at, since, attempts, state)
        select asked.connection, truth.kind, truth.key, iif(json_valid(truth.truth, 2), truth.truth ->> 'version', 0), 0,
               asked.due_at, ?, 0, 'untold'
        from asked cross join truth on truth.kind = asked.kind and truth.key = asked.key
        where true
        on conflict (connection, kind, key) do update
        set state = 'untold', attempts = 0, token = null,
            due_at = iif(debt.state = 'untold', min(debt.due_at, excluded.due_at), excluded.due_at)
        where debt.intent is null and debt.state <> 'settling'";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn redrive(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let sql = "
        update debt indexed by debt_stuck
        set state = iif(intent is null, 'untold', 'due'), attempts = 0, due_at = ?1
        where state = 'parked' and state <> 'due' and (?2 is null or connection = ?2)
          and (?3 is null or kind = ?3 and key = ?4)";
    for change in changes {
        if let Change::Redrive { connection, key } = change {
            let query = sqlx::query(sql).bind(int(at.0)).bind(connection.map(|it| it.0));
            let query =
                query.bind(key.as_ref().map(|it| it.kind.as_str())).bind(key.as_ref().map(|it| it.key.as_str()));
            query.execute(&mut *db).await.map_err(unavailable)?;
        }
    }
    Ok(())
}

pub(super) async fn wake(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let sql = "
        with woken (token) as (values)
        update debt indexed by debt_waiting set state = 'due', due_at = ?, token = null
        where state = 'blocked' and token in woken";
    entries::tokens(changes).run(db, sql, at).await.map(|_| ())
}

/// A debt as it is read.
pub(super) struct Found(pub Debt);

impl FromRow<'_, SqliteRow> for Found {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let damaged = |e: Error| sqlx::Error::Decode(e.into());
        let (connection, kind): (_, String) = (ConnectionId(row.try_get(0)?), row.try_get(1)?);
        let key = record(&kind, row.try_get(2)?).map_err(damaged)?;
        let intent: Option<Vec<u8>> = row.try_get(10)?;
        let begun = intent.is_some();
        let here = || damage::Row::Debt { key: key.clone(), connection, begun };
        let state: String = row.try_get(8)?;
        let state = named(state).map_err(|e| damaged(Error::damaged_row(here(), e)))?;
        let intent = intent.map(|it| doc(&it, here)).transpose().map_err(damaged)?;
        let priority: i64 = row.try_get(4)?;
        let priority = priority.try_into().map_err(|e| damaged(Error::damaged_row(here(), e)))?;
        Ok(Self(Debt {
            connection,
            key: key.clone(),
            truth_version: number(row.try_get(3)?),
            priority,
            due_at: moment(row.try_get(5)?),
            since: moment(row.try_get(6)?),
            attempts: row.try_get(7)?,
            state,
            last_error: row.try_get(9)?,
            intent,
        }))
    }
}

fn debts(found: sqlx::Result<Vec<Found>>) -> Result<Vec<Debt>> {
    Ok(found.map_err(unavailable)?.into_iter().map(|it| it.0).collect())
}

pub(super) const DUE: &str = "
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from debt indexed by debt_due where connection = ?1 and state = 'due' and due_at <= ?2
    order by priority, due_at, kind, key limit +?3";

/// What no query by state would find.
pub(super) const STRAY: &str = "
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from debt indexed by debt_stray
    where connection = ?1 and state not in ('due', 'settling', 'blocked', 'held', 'untold', 'parked') limit 1";

pub(super) async fn due(db: &SqlitePool, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
    debts(sqlx::query_as(STRAY).bind(connection.0).fetch_all(db).await)?;
    debts(sqlx::query_as(DUE).bind(connection.0).bind(int(now.0)).bind(n_max).fetch_all(db).await)
}

pub(super) const UNTOLD: &str = "
    select kind, key from debt indexed by debt_untold where state = 'untold' and due_at <= ?1
    order by due_at, kind, key limit +?2";

pub(super) async fn untold(db: &SqlitePool, now: UnixMs, n_max: u32) -> Result<BTreeSet<RecordKey>> {
    let query = sqlx::query_as(UNTOLD).bind(int(now.0)).bind(n_max);
    let found: Vec<(String, String)> = query.fetch_all(db).await.map_err(unavailable)?;
    found.into_iter().map(|(kind, key)| record(&kind, key)).collect()
}

pub(super) const OF: &str = "
    select connection, kind, debt.key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from json_each(?1) asked cross join debt indexed by debt_record
      on debt.kind = asked.value ->> 0 and debt.key = asked.value ->> 1
    order by connection, kind, debt.key";

pub(super) async fn of(db: &SqlitePool, asked: &BTreeSet<RecordKey>) -> Result<Vec<Debt>> {
    debts(sqlx::query_as(OF).bind(records::keys(asked)).fetch_all(db).await)
}

pub(super) async fn in_state(
    db: &SqlitePool,
    state: DebtState,
    after: Option<&(ConnectionId, RecordKey)>,
    n_max: u32,
) -> Result<Vec<Debt>> {
    let sql = "
        select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
        from debt where state = ?1 and (connection, kind, key) > (?2, ?3, ?4)
        order by connection, kind, key limit +?5";
    // Connections are numbered from one.
    let (connection, kind, key) =
        after.map_or((0, "", ""), |(connection, it)| (i64::from(connection.0), it.kind.as_str(), it.key.as_str()));
    let query = sqlx::query_as(sql).bind(name(&state)?).bind(connection).bind(kind).bind(key).bind(n_max);
    debts(query.fetch_all(db).await)
}

pub(super) const BEGUN: &str = "
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from debt indexed by debt_begun where connection = ?1 and state = 'due' and intent is not null and due_at <= ?2
    order by priority, due_at, kind, key limit +?3";

pub(super) async fn begun(db: &SqlitePool, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
    debts(sqlx::query_as(STRAY).bind(connection.0).fetch_all(db).await)?;
    debts(sqlx::query_as(BEGUN).bind(connection.0).bind(int(now.0)).bind(n_max).fetch_all(db).await)
}

pub(super) const OWED: &str = "
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from debt where connection = ?1 and kind = ?2 and key > ?3 order by key limit +?4";

pub(super) async fn owed(
    db: &SqlitePool,
    (connection, kind): (ConnectionId, Kind),
    after: Option<&str>,
    n_max: u32,
) -> Result<Vec<Debt>> {
    let query = sqlx::query_as(OWED).bind(connection.0).bind(kind.as_str());
    debts(query.bind(after.unwrap_or_default()).bind(n_max).fetch_all(db).await)
}

pub(super) async fn owing(db: &SqlitePool) -> Result<Vec<Owing>> {
    let sql = "
        select connection, kind, count(*) filter (where state in ('due', 'blocked')),
               count(*) filter (where state = 'due' and intent is not null),
               count(*) filter (where state in ('untold', 'settling')), count(*) filter (where state = 'parked')
        from debt group by connection, kind order by connection, kind";
    let rows: Vec<(u32, String, i64, i64, i64, i64)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    let owing = |(connection, kind, open, begun, undecided, parked): (u32, String, i64, i64, i64, i64)| {
        let (open, begun, undecided, parked) = (number(open), number(begun), number(undecided), number(parked));
        Ok(Owing {
            connection: ConnectionId(connection),
            kind: super::decode::kind(&kind)?,
            open,
            begun,
            undecided,
            parked,
        })
    };
    rows.into_iter().map(owing).collect()
}

pub(super) const UNCREATED: &str = "
    select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent
    from debt where connection = ?1 and kind = ?2 and key > ?3
      and not exists (select 1 from link indexed by link_key
                      where link.connection = ?1 and link.kind = ?2 and link.key = debt.key)
    order by key limit +?4";

pub(super) async fn uncreated(
    db: &SqlitePool,
    connection: ConnectionId,
    kind: Kind,
    after: Option<&str>,
    n_max: u32,
) -> Result<Vec<Debt>> {
    let query = sqlx::query_as(UNCREATED).bind(connection.0).bind(kind.as_str());
    debts(query.bind(after.unwrap_or_default()).bind(n_max).fetch_all(db).await)
}

/// Every debt with its token, in order, for a hash of the whole.
pub(super) async fn all(db: &SqlitePool) -> Result<Vec<(Debt, String)>> {
    let sql = "
        select connection, kind, key, truth_version, priority, due_at, since, attempts, state, last_error, intent,
               coalesce(token, '') from debt order by connection, kind, key";
    let rows = sqlx::query(sql).fetch_all(db).await.map_err(unavailable)?;
    let read = |row: &SqliteRow| Ok((Found::from_row(row)?.0, row.try_get(11)?));
    rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(unavailable)
}
