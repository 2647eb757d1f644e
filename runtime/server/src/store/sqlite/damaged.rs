//! Rows that cannot be read, and what stood there.

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::Value;
use truthsource_core::record::{Shadow, Truth};

use super::decode::{int, json, to_doc, to_json, unavailable};
use crate::store::{Damaged, Error, Result, Row, UnixMs};

/// How a row is found, what is kept of it, and what is put in its place. In each `?1` is its number, `?2` its
/// connection, `?3` its kind, `?4` its key or remote id, `?5` what a blank one holds, its plan, or the item it wants.
struct Ways {
    /// What stands there, as bytes.
    stood: &'static str,
    /// Takes it out of the way. `?6` is now, `?7` the reason.
    clear: &'static str,
    /// Breaks it, for tests: it is no text any more, or is the same to every reader of JSON and not what was written.
    damage: &'static str,
}

const ENTRY: Ways = Ways {
    stood: "select cast(entry as blob) from entry where seq = ?1",
    clear: "
        update entry set state = 'damaged', token = null, reason = ?7
        where seq = ?1 and state not in ('folded', 'dropped')",
    damage: "update entry set entry = cast(x'7b22ff' as text) where seq = ?1",
};

const TRUTH: Ways = Ways {
    stood: "select cast(truth as blob) from truth where kind = ?3 and key = ?4",
    clear: "update truth set truth = ?5 where kind = ?3 and key = ?4",
    damage: "update truth set truth = cast(x'7b22ff' as text) where kind = ?3 and key = ?4",
};

const SHADOW: Ways = Ways {
    stood: "select cast(shadow as blob) from shadow where kind = ?3 and key = ?4 and connection = ?2",
    clear: "update shadow set shadow = ?5 where kind = ?3 and key = ?4 and connection = ?2",
    damage: "
        update shadow set shadow = ' ' || shadow where kind = ?3 and key = ?4 and connection = ?2",
};

/// What was begun is held, what was not is asked for anew.
const DEBT: Ways = Ways {
    stood: "
        select cast(state || ' ' || coalesce(intent, '') as blob) from debt
        where kind = ?3 and key = ?4 and connection = ?2",
    clear: "
        update debt set state = iif(intent is null, 'untold', 'held'), intent = null, token = null, attempts = 0,
                        priority = 0, due_at = ?6, last_error = ?7
        where kind = ?3 and key = ?4 and connection = ?2",
    damage: "
        update debt set state = 'broken', intent = iif(intent is null, null, cast(x'7b22ff' as text))
        where kind = ?3 and key = ?4 and connection = ?2",
};

const TOUCH: Ways = Ways {
    stood: "select cast(cause as blob) from touched where seq = ?1",
    clear: "delete from touched where seq = ?1",
    damage: "update touched set cause = 'broken' where seq = ?1",
};

const WEBHOOK: Ways = Ways {
    stood: "select cast(cast(headers as blob) || x'0a' || body as blob) from inbox where id = ?1",
    clear: "update inbox set body = null, headers = '[]' where id = ?1",
    damage: "update inbox set headers = ' ' || headers where id = ?1",
};

const CURSOR: Ways = Ways {
    stood: "select cast(row as blob) from cursor where connection = ?2 and kind = ?3",
    clear: "delete from cursor where connection = ?2 and kind = ?3",
    damage: "update cursor set row = ' ' || row where connection = ?2 and kind = ?3",
};

const QUESTION: Ways = Ways {
    stood: "
        select cast(about || ' ' || claims || ' ' || coalesce(outcome, '') || ' ' || reason as blob) from conflict
        where id = ?1",
    clear: r#"
        update conflict set about = '{"field":""}', sides = '[]', claims = '{}', outcome = ?5, reason = ?7 where id = ?1"#,
    damage: "update conflict set claims = ' ' || claims where id = ?1",
};

const PLANNED: Ways = Ways {
    stood: "
        select cast(doc || ' ' || coalesce(outcome, '') as blob) from planned
        where plan = ?5 and connection = ?2 and kind = ?3 and key = ?4",
    clear: "
        delete from planned where plan = ?5 and connection = ?2 and kind = ?3 and key = ?4",
    damage: "
        update planned set doc = ' ' || doc
        where plan = ?5 and connection = ?2 and kind = ?3 and key = ?4",
};

const WANT: Ways = Ways {
    stood: "select cast(commitment as blob) from commitment where item = ?5 and order_key = ?4",
    clear: "delete from commitment where item = ?5 and order_key = ?4",
    damage: "update commitment set commitment = ' ' || commitment where item = ?5 and order_key = ?4",
};

/// Where a row is.
#[derive(Default)]
struct Spot<'a> {
    number: u64,
    connection: u32,
    kind: &'static str,
    name: &'a str,
    other: String,
}

fn found(row: &Row) -> Result<(&'static Ways, Spot<'_>)> {
    let nothing = Spot::default();
    Ok(match row {
        Row::Reading { seq, .. } | Row::Entry { seq, .. } => (&ENTRY, Spot { number: *seq, ..nothing }),
        Row::Truth { key } => {
            // A version of its own tells it from a record that is not known.
            let other = to_doc(&Truth { version: 1, ..Truth::default() })?;
            (&TRUTH, Spot { kind: key.kind.as_str(), name: &key.key, other, ..nothing })
        }
        Row::Shadow { key, connection } => {
            let (kind, other) = (key.kind.as_str(), to_doc(&Shadow::default())?);
            (&SHADOW, Spot { connection: connection.0, kind, name: &key.key, other, ..nothing })
        }
        Row::Debt { key, connection, .. } => {
            (&DEBT, Spot { connection: connection.0, kind: key.kind.as_str(), name: &key.key, ..nothing })
        }
        Row::Touch { seq, .. } => (&TOUCH, Spot { number: *seq, ..nothing }),
        Row::Webhook { id, .. } => (&WEBHOOK, Spot { number: *id, ..nothing }),
        Row::Cursor { connection, kind } => {
            (&CURSOR, Spot { connection: connection.0, kind: kind.as_str(), ..nothing })
        }
        Row::Question { id, .. } => (&QUESTION, Spot { number: *id, other: to_doc(&Value::Null)?, ..nothing }),
        Row::Planned { plan, key, connection } => {
            let (kind, other) = (key.kind.as_str(), plan.clone());
            (&PLANNED, Spot { connection: connection.0, kind, name: &key.key, other, ..nothing })
        }
        Row::Want { order, item } => (&WANT, Spot { name: order, other: item.clone(), ..nothing }),
    })
}

impl Spot<'_> {
    fn bind<'q>(&self, sql: &'static str) -> sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
        let query = sqlx::query(sql).bind(int(self.number)).bind(self.connection).bind(self.kind);
        query.bind(self.name.to_owned()).bind(self.other.clone())
    }
}

/// One by one: a row is damaged seldom. What stood there is kept once, however often it is met meanwhile.
pub(super) async fn set_aside(db: &mut SqliteConnection, at: UnixMs, damaged: &Damaged) -> Result<()> {
    use sqlx::Row as _;
    let Some(row) = &damaged.row else { return Err(Error::Conflict("no row is named".to_owned())) };
    let (ways, spot) = found(row)?;
    let stood = spot.bind(ways.stood).fetch_optional(&mut *db).await.map_err(unavailable)?;
    let stood: Option<Vec<u8>> = stood.and_then(|it| it.try_get(0).ok());
    let sql = "
        insert into damaged (place, at, why, row) values (?1, ?2, ?3, ?4)
        on conflict (place) do update set at = excluded.at, why = excluded.why, row = excluded.row, mended_at = null
        where damaged.mended_at is not null";
    let query = sqlx::query(sql).bind(to_json(row)?).bind(int(at.0)).bind(&damaged.why).bind(stood);
    query.execute(&mut *db).await.map_err(unavailable)?;
    let query = spot.bind(ways.clear).bind(int(at.0)).bind(damaged.why.clone());
    query.execute(db).await.map_err(unavailable).map(|_| ())
}

pub(super) async fn mended(db: &mut SqliteConnection, at: UnixMs, row: &Row) -> Result<()> {
    let sql = "update damaged set mended_at = ?2 where place = ?1 and mended_at is null";
    let query = sqlx::query(sql).bind(to_json(row)?).bind(int(at.0));
    query.execute(&mut *db).await.map_err(unavailable)?;
    if let Row::Reading { seq, .. } | Row::Entry { seq, .. } = row {
        let sql = "update entry set state = 'dropped' where seq = ?1 and state = 'damaged'";
        sqlx::query(sql).bind(int(*seq)).execute(db).await.map_err(unavailable)?;
    }
    Ok(())
}

pub(super) async fn all(db: &SqlitePool) -> Result<Vec<Damaged>> {
    let sql = "select place, why from damaged indexed by damaged_open where mended_at is null order by id";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|(place, why)| Ok(Damaged { row: Some(json(&place)?), why })).collect()
}

/// Breaks a row.
pub(super) async fn damage(db: &mut SqliteConnection, row: &Row) -> Result<()> {
    let (ways, spot) = found(row)?;
    let done = spot.bind(ways.damage).execute(db).await.map_err(unavailable)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict(format!("there is no such row: {row}"))) }
}
