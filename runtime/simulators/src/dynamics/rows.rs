//! What a service holds, in canonical terms: the rows of snapshots.

use serde::Serialize;
use truthsource_core::{Decimal, UnixMs};

use super::edits::Break;
use super::guid::Guid;

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemRow {
    /// The id that a connector names it by.
    pub id: Guid,
    /// `number`
    pub code: String,
    /// `displayName`
    pub title: String,
    /// `gtin`
    pub barcode: String,
    /// Not `blocked`.
    pub active: bool,
    /// When its stamp says it was changed.
    pub modified: UnixMs,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerRow {
    /// The id that a connector names it by.
    pub id: Guid,
    /// `number`
    pub code: String,
    /// `displayName`
    pub name: String,
    /// `email`
    pub email: String,
    /// The ISO code.
    pub currency: String,
    /// `blocked` is blank.
    pub active: bool,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocationRow {
    /// The id that a connector names it by.
    pub id: Guid,
    /// `code`
    pub code: String,
    /// `displayName`
    pub name: String,
}

/// Stock of an item at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockRow {
    /// The id that a connector names it by: `{item number}:{location code}`.
    pub id: String,
    /// The item's id.
    pub item: Guid,
    /// The location's id; `None` for stock that is at none.
    pub location: Option<Guid>,
    /// What is there.
    pub on_hand: Decimal,
    /// What open orders want of it.
    pub ordered: Decimal,
}

/// The price of an item in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceRow {
    /// The id that a connector names it by: `{list code}:{item number}`.
    pub id: String,
    /// The list's code; `base` for the item's own.
    pub list: String,
    /// The item's id.
    pub item: Guid,
    /// The ISO code.
    pub currency: String,
    /// The price of one; `None` where the list begins at a quantity.
    pub amount: Option<Decimal>,
    /// Prices from a quantity on.
    pub breaks: Vec<Break>,
}

/// A sales order, also one that was posted and is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderRow {
    /// The id that a connector names it by.
    pub id: Guid,
    /// `number`
    pub number: String,
    /// The customer's id.
    pub company: Guid,
    /// `externalDocumentNumber`
    pub po_number: String,
    /// The ISO code.
    pub currency: String,
    /// `orderDate`
    pub placed_at: String,
    /// In canonical words.
    pub status: String,
    /// The sum.
    pub total: Decimal,
    /// It was posted in full: the API has it no more.
    pub is_gone: bool,
    /// Lines of items, as they stand in it.
    pub lines: Vec<OrderLineRow>,
    /// Lines of accounts: the account, and the amount.
    pub accounts: Vec<(String, Decimal)>,
    /// What is written between its lines.
    pub comments: Vec<String>,
}

/// A line of a sales order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderLineRow {
    /// The item's id.
    pub item: Guid,
    /// The item's number.
    pub sku: String,
    /// How many.
    pub quantity: Decimal,
    /// How many have left.
    pub shipped: Decimal,
    /// The price of one.
    pub unit_price: Decimal,
}
