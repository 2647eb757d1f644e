//! Whether a tenant is quiet, and what is waiting if not.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use truthsource_core::{Kind, accuracy};
use utoipa::ToSchema;

use super::connections::{ConnectionView, view};
use super::forecast::{ForecastView, forecasts};
use super::plan::{engine, failed};
use crate::auth::Scope;
use crate::engine::basis::deciding;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door};
use crate::store::{Accuracy, Connection, Deliver, Owing};

/// What is waiting.
#[derive(Serialize, ToSchema)]
struct StatusView {
    tenant: String,
    /// Nothing is waiting that does not wait for a person.
    quiet: bool,
    /// Webhooks not understood yet.
    inbox: u64,
    /// Records to be decided again, as rules or releases changed, by kind.
    #[schema(value_type = BTreeMap<String, u64>)]
    deciding: BTreeMap<Kind, u64>,
    /// Records to be read.
    touched: u64,
    /// Entries to be folded.
    unfolded: u64,
    /// Entries that wait for a link or an answer.
    waiting: u64,
    /// Debts to be paid.
    debts: u64,
    /// Debts that wait for a person.
    parked: u64,
    /// Conflicts that wait for a person.
    conflicts: u64,
    /// Rows of ours that cannot be read, and are missing: each is a conflict that waits for a person.
    damaged: u64,
    /// Those of the debts that wait for a plan to be applied.
    debts_to_apply: u64,
    /// When the oldest open debt was first owed.
    oldest_debt: Option<String>,
    /// When each connection will have been told what it is owed of each kind.
    forecast: Vec<ForecastView>,
    /// What the newest sweeps of all connections and kinds found together; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Overall>,
    connections: Vec<ConnectionView>,
}

/// How accurate the systems were found to be, all together.
#[derive(Serialize, ToSchema)]
struct Overall {
    /// Fields compared: the size of the sample.
    fields: u64,
    /// Those of them that count against it.
    mismatches: u64,
    /// The share of fields that agreed.
    accuracy: f64,
    /// What the share is at least, with 95 % confidence.
    lower_95: f64,
    /// When the oldest of the readings ended.
    since: String,
}

fn overall(figures: &[Accuracy]) -> Option<Overall> {
    let fields = figures.iter().map(|it| it.fields).sum();
    let mismatches = figures.iter().map(|it| accuracy::against(&it.mismatches)).sum();
    let (accuracy, lower_95) = accuracy::bounds(fields, mismatches)?;
    let since = moment(figures.iter().map(|it| it.at).min()?);
    Some(Overall { fields, mismatches, accuracy, lower_95, since })
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/status", Access::Tenant(Scope::WorkRead), show)
            .about("What is waiting, and whether the tenant is quiet.")
            .gives::<StatusView>(200),
    ]
}

async fn show(State(door): State<Door>, acting: Acting) -> Result<Json<StatusView>, ApiError> {
    let backlog = acting.tenant.store.backlog().await?;
    let connections = acting.tenant.store.connections().await?;
    let to_apply = to_apply(&connections, &acting.tenant.store.owing().await?);
    let debts = backlog.debts.saturating_sub(to_apply);
    let deciding = deciding(&engine(&door, &acting.tenant)).await.map_err(failed)?;
    let again = deciding.values().sum();
    let busy = [backlog.inbox, backlog.touched, backlog.unfolded, backlog.waiting, debts, again];
    let figures = acting.tenant.store.accuracy().await?;
    Ok(Json(StatusView {
        tenant: acting.tenant.tenant.name.clone(),
        quiet: busy.iter().all(|it| *it == 0),
        inbox: backlog.inbox,
        deciding,
        touched: backlog.touched,
        unfolded: backlog.unfolded,
        waiting: backlog.waiting,
        debts: backlog.debts,
        debts_to_apply: to_apply,
        parked: backlog.parked,
        conflicts: backlog.conflicts,
        damaged: backlog.damaged,
        oldest_debt: backlog.oldest_debt.map(moment),
        forecast: forecasts(&door, &acting.tenant, &connections).await?,
        accuracy: overall(&figures),
        connections: connections.into_iter().map(view).collect(),
    }))
}

/// What is written when a person applies a plan, and not before.
fn to_apply(connections: &[Connection], owing: &[Owing]) -> u64 {
    let waits = |it: &&Owing| {
        let to = connections.iter().find(|of| of.id == it.connection);
        to.is_some_and(|to| to.spec.deliver == Deliver::OnApply)
    };
    owing.iter().filter(waits).map(|it| it.open - it.begun).sum()
}
