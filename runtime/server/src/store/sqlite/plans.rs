//! Plans that were handed in.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::Rows;
use super::decode::{doc as read, int, moment, number, record, unavailable};
use crate::store::{Change, ConnectionId, Planned, PlannedDue, RecordKey, Result, UnixMs, damage};

pub(super) async fn hand_in(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::Plan(it) = change {
            let row = rows.row().text(&it.plan).int(it.connection.0.into()).text(it.key.kind.as_str());
            let row = row.text(&it.key.key).maybe(it.write.remote_id.as_deref()).int(it.priority.into());
            let row = row.int(it.at.0).int(it.due_at.0).doc(&it.write)?.maybe(it.waits.as_deref());
            row.maybe_doc(it.outcome.as_ref())?;
        }
    }
    let sql = "
        with new (plan, connection, kind, key, remote_id, priority, at, due_at, doc, waits, outcome) as (values)
        insert into planned (plan, connection, kind, key, remote_id, priority, at, due_at, doc, waits, outcome)
        select plan, connection, kind, key, remote_id, priority, at, due_at, doc, waits, outcome from new where true
        on conflict (plan, connection, kind, key) do update
        set remote_id = excluded.remote_id, priority = excluded.priority, at = excluded.at, due_at = excluded.due_at,
            doc = excluded.doc, waits = excluded.waits, outcome = excluded.outcome
        where planned.outcome is not null";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn wait(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::PlanWaits { plan, connection, key, due_at, waits } = change {
            let row = rows.row().text(plan).int(connection.0.into()).text(key.kind.as_str()).text(&key.key);
            row.int(due_at.0).text(waits);
        }
    }
    let sql = "
        with new (plan, connection, kind, key, due_at, waits) as (values)
        update planned set due_at = new.due_at, waits = new.waits from new
        where planned.plan = new.plan and planned.connection = new.connection and planned.kind = new.kind
          and planned.key = new.key and planned.outcome is null";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn end(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    let mut rows = Rows::new();
    for change in changes {
        if let Change::PlanEnded { plan, connection, key, outcome } = change {
            let row = rows.row().text(plan).int(connection.0.into()).text(key.kind.as_str()).text(&key.key);
            row.doc(outcome)?;
        }
    }
    let sql = "
        with new (plan, connection, kind, key, outcome) as (values)
        update planned set outcome = new.outcome, waits = null from new
        where planned.plan = new.plan and planned.connection = new.connection and planned.kind = new.kind
          and planned.key = new.key and planned.outcome is null";
    rows.run(db, sql, at).await.map(|_| ())
}

pub(super) async fn forget(db: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    for change in changes {
        if let Change::PlansForgotten { before } = change {
            let query = sqlx::query("delete from planned where at < ?1").bind(int(before.0));
            query.execute(&mut *db).await.map_err(unavailable)?;
        }
    }
    Ok(())
}

/// Plan, connection, kind, key, priority, handed in, due, write, what it waits for, outcome.
type Row = (String, u32, String, String, u8, i64, i64, Vec<u8>, Option<String>, Option<Vec<u8>>);

fn planned((plan, connection, kind, key, priority, at, due_at, doc, waits, outcome): Row) -> Result<Planned> {
    let (connection, key) = (ConnectionId(connection), record(&kind, key)?);
    let row = || damage::Row::Planned { plan: plan.clone(), key: key.clone(), connection };
    let (write, outcome) = (read(&doc, row)?, outcome.map(|it| read(&it, row)).transpose()?);
    let (at, due_at) = (moment(at), moment(due_at));
    Ok(Planned { plan, connection, key, priority, at, due_at, write, waits, outcome })
}

pub(super) const DUE: &str = "
    select plan, connection, kind, key, priority, at, due_at, doc, waits, outcome from planned indexed by planned_open
    where connection = ?1 and outcome is null and due_at <= ?2
    order by priority, due_at, kind, key, plan limit +?3";

pub(super) const TO_READ: &str = "
    select asked.key from json_each(?2) asked cross join touched
      on touched.connection = ?1 and touched.kind = asked.value ->> 0 and touched.remote_id = asked.value ->> 1";

pub(super) async fn due(db: &SqlitePool, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<PlannedDue>> {
    let query = sqlx::query_as(DUE).bind(connection.0).bind(int(now.0)).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    let due: Vec<Planned> = rows.into_iter().map(planned).collect::<Result<_>>()?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<(&str, &str)> =
        due.iter().map(|it| (it.key.kind.as_str(), it.write.remote_id.as_deref().unwrap_or_default())).collect();
    let asked = super::decode::to_json(&asked)?;
    let query = sqlx::query_scalar(TO_READ).bind(connection.0).bind(asked);
    let touched: Vec<i64> = query.fetch_all(db).await.map_err(unavailable)?;
    let is_touched = |at: usize| touched.iter().any(|it| usize::try_from(*it) == Ok(at));
    let to_read = |at: usize, it: &Planned| it.write.remote_id.is_some() && is_touched(at);
    Ok(due.into_iter().enumerate().map(|(at, it)| PlannedDue { to_read: to_read(at, &it), planned: it }).collect())
}

pub(super) async fn of(
    db: &SqlitePool,
    plan: &str,
    after: Option<&(ConnectionId, RecordKey)>,
    n_max: u32,
) -> Result<Vec<Planned>> {
    let sql = "
        select plan, connection, kind, key, priority, at, due_at, doc, waits, outcome from planned
        where plan = ?1 and (connection, kind, key) > (?2, ?3, ?4) order by connection, kind, key limit +?5";
    let (connection, kind, key) =
        after.map_or((0, "", ""), |(connection, it)| (i64::from(connection.0), it.kind.as_str(), it.key.as_str()));
    let query = sqlx::query_as(sql).bind(plan).bind(connection).bind(kind).bind(key).bind(n_max);
    let rows: Vec<Row> = query.fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(planned).collect()
}

pub(super) async fn counts(db: &SqlitePool, plan: &str) -> Result<BTreeMap<String, u64>> {
    let sql = "
        select coalesce(outcome ->> 'outcome', ''), count(*) from planned where plan = ?1 group by 1";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).bind(plan).fetch_all(db).await.map_err(unavailable)?;
    Ok(rows.into_iter().map(|(name, n)| (name, number(n))).collect())
}
