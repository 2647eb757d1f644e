//! Components ready to be called: a fresh instance per call, from a prepared import table.

mod connector;
mod mapping;
mod policy;
mod pricing;
mod run;
mod stock;
mod validator;

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

pub use connector::Connector;
pub use mapping::Mapping;
pub use policy::Policy;
pub use pricing::Pricing;
pub use stock::StockRule;
pub use validator::Validator;

use crate::bindings;
use crate::call::CallSetup;
use crate::digest::Digest;
use crate::engine::Runner;
use crate::error::{CallError, Misfit};
use crate::limits::Limits;
use crate::record::{HostAnswer, Input, Output, Recording};
use crate::state::HostState;
use crate::upload::Manifest;
use crate::world::World;

/// A component's typed exports, resolved once: a call only instantiates.
enum Prepared {
    Connector(Box<connector::Exports>),
    Pricing(bindings::pricing::PricingPluginPre<HostState>),
    Stock(bindings::stock::StockPluginPre<HostState>),
    Policy(bindings::policy::PolicyPluginPre<HostState>),
    Validator(bindings::validator::ValidatorPluginPre<HostState>),
    Mapping(bindings::mapping::MappingPluginPre<HostState>),
}

struct Loaded {
    digest: Digest,
    world: World,
    manifest: Manifest,
    limits: Limits,
    runner: Arc<Runner>,
    prepared: Prepared,
}

/// A component, compiled, linked and ready. Cheap to clone; its code is unmapped when the last clone and the last
/// running call are gone, so that a release can be swapped between two calls.
#[derive(Clone)]
pub struct Release {
    loaded: Arc<Loaded>,
}

/// A release was asked to be what it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the component is a {is}, not a {wanted}")]
pub struct WrongWorld {
    /// What it is.
    pub is: World,
    /// What it was to be.
    pub wanted: World,
}

impl Release {
    /// Links `component`. Fails if it imports what its world does not give, or exports another type than its
    /// contract's.
    pub(crate) fn link(
        runner: Arc<Runner>,
        component: &Component,
        identity: (Digest, World, Manifest),
        limits: Limits,
    ) -> wasmtime::Result<Self> {
        let (digest, world, manifest) = identity;
        let linker = linker_for(&runner, world)?;
        let pre = linker.instantiate_pre(component)?;
        let prepared = prepare(world, pre)?;
        Ok(Self { loaded: Arc::new(Loaded { digest, world, manifest, limits, runner, prepared }) })
    }

    /// The component's name: the digest of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.loaded.digest
    }

    /// What it is for.
    #[must_use]
    pub fn world(&self) -> World {
        self.loaded.world
    }

    /// What its author says about it.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// What its calls may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.loaded.limits
    }

    /// The same component under other limits. Shares the code.
    #[must_use]
    pub fn limited(&self, limits: Limits) -> Self {
        let Loaded { digest, world, runner, .. } = &*self.loaded;
        let loaded = Loaded {
            digest: *digest,
            world: *world,
            manifest: self.loaded.manifest.clone(),
            limits,
            runner: runner.clone(),
            prepared: self.loaded.prepared.clone(),
        };
        Self { loaded: Arc::new(loaded) }
    }

    /// Makes one call. The typed handles ([`Pricing`] and the others) are this with plain types.
    pub async fn call(&self, setup: &CallSetup, input: Input) -> (Result<Output, CallError>, Recording) {
        let (end, recording) = run::live(self, setup, input).await;
        self.loaded.runner.tally.note(&end);
        (end, recording)
    }

    /// Makes a call whose host answers come from a recording: nothing leaves the host.
    pub(crate) async fn call_recorded(
        &self,
        setup: &CallSetup,
        input: Input,
        answers: Vec<HostAnswer>,
    ) -> (Result<Output, CallError>, Recording) {
        run::recorded(self, setup, input, answers).await
    }

    fn expect(self, wanted: World) -> Result<Self, WrongWorld> {
        let is = self.world();
        if is == wanted { Ok(self) } else { Err(WrongWorld { is, wanted }) }
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        match self {
            Self::Connector(it) => Self::Connector(it.clone()),
            Self::Pricing(pre) => Self::Pricing(pre.clone()),
            Self::Stock(pre) => Self::Stock(pre.clone()),
            Self::Policy(pre) => Self::Policy(pre.clone()),
            Self::Validator(pre) => Self::Validator(pre.clone()),
            Self::Mapping(pre) => Self::Mapping(pre.clone()),
        }
    }
}

impl Prepared {
    async fn invoke(&self, store: &mut Store<HostState>, input: &Input) -> Result<Output, Broken> {
        match self {
            Self::Connector(it) => connector::invoke(it, store, input).await,
            Self::Pricing(pre) => pricing::invoke(pre, store, input).await,
            Self::Stock(pre) => stock::invoke(pre, store, input).await,
            Self::Policy(pre) => policy::invoke(pre, store, input).await,
            Self::Validator(pre) => validator::invoke(pre, store, input).await,
            Self::Mapping(pre) => mapping::invoke(pre, store, input).await,
        }
    }
}

/// How an invocation ended badly, before it is known what that means.
enum Broken {
    /// wasmtime's error: a trap, a limit, or a host function's refusal.
    Engine(wasmtime::Error),
    /// One of ours already.
    Call(CallError),
}

impl From<wasmtime::Error> for Broken {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<CallError> for Broken {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Misfit> for Broken {
    fn from(misfit: Misfit) -> Self {
        Self::Call(CallError::BadOutput(misfit))
    }
}

/// The input is of another world: the caller mixed up releases.
fn not_mine(world: World, input: &Input) -> Broken {
    Broken::Call(CallError::BadInput(Misfit::new("function", format!("a {world} has no `{}`", input.function()))))
}

/// What a component of `world` may import, and nothing more.
fn linker_for(runner: &Runner, world: World) -> wasmtime::Result<Linker<HostState>> {
    use bindings::connector::truthsource as ts;
    let mut linker = Linker::new(&runner.engine);
    crate::wasi::link(&mut linker)?;
    ts::types::records::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    ts::log::logger::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    if world == World::Connector {
        ts::connector::powers::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
        ts::connector::data::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
        ts::http::client::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
        ts::kv::store::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    }
    Ok(linker)
}

fn prepare(world: World, pre: InstancePre<HostState>) -> wasmtime::Result<Prepared> {
    Ok(match world {
        World::Connector => Prepared::Connector(Box::new(connector::Exports::resolve(pre)?)),
        World::PricingRule => Prepared::Pricing(bindings::pricing::PricingPluginPre::new(pre)?),
        World::StockRule => Prepared::Stock(bindings::stock::StockPluginPre::new(pre)?),
        World::ConflictPolicy => Prepared::Policy(bindings::policy::PolicyPluginPre::new(pre)?),
        World::Validator => Prepared::Validator(bindings::validator::ValidatorPluginPre::new(pre)?),
        World::Mapping => Prepared::Mapping(bindings::mapping::MappingPluginPre::new(pre)?),
    })
}

/// `invoke` answers with the variant of its question; were it not so, it would be our bug.
fn other_answer() -> CallError {
    CallError::Host { reason: "the answer is of another function".to_owned() }
}
