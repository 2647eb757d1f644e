//! Decimals, values, fields, contexts and faults.

use truthsource_core::plant::{self, Bug};
use truthsource_core::schema::{self, Schema, TEXT_BYTES_MAX, Type};
use truthsource_core::{Decimal, Fields, Kind, Value, decimal};

use crate::bindings::connector::truthsource::types::records as wit;
use crate::error::{CallError, Misfit};
use crate::model::{Context, Fault};

/// The largest JSON of one value, in bytes: the contract's number.
pub const JSON_BYTES_MAX: usize = 262_144;

/// The most fields of one record that are looked at. No schema has nearly as many.
const FIELDS_MAX: usize = 64;

pub(crate) fn decimal_out(number: Decimal) -> wit::Decimal {
    let (mantissa, scale) = number.parts();
    wit::Decimal { mantissa, scale: u8::try_from(scale).unwrap_or(u8::MAX) }
}

pub(crate) fn decimal_in(at: &str, number: &wit::Decimal) -> Result<Decimal, Misfit> {
    let wit::Decimal { mantissa, scale } = *number;
    if mantissa.unsigned_abs() > decimal::MANTISSA_MAX.unsigned_abs() {
        return Err(Misfit::new(at, "a mantissa of more than 18 digits"));
    }
    let (mantissa, scale) = if plant::on(Bug::FloatMoney) { cents(mantissa, scale) } else { (mantissa, scale) };
    Decimal::new(mantissa, u32::from(scale)).map_err(|error| Misfit::new(at, error.to_string()))
}

/// What [`Bug::FloatMoney`] makes of a number.
fn cents(mantissa: i64, scale: u8) -> (i64, u8) {
    let number = mantissa as f64 / 10f64.powi(scale.into());
    ((number * 100.0) as i64, 2)
}

pub(crate) fn value_out(value: &Value) -> wit::Value {
    match value {
        Value::Null => wit::Value::Null,
        Value::Text(text) => wit::Value::Text(text.clone()),
        Value::Number(number) => wit::Value::Number(decimal_out(*number)),
        Value::Flag(flag) => wit::Value::Flag(*flag),
        Value::Rows(_) => wit::Value::Json(value.to_json().to_string()),
    }
}

pub(crate) fn fields_out(fields: &Fields) -> Vec<wit::Field> {
    fields.iter().map(|(name, value)| wit::Field { name: name.clone(), value: value_out(value) }).collect()
}

pub(crate) fn records_out(records: &[Fields]) -> Vec<Vec<wit::Field>> {
    records.iter().map(fields_out).collect()
}

/// The value, checked against `field` of `kind`.
pub(crate) fn value_in(kind: Kind, field: &str, value: wit::Value) -> Result<Value, Misfit> {
    let schema = schema::of(kind);
    let value = raw_value(&schema, field, value)?;
    let one = Fields::from([(field.to_owned(), value)]);
    schema.check(&one).map_err(|it| Misfit::new(it.field, it.reason))?;
    one.into_values().next().ok_or_else(|| Misfit::new(field, "is gone"))
}

/// The fields, checked against the schema of `kind`. A name may stand once.
pub(crate) fn fields_in(kind: Kind, fields: Vec<wit::Field>) -> Result<Fields, Misfit> {
    if fields.len() > FIELDS_MAX {
        return Err(Misfit::new("fields", format!("more than {FIELDS_MAX}")));
    }
    let schema = schema::of(kind);
    let mut known = Fields::new();
    for wit::Field { name, value } in fields {
        let value = raw_value(&schema, &name, value)?;
        if known.contains_key(&name) {
            return Err(Misfit::new(name, "stands twice"));
        }
        known.insert(name, value);
    }
    schema.check(&known).map_err(|it| Misfit::new(it.field, it.reason))?;
    Ok(known)
}

pub(crate) fn records_in(kind: Kind, records: Vec<Vec<wit::Field>>) -> Result<Vec<Fields>, Misfit> {
    let numbered = records.into_iter().enumerate();
    numbered.map(|(at, fields)| fields_in(kind, fields).map_err(|it| it.within(&format!("record {at}")))).collect()
}

fn raw_value(schema: &Schema, field: &str, value: wit::Value) -> Result<Value, Misfit> {
    match value {
        wit::Value::Null => Ok(Value::Null),
        wit::Value::Text(text) if text.len() > TEXT_BYTES_MAX => {
            Err(Misfit::new(field, format!("longer than {TEXT_BYTES_MAX} bytes")))
        }
        wit::Value::Text(text) => Ok(Value::Text(text)),
        wit::Value::Number(number) => decimal_in(field, &number).map(Value::Number),
        wit::Value::Flag(flag) => Ok(Value::Flag(flag)),
        wit::Value::Json(json) => rows_in(schema, field, &json),
    }
}

/// Rows are read only where the schema has rows: a guest cannot smuggle a number past its range as JSON.
fn rows_in(schema: &Schema, field: &str, json: &str) -> Result<Value, Misfit> {
    let known = schema.field(field).ok_or_else(|| Misfit::new(field, "no such field"))?;
    if !matches!(known.ty, Type::Rows(_) | Type::Set(_)) {
        return Err(Misfit::new(field, "is JSON, where the schema has no rows"));
    }
    if json.len() > JSON_BYTES_MAX {
        return Err(Misfit::new(field, format!("JSON of more than {JSON_BYTES_MAX} bytes")));
    }
    // serde_json refuses nesting beyond 128 by itself; the schema then refuses any nesting at all.
    let json: serde_json::Value =
        serde_json::from_str(json).map_err(|error| Misfit::new(field, format!("no JSON: {error}")))?;
    schema::from_json(&known.ty, &json).map_err(|reason| Misfit::new(field, reason))
}

pub(crate) fn context_out(context: &Context) -> wit::Context {
    let settings = context.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    wit::Context { settings, now_ms: context.now.0 }
}

pub(crate) fn kind_in(at: &str, name: &str) -> Result<Kind, Misfit> {
    name.parse().map_err(|error: truthsource_core::kind::Unknown| Misfit::new(at, error.to_string()))
}

/// A component's refusal. Its text is its own: cut, never trusted.
pub(crate) fn refused(fault: wit::Fault) -> CallError {
    let cut = |text: String| if text.len() <= 1_000 { text } else { text.chars().take(1_000).collect() };
    CallError::Refused(match fault {
        wit::Fault::Denied(text) => Fault::Denied(cut(text)),
        wit::Fault::Throttled(wait_ms) => Fault::Throttled(wait_ms),
        wit::Fault::Unavailable(text) => Fault::Unavailable(cut(text)),
        wit::Fault::Protocol(text) => Fault::Protocol(cut(text)),
        wit::Fault::Invalid(text) => Fault::Invalid(cut(text)),
        wit::Fault::Unsupported(text) => Fault::Unsupported(cut(text)),
        wit::Fault::Other(text) => Fault::Other(cut(text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(mantissa: i64, scale: u8) -> wit::Value {
        wit::Value::Number(wit::Decimal { mantissa, scale })
    }

    fn check(kind: Kind, fields: &[(&str, wit::Value)], expect: &str) {
        let fields = fields.iter().map(|(name, value)| wit::Field { name: (*name).to_owned(), value: value.clone() });
        let seen = fields_in(kind, fields.collect()).map_or_else(|it| it.to_string(), |_| "fits".to_owned());
        assert_eq!(seen, expect);
    }

    #[test]
    fn g13_what_breaks_the_schema_goes_no_further() {
        let text = |text: &str| wit::Value::Text(text.to_owned());
        let json = |text: &str| wit::Value::Json(text.to_owned());
        check(Kind::Price, &[("amount", number(1250, 2))], "fits");
        check(Kind::Price, &[("amount", number(-1, 0))], "amount: below zero");
        check(
            Kind::Price,
            &[("amount", number(1_000_000_000_000_000_000, 3))],
            "amount: a mantissa of more than 18 digits",
        );
        check(Kind::Price, &[("amount", number(i64::MIN, 3))], "amount: a mantissa of more than 18 digits");
        check(
            Kind::Price,
            &[("amount", number(1, 13))],
            "amount: a decimal number holds at most 18 digits, 12 of them after the point",
        );
        check(Kind::Price, &[("amount", text("NaN"))], "amount: must be a number");
        check(Kind::Price, &[("amount", json("1"))], "amount: is JSON, where the schema has no rows");
        check(Kind::Price, &[("tenant_id", text("x"))], "tenant_id: no such field");
        check(Kind::Price, &[("list", text("a")), ("list", text("b"))], "list: stands twice");
        check(Kind::Price, &[("breaks", json(r#"[{"from":"1","amount":"2"}]"#))], "fits");
        check(
            Kind::Price,
            &[("breaks", json(r#"[{"from":1e30}]"#))],
            "breaks: a fraction must be a decimal string, as JSON numbers lose digits",
        );
        check(Kind::Price, &[("breaks", json(r#"[{"from":[]}]"#))], "breaks: must be a number");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let seen = fields_in(Kind::Price, vec![wit::Field { name: "breaks".to_owned(), value: json(&deep) }]);
        assert!(seen.unwrap_err().reason.starts_with("no JSON: recursion limit"));
        check(Kind::Item, &[("title", text("a\0b"))], "title: holds a NUL");
    }

    #[test]
    fn rows_cross_and_come_back_the_same() {
        let json = serde_json::json!([{"item": "482", "quantity": "3", "unit_price": "12.5"}]);
        let lines = schema::from_json(&schema::of(Kind::Order).field("lines").unwrap().ty, &json).unwrap();
        let fields = Fields::from([("lines".to_owned(), lines)]);
        assert_eq!(fields_in(Kind::Order, fields_out(&fields)).unwrap(), fields);
    }

    proptest! {
        #[test]
        fn decimals_cross_and_come_back_equal(mantissa in -decimal::MANTISSA_MAX..=decimal::MANTISSA_MAX, scale in 0u32..=12) {
            let number = Decimal::new(mantissa, scale).unwrap();
            prop_assert_eq!(decimal_in("x", &decimal_out(number)).unwrap(), number);
        }

        #[test]
        fn no_pair_of_numbers_panics(mantissa in any::<i64>(), scale in any::<u8>()) {
            let _ = decimal_in("x", &wit::Decimal { mantissa, scale });
        }
    }
}
