//! Changing what a booked order is made of: in one change set, so that no order is changed by half.
//!
//! Each part names the version of its line, and the first that of the order: what changed since it was read makes all of it
//! fail, and it is decided anew. A new line's id is made of the operation: a change set that is carried out late, after
//! another try, fails as well.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::kinds::{Order, Record};
use truthsource_sdk::{Decimal, Fault, edits};

use super::change_set::{PARTS_MAX, Part, at_once};
use super::key;
use super::names::units;
use super::order::{DETAILS, Document, TABLE, document};
use super::order_push::{freight_and_discount, row};
use super::org::Org;
use crate::lines::{Lot, kept};
use crate::odata::{Body, Row};
use crate::orders::{self, BY_HAND, HAS_LEFT, Halt, TOO_MUCH, goods};
use crate::writes::stale;

const UNTOLD: &str = "its lines here have discounts or units of their own, or are no products: change them by hand";
const LOCKED: &str = "it is not active here: make it active and try again, or change it by hand";

/// Makes an order of which nothing has left what it is where it was placed.
pub(crate) fn edit(org: &Org<'_>, write: &Write, id: &str) -> Result<Outcome, Fault> {
    let look = || Ok(TABLE.read(org, &[id.to_owned()])?.pop());
    orders::edit(write, || due(org, write, id), |parts: &Vec<Part>| at_once(org, parts), look)
}

/// What is to be sent.
fn due(org: &Org<'_>, write: &Write, id: &str) -> Result<Vec<Part>, Halt> {
    let absent = || Outcome::Stale(Observed::Absent(id.to_owned()));
    let document = document(org, id)?.ok_or_else(absent)?;
    let held = &document.state.fields;
    if write.is_done(held) {
        return Err(Outcome::Applied(document.state).into());
    }
    if !write.is_current(held) {
        return Err(stale(&document.state).into());
    }
    match why_not(org, &document)? {
        Some(why) => Err(edits::question(write, why).into()),
        None => parts(org, write, &document),
    }
}

/// Why the lines of an order are not changed from outside.
fn why_not(org: &Org<'_>, Document { state, head, details }: &Document) -> Result<Option<&'static str>, Fault> {
    // What bears no version cannot be guarded.
    let is_versioned = !head.etag().is_empty() && details.iter().all(|it| !it.etag().is_empty());
    Ok(if !edits::is_untouched(&state.fields)? {
        Some(HAS_LEFT)
    } else if !org.order_edits || !is_versioned {
        Some(BY_HAND)
    } else if !state.fields.contains_key("lines") || details.iter().any(|it| it.id("_productid_value").is_none()) {
        Some(UNTOLD)
    } else {
        (head.text("statecode").as_deref() != Some("0")).then_some(LOCKED)
    })
}

fn parts(org: &Org<'_>, write: &Write, document: &Document) -> Result<Vec<Part>, Halt> {
    let order = Order::from_fields(&write.want)?;
    let mut parts = vec![of_head(write, &order, &document.head)?];
    if write.changes("lines") {
        parts.extend(of_lines(org, write, document, &goods(&order)?)?);
    }
    if parts.len() > PARTS_MAX { Err(edits::question(write, TOO_MUCH).into()) } else { Ok(parts) }
}

/// The order itself has what is charged beside its lines: what it had before, for its version's sake, where that is to stay.
fn of_head(write: &Write, order: &Order, head: &Row) -> Result<Part, Fault> {
    let held = |name: &str| Ok::<_, Fault>(head.number(name)?.unwrap_or(Decimal::ZERO));
    let body = if write.changes("charges") {
        freight_and_discount(Body::new(), order)
    } else {
        let body = Body::new().number("freightamount", held("freightamount")?);
        body.number("discountamount", held("discountamount")?)
    };
    Ok(Part::change(TABLE.set, (&head.must("salesorderid")?, &head.etag()), body))
}

fn of_lines(org: &Org<'_>, write: &Write, document: &Document, want: &[Lot]) -> Result<Vec<Part>, Fault> {
    let (set, _) = DETAILS;
    let held: Vec<Lot> = document.details.iter().map(lot).collect::<Result<_, _>>()?;
    let kept = kept(&held, want);
    let new = want.iter().zip(&kept).filter(|(_, stays)| stays.is_none()).map(|(lot, _)| lot.of.as_str());
    let (units, order) = (units(org, new)?, document.head.must("salesorderid")?);
    let mut parts = Vec::new();
    for (at, (lot, stays)) in want.iter().zip(&kept).enumerate() {
        let Some(stays) = *stays else {
            let id = key::guid(&format!("{}-{at}", write.op_id));
            let body = Body::new().text("salesorderdetailid", id);
            let body = body.text("salesorderid@odata.bind", format!("/{}({order})", TABLE.set));
            parts.push(Part::create(set, row(body, (at, lot), units.get(&lot.of))));
            continue;
        };
        let detail = &document.details[stays];
        let stands = detail.number("lineitemnumber")? == Some(number(at));
        if held[stays] != *lot || !stands {
            let body = Body::new().number("quantity", lot.quantity).flag("ispriceoverridden", true);
            let body = body.number("priceperunit", lot.unit_price).number("lineitemnumber", number(at));
            parts.push(Part::change(set, (&detail.must("salesorderdetailid")?, &detail.etag()), body));
        }
    }
    for (at, detail) in document.details.iter().enumerate() {
        if !kept.contains(&Some(at)) {
            parts.push(Part::delete(set, (&detail.must("salesorderdetailid")?, &detail.etag())));
        }
    }
    Ok(parts)
}

fn lot(detail: &Row) -> Result<Lot, Fault> {
    let number = |name: &str| Ok::<_, Fault>(detail.number(name)?.unwrap_or(Decimal::ZERO));
    let of = detail.id("_productid_value").unwrap_or_default();
    Ok(Lot { of, quantity: number("quantity")?, unit_price: number("priceperunit")? })
}

/// Where a line stands among the others.
pub(crate) fn number(at: usize) -> Decimal {
    Decimal::from(u32::try_from(at + 1).unwrap_or(u32::MAX))
}
