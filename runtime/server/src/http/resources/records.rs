//! Records: the truth, where it comes from, and what each system holds.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use truthsource_core::Kind;
use truthsource_core::record::{RecordKey, Shadow, TruthField};
use truthsource_core::value::fields_to_json;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Scope;
use crate::auth::digest::{hex, sha256};
use crate::http::cursor::limit;
use crate::http::extract::{self, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::{Names, moment};
use crate::http::{Acting, ApiError, Door, List};

/// The part of a listing that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Slice {
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A record's name.
#[derive(Serialize, ToSchema)]
struct RecordName {
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
}

/// A record.
#[derive(Serialize, ToSchema)]
struct RecordView {
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// Rises with every change of the truth.
    version: u64,
    /// The connection where it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    /// The truth, and where each field comes from.
    fields: BTreeMap<String, FieldView>,
    /// What each connection holds, as far as it was read.
    shadows: BTreeMap<String, ShadowView>,
}

/// One field of the truth.
#[derive(Serialize, ToSchema)]
struct FieldView {
    value: Json,
    /// The record's version that gave it this value.
    version: u64,
    /// Why a person must decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<String>,
    /// What systems said that led to the value, or is not settled yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    claims: Vec<ClaimView>,
}

/// One system's word on a field.
#[derive(Serialize, ToSchema)]
struct ClaimView {
    connection: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Json>,
    now: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
    version: u64,
}

/// What a connection holds.
#[derive(Serialize, ToSchema)]
struct ShadowView {
    remote_id: String,
    /// The system's own version mark.
    version: String,
    exists: bool,
    #[schema(value_type = Object)]
    holds: Json,
    /// What it should hold; empty when nothing is ever written there.
    #[schema(value_type = Object)]
    wants: Json,
}

pub(super) fn routes() -> Vec<Route> {
    let read = Access::Tenant(Scope::RecordsRead);
    vec![
        Route::get("/v1/records/{kind}", read, list)
            .about("Lists the records of a kind, by key.")
            .query::<Slice>()
            .lists::<RecordName>(),
        Route::get("/v1/records/{kind}/{key}", read, show)
            .about("A record: the truth with its provenance, and what each system holds.")
            .gives::<RecordView>(200),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Path(kind): Path<Kind>,
    Query(slice): Query<Slice>,
) -> Result<extract::Json<List<RecordName>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let bound = format!("{} records {kind}", acting.tenant.tenant.id.0);
    let after: Option<String> = door.cursors.open(&bound, slice.cursor.as_deref())?;
    let mut keys = acting.tenant.store.records(kind, after.as_deref(), n_max + 1).await?;
    let more = keys.len() > n_max as usize;
    keys.truncate(n_max as usize);
    let next = keys.last().filter(|_| more).map(|last| door.cursors.seal(&bound, last)).transpose()?;
    let items = keys.into_iter().map(|key| RecordName { kind, key }).collect();
    Ok(extract::Json(List { items, next }))
}

async fn show(
    acting: Acting,
    Path((kind, key)): Path<(Kind, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = RecordKey::new(kind, key);
    let mut states = acting.tenant.store.states(&BTreeSet::from([key.clone()])).await?;
    let state = states.remove(&key).unwrap_or_default();
    if state.truth.version == 0 && state.shadows.is_empty() {
        return Err(ApiError::NotFound("record"));
    }
    let names = Names::of(&acting.tenant).await?;
    let view = RecordView {
        kind,
        key: key.key,
        version: state.truth.version,
        deleted_at: state.truth.deleted_at.map(|it| names.get(it)),
        fields: state.truth.fields.iter().map(|(name, it)| (name.clone(), field(it, &names))).collect(),
        shadows: state.shadows.iter().map(|(id, it)| (names.get(*id), shadow(it))).collect(),
    };
    with_etag(&view, &headers)
}

/// The document with the fingerprint of its bytes; only that it is the same, if the client has it already.
pub(super) fn with_etag(document: &impl Serialize, headers: &HeaderMap) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(document).map_err(|it| ApiError::Internal(it.into()))?;
    let etag = etag_of(&body);
    let value = HeaderValue::from_str(&etag).map_err(|it| ApiError::Internal(it.into()))?;
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let mut response = if known.flat_map(|it| it.split(',')).any(|it| it.trim().trim_start_matches("W/") == etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    response.headers_mut().insert(header::ETAG, value);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The ETag of a document's bytes.
pub(super) fn etag_of(body: &[u8]) -> String {
    format!("\"{}\"", hex(&sha256(&[body])[..16]))
}

fn field(field: &TruthField, names: &Names) -> FieldView {
    let claims = field.claims.iter().map(|it| ClaimView {
        connection: names.get(it.connection),
        was: it.was.as_ref().map(truthsource_core::Value::to_json),
        now: it.now.to_json(),
        changed_at: it.changed_at.map(moment),
        version: it.version,
    });
    let claims = claims.collect();
    FieldView { value: field.value.to_json(), version: field.version, held: field.held.clone(), claims }
}

fn shadow(shadow: &Shadow) -> ShadowView {
    ShadowView {
        remote_id: shadow.remote_id.clone(),
        version: shadow.version.clone(),
        exists: shadow.exists(),
        holds: fields_to_json(&shadow.values()),
        wants: fields_to_json(&shadow.want),
    }
}
