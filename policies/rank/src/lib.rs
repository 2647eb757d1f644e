//! The highest authority is right.
//!
//! Of changes that did not know of each other the owner's counts, then the one of the highest authority (rank 0 before
//! rank 1). Between equals: the later change, and then the greater value, in an order of values that means nothing but
//! is the same everywhere. A system that does not say when it changed is the oldest of all. A lower authority that
//! changes what it was told is not overruled: it knew. Who must never be changed owns the field.

#![warn(missing_docs)]

use std::cmp::Reverse;

use truthsource_sdk::ConflictPolicy;
use truthsource_sdk::rules::{Conflict, Decision};

/// The policy.
#[derive(Debug)]
pub struct Rank;

impl ConflictPolicy for Rank {
    fn decide(conflict: &Conflict) -> Decision {
        let highest = conflict
            .claims
            .iter()
            .enumerate()
            .max_by_key(|(_, it)| (it.owner, Reverse(it.rank), it.changed_at_ms.unwrap_or(0), &it.now));
        highest.map_or(Decision::Keep, |(at, _)| Decision::Take(at))
    }
}

truthsource_sdk::export_conflict_policy!(Rank);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use truthsource_sdk::Value;
    use truthsource_sdk::rules::Claim;

    fn claim(owner: bool, rank: u32, changed_at_ms: u64, now: &str) -> Claim {
        Claim {
            connection: format!("c{rank}-{changed_at_ms}-{now}"),
            rank,
            owner,
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
        let Decision::Take(at) = Rank::decide(&conflict) else { panic!("always takes one") };
        claims[at].now.clone()
    }

    fn check(claims: &[Claim], expect: &str) {
        assert_eq!(settle(claims), Value::Text(expect.to_owned()));
    }

    #[test]
    fn the_owner_then_the_higher_authority_then_the_later_change() {
        check(&[claim(false, 0, 10, "a"), claim(false, 1, 20, "b")], "a");
        check(&[claim(false, 1, 10, "a"), claim(false, 1, 20, "b")], "b");
        check(&[claim(false, 1, 20, "a"), claim(false, 1, 20, "b")], "b");
        check(&[claim(false, 1, 0, "z"), claim(false, 1, 1, "a")], "a");
        check(&[claim(true, 2, 1, "a"), claim(false, 0, 20, "b")], "a");
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            claims in proptest::collection::vec((any::<bool>(), 0u32..3, 0u64..4, "[abc]"), 1..6),
            turn in 0usize..6,
        ) {
            let mut claims: Vec<Claim> = claims.iter().map(|it| claim(it.0, it.1, it.2, &it.3)).collect();
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
