//! Canonical records, and what a journal says of their changes.

use std::collections::BTreeSet;

use serde_json::json;
use truthsource_core::{Decimal, UnixMs};

use crate::journal::{Actor, Change};

/// A canonical record: the id that a connector names it by, and its fields in canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub id: String,
    /// The key that whoever made it gave it, of an order; empty otherwise.
    pub key: String,
    pub fields: Vec<(&'static str, String)>,
}

/// Two parts of one id, with what separates them escaped in each.
pub(super) fn joined(first: &str, second: &str) -> String {
    let escaped = |it: &str| it.replace('%', "%25").replace(':', "%3A");
    format!("{}:{}", escaped(first), escaped(second))
}

/// What the journal says of a record that was and is.
pub(super) fn difference(
    (at, actor): (UnixMs, Actor),
    kind: &str,
    before: Option<View>,
    after: Option<View>,
) -> Vec<Change> {
    let change = |id: &str, field: &str, value: String| {
        let (kind, id, field) = (kind.to_owned(), id.to_owned(), field.to_owned());
        Change { at, actor, kind, id, field, value }
    };
    let mut changes = Vec::new();
    let is_same = matches!((&before, &after), (Some(before), Some(after)) if before.id == after.id);
    if let (false, Some(before)) = (is_same, &before) {
        changes.push(change(&before.id, "deleted", String::new()));
    }
    let Some(after) = after else { return changes };
    let before = before.filter(|_| is_same);
    if before.is_none() {
        changes.push(change(&after.id, "created", after.key.clone()));
    }
    for (n, (field, value)) in after.fields.into_iter().enumerate() {
        if before.as_ref().is_none_or(|it| it.fields.get(n).is_none_or(|(_, was)| *was != value)) {
            changes.push(change(&after.id, field, value));
        }
    }
    changes
}

/// What was changed at once, each field as it was in the end.
pub(super) fn once(changes: Vec<Change>) -> Vec<Change> {
    let mut seen = BTreeSet::new();
    let is_last = |it: &Change| seen.insert((it.kind.clone(), it.id.clone(), it.field.clone()));
    let mut last: Vec<Change> = changes.into_iter().rev().filter(is_last).collect();
    last.reverse();
    last
}

/// Amounts by the quantity from which they hold; the list's own price is at zero.
fn breaks_text(breaks: &[(Decimal, Decimal)]) -> String {
    let rows: Vec<_> = breaks.iter().map(|(from, amount)| json!({ "from": from, "amount": amount })).collect();
    serde_json::Value::Array(rows).to_string()
}

/// The fields of a price from its rows: the one that holds from zero on, and the others.
pub(super) fn price_fields(currency: String, rows: &[(Decimal, Decimal)]) -> Vec<(&'static str, String)> {
    let (own, breaks): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|(from, _)| *from == Decimal::ZERO);
    let amount = own.first().map(|(_, amount)| amount.to_string()).unwrap_or_default();
    vec![("currency", currency), ("amount", amount), ("breaks", breaks_text(&breaks))]
}
