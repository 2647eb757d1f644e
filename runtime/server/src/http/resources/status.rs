//! Whether a tenant is quiet, and what is waiting if not.

use serde::Serialize;
use utoipa::ToSchema;

use super::connections::{ConnectionView, view};
use crate::auth::Scope;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError};

/// What is waiting.
#[derive(Serialize, ToSchema)]
struct StatusView {
    tenant: String,
    /// Nothing is waiting that does not wait for a person.
    quiet: bool,
    /// Webhooks not understood yet.
    inbox: u64,
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
    /// When the oldest open debt was first owed.
    oldest_debt: Option<String>,
    connections: Vec<ConnectionView>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/status", Access::Tenant(Scope::WorkRead), show)
            .about("What is waiting, and whether the tenant is quiet.")
            .gives::<StatusView>(200),
    ]
}

async fn show(acting: Acting) -> Result<Json<StatusView>, ApiError> {
    let backlog = acting.tenant.store.backlog().await?;
    let connections = acting.tenant.store.connections().await?;
    let busy = [backlog.inbox, backlog.touched, backlog.unfolded, backlog.waiting, backlog.debts];
    Ok(Json(StatusView {
        tenant: acting.tenant.tenant.name.clone(),
        quiet: busy.iter().all(|it| *it == 0),
        inbox: backlog.inbox,
        touched: backlog.touched,
        unfolded: backlog.unfolded,
        waiting: backlog.waiting,
        debts: backlog.debts,
        parked: backlog.parked,
        conflicts: backlog.conflicts,
        oldest_debt: backlog.oldest_debt.map(moment),
        connections: connections.into_iter().map(view).collect(),
    }))
}
