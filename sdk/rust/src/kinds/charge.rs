//! What is charged beside the lines of an order.

use serde::{Deserialize, Serialize};

use super::order::rows;
use crate::Decimal;
use crate::value::{FieldValue, Value};

/// What an amount beside the lines is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// What is taken off the whole order: below zero.
    Discount,
    /// What bringing it costs.
    Shipping,
    /// Taxes on net prices.
    Tax,
}

impl ChargeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Discount, Self::Shipping, Self::Tax];

    /// Its name in the order's schema, and in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Shipping => "shipping",
            Self::Tax => "tax",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// An amount beside the lines, in the order's currency. Rows are sorted: their order says nothing. The lines and the
/// charges of an order make its total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charge {
    /// What it is for.
    pub kind: ChargeKind,
    /// What people call it; `None` where the system keeps no such word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Below zero for what is taken off.
    pub amount: Decimal,
}

impl Charge {
    /// An amount without a name.
    #[must_use]
    pub fn new(kind: ChargeKind, amount: Decimal) -> Self {
        Self { kind, title: None, amount }
    }

    /// What charges come to; `None` when it has too many digits.
    #[must_use]
    pub fn sum(charges: &[Self]) -> Option<Decimal> {
        charges.iter().map(|it| it.amount).try_fold(Decimal::ZERO, Decimal::checked_add)
    }
}

impl FieldValue for Vec<Charge> {
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
