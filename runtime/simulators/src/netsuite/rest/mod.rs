//! The record service: one URL per record, JSON in and out.

use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use truthsource_core::UnixMs;

use super::body::Body;
use super::model::{Customer, Item, Transaction};
use super::problem::Problem;
use super::state::{Cause, State};
use super::wire;
use crate::journal::Actor;
use crate::system::{Request, Response, json as json_response};

mod customer;
mod fulfillment;
mod item;
mod kind;
mod lines;
mod q;
mod render;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use fulfillment::{Shipment, ship};
use kind::RecordType;
use render::Detail;
pub(super) use transaction::blank;

/// Where the service lives.
pub(super) const PREFIX: &str = "/services/rest/record/v1/";
/// The most records on a page of a listing.
const PAGE_MAX: usize = 1_000;
/// The most pages of a listing.
const PAGES_MAX: usize = 1_000;

/// A record as a request would leave it, not saved yet.
enum Draft {
    /// An item, with the price lists that change.
    Item(Item, item::PriceLists),
    Customer(Customer),
    Transaction(Transaction),
}

/// What a write does to a sublist whose entries carry no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sublists {
    Append,
    Replace,
}

/// Answers a request to the record service.
pub(super) fn answer(state: &mut State, now: UnixMs, request: &Request) -> Result<Response, Problem> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let segments: Option<Vec<String>> = path.split('/').map(wire::percent_decoded).collect();
    let segments = segments.ok_or_else(|| Problem::new(400, "INVALID_REQUEST", "The URL is malformed."))?;
    let mut segments = segments.iter().map(String::as_str);
    let name = segments.next().unwrap_or_default();
    let ty = RecordType::named(name)
        .ok_or_else(|| Problem::new(404, "NONEXISTENT_ID", format!("Record type '{name}' does not exist.")))?;
    let cause = Cause { now, actor: Actor::Api };
    let (method, rest) = (request.method(), segments.collect::<Vec<_>>());
    match rest.as_slice() {
        [] if method == Method::GET => state.as_searched(now, |state| list(state, ty, request)),
        [] if method == Method::POST => write(state, cause, request, (ty, None, None)),
        [key] if method == Method::PUT => put(state, cause, request, (ty, key)),
        [key] => {
            let id = find(state, ty, key, request)?;
            match *method {
                Method::GET => Ok(get(state, ty, id, request)),
                Method::PATCH => write(state, cause, request, (ty, Some(id), None)),
                Method::DELETE => delete(state, cause, (ty, id), request),
                _ => Err(not_allowed()),
            }
        }
        [key, "!transform", "itemFulfillment"] if method == Method::POST && ty == RecordType::SalesOrder => {
            let id = find(state, ty, key, request)?;
            let mut body = if request.body().is_empty() { Body::parse(b"{}")? } else { Body::parse(request.body())? };
            let shipment = fulfillment::fulfil(state, cause, id, &mut body)?;
            Ok(saved(request, RecordType::ItemFulfillment, shipment, &[]))
        }
        [key, sublist] if method == Method::GET => {
            let id = find(state, ty, key, request)?;
            let record = render::record(state, request, (ty, id), Detail::Full);
            let found = record.get(*sublist).filter(|it| it.get("items").is_some()).cloned();
            let found = found.ok_or_else(|| Problem::nonexistent(request.uri().path()))?;
            Ok(json_response(200, wire::COLLECTION, &found))
        }
        _ => Err(not_allowed()),
    }
}

fn not_allowed() -> Problem {
    Problem::new(405, "METHOD_NOT_ALLOWED", "This method is not allowed here.")
}

/// The internal id behind `482` or `eid:BOLT-8`.
fn find(state: &State, ty: RecordType, key: &str, request: &Request) -> Result<u64, Problem> {
    let id = match key.strip_prefix("eid:") {
        Some(external_id) => ty.by_external_id(state, check_external_id(external_id)?),
        None => key.parse().ok().filter(|it| ty.exists(state, *it)),
    };
    id.ok_or_else(|| Problem::nonexistent(request.uri().path()))
}

/// Refuses external ids that the URL form cannot carry.
fn check_external_id(external_id: &str) -> Result<&str, Problem> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    if !external_id.is_empty() && external_id.chars().all(is_plain) {
        return Ok(external_id);
    }
    let detail = "Invalid external ID. An external ID in a URL consists of letters, digits, underscores and hyphens.";
    Err(Problem::new(400, "INVALID_REQUEST", detail))
}

fn put(state: &mut State, cause: Cause, request: &Request, target: (RecordType, &str)) -> Result<Response, Problem> {
    let (ty, key) = target;
    let Some(external_id) = key.strip_prefix("eid:") else { return Err(not_allowed()) };
    let external_id = check_external_id(external_id)?;
    let id = ty.by_external_id(state, external_id);
    write(state, cause, request, (ty, id, Some(external_id)))
}

/// Creates or changes a record.
fn write(
    state: &mut State,
    cause: Cause,
    request: &Request,
    (ty, id, external_id): (RecordType, Option<u64>, Option<&str>),
) -> Result<Response, Problem> {
    if request.headers().get("prefer").is_some_and(|it| it.as_bytes().starts_with(b"respond-async")) {
        return Err(Problem::new(400, "INVALID_REQUEST", "Asynchronous requests are not enabled for this account."));
    }
    let mut body = Body::parse(request.body())?;
    body.read_only(&["links", "id"]);
    let sublists = |name: &str| sublists(state, request, name);
    let mut draft = match ty {
        RecordType::Item(ty) => item::draft(state, &mut body, id, ty)?,
        RecordType::Customer => customer::draft(state, &mut body, id)?,
        RecordType::SalesOrder => transaction::order(state, &mut body, (id, cause.now), sublists("item"))?,
        RecordType::InventoryAdjustment => {
            transaction::adjustment(state, &mut body, (id, cause.now), sublists("inventory"))?
        }
        RecordType::ItemFulfillment | RecordType::Location | RecordType::PriceLevel => return Err(not_allowed()),
    };
    if let (Some(external_id), None) = (external_id, id) {
        draft.set_external_id(external_id);
    }
    let unknown = body.into_unknown();
    let validation = request.headers().get("x-netsuite-propertynamevalidation").and_then(|it| it.to_str().ok());
    if let (Some(path), Some("Error")) = (unknown.first(), validation) {
        return Err(Problem::content(path, format!("Invalid content in the request body: unknown property '{path}'.")));
    }
    let id = draft.save(state, cause)?;
    let warned = if validation == Some("Ignore") { Vec::new() } else { unknown };
    Ok(saved(request, ty, id, &warned))
}

/// How keyless entries of a sublist are taken: as the call says, else as the account's set-up does for PUT.
fn sublists(state: &State, request: &Request, name: &str) -> Sublists {
    let is_named = wire::query(request, "replace").is_some_and(|it| it.split(',').any(|it| it.trim() == name));
    // A repeated adjustment is the same correction once more, and never a second one on top.
    let is_adjustment = name == "inventory";
    let puts_replace = is_adjustment || state.settings.put_lines == super::settings::PutLines::Replace;
    let is_put = request.method() == Method::PUT;
    if is_named || (is_put && puts_replace) { Sublists::Replace } else { Sublists::Append }
}

impl Draft {
    fn set_external_id(&mut self, external_id: &str) {
        let external_id = Some(external_id.to_owned());
        match self {
            Self::Item(it, _) => it.external_id = external_id,
            Self::Customer(it) => it.external_id = external_id,
            Self::Transaction(it) => it.external_id = external_id,
        }
    }

    fn save(self, state: &mut State, cause: Cause) -> Result<u64, Problem> {
        use super::state::Family;
        let id_of = |state: &mut State, id: u64, family| if id == 0 { state.next_id(family) } else { id };
        match self {
            Self::Item(mut it, prices) => {
                it.id = id_of(state, it.id, Family::Item);
                let id = it.id;
                state.save_item(cause, it)?;
                for ((level, currency), breaks) in prices {
                    state.set_prices(cause, (id, level, currency), breaks);
                }
                Ok(id)
            }
            Self::Customer(mut it) => {
                it.id = id_of(state, it.id, Family::Entity);
                let id = it.id;
                state.save_customer(cause, it).map(|()| id)
            }
            Self::Transaction(mut it) => {
                it.id = id_of(state, it.id, Family::Transaction);
                let id = it.id;
                state.save_transaction(cause, it).map(|()| id)
            }
        }
    }
}

fn delete(
    state: &mut State,
    cause: Cause,
    (ty, id): (RecordType, u64),
    request: &Request,
) -> Result<Response, Problem> {
    let deleted = match ty {
        RecordType::Item(_) => state.delete_item(cause, id),
        RecordType::Customer => state.delete_customer(cause, id),
        RecordType::SalesOrder | RecordType::InventoryAdjustment => state.delete_transaction(cause, id),
        RecordType::ItemFulfillment | RecordType::Location | RecordType::PriceLevel => return Err(not_allowed()),
    };
    deleted.map_err(|it| if it.status == 404 { Problem::nonexistent(request.uri().path()) } else { it })?;
    Ok(empty())
}

fn empty() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// 204 with the record's URL, and a warning for each property that was not understood.
fn saved(request: &Request, ty: RecordType, id: u64, unknown: &[String]) -> Response {
    let mut response = empty();
    let url = wire::record_url(request, &format!("{}/{id}", ty.name()));
    if let Ok(url) = HeaderValue::from_str(&url) {
        response.headers_mut().insert(LOCATION, url);
    }
    for path in unknown {
        if let Ok(warning) = HeaderValue::from_str(&format!("299 - \"Unknown property '{path}' was ignored.\"")) {
            response.headers_mut().append(HeaderName::from_static("warning"), warning);
        }
    }
    response
}

fn get(state: &State, ty: RecordType, id: u64, request: &Request) -> Response {
    let detail = if wire::query_flag(request, "expandSubResources") { Detail::Full } else { Detail::Links };
    let mut record = render::record(state, request, (ty, id), detail);
    if let Some(fields) = wire::query(request, "fields") {
        let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
        record.retain(|name, _| name == "links" || wanted.contains(&name.as_str()));
    }
    json_response(200, wire::SINGULAR, &Value::Object(record))
}

/// A listing: ids and links, and nothing else.
fn list(state: &State, ty: RecordType, request: &Request) -> Result<Response, Problem> {
    let number = |name: &str, default: usize| -> Result<usize, Problem> {
        let Some(text) = wire::query(request, name) else { return Ok(default) };
        text.parse().map_err(|_| Problem::parameter(name, format!("Invalid value '{text}'.")))
    };
    let (limit, offset) = (number("limit", PAGE_MAX)?, number("offset", 0)?);
    if limit == 0 || limit > PAGE_MAX {
        return Err(Problem::parameter("limit", format!("The limit must be between 1 and {PAGE_MAX}.")));
    }
    if !offset.is_multiple_of(limit) || offset / limit >= PAGES_MAX {
        return Err(Problem::parameter("offset", "The offset must be a multiple of the limit, within 1000 pages."));
    }
    let mut ids = ty.ids(state);
    if let Some(text) = wire::query(request, "q") {
        let condition = q::Condition::parse(&text)?;
        let mut found = Vec::new();
        for id in ids {
            let record: Map<String, Value> = render::record(state, request, (ty, id), Detail::Links);
            if condition.holds(&record, &state.zone)? {
                found.push(id);
            }
        }
        ids = found;
    }
    let page = ids.iter().skip(offset).take(limit);
    let items: Vec<Value> = page
        .map(|id| {
            let url = wire::record_url(request, &format!("{}/{id}", ty.name()));
            json!({ "links": wire::self_link(&url), "id": id.to_string() })
        })
        .collect();
    let body = json!({
        "links": wire::page_links(request, (offset, limit), ids.len()),
        "count": items.len(),
        "hasMore": offset + items.len() < ids.len(),
        "items": items,
        "offset": offset,
        "totalResults": ids.len(),
    });
    Ok(json_response(200, wire::COLLECTION, &body))
}
