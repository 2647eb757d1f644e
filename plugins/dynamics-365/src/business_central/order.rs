//! Orders: sales orders with their lines.
//!
//! An order that was posted in full is deleted, and lives on in its invoices; see [`super::posted`]. One that is not
//! there any more was not called off.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::kinds::{Charge, ChargeKind, Fulfilment, Line, Order, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault};

use super::books::{Books, Query};
use super::cursor::Walk;
use super::numbers::{Known, by_id};
use super::settings::Place;
use super::{memory, parcel, posted};
use crate::odata::{Row, is_guid};

/// Orders of one page, with all of their lines, whose items are asked for together: a call has 64 requests.
const PAGE: u32 = 40;
const SELECT: &str = "id,number,externalDocumentNumber,orderDate,customerId,currencyCode,pricesIncludeTax,discountAmount,\
                      totalAmountIncludingTax,fullyShipped,status,lastModifiedDateTime";
const LINES: &str = "salesOrderLines";
/// What the command keys of orders begin with, as codes are kept: in capitals.
const OWN: &str = "TS-";
/// The first line of an order that was made here says the customer's own number: the field for it holds our key.
pub(crate) const PO_NUMBER: &str = "PO number: ";

pub(crate) fn place() -> Place {
    Place::standard("salesOrders")
}

fn query() -> Query {
    Query { expand: LINES, ..Query::of(SELECT) }
}

pub(crate) fn pull(books: &Books<'_>, walk: &Walk) -> Result<Page, Fault> {
    if walk.stage > 0 {
        return posted::pull(books, walk);
    }
    let query = query().only(walk.changed("lastModifiedDateTime"));
    let page = books.page(&place(), &query, walk.next.as_deref(), PAGE)?;
    let found = states(books, &page.rows)?;
    Ok(walk.turn(found.into_iter().map(Observed::Present).collect(), page.next, posted::stages(walk)))
}

/// Orders of these ids, those that were posted in full among them.
pub(crate) fn read(books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut found = standing(books, ids)?;
    let missing: Vec<String> =
        ids.iter().filter(|id| is_guid(id) && !found.iter().any(|it| it.remote_id == **id)).cloned().collect();
    found.extend(posted::of_ids(books, &missing)?);
    let seen: BTreeSet<String> = found.iter().map(|it| it.remote_id.clone()).collect();
    let gone = missing.iter().filter(|it| !seen.contains(*it));
    let known: BTreeSet<String> = memory::numbers(books).into_iter().map(|(id, _)| id).collect();
    found.extend(gone.filter(|it| known.contains(*it)).map(|it| called_off(it)));
    Ok(found)
}

/// An order that was seen once, and that is neither there nor among what was posted: nobody calls an order off here but by
/// deleting it.
pub(crate) fn called_off(id: &str) -> State {
    let fields = Order { status: Status::Cancelled.into(), ..Order::default() };
    State { remote_id: id.to_owned(), fields: fields.into_fields(), ..State::default() }
}

/// An order that is still one, with the lines that stand in it.
pub(crate) struct Document {
    pub state: State,
    pub head: Row,
    pub lines: Vec<Row>,
}

/// The order of this id, if it is still one.
pub(crate) fn document(books: &Books<'_>, id: &str) -> Result<Option<Document>, Fault> {
    let ids = [id].into_iter().filter(|it| is_guid(it));
    let Some(head) = books.any_of(&place(), &query(), ("id", false), ids)?.pop() else { return Ok(None) };
    let lines = head.rows(LINES)?.unwrap_or_default();
    let state = states(books, std::slice::from_ref(&head))?.pop();
    Ok(state.map(|state| Document { state, head, lines }))
}

/// The lines of an order, as a collection that new ones are added to.
pub(crate) fn lines_of(id: &str) -> Place {
    Place::standard(&format!("salesOrders({id})/{LINES}"))
}

/// Orders of these ids that are still orders.
pub(crate) fn standing(books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids = ids.iter().map(String::as_str).filter(|it| is_guid(it));
    states(books, &books.any_of(&place(), &query(), ("id", false), ids)?)
}

/// Which of these ids are still orders.
pub(crate) fn existing(books: &Books<'_>, ids: &[String]) -> Result<BTreeSet<String>, Fault> {
    let rows = books.any_of(&place(), &Query::of("id"), ("id", false), ids.iter().map(String::as_str))?;
    Ok(rows.iter().filter_map(|it| it.id("id")).collect())
}

/// Orders of these numbers that are still orders.
pub(crate) fn of_numbers<'v>(
    books: &Books<'_>,
    numbers: impl IntoIterator<Item = &'v str>,
) -> Result<Vec<State>, Fault> {
    states(books, &books.any_of(&place(), &query(), ("number", true), numbers)?)
}

/// The order that was created under this key, in whatever state.
pub(crate) fn find(books: &Books<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let key = command_key.to_uppercase();
    let rows = books.any_of(&place(), &query(), ("externalDocumentNumber", true), [key.as_str()])?;
    if let Some(state) = states(books, &rows)?.into_iter().next() {
        return Ok(Some(state));
    }
    posted::find(books, &key)
}

/// Whether an order says that it was made here.
pub(crate) fn is_own(external: Option<&str>) -> bool {
    external.is_some_and(|it| it.to_uppercase().starts_with(OWN))
}

fn states(books: &Books<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let mut lines: Vec<Vec<Row>> = Vec::with_capacity(rows.len());
    for row in rows {
        lines.push(row.rows(LINES)?.unwrap_or_default());
    }
    let ids: Vec<String> = lines.iter().flatten().filter_map(|it| it.id("itemId")).collect();
    let items = by_id(books, ids.iter().map(String::as_str))?;
    let mut begun = Vec::new();
    for (row, lines) in rows.iter().zip(&lines) {
        let status = status(row, lines)?;
        begun.extend(
            row.text("number").filter(|_| matches!(status, Some(Status::PartiallyFulfilled | Status::Fulfilled))),
        );
    }
    let left = parcel::left(books, begun.iter().map(String::as_str))?;
    let state = |(row, lines): (&Row, &Vec<Row>)| state(books, (&items, &left), row, lines);
    let found: Vec<State> = rows.iter().zip(&lines).map(state).collect::<Result<_, _>>()?;
    memory::remember(books, rows.iter().filter_map(|it| Some((it.id("id")?, it.text("number")?))));
    Ok(found)
}

type Left = BTreeMap<String, Vec<Fulfilment>>;

fn state(
    books: &Books<'_>,
    (items, left): (&BTreeMap<String, Known>, &Left),
    row: &Row,
    lines: &[Row],
) -> Result<State, Fault> {
    let external = row.text("externalDocumentNumber");
    let is_own = is_own(external.as_deref());
    let sold = told((items, &books.settings.charges), row, lines)?;
    let fields = Order {
        // An order from elsewhere has its number and its moment there.
        number: if is_own { Held::Unknown } else { row.text("number").into() },
        placed_at: if is_own { Held::Unknown } else { row.day("orderDate").into() },
        po_number: if is_own { po_number(lines).into() } else { external.clone().into() },
        company: row.id("customerId").into(),
        currency: books.settings.currency_of(row.text("currencyCode")).into(),
        status: status(row, lines)?.map_or(Held::Unknown, Held::Is),
        total: row.number("totalAmountIncludingTax")?.filter(|it| !it.is_negative()).map_or(Held::Unknown, Held::Is),
        lines: sold.as_ref().map(|it| it.0.clone()).map_or(Held::Unknown, Held::Is),
        charges: sold.map(|it| it.1).map_or(Held::Unknown, Held::Is),
        fulfilments: row.text("number").and_then(|it| left.get(&it)).cloned().unwrap_or_default().into(),
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
    };
    Ok(State {
        remote_id: row.must("id")?.to_lowercase(),
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("lastModifiedDateTime"),
        command_key: external.filter(|_| is_own).map(|it| it.to_lowercase()),
    })
}

fn po_number(lines: &[Row]) -> Option<String> {
    let described = lines.iter().filter_map(|it| it.text("description"));
    described.filter_map(|it| it.strip_prefix(PO_NUMBER.trim_end()).map(|it| it.trim().to_owned())).next()
}

/// How far an order has come; `None` for a status that is not known. One that is called off is deleted.
fn status(row: &Row, lines: &[Row]) -> Result<Option<Status>, Fault> {
    let mut is_shipped = false;
    for line in lines {
        is_shipped |= line.number("shippedQuantity")?.is_some_and(|it| it > Decimal::ZERO);
    }
    if is_shipped {
        let is_whole = row.flag("fullyShipped") == Some(true);
        return Ok(Some(if is_whole { Status::Fulfilled } else { Status::PartiallyFulfilled }));
    }
    Ok(match row.choice("status").as_deref() {
        Some("Draft" | "Open" | "Released") => Some(Status::Open),
        Some("In Review" | "Pending Approval" | "Pending Prepayment") => Some(Status::OnHold),
        _ => None,
    })
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Goods,
    Account,
}

/// What a line is about; `None`: it is mere text, or of nothing.
pub(crate) fn about(line: &Row) -> Result<Option<About>, Fault> {
    let is_of_nothing = line.number("quantity")?.is_none_or(|it| it == Decimal::ZERO);
    Ok(match line.choice("lineType").as_deref() {
        _ if is_of_nothing => None,
        Some("Comment") => None,
        Some("Account") => Some(About::Account),
        _ => Some(About::Goods),
    })
}

/// Goods, and what is charged beside them.
type Sold = (Vec<Line>, Vec<Charge>);

/// The lines, where they can be told: without taxes in their prices, without discounts of their own, and per base unit; and
/// what is charged for the whole, where the settings name the accounts that it is booked to.
fn told(
    (items, book): (&BTreeMap<String, Known>, &ChargeBook),
    row: &Row,
    lines: &[Row],
) -> Result<Option<Sold>, Fault> {
    let is_something = |row: &Row, name: &str| Ok::<_, Fault>(row.number(name)?.is_some_and(|it| it != Decimal::ZERO));
    let is_cut_off = row.has("salesOrderLines@odata.nextLink");
    if is_cut_off || row.flag("pricesIncludeTax") == Some(true) {
        return Ok(None);
    }
    let mut told = Vec::with_capacity(lines.len());
    let mut charges = Vec::new();
    for line in lines {
        let Some(about) = about(line)? else { continue };
        let quantity = line.number("quantity")?.unwrap_or(Decimal::ZERO);
        let unit_price = line.number("unitPrice")?.unwrap_or(Decimal::ZERO);
        let is_discounted = is_something(line, "discountAmount")? || is_something(line, "discountPercent")?;
        if about == About::Account {
            let kind = line.text("lineObjectNumber").and_then(|it| book.kind_of(&it));
            let (Some(kind), false, Some(amount)) = (kind, is_discounted, quantity.checked_mul(unit_price)) else {
                return Ok(None);
            };
            charges.push(Charge::new(kind, amount));
            continue;
        }
        let item = line.id("itemId");
        let unit = line.text("unitOfMeasureCode");
        let is_base = item.as_ref().and_then(|it| items.get(it)).is_none_or(|it| it.is_base_unit(unit.as_deref()));
        if is_discounted || !is_base || quantity.is_negative() || unit_price.is_negative() {
            return Ok(None);
        }
        told.push(Line { item, sku: None, quantity, unit_price });
    }
    if let Some(off) = row.number("discountAmount")?.filter(|it| *it != Decimal::ZERO) {
        charges.push(Charge::new(ChargeKind::Discount, -off));
    }
    Ok(Some((told, charges)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_order_comes_as_far_as_its_lines_say() {
        let check = |text: &str, shipped: u32, expect: Option<Status>| {
            let line = row(&format!(r#"{{"shippedQuantity":{shipped}}}"#));
            assert_eq!(status(&row(text), &[line]).unwrap(), expect, "{text} {shipped}");
        };
        check(r#"{"status":"Draft","fullyShipped":false}"#, 0, Some(Status::Open));
        check(r#"{"status":"Open","fullyShipped":true}"#, 0, Some(Status::Open));
        check(r#"{"status":"In_x0020_Review"}"#, 0, Some(Status::OnHold));
        check(r#"{"status":"Open","fullyShipped":false}"#, 2, Some(Status::PartiallyFulfilled));
        check(r#"{"status":"Open","fullyShipped":true}"#, 3, Some(Status::Fulfilled));
        check(r#"{"status":"Lost"}"#, 0, None);
    }

    #[test]
    fn lines_that_say_something_else_than_what_is_charged_are_not_told() {
        let items = BTreeMap::new();
        let book =
            ChargeBook::read(&truthsource_sdk::Settings::default().with("order-charges", "shipping=6810")).unwrap();
        let sold = |text: &str, order: &str| told((&items, &book), &row(order), &[row(text)]).unwrap();
        let lines = |text: &str, order: &str| sold(text, order).map(|it| it.0);
        let plain = r#"{"lineType":"Item","quantity":3,"unitPrice":12.5,"discountAmount":0}"#;
        assert_eq!(lines(plain, "{}").map(|it| it.len()), Some(1));
        assert_eq!(lines(plain, r#"{"pricesIncludeTax":true}"#), None);
        let charged = |text: &str, order: &str| sold(text, order).map(|it| it.1);
        let charge = |kind, amount: &str| Some(vec![Charge::new(kind, amount.parse().unwrap())]);
        assert_eq!(charged(plain, r#"{"discountAmount":1}"#), charge(ChargeKind::Discount, "-1"));
        let freight = r#"{"lineType":"Account","lineObjectNumber":"6810","quantity":1,"unitPrice":9.5}"#;
        assert_eq!(charged(freight, "{}"), charge(ChargeKind::Shipping, "9.5"));
        assert_eq!(charged(&freight.replace("6810", "6820"), "{}"), None);
        assert_eq!(lines(r#"{"lineType":"Item","quantity":3,"unitPrice":12.5,"discountPercent":5}"#, "{}"), None);
        let comment = r#"{"lineType":"Comment","quantity":0,"description":"PO number: P-1"}"#;
        assert_eq!(lines(comment, "{}"), Some(Vec::new()));
        assert_eq!(po_number(&[row(comment)]).as_deref(), Some("P-1"));
    }
}
