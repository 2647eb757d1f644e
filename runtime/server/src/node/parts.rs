//! What a node is made of, opened in its data directory.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::rand;
use truthsource_core::UnixMs;
use truthsource_host::signing::Ambient;
use truthsource_host::{Compiler, Compiling, Host, HostConfig, SealKey};

use super::Ground;
use crate::app::{App, Plugins as _, TenantHandle, Tenants, Vault};
use crate::auth::mint;
use crate::config::{Config, Trust};
use crate::engine::ports::Clock;
use crate::plugins::{Blobs, Parts, Service};
use crate::store;
use crate::store::control::ControlStore;
use crate::vault::{FileVault, KEY_FILE};

/// The file that holds the key that seals compiled components.
const SEAL_FILE: &str = "seal.key";

/// A node's parts.
pub(super) struct Opened {
    pub app: App,
    pub service: Arc<Service>,
}

/// Opens stores, vault and components.
pub(super) async fn open(
    config: &Config,
    Ground { clock, program }: Ground,
    public_url: Option<String>,
) -> anyhow::Result<Opened> {
    let dir = &config.data_dir;
    let stores = store::open(dir).await?;
    let vault: Arc<dyn Vault> = Arc::new(FileVault::open(dir, &dir.join(KEY_FILE))?);
    let compiling = Compiling::Child(Compiler { program, args: vec!["compile-child".to_owned()] });
    let host = Arc::new(Host::start(HostConfig::new(dir.join("compiled"), seal_key(dir)?, compiling))?);
    let service = Arc::new(Service::new(Parts {
        host: host.clone(),
        blobs: Blobs::open(&dir.join("components"))?,
        vault: vault.clone(),
        clock: clock.clone(),
        ambient: Arc::new(MachineAmbient { clock: clock.clone() }),
        allowed: config.egress.allow.clone(),
        public_url,
        believes: config.plugins.trust == Trust::Declared,
        transport: None,
    }));
    let tenants = Arc::new(Tenants::default());
    for tenant in stores.tenants().await? {
        let store = stores.open(tenant.id).await?;
        tenants.add(TenantHandle::new(tenant, store));
    }
    // Of one that was ended just before the last process was, components may be left: all that nobody has go at once.
    if let Some((ended, _)) = stores.ended().await?.pop_last() {
        service.erase(ended, &tenants).await?;
    }
    let control = Arc::new(stores);
    let plugins = service.clone();
    let app = App { clock, control, tenants, plugins, vault, engines: host, roster: Arc::default() };
    Ok(Opened { app, service })
}

/// The key that seals compiled components, made at the first start.
fn seal_key(dir: &Path) -> anyhow::Result<SealKey> {
    let path = dir.join(SEAL_FILE);
    if !path.exists() {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        rand::fill(&mut *key).map_err(|_| anyhow::anyhow!("the machine gives no randomness"))?;
        mint::write_private(&path, &*key).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let key =
        <[u8; 32]>::try_from(bytes).map_err(|_| anyhow::anyhow!("{} is not a key of 32 bytes", path.display()))?;
    Ok(SealKey::new(key))
}

/// Clock and randomness for signatures.
struct MachineAmbient {
    clock: Arc<dyn Clock>,
}

impl Ambient for MachineAmbient {
    fn now(&self) -> UnixMs {
        self.clock.now()
    }

    fn nonce(&self) -> u128 {
        let mut bytes = [0; 16];
        if rand::fill(&mut bytes).is_err() {
            // A nonce that might repeat is worse than no node.
            std::process::abort();
        }
        u128::from_le_bytes(bytes)
    }
}
