//! Which addresses there are and how each is verified, kept in memory: the store and the components are asked again
//! only when something changed, or after half a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;
use http::HeaderName;
use truthsource_core::UnixMs;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::ConnectionId;
use truthsource_host::model::{self, Spelling, WebhookScheme};

use crate::app::{App, TenantHandle};
use crate::auth::Buckets;
use crate::auth::digest::sha256;
use crate::http::ApiError;
use crate::plugins::{self, HookSecret, HookSecrets, WEBHOOK};
use crate::store::Connection;
use crate::store::control::TenantId;

/// How long what was read counts, if nobody says that it changed.
const FRESH_MS: u64 = 30_000;
/// Signatures that are computed for every webhook.
pub(crate) const KEYS: usize = 2;

/// How a delivery proves where it comes from.
pub(crate) enum Proof {
    /// By a signature in this header.
    Signature(HeaderName, Spelling),
    /// By the secret in its body, where this path leads.
    Body(Vec<String>),
}

/// How a system asks whether it is wanted.
pub(crate) enum Handshake {
    None,
    /// By this parameter of the query.
    Query(String),
    /// By this header, whose value is answered as this member.
    Header(HeaderName, String),
}

/// A secret that counts until it expires.
pub(crate) struct Key {
    pub key: hmac::Key,
    /// SHA-256 of the secret itself.
    pub digest: [u8; 32],
    pub expires_at: Option<UnixMs>,
}

impl Key {
    fn new(secret: &[u8], expires_at: Option<UnixMs>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), digest: sha256(&[secret]), expires_at }
    }
}

/// An address that webhooks come to.
pub(crate) struct Endpoint {
    pub connection: ConnectionId,
    pub proof: Proof,
    pub handshake: Handshake,
    /// `None`: deliveries have no id, and their bytes are what tells them apart.
    pub id: Option<HeaderName>,
    pub topic: Option<HeaderName>,
    pub timestamp: Option<HeaderName>,
    pub keys: [Key; KEYS],
}

impl Endpoint {
    /// `None` when the scheme is not one of ours or there is no secret.
    pub(crate) fn new(connection: ConnectionId, scheme: &WebhookScheme, secrets: &HookSecrets) -> Option<Self> {
        let mut given = secrets.secrets.iter().filter(|it| !it.secret.is_empty());
        let key = |it: &HookSecret| Key::new(it.secret.as_bytes(), it.expires_at);
        // One secret stands twice, so that the work does not tell how many there are.
        let first = given.next()?;
        let second = given.next().unwrap_or(first);
        let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok();
        Some(Self {
            connection,
            proof: match &scheme.proof {
                model::Proof::Signature { header, spelling } => Proof::Signature(name(header)?, *spelling),
                model::Proof::BodySecret(path) => Proof::Body(path.clone()),
            },
            handshake: match &scheme.handshake {
                model::Handshake::None => Handshake::None,
                model::Handshake::EchoQuery(parameter) => Handshake::Query(parameter.clone()),
                model::Handshake::EchoHeader { header, member } => Handshake::Header(name(header)?, member.clone()),
            },
            // An empty name is none.
            id: name(&scheme.id_header),
            topic: name(&scheme.topic_header),
            timestamp: name(&scheme.timestamp_header),
            keys: [key(first), key(second)],
        })
    }
}

/// A tenant's addresses, as they were when they were read.
struct Page {
    at: UnixMs,
    /// Of the tenant's secrets that it was made of.
    revision: u64,
    endpoints: BTreeMap<String, Arc<Endpoint>>,
}

/// A tenant's place in the book.
#[derive(Default)]
struct Shelf {
    page: RwLock<Option<Arc<Page>>>,
    /// Held while the page is read anew: one request does it, the others wait for it.
    reading: tokio::sync::Mutex<()>,
}

/// The addresses of every tenant.
#[derive(Default)]
pub(crate) struct Pages(RwLock<BTreeMap<TenantId, Arc<Shelf>>>);

impl Pages {
    /// The endpoint of a tenant's connection of this name, as it was read or is read now. `present` says when that is, and
    /// which revision of the tenant's secrets there is.
    pub(crate) async fn endpoint<E>(
        &self,
        (tenant, connection): (TenantId, &str),
        present: impl Fn() -> (UnixMs, u64),
        read: impl AsyncFnOnce() -> Result<BTreeMap<String, Arc<Endpoint>>, E>,
    ) -> Result<Option<Arc<Endpoint>>, E> {
        let tenant = if plant::on(Bug::HookMixUp) { TenantId(0) } else { tenant };
        let page = self.page(tenant, present, read).await?;
        Ok(page.endpoints.get(connection).cloned())
    }

    async fn page<E>(
        &self,
        tenant: TenantId,
        present: impl Fn() -> (UnixMs, u64),
        read: impl AsyncFnOnce() -> Result<BTreeMap<String, Arc<Endpoint>>, E>,
    ) -> Result<Arc<Page>, E> {
        let shelf = self.shelf(tenant);
        if let Some(page) = fresh(&shelf, present()) {
            return Ok(page);
        }
        let _reading = shelf.reading.lock().await;
        if let Some(page) = fresh(&shelf, present()) {
            return Ok(page);
        }
        // Before the rest: what changes while it is read makes it old.
        let (at, revision) = present();
        let page = Arc::new(Page { at, revision, endpoints: read().await? });
        *shelf.page.write().unwrap_or_else(PoisonError::into_inner) = Some(page.clone());
        Ok(page)
    }

    fn shelf(&self, tenant: TenantId) -> Arc<Shelf> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        known.unwrap_or_else(|| {
            let mut shelves = self.0.write().unwrap_or_else(PoisonError::into_inner);
            shelves.entry(tenant).or_default().clone()
        })
    }
}

/// All addresses, and the limit on each.
pub struct Hooks {
    pages: Pages,
    buckets: Buckets,
    nobody: Endpoint,
}

impl Hooks {
    /// An empty book.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(per_second_max: u32) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| anyhow::anyhow!("the machine gave no randomness"))?;
        let key = || Key::new(&secret, None);
        let nobody = Endpoint {
            connection: ConnectionId(0),
            proof: Proof::Signature(HeaderName::from_static("x-shopify-hmac-sha256"), Spelling::Base64),
            handshake: Handshake::None,
            id: Some(HeaderName::from_static("x-shopify-webhook-id")),
            topic: Some(HeaderName::from_static("x-shopify-topic")),
            timestamp: None,
            keys: [key(), key()],
        };
        Ok(Self { pages: Pages::default(), buckets: Buckets::new(per_second_max, per_second_max), nobody })
    }

    /// Whom an unknown address belongs to: nobody can sign for it.
    pub(super) fn nobody(&self) -> &Endpoint {
        &self.nobody
    }

    /// Counts a webhook to `path`, known or not.
    pub(super) fn limit(&self, path: &str, now: UnixMs) -> Result<(), u64> {
        self.buckets.take(path, now)
    }

    /// The endpoint at `(tenant, connection)`, with its tenant.
    pub(super) async fn endpoint(
        &self,
        app: &App,
        (tenant, connection): (&str, &str),
    ) -> Result<Option<(Arc<TenantHandle>, Arc<Endpoint>)>, ApiError> {
        let Some(tenant) = app.tenants.get(tenant) else { return Ok(None) };
        let present = || (app.clock.now(), tenant.hooks.get());
        let of = (tenant.tenant.id, connection);
        let endpoint = self.pages.endpoint(of, present, async || read(app, &tenant).await).await?;
        Ok(endpoint.map(|it| (tenant, it)))
    }
}

fn fresh(shelf: &Shelf, (now, revision): (UnixMs, u64)) -> Option<Arc<Page>> {
    let page = shelf.page.read().unwrap_or_else(PoisonError::into_inner).clone();
    page.filter(|it| it.at <= now && now.since(it.at) < FRESH_MS && it.revision == revision)
}

async fn read(app: &App, tenant: &TenantHandle) -> Result<BTreeMap<String, Arc<Endpoint>>, ApiError> {
    let mut endpoints = BTreeMap::new();
    for connection in tenant.store.connections().await? {
        if let Some(endpoint) = endpoint_of(app, tenant, &connection).await? {
            endpoints.insert(connection.name, Arc::new(endpoint));
        }
    }
    Ok(endpoints)
}

/// How a connection's webhooks are verified; `None` if it takes none. One whose connector or secret is broken takes
/// none, and keeps no other connection from taking theirs.
async fn endpoint_of(app: &App, tenant: &TenantHandle, connection: &Connection) -> Result<Option<Endpoint>, ApiError> {
    let Some(sealed) = tenant.store.credentials(connection.id, WEBHOOK).await? else { return Ok(None) };
    let scheme = match app.plugins.webhook_scheme(tenant, connection).await {
        Ok(Some(scheme)) => scheme,
        Ok(None) => return Ok(None),
        Err(refusal) => {
            tracing::warn!(connection.name = connection.name, error = %refusal, "a connector takes no webhooks");
            return Ok(None);
        }
    };
    match secrets_of(app, tenant, connection, &sealed) {
        Ok(secrets) => Ok(Endpoint::new(connection.id, &scheme, &secrets)),
        Err(error) => {
            tracing::error!(connection.name = connection.name, error = format!("{error:#}"), "no webhook secret");
            Ok(None)
        }
    }
}

fn secrets_of(app: &App, tenant: &TenantHandle, connection: &Connection, sealed: &[u8]) -> anyhow::Result<HookSecrets> {
    let bound = plugins::bound(connection.id, WEBHOOK);
    let opened = app.vault.open(tenant.tenant.id, &bound, sealed)?;
    Ok(serde_json::from_slice(&opened)?)
}
