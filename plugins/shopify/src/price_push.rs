//! Writing prices: the shop's own through variants, a list's through its fixed prices and breaks.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::kinds::{Price, Record};
use truthsource_sdk::{Decimal, Fault};

use crate::batch::{Mutation, run};
use crate::graphql::{Shop, UserError};
use crate::item_push::update_variant;
use crate::price::{self, BASE};
use crate::price_list::{self, PriceList};
use crate::variant::{self, Variant};

/// A price to be written, and where.
#[derive(Debug, Clone)]
struct Line {
    /// Its place among the writes.
    at: usize,
    id: String,
    price: Price,
    amount: Decimal,
    /// `None`: the shop's own.
    list: Option<PriceList>,
    product: String,
    variant: String,
}

pub(crate) fn push(shop: &Shop<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let wanted = writes.iter().map(|it| Price::from_fields(&it.want)).collect::<Result<Vec<_>, _>>()?;
    let items: Vec<String> = wanted.iter().filter_map(|it| it.item.as_ref().cloned()).collect();
    let mut variants: BTreeMap<String, Variant> = BTreeMap::new();
    for variant in variant::of_items(shop, &items)? {
        variants.insert(variant.item()?, variant);
    }
    let lists = price_list::lists(shop)?;
    let own = own_currency(shop, &wanted)?;
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut lines = Vec::new();
    for (at, price) in wanted.into_iter().enumerate() {
        match line(shop, (&variants, &lists, own.as_deref()), at, price) {
            Ok(line) => lines.push(line),
            Err(outcome) => drop(outcomes.insert(at, outcome)),
        }
    }
    let held = held(shop, &lines)?;
    lines.retain(|line| match decide(&writes[line.at], line, held.get(&line.id)) {
        None => true,
        Some(outcome) => {
            outcomes.insert(line.at, outcome);
            false
        }
    });
    let (own, listed): (Vec<Line>, Vec<Line>) = lines.iter().cloned().partition(|it| it.list.is_none());
    set_own(shop, &own, &mut outcomes);
    set_listed(shop, listed, &mut outcomes);
    lines.retain(|it| !outcomes.contains_key(&it.at));
    read_back(shop, &lines, &mut outcomes);
    Ok((0..writes.len())
        .map(|at| outcomes.remove(&at).unwrap_or_else(|| Outcome::Unknown("not decided".to_owned())))
        .collect())
}

fn is_own(shop: &Shop<'_>, list: &str) -> bool {
    list.eq_ignore_ascii_case(&shop.settings.base_list)
}

/// What the shop's own prices are in: asked for where one is to be written that says what it is in itself.
fn own_currency(shop: &Shop<'_>, wanted: &[Price]) -> Result<Option<String>, Fault> {
    let is_compared =
        |it: &Price| it.currency.as_ref().is_some() && it.list.as_ref().is_some_and(|it| is_own(shop, it));
    if wanted.iter().any(is_compared) { price::currency(shop).map(Some) } else { Ok(None) }
}

fn line(
    shop: &Shop<'_>,
    (variants, lists, own): (&BTreeMap<String, Variant>, &[PriceList], Option<&str>),
    at: usize,
    price: Price,
) -> Result<Line, Outcome> {
    let incomplete = || Outcome::rejected("incomplete", "a price needs list, item and amount");
    let code = price.list.as_ref().cloned().ok_or_else(incomplete)?;
    let item = price.item.as_ref().cloned().ok_or_else(incomplete)?;
    let amount = price.amount.as_ref().copied().ok_or_else(incomplete)?;
    let list = if is_own(shop, &code) {
        None
    } else {
        let known = lists.iter().find(|it| it.code == code.to_lowercase());
        Some(
            known
                .cloned()
                .ok_or_else(|| Outcome::rejected("unknown-list", format!("no price list is called `{code}`")))?,
        )
    };
    let place = list.as_ref().map_or_else(|| BASE.to_owned(), |it| it.id.to_string());
    let id = format!("{place}:{item}");
    let variant = variants.get(&item).ok_or_else(|| Outcome::Stale(Observed::Absent(id.clone())))?;
    // A shop takes its own prices as bare amounts: nobody else would notice.
    let currency = list.as_ref().map_or(own, |it| Some(it.currency.as_str()));
    if let (Some(own), Some(wanted)) = (currency, price.currency.as_ref())
        && own != wanted
    {
        let what = if list.is_some() { "the list is" } else { "the shop's own prices are" };
        return Err(Outcome::rejected("foreign-currency", format!("{what} in {own}, not in {wanted}")));
    }
    if let Some(broken) = price.breaks.as_ref().into_iter().flatten().find(|it| it.from.whole().is_none()) {
        let why = format!("a break from {} is no whole number of pieces", broken.from);
        return Err(Outcome::rejected("fraction", why));
    }
    Ok(Line { at, id, amount, list, product: variant.product.id.clone(), variant: variant.id.clone(), price })
}

fn held(shop: &Shop<'_>, lines: &[Line]) -> Result<BTreeMap<String, State>, Fault> {
    let ids: Vec<String> = lines.iter().map(|it| it.id.clone()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(price::read(shop, &ids)?.into_iter().map(|it| (it.remote_id.clone(), it)).collect())
}

/// The outcome that a write has without being sent; `None`: send it.
fn decide(write: &Write, line: &Line, held: Option<&State>) -> Option<Outcome> {
    match (held, &write.remote_id) {
        (Some(held), _) if write.is_done(&held.fields) => Some(Outcome::Applied(held.clone())),
        // The engine does not know of a price that is there.
        (Some(held), None) => Some(Outcome::Stale(Observed::Present(held.clone()))),
        (Some(held), Some(_)) if !write.is_current(&held.fields) => {
            Some(Outcome::Stale(Observed::Present(held.clone())))
        }
        (Some(_), Some(_)) | (None, None) => None,
        (None, Some(_)) => Some(Outcome::Stale(Observed::Absent(line.id.clone()))),
    }
}

fn set_own(shop: &Shop<'_>, lines: &[Line], outcomes: &mut BTreeMap<usize, Outcome>) {
    let mutation =
        |line: &Line| update_variant(&line.product, json!({ "id": line.variant, "price": line.amount.to_string() }));
    let mutations: Vec<Mutation> = lines.iter().map(mutation).collect();
    for (line, result) in lines.iter().zip(run(shop, &mutations)) {
        match result {
            Ok(None) => {}
            Ok(Some(error)) => drop(outcomes.insert(line.at, error.rejection())),
            Err(outcome) => drop(outcomes.insert(line.at, outcome)),
        }
    }
}

const SET: &str = "mutation Prices($list: ID!, $input: QuantityPricingByVariantUpdateInput!) { \
                   quantityPricingByVariantUpdate(priceListId: $list, input: $input) { \
                   productVariants { id } userErrors { code field message } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    quantity_pricing_by_variant_update: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

/// Sets prices and breaks list by list, all or nothing; what spoils a call is taken out by halving.
fn set_listed(shop: &Shop<'_>, lines: Vec<Line>, outcomes: &mut BTreeMap<usize, Outcome>) {
    let mut by_list: BTreeMap<u64, Vec<Line>> = BTreeMap::new();
    for line in lines {
        by_list.entry(line.list.as_ref().map_or(0, |it| it.id)).or_default().push(line);
    }
    let mut due: Vec<Vec<Line>> = by_list.into_values().collect();
    while let Some(mut lines) = due.pop() {
        let Some(list) = lines.first().and_then(|it| it.list.clone()) else { continue };
        let errors = match send(shop, &list, &lines) {
            Ok(errors) => errors,
            Err(outcome) => {
                outcomes.extend(lines.iter().map(|it| (it.at, outcome.clone())));
                continue;
            }
        };
        match (errors.first(), lines.as_slice()) {
            (None, _) => {}
            (Some(error), [line]) => drop(outcomes.insert(line.at, error.rejection())),
            (Some(_), _) => {
                let back = lines.split_off(lines.len() / 2);
                due.push(back);
                due.push(lines);
            }
        }
    }
}

fn send(shop: &Shop<'_>, list: &PriceList, lines: &[Line]) -> Result<Vec<UserError>, Outcome> {
    let variables = json!({ "list": crate::gid::gid("PriceList", &list.id.to_string()), "input": input(list, lines) });
    let answer: Answer = shop.mutate(SET, variables)?;
    let payload = answer.quantity_pricing_by_variant_update;
    payload.map(|it| it.user_errors).ok_or_else(|| Outcome::Unknown("the shop answered nothing".to_owned()))
}

/// Prices are replaced; the breaks of a variant are taken away and written anew, where breaks are to be written at all.
fn input(list: &PriceList, lines: &[Line]) -> Json {
    let money = |amount: Decimal| json!({ "amount": amount.to_string(), "currencyCode": list.currency });
    let prices = lines.iter().map(|it| json!({ "variantId": it.variant, "price": money(it.amount) }));
    let with_breaks = || lines.iter().filter_map(|it| Some((it, it.price.breaks.as_ref()?)));
    let breaks = with_breaks().flat_map(|(line, breaks)| {
        breaks.iter().map(move |it| {
            json!({ "variantId": line.variant, "minimumQuantity": it.from.whole(), "price": money(it.amount) })
        })
    });
    let cleared = with_breaks().map(|(line, _)| line.variant.clone());
    json!({
        "pricesToAdd": prices.collect::<Vec<_>>(),
        "pricesToDeleteByVariantId": [],
        "quantityRulesToAdd": [],
        "quantityRulesToDeleteByVariantId": [],
        "quantityPriceBreaksToAdd": breaks.collect::<Vec<_>>(),
        "quantityPriceBreaksToDelete": [],
        "quantityPriceBreaksToDeleteByVariantId": cleared.collect::<Vec<_>>(),
    })
}

fn read_back(shop: &Shop<'_>, lines: &[Line], outcomes: &mut BTreeMap<usize, Outcome>) {
    let held = held(shop, lines);
    for line in lines {
        let outcome = match &held {
            Err(fault) => Outcome::Unknown(format!("written, and not read back: {fault}")),
            Ok(held) => match held.get(&line.id) {
                Some(state) => Outcome::Applied(state.clone()),
                None => Outcome::Unknown("written, and gone when read back".to_owned()),
            },
        };
        outcomes.insert(line.at, outcome);
    }
}
