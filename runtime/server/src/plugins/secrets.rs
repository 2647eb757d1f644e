//! What a connection's deliveries prove themselves with, as its store keeps it.

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_host::CallError;
use truthsource_host::capability::http::WebhookSecret;
use truthsource_host::signing::Secret;

use super::Parts;
use super::reach::bound;
use crate::app::TenantHandle;
use crate::auth::digest::hex;
use crate::store::{Batch, Change, Connection};

/// The purpose under which they are sealed.
pub const WEBHOOK: &str = "webhook";

/// What webhooks of a connection are proved by; sealed under `connection/<id>/webhook` as JSON.
#[derive(Serialize, Deserialize)]
pub struct HookSecrets {
    /// The current secret, and during a rotation the one before.
    pub secrets: Vec<HookSecret>,
}

/// A secret that webhooks are proved by.
#[derive(Serialize, Deserialize)]
pub struct HookSecret {
    /// Its text, whose bytes are the key.
    pub secret: String,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMs>,
}

/// The secret of today for systems that are told it when they are subscribed to. Where the tenant gave none it is made,
/// kept, and known to nobody but the two sides.
pub(super) async fn of_deliveries(
    parts: &Parts,
    tenant: &TenantHandle,
    connection: &Connection,
) -> Result<WebhookSecret, CallError> {
    let failed = |error: anyhow::Error| CallError::Host { reason: format!("{error:#}") };
    let sealed = tenant.store.credentials(connection.id, WEBHOOK).await.map_err(|error| failed(error.into()))?;
    let secret = match sealed {
        Some(sealed) => {
            let opened = parts.vault.open(tenant.tenant.id, &bound(connection.id, WEBHOOK), &sealed).map_err(failed)?;
            let known: HookSecrets = serde_json::from_slice(&opened).map_err(|error| failed(error.into()))?;
            known.secrets.into_iter().next().map(|it| it.secret).unwrap_or_default()
        }
        None => make(parts, tenant, connection).await.map_err(failed)?,
    };
    WebhookSecret::new(Secret::new(secret)).ok_or_else(|| {
        let reason = "the webhook secret has other characters than letters, digits, `-` and `_`: give another";
        CallError::Host { reason: reason.to_owned() }
    })
}

async fn make(parts: &Parts, tenant: &TenantHandle, connection: &Connection) -> anyhow::Result<String> {
    let bits = [parts.ambient.nonce(), parts.ambient.nonce()].map(u128::to_le_bytes);
    let secret = hex(&bits.concat());
    let kept = HookSecrets { secrets: vec![HookSecret { secret: secret.clone(), expires_at: None }] };
    let kept = zeroize::Zeroizing::new(serde_json::to_vec(&kept)?);
    let sealed = parts.vault.seal(tenant.tenant.id, &bound(connection.id, WEBHOOK), &kept)?;
    let mut batch = Batch::new(parts.clock.now());
    batch.changes.push(Change::Credentials { id: connection.id, purpose: WEBHOOK.to_owned(), sealed });
    tenant.store.commit(batch).await?;
    tenant.hooks.raise();
    Ok(secret)
}
