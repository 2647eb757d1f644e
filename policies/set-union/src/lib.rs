//! Lists whose order says nothing are merged.
//!
//! What a system added is in the list; what a system took out is not, unless another one added it anew at the same time:
//! what is there twice is seen, what is lost is not. A system that is seen for the first time takes nothing out. An
//! empty list and nothing are the same.
//!
//! Rows are compared as a whole: a row that was changed is one that was taken out and one that was added. It is for lists
//! of facts, such as parcels; of prices by quantity, where two rows would contradict each other, it is not.

#![warn(missing_docs)]

use std::collections::BTreeSet;

use serde_json::Value as Json;
use truthsource_sdk::rules::{Claim, Conflict, Decision};
use truthsource_sdk::{ConflictPolicy, Value};

/// The policy.
#[derive(Debug)]
pub struct SetUnion;

/// A list as a set: each row spelled out, with its members in order.
type Rows = BTreeSet<String>;

impl ConflictPolicy for SetUnion {
    fn decide(conflict: &Conflict) -> Decision {
        let Some(base) = rows(&conflict.base) else { return strange(std::iter::empty()) };
        let (mut added, mut removed) = (Rows::new(), Rows::new());
        for claim in &conflict.claims {
            let (Some(was), Some(now)) = (rows(&claim.was), rows(&claim.now)) else {
                return strange(conflict.claims.iter().filter(|it| rows(&it.was).is_none() || rows(&it.now).is_none()));
            };
            added.extend(now.difference(&was).cloned());
            removed.extend(was.difference(&now).cloned());
        }
        let merged: Rows = base.iter().filter(|it| !removed.contains(*it)).chain(&added).cloned().collect();
        if merged == base {
            return Decision::Keep;
        }
        // As a system spells it, so that this one is not told what it says itself.
        let same = conflict.claims.iter().enumerate().filter(|(_, it)| rows(&it.now).as_ref() == Some(&merged));
        match same.max_by_key(|(_, it)| &it.now) {
            Some((at, _)) => Decision::Take(at),
            None => Decision::Merge(spelled(&merged)),
        }
    }
}

/// The rows of a list; `None` for what is none.
fn rows(value: &Value) -> Option<Rows> {
    match value {
        Value::Null => Some(Rows::new()),
        Value::Json(text) => match serde_json::from_str(text).ok()? {
            Json::Array(rows) => Some(rows.iter().map(Json::to_string).collect()),
            _ => None,
        },
        _ => None,
    }
}

fn spelled(rows: &Rows) -> Value {
    if rows.is_empty() {
        return Value::Null;
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Value::Json(format!("[{}]", rows.join(",")))
}

fn strange<'a>(claims: impl Iterator<Item = &'a Claim>) -> Decision {
    let names: BTreeSet<&str> = claims.map(|it| it.connection.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let whose = if names.is_empty() { "the truth".to_owned() } else { format!("one of {}", names.join(", ")) };
    Decision::Hold(format!("{whose} is no list").chars().take(200).collect())
}

truthsource_sdk::export_conflict_policy!(SetUnion);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(rows: &str) -> Value {
        if rows.is_empty() {
            return Value::Null;
        }
        let rows: Vec<String> = rows.chars().map(|it| format!("{{\"n\":\"{it}\"}}")).collect();
        Value::Json(format!("[{}]", rows.join(",")))
    }

    fn claim(connection: &str, was: &str, now: &str) -> Claim {
        let (was, now) = (list(was), list(now));
        Claim { connection: connection.to_owned(), rank: 0, owner: false, was, now, changed_at_ms: None }
    }

    fn decide(base: Value, claims: &[Claim]) -> Value {
        let conflict = Conflict {
            kind: "order".to_owned(),
            key: "1042".to_owned(),
            field: "fulfilments".to_owned(),
            base: base.clone(),
            claims: claims.to_vec(),
        };
        match SetUnion::decide(&conflict) {
            Decision::Take(at) => claims[at].now.clone(),
            Decision::Merge(value) => value,
            Decision::Keep => base,
            Decision::Hold(why) => Value::Text(why),
        }
    }

    fn check(base: &str, claims: &[Claim], expect: &str) {
        let seen = decide(list(base), claims);
        assert!(rows(&seen) == rows(&list(expect)), "{seen:?} instead of {expect}");
    }

    #[test]
    fn what_is_added_is_there_and_what_is_taken_out_is_not() {
        check("ab", &[claim("erp", "ab", "abc"), claim("shop", "ab", "abd")], "abcd");
        check("ab", &[claim("erp", "ab", "b"), claim("shop", "ab", "abd")], "bd");
        check("ab", &[claim("erp", "ab", ""), claim("shop", "ab", "b")], "");
        // Taken out by one, put in anew by another that had lost it.
        check("ab", &[claim("erp", "ab", "b"), claim("shop", "b", "ab")], "ab");
        check("", &[claim("erp", "", "a"), claim("shop", "", "b")], "ab");
        check("ab", &[claim("web", "", "c")], "abc");
    }

    #[test]
    fn a_system_that_says_it_all_already_is_taken_as_it_spells_it() {
        let claims = [claim("erp", "a", "ca"), claim("shop", "a", "a")];
        assert_eq!(decide(list("a"), &claims), claims[0].now);
    }

    #[test]
    fn what_is_no_list_is_for_a_person() {
        let mut odd = claim("erp", "a", "b");
        odd.now = Value::Text("b".to_owned());
        assert_eq!(decide(list("a"), &[odd]), Value::Text("one of erp is no list".to_owned()));
        let odd = decide(Value::Flag(true), &[claim("erp", "a", "b")]);
        assert_eq!(odd, Value::Text("the truth is no list".to_owned()));
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            base in "[a-d]{0,4}",
            claims in proptest::collection::vec(("[a-d]{0,4}", "[a-d]{0,4}"), 1..6),
            turn in 0usize..6,
        ) {
            let named = |(at, (was, now)): (usize, &(String, String))| claim(&format!("c{at}"), was, now);
            let mut claims: Vec<Claim> = claims.iter().enumerate().map(named).collect();
            let settled = decide(list(&base), &claims);
            claims.reverse();
            let turn = turn % claims.len();
            claims.rotate_left(turn);
            prop_assert_eq!(decide(list(&base), &claims), settled.clone());
            claims.push(claims[0].clone());
            prop_assert_eq!(decide(list(&base), &claims), settled);
        }
    }
}
