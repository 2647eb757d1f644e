//! Measures what a call costs, and how much of it is ours.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;

use crate::call::CallSetup;
use crate::convert::pricing::basket_out;
use crate::error::CallError;
use crate::model::Basket;
use crate::release::Pricing;

/// How a number of equal calls did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Half of the calls were faster.
    pub p50: Duration,
    /// All but one in a hundred were faster.
    pub p99: Duration,
}

/// A fresh-instance pricing call through the host, and by bare wasmtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// With places, limits, checks, timeout and recording.
    pub host: Spread,
    /// A store, an instance, the call: the same engine, the same prepared component, the input already converted.
    pub bare: Spread,
}

/// Prices `basket` `n` times each way, in turns, so that a busy machine disturbs both alike. The first tenth warms up
/// and is not counted.
///
/// # Errors
/// The first call that gave no answer.
pub async fn pricing_call(rule: &Pricing, setup: &CallSetup, basket: &Basket, n: usize) -> Result<Cost, CallError> {
    let (mut host, mut bare) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for _ in 0..n {
        let asked = basket.clone();
        let started = Instant::now();
        let (end, _recording) = rule.price(setup, asked).await;
        host.push(started.elapsed());
        end?;
        bare.push(bare_call(rule, setup, basket).await?);
    }
    Ok(Cost { host: spread(host), bare: spread(bare) })
}

async fn bare_call(rule: &Pricing, setup: &CallSetup, basket: &Basket) -> Result<Duration, CallError> {
    let failed = |error: wasmtime::Error| CallError::Host { reason: format!("{error:#}") };
    let (pre, engine, state) = rule.parts(setup);
    let asked = basket_out(basket).map_err(CallError::BadInput)?;
    let started = Instant::now();
    let mut store = Store::new(engine, state);
    store.set_fuel(u64::MAX).map_err(failed)?;
    let instance = pre.instantiate_async(&mut store).await.map_err(failed)?;
    let answer = instance.truthsource_pricing_rule_pricing().call_price(&mut store, &asked).await;
    drop(answer.map_err(failed)?);
    drop(store);
    Ok(started.elapsed())
}

fn spread(mut times: Vec<Duration>) -> Spread {
    let mut counted = times.split_off(times.len() / 10);
    counted.sort();
    let at = |percent: usize| counted.get(counted.len() * percent / 100).copied().unwrap_or_default();
    Spread { p50: at(50), p99: at(99) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{basket, pricing, release, setup};

    #[tokio::test]
    async fn both_ways_are_measured() {
        let body = r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
            (i64.store (i32.const 1024) (i64.const 0)) (i32.store offset=8 (i32.const 1024) (i32.const 0))
            (i32.const 1024))"#;
        let rule = Pricing::try_from(release(&pricing(body)).await).unwrap();
        let cost = pricing_call(&rule, &setup(), &basket(0), 200).await.unwrap();
        assert!(cost.bare.p50 > Duration::ZERO && cost.host.p50 > Duration::ZERO);
        assert!(cost.host.p99 >= cost.host.p50);
    }
}
