//! GraphQL calls to one shop, and what their failures mean.
//!
//! HTTP 200 says nothing: a throttled, forbidden or broken call is answered with it too. An answer counts only when
//! it has data and no errors; data beside errors is partial, and partial data would be read as things that vanished.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use truthsource_sdk::connector::{Outcome, Rejection};
use truthsource_sdk::host::{HttpFault, Request, Response};
use truthsource_sdk::{Context, Decimal, Fault, Host};

use crate::settings::{Settings, VERSION};

const TIMEOUT_MS: u32 = 30_000;
/// A throttled call waits at least this long; points come back by the second.
const WAIT_MS_MIN: u32 = 1_000;
/// Longer waits are the host's business.
const WAIT_MS_MAX: u32 = 3_600_000;

/// One shop, for the length of one call.
pub(crate) struct Shop<'a> {
    pub host: &'a dyn Host,
    pub ctx: &'a Context,
    pub settings: Settings,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    errors: Option<Box<RawValue>>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    #[serde(default)]
    requested_query_cost: Option<Decimal>,
    #[serde(default)]
    throttle_status: Option<ThrottleStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThrottleStatus {
    currently_available: Decimal,
    restore_rate: Decimal,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Option<ErrorExtensions>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    #[serde(default)]
    code: Option<String>,
}

/// Why a mutation did nothing, or not everything.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub(crate) struct UserError {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub field: Option<Vec<String>>,
    #[serde(default)]
    pub message: String,
}

impl UserError {
    pub(crate) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("user-error")
    }

    pub(crate) fn rejection(&self) -> Outcome {
        let field = self.field.as_ref().and_then(|it| it.iter().rev().find_map(|it| canonical_field(it)));
        Outcome::Rejected(Rejection {
            code: self.code().to_owned(),
            message: self.message.clone(),
            field: field.map(str::to_owned),
        })
    }
}

/// The canonical field that the last name of an input's path is about.
fn canonical_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "sku" | "externalId" => "code",
        "title" => "title",
        "barcode" => "barcode",
        "status" => "active",
        "name" => "name",
        "email" => "email",
        "price" | "amount" => "amount",
        "quantityPriceBreaksToAdd" => "breaks",
        "quantity" | "available" => "on_hand",
        "poNumber" => "po_number",
        "lineItems" => "lines",
        _ => return None,
    })
}

/// How a call failed that the shop did answer.
enum Failure {
    Throttled(Option<u32>),
    Denied(String),
    Broken(String),
    Refused(String, String),
}

impl<'a> Shop<'a> {
    pub(crate) fn open(host: &'a dyn Host, ctx: &'a Context) -> Result<Self, Fault> {
        Ok(Self { host, ctx, settings: Settings::read(ctx)? })
    }

    pub(crate) fn send(&self, document: &str, variables: &Json) -> Result<Response, HttpFault> {
        let body = json!({ "query": document, "variables": variables }).to_string().into_bytes();
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        self.host.send(&Request {
            method: "POST",
            url: format!("{}/admin/api/{VERSION}/graphql.json", self.settings.base_url),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body,
            timeout_ms: TIMEOUT_MS,
        })
    }

    /// Asks a question.
    pub(crate) fn query<T: DeserializeOwned>(&self, document: &str, variables: Json) -> Result<T, Fault> {
        let response = self.send(document, &variables)?;
        let data = answer(&response, self.ctx.now_ms).map_err(|failure| match failure {
            Failure::Throttled(wait_ms) => Fault::Throttled(wait_ms),
            Failure::Denied(why) => Fault::Denied(why),
            Failure::Broken(why) => Fault::Unavailable(why),
            Failure::Refused(code, why) => Fault::Protocol(format!("{code}: {why}")),
        })?;
        shaped(&data)
    }

    /// Carries out a mutation. `Err` is the outcome of everything in it: it did not happen, or nobody knows.
    pub(crate) fn mutate<T: DeserializeOwned>(&self, document: &str, variables: Json) -> Result<T, Outcome> {
        let response = self.send(document, &variables).map_err(Outcome::unanswered)?;
        let data = answer(&response, self.ctx.now_ms).map_err(|failure| match failure {
            Failure::Throttled(wait_ms) => Outcome::Retry(wait_ms, "throttled".to_owned()),
            Failure::Denied(why) => Outcome::Retry(None, format!("denied: {why}")),
            Failure::Broken(why) => Outcome::Unknown(why),
            Failure::Refused(code, why) => Outcome::rejected(&code, why),
        })?;
        shaped(&data).map_err(|fault| Outcome::Unknown(fault.to_string()))
    }
}

fn shaped<T: DeserializeOwned>(data: &RawValue) -> Result<T, Fault> {
    serde_json::from_str(data.get()).map_err(|error| Fault::Protocol(format!("an answer of another shape: {error}")))
}

/// The data of an answer that has no errors.
fn answer(response: &Response, now_ms: u64) -> Result<Box<RawValue>, Failure> {
    let start: String = String::from_utf8_lossy(&response.body[..response.body.len().min(120)]).into_owned();
    let why = format!("HTTP {}: {start}", response.status);
    match response.status {
        200 => {}
        401 | 402 | 403 | 404 | 423 => return Err(Failure::Denied(why)),
        429 | 430 => return Err(Failure::Throttled(response.retry_after_ms(now_ms).map(|it| it.max(WAIT_MS_MIN)))),
        500..=599 => return Err(Failure::Broken(why)),
        status => return Err(Failure::Refused(format!("http-{status}"), why)),
    }
    // A login page or half an answer after a mutation leaves open whether it happened: broken, not refused.
    let envelope: Envelope = serde_json::from_slice(&response.body)
        .map_err(|error| Failure::Broken(format!("the answer is no JSON ({error}): {start}")))?;
    if let Some(errors) = &envelope.errors {
        return Err(failure(errors, envelope.extensions.as_ref()));
    }
    envelope.data.ok_or_else(|| Failure::Broken(format!("an answer without data: {start}")))
}

fn failure(errors: &RawValue, extensions: Option<&Extensions>) -> Failure {
    let Ok(errors) = serde_json::from_str::<Vec<Error>>(errors.get()) else {
        // Some refusals are a bare text.
        return Failure::Denied(errors.get().chars().take(200).collect());
    };
    let code = |error: &Error| error.extensions.as_ref().and_then(|it| it.code.clone()).unwrap_or_default();
    let Some(first) = errors.first() else { return Failure::Broken("errors without an error".to_owned()) };
    match code(first).as_str() {
        "THROTTLED" => Failure::Throttled(Some(wait_ms(extensions))),
        "ACCESS_DENIED" => Failure::Denied(first.message.clone()),
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => Failure::Broken(first.message.clone()),
        "" => Failure::Refused("graphql".to_owned(), first.message.clone()),
        code => Failure::Refused(code.to_owned(), first.message.clone()),
    }
}

/// How long until the bucket holds enough points for the same call.
fn wait_ms(extensions: Option<&Extensions>) -> u32 {
    let wait = || {
        let cost = extensions?.cost.as_ref()?;
        let status = cost.throttle_status.as_ref()?;
        let missing = cost.requested_query_cost?.checked_sub(status.currently_available)?.floor().whole()?;
        let rate = status.restore_rate.floor().whole().filter(|it| *it > 0)?;
        u32::try_from((missing.max(0) * 1_000 + rate - 1) / rate).ok()
    };
    wait().unwrap_or(WAIT_MS_MIN).clamp(WAIT_MS_MIN, WAIT_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expect: &str) {
        let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let seen = match answer(&response, 0) {
            Ok(data) => data.get().to_owned(),
            Err(Failure::Throttled(wait_ms)) => format!("throttled {wait_ms:?}"),
            Err(Failure::Denied(_)) => "denied".to_owned(),
            Err(Failure::Broken(_)) => "broken".to_owned(),
            Err(Failure::Refused(code, _)) => format!("refused {code}"),
        };
        assert_eq!(seen, expect, "{status} {body}");
    }

    #[test]
    fn an_answer_counts_only_without_errors() {
        check(200, r#"{"data":{"shop":null}}"#, r#"{"shop":null}"#);
        let throttled = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":
            {"requestedQueryCost":570,"actualQueryCost":null,"throttleStatus":
            {"maximumAvailable":1000.0,"currentlyAvailable":66,"restoreRate":50.0}}}}"#;
        check(200, throttled, "throttled Some(10080)");
        let partial = r#"{"data":{"a":1},"errors":[{"message":"x","extensions":{"code":"ACCESS_DENIED"}}]}"#;
        check(200, partial, "denied");
        check(
            200,
            r#"{"errors":[{"message":"x","extensions":{"code":"MAX_COST_EXCEEDED"}}]}"#,
            "refused MAX_COST_EXCEEDED",
        );
        check(200, r#"{"errors":[{"message":"x","extensions":{"code":"undefinedField"}}]}"#, "refused undefinedField");
        check(200, r#"{"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#, "broken");
        check(200, "<html>Log in", "broken");
        check(200, r#"{"data":{"sho"#, "broken");
        check(200, "", "broken");
        check(401, r#"{"errors":"[API] Invalid API key"}"#, "denied");
        check(402, "", "denied");
        check(429, "", "throttled None");
        check(503, "", "broken");
    }
}
