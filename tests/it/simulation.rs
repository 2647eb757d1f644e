//! The promises on simulated days.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use truthsource::demo::world::Product;
use truthsource::sim::coverage::Moment;
use truthsource::sim::plan::{CrashAt, Habits, Menu, PATIENT};
use truthsource::sim::seeds::{Stores, Tally, alone, run_all};
use truthsource::sim::setup::Setup;
use truthsource::sim::{Cast, Plan};
use truthsource_tests::components;

/// The shipped components, compiled once for all tests.
fn cast() -> &'static Arc<Cast> {
    static CAST: OnceLock<Arc<Cast>> = OnceLock::new();
    CAST.get_or_init(|| {
        // It goes on for as long as the components are called.
        let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
        Arc::new(runtime.block_on(Cast::load(&components(), crate::program().to_owned(), &Product::ALL)).unwrap())
    })
}

fn check(numbers: &[u64], plan: impl Fn(u64) -> Plan + Sync) -> Tally {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let tally = run_all((cast(), Stores::Model), (numbers, jobs, 1), plan, |_| ()).unwrap();
    let broken: Vec<_> = tally.broken.values().map(|it| (&it.violations, &it.plan)).collect();
    assert!(broken.is_empty(), "{broken:?}");
    tally
}

/// Moments that thirty days may well pass without: where every record can be asked for itself nothing else is read again,
/// nobody believes a mass of deletions, and nothing on a disk is damaged.
const SELDOM: [Moment; 12] = [
    Moment::ActRefused,
    Moment::ByRecheck,
    Moment::ByWord,
    Moment::Fenced,
    Moment::FoldAnew,
    Moment::LeaseLost,
    Moment::Parked,
    Moment::Redriven,
    Moment::Settled,
    Moment::StalledInVain,
    Moment::Unlinked,
    Moment::OtherShape,
];

#[test]
fn p1_to_p8_hold_on_days_of_four_systems() {
    let seeds: Vec<u64> = (0..30).collect();
    let tally = check(&seeds, |seed| Plan::of(seed, &Product::ALL));
    // A simulation that never comes near trouble proves nothing.
    let never: Vec<&str> =
        tally.coverage(cast(), Stores::Model).into_iter().filter(|it| it.1 == 0).map(|it| it.0).collect();
    let seldom = SELDOM.map(Moment::name);
    let missed: Vec<&&str> = never.iter().filter(|it| !seldom.contains(it)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
    assert!(tally.faults_by_kind.len() >= 10, "{:?}", tally.faults_by_kind);
}

/// A short day, and the node dies once: at commits spread over all of it, before what they write is there and after.
#[test]
fn s1_s5_c4_c5_p5_p6_hold_wherever_the_node_dies() {
    let whole = Plan::of(5, &[Product::Netsuite, Product::Shopify]);
    let acts = whole.acts.iter().take(12).cloned().collect();
    let day = Plan { acts, faults: Menu::default(), chaos_ms: 60_000, ..whole };
    let commits = alone(cast(), &day, Stores::Model).unwrap().notes.reached[&Moment::Commit];
    assert!(commits > 100, "{commits} commits");
    let dying = |n: u64| {
        let at = CrashAt { commit: n / 2, stored: n.is_multiple_of(2) };
        Plan { faults: Menu { crash_at: Some(at), ..Menu::default() }, ..day.clone() }
    };
    let numbers: Vec<u64> = (2..2 * commits).step_by(5).collect();
    let tally = check(&numbers, dying);
    assert!(tally.reached.get(&Moment::Crash) > Some(&20), "{:?}", tally.reached);
}

/// Of a morning as much is drawn as of a day, and of two systems as much as of all: those are twice the same here and there.
#[test]
fn the_same_seed_twice_is_the_same_run() {
    const PAIRS: [[Product; 2]; 3] = [
        [Product::Netsuite, Product::Shopify],
        [Product::SapB1, Product::Shopify],
        [Product::Dynamics365, Product::Netsuite],
    ];
    let twice = |seed: u64| {
        let systems = if seed == 0 { &Product::ALL[..] } else { &PAIRS[seed as usize % 3] };
        let whole = Plan::of(seed, systems);
        let acts = whole.acts.iter().take(25).cloned().collect();
        let plan = Plan { acts, chaos_ms: 60_000, ..whole };
        let run = || alone(cast(), &plan, Stores::Model).unwrap();
        assert_eq!(run(), run(), "seed {seed}");
    };
    std::thread::scope(|threads| {
        for first in 0..2 {
            threads.spawn(move || (first..20).step_by(2).for_each(twice));
        }
    });
}

#[test]
fn every_store_comes_to_the_same() {
    let seeds: Vec<u64> = (500..506).collect();
    let tally = run_all((cast(), Stores::Both), (&seeds, 2, 1), |seed| Plan::of(seed, &Product::ALL), |_| ()).unwrap();
    assert!(tally.broken.is_empty(), "{:?}", tally.broken);
    assert_eq!(tally.reached.get(&Moment::BothStores), Some(&6));
}

/// Two tenants in one node, whose systems give the same numbers and sell under the same codes.
#[test]
fn p11_nothing_of_a_neighbour_is_ever_anybody_elses() {
    let seeds: Vec<u64> = (0..200).filter(|seed| Plan::of(*seed, &Product::ALL).neighbour.is_some()).take(4).collect();
    let tally = check(&seeds, |seed| Plan::of(seed, &Product::ALL));
    assert_eq!(tally.reached.get(&Moment::TwoTenants), Some(&(seeds.len() as u64)), "{seeds:?}");
}

/// What a tenant means to use, tried before it is used: its own connections, rules and components.
#[test]
fn a_tenant_simulates_what_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(components().0.join("rank.wasm"), dir.path().join("mine.wasm")).unwrap();
    let config = r#"
        slots = { "conflict:mine" = "mine.wasm" }

        [[connections]]
        system = "sap-b1"
        name = "books"

        [[connections]]
        system = "shopify"
        rank = 3

        [[rules.fields]]
        kind = "item"
        field = "title"
        policy = "conflict:mine"

        [[rules.fields]]
        kind = "item"
        field = "barcode"
        owner = "shop"
        policy = "conflict:owner"

        [[rules.fields]]
        kind = "stock-level"
        field = "on_hand"
        policy = "conflict:stock"

        [[rules.fields]]
        kind = "item"
        field = "*"
        owner = "books"
        policy = "conflict:owner"

        [[rules.fields]]
        kind = "company"
        field = "*"
        owner = "books"
        policy = "conflict:owner"

        [[rules.fields]]
        kind = "price"
        field = "*"
        owner = "books"
        policy = "conflict:owner"
    "#;
    let path = dir.path().join("tenant.toml");
    std::fs::write(&path, config).unwrap();
    let (setup, systems) = Setup::read(&path).unwrap().among(None).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cast = runtime.block_on(Cast::of(&components(), crate::program().to_owned(), (&systems, setup))).unwrap();
    let cast = Arc::new(cast);
    let plan = |seed| Plan::of(seed, &systems).under(&cast.setup);
    let tally = run_all((&cast, Stores::Model), (&[1, 2, 3, 4], 2, 1), plan, |_| ()).unwrap();
    assert!(tally.broken.is_empty(), "{:?}", tally.broken);
}

/// Leaving something out leaves the rest as it was: what people do, to the moment.
#[test]
fn a_plan_is_data() {
    let plan = Plan::of(9, &Product::ALL);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    let seats: BTreeMap<usize, usize> = plan.acts.iter().fold(BTreeMap::new(), |mut seats, act| {
        *seats.entry(act.seat).or_default() += 1;
        seats
    });
    assert!(plan.acts.len() >= 100 && seats.len() == 4 && plan.faults.kinds().len() >= 3, "{seats:?}");
}

/// One commit of nine kills the node, before or after what it writes is there: nothing is tried without end, and nothing
/// is left for a person.
#[test]
fn c13_a_node_that_dies_again_and_again_parks_nothing() {
    let seeds: Vec<u64> = (40..43).collect();
    let tally = check(&seeds, |seed| {
        let plan = Plan::of(seed, &[Product::Netsuite, Product::Shopify]);
        let habits = Habits { tries_max: PATIENT, ..plan.habits.clone() };
        Plan { faults: Menu { crash_before: 60, crash_after: 60, ..Menu::default() }, habits, ..plan }
    });
    assert_eq!(tally.reached.get(&Moment::Parked), None);
    assert!(tally.reached.get(&Moment::Crash) > Some(&100), "{:?}", tally.reached);
}
