//! Numbers as the service prints them.
//!
//! The database keeps six digits after the point, and the service prints them as doubles: 0.3 may arrive as
//! 0.30000000000000004. What stands behind the sixth digit is the printing's and not the company's.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;
use truthsource_sdk::Decimal;

use crate::settings::PLACES_MAX;

/// A number to the sixth digit after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        let read = text.parse().ok().or_else(|| shortened(text)).map(|it: Decimal| Self(it.round(PLACES_MAX)));
        read.ok_or_else(|| D::Error::custom(format!("`{}` is no number", text.chars().take(40).collect::<String>())))
    }
}

/// Digits after the point that are looked at.
const PRINTED_MAX: usize = 11;

/// A number with more digits after the point than a decimal holds: those behind are cut off. They come from printing a
/// double, and none of them decides how the sixth is rounded but in a number that was rounded there already.
fn shortened(text: &str) -> Option<Decimal> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
    };
    let (whole, fraction) = number.split_once('.')?;
    if exponent != 0 {
        // Printed so because it is next to nothing; anything large has no digits to spare.
        let cut: String = fraction.chars().take(6).collect();
        let short: Decimal =
            format!("{whole}.{cut}e{exponent}").parse().ok().or((exponent < -6).then_some(Decimal::ZERO))?;
        return Some(short);
    }
    if !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let cut: String = fraction.chars().take(PRINTED_MAX).collect();
    format!("{whole}.{cut}").parse().ok()
}

/// A number without blanks around it, as an id: `91` of 91, of 91.0 and of "91".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(D::Error::custom),
            Some(b'0'..=b'9' | b'-') => Ok(Self(text.trim_end_matches(".0").to_owned())),
            _ => Err(D::Error::custom(format!("`{}` is no id", text.chars().take(40).collect::<String>()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_read_to_the_sixth_digit() {
        let check = |text: &str, expect: Option<&str>| {
            let seen = serde_json::from_str::<Exact>(text).map(|it| it.0.to_string()).ok();
            assert_eq!(seen.as_deref(), expect, "{text}");
        };
        check("140.0", Some("140"));
        check("12.5", Some("12.5"));
        check("0.30000000000000004", Some("0.3"));
        check("12.299999999999999", Some("12.3"));
        check("-7.1000000000000005", Some("-7.1"));
        check("1e-06", Some("0.000001"));
        check("1.1102230246251565e-16", Some("0"));
        check("5.0000000000000004e-06", Some("0.000005"));
        check("123456789012.123456", Some("123456789012.123456"));
        check("\"37.50\"", Some("37.5"));
        for nothing in ["null", "true", "\"\"", "\"x.5\"", "1e400", "12345678901234567890.5", "\"1.x\""] {
            check(nothing, None);
        }
    }

    #[test]
    fn ids_come_as_numbers_and_as_texts() {
        let id = |text: &str| serde_json::from_str::<Id>(text).map(|it| it.0).ok();
        assert_eq!(
            ["91", "91.0", "\"91\"", "-2028"].map(id),
            ["91", "91", "91", "-2028"].map(|it| Some(it.to_owned()))
        );
        assert_eq!(id("null"), None);
    }
}
