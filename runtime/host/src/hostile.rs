//! Hostile components: whatever they do, the call ends in a typed error and the next call is as good as new.

use crate::testing::{pricing, release, setup, basket};
use crate::release::Pricing;

/// Answers nothing for nothing, and traps on any line.
const EMPTY: &str = r#"
    (func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
        (i32.store8 (i32.const 1024) (i32.const 0))
        (i32.store offset=4 (i32.const 1024) (i32.const 2048))
        (i32.store offset=8 (i32.const 1024) (i32.const 0))
        (i32.const 1024))"#;

#[tokio::test]
async fn an_empty_basket_has_no_prices() {
    let rule = Pricing::try_from(release(&pricing(EMPTY)).await).unwrap();
    let (end, recording) = rule.price(&setup(), basket(0)).await;
    assert_eq!(end, Ok(vec![]), "{recording:?}");
    assert!(recording.fuel.unwrap() > 0);
}
