//! Guests that lie at the boundary: sizes, strings, answers.

use super::{answering, price, price_with};
use crate::error::CallError;
use crate::host::Allowance;
use crate::limits::Limits;
use crate::testing::{component, host, pricing, release, uploader, with_manifest};
use crate::upload::UploadError;
use crate::world::World;

#[tokio::test]
async fn g5_a_huge_argument_is_not_copied() {
    let body = r#"(import "log" "log" (func $log (param i32 i32 i32)))
        (func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
            (call $log (i32.const 1) (i32.const 0) (i32.const 2000000)) unreachable)"#;
    let wat = logging(body).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 64)"#);
    let seen = price_with(&release(&wat).await, 1).await;
    assert_eq!(seen, Err(CallError::CrossingTooLarge { bytes_max: Limits::RULES.crossing_bytes_max }));
}

#[tokio::test]
async fn g6_a_small_answer_of_aliased_strings_is_not_copied() {
    // A thousand rows share one reason of 60 kB: 60 MB for the host, 24 kB for the guest.
    let seen = price(&answering("", 1_000, (1, 0), (70_000, 60_000)), 1, Limits::RULES).await;
    assert_eq!(seen, Err(CallError::CrossingTooLarge { bytes_max: Limits::RULES.crossing_bytes_max }));
}

#[tokio::test]
async fn g7_strings_that_are_none_trap() {
    for (at, length) in [(0, 0x7fff_ffff), (131_000, 1_000), (600, 3), (0xffff_fff0, 11)] {
        let seen = price(&answering("", 1, (1, 0), (at, length)), 1, Limits::RULES).await;
        assert!(matches!(seen, Err(CallError::Trapped { .. } | CallError::CrossingTooLarge { .. })), "{seen:?}");
    }
}

#[tokio::test]
async fn g7_utf16_at_odd_addresses_and_lone_surrogates_trap() {
    let check = async |at: usize, length: u32| {
        let body = format!("{} (data (i32.const 700) \"\\00\\d8\")", answering("", 1, (1, 0), (at, length)));
        let wat = pricing(&body).replace("(memory (core", "string-encoding=utf16 (memory (core");
        price_with(&release(&wat).await, 1).await
    };
    for (at, length) in [(601, 1), (700, 1)] {
        let seen = check(at, length).await;
        assert!(matches!(seen, Err(CallError::Trapped { .. })), "{seen:?}");
    }
    // Five of its units are text.
    assert!(check(512, 5).await.is_ok());
}

#[tokio::test]
async fn g13_an_impossible_answer_is_a_misfit() {
    let check = async |count: usize, row: (i64, u8), expect: &str| {
        let seen = price(&answering("", count, row, (512, 3)), 1, Limits::RULES).await;
        assert!(matches!(&seen, Err(CallError::BadOutput(misfit)) if misfit.to_string() == expect), "{seen:?}");
    };
    check(1, (-1, 0), "line 0, unit-price: below zero").await;
    check(1, (i64::MAX, 0), "line 0, unit-price: a mantissa of more than 18 digits").await;
    check(1, (1, 255), "line 0, unit-price: a decimal number holds at most 18 digits, 12 of them after the point")
        .await;
    check(0, (1, 0), "answers: 0 for 1 questions").await;
    check(2, (1, 0), "answers: 2 for 1 questions").await;
}

#[tokio::test]
async fn an_input_over_its_limit_never_reaches_the_guest() {
    let limits = Limits { input_bytes_max: 1_000, ..Limits::RULES };
    let seen = price(&answering("", 1, (1, 0), (512, 3)), 100, limits).await;
    assert!(matches!(seen, Err(CallError::BadInput(_))), "{seen:?}");
}

/// A pricing rule that imports the logger; `body` imports `log` `log`.
fn logging(body: &str) -> String {
    let imports = r#"
        (import "truthsource:log/logger@1.0.0" (instance $logger
            (type $level (enum "debug" "info" "warn" "error")) (export "level" (type $l (eq $level)))
            (export "log" (func (param "level" $l) (param "message" string)))))
        (core module $libc (memory (export "memory") 64))
        (core instance $libc (instantiate $libc))
        (core func $log (canon lower (func $logger "log") (memory (core memory $libc "memory"))))
        (core module $m"#;
    pricing(body)
        .replacen("(core module $m", imports, 1)
        .replace("(instantiate $m )", r#"(instantiate $m (with "log" (instance (export "log" (func $log)))))"#)
}

#[tokio::test]
async fn g5_calls_of_the_host_are_counted() {
    let body = r#"(import "log" "log" (func $log (param i32 i32 i32)))
        (func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
            (loop $l (call $log (i32.const 1) (i32.const 0) (i32.const 10)) (br $l)) unreachable)"#;
    let seen = price_with(&release(&logging(body)).await, 1).await;
    assert_eq!(seen, Err(CallError::TooManyCalls { what: "calls of the host" }));
}

#[tokio::test]
async fn g16_a_start_function_calls_the_host_on_the_same_count() {
    let body = r#"(import "log" "log" (func $log (param i32 i32 i32)))
        (start $s)
        (func $s (loop $l (call $log (i32.const 1) (i32.const 0) (i32.const 10)) (br $l)))
        (func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32) unreachable)"#;
    let seen = price_with(&release(&logging(body)).await, 1).await;
    assert_eq!(seen, Err(CallError::TooManyCalls { what: "calls of the host" }));
}

#[tokio::test]
async fn g17_an_import_outside_the_world_is_refused_by_name() {
    let manifest = with_manifest("pricing-rule");
    let check = async |import: &str| {
        let wat = pricing("(func (export \"price\") (param i32 i32 i32 i32 i64 i32 i32) (result i32) unreachable)")
            .replace(&manifest, &format!("{manifest} (import \"{import}\" (instance))"));
        let seen = host().accept(&uploader(), &component(&wat), &Allowance::USUAL).await.err();
        let expect = UploadError::Imports { world: World::PricingRule, imports: vec![import.to_owned()] };
        assert_eq!(seen, Some(expect));
    };
    check("wasi:sockets/tcp@0.2.0").await;
    check("wasi:http/outgoing-handler@0.2.0").await;
    check("truthsource:http/client@1.0.0").await;
    check("truthsource:kv/store@1.0.0").await;
    check("truthsource:log/logger@2.0.0").await;
    check("wasi:clocks/wall-clock@0.3.0").await;
}
