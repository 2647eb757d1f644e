//! A component that accepts or refuses candidate truths.

use wasmtime::Store;

use super::{Broken, Release, WrongWorld, not_mine};
use truthsource_core::{Fields, Kind};

use crate::bindings::validator::ValidatorPluginPre;
use crate::call::CallSetup;
use crate::convert::records::{records_out, refused};
use crate::convert::validator::verdicts_in;
use crate::error::CallError;
use crate::model::Verdict;
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that accepts or refuses candidate truths.
#[derive(Clone)]
pub struct Validator(Release);

impl TryFrom<Release> for Validator {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::Validator).map(Self)
    }
}

impl Validator {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// One verdict per record, in order.
    pub async fn validate(
        &self,
        setup: &CallSetup,
        kind: Kind,
        records: Vec<Fields>,
    ) -> (Result<Vec<Verdict>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Validate { kind, records }).await;
        let end = end.and_then(|it| if let Output::Validate(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

pub(super) async fn invoke(
    pre: &ValidatorPluginPre<HostState>,
    store: &mut Store<HostState>,
    input: &Input,
) -> Result<Output, Broken> {
    let Input::Validate { kind, records } = input else { return Err(not_mine(World::Validator, input)) };
    let asked = records_out(records);
    let instance = pre.instantiate_async(&mut *store).await?;
    let answer = instance.truthsource_validator_validator().call_validate(store, &kind.to_string(), &asked).await?;
    Ok(Output::Validate(verdicts_in(records.len(), answer.map_err(refused)?)?))
}
