//! Values and fields of canonical records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// The value of one field. Comparison is of meaning: `12.50` equals `12.5`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Known to be empty. A field that is not known is absent from [`Fields`] instead.
    Null,
    /// Unicode text without NUL.
    Text(String),
    /// An exact number.
    Number(Decimal),
    /// True or false.
    Flag(bool),
    /// A list of flat rows, in an order that matters: an order's lines, a price's breaks.
    Rows(Vec<Row>),
}

/// One row of a [`Value::Rows`]: named scalar values.
pub type Row = BTreeMap<String, Value>;

/// The fields of a record, by name. Ordered, so that every walk over them is the same everywhere.
pub type Fields = BTreeMap<String, Value>;

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Decimal> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// As plain JSON for people and HTTP: numbers become decimal strings.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => serde_json::Value::String(text.clone()),
            Self::Number(number) => serde_json::Value::String(number.to_string()),
            Self::Flag(flag) => serde_json::Value::Bool(*flag),
            Self::Rows(rows) => rows.iter().map(fields_to_json).collect(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// The quantities of a field's rows, by what `key` says they are of. A sum that leaves the range of a quantity stays at
/// what it was.
pub fn summed<K: Ord>(fields: &Fields, name: &str, key: impl Fn(&Row) -> Option<K>) -> BTreeMap<K, Decimal> {
    let mut sums = BTreeMap::new();
    let rows = if let Some(Value::Rows(rows)) = fields.get(name) { rows.as_slice() } else { &[] };
    for row in rows {
        if let (Some(key), Some(n)) = (key(row), row.get("quantity").and_then(Value::as_number)) {
            let sum: &mut Decimal = sums.entry(key).or_default();
            *sum = sum.checked_add(n).unwrap_or(*sum);
        }
    }
    sums
}

/// The text of a row's column.
#[must_use]
pub fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.as_text().map(str::to_owned)
}

/// Fields as a plain JSON object; see [`Value::to_json`].
#[must_use]
pub fn fields_to_json(fields: &Fields) -> serde_json::Value {
    let members = fields.iter().map(|(name, value)| (name.clone(), value.to_json()));
    serde_json::Value::Object(members.collect())
}
