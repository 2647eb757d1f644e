//! Stock.
//!
//! The standard API knows how much of an item there is in the whole company, and not where. So there are two ways: a
//! page of the tenant's own with a row per item and location, or the company's total, taken to be at one location.
//! Either figure may be worked out as it is asked for, and then nothing says when it moved: what moved it is in the
//! ledger of items, whose entries are only ever added.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::host;
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Fault, json};

use super::books::{Books, Query};
use super::cursor::Walk;
use super::keys;
use super::numbers::{by_number, locations};
use super::settings::{CustomPage, Place};
use crate::odata::Row;

/// Rows of one page; their items are asked for together.
const PAGE: u32 = 500;
/// Entries of one page of the ledger.
const ENTRIES: u32 = 1_000;
/// So many entries before the last may still be on their way when a listing begins.
const ENTRIES_LATE: u64 = 200;
const CHANGED: &str = "lastModifiedDateTime";

/// A level, and the row that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub state: State,
    /// The id of the page's row, or of the item.
    pub row: String,
}

/// Where levels are read.
pub(crate) enum Source<'s> {
    /// A page with a row per item and location.
    Page(&'s CustomPage),
    /// Items; all there is of one is at the location of this code.
    Items(&'s str),
}

impl<'s> Source<'s> {
    pub(crate) fn of(books: &'s Books<'_>) -> Result<Self, Fault> {
        match (&books.settings.stock, &books.settings.stock_location) {
            (Some(page), _) => Ok(Self::Page(page)),
            (None, Some(location)) => Ok(Self::Items(location)),
            (None, None) => {
                Err(Fault::Unsupported("neither `stock-path` nor `stock-location` says where stock is".to_owned()))
            }
        }
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Page(page) => page.place.clone(),
            Self::Items(_) => Place::standard("items"),
        }
    }

    fn query(&self) -> Query {
        match self {
            Self::Page(page) => Query::of(&page.select()),
            Self::Items(_) => Query::of("id,number,type,inventory,lastModifiedDateTime"),
        }
    }

    /// What the number of the item is called.
    fn item(&self) -> &str {
        match self {
            Self::Page(page) => page.must("item"),
            Self::Items(_) => "number",
        }
    }

    /// What the time of the last change is called; `None`: nothing says when a level moved.
    fn changed(&self) -> Option<&str> {
        match self {
            Self::Page(page) => page.name("changed"),
            // It says when the item changed, which is not when its stock moved.
            Self::Items(_) => None,
        }
    }
}

pub(crate) fn pull(books: &Books<'_>, walk: &Walk) -> Result<Page, Fault> {
    let source = Source::of(books)?;
    match (source.changed(), walk.is_complete()) {
        (Some(changed), _) => listed(books, &source, walk, (&walk.changed(changed), 1)),
        (None, true) if walk.ledger.is_none() => {
            let walk = walk.saw_entry(last_entry(books)?.saturating_sub(ENTRIES_LATE));
            listed(books, &source, &walk, ("", 1))
        }
        (None, true) => listed(books, &source, walk, ("", 1)),
        // New items, which no entry tells of.
        (None, false) if walk.stage == 0 && matches!(source, Source::Items(_)) => {
            listed(books, &source, walk, (&walk.changed(CHANGED), 2))
        }
        (None, false) => moved(books, &source, walk),
    }
}

/// The next page of levels.
fn listed(books: &Books<'_>, source: &Source<'_>, walk: &Walk, (filter, stages): (&str, u8)) -> Result<Page, Fault> {
    let page = books.page(&source.place(), &source.query().only(filter), walk.next.as_deref(), PAGE)?;
    let found = levels(books, source, &page.rows)?;
    Ok(walk.turn(present(found), page.next, stages))
}

/// The levels of items that the ledger says were moved.
fn moved(books: &Books<'_>, source: &Source<'_>, walk: &Walk) -> Result<Page, Fault> {
    let walk = if walk.ledger.is_some() {
        walk.clone()
    } else {
        walk.saw_entry(last_entry(books)?.saturating_sub(ENTRIES_LATE))
    };
    let known = walk.ledger.map_or(0, |it| it.known);
    let query = Query { order: "entryNumber", ..Query::of("entryNumber,itemNumber") };
    let query = query.only(format!("entryNumber gt {known}"));
    let page = books.page(&Place::standard("itemLedgerEntries"), &query, walk.next.as_deref(), ENTRIES)?;
    let mut last = 0;
    for row in &page.rows {
        last = entry_number(row)?.max(last);
    }
    let numbers: BTreeSet<String> = page.rows.iter().filter_map(|it| it.text("itemNumber")).collect();
    let found = of_items(books, source, numbers.iter().map(String::as_str))?;
    let stages = walk.stage + 1;
    Ok(walk.saw_entry(last).turn(present(found), page.next, stages))
}

fn entry_number(row: &Row) -> Result<u64, Fault> {
    row.must("entryNumber")?.parse().map_err(|_| Fault::Protocol("an entry's number is none".to_owned()))
}

/// The number of the ledger's last entry; 0 where there is none.
fn last_entry(books: &Books<'_>) -> Result<u64, Fault> {
    let query = Query { order: "entryNumber desc", top: 1, ..Query::of("entryNumber") };
    let page = books.page(&Place::standard("itemLedgerEntries"), &query, None, 1)?;
    page.rows.first().map_or(Ok(0), entry_number)
}

fn present(found: Vec<Level>) -> Vec<Observed> {
    found.into_iter().map(|it| Observed::Present(it.state)).collect()
}

/// The levels of these items, at every location.
fn of_items<'v>(
    books: &Books<'_>,
    source: &Source<'_>,
    numbers: impl Iterator<Item = &'v str>,
) -> Result<Vec<Level>, Fault> {
    let rows = books.any_of(&source.place(), &source.query(), (source.item(), true), numbers)?;
    levels(books, source, &rows)
}

/// The levels under these ids.
pub(crate) fn of_ids(books: &Books<'_>, ids: &[String]) -> Result<Vec<Level>, Fault> {
    let source = Source::of(books)?;
    let numbers: BTreeSet<String> = ids.iter().filter_map(|it| Some(keys::split(it)?.0)).collect();
    let found = of_items(books, &source, numbers.iter().map(String::as_str))?;
    Ok(found.into_iter().filter(|it| ids.contains(&it.state.remote_id)).collect())
}

pub(crate) fn read(books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    Ok(of_ids(books, ids)?.into_iter().map(|it| it.state).collect())
}

fn levels(books: &Books<'_>, source: &Source<'_>, rows: &[Row]) -> Result<Vec<Level>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let locations = locations(books)?;
    match source {
        Source::Page(page) => of_page(books, page, &locations, rows),
        Source::Items(code) => of_company(&locations, code, rows),
    }
}

fn of_page(
    books: &Books<'_>,
    page: &CustomPage,
    locations: &BTreeMap<String, String>,
    rows: &[Row],
) -> Result<Vec<Level>, Fault> {
    let numbers: BTreeSet<String> = rows.iter().filter_map(|it| it.text(page.must("item"))).collect();
    let items = by_number(books, numbers.iter().map(String::as_str))?;
    let (mut found, mut odd) = (Vec::new(), BTreeSet::new());
    for row in rows {
        // A variant is another thing to sell, and no item here.
        if page.name("variant").is_some_and(|it| row.text(it).is_some()) {
            continue;
        }
        let (item, location) = (row.text(page.must("item")), row.text(page.must("location")));
        let (Some(item), Some(location)) = (item.and_then(|it| items.get(&it)), location) else { continue };
        let Some(location_id) = locations.get(&location) else {
            odd.insert(location);
            continue;
        };
        let level = StockLevel {
            item: item.id.clone().into(),
            location: location_id.clone().into(),
            on_hand: row.number(page.must("on-hand"))?.into(),
        };
        let state = State {
            remote_id: keys::join(&item.number, &location),
            fields: level.into_fields(),
            version: row.etag(),
            changed_at_ms: page.name("changed").and_then(|it| row.moment(it)),
            command_key: None,
        };
        found.push(Level { state, row: row.must("id")? });
    }
    if !odd.is_empty() {
        books
            .wire
            .host
            .log(host::Level::Warn, &format!("stock at unknown locations is left out: {}", json::text(&odd)));
    }
    Ok(found)
}

fn of_company(locations: &BTreeMap<String, String>, code: &str, rows: &[Row]) -> Result<Vec<Level>, Fault> {
    let location = locations.iter().find(|(it, _)| it.eq_ignore_ascii_case(code));
    let (code, location) = location
        .ok_or_else(|| Fault::Invalid(format!("`stock-location` is `{code}`, and there is no such location")))?;
    let is_stocked = |row: &&Row| row.choice("type").is_none_or(|it| it == "Inventory");
    let level = |row: &Row| {
        let item = row.must("id")?.to_lowercase();
        let level = StockLevel {
            item: item.clone().into(),
            location: location.clone().into(),
            on_hand: row.number("inventory")?.into(),
        };
        let remote_id = keys::join(&row.must("number")?, code);
        let state = State { remote_id, fields: level.into_fields(), version: row.etag(), ..State::default() };
        Ok(Level { state, row: item })
    };
    rows.iter().filter(is_stocked).map(level).collect()
}
