//! Answers to several requests in one body, as MIME has it (RFC 2046): each is a part, or stands among those of a part that
//! is of several itself.

use truthsource_sdk::host::Response;

/// The answers in the body of one, in their order; `None` where it is not of several parts, is cut off, or a part is no
/// answer.
pub(crate) fn answers(response: &Response) -> Option<Vec<Response>> {
    let mut answers = Vec::new();
    collect(response.header("content-type")?, &response.body, &mut answers)?;
    Some(answers)
}

fn collect(content_type: &str, body: &[u8], answers: &mut Vec<Response>) -> Option<()> {
    for part in parts(body, boundary(content_type)?)? {
        let (headers, body) = entity(part)?;
        let (_, content_type) = headers.iter().find(|(name, _)| name == "content-type")?;
        if content_type.to_ascii_lowercase().starts_with("application/http") {
            answers.push(answer(body)?);
        } else {
            collect(content_type, body, answers)?;
        }
    }
    Some(())
}

/// What parts are set apart by.
fn boundary(content_type: &str) -> Option<&str> {
    let mut params = content_type.split(';').map(str::trim);
    params.next().filter(|it| it.to_ascii_lowercase().starts_with("multipart/"))?;
    let named = params.filter_map(|it| it.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    named.map(|(_, it)| it.trim_matches('"')).filter(|it| !it.is_empty())
}

/// The parts between lines of the boundary, the last of which says that it is the last.
fn parts<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<&'b [u8]>> {
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|it| *it == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|it| it.strip_prefix(boundary.as_bytes()));
        let (start, rest) = (at, rest.map(<[u8]>::trim_ascii_end));
        at += line.len();
        let Some(rest @ (b"" | b"--")) = rest else { continue };
        // The line break before a boundary is the boundary's.
        parts.extend(begun.map(|from| break_off(body.get(from..start).unwrap_or_default())));
        begun = Some(at);
        if rest == b"--" {
            return Some(parts);
        }
    }
    None
}

fn break_off(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

type Headers = Vec<(String, String)>;

/// Headers, an empty line, and what they are about.
fn entity(text: &[u8]) -> Option<(Headers, &[u8])> {
    let (mut headers, mut at) = (Headers::new(), 0);
    for line in text.split_inclusive(|it| *it == b'\n') {
        at += line.len();
        let line = std::str::from_utf8(line).ok()?.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    Some((headers, text.get(at..)?))
}

/// `HTTP/1.1 204 No Content`, headers, and a body.
fn answer(text: &[u8]) -> Option<Response> {
    let end = text.iter().position(|it| *it == b'\n')?;
    let mut words = std::str::from_utf8(text.get(..end)?).ok()?.split_ascii_whitespace();
    words.next().filter(|it| it.starts_with("HTTP/"))?;
    let status = words.next()?.parse().ok()?;
    let (headers, body) = entity(text.get(end + 1..)?)?;
    Some(Response { status, headers, body: body.trim_ascii().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(content_type: &str, body: &str) -> Option<Vec<(u16, String)>> {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let answers = answers(&Response { status: 200, headers, body: body.as_bytes().to_vec() })?;
        Some(answers.into_iter().map(|it| (it.status, String::from_utf8(it.body).unwrap())).collect())
    }

    const MIXED: &str = "multipart/mixed; boundary=b";
    const DONE: &str = "--b\r\nContent-Type: multipart/mixed; boundary=\"c\"\r\n\r\n--c\r\nContent-Type: application/http\r\n\
                        Content-ID: 1\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n--c\r\nContent-Type: \
                        application/http\r\nContent-ID: 2\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n--b--\r\n";

    #[test]
    fn answers_stand_in_parts_and_parts_of_parts() {
        let none = || (204, String::new());
        assert_eq!(seen(MIXED, DONE), Some(vec![none(), none()]));
        let refused = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 412 Precondition Failed\r\nContent-Type: \
                       application/json\r\n\r\n{\"error\":{\"code\":\"0x80060882\"}}\r\n--b--\r\n";
        let error = r#"{"error":{"code":"0x80060882"}}"#.to_owned();
        assert_eq!(seen(MIXED, refused), Some(vec![(412, error)]));
    }

    #[test]
    fn what_only_looks_like_answers_is_none() {
        assert_eq!(seen("text/html", DONE), None, "a page");
        assert_eq!(seen("multipart/mixed", DONE), None, "no boundary");
        assert_eq!(seen("multipart/mixed; boundary=other", DONE), None, "another boundary");
        let cut = DONE.split_once("--c--").unwrap().0;
        assert_eq!(seen(MIXED, cut), None, "cut off");
        // A body that speaks of answers has none in it.
        let quoted = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 500 No\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\
                      --bb\r\n\r\n--b--\r\n";
        assert_eq!(seen(MIXED, quoted).map(|it| it.iter().map(|(status, _)| *status).collect()), Some(vec![500]));
        let text = "--b\r\nContent-Type: text/plain\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n--b--\r\n";
        assert_eq!(seen(MIXED, text), None, "no answer");
    }
}
