//! Writing stock: to what is wanted, where it still is what the engine knew.
//!
//! Where the tenant has a page of movements, stock is moved by the difference under the operation's id, which is taken
//! once: whatever else moves the same stock meanwhile, and whether an answer came or not, ours counts once.
//!
//! Elsewhere the quantity is written. A page with a time of change has a version that moves with every movement, and the system compares it. A figure that
//! is worked out has none: between the look and the write there is a moment in which a sale would be written over, and
//! nobody says so. `describe` tells the three apart. When an answer was lost and the stock is neither what it was nor what
//! was wanted, nobody can tell whether ours is in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, Value};

use super::batch::Part;
use super::books::{Books, Query};
use super::keys;
use super::numbers::{Known, by_id, locations};
use super::push::{self, Plan};
use super::settings::CustomPage;
use super::stock::{Source, of_ids};
use crate::odata::Body;
use crate::writes::stale;

/// The longest reference of a movement.
const REFERENCE_MAX: usize = 50;

struct Levels<'b, 'a> {
    books: &'b Books<'a>,
    source: Source<'b>,
    /// Where stock is moved; `None`: its quantity is written.
    movements: Option<&'b CustomPage>,
    /// Items that new levels are of, by id.
    items: BTreeMap<String, Known>,
    /// The codes of locations that new levels are at, by id.
    codes: BTreeMap<String, String>,
    /// The rows that hold levels, by remote id.
    rows: RefCell<BTreeMap<String, String>>,
}

pub(crate) fn push(books: &Books<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let new: Vec<StockLevel> = writes
        .iter()
        .filter(|it| it.remote_id.is_none())
        .filter_map(|it| StockLevel::from_fields(&it.want).ok())
        .collect();
    let codes = if new.is_empty() { BTreeMap::new() } else { locations(books)? };
    let plan = Levels {
        books,
        source: Source::of(books)?,
        movements: books.settings.adjustment.as_ref(),
        items: by_id(books, new.iter().filter_map(|it| it.item.as_ref()).map(String::as_str))?,
        codes: codes.into_iter().map(|(code, id)| (id, code)).collect(),
        rows: RefCell::default(),
    };
    push::push(books, &plan, writes)
}

fn quantity(write: &Write) -> Result<Decimal, Outcome> {
    let wanted = StockLevel::from_fields(&write.want).map_err(Outcome::not_written)?;
    wanted.on_hand.into_option().ok_or_else(|| Outcome::rejected("incomplete", "a stock level needs on_hand"))
}

/// What a level says there is. A row that says nothing is one of nothing.
fn on_hand(held: &State) -> Decimal {
    if let Some(Value::Number(quantity)) = held.fields.get("on_hand") { *quantity } else { Decimal::ZERO }
}

/// The outcome that a movement has without being posted, none of an earlier try having been. A first quantity goes where
/// there is none. What is not as it was known is somebody's movement, even where it came out at what is wanted: taking
/// it for ours would lose it.
fn of_movement(write: &Write, held: &State) -> Option<Outcome> {
    let is_as_known = match write.remote_id {
        None => on_hand(held) == Decimal::ZERO,
        Some(_) => write.is_current(&held.fields),
    };
    if !is_as_known {
        return Some(stale(held));
    }
    quantity(write).is_ok_and(|it| it == on_hand(held)).then(|| Outcome::Applied(held.clone()))
}

/// The outcome that a quantity has without being written. Where an earlier try may have been carried out, what is as
/// wanted is most likely that try's, and what is neither as known nor as wanted may hold it or not.
fn of_quantity(write: &Write, held: &State) -> Option<Outcome> {
    let is_current = write.remote_id.is_some() && write.is_current(&held.fields);
    match (write.is_repeated(), is_current) {
        (true, _) if write.is_done(&held.fields) => Some(Outcome::Applied(held.clone())),
        (_, true) => None,
        (false, false) => Some(stale(held)),
        (true, false) => Some(Outcome::rejected(
            "cannot-tell",
            "an earlier try may or may not have been carried out, and somebody moved the stock since: count it",
        )),
    }
}

impl Levels<'_, '_> {
    /// A movement to what is wanted, under the operation's id.
    fn movement(&self, page: &CustomPage, write: &Write, target: &str, by: Decimal) -> Result<Part, Outcome> {
        if write.op_id.len() > REFERENCE_MAX {
            let why =
                format!("the operation's id is longer than {REFERENCE_MAX} letters, and would not be found again");
            return Err(Outcome::rejected("long-key", why));
        }
        let (item, code) = keys::split(target).ok_or_else(no_item)?;
        let body = Body::new().text(page.must("item"), item).text(page.must("location"), code);
        let body = body.number(page.must("by"), by).text(page.must("reference"), write.op_id.as_str());
        Ok(Part::create(&page.place, body))
    }
}

fn no_item() -> Outcome {
    Outcome::rejected("no-item", "there is no such item to have stock of")
}

impl Plan for Levels<'_, '_> {
    fn target(&self, write: &Write) -> Result<String, Outcome> {
        if let Some(id) = &write.remote_id {
            return Ok(id.clone());
        }
        let wanted = StockLevel::from_fields(&write.want).map_err(Outcome::not_written)?;
        let item = wanted.item.as_ref().and_then(|it| self.items.get(it));
        let code = wanted.location.as_ref().and_then(|it| self.codes.get(it));
        match (item, code) {
            (Some(item), Some(code)) => Ok(keys::join(&item.number, code)),
            _ => Err(Outcome::rejected("incomplete", "a stock level needs an item and a location that exist here")),
        }
    }

    fn held(&self, targets: &[String]) -> Result<BTreeMap<String, State>, Fault> {
        let found = of_ids(self.books, targets)?;
        let mut rows = self.rows.borrow_mut();
        rows.extend(found.iter().map(|it| (it.state.remote_id.clone(), it.row.clone())));
        Ok(found.into_iter().map(|it| (it.state.remote_id.clone(), it.state)).collect())
    }

    fn carried_out(&self, writes: &[&Write]) -> Result<BTreeSet<String>, Fault> {
        let Some(page) = self.movements else { return Ok(BTreeSet::new()) };
        let reference = page.must("reference");
        let ids = writes.iter().map(|it| it.op_id.as_str());
        let rows = self.books.any_of(&page.place, &Query::of(reference), (reference, true), ids)?;
        Ok(rows.iter().filter_map(|it| it.text(reference)).collect())
    }

    fn is_keyed(&self) -> bool {
        self.movements.is_some()
    }

    fn decide(&self, write: &Write, held: Option<&State>, target: &str) -> Option<Outcome> {
        match (held, self.movements) {
            (Some(held), Some(_)) => of_movement(write, held),
            (Some(held), None) => of_quantity(write, held),
            (None, _) if write.remote_id.is_some() => Some(Outcome::Stale(Observed::Absent(target.to_owned()))),
            (None, _) => None,
        }
    }

    fn part(&self, write: &Write, target: &str, held: Option<&State>) -> Result<Part, Outcome> {
        let quantity = quantity(write)?;
        let was = held.map_or(Decimal::ZERO, on_hand);
        // Nothing is no movement: a level of nothing is made as a row.
        if let Some(page) = self.movements.filter(|_| quantity != was) {
            let by = quantity.checked_sub(was);
            let by = by.ok_or_else(|| Outcome::rejected("out-of-range", "the movement has too many digits"))?;
            return self.movement(page, write, target, by);
        }
        let place = self.source.place();
        let rows = self.rows.borrow();
        match (&self.source, held, rows.get(target)) {
            (Source::Page(page), Some(held), Some(row)) => {
                let body = Body::new().number(page.must("on-hand"), quantity);
                Ok(Part::change(&place, (row, &held.version), body))
            }
            (Source::Items(_), Some(held), Some(row)) => {
                Ok(Part::change(&place, (row, &held.version), Body::new().number("inventory", quantity)))
            }
            (Source::Page(page), None, _) => {
                let (item, code) = keys::split(target).unwrap_or_default();
                let body = Body::new().text(page.must("item"), item).text(page.must("location"), code);
                Ok(Part::create(&place, body.number(page.must("on-hand"), quantity)))
            }
            _ => Err(no_item()),
        }
    }
}
