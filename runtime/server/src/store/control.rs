//! What belongs to no tenant: tenants themselves, API keys, components, idempotency.

use super::*;

/// A tenant's number. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub u32);

/// Somebody who owns data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its number.
    pub id: TenantId,
    /// Its name in URLs: lower-case letters, digits and `-`, at most 64, unique.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMs,
    /// The set of nodes and databases that serve it.
    pub shard: u32,
}

/// An API key as it is kept: never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The part of the key that names it: ten characters.
    pub id: String,
    /// Whose; `None`: an operator's, for every tenant.
    pub tenant: Option<TenantId>,
    /// What it is for, for people.
    pub label: String,
    /// SHA-256 of the secret part.
    #[serde(skip)]
    pub secret_sha256: [u8; 32],
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it ends, if it does.
    pub expires_at: Option<UnixMs>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<UnixMs>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<UnixMs>,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Not seen: it is now reserved for this request.
    New,
    /// A request with this key is being carried out.
    InFlight,
    /// The key was used with another request.
    Mismatch,
    /// The answer that was given.
    Answer {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
}

/// Whose requests are remembered together: what every scope of [`ControlStore::remember`] begins with.
#[must_use]
pub fn scope_of(tenant: Option<TenantId>) -> String {
    tenant.map_or("operator ".to_owned(), |it| format!("tenant/{} ", it.0))
}

/// The control store: one for all tenants.
#[async_trait]
pub trait ControlStore: Send + Sync {
    /// Adds a tenant; [`Error::Conflict`] if the name is taken.
    async fn add_tenant(&self, name: &str, at: UnixMs) -> Result<Tenant>;
    /// Every tenant, in order.
    async fn tenants(&self) -> Result<Vec<Tenant>>;
    /// The tenant of this name.
    async fn tenant(&self, name: &str) -> Result<Option<Tenant>>;
    /// Ends a tenant, durably: its keys and what is remembered of its requests are gone and its name is free, at once. That
    /// there was one of this number is never forgotten. False if there is none. What it holds goes with
    /// [`ControlStore::erase`].
    async fn end_tenant(&self, tenant: TenantId, at: UnixMs) -> Result<bool>;
    /// The numbers of the tenants that were ended, and when.
    async fn ended(&self) -> Result<BTreeMap<TenantId, UnixMs>>;
    /// Closes an ended tenant's store and removes everything in it. Once more does nothing more.
    async fn erase(&self, tenant: TenantId) -> Result<()>;

    /// Adds a key.
    async fn add_key(&self, key: ApiKey) -> Result<()>;
    /// The key of this id, revoked and expired ones too, but none of a tenant that was ended.
    async fn key(&self, id: &str) -> Result<Option<ApiKey>>;
    /// The keys of a tenant, or the operators'.
    async fn keys(&self, tenant: Option<TenantId>) -> Result<Vec<ApiKey>>;
    /// Revokes a key of this tenant (or an operator's); false if there is none.
    async fn revoke_key(&self, tenant: Option<TenantId>, id: &str, at: UnixMs) -> Result<bool>;
    /// Notes when keys were last used.
    async fn keys_used(&self, used: &BTreeMap<String, UnixMs>) -> Result<()>;

    /// Reserves an idempotency key for a request of somebody ([`scope_of`]), or says what became of it. Kept seven days; a
    /// reservation without an answer ends with the process that made it.
    async fn remember(&self, scope: &str, key: &str, request_sha256: [u8; 32], now: UnixMs) -> Result<Remembered>;
    /// The answer to a remembered request; `None` forgets the reservation, as nothing was done.
    async fn answered(&self, scope: &str, key: &str, answer: Option<(u16, Vec<u8>)>) -> Result<()>;

    /// Writes down how far every open tenant has come, so that a store which somebody puts back later is known for an
    /// older one. To be called now and then.
    async fn note_progress(&self) -> Result<()>;
    /// The open store of a tenant.
    async fn open(&self, tenant: TenantId) -> Result<std::sync::Arc<dyn TenantStore>>;
}
