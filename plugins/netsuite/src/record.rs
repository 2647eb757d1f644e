//! Shapes of REST records, as far as they are read.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;
use truthsource_sdk::Decimal;

/// An id: a string in records, a number in some sublists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(D::Error::custom),
            Some(b'0'..=b'9') => Ok(Self(text.trim_end_matches(".0").to_owned())),
            _ => Err(D::Error::custom(format!("`{text}` is no id"))),
        }
    }
}

/// A reference: `{"id": "7", "refName": "Acme"}`.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Ref {
    pub id: Id,
}

/// A sublist. One that was not expanded has no items.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Sublist<T> {
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}

/// A break's quantity: `{"value": "5"}`, `5` or `"5"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity(pub Decimal);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Wrapped {
            value: Decimal,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let number = if raw.get().starts_with('{') {
            serde_json::from_str::<Wrapped>(raw.get()).map(|it| it.value)
        } else {
            serde_json::from_str(raw.get())
        };
        number.map(Self).map_err(D::Error::custom)
    }
}

/// Text without blanks at its ends; nothing for empty text.
pub(crate) fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_quantities_come_in_several_spellings() {
        let id = |text: &str| serde_json::from_str::<Id>(text).map(|it| it.0).ok();
        assert_eq!(id("\"482\"").as_deref(), Some("482"));
        assert_eq!(id("482").as_deref(), Some("482"));
        assert_eq!(id("null"), None);
        let quantity = |text: &str| serde_json::from_str::<Quantity>(text).map(|it| it.0.to_string()).ok();
        for text in [r#"{"value":"5"}"#, r#"{"value":5.0}"#, "5", "\"5\""] {
            assert_eq!(quantity(text).as_deref(), Some("5"), "{text}");
        }
    }
}
