//! Prices are written through their items, whose versions guard them.

use serde::Serialize;
use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Price, Record};
use truthsource_sdk::{Decimal, Fault};

use crate::id::joined;
use crate::odata::{entity, literal};
use crate::price::{look, of_list};
use crate::push::{change, observed, read_back};
use crate::record::fixed;
use crate::wire::{Service, Unwritten};

/// The lists that are not named stay as they are.
#[derive(Serialize)]
struct Body {
    #[serde(rename = "ItemPrices")]
    prices: [Row; 1],
}

#[derive(Serialize)]
struct Row {
    #[serde(rename = "PriceList")]
    list: u32,
    #[serde(rename = "Price")]
    price: Bare,
    #[serde(rename = "Currency", skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

pub(crate) fn push(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let wanted = Price::from_fields(&write.want)?;
    let (Some(code), Some(item), Some(amount)) = (wanted.list.as_ref(), wanted.item.as_ref(), wanted.amount.as_ref())
    else {
        return Ok(Outcome::rejected("incomplete", "a price needs list, item and amount"));
    };
    let Some(list) = service.settings.list(code) else {
        return Ok(Outcome::rejected("unknown-list", format!("setting `price-lists` calls no list `{code}`")));
    };
    if *amount == Decimal::ZERO {
        return Ok(Outcome::rejected("no-amount", "an item at zero has no price here"));
    }
    if let Some(name) = write.remote_id.as_ref().and(fixed(write, &["list", "item", "currency", "breaks"])) {
        return Ok(Outcome::rejected("create-only", format!("`{name}` of a price is not changed")));
    }
    let currency = wanted.currency.as_ref().map(|it| service.settings.currency_code(it));
    let row = Row { list: list.parse().unwrap_or_default(), price: Bare(*amount), currency };
    put(service, write, (list, item), row)
}

fn put(service: &Service<'_>, write: &Write, (list, item): (&str, &str), row: Row) -> Result<Outcome, Fault> {
    let id = joined([list, item]);
    let path = entity("Items", &literal(item));
    let held = || Ok(look(service, item)?.and_then(|it| of_list(service, &it, list)));
    let body = Body { prices: [row] };
    let send = |version: &str| service.patch(&path, version, &body);
    if write.remote_id.is_some() {
        return change(write, &id, held, |held| send(&held.version));
    }
    // There is no price yet, and its item has the version.
    let Some(priced) = look(service, item)? else {
        return Ok(Outcome::rejected("no-item", format!("there is no item `{item}`")));
    };
    let there = |it: State| match write.is_done(&it.fields) {
        true => Outcome::Applied(it),
        false => Outcome::Stale(Observed::Present(it)),
    };
    if let Some(it) = of_list(service, &priced, list) {
        return Ok(there(it));
    }
    match send(priced.version.as_deref().unwrap_or_default()) {
        Ok(()) => Ok(read_back(held)),
        Err(Unwritten::Stale) => Ok(match held()? {
            Some(it) => there(it),
            // The item was saved, and has no price still: the write is decided anew.
            None => Outcome::Retry(None, "somebody was saving the item".to_owned()),
        }),
        Err(Unwritten::NoMatch(_)) => Ok(Outcome::Stale(observed(&id, held()?))),
        Err(other) => Ok(other.into()),
    }
}
