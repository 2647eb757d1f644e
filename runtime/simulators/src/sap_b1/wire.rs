//! What both versions of the protocol have in common, and what differs: headers, dates, annotations.

use bytes::Bytes;
use jiff::civil::{Date, Time};
use serde_json::{Map, Value};
use truthsource_core::Decimal;

use crate::odata::{Case, Version};
use crate::system::{Request, Response};

/// How one version of the protocol spells answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub version: Version,
}

impl Style {
    pub(super) fn content_type(version: Version) -> &'static str {
        match version {
            Version::V3 => "application/json;odata=minimalmetadata;charset=utf-8",
            Version::V4 => "application/json;odata.metadata=minimal;charset=utf-8",
        }
    }

    /// The path of the service root.
    pub(super) fn root(self) -> &'static str {
        if self.version == Version::V3 { "/b1s/v1/" } else { "/b1s/v2/" }
    }

    /// The name of an annotation: `odata.etag` or `@odata.etag`.
    pub(super) fn annotation(self, name: &str) -> String {
        if self.version == Version::V3 { format!("odata.{name}") } else { format!("@odata.{name}") }
    }

    /// Says what a body is: the first member of every answer.
    pub(super) fn describe(self, body: &mut Map<String, Value>, origin: &str, what: &str) {
        let (name, what) = match self.version {
            Version::V3 => ("metadata", what.replace("/$entity", "/@Element")),
            Version::V4 => ("context", what.to_owned()),
        };
        body.insert(self.annotation(name), Value::String(format!("{origin}{}$metadata#{what}", self.root())));
    }

    pub(super) fn count(self, n: usize) -> Value {
        // Version 3 sends 64-bit numbers as texts.
        if self.version == Version::V3 { Value::String(n.to_string()) } else { Value::from(n) }
    }

    /// A day. The zone that version 4 puts behind it is a lie: the day is the company's own.
    pub(super) fn date(self, day: Date) -> Value {
        Value::String(if self.version == Version::V3 { day.to_string() } else { format!("{day}T00:00:00Z") })
    }
}

/// A number as answers have it: a binary float.
pub(super) fn double(number: Decimal) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// A time of day, of which no more than the minute is told.
pub(super) fn minute(time: Time) -> String {
    format!("{:02}:{:02}:00", time.hour(), time.minute())
}

/// A JSON answer.
pub(super) fn json(status: u16, content_type: &'static str, body: &Value) -> Response {
    crate::system::json(status, content_type, body)
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Adds a header; one that cannot be one is left out.
pub(super) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = http::HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// A header's text.
pub(super) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|it| it.to_str().ok())
}

/// Scheme and host as the caller wrote them, so that links lead back here.
pub(super) fn origin(request: &Request) -> String {
    let uri = request.uri();
    let authority = uri.authority().map_or("localhost", |it| it.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}

/// What a caller wants of an answer, beyond what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Rows on a page; zero: all of them.
    pub page_size: usize,
    /// The page size came as a preference, which the answer confirms.
    pub is_preferred: bool,
    pub case: Case,
    pub without_content: bool,
    /// A collection in a PATCH is the whole of it.
    pub replace: bool,
}

impl Wishes {
    pub(super) fn of(request: &Request, page_size: usize) -> Self {
        let is_on = |name| header(request, name).is_some_and(|it| it.trim().eq_ignore_ascii_case("true"));
        let prefers = request.headers().get_all("prefer").iter().filter_map(|it| it.to_str().ok());
        let prefers: Vec<&str> = prefers.flat_map(|it| it.split(',')).map(str::trim).collect();
        let preferred = prefers.iter().find_map(|it| it.strip_prefix("odata.maxpagesize=")?.trim().parse().ok());
        let of_header = header(request, "b1s-pagesize").and_then(|it| it.trim().parse().ok());
        Self {
            page_size: preferred.or(of_header).unwrap_or(page_size),
            is_preferred: preferred.is_some(),
            case: if is_on("b1s-caseinsensitive") { Case::Insensitive } else { Case::Sensitive },
            without_content: prefers.contains(&"return-no-content"),
            replace: is_on("b1s-replacecollectionsonpatch"),
        }
    }
}
