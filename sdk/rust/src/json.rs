//! JSON whose numbers keep every digit.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{Decimal, Fault};

impl Serialize for Decimal {
    /// As a string: JSON numbers are floats to half of the world. Where a system insists on a number, see [`Bare`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// From the digits of a JSON number as they were sent, or from a string of digits. Works inside plain structs;
    /// an untagged or flattened one would already have made floats of the numbers.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with('"') {
            let text: String = serde_json::from_str(text).map_err(D::Error::custom)?;
            return text.trim().parse().map_err(D::Error::custom);
        }
        text.parse().map_err(D::Error::custom)
    }
}

/// A decimal that is written as a JSON number, digit by digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bare(pub Decimal);

impl Serialize for Bare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// The JSON text of a value.
///
/// Values here have string keys and no failing parts, so that there is always a text; the impossible failure gives
/// an empty one, which no reader accepts.
#[must_use]
pub fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a document that was sent to us.
///
/// # Errors
/// [`Fault::Protocol`] when it is no JSON or not of this shape.
pub fn read<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Fault> {
    parse(body, what).map_err(|(why, _)| Fault::Protocol(why))
}

/// Reads the body of an answer.
///
/// # Errors
/// [`Fault::Unavailable`] when the system did not answer: somebody else's page stands there, or half an answer.
/// [`Fault::Protocol`] when it did, and not in JSON of this shape.
pub fn answer<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Fault> {
    parse(body, what).map_err(|(why, is_half)| {
        let is_page = body.trim_ascii_start().first() == Some(&b'<');
        if is_page || is_half { Fault::Unavailable(why) } else { Fault::Protocol(why) }
    })
}

/// What is wrong with a document, and whether that is only that it ends too soon.
fn parse<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, (String, bool)> {
    serde_json::from_slice(body).map_err(|error| {
        let start: String = String::from_utf8_lossy(&body[..body.len().min(80)]).chars().collect();
        (format!("{what}: {error}; it begins `{start}`"), error.is_eof())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Line {
        quantity: Decimal,
    }

    fn check(json: &str, expect: Option<&str>) {
        let seen = serde_json::from_str::<Line>(json).ok().map(|it| it.quantity.to_string());
        assert_eq!(seen.as_deref(), expect, "{json}");
    }

    #[test]
    fn numbers_keep_every_digit() {
        check(r#"{"quantity":140.0}"#, Some("140"));
        check(r#"{"quantity":0.1}"#, Some("0.1"));
        check(r#"{"quantity":123456789012.123456}"#, Some("123456789012.123456"));
        check(r#"{"quantity":"37.50"}"#, Some("37.5"));
        check(r#"{"quantity":1e400}"#, None);
        check(r#"{"quantity":true}"#, None);
        check(r#"{"quantity":null}"#, None);
    }

    #[test]
    fn a_bare_number_is_written_as_its_digits() {
        let number = Bare("123456789012.123456".parse().unwrap());
        assert_eq!(text(&number), "123456789012.123456");
    }

    #[test]
    fn a_page_or_half_an_answer_is_none_and_shows_its_beginning() {
        for body in ["<html>Sign in", "\n <!DOCTYPE html>", "", "{\"quantity\":4", "[{\"quantity\""] {
            let fault = answer::<Line>(body.as_bytes(), "stock").err().unwrap();
            assert!(matches!(&fault, Fault::Unavailable(why) if why.contains(body)), "{body}: {fault}");
        }
        for body in ["{\"amount\":4}", "Sign in", "{quantity:4}"] {
            let fault = answer::<Line>(body.as_bytes(), "stock").err().unwrap();
            assert!(matches!(&fault, Fault::Protocol(why) if why.contains(body)), "{body}: {fault}");
        }
    }

    #[test]
    fn p3_letters_in_another_charset_are_a_fault() {
        for body in [&b"{\"title\":\"caf\xe9\"}"[..], b"\xef\xbb\xbf{\"title\":\"x\"}", b"{\0\"\0t\0\"\0:\x001\0}\0"] {
            // As text, and as what is read only later.
            let text = read::<std::collections::BTreeMap<String, String>>(body, "items").err();
            let raw = read::<std::collections::BTreeMap<String, Box<RawValue>>>(body, "items").err();
            assert!(matches!((&text, &raw), (Some(Fault::Protocol(_)), Some(Fault::Protocol(_)))), "{text:?} {raw:?}");
        }
    }
}
