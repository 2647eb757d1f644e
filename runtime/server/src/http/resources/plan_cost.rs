//! What a plan would cost if it were applied now.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use truthsource_core::Kind;
use utoipa::ToSchema;

use super::plan::{engine, failed};
use crate::auth::Scope;
use crate::engine::connections::Parties;
use crate::engine::forecast::{Cost, Part, cost};
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door, List};

/// What a plan writes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Each connection and kind once.
    parts: Vec<AskedPart>,
}

/// What it writes of a kind to a connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskedPart {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    /// Records that it creates.
    #[serde(default)]
    creates: u32,
    /// Records that it changes.
    #[serde(default)]
    changes: u32,
}

/// What a part of a plan costs.
#[derive(Serialize, ToSchema)]
struct CostView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    /// Calls that read what is to be changed before it is written, as the connector's batches allow at best.
    reads: u64,
    /// Calls that write.
    writes: u64,
    /// Calls that write were measured; else they are what the connector's batches allow at best.
    measured: bool,
    /// How long it takes, with the rest of the plan at the account and what is more urgent there; null while the
    /// account's pace is not known.
    done_in_s: Option<u64>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/plan/cost", Access::Tenant(Scope::RecordsRead), show)
            .about("What a plan costs: the calls that read and write, and how long they take. Nothing is written.")
            .takes::<Asked>()
            .lists::<CostView>(),
    ]
}

async fn show(
    State(door): State<Door>,
    acting: Acting,
    Json(asked): Json<Asked>,
) -> Result<Json<List<CostView>>, ApiError> {
    let connections = acting.tenant.store.connections().await?;
    let mut plan: Vec<Part> = Vec::with_capacity(asked.parts.len());
    for AskedPart { connection, kind, creates, changes } in asked.parts {
        let found = connections.iter().find(|it| it.name == connection).ok_or(ApiError::NotFound("connection"))?.id;
        if plan.iter().any(|it| (it.connection, it.kind) == (found, kind)) {
            let detail = format!("`parts` name {kind} of `{connection}` twice");
            return Err(ApiError::unprocessable("invalid-plan", detail));
        }
        plan.push(Part { connection: found, kind, creates: creates.into(), changes: changes.into() });
    }
    let parties = Parties::load(&engine(&door, &acting.tenant)).await.map_err(failed)?;
    let owing = acting.tenant.store.owing().await?;
    let accounts = door.app.plugins.accounts(&acting.tenant, &connections);
    let view = |it: Cost| CostView {
        connection: parties.name(it.part.connection),
        kind: it.part.kind,
        reads: it.reads,
        writes: it.writes,
        measured: it.is_measured,
        done_in_s: it.done_in_ms.map(|ms| ms.div_ceil(1_000)),
    };
    Ok(Json(List::whole(cost(&parties, &plan, &owing, &accounts).into_iter().map(view))))
}
