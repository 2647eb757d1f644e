//! Which release answers a slot's calls right now.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use truthsource_host::{Allowance, Release, Tenant};

use super::health::Health;
use super::{Parts, stored, upload};
use crate::app::{Failing, Refusal, TenantHandle};
use crate::engine::connections::retell;
use crate::store::control::TenantId;
use crate::store::{Batch, Change, Connection, ConnectionState, Slot};

/// A release that is ready to be called.
pub struct Active {
    /// The slot that it fills.
    pub slot: String,
    /// Its number.
    pub id: u64,
    /// The component.
    pub release: Release,
    /// How it has been answering since it was loaded.
    pub health: Health,
}

type Key = (TenantId, String);

/// Every slot's active release, loaded when first called and swapped as a whole.
pub struct Slots {
    parts: Arc<Parts>,
    /// `None`: it is empty.
    active: RwLock<BTreeMap<Key, Option<Arc<Active>>>>,
    /// Held while a release becomes the active one.
    activating: tokio::sync::Mutex<()>,
}

/// From this many slots on, those that are empty are looked for anew each time.
const SLOTS_KNOWN_MAX: usize = 16_384;

impl Slots {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self { parts, active: RwLock::default(), activating: tokio::sync::Mutex::default() }
    }

    /// The release that answers now.
    ///
    /// # Errors
    /// When the slot is empty, or its release cannot be loaded.
    pub async fn active(&self, tenant: &TenantHandle, slot: &str) -> Result<Arc<Active>, Refusal> {
        self.find(tenant, slot).await?.ok_or_else(|| Refusal {
            code: "empty-slot".to_owned(),
            message: format!("nothing is active in slot `{slot}`"),
            status: 404,
        })
    }

    /// The release that answers now, if one does.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn find(&self, tenant: &TenantHandle, slot: &str) -> Result<Option<Arc<Active>>, Refusal> {
        let key = (tenant.tenant.id, slot.to_owned());
        if let Some(known) = self.read().get(&key) {
            return Ok(known.clone());
        }
        let slots = tenant.store.slots().await.map_err(|error| stored(&error))?;
        let Some(release) = slots.into_iter().find(|it| it.name == slot).and_then(|it| it.active) else {
            let mut known = self.write();
            // A name may come from outside.
            if known.len() < SLOTS_KNOWN_MAX {
                return Ok(known.entry(key).or_insert(None).clone());
            }
            return Ok(None);
        };
        let active = self.load(tenant, slot, release).await?;
        // Whoever activated meanwhile was newer.
        Ok(self.write().entry(key).or_insert(Some(active)).clone())
    }

    /// Makes a release answer. It is loaded first, so that the swap itself is one pointer.
    ///
    /// # Errors
    /// When there is no such release, or it cannot be loaded: the one before goes on answering.
    pub async fn activate(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Slot, Refusal> {
        let active = self.load(tenant, slot, release).await?;
        // One after the other: what answers is what was committed last.
        let _turn = self.activating.lock().await;
        let mut batch = Batch::new(self.parts.clock.now());
        batch.changes.push(Change::Activate { slot: slot.to_owned(), release });
        self.fill(tenant, slot, (batch, Some(active))).await?.ok_or_else(|| missing(slot, release))
    }

    /// Empties a slot: what its component did is done by the built-in rules from then on.
    ///
    /// # Errors
    /// When there is no such slot, or connections depend on it.
    pub async fn vacate(&self, tenant: &TenantHandle, slot: &str) -> Result<Slot, Refusal> {
        let _turn = self.activating.lock().await;
        let connections = tenant.store.connections().await.map_err(|error| stored(&error))?;
        if let Some(user) = connections.iter().find(|it| it.spec.connector == slot) {
            let message = format!("connection `{}` is made by the component in slot `{slot}`", user.name);
            return Err(Refusal { code: "in-use".to_owned(), message, status: 409 });
        }
        let mut batch = Batch::new(self.parts.clock.now());
        batch.changes.push(Change::Vacate { slot: slot.to_owned() });
        self.fill(tenant, slot, (batch, None)).await?.ok_or_else(|| Refusal {
            code: "no-such-slot".to_owned(),
            message: format!("there is no slot `{slot}`"),
            status: 404,
        })
    }

    /// Commits what fills a slot from now on, and lets it answer.
    async fn fill(
        &self,
        tenant: &TenantHandle,
        slot: &str,
        (mut batch, active): (Batch, Option<Arc<Active>>),
    ) -> Result<Option<Slot>, Refusal> {
        let connections = tenant.store.connections().await.map_err(|error| stored(&error))?;
        let spoken_for = connections.iter().filter(|it| it.state != ConnectionState::New && speaks_for(slot, it));
        batch.changes.extend(spoken_for.flat_map(retell));
        tenant.store.commit(batch).await.map_err(|error| stored(&error))?;
        self.write().insert((tenant.tenant.id, slot.to_owned()), active);
        let slots = tenant.store.slots().await.map_err(|error| stored(&error))?;
        Ok(slots.into_iter().find(|it| it.name == slot))
    }

    /// A release of a slot, whether or not it is the one that answers.
    ///
    /// # Errors
    /// When there is no such release, or it cannot be loaded.
    pub(super) async fn load(&self, tenant: &TenantHandle, slot: &str, release: u64) -> Result<Arc<Active>, Refusal> {
        let releases = tenant.store.releases(slot).await.map_err(|error| stored(&error))?;
        let row = releases.into_iter().find(|it| it.id == release).ok_or_else(|| missing(slot, release))?;
        let blobs = self.parts.blobs.clone();
        let bytes = tokio::task::spawn_blocking(move || blobs.get(&row.digest)).await;
        let bytes = bytes.map_err(std::io::Error::other).and_then(|it| it).map_err(|error| {
            tracing::error!(%error, slot, release, "a component's bytes cannot be read");
            let message = format!("release {release} of slot `{slot}` cannot be read; upload it again");
            Refusal { code: "component-lost".to_owned(), message, status: 503 }
        })?;
        let whose = Tenant::new(&tenant.tenant.name);
        let loaded = self.parts.host.load(&whose, &bytes, &Allowance::USUAL).await;
        let loaded = loaded.map_err(|error| upload::refused(&error))?;
        Ok(Arc::new(Active { slot: slot.to_owned(), id: release, release: loaded, health: Health::default() }))
    }

    /// How the slot's active release fails, if it is left alone.
    #[must_use]
    pub fn failing(&self, tenant: TenantId, slot: &str) -> Option<Failing> {
        self.read().get(&(tenant, slot.to_owned()))?.as_ref()?.health.failing()
    }

    /// Forgets a tenant.
    pub(super) fn erase(&self, tenant: TenantId) {
        self.write().retain(|(whose, _), _| *whose != tenant);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Key, Option<Arc<Active>>>> {
        self.active.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<Key, Option<Arc<Active>>>> {
        self.active.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the connection's system is told goes through this slot's component.
fn speaks_for(slot: &str, connection: &Connection) -> bool {
    let publishes = slot == "stock" && connection.spec.publishes.is_some();
    let prices = connection.spec.priced_by.as_deref() == Some(slot);
    publishes || prices || slot == connection.spec.connector || slot.strip_prefix("mapping:") == Some(&connection.name)
}

pub(super) fn missing(slot: &str, release: u64) -> Refusal {
    let message = format!("slot `{slot}` has no release {release}");
    Refusal { code: "no-such-release".to_owned(), message, status: 404 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ConnectionSpec;
    use truthsource_core::UnixMs;
    use truthsource_core::record::ConnectionId;

    #[test]
    fn a_connectors_and_a_mappings_release_change_what_is_told() {
        let spec = serde_json::json!({"connector": "connector:shopify", "egress": [], "rank": 1, "kinds": {}});
        let spec: ConnectionSpec = serde_json::from_value(spec).unwrap();
        let (id, name, state) = (ConnectionId(1), "shop".to_owned(), ConnectionState::Active);
        let shop = Connection { id, name, spec, state, trouble: None, created_at: UnixMs(0), revision: 0 };
        let check = |slot: &str, expect: bool| assert_eq!(speaks_for(slot, &shop), expect, "{slot}");
        check("connector:shopify", true);
        check("mapping:shop", true);
        check("connector:netsuite", false);
        check("mapping:shopify", false);
        check("pricing", false);
        check("stock", false);
        let publishes = Some(truthsource_core::stock::Publishes::default());
        let spec = ConnectionSpec { publishes, ..shop.spec.clone() };
        assert!(speaks_for("stock", &Connection { spec, ..shop }), "it is told what the rule makes of stock");
    }
}
