//! Prices: the shop's own (`base:4501`), then list by list (`9:4501`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Break, Price, Record};
use truthsource_sdk::value::Held;

use crate::cursor::Walk;
use crate::gid::{is_number, number};
use crate::graphql::Shop;
use crate::price_list::{self, Fixed, PriceList};
use crate::variant::{self, Variant};

/// Stands for the shop's own prices in remote ids.
pub(crate) const BASE: &str = "base";

/// The shop's own prices first, and of those only what changed in a delta; then, once per lag, every list as a whole.
pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let after = walk.after.as_deref();
    if walk.place.is_empty() {
        let page = match walk.window() {
            None => variant::all(shop, after)?,
            Some(window) => variant::changed(shop, &window, after)?,
        };
        let currency = currency(shop)?;
        let found = page.nodes.iter().map(|it| base_state(shop, &currency, it)).collect::<Result<Vec<_>, _>>()?;
        return match page.info().next() {
            Some(after) => Ok(walk.go_on(found, "", Some(after))),
            None if !walk.is_deep() => Ok(walk.end(found)),
            None => next_list(shop, walk, found, 0),
        };
    }
    let at: u64 = walk.place.parse().map_err(|_| Fault::Invalid("the cursor is none of ours".to_owned()))?;
    let lists = price_list::lists(shop)?;
    let Some(list) = lists.iter().find(|it| it.id == at) else { return next_list(shop, walk, Vec::new(), at) };
    let page = price_list::page(shop, at, after, None)?;
    let found = page.nodes.iter().map(|it| state(list, it)).collect::<Result<Vec<_>, _>>()?;
    match page.info().next() {
        Some(after) => Ok(walk.go_on(found, &walk.place, Some(after))),
        None => Ok(after_list(&lists, walk, found, at)),
    }
}

fn next_list(shop: &Shop<'_>, walk: &Walk, found: Vec<State>, at: u64) -> Result<Page, Fault> {
    Ok(after_list(&price_list::lists(shop)?, walk, found, at))
}

fn after_list(lists: &[PriceList], walk: &Walk, found: Vec<State>, at: u64) -> Page {
    match lists.iter().find(|it| it.id > at) {
        Some(next) => walk.go_on(found, &next.id.to_string(), None),
        None => walk.end(found),
    }
}

#[derive(Deserialize)]
struct Answer {
    shop: Own,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    currency_code: String,
}

/// The shop's currency, which its own prices are in.
pub(crate) fn currency(shop: &Shop<'_>) -> Result<String, Fault> {
    let answer: Answer = shop.query("query Own { shop { currencyCode } }", json!({}))?;
    Ok(answer.shop.currency_code)
}

/// The shop's own price. It has no quantity breaks, so nothing is told of them.
pub(crate) fn base_state(shop: &Shop<'_>, currency: &str, variant: &Variant) -> Result<State, Fault> {
    let item = variant.item()?;
    let remote_id = format!("{BASE}:{item}");
    let fields = Price {
        list: shop.settings.base_list.clone().into(),
        item: item.into(),
        currency: currency.to_owned().into(),
        amount: variant.price.into(),
        breaks: Held::Unknown,
    };
    Ok(State { remote_id, fields: fields.into_fields(), ..State::default() })
}

pub(crate) fn state(list: &PriceList, fixed: &Fixed) -> Result<State, Fault> {
    let item = number(&fixed.variant.inventory_item.id)?;
    let remote_id = format!("{}:{item}", list.id);
    let breaks = fixed.quantity_price_breaks.nodes.iter();
    let breaks: Vec<Break> = breaks.map(|it| Break { from: it.minimum_quantity, amount: it.price.amount }).collect();
    let fields = Price {
        list: list.code.clone().into(),
        item: item.into(),
        currency: list.currency.clone().into(),
        amount: fixed.price.amount.into(),
        breaks: breaks.into(),
    };
    Ok(State { remote_id, fields: fields.into_fields(), ..State::default() })
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut items: BTreeSet<String> = BTreeSet::new();
    let mut by_list: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    let mut has_base = false;
    for (list, item) in ids.iter().filter_map(|it| it.split_once(':')).filter(|(_, item)| is_number(item)) {
        items.insert(item.to_owned());
        has_base |= list == BASE;
        if let Ok(list) = list.parse() {
            by_list.entry(list).or_default().insert(item);
        }
    }
    let variants = variant::of_items(shop, &items.into_iter().collect::<Vec<_>>())?;
    let mut found = Vec::new();
    if has_base {
        let currency = currency(shop)?;
        for variant in &variants {
            found.push(base_state(shop, &currency, variant)?);
        }
    }
    if !by_list.is_empty() {
        found.extend(of_lists(shop, &variants, &by_list)?);
    }
    Ok(found.into_iter().filter(|it| ids.contains(&it.remote_id)).collect())
}

fn of_lists(
    shop: &Shop<'_>,
    variants: &[Variant],
    by_list: &BTreeMap<u64, BTreeSet<&str>>,
) -> Result<Vec<State>, Fault> {
    let lists = price_list::lists(shop)?;
    let mut found = Vec::new();
    for (id, items) in by_list {
        let Some(list) = lists.iter().find(|it| it.id == *id) else { continue };
        let mut numbers = Vec::new();
        for variant in variants {
            if items.contains(variant.item()?.as_str()) {
                numbers.push(number(&variant.id)?);
            }
        }
        if !numbers.is_empty() {
            for fixed in price_list::of_variants(shop, *id, &numbers)? {
                found.push(state(list, &fixed)?);
            }
        }
    }
    Ok(found)
}
