//! Who owns which field, and which policy is asked when systems disagree.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::record::RecordKey;
use truthsource_core::{Kind, Value};
use utoipa::{IntoParams, ToSchema};

use super::plan::{engine, failed};
use super::records::{etag_of, with_etag};
use crate::auth::Scope;
use crate::engine::fold::foresee::{Foretold, Redecided, foresee};
use crate::engine::rules::{RULES, RulesSpec};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Query};
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door};
use crate::store::{Batch, Change, Connection};

/// How much at once.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// How many records, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What would come of other rules.
#[derive(Serialize, ToSchema)]
struct ForeseenView {
    /// Records that were looked at.
    records: u64,
    /// Fields that would be decided otherwise.
    items: Vec<RedecidedView>,
    /// What would be owed that is not owed now.
    writes: Vec<ForetoldView>,
    /// Records about which a policy or a validator cannot be asked now: nothing is said of them.
    unasked: u64,
    /// Give this as `cursor` to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A field that would be decided otherwise.
#[derive(Serialize, ToSchema)]
struct RedecidedView {
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    field: String,
    /// What it is.
    #[schema(value_type = Object)]
    was: Option<AnyJson>,
    /// Why it waits for a person, if it does.
    was_held: Option<String>,
    /// What it would be.
    #[schema(value_type = Object)]
    would: Option<AnyJson>,
    /// Why it would wait for a person.
    would_be_held: Option<String>,
    /// `slot@digest` of the policy that would decide; empty for the built-in rule.
    policy: String,
}

/// A write that would be owed.
#[derive(Serialize, ToSchema)]
struct ForetoldView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// It would be created there.
    creates: bool,
    /// The fields to send that are not owed now.
    fields: Vec<String>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/rules", Access::Tenant(Scope::RulesRead), show)
            .about("Who owns fields and which policy is asked.")
            .gives::<RulesSpec>(200),
        Route::put("/v1/rules", Access::Tenant(Scope::RulesWrite), replace)
            .about(
                "Replaces the rules; with `If-Match`, only if they are still those that were read. What was decided is \
                 decided again: see `deciding` of the status.",
            )
            .conditional()
            .takes::<RulesSpec>()
            .gives::<RulesSpec>(200),
        Route::post("/v1/rules/dry-run", Access::Tenant(Scope::RecordsRead), dry_run)
            .about("What these rules would decide otherwise and write. Nothing is written and nobody is told.")
            .query::<Asked>()
            .takes::<RulesSpec>()
            .gives::<ForeseenView>(200),
    ]
}

async fn show(acting: Acting, headers: HeaderMap) -> Result<Response, ApiError> {
    with_etag(&stored(&acting).await?, &headers)
}

async fn replace(
    State(door): State<Door>,
    acting: Acting,
    headers: HeaderMap,
    Json(body): Json<RulesSpec>,
) -> Result<Response, ApiError> {
    check(&acting, &body).await?;
    let _replacing = door.rules.lock().await;
    if let Some(expected) = headers.get(header::IF_MATCH) {
        let now = serde_json::to_vec(&stored(&acting).await?).map_err(|it| ApiError::Internal(it.into()))?;
        // There are always rules, if none were written none: `*` matches.
        if !matches!(expected.to_str(), Ok(it) if it == "*" || it == etag_of(&now)) {
            return Err(ApiError::Stale);
        }
    }
    let value = serde_json::to_value(&body).map_err(|it| ApiError::Internal(it.into()))?;
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.push(Change::Setting { name: RULES.to_owned(), value });
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    with_etag(&body, &HeaderMap::new())
}

async fn dry_run(
    State(door): State<Door>,
    acting: Acting,
    Query(asked): Query<Asked>,
    Json(body): Json<RulesSpec>,
) -> Result<Json<ForeseenView>, ApiError> {
    let connections = check(&acting, &body).await?;
    let rules = serde_json::to_string(&body).map_err(|it| ApiError::Internal(it.into()))?;
    let bound = format!("{} dry-run {rules}", acting.tenant.tenant.id.0);
    let after: Option<RecordKey> = door.cursors.open(&bound, asked.cursor.as_deref())?;
    let engine = engine(&door, &acting.tenant);
    let foreseen = foresee(&engine, &body, (after.as_ref(), limit(asked.limit)?)).await.map_err(failed)?;
    Ok(Json(ForeseenView {
        records: foreseen.records,
        items: foreseen.otherwise.into_iter().map(redecided).collect(),
        writes: foreseen.writes.into_iter().map(|it| foretold(&connections, it)).collect(),
        unasked: foreseen.unasked.len() as u64,
        next: foreseen.next.map(|it| door.cursors.seal(&bound, &it)).transpose()?,
    }))
}

fn redecided(it: Redecided) -> RedecidedView {
    let json = |it: Option<Value>| it.map(|it| it.to_json());
    RedecidedView {
        kind: it.key.kind,
        key: it.key.key,
        field: it.field,
        was: json(it.was),
        was_held: it.was_held,
        would: json(it.would),
        would_be_held: it.would_be_held,
        policy: it.policy,
    }
}

fn foretold(connections: &[Connection], it: Foretold) -> ForetoldView {
    let name = connections.iter().find(|of| of.id == it.connection).map(|it| it.name.clone());
    ForetoldView {
        connection: name.unwrap_or_else(|| it.connection.to_string()),
        kind: it.key.kind,
        key: it.key.key,
        creates: it.creates,
        fields: it.fields,
    }
}

async fn stored(acting: &Acting) -> Result<RulesSpec, ApiError> {
    let setting = acting.tenant.store.setting(RULES).await?;
    let rules = setting.map(serde_json::from_value).transpose().map_err(|it| ApiError::Internal(it.into()))?;
    Ok(rules.unwrap_or_default())
}

/// Mistakes that are told at once.
const MISTAKES_MAX: usize = 5;

/// Every name must be one. Gives the connections that there are.
async fn check(acting: &Acting, body: &RulesSpec) -> Result<Vec<Connection>, ApiError> {
    let connections = acting.tenant.store.connections().await?;
    let slots = acting.tenant.store.slots().await?;
    let filled: BTreeSet<String> = slots.into_iter().filter(|it| it.active.is_some()).map(|it| it.name).collect();
    let mistakes = body.mistakes(&connections, &filled);
    if mistakes.is_empty() {
        return Ok(connections);
    }
    let told = mistakes.iter().take(MISTAKES_MAX).map(|it| format!("{}: {}", it.at, it.what));
    let mut detail = told.collect::<Vec<_>>().join("; ");
    if let Some(more @ 1..) = mistakes.len().checked_sub(MISTAKES_MAX) {
        detail.push_str(&format!("; and {more} more"));
    }
    Err(ApiError::unprocessable("invalid-rule", detail))
}
