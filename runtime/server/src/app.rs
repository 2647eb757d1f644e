//! What every door of the server reaches: the parts of a running node, as seams.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use truthsource_core::UnixMs;
use truthsource_host::host::Load;
use truthsource_host::model::{Basket, Finding, Priced, WebhookScheme};
use truthsource_host::{EngineKind, Host};

use crate::certificate::Certificate;
use crate::engine::compare::Disagreement;
use crate::engine::forecast::Account;
use crate::engine::ports::{Clock, Guests};
use crate::store::control::{ControlStore, Tenant, TenantId};
use crate::store::{Connection, Release, Slot, TenantStore};
use crate::work::Roster;

/// A running node. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Tenants, keys, idempotency.
    pub control: Arc<dyn ControlStore>,
    /// The tenants that are open, by name.
    pub tenants: Arc<Tenants>,
    /// Uploads, activations and calls from outside.
    pub plugins: Arc<dyn Plugins>,
    /// Secrets at rest.
    pub vault: Arc<dyn Vault>,
    /// What runs components.
    pub engines: Arc<dyn Engines>,
    /// Which workers are at work.
    pub roster: Arc<Roster>,
}

/// Tenants with their stores open: filled at start and when a tenant is made, until it is ended.
#[derive(Default)]
pub struct Tenants {
    open: RwLock<BTreeMap<String, Arc<TenantHandle>>>,
    /// Removed, and not taken away yet.
    removed: Mutex<Vec<TenantId>>,
    changed: Notify,
}

/// A tenant, open. Cheap to clone.
#[derive(Clone)]
pub struct TenantHandle {
    /// Who.
    pub tenant: Tenant,
    /// Its data.
    pub store: Arc<dyn TenantStore>,
    /// Wakes the tenant's workers: something was committed that they should look at.
    pub wake: Arc<Notify>,
    /// What its webhooks are verified by.
    pub hooks: Arc<Revision>,
}

impl TenantHandle {
    /// A tenant that was just opened.
    #[must_use]
    pub fn new(tenant: Tenant, store: Arc<dyn TenantStore>) -> Self {
        Self { tenant, store, wake: Arc::default(), hooks: Arc::default() }
    }
}

/// How often something changed: who keeps what was made of it compares.
#[derive(Debug, Default)]
pub struct Revision(AtomicU64);

impl Revision {
    /// It changed.
    pub fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Tenants {
    /// The open tenant of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<TenantHandle>> {
        self.read().get(name).cloned()
    }

    /// The open tenant of this number.
    #[must_use]
    pub fn by_id(&self, id: TenantId) -> Option<Arc<TenantHandle>> {
        self.read().values().find(|it| it.tenant.id == id).cloned()
    }

    /// Every open tenant, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<TenantHandle>> {
        self.read().values().cloned().collect()
    }

    /// Adds an open tenant.
    pub fn add(&self, handle: TenantHandle) -> Arc<TenantHandle> {
        let handle = Arc::new(handle);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(handle.tenant.name.clone(), handle.clone());
        self.changed.notify_one();
        handle
    }

    /// Nobody finds this tenant here any more. Those who found it before go on until they end.
    pub fn remove(&self, tenant: TenantId) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).retain(|_, it| it.tenant.id != tenant);
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).push(tenant);
        self.changed.notify_one();
    }

    /// The tenants that were removed since the last call.
    #[must_use]
    pub fn take_removed(&self) -> Vec<TenantId> {
        std::mem::take(&mut *self.removed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once a tenant was added or removed since the last call: whoever runs the tenants' workers waits here.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<TenantHandle>>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an upload, an activation or a call from outside was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A stable name: `too-large`, `core-module`, `native-code`, `import-not-granted`, `compile-limit`, `out-of-fuel`, …
    pub code: String,
    /// What, where, and what to do.
    pub message: String,
    /// The HTTP status that says it best: 404, 409, 413, 422, 429, 503.
    pub status: u16,
}

/// A price with what it takes to explain it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quote {
    /// One per line, in order.
    pub lines: Vec<Priced>,
    /// The receipt.
    pub receipt: Receipt,
}

/// What a call was, so that it can be repeated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// The slot.
    pub slot: String,
    /// The release that answered.
    pub release: u64,
    /// The component's sha256, hex.
    pub digest: String,
    /// sha256 of the input, hex.
    pub input_sha256: String,
    /// Fuel used.
    pub fuel: u64,
}

/// Components as the doors see them.
#[async_trait]
pub trait Plugins: Send + Sync {
    /// Checks, compiles and stages a component. The same bytes twice are one release.
    async fn upload(&self, tenant: &TenantHandle, slot: &str, component: Bytes) -> Result<Release, Refusal>;
    /// Keeps a certificate of a release's component, in the place of the one for the same system. The engine goes by it
    /// from its next turn on.
    async fn certify(
        &self,
        tenant: &TenantHandle,
        release: (&str, u64),
        certificate: &[u8],
    ) -> Result<Certificate, Refusal>;
    /// The certificates of a component, by its digest.
    async fn certificates(&self, tenant: &TenantHandle, digest: &str) -> Result<Arc<Vec<Certificate>>, Refusal>;
    /// Lets a staged or retired release answer the slot's calls. Calls that run go on with the release they began with.
    async fn activate(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Slot, Refusal>;
    /// Lets the release that answered before answer again.
    async fn rollback(&self, tenant: &TenantHandle, slot: &str) -> Result<Slot, Refusal>;
    /// Empties a slot.
    async fn vacate(&self, tenant: &TenantHandle, slot: &str) -> Result<Slot, Refusal>;
    /// Has a release of a policy asked from now on what the active one is asked. It decides nothing.
    async fn compare(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Rivalry, Refusal>;
    /// What was seen of the release that is compared with the active one.
    fn rivalry(&self, tenant: &TenantHandle, slot: &str) -> Option<Rivalry>;
    /// It is asked no more.
    fn compare_no_more(&self, tenant: &TenantHandle, slot: &str) -> Option<Rivalry>;
    /// Prices a basket with the rule in `slot`.
    async fn price(&self, tenant: &TenantHandle, slot: &str, basket: Basket) -> Result<Quote, Refusal>;
    /// Runs a connection's check.
    async fn check(&self, tenant: &TenantHandle, connection: &Connection) -> Result<Vec<Finding>, Refusal>;
    /// How the connection's webhooks are verified; `None` if its system sends none.
    async fn webhook_scheme(
        &self,
        tenant: &TenantHandle,
        connection: &Connection,
    ) -> Result<Option<WebhookScheme>, Refusal>;
    /// The tenant's components, as its engine calls them.
    fn guests_of(&self, tenant: &TenantHandle) -> Arc<dyn Guests>;
    /// What the accounts that these connections of the tenant lead to can do, each account once.
    fn accounts(&self, tenant: &TenantHandle, connections: &[Connection]) -> Vec<Account>;
    /// How the active release of a slot fails, if it fails so often that it is left alone for a while.
    fn failing(&self, tenant: &TenantHandle, slot: &str) -> Option<Failing>;
    /// Forgets what is cached about a connection: its credentials or settings changed.
    fn forget(&self, tenant: &TenantHandle, connection: &Connection);
    /// Forgets everything of a tenant that was ended, and removes the components that none of those there are has.
    async fn erase(&self, tenant: TenantId, tenants: &Tenants) -> anyhow::Result<()>;
}

/// A second version of a policy, and what it said of what the active one was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rivalry {
    /// Its release.
    pub release: u64,
    /// Its component's sha256, hex.
    pub digest: String,
    /// Since when it is asked.
    pub since: UnixMs,
    /// Questions that both were asked.
    pub asked: u64,
    /// Those of them that they answered differently.
    pub disagreeing: u64,
    /// Those of them that it failed on.
    pub failed: u64,
    /// How it failed last, for people.
    pub failure: Option<String>,
    /// Questions that it was not asked: it was busy, or failed too often.
    pub skipped: u64,
    /// The newest disagreements, newest first.
    pub examples: Vec<Disagreement>,
}

/// A release that fails so often that it is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Failures in a row.
    pub failures: u32,
    /// The first of them.
    pub since: UnixMs,
    /// How the last one failed; see [`truthsource_host::CallError::code`].
    pub code: &'static str,
    /// When it is tried again.
    pub retry_at: UnixMs,
}

/// What runs components, as seen by whoever counts.
pub trait Engines: Send + Sync {
    /// How busy one of them is.
    fn load_of(&self, engine: EngineKind) -> Load;
}

impl Engines for Host {
    fn load_of(&self, engine: EngineKind) -> Load {
        Host::load_of(self, engine)
    }
}

/// Seals secrets for one tenant and purpose, so that one tenant's bytes are noise to another.
pub trait Vault: Send + Sync {
    /// Seals `secret`. `bound` names what it belongs to (`connection/3/auth`): it must be given again to open it.
    fn seal(&self, tenant: TenantId, bound: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>>;
    /// Opens what [`Vault::seal`] made for the same tenant and name.
    fn open(&self, tenant: TenantId, bound: &str, sealed: &[u8]) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>>;
    /// Keeps nothing of a tenant in memory any more: its key is removed with its files.
    fn forget(&self, tenant: TenantId);
}
