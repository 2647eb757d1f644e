//! Several writes in one request. Each stands alone, unless all are to be one transaction: the answer is 200 even where
//! some of them fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::host::Response;
use truthsource_sdk::json;

use super::books::Books;
use super::settings::Place;
use crate::odata::Body;
use crate::wire::{Load, Written, written};

/// The system takes a hundred, and one request has half a minute.
const PARTS_MAX: usize = 50;
/// Writes that are one transaction cannot be told apart.
pub(crate) const AT_ONCE_MAX: usize = 100;

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub method: &'static str,
    pub place: Place,
    /// The record's id; `None`: a new one.
    pub id: Option<String>,
    /// The version that it is to have still.
    pub version: Option<String>,
    pub body: Option<Body>,
}

impl Part {
    pub(crate) fn create(place: &Place, body: Body) -> Self {
        Self { method: "POST", place: place.clone(), id: None, version: None, body: Some(body) }
    }

    pub(crate) fn change(place: &Place, (id, version): (&str, &str), body: Body) -> Self {
        let (id, version) = (Some(id.to_owned()), Some(mark(version)));
        Self { method: "PATCH", place: place.clone(), id, version, body: Some(body) }
    }

    pub(crate) fn delete(place: &Place, (id, version): (&str, &str)) -> Self {
        let (id, version) = (Some(id.to_owned()), Some(mark(version)));
        Self { method: "DELETE", place: place.clone(), id, version, body: None }
    }

    fn rest(&self) -> String {
        self.id.as_ref().map_or_else(String::new, |it| format!("({it})"))
    }
}

/// A change must name a version; any, where the record has none.
fn mark(version: &str) -> String {
    if version.is_empty() { "*".to_owned() } else { version.to_owned() }
}

#[derive(Serialize)]
struct Requests<'a> {
    requests: Vec<Request<'a>>,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    id: String,
    url: String,
    headers: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a Body>,
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

impl Answer {
    fn written(self, books: &Books<'_>) -> Written {
        let headers = self.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let body = self.body.map_or_else(Vec::new, |it| it.get().as_bytes().to_vec());
        written(&Response { status: self.status, headers, body }, books.wire.ctx.now_ms)
    }
}

/// Carries out writes, and says of each what became of it, in order. A batch is within one API.
pub(crate) fn run(books: &Books<'_>, parts: &[Part]) -> Vec<Written> {
    if let [part] = parts {
        return vec![alone(books, part)];
    }
    let of_one_api = parts.chunk_by(|it, next| it.place.api == next.place.api);
    of_one_api.flat_map(|it| it.chunks(PARTS_MAX)).flat_map(|chunk| together(books, chunk)).collect()
}

fn alone(books: &Books<'_>, part: &Part) -> Written {
    let headers = part.version.iter().map(|it| ("if-match", it.clone())).collect();
    let body = part.body.as_ref().map_or_else(Vec::new, |it| json::text(it).into_bytes());
    books.wire.write(part.method, &books.url(&part.place, &part.rest()), Load { headers, body })
}

fn together(books: &Books<'_>, parts: &[Part]) -> Vec<Written> {
    match post(books, parts, Vec::new()) {
        Ok(response) => answers(books, &response, parts.len()),
        Err(outcome) => vec![Written::Failed(outcome); parts.len()],
    }
}

/// Carries out writes within one API, all of them or none.
pub(crate) fn at_once(books: &Books<'_>, parts: &[Part]) -> Written {
    let response = match post(books, parts, vec![("isolation", "snapshot".to_owned())]) {
        Ok(response) => response,
        Err(outcome) => return Written::Failed(outcome),
    };
    let answers: Answers = match json::answer(&response.body, "the batch") {
        Ok(answers) => answers,
        Err(fault) => return Written::Failed(Outcome::Unknown(fault.to_string())),
    };
    let n = answers.responses.len();
    // What came before the one that failed is told as it was carried out, and was taken back.
    match answers.responses.into_iter().find(|it| !matches!(it.status, 200 | 201 | 204)) {
        Some(failed) => failed.written(books),
        None if n == parts.len() => Written::Done(None),
        None => Written::Failed(Outcome::Unknown(format!("the batch says something of {n} of {} writes", parts.len()))),
    }
}

/// The answer to a batch that was taken.
fn post(books: &Books<'_>, parts: &[Part], headers: Vec<(&'static str, String)>) -> Result<Response, Outcome> {
    let api = parts.first().map_or("", |it| it.place.api.as_str());
    let url = format!("{}/api/{api}/$batch", books.wire.base_url);
    let requests = parts.iter().enumerate().map(|(at, part)| request(books, at, part)).collect();
    let load = Load { headers, body: json::text(&Requests { requests }).into_bytes() };
    let response = books.wire.send("POST", &url, load).map_err(Outcome::unanswered)?;
    if response.status == 200 {
        return Ok(response);
    }
    Err(match written(&response, books.wire.ctx.now_ms) {
        Written::Failed(outcome) => outcome,
        refused => Outcome::Retry(None, format!("the batch was refused: {refused:?}")),
    })
}

fn request<'p>(books: &Books<'_>, at: usize, part: &'p Part) -> Request<'p> {
    let mut headers = BTreeMap::from([("Content-Type", "application/json"), ("Accept-Language", "en-US")]);
    if let Some(version) = &part.version {
        headers.insert("If-Match", version.as_str());
    }
    let url = format!("{}{}", books.within(&part.place), part.rest());
    Request { method: part.method, id: at.to_string(), url, headers, body: part.body.as_ref() }
}

fn answers(books: &Books<'_>, response: &Response, n: usize) -> Vec<Written> {
    let answers: Answers = match json::answer(&response.body, "the batch") {
        Ok(answers) => answers,
        Err(fault) => return vec![Written::Failed(Outcome::Unknown(fault.to_string())); n],
    };
    let named = answers.responses.into_iter().filter_map(|it| Some((it.id.clone()?, it)));
    let mut by_id: BTreeMap<String, Answer> = named.collect();
    let said = |at: usize| match by_id.remove(&at.to_string()) {
        Some(answer) => answer.written(books),
        None => Written::Failed(Outcome::Unknown("the batch says nothing of this write".to_owned())),
    };
    (0..n).map(said).collect()
}

#[cfg(test)]
mod tests {
    use truthsource_sdk::script::Script;
    use truthsource_sdk::{Context, Settings};

    use super::*;

    #[test]
    fn a_batch_is_within_one_api() {
        let settings = Settings::default().with("base-url", "https://bc.example").with("company", "CRONUS");
        let ctx = Context { settings, now_ms: 0 };
        let answers = |ids: &[&str]| {
            let entries: Vec<String> = ids.iter().map(|it| format!(r#"{{"id":"{it}","status":204}}"#)).collect();
            format!(r#"{{"responses":[{}]}}"#, entries.join(","))
        };
        let script = Script::new()
            .keep("company", r#"{"named":"CRONUS","id":"c","skew_ms":0,"at_ms":0}"#)
            .answer("POST", "/api/a/b/v1.0/$batch", 200, &answers(&["0", "1"]))
            .answer("POST", "/api/v2.0/$batch", 200, &answers(&["0"]));
        let books = Books::open(&script, &ctx).unwrap();
        let own = Place { api: "a/b/v1.0".to_owned(), set: "moves".to_owned() };
        let part = |place: &Place| Part::create(place, Body::new());
        let written = run(&books, &[part(&own), part(&own), part(&Place::standard("items"))]);
        assert!(written.iter().all(|it| matches!(it, Written::Done(None))) && written.len() == 3, "{written:?}");
        assert_eq!(script.steps_left(), 0);
    }
}
