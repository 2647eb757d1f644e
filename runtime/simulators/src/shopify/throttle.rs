//! The leaky bucket of cost points, one for each app.

use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::settings::Settings;

/// An app's cost points, in thousandths: a restore rate per second is that many thousandths per millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    available_milli: u64,
    at: UnixMs,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn full(now: UnixMs, settings: &Settings) -> Self {
        Self { available_milli: settings.bucket_max * 1000, at: now }
    }

    /// Takes `cost` points out; says whether there were so many. If not, nothing is taken.
    pub fn reserve(&mut self, now: UnixMs, cost: u64, settings: &Settings) -> bool {
        self.restore(now, settings);
        let Some(left) = self.available_milli.checked_sub(cost * 1000) else { return false };
        self.available_milli = left;
        true
    }

    /// Puts points back that were reserved and not used.
    pub fn refund(&mut self, points: u64, settings: &Settings) {
        self.available_milli = (self.available_milli + points * 1000).min(settings.bucket_max * 1000);
    }

    /// The whole points that are left.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.available_milli / 1000
    }

    fn restore(&mut self, now: UnixMs, settings: &Settings) {
        let restored = now.since(self.at).saturating_mul(settings.restore_rate);
        self.available_milli = self.available_milli.saturating_add(restored).min(settings.bucket_max * 1000);
        self.at = self.at.max(now);
    }
}

/// The `cost` extension of an answer. `actual` is null when nothing was carried out.
#[must_use]
pub fn cost(requested: u64, actual: Option<u64>, available: u64, settings: &Settings) -> Value {
    json!({
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": as_float(settings.bucket_max),
            "currentlyAvailable": available,
            "restoreRate": as_float(settings.restore_rate),
        },
    })
}

/// `2000.0`: the real API writes these two with a point.
fn as_float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_with_time() {
        let settings = Settings { bucket_max: 100, restore_rate: 50, ..Settings::default() };
        let mut bucket = Bucket::full(UnixMs(0), &settings);
        assert!(bucket.reserve(UnixMs(0), 70, &settings));
        assert_eq!(bucket.available(), 30);
        assert!(!bucket.reserve(UnixMs(100), 36, &settings), "5 came back: 35");
        assert_eq!(bucket.available(), 35);
        assert!(bucket.reserve(UnixMs(120), 36, &settings));
        assert_eq!(bucket.available(), 0);
        bucket.refund(20, &settings);
        assert_eq!(bucket.available(), 20);
        bucket.refund(500, &settings);
        assert_eq!(bucket.available(), 100, "never more than it holds");
        assert!(bucket.reserve(UnixMs(60_000), 100, &settings));
    }

    #[test]
    fn the_extension_has_its_shape() {
        let settings = Settings::default();
        assert_eq!(
            cost(33, Some(9), 1991, &settings).to_string(),
            r#"{"actualQueryCost":9,"requestedQueryCost":33,"throttleStatus":{"currentlyAvailable":1991,"maximumAvailable":2000.0,"restoreRate":100.0}}"#
        );
    }
}
