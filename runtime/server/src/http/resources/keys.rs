//! API keys.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use utoipa::ToSchema;

use super::check_label;
use crate::auth::mint::{Order, mint};
use crate::auth::{Scope, Token};
use crate::http::extract::{Json, Path};
use crate::http::idempotency::Instead;
use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{ApiError, Caller, Door, List};
use crate::store::control::{ApiKey, TenantId};

/// The longest time that a rotated key goes on working.
const OVERLAP_S_MAX: u32 = 7 * 24 * 3_600;

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
struct KeyView {
    id: String,
    label: String,
    scopes: BTreeSet<String>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    /// To the minute.
    last_used_at: Option<String>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct NewKeyView {
    /// The whole key. It is shown this once; `null` when the answer is repeated.
    key: Option<String>,
    #[serde(flatten)]
    about: KeyView,
}

/// A key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// What it is for.
    label: String,
    /// What it may do: at most what the key that asks may do.
    scopes: BTreeSet<String>,
    /// When it ends, if it does.
    #[serde(default)]
    expires_at: Option<String>,
}

/// How a key is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// Seconds for which the old key goes on working, at most seven days; an hour if absent.
    #[serde(default = "an_hour")]
    overlap_s: u32,
}

fn an_hour() -> u32 {
    3_600
}

pub(super) fn routes() -> Vec<Route> {
    let (read, write) = (Access::Either(Scope::KeysRead), Access::Either(Scope::KeysWrite));
    vec![
        Route::get("/v1/keys", read, list).about("Lists keys, without their secrets.").lists::<KeyView>(),
        Route::post("/v1/keys", write, create)
            .about("Makes a key with at most the scopes of the key that asks.")
            .takes::<NewKey>()
            .gives::<NewKeyView>(201),
        Route::post("/v1/keys/{id}/rotate", write, rotate)
            .about("Makes a key like this one, which goes on working for a while.")
            .takes::<Rotate>()
            .gives::<NewKeyView>(201),
        Route::delete("/v1/keys/{id}", write, revoke).about("Revokes a key.").gives_nothing(),
    ]
}

async fn list(State(door): State<Door>, caller: Caller) -> Result<Json<List<KeyView>>, ApiError> {
    let keys = door.app.control.keys(whose(&caller)).await?;
    Ok(Json(List::whole(keys.into_iter().map(view))))
}

async fn create(State(door): State<Door>, caller: Caller, Json(body): Json<NewKey>) -> Result<Response, ApiError> {
    check_label(&body.label)?;
    let tenant = whose(&caller);
    check_scopes(&body.scopes, &caller, tenant)?;
    let now = door.app.clock.now();
    let expires_at = body.expires_at.map(|it| parse_moment("expires_at", &it)).transpose()?;
    if expires_at.is_some_and(|it| it <= now) {
        return Err(ApiError::unprocessable("invalid-moment", "`expires_at` has passed"));
    }
    let order = Order { tenant, label: body.label, scopes: body.scopes, expires_at };
    add(&door, order, now).await
}

async fn rotate(
    State(door): State<Door>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Rotate>,
) -> Result<Response, ApiError> {
    if body.overlap_s > OVERLAP_S_MAX {
        return Err(ApiError::unprocessable("invalid-overlap", format!("`overlap_s` is at most {OVERLAP_S_MAX}")));
    }
    let (now, tenant) = (door.app.clock.now(), whose(&caller));
    let old = door.app.control.key(&id).await?.filter(|it| it.tenant == tenant);
    let old = old.ok_or(ApiError::NotFound("key"))?;
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|it| it <= now) {
        return Err(ApiError::conflict("key-ended", "this key was revoked or has expired: make a new one"));
    }
    check_scopes(&old.scopes, &caller, tenant)?;
    // The new key comes first: a crash in between leaves two keys, never none.
    let order = Order { tenant, label: old.label, scopes: old.scopes, expires_at: old.expires_at };
    let answer = add(&door, order, now).await?;
    door.app.control.revoke_key(tenant, &id, now.plus(u64::from(body.overlap_s) * 1_000)).await?;
    door.keyring.forget(&id);
    Ok(answer)
}

async fn revoke(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let revoked = door.app.control.revoke_key(whose(&caller), &id, door.app.clock.now()).await?;
    if !revoked {
        return Err(ApiError::NotFound("key"));
    }
    door.keyring.forget(&id);
    Ok(StatusCode::NO_CONTENT)
}

fn whose(caller: &Caller) -> Option<TenantId> {
    caller.tenant.as_ref().map(|it| it.tenant.id)
}

/// Nobody gives more than they have, and no tenant's key manages tenants.
fn check_scopes(scopes: &BTreeSet<String>, caller: &Caller, tenant: Option<TenantId>) -> Result<(), ApiError> {
    let known = if tenant.is_some() { Scope::tenant_names() } else { Scope::all_names() };
    if scopes.is_empty() || !scopes.is_subset(&known) {
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let detail = format!("`scopes` are one or more of {}", names.join(", "));
        return Err(ApiError::unprocessable("invalid-scopes", detail));
    }
    let missing = Scope::ALL.into_iter().find(|it| {
        let name = it.as_str();
        scopes.contains(name) && !caller.key.scopes.contains(name)
    });
    missing.map_or(Ok(()), |it| Err(ApiError::Scope(it.as_str())))
}

async fn add(door: &Door, order: Order, now: UnixMs) -> Result<Response, ApiError> {
    let (token, key) = mint(order, now).map_err(|it| ApiError::Internal(it.into()))?;
    door.app.control.add_key(key.clone()).await?;
    door.keyring.forget(&key.id);
    shown_once(&token, key)
}

/// The answer, with the secret for this reader and without it for the memory of Idempotency-Key.
fn shown_once(token: &Token, key: ApiKey) -> Result<Response, ApiError> {
    let mut shown = NewKeyView { key: None, about: view(key) };
    let remembered = serde_json::to_vec(&shown).map_err(|it| ApiError::Internal(it.into()))?;
    shown.key = Some(token.reveal().to_string());
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    response.extensions_mut().insert(Instead(remembered));
    Ok(response)
}

fn view(key: ApiKey) -> KeyView {
    KeyView {
        id: key.id,
        label: key.label,
        scopes: key.scopes,
        created_at: moment(key.created_at),
        expires_at: key.expires_at.map(moment),
        revoked_at: key.revoked_at.map(moment),
        last_used_at: key.last_used_at.map(moment),
    }
}
