//! Requests to one company, and what its refusals mean.

use std::cell::Cell;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::host::{HttpFault, Request, Response};
use truthsource_sdk::{Context, Fault, Host, json};

use crate::exact::Id;
use crate::settings::Settings;

/// How long one request may take: the service answers slowly under load, and never says so.
const TIMEOUT_MS: u32 = 30_000;
/// The host allows 64 requests a call, and none should be started that cannot be finished.
const REQUESTS_MAX: u32 = 60;
/// What one write needs at the most: two looks at what an earlier try left, one at the record, the write, and one more.
const REQUESTS_OF_A_WRITE: u32 = 5;

/// The service's codes that decide something. Its texts are in the language of the login.
pub(crate) mod code {
    /// There is no such record; also what a document is answered that waits for an approval.
    pub const NO_MATCH: &str = "-2028";
    /// There is one already.
    pub const EXISTS: &str = "-2035";
    /// Somebody else changed it.
    pub const STALE: &str = "-2039";
    /// The user may not do this.
    pub const NOT_PERMITTED: &str = "-6006";
    /// A stored query reads a table, or a column, that is not on the company's list.
    pub const TABLES: [&str; 2] = ["702", "703"];
}

/// One company, for the length of one call.
pub(crate) struct Service<'a> {
    pub host: &'a dyn Host,
    pub ctx: &'a Context,
    pub settings: Settings,
    sent: Cell<u32>,
}

/// Why a write was not done, or may not have been.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The record is not as it was when it was read.
    Stale,
    /// There is a record of this key.
    Exists,
    /// There is no such record, or nothing that can be told of it.
    NoMatch(Outcome),
    /// The user may not do this, or is not let in.
    Denied(String),
    /// Anything else.
    Other(Outcome),
}

impl From<Unwritten> for Outcome {
    fn from(it: Unwritten) -> Self {
        match it {
            Unwritten::Stale => Self::Retry(None, "somebody else was saving it".to_owned()),
            Unwritten::Exists => Self::rejected(code::EXISTS, "there is a record of this key already"),
            Unwritten::Denied(why) => Self::Retry(None, format!("denied: {why}")),
            Unwritten::NoMatch(outcome) | Unwritten::Other(outcome) => outcome,
        }
    }
}

impl<'a> Service<'a> {
    pub(crate) fn open(host: &'a dyn Host, ctx: &'a Context) -> Result<Self, Fault> {
        Ok(Self { host, ctx, settings: Settings::read(ctx)?, sent: Cell::new(0) })
    }

    /// Whether a write can still be carried to its end in this call.
    pub(crate) fn can_write(&self) -> bool {
        self.sent.get() + REQUESTS_OF_A_WRITE <= REQUESTS_MAX
    }

    pub(crate) fn send(
        &self,
        method: &'static str,
        path: &str,
        extra: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, HttpFault> {
        self.sent.set(self.sent.get() + 1);
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = format!("{}/b1s/{}/{path}", self.settings.base_url, self.settings.api_version);
        self.host.send(&Request { method, url, headers, body, timeout_ms: TIMEOUT_MS })
    }

    /// Reads an entity; `None` when the company says that there is no such record.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Fault> {
        let response = self.send("GET", path, &[], Vec::new())?;
        match response.status {
            200 => json::answer(&response.body, path).map(Some),
            404 if refused(&response).code == code::NO_MATCH => Ok(None),
            _ => Err(refusal(&response, path, self.ctx.now_ms)),
        }
    }

    /// Creates a record, or runs an action that answers with one.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, Unwritten> {
        let sent = self.send("POST", path, &[], json::text(body).into_bytes());
        let response = sent.map_err(|it| Unwritten::Other(Outcome::unanswered(it)))?;
        match response.status {
            // A page in place of a record is somebody else's answer, and tells nothing of ours.
            200 | 201 => {
                json::answer(&response.body, path).map_err(|it| Unwritten::Other(Outcome::Unknown(it.to_string())))
            }
            _ => Err(unwritten(&response, self.ctx.now_ms)),
        }
    }

    /// Changes a record, if it is still at `version`. An empty one is not compared: the service does not tell versions
    /// of everything.
    pub(crate) fn patch(&self, path: &str, version: &str, body: &impl serde::Serialize) -> Result<(), Unwritten> {
        let condition = [("if-match", version)];
        let extra = if version.is_empty() { &[][..] } else { &condition[..] };
        self.done("PATCH", path, extra, json::text(body).into_bytes())
    }

    /// The same where a collection that is given is the whole of it.
    pub(crate) fn replace(&self, path: &str, version: &str, body: &impl serde::Serialize) -> Result<(), Unwritten> {
        let extra = [("b1s-replacecollectionsonpatch", "true"), ("if-match", version)];
        let extra = if version.is_empty() { &extra[..1] } else { &extra[..] };
        self.done("PATCH", path, extra, json::text(body).into_bytes())
    }

    /// Removes a record.
    pub(crate) fn delete(&self, path: &str) -> Result<(), Unwritten> {
        self.done("DELETE", path, &[], Vec::new())
    }

    /// Runs an action that answers with nothing.
    pub(crate) fn run(&self, path: &str, body: &impl serde::Serialize) -> Result<(), Unwritten> {
        self.done("POST", path, &[], json::text(body).into_bytes())
    }

    fn done(&self, method: &'static str, path: &str, extra: &[(&str, &str)], body: Vec<u8>) -> Result<(), Unwritten> {
        let response = self.send(method, path, extra, body).map_err(|it| Unwritten::Other(Outcome::unanswered(it)))?;
        match response.status {
            // All that is said to a change that was done. A page with 200 is somebody else's answer.
            204 => Ok(()),
            _ => Err(unwritten(&response, self.ctx.now_ms)),
        }
    }
}

/// What a refused write means. Only the service's own word is a refusal: after a 5xx, or a page that is not the service's,
/// nobody knows whether the save went through.
fn unwritten(response: &Response, now_ms: u64) -> Unwritten {
    let Refused { code, message } = refused(response);
    let why = format!("HTTP {} {code}: {message}", response.status);
    let other = |outcome| Unwritten::Other(outcome);
    match response.status {
        401 | 403 => Unwritten::Denied(why),
        429 => other(Outcome::Retry(response.retry_after_ms(now_ms), why)),
        400..=499 if code.is_empty() => other(Outcome::Unknown(why)),
        400..=499 if code == code::STALE => Unwritten::Stale,
        400..=499 if code == code::EXISTS => Unwritten::Exists,
        400..=499 if code == code::NO_MATCH => Unwritten::NoMatch(Outcome::rejected(&code, message)),
        400..=499 => other(Outcome::rejected(&code, message)),
        _ => other(Outcome::Unknown(why)),
    }
}

/// What a refused read means.
pub(crate) fn refusal(response: &Response, what: &str, now_ms: u64) -> Fault {
    let Refused { code, message } = refused(response);
    let why = format!("{what}: HTTP {} {code}: {message}", response.status);
    match response.status {
        401 | 403 => Fault::Denied(why),
        400..=499 if code == code::NOT_PERMITTED || code::TABLES.contains(&code.as_str()) => Fault::Denied(why),
        429 => Fault::Throttled(response.retry_after_ms(now_ms)),
        500..=599 => Fault::Unavailable(why),
        _ => Fault::Protocol(why),
    }
}

/// What the service says of a request that it refuses. Both empty where it is not the service that answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    pub code: String,
    pub message: String,
}

pub(crate) fn refused(response: &Response) -> Refused {
    #[derive(Deserialize)]
    struct Body {
        error: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        code: Id,
        #[serde(default)]
        message: Option<Box<RawValue>>,
    }
    /// As OData 3 says it; OData 4 has the plain text.
    #[derive(Deserialize)]
    struct Spoken {
        value: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(&response.body) else { return Refused::default() };
    let text = |it: Box<RawValue>| {
        let plain = serde_json::from_str::<String>(it.get());
        plain.or_else(|_| serde_json::from_str::<Spoken>(it.get()).map(|it| it.value)).unwrap_or_default()
    };
    Refused { code: body.error.code.0, message: body.error.message.map(text).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn both(code: &str) -> [String; 2] {
        [
            format!(r#"{{"error":{{"code":{code},"message":{{"lang":"en-us","value":"no"}}}}}}"#),
            format!(r#"{{"error":{{"code":"{code}","message":"no","details":[]}}}}"#),
        ]
    }

    #[test]
    fn both_versions_say_the_same() {
        for body in both("-2028") {
            let seen = refused(&response(404, &body));
            assert_eq!((seen.code.as_str(), seen.message.as_str()), ("-2028", "no"), "{body}");
        }
        for page in ["<html>503</html>", "", "{}", r#"{"error":"no"}"#, r#"{"error":{"code":"#] {
            assert_eq!(refused(&response(404, page)), Refused::default(), "{page}");
        }
    }

    #[test]
    fn a_refused_read_says_who_must_act() {
        let check = |status, code: &str, expect: fn(&Fault) -> bool| {
            for body in both(code) {
                let fault = refusal(&response(status, &body), "items", 0);
                assert!(expect(&fault), "{status} {code}: {fault}");
            }
        };
        check(401, "301", |it| matches!(it, Fault::Denied(_)));
        check(403, "-6006", |it| matches!(it, Fault::Denied(_)));
        check(400, "-6006", |it| matches!(it, Fault::Denied(_)));
        check(400, "702", |it| matches!(it, Fault::Denied(_)));
        check(400, "701", |it| matches!(it, Fault::Protocol(_)));
        check(400, "-1000", |it| matches!(it, Fault::Protocol(_)));
        check(500, "-1", |it| matches!(it, Fault::Unavailable(_)));
        assert!(matches!(refusal(&response(503, "<html>"), "items", 0), Fault::Unavailable(_)));
        assert!(matches!(refusal(&response(429, ""), "items", 0), Fault::Throttled(None)));
    }

    #[test]
    fn a_refused_write_is_never_taken_for_more_than_is_known() {
        let check = |status, body: &str, expect: fn(&Unwritten) -> bool| {
            let seen = unwritten(&response(status, body), 0);
            assert!(expect(&seen), "{status} {body}: {seen:?}");
        };
        for body in both("-5002") {
            check(400, &body, |it| matches!(it, Unwritten::Other(Outcome::Rejected(it)) if it.code == "-5002"));
        }
        for body in both("-2039") {
            check(412, &body, |it| matches!(it, Unwritten::Stale));
        }
        for body in both("-2035") {
            check(400, &body, |it| matches!(it, Unwritten::Exists));
        }
        for body in both("-2028") {
            check(404, &body, |it| matches!(it, Unwritten::NoMatch(_)));
        }
        for body in both("301") {
            check(401, &body, |it| matches!(it, Unwritten::Denied(_)));
        }
        for status in [400, 404, 413, 500, 502, 503, 200, 302] {
            check(status, "<html>no</html>", |it| matches!(it, Unwritten::Other(Outcome::Unknown(_))));
        }
        assert!(matches!(Outcome::unanswered(HttpFault::Unknown(String::new())), Outcome::Unknown(_)));
        assert!(matches!(Outcome::unanswered(HttpFault::Unreachable(String::new())), Outcome::Retry(..)));
    }
}
