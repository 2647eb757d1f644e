//! Which stretch of time a pull asks for, where a system shows changes by their times and some of them late.
//!
//! A change may become visible only after a while: an index lags, a long transaction commits with the time it began.
//! To be safe a pull has to reach back by that lag; to do so every second would read every change dozens of times. So
//! most pulls are *shallow* and go on where the last one ended, and once per lag a *deep* one reaches back to where
//! everything is known for certain.

use serde::{Deserialize, Serialize};

/// How much before the end of the last pull a shallow one begins: times are whole seconds, and saves overlap.
pub const GRAIN_MS: u64 = 2_000;

/// How far a connection has been read, between two pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Everything that changed before is known, however late it became visible.
    since: u64,
    /// When the last pull began.
    seen: u64,
    /// When the next deep pull is due.
    deep: u64,
}

/// The stretch of time that one pull asks for, however many pages it takes. All times are milliseconds since 1970 UTC
/// by the system's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning; `None`: everything, whenever it changed.
    pub from_ms: Option<u64>,
    /// The moment the pull began.
    pub until_ms: u64,
    reach: Option<Reach>,
}

impl Span {
    /// A pull that begins now. `reach` is what the pull before ended with, `None` for a complete listing.
    #[must_use]
    pub fn open(reach: Option<Reach>, now_ms: u64, overlap_ms: u32) -> Self {
        let from = |it: Reach| {
            // A clock that went back makes the pull deep: what was seen when is not certain any more.
            let is_deep = now_ms >= it.deep || now_ms < it.seen;
            if is_deep { it.since.saturating_sub(overlap_ms.into()) } else { it.seen.saturating_sub(GRAIN_MS) }
        };
        Self { from_ms: reach.map(from), until_ms: now_ms, reach }
    }

    /// This pull reads everything that may have become visible late. A complete listing does.
    #[must_use]
    pub fn is_deep(&self) -> bool {
        self.reach.is_none_or(|it| self.until_ms >= it.deep || self.until_ms < it.seen)
    }

    /// What the pull ends with. `lag_ms` is how late a change may become visible.
    #[must_use]
    pub fn close(&self, lag_ms: u32) -> Reach {
        let lag_ms = u64::from(lag_ms);
        let known = self.until_ms.saturating_sub(lag_ms);
        match self.reach {
            Some(reach) if !self.is_deep() => Reach { seen: self.until_ms, ..reach },
            // What is known for certain never becomes less.
            reach => Reach {
                since: known.max(reach.map_or(0, |it| it.since)),
                seen: self.until_ms,
                deep: self.until_ms.saturating_add(lag_ms),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAG: u32 = 30_000;

    #[test]
    fn a_delta_follows_on_and_reaches_back_once_per_lag() {
        let listing = Span::open(None, 100_000, 0);
        assert_eq!((listing.from_ms, listing.is_deep()), (None, true));
        let shallow = Span::open(Some(listing.close(LAG)), 101_000, 5_000);
        assert_eq!((shallow.from_ms, shallow.is_deep()), (Some(98_000), false));
        let next = Span::open(Some(shallow.close(LAG)), 102_000, 5_000);
        assert_eq!(next.from_ms, Some(99_000));
        let deep = Span::open(Some(next.close(LAG)), 130_000, 5_000);
        assert_eq!((deep.from_ms, deep.is_deep()), (Some(65_000), true));
    }

    #[test]
    fn seldom_pulls_are_deep_and_the_overlap_never_adds_up() {
        let mut reach = Span::open(None, 1_000_000, 0).close(LAG);
        for n in 1..5 {
            let span = Span::open(Some(reach), 1_000_000 + n * 300_000, 600_000);
            assert_eq!(span.from_ms, Some((1_000_000 + (n - 1) * 300_000 - 30_000_u64).saturating_sub(600_000)));
            reach = span.close(LAG);
        }
    }

    proptest! {
        /// A change at any time, visible at any time within the lag, lies in a span that began after it was visible.
        #[test]
        fn nothing_that_becomes_visible_within_the_lag_is_missed(
            waits in prop::collection::vec(1u64..40_000, 1..60), at in 0u64..200_000, late in 0u64..30_000,
        ) {
            let start = 1_000_000;
            let (changed, visible) = (start + at, start + at + late);
            let mut now = start;
            let mut reach = Span::open(None, now, 0).close(LAG);
            let mut found = visible <= now;
            for wait in waits.iter().copied().chain([300_000, 300_000]) {
                now += wait;
                let span = Span::open(Some(reach), now, 0);
                found |= visible <= now && span.from_ms.is_some_and(|from| from <= changed);
                reach = span.close(LAG);
            }
            prop_assert!(found);
        }
    }
}
