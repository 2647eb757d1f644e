//! What can be done with a connection: check it, stop it, let it go on, have everything compared.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use truthsource_core::Kind;
use utoipa::{IntoParams, ToSchema};

use super::connections::{ConnectionView, view};
use super::{connection, unless_changed};
use crate::auth::Scope;
use crate::engine::connections::{resume, retell};
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door};
use crate::store::{Batch, Change, Connection, ConnectionState, Work};

/// What a check found.
#[derive(Serialize, ToSchema)]
struct Checked {
    /// All is well.
    ok: bool,
    /// `new`, `active`, `paused` or `denied`.
    #[schema(value_type = String)]
    state: ConnectionState,
    /// What was looked at.
    findings: Vec<FindingView>,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
struct FindingView {
    /// What.
    subject: String,
    /// All is well with it.
    ok: bool,
    /// What is wrong and what to do, or what was found.
    message: String,
}

/// What to compare.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SweepQuery {
    /// Only this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
}

/// A sweep that was asked for.
#[derive(Serialize, ToSchema)]
struct SweepAsked {
    /// The moment by which its end can be told: `swept_at` of each kind is not before it.
    asked_at: String,
    /// What will be compared.
    #[schema(value_type = Vec<String>)]
    kinds: Vec<Kind>,
}

pub(super) fn routes() -> Vec<Route> {
    let write = Access::Tenant(Scope::ConnectionsWrite);
    vec![
        Route::post("/v1/connections/{name}/check", write, check)
            .about("Looks whether a connection can do its work. One that passes becomes active, but for a paused one.")
            .gives::<Checked>(200),
        Route::post("/v1/connections/{name}/pause", write, pause)
            .about("Stops an active connection: nothing is read from it or written to it.")
            .gives::<ConnectionView>(200),
        Route::post("/v1/connections/{name}/resume", write, go_on)
            .about("Lets a paused connection go on.")
            .gives::<ConnectionView>(200),
        Route::post("/v1/connections/{name}/sweep", Access::Tenant(Scope::Sweep), sweep)
            .about("Asks for a full comparison; see `progress` of the connection.")
            .query::<SweepQuery>()
            .gives::<SweepAsked>(202),
    ]
}

async fn check(State(door): State<Door>, acting: Acting, Path(name): Path<String>) -> Result<Json<Checked>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    let findings = door.app.plugins.check(&acting.tenant, &found).await?;
    let ok = findings.iter().all(|it| it.ok);
    let trouble = findings.iter().find(|it| !it.ok).map(|it| format!("{}: {}", it.subject, it.message));
    let state = match found.state {
        ConnectionState::New | ConnectionState::Denied if ok => ConnectionState::Active,
        other => other,
    };
    store(&door, &acting, &found, state, trouble).await?;
    let findings = findings.into_iter().map(|it| FindingView { subject: it.subject, ok: it.ok, message: it.message });
    Ok(Json(Checked { ok, state, findings: findings.collect() }))
}

async fn pause(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
) -> Result<Json<ConnectionView>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    match found.state {
        ConnectionState::Paused => {}
        ConnectionState::Active => {
            store(&door, &acting, &found, ConnectionState::Paused, found.trouble.clone()).await?;
        }
        // Resuming would make it active, and nobody looked whether it may be.
        ConnectionState::New | ConnectionState::Denied => {
            let detail = "only an active connection can be paused; nothing is read from this one or written to it before \
                          it has passed its check: check it, or leave it as it is";
            return Err(ApiError::conflict("not-active", detail));
        }
    }
    Ok(Json(view(connection(&acting.tenant, &name).await?)))
}

async fn go_on(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
) -> Result<Json<ConnectionView>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    match found.state {
        ConnectionState::Active => {}
        ConnectionState::Paused => store(&door, &acting, &found, ConnectionState::Active, None).await?,
        ConnectionState::New | ConnectionState::Denied => {
            return Err(ApiError::conflict("check-first", "this connection has not passed its check: check it"));
        }
    }
    Ok(Json(view(connection(&acting.tenant, &name).await?)))
}

async fn sweep(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Query(query): Query<SweepQuery>,
) -> Result<(StatusCode, Json<SweepAsked>), ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    let reads = found.spec.kinds.keys().copied();
    let kinds: Vec<Kind> = reads.filter(|it| query.kind.is_none_or(|only| only == *it)).collect();
    if kinds.is_empty() {
        return Err(ApiError::unprocessable("not-connected", "this connection takes no part in that kind"));
    }
    if found.state != ConnectionState::Active {
        return Err(ApiError::conflict("not-active", "only an active connection can be swept"));
    }
    let now = door.app.clock.now();
    let mut batch = Batch::new(now);
    for kind in &kinds {
        batch.changes.push(Change::Ask { connection: found.id, kind: *kind, work: Work::Sweep });
    }
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Json(SweepAsked { asked_at: crate::http::view::moment(now), kinds })))
}

/// Writes down whether the connection works, unless it is not any more as it was read.
async fn store(
    door: &Door,
    acting: &Acting,
    of: &Connection,
    state: ConnectionState,
    trouble: Option<String>,
) -> Result<(), ApiError> {
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.push(Change::ConnectionState { id: of.id, read: of.revision, state, trouble });
    if state == ConnectionState::Active {
        batch.changes.extend(resume(of));
    }
    if of.state == ConnectionState::New && state != ConnectionState::New {
        batch.changes.extend(retell(of));
    }
    acting.tenant.store.commit(batch).await.map_err(unless_changed)?;
    acting.tenant.wake.notify_one();
    Ok(())
}
