//! Two versions of a policy side by side.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::record::RecordKey;
use truthsource_core::{Kind, Value};
use utoipa::{IntoParams, ToSchema};

use super::plan::{engine, failed};
use crate::app::Rivalry;
use crate::auth::Scope;
use crate::engine::compare::{Disagreement, past};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door};

/// Which release is compared with the active one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Compare {
    release: u64,
}

/// What was seen of a second version since it is asked.
#[derive(Serialize, ToSchema)]
struct RivalryView {
    release: u64,
    digest: String,
    /// Since when.
    since: String,
    /// Questions that both were asked.
    asked: u64,
    /// Those of them that they answered differently.
    disagreeing: u64,
    /// The share of those that it answered; absent while it answered none.
    #[serde(skip_serializing_if = "Option::is_none")]
    disagreement: Option<f64>,
    /// Those of them that it failed on.
    failed: u64,
    /// How it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Questions that it was not asked, as it was busy or kept failing.
    skipped: u64,
    /// The newest disagreements.
    examples: Vec<DisagreementView>,
}

/// A question that two versions answer differently.
#[derive(Serialize, ToSchema)]
struct DisagreementView {
    at: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    field: String,
    /// What it was before.
    #[schema(value_type = Object)]
    base: AnyJson,
    /// What each side said.
    #[schema(value_type = Object)]
    claims: BTreeMap<String, AnyJson>,
    /// What was decided; null: it was held for a person.
    #[schema(value_type = Object)]
    is: Option<AnyJson>,
    /// What the other version decides.
    #[schema(value_type = Object)]
    would: Option<AnyJson>,
}

/// Which release is asked about which past.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The release that is asked.
    release: u64,
    /// How many records, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What another version would have decided.
#[derive(Serialize, ToSchema)]
struct ComparedView {
    /// Records that were looked at.
    records: u64,
    /// Questions that were asked again.
    asked: u64,
    /// Those of them that the other version failed on.
    failed: u64,
    /// Those of them that it answers differently.
    items: Vec<DisagreementView>,
    /// Records whose past cannot be read.
    torn: u64,
    /// Give this as `cursor` to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (read, activates) = (Access::Tenant(Scope::RecordsRead), Access::Tenant(Scope::PluginsActivate));
    vec![
        Route::get("/v1/slots/{slot}/compare", read, show)
            .about("How often a second version of a policy disagrees with the active one, and about what.")
            .gives::<RivalryView>(200),
        Route::post("/v1/slots/{slot}/compare", activates, begin)
            .about("Asks a release from now on what the active one is asked. It decides nothing.")
            .takes::<Compare>()
            .gives::<RivalryView>(200),
        Route::post("/v1/slots/{slot}/compare/stop", activates, stop)
            .about("Asks it no more.")
            .gives::<RivalryView>(200),
        Route::get("/v1/slots/{slot}/compare/past", read, over_the_past)
            .about(
                "Asks a release what the policy in its slot was asked before. Nothing is written and nobody is told.",
            )
            .query::<Asked>()
            .gives::<ComparedView>(200),
    ]
}

async fn show(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
) -> Result<Json<RivalryView>, ApiError> {
    let seen = door.app.plugins.rivalry(&acting.tenant, &slot).ok_or(ApiError::NotFound("comparison"))?;
    Ok(Json(rivalry(seen)))
}

async fn begin(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
    Json(body): Json<Compare>,
) -> Result<Json<RivalryView>, ApiError> {
    Ok(Json(rivalry(door.app.plugins.compare(&acting.tenant, &slot, body.release).await?)))
}

async fn stop(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
) -> Result<Json<RivalryView>, ApiError> {
    let seen = door.app.plugins.compare_no_more(&acting.tenant, &slot).ok_or(ApiError::NotFound("comparison"))?;
    Ok(Json(rivalry(seen)))
}

async fn over_the_past(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<ComparedView>, ApiError> {
    let releases = acting.tenant.store.releases(&slot).await?;
    if releases.iter().all(|it| it.id != asked.release) {
        return Err(ApiError::NotFound("release"));
    }
    let bound = format!("{} compare {slot} {}", acting.tenant.tenant.id.0, asked.release);
    let after: Option<RecordKey> = door.cursors.open(&bound, asked.cursor.as_deref())?;
    let page = (after.as_ref(), limit(asked.limit)?);
    let done = past(&engine(&door, &acting.tenant), (&slot, asked.release), page).await.map_err(failed)?;
    Ok(Json(ComparedView {
        records: done.records,
        asked: done.questions,
        failed: done.failed,
        items: done.disagreements.into_iter().map(disagreement).collect(),
        torn: done.torn,
        next: done.next.map(|it| door.cursors.seal(&bound, &it)).transpose()?,
    }))
}

fn rivalry(it: Rivalry) -> RivalryView {
    let answered = it.asked - it.failed;
    RivalryView {
        release: it.release,
        digest: it.digest,
        since: moment(it.since),
        asked: it.asked,
        disagreeing: it.disagreeing,
        disagreement: (answered > 0).then(|| it.disagreeing as f64 / answered as f64),
        failed: it.failed,
        failure: it.failure,
        skipped: it.skipped,
        examples: it.examples.into_iter().map(disagreement).collect(),
    }
}

fn disagreement(it: Disagreement) -> DisagreementView {
    let json = |it: Option<Value>| it.map(|it| it.to_json());
    DisagreementView {
        at: moment(it.at),
        kind: it.kind,
        key: it.key,
        field: it.field,
        base: it.base.to_json(),
        claims: it.claims.into_iter().map(|(name, it)| (name, it.to_json())).collect(),
        is: json(it.is),
        would: json(it.would),
    }
}
