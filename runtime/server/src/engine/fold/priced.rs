//! List prices as they are told: changed by the tenant's price rules for everybody, or by a pricing component.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::price::{Ask, ListPrice, Pays, PriceRule, resolve};
use truthsource_core::record::ConnectionId;
use truthsource_core::{Decimal, Fields, Row, UnixMs, Value};
use truthsource_host::CallError;
use truthsource_host::model::{Basket, Line, PriceBreak};

use super::Fold;
use crate::engine::halves::in_halves;
use crate::engine::price::{listed, published_by};
use crate::engine::shelf::day_began;
use crate::engine::{Engine, Error};
use crate::store::PRICED_BY_RULES;

/// A list price that is about to be told.
struct Listed {
    item: String,
    list: String,
    price: ListPrice,
    /// Quantities that it is asked for: one, and those from which it may be another, ascending.
    quantities: Vec<Decimal>,
}

/// Lets `by`, the tenant's rules or the component in a slot, say what is told. Where nobody answers nothing is told. The
/// moment is the beginning of the day: what is told is asked anew every day, and when rules or the component change.
pub(super) async fn price(
    engine: &Engine,
    (connection, by): (ConnectionId, &str),
    at: UnixMs,
    folds: &mut [Fold<'_>],
    told: &mut Vec<(usize, Fields)>,
) -> Result<(), Error> {
    let at = day_began(at);
    let rules = if by == PRICED_BY_RULES { rules(engine, told).await? } else { BTreeMap::new() };
    let mut by_currency: BTreeMap<String, Vec<(usize, Listed)>> = BTreeMap::new();
    for (place, fields) in told.iter() {
        if let Some(it) = listed_of(fields, &rules, at) {
            by_currency.entry(it.price.currency.clone()).or_default().push((*place, it));
        }
    }
    let mut answers: BTreeMap<usize, Result<Vec<(Decimal, Decimal)>, String>> = BTreeMap::new();
    for (currency, listed) in by_currency {
        let (places, listed): (Vec<usize>, Vec<Listed>) = listed.into_iter().unzip();
        let prices = match by {
            PRICED_BY_RULES => listed.iter().map(|it| by_rules(it, &rules, at)).collect(),
            slot => by_component(engine, slot, (&currency, at), &listed).await?,
        };
        for ((place, it), prices) in places.into_iter().zip(listed).zip(prices) {
            answers.insert(place, prices.map(|prices| it.quantities.into_iter().zip(prices).collect()));
        }
    }
    told.retain_mut(|(place, fields)| match answers.remove(place) {
        Some(Ok(prices)) => {
            put(fields, prices);
            true
        }
        Some(Err(why)) => {
            folds[*place].untold.insert(connection, format!("its price: {why}"));
            false
        }
        None => true,
    });
    Ok(())
}

/// Rules that are everybody's and change list prices by per cent.
async fn rules(engine: &Engine, told: &[(usize, Fields)]) -> Result<BTreeMap<String, PriceRule>, Error> {
    let items: BTreeSet<String> =
        told.iter().filter_map(|(_, it)| it.get("item")?.as_text().map(str::to_owned)).collect();
    Ok(published_by(engine.store.as_ref(), &items).await?)
}

fn listed_of(fields: &Fields, rules: &BTreeMap<String, PriceRule>, at: UnixMs) -> Option<Listed> {
    let text = |name: &str| fields.get(name)?.as_text().map(str::to_owned);
    let (item, list, price) = (text("item")?, text("list")?, listed(fields).filter(|it| !it.currency.is_empty())?);
    let reached = rules.values().filter(|it| it.holds(at) && it.item.as_ref().is_none_or(|it| *it == item));
    let from_rules = reached.filter_map(|it| match it.pays {
        Pays::Percent { from_quantity, .. } => Some(from_quantity),
        _ => None,
    });
    let froms: BTreeSet<Decimal> = price.breaks.iter().map(|it| it.from).chain(from_rules).collect();
    let quantities = [Decimal::ONE].into_iter().chain(froms.into_iter().filter(|it| *it > Decimal::ONE)).collect();
    Some(Listed { item, list, price, quantities })
}

fn by_rules(it: &Listed, rules: &BTreeMap<String, PriceRule>, at: UnixMs) -> Result<Vec<Decimal>, String> {
    let currency = it.price.currency.clone();
    let pays = Pays::List { list: it.list.clone(), percent: Decimal::ZERO };
    let list = PriceRule { company: None, item: None, currency: currency.clone(), from: None, until: None, pays };
    let mut rules = rules.clone();
    rules.insert(String::new(), list);
    let lists = BTreeMap::from([(it.list.clone(), it.price.clone())]);
    let price = |quantity: &Decimal| {
        let (item, currency) = (it.item.clone(), currency.clone());
        let ask = Ask { company: None, item, quantity: *quantity, currency, at };
        resolve(&ask, &rules, &lists).map(|it| it.unit_price).map_err(|error| error.to_string())
    };
    it.quantities.iter().map(price).collect()
}

async fn by_component(
    engine: &Engine,
    slot: &str,
    (currency, at): (&str, UnixMs),
    listed: &[Listed],
) -> Result<Vec<Result<Vec<Decimal>, String>>, Error> {
    let asked = in_halves(listed, |part| Box::pin(asked(engine, slot, (currency, at), part))).await?;
    let answer = |it: Result<Option<Vec<Decimal>>, CallError>| match it {
        Ok(Some(prices)) => Ok(prices),
        Ok(None) => Err(format!("nothing answers `{slot}`")),
        Err(error) => Err(error.to_string()),
    };
    Ok(asked.into_iter().map(answer).collect())
}

/// A price for each quantity of each; `None` where the slot is empty.
async fn asked(
    engine: &Engine,
    slot: &str,
    (currency, at): (&str, UnixMs),
    listed: &[Listed],
) -> Result<Vec<Option<Vec<Decimal>>>, CallError> {
    let lines = listed.iter().flat_map(|it| it.quantities.iter().map(move |quantity| line(it, *quantity))).collect();
    let basket = Basket { company: String::new(), currency: currency.to_owned(), at, lines };
    let Some(priced) = engine.guests.price(slot, &basket).await? else { return Ok(vec![None; listed.len()]) };
    let mut priced = priced.into_iter().map(|it| it.unit_price);
    Ok(listed.iter().map(|it| Some(priced.by_ref().take(it.quantities.len()).collect())).collect())
}

fn line(it: &Listed, quantity: Decimal) -> Line {
    let mut breaks: Vec<PriceBreak> = Vec::new();
    for step in &it.price.breaks {
        breaks.push(PriceBreak { from_quantity: step.from, unit_price: step.amount });
    }
    breaks.sort_by_key(|it| it.from_quantity);
    breaks.dedup_by_key(|it| it.from_quantity);
    Line { item: it.item.clone(), quantity, list_price: it.price.amount, breaks }
}

/// What was answered, as a price record has it. A step at which nothing changes is none.
fn put(fields: &mut Fields, prices: Vec<(Decimal, Decimal)>) {
    let mut prices = prices.into_iter();
    let Some((_, amount)) = prices.next() else { return };
    fields.insert("amount".to_owned(), Value::Number(amount));
    let (mut rows, mut last) = (Vec::new(), amount);
    for (from, amount) in prices {
        if amount != last {
            let row = [("from", from), ("amount", amount)].map(|(name, it)| (name.to_owned(), Value::Number(it)));
            rows.push(Row::from(row));
        }
        last = amount;
    }
    if fields.contains_key("breaks") || !rows.is_empty() {
        fields.insert("breaks".to_owned(), Value::Rows(rows));
    }
}

#[cfg(test)]
mod tests;
