//! Prices: one record for each item on a list that the tenant named, under the list's number and the item: `1:A1`.
//!
//! Prices have no time of change, so every pull reads all of them. Every item stands on every list, most of them at
//! nothing: a price of zero is none. Prices of single customers, and periods without quantities, are not carried over.

use std::collections::BTreeMap;

use serde::Deserialize;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Break, Price, Record};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault};

use crate::breaks::{self, Breaks};
use crate::cursor::Walk;
use crate::exact::{Exact, Id};
use crate::id::{joined, split};
use crate::odata::{Query, any_of, entity, literal, of_keys, plain};
use crate::record::{known, trimmed};
use crate::settings::Settings;
use crate::sql::{Param, Stored};
use crate::wire::Service;

/// Rows of one stored query.
const ROWS_MAX: usize = 1_000;
/// Items of one page: each comes with all of its lists.
const ITEMS_MAX: usize = 50;
const QUERY: Query<'static> = Query { entity: "Items", select: "ItemCode,ItemPrices", filter: &[], order: "ItemCode" };

/// An item with its prices.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Priced {
    #[serde(rename = "ItemCode")]
    code: String,
    #[serde(rename = "ItemPrices")]
    prices: Vec<Amount>,
    #[serde(rename = "@odata.etag", alias = "odata.etag", default)]
    pub version: Option<String>,
}

/// A price on one list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Amount {
    #[serde(rename = "PriceList")]
    list: Id,
    #[serde(rename = "Price", default)]
    price: Option<Exact>,
    #[serde(rename = "Currency", default)]
    currency: Option<String>,
    /// Only of a row of its own.
    #[serde(rename = "ItemCode", default)]
    item: Option<String>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    if service.settings.sql_queries { by_row(service, walk) } else { by_item(service, walk) }
}

fn by_row(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let lists: Vec<String> = service.settings.lists.keys().map(|it| format!("T0.PriceList = {it}")).collect();
    if lists.is_empty() {
        return Ok(walk.end(Vec::new()));
    }
    let text = format!(
        "SELECT T0.ItemCode AS ItemCode, T0.PriceList AS PriceList, T0.Price AS Price, T0.Currency AS Currency \
         FROM ITM1 T0 WHERE (T0.ItemCode > :item OR (T0.ItemCode = :item AND T0.PriceList > :list)) \
         AND ({}) AND T0.Price > 0 ORDER BY T0.ItemCode, T0.PriceList",
        lists.join(" OR ")
    );
    let [list, item] = walk.after_two()?.unwrap_or_default();
    let list = list.parse().unwrap_or(0);
    let params = [("item", Param::Text(item)), ("list", Param::Number(list))];
    let page = Stored::new("ITM1", text).run::<Amount>(service, &params, ROWS_MAX)?;
    let amounts: Vec<(&str, &Amount)> = page.rows.iter().filter_map(|it| Some((it.item.as_deref()?, it))).collect();
    let after = amounts.last().filter(|_| page.more).map(|(item, it)| joined([&it.list.0, item]));
    Ok(walk.turn(in_order(service, &amounts)?, after))
}

fn by_item(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let behind = walk.after.as_deref().map(|it| format!("ItemCode gt {}", literal(it))).unwrap_or_default();
    let page = service.list::<Priced>(&Query { filter: &[&behind], ..QUERY }.path(), ITEMS_MAX, plain)?;
    let after = page.rows.last().filter(|_| page.more).map(|it| it.code.clone());
    Ok(walk.turn(in_order(service, &amounts(&page.rows))?, after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut items: Vec<String> = ids.iter().filter_map(|it| split(it)).map(|[_, item]| literal(&item)).collect();
    items.sort_unstable();
    items.dedup();
    let found = of_keys(service, &QUERY, (&items, ITEMS_MAX), plain::<Priced>, |it| Some(literal(&it.code)))?;
    let wanted = |(item, it): &(&str, &Amount)| ids.contains(&joined([&it.list.0, item]));
    let amounts: Vec<(&str, &Amount)> = amounts(&found).into_iter().filter(wanted).collect();
    let breaks = service.settings.quantity_breaks.then(|| breaks::of(service, &any_of("ItemCode", &items)));
    Ok(states(service, &amounts, breaks.transpose()?.as_ref()))
}

/// An item with its prices as they are now.
pub(crate) fn look(service: &Service<'_>, item: &str) -> Result<Option<Priced>, Fault> {
    service.get(&Query { entity: &entity("Items", &literal(item)), order: "", ..QUERY }.path())
}

/// An item's price on a list. Breaks are not read with it.
pub(crate) fn of_list(service: &Service<'_>, item: &Priced, list: &str) -> Option<State> {
    let amounts = amounts(std::slice::from_ref(item));
    let amount = amounts.iter().find(|(_, it)| it.list.0 == list)?;
    let found = state(&service.settings, *amount, None)?;
    Some(State { version: item.version.clone().unwrap_or_default(), ..found })
}

fn amounts(items: &[Priced]) -> Vec<(&str, &Amount)> {
    items.iter().flat_map(|item| item.prices.iter().map(|it| (item.code.as_str(), it))).collect()
}

/// What a page says, whose items are in the company's own order, with the breaks of it.
fn in_order(service: &Service<'_>, amounts: &[(&str, &Amount)]) -> Result<Vec<State>, Fault> {
    let ends = (amounts.first(), amounts.last());
    let range = if let (Some(first), Some(last)) = ends { breaks::range(first.0, last.0) } else { Vec::new() };
    let breaks = service.settings.quantity_breaks.then(|| breaks::of(service, &range)).transpose()?;
    Ok(states(service, amounts, breaks.as_ref()))
}

fn states(service: &Service<'_>, amounts: &[(&str, &Amount)], breaks: Option<&Breaks>) -> Vec<State> {
    amounts.iter().filter_map(|it| state(&service.settings, *it, breaks)).collect()
}

/// `None` for a price that is none, or on a list that nobody named. Breaks that were not read are not told.
fn state(settings: &Settings, (item, amount): (&str, &Amount), breaks: Option<&Breaks>) -> Option<State> {
    let list = &amount.list.0;
    let price = amount.price?.0;
    let breaks = breaks.map(|it| it.get(&(list.clone(), item.to_owned())).cloned().unwrap_or_default());
    let fields = Price {
        list: settings.lists.get(list)?.clone().into(),
        item: item.to_owned().into(),
        currency: known(settings.iso(trimmed(amount.currency.clone()).as_deref())),
        amount: price.into(),
        breaks: breaks.map_or(Held::Unknown, |it: BTreeMap<Decimal, Decimal>| {
            Held::Is(it.into_iter().map(|(from, amount)| Break { from, amount }).collect())
        }),
    };
    (price > Decimal::ZERO).then(|| State {
        remote_id: joined([list, item]),
        fields: fields.into_fields(),
        ..State::default()
    })
}
