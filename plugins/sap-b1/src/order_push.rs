//! Orders are created once, under their mark.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use serde::Serialize;
use serde_json::json;
use truthsource_sdk::charges::{ChargeBook, SETTING};
use truthsource_sdk::connector::{Outcome, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Order, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, edits, moment};

use crate::exact::Id;
use crate::odata::entity;
use crate::order::{find, look};
use crate::push::{change, read_back};
use crate::reference::{in_flight, mark, marked};
use crate::stamp::date;
use crate::wire::{Service, Unwritten};
use crate::zone::days_later;

#[derive(Serialize)]
struct Body {
    #[serde(rename = "CardCode")]
    company: String,
    #[serde(rename = "DocDate")]
    day: String,
    #[serde(rename = "DocDueDate")]
    due: String,
    #[serde(rename = "DocCurrency", skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(rename = "Series", skip_serializing_if = "Option::is_none")]
    series: Option<u32>,
    /// The mark, and the customer's number where it does not stand in its place.
    #[serde(flatten)]
    texts: BTreeMap<String, String>,
    /// Nor a discount of the whole that the customer usually has.
    #[serde(rename = "DiscountPercent")]
    discount: Bare,
    #[serde(rename = "DocumentLines")]
    lines: Vec<WrittenLine>,
    #[serde(rename = "DocumentAdditionalExpenses", skip_serializing_if = "Vec::is_empty")]
    expenses: Vec<WrittenExpense>,
}

#[derive(Serialize)]
struct WrittenExpense {
    #[serde(rename = "ExpenseCode")]
    code: u32,
    #[serde(rename = "LineTotal")]
    total: Bare,
}

#[derive(Serialize)]
struct WrittenLine {
    #[serde(rename = "ItemCode")]
    item: String,
    #[serde(rename = "Quantity")]
    quantity: Bare,
    /// Without it the company would find a price of its own.
    #[serde(rename = "UnitPrice")]
    price: Bare,
    /// Nor a discount: what was agreed is what is booked.
    #[serde(rename = "DiscountPercent")]
    discount: Bare,
    #[serde(rename = "WarehouseCode", skip_serializing_if = "Option::is_none")]
    warehouse: Option<String>,
}

#[derive(serde::Deserialize)]
struct Created {
    #[serde(rename = "DocEntry")]
    entry: Id,
}

/// Creates an order, changes its PO number or what it is made of, or calls it off; whatever else an order says is final once
/// it is in the books.
pub(crate) fn push(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else { return create_order(service, write) };
    let is_written = |it: &&String| matches!(it.as_str(), "po_number" | "status" | "lines" | "charges");
    if let Some(fixed) = write.changed.iter().find(|it| !is_written(it)) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
    if write.changes("status") {
        return call_off(service, write, id);
    }
    if write.changes("po_number") && service.settings.reference_field.is_none() {
        return Ok(Outcome::rejected(
            "no-field",
            "setting `external-id-field` is empty: an order has no PO number here",
        ));
    }
    let (order, path) = (Order::from_fields(&write.want)?, entity("Orders", id));
    let send = |held: &State| {
        let po_number = write.changes("po_number").then(|| order.po_number.as_ref().cloned());
        if !edits::is_edit(write) {
            return service.patch(&path, &held.version, &Edit { po_number, made_of: None });
        }
        if !edits::is_untouched(&held.fields).unwrap_or(false) {
            let why = "some of it has left here, or somebody has ended it";
            return Err(Unwritten::Other(edits::question(write, why)));
        }
        let made_of = MadeOf::of(service, &order).map_err(Unwritten::Other)?;
        service.replace(&path, &held.version, &Edit { po_number, made_of: Some(made_of) })
    };
    change(write, id, || look(service, id), send)
}

/// What is changed of an order that is booked.
#[derive(Serialize)]
struct Edit {
    #[serde(rename = "NumAtCard", skip_serializing_if = "Option::is_none")]
    po_number: Option<Option<String>>,
    #[serde(flatten)]
    made_of: Option<MadeOf>,
}

/// Lines, and what is charged beside them.
#[derive(Serialize)]
struct MadeOf {
    #[serde(rename = "DocumentLines")]
    lines: Vec<WrittenLine>,
    #[serde(rename = "DocumentAdditionalExpenses")]
    expenses: Vec<WrittenExpense>,
}

impl MadeOf {
    fn of(service: &Service<'_>, order: &Order) -> Result<Self, Outcome> {
        let settings = &service.settings;
        let lines = lines(settings.order_warehouse.as_deref(), order)?;
        Ok(Self { lines, expenses: expenses(&settings.charges, order)? })
    }
}

/// Calls an order off of which nothing has left: what has left comes back by another way than this.
fn call_off(service: &Service<'_>, write: &Write, id: &str) -> Result<Outcome, Fault> {
    let path = format!("{}/Cancel", entity("Orders", id));
    let send = |held: &State| {
        let status = Order::from_fields(&held.fields).ok().and_then(|it| it.status.into_option());
        match status {
            Some(Status::Open | Status::OnHold) => service.run(&path, &json!({})),
            _ => Err(Unwritten::Other(Outcome::rejected("has-left", HAS_LEFT))),
        }
    };
    change(write, id, || look(service, id), send)
}

const HAS_LEFT: &str = "it was called off where it was placed, and some of it has left here: somebody has to decide what \
                        comes back";

/// Looks for what an earlier try left before anything is sent, the first time too: whose answer was lost may not know
/// that it was sent.
fn create_order(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let key = &write.command_key;
    if let Some(held) = find(service, key)? {
        return Ok(Outcome::Applied(held));
    }
    if let Some(waits) = draft(service, key)?.or_else(|| in_flight(service, write)) {
        return Ok(waits);
    }
    let body = match body(service, write, &Order::from_fields(&write.want)?) {
        Ok(body) => body,
        Err(outcome) => return Ok(outcome),
    };
    match service.post::<Created>("Orders", &body) {
        Ok(created) => Ok(read_back(|| look(service, &created.entry.0))),
        // Where an approval is asked for, the answer is a refusal that leaves a draft.
        Err(Unwritten::NoMatch(refused)) => Ok(match draft(service, key) {
            Ok(waits) => waits.unwrap_or(refused),
            Err(fault) => Outcome::Unknown(format!("it may be a draft: {fault}")),
        }),
        Err(other) => Ok(other.into()),
    }
}

/// A draft that waits for an approval: somebody has to give it, and the order then carries the mark.
fn draft(service: &Service<'_>, key: &str) -> Result<Option<Outcome>, Fault> {
    let drafts = marked(service, "Drafts", (key, "DocObjectCode eq 'oOrders'"))?;
    Ok(drafts.first().map(|it| {
        let message = format!("draft {} of this order waits for an approval: approve it or delete it", it.entry);
        Outcome::rejected("awaits-approval", message)
    }))
}

/// Connectors leave out lines that would be booked wrong, and say why in their logs.
const NO_NET_LINES: &str = "the lines of this order cannot be booked as they are: where it was placed, its prices include \
                            taxes, or a discount of the whole order stands in no line; it is to be entered by hand";

fn body(service: &Service<'_>, write: &Write, order: &Order) -> Result<Body, Outcome> {
    let settings = &service.settings;
    let company = order.company.as_ref();
    let company = company.ok_or_else(|| Outcome::rejected("incomplete", "an order needs a company"))?;
    let day = order.placed_at.as_ref().and_then(|it| local(service, it));
    let day = day.unwrap_or_else(|| settings.zone.local(service.ctx.now_ms));
    let mut texts = BTreeMap::from([mark(settings, &write.command_key)]);
    if let (Some(_), Some(po_number)) = (&settings.reference_field, order.po_number.as_ref()) {
        texts.insert("NumAtCard".to_owned(), po_number.clone());
    }
    Ok(Body {
        company: company.clone(),
        day: day.date().to_string(),
        due: days_later(day, settings.due_days).date().to_string(),
        currency: order.currency.as_ref().map(|it| settings.currency_code(it)),
        series: settings.order_series,
        texts,
        discount: Bare(Decimal::ZERO),
        lines: lines(settings.order_warehouse.as_deref(), order)?,
        expenses: expenses(&settings.charges, order)?,
    })
}

fn expenses(book: &ChargeBook, order: &Order) -> Result<Vec<WrittenExpense>, Outcome> {
    let written = |(code, amount): (String, Decimal)| {
        let no_code =
            |_| Outcome::rejected("invalid", format!("setting `{SETTING}`: `{code}` is no code of an expense"));
        Ok(WrittenExpense { code: code.parse().map_err(no_code)?, total: Bare(amount) })
    };
    book.lines(order)?.into_iter().map(written).collect()
}

fn lines(warehouse: Option<&str>, order: &Order) -> Result<Vec<WrittenLine>, Outcome> {
    if order.lines == Held::Unknown {
        return Err(Outcome::rejected("no-net-lines", NO_NET_LINES));
    }
    let lines = order.lines.as_ref().filter(|it| !it.is_empty());
    let lines = lines.ok_or_else(|| Outcome::rejected("incomplete", "an order needs lines"))?;
    let line = |it: &truthsource_sdk::kinds::Line| {
        let sku = it.sku.as_deref().unwrap_or("without SKU");
        let item = it.item.clone();
        Ok(WrittenLine {
            item: item.ok_or_else(|| Outcome::rejected("no-item", format!("line {sku} has no item here")))?,
            quantity: Bare(it.quantity),
            price: Bare(it.unit_price),
            discount: Bare(Decimal::ZERO),
            warehouse: warehouse.map(str::to_owned),
        })
    };
    lines.iter().map(line).collect()
}

/// The company's day of a moment. A date is one already, wherever it was written.
fn local(service: &Service<'_>, placed_at: &str) -> Option<DateTime> {
    let at = moment::parse(placed_at).map(|it| service.settings.zone.local(it));
    at.or_else(|| Some(date(placed_at.get(..10)?)?.to_datetime(jiff::civil::Time::midnight())))
}
