//! URLs, query parameters and links, as every service of the account spells them.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::system::Request;

/// Media type of a page.
pub(super) const COLLECTION: &str = "application/vnd.oracle.resource+json; type=collection";
/// Media type of a record.
pub(super) const SINGULAR: &str = "application/vnd.oracle.resource+json; type=singular";

/// The value of a query parameter, decoded.
pub(super) fn query<'r>(request: &'r Request, name: &str) -> Option<Cow<'r, str>> {
    let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(it, _)| it == name).map(|(_, value)| value)
}

/// A query parameter that is `true`.
pub(super) fn query_flag(request: &Request, name: &str) -> bool {
    query(request, name).is_some_and(|it| it == "true")
}

/// Scheme and host as the caller wrote them, so that links lead back here.
pub(super) fn origin(request: &Request) -> String {
    let uri = request.uri();
    let authority = uri.authority().map_or("localhost", |it| it.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}

/// The absolute URL of a path under the record service.
pub(super) fn record_url(request: &Request, path: &str) -> String {
    format!("{}/services/rest/record/v1/{path}", origin(request))
}

/// `[{"rel": "self", "href": …}]`
pub(super) fn self_link(href: &str) -> Value {
    json!([{ "rel": "self", "href": href }])
}

/// Links of a page: to itself and to its neighbours, with every other parameter as it came.
pub(super) fn page_links(request: &Request, (offset, limit): (usize, usize), total: usize) -> Value {
    let link = |rel: &str, offset: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let given = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        query.extend_pairs(given.filter(|(name, _)| name != "limit" && name != "offset"));
        query.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
        json!({ "rel": rel, "href": format!("{}{}?{}", origin(request), request.uri().path(), query.finish()) })
    };
    let mut links = Vec::new();
    if offset > 0 {
        links.push(link("first", 0));
        links.push(link("previous", offset.saturating_sub(limit)));
    }
    if offset + limit < total {
        links.push(link("next", offset + limit));
        links.push(link("last", (total - 1) / limit * limit));
    }
    links.push(link("self", offset));
    Value::Array(links)
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
