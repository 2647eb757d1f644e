//! Guests that take too much: time, memory, stack, handles.

use super::{answering, honest, price, price_with};
use crate::error::CallError;
use crate::host::Allowance;
use crate::limits::Limits;
use crate::release::Pricing;
use crate::testing::{self, basket, component, pricing, release, setup};
use crate::upload::UploadError;

fn trap(work: &str) -> String {
    format!(r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32) {work} unreachable)"#)
}

const SMALL: Limits = Limits { fuel_max: 1_000_000, ..Limits::RULES };
const OUT_OF_FUEL: CallError = CallError::OutOfFuel { fuel_max: 1_000_000 };
const OUT_OF_MEMORY: CallError = CallError::OutOfMemory { bytes_max: Limits::RULES.memory_bytes_max };

#[tokio::test]
async fn g1_an_endless_loop_runs_out_of_fuel() {
    assert_eq!(price(&trap("(loop $l (br $l))"), 1, SMALL).await, Err(OUT_OF_FUEL));
}

#[tokio::test]
async fn g1_an_endless_loop_with_endless_fuel_runs_out_of_time() {
    let limits = Limits { fuel_max: u64::MAX, wall_ms_max: 50, ..Limits::RULES };
    let seen = price(&trap("(loop $l (br $l))"), 1, limits).await;
    assert_eq!(seen, Err(CallError::TimedOut { wall_ms_max: 50 }));
}

/// A loop of fifty million units of fuel leaves the only thread to others again and again.
#[tokio::test]
async fn g1_whoever_loops_gives_the_thread_back_all_the_time() {
    let rule = Pricing::try_from(release(&pricing(&trap("(loop $l (br $l))"))).await).unwrap();
    let rule = Pricing::try_from(rule.release().limited(Limits { wall_ms_max: 60_000, ..Limits::RULES })).unwrap();
    let (setup, mut others) = (setup(), 0);
    let end = tokio::select! {
        (end, _) = rule.price(&setup, basket(1)) => end,
        () = async { loop { others += 1; tokio::task::yield_now().await } } => unreachable!(),
    };
    assert_eq!(end, Err(CallError::OutOfFuel { fuel_max: Limits::RULES.fuel_max }));
    assert!(others >= 40, "others had {others} turns");
}

#[tokio::test]
async fn g1_an_endless_loop_ends_twenty_milliseconds_after_its_time_at_the_latest() {
    let limits = Limits { fuel_max: u64::MAX, wall_ms_max: 50, ..Limits::RULES };
    let rule = release(&pricing(&trap("(loop $l (br $l))"))).await.limited(limits);
    let rule = Pricing::try_from(rule).unwrap();
    let mut fastest_us = u64::MAX;
    for _ in 0..10 {
        let (end, recording) = rule.price(&setup(), basket(1)).await;
        assert_eq!(end, Err(CallError::TimedOut { wall_ms_max: 50 }));
        fastest_us = fastest_us.min(recording.duration_us);
    }
    assert!(fastest_us <= 70_000, "{fastest_us} µs");
}

#[tokio::test]
async fn g2_filling_memory_costs_fuel_by_its_length() {
    let fill = "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $l))";
    assert_eq!(price(&trap(fill), 1, SMALL).await, Err(OUT_OF_FUEL));
}

#[tokio::test]
async fn g2_each_byte_that_is_filled_or_copied_costs_fuel() {
    let fuel = async |work: &str| {
        let rule = Pricing::try_from(release(&pricing(&answering(work, 1, (1, 0), (512, 3)))).await).unwrap();
        let (end, recording) = rule.price(&setup(), basket(1)).await;
        assert!(end.is_ok(), "{end:?}");
        recording.fuel.unwrap()
    };
    let nothing = fuel("").await;
    for work in ["memory.fill (i32.const 65536) (i32.const 1)", "memory.copy (i32.const 65536) (i32.const 4096)"] {
        let spent = fuel(&format!("({work} (i32.const 60000))")).await;
        assert!(spent >= nothing + 60_000, "{work}: {spent}");
    }
}

#[tokio::test]
async fn g3_growing_memory_ends_at_the_limit() {
    let grow = "(loop $l (br_if $l (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
                (if (i32.ne (memory.size) (i32.const 256)) (then unreachable))";
    assert!(price(&answering(grow, 1, (1, 0), (512, 3)), 1, Limits::RULES).await.is_ok());
    // One that does not look at the answer and then fails is told why.
    assert_eq!(price(&trap("(drop (memory.grow (i32.const 1000)))"), 1, Limits::RULES).await, Err(OUT_OF_MEMORY));
}

#[tokio::test]
async fn g4_a_component_that_starts_too_large_never_runs() {
    let large = |declaration: &str| {
        let honest = honest(0);
        component(&pricing(&format!("(table 1 funcref) {honest}")).replace("(table 1 funcref)", declaration))
    };
    let load = async |declaration: &str| {
        testing::host().accept(&testing::uploader(), &large(declaration), &Allowance::USUAL).await
    };
    assert!(load("(table 100 funcref)").await.is_ok());
    for declaration in ["(table 1000000000 funcref)", "(table 20000 funcref)"] {
        let seen = load(declaration).await.err();
        assert!(matches!(seen, Some(UploadError::DoesNotLink { .. } | UploadError::Smoke(_))), "{seen:?}");
    }
    let four_gib =
        pricing(&honest(0)).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 65536)"#);
    let seen = testing::host().accept(&testing::uploader(), &component(&four_gib), &Allowance::USUAL).await.err();
    assert!(matches!(seen, Some(UploadError::DoesNotLink { .. } | UploadError::Smoke(_))), "{seen:?}");
    // Small enough for the pool, too large for the rule.
    let too_large = pricing(&honest(1)).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 512)"#);
    assert_eq!(price_with(&release(&too_large).await, 1).await, Err(OUT_OF_MEMORY));
}

#[tokio::test]
async fn g8_endless_recursion_overflows_the_guests_stack_only() {
    let body = format!("(func $f (call $f)) {}", trap("(call $f)"));
    assert_eq!(price(&body, 1, Limits::RULES).await, Err(CallError::StackOverflow));
}

#[tokio::test]
async fn g9_resource_handles_are_capped() {
    let body = format!(
        r#"(import "host" "new" (func $new (param i32) (result i32)))
        {}"#,
        trap("(loop $l (drop (call $new (i32.const 1))) (br $l))")
    );
    let wat = pricing(&body)
        .replace(
            "(core module $m",
            "(type $r (resource (rep i32))) (core func $new (canon resource.new $r)) (core module $m",
        )
        .replace("(instantiate $m )", r#"(instantiate $m (with "host" (instance (export "new" (func $new)))))"#);
    let seen = price_with(&release(&wat).await, 1).await;
    assert_eq!(seen, Err(CallError::TooManyCalls { what: "resource handles" }));
}

#[tokio::test]
async fn g16_a_start_function_spends_the_same_budget() {
    let body = format!("(start $s) (func $s (loop $l (br $l))) {}", honest(1));
    assert_eq!(price(&body, 1, SMALL).await, Err(OUT_OF_FUEL));
}

#[tokio::test]
async fn t7_memory_of_one_call_is_not_seen_by_the_next() {
    // Answers 1 if its memory was zero at 65528, and leaves a mark there.
    let work = "(if (i32.load (i32.const 65528)) (then unreachable)) (i32.store (i32.const 65528) (i32.const 7))";
    let rule = release(&pricing(&answering(work, 1, (1, 0), (512, 3)))).await;
    for _ in 0..20 {
        assert!(price_with(&rule, 1).await.is_ok());
    }
}
