//! Orders: sales orders with their lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Charge, Fulfilment, Line, Order, Record, Status};
use truthsource_sdk::{Decimal, Fault, edits, moment, value::Held};

use crate::catalog::Catalog;
use crate::clock::{self, Clock, FORMAT};
use crate::cursor::Walk;
use crate::listing::{Listing, deleted};
use crate::parcel;
use crate::push::{change, read_back};
use crate::query::{Row, Rows, ask, ask_all, beyond, marks, numeric};
use crate::record::{Id, Ref, Sublist, trimmed};
use crate::wire::Account;

pub(crate) const LISTING: Listing = Listing {
    select: "SELECT id, tranid, entity, TO_CHAR(trandate, 'YYYY-MM-DD') AS day, status, externalid, otherrefnum, \
             currency, foreigntotal, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lm FROM transaction",
    filter: "type = 'SalesOrd'",
    id: "id",
    changed: "lastmodifieddate",
};
const LINE_KEY: [&str; 2] = ["transaction", "linesequencenumber"];
/// Orders of one page; their lines are asked for together.
const PAGE: usize = 200;

pub(crate) fn pull(account: &Account<'_>, clock: &Clock, walk: &Walk) -> Result<Page, Fault> {
    let page = match walk.since_ms {
        None => LISTING.page(account, clock, walk, PAGE)?,
        Some(since_ms) => changed(account, clock, walk, since_ms)?,
    };
    let more = page.more;
    let found = states(account, clock, &page.rows)?;
    match found.last() {
        Some(last) if more => {
            let after = last.remote_id.clone();
            Ok(walk.go_on(found, after))
        }
        _ => Ok(walk.end(found, deleted(account, clock, walk, &["salesorder"])?)),
    }
}

/// Orders that changed themselves or in one of their lines: NetSuite stamps the two apart.
fn changed(account: &Account<'_>, clock: &Clock, walk: &Walk, since_ms: u64) -> Result<Rows, Fault> {
    let [after] = walk.after_parts::<1>()?;
    let since = clock.shown(since_ms);
    let q = format!(
        "SELECT DISTINCT t.id AS id FROM transaction t JOIN transactionline l ON l.transaction = t.id \
         WHERE t.type = 'SalesOrd' AND t.id > ? AND (t.lastmodifieddate >= TO_TIMESTAMP(?, '{FORMAT}') \
         OR l.linelastmodifieddate >= TO_TIMESTAMP(?, '{FORMAT}')) ORDER BY id"
    );
    let page = ask(account, &q, &[after, since.clone(), since], PAGE)?;
    let ids = page.rows.iter().map(|it| it.must("id")).collect::<Result<Vec<_>, _>>()?;
    Ok(Rows { rows: LISTING.of_ids(account, &ids)?, more: page.more })
}

pub(crate) fn read(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let rows = LISTING.of_ids(account, ids)?;
    states(account, clock, &rows)
}

/// Orders as their records are now.
pub(crate) fn certain(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    let found = numeric(ids).into_iter().filter_map(|id| look(account, &catalog, &id).transpose());
    LISTING.dated(account, clock, found.collect::<Result<_, _>>()?)
}

fn states(account: &Account<'_>, clock: &Clock, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    let ids = rows.iter().map(|it| it.must("id")).collect::<Result<Vec<_>, _>>()?;
    let mut lines = lines(account, &ids)?;
    let is_begun = |it: &&Row| it.text("status").is_some_and(|it| may_have_left(status(&it)));
    let begun: Vec<String> = rows.iter().filter(is_begun).filter_map(|it| it.text("id")).collect();
    let mut left = parcel::left(account, &begun)?;
    let state = |row: &Row| {
        let id = row.must("id")?;
        let lines = lines.remove(&id).unwrap_or_default();
        state(&catalog, (account, clock), row, (lines, left.remove(&id).unwrap_or_default()))
    };
    rows.iter().map(state).collect()
}

/// What stands in the lines of an order: goods, and what is charged beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sold {
    goods: Vec<Line>,
    charges: Vec<Charge>,
}

impl Sold {
    /// Takes a line in. What is booked as a charge is one, whatever it is called.
    fn take(&mut self, book: &ChargeBook, item: String, (quantity, rate): (Option<Decimal>, Option<Decimal>)) {
        let unit_price = rate.unwrap_or(Decimal::ZERO);
        if let Some(kind) = book.kind_of(&item) {
            let amount = unit_price.checked_mul(quantity.unwrap_or(Decimal::ONE)).unwrap_or(unit_price);
            self.charges.push(Charge::new(kind, amount));
        } else if let Some(quantity) = quantity {
            self.goods.push(Line { item: Some(item), sku: None, quantity, unit_price });
        }
    }
}

/// The lines of these orders, by order. Main lines, taxes and texts are none.
fn lines(account: &Account<'_>, ids: &[String]) -> Result<BTreeMap<String, Sold>, Fault> {
    let mut lines: BTreeMap<String, Sold> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(lines);
    }
    let rows = ask_all(account, |last| {
        let mut q = format!(
            "SELECT transaction, linesequencenumber, item, quantity, rate FROM transactionline \
             WHERE transaction IN {} AND mainline = 'F' AND taxline = 'F'",
            marks(ids.len())
        );
        let mut params = ids.to_vec();
        if let Some(last) = last {
            let (condition, more) = beyond(&LINE_KEY, &[last.must("transaction")?, last.must("linesequencenumber")?]);
            q.push_str(&format!(" AND {condition}"));
            params.extend(more);
        }
        Ok((format!("{q} ORDER BY transaction, linesequencenumber"), params))
    })?;
    for row in rows {
        let Some(item) = row.text("item") else { continue };
        // Accounts show goods that leave as negative, or do not.
        let sold = (row.number("quantity")?.map(magnitude), row.number("rate")?);
        lines.entry(row.must("transaction")?).or_default().take(&account.settings.charges, item, sold);
    }
    Ok(lines)
}

fn state(
    catalog: &Catalog,
    (account, clock): (&Account<'_>, &Clock),
    row: &Row,
    (sold, left): (Sold, Vec<Fulfilment>),
) -> Result<State, Fault> {
    let external_id = row.text("externalid");
    let fields = Order {
        number: number(row.text("tranid"), external_id.as_deref()),
        company: row.text("entity").into(),
        po_number: row.text("otherrefnum").into(),
        currency: catalog.currency(account, row.text("currency").as_deref()).map_or(Held::Unknown, Held::Is),
        placed_at: placed_at(row.text("day"), external_id.as_deref()),
        status: row.text("status").and_then(|it| status(&it)).map_or(Held::Unknown, Held::Is),
        total: row.number("foreigntotal")?.map(magnitude).into(),
        lines: sold.goods.into(),
        charges: sold.charges.into(),
        fulfilments: left.into(),
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
    };
    Ok(State {
        remote_id: row.must("id")?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: clock.changed_at(row, "lm"),
        command_key: external_id,
    })
}

fn magnitude(number: Decimal) -> Decimal {
    if number.is_negative() { -number } else { number }
}

/// The number people quote: NetSuite's own, unless the order came from elsewhere and has its number there.
fn number(tran_id: Option<String>, external_id: Option<&str>) -> Held<String> {
    if external_id.is_some() { Held::Unknown } else { tran_id.into() }
}

/// The day of an order. Of one that came from elsewhere the books keep the day on which its moment fell here, and the
/// moment itself is not known.
fn placed_at(day: Option<String>, external_id: Option<&str>) -> Held<String> {
    if external_id.is_some() { Held::Unknown } else { day.into() }
}

/// The status behind `B` or `SalesOrd:B`. One that is not known is not told.
fn status(letter: &str) -> Option<Status> {
    Some(match letter.rsplit(':').next()?.trim() {
        "A" => Status::OnHold,
        "B" => Status::Open,
        "C" => Status::Cancelled,
        "D" | "E" => Status::PartiallyFulfilled,
        "F" | "G" => Status::Fulfilled,
        "H" => Status::Closed,
        _ => return None,
    })
}

/// Something may have left of an order that has come so far.
fn may_have_left(status: Option<Status>) -> bool {
    matches!(status, Some(Status::PartiallyFulfilled | Status::Fulfilled | Status::Closed))
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderRecord {
    id: Id,
    #[serde(default)]
    tran_id: Option<String>,
    #[serde(default)]
    tran_date: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    entity: Option<Ref>,
    #[serde(default)]
    currency: Option<Ref>,
    #[serde(default)]
    other_ref_num: Option<String>,
    #[serde(default)]
    order_status: Option<Ref>,
    #[serde(default)]
    total: Option<Decimal>,
    #[serde(default)]
    item: Option<Sublist<LineRecord>>,
    #[serde(default)]
    last_modified_date: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineRecord {
    #[serde(default)]
    item: Option<Ref>,
    #[serde(default)]
    quantity: Option<Decimal>,
    #[serde(default)]
    quantity_fulfilled: Option<Decimal>,
    #[serde(default)]
    rate: Option<Decimal>,
}

impl LineRecord {
    fn is_goods(&self, book: &ChargeBook) -> bool {
        self.item.as_ref().is_none_or(|it| book.kind_of(&it.id.0).is_none())
    }
}

pub(crate) fn find(account: &Account<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    look(account, &Catalog::read(account)?, &format!("eid:{command_key}"))
}

fn look(account: &Account<'_>, catalog: &Catalog, id: &str) -> Result<Option<State>, Fault> {
    let record: Option<OrderRecord> = account.get(&format!("record/v1/salesOrder/{id}?expandSubResources=true"))?;
    let Some(record) = record else { return Ok(None) };
    let left = left(account, &record)?;
    Ok(Some(state_of(account, catalog, record, left)))
}

/// What left of an order. Its record says how much, and only a search says in which parcels: what it has not found yet is
/// not known.
fn left(account: &Account<'_>, record: &OrderRecord) -> Result<Held<Vec<Fulfilment>>, Fault> {
    let status = record.order_status.as_ref().and_then(|it| status(&it.id.0));
    if !may_have_left(status) {
        return Ok(status.map_or(Held::Unknown, |_| Held::Is(Vec::new())));
    }
    let id = record.id.0.clone();
    let left = parcel::left(account, std::slice::from_ref(&id))?.remove(&id).unwrap_or_default();
    let lines = record.item.iter().flat_map(|it| &it.items).filter(|it| it.is_goods(&account.settings.charges));
    let told = lines.filter_map(|it| it.quantity_fulfilled).try_fold(Decimal::ZERO, Decimal::checked_add);
    let found = left.iter().map(|it| it.quantity).try_fold(Decimal::ZERO, Decimal::checked_add);
    Ok(if told == found { Held::Is(left) } else { Held::Unknown })
}

fn state_of(
    account: &Account<'_>,
    catalog: &Catalog,
    record: OrderRecord,
    fulfilments: Held<Vec<Fulfilment>>,
) -> State {
    let external_id = trimmed(record.external_id);
    let sold = record.item.map(|it| {
        let mut sold = Sold::default();
        for line in it.items {
            let Some(item) = line.item else { continue };
            sold.take(&account.settings.charges, item.id.0, (line.quantity, line.rate));
        }
        sold
    });
    let (lines, charges) = sold.map(|it| (it.goods, it.charges)).unzip();
    let currency = record.currency.map(|it| it.id.0);
    let fields = Order {
        number: number(trimmed(record.tran_id), external_id.as_deref()),
        company: record.entity.map(|it| it.id.0).into(),
        po_number: trimmed(record.other_ref_num).into(),
        currency: catalog.currency(account, currency.as_deref()).map_or(Held::Unknown, Held::Is),
        placed_at: placed_at(trimmed(record.tran_date), external_id.as_deref()),
        status: record.order_status.and_then(|it| status(&it.id.0)).map_or(Held::Unknown, Held::Is),
        total: record.total.map_or(Held::Unknown, Held::Is),
        lines: lines.map_or(Held::Unknown, Held::Is),
        charges: charges.map_or(Held::Unknown, Held::Is),
        fulfilments,
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
    };
    State {
        remote_id: record.id.0,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: record.last_modified_date.as_deref().and_then(moment::parse),
        command_key: external_id,
    }
}

#[derive(Serialize)]
struct Reference {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    entity: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    tran_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_ref_num: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Reference>,
    subsidiary: Reference,
    item: Lines,
}

/// What is changed of an order that is booked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    #[serde(skip_serializing_if = "Option::is_none")]
    other_ref_num: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Lines>,
}

#[derive(Serialize)]
struct Lines {
    items: Vec<WrittenLine>,
}

#[derive(Serialize)]
struct WrittenLine {
    item: Reference,
    quantity: Bare,
    rate: Bare,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Reference>,
}

/// Creates an order, changes its PO number or what it is made of, or calls it off; whatever else an order says is final once
/// it is in the books.
pub(crate) fn push(account: &Account<'_>, catalog: &Catalog, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else { return create_order(account, catalog, write) };
    let is_written = |it: &&String| matches!(it.as_str(), "po_number" | "status" | "lines" | "charges");
    if let Some(fixed) = write.changed.iter().find(|it| !is_written(it)) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
    if write.changes("status") {
        return call_off(account, catalog, write, id);
    }
    let order = Order::from_fields(&write.want)?;
    let send = |held: &State| {
        let other_ref_num = write.changes("po_number").then(|| order.po_number.as_ref().cloned());
        let path = format!("record/v1/salesOrder/{id}");
        if !edits::is_edit(write) {
            return account.write("PATCH", &path, &Edit { other_ref_num, item: None });
        }
        if !edits::is_untouched(&held.fields).unwrap_or(false) {
            return Err(edits::question(write, "some of it has left here, or somebody has ended it"));
        }
        let item = Some(Lines { items: items(account, &order)? });
        // Without `replace` lines would be added to those that are there.
        account.write("PATCH", &format!("{path}?replace=item"), &Edit { other_ref_num, item })
    };
    change(write, id, || look(account, catalog, id), send)
}

/// Calls an order off of which nothing has left: what has left comes back by another way than this.
fn call_off(account: &Account<'_>, catalog: &Catalog, write: &Write, id: &str) -> Result<Outcome, Fault> {
    let path = format!("record/v1/salesOrder/{id}");
    let send = |held: &State| {
        let status = Order::from_fields(&held.fields).ok().and_then(|it| it.status.into_option());
        match status {
            Some(Status::Open | Status::OnHold) => {
                account.write("PATCH", &path, &json!({ "orderStatus": { "id": "C" } }))
            }
            _ => Err(Outcome::rejected("has-left", HAS_LEFT)),
        }
    };
    change(write, id, || look(account, catalog, id), send)
}

const HAS_LEFT: &str = "it was called off where it was placed, and some of it has left here: somebody has to decide what \
                        comes back";

/// Connectors leave out lines that would be booked wrong, and say why in their logs.
const NO_NET_LINES: &str = "the lines of this order cannot be booked as they are: where it was placed, its prices include \
                            taxes, or a discount of the whole order stands in no line; it is to be entered by hand";

/// Creates an order, unless an earlier try has. Without `replace`, a request that is repeated would add its lines once
/// more.
fn create_order(account: &Account<'_>, catalog: &Catalog, write: &Write) -> Result<Outcome, Fault> {
    let look = || look(account, catalog, &format!("eid:{}", write.command_key));
    if let Some(held) = look()? {
        return Ok(Outcome::Applied(held));
    }
    let clock = clock::read(account)?;
    let path = format!("record/v1/salesOrder/eid:{}?replace=item", write.command_key);
    let sent = body(account, (catalog, &clock), &Order::from_fields(&write.want)?)
        .and_then(|body| account.write("PUT", &path, &body));
    Ok(sent.err().unwrap_or_else(|| read_back(look)))
}

/// What an order is made of, as it is written.
fn items(account: &Account<'_>, order: &Order) -> Result<Vec<WrittenLine>, Outcome> {
    let reference = |id: &str| Reference { id: id.to_owned() };
    if order.lines == Held::Unknown {
        return Err(Outcome::rejected("no-net-lines", NO_NET_LINES));
    }
    let lines = order.lines.as_ref().filter(|it| !it.is_empty());
    let lines = lines.ok_or_else(|| Outcome::rejected("incomplete", "an order needs lines"))?;
    let charges = account.settings.charges.lines(order)?;
    let mut items = Vec::with_capacity(lines.len() + charges.len());
    for line in lines {
        let sku = line.sku.as_deref().unwrap_or("without SKU");
        let item = line.item.as_deref();
        let item = item.ok_or_else(|| Outcome::rejected("no-item", format!("line {sku} has no item here")))?;
        items.push(WrittenLine {
            item: reference(item),
            quantity: Bare(line.quantity),
            rate: Bare(line.unit_price),
            location: account.settings.order_location.as_deref().map(reference),
        });
    }
    items.extend(charges.into_iter().map(|(item, amount)| WrittenLine {
        item: reference(&item),
        quantity: Bare(Decimal::ONE),
        rate: Bare(amount),
        location: None,
    }));
    Ok(items)
}

fn body(account: &Account<'_>, (catalog, clock): (&Catalog, &Clock), order: &Order) -> Result<Body, Outcome> {
    let reference = |id: &str| Reference { id: id.to_owned() };
    let company = order.company.as_ref();
    let company = company.ok_or_else(|| Outcome::rejected("incomplete", "an order needs a company"))?;
    let items = items(account, order)?;
    let currency = order.currency.as_ref().map(|code| {
        let id = catalog.currency_id(account, code).map(|id| Reference { id });
        id.ok_or_else(|| Outcome::rejected("unknown-currency", format!("the account has no currency {code}")))
    });
    Ok(Body {
        entity: reference(company),
        tran_date: order.placed_at.as_ref().and_then(|it| day(clock, it)),
        other_ref_num: order.po_number.as_ref().cloned(),
        currency: currency.transpose()?.filter(|_| account.settings.multi_currency),
        subsidiary: reference(&account.settings.subsidiary),
        item: Lines { items },
    })
}

/// The account's day of a moment, which is all that NetSuite keeps. A date is one already, wherever it was written.
fn day(clock: &Clock, placed_at: &str) -> Option<String> {
    moment::parse(placed_at).map(|at_ms| clock.day(at_ms)).or_else(|| date(placed_at))
}

/// The date that a text begins with: `2026-11-22` of `2026-11-22T01:00:00Z`.
pub(crate) fn date(placed_at: &str) -> Option<String> {
    let date = placed_at.get(..10)?;
    moment::parse(&format!("{date}T00:00:00Z")).map(|_| date.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_letter_and_unknown_ones_are_not_told() {
        let check = |letter: &str, expect: Option<Status>| assert_eq!(status(letter), expect, "{letter}");
        check("A", Some(Status::OnHold));
        check("SalesOrd:B", Some(Status::Open));
        check("C", Some(Status::Cancelled));
        check("E", Some(Status::PartiallyFulfilled));
        check("G", Some(Status::Fulfilled));
        check("H", Some(Status::Closed));
        check("Z", None);
    }

    #[test]
    fn only_dates_are_days() {
        assert_eq!(date("2026-11-22T01:00:00Z").as_deref(), Some("2026-11-22"));
        assert_eq!(date("2026-11-22").as_deref(), Some("2026-11-22"));
        assert_eq!(date("22.11.2026 1:00"), None);
    }

    #[test]
    fn an_order_from_elsewhere_keeps_its_number_and_its_moment_there() {
        assert_eq!(number(Some("SO7".to_owned()), None), Held::Is("SO7".to_owned()));
        assert_eq!(number(Some("SO7".to_owned()), Some("cmd-1")), Held::Unknown);
        assert_eq!(placed_at(Some("2026-11-22".to_owned()), None), Held::Is("2026-11-22".to_owned()));
        assert_eq!(placed_at(Some("2026-11-22".to_owned()), Some("cmd-1")), Held::Unknown);
    }
}
