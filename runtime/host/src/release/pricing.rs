//! A component that prices baskets.

use wasmtime::Store;

use super::{Broken, Release, WrongWorld, not_mine};
use crate::bindings::pricing::PricingPluginPre;
use crate::call::CallSetup;
use crate::convert::pricing::{basket_out, priced_in};
use crate::convert::records::refused;
use crate::error::CallError;
use crate::model::{Basket, Priced};
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that prices baskets.
#[derive(Clone)]
pub struct Pricing(Release);

impl TryFrom<Release> for Pricing {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::PricingRule).map(Self)
    }
}

impl Pricing {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// What a call by bare wasmtime needs: see `bench`.
    pub(crate) fn parts(&self, setup: &CallSetup) -> (&PricingPluginPre<HostState>, &wasmtime::Engine, HostState) {
        let loaded = &self.0.loaded;
        let super::Prepared::Pricing(pre) = &loaded.prepared else { unreachable!("made by `TryFrom` alone") };
        let input = std::sync::Arc::new(Input::Describe { settings: Default::default() });
        (pre, &loaded.runner.engine, HostState::new(setup, loaded.limits, &input))
    }

    /// The unit price of each line, in order.
    pub async fn price(&self, setup: &CallSetup, basket: Basket) -> (Result<Vec<Priced>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Price(basket)).await;
        let end = end.and_then(|it| if let Output::Price(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

pub(super) async fn invoke(
    pre: &PricingPluginPre<HostState>,
    store: &mut Store<HostState>,
    input: &Input,
) -> Result<Output, Broken> {
    let Input::Price(basket) = input else { return Err(not_mine(World::PricingRule, input)) };
    let asked = basket_out(basket).map_err(CallError::BadInput)?;
    let instance = pre.instantiate_async(&mut *store).await?;
    let answer = instance.truthsource_pricing_rule_pricing().call_price(store, &asked).await?;
    Ok(Output::Price(priced_in(basket.lines.len(), answer.map_err(refused)?)?))
}
