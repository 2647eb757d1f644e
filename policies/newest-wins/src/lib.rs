//! The latest change is right.
//!
//! Clocks of outside systems are coarse and skewed, so ties are common, and a tie that fell to whoever was read
//! first would make the truth depend on luck. The rule, in this order: the later change; the higher authority (rank 0
//! before rank 1); the greater value, in an order of values that means nothing but is the same everywhere. A system
//! that does not say when it changed is the oldest of all.

#![warn(missing_docs)]

use std::cmp::Reverse;

use truthsource_sdk::ConflictPolicy;
use truthsource_sdk::rules::{Conflict, Decision};

/// The policy.
#[derive(Debug)]
pub struct NewestWins;

impl ConflictPolicy for NewestWins {
    fn decide(conflict: &Conflict) -> Decision {
        let newest = conflict
            .claims
            .iter()
            .enumerate()
            .max_by_key(|(_, it)| (it.changed_at_ms.unwrap_or(0), Reverse(it.rank), &it.now));
        newest.map_or(Decision::Keep, |(at, _)| Decision::Take(at))
    }
}

truthsource_sdk::export_conflict_policy!(NewestWins);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use truthsource_sdk::Value;
    use truthsource_sdk::rules::Claim;

    fn claim(rank: u32, changed_at_ms: u64, now: &str) -> Claim {
        Claim {
            connection: format!("c{rank}-{changed_at_ms}-{now}"),
            rank,
            owner: false,
            was: Value::Null,
            now: Value::Text(now.to_owned()),
            changed_at_ms: (changed_at_ms > 0).then_some(changed_at_ms),
        }
    }

    fn settle(claims: &[Claim]) -> Value {
        let conflict = Conflict {
            kind: "item".to_owned(),
            key: "bolt-8".to_owned(),
            field: "title".to_owned(),
            base: Value::Null,
            claims: claims.to_vec(),
        };
        let Decision::Take(at) = NewestWins::decide(&conflict) else { panic!("always takes one") };
        claims[at].now.clone()
    }

    fn check(claims: &[Claim], expect: &str) {
        assert_eq!(settle(claims), Value::Text(expect.to_owned()));
    }

    #[test]
    fn the_later_change_then_the_higher_authority_then_the_greater_value() {
        check(&[claim(0, 10, "a"), claim(1, 20, "b")], "b");
        check(&[claim(1, 20, "b"), claim(0, 20, "a")], "a");
        check(&[claim(0, 20, "a"), claim(0, 20, "b")], "b");
        check(&[claim(0, 0, "z"), claim(1, 1, "a")], "a");
        check(&[claim(1, 0, "b"), claim(0, 0, "a")], "a");
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            claims in proptest::collection::vec((0u32..3, 0u64..4, "[abc]"), 1..6),
            turn in 0usize..6,
        ) {
            let mut claims: Vec<Claim> = claims.iter().map(|it| claim(it.0, it.1, &it.2)).collect();
            let settled = settle(&claims);
            claims.reverse();
            let turn = turn % claims.len();
            claims.rotate_left(turn);
            prop_assert_eq!(settle(&claims), settled.clone());
            claims.push(claims[0].clone());
            prop_assert_eq!(settle(&claims), settled);
        }

        #[test]
        fn folding_in_parts_is_folding_at_once(claims in proptest::collection::vec((0u32..3, 0u64..4, "[abc]"), 2..6)) {
            let claims: Vec<Claim> = claims.iter().map(|it| claim(it.0, it.1, &it.2)).collect();
            let winner = |part: &[Claim]| part.iter().find(|it| it.now == settle(part)).unwrap().clone();
            let (left, right) = claims.split_at(claims.len() / 2);
            // The winner of a part may be any of the equal claims, so compare what the field holds.
            let best = |part: &[Claim]| {
                part.iter().max_by_key(|it| (it.changed_at_ms, Reverse(it.rank), &it.now)).unwrap().clone()
            };
            prop_assert_eq!(settle(&[best(left), best(right)]), settle(&claims));
            prop_assert_eq!(winner(&claims).now, settle(&claims));
        }
    }
}
