//! URLs and headers, as both services read them.

use crate::system::Request;

/// Scheme and host as the caller wrote them, so that links lead back here.
pub(super) fn origin(request: &Request) -> String {
    let uri = request.uri();
    let authority = uri.authority().map_or("localhost", |it| it.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}

/// The path's segments, decoded; `None` if their encoding is broken.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.split('/').filter(|it| !it.is_empty()).map(percent_decoded).collect()
}

/// A header's text; empty when it is not there.
pub(super) fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

/// The value of a preference: `odata.maxpagesize=100` among others; empty for one that has no value. `None` when the
/// caller does not state it.
pub(super) fn preference(request: &Request, name: &str) -> Option<String> {
    let stated = request.headers().get_all("prefer").iter().filter_map(|it| it.to_str().ok());
    stated.flat_map(|it| it.split(',')).find_map(|entry| {
        let (key, value) = entry.split_once('=').unwrap_or((entry, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// What a request carries is JSON, or it does not say what it is.
pub(super) fn is_json(request: &Request) -> bool {
    let media = header(request, "content-type").split(';').next().unwrap_or_default().trim();
    media.is_empty() || media.eq_ignore_ascii_case("application/json")
}

/// A text without its percent-encoding; `None` if that is broken.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn preferences_are_found_among_others() {
        let request = http::Request::get("/")
            .header("prefer", "odata.track-changes, odata.maxpagesize=25")
            .header("prefer", "odata.include-annotations=\"*\"");
        let request = request.body(Bytes::new()).unwrap();
        let check = |name: &str, expect: Option<&str>| assert_eq!(preference(&request, name).as_deref(), expect);
        check("odata.maxpagesize", Some("25"));
        check("Odata.Track-Changes", Some(""));
        check("odata.include-annotations", Some("*"));
        check("return", None);
    }
}
