//! Refusals, in the words the real system uses.

use serde_json::json;

use crate::system::{self, Response};

const ERROR_TYPE: &str = "application/vnd.oracle.resource+json; type=error";

/// Why a request is refused, and what the answer says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub detail: String,
    /// The extra member of the detail that says where: `o:errorPath` and its like, with its value.
    pub place: Option<(&'static str, String)>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), place: None }
    }

    /// A body that cannot be what it should be, at `path` in it.
    pub(super) fn content(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: Some(("o:errorPath", path.into())), ..Self::new(400, "INVALID_CONTENT", detail) }
    }

    /// A refused query parameter.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { place: Some(("o:errorQueryParam", name.to_owned())), ..Self::new(400, "INVALID_PARAMETER", detail) }
    }

    /// A business rule that the data breaks.
    pub(super) fn user(detail: impl Into<String>) -> Self {
        Self::new(400, "USER_ERROR", detail)
    }

    /// A record that is not there.
    pub(super) fn nonexistent(url: &str) -> Self {
        let detail = "The record instance does not exist. Provide a valid record instance ID.";
        Self { place: Some(("o:errorUrl", url.to_owned())), ..Self::new(404, "NONEXISTENT_ID", detail) }
    }

    /// A reference to something that is not there.
    pub(super) fn reference(path: &str, id: &str) -> Self {
        let leaf = path.rsplit('.').next().unwrap_or(path);
        Self::content(path, format!("Error while accessing a resource. Invalid reference value {id} for field {leaf}."))
    }

    pub(super) fn invalid_login() -> Self {
        let detail = "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > \
                      Users/Roles > User Management > View Login Audit Trail.";
        Self::new(401, "INVALID_LOGIN", detail)
    }

    pub(super) fn concurrency() -> Self {
        Self::new(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    }

    pub(super) fn response(&self) -> Response {
        let (section, title) = match self.status {
            400 => ("15.5.1", "Bad Request"),
            401 => ("15.5.2", "Unauthorized"),
            403 => ("15.5.4", "Forbidden"),
            404 => ("15.5.5", "Not Found"),
            405 => ("15.5.6", "Method Not Allowed"),
            429 => ("15.5", "Too Many Requests"),
            _ => ("15.6.1", "Internal Server Error"),
        };
        let mut detail = json!({ "detail": self.detail, "o:errorCode": self.code });
        if let Some((member, value)) = &self.place {
            detail[*member] = json!(value);
        }
        let body = json!({
            "type": format!("https://www.rfc-editor.org/rfc/rfc9110.html#section-{section}"),
            "title": title,
            "status": self.status,
            "o:errorDetails": [detail],
        });
        system::json(self.status, ERROR_TYPE, &body)
    }
}
