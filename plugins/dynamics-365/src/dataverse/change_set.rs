//! Several writes in one request that take effect all or none: a batch of one change set, which is MIME here.

use truthsource_sdk::connector::Outcome;
use truthsource_sdk::json;

use super::multipart::answers;
use super::org::Org;
use crate::odata::{Body, relative};
use crate::wire::{Load, Written, written};

/// Writes of one request.
pub(crate) const PARTS_MAX: usize = 1_000;

/// No line of a body begins so: each body is one line of JSON.
const BATCH: &str = "ts-batch";
const CHANGES: &str = "ts-changes";

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub method: &'static str,
    /// The table, and which record of it.
    pub target: String,
    /// The version that it is to have still.
    pub version: Option<String>,
    pub body: Option<Body>,
}

impl Part {
    pub(crate) fn create(set: &str, body: Body) -> Self {
        Self { method: "POST", target: set.to_owned(), version: None, body: Some(body) }
    }

    pub(crate) fn change(set: &str, (id, version): (&str, &str), body: Body) -> Self {
        let (target, version) = (format!("{set}({id})"), Some(version.to_owned()));
        Self { method: "PATCH", target, version, body: Some(body) }
    }

    pub(crate) fn delete(set: &str, (id, version): (&str, &str)) -> Self {
        let (target, version) = (format!("{set}({id})"), Some(version.to_owned()));
        Self { method: "DELETE", target, version, body: None }
    }

    fn text(&self, org: &Org<'_>, id: usize) -> String {
        let url = org.url(&self.target, "");
        let version = self.version.as_ref().map_or_else(String::new, |it| format!("If-Match: {it}\r\n"));
        let body = self.body.as_ref().map_or_else(String::new, json::text);
        format!(
            "--{CHANGES}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n\
             {} {} HTTP/1.1\r\nContent-Type: application/json\r\n{version}\r\n{body}\r\n",
            self.method,
            relative(&url)
        )
    }
}

/// Carries out all of these writes, or none.
pub(crate) fn at_once(org: &Org<'_>, parts: &[Part]) -> Written {
    let texts: String = parts.iter().enumerate().map(|(at, it)| it.text(org, at + 1)).collect();
    let body = format!(
        "--{BATCH}\r\nContent-Type: multipart/mixed; boundary={CHANGES}\r\n\r\n{texts}--{CHANGES}--\r\n--{BATCH}--\r\n"
    );
    let headers = vec![("content-type", format!("multipart/mixed; boundary={BATCH}"))];
    let response = match org.wire.send("POST", &org.url("$batch", ""), Load { headers, body: body.into_bytes() }) {
        Ok(response) => response,
        Err(fault) => return Written::Failed(Outcome::unanswered(fault)),
    };
    let answers = answers(&response).unwrap_or_default();
    let n = answers.len();
    match answers.into_iter().find(|it| !(200..300).contains(&it.status)) {
        Some(failed) => written(&failed, org.wire.ctx.now_ms),
        None if n > 0 && n == parts.len() => Written::Done(None),
        None if response.status == 200 => {
            Written::Failed(Outcome::Unknown(format!("the batch says something of {n} of {} writes", parts.len())))
        }
        None => match written(&response, org.wire.ctx.now_ms) {
            Written::Failed(outcome) => Written::Failed(outcome),
            refused => Written::Failed(Outcome::Retry(None, format!("the batch was refused: {refused:?}"))),
        },
    }
}
