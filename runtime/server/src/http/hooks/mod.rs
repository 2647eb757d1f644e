//! Webhooks in: limit, verify, deduplicate, commit, and only then say yes.
//!
//! Everything before the commit is the same work for every address, known or not, and every failure to prove the
//! origin has the same answer. A webhook is a hint: what it says is looked up later.

mod book;
mod handshake;
mod verify;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use truthsource_core::UnixMs;
use truthsource_core::plant::{self, Bug};

pub use self::book::Hooks;
use self::book::Proof;
pub(crate) use self::book::{Endpoint, Pages};
use super::extract::Raw;
use super::route::{Access, Route, Spec, Takes};
use super::{ApiError, Door, strict};
use crate::auth::digest::{hex, sha256};
use crate::store::{self, Batch, Change, TenantStore};

const PREFIX: &str = "/hooks/";
const ADDRESS: &str = "/hooks/{tenant}/{connection}";
/// The most headers of a webhook that are kept, and the longest of them.
const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 1_024;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(ADDRESS, Access::Public, receive)
            .about("Takes a webhook, if it is signed by the connection's system. Durable when answered.")
            .takes_bytes(Takes::Anything),
        Route::get(ADDRESS, Access::Public, greet)
            .about("Answers a system that asks whether its webhooks are wanted here, in the way of the system."),
    ]
}

/// The cheap limit, before anything is read or computed.
pub(super) fn admit(door: &Door, spec: &Spec, parts: &Parts) -> Result<(), ApiError> {
    if spec.path != ADDRESS {
        return Ok(());
    }
    door.hooks.limit(parts.uri.path(), door.app.clock.now()).map_err(|wait_ms| ApiError::TooMany { wait_ms })
}

async fn receive(State(door): State<Door>, uri: Uri, headers: HeaderMap, Raw(body): Raw) -> Result<Response, ApiError> {
    let found = door.hooks.endpoint(&door.app, address(&uri)).await?;
    let now = door.app.clock.now();
    let endpoint = found.as_ref().map_or(door.hooks.nobody(), |it| &*it.1);
    // Some ask with the method that they will tell with.
    if let Some(answer) = handshake::answer(endpoint, &uri, &headers) {
        return answer;
    }
    // Nobody's signature is computed, too, and never counts.
    let change = taken(endpoint, &headers, &body, now);
    let Some((tenant, _)) = &found else { return Err(refused("signature", ApiError::Signature)) };
    let change = change?;
    if take_in(tenant.store.as_ref(), change, now).await? {
        tenant.wake.notify_one();
        metrics::counter!("hooks_total", "outcome" => "new").increment(1);
    } else {
        metrics::counter!("hooks_total", "outcome" => "duplicate").increment(1);
    }
    Ok(StatusCode::OK.into_response())
}

async fn greet(State(door): State<Door>, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    let found = door.hooks.endpoint(&door.app, address(&uri)).await?;
    let answer = found.and_then(|(_, endpoint)| handshake::answer(&endpoint, &uri, &headers));
    answer.unwrap_or_else(|| Err(refused("handshake", ApiError::Signature)))
}

/// The tenant and the connection that an address names. Names need no decoding: one that is spelled otherwise is unknown.
fn address(uri: &Uri) -> (&str, &str) {
    uri.path().strip_prefix(PREFIX).and_then(|it| it.split_once('/')).unwrap_or_default()
}

/// The status and the body that answer a handshake, if the request is one: what a door says, without the door.
pub(crate) fn shake(endpoint: &Endpoint, uri: &Uri, headers: &HeaderMap) -> Option<(u16, bytes::Bytes)> {
    Some(match handshake::echo(endpoint, uri, headers)? {
        Ok(handshake::Echo::Text(text)) => (200, text.into()),
        Ok(handshake::Echo::Member(member, text)) => (200, serde_json::json!({ member: text }).to_string().into()),
        Err(_) => (400, bytes::Bytes::new()),
    })
}

/// What is stored of a webhook, if it proves where it comes from.
pub(crate) fn taken(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8], now: UnixMs) -> Result<Change, ApiError> {
    if !verify::is_proved(endpoint, headers, body, now) {
        return Err(refused("signature", ApiError::Signature));
    }
    check(endpoint, headers, body)
}

/// Stores what was [`taken`]: durable when this returns. False of a delivery that was taken in before.
pub(crate) async fn take_in(store: &dyn TenantStore, taken: Change, now: UnixMs) -> store::Result<bool> {
    let taken = if plant::on(Bug::SkipDedupe) { renamed(taken, now) } else { taken };
    let committed = store.commit(Batch { changes: vec![taken], ..Batch::new(now) }).await;
    if plant::on(Bug::AcknowledgeEarly) && committed.is_err() {
        return Ok(true);
    }
    let committed = committed?;
    Ok(committed.fresh.first() == Some(&true))
}

/// What [`Bug::SkipDedupe`] makes of a delivery.
fn renamed(mut taken: Change, now: UnixMs) -> Change {
    if let Change::Inbox { event_id, .. } = &mut taken {
        *event_id = format!("{event_id}:{}", now.0);
    }
    taken
}

/// What is stored of a verified webhook.
fn check(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8]) -> Result<Change, ApiError> {
    let id = match &endpoint.id {
        Some(header) => single(headers, header).filter(|it| is_id(it)).map(str::to_owned),
        None => Some(hex(&sha256(&[body]))),
    };
    let id = id.ok_or_else(|| refused("id", ApiError::bad("invalid-id", "the delivery has no usable id")))?;
    let topic =
        endpoint.topic.as_ref().and_then(|it| single(headers, it)).filter(|it| it.len() <= 255).unwrap_or_default();
    if strict::too_deep(body) {
        let digest = hex(&sha256(&[body]));
        tracing::warn!(body.sha256 = digest, body.bytes = body.len(), "a signed webhook nests too deeply");
        return Err(refused("body", ApiError::bad("too-deep", "the document nests too deeply")));
    }
    let is_json = single(headers, &http::header::CONTENT_TYPE).is_none_or(|it| it.contains("json"));
    if is_json && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
        return Err(refused("body", ApiError::bad("malformed-json", "the body is not JSON")));
    }
    Ok(Change::Inbox {
        connection: endpoint.connection,
        event_id: id,
        topic: topic.to_owned(),
        headers: kept(endpoint, headers),
        body: body.to_vec(),
    })
}

/// The system's own headers, without what proves the origin and without what is kept apart.
fn kept(endpoint: &Endpoint, headers: &HeaderMap) -> Vec<(String, String)> {
    let signature = if let Proof::Signature(header, _) = &endpoint.proof { Some(header) } else { None };
    let apart = [signature, endpoint.id.as_ref(), endpoint.topic.as_ref()];
    let own = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-") && !apart.contains(&Some(*name)));
    let texts = own.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    texts.filter(|(_, value)| value.len() <= HEADER_BYTES_MAX).take(HEADERS_MAX).collect()
}

/// The header's value, if it is there once.
fn single<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (first, more) = (all.next()?, all.next());
    if more.is_none() { first.to_str().ok() } else { None }
}

/// 1 to 255 characters that mean nothing to any store, log or path.
fn is_id(id: &str) -> bool {
    (1..=255).contains(&id.len())
        && id.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b':' | b'=' | b'+'))
}

fn refused(why: &'static str, error: ApiError) -> ApiError {
    metrics::counter!("hooks_total", "outcome" => why).increment(1);
    error
}

/// A sending time as systems write it: RFC 3339, or seconds since 1970.
fn sent_at(text: &str) -> Option<UnixMs> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(UnixMs(seconds.checked_mul(1_000)?));
    }
    let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    u64::try_from(ms).ok().map(UnixMs)
}
