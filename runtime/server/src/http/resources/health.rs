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

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", Access::Public, alive).about("The process answers.").gives::<Health>(200),
        Route::get("/readyz", Access::Public, ready).about("The stores answer, too.").gives::<Health>(200),
        Route::get("/metrics", Access::Public, metrics).about("Metrics in Prometheus' text format."),
        Route::get("/openapi.json", Access::Public, document).about("This document."),
    ]
}

async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn ready(State(door): State<Door>) -> Result<Json<Health>, ApiError> {
    let patience = std::time::Duration::from_secs(2);
    let look = tokio::time::timeout(patience, door.app.control.tenants());
    look.await.map_err(|_| ApiError::Busy)??;
    Ok(Json(Health { status: "ok" }))
}

async fn metrics() -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], crate::telemetry::render()).into_response()
}

async fn document() -> Result<Response, ApiError> {
    let text = crate::http::openapi().map_err(|it| ApiError::Internal(it.into()))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}
