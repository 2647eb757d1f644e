//! Who is asking, and about which tenant.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

use super::Door;
use super::accept::Peer;
use super::problem::ApiError;
use super::route::{Access, Spec};
use crate::app::TenantHandle;
use crate::auth::Scope;
use crate::store::control::ApiKey;

/// The header by which an operator names the tenant.
pub const TENANT_HEADER: &str = "x-tenant";

/// A caller whose key was checked.
#[derive(Clone)]
pub struct Caller {
    /// The key.
    pub key: Arc<ApiKey>,
    /// The tenant it is about; `None` only where a route allows an operator to name none.
    pub tenant: Option<Arc<TenantHandle>>,
}

/// The tenant of the request, and the key that speaks for it.
pub struct Acting {
    /// The tenant.
    pub tenant: Arc<TenantHandle>,
    /// The key.
    pub key: Arc<ApiKey>,
}

impl Acting {
    /// What is written down about who did something.
    #[must_use]
    pub fn name(&self) -> String {
        format!("key {}", self.key.id)
    }
}

/// Lets the request in, or says why not. Comes before anything of the request is read.
pub(super) async fn admit(door: &Door, spec: &Spec, parts: &Parts) -> Result<Option<Caller>, ApiError> {
    let scope = match spec.access {
        Access::Public => return Ok(None),
        Access::Operator(scope) | Access::Tenant(scope) | Access::Either(scope) => scope,
    };
    // Addresses end up in logs of proxies and histories of shells: a key there is treated as none.
    if parts.uri.query().is_some_and(|it| it.contains("ts_live_")) {
        return Err(ApiError::KeyMissing);
    }
    let text = bearer(&parts.headers).ok_or(ApiError::KeyMissing)?;
    let peer = parts.extensions.get::<Peer>().map_or(std::net::IpAddr::from([127, 0, 0, 1]), |it| it.0.ip());
    let key = door.keyring.authenticate(text, peer).await?;
    if !key.scopes.contains(scope.as_str()) {
        return Err(ApiError::Scope(scope.as_str()));
    }
    let tenant = tenant_of(door, spec.access, &key, &parts.headers)?;
    Ok(Some(Caller { key, tenant }))
}

/// The key of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, more) = (all.next()?, all.next());
    let (scheme, key) = first.to_str().ok()?.split_once(' ')?;
    (more.is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(key.trim())
}

/// A tenant's key speaks for that tenant only; another's name is answered as one that does not exist.
fn tenant_of(
    door: &Door,
    access: Access,
    key: &ApiKey,
    headers: &HeaderMap,
) -> Result<Option<Arc<TenantHandle>>, ApiError> {
    let named = headers.get(TENANT_HEADER).map(|it| it.to_str().unwrap_or_default());
    let unknown = || ApiError::NotFound("tenant");
    match (key.tenant, access) {
        (Some(_), Access::Operator(_)) => Err(ApiError::Scope(Scope::TenantsWrite.as_str())),
        (None, Access::Operator(_)) => Ok(None),
        (Some(id), _) => {
            let own = door.app.tenants.by_id(id).ok_or_else(unknown)?;
            if named.is_some_and(|it| it != own.tenant.name) { Err(unknown()) } else { Ok(Some(own)) }
        }
        (None, _) => match named {
            Some(name) => door.app.tenants.get(name).map(Some).ok_or_else(unknown),
            None if matches!(access, Access::Either(_)) => Ok(None),
            None => Err(ApiError::bad("tenant-missing", "an operator's key names the tenant in the header `X-Tenant`")),
        },
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::KeyMissing)
    }
}

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller { key, tenant } = Caller::from_request_parts(parts, state).await?;
        Ok(Self { tenant: tenant.ok_or(ApiError::NotFound("tenant"))?, key })
    }
}
