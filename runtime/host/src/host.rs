//! The whole of it: engines, cache and compiler, behind two functions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::Component;

use crate::cache::{Cache, Entry, Found, SealKey};
use crate::engine::{self, Concurrency, Runner};
use crate::limits::Limits;
use crate::release::Release;
use crate::upload::{CompileLimits, Compiler, Inspected, UploadError, UploadLimits, inspect, smoke};
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
    /// Calls of rules at once.
    pub rules: Concurrency,
    /// Calls of connectors at once.
    pub connectors: Concurrency,
}

impl HostConfig {
    /// The usual numbers.
    #[must_use]
    pub fn new(cache_dir: PathBuf, seal_key: SealKey, compiling: Compiling) -> Self {
        Self { cache_dir, seal_key, compiling, rules: Concurrency::RULES, connectors: Concurrency::CONNECTORS }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Places for calls that are free right now.
    pub free: usize,
}

/// Runs components. One per process: each engine's pool reserves much address space.
pub struct Host {
    rules: Arc<Runner>,
    connectors: Arc<Runner>,
    cache: Arc<Cache>,
    compiling: Compiling,
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
        })
    }

    /// Takes in a stranger's bytes: inspects, compiles, links, and makes a first call. Nothing is active afterwards;
    /// the same bytes again give the same release.
    ///
    /// # Errors
    /// Why the upload is refused.
    pub async fn accept(&self, bytes: &[u8], allowance: &Allowance) -> Result<Release, UploadError> {
        let release = self.load(bytes, allowance).await?;
        smoke(&release).await?;
        Ok(release)
    }

    /// Makes a component that was accepted before ready to be called, from the cache if it is there. Checks the bytes
    /// again: what is stored may be older than the rules.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub async fn load(&self, bytes: &[u8], allowance: &Allowance) -> Result<Release, UploadError> {
        // Reading eight megabytes of code takes a tenth of a second: not on a thread that others wait for.
        let (whole, limits) = (bytes.to_vec(), allowance.upload);
        let Inspected { digest, world, manifest, .. } = blocking(move || inspect(&whole, &limits)).await??;
        let runner = self.runner(world.engine()).clone();
        let entry = Entry { component: digest, engine: runner.fingerprint, world };
        let component = self.component(&runner, entry, bytes, &allowance.compile).await?;
        let limits = allowance.limits.unwrap_or_else(|| world.limits());
        Release::link(runner, &component, (digest, world, manifest), limits)
            .map_err(|error| UploadError::DoesNotLink { reason: format!("{error:#}").chars().take(2_000).collect() })
    }

    /// How busy an engine is, for metrics and for shedding load.
    #[must_use]
    pub fn load_of(&self, engine: EngineKind) -> Load {
        Load { free: self.runner(engine).places.free() }
    }

    fn runner(&self, kind: EngineKind) -> &Arc<Runner> {
        match kind {
            EngineKind::Rules => &self.rules,
            EngineKind::Connectors => &self.connectors,
        }
    }

    async fn component(
        &self,
        runner: &Arc<Runner>,
        entry: Entry,
        bytes: &[u8],
        limits: &CompileLimits,
    ) -> Result<Component, UploadError> {
        if let Found::Ready(component) = self.cached(runner, entry).await? {
            return Ok(component);
        }
        let draft = self.cache.draft(&entry);
        let compiled = self.compile(entry.world.engine(), bytes, &draft, limits).await;
        if let Err(error) = compiled {
            let _ = tokio::fs::remove_file(&draft).await;
            let _ = tokio::fs::remove_file(draft.with_extension("refused")).await;
            return Err(error);
        }
        let cache = self.cache.clone();
        blocking(move || cache.store(&entry, &draft)).await?.map_err(|error| failed(&error))?;
        match self.cached(runner, entry).await? {
            Found::Ready(component) => Ok(component),
            Found::Nothing | Found::Broken => Err(failed(&"the compiled component is gone again")),
        }
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

    async fn compile(
        &self,
        kind: EngineKind,
        bytes: &[u8],
        out: &Path,
        limits: &CompileLimits,
    ) -> Result<(), UploadError> {
        if let Compiling::Child(compiler) = &self.compiling {
            return compiler.compile(kind, bytes, out, limits).await;
        }
        let (bytes, out) = (bytes.to_vec(), out.to_owned());
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
mod tests {
    use super::*;
    use crate::testing::{basket, component, pricing, setup};
    use std::time::Duration;

    const EMPTY: &str = r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
        (i64.store (i32.const 1024) (i64.const 0)) (i32.store offset=8 (i32.const 1024) (i32.const 0))
        (i32.const 1024))"#;

    fn host(dir: &Path, key: u8) -> Host {
        let few = Concurrency { calls_max: 1, calls_per_tenant_max: 1, wait: Duration::from_secs(5) };
        let config = HostConfig::new(dir.to_owned(), SealKey::new([key; 32]), Compiling::InProcess);
        Host::start(HostConfig { rules: few, connectors: few, ..config }).unwrap()
    }

    fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
        let all = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
        all.filter(|it| it.extension().is_some_and(|it| it == extension)).collect()
    }

    async fn works(release: Release) -> bool {
        crate::release::Pricing::try_from(release).unwrap().price(&setup(), basket(0)).await.0 == Ok(vec![])
    }

    #[tokio::test]
    async fn u7_the_same_upload_again_is_the_same_release() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), 1);
        let bytes = component(&pricing(EMPTY));
        let first = host.accept(&bytes, &Allowance::USUAL).await.unwrap();
        let second = host.accept(&bytes, &Allowance::USUAL).await.unwrap();
        assert_eq!(first.digest(), second.digest());
        assert_eq!((files(dir.path(), "cwasm").len(), files(dir.path(), "draft").len()), (1, 0));
    }

    #[tokio::test]
    async fn tampered_code_is_compiled_again_instead_of_run() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), 1);
        let bytes = component(&pricing(EMPTY));
        host.load(&bytes, &Allowance::USUAL).await.unwrap();
        let path = files(dir.path(), "cwasm").remove(0);
        let honest = std::fs::read(&path).unwrap();
        for at in [0, honest.len() / 2, honest.len() - 1] {
            let mut tampered = honest.clone();
            tampered[at] ^= 1;
            std::fs::write(&path, &tampered).unwrap();
            assert!(works(host.load(&bytes, &Allowance::USUAL).await.unwrap()).await);
            assert_ne!(std::fs::read(&path).unwrap(), tampered);
        }
        // Without its seal it is nothing, either.
        std::fs::remove_file(files(dir.path(), "seal").remove(0)).unwrap();
        assert!(works(host.load(&bytes, &Allowance::USUAL).await.unwrap()).await);
    }

    #[tokio::test]
    async fn code_of_another_component_or_key_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = component(&pricing(EMPTY));
        let entry = |host: &Host, bytes: &[u8]| Entry {
            component: crate::digest::Digest::of(bytes),
            engine: host.rules.fingerprint,
            world: crate::world::World::PricingRule,
        };
        let host_a = host(dir.path(), 1);
        host_a.load(&bytes, &Allowance::USUAL).await.unwrap();
        assert!(matches!(host_a.cached(&host_a.rules, entry(&host_a, &bytes)).await, Ok(Found::Ready(_))));
        let host_b = host(dir.path(), 2);
        assert!(matches!(host_b.cached(&host_b.rules, entry(&host_b, &bytes)).await, Ok(Found::Broken)));
        // A broken entry was removed, and is nothing from then on.
        assert!(matches!(host_a.cached(&host_a.rules, entry(&host_a, &bytes)).await, Ok(Found::Nothing)));
    }
}
