//! Writes: inserts, upserts, deletes.

use truthsource_core::Decimal;

use super::super::super::guid::Guid;
use super::super::super::json::Json;
use super::super::super::table::{Cell, Row};
use super::super::super::wire;
use super::super::metadata::{self, Column, Entity, Set, Ty};
use super::super::problem::Problem;
use super::super::state::State;
use super::show::etag;
use super::{Call, Key, entity_of, find, key_of, read, respond};
use crate::odata::{Dialect, Path, Segment};
use crate::system::Response;

pub(super) fn insert(state: &mut State, call: &Call<'_>, entity: &'static Entity) -> Result<Response, Problem> {
    let row = Row::new(state.new_id());
    let id = state.atomically(call.now, |state| write_new(state, call, entity, (row, &body(call, entity)?)))?;
    written(state, call, (entity, id), 201)
}

/// Changes the record that the key names, or makes it: the caller says in its headers if it wants only one of them.
pub(super) fn upsert(
    state: &mut State,
    call: &Call<'_>,
    (entity, key): (&'static Entity, &Key),
) -> Result<Response, Problem> {
    let found = find(state, entity, key);
    let (is_only_update, is_only_insert) =
        (!wire::header(call.request, "if-match").is_empty(), wire::header(call.request, "if-none-match").trim() == "*");
    match found {
        Ok(_) if is_only_insert => Err(Problem::duplicate()),
        Ok(id) => {
            let body = body(call, entity)?;
            change(state, call, (entity, id), &body)
        }
        Err(missing) if is_only_update => Err(missing),
        Err(_) => {
            let mut row = match key {
                Key::Id(id) => Row::new(*id),
                Key::Alternate(_) => Row::new(state.new_id()),
            };
            if let (Key::Alternate(text), Some(column)) = (key, entity.key) {
                row.set_text(column, text.as_str());
            }
            let body = body(call, entity)?;
            let id = state.atomically(call.now, |state| write_new(state, call, entity, (row, &body)))?;
            written(state, call, (entity, id), 201)
        }
    }
}

/// Changes a record as a body says, unless the caller knows another version of it.
pub(super) fn change(
    state: &mut State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    body: &Json,
) -> Result<Response, Problem> {
    let row = state.row(entity.set, id).cloned().ok_or_else(|| Problem::no_record(entity.name, id))?;
    match_etag(call, row.version)?;
    state.atomically(call.now, |state| {
        let mut row = row;
        if !fill(state, entity, &mut row, body)?.is_empty() {
            return Err(Problem::payload(entity.plural, "Deep updates are not supported."));
        }
        state.save(call.cause(), entity.set, row)
    })?;
    written(state, call, (entity, id), 200)
}

pub(super) fn delete(
    state: &mut State,
    call: &Call<'_>,
    (entity, key): (&'static Entity, &Key),
) -> Result<Response, Problem> {
    let id = find(state, entity, key)?;
    match_etag(call, state.row(entity.set, id).map(|it| it.version).unwrap_or_default())?;
    state.atomically(call.now, |state| state.delete(call.cause(), entity.set, id))?;
    Ok(respond(204, None))
}

fn match_etag(call: &Call<'_>, version: u64) -> Result<(), Problem> {
    match wire::header(call.request, "if-match").trim() {
        "" | "*" => Ok(()),
        given if given == etag(version) => Ok(()),
        _ => Err(Problem::stale()),
    }
}

/// The answer to a write: the record if the caller wants it, else where it is.
fn written(
    state: &State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    status: u16,
) -> Result<Response, Problem> {
    let wants = wire::preference(call.request, "return").is_some_and(|it| it == "representation");
    let mut response =
        if wants { read::shown(state, call, (entity, id), (&call.options()?, status))? } else { respond(204, None) };
    if let Ok(url) = http::HeaderValue::from_str(&call.url_of(entity, id)) {
        if status == 201 {
            response.headers_mut().insert(http::header::LOCATION, url.clone());
        }
        response.headers_mut().insert("odata-entityid", url);
    }
    if wants {
        let applied = http::HeaderValue::from_static("return=representation");
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

pub(super) fn body(call: &Call<'_>, entity: &Entity) -> Result<Json, Problem> {
    if !wire::is_json(call.request) {
        let media = wire::header(call.request, "content-type");
        let message = format!("A supported MIME type could not be found that matches the content type '{media}'.");
        return Err(Problem::new(415, "0x8006088b", message));
    }
    let json = Json::parse(call.request.body()).map_err(|it| Problem::payload(entity.plural, it))?;
    if matches!(json, Json::Object(_)) {
        Ok(json)
    } else {
        Err(Problem::payload(entity.plural, "An object was expected."))
    }
}

/// A new record with what belongs to it.
fn write_new(
    state: &mut State,
    call: &Call<'_>,
    entity: &'static Entity,
    (mut row, body): (Row, &Json),
) -> Result<Guid, Problem> {
    let children = fill(state, entity, &mut row, body)?;
    let id = state.save(call.cause(), entity.set, row)?;
    for (set, column, body) in children {
        let mut row = Row::new(state.new_id());
        row.set(column, Cell::Id(id));
        write_new(state, call, metadata::of(set), (row, body))?;
    }
    Ok(id)
}

/// A record that is made together with the one it belongs to: its table, the column that refers back, its body.
type Child<'b> = (Set, &'static str, &'b Json);

/// Puts into a row what a body gives. Answers the nested records.
fn fill<'b>(state: &State, entity: &'static Entity, row: &mut Row, body: &'b Json) -> Result<Vec<Child<'b>>, Problem> {
    let Json::Object(members) = body else { return Err(Problem::payload(entity.plural, "An object was expected.")) };
    let mut children = Vec::new();
    for (name, value) in members {
        if let Some(nav) = name.strip_suffix("@odata.bind") {
            let (column, set) = entity.binding(nav).ok_or_else(|| undeclared(entity, nav))?;
            row.set(column.name, bound(state, entity, (nav, set), value)?);
        } else if let Some(column) = entity.column(name) {
            // What only the system says is taken and comes to nothing, so that a record may be sent back as it was read.
            if column.is_read_only {
                continue;
            }
            if matches!(column.ty, Ty::Lookup(_)) {
                let why = format!("The property '{name}' cannot be written; bind its navigation property.");
                return Err(Problem::payload(entity.plural, why));
            }
            row.set(column.name, cell_of(entity, column, value)?);
        } else if let Some((_, set, column)) = entity.owned.iter().find(|(it, ..)| it == name) {
            let Json::List(entries) = value else { return Err(undeclared(entity, name)) };
            children.extend(entries.iter().map(|it| (*set, *column, it)));
        } else if let (Some((column, _)), Json::Null) = (entity.binding(name), value) {
            row.set(column.name, Cell::Null);
        } else if name == entity.id {
            let id = if let Json::Text(text) = value { text.parse().ok() } else { None };
            let is_new = state.row(entity.set, row.id).is_none();
            if id.is_some_and(|it| it != row.id && state.row(entity.set, it).is_some()) && is_new {
                return Err(Problem::duplicate());
            }
            match id.filter(|it| is_new || *it == row.id) {
                Some(id) => row.id = id,
                None => {
                    return Err(Problem::payload(entity.plural, format!("The property '{name}' cannot be changed.")));
                }
            }
        } else if !name.starts_with('@') {
            return Err(undeclared(entity, name));
        }
    }
    Ok(children)
}

fn undeclared(entity: &Entity, name: &str) -> Problem {
    let why = format!(
        "Microsoft.OData.ODataException: The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{}'. Make sure to only use property names that are defined by the type.",
        entity.name
    );
    Problem::payload(entity.plural, why)
}

/// The reference that a binding's URL names.
fn bound(state: &State, entity: &Entity, (nav, set): (&str, Set), value: &Json) -> Result<Cell, Problem> {
    let wrong = || Problem::payload(entity.plural, format!("The value of '{nav}@odata.bind' is no entity reference."));
    let Json::Text(url) = value else {
        return if *value == Json::Null { Ok(Cell::Null) } else { Err(wrong()) };
    };
    let resource =
        url.rsplit_once("/api/data/").and_then(|(_, it)| it.split_once('/')).map_or(url.as_str(), |(_, it)| it);
    let path = Path::parse(resource.trim_start_matches('/'), &Dialect::dataverse()).map_err(|_| wrong())?;
    let [Segment::Name(name)] = path.segments.as_slice() else { return Err(wrong()) };
    let to = entity_of(state, &name.name).map_err(|_| wrong())?;
    if to.set != set {
        return Err(wrong());
    }
    let key = key_of(to, name)?.ok_or_else(wrong)?;
    find(state, to, &key).map(Cell::Id)
}

/// The value of a column as a body gives it. Null empties.
fn cell_of(entity: &Entity, column: &Column, value: &Json) -> Result<Cell, Problem> {
    let name = column.name;
    let wrong = |ty: &str| {
        let why = format!("Cannot convert a value of '{name}' to the expected type 'Edm.{ty}'.");
        Problem::payload(entity.plural, why)
    };
    match (column.ty, value) {
        (_, Json::Null) => Ok(Cell::Null),
        (Ty::Text(max), Json::Text(text)) if text.chars().count() > max => {
            let message = format!(
                "A validation error occurred.  The length of the '{name}' attribute of the '{}' entity exceeded the maximum allowed length of '{max}'.",
                entity.name
            );
            Err(Problem::new(400, "0x80044331", message))
        }
        (Ty::Text(_), Json::Text(text)) => Ok(Cell::text(text)),
        (Ty::Text(_), _) => Err(wrong("String")),
        (Ty::Number, Json::Number(digits)) => digits.parse().map(Cell::Number).map_err(|_| wrong("Decimal")),
        (Ty::Choice(values), Json::Number(digits)) => {
            let value = digits.parse::<u32>().ok().filter(|it| values.iter().any(|(value, _)| value == it));
            let message = format!(
                "A validation error occurred. The value {digits} of '{name}' on record of type '{}' is outside the valid range.",
                entity.name
            );
            let invalid = || Problem::new(400, "0x8004431a", message);
            value.map(|it| Cell::Number(Decimal::from(it))).ok_or_else(invalid)
        }
        (Ty::Number, _) => Err(wrong("Decimal")),
        (Ty::Choice(_), _) => Err(wrong("Int32")),
        (Ty::Flag, Json::Flag(flag)) => Ok(Cell::Flag(*flag)),
        (Ty::Flag, _) => Err(wrong("Boolean")),
        (Ty::Moment | Ty::Lookup(_), _) => Err(wrong("DateTimeOffset")),
    }
}
