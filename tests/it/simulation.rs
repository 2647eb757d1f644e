//! P1 to P8 on a simulated world.

use std::collections::BTreeMap;

use truthsource::sim::{Plan, run};

fn check(seeds: std::ops::Range<u64>) -> BTreeMap<String, u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut reached: BTreeMap<String, u64> = BTreeMap::new();
    for seed in seeds {
        let outcome = runtime.block_on(run(&Plan::of(seed))).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        for (name, times) in outcome.reached {
            *reached.entry(name).or_default() += times;
        }
    }
    reached
}

#[test]
fn p1_to_p8_hold_on_two_hundred_seeds() {
    let reached = check(0..200);
    // A simulation that never comes near trouble proves nothing.
    for name in ["crash", "webhook lost", "webhook deduplicated", "conflict decided", "write failed", "breaker open"] {
        assert!(reached.contains_key(name), "never reached: {name}; reached: {reached:?}");
    }
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for seed in [3, 77, 1_234] {
        let once = runtime.block_on(run(&Plan::of(seed))).unwrap();
        let twice = runtime.block_on(run(&Plan::of(seed))).unwrap();
        assert_eq!(once, twice, "seed {seed}");
    }
}
