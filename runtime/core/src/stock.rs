//! How much stock a channel may see.

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// What is held back from a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Units held back.
    #[serde(default)]
    pub absolute: Decimal,
    /// Per cent of what could be sold that is held back, 0 to 100; rounded in favour of holding back.
    #[serde(default)]
    pub percent: Decimal,
    /// The most that is ever shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
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
        if self.cap.is_some_and(Decimal::is_negative) {
            return Err("`cap` is at least 0");
        }
        Ok(())
    }
}

/// What a channel may see: `max(0, on hand − reserved − unacknowledged − buffer)`, in whole units, at most the cap
/// (promise P9). The larger of the two buffers counts. Nothing is shown when the arithmetic leaves its range.
#[must_use]
pub fn publishable(on_hand: Decimal, reserved: Decimal, unacknowledged: Decimal, buffer: &Buffer) -> Decimal {
    let sellable = on_hand.checked_sub(reserved).and_then(|it| it.checked_sub(unacknowledged));
    let Some(sellable) = sellable.filter(|it| !it.is_negative()) else { return Decimal::ZERO };
    let share = sellable.checked_mul(buffer.percent).and_then(|it| it.checked_mul(hundredth()));
    let Some(share) = share else { return Decimal::ZERO };
    let shown = sellable.checked_sub(buffer.absolute.max(share)).unwrap_or(Decimal::ZERO).floor();
    shown.max(Decimal::ZERO).min(buffer.cap.unwrap_or(shown).max(Decimal::ZERO))
}

fn hundredth() -> Decimal {
    Decimal::new(1, 2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(on_hand: i32, taken: i32, absolute: i32, percent: i32, cap: Option<i32>, expect: i32) {
        let buffer = Buffer { absolute: absolute.into(), percent: percent.into(), cap: cap.map(Decimal::from) };
        let shown = publishable(on_hand.into(), taken.into(), Decimal::ZERO, &buffer);
        assert_eq!(shown, expect.into());
    }

    #[test]
    fn a_buffer_is_held_back() {
        check(100, 0, 0, 0, None, 100);
        check(100, 20, 5, 0, None, 75);
        check(100, 0, 5, 10, None, 90);
        check(101, 0, 0, 10, None, 90);
        check(100, 0, 0, 100, None, 0);
        check(3, 0, 5, 0, None, 0);
        check(-3, 0, 0, 0, None, 0);
        check(100, 0, 0, 0, Some(7), 7);
        check(5, 0, 0, 0, Some(7), 5);
    }

    proptest! {
        #[test]
        fn p9_never_above_what_can_be_sold(on_hand in -1000i32..1000, reserved in 0i32..500, open in 0i32..500,
                                           absolute in 0i32..200, percent in 0i32..=100) {
            let buffer = Buffer { absolute: absolute.into(), percent: percent.into(), cap: None };
            let shown = publishable(on_hand.into(), reserved.into(), open.into(), &buffer);
            prop_assert!(shown <= Decimal::from((on_hand - reserved - open).max(0)));
            prop_assert!(!shown.is_negative());
        }
    }
}
