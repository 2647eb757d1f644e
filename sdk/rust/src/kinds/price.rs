//! Prices with their quantity breaks.

use serde::{Deserialize, Serialize};

use crate::Decimal;
use crate::kinds::record;
use crate::value::{FieldValue, Value};

record! {
    /// What an item costs on a price list.
    Price {
        /// The list's code.
        list: String,
        /// The item's remote id.
        item: String,
        /// ISO 4217, upper case.
        currency: String,
        /// Per base unit, zero or more, before any break.
        amount: Decimal,
        /// Other prices from higher quantities on, ascending.
        breaks: Vec<Break>,
    }
}

/// A quantity from which another unit price holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// In the item's base unit, above zero.
    pub from: Decimal,
    /// Per base unit.
    pub amount: Decimal,
}

impl FieldValue for Vec<Break> {
    fn into_value(mut self) -> Value {
        self.sort_by_key(|it| it.from);
        Value::Json(crate::json::text(&self))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Json(text) = value else { return Err("must be rows".to_owned()) };
        let mut breaks: Vec<Break> = serde_json::from_str(&text).map_err(|error| format!("is not rows: {error}"))?;
        breaks.sort_by_key(|it| it.from);
        Ok(breaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_cross_as_decimal_strings_in_order() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        let breaks = vec![
            Break { from: decimal("100"), amount: decimal("8.90") },
            Break { from: decimal("10"), amount: decimal("9.5") },
        ];
        let value = breaks.into_value();
        let expect = r#"[{"from":"10","amount":"9.5"},{"from":"100","amount":"8.9"}]"#;
        assert_eq!(value, Value::Json(expect.to_owned()));
        assert_eq!(Vec::<Break>::from_value(value).unwrap().len(), 2);
    }
}
