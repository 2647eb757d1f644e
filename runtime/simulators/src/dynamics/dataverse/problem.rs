//! Refusals, in the words and codes the real service uses.

use serde_json::json;

use super::super::guid::Guid;
use crate::system::{self, Response};

/// Media type of every answer.
pub(super) const JSON: &str = "application/json; odata.metadata=minimal";

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub retry_after_s: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after_s: None }
    }

    /// A body that cannot be what it should be.
    pub(super) fn payload(entity: &str, why: impl AsRef<str>) -> Self {
        let message = format!(
            "Error identified in Payload provided by the user for Entity :'{entity}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : {}",
            why.as_ref()
        );
        Self::new(400, "0x80048d19", message)
    }

    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "0x80060888", message)
    }

    pub(super) fn no_segment(name: &str) -> Self {
        Self::new(404, "0x8006088a", format!("Resource not found for the segment '{name}'."))
    }

    pub(super) fn no_record(entity: &str, id: Guid) -> Self {
        Self::new(404, "0x80040217", format!("{entity} With Id = {id} Does Not Exist"))
    }

    pub(super) fn no_key(entity: &str) -> Self {
        let message = format!("A record with the specified key values does not exist in {entity} entity");
        Self::new(404, "0x80060891", message)
    }

    pub(super) fn duplicate() -> Self {
        Self::new(412, "0x80040237", "A record with matching key values already exists.")
    }

    pub(super) fn stale() -> Self {
        let message = "The version of the existing record doesn't match the RowVersion property provided.";
        Self::new(412, "0x80060882", message)
    }

    pub(super) fn method(method: &str) -> Self {
        Self::new(405, "0x8006088a", format!("The HTTP method '{method}' is not supported for this resource."))
    }

    pub(super) fn response(&self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = system::json(self.status, JSON, &body);
        response.headers_mut().insert("odata-version", http::HeaderValue::from_static("4.0"));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
        response
    }
}

/// The gateway's answer to a caller without a token: a header and no body.
pub(super) fn unauthenticated(tenant: &str, resource: &str) -> Response {
    let mut response = Response::new(bytes::Bytes::new());
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    let challenge = format!(
        "Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, resource_id={resource}/"
    );
    if let Ok(challenge) = http::HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
    }
    response
}
