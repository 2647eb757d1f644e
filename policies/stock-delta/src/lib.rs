//! Movements add up.
//!
//! A quantity is not copied but moved: the shop sold two, the ERP received ten, and both are right. The truth is the
//! base and every system's movement: `base + Σ (now - was)`. Adding is the same in any order, and a claim that is
//! repeated is one claim.
//!
//! A system that held no number before has not moved anything; its number counts only where there is no base yet,
//! and then the highest authority's is taken. A system that holds no number any more is a question for a person.

#![warn(missing_docs)]

use std::cmp::Reverse;

use truthsource_sdk::rules::{Claim, Conflict, Decision};
use truthsource_sdk::{ConflictPolicy, Decimal, Value};

/// The policy.
#[derive(Debug)]
pub struct StockDelta;

impl ConflictPolicy for StockDelta {
    fn decide(conflict: &Conflict) -> Decision {
        let claims = distinct(&conflict.claims);
        for claim in &claims {
            if !matches!(claim.now, Value::Number(_)) {
                return Decision::Hold(format!("{} no longer holds a quantity", claim.connection));
            }
        }
        let Value::Number(base) = conflict.base else { return first_quantity(conflict) };
        let mut sum = base;
        for (was, now) in claims.iter().filter_map(|it| movement(it)) {
            let Some(moved) = now.checked_sub(was).and_then(|it| sum.checked_add(it)) else {
                return Decision::Hold("the quantities have too many digits to add up".to_owned());
            };
            sum = moved;
        }
        if sum == base { Decision::Keep } else { Decision::Merge(Value::Number(sum)) }
    }
}

/// Each claim once: the host asks again after a crash, and asking twice must not move stock twice.
fn distinct(claims: &[Claim]) -> Vec<&Claim> {
    let mut distinct: Vec<&Claim> = Vec::with_capacity(claims.len());
    for claim in claims {
        if !distinct.contains(&claim) {
            distinct.push(claim);
        }
    }
    distinct.sort_by(|a, b| (&a.connection, &a.was, &a.now).cmp(&(&b.connection, &b.was, &b.now)));
    distinct
}

fn movement(claim: &Claim) -> Option<(Decimal, Decimal)> {
    match (&claim.was, &claim.now) {
        (Value::Number(was), Value::Number(now)) => Some((*was, *now)),
        _ => None,
    }
}

/// Without a base: the owner's quantity, or the highest authority's; between equals the smaller one, because too
/// little on sale is repaired more cheaply than too much.
fn first_quantity(conflict: &Conflict) -> Decision {
    let first = conflict.claims.iter().enumerate().max_by_key(|(_, it)| (it.owner, Reverse(it.rank), Reverse(&it.now)));
    first.map_or(Decision::Keep, |(at, _)| Decision::Take(at))
}

truthsource_sdk::export_conflict_policy!(StockDelta);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Value {
        if text.is_empty() { Value::Null } else { Value::Number(text.parse().unwrap()) }
    }

    fn claim(connection: &str, rank: u32, was: &str, now: &str) -> Claim {
        Claim {
            connection: connection.to_owned(),
            rank,
            owner: false,
            was: number(was),
            now: number(now),
            changed_at_ms: None,
        }
    }

    fn settle(base: &str, claims: &[Claim]) -> String {
        let conflict = Conflict {
            kind: "stock-level".to_owned(),
            key: "bolt-8@main".to_owned(),
            field: "on_hand".to_owned(),
            base: number(base),
            claims: claims.to_vec(),
        };
        match StockDelta::decide(&conflict) {
            Decision::Take(at) => match &claims[at].now {
                Value::Number(number) => number.to_string(),
                value => format!("{value:?}"),
            },
            Decision::Merge(Value::Number(number)) => number.to_string(),
            Decision::Keep => base.to_owned(),
            Decision::Hold(why) => why,
            Decision::Merge(value) => format!("{value:?}"),
        }
    }

    fn check(base: &str, claims: &[Claim], expect: &str) {
        assert_eq!(settle(base, claims), expect);
    }

    #[test]
    fn every_movement_counts_once() {
        check("120", &[claim("erp", 0, "120", "130"), claim("shop", 1, "120", "118")], "128");
        check("120", &[claim("erp", 0, "120", "130"), claim("erp", 0, "120", "130")], "130");
        check("120", &[claim("erp", 0, "100", "110"), claim("shop", 1, "120", "120")], "130");
        check("1", &[claim("erp", 0, "1", "0"), claim("shop", 1, "1", "0")], "-1");
        check("0.1", &[claim("erp", 0, "0.1", "0.3")], "0.3");
    }

    #[test]
    fn a_system_without_a_number_before_moved_nothing() {
        check("120", &[claim("shop", 1, "", "50")], "120");
        check("", &[claim("erp", 0, "", "7"), claim("shop", 1, "", "9")], "7");
        check("", &[claim("a", 0, "", "7"), claim("b", 0, "", "9")], "7");
    }

    #[test]
    fn what_cannot_be_added_is_held() {
        check("120", &[claim("erp", 0, "120", "")], "erp no longer holds a quantity");
        let most = "999999999999999999";
        check(most, &[claim("erp", 0, "0", most)], "the quantities have too many digits to add up");
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            base in -100i32..100,
            moves in proptest::collection::vec((-100i32..100, -100i32..100), 1..6),
            turn in 0usize..6,
        ) {
            let claim = |(at, (was, now)): (usize, &(i32, i32))| {
                claim(&format!("c{at}"), 0, &was.to_string(), &now.to_string())
            };
            let mut claims: Vec<Claim> = moves.iter().enumerate().map(claim).collect();
            let expect: i32 = base + moves.iter().map(|(was, now)| now - was).sum::<i32>();
            let base = base.to_string();
            prop_assert_eq!(settle(&base, &claims), expect.to_string());
            claims.reverse();
            let turn = turn % claims.len();
            claims.rotate_left(turn);
            prop_assert_eq!(settle(&base, &claims), expect.to_string());
            claims.push(claims[0].clone());
            prop_assert_eq!(settle(&base, &claims), expect.to_string());
        }

        #[test]
        fn batches_add_up_like_one(steps in proptest::collection::vec(-50i32..50, 1..8), cut in 0usize..8) {
            // One system's movements in one claim, or in two claims one after the other.
            let total: i32 = steps.iter().sum();
            let middle: i32 = steps.iter().take(cut).sum();
            let at_once = settle("10", &[claim("erp", 0, "10", &(10 + total).to_string())]);
            let first = settle("10", &[claim("erp", 0, "10", &(10 + middle).to_string())]);
            let then = settle(&first, &[claim("erp", 0, &(10 + middle).to_string(), &(10 + total).to_string())]);
            prop_assert_eq!(then, at_once);
        }
    }
}
