//! A component that publishes stock.

use wasmtime::Store;

use super::{Broken, Release, WrongWorld, not_mine};
use truthsource_core::Decimal;

use crate::bindings::stock::StockPluginPre;
use crate::call::CallSetup;
use crate::convert::records::refused;
use crate::convert::stock::{level_out, quantities_in};
use crate::error::CallError;
use crate::model::Level;
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that publishes stock.
#[derive(Clone)]
pub struct StockRule(Release);

impl TryFrom<Release> for StockRule {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::StockRule).map(Self)
    }
}

impl StockRule {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// The quantity to publish per level, in order: never above what is free.
    pub async fn publish(&self, setup: &CallSetup, levels: Vec<Level>) -> (Result<Vec<Decimal>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Publish(levels)).await;
        let end = end.and_then(|it| if let Output::Publish(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

pub(super) async fn invoke(
    pre: &StockPluginPre<HostState>,
    store: &mut Store<HostState>,
    input: &Input,
) -> Result<Output, Broken> {
    let Input::Publish(levels) = input else { return Err(not_mine(World::StockRule, input)) };
    let asked: Vec<_> = levels.iter().map(level_out).collect();
    let instance = pre.instantiate_async(&mut *store).await?;
    let answer = instance.truthsource_stock_rule_stock().call_publish(store, &asked).await?;
    Ok(Output::Publish(quantities_in(levels, &answer.map_err(refused)?)?))
}
