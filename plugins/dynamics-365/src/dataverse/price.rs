//! Prices: what a product costs on a price list, in the unit that it is sold in by default.

use std::collections::BTreeMap;

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, State, Write};
use truthsource_sdk::kinds::{Price, Record};
use truthsource_sdk::value::Held;

use super::names::{Currencies, PriceList, price_lists, units};
use super::org::Org;
use super::push::Rule;
use super::table::Table;
use crate::odata::{Body, Row, is_guid};

pub(crate) const TABLE: Table = Table {
    set: "productpricelevels",
    id: "productpricelevelid",
    select: "productpricelevelid,amount,_pricelevelid_value,_productid_value,_uomid_value,\
             _transactioncurrencyid_value,modifiedon",
    page: 500,
    states,
};

fn states(org: &Org<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (lists, currencies) = (price_lists(org)?, Currencies::read(org)?);
    let products: Vec<String> = rows.iter().filter_map(|it| it.id("_productid_value")).collect();
    let units = units(org, products.iter().map(String::as_str))?;
    rows.iter().filter_map(|row| state((&lists, &currencies, &units), row).transpose()).collect()
}

/// `None` for a price that does not count: of a list that does not hold today, per another unit, or reckoned from
/// something else.
fn state(
    (lists, currencies, units): (&BTreeMap<String, PriceList>, &Currencies, &BTreeMap<String, String>),
    row: &Row,
) -> Result<Option<State>, Fault> {
    let (Some(item), Some(amount)) = (row.id("_productid_value"), row.number("amount")?) else { return Ok(None) };
    let list = row.id("_pricelevelid_value").and_then(|it| lists.get(&it)).filter(|it| it.is_valid);
    let is_default = match (row.id("_uomid_value"), units.get(&item)) {
        (Some(unit), Some(default)) => unit == *default,
        _ => true,
    };
    let Some(list) = list.filter(|_| is_default) else { return Ok(None) };
    // What a price does not say its list does.
    let currency = row.id("_transactioncurrencyid_value").or_else(|| list.currency.clone());
    let price = Price {
        list: list.code.clone().into(),
        item: item.into(),
        currency: currencies.code(currency).map_or(Held::Unknown, Held::Is),
        amount: amount.into(),
        breaks: Held::Unknown,
    };
    Ok(Some(State {
        remote_id: row.must("productpricelevelid")?.to_lowercase(),
        fields: price.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("modifiedon"),
        command_key: None,
    }))
}

/// How prices are written.
pub(crate) struct Prices;

/// The price list and the product that a price is about.
fn parts(org: &Org<'_>, write: &Write) -> Result<Result<(PriceList, String), Outcome>, Fault> {
    let price = Price::from_fields(&write.want)?;
    let (Some(code), Some(item)) = (price.list.as_ref(), price.item.as_ref().filter(|it| is_guid(it))) else {
        return Ok(Err(Outcome::rejected("incomplete", "a price needs list and item")));
    };
    let list = price_lists(org)?.into_values().find(|it| it.code.eq_ignore_ascii_case(code));
    let unknown = || Outcome::rejected("unknown-list", format!("no price list is called `{code}`"));
    Ok(list.ok_or_else(unknown).map(|list| (list, item.clone())))
}

impl Rule for Prices {
    fn twin(&self, org: &Org<'_>, write: &Write) -> Result<Result<Option<String>, Outcome>, Fault> {
        let filter = |(list, item): (PriceList, String)| {
            Some(format!("_pricelevelid_value eq {} and _productid_value eq {item}", list.id))
        };
        Ok(parts(org, write)?.map(filter))
    }

    fn body(&self, org: &Org<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
        let price = Price::from_fields(&write.want)?;
        let Some(amount) = price.amount.as_ref() else {
            return Ok(Err(Outcome::rejected("incomplete", "a price needs an amount")));
        };
        let (list, item) = match parts(org, write)? {
            Ok(parts) => parts,
            Err(outcome) => return Ok(Err(outcome)),
        };
        // Nothing but the list says what an amount is in: nobody else would notice.
        let held = Currencies::read(org)?.code(list.currency.clone());
        if let (Some(held), Some(wanted)) = (held, price.currency.as_ref())
            && held != *wanted
        {
            let why = format!("the list `{}` is in {held}, not in {wanted}", list.code);
            return Ok(Err(Outcome::rejected("foreign-currency", why)));
        }
        let body = Body::new().number("amount", *amount);
        if write.remote_id.is_some() {
            return Ok(Ok(body));
        }
        let units = units(org, std::iter::once(item.as_str()))?;
        let body = body.text("pricelevelid@odata.bind", format!("/pricelevels({})", list.id));
        let body = body.text("productid@odata.bind", format!("/products({item})"));
        // Where products have units, a price without one is refused.
        let unit = units.get(&item).map(|it| format!("/uoms({it})"));
        Ok(Ok(if let Some(unit) = unit { body.text("uomid@odata.bind", unit) } else { body }))
    }
}
