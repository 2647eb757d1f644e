//! What becomes of orders that are posted: their shipments and invoices stay, and they are deleted with the last one.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::kinds::{Order, Record, Status};
use truthsource_sdk::value::Held;

use super::books::{Books, Query};
use super::cursor::Walk;
use super::order::{self, is_own};
use super::settings::Place;
use super::{memory, parcel};
use crate::odata::Row;

const INVOICES: &str = "salesInvoices";
const INVOICE: &str = "id,orderId,orderNumber,externalDocumentNumber,customerId,currencyCode,lastModifiedDateTime";
const SHIPMENTS: &str = "salesShipments";
const SHIPMENT: &str = "id,orderNumber,externalDocumentNumber,customerId,currencyCode,lastModifiedDateTime";
/// Documents of one page; whether their orders still stand is asked together.
const PAGE: u32 = 40;

/// How many stages a walk over orders has: orders, invoices, and in a delta shipments, which move an order's lines and
/// not always the order.
pub(crate) fn stages(walk: &Walk) -> u8 {
    if walk.is_complete() { 2 } else { 3 }
}

/// The next page of documents, and what their orders are now.
pub(crate) fn pull(books: &Books<'_>, walk: &Walk) -> Result<Page, Fault> {
    let (set, select) = if walk.stage == 1 { (INVOICES, INVOICE) } else { (SHIPMENTS, SHIPMENT) };
    let filter = if walk.is_complete() { "orderNumber ne ''".to_owned() } else { walk.changed("lastModifiedDateTime") };
    let page = books.page(&Place::standard(set), &Query::of(select).only(filter), walk.next.as_deref(), PAGE)?;
    let found = if walk.stage == 1 { of_invoices(books, walk, &page.rows)? } else { of_shipments(books, &page.rows)? };
    Ok(walk.turn(found.into_iter().map(Observed::Present).collect(), page.next, stages(walk)))
}

fn of_invoices(books: &Books<'_>, walk: &Walk, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let remembered = memory::numbers(books);
    let by_number: BTreeMap<&str, &str> =
        remembered.iter().map(|(id, number)| (number.as_str(), id.as_str())).collect();
    let mut by_order: BTreeMap<String, &Row> = BTreeMap::new();
    for row in rows {
        let number = row.text("orderNumber");
        let remembered = number.as_deref().and_then(|it| by_number.get(it)).map(|it| (*it).to_owned());
        if let Some(id) = row.id("orderId").or(remembered) {
            by_order.insert(id, row);
        }
    }
    let ids: Vec<String> = by_order.keys().cloned().collect();
    // A complete listing has come across those that stand already.
    let (stands, mut found) = if walk.is_complete() {
        (order::existing(books, &ids)?, Vec::new())
    } else {
        let found = order::standing(books, &ids)?;
        (found.iter().map(|it| it.remote_id.clone()).collect(), found)
    };
    let gone: Vec<(String, &Row)> = by_order.into_iter().filter(|(id, _)| !stands.contains(id)).collect();
    let numbers = gone.iter().filter_map(|(id, row)| Some((id.clone(), row.text("orderNumber")?))).collect();
    let mut posted: Vec<State> = gone.into_iter().map(|(id, row)| state(books, id, row, Status::Fulfilled)).collect();
    parcel::fill(books, &mut posted, &numbers)?;
    found.extend(posted);
    Ok(found)
}

fn of_shipments(books: &Books<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let numbers: BTreeSet<String> = rows.iter().filter_map(|it| it.text("orderNumber")).collect();
    order::of_numbers(books, numbers.iter().map(String::as_str))
}

/// What became of orders that are none any more. Those of which there is no trace are left out.
pub(crate) fn of_ids(books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut open: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let (mut found, mut numbered) = (Vec::new(), BTreeMap::new());
    let mut take = |books: &Books<'_>, id: String, row: &Row, status: Status, open: &mut BTreeSet<&str>| {
        if open.remove(id.as_str()) {
            numbered.extend(row.text("orderNumber").map(|it| (id.clone(), it)));
            found.push(state(books, id, row, status));
        }
    };
    // Invoiced in full, as the invoice says itself.
    for row in documents(books, (INVOICES, INVOICE), ("orderId", false), &open)? {
        if let Some(id) = row.id("orderId") {
            take(books, id, &row, Status::Fulfilled, &mut open);
        }
    }
    let remembered: BTreeMap<String, String> =
        memory::numbers(books).into_iter().filter(|it| open.contains(it.0.as_str())).map(|(id, n)| (n, id)).collect();
    let numbers: BTreeSet<&str> = remembered.keys().map(String::as_str).collect();
    // Shipped, and then closed by somebody before it was invoiced.
    for (document, status) in [((INVOICES, INVOICE), Status::Fulfilled), ((SHIPMENTS, SHIPMENT), Status::Closed)] {
        for row in documents(books, document, ("orderNumber", true), &numbers)? {
            if let Some(id) = row.text("orderNumber").and_then(|it| remembered.get(&it)) {
                take(books, id.clone(), &row, status, &mut open);
            }
        }
    }
    // Orders that were found by their documents alone are known by those.
    for (document, status) in [((INVOICES, INVOICE), Status::Fulfilled), ((SHIPMENTS, SHIPMENT), Status::Closed)] {
        for row in documents(books, document, ("id", false), &open)? {
            take(books, row.must("id")?.to_lowercase(), &row, status, &mut open);
        }
    }
    parcel::fill(books, &mut found, &numbered)?;
    Ok(found)
}

fn documents(
    books: &Books<'_>,
    (set, select): (&str, &str),
    column: (&str, bool),
    values: &BTreeSet<&str>,
) -> Result<Vec<Row>, Fault> {
    books.any_of(&Place::standard(set), &Query::of(select), column, values.iter().copied())
}

/// The order that was created under this key and is none any more.
pub(crate) fn find(books: &Books<'_>, key: &str) -> Result<Option<State>, Fault> {
    for (document, status) in [((INVOICES, INVOICE), Status::Fulfilled), ((SHIPMENTS, SHIPMENT), Status::Closed)] {
        let rows = documents(books, document, ("externalDocumentNumber", true), &BTreeSet::from([key]))?;
        if let Some(row) = rows.first() {
            let number = row.text("orderNumber");
            let remembered = memory::numbers(books).into_iter().find(|it| Some(&it.1) == number.as_ref());
            let id = row.id("orderId").or(remembered.map(|it| it.0));
            let id = id.map_or_else(|| row.must("id").map(|it| it.to_lowercase()), Ok)?;
            let numbered = number.map(|it| (id.clone(), it)).into_iter().collect();
            let mut found = [state(books, id, row, status)];
            parcel::fill(books, &mut found, &numbered)?;
            return Ok(found.into_iter().next());
        }
    }
    Ok(None)
}

/// An order as one of its documents tells of it. How many documents there are, and so its lines and its total, is not
/// known from one.
fn state(books: &Books<'_>, id: String, row: &Row, status: Status) -> State {
    let external = row.text("externalDocumentNumber");
    let is_own = is_own(external.as_deref());
    let fields = Order {
        number: row.text("orderNumber").filter(|_| !is_own).map_or(Held::Unknown, Held::Is),
        po_number: if is_own { Held::Unknown } else { external.clone().into() },
        company: row.id("customerId").map_or(Held::Unknown, Held::Is),
        currency: books.settings.currency_of(row.text("currencyCode")).into(),
        status: status.into(),
        ..Order::default()
    };
    State {
        remote_id: id,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: row.moment("lastModifiedDateTime"),
        command_key: external.filter(|_| is_own).map(|it| it.to_lowercase()),
    }
}
