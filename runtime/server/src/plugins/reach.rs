//! What a connection's component may reach: its origins with its credentials, and its small state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use truthsource_core::Kind;
use truthsource_core::budget::Class;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::ConnectionId;
use truthsource_host::capability::http::Outbound;
use truthsource_host::capability::kv::{KvGrant, KvStore, Unavailable};
use truthsource_host::egress::{Guarded, Origin, SystemLookup, Transport};
use truthsource_host::model::{Fault, Rate};
use truthsource_host::signing::{Credentials, Signer};
use truthsource_host::{CallError, Reach};

use super::Parts;
use super::budget::{Budget, Budgets, Paced};
use crate::app::TenantHandle;
use crate::engine::forecast::{Account, Measured};
use crate::engine::ports::Clock;
use crate::store::control::TenantId;
use crate::store::{Batch, Change, Connection, TenantStore};

/// Every connection's reach, made at its first call and kept: it holds the connection's token and its open sockets.
pub struct Reaches {
    parts: Arc<Parts>,
    made: Made,
    budgets: Budgets,
    measured: Mutex<BTreeMap<(TenantId, ConnectionId, Kind), Measured>>,
}

/// A connection, among those of all tenants: each counts its own from one.
pub(crate) type Of = (TenantId, ConnectionId);

/// What was made for the connections of all tenants of a node.
#[derive(Default)]
pub struct Made(Mutex<Reached>);

#[derive(Default)]
struct Reached {
    by_connection: BTreeMap<Of, Reach>,
    /// How often something was forgotten: what was being made meanwhile may be of what was.
    forgotten: u64,
}

impl Made {
    /// What was made for a connection, or is made now.
    pub(crate) async fn of(
        &self,
        of: Of,
        make: impl AsyncFnOnce() -> Result<Reach, CallError>,
    ) -> Result<Reach, CallError> {
        let of = if plant::on(Bug::TenantMixUp) { (TenantId(0), of.1) } else { of };
        let forgotten = {
            let made = self.lock();
            if let Some(reach) = made.by_connection.get(&of) {
                return Ok(reach.clone());
            }
            made.forgotten
        };
        let reach = make().await?;
        let mut made = self.lock();
        if made.forgotten == forgotten {
            made.by_connection.insert(of, reach.clone());
        }
        Ok(reach)
    }

    fn forget(&self, of: &Of) {
        let mut made = self.lock();
        made.by_connection.remove(of);
        made.forgotten += 1;
    }

    fn forget_all(&self, tenant: TenantId) {
        let mut made = self.lock();
        made.by_connection.retain(|(whose, _), _| *whose != tenant);
        made.forgotten += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reaches {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self { parts, made: Made::default(), budgets: Budgets::default(), measured: Mutex::default() }
    }

    /// What the component of `connection` may reach.
    ///
    /// # Errors
    /// When its credentials cannot be opened or understood.
    pub async fn of(&self, tenant: &TenantHandle, connection: &Connection) -> Result<Reach, CallError> {
        self.made.of((tenant.tenant.id, connection.id), async || self.make(tenant, connection).await).await
    }

    /// How fast the connection's account may be asked, as its connector says.
    pub fn limit(&self, tenant: TenantId, connection: &Connection, rate: &Rate) {
        self.budgets.of(tenant, connection).limit(rate);
    }

    /// So many calls were made to write so many records.
    pub(super) fn measured(&self, of: (TenantId, ConnectionId, Kind), (calls, writes): (u64, u64)) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.entry(of).or_default().add(calls, writes);
    }

    /// What the accounts that a tenant's connections lead to can do, each account once.
    pub(super) fn accounts(&self, tenant: TenantId, connections: &[Connection]) -> Vec<Account> {
        let mut by_budget: Vec<(Arc<Budget>, Account)> = Vec::new();
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections {
            let budget = self.budgets.of(tenant, connection);
            let at = by_budget.iter().position(|(it, _)| Arc::ptr_eq(it, &budget)).unwrap_or_else(|| {
                by_budget.push((budget.clone(), budget.look(Account::of)));
                by_budget.len() - 1
            });
            let account = &mut by_budget[at].1;
            account.connections.insert(connection.id);
            let of_it = measured.range((tenant, connection.id, Kind::Location)..=(tenant, connection.id, Kind::Order));
            account.measured.extend(of_it.map(|((_, id, kind), it)| ((*id, *kind), *it)));
        }
        by_budget.into_iter().map(|(_, account)| account).collect()
    }

    /// Forgets a connection's reach: the next call makes it anew.
    pub fn forget(&self, tenant: TenantId, connection: ConnectionId) {
        self.made.forget(&(tenant, connection));
    }

    /// Forgets a tenant.
    pub(super) fn erase(&self, tenant: TenantId) {
        self.made.forget_all(tenant);
        self.budgets.erase(tenant);
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).retain(|(whose, ..), _| *whose != tenant);
    }

    async fn make(&self, tenant: &TenantHandle, connection: &Connection) -> Result<Reach, CallError> {
        let failed = |error: anyhow::Error| CallError::Host { reason: format!("{error:#}") };
        let sealed = tenant.store.credentials(connection.id, "auth").await.map_err(|error| failed(error.into()))?;
        let signer = self.signer(tenant, connection.id, sealed).map_err(|error| {
            // To its tenant they are like others that do not work: the connection stops until they are given again.
            tracing::error!(connection = connection.name, error = format!("{error:#}"), "no credentials to sign with");
            let reason = "the stored credentials cannot be used: give them again".to_owned();
            CallError::Refused(Fault::Denied(reason))
        })?;
        let parsed = |origins: &[String]| origins.iter().map(|it| it.parse::<Origin>()).collect::<Result<_, _>>();
        let origins: BTreeSet<Origin> = parsed(&connection.spec.egress).map_err(|error| failed(error.into()))?;
        let signed: BTreeSet<Origin> = parsed(connection.spec.signed()).map_err(|error| failed(error.into()))?;
        let transport: Arc<dyn Transport> = match &self.parts.transport {
            Some(transport) => transport.clone(),
            None => {
                let allowed = self.parts.allowed.iter().filter(|it| it.is_for(&tenant.tenant.name));
                let allowed = allowed.map(|it| it.origin.clone()).collect();
                Arc::new(Guarded::new(Arc::new(SystemLookup), allowed).map_err(|error| failed(error.into()))?)
            }
        };
        let budget = self.budgets.of(tenant.tenant.id, connection);
        let transport = Arc::new(Paced { inner: transport, budget });
        let kv =
            ConnectionKv { store: tenant.store.clone(), clock: self.parts.clock.clone(), connection: connection.id };
        Ok(Reach {
            http: Some(Arc::new(Outbound::new((origins, signed), transport, signer))),
            kv: Some(KvGrant(Arc::new(kv))),
            webhook_secret: None,
            class: Class::default(),
        })
    }

    fn signer(
        &self,
        tenant: &TenantHandle,
        connection: ConnectionId,
        sealed: Option<Vec<u8>>,
    ) -> anyhow::Result<Signer> {
        let credentials = match sealed {
            None => Credentials::None {},
            Some(sealed) => {
                let open = self.parts.vault.open(tenant.tenant.id, &bound(connection, "auth"), &sealed)?;
                serde_json::from_slice(&open)
                    .map_err(|_| anyhow::anyhow!("the stored credentials cannot be understood"))?
            }
        };
        Ok(Signer::new(credentials, self.parts.ambient.clone())?)
    }
}

/// What a connection's secret is bound to: it opens nowhere else.
#[must_use]
pub fn bound(connection: ConnectionId, purpose: &str) -> String {
    format!("connection/{connection}/{purpose}")
}

/// The `kv` of one connection, in its tenant's store.
struct ConnectionKv {
    store: Arc<dyn TenantStore>,
    clock: Arc<dyn Clock>,
    connection: ConnectionId,
}

#[async_trait]
impl KvStore for ConnectionKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.store.kv_get(self.connection, key).await.map_err(|_| Unavailable)
    }

    async fn count(&self) -> Result<usize, Unavailable> {
        let count = self.store.kv_count(self.connection).await.map_err(|_| Unavailable)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn apply(&self, writes: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Unavailable> {
        let mut batch = Batch::new(self.clock.now());
        let connection = self.connection;
        batch.changes.extend(writes.into_iter().map(|(key, value)| Change::Kv { connection, key, value }));
        self.store.commit(batch).await.map(|_| ()).map_err(|_| Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Every tenant counts its connections from one.
    #[tokio::test]
    async fn t8_what_was_made_for_a_connection_is_no_other_tenants() {
        let (made, count) = (Made::default(), AtomicU32::new(0));
        let make = async || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Reach { http: None, webhook_secret: None, kv: None, class: Class::default() })
        };
        let [acme, zeta] = [1, 2].map(|it| (TenantId(it), ConnectionId(1)));
        let check = async |of, expect| {
            made.of(of, make).await.unwrap();
            assert_eq!(count.load(Ordering::Relaxed), expect, "{of:?}");
        };
        check(acme, 1).await;
        check(acme, 1).await;
        check(zeta, 2).await;
        made.forget_all(TenantId(1));
        check(zeta, 2).await;
        check(acme, 3).await;
    }
}
