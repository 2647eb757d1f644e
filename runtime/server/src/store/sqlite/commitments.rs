//! What orders want of items.

use std::collections::BTreeSet;

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::{Rows, list};
use super::decode::{doc, unavailable};
use crate::store::{Change, Commitments, Result, Row, UnixMs};

pub(super) async fn put(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Change::Commitments { order, items } = change else { continue };
        let gone = sqlx::query("delete from commitment where order_key = ?1").bind(order);
        gone.execute(&mut *db).await.map_err(unavailable)?;
        let mut rows = Rows::new();
        for (item, it) in items {
            let row = rows.row().text(item).text(order).int(it.is_open().into());
            row.maybe_int(it.day.map(u64::from)).doc(it)?;
        }
        let sql = "
            with new (item, order_key, open, day, commitment) as (values)
            insert into commitment (item, order_key, open, day, commitment)
            select item, order_key, open, day, commitment from new";
        rows.run(db, sql, at).await?;
    }
    Ok(())
}

/// What is over counts from a day on, and not at all where none is named.
pub(super) const OF: &str = "
    select commitment.item, commitment.order_key, commitment.commitment
    from json_each(?1) asked cross join commitment indexed by commitment_open
      on commitment.item = asked.value and commitment.open = 1
    union all
    select commitment.item, commitment.order_key, commitment.commitment
    from json_each(?1) asked cross join commitment indexed by commitment_day
      on commitment.item = asked.value and commitment.open = 0 and commitment.day >= ?2";

pub(super) async fn of(db: &SqlitePool, items: &BTreeSet<String>, since_day: Option<u32>) -> Result<Commitments> {
    let query = sqlx::query_as(OF).bind(list(items)).bind(since_day);
    let rows: Vec<(String, String, Vec<u8>)> = query.fetch_all(db).await.map_err(unavailable)?;
    let wanted = |(item, order, it): (String, String, Vec<u8>)| {
        let wanted = doc(&it, || Row::Want { order: order.clone(), item: item.clone() })?;
        Ok(((item, order), wanted))
    };
    rows.into_iter().map(wanted).collect()
}

/// The natural key of a level begins with its item and an `@`, which stands before `A`.
pub(super) const LEVELS: &str = "
    select truth.key from json_each(?1) asked cross join truth indexed by truth_natural
      on truth.kind = 'stock-level' and truth.natural > asked.value || '@' and truth.natural < asked.value || 'A'
     and truth.natural is not null";

pub(super) async fn levels(db: &SqlitePool, items: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let items: BTreeSet<String> = items.iter().map(|it| it.replace('@', "%40")).collect();
    let query = sqlx::query_scalar(LEVELS).bind(list(&items));
    let keys: Vec<String> = query.fetch_all(db).await.map_err(unavailable)?;
    Ok(keys.into_iter().collect())
}
