//! The company's zone.
//!
//! Business One stores the local time of its server and never says where that is (the `Z` behind a date in OData 4 is
//! none). The tenant names the zone, and its rules come along with the component.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use truthsource_sdk::Fault;

/// Where a company's server is.
#[derive(Debug, Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    pub(crate) fn named(name: &str) -> Result<Self, Fault> {
        let known = TimeZoneDatabase::bundled().get(name);
        known.map(Self).map_err(|_| Fault::Invalid(format!("setting `time-zone`: there is no zone `{name}`")))
    }

    /// The local time of a moment in milliseconds since 1970 UTC.
    pub(crate) fn local(&self, at_ms: u64) -> DateTime {
        self.0.to_datetime(timestamp(at_ms))
    }

    /// The moment of a local time. Of the two that an hour that happens twice has, the first; an hour that never happens
    /// is taken for the one after it.
    pub(crate) fn moment(&self, local: DateTime) -> Option<u64> {
        let at = self.0.to_ambiguous_timestamp(local).compatible().ok()?;
        u64::try_from(at.as_millisecond()).ok()
    }

    /// A local time that no clock there has shown after `from_ms` and until `until_ms` went below: where the clocks were
    /// set back in between, it is that much earlier.
    pub(crate) fn earliest(&self, from_ms: u64, until_ms: u64) -> DateTime {
        let from = timestamp(from_ms);
        let offset = self.0.to_offset(from).min(self.0.to_offset(timestamp(until_ms)));
        offset.to_datetime(from)
    }
}

fn timestamp(at_ms: u64) -> Timestamp {
    let at = i64::try_from(at_ms).ok().and_then(|it| Timestamp::from_millisecond(it).ok());
    at.unwrap_or(Timestamp::MAX)
}

/// So much later, or the same where that leaves the calendar.
pub(crate) fn days_later(local: DateTime, days: u16) -> DateTime {
    local.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::moment;

    fn at(text: &str) -> u64 {
        moment::parse(text).unwrap()
    }

    #[test]
    fn a_moment_goes_there_and_back_through_both_changes_of_the_clock() {
        let check = |zone: &str, utc: &str, local: &str| {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.local(at(utc)).to_string(), local, "{utc}");
            assert_eq!(zone.moment(local.parse().unwrap()), Some(at(utc)), "{local}");
        };
        check("Europe/Berlin", "2026-11-21T15:42:05Z", "2026-11-21T16:42:05");
        check("Europe/Berlin", "2026-07-01T22:30:00Z", "2026-07-02T00:30:00");
        check("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59");
        check("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00");
        check("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00");
        check("America/New_York", "2026-11-21T04:59:59Z", "2026-11-20T23:59:59");
        check("Asia/Kolkata", "2026-11-21T00:00:00Z", "2026-11-21T05:30:00");
    }

    #[test]
    fn an_hour_that_happens_twice_or_never_has_a_moment() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // The second 02:30 of that night is told as the first.
        assert_eq!(berlin.local(at("2026-10-25T01:30:00Z")).to_string(), "2026-10-25T02:30:00");
        assert_eq!(berlin.moment("2026-10-25T02:30:00".parse().unwrap()), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(berlin.moment("2026-03-29T02:30:00".parse().unwrap()), Some(at("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn a_delta_over_the_hour_that_happens_twice_reaches_back_far_enough() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let check = |from: &str, until: &str, expect: &str| {
            assert_eq!(berlin.earliest(at(from), at(until)).to_string(), expect, "{from} {until}");
        };
        check("2026-10-25T00:50:00Z", "2026-10-25T00:55:00Z", "2026-10-25T02:50:00");
        // 02:50 summer time; whatever was saved since shows 02:00 and later.
        check("2026-10-25T00:50:00Z", "2026-10-25T01:20:00Z", "2026-10-25T01:50:00");
        check("2026-03-29T00:50:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:50:00");
    }

    #[test]
    fn a_day_is_counted_on() {
        assert_eq!(days_later("2026-12-30T23:00:00".parse().unwrap(), 3).date().to_string(), "2027-01-02");
    }
}
