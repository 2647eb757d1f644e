//! Prices: every item's own, as the list `base`, and those of price lists, where a page of the tenant's own shows them.
//!
//! A listing goes by items, because the lines of one price may lie anywhere in a listing of lines. A delta asks for
//! what changed, and for what began or ended to count since: nobody changes a line on the day from which it counts.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::kinds::{Price, Record};
use truthsource_sdk::value::Held;

use super::books::{Books, Query};
use super::cursor::Walk;
use super::keys;
use super::numbers::{Known, by_number};
use super::price_line::{Pair, day, lines, of_pairs, pair, state};
use super::settings::{CustomPage, Place};
use crate::odata::Row;

/// The list of items' own prices.
pub(crate) const BASE: &str = "base";
const SELECT: &str = "id,number,unitPrice,priceIncludesTax,baseUnitOfMeasureCode,lastModifiedDateTime";
const CHANGED: &str = "lastModifiedDateTime";
/// Items, or lines, of one page; what belongs to them is asked for together, and a page tells of 10 000 prices at most.
const PAGE: u32 = 100;

/// What one stage of a walk asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Items, with the prices of all lists or only their own.
    Items { filter: String, lists: bool },
    /// Lines of price lists of which this holds.
    Lines(String),
}

pub(crate) fn pull(books: &Books<'_>, walk: &Walk) -> Result<Page, Fault> {
    let stages = stages(books, walk);
    let n = u8::try_from(stages.len()).unwrap_or(u8::MAX);
    let stage = stages.get(usize::from(walk.stage));
    match (stage, &books.settings.price) {
        (Some(Stage::Items { filter, lists }), page) => {
            let query = Query::of(SELECT).only(filter.as_str());
            let read = books.page(&Place::standard("items"), &query, walk.next.as_deref(), PAGE)?;
            let mut found = bases(books, &read.rows)?;
            if let Some(page) = page.as_ref().filter(|_| *lists) {
                found.extend(of_items(books, page, &read.rows)?);
            }
            Ok(walk.turn(found.into_iter().map(Observed::Present).collect(), read.next, n))
        }
        (Some(Stage::Lines(filter)), Some(page)) => {
            let query = Query::of(&page.select()).only(filter.as_str());
            let read = books.page(&page.place, &query, walk.next.as_deref(), PAGE)?;
            let pairs: BTreeSet<Pair> = read.rows.iter().filter_map(|row| pair(page, row)).collect();
            let items = by_number(books, pairs.iter().map(|it| it.1.as_str()))?;
            let (found, gone) = of_pairs(books, page, (&pairs, &items))?;
            let gone = gone.into_iter().map(Observed::Absent);
            Ok(walk.turn(found.into_iter().map(Observed::Present).chain(gone).collect(), read.next, n))
        }
        _ => Err(Fault::Invalid("the cursor is none of this connector's".to_owned())),
    }
}

/// What a walk asks for, one after the other: the same for all of its pages.
fn stages(books: &Books<'_>, walk: &Walk) -> Vec<Stage> {
    let page = books.settings.price.as_ref();
    let changed = page.and_then(|it| it.name("changed"));
    let (Some(since_ms), true) = (walk.since_ms, page.is_none() || changed.is_some()) else {
        // Everything, and where nothing says when a line changed, every time.
        return vec![Stage::Items { filter: String::new(), lists: true }];
    };
    let mut stages = vec![Stage::Items { filter: walk.changed(CHANGED), lists: false }];
    let (Some(page), Some(changed)) = (page, changed) else { return stages };
    stages.push(Stage::Lines(walk.changed(changed)));
    let (then, now) = (day(books, since_ms), day(books, walk.began_ms()));
    if then != now {
        let starts = page.name("starts").map(|it| format!("{it} gt {then} and {it} le {now}"));
        let ends = page.name("ends").map(|it| format!("{it} ge {then} and {it} lt {now}"));
        stages.extend(starts.into_iter().chain(ends).map(Stage::Lines));
    }
    stages
}

fn bases(books: &Books<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    rows.iter().map(|row| base(books, row)).collect()
}

fn base(books: &Books<'_>, row: &Row) -> Result<State, Fault> {
    // Prices are told without taxes, or not at all.
    let is_net = row.flag("priceIncludesTax") != Some(true);
    let price = Price {
        list: BASE.to_owned().into(),
        item: row.must("id")?.to_lowercase().into(),
        currency: books.settings.currency.clone().into(),
        amount: if is_net { row.number("unitPrice")?.into() } else { Held::Unknown },
        // An item has one price of its own.
        breaks: Held::Unknown,
    };
    Ok(State {
        remote_id: keys::join(BASE, &row.must("number")?),
        fields: price.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment(CHANGED),
        command_key: None,
    })
}

/// The prices that these items have on lists.
fn of_items(books: &Books<'_>, page: &CustomPage, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let items: BTreeMap<String, Known> =
        rows.iter().map(|row| Known::of(row).map(|it| (it.number.clone(), it))).collect::<Result<_, _>>()?;
    let (lines, _) = lines(books, page, &items)?;
    let priced = lines.iter().filter_map(|(pair, lines)| Some(state(books, page, pair, items.get(&pair.1)?, lines)));
    Ok(priced.collect())
}

/// The prices under these ids.
pub(crate) fn read(books: &Books<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let pairs: Vec<Pair> = ids.iter().filter_map(|it| keys::split(it)).collect();
    let (own, listed): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(|(list, _)| list == BASE);
    let numbers: BTreeSet<&str> = own.iter().map(|(_, number)| number.as_str()).collect();
    let rows = books.any_of(&Place::standard("items"), &Query::of(SELECT), ("number", true), numbers)?;
    let mut found = bases(books, &rows)?;
    if let Some(page) = books.settings.price.as_ref().filter(|_| !listed.is_empty()) {
        let pairs: BTreeSet<Pair> = listed.into_iter().collect();
        let items = by_number(books, pairs.iter().map(|it| it.1.as_str()))?;
        found.extend(of_pairs(books, page, (&pairs, &items))?.0);
    }
    Ok(found)
}
