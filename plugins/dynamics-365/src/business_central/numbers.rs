//! Which item a number stands for, and which location a code: pages of the tenant's own know no ids.
//!
//! Only what a page names is asked for. A catalogue of 20 000 items is never read to translate a hundred.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::Fault;

use super::books::{Books, Query};
use super::settings::Place;
use crate::odata::{Row, is_guid};

const SELECT: &str = "id,number,baseUnitOfMeasureCode";

/// What is known of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub id: String,
    pub number: String,
    /// The unit that its prices and quantities are in.
    pub unit: Option<String>,
}

impl Known {
    pub(crate) fn of(row: &Row) -> Result<Self, Fault> {
        let (id, number) = (row.must("id")?.to_lowercase(), row.must("number")?);
        Ok(Self { id, number, unit: row.text("baseUnitOfMeasureCode") })
    }

    /// Whether an amount per this unit is one per base unit.
    pub(crate) fn is_base_unit(&self, unit: Option<&str>) -> bool {
        match (unit, &self.unit) {
            (Some(unit), Some(base)) => unit.eq_ignore_ascii_case(base),
            _ => true,
        }
    }
}

/// Items by their numbers.
pub(crate) fn by_number<'v>(
    books: &Books<'_>,
    numbers: impl Iterator<Item = &'v str>,
) -> Result<BTreeMap<String, Known>, Fault> {
    let numbers: BTreeSet<&str> = numbers.collect();
    let rows = books.any_of(&Place::standard("items"), &Query::of(SELECT), ("number", true), numbers)?;
    rows.iter().map(|row| Known::of(row).map(|it| (it.number.clone(), it))).collect()
}

/// Items by their ids.
pub(crate) fn by_id<'v>(
    books: &Books<'_>,
    ids: impl Iterator<Item = &'v str>,
) -> Result<BTreeMap<String, Known>, Fault> {
    let ids: BTreeSet<&str> = ids.filter(|it| is_guid(it)).collect();
    let rows = books.any_of(&Place::standard("items"), &Query::of(SELECT), ("id", false), ids)?;
    rows.iter().map(|row| Known::of(row).map(|it| (it.id.clone(), it))).collect()
}

/// The ids of locations by their codes. There are few.
pub(crate) fn locations(books: &Books<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let rows = books.all(&Place::standard("locations"), &Query::of("id,code"), 1_000)?;
    let coded = rows.iter().filter_map(|row| Some((row.text("code")?, row.id("id")?)));
    Ok(coded.collect())
}
