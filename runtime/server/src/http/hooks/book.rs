//! Which addresses there are and how each is verified, kept in memory: the store and the components are asked again
//! only when something changed, or after half a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;
use http::HeaderName;
use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;
use truthsource_host::model::WebhookScheme;

use crate::app::{App, TenantHandle};
use crate::auth::Buckets;
use crate::http::ApiError;
use crate::store::Connection;

/// How long what was read counts, if nobody says that it changed.
const FRESH_MS: u64 = 30_000;
/// Signatures that are computed for every webhook.
pub(super) const KEYS: usize = 2;

/// What webhooks of a connection are signed with; sealed under `connection/<id>/webhook` as JSON.
#[derive(Serialize, Deserialize)]
pub struct WebhookSecrets {
    /// The current secret, and during a rotation the one before.
    pub secrets: Vec<WebhookSecret>,
}

/// A secret that webhooks are signed with.
#[derive(Serialize, Deserialize)]
pub struct WebhookSecret {
    /// Its text, whose bytes are the key.
    pub secret: String,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMs>,
}

/// How signatures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Base64,
    Hex,
}

/// A key that counts until it expires.
pub(super) struct Key {
    pub key: hmac::Key,
    pub expires_at: Option<UnixMs>,
}

/// An address that webhooks come to.
pub(super) struct Endpoint {
    pub connection: ConnectionId,
    pub signature: HeaderName,
    pub id: HeaderName,
    pub topic: HeaderName,
    pub timestamp: Option<HeaderName>,
    pub spelling: Spelling,
    pub keys: [Key; KEYS],
}

impl Endpoint {
    /// `None` when the scheme is not one of ours or there is no secret.
    pub(super) fn new(connection: ConnectionId, scheme: &WebhookScheme, secrets: &WebhookSecrets) -> Option<Self> {
        let spelling = match scheme.algorithm.as_str() {
            "hmac-sha256-base64" => Spelling::Base64,
            "hmac-sha256-hex" => Spelling::Hex,
            _ => return None,
        };
        let mut given = secrets.secrets.iter().filter(|it| !it.secret.is_empty());
        let key = |it: &WebhookSecret| Key {
            key: hmac::Key::new(hmac::HMAC_SHA256, it.secret.as_bytes()),
            expires_at: it.expires_at,
        };
        // One secret stands twice, so that the work does not tell how many there are.
        let first = given.next()?;
        let second = given.next().unwrap_or(first);
        let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok();
        let timestamp = match scheme.timestamp_header.as_str() {
            "" => None,
            text => Some(name(text)?),
        };
        Some(Self {
            connection,
            signature: name(&scheme.signature_header)?,
            id: name(&scheme.id_header)?,
            topic: name(&scheme.topic_header)?,
            timestamp,
            spelling,
            keys: [key(first), key(second)],
        })
    }
}

/// A tenant's addresses, as they were when they were read.
struct Page {
    at: UnixMs,
    endpoints: BTreeMap<String, Arc<Endpoint>>,
}

/// A tenant's place in the book.
#[derive(Default)]
struct Shelf {
    page: RwLock<Option<Arc<Page>>>,
    /// Held while the page is read anew: one request does it, the others wait for it.
    reading: tokio::sync::Mutex<()>,
}

/// All addresses, and the limit on each.
pub struct Hooks {
    shelves: RwLock<BTreeMap<String, Arc<Shelf>>>,
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
        let key = || Key { key: hmac::Key::new(hmac::HMAC_SHA256, &secret), expires_at: None };
        let nobody = Endpoint {
            connection: ConnectionId(0),
            signature: HeaderName::from_static("x-shopify-hmac-sha256"),
            id: HeaderName::from_static("x-shopify-webhook-id"),
            topic: HeaderName::from_static("x-shopify-topic"),
            timestamp: None,
            spelling: Spelling::Base64,
            keys: [key(), key()],
        };
        Ok(Self { shelves: RwLock::default(), buckets: Buckets::new(per_second_max, per_second_max), nobody })
    }

    /// Whom an unknown address belongs to: nobody can sign for it.
    pub(super) fn nobody(&self) -> &Endpoint {
        &self.nobody
    }

    /// Counts a webhook to `path`, known or not.
    pub(super) fn limit(&self, path: &str, now: UnixMs) -> Result<(), u64> {
        self.buckets.take(path, now)
    }

    /// Forgets a tenant's addresses: its connections, their secrets or their connectors changed.
    pub fn forget(&self, tenant: &str) {
        // The whole shelf goes, so that a page which is being read just now does not come back.
        self.shelves.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// The endpoint at `(tenant, connection)`, with its tenant.
    pub(super) async fn endpoint(
        &self,
        app: &App,
        (tenant, connection): (&str, &str),
    ) -> Result<Option<(Arc<TenantHandle>, Arc<Endpoint>)>, ApiError> {
        let Some(tenant) = app.tenants.get(tenant) else { return Ok(None) };
        let page = self.page(app, &tenant).await?;
        let endpoint = page.endpoints.get(connection).cloned();
        Ok(endpoint.map(|it| (tenant, it)))
    }

    async fn page(&self, app: &App, tenant: &TenantHandle) -> Result<Arc<Page>, ApiError> {
        let shelf = self.shelf(&tenant.tenant.name);
        if let Some(page) = fresh(&shelf, app.clock.now()) {
            return Ok(page);
        }
        let _reading = shelf.reading.lock().await;
        if let Some(page) = fresh(&shelf, app.clock.now()) {
            return Ok(page);
        }
        let page = Arc::new(read(app, tenant).await?);
        *shelf.page.write().unwrap_or_else(PoisonError::into_inner) = Some(page.clone());
        Ok(page)
    }

    fn shelf(&self, tenant: &str) -> Arc<Shelf> {
        let known = self.shelves.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        known.unwrap_or_else(|| {
            let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
            shelves.entry(tenant.to_owned()).or_default().clone()
        })
    }
}

fn fresh(shelf: &Shelf, now: UnixMs) -> Option<Arc<Page>> {
    let page = shelf.page.read().unwrap_or_else(PoisonError::into_inner).clone();
    page.filter(|it| it.at <= now && now.since(it.at) < FRESH_MS)
}

async fn read(app: &App, tenant: &TenantHandle) -> Result<Page, ApiError> {
    let at = app.clock.now();
    let mut endpoints = BTreeMap::new();
    for connection in tenant.store.connections().await? {
        if let Some(endpoint) = endpoint_of(app, tenant, &connection).await? {
            endpoints.insert(connection.name, Arc::new(endpoint));
        }
    }
    Ok(Page { at, endpoints })
}

/// How a connection's webhooks are verified; `None` if it takes none. One whose connector or secret is broken takes
/// none, and keeps no other connection from taking theirs.
async fn endpoint_of(app: &App, tenant: &TenantHandle, connection: &Connection) -> Result<Option<Endpoint>, ApiError> {
    let Some(sealed) = tenant.store.credentials(connection.id, "webhook").await? else { return Ok(None) };
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

fn secrets_of(
    app: &App,
    tenant: &TenantHandle,
    connection: &Connection,
    sealed: &[u8],
) -> anyhow::Result<WebhookSecrets> {
    let bound = format!("connection/{}/webhook", connection.id);
    let opened = app.vault.open(tenant.tenant.id, &bound, sealed)?;
    Ok(serde_json::from_slice(&opened)?)
}
