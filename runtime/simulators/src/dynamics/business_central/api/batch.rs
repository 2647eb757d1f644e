//! Many requests in one, as JSON.

use http::Method;

use super::super::problem::{JSON, Problem};
use super::super::state::State;
use super::{Call, respond};
use crate::dynamics::json::{Json, object};
use crate::dynamics::wire;
use crate::odata::batch::json as wire_batch;
use crate::system::{Request, Response};

/// What one part came to.
struct Part {
    id: String,
    response: Response,
}

/// Answers a batch. With `Isolation: snapshot` its parts are one transaction, which ends at the first that fails, and those
/// before it are still told as they were carried out; otherwise each stands alone.
pub(super) fn answer(state: &mut State, call: &Call<'_>) -> Result<Response, Problem> {
    if !call.is(Method::POST) {
        return Err(Problem::method(call.request.method().as_str()));
    }
    let max = state.settings.limits.batch_max;
    let parsed = wire_batch::parse(call.request.body(), max);
    let batch = parsed.map_err(|it| Problem::bad(format!("Error in payload: {it}.")))?;
    let is_one = wire::header(call.request, "isolation").eq_ignore_ascii_case("snapshot");
    let run = |state: &mut State| {
        let mut parts: Vec<Part> = Vec::new();
        for request in &batch.requests {
            let part = carry_out(state, call, request, &parts);
            let failed = part.response.status().as_u16() >= 400;
            parts.push(part);
            if failed && is_one {
                return Err(parts);
            }
        }
        Ok(parts)
    };
    let parts = if is_one && !state.settings.batches_commit { state.as_one(call.now, run) } else { run(state) };
    let parts = parts.unwrap_or_else(|parts| parts);
    let entries = parts.iter().map(shown).collect();
    Ok(respond(200, Some(&object([("responses", Json::List(entries))]))))
}

fn carry_out(state: &mut State, call: &Call<'_>, part: &wire_batch::Request, before: &[Part]) -> Part {
    let has_failed = |id: &String| before.iter().any(|it| it.id == *id && it.response.status().as_u16() >= 400);
    let outcome = if part.depends_on.iter().any(has_failed) {
        Err(Problem::new(424, "BadRequest", "A request that this one depends on has failed."))
    } else {
        inner(call, part).and_then(|request| {
            state.meet_lock(&request, before.len())?;
            super::answer(state, call.now, &request)
        })
    };
    let response = outcome.unwrap_or_else(|it| it.response(state.requests));
    Part { id: part.id.clone(), response }
}

/// A part as a request of its own.
fn inner(call: &Call<'_>, part: &wire_batch::Request) -> Result<Request, Problem> {
    let bad = |what: &str| Problem::bad(format!("Error in payload: the request '{}' has no valid {what}.", part.id));
    let url = if part.url.starts_with("http") {
        part.url.clone()
    } else {
        format!("{}/{}", call.address.root, part.url.trim_start_matches('/'))
    };
    // What would be ignored is not taken as if it were done.
    if part.atomicity_group.is_some() {
        return Err(bad("place in a group, which only `Isolation: snapshot` makes one"));
    }
    if url.contains("$batch") || url.contains("/subscriptions") {
        return Err(bad("url"));
    }
    let url = url.replace(' ', "%20");
    let mut request = http::Request::builder().method(part.method.to_uppercase().as_str()).uri(url);
    for (name, value) in &part.headers {
        request = request.header(name, value);
    }
    let body = part.body.as_ref().map(|it| it.get().to_owned()).unwrap_or_default();
    request.body(body.into()).map_err(|_| bad("url, method or header"))
}

fn shown(part: &Part) -> Json {
    let response = &part.response;
    let mut headers =
        vec![("Content-Type".to_owned(), Json::text(JSON)), ("OData-Version".to_owned(), Json::text("4.0"))];
    for name in ["location", "etag"] {
        if let Some(value) = response.headers().get(name).and_then(|it| it.to_str().ok()) {
            headers.push((name.to_owned(), Json::text(value)));
        }
    }
    let mut members = vec![
        ("id".to_owned(), Json::text(&part.id)),
        ("status".to_owned(), Json::Number(response.status().as_u16().to_string())),
        ("headers".to_owned(), Json::Object(headers)),
    ];
    if let Ok(body) = Json::parse(response.body()) {
        members.push(("body".to_owned(), body));
    }
    Json::Object(members)
}
