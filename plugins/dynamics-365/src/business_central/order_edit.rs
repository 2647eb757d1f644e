//! Changing what a booked order is made of: in one batch that is one transaction, so that no order is changed by half.
//!
//! Each part names the version of its line, and the first that of the order: what changed since it was read makes the batch
//! fail as one, and it is decided anew. A new line says where it stands, and no two stand in one place. So a batch that
//! nobody waits for any more, and that is carried out late, fails as well.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::kinds::{Order, Record};
use truthsource_sdk::{Decimal, Fault, edits};

use super::batch::{AT_ONCE_MAX, Part, at_once};
use super::books::Books;
use super::order::{Document, document, place, read};
use super::order_push::{charge_row, charges, goods_row, location};
use super::order_rows::{Held, Table};
use crate::odata::{Body, Row};
use crate::orders::{self, BY_HAND, HAS_LEFT, Halt, TOO_MUCH, goods};
use crate::writes::stale;

const UNTOLD: &str = "its lines here have taxes in their prices, discounts, units or accounts of their own: change them by \
                      hand";
const RELEASED: &str = "it is released here, or waits for an approval: reopen it and try again, or change it by hand";
const OFF_THE_WHOLE: &str = "a discount is taken off the whole of it here, which the system spreads anew over other lines: \
                             change it by hand";
const NO_ROOM: &str = "there is no place between its lines here for the new ones: change them by hand";

/// Makes an order of which nothing has left what it is where it was placed.
pub(crate) fn edit(books: &Books<'_>, write: &Write, id: &str) -> Result<Outcome, Fault> {
    let look = || Ok(read(books, &[id.to_owned()])?.pop());
    orders::edit(write, || due(books, write, id), |parts: &Vec<Part>| at_once(books, parts), look)
}

/// What is to be sent.
fn due(books: &Books<'_>, write: &Write, id: &str) -> Result<Vec<Part>, Halt> {
    let Some(document) = document(books, id)? else { return Err(ended(books, write, id)?.into()) };
    let held = &document.state.fields;
    if write.is_done(held) {
        return Err(Outcome::Applied(document.state).into());
    }
    if !write.is_current(held) {
        return Err(stale(&document.state).into());
    }
    match why_not(books, &document)? {
        Some(why) => Err(edits::question(write, why).into()),
        None => parts(books, write, &document),
    }
}

/// The outcome where it is no order any more.
fn ended(books: &Books<'_>, write: &Write, id: &str) -> Result<Outcome, Fault> {
    Ok(match read(books, &[id.to_owned()])?.pop() {
        Some(held) if write.is_done(&held.fields) => Outcome::Applied(held),
        Some(held) if !write.is_current(&held.fields) => stale(&held),
        Some(_) => edits::question(write, HAS_LEFT),
        None => Outcome::Stale(Observed::Absent(id.to_owned())),
    })
}

/// Why the lines of an order are not changed from outside.
fn why_not(books: &Books<'_>, Document { state, head, lines }: &Document) -> Result<Option<&'static str>, Fault> {
    let is_off = head.number("discountAmount")?.is_some_and(|it| it != Decimal::ZERO);
    // What bears no version cannot be guarded.
    let is_versioned = !head.etag().is_empty() && lines.iter().all(|it| !it.etag().is_empty());
    Ok(if !edits::is_untouched(&state.fields)? {
        Some(HAS_LEFT)
    } else if !books.settings.order_edits || !is_versioned {
        Some(BY_HAND)
    } else if !state.fields.contains_key("lines") {
        Some(UNTOLD)
    } else if head.choice("status").as_deref() != Some("Draft") {
        Some(RELEASED)
    } else {
        is_off.then_some(OFF_THE_WHOLE)
    })
}

fn parts(books: &Books<'_>, write: &Write, document: &Document) -> Result<Vec<Part>, Halt> {
    let order = Order::from_fields(&write.want)?;
    let mut table = Table::of(document)?;
    let mut parts = vec![guard(&document.head)?];
    let question = |why| Halt::Decided(edits::question(write, why));
    if write.changes("lines") {
        let held = Held::goods(&document.lines)?.ok_or_else(|| question(UNTOLD))?;
        let want = goods(&order)?;
        let at = if held.lacks(&want) { location(books)?? } else { None };
        let changes = table.changes(&held, &want, |lot| goods_row(lot, at.as_deref()))?;
        parts.extend(changes.ok_or_else(|| question(NO_ROOM))?);
    }
    if write.changes("charges") {
        let held = Held::charges(&books.settings.charges, &document.lines)?.ok_or_else(|| question(UNTOLD))?;
        let want = held.ordered(charges(books, &order)?);
        let changes = table.changes(&held, &want, charge_row)?;
        parts.extend(changes.ok_or_else(|| question(NO_ROOM))?);
    }
    if parts.len() > AT_ONCE_MAX { Err(question(TOO_MUCH)) } else { Ok(parts) }
}

/// The order itself says what it said before, for its version's sake.
fn guard(head: &Row) -> Result<Part, Fault> {
    let said = head.text("externalDocumentNumber").unwrap_or_default();
    let body = Body::new().text("externalDocumentNumber", said);
    Ok(Part::change(&place(), (&head.must("id")?, &head.etag()), body))
}
