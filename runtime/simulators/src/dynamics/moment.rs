//! Moments and days, as the services spell them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use truthsource_core::UnixMs;

/// What an empty date holds.
pub(super) fn no_day() -> Date {
    jiff::civil::date(1, 1, 1)
}

/// UTC with only as many digits after the second as it takes: `…12.5Z`, `…12.55Z`, `…15Z`. The moment before all
/// moments stands for "never": `0001-01-01T00:00:00Z`.
pub(super) fn short(at: UnixMs) -> String {
    if at.0 == 0 { "0001-01-01T00:00:00Z".to_owned() } else { timestamp(at).to_string() }
}

/// UTC in whole seconds.
pub(super) fn second(at: UnixMs) -> String {
    timestamp(UnixMs(at.0 / 1_000 * 1_000)).to_string()
}

/// UTC as people in the United States write it, in minutes: `7/1/2026 11:00 AM`.
pub(super) fn of_people(at: UnixMs) -> String {
    timestamp(at).strftime("%-m/%-d/%Y %-I:%M %p").to_string()
}

/// The day in UTC.
pub(super) fn day_of(at: UnixMs) -> Date {
    timestamp(at).to_zoned(TimeZone::UTC).date()
}

/// Reads an RFC 3339 moment. What lies before 1970 is "never".
pub(super) fn parse(text: &str) -> Option<UnixMs> {
    if text.starts_with("0001-01-01") {
        return Some(UnixMs(0));
    }
    let at: Timestamp = text.parse().ok()?;
    Some(UnixMs(u64::try_from(at.as_millisecond()).unwrap_or(0)))
}

fn timestamp(at: UnixMs) -> Timestamp {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_is_as_long_as_it_needs_to_be() {
        let at = |ms: u64| short(UnixMs(1_782_907_230_000 + ms));
        assert_eq!(at(0), "2026-07-01T12:00:30Z");
        assert_eq!(at(500), "2026-07-01T12:00:30.5Z");
        assert_eq!(at(10), "2026-07-01T12:00:30.01Z");
        assert_eq!(at(123), "2026-07-01T12:00:30.123Z");
        assert_eq!(short(UnixMs(0)), "0001-01-01T00:00:00Z");
        assert_eq!(second(UnixMs(1_782_907_230_999)), "2026-07-01T12:00:30Z");
        assert_eq!(of_people(UnixMs(1_782_907_230_999)), "7/1/2026 12:00 PM");
        assert_eq!(parse("2026-07-01T12:00:30.50Z"), Some(UnixMs(1_782_907_230_500)));
        assert_eq!(parse("0001-01-01T00:00:00Z"), Some(UnixMs(0)));
        assert_eq!(day_of(UnixMs(1_782_907_230_000)).to_string(), "2026-07-01");
    }
}
