//! Collections whose records have an id and a time of change.

use std::collections::BTreeMap;

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Observed, Page, State};

use super::books::{Books, Query};
use super::cursor::Walk;
use super::settings::Place;
use crate::odata::{Row, is_guid};

/// Records of one page.
const PAGE: u32 = 1_000;
const CHANGED: &str = "lastModifiedDateTime";

/// What is listed, and what becomes of a row.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub set: &'static str,
    pub select: &'static str,
    pub state: fn(&Books<'_>, &Row) -> Result<State, Fault>,
}

impl Listing {
    pub(crate) fn place(&self) -> Place {
        Place::standard(self.set)
    }

    pub(crate) fn query(&self) -> Query {
        Query::of(self.select)
    }

    /// The next page of a walk: everything, or what changed.
    pub(crate) fn pull(&self, books: &Books<'_>, walk: &Walk) -> Result<Page, Fault> {
        let query = self.query().only(walk.changed(CHANGED));
        let page = books.page(&self.place(), &query, walk.next.as_deref(), PAGE)?;
        Ok(walk.turn(self.present(books, &page.rows)?, page.next, 1))
    }

    fn present(&self, books: &Books<'_>, rows: &[Row]) -> Result<Vec<Observed>, Fault> {
        rows.iter().map(|row| (self.state)(books, row).map(Observed::Present)).collect()
    }

    /// The rows of these ids. What is no id is nobody's.
    pub(crate) fn of_ids(&self, books: &Books<'_>, ids: &[String]) -> Result<Vec<Row>, Fault> {
        let ids = ids.iter().map(String::as_str).filter(|it| is_guid(it));
        books.any_of(&self.place(), &self.query(), ("id", false), ids)
    }

    pub(crate) fn read(&self, books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
        self.of_ids(books, ids)?.iter().map(|row| (self.state)(books, row)).collect()
    }

    /// The rows of these numbers, by number in capitals: codes are kept so.
    pub(crate) fn of_numbers(&self, books: &Books<'_>, numbers: &[String]) -> Result<BTreeMap<String, Row>, Fault> {
        let numbers = numbers.iter().map(String::as_str);
        let rows = books.any_of(&self.place(), &self.query(), ("number", true), numbers)?;
        rows.into_iter().map(|row| Ok((row.must("number")?.to_uppercase(), row))).collect()
    }
}
