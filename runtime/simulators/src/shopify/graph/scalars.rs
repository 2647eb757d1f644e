//! The scalars of the schema.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use truthsource_core::UnixMs;

use crate::shopify::{amounts, moments};

/// A monetary value string without a currency symbol or code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money(pub truthsource_core::Decimal);

/// A signed decimal number, serialized as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(pub truthsource_core::Decimal);

/// An ISO 8601 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub UnixMs);

/// An unsigned 64-bit integer, encoded as a string of base-10 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsignedInt64(pub u64);

/// A URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

/// A string containing a strict subset of HTML code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormattedString(pub String);

/// A string containing HTML code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html(pub String);

/// A three-letter currency code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyCode(pub String);

/// A two-letter country code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryCode(pub String);

/// The name of a tax exemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxExemption(pub String);

/// The number a scalar stands for; `None` if it is none.
fn decimal(value: &Value) -> Option<truthsource_core::Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

#[Scalar]
impl ScalarType for Money {
    fn parse(value: Value) -> InputValueResult<Self> {
        decimal(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::String(amounts::price(self.0))
    }
}

#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        decimal(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::String(amounts::amount(self.0))
    }
}

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => {
                moments::parse(text).map(Self).ok_or_else(|| InputValueError::custom("is not a date and time"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(moments::utc(self.0))
    }
}

#[Scalar]
impl ScalarType for UnsignedInt64 {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            Value::Number(number) => {
                number.as_u64().map(Self).ok_or_else(|| InputValueError::custom("is not an unsigned integer"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A scalar that is written as the text it holds. Enum literals are taken too: in the real schema some are enums.
macro_rules! text_scalar {
    ($type:ident, $name:literal, $is_valid:expr) => {
        #[Scalar(name = $name)]
        impl ScalarType for $type {
            fn parse(value: Value) -> InputValueResult<Self> {
                let text = match &value {
                    Value::String(text) => text.clone(),
                    Value::Enum(name) => name.to_string(),
                    _ => return Err(InputValueError::expected_type(value)),
                };
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(&text) { Ok(Self(text)) } else { Err(InputValueError::expected_type(value)) }
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.clone())
            }
        }
    };
}

fn is_upper(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|it| it.is_ascii_uppercase())
}

text_scalar!(Url, "URL", |it| it.contains(':'));
text_scalar!(FormattedString, "FormattedString", |_| true);
text_scalar!(Html, "HTML", |_| true);
text_scalar!(CurrencyCode, "CurrencyCode", |it| is_upper(it, 3));
text_scalar!(CountryCode, "CountryCode", |it| is_upper(it, 2));
text_scalar!(TaxExemption, "TaxExemption", |it| it.bytes().all(|it| it.is_ascii_uppercase() || it == b'_'));
