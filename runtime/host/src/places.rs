//! Places for calls: the pool has room for so many, and no tenant may take them all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::call::Tenant;
use crate::error::CallError;

/// From this many tenants on, those without a call are forgotten.
const TENANTS_REMEMBERED: usize = 4_096;

/// The places of one engine.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    tenants: Mutex<BTreeMap<Tenant, Arc<Semaphore>>>,
    per_tenant: usize,
    wait: Duration,
}

/// One call's place; free again when dropped.
pub(crate) struct Place {
    _tenant: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(all: u32, per_tenant: u32, wait: Duration) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all as usize)),
            tenants: Mutex::default(),
            per_tenant: per_tenant.min(all) as usize,
            wait,
        }
    }

    /// Waits for a place. A tenant waits for its own share first, so that a thousand calls of one tenant queue behind
    /// each other and nobody else behind them.
    pub(crate) async fn take(&self, tenant: &Tenant) -> Result<Place, CallError> {
        let share = self.share(tenant);
        if let Ok(own) = share.clone().try_acquire_owned()
            && let Ok(all) = self.all.clone().try_acquire_owned()
        {
            return Ok(Place { _tenant: own, _all: all });
        }
        let both = async {
            let own = share.acquire_owned().await.ok()?;
            let all = self.all.clone().acquire_owned().await.ok()?;
            Some(Place { _tenant: own, _all: all })
        };
        let busy = || CallError::Busy { waited_ms: u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX) };
        tokio::time::timeout(self.wait, both).await.ok().flatten().ok_or_else(busy)
    }

    /// Places that are free right now.
    pub(crate) fn free(&self) -> usize {
        self.all.available_permits()
    }

    fn share(&self, tenant: &Tenant) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = tenants.get(tenant) {
            return share.clone();
        }
        if tenants.len() >= TENANTS_REMEMBERED {
            tenants.retain(|_, share| Arc::strong_count(share) > 1 || share.available_permits() < self.per_tenant);
        }
        tenants.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.per_tenant))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn g19_one_tenant_cannot_take_every_place() {
        let places = Places::new(4, 2, Duration::from_millis(5));
        let (greedy, other) = (Tenant::new("greedy"), Tenant::new("other"));
        let first = places.take(&greedy).await.unwrap();
        let _second = places.take(&greedy).await.unwrap();
        assert_eq!(places.take(&greedy).await.err(), Some(CallError::Busy { waited_ms: 5 }));
        assert!(places.take(&other).await.is_ok());
        drop(first);
        assert!(places.take(&greedy).await.is_ok());
    }

    #[tokio::test]
    async fn a_dropped_place_is_free_again() {
        let places = Places::new(1, 1, Duration::from_millis(5));
        let tenant = Tenant::new("a");
        drop(places.take(&tenant).await.unwrap());
        assert_eq!(places.free(), 1);
    }
}
