//! What handlers take from a request, each with an error of ours.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guard::Collected;
use super::problem::ApiError;
use super::strict;

/// A JSON document: read strictly, written plainly.
pub struct Json<T>(pub T);

/// The body as it came.
pub struct Raw(pub Bytes);

/// The parameters of the path.
pub struct Path<T>(pub T);

/// The parameters after the `?`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let body = parts.extensions.get::<Collected>().map(|it| it.0.clone()).unwrap_or_default();
        read_json(&body).map(Self)
    }
}

/// Reads a document that passes [`strict::check`].
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    strict::check(body).map_err(|it| ApiError::bad(it.code, it.to_string()))?;
    // A list of its values in the right order would be read as well.
    if body.iter().find(|it| !it.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::bad("invalid-body", "the body is no JSON object"));
    }
    serde_json::from_slice(body).map_err(|it| ApiError::bad("invalid-body", it.to_string()))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => ApiError::Internal(error.into()).into_response(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Raw {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.extensions.get::<Collected>().map(|it| it.0.clone()).unwrap_or_default()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|it| Self(it.0)).map_err(|_| ApiError::NotFound("path"))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|it| Self(it.0)).map_err(|it| ApiError::bad("invalid-query", it.body_text()))
    }
}
