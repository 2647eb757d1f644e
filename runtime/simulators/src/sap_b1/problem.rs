//! Refusals, in the words the real system uses.

use serde_json::json;

use super::wire::{self, Style};
use crate::odata::{Bad, Version, What};
use crate::system::Response;

/// Why a request is refused, and what the answer says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: u16,
    pub code: i64,
    pub message: String,
}

impl Problem {
    pub(super) fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A rule of the business logic that the data breaks.
    pub(super) fn rule(message: impl Into<String>) -> Self {
        Self::new(400, -10, message)
    }

    /// A value that refers to nothing.
    pub(super) fn reference(what: &str, place: &str, value: &str) -> Self {
        Self::new(400, -5002, format!("Invalid {what} [{place}] , '{value}'"))
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, -2028, "No matching records found (ODBC -2028)")
    }

    pub(super) fn duplicate(table: &str) -> Self {
        let message = format!("This entry already exists in the following tables '{table}' (ODBC -2035)");
        Self::new(400, -2035, message)
    }

    pub(super) fn property(name: &str, ty: &str) -> Self {
        Self::new(400, -1000, format!("Property '{name}' of '{ty}' is invalid"))
    }

    pub(super) fn too_long(name: &str, ty: &str) -> Self {
        Self::new(400, -1000, format!("Value too long in property '{name}' of '{ty}'"))
    }

    pub(super) fn body(why: &str) -> Self {
        Self::new(400, -1000, format!("Malformed request body: {why}"))
    }

    pub(super) fn stale() -> Self {
        let message =
            "Another user or another operation modified data; to continue, open the window again (ODBC -2039)";
        Self::new(412, -2039, message)
    }

    pub(super) fn session() -> Self {
        Self::new(401, 301, "Invalid session or session already timeout.")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(403, -6006, "You are not permitted to perform this action")
    }

    /// A path that leads to nothing.
    pub(super) fn resource(path: &str) -> Self {
        Self::new(404, -1000, format!("Unrecognized resource path '{path}'"))
    }

    pub(super) fn method() -> Self {
        Self::new(405, -1000, "The method is not allowed for this resource")
    }

    pub(super) fn response(&self, version: Version) -> Response {
        let body = match version {
            Version::V3 => {
                json!({ "error": { "code": self.code, "message": { "lang": "en-us", "value": self.message } } })
            }
            Version::V4 => json!({ "error": { "code": self.code.to_string(), "message": self.message } }),
        };
        wire::json(self.status, Style::content_type(version), &body)
    }
}

impl From<Bad> for Problem {
    fn from(bad: Bad) -> Self {
        match &bad.what {
            What::NoProperty(name) => Self::new(400, -1000, format!("Property '{name}' is invalid")),
            _ => Self::new(400, -1000, format!("Query string error: {bad}")),
        }
    }
}
