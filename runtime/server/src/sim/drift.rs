//! Answers as a system gives them whose fields are not what they were: one is not there any more, or is of another type.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use truthsource_core::draw::Draw;

use crate::demo::world::Product;

/// A field of a system's answers that is otherwise for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Which of the systems.
    pub seat: usize,
    /// The field's name, wherever it stands in an answer.
    pub field: String,
    /// It is not there; else it is of another type.
    pub vanishes: bool,
    /// When that begins, in milliseconds since people began to act.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
}

/// In how many of a thousand days a schema drifts.
const DAYS: u32 = 100;

/// Fields of answers, by product. Those that a product leaves out where they are empty cannot vanish without being that.
fn fields(product: Product) -> &'static [(&'static str, bool)] {
    match product {
        Product::Netsuite => &[("displayname", false), ("itemid", false), ("quantityonhand", false), ("id", true)],
        Product::Shopify => &[("title", false), ("sku", false), ("price", false), ("title", true), ("updatedAt", true)],
        Product::SapB1 => &[("ItemName", true), ("BarCode", true), ("ItemName", false), ("InStock", true)],
        Product::Dynamics365 => {
            &[("displayName", true), ("gtin", true), ("displayName", false), ("lastModifiedDateTime", true)]
        }
    }
}

impl Drift {
    /// What drifts on a seed's day.
    #[must_use]
    pub fn drawn(draw: Draw, systems: &[Product], chaos_ms: u64) -> Option<Self> {
        let below = |of: usize, what: &str| draw.below(of as u64, &format!("{what} of drift"), 0);
        if systems.is_empty() || !draw.chance(DAYS, "a schema drifts", 0) {
            return None;
        }
        let seat = below(systems.len(), "seat") as usize;
        let fields = fields(systems[seat]);
        let (field, vanishes) = fields[below(fields.len(), "field") as usize];
        let from_ms = draw.below(chaos_ms, "a schema drifts from", 0);
        let to_ms = from_ms + 5_000 + draw.below(120_000, "a schema drifts for", 0);
        Some(Self { seat, field: field.to_owned(), vanishes, from_ms, to_ms })
    }

    /// The body of an answer as it is now; `None` where nothing of it is otherwise.
    #[must_use]
    pub fn distort(&self, body: &[u8]) -> Option<Bytes> {
        let mut json: Json = serde_json::from_slice(body).ok()?;
        self.distort_in(&mut json).then(|| Bytes::from(json.to_string()))
    }

    fn distort_in(&self, json: &mut Json) -> bool {
        match json {
            Json::Array(items) => items.iter_mut().fold(false, |any, it| self.distort_in(it) | any),
            Json::Object(fields) => {
                let any = fields.values_mut().fold(false, |any, it| self.distort_in(it) | any);
                if self.vanishes {
                    return fields.remove(&self.field).is_some() | any;
                }
                let Some(value) = fields.get_mut(&self.field).filter(|it| !it.is_null()) else { return any };
                *value = json!({ "value": value.take() });
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_vanishes_or_is_of_another_type_wherever_it_stands() {
        let body = br#"{"items":[{"name":"a","n":1},{"n":2}],"name":null}"#;
        let distorted = |vanishes, field: &str| {
            let drift = Drift { seat: 0, field: field.to_owned(), vanishes, from_ms: 0, to_ms: 1 };
            drift.distort(body).map(|it| String::from_utf8(it.to_vec()).unwrap())
        };
        assert_eq!(distorted(true, "name").as_deref(), Some(r#"{"items":[{"n":1},{"n":2}]}"#));
        let typed = r#"{"items":[{"n":1,"name":{"value":"a"}},{"n":2}],"name":null}"#;
        let keeps_order = r#"{"items":[{"name":{"value":"a"},"n":1},{"n":2}],"name":null}"#;
        assert!([typed, keeps_order].contains(&distorted(false, "name").unwrap().as_str()));
        assert_eq!(distorted(true, "other"), None);
        assert_eq!(
            Drift { seat: 0, field: "n".to_owned(), vanishes: true, from_ms: 0, to_ms: 1 }.distort(b"<html>"),
            None
        );
    }
}
