//! Hostile components: whatever they do, the call ends in a typed error, and the next call is as good as new.

mod compute;
mod crossing;
mod outside;
mod virtual_world;

use crate::error::CallError;
use crate::limits::Limits;
use crate::model::Priced;
use crate::release::{Pricing, Release};
use crate::testing::{basket, pricing, release, setup};

/// Prices `lines` lines with a rule whose core module is `body`, under `limits`.
async fn price(body: &str, lines: usize, limits: Limits) -> Result<Vec<Priced>, CallError> {
    let rule = release(&pricing(body)).await.limited(limits);
    price_with(&rule, lines).await
}

async fn price_with(rule: &Release, lines: usize) -> Result<Vec<Priced>, CallError> {
    let rule = Pricing::try_from(rule.clone()).unwrap();
    rule.price(&setup(), basket(lines)).await.0
}

/// The function `price`, doing `work`, then answering `count` rows that all read `row` and a reason at `reason`.
fn answering(work: &str, count: usize, row: (i64, u8), reason: (usize, u32)) -> String {
    let ((mantissa, scale), (at, length)) = (row, reason);
    format!(
        r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
            (local $n i32)
            {work}
            (block $done (loop $more
                (br_if $done (i32.ge_u (local.get $n) (i32.const {count})))
                (i64.store (call $row (local.get $n)) (i64.const {mantissa}))
                (i32.store8 offset=8 (call $row (local.get $n)) (i32.const {scale}))
                (i32.store offset=16 (call $row (local.get $n)) (i32.const {at}))
                (i32.store offset=20 (call $row (local.get $n)) (i32.const {length}))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br $more)))
            (i32.store8 (i32.const 1024) (i32.const 0))
            (i32.store offset=4 (i32.const 1024) (i32.const 2048))
            (i32.store offset=8 (i32.const 1024) (i32.const {count}))
            (i32.const 1024))
        (func $row (param $n i32) (result i32) (i32.add (i32.const 2048) (i32.mul (local.get $n) (i32.const 24))))
        (data (i32.const 512) "ten percent") (data (i32.const 600) "\ff\fe\80")"#
    )
}

/// An honest rule: every line costs 1.5.
fn honest(lines: usize) -> String {
    answering("", lines, (15, 1), (512, 11))
}

#[tokio::test]
async fn an_honest_rule_prices_its_lines() {
    let seen = price(&honest(2), 2, Limits::RULES).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].unit_price.to_string().as_str(), seen[0].reason.as_str()), ("1.5", "ten percent"));
}

#[tokio::test]
async fn the_same_call_burns_the_same_fuel() {
    let rule = Pricing::try_from(release(&pricing(&honest(3))).await).unwrap();
    let first = rule.price(&setup(), basket(3)).await.1.fuel;
    assert!(first.is_some_and(|it| it > 0));
    assert_eq!(rule.price(&setup(), basket(3)).await.1.fuel, first);
}

#[tokio::test]
async fn g11_after_a_trap_the_next_call_has_an_instance_of_its_own() {
    // A global that survives would make the second call answer, too.
    let body = answering(
        "(if (global.get $used) (then unreachable)) (global.set $used (i32.const 1))
         (if (i32.eqz (local.get 6)) (then unreachable))",
        1,
        (1, 0),
        (512, 3),
    );
    let rule = release(&pricing(&format!("(global $used (mut i32) (i32.const 0)) {body}"))).await;
    for _ in 0..3 {
        assert!(price_with(&rule, 1).await.is_ok());
        assert!(matches!(price_with(&rule, 0).await, Err(CallError::Trapped { .. })));
    }
}
