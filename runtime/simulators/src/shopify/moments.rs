//! Moments as the shop writes them: whole seconds, UTC in GraphQL, the shop's offset in webhooks.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use truthsource_core::UnixMs;

/// The moment, cut to the whole second it lies in: all the shop keeps of it.
#[must_use]
pub fn whole_second(moment: UnixMs) -> UnixMs {
    UnixMs(moment.0 / 1000 * 1000)
}

/// `2026-11-21T08:01:02Z`.
#[must_use]
pub fn utc(moment: UnixMs) -> String {
    timestamp(moment).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-21T03:01:02-05:00`, with the offset `zone` has at that moment.
#[must_use]
pub fn with_offset(moment: UnixMs, zone: &TimeZone) -> String {
    timestamp(moment).to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Reads an RFC 3339 moment, a date-time without offset (taken as UTC) or a date (its first moment, UTC).
#[must_use]
pub fn parse(text: &str) -> Option<UnixMs> {
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
    })?;
    u64::try_from(timestamp.as_millisecond()).ok().map(UnixMs)
}

fn timestamp(moment: UnixMs) -> Timestamp {
    let ms = i64::try_from(moment.0).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_lose_their_milliseconds() {
        let moment = parse("2026-11-21T08:01:02.750Z").unwrap();
        assert_eq!(utc(moment), "2026-11-21T08:01:02Z");
        assert_eq!(utc(whole_second(moment)), "2026-11-21T08:01:02Z");
        assert_eq!(parse("2026-11-21T03:01:02-05:00"), Some(whole_second(moment)));
        assert_eq!(parse("2026-11-21"), parse("2026-11-21T00:00:00Z"));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn the_offset_follows_daylight_saving() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(with_offset(parse("2026-11-21T08:01:02Z").unwrap(), &zone), "2026-11-21T03:01:02-05:00");
        assert_eq!(with_offset(parse("2026-07-21T08:01:02Z").unwrap(), &zone), "2026-07-21T04:01:02-04:00");
    }
}
