//! Plans that somebody applied, and what became of them.

use std::collections::BTreeMap;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};
use utoipa::{IntoParams, ToSchema};

use super::plan::{engine, failed};
use crate::auth::Scope;
use crate::engine::{apply, priority};
use crate::http::cursor::{LIMIT_MAX, limit};
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::Names;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{Connection, ConnectionState, PlanOutcome, Planned, PlannedWrite, Step};

/// Writes of a plan, as the plan has them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Apply {
    /// 1 to 500 of them; a longer plan is handed in in parts.
    writes: Vec<PlanWrite>,
}

/// One record's write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanWrite {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// The record's id there; null: it is to be created.
    remote_id: Option<String>,
    /// The truth's version that the plan was made on.
    truth_version: u64,
    /// The system's version mark that it was made on.
    base_version: String,
    /// Field → what the system held, and what it is to hold: `{"from": …, "to": …}`.
    #[schema(value_type = Object)]
    fields: BTreeMap<String, Step>,
}

/// How far a plan is.
#[derive(Serialize, ToSchema)]
struct PlanView {
    plan: String,
    /// Writes that were handed in.
    writes: u64,
    /// Those that wait, or are under way.
    open: u64,
    /// How many came to which outcome: `applied`, `already-holds`, `moved-at-remote`, `moved-truth`, `gone`, `held`,
    /// `failed`, `expired`.
    outcomes: BTreeMap<String, u64>,
}

/// What became of one write.
#[derive(Serialize, ToSchema)]
struct OutcomeView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// `applied`, `already-holds`, `moved-at-remote`, `moved-truth`, `gone`, `held`, `failed`, `expired`; null while it
    /// waits or is under way.
    outcome: Option<&'static str>,
    /// What moved, what was said, or what is waited for.
    #[schema(value_type = Object)]
    detail: AnyJson,
}

/// The part of a listing that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Slice {
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (read, write) = (Access::Tenant(Scope::RecordsRead), Access::Tenant(Scope::WorkWrite));
    vec![
        Route::post("/v1/plans/{id}/apply", write, hand_in)
            .about("Has writes of a plan carried out, each only if everything is still as the plan says.")
            .takes::<Apply>()
            .gives::<PlanView>(202),
        Route::get("/v1/plans/{id}", read, show).about("How far a plan that was applied is.").gives::<PlanView>(200),
        Route::get("/v1/plans/{id}/writes", read, list)
            .about("What became of each write of a plan that was applied.")
            .query::<Slice>()
            .lists::<OutcomeView>(),
    ]
}

async fn hand_in(
    State(door): State<Door>,
    acting: Acting,
    Path(id): Path<String>,
    Json(body): Json<Apply>,
) -> Result<(StatusCode, Json<PlanView>), ApiError> {
    check_id(&id)?;
    if !(1..=LIMIT_MAX as usize).contains(&body.writes.len()) {
        let detail = format!("`writes` are 1 to {LIMIT_MAX}; hand a longer plan in in parts");
        return Err(ApiError::unprocessable("invalid-plan", detail));
    }
    let connections = acting.tenant.store.connections().await?;
    let mut planned = Vec::with_capacity(body.writes.len());
    for write in body.writes {
        planned.push(read_write(&door, &id, &connections, write)?);
    }
    apply::hand_in(&engine(&door, &acting.tenant), planned).await.map_err(failed)?;
    acting.tenant.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Json(view(&acting, id).await?)))
}

fn check_id(id: &str) -> Result<(), ApiError> {
    let is_digest = id.len() == 64 && id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let detail = "a plan is named by the digest of its writes: 64 lower-case hex digits";
    is_digest.then_some(()).ok_or_else(|| ApiError::unprocessable("invalid-plan", detail))
}

fn read_write(door: &Door, id: &str, connections: &[Connection], it: PlanWrite) -> Result<Planned, ApiError> {
    let found = connections.iter().find(|of| of.name == it.connection);
    let found = found.ok_or(ApiError::NotFound("connection"))?;
    if found.state != ConnectionState::Active {
        let detail = format!("connection `{}` does not work: nothing can be written there", found.name);
        return Err(ApiError::conflict("not-active", detail));
    }
    if it.fields.is_empty() || it.remote_id.as_ref().is_some_and(String::is_empty) {
        let detail = format!("the write of {}/{} names no field or no record", it.kind, it.key);
        return Err(ApiError::unprocessable("invalid-plan", detail));
    }
    let (at, key) = (door.app.clock.now(), RecordKey::new(it.kind, it.key));
    let PlanWrite { remote_id, truth_version, base_version, fields, kind, .. } = it;
    Ok(Planned {
        plan: id.to_owned(),
        connection: found.id,
        key,
        priority: priority(kind),
        at,
        due_at: at,
        write: PlannedWrite { remote_id, truth_version, base_version, fields },
        waits: None,
        outcome: None,
    })
}

async fn view(acting: &Acting, plan: String) -> Result<PlanView, ApiError> {
    let mut outcomes = acting.tenant.store.plan_counts(&plan).await?;
    let open = outcomes.remove("").unwrap_or(0);
    let writes = open + outcomes.values().sum::<u64>();
    if writes == 0 {
        return Err(ApiError::NotFound("plan"));
    }
    Ok(PlanView { plan, writes, open, outcomes })
}

async fn show(acting: Acting, Path(id): Path<String>) -> Result<Json<PlanView>, ApiError> {
    Ok(Json(view(&acting, id).await?))
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Path(id): Path<String>,
    Query(slice): Query<Slice>,
) -> Result<Json<List<OutcomeView>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let bound = format!("{} plan {id}", acting.tenant.tenant.id.0);
    let after: Option<(ConnectionId, RecordKey)> = door.cursors.open(&bound, slice.cursor.as_deref())?;
    let mut rows = acting.tenant.store.planned(&id, after.as_ref(), n_max + 1).await?;
    if rows.is_empty() && after.is_none() {
        return Err(ApiError::NotFound("plan"));
    }
    let more = rows.len() > n_max as usize;
    rows.truncate(n_max as usize);
    let last = rows.last().filter(|_| more).map(|it| (it.connection, it.key.clone()));
    let next = last.map(|it| door.cursors.seal(&bound, &it)).transpose()?;
    let names = Names::of(&acting.tenant).await?;
    Ok(Json(List { items: rows.into_iter().map(|it| outcome(it, &names)).collect(), next }))
}

fn outcome(it: Planned, names: &Names) -> OutcomeView {
    let detail = match &it.outcome {
        None => it.waits.map_or(AnyJson::Null, |waits| serde_json::json!({"waits": waits})),
        Some(outcome) => detail(outcome),
    };
    OutcomeView {
        connection: names.get(it.connection),
        kind: it.key.kind,
        key: it.key.key,
        outcome: it.outcome.as_ref().map(PlanOutcome::name),
        detail,
    }
}

/// What an outcome says besides its name.
fn detail(outcome: &PlanOutcome) -> AnyJson {
    let mut json = serde_json::to_value(outcome).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.remove("outcome");
    }
    json
}
