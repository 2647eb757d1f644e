//! Answers to batches, written.

use http::StatusCode;

use super::multipart::{Answer, Rendered, Response};

/// Writes a batch's answer. The boundaries are the first of a fixed series that none of the answers has in it.
#[must_use]
pub fn render(answers: &[Answer]) -> Rendered {
    let boundary = unused("batchresponse", answers);
    let set_boundary = unused("changesetresponse", answers);
    let mut body = Vec::new();
    for answer in answers {
        line(&mut body, &format!("--{boundary}"));
        match answer {
            Answer::Single(response) => part(&mut body, response),
            Answer::ChangeSet(responses) => {
                line(&mut body, &format!("Content-Type: multipart/mixed; boundary={set_boundary}"));
                line(&mut body, "");
                for response in responses {
                    line(&mut body, &format!("--{set_boundary}"));
                    part(&mut body, response);
                }
                line(&mut body, &format!("--{set_boundary}--"));
            }
        }
    }
    line(&mut body, &format!("--{boundary}--"));
    Rendered { content_type: format!("multipart/mixed; boundary={boundary}"), body }
}

fn unused(stem: &str, answers: &[Answer]) -> String {
    let responses = || {
        answers.iter().flat_map(|it| match it {
            Answer::Single(response) => std::slice::from_ref(response),
            Answer::ChangeSet(responses) => responses,
        })
    };
    // Each of the numbers can be taken by no more than one place in the answers, so that one is free.
    (1u64..)
        .map(|n| format!("{stem}_{n:08}"))
        .find(|it| !responses().any(|response| has(&response.body, it)))
        .unwrap_or_default()
}

fn has(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|it| it == text.as_bytes())
}

fn part(body: &mut Vec<u8>, response: &Response) {
    line(body, "Content-Type: application/http");
    line(body, "Content-Transfer-Encoding: binary");
    if let Some(id) = &response.content_id {
        line(body, &format!("Content-ID: {id}"));
    }
    line(body, "");
    let reason = StatusCode::from_u16(response.status).ok().and_then(|it| it.canonical_reason()).unwrap_or_default();
    line(body, &format!("HTTP/1.1 {} {reason}", response.status));
    for (name, value) in &response.headers {
        line(body, &format!("{name}: {value}"));
    }
    if !response.headers.iter().any(|it| it.0.eq_ignore_ascii_case("Content-Length")) {
        line(body, &format!("Content-Length: {}", response.body.len()));
    }
    line(body, "");
    body.extend_from_slice(&response.body);
    line(body, "");
}

/// A line; what would end it early becomes a blank.
fn line(body: &mut Vec<u8>, text: &str) {
    body.extend(text.bytes().map(|it| if matches!(it, b'\r' | b'\n') { b' ' } else { it }));
    body.extend_from_slice(b"\r\n");
}
