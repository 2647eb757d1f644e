//! Guests that take too much: time, memory, stack, handles.

use super::{answering, honest, price, price_with};
use crate::error::CallError;
use crate::host::Allowance;
use crate::limits::Limits;
use crate::testing::{self, component, pricing, release};
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

#[tokio::test]
async fn g2_filling_memory_costs_fuel_by_its_length() {
    let fill = "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $l))";
    assert_eq!(price(&trap(fill), 1, SMALL).await, Err(OUT_OF_FUEL));
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
    let load = async |declaration: &str| testing::host().accept(&large(declaration), &Allowance::USUAL).await;
    assert!(load("(table 100 funcref)").await.is_ok());
    for declaration in ["(table 1000000000 funcref)", "(table 20000 funcref)"] {
        let seen = load(declaration).await.err();
        assert!(matches!(seen, Some(UploadError::DoesNotLink { .. } | UploadError::Smoke(_))), "{seen:?}");
    }
    let four_gib =
        pricing(&honest(0)).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 65536)"#);
    let seen = testing::host().accept(&component(&four_gib), &Allowance::USUAL).await.err();
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
async fn memory_of_one_call_is_not_seen_by_the_next() {
    // Answers 1 if its memory was all zeros at 4096, and leaves a mark there.
    let work = "(if (i32.load (i32.const 65528)) (then unreachable)) (i32.store (i32.const 65528) (i32.const 7))";
    let rule = release(&pricing(&answering(work, 1, (1, 0), (512, 3)))).await;
    for _ in 0..20 {
        assert!(price_with(&rule, 1).await.is_ok());
    }
}
