//! Time as the company keeps it: days and seconds of its own zone, daylight saving included, and no trace of which.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Serialize;
use truthsource_core::UnixMs;

/// A moment as the database keeps it. The hour that a clock repeats in autumn is there twice, and nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stamp {
    /// The day.
    #[serde(serialize_with = "day::write")]
    pub date: Date,
    /// The time of day, in whole seconds.
    #[serde(serialize_with = "day::write")]
    pub time: Time,
}

impl Stamp {
    /// The moment in a zone.
    #[must_use]
    pub fn of(now: UnixMs, zone: &TimeZone) -> Self {
        let second = i64::try_from(now.0 / 1_000).unwrap_or(i64::MAX);
        let local = Timestamp::from_second(second).unwrap_or(Timestamp::MAX).to_zoned(zone.clone());
        Self { date: local.date(), time: local.time() }
    }

    /// The time of day as the columns `UpdateTS` and `CreateTS` have it: 164205 is 16:42:05.
    #[must_use]
    pub fn ts(self) -> i64 {
        i64::from(self.time.hour()) * 10_000 + i64::from(self.time.minute()) * 100 + i64::from(self.time.second())
    }
}

/// Days and times as texts.
pub(super) mod day {
    use serde::Serializer;

    pub(in crate::sap_b1) fn write<T: std::fmt::Display, S: Serializer>(
        it: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(it)
    }
}

/// Days that may be missing, as texts or null.
pub(super) mod maybe_day {
    use jiff::civil::Date;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::sap_b1) fn write<S: Serializer>(it: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(day) => serializer.collect_str(day),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::sap_b1) fn serialize<S: Serializer>(it: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        write(it, serializer)
    }

    pub(in crate::sap_b1) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|it| it.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(second: u64, date: &str, ts: i64) {
        let stamp = Stamp::of(UnixMs(second * 1_000 + 999), &TimeZone::get("America/New_York").unwrap());
        assert_eq!((stamp.date.to_string().as_str(), stamp.ts()), (date, ts));
    }

    #[test]
    fn the_hour_that_a_clock_repeats_is_there_twice() {
        check(1_793_507_400, "2026-11-01", 3_000);
        check(1_793_511_000, "2026-11-01", 13_000);
        check(1_793_514_600, "2026-11-01", 13_000);
        check(1_793_518_200, "2026-11-01", 23_000);
    }
}
