//! Moments as systems write them: RFC 3339 and its relatives.

/// Milliseconds since 1970 UTC of a moment such as `2026-11-21T03:01:02-05:00`, `2026-11-21T08:01:02.5Z` or
/// `2026-11-21 08:01:02` (UTC when it names no zone). `None` for anything else, and before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let days = days(date)?;
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let (hours, minutes) = (number(parts.next()?, 23)?, number(parts.next()?, 59)?);
    let seconds = parts.next().map_or(Some(0), |it| number(it, 60))?;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let local = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    u64::try_from((local - zone_seconds(zone)?) * 1_000 + millis).ok()
}

fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?, 9_999)?, number(parts.next()?, 12)?, number(parts.next()?, 31)?);
    (parts.next().is_none() && month > 0 && day > 0).then(|| days_from_civil(year, month, day))
}

fn zone_seconds(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first() {
        None | Some(b'Z') => return Some(0),
        Some(b'-') => -1,
        _ => 1,
    };
    let digits: String = zone[1..].chars().filter(|it| *it != ':').collect();
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..4).unwrap_or("00"));
    Some(sign * (number(hours, 23)? * 60 + number(minutes, 59)?) * 60)
}

fn number(digits: &str, max: i64) -> Option<i64> {
    let number: i64 = digits.parse().ok()?;
    (0..=max).contains(&number).then_some(number)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, by counting years from March, so that the leap day is
/// the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The moment as `2026-11-21T08:01:02Z`: whole seconds, rounded down.
#[must_use]
pub fn rfc3339(at_ms: u64) -> String {
    format!("{}Z", plain(at_ms).replace(' ', "T"))
}

/// The moment as `2026-11-21 08:01:02`: whole seconds, rounded down, without a zone.
#[must_use]
pub fn plain(at_ms: u64) -> String {
    let seconds = at_ms / 1_000;
    let (days, rest) = (i64::try_from(seconds / 86_400).unwrap_or(0), seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: Option<u64>) {
        assert_eq!(parse(text), expect, "{text}");
    }

    #[test]
    fn reads_what_systems_write() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-21T08:01:02Z", Some(1_795_248_062_000));
        check("2026-11-21T03:01:02-05:00", Some(1_795_248_062_000));
        check("2026-11-21 08:01:02", Some(1_795_248_062_000));
        check("2026-11-21T08:01:02.25Z", Some(1_795_248_062_250));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000));
        check("2026-13-01T00:00:00Z", None);
        check("2026-11-21", None);
        check("11/21/2026 8:01 am", None);
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree(seconds in 0u64..4_102_444_800) {
            prop_assert_eq!(parse(&rfc3339(seconds * 1_000)), Some(seconds * 1_000));
            prop_assert_eq!(parse(&plain(seconds * 1_000)), Some(seconds * 1_000));
        }
    }
}
