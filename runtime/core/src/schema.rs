//! What the fields of each kind may hold, checked wherever data crosses a boundary.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::plant::{self, Bug};
use crate::value::{Fields, Row, Value};
use crate::{Decimal, Kind};

/// The longest text of a field, in bytes.
pub const TEXT_BYTES_MAX: usize = 65_536;
/// The most rows of one field.
pub const ROWS_MAX: usize = 1_000;

/// What a field may hold, besides [`Value::Null`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text of at most so many bytes.
    Text(usize),
    /// A number with at most `scale` digits after the point, not below zero unless `signed`.
    Number {
        /// Digits after the point.
        scale: u32,
        /// May be below zero.
        signed: bool,
    },
    /// True or false.
    Flag,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// The key of another record; at a connector's boundary, its remote id.
    Ref(Kind),
    /// Rows of these columns. Never nested.
    Rows(&'static [Field]),
    /// The same where their order says nothing: kept sorted, so that equal sets are equal values.
    Set(&'static [Field]),
}

/// One field of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in contracts, URLs and configuration.
    pub name: &'static str,
    /// What it may hold.
    pub ty: Type,
    /// Two systems may both move it, and both moves count: stock, never a name.
    pub counter: bool,
    /// What a system says of itself alone, such as where its stock left from: it is remembered, never a truth, and told
    /// to nobody.
    pub own: bool,
    /// Of a choice: what a record may begin with, the usual first; anything else, somebody did. Empty: nobody can tell.
    pub first: &'static [&'static str],
}

impl Field {
    /// What a record that was just made had there, when by now somebody has done something about it: in a set there was
    /// nothing. `None`: `now` may be what it was made with.
    #[must_use]
    pub fn made_with(&self, now: &Value) -> Option<Value> {
        match (self.ty, now) {
            (Type::Set(_), Value::Rows(rows)) => (!rows.is_empty()).then(|| Value::Rows(Vec::new())),
            (Type::Choice(_), Value::Text(now)) => {
                let first = self.first.first()?;
                (!self.first.contains(&now.as_str())).then(|| (*first).into())
            }
            _ => None,
        }
    }
}

/// The fields of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The kind.
    pub kind: Kind,
    /// Its fields.
    pub fields: &'static [Field],
    /// The fields that name a record among its kind for people, in order: they match records of two systems once.
    pub natural: &'static [&'static str],
}

/// The states an order goes through; see the `status-lattice` policy for their order.
pub const ORDER_STATUS: &[&str] = &["open", "on-hold", "partially-fulfilled", "fulfilled", "closed", "cancelled"];

/// How far an order is paid.
pub const PAYMENTS: &[&str] =
    &["pending", "authorised", "partially-paid", "paid", "partially-refunded", "refunded", "voided", "expired"];

/// What is charged beside the lines of an order.
pub const CHARGES: &[&str] = &["shipping", "tax", "discount"];

const CODE: Type = Type::Text(255);
const MONEY: Type = Type::Number { scale: 6, signed: false };
const QUANTITY: Type = Type::Number { scale: 6, signed: false };

const fn field(name: &'static str, ty: Type) -> Field {
    Field { name, ty, counter: false, own: false, first: &[] }
}

const LOCATION: &[Field] = &[field("code", CODE), field("name", Type::Text(255)), field("active", Type::Flag)];
const ITEM: &[Field] = &[
    field("code", CODE),
    field("title", Type::Text(1_000)),
    field("barcode", Type::Text(100)),
    field("active", Type::Flag),
];
const COMPANY: &[Field] = &[
    field("code", CODE),
    field("name", Type::Text(500)),
    field("email", Type::Text(320)),
    field("currency", Type::Text(3)),
    field("active", Type::Flag),
];
const STOCK_LEVEL: &[Field] = &[
    field("item", Type::Ref(Kind::Item)),
    field("location", Type::Ref(Kind::Location)),
    Field { counter: true, ..field("on_hand", Type::Number { scale: 6, signed: true }) },
];
const PRICE: &[Field] = &[
    field("list", CODE),
    field("item", Type::Ref(Kind::Item)),
    field("currency", Type::Text(3)),
    field("amount", MONEY),
    field("breaks", Type::Rows(&[field("from", QUANTITY), field("amount", MONEY)])),
];
const ORDER: &[Field] = &[
    field("number", CODE),
    field("company", Type::Ref(Kind::Company)),
    field("po_number", Type::Text(255)),
    field("currency", Type::Text(3)),
    field("placed_at", Type::Text(40)),
    Field { first: &["open", "on-hold"], ..field("status", Type::Choice(ORDER_STATUS)) },
    field("payment", Type::Choice(PAYMENTS)),
    // Why nobody is to do anything about it for now.
    field("hold", Type::Text(255)),
    field("total", MONEY),
    field(
        "lines",
        Type::Rows(&[
            field("item", Type::Ref(Kind::Item)),
            field("sku", CODE),
            field("quantity", QUANTITY),
            field("unit_price", MONEY),
        ]),
    ),
    field(
        "charges",
        Type::Set(&[
            field("kind", Type::Choice(CHARGES)),
            field("title", Type::Text(255)),
            // What is taken off is below zero.
            field("amount", Type::Number { scale: 6, signed: true }),
        ]),
    ),
    field(
        "fulfilments",
        Type::Set(&[
            field("item", Type::Ref(Kind::Item)),
            field("quantity", QUANTITY),
            field("carrier", Type::Text(255)),
            field("tracking", Type::Text(255)),
        ]),
    ),
    Field {
        own: true,
        ..field(
            "taken",
            Type::Set(&[
                field("item", Type::Ref(Kind::Item)),
                field("location", Type::Ref(Kind::Location)),
                field("quantity", QUANTITY),
            ]),
        )
    },
];

/// The schema of a kind.
#[must_use]
pub fn of(kind: Kind) -> Schema {
    match kind {
        Kind::Location => Schema { kind, fields: LOCATION, natural: &["code"] },
        Kind::Item => Schema { kind, fields: ITEM, natural: &["code"] },
        Kind::Company => Schema { kind, fields: COMPANY, natural: &["code"] },
        Kind::StockLevel => Schema { kind, fields: STOCK_LEVEL, natural: &["item", "location"] },
        Kind::Price => Schema { kind, fields: PRICE, natural: &["list", "item"] },
        Kind::Order => Schema { kind, fields: ORDER, natural: &["number"] },
    }
}

/// Why data does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` of {kind}: {reason}")]
pub struct Misfit {
    /// The kind that was expected.
    pub kind: Kind,
    /// The field at fault, as far as it is known.
    pub field: String,
    /// What is wrong with it, as a clause for people.
    pub reason: String,
}

impl Schema {
    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.name == name)
    }

    /// Checks every field. What is absent is not checked: most reads are partial.
    ///
    /// # Errors
    /// The first field, in order of names, that is unknown or does not fit.
    pub fn check(&self, fields: &Fields) -> Result<(), Misfit> {
        for (name, value) in fields {
            let misfit = |reason: String| Misfit { kind: self.kind, field: name.chars().take(80).collect(), reason };
            let field = self.field(name).ok_or_else(|| misfit("no such field".to_owned()))?;
            fits(&field.ty, value).map_err(misfit)?;
        }
        Ok(())
    }

    /// What names this record for people, normalised so that `BOLT-8 ` and `bolt-8` match: the key it is given when
    /// it is first seen. `None` when a naming field is absent or empty.
    #[must_use]
    pub fn natural_key(&self, fields: &Fields) -> Option<String> {
        let mut parts = Vec::with_capacity(self.natural.len());
        for name in self.natural {
            let part = match (fields.get(*name)?, self.field(name)?.ty) {
                // A reference is a key already, and keys are safe as they are but for the separator.
                (Value::Text(key), Type::Ref(_)) => key.replace('@', "%40"),
                (Value::Text(text), _) => normalise(text)?,
                _ => return None,
            };
            parts.push(part);
        }
        let key = parts.join("@");
        (key.len() <= KEY_BYTES_MAX).then_some(key)
    }

    /// Every reference in `fields`, as (kind, text), without repeats.
    #[must_use]
    pub fn references(&self, fields: &Fields) -> BTreeSet<(Kind, String)> {
        let mut found = BTreeSet::new();
        for (name, value) in fields {
            if let Some(field) = self.field(name) {
                collect_references(field.ty, value, &mut found);
            }
        }
        found
    }

    /// The same fields with every reference put through `translate`.
    ///
    /// # Errors
    /// The first reference that `translate` does not know, as (kind, text).
    pub fn translate(
        &self,
        fields: &Fields,
        translate: &mut dyn FnMut(Kind, &str) -> Option<String>,
    ) -> Result<Fields, (Kind, String)> {
        let mut out = Fields::new();
        for (name, value) in fields {
            let ty = self.field(name).map(|it| it.ty);
            out.insert(name.clone(), translate_value(ty, value, translate)?);
        }
        Ok(out)
    }
}

/// The longest key of a record, in bytes.
pub const KEY_BYTES_MAX: usize = 512;

/// Trimmed, inner blanks single, lower case, letters composed (NFC: what looks the same and means the same is the same),
/// and safe in a path: anything else is percent-encoded. `None` for nothing.
fn normalise(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = String::with_capacity(text.len());
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.push('_');
        }
        for letter in word.chars().flat_map(lower).nfc() {
            if letter.is_alphanumeric() || matches!(letter, '-' | '.' | '+') {
                out.push(letter);
            } else {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("%{byte:02x}"));
                }
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A letter in lower case.
fn lower(letter: char) -> impl Iterator<Item = char> {
    let as_it_is = plant::on(Bug::CaseMatters).then_some(letter);
    as_it_is.into_iter().chain(letter.to_lowercase().filter(move |_| as_it_is.is_none()))
}

fn translate_value(
    ty: Option<Type>,
    value: &Value,
    translate: &mut dyn FnMut(Kind, &str) -> Option<String>,
) -> Result<Value, (Kind, String)> {
    match (ty, value) {
        (Some(Type::Ref(kind)), Value::Text(text)) => {
            translate(kind, text).map(Value::Text).ok_or_else(|| (kind, text.clone()))
        }
        (Some(ty @ (Type::Rows(columns) | Type::Set(columns))), Value::Rows(rows)) => {
            let mut out = Vec::with_capacity(rows.len());
            for row in rows {
                let mut cells = Row::new();
                for (name, cell) in row {
                    let ty = columns.iter().find(|it| it.name == name).map(|it| it.ty);
                    cells.insert(name.clone(), translate_value(ty, cell, translate)?);
                }
                out.push(cells);
            }
            Ok(Value::Rows(in_order(&ty, out)))
        }
        _ => Ok(value.clone()),
    }
}

fn collect_references(ty: Type, value: &Value, found: &mut BTreeSet<(Kind, String)>) {
    match (ty, value) {
        (Type::Ref(kind), Value::Text(text)) => {
            found.insert((kind, text.clone()));
        }
        (Type::Rows(columns) | Type::Set(columns), Value::Rows(rows)) => {
            for (name, cell) in rows.iter().flatten() {
                if let Some(column) = columns.iter().find(|it| it.name == name) {
                    collect_references(column.ty, cell, found);
                }
            }
        }
        _ => {}
    }
}

/// Rows as their type keeps them.
fn in_order(ty: &Type, mut rows: Vec<Row>) -> Vec<Row> {
    if matches!(ty, Type::Set(_)) {
        rows.sort();
    }
    rows
}

fn fits(ty: &Type, value: &Value) -> Result<(), String> {
    match (ty, value) {
        (_, Value::Null) => Ok(()),
        (Type::Text(bytes_max), Value::Text(text)) => fits_text(text, *bytes_max),
        (Type::Ref(_), Value::Text(text)) if text.is_empty() => Err("a reference is never empty text".to_owned()),
        (Type::Ref(_), Value::Text(text)) => fits_text(text, KEY_BYTES_MAX),
        (Type::Choice(choices), Value::Text(text)) if choices.contains(&text.as_str()) => Ok(()),
        (Type::Choice(choices), Value::Text(_)) => Err(format!("must be one of {}", choices.join(", "))),
        (Type::Number { scale, signed }, Value::Number(number)) => fits_number(*number, *scale, *signed),
        (Type::Flag, Value::Flag(_)) => Ok(()),
        (Type::Rows(columns) | Type::Set(columns), Value::Rows(rows)) => fits_rows(columns, rows),
        _ => Err(format!("must be {}", name_of(ty))),
    }
}

fn fits_text(text: &str, bytes_max: usize) -> Result<(), String> {
    if text.len() > bytes_max.min(TEXT_BYTES_MAX) {
        return Err(format!("longer than {bytes_max} bytes"));
    }
    if text.contains('\0') {
        return Err("holds a NUL".to_owned());
    }
    Ok(())
}

fn fits_number(number: Decimal, scale: u32, signed: bool) -> Result<(), String> {
    if number.parts().1 > scale {
        return Err(format!("more than {scale} digits after the point"));
    }
    if !signed && number.is_negative() {
        return Err("below zero".to_owned());
    }
    Ok(())
}

fn fits_rows(columns: &[Field], rows: &[Row]) -> Result<(), String> {
    if rows.len() > ROWS_MAX {
        return Err(format!("more than {ROWS_MAX} rows"));
    }
    for (at, row) in rows.iter().enumerate() {
        for (name, cell) in row {
            let column = columns.iter().find(|it| it.name == name);
            let column = column.ok_or_else(|| format!("row {at}: no column `{name}`"))?;
            fits(&column.ty, cell).map_err(|reason| format!("row {at}, `{name}`: {reason}"))?;
        }
    }
    Ok(())
}

fn name_of(ty: &Type) -> &'static str {
    match ty {
        Type::Text(_) | Type::Choice(_) => "text",
        Type::Number { .. } => "a number",
        Type::Flag => "true or false",
        Type::Ref(_) => "a reference",
        Type::Rows(_) | Type::Set(_) => "rows",
    }
}

/// Reads a field from plain JSON as its schema says: numbers may be decimal strings or JSON numbers whose text is
/// exact.
///
/// # Errors
/// The reason, as a clause for people.
pub fn from_json(ty: &Type, json: &serde_json::Value) -> Result<Value, String> {
    use serde_json::Value as Json;
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::Text(_) | Type::Ref(_) | Type::Choice(_), Json::String(text)) => Ok(Value::Text(text.clone())),
        (Type::Flag, Json::Bool(flag)) => Ok(Value::Flag(*flag)),
        (Type::Number { .. }, Json::String(text)) => {
            text.parse().map(Value::Number).map_err(|it: crate::decimal::Error| it.to_string())
        }
        (Type::Number { .. }, Json::Number(number)) if number.is_f64() => {
            Err("a fraction must be a decimal string, as JSON numbers lose digits".to_owned())
        }
        (Type::Number { .. }, Json::Number(number)) => {
            number.to_string().parse().map(Value::Number).map_err(|it: crate::decimal::Error| it.to_string())
        }
        (Type::Rows(columns) | Type::Set(columns), Json::Array(rows)) => {
            let rows: Result<Vec<Row>, String> = rows.iter().map(|row| row_from_json(columns, row)).collect();
            rows.map(|it| Value::Rows(in_order(ty, it)))
        }
        _ => Err(format!("must be {}", name_of(ty))),
    }
}

fn row_from_json(columns: &[Field], json: &serde_json::Value) -> Result<Row, String> {
    let members = json.as_object().ok_or_else(|| "a row must be an object".to_owned())?;
    let mut row = Row::new();
    for (name, cell) in members {
        let column = columns.iter().find(|it| it.name == name).ok_or_else(|| format!("no column `{name}`"))?;
        row.insert(name.clone(), from_json(&column.ty, cell)?);
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, name: &str, value: Value, expect: &str) {
        let fields = Fields::from([(name.to_owned(), value)]);
        let seen = of(kind).check(&fields).map_or_else(|it| it.reason, |()| "fits".to_owned());
        assert_eq!(seen, expect);
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn a_boundary_refuses_what_its_schema_does_not_know() {
        check(Kind::Item, "code", "BOLT-8".into(), "fits");
        check(Kind::Item, "code", Value::Null, "fits");
        check(Kind::Item, "colour", "red".into(), "no such field");
        check(Kind::Item, "code", true.into(), "must be text");
        check(Kind::Item, "title", "a\0b".into(), "holds a NUL");
        check(Kind::Price, "amount", number("12.345678"), "fits");
        check(Kind::Price, "amount", number("12.3456789"), "more than 6 digits after the point");
        check(Kind::Price, "amount", number("-1"), "below zero");
        check(Kind::StockLevel, "on_hand", number("-1"), "fits");
        let off = |kind: &str| {
            let row = Row::from([("kind".to_owned(), kind.into()), ("amount".to_owned(), number("-4.5"))]);
            Value::Rows(vec![row])
        };
        check(Kind::Order, "charges", off("discount"), "fits");
        check(Kind::Order, "charges", off("tip"), "row 0, `kind`: must be one of shipping, tax, discount");
        check(Kind::Order, "status", "open".into(), "fits");
        check(
            Kind::Order,
            "status",
            "lost".into(),
            "must be one of open, on-hold, partially-fulfilled, fulfilled, closed, cancelled",
        );
        let row = Row::from([("from".to_owned(), number("10")), ("price".to_owned(), number("1"))]);
        check(Kind::Price, "breaks", Value::Rows(vec![row]), "row 0: no column `price`");
    }

    fn natural(kind: Kind, fields: &[(&str, &str)], expect: Option<&str>) {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect();
        assert_eq!(of(kind).natural_key(&fields).as_deref(), expect);
    }

    #[test]
    fn case_and_blanks_do_not_make_another_item() {
        natural(Kind::Item, &[("code", " Bolt  8 ")], Some("bolt_8"));
        natural(Kind::Item, &[("code", "BOLT-8")], Some("bolt-8"));
        natural(Kind::Item, &[("code", "a/b@c%")], Some("a%2fb%40c%25"));
        natural(Kind::Item, &[("code", "  ")], None);
        natural(Kind::Item, &[("title", "Bolt")], None);
        natural(Kind::StockLevel, &[("item", "bolt-8"), ("location", "main")], Some("bolt-8@main"));
        natural(Kind::Price, &[("list", "Gold"), ("item", "bolt-8")], Some("gold@bolt-8"));
    }

    #[test]
    fn i1_spellings_of_one_letter_are_one_key() {
        natural(Kind::Item, &[("code", "Caf\u{e9}")], Some("café"));
        natural(Kind::Item, &[("code", "Cafe\u{301}")], Some("café"));
        natural(Kind::Item, &[("code", "\u{212b}ngstrom")], Some("ångstrom"));
        natural(Kind::Item, &[("code", "a\u{202e}b")], Some("a%e2%80%aeb"));
        natural(Kind::Item, &[("code", "\u{1f529}")], Some("%f0%9f%94%a9"));
        natural(Kind::Item, &[("code", "a\u{0}b")], Some("a%00b"));
    }

    #[test]
    fn references_are_translated_wherever_they_stand() {
        let line = Row::from([("item".to_owned(), "482".into()), ("sku".to_owned(), "482".into())]);
        let fields =
            Fields::from([("company".to_owned(), "107".into()), ("lines".to_owned(), Value::Rows(vec![line]))]);
        let schema = of(Kind::Order);
        let mut canonical = |kind: Kind, id: &str| Some(format!("{kind}/{id}"));
        let out = schema.translate(&fields, &mut canonical).unwrap();
        assert_eq!(out["company"], "company/107".into());
        let Value::Rows(lines) = &out["lines"] else { panic!("rows stay rows") };
        assert_eq!((&lines[0]["item"], &lines[0]["sku"]), (&"item/482".into(), &"482".into()));
        let unknown = schema.translate(&fields, &mut |_, _| None);
        assert_eq!(unknown, Err((Kind::Company, "107".to_owned())));
    }

    #[test]
    fn the_order_of_a_set_says_nothing() {
        let row = |item: &str| Row::from([("item".to_owned(), item.into())]);
        let ty = of(Kind::Order).field("fulfilments").unwrap().ty;
        let read = from_json(&ty, &serde_json::json!([{"item": "2"}, {"item": "1"}])).unwrap();
        assert_eq!(read, Value::Rows(vec![row("1"), row("2")]));
        // Whoever calls the items otherwise has them in another order.
        let mut other = |_: Kind, id: &str| Some(if id == "1" { "b" } else { "a" }.to_owned());
        let out = of(Kind::Order).translate(&Fields::from([("fulfilments".to_owned(), read)]), &mut other).unwrap();
        assert_eq!(out["fulfilments"], Value::Rows(vec![row("a"), row("b")]));
    }

    #[test]
    fn json_fractions_must_be_strings() {
        let ty = of(Kind::Price).field("amount").unwrap().ty;
        assert_eq!(from_json(&ty, &serde_json::json!("12.50")), Ok(number("12.5")));
        assert_eq!(from_json(&ty, &serde_json::json!(12)), Ok(number("12")));
        assert!(from_json(&ty, &serde_json::json!(0.1)).is_err());
    }
}
