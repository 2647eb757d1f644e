//! Sales orders with their lines.

use serde::{Deserialize, Serialize};

use crate::Decimal;
use crate::kinds::{Charge, record};
use crate::value::{FieldValue, Value};

record! {
    /// A sales order.
    Order {
        /// The number people quote.
        number: String,
        /// The remote id of the company that ordered.
        company: String,
        /// The customer's own number.
        po_number: String,
        /// ISO 4217, upper case.
        currency: String,
        /// RFC 3339, or a date where the system keeps no time.
        placed_at: String,
        /// How far it has come.
        status: Status,
        /// How far it is paid.
        payment: Payment,
        /// Why nobody is to do anything about it for now: a hold, a suspicion of fraud. Empty where nothing is held.
        hold: String,
        /// In `currency`, zero or more.
        total: Decimal,
        /// What was ordered, in the order of the document. Left out where it cannot be told like this: where prices
        /// include taxes, or quantity times price is not what is charged.
        lines: Vec<Line>,
        /// What is charged beside the lines: what is taken off the whole, shipping, taxes. Left out where the lines are.
        charges: Vec<Charge>,
        /// What has left of it, parcel by parcel; empty where nothing has.
        fulfilments: Vec<Fulfilment>,
        /// What the system has taken from its stock for them, in sum. Only where it does so for being told of them.
        taken: Vec<Taken>,
    }
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Accepted, nothing delivered.
    Open,
    /// Waits for somebody: approval, payment, credit.
    OnHold,
    /// Some of it is delivered.
    PartiallyFulfilled,
    /// All of it is delivered.
    Fulfilled,
    /// Nothing more will happen, delivered or not.
    Closed,
    /// Called off.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 6] =
        [Self::Open, Self::OnHold, Self::PartiallyFulfilled, Self::Fulfilled, Self::Closed, Self::Cancelled];

    /// The status's name in the order's schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::OnHold => "on-hold",
            Self::PartiallyFulfilled => "partially-fulfilled",
            Self::Fulfilled => "fulfilled",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl FieldValue for Status {
    fn into_value(self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
    fn from_value(value: Value) -> Result<Self, String> {
        let named = if let Value::Text(text) = &value { Self::named(text) } else { None };
        named.ok_or_else(|| "must be a status of an order".to_owned())
    }
}

/// How far an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payment {
    /// Nothing yet.
    Pending,
    /// Whoever pays has promised it.
    Authorised,
    /// Some of it.
    PartiallyPaid,
    /// All of it.
    Paid,
    /// All of it, and some was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// What was promised was let go.
    Voided,
    /// What was promised was not taken in time.
    Expired,
}

impl Payment {
    /// Every one.
    pub const ALL: [Payment; 8] = [
        Self::Pending,
        Self::Authorised,
        Self::PartiallyPaid,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Voided,
        Self::Expired,
    ];

    /// Its name in the order's schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::PartiallyPaid => "partially-paid",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially-refunded",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

impl FieldValue for Payment {
    fn into_value(self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = &value else { return Err("must say how far an order is paid".to_owned()) };
        let named = Self::ALL.into_iter().find(|it| it.as_str() == text);
        named.ok_or_else(|| "must say how far an order is paid".to_owned())
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line {
    /// The item's remote id; `None` for something that is no item. Absent columns are not written at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The SKU as sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// In the item's base unit.
    pub quantity: Decimal,
    /// Per base unit, in the order's currency, without taxes.
    pub unit_price: Decimal,
}

/// A line of a parcel that has left. Rows are sorted: their order says nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The item's remote id.
    pub item: String,
    /// In the item's base unit.
    pub quantity: Decimal,
    /// The carrier's number for the parcel.
    #[serde(default)]
    pub tracking: Option<String>,
}

impl Fulfilment {
    /// Those of `all` that are not in `held`, each as often as it is missing; `None` when `held` has others.
    #[must_use]
    pub fn missing(all: &[Self], held: &[Self]) -> Option<Vec<Self>> {
        let mut missing = all.to_vec();
        for it in held {
            let at = missing.iter().position(|other| other == it)?;
            missing.remove(at);
        }
        Some(missing)
    }
}

/// What was taken from stock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Taken {
    /// The item's remote id.
    pub item: String,
    /// The location's remote id.
    pub location: String,
    /// In the item's base unit.
    pub quantity: Decimal,
}

impl FieldValue for Vec<Fulfilment> {
    fn into_value(mut self) -> Value {
        self.sort();
        Value::Json(crate::json::text(&self))
    }
    fn from_value(value: Value) -> Result<Self, String> {
        let mut rows: Self = rows(value)?;
        rows.sort();
        Ok(rows)
    }
}

impl FieldValue for Vec<Taken> {
    fn into_value(mut self) -> Value {
        self.sort();
        Value::Json(crate::json::text(&self))
    }
    fn from_value(value: Value) -> Result<Self, String> {
        rows(value)
    }
}

pub(super) fn rows<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    let Value::Json(text) = value else { return Err("must be rows".to_owned()) };
    serde_json::from_str(&text).map_err(|error| format!("is not rows: {error}"))
}

impl FieldValue for Vec<Line> {
    fn into_value(self) -> Value {
        Value::Json(crate::json::text(&self))
    }
    fn from_value(value: Value) -> Result<Self, String> {
        rows(value)
    }
}
