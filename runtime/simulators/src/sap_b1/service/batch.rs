//! `$batch`: many requests in one; those of a change set take effect all or none.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Call, route};
use crate::odata::Version;
use crate::odata::batch::{self, Answer, Item};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::wire::{self, Style, Wishes};
use crate::system::{Request, Response};

/// Where the entity is that the part with a Content-ID made: a path after the service root.
type Made = BTreeMap<String, String>;

/// Answers a batch. The first part that fails ends it.
pub(super) fn answer(call: &mut Call<'_>) -> Result<Response, Problem> {
    let content_type = wire::header(call.request, "content-type").unwrap_or_default().to_owned();
    let items = batch::parse(&content_type, call.request.body())?;
    let mut made = Made::new();
    let mut answers = Vec::new();
    for item in items {
        let (answer, is_failure) = match item {
            Item::Single(part) => {
                let response = carry_out(call, &part, &mut made);
                let is_failure = !response.status().is_success();
                (Answer::Single(rendered(&response, part.content_id)), is_failure)
            }
            Item::ChangeSet(parts) => change_set(call, parts, &mut made),
        };
        answers.push(answer);
        if is_failure {
            break;
        }
    }
    let rendered = batch::render(&answers);
    let mut response = Response::new(Bytes::from(rendered.body));
    wire::set(&mut response, "content-type", &rendered.content_type);
    *response.status_mut() =
        if call.style.version == Version::V3 { http::StatusCode::ACCEPTED } else { http::StatusCode::OK };
    Ok(response)
}

fn change_set(call: &mut Call<'_>, parts: Vec<batch::Request>, made: &mut Made) -> (Answer, bool) {
    let before = call.state.clone();
    let mut responses = Vec::new();
    for part in parts {
        let is_named = part.content_id.is_some() || call.style.version == Version::V3;
        let response = if is_named {
            carry_out(call, &part, made)
        } else {
            Problem::body("a Content-ID is needed in a change set").response(call.style.version)
        };
        if !response.status().is_success() {
            *call.state = before;
            return (Answer::Single(rendered(&response, None)), true);
        }
        responses.push(rendered(&response, part.content_id));
    }
    (Answer::ChangeSet(responses), false)
}

fn carry_out(call: &mut Call<'_>, part: &batch::Request, made: &mut Made) -> Response {
    let response = request(call, part, made).and_then(|(request, path)| {
        let wishes = Wishes::of(&request, call.state.settings.page_size);
        let (style, cause, dialect, user) = (call.style, call.cause, call.dialect, call.user.clone());
        let mut inner = Call { state: call.state, cause, request: &request, style, wishes, dialect, user };
        if path.starts_with("/$batch") {
            return Err(Problem::body("a batch cannot hold a batch"));
        }
        route(&mut inner, &path)
    });
    let response = response.unwrap_or_else(|problem| problem.response(call.style.version));
    let location = response.headers().get("location").and_then(|it| it.to_str().ok());
    if let (Some(id), Some(location)) = (&part.content_id, location) {
        let place = location.split_once(call.style.root()).map_or(location, |(_, rest)| rest);
        made.insert(id.clone(), place.to_owned());
    }
    response
}

/// A part as a request of its own, and its path after the service root.
fn request(call: &Call<'_>, part: &batch::Request, made: &Made) -> Result<(Request, String), Problem> {
    let url = match part.reference() {
        Some((id, rest)) => {
            let place = made.get(id).ok_or_else(|| Problem::resource(&part.url))?;
            format!("{place}{rest}")
        }
        None => part.url.clone(),
    };
    let root = call.style.root();
    let relative = url.split_once(root).map_or(url.as_str(), |(_, rest)| rest).trim_start_matches('/');
    let absolute = format!("{}{root}{relative}", wire::origin(call.request));
    let mut request = http::Request::builder().method(part.method.as_str()).uri(absolute);
    for (name, value) in &part.headers {
        request = request.header(name, value);
    }
    let request = request.body(Bytes::from(part.body.clone())).map_err(|it| Problem::body(&it.to_string()))?;
    let path = format!("/{}", relative.split('?').next().unwrap_or_default());
    Ok((request, path))
}

fn rendered(response: &Response, content_id: Option<String>) -> batch::Response {
    let headers = response.headers().iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let mut headers: Vec<_> = headers.collect();
    if !response.body().is_empty() && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), Style::content_type(Version::V4).to_owned()));
    }
    // Some clients part headers from bodies by the blank line that follows a body's own end of line.
    let mut body = response.body().to_vec();
    if !body.is_empty() {
        body.push(b'\n');
    }
    batch::Response { content_id, status: response.status().as_u16(), headers, body }
}
