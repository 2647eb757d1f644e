//! A component that connects one outside system.

use std::collections::BTreeMap;

use wasmtime::Store;
use wasmtime::component::{Component, InstancePre};

use super::{Broken, Release, WrongWorld, not_mine};
use truthsource_core::{Fields, Kind};

use crate::bindings::connector::ConnectorPluginPre;
use crate::bindings::connector::exports::truthsource::connector::connector::Guest;
use crate::bindings::digests::DigestsPre;
use crate::bindings::subscriptions::SubscriptionsPre;
use crate::call::CallSetup;
use crate::convert::connector as convert;
use crate::convert::digests::{digests_in, held_out, told_in};
use crate::convert::records::{context_out, records_out, refused};
use crate::convert::webhook;
use crate::error::{CallError, Misfit};
use crate::model::{
    Context, Description, Finding, HeldRecord, Notice, Observed, Outcome, Page, Pull, RangeDigest, RangeTold, Standing,
    State, Target, Webhook, Write,
};
use crate::record::{Input, Output, Recording};
use crate::state::HostState;
use crate::world::World;

/// A component that connects one outside system.
#[derive(Clone)]
pub struct Connector(Release);

impl TryFrom<Release> for Connector {
    type Error = WrongWorld;

    fn try_from(release: Release) -> Result<Self, WrongWorld> {
        release.expect(World::Connector).map(Self)
    }
}

impl Connector {
    /// The release behind it.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.0
    }

    /// What the connector is and can do with a connection of these settings. Pure.
    pub async fn describe(
        &self,
        setup: &CallSetup,
        settings: BTreeMap<String, String>,
    ) -> (Result<Description, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Describe { settings }).await;
        let end = end.and_then(|it| if let Output::Describe(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// Looks whether the connection can do its work. Writes nothing.
    pub async fn check(&self, setup: &CallSetup, context: Context) -> (Result<Vec<Finding>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Check(context)).await;
        let end = end.and_then(|it| if let Output::Check(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// One page of a listing.
    pub async fn pull(&self, setup: &CallSetup, context: Context, pull: Pull) -> (Result<Page, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Pull { context, pull }).await;
        let end = end.and_then(|it| if let Output::Pull(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// The present state under each id, in the order asked.
    pub async fn read(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        remote_ids: Vec<String>,
        certain: bool,
    ) -> (Result<Vec<Observed>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Read { context, kind, remote_ids, certain }).await;
        let end = end.and_then(|it| if let Output::Read(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// Carries out writes, all of one kind. One outcome per write, in order.
    ///
    /// After an error for which [`CallError::may_have_acted`] is true, every write of the batch must be looked up.
    pub async fn push(
        &self,
        setup: &CallSetup,
        context: Context,
        writes: Vec<Write>,
    ) -> (Result<Vec<Outcome>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Push { context, writes }).await;
        let end = end.and_then(|it| if let Output::Push(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// The record that was created under this command key, if there is one.
    pub async fn find(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        command_key: String,
    ) -> (Result<Option<State>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Find { context, kind, command_key }).await;
        let end = end.and_then(|it| if let Output::Find(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// What a verified webhook says. Pure: it reaches nothing.
    pub async fn receive(
        &self,
        setup: &CallSetup,
        context: Context,
        webhook: Webhook,
    ) -> (Result<Vec<Notice>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Receive { context, webhook }).await;
        let end = end.and_then(|it| if let Output::Receive(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// Whether it can have its system tell of changes.
    #[must_use]
    pub fn subscribes(&self) -> bool {
        matches!(&self.0.loaded.prepared, super::Prepared::Connector(it) if it.subscriptions.is_some())
    }

    /// Has the system tell of changes: what is missing is made, what ends soon renewed. `setup` reaches the secret that
    /// deliveries prove themselves with.
    pub async fn ensure(
        &self,
        setup: &CallSetup,
        context: Context,
        target: Target,
    ) -> (Result<Standing, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Ensure { context, target }).await;
        let end = end.and_then(|it| if let Output::Ensure(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// Whether its system may be able to add up records.
    #[must_use]
    pub fn sums(&self) -> bool {
        matches!(&self.0.loaded.prepared, super::Prepared::Connector(it) if it.digests.is_some())
    }

    /// What the system says of every range of a kind; `None` where it cannot add it up.
    pub async fn tell(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
    ) -> (Result<Option<Vec<RangeTold>>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Tell { context, kind }).await;
        let end = end.and_then(|it| if let Output::Tell(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// What each of these records adds to its range, in order. Pure: it reaches nothing.
    pub async fn add(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        records: Vec<HeldRecord>,
    ) -> (Result<Vec<RangeDigest>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Add { context, kind, records }).await;
        let end = end.and_then(|it| if let Output::Add(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }

    /// What the system would hold of these records. Pure: it reaches nothing.
    pub async fn project(
        &self,
        setup: &CallSetup,
        context: Context,
        kind: Kind,
        records: Vec<Fields>,
    ) -> (Result<Vec<Fields>, CallError>, Recording) {
        let (end, recording) = self.0.call(setup, Input::Project { context, kind, records }).await;
        let end = end.and_then(|it| if let Output::Project(it) = it { Ok(it) } else { Err(super::other_answer()) });
        (end, recording)
    }
}

/// The exports of a connector.
#[derive(Clone)]
pub(super) struct Exports {
    connector: ConnectorPluginPre<HostState>,
    /// What it may leave out.
    subscriptions: Option<SubscriptionsPre<HostState>>,
    digests: Option<DigestsPre<HostState>>,
}

/// Whether a component exports the interface, at whatever version.
fn has(component: &Component, interface: &str) -> bool {
    component.component_type().exports(component.engine()).any(|(name, _)| name.starts_with(interface))
}

impl Exports {
    pub(super) fn resolve(pre: InstancePre<HostState>) -> wasmtime::Result<Self> {
        let subscribes = has(pre.component(), "truthsource:connector/subscriptions@");
        let subscriptions = subscribes.then(|| SubscriptionsPre::new(pre.clone())).transpose()?;
        let sums = has(pre.component(), "truthsource:connector/digests@");
        let digests = sums.then(|| DigestsPre::new(pre.clone())).transpose()?;
        Ok(Self { connector: ConnectorPluginPre::new(pre)?, subscriptions, digests })
    }
}

pub(super) async fn invoke(exports: &Exports, store: &mut Store<HostState>, input: &Input) -> Result<Output, Broken> {
    match input {
        Input::Ensure { context, target } => return ensure(exports, store, context, target).await,
        Input::Tell { .. } | Input::Add { .. } => return sum(exports, store, input).await,
        _ => {}
    }
    let instance = exports.connector.instantiate_async(&mut *store).await?;
    let guest = instance.truthsource_connector_connector();
    match input {
        Input::Describe { settings } => {
            let settings: Vec<_> = settings.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
            let answer = guest.call_describe(store, &settings).await?;
            Ok(Output::Describe(convert::description_in(answer)?))
        }
        Input::Check(context) => {
            let answer = guest.call_check(store, &context_out(context)).await?.map_err(refused)?;
            Ok(Output::Check(convert::findings_in(answer)))
        }
        Input::Pull { context, pull } => {
            let (kind, cursor) = (pull.kind.to_string(), pull.cursor.as_deref());
            let answer = guest.call_pull(store, &context_out(context), &kind, cursor, pull.overlap_ms).await?;
            Ok(Output::Pull(convert::page_in(pull.kind, answer.map_err(refused)?)?))
        }
        Input::Read { context, kind, remote_ids, certain } => {
            let answer = guest.call_read(store, &context_out(context), &kind.to_string(), remote_ids, *certain).await?;
            Ok(Output::Read(convert::read_in(*kind, remote_ids, answer.map_err(refused)?)?))
        }
        Input::Push { context, writes } => push(guest, store, context, writes).await,
        _ => rest(guest, store, input).await,
    }
}

async fn push(
    guest: &Guest,
    store: &mut Store<HostState>,
    context: &Context,
    writes: &[Write],
) -> Result<Output, Broken> {
    if writes.windows(2).any(|pair| pair[0].kind != pair[1].kind) {
        return Err(CallError::BadInput(Misfit::new("writes", "of more than one kind")).into());
    }
    let asked: Vec<_> = writes.iter().map(convert::write_out).collect();
    let answer = guest.call_push(store, &context_out(context), &asked).await?.map_err(refused)?;
    Ok(Output::Push(convert::outcomes_in(writes, answer)?))
}

async fn ensure(
    exports: &Exports,
    store: &mut Store<HostState>,
    context: &Context,
    target: &Target,
) -> Result<Output, Broken> {
    let Some(pre) = &exports.subscriptions else {
        return Err(CallError::BadInput(Misfit::new("function", "this connector has no subscriptions")).into());
    };
    let instance = pre.instantiate_async(&mut *store).await?;
    let guest = instance.truthsource_connector_subscriptions();
    let answer = guest.call_ensure(store, &context_out(context), &webhook::target_out(target)).await?;
    Ok(Output::Ensure(webhook::standing_in(answer.map_err(refused)?)))
}

async fn sum(exports: &Exports, store: &mut Store<HostState>, input: &Input) -> Result<Output, Broken> {
    let Some(pre) = &exports.digests else {
        return Err(CallError::BadInput(Misfit::new("function", "this connector has no digests")).into());
    };
    let instance = pre.instantiate_async(&mut *store).await?;
    let guest = instance.truthsource_connector_digests();
    match input {
        Input::Tell { context, kind } => {
            let answer = guest.call_tell(store, &context_out(context), &kind.to_string()).await?.map_err(refused)?;
            Ok(Output::Tell(answer.map(told_in).transpose()?))
        }
        Input::Add { context, kind, records } => {
            let (n, records): (_, Vec<_>) = (records.len(), records.iter().map(held_out).collect());
            let answer = guest.call_add(store, &context_out(context), &kind.to_string(), &records).await?;
            Ok(Output::Add(digests_in(n, answer.map_err(refused)?)?))
        }
        _ => Err(not_mine(World::Connector, input)),
    }
}

async fn rest(guest: &Guest, store: &mut Store<HostState>, input: &Input) -> Result<Output, Broken> {
    match input {
        Input::Find { context, kind, command_key } => {
            let answer = guest.call_find(store, &context_out(context), &kind.to_string(), command_key).await?;
            let found = answer.map_err(refused)?.map(|it| convert::state_in(*kind, it)).transpose()?;
            Ok(Output::Find(found))
        }
        Input::Receive { context, webhook } => {
            let webhook = convert::webhook_out(webhook);
            let answer = guest.call_receive(store, &context_out(context), &webhook).await?.map_err(refused)?;
            Ok(Output::Receive(convert::notices_in(answer)?))
        }
        Input::Project { context, kind, records } => {
            let asked = records_out(records);
            let answer = guest.call_project(store, &context_out(context), &kind.to_string(), &asked).await?;
            Ok(Output::Project(convert::projected_in(*kind, records.len(), answer.map_err(refused)?)?))
        }
        _ => Err(not_mine(World::Connector, input)),
    }
}
