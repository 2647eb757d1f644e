//! A person decides.
//!
//! Where all systems that moved the field say the same, there is nothing to decide. Where they say different things, or
//! where somebody speaks against the owner, the field is held, with what each of them says.

#![warn(missing_docs)]

use std::collections::BTreeSet;

use truthsource_sdk::rules::{Claim, Conflict, Decision};
use truthsource_sdk::{ConflictPolicy, Value};

/// The policy.
#[derive(Debug)]
pub struct ManualHold;

/// Characters of a reason, as the contract has it.
const REASON_MAX: usize = 200;
/// Characters that are shown of a value.
const SHOWN_MAX: usize = 30;

impl ConflictPolicy for ManualHold {
    fn decide(conflict: &Conflict) -> Decision {
        let values: BTreeSet<&Value> = conflict.claims.iter().map(|it| &it.now).collect();
        if values.len() < 2 {
            return if conflict.claims.is_empty() { Decision::Keep } else { Decision::Take(0) };
        }
        let said: BTreeSet<String> = conflict.claims.iter().map(said).collect();
        let said: Vec<String> = said.into_iter().collect();
        Decision::Hold(format!("they disagree: {}", said.join(", ")).chars().take(REASON_MAX).collect())
    }
}

fn said(claim: &Claim) -> String {
    let value = match &claim.now {
        Value::Null => "nothing".to_owned(),
        Value::Text(text) => format!("`{}`", shortened(text)),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Json(rows) => shortened(rows),
    };
    format!("{} says {value}", claim.connection)
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

truthsource_sdk::export_conflict_policy!(ManualHold);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(connection: &str, now: &str) -> Claim {
        Claim {
            connection: connection.to_owned(),
            rank: 0,
            owner: false,
            was: Value::Null,
            now: Value::Text(now.to_owned()),
            changed_at_ms: None,
        }
    }

    fn settle(claims: &[Claim]) -> String {
        let conflict = Conflict {
            kind: "item".to_owned(),
            key: "bolt-8".to_owned(),
            field: "title".to_owned(),
            base: Value::Null,
            claims: claims.to_vec(),
        };
        match ManualHold::decide(&conflict) {
            Decision::Take(at) => format!("{:?}", claims[at].now),
            Decision::Hold(why) => why,
            decision => format!("{decision:?}"),
        }
    }

    #[test]
    fn what_is_agreed_is_taken_and_what_is_not_is_held() {
        assert_eq!(settle(&[claim("erp", "a")]), "Text(\"a\")");
        assert_eq!(settle(&[claim("erp", "a"), claim("shop", "a")]), "Text(\"a\")");
        let held = settle(&[claim("shop", "b"), claim("erp", "a")]);
        assert_eq!(held, "they disagree: erp says `a`, shop says `b`");
    }

    #[test]
    fn a_reason_is_as_short_as_the_contract_has_it() {
        let claims: Vec<Claim> =
            (0..9).map(|it| claim(&format!("c{it}"), &format!("{it}{}", "é".repeat(300)))).collect();
        assert_eq!(settle(&claims).chars().count(), REASON_MAX);
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            claims in proptest::collection::vec("[ab]", 1..6),
            turn in 0usize..6,
        ) {
            let named = |(at, now): (usize, &String)| claim(&format!("c{at}"), now);
            let mut claims: Vec<Claim> = claims.iter().enumerate().map(named).collect();
            let settled = settle(&claims);
            claims.reverse();
            let turn = turn % claims.len();
            claims.rotate_left(turn);
            prop_assert_eq!(settle(&claims), settled.clone());
            claims.push(claims[0].clone());
            prop_assert_eq!(settle(&claims), settled);
        }
    }
}
