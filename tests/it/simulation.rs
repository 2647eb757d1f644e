//! P1 to P8 on a simulated world.

use std::collections::BTreeMap;

use truthsource::sim::plan::{CrashAt, Faults};
use truthsource::sim::{Outcome, Plan, run};

fn outcome(plan: &Plan) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run(plan)).unwrap()
}

fn check(plans: impl Iterator<Item = Plan>) -> BTreeMap<String, u64> {
    let mut reached: BTreeMap<String, u64> = BTreeMap::new();
    for plan in plans {
        let outcome = outcome(&plan);
        assert_eq!(outcome.violations, Vec::<String>::new(), "{plan:?}");
        for (name, times) in outcome.reached {
            *reached.entry(name).or_default() += times;
        }
    }
    reached
}

#[test]
fn p1_to_p8_hold_on_two_hundred_seeds() {
    let reached = check((0..200).map(Plan::of));
    // A simulation that never comes near trouble proves nothing.
    for name in [
        "crash",
        "webhook lost",
        "webhook deduplicated",
        "conflict decided",
        "decided in another order",
        "write failed",
        "breaker open",
    ] {
        assert!(reached.contains_key(name), "never reached: {name}; reached: {reached:?}");
    }
}

/// A short day, and the node dies once: at each of its commits, before what it writes is there and after.
#[test]
fn p5_p6_hold_wherever_the_node_dies() {
    let whole = Plan::of(5);
    let acts = whole.acts.iter().take(12).cloned().collect();
    let day = Plan { acts, faults: Faults::default(), chaos_ms: 4_000, ..whole };
    let commits = outcome(&day).reached["commit"];
    assert!(commits > 100, "{commits} commits");
    let dying = (1..=commits).flat_map(|commit| [false, true].map(|stored| CrashAt { commit, stored }));
    let dying = dying.map(|at| Plan { faults: Faults { crash_at: Some(at), ..Faults::default() }, ..day.clone() });
    let reached = check(dying);
    // Those of the time after faults have ended do not count.
    assert!(reached["crash"] > commits, "{reached:?}");
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    for seed in [3, 77, 1_234] {
        assert_eq!(outcome(&Plan::of(seed)), outcome(&Plan::of(seed)), "seed {seed}");
    }
}
