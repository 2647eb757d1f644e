//! The store as it is meant, in memory: what the contract says and nothing else. For simulations and tests.
//!
//! Everything is ordered and nothing waits, so a run of it is the same every time. A simulation decides by
//! [`ModelStores::on_commit`] which commits fail, and how: before anything was written, or with the outcome unknown.
//! [`ModelStores::restart`] is the crash of the process: handles from before are dead, what was committed is there.

mod apply;
mod check;
mod control;
mod data;
mod log;
mod read;
mod tenant;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::control::{ApiKey, Tenant, TenantId};
use super::*;
use data::Data;

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is written and the caller is told so.
    Stored,
    /// Nothing is written, and the caller is told: [`Error::Unavailable`].
    Refused,
    /// It is written, and the caller is told [`Error::Unknown`].
    StoredUnknown,
    /// Nothing is written, and the caller is told [`Error::Unknown`].
    LostUnknown,
}

/// Decides the fate of a commit by its number and by what it would write: commits of all tenants are numbered together,
/// from one, and over restarts.
pub type Crash = Box<dyn FnMut(u64, &Batch) -> Fate + Send>;

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
    commits: u64,
    crash: Option<Crash>,
    tenants: BTreeMap<TenantId, (Tenant, Data)>,
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

    /// Lets `crash` decide what becomes of every later commit, over restarts too.
    pub fn on_commit(&self, crash: impl FnMut(u64, &Batch) -> Fate + Send + 'static) {
        self.lock().crash = Some(Box::new(crash));
    }

    /// How many commits were tried.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.lock().commits
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

    /// See [`ModelStores::on_commit`].
    pub fn on_commit(&self, crash: impl FnMut(u64, &Batch) -> Fate + Send + 'static) {
        self.stores.on_commit(crash);
    }

    /// See [`ModelStores::commits`].
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.stores.commits()
    }

    /// See [`ModelStores::restart`].
    #[must_use]
    pub fn restart(&self) -> Self {
        Self { stores: self.stores.restart(), tenant: self.tenant }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Data) -> T) -> Result<T> {
        let mut world = self.stores.world()?;
        let (_, data) = world.tenants.get_mut(&self.tenant).ok_or_else(|| Error::Damaged("no tenant".to_owned()))?;
        Ok(look(data))
    }

    fn write(&self, batch: Batch) -> Result<Committed> {
        let fate = self.stores.world()?.next_fate(&batch);
        let torn = || anyhow::anyhow!("torn by the simulation");
        match fate {
            Fate::Stored => self.with(|data| data.commit(batch))?,
            Fate::Refused => Err(Error::Unavailable(torn())),
            Fate::LostUnknown => Err(Error::Unknown(torn())),
            Fate::StoredUnknown => {
                // Refused for a reason of its own, it is not in doubt.
                self.with(|data| data.commit(batch))??;
                Err(Error::Unknown(torn()))
            }
        }
    }
}

impl World {
    fn next_fate(&mut self, batch: &Batch) -> Fate {
        self.commits += 1;
        let number = self.commits;
        self.crash.as_mut().map_or(Fate::Stored, |crash| crash(number, batch))
    }

    fn add_tenant(&mut self, name: &str, at: UnixMs) -> Tenant {
        let id = TenantId(self.tenants.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        let tenant = Tenant { id, name: name.to_owned(), created_at: at, shard: 0 };
        self.tenants.insert(id, (tenant.clone(), Data::default()));
        tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(event_id: &str) -> Batch {
        let inbox = Change::Inbox {
            connection: ConnectionId(1),
            event_id: event_id.to_owned(),
            topic: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        Batch { changes: vec![inbox], ..Batch::new(UnixMs(1)) }
    }

    #[tokio::test]
    async fn a_simulation_decides_what_becomes_of_commits() {
        let store = ModelStore::new();
        let fates = [Fate::Stored, Fate::Refused, Fate::StoredUnknown, Fate::LostUnknown];
        store.on_commit(move |number, _| fates[number as usize - 1]);
        assert!(store.commit(webhook("1")).await.is_ok());
        assert!(matches!(store.commit(webhook("2")).await, Err(Error::Unavailable(_))));
        assert!(matches!(store.commit(webhook("3")).await, Err(Error::Unknown(_))));
        let alive = store.restart();
        assert!(matches!(alive.commit(webhook("4")).await, Err(Error::Unknown(_))));
        assert!(matches!(store.inbox(10).await, Err(Error::Unavailable(_))));
        let events: Vec<_> = alive.inbox(10).await.unwrap().into_iter().map(|it| it.event_id).collect();
        assert_eq!(events, ["1", "3"]);
        assert_eq!(alive.commits(), 4);
    }
}
