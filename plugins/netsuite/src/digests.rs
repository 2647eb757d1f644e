//! What NetSuite adds up of stock and prices: what is there, weighted by its ids, over so many items at a time.
//!
//! A weight is a remainder of a prime, so that it is the same number in a query and here, and so that quantities which
//! move against each other do not leave every sum as it was.

use std::collections::BTreeMap;

use truthsource_sdk::digests::{Digest, HeldRecord, Told};
use truthsource_sdk::kinds::{Price, Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, Held};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cursor::Walk;
use crate::price::own_currency;
use crate::query::{ROWS_MAX, Row};
use crate::wire::Account;

/// Items of one range.
const ITEMS: u64 = 200;

/// A weight by three ids: `1 + (a · first + b · second + c · third) mod p`.
struct Weight {
    a: u64,
    b: u64,
    c: u64,
    p: u64,
}

const ONE: Weight = Weight { a: 7_919, b: 104_729, c: 611_953, p: 9_973 };
const TWO: Weight = Weight { a: 15_485_863, b: 49_979_687, c: 86_028_121, p: 9_967 };

impl Weight {
    fn of(&self, [first, second, third]: [u64; 3]) -> Decimal {
        let rest = |id: u64, by: u64| (id % self.p) * (by % self.p);
        let sum = rest(first, self.a) + rest(second, self.b) + rest(third, self.c);
        // Below 10 000.
        Decimal::from((1 + sum % self.p) as u32)
    }

    /// The same in a query.
    fn sql(&self, [first, second, third]: [&str; 3]) -> String {
        let Self { a, b, c, p } = self;
        format!("(1 + MOD({first} * {a} + {second} * {b} + {third} * {c}, {p}))")
    }
}

/// How many rows there are, which, and what they hold.
fn sums_of(ids: [u64; 3], amount: Decimal) -> Result<Vec<Decimal>, Fault> {
    let weighed = |weight: &Weight| amount.checked_mul(weight.of(ids)).ok_or_else(too_large);
    Ok(vec![Decimal::from(1), ONE.of(ids), TWO.of(ids), weighed(&ONE)?, weighed(&TWO)?])
}

/// The same as columns of a query.
fn columns_of(ids: [&str; 3], amount: &str) -> String {
    let (one, two) = (ONE.sql(ids), TWO.sql(ids));
    format!(
        "COUNT(*) AS s0, SUM({one}) AS s1, SUM({two}) AS s2, SUM({amount} * {one}) AS s3, SUM({amount} * {two}) AS s4"
    )
}

fn summed(row: &Row) -> Result<Vec<Decimal>, Fault> {
    let column = |name: &str| Ok(row.number(name)?.unwrap_or(Decimal::ZERO));
    ["s0", "s1", "s2", "s3", "s4"].into_iter().map(column).collect()
}

fn too_large() -> Fault {
    Fault::Protocol("the sum has too many digits".to_owned())
}

fn add_to(all: &mut Vec<Decimal>, more: &[Decimal]) -> Result<(), Fault> {
    all.resize(more.len(), Decimal::ZERO);
    for (all, more) in all.iter_mut().zip(more) {
        *all = all.checked_add(*more).ok_or_else(too_large)?;
    }
    Ok(())
}

/// Asks what every range adds up to, its rows grouped by another column besides; `from` ends with a condition.
fn ask(account: &Account<'_>, columns: &str, other: &str, (from, bound): (&str, &[String])) -> Result<Vec<Row>, Fault> {
    let range = format!("TRUNC(item / {ITEMS})");
    let mut all: Vec<Row> = Vec::new();
    let mut first = 0;
    loop {
        let q = format!(
            "SELECT {range} AS part, {other} AS other, {columns} FROM {from} AND item >= ? \
             GROUP BY {range}, {other} ORDER BY {range}, {other}"
        );
        let mut params = bound.to_vec();
        params.push(u64::to_string(&(first * ITEMS)));
        let mut page = crate::query::ask(account, &q, &params, ROWS_MAX)?;
        if !page.more {
            all.append(&mut page.rows);
            return Ok(all);
        }
        // The last range may go on behind this page: it is asked for again.
        let cut = part(page.rows.last())?;
        let n = all.len();
        for row in page.rows {
            if part(Some(&row))? != cut {
                all.push(row);
            }
        }
        if all.len() == n {
            return Err(Fault::Protocol("one range of items has more than a thousand groups".to_owned()));
        }
        first = cut;
    }
}

fn part(row: Option<&Row>) -> Result<u64, Fault> {
    let text = row.map(|it| it.must("part")).transpose()?.unwrap_or_default();
    text.parse().map_err(|_| Fault::Protocol(format!("`{text}` is no range of items")))
}

pub(crate) fn stock(account: &Account<'_>, clock: &Clock) -> Result<Vec<Told>, Fault> {
    let columns = columns_of(["item", "location", "0"], "NVL(quantityonhand, 0)");
    let rows = ask(account, &columns, "location", ("inventoryitemlocations WHERE item > 0", &[]))?;
    let mut ranges: BTreeMap<u64, Vec<Decimal>> = BTreeMap::new();
    for row in &rows {
        add_to(ranges.entry(part(Some(row))?).or_default(), &summed(row)?)?;
    }
    Ok(told(account, clock, ranges, |first| format!("{first}:0")))
}

pub(crate) fn prices(account: &Account<'_>, clock: &Clock) -> Result<Vec<Told>, Fault> {
    let catalog = Catalog::read(account)?;
    let (condition, bound) = own_currency(account);
    let from = format!("pricing WHERE {condition} AND unitprice IS NOT NULL");
    let columns = columns_of(["item", "pricelevel", "TRUNC(NVL(quantity, 0))"], "unitprice");
    let mut ranges: BTreeMap<u64, Vec<Decimal>> = BTreeMap::new();
    for row in &ask(account, &columns, "pricelevel", (&from, &bound))? {
        // Prices at a level without a name are not listed either.
        let Some(list) = catalog.list(account, &row.must("other")?) else { continue };
        let mut sums = summed(row)?;
        sums.push(named(&list, &account.settings.currency).checked_mul(sums[0]).ok_or_else(too_large)?);
        add_to(ranges.entry(part(Some(row))?).or_default(), &sums)?;
    }
    Ok(told(account, clock, ranges, |first| first.saturating_sub(1).to_string()))
}

/// Ranges as they are told, each with a cursor from before its first item, by the key that `before` makes of it, to behind
/// its last.
fn told(
    account: &Account<'_>,
    clock: &Clock,
    ranges: BTreeMap<u64, Vec<Decimal>>,
    before: impl Fn(u64) -> String,
) -> Vec<Told> {
    let told = ranges.into_iter().map(|(range, sums)| {
        let cursor = Walk::within(clock, account.ctx.now_ms, before(range * ITEMS), (range + 1) * ITEMS);
        Told { digest: Digest { range: range.to_string(), sums }, cursor }
    });
    told.collect()
}

/// What a stock level adds.
pub(crate) fn of_stock(held: &HeldRecord) -> Result<Digest, Fault> {
    let [item, location] = ids(&held.remote_id)?;
    let level = StockLevel::from_fields(&held.fields)?;
    let on_hand = level.on_hand.as_ref().copied().unwrap_or(Decimal::ZERO);
    Ok(Digest { range: (item / ITEMS).to_string(), sums: sums_of([item, location, 0], on_hand)? })
}

/// What a price adds: a row of its own for each quantity break.
pub(crate) fn of_price(held: &HeldRecord) -> Result<Digest, Fault> {
    let [level, item] = ids(&held.remote_id)?;
    let price = Price::from_fields(&held.fields)?;
    let breaks = price.breaks.as_ref().into_iter().flatten().map(|it| (it.from, it.amount));
    let rows = price.amount.as_ref().map(|it| (Decimal::ZERO, *it)).into_iter().chain(breaks);
    let mut sums = Vec::new();
    for (from, amount) in rows {
        let from = from.floor().whole().and_then(|it| u64::try_from(it).ok()).unwrap_or_default();
        add_to(&mut sums, &sums_of([item, level, from], amount)?)?;
    }
    let rows = sums.first().copied().unwrap_or(Decimal::ZERO);
    sums.resize(5, Decimal::ZERO);
    let text = |it: &Held<String>| it.as_ref().cloned().unwrap_or_default();
    let name = named(&text(&price.list), &text(&price.currency));
    sums.push(name.checked_mul(rows).ok_or_else(too_large)?);
    Ok(Digest { range: (item / ITEMS).to_string(), sums })
}

/// The two numbers of a remote id.
fn ids(remote_id: &str) -> Result<[u64; 2], Fault> {
    let parts = remote_id.split_once(':').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
    parts.ok_or_else(|| Fault::Invalid(format!("`{remote_id}` is no id of this connector's")))
}

/// A number for a list's name and its currency, below a million.
fn named(list: &str, currency: &str) -> Decimal {
    let step = |hash: u64, byte: u8| (hash * 257 + u64::from(byte)) % 999_983;
    let hash = list.bytes().chain([b'@']).chain(currency.bytes()).fold(7, step);
    Decimal::from(hash as u32)
}

#[cfg(test)]
mod tests {
    use truthsource_sdk::Value;

    use super::*;

    fn stock(remote_id: &str, on_hand: i32) -> HeldRecord {
        let fields = [("on_hand".to_owned(), Value::Number(on_hand.into()))].into();
        HeldRecord { remote_id: remote_id.to_owned(), fields }
    }

    #[test]
    fn stock_counts_where_it_is() {
        let of = |id: &str, on_hand| of_stock(&stock(id, on_hand)).unwrap();
        // 1 + (482·7919 + 2·104729) mod 9973, and the other weight likewise.
        let expect: Vec<Decimal> = [1, 7_298, 9_635, 12 * 7_298, 12 * 9_635].map(Decimal::from).into();
        assert_eq!(of("482:2", 12), Digest { range: "2".to_owned(), sums: expect });
        assert_eq!(of("199:2", 0).range, "0");
        let both = |a, b| [of("7:1", a), of("8:1", b)].map(|it| it.sums[3]);
        assert_ne!(both(5, 3)[0].checked_add(both(5, 3)[1]), both(3, 5)[0].checked_add(both(3, 5)[1]));
        assert!(matches!(of_stock(&stock("7", 1)), Err(Fault::Invalid(_))));
    }

    #[test]
    fn a_price_counts_with_its_breaks_its_list_and_its_currency() {
        let held = |list: &str, amount: Option<i32>, breaks: &str| {
            let fields = [
                ("list", Value::Text(list.to_owned())),
                ("currency", Value::Text("USD".to_owned())),
                ("amount", amount.map_or(Value::Null, |it| Value::Number(it.into()))),
                ("breaks", Value::Json(breaks.to_owned())),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
            of_price(&HeldRecord { remote_id: "5:201".to_owned(), fields }).unwrap()
        };
        let one = held("base", Some(9), r#"[{"amount":"8","from":"10"}]"#);
        assert_eq!((one.range.as_str(), one.sums[0], one.sums.len()), ("1", Decimal::from(2), 6));
        for other in [
            held("wholesale", Some(9), r#"[{"amount":"8","from":"10"}]"#),
            held("base", Some(8), r#"[{"amount":"9","from":"10"}]"#),
            held("base", Some(9), r#"[{"amount":"8","from":"20"}]"#),
            held("base", None, r#"[{"amount":"8","from":"10"}]"#),
            held("base", Some(9), "[]"),
        ] {
            assert_ne!(one.sums, other.sums);
        }
        assert_eq!(held("base", None, "[]").sums, vec![Decimal::ZERO; 6]);
    }
}
