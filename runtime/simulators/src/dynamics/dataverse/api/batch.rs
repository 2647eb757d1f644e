//! Many requests in one, as MIME parts: single ones, and change sets that take effect all or none.

use std::collections::BTreeMap;

use http::Method;

use super::super::super::json::Json;
use super::super::super::wire;
use super::super::problem::Problem;
use super::super::state::State;
use super::{Call, bad};
use crate::odata::batch::{self, Answer, Item};
use crate::system::{Request, Response};

/// Where the parts with a Content-ID put what they made.
type Made = BTreeMap<String, String>;

/// Answers a batch. It ends at the first failure unless the caller wants it to go on.
pub(super) fn answer(state: &mut State, call: &Call<'_>) -> Result<Response, Problem> {
    if call.request.method() != Method::POST {
        return Err(Problem::method(call.request.method().as_str()));
    }
    let content_type = wire::header(call.request, "content-type");
    let items = batch::parse(content_type, call.request.body()).map_err(bad)?;
    let goes_on = wire::preference(call.request, "odata.continue-on-error").is_some();
    let mut answers = Vec::new();
    for item in &items {
        let (answer, has_failed) = match item {
            Item::Single(part) => {
                let response = carry_out(state, call, part, &Made::new());
                let has_failed = response.status >= 400;
                (Answer::Single(response), has_failed)
            }
            Item::ChangeSet(parts) => match state.as_one(call.now, |state| change_set(state, call, parts)) {
                Ok(responses) => (Answer::ChangeSet(responses), false),
                Err(failure) => (Answer::Single(failure), true),
            },
        };
        answers.push(answer);
        if has_failed && !goes_on {
            break;
        }
    }
    let rendered = batch::render(&answers);
    let mut response = Response::new(rendered.body.into());
    if let Ok(content_type) = http::HeaderValue::from_str(&rendered.content_type) {
        response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    }
    response.headers_mut().insert("odata-version", http::HeaderValue::from_static("4.0"));
    Ok(response)
}

/// The answers to all parts, or the first refusal.
fn change_set(
    state: &mut State,
    call: &Call<'_>,
    parts: &[batch::Request],
) -> Result<Vec<batch::Response>, batch::Response> {
    let (mut made, mut responses) = (Made::new(), Vec::new());
    for part in parts {
        let response = carry_out(state, call, part, &made);
        if response.status >= 400 {
            return Err(response);
        }
        let location = response.headers.iter().find(|(name, _)| name == "odata-entityid").map(|(_, url)| url.clone());
        if let (Some(id), Some(location)) = (&part.content_id, location) {
            made.insert(id.clone(), location);
        }
        responses.push(response);
    }
    Ok(responses)
}

fn carry_out(state: &mut State, call: &Call<'_>, part: &batch::Request, made: &Made) -> batch::Response {
    let outcome = inner(call, part, made).and_then(|request| super::answer(state, call.now, &request));
    let response = outcome.unwrap_or_else(|it| it.response());
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    batch::Response {
        content_id: part.content_id.clone(),
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body().to_vec(),
    }
}

/// A part as a request of its own. What an earlier part made may stand in its URL and in its bindings.
fn inner(call: &Call<'_>, part: &batch::Request, made: &Made) -> Result<Request, Problem> {
    let malformed = || Problem::new(400, "0x80060888", "A part of the batch has no valid method, URL or header.");
    let url = match part.reference() {
        Some((id, rest)) => format!("{}{rest}", made.get(id).ok_or_else(malformed)?),
        None if part.url.starts_with("http") => part.url.clone(),
        None if part.url.starts_with('/') => format!("{}{}", wire::origin(call.request), part.url),
        None => format!("{}/{}", call.root, part.url),
    };
    if url.contains("$batch") {
        return Err(malformed());
    }
    let body = match Json::parse(&part.body) {
        Ok(json) if !made.is_empty() => rebound(json, made).to_string().into(),
        _ => bytes::Bytes::from(part.body.clone()),
    };
    let mut request = http::Request::builder().method(part.method.as_str()).uri(url.replace(' ', "%20"));
    for (name, value) in &part.headers {
        request = request.header(name, value);
    }
    request.body(body).map_err(|_| malformed())
}

/// The body with what was made in place of `$1` in its bindings.
fn rebound(json: Json, made: &Made) -> Json {
    let member = |(name, value): (String, Json)| {
        let location = match &value {
            Json::Text(text) if name.ends_with("@odata.bind") => text.strip_prefix('$').and_then(|it| made.get(it)),
            _ => None,
        };
        let value = location.map_or_else(|| rebound(value, made), Json::text);
        (name, value)
    };
    match json {
        Json::Object(members) => Json::Object(members.into_iter().map(member).collect()),
        Json::List(entries) => Json::List(entries.into_iter().map(|it| rebound(it, made)).collect()),
        other => other,
    }
}
