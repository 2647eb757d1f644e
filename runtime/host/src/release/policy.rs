//! A component that decides conflicts.

use wasmtime::Store;

use super::{Broken, Release, WrongWorld, not_mine};
use crate::bindings::policy::PolicyPluginPre;
use crate::call::CallSetup;
use crate::convert::policy::{conflict_out, decisions_in};
use crate::convert::records::refused;
use crate::error::CallError;
use crate::model::{Conflict, Decision};
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that decides conflicts.
#[derive(Clone)]
pub struct Policy(Release);

impl TryFrom<Release> for Policy {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::ConflictPolicy).map(Self)
    }
}

impl Policy {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// One decision per conflict, in order.
    pub async fn decide(
        &self,
        setup: &CallSetup,
        conflicts: Vec<Conflict>,
    ) -> (Result<Vec<Decision>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Decide(conflicts)).await;
        let end = end.and_then(|it| if let Output::Decide(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

pub(super) async fn invoke(
    pre: &PolicyPluginPre<HostState>,
    store: &mut Store<HostState>,
    input: &Input,
) -> Result<Output, Broken> {
    let Input::Decide(conflicts) = input else { return Err(not_mine(World::ConflictPolicy, input)) };
    let asked: Vec<_> = conflicts.iter().map(conflict_out).collect();
    let instance = pre.instantiate_async(&mut *store).await?;
    let answer = instance.truthsource_conflict_policy_policy().call_decide(store, &asked).await?;
    Ok(Output::Decide(decisions_in(conflicts, answer.map_err(refused)?)?))
}
