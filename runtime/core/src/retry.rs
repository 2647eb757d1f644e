//! When to try again, and when not to try at all.

use serde::{Deserialize, Serialize};

use crate::UnixMs;
use crate::draw::Draw;

/// How often and how fast a failed try is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The first wait is drawn below this.
    pub base_ms: u64,
    /// No wait that we choose is longer than this.
    pub cap_ms: u64,
    /// The longest wait that a system may ask for (`Retry-After` of years is clamped to it).
    pub asked_ms_max: u64,
    /// After so many failures a debt is parked.
    pub tries_max: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { base_ms: 500, cap_ms: 300_000, asked_ms_max: 3_600_000, tries_max: 12 }
    }
}

impl Schedule {
    /// How long to wait after the `failures`th failure of `what`: what the system asked for, clamped, or full jitter
    /// over an exponentially growing range. At least one millisecond.
    #[must_use]
    pub fn wait_ms(&self, failures: u32, asked_ms: Option<u64>, draw: Draw, what: &str) -> u64 {
        let range = self.base_ms.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.cap_ms);
        let drawn = draw.below(range, what, u64::from(failures)) + 1;
        match asked_ms {
            // A little beyond what was asked, so that not everybody returns at once.
            Some(asked) => asked.min(self.asked_ms_max) + drawn.min(self.base_ms),
            None => drawn,
        }
    }

    /// Enough tries were made.
    #[must_use]
    pub fn is_spent(&self, failures: u32) -> bool {
        failures >= self.tries_max
    }
}

/// Keeps a connection from being tried while its system is down: opens after failures in a row, lets one try through
/// when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    failures: u32,
    closed_until: UnixMs,
}

/// Failures in a row after which a breaker opens.
pub const BREAKER_FAILURES: u32 = 3;

impl Breaker {
    /// A try may be made now.
    #[must_use]
    pub fn allows(&self, now: UnixMs) -> bool {
        self.failures < BREAKER_FAILURES || now >= self.closed_until
    }

    /// When the next try may be made.
    #[must_use]
    pub fn next_at(&self) -> UnixMs {
        if self.failures < BREAKER_FAILURES { UnixMs(0) } else { self.closed_until }
    }

    /// A try reached the system.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A try did not reach the system, or it failed as a whole.
    pub fn failed(&mut self, now: UnixMs, wait_ms: u64) {
        self.failures = self.failures.saturating_add(1);
        self.closed_until = now.plus(wait_ms);
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn p2_waits_are_bounded_whatever_is_asked(failures in 0u32..200, asked in prop::option::of(any::<u64>()), seed: u64) {
            let schedule = Schedule::default();
            let wait = schedule.wait_ms(failures, asked, Draw::new(seed), "x");
            prop_assert!(wait >= 1);
            prop_assert!(wait <= schedule.asked_ms_max + schedule.cap_ms);
            if let Some(asked) = asked {
                prop_assert!(wait >= asked.min(schedule.asked_ms_max));
            }
        }
    }

    #[test]
    fn waits_grow() {
        let schedule = Schedule::default();
        let mean =
            |failures| (0..200).map(|seed| schedule.wait_ms(failures, None, Draw::new(seed), "x")).sum::<u64>() / 200;
        assert!(mean(1) < mean(4) && mean(4) < mean(8));
        assert!(mean(30) <= schedule.cap_ms);
    }

    #[test]
    fn a_breaker_opens_and_lets_one_try_through() {
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_FAILURES {
            assert!(breaker.allows(UnixMs(100)));
            breaker.failed(UnixMs(100), 50);
        }
        assert!(!breaker.allows(UnixMs(149)));
        assert!(breaker.allows(UnixMs(150)));
        breaker.failed(UnixMs(150), 50);
        assert!(!breaker.allows(UnixMs(199)));
        breaker.succeeded();
        assert!(breaker.allows(UnixMs(0)));
    }
}
