//! The model as a [`ControlStore`].

use super::*;
use crate::store::control::{ControlStore, Remembered, scope_of};

fn conflict<T>(why: String) -> Result<T> {
    Err(Error::Conflict(why))
}

#[async_trait]
impl ControlStore for ModelStores {
    async fn add_tenant(&self, name: &str, at: UnixMs) -> Result<Tenant> {
        let mut world = self.world()?;
        if world.tenants.values().any(|(it, _)| it.name == name) {
            return conflict(format!("there is a tenant `{name}` already"));
        }
        Ok(world.add_tenant(name, at))
    }

    async fn tenants(&self) -> Result<Vec<Tenant>> {
        Ok(self.world()?.tenants.values().map(|(it, _)| it.clone()).collect())
    }

    async fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        Ok(self.world()?.tenants.values().map(|(it, _)| it).find(|it| it.name == name).cloned())
    }

    async fn end_tenant(&self, tenant: TenantId, at: UnixMs) -> Result<bool> {
        let mut world = self.world()?;
        world.keys.retain(|_, it| it.tenant != Some(tenant));
        world.remembered.retain(|(scope, _), _| !scope.starts_with(&scope_of(Some(tenant))));
        let is_ended = world.tenants.remove(&tenant).is_some();
        if is_ended {
            world.ended.insert(tenant, at);
        }
        Ok(is_ended)
    }

    async fn ended(&self) -> Result<BTreeMap<TenantId, UnixMs>> {
        Ok(self.world()?.ended.clone())
    }

    /// Its data went with the tenant.
    async fn erase(&self, tenant: TenantId) -> Result<()> {
        if self.world()?.ended.contains_key(&tenant) {
            return Ok(());
        }
        conflict(format!("tenant {} was not ended", tenant.0))
    }

    async fn add_key(&self, key: ApiKey) -> Result<()> {
        let mut world = self.world()?;
        if key.tenant.is_some_and(|id| !world.tenants.contains_key(&id)) {
            return conflict("there is no such tenant".to_owned());
        }
        if world.keys.contains_key(&key.id) {
            return conflict("there is a key of this id".to_owned());
        }
        world.keys.insert(key.id.clone(), key);
        Ok(())
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>> {
        Ok(self.world()?.keys.get(id).cloned())
    }

    async fn keys(&self, tenant: Option<TenantId>) -> Result<Vec<ApiKey>> {
        Ok(self.world()?.keys.values().filter(|it| it.tenant == tenant).cloned().collect())
    }

    async fn revoke_key(&self, tenant: Option<TenantId>, id: &str, at: UnixMs) -> Result<bool> {
        let mut world = self.world()?;
        let Some(key) = world.keys.get_mut(id).filter(|it| it.tenant == tenant) else { return Ok(false) };
        key.revoked_at.get_or_insert(at);
        Ok(true)
    }

    async fn keys_used(&self, used: &BTreeMap<String, UnixMs>) -> Result<()> {
        let mut world = self.world()?;
        for (id, at) in used {
            if let Some(key) = world.keys.get_mut(id) {
                key.last_used_at = key.last_used_at.max(Some(UnixMs(at.0 / 60_000 * 60_000)));
            }
        }
        Ok(())
    }

    /// What is kept in memory cannot be put back.
    async fn note_progress(&self) -> Result<()> {
        Ok(())
    }

    async fn remember(&self, scope: &str, key: &str, request_sha256: [u8; 32], now: UnixMs) -> Result<Remembered> {
        let mut world = self.world()?;
        world.remembered.retain(|_, it| it.at > now.minus(REMEMBERED_MS));
        let place = (scope.to_owned(), key.to_owned());
        let Some(known) = world.remembered.get(&place) else {
            world.remembered.insert(place, Request { sha256: request_sha256, at: now, answer: None });
            return Ok(Remembered::New);
        };
        Ok(match &known.answer {
            _ if known.sha256 != request_sha256 => Remembered::Mismatch,
            Some((status, body)) => Remembered::Answer { status: *status, body: body.clone() },
            None => Remembered::InFlight,
        })
    }

    async fn answered(&self, scope: &str, key: &str, answer: Option<(u16, Vec<u8>)>) -> Result<()> {
        let mut world = self.world()?;
        let place = (scope.to_owned(), key.to_owned());
        if world.remembered.get(&place).is_some_and(|it| it.answer.is_some()) {
            return Ok(());
        }
        match answer {
            None => {
                world.remembered.remove(&place);
            }
            Some(answer) => {
                if let Some(known) = world.remembered.get_mut(&place) {
                    known.answer = Some(answer);
                }
            }
        }
        Ok(())
    }

    async fn open(&self, tenant: TenantId) -> Result<Arc<dyn TenantStore>> {
        Ok(Arc::new(self.tenant_store(tenant)?))
    }
}
