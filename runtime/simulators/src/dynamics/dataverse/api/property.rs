//! One property of a record by its path, and the references between records.

use http::Method;

use super::super::super::guid::Guid;
use super::super::super::json::{Json, object};
use super::super::metadata::{self, Column, Entity};
use super::super::problem::Problem;
use super::super::state::State;
use super::show::{Shown, spelled};
use super::{Call, read, respond, write};
use crate::odata::Segment;
use crate::system::Response;

/// Answers for a column: what it holds, as a member `value` or as plain text; writes and empties it.
pub(super) fn answer(
    state: &mut State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    (column, rest): (&'static Column, &[Segment]),
) -> Result<Response, Problem> {
    let method = call.request.method();
    match (method, rest) {
        (&Method::GET, []) => {
            let value = held(state, (entity, id), column)?;
            if value == Json::Null {
                return Ok(respond(204, None));
            }
            let context = format!("{}/$metadata#{}({id})/{}", call.root, entity.plural, column.name);
            Ok(respond(200, Some(&object([("@odata.context", Json::Text(context)), ("value", value)]))))
        }
        (&Method::GET, [Segment::Value]) => {
            let text = match held(state, (entity, id), column)? {
                Json::Null => return Ok(respond(204, None)),
                Json::Text(text) => text,
                other => other.to_string(),
            };
            Ok(read::plain(text))
        }
        (&Method::PUT, []) => {
            let Json::Object(members) = write::body(call, entity)? else { return Err(no_value(entity)) };
            let value = members.into_iter().find(|(name, _)| name == "value").ok_or_else(|| no_value(entity))?.1;
            write::change(state, call, (entity, id), &object([(column.name, value)]))
        }
        (&Method::DELETE, []) => write::change(state, call, (entity, id), &object([(column.name, Json::Null)])),
        (_, []) => Err(Problem::method(method.as_str())),
        (_, [other, ..]) => Err(Problem::no_segment(&other.to_string())),
    }
}

fn no_value(entity: &Entity) -> Problem {
    Problem::payload(entity.plural, "An object with the member 'value' was expected.")
}

fn held(state: &State, (entity, id): (&'static Entity, Guid), column: &Column) -> Result<Json, Problem> {
    let row = state.row(entity.set, id).ok_or_else(|| Problem::no_record(entity.name, id))?;
    Ok(spelled(Shown { state, entity, row }.value(column.name)))
}

/// Answers for the references behind a navigation property: tells, makes and cuts that to one record, and tells those
/// to many.
pub(super) fn references(
    state: &mut State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    nav: &str,
) -> Result<Response, Problem> {
    let method = call.request.method();
    if let Some((_, set, _)) = entity.owned.iter().find(|(name, ..)| *name == nav) {
        if method != Method::GET {
            return Err(Problem::method(method.as_str()));
        }
        let rows = state.table(*set).owned_by(id).map(|it| reference(call, metadata::of(*set), it.id));
        let rows = rows.map(|(name, url)| object([(name, url)])).collect();
        let context = format!("{}/$metadata#Collection($ref)", call.root);
        return Ok(respond(200, Some(&object([("@odata.context", Json::Text(context)), ("value", Json::List(rows))]))));
    }
    let (column, set) = entity.binding(nav).ok_or_else(|| Problem::no_segment(nav))?;
    let binding = format!("{nav}@odata.bind");
    match *method {
        Method::GET => {
            let to = state.row(entity.set, id).map_or(Guid::ZERO, |it| it.reference(column.name));
            if to.is_zero() {
                return Ok(respond(204, None));
            }
            let context = format!("{}/$metadata#$ref", call.root);
            let to = reference(call, metadata::of(set), to);
            Ok(respond(200, Some(&object([("@odata.context", Json::Text(context)), to]))))
        }
        Method::PUT => {
            let Json::Object(members) = write::body(call, entity)? else { return Err(no_value(entity)) };
            let why = "An object with the member '@odata.id' was expected.";
            let url = members.into_iter().find(|(name, _)| name == "@odata.id");
            let url = url.ok_or_else(|| Problem::payload(entity.plural, why))?.1;
            write::change(state, call, (entity, id), &object([(binding.as_str(), url)]))
        }
        Method::DELETE => write::change(state, call, (entity, id), &object([(binding.as_str(), Json::Null)])),
        _ => Err(Problem::method(method.as_str())),
    }
}

fn reference(call: &Call<'_>, entity: &Entity, id: Guid) -> (&'static str, Json) {
    ("@odata.id", Json::Text(call.url_of(entity, id)))
}
