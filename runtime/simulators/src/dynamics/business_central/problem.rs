//! Refusals, in the words and codes the real system uses.

use serde_json::json;

use super::super::guid::Guid;
use crate::system::{self, Response};

/// Media type of every answer.
pub(super) const JSON: &str = "application/json; odata.metadata=minimal; odata.streaming=true";

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

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The application says no, in a dialog if there were a screen.
    pub(super) fn dialog(message: impl Into<String>) -> Self {
        Self::new(400, "Application_DialogException", message)
    }

    pub(super) fn field(message: impl Into<String>) -> Self {
        Self::new(400, "Application_FieldValidationException", message)
    }

    pub(super) fn no_segment(segment: &str) -> Self {
        Self::new(404, "BadRequest_ResourceNotFound", format!("Resource not found for the segment '{segment}'."))
    }

    /// A query that cannot be read.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(404, "BadRequest_NotFound", message)
    }

    pub(super) fn no_record(entity: &str, id: Guid) -> Self {
        let message = format!("The {entity} does not exist. Identification fields and values: SystemId='{{{id}}}'");
        Self::new(404, "Internal_RecordNotFound", message)
    }

    /// A reference to something that is not there.
    pub(super) fn no_reference(message: impl Into<String>) -> Self {
        Self::new(400, "Internal_RecordNotFound", message)
    }

    pub(super) fn same_key(status: u16, table: &str, field: &str, value: &str) -> Self {
        let message = format!("The {table} already exists. Identification fields and values: {field}='{value}'");
        Self::new(status, "Internal_EntityWithSameKeyExists", message)
    }

    pub(super) fn relation(field: &str, table: &str, value: &str, related: &str) -> Self {
        let message = format!(
            "The field {field} of table {table} contains a value ({value}) that cannot be found in the related table ({related})."
        );
        Self::new(400, "Internal_InvalidTableRelation", message)
    }

    pub(super) fn required(name: &str) -> Self {
        let message = format!("The required parameter '{name}' was not provided.");
        Self::new(400, "BadRequest_RequiredParamNotProvided", message)
    }

    pub(super) fn read_only(name: &str) -> Self {
        Self::new(400, "BadRequest_InvalidOperation", format!("Control '{name}' is read-only."))
    }

    pub(super) fn too_long(value: &str, max: usize) -> Self {
        let message = format!(
            "The length of the string is {}, but it must be less than or equal to {max} characters. Value: {value}",
            value.chars().count()
        );
        Self::new(400, "Application_StringExceededLength", message)
    }

    pub(super) fn method(method: &str) -> Self {
        let message = format!("'{method}' requests are not supported by this entity.");
        Self::new(405, "BadRequest_MethodNotAllowed", message)
    }

    pub(super) fn token() -> Self {
        let message = "Could not validate the client concurrency token required by the service. Please provide a valid token in the client request.";
        Self::new(400, "BadRequest_InvalidToken", message)
    }

    /// The etag is not the record's any more.
    pub(super) fn changed(status: u16) -> Self {
        Self::new(status, "Request_EntityChanged", "Another user has already changed the record.")
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "The server has rejected the client credentials.";
        Self::new(401, "Authentication_InvalidCredentials", message)
    }

    pub(super) fn too_many(retry_after_s: Option<u64>) -> Self {
        let message = "Too many requests. The limit of requests for this environment has been reached.";
        Self { retry_after_s, ..Self::new(429, "Application_TooManyRequests", message) }
    }

    /// The `n`th answer with its correlation id.
    pub(super) fn response(&self, n: u64) -> Response {
        let message = format!("{}  CorrelationId:  {}.", self.message, Guid::drawn("correlation", n));
        let body = json!({ "error": { "code": self.code, "message": message } });
        let mut response = system::json(self.status, JSON, &body);
        response.headers_mut().insert("odata-version", http::HeaderValue::from_static("4.0"));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
        if self.status == 401 {
            let realm = http::HeaderValue::from_static("Bearer realm=\"\"");
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}
