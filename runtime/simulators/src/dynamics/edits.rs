//! What a person changes at a service's own screens.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

/// The screen said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Changes to an item; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemEdit {
    /// `number`: the item is renamed wherever it is named.
    pub code: Option<String>,
    /// `displayName`
    pub title: Option<String>,
    /// `gtin`
    pub barcode: Option<String>,
    /// Not `blocked`.
    pub active: Option<bool>,
}

/// Changes to a customer; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerEdit {
    /// `number`
    pub code: Option<String>,
    /// `displayName`
    pub name: Option<String>,
    /// `email`
    pub email: Option<String>,
    /// `currencyCode`; empty for the company's own.
    pub currency: Option<String>,
    /// `blocked` is blank, or `All`.
    pub active: Option<bool>,
}

/// The whole price of an item in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceEdit {
    /// The price of one.
    pub amount: Decimal,
    /// Prices from a quantity on.
    #[serde(default)]
    pub breaks: Vec<Break>,
}

/// A price from a quantity on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The least quantity.
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

/// An order that a person takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewOrder {
    /// The customer's number or id.
    pub customer: String,
    /// `externalDocumentNumber`
    pub po_number: String,
    /// `currencyCode`; the customer's if left out.
    pub currency: Option<String>,
    /// The lines.
    pub lines: Vec<NewOrderLine>,
}

/// A line of an order that a person takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrderLine {
    /// The item's number or id.
    pub item: String,
    /// How many.
    pub quantity: Decimal,
    /// The price of one; as the price lists have it if left out.
    #[serde(default)]
    pub unit_price: Option<Decimal>,
    /// The code of the location it leaves from.
    #[serde(default)]
    pub location: Option<String>,
}
