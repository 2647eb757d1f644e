//! The mark that what we create carries: no key of ours is kept by the company itself.
//!
//! It stands in a field that the tenant made for it, or else where the customer's own number stands. Nothing makes it
//! unique there but that it is looked for before anything is created under it, one creation after the other.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, Write};

use crate::odata::{Query, literal, plain};
use crate::record::trimmed;
use crate::settings::Settings;
use crate::wire::Service;

/// Where the mark stands without a field of its own.
const CUSTOMERS_NUMBER: &str = "NumAtCard";
/// What tells it there from the number of a customer.
const PREFIX: &str = "ts:";

/// The member that carries the mark, and what it says for a key.
pub(crate) fn mark(settings: &Settings, key: &str) -> (String, String) {
    match &settings.reference_field {
        Some(field) => (field.clone(), key.to_owned()),
        None => (CUSTOMERS_NUMBER.to_owned(), format!("{PREFIX}{key}")),
    }
}

/// The key in a document's mark, if it has one.
pub(crate) fn key(settings: &Settings, raw: &RawValue) -> Option<String> {
    let (member, _) = mark(settings, "");
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    let text = trimmed(plain::<Option<String>>(members.get(&member)?).ok()?)?;
    match settings.reference_field {
        Some(_) => Some(text),
        None => text.strip_prefix(PREFIX).map(str::to_owned),
    }
}

/// The documents of a collection that carry the mark of a key, oldest first. Cancelled ones do, too.
pub(crate) fn marked(service: &Service<'_>, entity: &str, (key, filter): (&str, &str)) -> Result<Vec<Document>, Fault> {
    let (member, mark) = mark(&service.settings, key);
    let is_marked = format!("{member} eq {}", literal(&mark));
    let query = Query { entity, select: "DocEntry,Cancelled", filter: &[filter, &is_marked], order: "DocEntry" };
    Ok(service.list(&query.path(), 20, plain)?.rows)
}

/// An earlier try left no trace, and may yet: the service queues what it cannot carry out at once, and knows no key that
/// would keep it from carrying out both.
pub(crate) fn in_flight(service: &Service<'_>, write: &Write) -> Option<Outcome> {
    let age_ms = service.ctx.now_ms.saturating_sub(write.first_sent_ms?);
    let is_young = age_ms < service.settings.in_flight_ms;
    is_young.then(|| Outcome::Unknown("an earlier try may still be under way".to_owned()))
}

/// A document, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Document {
    #[serde(rename = "DocEntry")]
    pub entry: i64,
    #[serde(rename = "Cancelled", default)]
    pub cancelled: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Context;

    fn settings(field: &str) -> Settings {
        let settings = [("base-url", "https://b1.example"), ("time-zone", "UTC"), ("external-id-field", field)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Settings::read(&Context { settings, now_ms: 0 }).unwrap()
    }

    #[test]
    fn a_mark_is_told_from_a_customers_number() {
        let check = |field: &str, document: &str, expect: Option<&str>| {
            let raw: Box<RawValue> = serde_json::from_str(document).unwrap();
            assert_eq!(key(&settings(field), &raw).as_deref(), expect, "{field} {document}");
        };
        check("", r#"{"NumAtCard":"ts:ts-order-1"}"#, Some("ts-order-1"));
        check("", r#"{"NumAtCard":"PO-77","U_ExtId":"x"}"#, None);
        check("", r#"{"NumAtCard":null}"#, None);
        check("U_ExtId", r#"{"NumAtCard":"PO-77","U_ExtId":"ts-order-1"}"#, Some("ts-order-1"));
        check("U_ExtId", r#"{"NumAtCard":"ts:ts-order-1","U_ExtId":null}"#, None);
        check("U_ExtId", r#"{"NumAtCard":"ts:ts-order-1"}"#, None);
        assert_eq!(mark(&settings(""), "k"), ("NumAtCard".to_owned(), "ts:k".to_owned()));
    }
}
