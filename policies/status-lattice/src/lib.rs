//! Statuses only go forward.
//!
//! The order of the statuses, each above the one before:
//!
//! `open < on-hold < partially-fulfilled < fulfilled < closed < cancelled`
//!
//! - *on-hold* is above *open*: a hold that one system set must not be lost because another has not heard of it.
//! - What is delivered is a fact: *partially-fulfilled* and *fulfilled* are above any wish.
//! - *closed* and *cancelled* end an order, and *cancelled* is on top: a call-off that is overlooked ships goods that
//!   nobody wants, while one that came too late is seen by the person who meets the delivery.
//!
//! The truth is the highest status that somebody moved to. A claim that moves down is overruled (the system just has
//! not heard), with one exception, the explicit step back: the owner of the field, knowing the present truth (`was`
//! is `base`), sets a lower one, such as releasing a hold. *closed* and *cancelled* are never left.

#![warn(missing_docs)]

use truthsource_sdk::rules::{Claim, Conflict, Decision};
use truthsource_sdk::{ConflictPolicy, Value};

/// The policy.
#[derive(Debug)]
pub struct StatusLattice;

/// From the lowest to the highest.
pub const ORDER: [&str; 6] = ["open", "on-hold", "partially-fulfilled", "fulfilled", "closed", "cancelled"];

/// From here on up, an order has ended.
const ENDED: usize = 4;

impl ConflictPolicy for StatusLattice {
    fn decide(conflict: &Conflict) -> Decision {
        let strange = conflict.claims.iter().find(|it| height(&it.now).is_none());
        if strange.is_some() {
            let mut names: Vec<&str> = conflict.claims.iter().map(|it| it.connection.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            return Decision::Hold(format!("one of {} holds no status of an order", names.join(", ")));
        }
        let base = height(&conflict.base);
        let floor = conflict.claims.iter().filter_map(|it| step_back(it, conflict)).max().or(base);
        let raised = conflict.claims.iter().filter_map(step_up).max();
        let joined = floor.max(raised);
        if joined == base {
            return Decision::Keep;
        }
        let holder = conflict.claims.iter().position(|it| height(&it.now) == joined);
        holder.map_or(Decision::Keep, Decision::Take)
    }
}

/// How high a status stands; `None` for what is no status.
fn height(value: &Value) -> Option<usize> {
    let Value::Text(name) = value else { return None };
    ORDER.iter().position(|it| it == name)
}

/// Where an owner who knows the truth goes down to on purpose.
fn step_back(claim: &Claim, conflict: &Conflict) -> Option<usize> {
    let (base, now) = (height(&conflict.base)?, height(&claim.now)?);
    (claim.owner && claim.was == conflict.base && now < base && base < ENDED).then_some(now)
}

/// Where a system has gone up to; a system's first word counts as a step.
fn step_up(claim: &Claim) -> Option<usize> {
    let now = height(&claim.now)?;
    height(&claim.was).is_none_or(|was| now > was).then_some(now)
}

truthsource_sdk::export_conflict_policy!(StatusLattice);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(name: &str) -> Value {
        if name.is_empty() { Value::Null } else { Value::Text(name.to_owned()) }
    }

    fn claim(owner: bool, was: &str, now: &str) -> Claim {
        Claim {
            connection: format!("c-{owner}-{was}-{now}"),
            rank: 0,
            owner,
            was: text(was),
            now: text(now),
            changed_at_ms: None,
        }
    }

    fn settle(base: &str, claims: &[Claim]) -> String {
        let conflict = Conflict {
            kind: "order".to_owned(),
            key: "1042".to_owned(),
            field: "status".to_owned(),
            base: text(base),
            claims: claims.to_vec(),
        };
        match StatusLattice::decide(&conflict) {
            Decision::Take(at) => match &claims[at].now {
                Value::Text(name) => name.clone(),
                value => format!("{value:?}"),
            },
            Decision::Keep => base.to_owned(),
            Decision::Hold(why) => why,
            Decision::Merge(value) => format!("{value:?}"),
        }
    }

    fn check(base: &str, claims: &[Claim], expect: &str) {
        assert_eq!(settle(base, claims), expect);
    }

    #[test]
    fn the_highest_step_wins() {
        check("open", &[claim(true, "open", "fulfilled"), claim(false, "open", "on-hold")], "fulfilled");
        check("open", &[claim(false, "open", "cancelled"), claim(true, "open", "closed")], "cancelled");
        check("", &[claim(false, "", "open"), claim(true, "", "on-hold")], "on-hold");
    }

    #[test]
    fn a_step_down_is_overruled() {
        check("fulfilled", &[claim(false, "fulfilled", "open")], "fulfilled");
        check("fulfilled", &[claim(true, "on-hold", "open")], "fulfilled");
        check("cancelled", &[claim(true, "cancelled", "open")], "cancelled");
        check("closed", &[claim(true, "closed", "fulfilled")], "closed");
    }

    #[test]
    fn an_owner_who_knows_may_step_back() {
        check("on-hold", &[claim(true, "on-hold", "open")], "open");
        check("on-hold", &[claim(true, "on-hold", "open"), claim(false, "on-hold", "on-hold")], "open");
        check("on-hold", &[claim(true, "on-hold", "open"), claim(false, "open", "fulfilled")], "fulfilled");
    }

    #[test]
    fn what_is_no_status_is_for_a_person() {
        check("open", &[claim(true, "open", "lost")], "one of c-true-open-lost holds no status of an order");
    }

    fn a_status() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(ORDER.to_vec())
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            base in a_status(),
            claims in proptest::collection::vec((any::<bool>(), a_status(), a_status()), 1..6),
            turn in 0usize..6,
        ) {
            let mut claims: Vec<Claim> = claims.iter().map(|it| claim(it.0, it.1, it.2)).collect();
            let settled = settle(base, &claims);
            claims.reverse();
            let turn = turn % claims.len();
            claims.rotate_left(turn);
            prop_assert_eq!(settle(base, &claims), settled.clone());
            claims.push(claims[0].clone());
            prop_assert_eq!(settle(base, &claims), settled);
        }

        #[test]
        fn without_an_owner_nothing_goes_down(
            base in a_status(),
            claims in proptest::collection::vec((a_status(), a_status()), 1..6),
        ) {
            let claims: Vec<Claim> = claims.iter().map(|it| claim(false, it.0, it.1)).collect();
            let settled = settle(base, &claims);
            prop_assert!(height(&text(&settled)) >= height(&text(base)));
        }
    }
}
