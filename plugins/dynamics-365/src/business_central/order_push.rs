//! Creating orders, and calling them off. No key of the system's makes one unique: it is looked for under ours, before and after.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::kinds::{Order, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, edits, json, moment};

use super::books::Books;
use super::numbers::locations;
use super::order::{PO_NUMBER, called_off, find, place, read};
use super::price_line::day;
use crate::odata::Body;
use crate::wire::{Load, Written};
use crate::writes::{read_back, stale};

/// Letters of the number that an order has elsewhere, and our key there.
pub(crate) const EXTERNAL_MAX: usize = 35;
/// Requests that an order may take: three to look, one to write, and as many as before to look again.
const REQUESTS: u32 = 10;

/// Creates orders one after the other. When the system refuses us or is out of reach, those after that are not tried.
pub(crate) fn push(books: &Books<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut stopped: Option<Outcome> = None;
    for write in writes {
        let outcome = match &stopped {
            Some(stopped) => stopped.clone(),
            None if !books.wire.can_send(REQUESTS) => Outcome::Retry(None, "this call has sent enough".to_owned()),
            None => match one(books, write) {
                Ok(outcome) => outcome,
                Err(fault) if outcomes.is_empty() => return Err(fault),
                Err(fault) => Outcome::not_written(fault),
            },
        };
        let waits_alone = write.is_repeated();
        if stopped.is_none() && matches!(outcome, Outcome::Retry(..)) && !waits_alone {
            stopped = Some(outcome.clone());
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn one(books: &Books<'_>, write: &Write) -> Result<Outcome, Fault> {
    if let Some(id) = write.remote_id.as_ref().filter(|_| write.changed == ["status"]) {
        return call_off(books, write, id);
    }
    if write.remote_id.is_some() && edits::is_edit(write) {
        return edited(books, write);
    }
    if let (Some(_), Some(fixed)) = (&write.remote_id, write.changed.iter().find(|it| *it != "status")) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
    if write.command_key.len() > EXTERNAL_MAX {
        let why = format!("the key is longer than {EXTERNAL_MAX} letters, and the order would not be found again");
        return Ok(Outcome::rejected("long-key", why));
    }
    if let Some(held) = find(books, &write.command_key)? {
        return Ok(Outcome::Applied(held));
    }
    if let Some(wait_ms) = still_to_come(books, write) {
        let why = "an earlier try was not answered, and may still be carried out";
        return Ok(Outcome::Retry(Some(wait_ms), why.to_owned()));
    }
    let body = match body(books, write)? {
        Ok(body) => body,
        Err(outcome) => return Ok(outcome),
    };
    let load = Load { headers: Vec::new(), body: json::text(&body).into_bytes() };
    Ok(match books.wire.write("POST", &books.url(&place(), ""), load) {
        Written::Done(_) => read_back(find(books, &write.command_key)),
        Written::Exists(outcome) | Written::Failed(outcome) => outcome,
        Written::Changed | Written::Gone => {
            Outcome::Retry(None, "something that the order names has changed".to_owned())
        }
    })
}

/// Lines are written one by one here, and an order that is changed by half would be shipped by half: a person does it.
fn edited(books: &Books<'_>, write: &Write) -> Result<Outcome, Fault> {
    let held = read(books, write.remote_id.as_slice())?.pop();
    Ok(match held {
        Some(held) if write.is_done(&held.fields) => Outcome::Applied(held),
        Some(held) if !write.is_current(&held.fields) => stale(&held),
        _ => edits::question(write, "its lines are not changed from outside here: change them by hand"),
    })
}

/// Calls an order off of which nothing has left, which is to delete it.
fn call_off(books: &Books<'_>, write: &Write, id: &str) -> Result<Outcome, Fault> {
    let held = read(books, std::slice::from_ref(&id.to_owned()))?.pop();
    let Some(held) = held else { return Ok(Outcome::Stale(Observed::Absent(id.to_owned()))) };
    if write.is_done(&held.fields) {
        return Ok(Outcome::Applied(held));
    }
    if !write.is_current(&held.fields) {
        return Ok(stale(&held));
    }
    let status = Order::from_fields(&held.fields)?.status.into_option();
    if !matches!(status, Some(Status::Open | Status::OnHold)) {
        return Ok(Outcome::rejected("has-left", HAS_LEFT));
    }
    let load = Load { headers: vec![("if-match", held.version)], body: Vec::new() };
    Ok(match books.wire.write("DELETE", &books.url(&place(), &format!("({id})")), load) {
        Written::Done(_) | Written::Gone => Outcome::Applied(called_off(id)),
        Written::Changed => Outcome::Retry(None, "the order has just changed".to_owned()),
        Written::Exists(outcome) | Written::Failed(outcome) => outcome,
    })
}

const HAS_LEFT: &str = "it was called off where it was placed, and some of it has left here: somebody has to decide what \
                        comes back";

/// How long to wait for an earlier try: a request that nobody waits for any more may still be carried out, and two
/// orders under one key would both stand.
fn still_to_come(books: &Books<'_>, write: &Write) -> Option<u32> {
    let until = write.first_sent_ms?.saturating_add(books.settings.order_wait_ms);
    let left = until.checked_sub(books.wire.ctx.now_ms).filter(|it| *it > 0)?;
    Some(u32::try_from(left).unwrap_or(u32::MAX))
}

/// Connectors leave out lines that would be booked wrong, and say why in their logs.
const NO_NET_LINES: &str = "the lines of this order cannot be booked as they are: where it was placed, its prices include \
                            taxes, or a discount of the whole order stands in no line; it is to be entered by hand";

fn body(books: &Books<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
    let order = Order::from_fields(&write.want)?;
    let refused = |code: &str, why: &str| Ok(Err(Outcome::rejected(code, why)));
    let Some(company) = order.company.as_ref() else { return refused("incomplete", "an order needs a company") };
    if order.lines == Held::Unknown {
        return refused("no-net-lines", NO_NET_LINES);
    }
    let Some(lines) = order.lines.as_ref().filter(|it| !it.is_empty()) else {
        return refused("incomplete", "an order needs lines");
    };
    let location = match &books.settings.order_location {
        None => None,
        Some(code) => match locations(books)?.get(&code.to_uppercase()) {
            Some(id) => Some(id.clone()),
            None => return refused("unknown-location", &format!("there is no location {code}")),
        },
    };
    let mut rows = Vec::with_capacity(lines.len() + 1);
    if let Some(number) = order.po_number.as_ref() {
        rows.push(Body::new().text("lineType", "Comment").text("description", format!("{PO_NUMBER}{number}")));
    }
    for line in lines {
        let sku = line.sku.as_deref().unwrap_or("without SKU");
        let Some(item) = &line.item else { return refused("no-item", &format!("line {sku} has no item here")) };
        let row = Body::new().text("lineType", "Item").text("itemId", item.as_str());
        let row = row.number("quantity", line.quantity).number("unitPrice", line.unit_price);
        rows.push(match &location {
            Some(location) => row.text("locationId", location.as_str()),
            None => row,
        });
    }
    let charges = match books.settings.charges.lines(&order) {
        Ok(charges) => charges,
        Err(question) => return Ok(Err(question)),
    };
    for (account, amount) in charges {
        let row = Body::new().text("lineType", "Account").text("lineObjectNumber", account);
        rows.push(row.number("quantity", Decimal::ONE).number("unitPrice", amount));
    }
    let mut body = Body::new().text("externalDocumentNumber", write.command_key.to_uppercase());
    body = body.text("customerId", company.as_str());
    if let Some(day) = order.placed_at.as_ref().and_then(|it| ordered_on(books, it)) {
        body = body.text("orderDate", day);
    }
    if let Some(currency) = order.currency.as_ref() {
        body = body.text("currencyCode", books.settings.currency_code(currency));
    }
    Ok(Ok(body.texts(&books.settings.order_defaults).rows("salesOrderLines", rows)))
}

/// The company's day of a moment, which is all that is kept. A date is one already, wherever it was written.
fn ordered_on(books: &Books<'_>, placed_at: &str) -> Option<String> {
    moment::parse(placed_at).map(|at_ms| day(books, at_ms)).or_else(|| date(placed_at))
}

/// The date that a text begins with: `2026-11-22` of `2026-11-22T01:00:00Z`.
pub(crate) fn date(placed_at: &str) -> Option<String> {
    let date = placed_at.get(..10)?;
    moment::parse(&format!("{date}T00:00:00Z")).map(|_| date.to_owned())
}
