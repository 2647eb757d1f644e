//! The records that an account holds.

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};
use truthsource_core::{Decimal, UnixMs};

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
}

impl ItemType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::InvtPart, Self::NonInvtPart, Self::Kit, Self::Assembly];

    /// The name in SuiteQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::InvtPart => "InvtPart",
            Self::NonInvtPart => "NonInvtPart",
            Self::Kit => "Kit",
            Self::Assembly => "Assembly",
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

/// What sort of transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum TransactionType {
    /// A sales order.
    SalesOrd,
    /// A correction of stock.
    InvAdjst,
    /// Goods of a sales order that left.
    ItemShip,
}

impl TransactionType {
    /// The name in SuiteQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::SalesOrd => "SalesOrd",
            Self::InvAdjst => "InvAdjst",
            Self::ItemShip => "ItemShip",
        }
    }

    /// The record type in REST.
    #[must_use]
    pub fn rest_name(self) -> &'static str {
        match self {
            Self::SalesOrd => "salesOrder",
            Self::InvAdjst => "inventoryAdjustment",
            Self::ItemShip => "itemFulfillment",
        }
    }

    /// The name people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SalesOrd => "Sales Order",
            Self::InvAdjst => "Inventory Adjustment",
            Self::ItemShip => "Item Fulfillment",
        }
    }
}

/// Where a sales order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A: nobody has approved it; it commits no stock.
    PendingApproval,
    /// B: it waits for its goods to leave.
    PendingFulfillment,
    /// C: it will not happen.
    Cancelled,
    /// D: some goods left.
    PartiallyFulfilled,
    /// F: all goods left.
    PendingBilling,
    /// G: it is paid for.
    Billed,
    /// H: nobody waits for what is missing.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::PendingApproval,
        Self::PendingFulfillment,
        Self::Cancelled,
        Self::PartiallyFulfilled,
        Self::PendingBilling,
        Self::Billed,
        Self::Closed,
    ];

    /// The letter in REST and SuiteQL.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::PendingApproval => "A",
            Self::PendingFulfillment => "B",
            Self::Cancelled => "C",
            Self::PartiallyFulfilled => "D",
            Self::PendingBilling => "F",
            Self::Billed => "G",
            Self::Closed => "H",
        }
    }

    /// The name people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PendingApproval => "Pending Approval",
            Self::PendingFulfillment => "Pending Fulfillment",
            Self::Cancelled => "Cancelled",
            Self::PartiallyFulfilled => "Partially Fulfilled",
            Self::PendingBilling => "Pending Billing",
            Self::Billed => "Billed",
            Self::Closed => "Closed",
        }
    }

    /// Its open lines want stock.
    #[must_use]
    pub fn commits(self) -> bool {
        matches!(self, Self::PendingFulfillment | Self::PartiallyFulfilled)
    }
}

/// A sales order, an inventory adjustment or a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// The internal id.
    pub id: u64,
    /// What sort of transaction.
    #[serde(rename = "type")]
    pub ty: TransactionType,
    /// `tranId`: the document number.
    pub number: String,
    /// The integration's own key.
    pub external_id: Option<String>,
    /// The customer.
    pub entity: Option<u64>,
    /// The account it is booked to.
    pub account: Option<u64>,
    /// The location of lines that name none.
    pub location: Option<u64>,
    /// The subsidiary.
    pub subsidiary: u64,
    /// The currency.
    pub currency: u64,
    /// `tranDate`: a date without a zone.
    #[serde(serialize_with = "as_text")]
    pub day: Date,
    /// `memo`.
    pub memo: Option<String>,
    /// `otherRefNum`: the customer's own number.
    pub po_number: Option<String>,
    /// Where a sales order stands.
    pub status: Option<Status>,
    /// The order that a fulfilment fulfils.
    pub created_from: Option<u64>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The unique key of its main line.
    pub main_key: u64,
    /// When it was made.
    pub created: UnixMs,
    /// When it was last saved.
    pub modified: UnixMs,
}

/// A line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Unique among all lines.
    pub key: u64,
    /// Its number in the transaction, from 1.
    pub number: u64,
    /// The item.
    pub item: u64,
    /// As entered: positive for goods sold, signed for adjustments.
    pub quantity: Decimal,
    /// The price of one.
    pub rate: Option<Decimal>,
    /// The price of all.
    pub amount: Option<Decimal>,
    /// Where from.
    pub location: Option<u64>,
    /// How much of it left.
    pub fulfilled: Decimal,
    /// When it was last saved.
    pub modified: UnixMs,
}

impl Transaction {
    /// The sum of the lines.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.lines.iter().filter_map(|it| it.amount).fold(Decimal::ZERO, |sum, it| sum + it)
    }

    /// The location of a line.
    #[must_use]
    pub fn location_of(&self, line: &Line) -> Option<u64> {
        line.location.or(self.location)
    }
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

fn as_text<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}
