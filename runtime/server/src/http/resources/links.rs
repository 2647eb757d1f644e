//! What a connection's records are linked to: shown, approved, and said by a person.

use std::collections::BTreeMap;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::Kind;
use truthsource_core::record::RecordKey;
use utoipa::{IntoParams, ToSchema};

use super::connections::{ConnectionView, view};
use super::plan::{engine, failed};
use super::{connection, unless_changed};
use crate::auth::Scope;
use crate::engine::matching::{How, Match, Refused, approve, link, matches};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door};
use crate::store::{Batch, Links};

/// Which matches.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// Only those of this sort: `exact`, `normalised`, `new`, `ambiguous`, `waits`.
    how: Option<String>,
    /// How many are shown, 1 to 500; 50 if absent. All are counted.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What would be linked.
#[derive(Serialize, ToSchema)]
struct MatchesView {
    connection: String,
    /// A person has approved, or nobody needs to: what is read is linked by itself.
    approved: bool,
    /// How many there are of each kind and sort.
    #[schema(value_type = Object)]
    counts: BTreeMap<Kind, BTreeMap<&'static str, u64>>,
    /// There are more than were looked at.
    more: bool,
    /// Some of them.
    items: Vec<MatchView>,
}

/// What a remote record would be linked to.
#[derive(Serialize, ToSchema)]
struct MatchView {
    #[schema(value_type = String)]
    kind: Kind,
    remote_id: String,
    /// What it is called there.
    #[schema(value_type = Object)]
    called: BTreeMap<String, AnyJson>,
    /// `exact`: a record is called just so. `normalised`: but for case and spaces. `new`: it becomes a record.
    /// `ambiguous`: a person will be asked. `waits`: it refers to what is not linked yet.
    how: &'static str,
    /// The record.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a person says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Same {
    #[schema(value_type = String)]
    kind: Kind,
    /// The record's id at the connection.
    remote_id: String,
    /// The record.
    key: String,
}

pub(super) fn routes() -> Vec<Route> {
    let write = Access::Tenant(Scope::ConnectionsWrite);
    vec![
        Route::get("/v1/connections/{name}/matches", Access::Tenant(Scope::RecordsRead), show)
            .about("What everything that waits for approval would be linked to. Nothing is written.")
            .query::<Which>()
            .gives::<MatchesView>(200),
        Route::post("/v1/connections/{name}/approve", write, approved)
            .about("Lets what waits be linked as it was shown, and what is read later by itself.")
            .gives::<ConnectionView>(200),
        Route::post("/v1/connections/{name}/links", write, same)
            .about("A person says that what the connection has under an id is this record.")
            .takes::<Same>()
            .gives_nothing(),
    ]
}

async fn show(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<MatchesView>, ApiError> {
    let n_max = limit(which.limit)? as usize;
    let how = which.how.as_deref().map(|name| How::ALL.into_iter().find(|it| it.as_str() == name));
    if how == Some(None) {
        return Err(ApiError::bad("invalid-query", "`how` is exact, normalised, new, ambiguous or waits"));
    }
    let found = connection(&acting.tenant, &name).await?;
    let (all, more) = matches(&engine(&door, &acting.tenant), found.id).await.map_err(failed)?;
    let mut counts: BTreeMap<Kind, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for it in &all {
        *counts.entry(it.kind).or_default().entry(it.how.as_str()).or_default() += 1;
    }
    let is_meant =
        |it: &Match| which.kind.is_none_or(|kind| kind == it.kind) && how.flatten().is_none_or(|how| how == it.how);
    let items = all.into_iter().filter(is_meant).take(n_max).map(match_view).collect();
    let approved = found.spec.links == Links::Automatic;
    Ok(Json(MatchesView { connection: found.name, approved, counts, more, items }))
}

async fn approved(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
) -> Result<Json<ConnectionView>, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    if found.spec.links != Links::Automatic {
        let batch = Batch { changes: approve(&found), ..Batch::new(door.app.clock.now()) };
        acting.tenant.store.commit(batch).await.map_err(unless_changed)?;
        acting.tenant.wake.notify_one();
    }
    Ok(Json(view(connection(&acting.tenant, &name).await?)))
}

async fn same(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Json(body): Json<Same>,
) -> Result<StatusCode, ApiError> {
    let found = connection(&acting.tenant, &name).await?;
    if !(1..=255).contains(&body.remote_id.len()) {
        return Err(ApiError::unprocessable("invalid-value", "`remote_id` is 1 to 255 bytes"));
    }
    let (engine, key) = (engine(&door, &acting.tenant), RecordKey::new(body.kind, body.key));
    let said = link(&engine, &found, (&key, &body.remote_id), &acting.name()).await.map_err(failed)?;
    let changes = said.map_err(|refused| match refused {
        Refused::NoRecord => ApiError::NotFound("record"),
        Refused::Linked(detail) => ApiError::conflict("already-linked", detail),
    })?;
    acting.tenant.store.commit(Batch { changes, ..Batch::new(engine.now()) }).await.map_err(|error| match error {
        crate::store::Error::Conflict(_) => ApiError::conflict("already-linked", "one of the two was linked meanwhile"),
        other => other.into(),
    })?;
    acting.tenant.wake.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

fn match_view(it: Match) -> MatchView {
    MatchView {
        kind: it.kind,
        remote_id: it.remote_id,
        called: it.called.into_iter().map(|(name, it)| (name, it.to_json())).collect(),
        how: it.how.as_str(),
        key: it.key,
        reason: it.reason,
    }
}
