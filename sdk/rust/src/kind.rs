//! The kinds of canonical records.

use std::fmt;
use std::str::FromStr;

use crate::Fault;

/// What sort of thing a record is about. A kind comes after the kinds it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The kind's name in contracts.
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

impl FromStr for Kind {
    type Err = Fault;

    /// The list of kinds grows while components stay, so a name that is not known here is no error of the host's.
    fn from_str(name: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| Fault::Unsupported(format!("kind `{}`", name.chars().take(40).collect::<String>())))
    }
}
