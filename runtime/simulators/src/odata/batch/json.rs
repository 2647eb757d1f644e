//! The JSON form, which Business Central takes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::problem::{Bad, What};

/// A batch. Other members of the document are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    pub requests: Vec<Request>,
}

/// A request in a batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    pub id: String,
    pub method: String,
    /// Relative to the service root, or absolute.
    pub url: String,
    /// Names as written: compare them without case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// As it came, so that numbers keep their digits.
    #[serde(default)]
    pub body: Option<Box<RawValue>>,
    /// Ids of earlier requests; when one of them failed, this one is not carried out (424).
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Requests of one group are atomic.
    #[serde(default)]
    pub atomicity_group: Option<String>,
}

/// A batch's answer.
#[derive(Debug, Serialize)]
pub struct Responses {
    pub responses: Vec<Response>,
}

/// The answer to a request in a batch.
#[derive(Debug, Serialize)]
pub struct Response {
    pub id: String,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// Reads a batch of at most `requests_max` requests, whose ids are unique and whose dependencies stand before them.
///
/// # Errors
/// What is no such batch. A place is the byte where the document stops making sense; of a wrong id, 0.
pub fn parse(body: &[u8], requests_max: usize) -> Result<Requests, Bad> {
    let batch: Requests = serde_json::from_slice(body).map_err(|error| {
        let found = error.to_string();
        Bad::new("batch", offset(body, &error), What::Syntax { expected: "a JSON batch", found })
    })?;
    let bad = |what| Err(Bad::new("batch", 0, what));
    if batch.requests.len() > requests_max {
        return bad(What::TooMuch { of: "requests", max: requests_max });
    }
    let mut before = BTreeSet::new();
    for request in &batch.requests {
        if let Some(id) = request.depends_on.iter().find(|it| !before.contains(it.as_str())) {
            return bad(What::Syntax { expected: "the id of an earlier request", found: format!("'{id}'") });
        }
        if !before.insert(request.id.as_str()) {
            return bad(What::Duplicate(request.id.clone()));
        }
        before.extend(request.atomicity_group.as_deref());
    }
    Ok(batch)
}

/// Where an error stands, of which the library knows line and column.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let lines = body.split_inclusive(|it| *it == b'\n').take(error.line().saturating_sub(1));
    (lines.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)).min(body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: Result<&[&str], &str>) {
        let seen = parse(body.as_bytes(), 3).map_err(|it| it.to_string());
        let ids = seen.map(|it| it.requests.into_iter().map(|it| it.id).collect::<Vec<_>>());
        match expect {
            Ok(expect) => assert_eq!(ids.unwrap(), expect, "{body}"),
            Err(expect) => {
                let error = ids.unwrap_err();
                assert!(error.contains(expect), "{body}: {error}");
            }
        }
    }

    #[test]
    fn requests_are_read_in_order() {
        let two = r#"{"requests":[{"id":"1","method":"GET","url":"items"},
            {"id":"2","method":"PATCH","url":"items(x)","headers":{"If-Match":"*"},"body":{"a":1.50},"dependsOn":["1"]}]}"#;
        check(two, Ok(&["1", "2"]));
        let batch = parse(two.as_bytes(), 2).unwrap();
        assert_eq!(batch.requests[1].body.as_ref().unwrap().get(), r#"{"a":1.50}"#, "numbers keep their digits");
        assert_eq!(batch.requests[1].headers["If-Match"], "*");
        check(r#"{"requests":[]}"#, Ok(&[]));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        let get = |id: &str, more: &str| format!(r#"{{"id":"{id}","method":"GET","url":"x"{more}}}"#);
        let batch = |requests: &[String]| format!(r#"{{"requests":[{}]}}"#, requests.join(","));
        check(&batch(&[get("1", ""), get("1", "")]), Err("'1' is given more than once"));
        check(&batch(&[get("1", r#","dependsOn":["2"]"#), get("2", "")]), Err("the id of an earlier request expected"));
        check(&batch(&["1", "2", "3", "4"].map(|it| get(it, ""))), Err("more than 3 requests"));
        check(&batch(&[get("1", r#","verb":1"#)]), Err("unknown field `verb`"));
        check("{\n\"requests\":x}", Err("at position 13 in 'batch'"));
    }

    #[test]
    fn responses_leave_out_an_empty_body() {
        let response = Response { id: "1".to_owned(), status: 204, headers: BTreeMap::new(), body: None };
        let text = serde_json::to_string(&Responses { responses: vec![response] }).unwrap();
        assert_eq!(text, r#"{"responses":[{"id":"1","status":204,"headers":{}}]}"#);
    }
}
