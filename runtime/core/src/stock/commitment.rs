//! What orders want of stock.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::record::{ConnectionId, KeyState};
use crate::value::{Fields, summed, text};
use crate::{Decimal, Value};

/// What one order wants of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Commitment {
    /// What was ordered; nothing of what was called off. Counts once, whatever systems have the order.
    pub ordered: Decimal,
    /// What is still to leave.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub open: Decimal,
    /// The same as each system that has the order knows it: what it sets aside of its own stock.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at: BTreeMap<ConnectionId, Decimal>,
    /// The day it was placed, counted from 1970; `None` where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<u32>,
}

impl Commitment {
    /// Somebody still sets something aside for it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open > Decimal::ZERO || self.at.values().any(|it| *it > Decimal::ZERO)
    }
}

/// What an order wants, by item. Depends on the order alone.
#[must_use]
pub fn commitments(order: &KeyState) -> BTreeMap<String, Commitment> {
    if order.truth.deleted_at.is_some() {
        return BTreeMap::new();
    }
    let truth = order.truth.values();
    let ordered = if is_over(&truth, &["cancelled"]) { BTreeMap::new() } else { by_item(&truth, "lines") };
    let open = open(&truth);
    let there = order.shadows.iter().filter(|(_, it)| it.exists());
    let at: BTreeMap<ConnectionId, BTreeMap<String, Decimal>> =
        there.map(|(connection, it)| (*connection, self::open(&it.values()))).collect();
    let day = truth.get("placed_at").and_then(Value::as_text).and_then(day_of);
    let items: BTreeSet<String> =
        ordered.keys().chain(open.keys()).chain(at.values().flat_map(BTreeMap::keys)).cloned().collect();
    let commitment = |item: String| {
        let of = |quantities: &BTreeMap<String, Decimal>| quantities.get(&item).copied().unwrap_or_default();
        let at = at.iter().map(|(connection, open)| (*connection, of(open))).collect();
        (item.clone(), Commitment { ordered: of(&ordered), open: of(&open), at, day })
    };
    items.into_iter().map(commitment).collect()
}

/// What is still to leave of an order as somebody has it.
fn open(order: &Fields) -> BTreeMap<String, Decimal> {
    if is_over(order, &["cancelled", "closed", "fulfilled"]) {
        return BTreeMap::new();
    }
    let left = by_item(order, "fulfilments");
    let mut open = by_item(order, "lines");
    for (item, n) in &mut open {
        let left = left.get(item).copied().unwrap_or_default();
        *n = n.checked_sub(left).unwrap_or(*n).max(Decimal::ZERO);
    }
    open.retain(|_, n| *n > Decimal::ZERO);
    open
}

fn is_over(order: &Fields, over: &[&str]) -> bool {
    order.get("status").and_then(Value::as_text).is_some_and(|it| over.contains(&it))
}

fn by_item(order: &Fields, rows: &str) -> BTreeMap<String, Decimal> {
    summed(order, rows, |row| text(row, "item"))
}

/// The day of a date or moment as systems write them (`2026-09-15…`), counted from 1970.
#[must_use]
pub fn day_of(text: &str) -> Option<u32> {
    let mut parts = text.get(..10)?.split('-').map(str::parse::<u32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if parts.next().is_some() || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin with March have their odd day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    (before + of_year).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{HeldField, Shadow, Truth, TruthField};
    use crate::value::Row;

    const ERP: ConnectionId = ConnectionId(1);
    const SHOP: ConnectionId = ConnectionId(2);

    fn rows(rows: &[(&str, i32)]) -> Value {
        let row = |(item, n): &(&str, i32)| {
            Row::from([("item".to_owned(), (*item).into()), ("quantity".to_owned(), Decimal::from(*n).into())])
        };
        Value::Rows(rows.iter().map(row).collect())
    }

    fn order(status: &str, lines: &[(&str, i32)], left: &[(&str, i32)]) -> Fields {
        let fields = [("status", status.into()), ("lines", rows(lines)), ("fulfilments", rows(left))];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn state(truth: Fields, at: &[(ConnectionId, Fields)]) -> KeyState {
        let field = |value| TruthField::decided(value, 1);
        let held = |value| HeldField { value, seen: 1, of: None };
        let fields = truth.into_iter().map(|(name, value)| (name, field(value))).collect();
        let shadow = |(id, fields): &(ConnectionId, Fields)| {
            let fields = fields.clone().into_iter().map(|(name, value)| (name, held(value))).collect();
            (*id, Shadow { remote_id: "7".to_owned(), fields, ..Shadow::default() })
        };
        let truth = Truth { version: 1, fields, ..Truth::default() };
        KeyState { truth, shadows: at.iter().map(shadow).collect() }
    }

    /// `item: ordered/open/open at each`
    fn check(state: &KeyState, expect: &[&str]) {
        let shown = commitments(state).into_iter().map(|(item, it)| {
            let at: Vec<String> = it.at.iter().map(|(id, n)| format!(" {id}:{n}")).collect();
            format!("{item}: {}/{}{}", it.ordered, it.open, at.concat())
        });
        assert_eq!(shown.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn what_has_left_is_promised_no_more() {
        let both = [("a", 3), ("a", 2), ("b", 1)];
        check(&state(order("open", &both, &[]), &[]), &["a: 5/5", "b: 1/1"]);
        check(&state(order("partially-fulfilled", &both, &[("a", 4)]), &[]), &["a: 5/1", "b: 1/1"]);
        check(&state(order("fulfilled", &both, &[]), &[]), &["a: 5/0", "b: 1/0"]);
        check(&state(order("closed", &both, &[("a", 1)]), &[]), &["a: 5/0", "b: 1/0"]);
        check(&state(order("cancelled", &both, &[]), &[]), &[]);
        check(&state(order("open", &[("a", 1)], &[("a", 4)]), &[]), &["a: 1/0"]);
    }

    #[test]
    fn each_system_sets_aside_what_it_knows_of() {
        let (lines, left) = ([("a", 5)], [("a", 2)]);
        let shipped = order("partially-fulfilled", &lines, &left);
        let at = [(ERP, shipped.clone()), (SHOP, order("open", &lines, &[]))];
        check(&state(shipped, &at), &["a: 5/3 1:3 2:5"]);
        // Called off here, and not yet there.
        check(&state(order("cancelled", &lines, &[]), &at[1..]), &["a: 0/0 2:5"]);
    }

    #[test]
    fn days_are_counted() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("2026-09-15T11:50:00Z", Some(20_711)),
            ("2028-02-29", Some(21_243)),
            ("2028-03-01 10:00", Some(21_244)),
            ("15.09.2026", None),
            ("2026-13-01", None),
            ("2026", None),
            ("1969-12-31", None),
        ] {
            assert_eq!(day_of(text), day, "{text}");
        }
    }
}
