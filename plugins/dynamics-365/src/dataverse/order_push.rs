//! Creating orders, with their details, under the id that the command key makes.

use truthsource_sdk::connector::{Outcome, Write};
use truthsource_sdk::kinds::{ChargeKind, Order, Record};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, edits, json};

use super::key;
use super::names::{Currencies, units};
use super::order::TABLE;
use super::org::Org;
use crate::odata::Body;
use crate::wire::{Load, Written};
use crate::writes::read_back;

/// Connectors leave out lines that would be booked wrong, and say why in their logs.
const NO_NET_LINES: &str = "the lines of this order cannot be booked as they are: where it was placed, its prices include \
                            taxes, or a discount of the whole order stands in no line; it is to be entered by hand";

pub(crate) fn one(org: &Org<'_>, write: &Write) -> Result<Outcome, Fault> {
    if write.remote_id.is_some() && edits::is_edit(write) {
        return Ok(edits::question(write, "its lines are not changed from outside here: change them by hand"));
    }
    if let (Some(_), Some(fixed)) = (&write.remote_id, write.changed.first()) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
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
    if order.lines == Held::Unknown {
        return refused("no-net-lines", NO_NET_LINES);
    }
    let Some(lines) = order.lines.as_ref().filter(|it| !it.is_empty()) else {
        return refused("incomplete", "an order needs lines");
    };
    let units = units(org, lines.iter().filter_map(|it| it.item.as_deref()))?;
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let sku = line.sku.as_deref().unwrap_or("without SKU");
        let Some(item) = &line.item else { return refused("no-item", &format!("line {sku} has no item here")) };
        let mut row = Body::new().text("productid@odata.bind", format!("/products({item})"));
        if let Some(unit) = units.get(item) {
            row = row.text("uomid@odata.bind", format!("/uoms({unit})"));
        }
        let row = row.number("quantity", line.quantity);
        // What was agreed counts, whatever the price list says.
        rows.push(row.flag("ispriceoverridden", true).number("priceperunit", line.unit_price));
    }
    let mut body = Body::new().text("salesorderid", id).text("name", write.command_key.as_str());
    let sum = |kind| {
        let amounts = order.charges.as_ref().into_iter().flatten().filter(|it| it.kind == kind).map(|it| it.amount);
        amounts.fold(Decimal::ZERO, |sum, it| sum.checked_add(it).unwrap_or(sum))
    };
    body = body.number("freightamount", sum(ChargeKind::Shipping));
    body = body.number("discountamount", -sum(ChargeKind::Discount));
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
