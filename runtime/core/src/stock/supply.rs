//! From what there is to what is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Buffer, Tells};
use crate::Decimal;
use crate::record::ConnectionId;

/// What other records say about the stock of one item at one location.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Promised {
    /// Of orders that are booked where stock is kept.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub reserved: Decimal,
    /// Of orders that are not, by the channel that took them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unacknowledged: BTreeMap<ConnectionId, Decimal>,
    /// What each system sets aside itself of what it is told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<ConnectionId, Decimal>,
    /// What was ordered in the last [`super::DEMAND_DAYS`], where a rule asks for it.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub demand: Decimal,
}

/// What a level's publication depends on, besides its own truth and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Supply {
    /// Of its own item.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub promised: Promised,
    /// Of the parts of a kit, by their item. One that is not there is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Supplied>,
}

/// A part of a kit at the kit's location.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Supplied {
    /// How many there are.
    pub on_hand: Decimal,
    /// And what is promised of them.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub promised: Promised,
}

impl Promised {
    /// On all orders that no system has acknowledged that keeps stock. `None` when the sum leaves its range.
    #[must_use]
    pub fn unacknowledged(&self) -> Option<Decimal> {
        self.unacknowledged.values().try_fold(Decimal::ZERO, |sum, it| sum.checked_add(*it))
    }

    /// What a connection sets aside itself.
    #[must_use]
    pub fn own(&self, connection: ConnectionId) -> Decimal {
        self.own.get(&connection).copied().unwrap_or_default()
    }
}

/// What a channel may sell, before its cap: `on hand − reserved − unacknowledged − buffer`. Below zero where more is
/// promised than there is. `None` when the arithmetic leaves its range: then nothing may be sold.
#[must_use]
pub fn free(on_hand: Decimal, promised: &Promised, buffer: &Buffer) -> Option<Decimal> {
    let sellable = on_hand.checked_sub(promised.reserved)?.checked_sub(promised.unacknowledged()?)?;
    sellable.checked_sub(buffer.held_back(sellable, promised.demand)?)
}

/// What a system is told that may sell so much, in whole units: never below nothing, and never more than the cap on top
/// of what it sets aside itself (promise P9).
#[must_use]
pub fn told(free: Option<Decimal>, cap: Option<Decimal>, own: Decimal, tells: Tells) -> Decimal {
    let Some(free) = free else { return Decimal::ZERO };
    let shown = free.floor().min(cap.unwrap_or(free).floor());
    let told = match tells {
        Tells::OnHand => shown.checked_add(own.max(Decimal::ZERO)).unwrap_or_default().floor(),
        Tells::Available => shown,
    };
    told.max(Decimal::ZERO)
}

fn is_nothing(promised: &Promised) -> bool {
    *promised == Promised::default()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
