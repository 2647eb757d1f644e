//! Orders, with their lines.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::charges::{ChargeBook, SETTING};
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::host::Level;
use truthsource_sdk::kinds::{Charge, ChargeKind, Fulfilment, Line, Order, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault};

use crate::cursor::Walk;
use crate::exact::{Exact, Id};
use crate::listing::{Found, Listing};
use crate::odata::plain;
use crate::parcel;
use crate::record::{flag, known, trimmed};
use crate::reference;
use crate::stamp::date;
use crate::wire::Service;

pub(crate) const LISTING: Listing = Listing {
    entity: "Orders",
    // Members differ by version and by company, and one that is not known fails the whole question.
    select: "",
    key: "DocEntry",
    is_text: false,
    filter: "",
    created: "CreationDate",
    table: "ORDR",
    condition: "",
    // Each comes whole, with every member of every line.
    page: 20,
};

#[derive(Debug, Clone, Deserialize)]
struct Document {
    #[serde(rename = "DocEntry")]
    entry: Id,
    #[serde(rename = "DocNum", default)]
    number: Option<Id>,
    #[serde(rename = "DocType", default)]
    doc_type: Option<String>,
    #[serde(rename = "DocDate", default)]
    day: Option<String>,
    #[serde(rename = "CardCode", default)]
    company: Option<String>,
    #[serde(rename = "NumAtCard", default)]
    po_number: Option<String>,
    #[serde(rename = "DocCurrency", default)]
    currency: Option<String>,
    #[serde(rename = "DocTotal", default)]
    total: Option<Exact>,
    #[serde(rename = "DocTotalFc", default)]
    total_foreign: Option<Exact>,
    #[serde(rename = "VatSum", default)]
    tax: Option<Exact>,
    #[serde(rename = "VatSumFc", default)]
    tax_foreign: Option<Exact>,
    #[serde(rename = "DocumentStatus", default)]
    status: Option<String>,
    #[serde(rename = "Cancelled", default)]
    cancelled: Option<String>,
    #[serde(rename = "TotalDiscount", default)]
    discount: Option<Exact>,
    #[serde(rename = "TotalDiscountFC", default)]
    discount_foreign: Option<Exact>,
    #[serde(rename = "DocumentLines", default)]
    lines: Vec<DocumentLine>,
    #[serde(rename = "DocumentAdditionalExpenses", default)]
    expenses: Vec<Expense>,
}

/// What is charged for the whole.
#[derive(Debug, Clone, Deserialize)]
struct Expense {
    #[serde(rename = "ExpenseCode")]
    code: Id,
    #[serde(rename = "LineTotal", default)]
    total: Option<Exact>,
    #[serde(rename = "LineTotalFC", default)]
    total_foreign: Option<Exact>,
}

#[derive(Debug, Clone, Deserialize)]
struct DocumentLine {
    #[serde(rename = "ItemCode", default)]
    item: Option<String>,
    #[serde(rename = "Quantity", default)]
    quantity: Option<Exact>,
    /// In the item's base unit.
    #[serde(rename = "InventoryQuantity", default)]
    base_quantity: Option<Exact>,
    /// Of a unit as it is sold, less the line's discount, without taxes.
    #[serde(rename = "Price", default)]
    price: Option<Exact>,
    #[serde(rename = "LineStatus", default)]
    status: Option<String>,
    #[serde(rename = "RemainingOpenQuantity", default)]
    open: Option<Exact>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let (found, after) = LISTING.page(service, walk)?;
    Ok(walk.turn(found.iter().map(|it| state(service, it)).collect::<Result<_, _>>()?, after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let found = LISTING.of_keys(service, ids)?;
    LISTING.dated(service, found.iter().map(|it| state(service, it)).collect::<Result<_, _>>()?)
}

pub(crate) fn look(service: &Service<'_>, id: &str) -> Result<Option<State>, Fault> {
    LISTING.one(service, id)?.map(|it| state(service, &it)).transpose()
}

/// The order that was created under this key. Where there are several, one that is not called off.
pub(crate) fn find(service: &Service<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let marked = reference::marked(service, "Orders", (command_key, ""))?;
    let living = marked.iter().find(|it| flag(it.cancelled.as_deref()) != Some(true));
    let Some(document) = living.or(marked.first()) else { return Ok(None) };
    look(service, &document.entry.to_string())
}

fn state(service: &Service<'_>, found: &Found) -> Result<State, Fault> {
    let document: Document = plain(&found.raw).map_err(|error| Fault::Protocol(format!("Orders: {error}")))?;
    let sold = lines(&document).and_then(|lines| Ok((lines, charges(&service.settings.charges, &document)?)));
    if let Err(why) = &sold {
        let number = document.number.as_ref().map_or("", |it| it.0.as_str());
        service.host.log(Level::Warn, &format!("the lines of order {number} are left out: {why}"));
    }
    let left = left(service, &document)?;
    Ok(told(service, &found.raw, document, (sold.ok(), left), (&found.version, found.changed_at_ms)))
}

/// What has left of an order; of one that nobody has touched nothing has.
fn left(service: &Service<'_>, document: &Document) -> Result<Option<Vec<Fulfilment>>, Fault> {
    match status(document) {
        Some(Status::Open | Status::OnHold | Status::Cancelled) => Ok(Some(Vec::new())),
        _ => match (&document.company, document.day.as_deref().and_then(date)) {
            (Some(company), Some(day)) => parcel::left(service, &document.entry.0, (company, &day.to_string())),
            _ => Ok(None),
        },
    }
}

fn told(
    service: &Service<'_>,
    raw: &RawValue,
    document: Document,
    (sold, left): (Option<Sold>, Option<Vec<Fulfilment>>),
    (version, changed_at_ms): (&str, Option<u64>),
) -> State {
    let settings = &service.settings;
    let command_key = reference::key(settings, raw);
    let is_ours = command_key.is_some();
    let status = known(status(&document));
    let (lines, charges) = sold.unzip();
    let total = document.amounts().0;
    let day = document.day.as_deref().and_then(date).map(|it| it.to_string());
    // Without a field of its own the mark stands where the customer's number would.
    let po_number =
        if is_ours && settings.reference_field.is_none() { None } else { Some(trimmed(document.po_number)) };
    let fields = Order {
        // An order that came from elsewhere has its number there, and its moment; the books keep another, and a day.
        number: if is_ours { Held::Unknown } else { document.number.map(|it| it.0).into() },
        company: document.company.into(),
        po_number: po_number.map_or(Held::Unknown, Held::from),
        currency: known(settings.iso(document.currency.as_deref())),
        placed_at: if is_ours { Held::Unknown } else { day.into() },
        status,
        total: known(total.filter(|it| !it.is_negative())),
        lines: known(lines),
        charges: known(charges),
        fulfilments: known(left),
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
    };
    State {
        remote_id: document.entry.0,
        fields: fields.into_fields(),
        version: version.to_owned(),
        changed_at_ms,
        command_key,
    }
}

/// Goods, and what is charged beside them.
type Sold = (Vec<Line>, Vec<Charge>);

impl Document {
    /// It is in another currency than the company's.
    fn is_foreign(&self) -> bool {
        self.total_foreign.is_some_and(|it| it.0 != Decimal::ZERO)
    }

    /// What expenses come to, and what is taken off the whole.
    fn beside(&self) -> Option<(Decimal, Decimal)> {
        let is_foreign = self.is_foreign();
        let amount = |own: Option<Exact>, foreign: Option<Exact>| {
            (if is_foreign { foreign } else { own }).map(|it| it.0).unwrap_or_default()
        };
        let mut expenses = self.expenses.iter().map(|it| amount(it.total, it.total_foreign));
        let expenses = expenses.try_fold(Decimal::ZERO, Decimal::checked_add)?;
        Some((expenses, amount(self.discount, self.discount_foreign)))
    }

    /// Total and taxes in the document's own currency. The company's own amounts stand beside those of another currency,
    /// which are zero in a document that has none.
    fn amounts(&self) -> (Option<Decimal>, Option<Decimal>) {
        let number = |it: Option<Exact>| it.map(|it| it.0);
        match number(self.total_foreign) {
            Some(total) if total != Decimal::ZERO => (Some(total), number(self.tax_foreign)),
            _ => (number(self.total), number(self.tax)),
        }
    }
}

/// How far an order has come. Words that are not known are not told: new ones come with new versions.
fn status(document: &Document) -> Option<Status> {
    if flag(document.cancelled.as_deref()) == Some(true) {
        return Some(Status::Cancelled);
    }
    let is_delivered = |it: &DocumentLine| it.open.is_some_and(|it| it.0 <= Decimal::ZERO);
    let is_touched = |it: &DocumentLine| {
        let some_left = it.open.zip(it.quantity).is_some_and(|(open, all)| open.0 < all.0);
        some_left || it.status.as_deref() == Some("bost_Close")
    };
    match document.status.as_deref()? {
        "bost_Open" if document.lines.iter().any(is_touched) => Some(Status::PartiallyFulfilled),
        "bost_Open" => Some(Status::Open),
        // Whoever closes an order by hand leaves open what is not delivered.
        "bost_Close" if !document.lines.is_empty() && document.lines.iter().all(is_delivered) => {
            Some(Status::Fulfilled)
        }
        "bost_Close" => Some(Status::Closed),
        _ => None,
    }
}

/// What was ordered, or why it cannot be told so that whoever books quantity times price books what is charged.
fn lines(document: &Document) -> Result<Vec<Line>, String> {
    if document.doc_type.as_deref() == Some("dDocument_Service") {
        return Err("it is an order of services".to_owned());
    }
    let lines: Vec<Line> = document.lines.iter().map(line).collect::<Result<_, _>>()?;
    let (Some(total), tax) = document.amounts() else { return Ok(lines) };
    let net = || {
        let (expenses, off) = document.beside()?;
        let net = total.checked_sub(tax.unwrap_or_default())?.checked_sub(expenses)?.checked_add(off)?;
        lines.iter().try_fold(net, |net, it| net.checked_sub(it.quantity.checked_mul(it.unit_price)?))
    };
    // What makes it more, such as rounding, stands in no line and takes nothing away from one.
    match net() {
        Some(apart) if -apart <= slack(lines.len()) => Ok(lines),
        Some(apart) => Err(format!("its total {total} is less than its lines, charges and taxes by {}", -apart)),
        None => Err("its amounts have too many digits".to_owned()),
    }
}

/// What is charged for the whole, or why it cannot be told: an expense that the settings do not name may be anything.
fn charges(book: &ChargeBook, document: &Document) -> Result<Vec<Charge>, String> {
    let is_foreign = document.is_foreign();
    let mut charges = Vec::new();
    for it in &document.expenses {
        let amount = (if is_foreign { it.total_foreign } else { it.total }).map(|it| it.0).unwrap_or_default();
        if amount == Decimal::ZERO {
            continue;
        }
        let kind = book.kind_of(&it.code.0);
        let kind = kind.ok_or_else(|| format!("setting `{SETTING}` does not name its expense {}", it.code.0))?;
        charges.push(Charge::new(kind, amount));
    }
    let (_, off) = document.beside().ok_or("its amounts have too many digits")?;
    if off != Decimal::ZERO {
        charges.push(Charge::new(ChargeKind::Discount, -off));
    }
    Ok(charges)
}

/// Each line is rounded by itself, and the document once more.
fn slack(lines: usize) -> Decimal {
    Decimal::new(i64::try_from(lines + 1).unwrap_or(i64::MAX), 2).unwrap_or_default()
}

fn line(line: &DocumentLine) -> Result<Line, String> {
    let quantity = line.quantity.unwrap_or_default().0;
    let price = line.price.unwrap_or_default().0;
    let item = trimmed(line.item.clone());
    let base = line.base_quantity.map(|it| it.0).filter(|it| *it > Decimal::ZERO && *it != quantity);
    let (quantity, unit_price) = match base {
        None => (quantity, price),
        Some(base) => {
            let price = price.checked_mul(quantity).and_then(|it| divided(it, base));
            (base, price.ok_or("a price of a base unit has too many digits")?)
        }
    };
    Ok(Line { item, sku: None, quantity, unit_price })
}

/// The exact quotient, with six digits after the point at the most.
fn divided(amount: Decimal, by: Decimal) -> Option<Decimal> {
    let ((amount, amount_scale), (by, by_scale)) = (amount.parts(), by.parts());
    // amount / 10^a ÷ by / 10^b, in millionths.
    let above = i128::from(amount) * 10_i128.pow(u32::from(by_scale) + 6);
    let below = i128::from(by) * 10_i128.pow(u32::from(amount_scale));
    if below == 0 || above % below != 0 {
        return None;
    }
    Decimal::new(i64::try_from(above / below).ok()?, 6).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"DocEntry":91,"DocNum":1050,"DocType":"dDocument_Items","DocDate":"2026-11-21T00:00:00Z",
        "CardCode":"C20000","NumAtCard":"PO-77","DocCurrency":"$","DocTotal":40.5,"DocTotalFc":0.0,"VatSum":3.0,
        "DocumentStatus":"bost_Open","Cancelled":"tNO","DocumentLines":[{"LineNum":0,"ItemCode":"A1","Quantity":3.0,
        "InventoryQuantity":3.0,"Price":12.5,"LineStatus":"bost_Open","RemainingOpenQuantity":3.0}]}"#;

    fn order(changes: &[(&str, &str)]) -> Document {
        let mut text = ORDER.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_status_is_told_by_the_document_and_its_lines() {
        let check = |changes: &[(&str, &str)], expect: Option<Status>| {
            assert_eq!(status(&order(changes)), expect, "{changes:?}");
        };
        let left = |it: &'static str| (r#""RemainingOpenQuantity":3.0"#, it);
        let closed = (r#""DocumentStatus":"bost_Open""#, r#""DocumentStatus":"bost_Close""#);
        let line_closed = (r#""LineStatus":"bost_Open""#, r#""LineStatus":"bost_Close""#);
        check(&[], Some(Status::Open));
        check(&[left(r#""RemainingOpenQuantity":1.0"#)], Some(Status::PartiallyFulfilled));
        check(&[line_closed], Some(Status::PartiallyFulfilled));
        check(&[closed, left(r#""RemainingOpenQuantity":0.0"#)], Some(Status::Fulfilled));
        check(&[closed, left(r#""RemainingOpenQuantity":1.0"#)], Some(Status::Closed));
        check(&[closed, left(r#""x":0"#)], Some(Status::Closed));
        check(&[closed, (r#""Cancelled":"tNO""#, r#""Cancelled":"tYES""#)], Some(Status::Cancelled));
        check(&[(r#""bost_Open""#, r#""bost_Teleported""#)], None);
    }

    #[test]
    fn lines_that_would_be_booked_wrong_are_not_told() {
        let check = |changes: &[(&str, &str)], expect: Result<(&str, &str), &str>| {
            let seen = lines(&order(changes));
            match (&seen, expect) {
                (Ok(lines), Ok((quantity, price))) => {
                    assert_eq!(
                        (lines[0].quantity.to_string(), lines[0].unit_price.to_string()),
                        (quantity.into(), price.into())
                    );
                }
                (Err(why), Err(begins)) if why.starts_with(begins) => {}
                _ => panic!("{changes:?}: {seen:?}"),
            }
        };
        let total = |it: &'static str| (r#""DocTotal":40.5"#, it);
        check(&[], Ok(("3", "12.5")));
        check(&[total(r#""DocTotal":48.25"#)], Ok(("3", "12.5")));
        check(&[total(r#""DocTotal":40.49"#)], Ok(("3", "12.5")));
        check(&[total(r#""DocTotal":36.45"#)], Err("its total 36.45 is less than"));
        let off = (r#""VatSum":3.0"#, r#""VatSum":3.0,"TotalDiscount":4.05"#);
        check(&[total(r#""DocTotal":36.45"#), off], Ok(("3", "12.5")));
        let foreign = (r#""DocTotalFc":0.0"#, r#""DocTotalFc":37.5,"VatSumFc":0.0"#);
        check(&[total(r#""DocTotal":9.0"#), foreign], Ok(("3", "12.5")));
        check(&[("dDocument_Items", "dDocument_Service")], Err("it is an order of services"));
        // Three boxes of ten.
        check(&[(r#""InventoryQuantity":3.0"#, r#""InventoryQuantity":30.0"#)], Ok(("30", "1.25")));
        check(&[(r#""InventoryQuantity":3.0"#, r#""InventoryQuantity":21.0"#)], Err("a price of a base unit"));
    }

    #[test]
    fn what_is_charged_for_the_whole_is_told_by_its_expense() {
        let read = |text: &str| ChargeBook::read(&truthsource_sdk::Settings::default().with(SETTING, text)).unwrap();
        let expenses = (
            r#""DocumentLines""#,
            r#""DocumentAdditionalExpenses":[{"LineNum":0,"ExpenseCode":1,"LineTotal":9.5},
            {"LineNum":1,"ExpenseCode":2,"LineTotal":0.0}],"TotalDiscount":3.75,"DocumentLines""#,
        );
        let order = order(&[expenses]);
        let expect = vec![
            Charge::new(ChargeKind::Shipping, "9.5".parse().unwrap()),
            Charge::new(ChargeKind::Discount, "-3.75".parse().unwrap()),
        ];
        assert_eq!(charges(&read("shipping=1"), &order), Ok(expect));
        assert!(charges(&read("discount=1, tax=2"), &order).is_ok());
        assert!(charges(&read("shipping=3"), &order).unwrap_err().contains("expense 1"));
    }

    #[test]
    fn quotients_are_exact_or_none() {
        let number = |it: &str| it.parse::<Decimal>().unwrap();
        let check = |amount: &str, by: &str, expect: Option<&str>| {
            assert_eq!(divided(number(amount), number(by)), expect.map(number), "{amount}/{by}");
        };
        check("37.5", "30", Some("1.25"));
        check("1", "0.5", Some("2"));
        check("1", "3", None);
        check("0", "7", Some("0"));
        check("1", "0", None);
        check("0.000001", "10", None);
    }
}
