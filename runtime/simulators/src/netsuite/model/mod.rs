//! The records that an account holds.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

mod transaction;

pub use transaction::{Line, Status, Transaction, TransactionType};

/// What sort of thing an item is. One table in SuiteQL, one record type each in REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum ItemType {
    /// Has stock at locations.
    #[default]
    InvtPart,
    /// Is sold but never counted.
    NonInvtPart,
    /// Is a set of other items, without stock of its own.
    Kit,
    /// Is built from other items and has stock.
    Assembly,
    /// Is charged beside goods, and never leaves anywhere.
    OthCharge,
}

impl ItemType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::InvtPart, Self::NonInvtPart, Self::Kit, Self::Assembly, Self::OthCharge];

    /// The name in SuiteQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::InvtPart => "InvtPart",
            Self::NonInvtPart => "NonInvtPart",
            Self::Kit => "Kit",
            Self::Assembly => "Assembly",
            Self::OthCharge => "OthCharge",
        }
    }

    /// The record type in REST.
    #[must_use]
    pub fn rest_name(self) -> &'static str {
        match self {
            Self::InvtPart => "inventoryItem",
            Self::NonInvtPart => "nonInventorySaleItem",
            Self::Kit => "kitItem",
            Self::Assembly => "assemblyItem",
            Self::OthCharge => "otherChargeSaleItem",
        }
    }
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The internal id.
    pub id: u64,
    /// The integration's own key.
    pub external_id: Option<String>,
    /// `itemId`: the item's name and number, unique among items.
    pub code: String,
    /// `displayName`.
    pub title: Option<String>,
    /// `upcCode`.
    pub barcode: Option<String>,
    /// Not `isInactive`.
    pub active: bool,
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub ty: ItemType,
    /// When it was made.
    pub created: UnixMs,
    /// When it was last saved. Stock does not touch it.
    pub modified: UnixMs,
}

/// An item at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StockKey {
    /// The item's internal id.
    pub item: u64,
    /// The location's internal id.
    pub location: u64,
}

/// How much of an item is at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stock {
    /// What a count would find.
    pub on_hand: Decimal,
    /// What open orders want from here.
    pub ordered: Decimal,
    /// When what is available last changed.
    pub changed: UnixMs,
}

impl Stock {
    /// What is set aside for open orders: never more than there is.
    #[must_use]
    pub fn committed(&self) -> Decimal {
        self.ordered.min(self.on_hand.max(Decimal::ZERO))
    }

    /// What open orders want and nobody has.
    #[must_use]
    pub fn backordered(&self) -> Decimal {
        self.ordered - self.committed()
    }

    /// What may still be promised.
    #[must_use]
    pub fn available(&self) -> Decimal {
        self.on_hand - self.committed()
    }
}

/// A price's place: item, price level, currency and the quantity from which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PriceKey {
    /// The item's internal id.
    pub item: u64,
    /// The price level's internal id.
    pub level: u64,
    /// The currency's internal id.
    pub currency: u64,
    /// The least quantity; zero for the base price.
    pub from: Decimal,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// The internal id.
    pub id: u64,
    /// The integration's own key.
    pub external_id: Option<String>,
    /// `entityId`: unique among customers.
    pub code: String,
    /// `companyName`.
    pub name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// Not `isInactive`.
    pub active: bool,
    /// The price level it buys at.
    pub price_level: Option<u64>,
    /// Its currency.
    pub currency: u64,
    /// Its subsidiary.
    pub subsidiary: u64,
    /// When it was made.
    pub created: UnixMs,
    /// When it was last saved.
    pub modified: UnixMs,
    /// Prices of its own, per item.
    pub item_pricing: Vec<ItemPricing>,
}

/// A customer's own price of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemPricing {
    /// The item.
    pub item: u64,
    /// The level it buys at, if not at a price of its own.
    pub level: Option<u64>,
    /// The currency of the price.
    pub currency: u64,
    /// The price, if not a level.
    pub price: Option<Decimal>,
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The internal id.
    pub id: u64,
    /// Its name, unique among locations.
    pub name: String,
    /// Not `isInactive`.
    pub active: bool,
    /// When it was last saved.
    pub modified: UnixMs,
}

/// What is left of a record that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Its number among deletions.
    pub sequence: u64,
    /// The record's internal id.
    pub record: u64,
    /// The record type, in lower case.
    pub script_id: String,
    /// The record type, for people.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// Its name.
    pub name: String,
    /// Who deleted it: `REST` or `UI`.
    pub context: &'static str,
    /// When.
    pub at: UnixMs,
}
