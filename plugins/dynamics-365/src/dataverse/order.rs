//! Orders: sales orders with their details.

use std::collections::BTreeMap;

use truthsource_sdk::connector::State;
use truthsource_sdk::kinds::{Charge, ChargeKind, Line, Order, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault};

use super::names::{Currencies, units};
use super::org::Org;
use super::table::Table;
use crate::odata::{Row, is_guid};

pub(crate) const TABLE: Table = Table {
    set: "salesorders",
    id: "salesorderid",
    select: "salesorderid,ordernumber,description,_customerid_value,_transactioncurrencyid_value,totalamount,\
             freightamount,discountamount,discountpercentage,statecode,statuscode,createdon,modifiedon",
    page: 100,
    states,
};

pub(crate) const DETAILS: (&str, &str) = (
    "salesorderdetails",
    "salesorderdetailid,_salesorderid_value,_productid_value,_uomid_value,quantity,priceperunit,manualdiscountamount,\
     volumediscountamount,lineitemnumber",
);
/// What the command keys of orders begin with.
const OWN: &str = "ts-";

/// An order with its details, as they stand in it.
pub(crate) struct Document {
    pub state: State,
    pub head: Row,
    pub details: Vec<Row>,
}

/// The order of this id.
pub(crate) fn document(org: &Org<'_>, id: &str) -> Result<Option<Document>, Fault> {
    let ids = [id].into_iter().filter(|it| is_guid(it));
    let rows = org.any_of((TABLE.set, TABLE.select), TABLE.id, ids)?;
    let document = |((state, details), head): ((State, Vec<Row>), Row)| Document { state, head, details };
    Ok(documents(org, &rows)?.into_iter().zip(rows).map(document).next())
}

fn states(org: &Org<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    Ok(documents(org, rows)?.into_iter().map(|(state, _)| state).collect())
}

fn documents(org: &Org<'_>, rows: &[Row]) -> Result<Vec<(State, Vec<Row>)>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let currencies = Currencies::read(org)?;
    let ids: Vec<String> =
        rows.iter().map(|it| it.must("salesorderid").map(|it| it.to_lowercase())).collect::<Result<_, _>>()?;
    let mut details = org.any_of(DETAILS, "_salesorderid_value", ids.iter().map(String::as_str))?;
    // In the order of the document, where it has one.
    details.sort_by_key(|it| it.number("lineitemnumber").ok().flatten().unwrap_or(Decimal::ZERO));
    let products: Vec<String> = details.iter().filter_map(|it| it.id("_productid_value")).collect();
    let units = units(org, products.iter().map(String::as_str))?;
    let mut by_order: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in details {
        by_order.entry(row.must("_salesorderid_value")?.to_lowercase()).or_default().push(row);
    }
    let state = |(id, row): (String, &Row)| {
        let details = by_order.remove(&id).unwrap_or_default();
        Ok((state((&currencies, &units), id, row, &details)?, details))
    };
    ids.into_iter().zip(rows).map(state).collect()
}

fn state(
    (currencies, units): (&Currencies, &BTreeMap<String, String>),
    id: String,
    row: &Row,
    details: &[Row],
) -> Result<State, Fault> {
    let command_key = row.text("description").filter(|it| it.starts_with(OWN) && !it.contains(' '));
    let is_own = command_key.is_some();
    let lines = told(units, row, details)?;
    let fields = Order {
        // An order from elsewhere has its number and its moment there.
        number: if is_own { Held::Unknown } else { row.text("ordernumber").into() },
        placed_at: if is_own { Held::Unknown } else { row.text("createdon").into() },
        company: row.id("_customerid_value").into(),
        po_number: Held::Unknown,
        currency: currencies.code(row.id("_transactioncurrencyid_value")).map_or(Held::Unknown, Held::Is),
        status: status(row).map_or(Held::Unknown, Held::Is),
        total: row.number("totalamount")?.filter(|it| !it.is_negative()).map_or(Held::Unknown, Held::Is),
        charges: charges(row)?.filter(|_| lines.is_some()).map_or(Held::Unknown, Held::Is),
        lines: lines.map_or(Held::Unknown, Held::Is),
        // What has left is told in another application.
        ..Order::default()
    };
    Ok(State {
        remote_id: id,
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("modifiedon"),
        command_key,
    })
}

/// The status behind a state and its reason. One that is not known is not told.
fn status(row: &Row) -> Option<Status> {
    Some(match (row.text("statecode")?.as_str(), row.text("statuscode").as_deref()) {
        ("2", _) => Status::Cancelled,
        ("0" | "1" | "3", Some("100002")) => Status::PartiallyFulfilled,
        ("0" | "1", Some("2")) => Status::OnHold,
        ("0" | "1", _) => Status::Open,
        ("3" | "4", _) => Status::Fulfilled,
        _ => return None,
    })
}

/// What is charged for the whole; `None` where a share is taken off that stands nowhere as an amount.
fn charges(row: &Row) -> Result<Option<Vec<Charge>>, Fault> {
    let amount = |name: &str| Ok::<_, Fault>(row.number(name)?.unwrap_or(Decimal::ZERO));
    if amount("discountpercentage")? != Decimal::ZERO {
        return Ok(None);
    }
    let freight = Charge::new(ChargeKind::Shipping, amount("freightamount")?);
    let off = Charge::new(ChargeKind::Discount, -amount("discountamount")?);
    Ok(Some([off, freight].into_iter().filter(|it| it.amount != Decimal::ZERO).collect()))
}

/// The lines, where they can be told: without discounts of their own, and per default unit.
fn told(units: &BTreeMap<String, String>, row: &Row, details: &[Row]) -> Result<Option<Vec<Line>>, Fault> {
    let is_something = |row: &Row, name: &str| Ok::<_, Fault>(row.number(name)?.is_some_and(|it| it != Decimal::ZERO));
    if is_something(row, "discountpercentage")? {
        return Ok(None);
    }
    let mut lines = Vec::with_capacity(details.len());
    for it in details {
        let item = it.id("_productid_value");
        let default = item.as_ref().and_then(|it| units.get(it));
        let is_default = it.id("_uomid_value").is_none_or(|unit| default.is_none_or(|it| *it == unit));
        let is_discounted = is_something(it, "manualdiscountamount")? || is_something(it, "volumediscountamount")?;
        let Some(quantity) = it.number("quantity")? else { continue };
        let unit_price = it.number("priceperunit")?.unwrap_or(Decimal::ZERO);
        if !is_default || is_discounted || quantity.is_negative() || unit_price.is_negative() {
            return Ok(None);
        }
        lines.push(Line { item, sku: None, quantity, unit_price });
    }
    Ok(Some(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_its_reason_are_a_status() {
        let check = |state: u32, reason: u32, expect: Option<Status>| {
            let row: Row = serde_json::from_str(&format!(r#"{{"statecode":{state},"statuscode":{reason}}}"#)).unwrap();
            assert_eq!(status(&row), expect, "{state} {reason}");
        };
        check(0, 1, Some(Status::Open));
        check(0, 2, Some(Status::OnHold));
        check(1, 3, Some(Status::Open));
        check(0, 100_002, Some(Status::PartiallyFulfilled));
        check(2, 4, Some(Status::Cancelled));
        check(3, 100_001, Some(Status::Fulfilled));
        check(3, 100_002, Some(Status::PartiallyFulfilled));
        check(4, 100_003, Some(Status::Fulfilled));
        check(9, 1, None);
    }
}
