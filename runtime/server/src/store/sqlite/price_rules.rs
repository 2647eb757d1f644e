//! Rules about what is paid.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{SqliteConnection, SqlitePool};
use truthsource_core::price::PriceRule;

use super::bulk::{Rows, list};
use super::decode::{needed, unavailable};
use crate::store::{Change, Result, UnixMs};

pub(super) async fn put(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    for change in changes {
        match change {
            Change::PriceRule { id, rule: Some(rule) } => {
                let mut rows = Rows::new();
                let row = rows.row().text(id).text(rule.company.as_deref().unwrap_or_default());
                row.text(rule.item.as_deref().unwrap_or_default()).doc(rule)?;
                let sql = "
                    with new (id, company, item, rule) as (values)
                    insert into price_rule (id, company, item, rule) select id, company, item, rule from new where true
                    on conflict (id) do update
                    set company = excluded.company, item = excluded.item, rule = excluded.rule";
                rows.run(db, sql, at).await?;
            }
            Change::PriceRule { id, rule: None } => {
                let gone = sqlx::query("delete from price_rule where id = ?1").bind(id);
                gone.execute(&mut *db).await.map_err(unavailable)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each pair of a company and an item that may be named is looked up by itself; nobody in particular is empty.
pub(super) const OF: &str = "
    select price_rule.id, price_rule.rule
    from json_each(?1) company cross join json_each(?2) item cross join price_rule indexed by price_rule_place
      on price_rule.company = company.value and price_rule.item = item.value";

pub(super) async fn of(
    db: &SqlitePool,
    company: Option<&str>,
    items: &BTreeSet<String>,
) -> Result<BTreeMap<String, PriceRule>> {
    let nobody = String::new();
    let companies: BTreeSet<String> = company.map(str::to_owned).into_iter().chain([nobody.clone()]).collect();
    let items: BTreeSet<&String> = items.iter().chain([&nobody]).collect();
    let query = sqlx::query_as(OF).bind(list(&companies)).bind(list(items));
    rules(query.fetch_all(db).await.map_err(unavailable)?)
}

pub(super) async fn all(db: &SqlitePool, after: Option<&str>, n_max: u32) -> Result<BTreeMap<String, PriceRule>> {
    let sql = "select id, rule from price_rule where id > ?1 order by id limit +?2";
    rules(sqlx::query_as(sql).bind(after.unwrap_or_default()).bind(n_max).fetch_all(db).await.map_err(unavailable)?)
}

fn rules(rows: Vec<(String, Vec<u8>)>) -> Result<BTreeMap<String, PriceRule>> {
    let rule = |(id, rule): (String, Vec<u8>)| {
        let rule = needed(&rule, || format!("price rule `{id}`"))?;
        Ok((id, rule))
    };
    rows.into_iter().map(rule).collect()
}
