//! Components: kept, compiled, swapped and called.
//!
//! A call takes the release that is active at its first instruction and keeps it to its last: activating another only
//! replaces a pointer, so that no call is dropped or mixed (promise O2).

mod blobs;
mod budget;
mod certificates;
mod guests;
mod health;
mod reach;
mod rivals;
mod secrets;
mod slots;
mod upload;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use truthsource_host::egress::Transport;
use truthsource_host::model::{Basket, Fault, Finding, WebhookScheme};
use truthsource_host::signing::Ambient;
use truthsource_host::{CallError, CallSetup, Detail, Host, Policy, Pricing, Tenant};

use crate::app::{Failing, Plugins, Quote, Receipt, Refusal, Rivalry, TenantHandle, Tenants, Vault};
use crate::certificate::Certificate;
use crate::config::Allowed;
use crate::engine::forecast::Account;
use crate::engine::ports::{Clock, Guests};
use crate::store::control::TenantId;
use crate::store::{Connection, Release, Slot};

pub use blobs::Blobs;
use certificates::Certificates;
pub use guests::TenantGuests;
pub use health::Health;
pub use reach::{Made, Reaches, bound};
pub use rivals::Rivals;
pub use secrets::{HookSecret, HookSecrets, WEBHOOK};
pub use slots::{Active, Slots};

/// What the service is made of.
pub struct Parts {
    /// Runs components.
    pub host: Arc<Host>,
    /// Keeps their bytes.
    pub blobs: Blobs,
    /// Opens connections' credentials.
    pub vault: Arc<dyn Vault>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Clock and randomness for signatures.
    pub ambient: Arc<dyn Ambient>,
    /// Origins on private addresses or without TLS that the operator allows, and to whom.
    pub allowed: BTreeSet<Allowed>,
    /// Where systems outside reach this node, without a slash at the end; `None`: nobody is asked to tell anything.
    pub public_url: Option<String>,
    /// What connectors without a certificate declare is believed.
    pub believes: bool,
    /// Another way out than the guarded one: how a simulation stands in for the network.
    pub transport: Option<Arc<dyn Transport>>,
}

/// Runs every tenant's components.
pub struct Service {
    parts: Arc<Parts>,
    slots: Arc<Slots>,
    reaches: Arc<Reaches>,
    certificates: Arc<Certificates>,
    rivals: Arc<Rivals>,
}

impl Service {
    /// The service of a node.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let parts = Arc::new(parts);
        let (slots, reaches) = (Arc::new(Slots::new(parts.clone())), Arc::new(Reaches::new(parts.clone())));
        Self { slots, reaches, certificates: Arc::default(), rivals: Arc::default(), parts }
    }

    /// The components of one tenant, as its engine calls them.
    #[must_use]
    pub fn guests(&self, tenant: Arc<TenantHandle>) -> TenantGuests {
        let shared = (self.slots.clone(), self.reaches.clone(), self.certificates.clone(), self.rivals.clone());
        TenantGuests::new(self.parts.clone(), shared, tenant)
    }
}

#[async_trait]
impl Plugins for Service {
    async fn upload(&self, tenant: &TenantHandle, slot: &str, component: Bytes) -> Result<Release, Refusal> {
        upload::accept(&self.parts, tenant, slot, component).await
    }

    async fn certify(
        &self,
        tenant: &TenantHandle,
        (slot, release): (&str, u64),
        certificate: &[u8],
    ) -> Result<Certificate, Refusal> {
        let releases = tenant.store.releases(slot).await.map_err(|error| stored(&error))?;
        let found = releases.into_iter().find(|it| it.id == release).ok_or_else(|| slots::missing(slot, release))?;
        self.certificates.keep(tenant, (&found.digest, certificate), self.parts.clock.now()).await
    }

    async fn certificates(&self, tenant: &TenantHandle, digest: &str) -> Result<Arc<Vec<Certificate>>, Refusal> {
        self.certificates.of(tenant, digest).await
    }

    async fn activate(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Slot, Refusal> {
        self.slots.activate(tenant, slot, release).await
    }

    async fn rollback(&self, tenant: &TenantHandle, slot: &str) -> Result<Slot, Refusal> {
        let slots = tenant.store.slots().await.map_err(|error| stored(&error))?;
        let previous = slots.into_iter().find(|it| it.name == slot).and_then(|it| it.previous);
        let previous = previous.ok_or_else(|| Refusal {
            code: "nothing-to-roll-back".to_owned(),
            message: format!("slot `{slot}` has no earlier release"),
            status: 409,
        })?;
        self.slots.activate(tenant, slot, previous).await
    }

    async fn vacate(&self, tenant: &TenantHandle, slot: &str) -> Result<Slot, Refusal> {
        self.slots.vacate(tenant, slot).await
    }

    async fn compare(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Rivalry, Refusal> {
        // Compared with nothing it would never be asked.
        self.slots.active(tenant, slot).await?;
        let rival = self.slots.load(tenant, slot, release).await?;
        let policy = Policy::try_from(rival.release.clone()).map_err(|_| wrong_world(slot))?;
        Ok(self.rivals.begin(tenant, (rival, policy), self.parts.clock.now()))
    }

    fn rivalry(&self, tenant: &TenantHandle, slot: &str) -> Option<Rivalry> {
        self.rivals.find(tenant.tenant.id, slot).map(|it| it.seen())
    }

    fn compare_no_more(&self, tenant: &TenantHandle, slot: &str) -> Option<Rivalry> {
        self.rivals.end(tenant.tenant.id, slot)
    }

    async fn price(&self, tenant: &TenantHandle, slot: &str, basket: Basket) -> Result<Quote, Refusal> {
        let active = self.slots.active(tenant, slot).await?;
        let pricing = Pricing::try_from(active.release.clone()).map_err(|_| wrong_world(slot))?;
        active.health.admit(self.parts.clock.now()).map_err(|error| called(slot, &error))?;
        let setup = setup(tenant, slot, self.parts.clock.as_ref()).keep(Detail::Receipt);
        let (lines, recording) = pricing.price(&setup, basket).await;
        guests::note(tenant, &active, (&lines, &recording), self.parts.clock.now()).await;
        let lines = lines.map_err(|error| called(slot, &error))?;
        let receipt = Receipt {
            slot: slot.to_owned(),
            release: active.id,
            digest: recording.digest.to_string(),
            input_sha256: recording.input_digest.map(|it| it.to_string()).unwrap_or_default(),
            fuel: recording.fuel.unwrap_or_default(),
        };
        Ok(Quote { lines, receipt })
    }

    async fn check(&self, tenant: &TenantHandle, connection: &Connection) -> Result<Vec<Finding>, Refusal> {
        // Looked for first: to the engine an empty slot is no more than a connector that cannot be asked.
        self.slots.active(tenant, &connection.spec.connector).await?;
        let guests = self.guests(Arc::new(tenant.clone()));
        match guests.check(connection).await {
            // Why it cannot be looked at is what was found.
            Err(CallError::Refused(fault)) => Ok(vec![found(&fault)]),
            checked => checked.map_err(|error| called(&connection.spec.connector, &error)),
        }
    }

    async fn webhook_scheme(
        &self,
        tenant: &TenantHandle,
        connection: &Connection,
    ) -> Result<Option<WebhookScheme>, Refusal> {
        let guests = self.guests(Arc::new(tenant.clone()));
        let description = guests.describe(connection).await;
        description.map(|it| it.webhook.clone()).map_err(|error| called(&connection.spec.connector, &error))
    }

    fn guests_of(&self, tenant: &TenantHandle) -> Arc<dyn Guests> {
        Arc::new(self.guests(Arc::new(tenant.clone())))
    }

    fn accounts(&self, tenant: &TenantHandle, connections: &[Connection]) -> Vec<Account> {
        self.reaches.accounts(tenant.tenant.id, connections)
    }

    fn failing(&self, tenant: &TenantHandle, slot: &str) -> Option<Failing> {
        self.slots.failing(tenant.tenant.id, slot)
    }

    fn forget(&self, tenant: &TenantHandle, connection: &Connection) {
        self.reaches.forget(tenant.tenant.id, connection.id);
    }

    async fn erase(&self, tenant: TenantId, tenants: &Tenants) -> anyhow::Result<()> {
        self.slots.erase(tenant);
        self.reaches.erase(tenant);
        self.certificates.erase(tenant);
        self.rivals.erase(tenant);
        let _uploads = self.parts.blobs.keeping.write().await;
        let mut had = BTreeSet::new();
        // Asked for only now: who is made later uploads later.
        for other in tenants.all() {
            for slot in other.store.slots().await? {
                had.extend(other.store.releases(&slot.name).await?.into_iter().map(|it| it.digest));
            }
        }
        let (blobs, host) = (self.parts.blobs.clone(), self.parts.host.clone());
        let removed = tokio::task::spawn_blocking(move || blobs.retain(&had).and_then(|()| host.keep_only(&had)));
        Ok(removed.await??)
    }
}

fn setup(tenant: &TenantHandle, slot: &str, clock: &dyn Clock) -> CallSetup {
    CallSetup::new(Tenant::new(&tenant.tenant.name), clock.now()).slot(slot).keep(Detail::Failures)
}

fn found(fault: &Fault) -> Finding {
    let subject = match fault {
        Fault::Denied(_) => "credentials",
        Fault::Throttled(_) | Fault::Unavailable(_) => "system",
        _ => "connector",
    };
    Finding { subject: subject.to_owned(), ok: false, message: fault.to_string() }
}

fn wrong_world(slot: &str) -> Refusal {
    let message = format!("the component in slot `{slot}` is of another world than the call needs");
    Refusal { code: "wrong-world".to_owned(), message, status: 409 }
}

fn stored(error: &crate::store::Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "the store failed");
    let message = "the store is out of reach; try again".to_owned();
    Refusal { code: "unavailable".to_owned(), message, status: 503 }
}

fn called(slot: &str, error: &CallError) -> Refusal {
    let status = match error {
        CallError::Busy { .. } | CallError::Failing { .. } => 503,
        CallError::BadInput(_) => 422,
        CallError::Refused(_) => 422,
        CallError::Host { .. } | CallError::Panicked { .. } => 500,
        _ => 502,
    };
    Refusal { code: error.code().to_owned(), message: format!("the component in slot `{slot}`: {error}"), status }
}

/// The files of a directory that a node keeps components in.
///
/// # Errors
/// When the directory cannot be made.
pub fn blobs(dir: &Path) -> std::io::Result<Blobs> {
    Blobs::open(dir)
}
