//! Connections: making them, looking at them, giving them secrets.

use std::collections::BTreeMap;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use truthsource_core::Kind;
use truthsource_host::signing;
use utoipa::ToSchema;

use super::{check_name, connection, unless_changed};
use crate::app::TenantHandle;
use crate::auth::Scope;
use crate::engine::connections::{resume, retell};
use crate::engine::subscribe::{self, Subscribed};
use crate::http::extract::{Json, Path};

use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{Acting, ApiError, Door, List};
use crate::plugins::{HookSecret, HookSecrets, WEBHOOK, bound};
use crate::store::{Batch, Change, Connection, ConnectionSpec, ConnectionState, CursorRow, Error, PRICED_BY_RULES};

/// A connection.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionView {
    name: String,
    /// What was asked for.
    #[schema(value_type = Object)]
    spec: ConnectionSpec,
    /// `new`, `active`, `paused` or `denied`.
    #[schema(value_type = String)]
    state: ConnectionState,
    /// Why it does not work.
    trouble: Option<String>,
    created_at: String,
    /// How far each kind has been read; only when one connection is asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    progress: BTreeMap<Kind, Progress>,
    /// Whether its system tells of changes, where its connector sees to that; only when one connection is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribed: Option<SubscribedView>,
}

/// Whether a system tells of changes.
#[derive(Serialize, ToSchema)]
struct SubscribedView {
    /// When that was looked at last.
    at: String,
    /// It ends then, unless it is renewed.
    renew_by: Option<String>,
    /// Why it could not be looked at.
    failure: Option<String>,
}

/// How far a kind has been read.
#[derive(Serialize)]
struct Progress {
    /// Everything was listed once.
    listed: bool,
    poll_at: String,
    /// When the last pull that came to its end had begun: what changed before is known.
    pulled_at: Option<String>,
    swept_at: Option<String>,
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<Sweep>,
}

/// A sweep under way.
#[derive(Serialize)]
struct Sweep {
    began_at: String,
    records: u64,
    fields: u64,
    mismatches: BTreeMap<String, u64>,
}

/// A connection to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    /// 1 to 64 of a-z, 0-9 and `-`.
    name: String,
    /// What it links, and how it takes part.
    #[schema(value_type = Object)]
    spec: ConnectionSpec,
    /// Its secrets; they can be given later.
    #[serde(default)]
    credentials: Option<Credentials>,
}

/// A connection as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedConnection {
    /// What it links, and how it takes part.
    #[schema(value_type = Object)]
    spec: ConnectionSpec,
}

/// Secrets of a connection. They are sealed at once and never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// What the host signs requests with, as its connector's authentication scheme wants it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    auth: Option<serde_json::Map<String, serde_json::Value>>,
    /// What the system signs its webhooks with: the current secret, and during a rotation the one before.
    #[serde(default)]
    webhook: Option<Vec<GivenSecret>>,
}

/// A secret that webhooks are signed with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenSecret {
    /// The secret as the system shows it.
    secret: String,
    /// When it ends, if it does.
    #[serde(default)]
    expires_at: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (read, write) = (Access::Tenant(Scope::ConnectionsRead), Access::Tenant(Scope::ConnectionsWrite));
    vec![
        Route::get("/v1/connections", read, list).about("Lists connections.").lists::<ConnectionView>(),
        Route::post("/v1/connections", write, create)
            .about("Makes a connection. It does nothing until it has passed its check.")
            .takes::<NewConnection>()
            .gives::<ConnectionView>(201),
        Route::get("/v1/connections/{name}", read, show)
            .about("A connection and how far it has been read.")
            .gives::<ConnectionView>(200),
        Route::put("/v1/connections/{name}", write, change)
            .about("Changes how a connection takes part; its connector stays.")
            .takes::<ChangedConnection>()
            .gives::<ConnectionView>(200),
        Route::put("/v1/connections/{name}/credentials", write, credentials)
            .about("Replaces secrets of a connection; those that are left out stay.")
            .takes::<Credentials>()
            .gives_nothing(),
    ]
}

async fn list(acting: Acting) -> Result<Json<List<ConnectionView>>, ApiError> {
    let all = acting.tenant.store.connections().await?;
    Ok(Json(List::whole(all.into_iter().map(view))))
}

async fn show(acting: Acting, Path(name): Path<String>) -> Result<Json<ConnectionView>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    let shown_id = found.id;
    let cursors = acting.tenant.store.cursors(shown_id).await?;
    let mut shown = view(found);
    let subscribed = acting.tenant.store.setting(&subscribe::setting(shown_id)).await?;
    shown.subscribed = subscribed.and_then(|it| serde_json::from_value(it).ok()).map(subscribed_view);
    shown.progress = cursors.into_iter().map(|(kind, row)| (kind, progress(row))).collect();
    Ok(Json(shown))
}

async fn create(
    State(door): State<Door>,
    acting: Acting,
    Json(body): Json<NewConnection>,
) -> Result<(StatusCode, Json<ConnectionView>), ApiError> {
    check_name(&body.name)?;
    check_spec(&body.spec)?;
    // Secrets are read before anything is written, so that a mistake in them leaves nothing behind.
    let secrets = body.credentials.map(read_secrets).transpose()?.unwrap_or_default();
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.push(Change::NewConnection { name: body.name.clone(), spec: body.spec });
    acting.tenant.store.commit(batch).await.map_err(|error| match error {
        Error::Conflict(_) => ApiError::conflict("name-taken", "there is a connection of this name already"),
        other => other.into(),
    })?;
    let made = connection(&acting.tenant, &body.name).await?;
    keep(&door, &acting.tenant, &made, secrets).await?;
    Ok((StatusCode::CREATED, Json(view(made))))
}

async fn change(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Json(body): Json<ChangedConnection>,
) -> Result<Json<ConnectionView>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    check_spec(&body.spec)?;
    if body.spec.connector != found.spec.connector {
        let detail = "a connection keeps its connector, as ids mean something else at another system: make a new one";
        return Err(ApiError::unprocessable("invalid-spec", detail));
    }
    let mut batch = Batch::new(door.app.clock.now());
    let changed = Connection { spec: body.spec, ..found };
    batch.changes.push(Change::ConnectionSpec { id: changed.id, read: changed.revision, spec: changed.spec.clone() });
    if changed.state != ConnectionState::New {
        batch.changes.extend(retell(&changed));
    }
    acting.tenant.store.commit(batch).await.map_err(unless_changed)?;
    door.app.plugins.forget(&acting.tenant, &changed);
    acting.tenant.hooks.raise();
    acting.tenant.wake.notify_one();
    Ok(Json(view(changed)))
}

async fn credentials(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Json(body): Json<Credentials>,
) -> Result<StatusCode, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    keep(&door, &acting.tenant, &found, read_secrets(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What requests are signed with.
const AUTH: &str = "auth";

/// Secrets by purpose, as they are sealed.
type Secrets = Vec<(&'static str, zeroize::Zeroizing<Vec<u8>>)>;

fn read_secrets(credentials: Credentials) -> Result<Secrets, ApiError> {
    let mut out = Secrets::new();
    let mut push = |purpose, json: serde_json::Result<Vec<u8>>| {
        out.push((purpose, json.map_err(|it| ApiError::Internal(it.into()))?.into()));
        Ok::<_, ApiError>(())
    };
    if let Some(auth) = credentials.auth {
        check_auth(&auth)?;
        push(AUTH, serde_json::to_vec(&auth))?;
    }
    if let Some(given) = credentials.webhook {
        if given.is_empty() || given.len() > 2 || given.iter().any(|it| it.secret.is_empty()) {
            let detail = "give one webhook secret, or two during a rotation, none of them empty";
            return Err(ApiError::unprocessable("invalid-secrets", detail));
        }
        let mut secrets = Vec::new();
        for one in given {
            let expires_at = one.expires_at.map(|it| parse_moment("expires_at", &it)).transpose()?;
            secrets.push(HookSecret { secret: one.secret, expires_at });
        }
        push(WEBHOOK, serde_json::to_vec(&HookSecrets { secrets }))?;
    }
    Ok(out)
}

/// Credentials that cannot work are found before they are kept. What is wrong with them is said without their values.
fn check_auth(auth: &serde_json::Map<String, serde_json::Value>) -> Result<(), ApiError> {
    let invalid = |detail: String| ApiError::unprocessable("invalid-credentials", format!("`auth`: {detail}"));
    let known = signing::Credentials::deserialize(serde_json::Value::Object(auth.clone())).map_err(|error| {
        let text = error.to_string();
        // A value of the wrong type is quoted.
        let names = ["unknown variant", "unknown field", "missing field", "duplicate field"];
        invalid(if names.iter().any(|it| text.starts_with(it)) {
            text
        } else {
            "a member has the wrong type".to_owned()
        })
    })?;
    known.check().map_err(|error| invalid(error.to_string()))
}

/// Seals and stores secrets, unless the connection is not any more as it was read. One that was refused for what it was
/// signed with is tried again when that is replaced.
async fn keep(door: &Door, tenant: &TenantHandle, of: &Connection, secrets: Secrets) -> Result<(), ApiError> {
    if secrets.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::new(door.app.clock.now());
    if of.state != ConnectionState::New && secrets.iter().any(|(purpose, _)| *purpose == AUTH) {
        batch.changes.extend(resume(of));
    }
    let is_cured = of.state == ConnectionState::Denied && secrets.iter().any(|(purpose, _)| *purpose == AUTH);
    let (state, trouble) = if is_cured { (ConnectionState::Active, None) } else { (of.state, of.trouble.clone()) };
    // Also where it stays what it is: whoever decides meanwhile on what the old secrets did is told that they are old.
    batch.changes.push(Change::ConnectionState { id: of.id, read: of.revision, state, trouble });
    for (purpose, secret) in secrets {
        let bound = bound(of.id, purpose);
        let sealed = door.app.vault.seal(tenant.tenant.id, &bound, &secret)?;
        batch.changes.push(Change::Credentials { id: of.id, purpose: purpose.to_owned(), sealed });
    }
    tenant.store.commit(batch).await.map_err(unless_changed)?;
    door.app.plugins.forget(tenant, of);
    tenant.hooks.raise();
    tenant.wake.notify_one();
    Ok(())
}

fn check_spec(spec: &ConnectionSpec) -> Result<(), ApiError> {
    let invalid = |detail: String| Err(ApiError::unprocessable("invalid-spec", detail));
    match spec.connector.strip_prefix("connector:") {
        Some(name) if check_name(name).is_ok() => {}
        _ => return invalid("`connector` is a slot like `connector:shopify`".to_owned()),
    }
    for origin in &spec.egress {
        let url = url::Url::parse(origin).ok();
        let plain = url.is_some_and(|it| {
            matches!(it.scheme(), "http" | "https")
                && it.origin().ascii_serialization() == origin.trim_end_matches('/').to_ascii_lowercase()
        });
        if !plain {
            let shown: String = origin.chars().take(80).collect();
            return invalid(format!("`{shown}` in `egress` is no origin like `https://shop.example:8443`"));
        }
    }
    if let Some(stranger) = spec.credentials_for.iter().find(|it| !spec.egress.contains(it)) {
        return invalid(format!("`{stranger}` in `credentials_for` is not among `egress`"));
    }
    if spec.egress.len() > 1 && spec.credentials_for.is_empty() {
        return invalid(
            "with several origins in `egress`, `credentials_for` says which the credentials are for".to_owned(),
        );
    }
    if spec.kinds.is_empty() {
        return invalid("`kinds` names no kind".to_owned());
    }
    if spec.poll_every_ms.values().any(|it| *it < 100) {
        return invalid("`poll_every_ms` is at least 100".to_owned());
    }
    if let Some(publishes) = &spec.publishes {
        publishes.buffer().check().or_else(|reason| invalid(format!("`publishes`: {reason}")))?;
    }
    if let Some(by) = spec.priced_by.as_deref().filter(|it| *it != PRICED_BY_RULES && *it != "pricing") {
        let is_slot = by.strip_prefix("pricing:").is_some_and(|name| check_name(name).is_ok());
        if !is_slot {
            return invalid("`priced_by` is `rules`, or a slot like `pricing` or `pricing:shop`".to_owned());
        }
    }
    let long = |it: &String| it.len() > 4_096;
    if spec.settings.len() > 100 || spec.settings.iter().any(|(name, value)| long(name) || long(value)) {
        return invalid("`settings` are at most 100, of at most 4096 bytes each".to_owned());
    }
    Ok(())
}

pub(super) fn view(connection: Connection) -> ConnectionView {
    ConnectionView {
        name: connection.name,
        spec: connection.spec,
        state: connection.state,
        trouble: connection.trouble,
        created_at: moment(connection.created_at),
        progress: BTreeMap::new(),
        subscribed: None,
    }
}

fn subscribed_view(it: Subscribed) -> SubscribedView {
    SubscribedView { at: moment(it.at), renew_by: it.renew_by.map(moment), failure: it.failure }
}

fn progress(row: CursorRow) -> Progress {
    let sweep = row.sweep.map(|it| Sweep {
        began_at: moment(it.began_at),
        records: it.seen,
        fields: it.fields,
        mismatches: it.mismatches,
    });
    Progress {
        listed: row.listed,
        poll_at: moment(row.poll_at),
        pulled_at: row.pulled_at.map(moment),
        swept_at: row.swept_at.map(moment),
        failures: row.failures,
        sweep,
    }
}
