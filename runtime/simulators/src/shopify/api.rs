//! The API door: who asks, which version answers, what it costs.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{ServerError, Variables};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use truthsource_core::UnixMs;

use super::Shopify;
use super::access::Denied;
use super::cost::Survey;
use super::graph::{self, Call};
use super::settings::{App, Closed, Settings};
use super::throttle::{Bucket, cost};
use crate::known::Known;
use crate::system::{Request, Response, json as json_answer};

/// What a request that was never read is assumed to have asked for.
pub const ASSUMED_COST: u64 = 10;
/// Where tokens are given out.
pub const TOKEN_PATH: &str = "/admin/oauth/access_token";
/// Documents as they were parsed.
static DOCUMENTS: Known<ExecutableDocument> = Known::new();
const JSON: &str = "application/json; charset=utf-8";
const UNAUTHORIZED: &str = "[API] Invalid API key or access token (unrecognized login or wrong password)";

/// A GraphQL request's body.
#[derive(Deserialize)]
struct Body {
    query: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "operationName")]
    operation: Option<String>,
}

/// An answer without a GraphQL body.
#[must_use]
pub fn plain(status: u16, body: &Value) -> Response {
    json_answer(status, JSON, body)
}

/// "Too many requests": a 200 whose errors say so.
#[must_use]
pub fn throttled(requested: u64, available: u64, settings: &Settings) -> Response {
    let error = json!({
        "message": "Throttled",
        "extensions": { "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits" },
    });
    plain(200, &json!({ "errors": [error], "extensions": { "cost": cost(requested, None, available, settings) } }))
}

impl Shopify {
    pub(super) fn answer_api(&self, now: UnixMs, request: &Request) -> Response {
        if let Some(closed) = self.closed() {
            return closed;
        }
        let path = request.uri().path();
        if path == TOKEN_PATH && request.method() == http::Method::POST {
            return self.grant(now, request);
        }
        let version = path.strip_prefix("/admin/api/").and_then(|it| it.strip_suffix("/graphql.json"));
        let version = version.and_then(|it| self.state().settings.serve_version(it).map(str::to_owned));
        let Some(version) = version.filter(|_| request.method() == http::Method::POST) else {
            return plain(404, &json!({ "errors": "Not Found" }));
        };
        let token = request.headers().get("X-Shopify-Access-Token").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let app = {
            let state = self.state();
            state.access.app(&state.settings, now, token).cloned()
        };
        let mut response = match app {
            None => plain(401, &json!({ "errors": UNAUTHORIZED })),
            Some(app) => self.graphql(now, request, &app, &version),
        };
        if let Ok(version) = version.parse() {
            response.headers_mut().insert("X-Shopify-API-Version", version);
        }
        response
    }

    fn closed(&self) -> Option<Response> {
        let (status, message) = match self.state().settings.closed {
            Closed::Open => return None,
            Closed::Frozen => (402, "Unavailable Shop"),
            Closed::Locked => (423, "This shop is unavailable"),
            Closed::Unknown => (404, "Not Found"),
        };
        Some(plain(status, &json!({ "errors": message })))
    }

    /// The client-credentials grant, as JSON or as a form.
    fn grant(&self, now: UnixMs, request: &Request) -> Response {
        let form = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(request.body());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let body = serde_json::from_slice::<Map<String, Value>>(request.body()).ok();
        let field = |name: &str| match &body {
            Some(body) => body.get(name).and_then(Value::as_str).map(str::to_owned),
            None => form(name),
        };
        let refused =
            |error: &str, description: &str| plain(400, &json!({ "error": error, "error_description": description }));
        if field("grant_type").as_deref() != Some("client_credentials") {
            return refused("invalid_request", "The grant type is not supported");
        }
        let (Some(id), Some(secret)) = (field("client_id"), field("client_secret")) else {
            return refused("invalid_request", "client_id and client_secret are required");
        };
        let mut guard = self.state();
        let state = &mut *guard;
        match state.access.issue(&state.settings, now, (&id, &secret)) {
            Ok(grant) => plain(
                200,
                &json!({ "access_token": grant.token, "scope": grant.scope, "expires_in": grant.expires_in }),
            ),
            Err(Denied) => refused("invalid_client", "Client authentication failed"),
        }
    }

    fn graphql(&self, now: UnixMs, request: &Request, app: &App, version: &str) -> Response {
        let Some(body) = serde_json::from_slice::<Body>(request.body()).ok() else {
            return plain(400, &json!({ "errors": { "query": "Required parameter missing or invalid" } }));
        };
        let Some(text) = body.query else {
            return plain(400, &json!({ "errors": { "query": "Required parameter missing or invalid" } }));
        };
        let document = match DOCUMENTS.of(&text, |it| parse_query(it)) {
            Ok(document) => document,
            Err(error) => return refused(vec![located(&ServerError::from(error))]),
        };
        let variables = Variables::from_json(Value::Object(body.variables.unwrap_or_default()));
        // Clients that name no operation may send an empty name.
        let operation = body.operation.as_deref().filter(|it| !it.is_empty());
        let call = Arc::new(Call::new(self.state.clone(), now, (&app.client_id, &app.scopes), version));
        self.carry_out(&call, &document, variables, operation)
    }

    fn carry_out(
        &self,
        call: &Arc<Call>,
        document: &ExecutableDocument,
        variables: Variables,
        operation: Option<&str>,
    ) -> Response {
        let settings = self.state().settings.clone();
        let survey = Survey { table: &self.language.types, document, variables: &variables, settings: &settings };
        let faults = survey.faults();
        if !faults.is_empty() {
            return refused(faults);
        }
        let Some(definition) = survey.operation(operation) else {
            return refused(vec![json!({ "message": "An operation name is required" })]);
        };
        let faults = survey.variable_faults(&definition.node);
        if !faults.is_empty() {
            return refused(faults);
        }
        let requested = survey.requested(&definition.node);
        if requested > settings.query_cost_max {
            return self.too_expensive(call, requested, &settings);
        }
        if let Err(available) = self.with_bucket(call, &settings, |bucket| {
            if bucket.reserve(call.now, requested, &settings) { Ok(()) } else { Err(bucket.available()) }
        }) {
            return throttled(requested, available, &settings);
        }
        let mut request = graph::request("", variables.clone(), operation, call.clone());
        request.set_parsed_query(document.clone());
        let Some(answer) = graph::execute(&self.language.schema, request) else {
            return plain(500, &json!({ "errors": "Internal Server Error" }));
        };
        let is_carried_out =
            answer.data != async_graphql::Value::Null || answer.errors.iter().any(|it| !it.path.is_empty());
        let actual = if is_carried_out { survey.actual(&definition.node, &answer.data) } else { 0 };
        let available = self.with_bucket(call, &settings, |bucket| {
            bucket.refund(requested.saturating_sub(actual), &settings);
            bucket.available()
        });
        if !is_carried_out {
            return refused(answer.errors.iter().map(located).collect());
        }
        let mut extensions = Map::new();
        extensions.insert("cost".into(), cost(requested, Some(actual), available, &settings));
        let searches = call.warnings();
        if !searches.is_empty() {
            extensions.insert("search".into(), searches.into());
        }
        written(&answer, &Value::Object(extensions))
    }

    fn too_expensive(&self, call: &Call, requested: u64, settings: &Settings) -> Response {
        let max = settings.query_cost_max;
        let message = format!("Query cost is {requested}, which exceeds the single query max cost limit ({max}).");
        let error = json!({
            "message": message,
            "extensions": {
                "code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": max,
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        });
        let available = self.with_bucket(call, settings, |bucket| bucket.available());
        let cost = cost(requested, None, available, settings);
        plain(200, &json!({ "errors": [error], "extensions": { "cost": cost } }))
    }

    fn with_bucket<R>(&self, call: &Call, settings: &Settings, act: impl FnOnce(&mut Bucket) -> R) -> R {
        act(self.state().access.bucket(settings, call.now, &call.client_id))
    }
}

/// A document that was not carried out: errors, and no data.
fn refused(errors: Vec<Value>) -> Response {
    plain(200, &json!({ "errors": errors }))
}

fn located(error: &ServerError) -> Value {
    let mut told = Map::new();
    told.insert("message".into(), error.message.clone().into());
    if !error.locations.is_empty() {
        let locations = error.locations.iter().map(|it| json!({ "line": it.line, "column": it.column }));
        told.insert("locations".into(), locations.collect::<Vec<_>>().into());
    }
    if !error.path.is_empty() {
        told.insert("path".into(), serde_json::to_value(&error.path).unwrap_or_default());
    }
    if let Some(extensions) = &error.extensions {
        told.insert("extensions".into(), serde_json::to_value(extensions).unwrap_or_default());
    }
    Value::Object(told)
}

/// The answer's data, errors and extensions, in that order.
fn written(answer: &async_graphql::Response, extensions: &Value) -> Response {
    let mut text = b"{\"data\":".to_vec();
    if serde_json::to_writer(&mut text, &answer.data).is_err() {
        return plain(500, &json!({ "errors": "Internal Server Error" }));
    }
    if !answer.errors.is_empty() {
        let errors = Value::Array(answer.errors.iter().map(located).collect());
        text.extend_from_slice(format!(",\"errors\":{errors}").as_bytes());
    }
    text.extend_from_slice(format!(",\"extensions\":{extensions}}}").as_bytes());
    let mut response = Response::new(text.into());
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(JSON));
    response
}
