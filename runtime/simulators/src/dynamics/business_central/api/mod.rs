//! The API: from a request to an answer.

use http::Method;
use truthsource_core::UnixMs;

use super::super::guid::Guid;
use super::super::json::Json;
use super::super::wire;
use super::catalogue::{Entity, Set};
use super::problem::{JSON, Problem};
use super::state::{Cause, State};
use crate::journal::Actor;
use crate::odata::{Arguments, Cell, Dialect, Name, Path, Segment};
use crate::system::{Request, Response};

mod address;
mod batch;
mod model;
mod read;
mod show;
pub(super) mod subscriptions;
mod write;

use address::Address;

/// A request whose address is understood.
struct Call<'r> {
    now: UnixMs,
    request: &'r Request,
    address: Address,
}

/// What a path leads to.
enum Target {
    Companies,
    Company(Guid),
    Collection(&'static Entity, Source),
    Record(&'static Entity, Guid),
    Action(&'static Entity, Guid, String),
    Count(&'static Entity, Source),
    Subscribable,
    Information(Guid),
}

/// Which rows of a table a collection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    All,
    /// Of a company that has none.
    Nothing,
    OwnedBy(Guid),
}

/// What a company says of itself.
const INFORMATION: &str = "companyInformation";

/// Carries out a request that was admitted. A batch brings its parts here one by one.
pub(super) fn answer(state: &mut State, now: UnixMs, request: &Request) -> Result<Response, Problem> {
    if address::names_environments(request.uri().path()) && *request.method() == Method::GET {
        return Ok(read::environments(&state.settings));
    }
    let address = Address::of(&state.settings, request)?;
    let dialect = Dialect::business_central();
    let path = Path::parse(&address.resource, &dialect).map_err(|it| Problem::query(it.to_string()))?;
    let call = Call { now, request, address };
    match path.segments.as_slice() {
        [] if call.is(Method::GET) => return Ok(model::sets(state, &call)),
        [Segment::Metadata] if call.is(Method::GET) => return Ok(model::document(state, &call)),
        [Segment::Batch] => return batch::answer(state, &call),
        [Segment::Name(it)] if it.name == "subscriptions" => return subscriptions::answer(state, &call, it),
        _ => {}
    }
    let target = resolve(state, &call, &path.segments)?;
    match (call.request.method().as_str(), target) {
        ("GET", target) => read::answer(state, &call, &target),
        (_, target) => write::answer(state, &call, &target),
    }
}

fn resolve(state: &State, call: &Call<'_>, segments: &[Segment]) -> Result<Target, Problem> {
    let Some((Segment::Name(first), rest)) = segments.split_first() else {
        return Err(Problem::no_segment(&call.address.resource));
    };
    if first.name != "companies" || call.address.is_unknown {
        return Err(Problem::no_segment(&first.name));
    }
    let Some(company) = key_of(first)? else { return Ok(Target::Companies) };
    let at = state.settings.companies.iter().position(|it| it.id == company);
    let at = at.ok_or_else(|| Problem::no_record("Company", company))?;
    let source = if at == 0 { Source::All } else { Source::Nothing };
    let Some((Segment::Name(name), rest)) = rest.split_first() else { return Ok(Target::Company(company)) };
    if call.address.is_runtime {
        let is_it = name.name == "webhookSupportedResources" && rest.is_empty();
        return if is_it { Ok(Target::Subscribable) } else { Err(Problem::no_segment(&name.name)) };
    }
    if name.name == INFORMATION && call.address.api == address::STANDARD && rest.is_empty() {
        return Ok(Target::Information(company));
    }
    let entity = call.address.entity(&state.settings, &name.name);
    let entity = entity.ok_or_else(|| Problem::no_segment(&name.name))?;
    let (entity, source) = match key_of(name)? {
        None => (entity, source),
        Some(id) => return under_record(state, (entity, source, id), rest),
    };
    match rest {
        [] => Ok(Target::Collection(entity, source)),
        [Segment::Count] => Ok(Target::Count(entity, source)),
        [other, ..] => Err(Problem::no_segment(&other.to_string())),
    }
}

/// What a path leads to from a record on.
fn under_record(
    state: &State,
    (entity, source, id): (&'static Entity, Source, Guid),
    rest: &[Segment],
) -> Result<Target, Problem> {
    let row = state.row(entity.set, id).filter(|_| source == Source::All);
    let missing = || Problem::no_record(entity.singular, id);
    match rest {
        [] => Ok(Target::Record(entity, row.ok_or_else(missing)?.id)),
        [Segment::Name(it)] if it.namespace.as_deref() == Some("Microsoft.NAV") => {
            Ok(Target::Action(entity, row.ok_or_else(missing)?.id, it.name.clone()))
        }
        [Segment::Name(it), rest @ ..] => {
            let nav = entity.nav(&it.name).ok_or_else(|| Problem::no_segment(&it.name))?;
            let row = row.ok_or_else(missing)?;
            let next = super::catalogue::of(nav.to).ok_or_else(|| Problem::no_segment(&it.name))?;
            let (to, source) = match nav.way {
                super::catalogue::Way::Owned => {
                    let to = key_of(it)?;
                    let others = |to: &Guid| !state.table(nav.to).owned_by(row.id).any(|it| it.id == *to);
                    if let Some(to) = to.filter(others) {
                        return Err(Problem::no_record(next.singular, to));
                    }
                    (to, Source::OwnedBy(row.id))
                }
                super::catalogue::Way::By(column) => (Some(row.reference(column)), Source::All),
            };
            match (to, rest) {
                (Some(to), _) => under_record(state, (next, Source::All, to), rest),
                (None, []) => Ok(Target::Collection(next, source)),
                (None, [Segment::Count]) => Ok(Target::Count(next, source)),
                (None, [other, ..]) => Err(Problem::no_segment(&other.to_string())),
            }
        }
        [other, ..] => Err(Problem::no_segment(&other.to_string())),
    }
}

/// The record that a segment names in brackets.
fn key_of(name: &Name) -> Result<Option<Guid>, Problem> {
    match &name.arguments {
        None => Ok(None),
        Some(Arguments::One(Cell::Guid(guid))) => Ok(Some(Guid::from_bits(guid.0))),
        Some(Arguments::Named(named)) => match named.as_slice() {
            [(column, Cell::Guid(guid))] if column == "id" => Ok(Some(Guid::from_bits(guid.0))),
            _ => Err(bad_key(name)),
        },
        Some(_) => Err(bad_key(name)),
    }
}

fn bad_key(name: &Name) -> Problem {
    Problem::bad(format!("Bad Request - Error in query syntax: the key of '{}' must be a GUID.", name.name))
}

impl Call<'_> {
    fn cause(&self) -> Cause {
        Cause { now: self.now, actor: Actor::Api, notifies: true }
    }

    /// The body as JSON.
    fn body(&self) -> Result<Json, Problem> {
        if !wire::is_json(self.request) {
            let message = "The request's media type is not supported. Use application/json.";
            return Err(Problem::new(415, "RequestedMediaTypeNotSupported", message));
        }
        let json = Json::parse(self.request.body()).map_err(|it| Problem::bad(format!("Error in payload: {it}")))?;
        if matches!(json, Json::Object(_)) {
            Ok(json)
        } else {
            Err(Problem::bad("Error in payload: an object was expected."))
        }
    }

    /// `…$metadata#companies(…)/items`
    fn context(&self, state: &State, name: &str) -> String {
        let company = state.settings.companies.first().map(|it| it.id).unwrap_or_default();
        format!("{}/$metadata#companies({company})/{name}", self.address.root)
    }

    fn is(&self, method: Method) -> bool {
        *self.request.method() == method
    }
}

/// An answer with the headers that every one has.
fn respond(status: u16, body: Option<&Json>) -> Response {
    let bytes = body.map(|it| bytes::Bytes::from(it.to_string())).unwrap_or_default();
    let mut response = Response::new(bytes);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    if body.is_some() {
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(JSON));
    }
    response.headers_mut().insert("odata-version", http::HeaderValue::from_static("4.0"));
    response
}

/// Reads are of the replica when the caller says so.
pub(super) fn wants_replica(request: &Request) -> bool {
    *request.method() == Method::GET && wire::header(request, "data-access-intent").eq_ignore_ascii_case("ReadOnly")
}

/// The table behind an order's lines and the like, whose collections are only given per document.
fn is_lines(set: Set) -> bool {
    matches!(set, Set::OrderLines | Set::ShipmentLines | Set::InvoiceLines)
}
