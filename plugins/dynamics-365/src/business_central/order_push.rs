//! Creating orders, changing them, and calling them off. No key of the system's makes one unique: it is looked for under
//! ours, before and after.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::kinds::{Order, Record, Status};
use truthsource_sdk::{Decimal, Fault, edits, json, moment};

use super::books::Books;
use super::numbers::locations;
use super::order::{PO_NUMBER, called_off, find, place, read, standing};
use super::order_edit::edit;
use super::price_line::day;
use crate::lines::Lot;
use crate::odata::Body;
use crate::orders::goods;
use crate::wire::{Load, Written};
use crate::writes::{read_back, stale};

/// Letters of the number that an order has elsewhere, and our key there.
pub(crate) const EXTERNAL_MAX: usize = 35;
/// Requests that an order may take: three to look, one to write, and as many as before to look again; of one that is
/// changed the same thrice at the most.
const REQUESTS: u32 = 10;
const REQUESTS_OF_EDIT: u32 = 20;

/// Creates orders one after the other. When the system refuses us or is out of reach, those after that are not tried.
pub(crate) fn push(books: &Books<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut stopped: Option<Outcome> = None;
    for write in writes {
        let outcome = match &stopped {
            Some(stopped) => stopped.clone(),
            None if !books.wire.can_send(requests(write)) => {
                Outcome::Retry(None, "this call has sent enough".to_owned())
            }
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

fn requests(write: &Write) -> u32 {
    if write.remote_id.is_some() && edits::is_edit(write) { REQUESTS_OF_EDIT } else { REQUESTS }
}

fn one(books: &Books<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else { return create(books, write) };
    let is_written = |it: &&String| matches!(it.as_str(), "status" | "lines" | "charges");
    if let Some(fixed) = write.changed.iter().find(|it| !is_written(it)) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
    // Of what is called off nobody needs to know what it was to be.
    if write.changes("status") { call_off(books, write, id) } else { edit(books, write, id) }
}

fn create(books: &Books<'_>, write: &Write) -> Result<Outcome, Fault> {
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
        Written::Gone => Outcome::Applied(called_off(id)),
        Written::Done(_) => match standing(books, &[id.to_owned()]) {
            Ok(left) => Outcome::Applied(left.into_iter().next().unwrap_or_else(|| called_off(id))),
            Err(fault) => read_back(Err(fault)),
        },
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

/// What an order is to be charged beside them, by the account that it is booked to.
pub(crate) fn charges(books: &Books<'_>, order: &Order) -> Result<Vec<Lot>, Outcome> {
    let lot = |(of, amount)| Lot { of, quantity: Decimal::ONE, unit_price: amount };
    Ok(books.settings.charges.lines(order)?.into_iter().map(lot).collect())
}

/// The id of the location that new lines name, if they name one.
pub(crate) fn location(books: &Books<'_>) -> Result<Result<Option<String>, Outcome>, Fault> {
    let Some(code) = &books.settings.order_location else { return Ok(Ok(None)) };
    let found = locations(books)?.get(&code.to_uppercase()).cloned();
    let missing = || Outcome::rejected("unknown-location", format!("there is no location {code}"));
    Ok(found.map(Some).ok_or_else(missing))
}

/// A new line of goods.
pub(crate) fn goods_row(lot: &Lot, location: Option<&str>) -> Body {
    let row = Body::new().text("lineType", "Item").text("itemId", lot.of.as_str());
    let row = row.number("quantity", lot.quantity).number("unitPrice", lot.unit_price);
    if let Some(location) = location { row.text("locationId", location) } else { row }
}

/// A new line of what is charged.
pub(crate) fn charge_row(lot: &Lot) -> Body {
    let row = Body::new().text("lineType", "Account").text("lineObjectNumber", lot.of.as_str());
    row.number("quantity", lot.quantity).number("unitPrice", lot.unit_price)
}

fn body(books: &Books<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
    let order = Order::from_fields(&write.want)?;
    let refused = |code: &str, why: &str| Ok(Err(Outcome::rejected(code, why)));
    let Some(company) = order.company.as_ref() else { return refused("incomplete", "an order needs a company") };
    let (goods, charges) = match (goods(&order), charges(books, &order)) {
        (Ok(goods), Ok(charges)) => (goods, charges),
        (Err(outcome), _) | (_, Err(outcome)) => return Ok(Err(outcome)),
    };
    let location = match location(books)? {
        Ok(location) => location,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let mut rows = Vec::with_capacity(goods.len() + charges.len() + 1);
    if let Some(number) = order.po_number.as_ref() {
        rows.push(Body::new().text("lineType", "Comment").text("description", format!("{PO_NUMBER}{number}")));
    }
    rows.extend(goods.iter().map(|it| goods_row(it, location.as_deref())));
    rows.extend(charges.iter().map(charge_row));
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
