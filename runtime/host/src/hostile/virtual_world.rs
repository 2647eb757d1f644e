//! What a rule sees of the world through WASI: the call's moment, the input's randomness, and nothing else.

use truthsource_core::UnixMs;

use crate::call::CallSetup;
use crate::release::Pricing;
use crate::testing::{basket, pricing, release, setup};

/// Prices one line with `what` as its mantissa, from WASI's clock or randomness.
fn showing(what: &str) -> String {
    let imports = r#"
        (import "wasi:random/random@0.2.0" (instance $random
            (export "get-random-u64" (func (result u64)))))
        (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
            (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
            (export "datetime" (type $datetime (eq $datetime')))
            (export "now" (func (result $datetime)))))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $mono
            (export "now" (func (result u64)))))
        (core module $libc (memory (export "memory") 1))
        (core instance $libc (instantiate $libc))
        (core func $draw (canon lower (func $random "get-random-u64")))
        (core func $wall (canon lower (func $clock "now") (memory (core memory $libc "memory"))))
        (core func $mono (canon lower (func $mono "now")))
        (core module $m"#;
    let body = format!(
        r#"(import "host" "draw" (func $draw (result i64)))
        (import "host" "wall" (func $wall (param i32)))
        (import "host" "mono" (func $mono (result i64)))
        (import "libc" "memory" (memory $shared 1))
        (func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
            (call $wall (i32.const 0))
            (i64.store (i32.const 2048) (i64.and {what} (i64.const 0xffffffffffffff)))
            (i32.store8 offset=8 (i32.const 2048) (i32.const 0))
            (i32.store8 (i32.const 1024) (i32.const 0))
            (i32.store offset=4 (i32.const 1024) (i32.const 2048))
            (i32.store offset=8 (i32.const 1024) (i32.const 1))
            (i32.const 1024))"#
    );
    // One memory, the shared one, for guest and host functions alike.
    pricing(&body)
        .replacen("(core module $m", imports, 1)
        .replace(r#"(memory (export "memory") 2)"#, r#"(export "memory" (memory $shared))"#)
        .replace(
            "(instantiate $m )",
            r#"(instantiate $m (with "libc" (instance $libc)) (with "host" (instance
                (export "draw" (func $draw)) (export "wall" (func $wall)) (export "mono" (func $mono)))))"#,
        )
}

async fn shown(rule: &Pricing, setup: &CallSetup, item: &str) -> String {
    let mut asked = basket(1);
    asked.lines[0].item = item.to_owned();
    let (end, recording) = rule.price(setup, asked).await;
    end.unwrap_or_else(|error| panic!("{error} {recording:?}"))[0].unit_price.to_string()
}

#[tokio::test]
async fn the_wall_clock_stands_at_the_calls_moment() {
    let rule = Pricing::try_from(release(&showing("(i64.load (i32.const 0))")).await).unwrap();
    assert_eq!(shown(&rule, &setup(), "a").await, "1700000000");
    let later = CallSetup { now: UnixMs(1_800_000_000_000), ..setup() };
    assert_eq!(shown(&rule, &later, "a").await, "1800000000");
}

#[tokio::test]
async fn the_monotonic_clock_of_a_rule_stands_still() {
    let rule = Pricing::try_from(release(&showing("(call $mono)")).await).unwrap();
    assert_eq!(shown(&rule, &setup(), "a").await, "0");
}

#[tokio::test]
async fn randomness_depends_on_the_input_alone() {
    let rule = Pricing::try_from(release(&showing("(call $draw)")).await).unwrap();
    let first = shown(&rule, &setup(), "a").await;
    assert_eq!(shown(&rule, &setup(), "a").await, first);
    assert_ne!(shown(&rule, &setup(), "b").await, first);
}
