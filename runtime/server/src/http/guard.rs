//! What stands in front of every handler: who, how much, how fast, how often.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version, header};

use super::problem::ApiError;
use super::route::{Spec, Takes};
use super::{Door, caller, idempotency};

/// A route's guard.
#[derive(Clone)]
pub(super) struct Gate {
    pub door: Door,
    pub spec: Arc<Spec>,
}

/// The body, read already: handlers take it from here.
#[derive(Clone)]
pub(super) struct Collected(pub Bytes);

/// Admits the caller, reads the body within the route's limits, and runs the handler in a task of its own: a client
/// that goes away cancels nothing that was begun, and a panic ends one request.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Result<Response, ApiError> {
    let Gate { door, spec } = gate;
    let (mut parts, body) = request.into_parts();
    check_host(&parts)?;
    let caller = caller::admit(&door, &spec, &parts).await?;
    super::hooks::admit(&door, &spec, &parts)?;
    let mut room = None;
    if !spec.method.is_safe() {
        check_type(&spec, &parts)?;
        let held = door.intake.collect(body, bytes_max(&door, &spec)).await?;
        if spec.takes == Takes::Nothing && !held.bytes.is_empty() {
            return Err(ApiError::bad("unexpected-body", "this request has no body"));
        }
        parts.extensions.insert(Collected(held.bytes.clone()));
        room = Some(held);
    }
    let reserved = idempotency::reserve(&door, &spec, &parts, caller.as_ref()).await?;
    let reserved = match reserved {
        idempotency::Reserved::Replay(response) => return Ok(response),
        idempotency::Reserved::Run(ticket) => ticket,
    };
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    let request = Request::from_parts(parts, Body::empty());
    let work = async move {
        let response = next.run(request).await;
        drop(room);
        match reserved {
            Some(ticket) => idempotency::answer(&door, ticket, response).await,
            None => Ok(response),
        }
    };
    match tokio::spawn(work).await {
        Ok(response) => response,
        Err(error) => Err(ApiError::Internal(anyhow::anyhow!("the handler ended: {error}"))),
    }
}

/// HTTP/1.1 names its host once (RFC 9112, 3.2): whoever forwarded a request that names two may have gone by the other.
fn check_host(parts: &Parts) -> Result<(), ApiError> {
    let named = parts.headers.get_all(header::HOST).iter().count();
    if parts.version == Version::HTTP_11 && parts.uri.authority().is_none() && named != 1 {
        return Err(ApiError::bad("bad-host", "an HTTP/1.1 request has one `Host`"));
    }
    Ok(())
}

fn bytes_max(door: &Door, spec: &Spec) -> usize {
    match spec.takes {
        Takes::Nothing => 1_024,
        Takes::Json => door.limits.json_bytes_max,
        Takes::Wasm => door.limits.upload_bytes_max,
        Takes::Anything => door.limits.hook_bytes_max,
    }
}

/// Encoded bodies are refused: their size is only known once they are decoded.
fn check_type(spec: &Spec, parts: &Parts) -> Result<(), ApiError> {
    let mut codings = parts.headers.get_all(header::CONTENT_ENCODING).iter();
    if codings.any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ApiError::Encoded);
    }
    let expect = match spec.takes {
        Takes::Json => "application/json",
        Takes::Wasm => "application/wasm",
        Takes::Nothing | Takes::Anything => return Ok(()),
    };
    if is_type(&parts.headers, expect) { Ok(()) } else { Err(ApiError::MediaType(expect)) }
}

/// One `Content-Type`, of this type, in UTF-8 if it names a charset.
fn is_type(headers: &HeaderMap, expect: &str) -> bool {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter().map(HeaderValue::to_str);
    let (Some(Ok(first)), None) = (all.next(), all.next()) else { return false };
    let mut parts = first.split(';').map(str::trim);
    let is_type = parts.next().is_some_and(|it| it.eq_ignore_ascii_case(expect));
    let mut charsets =
        parts.filter_map(|it| it.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
    is_type && charsets.all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}
