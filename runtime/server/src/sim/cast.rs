//! The components of every run: the shipped ones, compiled once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use truthsource_host::{
    Allowance, Compiler, Compiling, Connector, Host, HostConfig, Limits, Policy, Release, SealKey, Tenant,
};

use crate::demo::setup::Components;
use crate::demo::world::Product;

/// Policies by their slot.
const POLICIES: [(&str, &str); 5] = [
    ("conflict:owner", "owner-wins"),
    ("conflict:newest", "newest-wins"),
    ("conflict:rank", "rank"),
    ("conflict:stock", "stock-delta"),
    ("conflict:status", "status-lattice"),
];

/// How long a call may take by the clock of this machine.
const WALL_MS_MAX: u64 = 600_000;

/// Components, ready to be called in any number of runs.
pub struct Cast {
    /// What runs them; its threads end with it.
    _host: Host,
    _compiled: tempfile::TempDir,
    /// Connectors.
    pub connectors: BTreeMap<Product, Connector>,
    /// Conflict policies, by slot, with their names.
    pub policies: BTreeMap<String, (Policy, String)>,
}

impl Cast {
    /// Compiles what these systems need. `program` is ours: it compiles components in a process of its own.
    ///
    /// # Errors
    /// When a component is not there or not taken.
    pub async fn load(components: &Components, program: PathBuf, products: &[Product]) -> anyhow::Result<Self> {
        let (host, compiled) = host(program)?;
        let accept = async |name: &str| -> anyhow::Result<Release> {
            let release = host.accept(&Tenant::new("sim"), &components.read(name)?, &Allowance::USUAL).await?;
            // How busy this machine is must decide nothing.
            Ok(release.limited(Limits { wall_ms_max: WALL_MS_MAX, cpu_ms_max: WALL_MS_MAX, ..*release.limits() }))
        };
        let (mut connectors, mut policies) = (BTreeMap::new(), BTreeMap::new());
        for product in products {
            connectors.insert(*product, Connector::try_from(accept(product.as_str()).await?)?);
        }
        for (slot, name) in POLICIES {
            let release = accept(name).await?;
            let named = format!("{slot}@{}", release.digest());
            policies.insert(slot.to_owned(), (Policy::try_from(release)?, named));
        }
        Ok(Self { _host: host, _compiled: compiled, connectors, policies })
    }

    /// One component that somebody made, whatever it may be, which may compute for so long in a call and wait for as long again.
    ///
    /// # Errors
    /// When it is not taken, as an upload would not be.
    pub async fn of_one(bytes: &[u8], program: PathBuf, cpu_ms_max: u64) -> anyhow::Result<(Self, Release)> {
        let (host, compiled) = host(program)?;
        let release = host.accept(&Tenant::new("sim"), bytes, &Allowance::USUAL).await?;
        let limits = Limits { wall_ms_max: 2 * cpu_ms_max, cpu_ms_max, ..*release.limits() };
        let cast = Self { _host: host, _compiled: compiled, connectors: BTreeMap::new(), policies: BTreeMap::new() };
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
