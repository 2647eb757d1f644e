//! Sweeps as batches: what was read, what differed, and what became of that.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::Kind;
use utoipa::{IntoParams, ToSchema};

use super::accuracy::{AccuracyView, view};
use super::connection;
use crate::auth::Scope;
use crate::engine::sweep::outcome::{Outcome, outcomes};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::pairs;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{Accuracy, Drift, SweepRow};

/// The part of a listing that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Slice {
    /// Only of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A sweep.
#[derive(Serialize, ToSchema)]
struct SweepView {
    /// `reading`, or `done`: what it found is told to others from then on, see its drift.
    state: &'static str,
    /// Tries to go on that failed in a row.
    failures: u32,
    #[serde(flatten)]
    figure: AccuracyView,
}

/// A record that a sweep found to differ, and what became of that.
#[derive(Serialize, ToSchema)]
struct DriftView {
    /// Its place in the sweep's change set.
    n: u64,
    /// The record's key; absent where it is not known which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Its id there; empty where it has none.
    remote_id: String,
    /// `missing`, `extra`, `wrong` or `unverifiable`.
    class: String,
    /// `{"field": {"was": expected, "now": found}}`.
    #[schema(value_type = Object)]
    fields: AnyJson,
    /// `unmatched`, `applying`, `parked`, `held`, `accepted` or `repaired`.
    #[schema(value_type = String)]
    outcome: Outcome,
}

pub(super) fn routes() -> Vec<Route> {
    let access = Access::Tenant(Scope::RecordsRead);
    vec![
        Route::get("/v1/connections/{name}/sweeps", access, list)
            .about("Sweeps of a connection, newest first: the accuracy that each found, over time.")
            .query::<Slice>()
            .lists::<SweepView>(),
        Route::get("/v1/connections/{name}/sweeps/{kind}/{sweep}", access, show)
            .about("The change set of a sweep: what differed, and what became of that. At most the first thousand records.")
            .query::<Slice>()
            .lists::<DriftView>(),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Path(name): Path<String>,
    Query(slice): Query<Slice>,
) -> Result<Json<List<SweepView>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let connection = connection(&acting.tenant, &name).await?;
    let bound = format!("{} sweeps {name} {:?}", acting.tenant.tenant.id.0, slice.kind);
    let before: Option<u64> = door.cursors.open(&bound, slice.cursor.as_deref())?;
    let store = &acting.tenant.store;
    let mut ended = store.figures(&name, slice.kind, before, n_max + 1).await?;
    let more = ended.len() > n_max as usize;
    ended.truncate(n_max as usize);
    let next = ended.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.sweep)).transpose()?;
    let under_way = if before.is_none() { store.cursors(connection.id).await? } else { BTreeMap::new() };
    let under_way = under_way.into_iter().filter(|(kind, _)| slice.kind.is_none_or(|it| it == *kind));
    let under_way = under_way.filter_map(|(kind, row)| Some(reading(&name, kind, row.sweep?)));
    let done = ended.into_iter().map(|it| SweepView { state: "done", failures: 0, figure: view(it) });
    Ok(Json(List { items: under_way.chain(done).collect(), next }))
}

/// A sweep under way, with what it has come to by now.
fn reading(connection: &str, kind: Kind, row: SweepRow) -> SweepView {
    let figure = Accuracy {
        connection: connection.to_owned(),
        kind,
        sweep: row.id,
        began_at: row.began_at,
        at: row.due_at,
        asked: row.asked,
        pages: row.pages,
        records: row.seen,
        news: row.news,
        fields: row.fields,
        mismatches: row.mismatches,
        by_field: row.by_field,
        drifted: row.drifted,
    };
    SweepView { state: "reading", failures: row.failures, figure: view(figure) }
}

async fn show(
    State(door): State<Door>,
    acting: Acting,
    Path((name, kind, sweep)): Path<(String, Kind, u64)>,
    Query(slice): Query<Slice>,
) -> Result<Json<List<DriftView>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let connection = connection(&acting.tenant, &name).await?;
    let bound = format!("{} drift {name} {kind} {sweep}", acting.tenant.tenant.id.0);
    let after: u64 = door.cursors.open(&bound, slice.cursor.as_deref())?.unwrap_or(0);
    let store = &acting.tenant.store;
    let known = store.figures(&name, Some(kind), Some(sweep.saturating_add(1)), 1).await?;
    let is_under_way = store.cursors(connection.id).await?.remove(&kind).and_then(|it| it.sweep);
    if known.first().is_none_or(|it| it.sweep != sweep) && is_under_way.is_none_or(|it| it.id != sweep) {
        return Err(ApiError::NotFound("sweep"));
    }
    let mut drift = store.drift((&name, kind, sweep), after, n_max + 1).await?;
    let more = drift.len() > n_max as usize;
    drift.truncate(n_max as usize);
    let next = drift.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.n)).transpose()?;
    let outcomes = outcomes(&**store, connection.id, &drift).await?;
    Ok(Json(List { items: drift.into_iter().zip(outcomes).map(drifted).collect(), next }))
}

fn drifted((drift, outcome): (Drift, Outcome)) -> DriftView {
    let fields = pairs(drift.fields.iter().map(|(name, (was, now))| (name, was.as_ref(), now.as_ref())));
    let Drift { n, key, remote_id, class, .. } = drift;
    DriftView { n, key, remote_id, class, fields, outcome }
}
