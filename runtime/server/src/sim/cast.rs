//! The components of every run: the shipped ones, compiled once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use truthsource_core::Kind;
use truthsource_host::{
    Allowance, Compiler, Compiling, Connector, Host, HostConfig, Limits, Mapping, Policy, Release, SealKey, Tenant,
    Validator,
};

use super::setup::{Setup, validated};
use crate::demo::setup::Components;
use crate::demo::world::Product;

/// Policies by their slot.
const POLICIES: [(&str, &str); 7] = [
    ("conflict:owner", "owner-wins"),
    ("conflict:newest", "newest-wins"),
    ("conflict:rank", "rank"),
    ("conflict:stock", "stock-delta"),
    ("conflict:status", "status-lattice"),
    ("conflict:hold", "manual-hold"),
    ("conflict:union", "set-union"),
];

/// How long a call may take by the clock of this machine.
const WALL_MS_MAX: u64 = 600_000;

/// Components, ready to be called in any number of runs.
pub struct Cast {
    /// What runs them; its threads end with it.
    host: Host,
    _compiled: tempfile::TempDir,
    /// Connectors.
    pub connectors: BTreeMap<Product, Connector>,
    /// Conflict policies, by slot, with their names.
    pub policies: BTreeMap<String, (Policy, String)>,
    /// Mappings, by the product that they stand before.
    pub mappings: BTreeMap<Product, Mapping>,
    /// Validators, by what they look at.
    pub validators: BTreeMap<Kind, Validator>,
    /// What of the tenant is its own.
    pub setup: Setup,
}

impl Cast {
    /// Compiles what these systems need. `program` is ours: it compiles components in a process of its own.
    ///
    /// # Errors
    /// When a component is not there or not taken.
    pub async fn load(components: &Components, program: PathBuf, products: &[Product]) -> anyhow::Result<Self> {
        Self::of(components, program, (products, Setup::default())).await
    }

    /// Compiles what these systems need, and what a tenant has of its own.
    ///
    /// # Errors
    /// When a component is not there, not taken, or none of what it is to be.
    pub async fn of(
        components: &Components,
        program: PathBuf,
        (products, setup): (&[Product], Setup),
    ) -> anyhow::Result<Self> {
        let (host, compiled) = host(program)?;
        let mut cast = Self::empty(host, compiled);
        for product in products {
            let link = setup.link(*product);
            let own = link.and_then(|it| it.component.as_ref());
            let connector = match own {
                Some(path) => cast.accept_own(path).await?,
                None => cast.accept(&components.read(product.as_str())?).await?,
            };
            let connector = Connector::try_from(connector).with_context(|| format!("the connector of {product}"))?;
            cast.connectors.insert(*product, connector);
            if let Some(path) = link.and_then(|it| it.mapping.as_ref()) {
                let release = cast.accept_own(path).await?;
                let mapping = Mapping::try_from(release).with_context(|| format!("the mapping of {product}"))?;
                cast.mappings.insert(*product, mapping);
            }
        }
        for (slot, name) in POLICIES {
            let release = cast.accept(&components.read(name)?).await?;
            cast.decides(slot, release)?;
        }
        for (slot, path) in &setup.slots {
            let release = cast.accept_own(path).await?;
            match validated(slot) {
                Some(kind) => {
                    let validator = Validator::try_from(release).with_context(|| format!("slot `{slot}`"))?;
                    cast.validators.insert(kind, validator);
                }
                None => cast.decides(slot, release)?,
            }
        }
        Ok(Self { setup, ..cast })
    }

    fn empty(host: Host, compiled: tempfile::TempDir) -> Self {
        let (connectors, policies, mappings, validators, setup) = Default::default();
        Self { host, _compiled: compiled, connectors, policies, mappings, validators, setup }
    }

    async fn accept(&self, bytes: &[u8]) -> anyhow::Result<Release> {
        let release = self.host.accept(&Tenant::new("sim"), bytes, &Allowance::USUAL).await?;
        // How busy this machine is must decide nothing.
        Ok(release.limited(Limits { wall_ms_max: WALL_MS_MAX, cpu_ms_max: WALL_MS_MAX, ..*release.limits() }))
    }

    async fn accept_own(&self, path: &Path) -> anyhow::Result<Release> {
        let named = || format!("the component {}", path.display());
        let bytes = std::fs::read(path).with_context(named)?;
        self.accept(&bytes).await.with_context(named)
    }

    /// From now on this is the policy in a slot.
    fn decides(&mut self, slot: &str, release: Release) -> anyhow::Result<()> {
        let named = format!("{slot}@{}", release.digest());
        let policy = Policy::try_from(release).with_context(|| format!("slot `{slot}`"))?;
        self.policies.insert(slot.to_owned(), (policy, named));
        Ok(())
    }

    /// One component that somebody made, whatever it may be, which may compute for so long in a call and wait for as long again.
    ///
    /// # Errors
    /// When it is not taken, as an upload would not be.
    pub async fn of_one(bytes: &[u8], program: PathBuf, cpu_ms_max: u64) -> anyhow::Result<(Self, Release)> {
        let (host, compiled) = host(program)?;
        let release = host.accept(&Tenant::new("sim"), bytes, &Allowance::USUAL).await?;
        let limits = Limits { wall_ms_max: 2 * cpu_ms_max, cpu_ms_max, ..*release.limits() };
        let cast = Self::empty(host, compiled);
        Ok((cast, release.limited(limits)))
    }
}

/// What runs components, and where it keeps their code.
fn host(program: PathBuf) -> anyhow::Result<(Host, tempfile::TempDir)> {
    let compiled = tempfile::tempdir()?;
    let compiler = Compiler { program, args: vec!["compile-child".to_owned()] };
    let config = HostConfig::new(compiled.path().to_owned(), SealKey::new([7; 32]), Compiling::Child(compiler));
    Ok((Host::start(config)?, compiled))
}
