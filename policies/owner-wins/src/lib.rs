//! The owner of a field is right.
//!
//! Among the claims of owners the highest authority wins (rank 0 before rank 1). Owners of one rank that disagree
//! leave the field to a person: nobody said whose word counts. Claims of systems that do not own the field are
//! overruled, and if no owner claims anything, the truth stays.

#![warn(missing_docs)]

use std::collections::BTreeSet;

use truthsource_sdk::ConflictPolicy;
use truthsource_sdk::rules::{Claim, Conflict, Decision};

/// The policy.
#[derive(Debug)]
pub struct OwnerWins;

impl ConflictPolicy for OwnerWins {
    fn decide(conflict: &Conflict) -> Decision {
        let owners = || conflict.claims.iter().enumerate().filter(|(_, it)| it.owner);
        let Some(rank) = owners().map(|(_, it)| it.rank).min() else { return Decision::Keep };
        let first: Vec<(usize, &Claim)> = owners().filter(|(_, it)| it.rank == rank).collect();
        let values: BTreeSet<_> = first.iter().map(|(_, it)| &it.now).collect();
        match first.as_slice() {
            [(at, _), ..] if values.len() == 1 => Decision::Take(*at),
            _ => Decision::Hold(format!("{} owners of the field disagree", values.len())),
        }
    }
}

truthsource_sdk::export_conflict_policy!(OwnerWins);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use truthsource_sdk::Value;

    fn claim(connection: &str, rank: u32, owner: bool, now: &str) -> Claim {
        Claim {
            connection: connection.to_owned(),
            rank,
            owner,
            was: Value::Text("old".to_owned()),
            now: Value::Text(now.to_owned()),
            changed_at_ms: None,
        }
    }

    /// What the field holds afterwards.
    fn settle(claims: &[Claim]) -> String {
        let conflict = Conflict {
            kind: "item".to_owned(),
            key: "bolt-8".to_owned(),
            field: "title".to_owned(),
            base: Value::Text("old".to_owned()),
            claims: claims.to_vec(),
        };
        match OwnerWins::decide(&conflict) {
            Decision::Take(at) => format!("{:?}", claims[at].now),
            Decision::Keep => "keep".to_owned(),
            decision => format!("{decision:?}"),
        }
    }

    fn check(claims: &[Claim], expect: &str) {
        let seen = settle(claims);
        assert!(seen.contains(expect), "{seen} instead of {expect}");
    }

    #[test]
    fn owners_are_heard_and_others_are_not() {
        check(&[claim("erp", 1, true, "a"), claim("shop", 0, false, "b")], "\"a\"");
        check(&[claim("shop", 0, false, "b")], "keep");
        check(&[claim("erp", 0, true, "a"), claim("pim", 1, true, "b")], "\"a\"");
        check(&[claim("erp", 0, true, "a"), claim("pim", 0, true, "a")], "\"a\"");
        check(&[claim("erp", 0, true, "a"), claim("pim", 0, true, "b")], "2 owners of the field disagree");
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            claims in proptest::collection::vec((0u32..3, any::<bool>(), "[ab]"), 1..6),
            turn in 0usize..6,
        ) {
            let name = |at: usize| format!("c{at}");
            let mut claims: Vec<Claim> =
                claims.iter().enumerate().map(|(at, it)| claim(&name(at), it.0, it.1, &it.2)).collect();
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
