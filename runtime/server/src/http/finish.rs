//! The last word on every answer: its request's id, its problem document, its place in the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, header};
use tokio::time::Instant;

use super::Door;
use super::problem::Pending;
use crate::auth::digest::hex;

/// Gives requests their ids: a text drawn at start, and a number. All have one length, so that answers tell nothing.
pub(super) struct Requests {
    start: String,
    next: AtomicU64,
}

impl Requests {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut start = [0; 4];
        aws_lc_rs::rand::fill(&mut start).map_err(|_| anyhow::anyhow!("the machine gave no randomness"))?;
        Ok(Self { start: hex(&start), next: AtomicU64::new(1) })
    }

    fn id(&self) -> String {
        format!("{}-{:010x}", self.start, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Runs the request and finishes its answer. Labels name routes, never paths: a path may hold a tenant's data.
pub(super) async fn finish(State(door): State<Door>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let id = door.requests.id();
    let mut response = next.run(request).await;
    if let Some(Pending(error)) = response.extensions_mut().remove::<Pending>() {
        response = error.render(&id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let route = route.as_ref().map_or("none", |it| it.as_str()).to_owned();
    let method = known_method(&method);
    let status = response.status().as_u16().to_string();
    metrics::counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("http_request_seconds", "method" => method, "route" => route).record(began.elapsed());
    response
}

/// A client may invent methods; labels may not grow with them.
fn known_method(method: &http::Method) -> &'static str {
    match *method {
        http::Method::GET => "GET",
        http::Method::POST => "POST",
        http::Method::PUT => "PUT",
        http::Method::DELETE => "DELETE",
        http::Method::HEAD => "HEAD",
        _ => "other",
    }
}
