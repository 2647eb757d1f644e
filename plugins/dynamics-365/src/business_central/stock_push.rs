//! Writing stock: set to what is wanted, where it still is what the engine knew.
//!
//! A page with a time of change has a version that moves with every movement, and the system compares it. A figure that
//! is worked out has none: between the look and the write there is a moment in which a sale would be written over, and
//! nobody says so. `describe` tells the two apart.

use std::cell::RefCell;
use std::collections::BTreeMap;

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault};

use super::batch::Part;
use super::books::Books;
use super::keys;
use super::numbers::{Known, by_id, locations};
use super::push::{self, Plan};
use super::stock::{Source, of_ids};
use crate::odata::Body;
use crate::writes::stale;

struct Levels<'b, 'a> {
    books: &'b Books<'a>,
    source: Source<'b>,
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

    /// What is not as it was known is somebody's movement, even where it came out at what is wanted: taking it for ours
    /// would lose it. Only where an earlier try may have been carried out is it most likely that try's.
    fn decide(&self, write: &Write, held: Option<&State>, target: &str) -> Option<Outcome> {
        match held {
            Some(held) if write.is_repeated() && write.is_done(&held.fields) => Some(Outcome::Applied(held.clone())),
            Some(held) if write.remote_id.is_none() || !write.is_current(&held.fields) => Some(stale(held)),
            None if write.remote_id.is_some() => Some(Outcome::Stale(Observed::Absent(target.to_owned()))),
            _ => None,
        }
    }

    fn part(&self, write: &Write, target: &str, held: Option<&State>) -> Result<Part, Outcome> {
        let quantity = quantity(write)?;
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
            _ => Err(Outcome::rejected("no-item", "there is no such item to have stock of")),
        }
    }
}
