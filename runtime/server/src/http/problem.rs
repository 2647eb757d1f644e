//! Errors as clients see them: RFC 9457 problem details with a stable `code`.
//!
//! [`ApiError`] alone knows status codes. What went wrong inside is logged once, with its chain, under the request's
//! id; a client of a 5xx sees the id and nothing else of it.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::app::Refusal;
use crate::auth::Denied;
use crate::store;

/// Why a request was not carried out.
#[derive(Debug)]
pub enum ApiError {
    /// Nothing of this name, or nothing that the caller may know of: the two are never told apart.
    NotFound(&'static str),
    /// The route exists, the method does not.
    Method,
    /// The request is malformed.
    Bad {
        /// Stable name.
        code: &'static str,
        /// What, where, and what to do.
        detail: String,
    },
    /// The request is well formed, and asks for something impossible.
    Unprocessable {
        /// Stable name.
        code: &'static str,
        /// What, where, and what to do.
        detail: String,
    },
    /// What is there does not allow it.
    Conflict {
        /// Stable name.
        code: &'static str,
        /// What, and what to do.
        detail: String,
    },
    /// A precondition of the request does not hold any more.
    Stale,
    /// No key was given.
    KeyMissing,
    /// The key does not let anybody in.
    Key(Denied),
    /// The key may not do this.
    Scope(&'static str),
    /// A webhook whose origin is not proven, for whatever reason.
    Signature,
    /// The body is larger than this.
    TooLarge {
        /// Bytes.
        bytes_max: usize,
    },
    /// The body is not of a type that is read here.
    MediaType(&'static str),
    /// The body is compressed. Nothing is ever decompressed, so there is no size that a bomb could reach: this is 415
    /// and not 413, as RFC 9110 §15.5.16 has it.
    Encoded,
    /// The body did not come in time.
    Slow,
    /// Too many requests.
    TooMany {
        /// When to try again.
        wait_ms: u64,
    },
    /// The server has too much to do.
    Busy,
    /// A component's door said no.
    Refused(Refusal),
    /// The store's word.
    Store(store::Error),
    /// Our fault.
    Internal(anyhow::Error),
}

/// The body of every answer that is an error.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// A page about the code: `about:blank`, as the code says it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status, as in the status line.
    pub status: u16,
    /// A stable name for programs.
    pub code: String,
    /// The code in words.
    pub title: String,
    /// What is wrong here, where, and what to do.
    pub detail: String,
    /// The request's id: quote it when asking for help.
    pub instance: String,
}

impl ApiError {
    /// Malformed input.
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Bad { code, detail: detail.into() }
    }

    /// Well-formed input that cannot be.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Unprocessable { code, detail: detail.into() }
    }

    /// What is there does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Bad { .. } => StatusCode::BAD_REQUEST,
            Self::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict { .. } | Self::Store(store::Error::Conflict(_)) => StatusCode::CONFLICT,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::Key(Denied::TooMany { .. }) | Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Key(Denied::Store(_)) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::KeyMissing | Self::Key(_) | Self::Signature => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(it) => StatusCode::from_u16(it.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
            Self::Store(store::Error::Unavailable(_) | store::Error::Fenced) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable name.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Method => "method-not-allowed",
            Self::Bad { code, .. } | Self::Unprocessable { code, .. } | Self::Conflict { code, .. } => code,
            Self::Stale => "stale",
            Self::KeyMissing => "key-missing",
            Self::Key(Denied::Expired) => "key-expired",
            Self::Key(Denied::Revoked) => "key-revoked",
            Self::Key(Denied::Invalid) => "key-invalid",
            Self::Key(Denied::TooMany { .. }) | Self::TooMany { .. } => "too-many-requests",
            Self::Scope(_) => "scope-missing",
            Self::Signature => "not-verified",
            Self::TooLarge { .. } => "too-large",
            Self::MediaType(_) => "media-type",
            Self::Encoded => "content-encoding",
            Self::Slow => "too-slow",
            Self::Refused(it) => &it.code,
            Self::Store(store::Error::Conflict(_)) => "changed-meanwhile",
            Self::Busy | Self::Key(Denied::Store(_)) => "unavailable",
            Self::Store(store::Error::Unavailable(_) | store::Error::Fenced) => "unavailable",
            Self::Store(store::Error::Unknown(_)) => "outcome-unknown",
            Self::Store(store::Error::Damaged(_)) => "data-damaged",
            Self::Internal(_) => "internal",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::NotFound(what) => format!("there is no such {what}"),
            Self::Method => "this path has no such method".to_owned(),
            Self::Bad { detail, .. } | Self::Unprocessable { detail, .. } | Self::Conflict { detail, .. } => {
                detail.clone()
            }
            Self::Stale => "what you changed is not what is there now: read it again".to_owned(),
            Self::KeyMissing => "send an API key as `Authorization: Bearer ts_live_…`".to_owned(),
            Self::Key(Denied::TooMany { wait_ms }) | Self::TooMany { wait_ms } => {
                format!("try again in {} s", wait_ms.div_ceil(1_000))
            }
            Self::Key(Denied::Store(_)) | Self::Busy => "try again in a moment".to_owned(),
            Self::Key(denied) => denied.to_string(),
            Self::Scope(scope) => format!("this key does not have the scope `{scope}`"),
            Self::Signature => "the delivery is not signed by a known sender for this address".to_owned(),
            Self::TooLarge { bytes_max } => format!("the body may have at most {bytes_max} bytes"),
            Self::MediaType(expect) => format!("send the body as {expect}"),
            Self::Encoded => "send the body as it is, without a Content-Encoding".to_owned(),
            Self::Slow => "the body did not arrive in time".to_owned(),
            Self::Refused(it) => it.message.clone(),
            Self::Store(store::Error::Conflict(what)) => what.clone(),
            Self::Store(store::Error::Unavailable(_) | store::Error::Fenced) => {
                "nothing was changed; try again in a moment".to_owned()
            }
            Self::Store(store::Error::Unknown(_)) => {
                "whether it was carried out is not known: look, or repeat it with the same Idempotency-Key".to_owned()
            }
            Self::Store(store::Error::Damaged(it)) => format!("what is stored cannot be read: {it}"),
            Self::Internal(_) => "something broke on our side; the instance names it in the log".to_owned(),
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Key(Denied::TooMany { wait_ms }) | Self::TooMany { wait_ms } => Some(wait_ms.div_ceil(1_000).max(1)),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }

    /// Where the error came from, for the log.
    fn chain(&self) -> String {
        let causes = |error: &(dyn std::error::Error + 'static)| {
            let mut text = error.to_string();
            let mut next = error.source();
            while let Some(cause) = next {
                text.push_str(": ");
                text.push_str(&cause.to_string());
                next = cause.source();
            }
            text
        };
        match self {
            Self::Internal(error) => format!("{error:#}"),
            Self::Store(error) | Self::Key(Denied::Store(error)) => causes(error),
            other => other.detail(),
        }
    }

    /// The answer, under the id of its request. Logs what only the operator may see.
    pub(super) fn render(&self, request_id: &str) -> Response {
        let status = self.status();
        if matches!(self, Self::Refused(_)) && status != StatusCode::INTERNAL_SERVER_ERROR {
            // A tenant's component, and its author's matter: its calls are listed at its slot and counted.
            tracing::debug!(request.id = request_id, code = self.code(), error = self.chain(), "a component failed");
        } else if status.is_server_error() {
            tracing::error!(request.id = request_id, code = self.code(), error = self.chain(), "request failed");
        }
        let problem = Problem {
            kind: "about:blank".to_owned(),
            status: status.as_u16(),
            code: self.code().to_owned(),
            title: self.code().replace('-', " "),
            detail: self.detail(),
            instance: request_id.to_owned(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED && !matches!(self, Self::Signature) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // What would have been read instead.
        match self {
            Self::MediaType(expect) => drop(headers.insert(header::ACCEPT, HeaderValue::from_static(expect))),
            Self::Encoded => drop(headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
            _ => {}
        }
        if matches!(self, Self::Slow | Self::TooLarge { .. }) {
            // The rest of the body is not worth reading.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The error on its way out: rendered where the request's id is known.
#[derive(Clone)]
pub(super) struct Pending(pub Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Key(denied)
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}
