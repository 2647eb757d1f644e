//! The kinds of canonical records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What sort of thing a record is about. The order is the order in which a first synchronisation reads them: a kind
/// comes after the kinds it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A place that holds stock.
    Location,
    /// Something that is sold.
    Item,
    /// A customer that is a business.
    Company,
    /// How much of an item is at a location.
    StockLevel,
    /// What an item costs on a price list, with its quantity breaks.
    Price,
    /// A sales order with its lines.
    Order,
}

impl Kind {
    /// Every kind, in reading order.
    pub const ALL: [Kind; 6] = [Self::Location, Self::Item, Self::Company, Self::StockLevel, Self::Price, Self::Order];

    /// The kind's name in contracts, URLs, logs and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Item => "item",
            Self::Company => "company",
            Self::StockLevel => "stock-level",
            Self::Price => "price",
            Self::Order => "order",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of record; there are location, item, company, stock-level, price and order")]
pub struct Unknown(pub String);

impl FromStr for Kind {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| Unknown(name.chars().take(40).collect()))
    }
}
