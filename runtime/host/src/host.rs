//! The whole of it: engines, cache and compiler, behind two functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::Component;

use crate::cache::{Cache, Entry, Found, SealKey};
use crate::call::Tenant;
use crate::engine::{self, Concurrency, Runner};
use crate::limits::Limits;
use crate::release::Release;
use crate::upload::{
    Cause, CompileLimits, CompileQueue, Compiler, Inspected, Turns, UploadError, UploadLimits, inspect, smoke,
};
use crate::world::EngineKind;

/// Where compilation happens.
#[derive(Debug, Clone)]
pub enum Compiling {
    /// In a child process with limits of its own: for everything that strangers upload.
    Child(Compiler),
    /// Here: for components of our own (tests, simulations, shipped plugins), which are no bombs.
    InProcess,
}

/// What a [`Host`] is made of.
#[derive(Clone)]
pub struct HostConfig {
    /// Where compiled components are kept; made if need be, for this user alone.
    pub cache_dir: PathBuf,
    /// Seals them.
    pub seal_key: SealKey,
    /// Where compilation happens.
    pub compiling: Compiling,
    /// How compilations wait for each other.
    pub queue: CompileQueue,
    /// Calls of rules at once.
    pub rules: Concurrency,
    /// Calls of connectors at once.
    pub connectors: Concurrency,
}

impl HostConfig {
    /// The usual numbers.
    #[must_use]
    pub fn new(cache_dir: PathBuf, seal_key: SealKey, compiling: Compiling) -> Self {
        let (rules, connectors) = (Concurrency::RULES, Concurrency::CONNECTORS);
        Self { cache_dir, seal_key, compiling, queue: CompileQueue::USUAL, rules, connectors }
    }
}

/// What a tenant's components may be and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// What an upload may look like.
    pub upload: UploadLimits,
    /// What compiling it may cost.
    pub compile: CompileLimits,
    /// What its calls may use; `None` for what its world gives.
    pub limits: Option<Limits>,
}

impl Allowance {
    /// What a tenant has without a grant.
    pub const USUAL: Self = Self { upload: UploadLimits::USUAL, compile: CompileLimits::USUAL, limits: None };
}

/// The host could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An engine was refused: no room for the pool's address space, or a processor wasmtime does not know.
    #[error("the {0:?} engine does not start")]
    Engine(EngineKind, #[source] wasmtime::Error),
    /// The cache directory cannot be used.
    #[error("the cache directory cannot be used")]
    Cache(#[source] std::io::Error),
}

/// How busy an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Places for calls that are free right now.
    pub free: usize,
    /// Calls since the host started, first calls of uploads included, by how they ended: `ok`, or the
    /// [`CallError::code`](crate::CallError::code). Their number is bounded.
    pub calls: BTreeMap<&'static str, u64>,
}

/// A component that is to be made ready.
struct Wanted<'a> {
    tenant: &'a Tenant,
    cause: Cause,
    bytes: &'a [u8],
    allowance: &'a Allowance,
}

/// Runs components. One per process: each engine's pool reserves much address space.
pub struct Host {
    rules: Arc<Runner>,
    connectors: Arc<Runner>,
    cache: Arc<Cache>,
    compiling: Compiling,
    turns: Turns,
}

impl Host {
    /// Starts both engines.
    ///
    /// # Errors
    /// Why the host cannot start. The operator has to act.
    pub fn start(config: HostConfig) -> Result<Self, StartError> {
        let runner = |kind, concurrency| {
            Runner::new(kind, concurrency).map(Arc::new).map_err(|error| StartError::Engine(kind, error))
        };
        Ok(Self {
            rules: runner(EngineKind::Rules, config.rules)?,
            connectors: runner(EngineKind::Connectors, config.connectors)?,
            cache: Arc::new(Cache::open(&config.cache_dir, config.seal_key).map_err(StartError::Cache)?),
            compiling: config.compiling,
            turns: Turns::new(config.queue),
        })
    }

    /// Takes in a stranger's bytes for `tenant`: inspects, compiles, links, and makes a first call. Nothing is active
    /// afterwards; the same bytes again give the same release, without a wait.
    ///
    /// # Errors
    /// Why the upload is refused; [`UploadError::Busy`] when too much is being compiled.
    pub async fn accept(&self, tenant: &Tenant, bytes: &[u8], allowance: &Allowance) -> Result<Release, UploadError> {
        let release = self.ready(&Wanted { tenant, cause: Cause::Upload, bytes, allowance }).await?;
        smoke(tenant, &release).await?;
        Ok(release)
    }

    /// Makes a component that was accepted before ready to be called, from the cache if it is there. Checks the bytes
    /// again: what is stored may be older than the rules.
    ///
    /// # Errors
    /// Why it cannot be loaded; [`UploadError::Busy`] when it had to be compiled and its turn did not come.
    pub async fn load(&self, tenant: &Tenant, bytes: &[u8], allowance: &Allowance) -> Result<Release, UploadError> {
        self.ready(&Wanted { tenant, cause: Cause::Load, bytes, allowance }).await
    }

    /// Removes what was compiled of any component but these, by their digests. Releases that are loaded go on.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn keep_only(&self, components: &BTreeSet<String>) -> std::io::Result<()> {
        self.cache.retain(components)
    }

    /// How busy an engine is, for metrics and for shedding load.
    #[must_use]
    pub fn load_of(&self, engine: EngineKind) -> Load {
        let runner = self.runner(engine);
        Load { free: runner.places.free(), calls: runner.tally.counts() }
    }

    fn runner(&self, kind: EngineKind) -> &Arc<Runner> {
        match kind {
            EngineKind::Rules => &self.rules,
            EngineKind::Connectors => &self.connectors,
        }
    }

    async fn ready(&self, wanted: &Wanted<'_>) -> Result<Release, UploadError> {
        // Reading eight megabytes of code takes a tenth of a second: not on a thread that others wait for.
        let (whole, limits) = (wanted.bytes.to_vec(), wanted.allowance.upload);
        let Inspected { digest, world, manifest, .. } = blocking(move || inspect(&whole, &limits)).await??;
        let runner = self.runner(world.engine()).clone();
        let entry = Entry { component: digest, engine: runner.fingerprint, world };
        let component = self.component(&runner, entry, wanted).await?;
        let limits = wanted.allowance.limits.unwrap_or_else(|| world.limits());
        Release::link(runner, &component, (digest, world, manifest), limits)
            .map_err(|error| UploadError::DoesNotLink { reason: format!("{error:#}").chars().take(2_000).collect() })
    }

    async fn component(
        &self,
        runner: &Arc<Runner>,
        entry: Entry,
        wanted: &Wanted<'_>,
    ) -> Result<Component, UploadError> {
        if let Found::Ready(component) = self.cached(runner, entry).await? {
            return Ok(component);
        }
        let _turn = self.turns.take(wanted.tenant, wanted.cause).await?;
        // Whoever had the turn before may have had the same bytes.
        if let Found::Ready(component) = self.cached(runner, entry).await? {
            return Ok(component);
        }
        self.fill_cache(entry, wanted).await?;
        match self.cached(runner, entry).await? {
            Found::Ready(component) => Ok(component),
            Found::Nothing | Found::Broken => Err(failed(&"the compiled component is gone again")),
        }
    }

    async fn fill_cache(&self, entry: Entry, wanted: &Wanted<'_>) -> Result<(), UploadError> {
        let draft = self.cache.draft(&entry);
        let compiled = self.compile(entry.world.engine(), wanted, &draft).await;
        if let Err(error) = compiled {
            let _ = tokio::fs::remove_file(&draft).await;
            let _ = tokio::fs::remove_file(draft.with_extension("refused")).await;
            return Err(error);
        }
        let cache = self.cache.clone();
        blocking(move || cache.store(&entry, &draft)).await?.map_err(|error| failed(&error))
    }

    async fn cached(&self, runner: &Arc<Runner>, entry: Entry) -> Result<Found, UploadError> {
        let (cache, runner) = (self.cache.clone(), runner.clone());
        let loaded = blocking(move || cache.load(&entry, &runner.engine)).await?;
        loaded.map_err(|error| {
            let reason = format!("{error:#}");
            // Sealed code of ours that does not load is either too large for a place in the pool, or our trouble.
            if reason.contains("pooling allocator") { UploadError::DoesNotLink { reason } } else { failed(&reason) }
        })
    }

    async fn compile(&self, kind: EngineKind, wanted: &Wanted<'_>, out: &Path) -> Result<(), UploadError> {
        if let Compiling::Child(compiler) = &self.compiling {
            return compiler.compile(kind, wanted.bytes, out, &wanted.allowance.compile).await;
        }
        let (bytes, out) = (wanted.bytes.to_vec(), out.to_owned());
        let compiled = blocking(move || -> Result<Vec<u8>, wasmtime::Error> {
            engine::compiling(kind)?.precompile_component(&bytes)
        });
        let code = compiled.await?.map_err(|error| UploadError::DoesNotCompile { reason: format!("{error:#}") })?;
        tokio::fs::write(out, code).await.map_err(|error| failed(&error))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, UploadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
}

fn failed(reason: &dyn std::fmt::Display) -> UploadError {
    UploadError::Host { reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
