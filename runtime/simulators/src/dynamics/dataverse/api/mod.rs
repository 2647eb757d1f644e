//! The Web API: from a request to an answer.

use http::Method;
use truthsource_core::UnixMs;

use super::super::guid::Guid;
use super::super::json::{Json, object};
use super::super::wire;
use super::metadata::{self, ENTITIES, Entity, Set};
use super::problem::{JSON, Problem};
use super::state::{Cause, State};
use crate::journal::Actor;
use crate::odata::{Arguments, Bad, Cell, Dialect, Name, Options, Path, Segment};
use crate::system::{Request, Response};

mod batch;
mod definitions;
mod property;
mod read;
mod show;
mod track;
mod write;

/// The prefix of every resource.
const ROOT: &str = "/api/data/";

/// A request whose address is understood.
struct Call<'r> {
    now: UnixMs,
    request: &'r Request,
    /// Absolute, version included, without a slash at its end.
    root: String,
}

/// A record as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Id(Guid),
    /// The value of the alternate key.
    Alternate(String),
}

/// Carries out a request that was admitted.
pub(super) fn answer(state: &mut State, now: UnixMs, request: &Request) -> Result<Response, Problem> {
    let path = request.uri().path();
    let (version, rest) = path
        .strip_prefix(ROOT)
        .map(|it| it.split_once('/').unwrap_or((it, "")))
        .filter(|(version, _)| version.starts_with("v9."))
        .ok_or_else(|| Problem::no_segment(path))?;
    let root = format!("{}{ROOT}{version}", wire::origin(request));
    let call = Call { now, request, root };
    let parsed = Path::parse(rest, &Dialect::dataverse()).map_err(bad)?;
    match parsed.segments.as_slice() {
        [] if call.is_read() => Ok(definitions::sets(state, &call)),
        [Segment::Metadata] if call.is_read() => Ok(definitions::model(state)),
        [Segment::Batch] => batch::answer(state, &call),
        [Segment::Name(it)] if it.name == "EntityDefinitions" && call.is_read() => {
            definitions::answer(state, &call, it)
        }
        [Segment::Name(it)] if it.name == "WhoAmI" => Ok(who_am_i(&call)),
        [Segment::Name(set), rest @ ..] => {
            let entity = entity_of(state, &set.name)?;
            match key_of(entity, set)? {
                None => collection(state, &call, entity, rest),
                Some(key) => record(state, &call, (entity, key), rest),
            }
        }
        _ => Err(Problem::no_segment(rest)),
    }
}

fn entity_of(state: &State, plural: &str) -> Result<&'static Entity, Problem> {
    entities(state).find(|it| it.plural == plural).ok_or_else(|| Problem::no_segment(plural))
}

/// The tables that this organisation has.
fn entities(state: &State) -> impl Iterator<Item = &'static Entity> {
    let has_inventory = state.settings.inventory;
    ENTITIES.iter().filter(move |it| has_inventory || !matches!(it.set, Set::Warehouses | Set::Inventories))
}

fn key_of(entity: &Entity, name: &Name) -> Result<Option<Key>, Problem> {
    match &name.arguments {
        None => Ok(None),
        Some(Arguments::One(Cell::Guid(guid))) => Ok(Some(Key::Id(Guid::from_bits(guid.0)))),
        Some(Arguments::Named(named)) => match named.as_slice() {
            [(column, Cell::Guid(guid))] if column == entity.id => Ok(Some(Key::Id(Guid::from_bits(guid.0)))),
            [(column, Cell::Text(text))] if entity.key == Some(column) => Ok(Some(Key::Alternate(text.clone()))),
            _ => Err(Problem::new(400, "0x80060891", "The key does not match any alternate key of the entity.")),
        },
        Some(_) => Err(Problem::query("The key value must be a GUID or an alternate key.")),
    }
}

fn collection(
    state: &mut State,
    call: &Call<'_>,
    entity: &'static Entity,
    rest: &[Segment],
) -> Result<Response, Problem> {
    match (call.request.method().as_str(), rest) {
        ("GET", []) => read::page(state, call, entity, None),
        ("GET", [Segment::Count]) => read::count(state, call, entity),
        ("POST", []) => write::insert(state, call, entity),
        (method, []) => Err(Problem::method(method)),
        (_, [other, ..]) => Err(Problem::no_segment(&other.to_string())),
    }
}

fn record(
    state: &mut State,
    call: &Call<'_>,
    (entity, key): (&'static Entity, Key),
    rest: &[Segment],
) -> Result<Response, Problem> {
    match (call.request.method(), rest) {
        (&Method::GET, []) => read::record(state, call, (entity, &key)),
        (&Method::PATCH, []) => write::upsert(state, call, (entity, &key)),
        (&Method::DELETE, []) => write::delete(state, call, (entity, &key)),
        (_, [Segment::Name(name), rest @ ..]) if entity.column(&name.name).is_some() => {
            let id = find(state, entity, &key)?;
            let column = entity.column(&name.name).ok_or_else(|| Problem::no_segment(&name.name))?;
            property::answer(state, call, (entity, id), (column, rest))
        }
        (_, [Segment::Name(nav), Segment::Ref]) => {
            let id = find(state, entity, &key)?;
            property::references(state, call, (entity, id), &nav.name)
        }
        (&Method::GET, [Segment::Name(nav)]) => {
            let id = find(state, entity, &key)?;
            let owned = entity.owned.iter().find(|(name, ..)| *name == nav.name);
            if let Some((_, set, _)) = owned {
                return read::page(state, call, metadata::of(*set), Some(id));
            }
            let (column, set) = entity.binding(&nav.name).ok_or_else(|| Problem::no_segment(&nav.name))?;
            let to = state.row(entity.set, id).map_or(Guid::ZERO, |it| it.reference(column.name));
            if to.is_zero() {
                return Ok(respond(204, None));
            }
            read::record(state, call, (metadata::of(set), &Key::Id(to)))
        }
        (method, []) => Err(Problem::method(method.as_str())),
        (_, [other, ..]) => Err(Problem::no_segment(&other.to_string())),
    }
}

/// The id of the record that a key names.
fn find(state: &State, entity: &Entity, key: &Key) -> Result<Guid, Problem> {
    match key {
        Key::Id(id) => state.row(entity.set, *id).map(|it| it.id).ok_or_else(|| Problem::no_record(entity.name, *id)),
        Key::Alternate(text) => {
            let found = state.by_key(entity.set, text).map(|it| it.id);
            found.ok_or_else(|| Problem::no_key(entity.name))
        }
    }
}

fn who_am_i(call: &Call<'_>) -> Response {
    let id = |purpose: &str| Json::text(Guid::drawn(purpose, 1).to_string());
    let context = Json::text(format!("{}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse", call.root));
    let members = [
        ("@odata.context", context),
        ("BusinessUnitId", id("business-unit")),
        ("UserId", id("user")),
        ("OrganizationId", id("organisation")),
    ];
    respond(200, Some(&object(members)))
}

impl Call<'_> {
    fn is_read(&self) -> bool {
        *self.request.method() == Method::GET
    }

    fn cause(&self) -> Cause {
        Cause { now: self.now, actor: Actor::Api }
    }

    fn options(&self) -> Result<Options, Problem> {
        let query = self.request.uri().query().unwrap_or_default();
        let options = Options::parse(query, &Dialect::dataverse()).map_err(bad)?;
        // FetchXML, saved queries and the like are not played, and what would be ignored is not taken as if it were done.
        match options.custom.first() {
            Some((name, _)) => Err(Problem::query(format!("The query parameter {name} is not supported."))),
            None => Ok(options),
        }
    }

    /// The absolute URL of a record.
    fn url_of(&self, entity: &Entity, id: Guid) -> String {
        format!("{}/{}({id})", self.root, entity.plural)
    }
}

fn bad(bad: Bad) -> Problem {
    Problem::query(bad.to_string())
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
