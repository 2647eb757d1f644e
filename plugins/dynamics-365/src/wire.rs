//! Requests to one system, and what its refusals mean. Both dialects say them alike.

use std::cell::Cell;

use serde::Deserialize;
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::host::{HttpFault, Request, Response};
use truthsource_sdk::{Context, Fault, Host, json, moment};

use crate::odata::Row;

/// How long one request may take.
const TIMEOUT_MS: u32 = 30_000;
/// The host allows 64 requests a call, and none should be begun that cannot be finished.
const REQUESTS_MAX: u32 = 62;

/// The way to one system, for the length of one call.
pub(crate) struct Wire<'a> {
    pub host: &'a dyn Host,
    pub ctx: &'a Context,
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// Headers of every request.
    pub headers: &'static [(&'static str, &'static str)],
    sent: Cell<u32>,
}

/// What a request carries besides its address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What became of a request that writes.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    /// It is done. The record as it is now, where the system sent it.
    Done(Option<Row>),
    /// Somebody has changed the record since it was read; nothing was written.
    Changed,
    /// There is no such record.
    Gone,
    /// There is one of that key already.
    Exists(Outcome),
    /// Nothing was written, or nobody knows.
    Failed(Outcome),
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorDetail,
}

#[derive(Deserialize, Default)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(
        host: &'a dyn Host,
        ctx: &'a Context,
        base_url: String,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { host, ctx, base_url, headers, sent: Cell::new(0) }
    }

    /// Whether so many more requests can be sent in this call.
    pub(crate) fn can_send(&self, n: u32) -> bool {
        self.sent.get() + n <= REQUESTS_MAX
    }

    /// Sends a request to an absolute URL.
    pub(crate) fn send(&self, method: &'static str, url: &str, load: Load) -> Result<Response, HttpFault> {
        self.sent.set(self.sent.get() + 1);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut headers: Vec<(String, String)> = self.headers.iter().map(owned).collect();
        if !load.body.is_empty() && !load.headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers.extend(load.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let request = Request { method, url: url.to_owned(), headers, body: load.body, timeout_ms: TIMEOUT_MS };
        self.host.send(&request)
    }

    /// Reads a document.
    pub(crate) fn get(&self, url: &str, headers: Vec<(&'static str, String)>) -> Result<Response, Fault> {
        let response = self.send("GET", url, Load { headers, body: Vec::new() })?;
        if response.status == 200 { Ok(response) } else { Err(refusal(&response, url, self.ctx.now_ms)) }
    }

    /// Sends a write.
    pub(crate) fn write(&self, method: &'static str, url: &str, load: Load) -> Written {
        match self.send(method, url, load) {
            Ok(response) => written(&response, self.ctx.now_ms),
            Err(fault) => Written::Failed(Outcome::unanswered(fault)),
        }
    }

    /// How far the system's clock is ahead of ours, as an answer says; 0 where it does not say.
    pub(crate) fn skew_ms(&self, response: &Response) -> i64 {
        let server = response.header("date").and_then(http_date);
        let apart = |at: u64| i64::try_from(at).unwrap_or(0) - i64::try_from(self.ctx.now_ms).unwrap_or(0);
        // The header says whole seconds, and the answer was on its way.
        server.map(apart).filter(|it| it.abs() > 2_000).unwrap_or(0)
    }
}

/// `Sat, 28 Nov 2026 19:51:53 GMT`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = MONTHS.iter().position(|it| *it == month)? + 1;
    moment::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
}

/// What an answer to a write means.
pub(crate) fn written(response: &Response, now_ms: u64) -> Written {
    match response.status {
        204 => Written::Done(None),
        // A page in place of a record is somebody else's answer.
        200 | 201 => match serde_json::from_slice::<Row>(&response.body) {
            Ok(row) if row.has("@odata.etag") || row.has("@odata.context") || row.has("id") => Written::Done(Some(row)),
            _ => Written::Failed(Outcome::Unknown(format!("HTTP {} without a record", response.status))),
        },
        _ => refused(response, now_ms),
    }
}

/// What a refused write means. After most 5xx nobody knows whether it went through.
fn refused(response: &Response, now_ms: u64) -> Written {
    let detail = detail(response);
    let why = format!("HTTP {} {}: {}", response.status, detail.code, detail.message);
    let retry = |why: String| Written::Failed(Outcome::Retry(response.retry_after_ms(now_ms), why));
    match (response.status, detail.code.as_str()) {
        (401 | 403, _) => retry(format!("denied: {why}")),
        (429 | 503, _) => retry(why),
        // Business Central says 400 for a version mark that it cannot read, 409 for one that is old; others say 412.
        (412, _) | (_, "Request_EntityChanged" | "BadRequest_InvalidToken") => Written::Changed,
        (_, "Internal_EntityWithSameKeyExists" | "0x80040237" | "0x80060892") => Written::Exists(rejection(detail)),
        (400 | 409, _) if is_busy(&detail.message) => retry(why),
        (408, _) => Written::Failed(Outcome::Unknown(why)),
        (404, "BadRequest_ResourceNotFound") => Written::Failed(rejection(detail)),
        (404, _) => Written::Gone,
        (400..=499, code) => {
            let code = if code.is_empty() { format!("http-{}", response.status) } else { code.to_owned() };
            Written::Failed(rejection(ErrorDetail { code, ..detail }))
        }
        _ => Written::Failed(Outcome::Unknown(why)),
    }
}

fn rejection(detail: ErrorDetail) -> Outcome {
    Outcome::rejected(&detail.code, detail.message)
}

/// What a refused read means.
pub(crate) fn refusal(response: &Response, what: &str, now_ms: u64) -> Fault {
    let detail = detail(response);
    let what = what.split('?').next().unwrap_or(what);
    let why = format!("{what}: HTTP {} {}: {}", response.status, detail.code, detail.message);
    match response.status {
        401 | 403 => Fault::Denied(why),
        429 => Fault::Throttled(response.retry_after_ms(now_ms)),
        503 if response.header("retry-after").is_some() => Fault::Throttled(response.retry_after_ms(now_ms)),
        400 | 409 if is_busy(&detail.message) => Fault::Throttled(response.retry_after_ms(now_ms)),
        408 | 500..=599 => Fault::Unavailable(why),
        _ => Fault::Protocol(why),
    }
}

/// A refusal that passes by itself: a record or a table is locked, or the server asks for patience, in the language
/// that it was asked in. Every request asks for English.
fn is_busy(message: &str) -> bool {
    let message = message.to_lowercase();
    ["try again later", "locked by another user", "deadlock"].iter().any(|it| message.contains(it))
}

fn detail(response: &Response) -> ErrorDetail {
    let body: Option<ErrorBody> = serde_json::from_slice(&response.body).ok();
    let mut detail = body.unwrap_or_default().error;
    // Every message ends with a mark of its own, which makes two refusals of one kind look different.
    if let Some(at) = detail.message.find("CorrelationId:") {
        detail.message.truncate(at);
    }
    detail.message = detail.message.trim().to_owned();
    detail
}

/// Reads the body of an answer as a page of a collection.
pub(crate) fn collection(response: &Response, what: &str) -> Result<crate::odata::Collection, Fault> {
    json::answer(&response.body, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, code: &str, message: &str) -> Response {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}  CorrelationId:  5f3c."}}}}"#);
        Response { status, headers: Vec::new(), body: body.into_bytes() }
    }

    #[test]
    fn a_refused_read_says_who_must_act() {
        let check = |status, code, message, expect: fn(&Fault) -> bool| {
            let fault = refusal(&response(status, code, message), "items", 0);
            assert!(expect(&fault), "{status} {code}: {fault}");
        };
        check(401, "Authentication_InvalidCredentials", "", |it| matches!(it, Fault::Denied(_)));
        check(403, "Authorization_RequestDenied", "", |it| matches!(it, Fault::Denied(_)));
        check(429, "Application_TooManyRequests", "", |it| *it == Fault::Throttled(None));
        check(400, "Application_DialogException", "Please try again later.", |it| *it == Fault::Throttled(None));
        check(404, "BadRequest_ResourceNotFound", "", |it| matches!(it, Fault::Protocol(_)));
        check(400, "BadRequest", "", |it| matches!(it, Fault::Protocol(_)));
        check(408, "", "", |it| matches!(it, Fault::Unavailable(_)));
        check(504, "", "", |it| matches!(it, Fault::Unavailable(_)));
    }

    #[test]
    fn a_refused_write_is_never_taken_for_more_than_is_known() {
        let check = |status, code, message, expect: fn(&Written) -> bool| {
            let seen = written(&response(status, code, message), 0);
            assert!(expect(&seen), "{status} {code}: {seen:?}");
        };
        check(409, "Request_EntityChanged", "", |it| matches!(it, Written::Changed));
        check(412, "", "", |it| matches!(it, Written::Changed));
        check(400, "BadRequest_InvalidToken", "", |it| matches!(it, Written::Changed));
        check(400, "Internal_EntityWithSameKeyExists", "", |it| matches!(it, Written::Exists(_)));
        check(409, "Internal_EntityWithSameKeyExists", "", |it| matches!(it, Written::Exists(_)));
        check(404, "Internal_RecordNotFound", "", |it| matches!(it, Written::Gone));
        check(404, "BadRequest_ResourceNotFound", "", |it| matches!(it, Written::Failed(Outcome::Rejected(_))));
        check(400, "Application_DialogException", "The record is locked by another user", |it| {
            matches!(it, Written::Failed(Outcome::Retry(..)))
        });
        check(
            400,
            "Application_StringExceededLength",
            "too long",
            |it| matches!(it, Written::Failed(Outcome::Rejected(it)) if it.message == "too long"),
        );
        check(429, "", "", |it| matches!(it, Written::Failed(Outcome::Retry(..))));
        check(503, "", "", |it| matches!(it, Written::Failed(Outcome::Retry(..))));
        for status in [408, 500, 502, 504] {
            check(status, "", "", |it| matches!(it, Written::Failed(Outcome::Unknown(_))));
        }
        for body in ["<html>Sign in</html>", "", "{}", r#"{"id":"48"#] {
            let page = Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
            assert!(matches!(written(&page, 0), Written::Failed(Outcome::Unknown(_))), "{body}");
        }
    }

    #[test]
    fn a_servers_clock_is_read() {
        assert_eq!(http_date("Sat, 21 Nov 2026 08:01:02 GMT"), Some(1_795_248_062_000));
        assert_eq!(http_date("yesterday"), None);
    }
}
