//! Prices: one record per price level and item, in the account's own currency, with its quantity breaks.
//!
//! Prices have no time of change, so every pull reads all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Outcome, Page, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Break, Price, Record};
use truthsource_sdk::{Decimal, Fault};

use crate::catalog::Catalog;
use crate::cursor::Walk;
use crate::item::{self, ItemRecord};
use crate::push::{change, read_back};
use crate::query::{ROWS_MAX, Row, ask, ask_all, beyond, marks, numeric};
use crate::record::{Quantity, Ref};
use crate::wire::Account;

const SELECT: &str = "SELECT item, pricelevel, quantity, unitprice FROM pricing";
const KEY: [&str; 3] = ["item", "pricelevel", "quantity"];

/// A row of an item's sublist of prices.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PriceRow {
    #[serde(default)]
    currency_page: Option<Ref>,
    price_level: Ref,
    #[serde(default)]
    quantity: Option<Quantity>,
    #[serde(default)]
    price: Option<Decimal>,
}

/// The amounts of one item at one level, by the quantity from which they hold.
type Amounts = BTreeMap<Decimal, Decimal>;

pub(crate) fn pull(account: &Account<'_>, walk: &Walk) -> Result<Page, Fault> {
    let catalog = Catalog::read(account)?;
    let [after] = walk.after_parts::<1>()?;
    let (mut q, mut params) = of_own_currency(account);
    q.push_str(" AND item > ?");
    params.push(after);
    if let Some(until) = walk.until {
        q.push_str(" AND item < ?");
        params.push(until.to_string());
    }
    q.push_str(" ORDER BY item, pricelevel, quantity");
    let mut page = ask(account, &q, &params, ROWS_MAX)?;
    let mut next = None;
    if page.more {
        // The last item may go on behind this page: it is left to the next one.
        let cut = page.rows.last().map(|it| it.must("item")).transpose()?;
        page.rows.retain(|it| it.text("item") != cut);
        let last = page.rows.last().map(|it| it.must("item")).transpose()?;
        next = Some(last.ok_or_else(|| Fault::Protocol("one item has more than a thousand prices".to_owned()))?);
    }
    let found = states(account, &catalog, &page.rows)?;
    Ok(match next {
        Some(after) => walk.go_on(found, after),
        None => walk.end(found, Vec::new()),
    })
}

pub(crate) fn read(account: &Account<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    let items: Vec<String> = ids.iter().filter_map(|it| Some(it.split_once(':')?.1.to_owned())).collect();
    let mut items = numeric(&items);
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let rows = ask_all(account, |last| {
        let (mut q, mut params) = of_own_currency(account);
        q.push_str(&format!(" AND item IN {}", marks(items.len())));
        params.extend(items.iter().cloned());
        if let Some(last) = last {
            let key = [last.must("item")?, last.must("pricelevel")?, last.text("quantity").unwrap_or("0".to_owned())];
            let (condition, more) = beyond(&KEY, &key);
            q.push_str(&format!(" AND {condition}"));
            params.extend(more);
        }
        Ok((format!("{q} ORDER BY item, pricelevel, quantity"), params))
    })?;
    let found = states(account, &catalog, &rows)?;
    Ok(found.into_iter().filter(|it| ids.contains(&it.remote_id)).collect())
}

/// Prices as the records of their items say now.
pub(crate) fn certain(account: &Account<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    let records = item::records_of(account, ids.iter().filter_map(|it| Some(it.split_once(':')?.1)))?;
    let price = |id: &String| {
        let (level, item) = id.split_once(':')?;
        let amounts = amounts(account, records.get(item)?, level);
        state(account, &catalog, (level, item), &amounts).filter(|_| !amounts.is_empty())
    };
    Ok(ids.iter().filter_map(price).collect())
}

fn of_own_currency(account: &Account<'_>) -> (String, Vec<String>) {
    let (condition, params) = own_currency(account);
    (format!("{SELECT} WHERE {condition}"), params)
}

/// The condition that a price is in the account's own currency, and what it binds.
pub(crate) fn own_currency(account: &Account<'_>) -> (&'static str, Vec<String>) {
    if account.settings.multi_currency {
        ("currency = ?", vec![account.settings.currency_id.clone()])
    } else {
        ("item > 0", Vec::new())
    }
}

fn states(account: &Account<'_>, catalog: &Catalog, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let mut amounts: BTreeMap<(String, String), Amounts> = BTreeMap::new();
    for row in rows {
        let Some(amount) = row.number("unitprice")? else { continue };
        let from = row.number("quantity")?.unwrap_or(Decimal::ZERO);
        amounts.entry((row.must("item")?, row.must("pricelevel")?)).or_default().insert(from, amount);
    }
    let states = amounts.iter().filter_map(|((item, level), amounts)| state(account, catalog, (level, item), amounts));
    Ok(states.collect())
}

/// `None` when the level has no name: one that was made after the names were read shows up a few minutes later.
fn state(account: &Account<'_>, catalog: &Catalog, id: (&str, &str), amounts: &Amounts) -> Option<State> {
    let (level, item) = id;
    let breaks: Vec<Break> = amounts
        .iter()
        .filter(|(from, _)| **from > Decimal::ZERO)
        .map(|(from, amount)| Break { from: *from, amount: *amount })
        .collect();
    let fields = Price {
        list: catalog.list(account, level)?.into(),
        item: item.to_owned().into(),
        currency: account.settings.currency.clone().into(),
        amount: amounts.get(&Decimal::ZERO).copied().into(),
        breaks: breaks.into(),
    };
    Some(State { remote_id: format!("{level}:{item}"), fields: fields.into_fields(), ..State::default() })
}

/// The items that writes are about.
pub(crate) fn items(writes: &[Write]) -> Vec<String> {
    let item = |write: &Write| Price::from_fields(&write.want).ok()?.item.into_option();
    writes.iter().filter_map(item).collect()
}

fn amounts(account: &Account<'_>, record: &ItemRecord, level: &str) -> Amounts {
    let rows = record.price.iter().flat_map(|it| &it.items);
    let is_own = |row: &&PriceRow| {
        let currency = row.currency_page.as_ref().map(|it| it.id.0.as_str());
        row.price_level.id.0 == level && currency.is_none_or(|it| it == account.settings.currency_id)
    };
    let amount = |row: &PriceRow| Some((row.quantity.map_or(Decimal::ZERO, |it| it.0), row.price?));
    rows.filter(is_own).filter_map(amount).collect()
}

#[derive(Serialize)]
struct Body<'a> {
    price: Rows<'a>,
}

#[derive(Serialize)]
struct Rows<'a> {
    items: Vec<WrittenRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRow<'a> {
    currency_page: Reference<'a>,
    price_level: Reference<'a>,
    quantity: WrittenQuantity,
    /// `null` takes the row away.
    price: Option<Bare>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct WrittenQuantity {
    value: Bare,
}

pub(crate) fn push(
    account: &Account<'_>,
    (catalog, types): (&Catalog, &BTreeMap<String, &str>),
    write: &Write,
) -> Result<Outcome, Fault> {
    let wanted = Price::from_fields(&write.want)?;
    let (Some(list), Some(item)) = (wanted.list.as_ref(), wanted.item.as_ref()) else {
        return Ok(Outcome::rejected("incomplete", "a price needs list and item"));
    };
    let Some(level) = catalog.level(account, list) else {
        return Ok(Outcome::rejected("unknown-list", format!("no price level is called `{list}`")));
    };
    if wanted.currency.as_ref().is_some_and(|it| *it != account.settings.currency) {
        let own = &account.settings.currency;
        return Ok(Outcome::rejected("foreign-currency", format!("prices are kept in {own} here")));
    }
    let id = format!("{level}:{item}");
    let rest = types.get(item).copied().unwrap_or("inventoryItem");
    let look = || {
        let held = item::record(account, rest, item)?.map(|it| amounts(account, &it, &level));
        Ok(held.filter(|it| !it.is_empty()).and_then(|it| state(account, catalog, (&level, item), &it)))
    };
    let send = |held: &Amounts| {
        let rows = changes(held, &target(&wanted));
        let row = |(from, price): (Decimal, Option<Decimal>)| WrittenRow {
            currency_page: Reference { id: &account.settings.currency_id },
            price_level: Reference { id: &level },
            quantity: WrittenQuantity { value: Bare(from) },
            price: price.map(Bare),
        };
        let body = Body { price: Rows { items: rows.into_iter().map(row).collect() } };
        account.write("PATCH", &format!("record/v1/{rest}/{item}"), &body)
    };
    if write.remote_id.is_some() {
        return change(write, &id, look, |held| send(&held_amounts(held)));
    }
    match look()? {
        Some(held) if write.is_done(&held.fields) => Ok(Outcome::Applied(held)),
        Some(held) => Ok(Outcome::Stale(Observed::Present(held))),
        None => Ok(send(&Amounts::new()).err().unwrap_or_else(|| read_back(look))),
    }
}

fn target(price: &Price) -> Amounts {
    let base = price.amount.as_ref().map(|it| (Decimal::ZERO, *it));
    let breaks = price.breaks.as_ref().into_iter().flatten().map(|it| (it.from, it.amount));
    base.into_iter().chain(breaks).collect()
}

fn held_amounts(held: &State) -> Amounts {
    Price::from_fields(&held.fields).map(|it| target(&it)).unwrap_or_default()
}

/// The rows to send: those that differ, and nothing for those that are gone. Rows that are not named stay, other
/// levels' above all.
fn changes(held: &Amounts, wanted: &Amounts) -> Vec<(Decimal, Option<Decimal>)> {
    let set = wanted.iter().filter(|(from, amount)| held.get(from) != Some(amount));
    let set = set.map(|(from, amount)| (*from, Some(*amount)));
    let gone = held.keys().filter(|from| !wanted.contains_key(from)).map(|from| (*from, None));
    set.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(pairs: &[(&str, &str)]) -> Amounts {
        pairs.iter().map(|(from, amount)| (from.parse().unwrap(), amount.parse().unwrap())).collect()
    }

    fn check(held: &[(&str, &str)], wanted: &[(&str, &str)], expect: &[(&str, Option<&str>)]) {
        let expect: Vec<(Decimal, Option<Decimal>)> =
            expect.iter().map(|(from, amount)| (from.parse().unwrap(), amount.map(|it| it.parse().unwrap()))).collect();
        assert_eq!(changes(&amounts(held), &amounts(wanted)), expect);
    }

    #[test]
    fn only_rows_that_differ_are_sent() {
        check(&[("0", "10"), ("10", "9")], &[("0", "10.00"), ("10", "8.5")], &[("10", Some("8.5"))]);
        check(&[("0", "10"), ("10", "9")], &[("0", "10")], &[("10", None)]);
        check(&[], &[("0", "10")], &[("0", Some("10"))]);
        check(&[("0", "10")], &[("0", "10")], &[]);
    }

    #[test]
    fn a_row_is_written_digit_by_digit() {
        let row = WrittenRow {
            currency_page: Reference { id: "1" },
            price_level: Reference { id: "5" },
            quantity: WrittenQuantity { value: Bare(Decimal::from(10)) },
            price: Some(Bare("8.905".parse().unwrap())),
        };
        let expect = r#"{"currencyPage":{"id":"1"},"priceLevel":{"id":"5"},"quantity":{"value":10},"price":8.905}"#;
        assert_eq!(truthsource_sdk::json::text(&row), expect);
    }
}
