//! Inputs and outputs of the pure worlds.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, Kind, UnixMs, Value};

/// A quantity from which another unit price holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBreak {
    /// In the item's base unit, above zero.
    pub from_quantity: Decimal,
    /// Per unit, in the basket's currency, zero or more.
    pub unit_price: Decimal,
}

/// One line to price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item's canonical code.
    pub item: String,
    /// In the item's base unit, above zero.
    pub quantity: Decimal,
    /// The unit price of the customer's price list, in the basket's currency.
    pub list_price: Decimal,
    /// The list's own quantity breaks, ascending by `from_quantity`.
    pub breaks: Vec<PriceBreak>,
}

/// A basket to price, of at most 1 000 lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    /// The customer's canonical code; empty for an unknown customer.
    pub company: String,
    /// ISO 4217, upper case.
    pub currency: String,
    /// The moment to price for: part of the input, so that a replay agrees.
    pub at: UnixMs,
    /// What is in it.
    pub lines: Vec<Line>,
}

/// The answer for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// Per unit, in the basket's currency, zero or more, at most 6 decimals.
    pub unit_price: Decimal,
    /// Why, for people and for the receipt. At most 200 characters.
    pub reason: String,
}

/// What is known about the stock of one item at one location, in the item's base unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The item's canonical code.
    pub item: String,
    /// The location's canonical code.
    pub location: String,
    /// Name of the connection it is published to.
    pub channel: String,
    /// Counted.
    pub on_hand: Decimal,
    /// Promised.
    pub reserved: Decimal,
    /// On orders that the owner of the stock has not acknowledged yet.
    pub unacknowledged: Decimal,
}

/// One system's word on a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The connection's name.
    pub connection: String,
    /// Its authority for this field: 0 is the highest.
    pub rank: u32,
    /// The tenant's configuration says that this connection owns the field.
    pub owner: bool,
    /// What the connection held before.
    pub was: Value,
    /// What it holds now.
    pub now: Value,
    /// When the system says it changed; `None` if it does not say.
    pub changed_at: Option<UnixMs>,
}

/// A field to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The record's kind.
    pub kind: Kind,
    /// The record's canonical key.
    pub key: String,
    /// The field, by its name in the kind's schema.
    pub field: String,
    /// The truth before any of these claims.
    pub base: Value,
    /// At least one, at most one per connection, ordered by connection name.
    pub claims: Vec<Claim>,
}

/// The answer for one conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The value of the claim at this index is the truth. Always a valid index.
    Take(usize),
    /// This value is the truth. Always fits the field's schema.
    Merge(Value),
    /// The truth stays `base`, and every claim is overruled.
    Keep,
    /// A person must decide. Says why.
    Hold(String),
}

/// What a validator thinks of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may become the truth.
    Good,
    /// It may not. Says why, at most 200 characters.
    Bad(String),
}
