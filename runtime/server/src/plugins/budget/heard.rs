//! What an answer says of its account's limits.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use truthsource_core::budget::{Heard, Points};
use truthsource_host::model::PointsAt;

/// What is to be known from an answer.
pub(super) fn heard(response: &http::Response<Bytes>, points_at: Option<&PointsAt>) -> Heard {
    let retry_after_ms = retry_after_ms(response.headers());
    let throttled = response.status() == StatusCode::TOO_MANY_REQUESTS
        || response.status() == StatusCode::SERVICE_UNAVAILABLE && retry_after_ms.is_some();
    let heard = Heard { throttled, retry_after_ms: retry_after_ms.filter(|_| throttled), ..Heard::default() };
    let Some(at) = points_at else { return heard };
    let [available, maximum, per_second, needed, cost] =
        numbers_at(response.body(), [&at.available, &at.maximum, &at.per_second, &at.needed, &at.cost]);
    let points = || Some(Points { available: available?, maximum: maximum?, per_second: per_second? });
    Heard { points: points(), cost, needed, ..heard }
}

/// Seconds, or a date: then the seconds from the answer's own date on, as clocks differ.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let moment = |text: &str| -> Option<Timestamp> { Some(rfc2822::parse(text).ok()?.timestamp()) };
    let sent = moment(headers.get(header::DATE)?.to_str().ok()?)?;
    let ms = moment(text)?.as_millisecond().saturating_sub(sent.as_millisecond());
    Some(u64::try_from(ms).unwrap_or(0))
}

/// The numbers that ways of members lead to, found in one reading. Fractions are cut off; what is below zero is nothing.
fn numbers_at<const N: usize>(body: &[u8], ways: [&[String]; N]) -> [Option<u64>; N] {
    let mut found = [None; N];
    let ways = ways.into_iter().enumerate().collect();
    let mut json = serde_json::Deserializer::from_slice(body);
    // What comes after something that is no JSON is not known.
    let _ = Ways { ways, found: &mut found }.deserialize(&mut json);
    found
}

/// Reads along ways of members, each with its number, and skips everything beside them.
struct Ways<'a> {
    ways: Vec<(usize, &'a [String])>,
    found: &'a mut [Option<u64>],
}

impl Ways<'_> {
    /// A number stands where some of the ways may end.
    fn ended(self, number: u64) {
        for (at, _) in self.ways.iter().filter(|(_, way)| way.is_empty()) {
            self.found[*at] = Some(number);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Ways<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for Ways<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let on = |(at, way): &(usize, &'a [String])| {
                let (first, rest) = way.split_first()?;
                (*first == name).then_some((*at, rest))
            };
            let ways: Vec<(usize, &[String])> = self.ways.iter().filter_map(on).collect();
            if ways.is_empty() {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            members.next_value_seed(Ways { ways, found: &mut *self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.ended(number);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.ended(0);
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut off, and no number is 0")]
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.ended(number as u64);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> PointsAt {
        let way = |text: &str| text.split('.').map(str::to_owned).collect();
        PointsAt {
            available: way("extensions.cost.throttleStatus.currentlyAvailable"),
            maximum: way("extensions.cost.throttleStatus.maximumAvailable"),
            per_second: way("extensions.cost.throttleStatus.restoreRate"),
            needed: way("extensions.cost.requestedQueryCost"),
            cost: way("extensions.cost.actualQueryCost"),
        }
    }

    #[test]
    fn points_are_read_where_the_connector_says() {
        let body = r#"{"data":{"extensions":[1,{"a":"b"}]},"extensions":{"x":null,"cost":{"requestedQueryCost":33,
            "actualQueryCost":9,"throttleStatus":{"currentlyAvailable":1991,"maximumAvailable":2000.0,
            "restoreRate":100.5}}}}"#;
        let seen = heard(&http::Response::new(Bytes::from(body)), Some(&points()));
        let points = Points { available: 1_991, maximum: 2_000, per_second: 100 };
        let expect = Heard { points: Some(points), cost: Some(9), needed: Some(33), ..Heard::default() };
        assert_eq!(seen, expect);
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        for body in ["", "[]", "{}", "not json", r#"{"extensions":5}"#, r#"{"extensions":{"cost":null}}"#, "{\"a\":"] {
            let seen = heard(&http::Response::new(Bytes::from(body)), Some(&points()));
            assert_eq!(seen, Heard::default(), "{body}");
        }
        let negative = r#"{"extensions":{"cost":{"actualQueryCost":-5}}}"#;
        assert_eq!(heard(&http::Response::new(Bytes::from(negative)), Some(&points())).cost, Some(0));
    }

    fn check(status: u16, headers: &[(&str, &str)], expect: (bool, Option<u64>)) {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let seen = heard(&response.body(Bytes::new()).unwrap(), None);
        assert_eq!((seen.throttled, seen.retry_after_ms), expect, "{status} {headers:?}");
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_date() {
        check(200, &[], (false, None));
        check(200, &[("retry-after", "5")], (false, None));
        check(429, &[], (true, None));
        check(429, &[("retry-after", "5")], (true, Some(5_000)));
        check(503, &[("retry-after", "0")], (true, Some(0)));
        check(503, &[], (false, None));
        check(429, &[("retry-after", "18446744073709551615")], (true, Some(u64::MAX)));
        let (date, until) = ("Sat, 28 Nov 2026 10:00:00 GMT", "Sat, 28 Nov 2026 10:00:30 GMT");
        check(429, &[("date", date), ("retry-after", until)], (true, Some(30_000)));
        check(429, &[("date", until), ("retry-after", date)], (true, Some(0)));
        check(429, &[("retry-after", until)], (true, None));
        check(429, &[("retry-after", "soon")], (true, None));
    }
}
