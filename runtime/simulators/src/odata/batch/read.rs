//! Batches, read.

use super::super::problem::{Bad, What};
use super::REQUESTS_MAX;
use super::multipart::{Item, Request};

/// The most headers of a part or a request.
const HEADERS_MAX: usize = 64;
/// The longest line of a head.
const LINE_BYTES_MAX: usize = 16_384;

type Headers = Vec<(String, String)>;

/// Reads a batch; `content_type` is the request's header, which names the boundary. `CRLF` and bare `LF` both end
/// lines.
///
/// # Errors
/// What is no batch, or has too many requests; a change set with a `GET` or another change set in it.
pub fn parse(content_type: &str, body: &[u8]) -> Result<Vec<Item>, Bad> {
    let whole = Block { bytes: body, at: 0 };
    let (mut items, mut count) = (Vec::new(), 0);
    for mut part in whole.parts(&boundary(content_type, 0)?)? {
        let (at, headers) = (part.at, part.headers()?);
        let Some(boundary) = multipart_boundary(&headers, at)? else {
            items.push(Item::Single(part.request(&headers, at)?));
            count += 1;
            within(count, at)?;
            continue;
        };
        let mut requests = Vec::new();
        for part in part.parts(&boundary)? {
            requests.push(part.change()?);
            count += 1;
            within(count, at)?;
        }
        unique(&requests, at)?;
        items.push(Item::ChangeSet(requests));
    }
    Ok(items)
}

fn bad(at: usize, what: What) -> Bad {
    Bad::new("batch", at, what)
}

fn expected(at: usize, expected: &'static str, found: impl Into<String>) -> Bad {
    bad(at, What::Syntax { expected, found: found.into() })
}

fn within(count: usize, at: usize) -> Result<(), Bad> {
    if count <= REQUESTS_MAX {
        return Ok(());
    }
    Err(bad(at, What::TooMuch { of: "requests", max: REQUESTS_MAX }))
}

fn unique(requests: &[Request], at: usize) -> Result<(), Bad> {
    let mut ids: Vec<&str> = requests.iter().filter_map(|it| it.content_id.as_deref()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|it| it[0] == it[1]) {
        None => Ok(()),
        Some(twice) => Err(bad(at, What::Duplicate(format!("Content-ID {}", twice[0])))),
    }
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1.as_str())
}

/// The boundary of a part that is a change set; `None` of a request.
fn multipart_boundary(headers: &Headers, at: usize) -> Result<Option<String>, Bad> {
    let ty = header(headers, "Content-Type").unwrap_or_default();
    match essence(ty).as_str() {
        "application/http" => Ok(None),
        "multipart/mixed" => boundary(ty, at).map(Some),
        _ => Err(expected(at, "Content-Type application/http or multipart/mixed", format!("'{ty}'"))),
    }
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The boundary that a `Content-Type` names.
fn boundary(content_type: &str, at: usize) -> Result<String, Bad> {
    if essence(content_type) != "multipart/mixed" {
        return Err(expected(at, "Content-Type multipart/mixed", format!("'{content_type}'")));
    }
    let parameters = content_type.split(';').skip(1).filter_map(|it| it.split_once('='));
    let named = parameters.filter(|it| it.0.trim().eq_ignore_ascii_case("boundary")).map(|it| it.1.trim()).next();
    let name = named.unwrap_or_default().trim_matches('"');
    match name.len() {
        1..=70 => Ok(name.to_owned()),
        _ => Err(bad(at, What::Malformed("boundary"))),
    }
}

/// Bytes of a batch, from `at` on.
#[derive(Clone, Copy)]
struct Block<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Block<'a> {
    /// The first line without its end, which is then gone from the block; `None` when nothing is left.
    fn line(&mut self) -> Option<&'a [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        let end = self.bytes.iter().position(|it| *it == b'\n').map_or(self.bytes.len(), |it| it + 1);
        let (line, rest) = self.bytes.split_at(end);
        (self.bytes, self.at) = (rest, self.at + end);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// What stands between the lines that are the boundary.
    fn parts(mut self, boundary: &str) -> Result<Vec<Block<'a>>, Bad> {
        let (mut parts, mut start): (Vec<Block<'a>>, Option<Block<'a>>) = (Vec::new(), None);
        loop {
            let before = self;
            let Some(line) = self.line() else {
                return Err(expected(self.at, "a closing boundary", "the end"));
            };
            let Some(is_last) = delimits(line, boundary) else { continue };
            if let Some(start) = start {
                parts.push(start.until(before.at));
                within(parts.len(), before.at)?;
            }
            if is_last {
                return Ok(parts);
            }
            start = Some(self);
        }
    }

    /// Up to the line that begins at `end`, without the line end before it, which belongs to the boundary.
    fn until(self, end: usize) -> Block<'a> {
        let bytes = &self.bytes[..end.saturating_sub(self.at)];
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Block { bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), at: self.at }
    }

    fn text_line(&mut self) -> Result<Option<&'a str>, Bad> {
        let at = self.at;
        let Some(line) = self.line() else { return Ok(None) };
        if line.len() > LINE_BYTES_MAX {
            return Err(bad(at, What::TooMuch { of: "bytes in a line", max: LINE_BYTES_MAX }));
        }
        std::str::from_utf8(line).map(Some).map_err(|error| bad(at + error.valid_up_to(), What::Encoding))
    }

    /// Headers up to an empty line, or to the end.
    fn headers(&mut self) -> Result<Headers, Bad> {
        let mut headers = Headers::new();
        loop {
            let at = self.at;
            let Some(line) = self.text_line()?.filter(|it| !it.is_empty()) else { return Ok(headers) };
            let (name, value) = line.split_once(':').ok_or_else(|| expected(at, "a header", format!("'{line}'")))?;
            if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it)) {
                return Err(bad(at, What::Malformed("name of a header")));
            }
            if headers.len() == HEADERS_MAX {
                return Err(bad(at, What::TooMuch { of: "headers", max: HEADERS_MAX }));
            }
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// A part of a change set.
    fn change(mut self) -> Result<Request, Bad> {
        let (at, headers) = (self.at, self.headers()?);
        if multipart_boundary(&headers, at)?.is_some() {
            return Err(expected(at, "a request", "a change set in a change set"));
        }
        let request = self.request(&headers, at)?;
        if matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(expected(at, "a request that changes something", request.method));
        }
        Ok(request)
    }

    /// The request that a part holds. `outer`: the part's own headers, which began at `part_at`.
    fn request(mut self, outer: &Headers, part_at: usize) -> Result<Request, Bad> {
        let at = self.at;
        let line = self.text_line()?.ok_or_else(|| expected(part_at, "a request", "nothing"))?;
        let (method, url) = request_line(line).ok_or_else(|| expected(at, "a request line", format!("'{line}'")))?;
        let headers = self.headers()?;
        let body = self.body(&headers)?;
        let content_id = header(outer, "Content-ID").or(header(&headers, "Content-ID")).map(str::to_owned);
        Ok(Request { content_id, method: method.to_owned(), url: url.to_owned(), headers, body })
    }

    /// As long as it says, else all that is left; blank lines alone are no body.
    fn body(self, headers: &Headers) -> Result<Vec<u8>, Bad> {
        let Some(length) = header(headers, "Content-Length") else {
            let is_blank = self.bytes.iter().all(u8::is_ascii_whitespace);
            return Ok(if is_blank { Vec::new() } else { self.bytes.to_vec() });
        };
        let length: Option<usize> = length.parse().ok();
        let body = length.and_then(|it| self.bytes.get(..it));
        body.map(<[u8]>::to_vec).ok_or_else(|| bad(self.at, What::Malformed("Content-Length")))
    }
}

/// Whether a line is the boundary (`Some`), and the last one (`Some(true)`). Blanks after it count for nothing.
fn delimits(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// Method and URL of `GET Items('A1') HTTP/1.1`. The URL may have blanks, which some senders leave unescaped.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.trim_end().split_once(' ')?;
    let url = rest.rsplit_once(' ').filter(|it| it.1.starts_with("HTTP/")).map_or(rest, |it| it.0).trim();
    let is_method = (1..=16).contains(&method.len()) && method.bytes().all(|it| it.is_ascii_uppercase());
    (is_method && !url.is_empty()).then_some((method, url))
}
