//! Orders that are changed where they were placed after they were booked.

use std::collections::BTreeMap;

use crate::connector::{Outcome, Write};
use crate::kinds::{Order, Record, Status};
use crate::{Decimal, Fault, Fields};

/// Fields of an order that are changed together or not at all.
const EDITED: [&str; 2] = ["lines", "charges"];

/// The write changes what an order is made of.
#[must_use]
pub fn is_edit(write: &Write) -> bool {
    EDITED.iter().any(|it| write.changes(it))
}

/// Nothing of an order has left, and nobody has ended it: its lines may still be others.
///
/// # Errors
/// [`Fault::Invalid`] when what is held does not fit the schema.
pub fn is_untouched(held: &Fields) -> Result<bool, Fault> {
    let held = Order::from_fields(held)?;
    let is_open = matches!(held.status.as_ref(), Some(Status::Open | Status::OnHold));
    Ok(is_open && held.fulfilments.as_ref().is_none_or(Vec::is_empty))
}

/// The question to a person, where the system does not let us change an order: what is to become of it, and why we do not
/// do it.
#[must_use]
pub fn question(write: &Write, why: &str) -> Outcome {
    let read = |fields: &Fields| Order::from_fields(fields).unwrap_or_default();
    let mut changes = Vec::new();
    let (was, is) = (amounts(&read(&write.base)), amounts(&read(&write.want)));
    for name in was.keys().chain(is.keys().filter(|it| !was.contains_key(*it))) {
        let [was, is] = [&was, &is].map(|it| it.get(name).copied().unwrap_or_default());
        if was != is {
            changes.push(format!("{name}: {was} -> {is}"));
        }
    }
    // Prices, or what stands in which line.
    if changes.is_empty() {
        changes.extend(write.changed.iter().cloned());
    }
    let message = format!("the order was changed where it was placed ({}), and {why}", changes.join(", "));
    Outcome::rejected("edited", message)
}

/// How many of each item, and how much of each kind of charge.
fn amounts(order: &Order) -> BTreeMap<String, Decimal> {
    let mut amounts: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut add = |name: String, amount: Decimal| {
        let sum = amounts.entry(name).or_default();
        *sum = sum.checked_add(amount).unwrap_or(*sum);
    };
    for it in order.lines.as_ref().into_iter().flatten() {
        add(format!("item {}", it.item.as_deref().unwrap_or("that is none")), it.quantity);
    }
    for it in order.charges.as_ref().into_iter().flatten() {
        add(it.kind.as_str().to_owned(), it.amount);
    }
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn order(lines: &str, charges: &str) -> Fields {
        let rows = |it: &str| Value::Json(it.to_owned());
        Fields::from([("lines".to_owned(), rows(lines)), ("charges".to_owned(), rows(charges))])
    }

    #[test]
    fn a_question_names_the_difference() {
        let write = Write {
            op_id: "op".to_owned(),
            remote_id: Some("7".to_owned()),
            command_key: "key".to_owned(),
            base: order(
                r#"[{"item":"1","quantity":"5","unit_price":"1"},{"item":"2","quantity":"2","unit_price":"1"}]"#,
                r#"[{"kind":"shipping","amount":"9.5"}]"#,
            ),
            want: order(
                r#"[{"item":"1","quantity":"3","unit_price":"1"},{"item":"3","quantity":"1","unit_price":"1"}]"#,
                r#"[{"kind":"shipping","amount":"9.5"},{"kind":"discount","amount":"-1"}]"#,
            ),
            changed: EDITED.map(str::to_owned).to_vec(),
            base_version: String::new(),
            first_sent_ms: None,
        };
        assert!(is_edit(&write));
        let Outcome::Rejected(why) = question(&write, "some of it has left here") else { panic!("it is a question") };
        let expect = "the order was changed where it was placed (item 1: 5 -> 3, item 2: 2 -> 0, discount: 0 -> -1, \
                      item 3: 0 -> 1), and some of it has left here";
        let parts = |text: &str| {
            let (head, rest) = text.split_once('(').unwrap();
            let (list, tail) = rest.split_once(')').unwrap();
            let mut list: Vec<String> = list.split(", ").map(str::to_owned).collect();
            list.sort();
            (head.to_owned(), list, tail.to_owned())
        };
        assert_eq!(parts(&why.message), parts(expect));
    }

    #[test]
    fn only_what_nobody_touched_is_changed() {
        let check = |status: &str, fulfilments: &str, expect: bool| {
            let held = Fields::from([
                ("status".to_owned(), Value::Text(status.to_owned())),
                ("fulfilments".to_owned(), Value::Json(fulfilments.to_owned())),
            ]);
            assert_eq!(is_untouched(&held), Ok(expect), "{status} {fulfilments}");
        };
        check("open", "[]", true);
        check("on-hold", "[]", true);
        check("open", r#"[{"item":"1","quantity":"1"}]"#, false);
        check("partially-fulfilled", "[]", false);
        check("cancelled", "[]", false);
        check("closed", "[]", false);
    }
}
