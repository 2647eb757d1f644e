//! A component that translates between a connection and the canonical records.

use wasmtime::Store;

use super::{Broken, Release, WrongWorld, not_mine};
use truthsource_core::{Fields, Kind};

use crate::bindings::mapping::MappingPluginPre;
use crate::call::CallSetup;
use crate::convert::one_each;
use crate::convert::records::{context_out, fields_in, records_in, records_out, refused};
use crate::error::CallError;
use crate::model::Context;
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that translates between a connection and the canonical records.
#[derive(Clone)]
pub struct Mapping(Release);

impl TryFrom<Release> for Mapping {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::Mapping).map(Self)
    }
}

impl Mapping {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// What the engine should see of each record; `None`: nothing.
    pub async fn to_canonical(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        records: Vec<Fields>,
    ) -> (Result<Vec<Option<Fields>>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::ToCanonical { context, kind, records }).await;
        let end = end.and_then(|it| if let Output::ToCanonical(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// What the connection should hold of each record.
    pub async fn from_canonical(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        records: Vec<Fields>,
    ) -> (Result<Vec<Fields>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::FromCanonical { context, kind, records }).await;
        let end =
            end.and_then(|it| if let Output::FromCanonical(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

pub(super) async fn invoke(
    pre: &MappingPluginPre<HostState>,
    store: &mut Store<HostState>,
    input: &Input,
) -> Result<Output, Broken> {
    match input {
        Input::ToCanonical { context, kind, records } => {
            let (context, asked) = (context_out(context), records_out(records));
            let instance = pre.instantiate_async(&mut *store).await?;
            let mapping = instance.truthsource_mapping_mapping();
            let answer =
                mapping.call_to_canonical(store, &context, &kind.to_string(), &asked).await?.map_err(refused)?;
            one_each(records.len(), answer.len())?;
            let seen = answer.into_iter().map(|it| it.map(|fields| fields_in(*kind, fields)).transpose());
            Ok(Output::ToCanonical(seen.collect::<Result<_, _>>()?))
        }
        Input::FromCanonical { context, kind, records } => {
            let (context, asked) = (context_out(context), records_out(records));
            let instance = pre.instantiate_async(&mut *store).await?;
            let mapping = instance.truthsource_mapping_mapping();
            let answer =
                mapping.call_from_canonical(store, &context, &kind.to_string(), &asked).await?.map_err(refused)?;
            one_each(records.len(), answer.len())?;
            Ok(Output::FromCanonical(records_in(*kind, answer)?))
        }
        _ => Err(not_mine(World::Mapping, input)),
    }
}
