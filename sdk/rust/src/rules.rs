//! The pure worlds: what authors of rules, policies and mappings implement.
//!
//! Same input, same output, on every machine: an implementation looks at its arguments and nothing else.

use crate::{Context, Decimal, Fault, Fields, Kind, Value};

/// A quantity from which another unit price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceBreak {
    /// In the item's base unit, above zero.
    pub from_quantity: Decimal,
    /// Per unit, in the basket's currency.
    pub unit_price: Decimal,
}

/// One line to price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The item's canonical code.
    pub item: String,
    /// In the item's base unit, above zero.
    pub quantity: Decimal,
    /// The unit price of the customer's price list.
    pub list_price: Decimal,
    /// The list's own quantity breaks, ascending.
    pub breaks: Vec<PriceBreak>,
}

/// A basket of at most 1 000 lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket {
    /// The customer's canonical code; empty for an unknown customer.
    pub company: String,
    /// ISO 4217, upper case.
    pub currency: String,
    /// The moment to price for, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// In the order of the basket.
    pub lines: Vec<Line>,
}

/// The answer for one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// Per unit, zero or more, at most 6 decimals.
    pub unit_price: Decimal,
    /// Why, for people and for the receipt. At most 200 characters.
    pub reason: String,
}

/// Says what a customer pays.
pub trait PricingRule {
    /// One answer per line, in order.
    ///
    /// # Errors
    /// When the basket cannot be priced as a whole.
    fn price(basket: Basket) -> Result<Vec<Priced>, Fault>;
}

/// What is known about one item at one location, in the item's base unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The item's canonical code.
    pub item: String,
    /// The location's canonical code.
    pub location: String,
    /// Name of the connection it is published to.
    pub channel: String,
    /// What is there.
    pub on_hand: Decimal,
    /// What of it is promised.
    pub reserved: Decimal,
    /// On orders that the owner of the stock has not acknowledged yet.
    pub unacknowledged: Decimal,
}

/// Says what stock a channel may see.
pub trait StockRule {
    /// The quantity to publish per level, in order. The host lowers what would oversell.
    ///
    /// # Errors
    /// When nothing can be said about the levels as a whole.
    fn publish(levels: Vec<Level>) -> Result<Vec<Decimal>, Fault>;
}

/// What a validator thinks of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may become the truth.
    Good,
    /// It may not; says why, at most 200 characters.
    Bad(String),
}

/// Looks at records before they become the truth.
pub trait Validator {
    /// One verdict per record, in order.
    ///
    /// # Errors
    /// When nothing can be said about the records as a whole.
    fn validate(kind: Kind, records: Vec<Fields>) -> Result<Vec<Verdict>, Fault>;
}

/// One system's word on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The connection's name.
    pub connection: String,
    /// Its authority for this field: 0 is the highest. Two connections may share a rank.
    pub rank: u32,
    /// The tenant says that this connection owns the field.
    pub owner: bool,
    /// What the connection held before.
    pub was: Value,
    /// What it holds now.
    pub now: Value,
    /// When the system says it changed; `None` if it does not say.
    pub changed_at_ms: Option<u64>,
}

/// A field to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The kind's name. Text, because a policy may serve kinds it has never heard of.
    pub kind: String,
    /// The record's canonical key.
    pub key: String,
    /// The field's name.
    pub field: String,
    /// The truth before any of these claims.
    pub base: Value,
    /// At least one, at most one per connection.
    pub claims: Vec<Claim>,
}

/// The answer for one conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The value of the claim at this index is the truth.
    Take(usize),
    /// This value is the truth: a merge of the claims.
    Merge(Value),
    /// The truth stays as it was.
    Keep,
    /// A person must decide. Says why, at most 200 characters.
    Hold(String),
}

/// Settles fields that several systems moved, or that a system moved without owning them.
pub trait ConflictPolicy {
    /// The decision. A function of the *set* of claims: their order and repetition must not matter, which is why a
    /// policy sees one conflict at a time.
    fn decide(conflict: &Conflict) -> Decision;
}

/// Translates between a connection's records and the canonical ones.
pub trait Mapping {
    /// What the engine should see of what the connection holds; `None`: the record does not exist for this tenant.
    ///
    /// # Errors
    /// When the records cannot be mapped.
    fn to_canonical(ctx: &Context, kind: Kind, records: Vec<Fields>) -> Result<Vec<Option<Fields>>, Fault>;

    /// What the connection should hold of what the engine decided.
    ///
    /// # Errors
    /// When the records cannot be mapped.
    fn from_canonical(ctx: &Context, kind: Kind, records: Vec<Fields>) -> Result<Vec<Fields>, Fault>;
}
