//! What is held back from a channel.

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// Over how many days demand is measured: whole days before the one that it is measured on.
pub const DEMAND_DAYS: u32 = 28;

/// What is held back from a channel. The largest of what is said counts, not their sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Units held back.
    #[serde(default)]
    pub absolute: Decimal,
    /// Per cent of what could be sold that is held back, 0 to 100; rounded in favour of holding back.
    #[serde(default)]
    pub percent: Decimal,
    /// What is ordered in so many days, as measured over the last [`DEMAND_DAYS`].
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub cover_days: Decimal,
    /// The most that is ever shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
}

/// How stock is published to a connection: what is held back, and what the system is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Publishes {
    /// See [`Buffer::absolute`].
    #[serde(default)]
    pub absolute: Decimal,
    /// See [`Buffer::percent`].
    #[serde(default)]
    pub percent: Decimal,
    /// See [`Buffer::cover_days`].
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub cover_days: Decimal,
    /// See [`Buffer::cap`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
    /// What its quantity means.
    #[serde(default, skip_serializing_if = "Tells::is_on_hand")]
    pub tells: Tells,
}

/// What a system takes the quantity for that it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// What is on the shelf: it takes off what its own orders want, and what it counts differently is a move.
    #[default]
    OnHand,
    /// What may be sold: it takes nothing off, so what it sold comes as orders and never as moves.
    Available,
}

impl Tells {
    /// The usual.
    #[must_use]
    pub fn is_on_hand(&self) -> bool {
        *self == Self::OnHand
    }
}

impl Publishes {
    /// What is held back where no rule says otherwise.
    #[must_use]
    pub fn buffer(&self) -> Buffer {
        let Self { absolute, percent, cover_days, cap, .. } = *self;
        Buffer { absolute, percent, cover_days, cap }
    }
}

impl Buffer {
    /// Whether it holds back something that there is.
    ///
    /// # Errors
    /// What it cannot be, for whoever wrote it.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.absolute.is_negative() {
            return Err("`absolute` is at least 0");
        }
        if self.percent.is_negative() || self.percent > Decimal::from(100) {
            return Err("`percent` is 0 to 100");
        }
        if self.cover_days.is_negative() || self.cover_days > Decimal::from(365) {
            return Err("`cover_days` is 0 to 365");
        }
        if self.cap.is_some_and(Decimal::is_negative) {
            return Err("`cap` is at least 0");
        }
        Ok(())
    }

    /// What is held back of what could be sold, where so much was ordered in [`DEMAND_DAYS`]. `None` when the arithmetic
    /// leaves its range.
    #[must_use]
    pub fn held_back(&self, sellable: Decimal, demand: Decimal) -> Option<Decimal> {
        let share = sellable.max(Decimal::ZERO).checked_mul(self.percent)?.checked_mul(hundredth())?;
        let cover = demand.checked_mul(self.cover_days)?;
        // Rounded up: what is not held back is sold.
        let cover = -(-cover).times(Decimal::from(DEMAND_DAYS))?;
        Some(self.absolute.max(share).max(cover))
    }
}

fn hundredth() -> Decimal {
    Decimal::new(1, 2).unwrap_or_default()
}
