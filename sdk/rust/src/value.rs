//! Canonical data: named values.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::Decimal;

/// The value of one field.
///
/// The order (null, text, numbers, flags, rows; then by content) has no meaning of its own: it is there to break
/// ties the same way everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Known to be empty.
    Null,
    /// Text without NUL.
    Text(String),
    /// An exact number.
    Number(Decimal),
    /// True or false.
    Flag(bool),
    /// A JSON array of flat objects: an order's lines, a price's breaks.
    Json(String),
}

impl Value {
    /// Whether both say the same: rows are compared by content, because the host spells them in its own order.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let (Self::Json(left), Self::Json(right)) = (self, other) else { return self == other };
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        left == right || read(left).is_some_and(|it| Some(it) == read(right))
    }
}

/// The fields of a record, by name. A field that is not known is absent; an empty one is [`Value::Null`].
pub type Fields = BTreeMap<String, Value>;

/// What is known of one field of a typed record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Held<T> {
    /// Not known: the field is absent.
    #[default]
    Unknown,
    /// Known to be empty.
    Empty,
    /// Known to be this.
    Is(T),
}

impl<T> Held<T> {
    /// The value, if there is one.
    pub fn as_ref(&self) -> Option<&T> {
        if let Self::Is(value) = self { Some(value) } else { None }
    }

    /// With another value, where there is one.
    pub fn and_then<U>(self, then: impl FnOnce(T) -> Held<U>) -> Held<U> {
        match self {
            Self::Unknown => Held::Unknown,
            Self::Empty => Held::Empty,
            Self::Is(value) => then(value),
        }
    }

    /// The value, if there is one.
    pub fn into_option(self) -> Option<T> {
        if let Self::Is(value) = self { Some(value) } else { None }
    }
}

impl Held<String> {
    /// As a field of so many letters holds it: without blanks at its ends and no longer; what is left of nothing is empty.
    #[must_use]
    pub fn cut(self, letters_max: usize) -> Self {
        let Self::Is(text) = self else { return self };
        let short: String = text.trim().chars().take(letters_max).collect();
        let short = short.trim_end();
        if short.is_empty() { Self::Empty } else { Self::Is(short.to_owned()) }
    }
}

impl Held<Decimal> {
    /// As a field with so many digits after the point holds it.
    #[must_use]
    pub fn rounded(self, places: u8) -> Self {
        match self {
            Self::Is(number) => Self::Is(number.round(places)),
            held => held,
        }
    }
}

impl<T> From<T> for Held<T> {
    fn from(value: T) -> Self {
        Self::Is(value)
    }
}

impl<T> From<Option<T>> for Held<T> {
    /// `None` is known to be empty.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Self::Is)
    }
}

/// `null` is known to be empty. What is absent is not known, where the member says `#[serde(default)]`: it may have been
/// taken out of the system, which is no word about its value.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Held<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

/// Something that one field may hold.
pub trait FieldValue: Sized {
    /// As it crosses a contract.
    fn into_value(self) -> Value;

    /// From what crossed a contract.
    ///
    /// # Errors
    /// The reason, as a clause for people.
    fn from_value(value: Value) -> Result<Self, String>;
}

impl FieldValue for String {
    fn into_value(self) -> Value {
        Value::Text(self)
    }
    fn from_value(value: Value) -> Result<Self, String> {
        if let Value::Text(text) = value { Ok(text) } else { Err("must be text".to_owned()) }
    }
}

impl FieldValue for Decimal {
    fn into_value(self) -> Value {
        Value::Number(self)
    }
    fn from_value(value: Value) -> Result<Self, String> {
        if let Value::Number(number) = value { Ok(number) } else { Err("must be a number".to_owned()) }
    }
}

impl FieldValue for bool {
    fn into_value(self) -> Value {
        Value::Flag(self)
    }
    fn from_value(value: Value) -> Result<Self, String> {
        if let Value::Flag(flag) = value { Ok(flag) } else { Err("must be true or false".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_in_any_spelling() {
        let json = |text: &str| Value::Json(text.to_owned());
        let ours = json(r#"[{"from":"10","amount":"9.5"}]"#);
        assert!(ours.same(&json(r#"[ {"amount":"9.5", "from":"10"} ]"#)));
        assert!(!ours.same(&json(r#"[{"from":"10","amount":"9.4"}]"#)));
        assert!(!ours.same(&Value::Null));
    }
}
