//! What an order costs beside its lines.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

/// What is charged beside the lines of an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charge {
    /// What it is for.
    pub kind: ChargeKind,
    /// How much; below zero for what is taken off.
    pub amount: Decimal,
}

/// What something is charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// Bringing it.
    Shipping,
    /// Taxes on net prices.
    Tax,
    /// Taken off the whole.
    Discount,
}

impl ChargeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Shipping, Self::Tax, Self::Discount];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipping => "shipping",
            Self::Tax => "tax",
            Self::Discount => "discount",
        }
    }
}

/// What a site books charges as, in its own names: `shipping=501, tax=502, discount=503`.
#[must_use]
pub fn charge_names(names: [&str; 3]) -> String {
    let pairs: Vec<String> =
        ChargeKind::ALL.iter().zip(names).map(|(kind, name)| format!("{}={name}", kind.as_str())).collect();
    pairs.join(", ")
}

/// The charges behind names and amounts of a site.
pub(super) fn charges<'n>(names: [&str; 3], booked: impl IntoIterator<Item = (&'n str, Decimal)>) -> Vec<Charge> {
    let kind = |name: &str| names.iter().position(|it| *it == name).and_then(|at| ChargeKind::ALL.get(at).copied());
    let mut charges: Vec<Charge> =
        booked.into_iter().filter_map(|(name, amount)| Some(Charge { kind: kind(name)?, amount })).collect();
    charges.sort();
    charges
}
