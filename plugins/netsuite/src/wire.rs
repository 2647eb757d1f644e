//! Requests to one account, and what its refusals mean.

use std::cell::Cell;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use truthsource_sdk::connector::{Outcome, Rejection};
use truthsource_sdk::host::{HttpFault, Request, Response};
use truthsource_sdk::{Context, Fault, Host, json};

use crate::settings::Settings;

/// How long one request may take: searches over large tables are slow.
const TIMEOUT_MS: u32 = 30_000;
/// The host allows 64 requests a call; a write needs three, and none should be started that cannot be finished.
const REQUESTS_MAX: u32 = 60;

/// One account, for the length of one call.
pub(crate) struct Account<'a> {
    pub host: &'a dyn Host,
    pub ctx: &'a Context,
    pub settings: Settings,
    sent: Cell<u32>,
}

/// An error body; only what decides is read.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "o:errorDetails", default)]
    details: Vec<ErrorDetail>,
}

#[derive(Deserialize, Default)]
struct ErrorDetail {
    #[serde(default)]
    detail: String,
    #[serde(rename = "o:errorCode", default)]
    code: String,
    #[serde(rename = "o:errorPath", default)]
    path: Option<String>,
}

impl<'a> Account<'a> {
    pub(crate) fn open(host: &'a dyn Host, ctx: &'a Context) -> Result<Self, Fault> {
        Ok(Self { host, ctx, settings: Settings::read(ctx)?, sent: Cell::new(0) })
    }

    /// Whether a look, a write and a look again can still be sent in this call.
    pub(crate) fn can_write(&self) -> bool {
        self.sent.get() + 3 <= REQUESTS_MAX
    }

    pub(crate) fn send(&self, method: &'static str, path: &str, body: Vec<u8>) -> Result<Response, HttpFault> {
        self.sent.set(self.sent.get() + 1);
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        if path.starts_with("query/") {
            headers.push(("prefer".to_owned(), "transient".to_owned()));
        } else if method != "GET" {
            // Without it, a misspelt field is only warned of, and the write looks done.
            headers.push(("x-netsuite-propertynamevalidation".to_owned(), "Error".to_owned()));
        }
        let url = format!("{}/services/rest/{path}", self.settings.base_url);
        self.host.send(&Request { method, url, headers, body, timeout_ms: TIMEOUT_MS })
    }

    /// Reads a document; `None` when NetSuite says that there is no such record.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Fault> {
        let response = self.send("GET", path, Vec::new())?;
        match response.status {
            200 => json::answer(&response.body, path).map(Some),
            404 if detail(&response).code == "NONEXISTENT_ID" => Ok(None),
            _ => Err(refusal(&response, path, self.ctx.now_ms)),
        }
    }

    /// Writes a record. `Err` is the outcome of a write that did not, or may not, have happened.
    pub(crate) fn write(&self, method: &'static str, path: &str, body: &impl serde::Serialize) -> Result<(), Outcome> {
        let response = self.send(method, path, json::text(body).into_bytes()).map_err(Outcome::unanswered)?;
        match response.status {
            // All that NetSuite says to a write that was done. A page with 200 is somebody else's answer.
            204 => Ok(()),
            _ => Err(unwritten(&response, self.ctx.now_ms)),
        }
    }
}

/// What a refused write means. After a 5xx nobody knows whether the save went through.
fn unwritten(response: &Response, now_ms: u64) -> Outcome {
    let detail = detail(response);
    let why = format!("HTTP {} {}: {}", response.status, detail.code, detail.detail);
    match response.status {
        401 | 403 => Outcome::Retry(None, format!("denied: {why}")),
        429 => Outcome::Retry(response.retry_after_ms(now_ms), why),
        400 if is_busy(&detail.code) => Outcome::Retry(response.retry_after_ms(now_ms), why),
        400..=499 => Outcome::Rejected(Rejection {
            code: if detail.code.is_empty() { format!("http-{}", response.status) } else { detail.code },
            message: detail.detail,
            field: detail.path.as_deref().and_then(canonical_field).map(str::to_owned),
        }),
        _ => Outcome::Unknown(why),
    }
}

/// What a refused read means.
pub(crate) fn refusal(response: &Response, what: &str, now_ms: u64) -> Fault {
    let detail = detail(response);
    let why = format!("{what}: HTTP {} {}: {}", response.status, detail.code, detail.detail);
    match response.status {
        401 | 403 => Fault::Denied(why),
        429 => Fault::Throttled(response.retry_after_ms(now_ms)),
        400 if is_busy(&detail.code) => Fault::Throttled(response.retry_after_ms(now_ms)),
        // A table that the role may not see is answered as if it did not exist.
        400 if detail.detail.contains("was not found") => Fault::Denied(why),
        500..=599 => Fault::Unavailable(why),
        _ => Fault::Protocol(why),
    }
}

fn is_busy(code: &str) -> bool {
    ["CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED", "RCRD_HAS_BEEN_CHANGED"].contains(&code)
}

fn detail(response: &Response) -> ErrorDetail {
    let body: Option<ErrorBody> = serde_json::from_slice(&response.body).ok();
    body.and_then(|it| it.details.into_iter().next()).unwrap_or_default()
}

/// The canonical field that a path in a request body is about.
fn canonical_field(path: &str) -> Option<&'static str> {
    let root = path.split(['.', '[']).next().unwrap_or(path);
    Some(match root {
        "itemId" | "entityId" => "code",
        "displayName" => "title",
        "upcCode" => "barcode",
        "isInactive" => "active",
        "companyName" => "name",
        "email" => "email",
        "currency" => "currency",
        "price" => "amount",
        "inventory" => "on_hand",
        "entity" => "company",
        "otherRefNum" => "po_number",
        "tranDate" => "placed_at",
        "item" => "lines",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, code: &str, detail: &str) -> Response {
        let body =
            format!(r#"{{"status":{status},"o:errorDetails":[{{"detail":"{detail}","o:errorCode":"{code}"}}]}}"#);
        Response { status, headers: Vec::new(), body: body.into_bytes() }
    }

    #[test]
    fn a_refused_read_says_who_must_act() {
        let check = |status, code, detail, expect: fn(&Fault) -> bool| {
            let fault = refusal(&response(status, code, detail), "items", 0);
            assert!(expect(&fault), "{status} {code}: {fault}");
        };
        check(401, "INVALID_LOGIN", "", |it| matches!(it, Fault::Denied(_)));
        check(403, "INSUFFICIENT_PERMISSION", "", |it| matches!(it, Fault::Denied(_)));
        check(429, "CONCURRENCY_LIMIT_EXCEEDED", "", |it| *it == Fault::Throttled(None));
        check(400, "INVALID_PARAMETER", "Record 'item' was not found.", |it| matches!(it, Fault::Denied(_)));
        check(400, "INVALID_PARAMETER", "Unknown identifier", |it| matches!(it, Fault::Protocol(_)));
        check(500, "UNEXPECTED_ERROR", "", |it| matches!(it, Fault::Unavailable(_)));
    }

    #[test]
    fn a_refused_write_is_never_taken_for_more_than_is_known() {
        let check = |status, code, expect: fn(&Outcome) -> bool| {
            let outcome = unwritten(&response(status, code, "x"), 0);
            assert!(expect(&outcome), "{status} {code}: {outcome:?}");
        };
        check(400, "USER_ERROR", |it| matches!(it, Outcome::Rejected(it) if it.code == "USER_ERROR"));
        check(400, "RCRD_HAS_BEEN_CHANGED", |it| matches!(it, Outcome::Retry(..)));
        check(429, "CONCURRENCY_LIMIT_EXCEEDED", |it| matches!(it, Outcome::Retry(..)));
        check(500, "UNEXPECTED_ERROR", |it| matches!(it, Outcome::Unknown(_)));
        assert!(matches!(Outcome::unanswered(HttpFault::Unknown(String::new())), Outcome::Unknown(_)));
        assert!(matches!(Outcome::unanswered(HttpFault::Unreachable(String::new())), Outcome::Retry(..)));
    }
}
