//! When a record changed, in the spellings of OData and of stored queries.

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;

use crate::exact::Id;
use crate::zone::Zone;

/// When a record was made and changed, as OData tells it: a day, and a time to the minute. The day of a change is missing
/// in a record that was never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Stamps {
    #[serde(rename = "UpdateDate", default)]
    pub updated_on: Option<String>,
    #[serde(rename = "UpdateTime", default)]
    pub updated_at: Option<String>,
    #[serde(rename = "CreateDate", alias = "CreationDate", default)]
    pub created_on: Option<String>,
    #[serde(rename = "CreateTime", alias = "DocTime", default)]
    pub created_at: Option<String>,
}

/// The same to the second, as stored queries tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Seconds {
    /// The record's key.
    #[serde(rename = "TheKey")]
    pub key: Id,
    #[serde(rename = "UpdateDate", default)]
    updated_on: Option<String>,
    #[serde(rename = "UpdateTS", default)]
    updated_at: Option<Id>,
    #[serde(rename = "CreateDate", default)]
    created_on: Option<String>,
    #[serde(rename = "CreateTS", default)]
    created_at: Option<Id>,
}

impl Stamps {
    /// The later of the two, as the server's clock showed it.
    pub(crate) fn local(&self) -> Option<DateTime> {
        let stamp = |day: &Option<String>, time: &Option<String>| {
            Some(date(day.as_deref()?)?.to_datetime(time.as_deref().and_then(clock).unwrap_or_default()))
        };
        stamp(&self.updated_on, &self.updated_at).max(stamp(&self.created_on, &self.created_at))
    }
}

impl Seconds {
    /// The later of the two, as the server's clock showed it.
    pub(crate) fn local(&self) -> Option<DateTime> {
        let stamp = |day: &Option<String>, time: &Option<Id>| {
            let time = time.as_ref().and_then(|it| digits(it.0.parse().ok()?));
            Some(date(day.as_deref()?)?.to_datetime(time.unwrap_or_default()))
        };
        stamp(&self.updated_on, &self.updated_at).max(stamp(&self.created_on, &self.created_at))
    }
}

/// The moment of a change: to the second where a stored query told it for the same minute, else to the minute. Where the
/// minutes differ the record changed once more between the two readings, and the record's own word counts.
pub(crate) fn changed_at(zone: &Zone, minute: Option<DateTime>, second: Option<DateTime>) -> Option<u64> {
    let same_minute = |it: &DateTime| {
        minute.is_none_or(|minute| {
            minute.date() == it.date() && (minute.hour(), minute.minute()) == (it.hour(), it.minute())
        })
    };
    zone.moment(second.filter(same_minute).or(minute)?)
}

/// The day of `2026-11-21T00:00:00Z`, `2026-11-21` or `20261121`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let day = text.split('T').next()?;
    let plain = |it: &str| it.len() == 8 && it.bytes().all(|it| it.is_ascii_digit());
    if plain(day) {
        return Date::new(day.get(..4)?.parse().ok()?, day.get(4..6)?.parse().ok()?, day.get(6..)?.parse().ok()?).ok();
    }
    day.parse().ok()
}

/// The time of `16:42:00` or `16:42`.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|it| it.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    Time::new(hour, minute, second, 0).ok()
}

/// The time of 164205.
fn digits(number: i64) -> Option<Time> {
    let part = |unit: i64| i8::try_from(number / unit % 100).ok();
    if !(0..=235_959).contains(&number) {
        return None;
    }
    Time::new(part(10_000)?, part(100)?, part(1)?, 0).ok()
}

/// The day as stored queries compare it, whatever the database's own format is.
pub(crate) fn plain_day(local: DateTime) -> String {
    format!("{:04}{:02}{:02}", local.year(), local.month(), local.day())
}

/// The time as stored queries compare it.
pub(crate) fn plain_time(local: DateTime) -> i64 {
    i64::from(local.hour()) * 10_000 + i64::from(local.minute()) * 100 + i64::from(local.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_come_in_several_spellings() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(date(text).map(|it| it.to_string()).as_deref(), expect, "{text}");
        };
        check("2026-11-21T00:00:00Z", Some("2026-11-21"));
        check("2026-11-21", Some("2026-11-21"));
        check("20261121", Some("2026-11-21"));
        check("21.11.2026", None);
        check("20261321", None);
        check("", None);
        let time = |it: Option<Time>| it.map(|it| it.to_string());
        assert_eq!(time(clock("16:42:00")).as_deref(), Some("16:42:00"));
        assert_eq!(time(clock("09:05")).as_deref(), Some("09:05:00"));
        assert_eq!((clock("25:00"), clock("noon")), (None, None));
        assert_eq!(time(digits(164_205)).as_deref(), Some("16:42:05"));
        assert_eq!(time(digits(905)).as_deref(), Some("00:09:05"));
        assert_eq!((digits(240_000), digits(-1), digits(6_099)), (None, None, None));
    }

    #[test]
    fn the_later_stamp_counts_and_a_fresh_record_has_only_one() {
        let check = |json: &str, expect: Option<&str>| {
            let stamps: Stamps = serde_json::from_str(json).unwrap();
            assert_eq!(stamps.local().map(|it| it.to_string()).as_deref(), expect, "{json}");
        };
        check(
            r#"{"UpdateDate":"2026-11-21","UpdateTime":"16:42:00","CreateDate":"2024-02-01"}"#,
            Some("2026-11-21T16:42:00"),
        );
        check(r#"{"UpdateDate":null,"CreationDate":"2026-11-21","DocTime":"16:40:00"}"#, Some("2026-11-21T16:40:00"));
        check(r#"{"UpdateDate":null}"#, None);
    }

    #[test]
    fn seconds_are_told_only_within_the_records_own_minute() {
        let zone = Zone::named("UTC").unwrap();
        let local = |it: &str| Some(it.parse::<DateTime>().unwrap());
        let minute = local("2026-11-21T16:42:00");
        let at = |it: &str| truthsource_sdk::moment::parse(it);
        assert_eq!(changed_at(&zone, minute, local("2026-11-21T16:42:37")), at("2026-11-21T16:42:37Z"));
        assert_eq!(changed_at(&zone, minute, local("2026-11-21T16:41:37")), at("2026-11-21T16:42:00Z"));
        assert_eq!(changed_at(&zone, minute, None), at("2026-11-21T16:42:00Z"));
        assert_eq!(changed_at(&zone, None, None), None);
    }
}
