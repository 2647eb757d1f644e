//! Creating orders, with their details, under the id that the command key makes, and changing them.

use truthsource_sdk::connector::{Outcome, Write};
use truthsource_sdk::kinds::{ChargeKind, Order, Record};
use truthsource_sdk::{Decimal, Fault, json};

use super::key;
use super::names::{Currencies, units};
use super::order::TABLE;
use super::order_edit::{edit, number};
use super::org::Org;
use crate::lines::Lot;
use crate::odata::Body;
use crate::orders::goods;
use crate::wire::{Load, Written};
use crate::writes::read_back;

/// Requests that a change may take: four to look, one to write, thrice at the most, and as many to look again.
const REQUESTS: u32 = 20;

pub(crate) fn one(org: &Org<'_>, write: &Write) -> Result<Outcome, Fault> {
    let is_written = |it: &&String| matches!(it.as_str(), "lines" | "charges");
    match (&write.remote_id, write.changed.iter().find(|it| !is_written(it))) {
        (None, _) => create(org, write),
        (Some(_), Some(fixed)) => Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed"))),
        (Some(_), None) if !org.wire.can_send(REQUESTS) => {
            Ok(Outcome::Retry(None, "this call has sent enough".to_owned()))
        }
        (Some(id), None) => edit(org, write, id),
    }
}

fn create(org: &Org<'_>, write: &Write) -> Result<Outcome, Fault> {
    let id = key::guid(&write.command_key);
    let look = || Ok(TABLE.read(org, std::slice::from_ref(&id))?.pop());
    if let Some(held) = look()? {
        return Ok(Outcome::Applied(held));
    }
    let body = match body(org, &id, write)? {
        Ok(body) => body,
        Err(outcome) => return Ok(outcome),
    };
    let load = Load { headers: Vec::new(), body: json::text(&body).into_bytes() };
    Ok(match org.wire.write("POST", &org.url(TABLE.set, ""), load) {
        Written::Done(_) => read_back(look()),
        // The id is ours: whoever is there is this very order.
        Written::Exists(_) | Written::Changed => read_back(look()),
        Written::Gone => Outcome::rejected("no-reference", "something that the order points to is not there"),
        Written::Failed(outcome) => outcome,
    })
}

fn body(org: &Org<'_>, id: &str, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
    let order = Order::from_fields(&write.want)?;
    let refused = |code: &str, why: &str| Ok(Err(Outcome::rejected(code, why)));
    let Some(company) = order.company.as_ref() else { return refused("incomplete", "an order needs a company") };
    let lots = match goods(&order) {
        Ok(lots) => lots,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let units = units(org, lots.iter().map(|it| it.of.as_str()))?;
    let rows = lots.iter().enumerate().map(|(at, lot)| row(Body::new(), (at, lot), units.get(&lot.of))).collect();
    let mut body = Body::new().text("salesorderid", id).text("name", write.command_key.as_str());
    body = freight_and_discount(body, &order);
    // It finds the order again, and tells whoever lists orders that it is one of ours.
    body = body.text("description", write.command_key.as_str());
    body = body.text("customerid_account@odata.bind", format!("/accounts({company})"));
    if let Some(code) = order.currency.as_ref() {
        let currencies = Currencies::read(org)?;
        let Some(currency) = currencies.id(code) else {
            return refused("unknown-currency", &format!("the organisation has no currency {code}"));
        };
        body = body.text("transactioncurrencyid@odata.bind", format!("/transactioncurrencies({currency})"));
    }
    Ok(Ok(body.texts(&org.order_defaults).rows("order_details", rows)))
}

/// A new line, the `at`th of its order.
pub(crate) fn row(body: Body, (at, lot): (usize, &Lot), unit: Option<&String>) -> Body {
    let mut row = body.text("productid@odata.bind", format!("/products({})", lot.of));
    if let Some(unit) = unit {
        row = row.text("uomid@odata.bind", format!("/uoms({unit})"));
    }
    let row = row.number("quantity", lot.quantity);
    // What was agreed counts, whatever the price list says.
    row.flag("ispriceoverridden", true).number("priceperunit", lot.unit_price).number("lineitemnumber", number(at))
}

/// What is charged beside the lines has its places in the head.
pub(crate) fn freight_and_discount(body: Body, order: &Order) -> Body {
    let sum = |kind| {
        let amounts = order.charges.as_ref().into_iter().flatten().filter(|it| it.kind == kind).map(|it| it.amount);
        amounts.fold(Decimal::ZERO, |sum, it| sum.checked_add(it).unwrap_or(sum))
    };
    let body = body.number("freightamount", sum(ChargeKind::Shipping));
    body.number("discountamount", -sum(ChargeKind::Discount))
}
