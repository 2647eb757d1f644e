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

/// Keeps a connection from being tried while its system is down. The first failure that concerns the system as a whole
/// opens it; from then on single probes are let through, until one succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    down_since: Option<UnixMs>,
    tried_at: UnixMs,
    next_at: UnixMs,
    /// The system asked not to be tried before.
    asked_until: UnixMs,
}

/// The shortest time between two probes.
pub const PROBE_MS_MIN: u64 = 50;
/// A probe comes at the latest after this part of the time that the system has been down: what was short is noticed
/// to be over soon, and what lasts is seldom asked about. A probe is one small request: hundreds of them in an hour are
/// little to a system that is up again, and what waited that long waits a fortieth longer at the most.
pub const PROBE_PART: u64 = 40;

impl Breaker {
    /// A try may be made now.
    #[must_use]
    pub fn allows(&self, now: UnixMs) -> bool {
        now >= self.next_at
    }

    /// No try has reached the system since one failed.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down_since.is_some()
    }

    /// When the next try may be made.
    #[must_use]
    pub fn next_at(&self) -> UnixMs {
        self.next_at
    }

    /// A try reached the system.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A try did not reach the system, or the system turned it away. `asked_ms`: how long it wants to be left alone.
    pub fn failed(&mut self, now: UnixMs, asked_ms: Option<u64>, schedule: &Schedule, draw: Draw) {
        let since = *self.down_since.get_or_insert(now);
        let range = (now.since(since) / PROBE_PART).clamp(PROBE_MS_MIN, schedule.cap_ms.max(PROBE_MS_MIN));
        let drawn = range / 2 + draw.below(range / 2 + 1, "probe", now.0);
        let asked_ms = asked_ms.map_or(0, |it| it.min(schedule.asked_ms_max));
        self.tried_at = now;
        self.asked_until = now.plus(asked_ms);
        self.next_at = now.plus(drawn.max(asked_ms));
    }

    /// The system sent us something at `at`: if that is news, it lives, and may be tried soon, unless it asked not to
    /// be.
    pub fn heard(&mut self, at: UnixMs) {
        if self.is_down() && at >= self.tried_at {
            let soon = self.tried_at.plus(PROBE_MS_MIN).max(self.asked_until);
            self.next_at = self.next_at.min(soon);
        }
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

    fn down(asked_ms: Option<u64>) -> Breaker {
        let mut breaker = Breaker::default();
        breaker.failed(UnixMs(1_000), asked_ms, &Schedule::default(), Draw::new(1));
        breaker
    }

    #[test]
    fn a_breaker_lets_single_probes_through_until_one_succeeds() {
        let mut breaker = down(None);
        assert!(breaker.is_down() && !breaker.allows(UnixMs(1_000)));
        assert!(breaker.allows(UnixMs(1_000 + PROBE_MS_MIN)));
        breaker.succeeded();
        assert!(!breaker.is_down() && breaker.allows(UnixMs(0)));
    }

    #[test]
    fn probes_become_seldom_and_never_stop() {
        let (mut breaker, mut probes) = (Breaker::default(), 0);
        let mut now = UnixMs(0);
        while now < UnixMs(3_600_000) {
            breaker.failed(now, None, &Schedule::default(), Draw::new(7));
            assert!(breaker.next_at().since(now) <= (now.0 / PROBE_PART).max(PROBE_MS_MIN));
            now = breaker.next_at();
            probes += 1;
        }
        assert!((300..600).contains(&probes), "{probes} probes in an hour");
    }

    #[test]
    fn what_a_system_asks_for_is_kept_to_and_clamped() {
        let mut breaker = down(Some(60_000));
        breaker.heard(UnixMs(2_000));
        assert_eq!(breaker.next_at(), UnixMs(61_000));
        assert_eq!(down(Some(u64::MAX)).next_at(), UnixMs(1_000 + Schedule::default().asked_ms_max));
    }

    #[test]
    fn a_sign_of_life_brings_the_next_probe_forward() {
        let mut breaker = down(None);
        for _ in 0..200 {
            breaker.failed(breaker.next_at(), None, &Schedule::default(), Draw::new(7));
        }
        let tried_at = breaker.tried_at;
        assert!(breaker.next_at().since(tried_at) > 10 * PROBE_MS_MIN);
        let next_at = breaker.next_at();
        breaker.heard(tried_at.minus(1));
        assert_eq!(breaker.next_at(), next_at, "that was before the last try");
        breaker.heard(tried_at);
        assert_eq!(breaker.next_at().since(tried_at), PROBE_MS_MIN);
    }
}
