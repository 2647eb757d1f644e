//! The store as it is meant, in memory: what the contract says and nothing else. For simulations and tests.
//!
//! Everything is ordered and nothing waits, so a run of it is the same every time. [`ModelStores::restart`] is the end of
//! the process: handles from before are dead, what was committed is there.

mod apply;
mod check;
mod control;
mod damaged;
mod data;
mod ledger;
mod log;
mod read;
mod tenant;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::control::{ApiKey, Tenant, TenantId};
use super::*;
use data::Data;

/// A control store and its tenants. Clones share everything.
#[derive(Clone)]
pub struct ModelStores {
    world: Arc<Mutex<World>>,
    generation: u64,
}

/// One tenant's store.
#[derive(Clone)]
pub struct ModelStore {
    stores: ModelStores,
    tenant: TenantId,
}

#[derive(Default)]
struct World {
    generation: u64,
    tenants: BTreeMap<TenantId, (Tenant, Data)>,
    ended: BTreeMap<TenantId, UnixMs>,
    keys: BTreeMap<String, ApiKey>,
    remembered: BTreeMap<(String, String), Request>,
}

/// A remembered request.
struct Request {
    sha256: [u8; 32],
    at: UnixMs,
    answer: Option<(u16, Vec<u8>)>,
}

impl Default for ModelStores {
    fn default() -> Self {
        Self::new()
    }
}

impl ModelStores {
    /// An empty place.
    #[must_use]
    pub fn new() -> Self {
        Self { world: Arc::default(), generation: 0 }
    }

    /// The store of a tenant.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is no such tenant.
    pub fn tenant_store(&self, tenant: TenantId) -> Result<ModelStore> {
        if self.world()?.tenants.contains_key(&tenant) {
            return Ok(ModelStore { stores: self.clone(), tenant });
        }
        Err(Error::Conflict(format!("there is no tenant {}", tenant.0)))
    }

    /// Ends every handle there is and gives one on what was committed: the process ended and started again.
    #[must_use]
    pub fn restart(&self) -> Self {
        let mut world = self.lock();
        world.generation += 1;
        world.remembered.retain(|_, it| it.answer.is_some());
        Self { world: self.world.clone(), generation: world.generation }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, while this handle is alive.
    fn world(&self) -> Result<MutexGuard<'_, World>> {
        let world = self.lock();
        if world.generation == self.generation {
            return Ok(world);
        }
        Err(Error::Unavailable(anyhow::anyhow!("the store was restarted")))
    }
}

impl Default for ModelStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ModelStore {
    /// The store of the only tenant in a place of its own.
    #[must_use]
    pub fn new() -> Self {
        let stores = ModelStores::new();
        let tenant = stores.lock().add_tenant("model", UnixMs(0));
        Self { stores, tenant: tenant.id }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Data) -> T) -> Result<T> {
        let mut world = self.stores.world()?;
        let (_, data) = world.tenants.get_mut(&self.tenant).ok_or_else(|| Error::damaged("no tenant"))?;
        Ok(look(data))
    }
}

impl World {
    fn add_tenant(&mut self, name: &str, at: UnixMs) -> Tenant {
        let last = self.tenants.keys().chain(self.ended.keys()).max();
        let id = TenantId(last.map_or(1, |last| last.0 + 1));
        let tenant = Tenant { id, name: name.to_owned(), created_at: at, shard: 0 };
        self.tenants.insert(id, (tenant.clone(), Data::default()));
        tenant
    }
}
