//! Whether the node lives, works, and how much.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::{ApiError, Door};

/// That the node is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the node does its work.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `ok`; or `degraded`: requests are answered, and work of some tenants stands still. That is no reason to send
    /// requests elsewhere, as one tenant's trouble would close the door for all.
    status: &'static str,
    /// Tenants whose workers are not all at work, if there are any. A worker that failed is begun again after a pause;
    /// the log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants_standing_still: Option<usize>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", Access::Public, alive).about("The process answers.").gives::<Health>(200),
        Route::get("/readyz", Access::Public, ready)
            .about("The stores answer, too, and whether every tenant's workers are at work.")
            .gives::<Readiness>(200),
        Route::get("/metrics", Access::Public, metrics).about("Metrics in Prometheus' text format."),
        Route::get("/openapi.json", Access::Public, document).about("This document."),
    ]
}

async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn ready(State(door): State<Door>) -> Result<Json<Readiness>, ApiError> {
    let patience = std::time::Duration::from_secs(2);
    let look = tokio::time::timeout(patience, door.app.control.tenants());
    look.await.map_err(|_| ApiError::Busy)??;
    let tenants = door.app.tenants.all();
    Ok(Json(match tenants.iter().filter(|it| !door.app.roster.works_for(it.tenant.id)).count() {
        0 => Readiness { status: "ok", tenants_standing_still: None },
        n => Readiness { status: "degraded", tenants_standing_still: Some(n) },
    }))
}

async fn metrics(State(door): State<Door>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let text = crate::telemetry::render() + &door.readings.text(&door.app).await;
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn document() -> Result<Response, ApiError> {
    let text = crate::http::openapi().map_err(|it| ApiError::Internal(it.into()))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}
