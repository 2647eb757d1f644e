//! What a business has, before any system is told.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

/// Everything that a site can be filled with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Names of the places that hold stock.
    pub locations: Vec<String>,
    /// Names of price lists; the first is [`super::BASE`].
    pub lists: Vec<String>,
    /// What is sold.
    pub articles: Vec<Article>,
    /// Who buys.
    pub firms: Vec<Firm>,
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Article {
    /// Its code.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// Its barcode.
    pub barcode: String,
    /// How many there are at each of the catalogue's locations.
    pub stock: Vec<i64>,
    /// What it costs on each of the catalogue's lists.
    pub prices: Vec<Price>,
}

/// What something costs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    /// One of it.
    pub amount: Decimal,
    /// From a quantity on.
    #[serde(default)]
    pub breaks: Vec<Break>,
}

/// A price from a quantity on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The least quantity.
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

/// A company that buys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firm {
    /// Its code.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// Where it gets mail.
    pub email: String,
    /// The list it buys from.
    pub list: String,
}
