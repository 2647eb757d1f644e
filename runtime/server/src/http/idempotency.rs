//! Idempotency-Key: a request that is repeated because its answer was lost has its effect once.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;

use super::Door;
use super::caller::Caller;
use super::guard::Collected;
use super::problem::{ApiError, Pending};
use super::route::Spec;
use crate::auth::digest::sha256;
use crate::store::control::{Remembered, scope_of};

const HEADER: &str = "idempotency-key";
const REPLAYED: &str = "idempotency-replayed";
const KEY_BYTES_MAX: usize = 255;

/// A reservation that waits for its answer.
pub(super) struct Ticket {
    scope: String,
    key: String,
}

/// What is to be done with a request.
pub(super) enum Reserved {
    /// It was answered before: the same answer again.
    Replay(Response),
    /// It is to be carried out; with a ticket if its answer is to be remembered.
    Run(Option<Ticket>),
}

/// What is remembered in place of the answer: an answer that holds a secret is given once.
#[derive(Clone)]
pub(super) struct Instead(pub Vec<u8>);

/// Looks the key up and reserves it.
pub(super) async fn reserve(
    door: &Door,
    spec: &Spec,
    parts: &Parts,
    caller: Option<&Caller>,
) -> Result<Reserved, ApiError> {
    let (Some(key), Some(caller), true) = (parts.headers.get(HEADER), caller, spec.remembers) else {
        return Ok(Reserved::Run(None));
    };
    let key = key.to_str().ok().filter(|it| !it.is_empty() && it.len() <= KEY_BYTES_MAX && !it.contains('\t'));
    let key =
        key.ok_or_else(|| ApiError::bad("idempotency-key", "Idempotency-Key is 1 to 255 printable characters"))?;
    let whose = scope_of(caller.tenant.as_ref().map(|it| it.tenant.id));
    let scope = format!("{whose}{} {}", spec.method, parts.uri.path());
    let body = parts.extensions.get::<Collected>().map_or(&[][..], |it| &it.0);
    let query = parts.uri.query().unwrap_or_default();
    let request = sha256(&[query.as_bytes(), b"\n", body]);
    match door.app.control.remember(&scope, key, request, door.app.clock.now()).await? {
        Remembered::New => Ok(Reserved::Run(Some(Ticket { scope, key: key.to_owned() }))),
        Remembered::InFlight => Err(ApiError::conflict(
            "in-flight",
            "a request with this Idempotency-Key is being carried out; ask again in a moment",
        )),
        Remembered::Mismatch => {
            Err(ApiError::unprocessable("idempotency-mismatch", "this Idempotency-Key was used with another request"))
        }
        Remembered::Answer { status, body } => Ok(Reserved::Replay(replay(status, body))),
    }
}

/// Remembers the answer and passes it on. What failed on our side, or was refused for now, is forgotten: nothing was
/// done, and the next try may do it.
pub(super) async fn answer(door: &Door, ticket: Ticket, response: Response) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    let pending = parts.extensions.get::<Pending>().cloned();
    let bytes = body.collect().await.map_err(|error| ApiError::Internal(error.into()))?.to_bytes();
    let passes = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
    let kept = match (&pending, parts.extensions.get::<Instead>()) {
        _ if passes => None,
        (Some(Pending(error)), _) => Some(problem_bytes(error).await),
        (None, Some(instead)) => Some(instead.0.clone()),
        (None, None) => Some(bytes.to_vec()),
    };
    let status = parts.status.as_u16();
    let outcome_unknown = pending.as_ref().is_some_and(|it| it.0.code() == "outcome-unknown");
    if !outcome_unknown {
        let kept = kept.map(|body| (status, body));
        if let Err(error) = door.app.control.answered(&ticket.scope, &ticket.key, kept).await {
            // The request was carried out: its answer stands, though a repetition will not find it.
            tracing::warn!(error = %error, "an answer could not be remembered");
        }
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

async fn problem_bytes(error: &ApiError) -> Vec<u8> {
    let rendered = error.render("remembered").into_body().collect().await;
    rendered.map(|it| it.to_bytes().to_vec()).unwrap_or_default()
}

fn replay(status: u16, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    *response.status_mut() = status;
    let is_problem = status.is_client_error();
    let kind = if is_problem { "application/problem+json" } else { "application/json" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
