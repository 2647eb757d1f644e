//! Writes: what a body says of a record, and what becomes of it.

use http::Method;
use truthsource_core::Decimal;

use super::super::catalogue::{self, Access, Column, Entity, Set, Ty, Way, escaped};
use super::super::problem::Problem;
use super::super::state::{Draft, Posting, State};
use super::{Call, Source, Target, address, read, respond, show};
use crate::dynamics::guid::Guid;
use crate::dynamics::json::Json;
use crate::dynamics::table::{Cell, Row};
use crate::dynamics::{moment, wire};
use crate::system::Response;

pub(super) fn answer(state: &mut State, call: &Call<'_>, target: &Target) -> Result<Response, Problem> {
    match target {
        Target::Collection(entity, source) if call.is(Method::POST) => insert(state, call, entity, *source),
        Target::Record(entity, id) if call.is(Method::PATCH) => modify(state, call, entity, *id),
        Target::Record(entity, id) if call.is(Method::DELETE) => delete(state, call, entity, *id),
        Target::Action(entity, id, name) if call.is(Method::POST) => act(state, call, (entity, *id), name),
        _ => Err(Problem::method(call.request.method().as_str())),
    }
}

fn insert(state: &mut State, call: &Call<'_>, entity: &'static Entity, source: Source) -> Result<Response, Problem> {
    if !entity.verbs.insert {
        return Err(Problem::method("POST"));
    }
    let options = read::options_of(call)?;
    show::check(entity, &options)?;
    if source == Source::Nothing {
        let message = "You do not have the following permissions on TableData: Insert";
        return Err(Problem::new(403, "Authorization_RequestDenied", message));
    }
    let body = call.body()?;
    let owner = if let Source::OwnedBy(owner) = source { Some(owner) } else { None };
    let id = state.atomically(call.now, |state| write_new(state, call, entity, (&body, owner)))?;
    if wire::preference(call.request, "return-no-content").is_some() {
        return Ok(respond(204, None));
    }
    let mut response = read::record(state, call, (entity, id), &options, 201)?;
    let company = state.settings.companies.first().map(|it| it.id).unwrap_or_default();
    let name = address::name_of(&state.settings, entity);
    let location = format!("{}/companies({company})/{name}({id})", call.address.root);
    if let Ok(location) = http::HeaderValue::from_str(&location) {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    Ok(response)
}

/// A new record with what belongs to it.
fn write_new(
    state: &mut State,
    call: &Call<'_>,
    entity: &'static Entity,
    (body, owner): (&Json, Option<Guid>),
) -> Result<Guid, Problem> {
    let mut draft = Draft::new(Row::new(state.new_id()));
    let children = fill(entity, &mut draft, body)?;
    match (entity.set, owner) {
        (Set::OrderLines, Some(owner)) => draft.give("documentId", Cell::Id(owner)),
        (Set::PriceLines, Some(owner)) => {
            let code = state.row(Set::PriceLists, owner).map(|it| it.text("code").to_owned()).unwrap_or_default();
            draft.give("priceListCode", Cell::Text(code));
        }
        _ => {}
    }
    let id = state.save(call.cause(), entity.set, draft)?;
    for (child, body) in children {
        write_new(state, call, child, (body, Some(id)))?;
    }
    Ok(id)
}

fn modify(state: &mut State, call: &Call<'_>, entity: &'static Entity, id: Guid) -> Result<Response, Problem> {
    if !entity.verbs.modify {
        return Err(Problem::method("PATCH"));
    }
    let options = read::options_of(call)?;
    show::check(entity, &options)?;
    let row = state.row(entity.set, id).ok_or_else(|| Problem::no_record(entity.singular, id))?.clone();
    match_etag(call, &show::etag(row.version), state.settings.stale_status, Need::Must)?;
    let mut draft = Draft::new(row);
    let body = call.body()?;
    if !fill(entity, &mut draft, &body)?.is_empty() {
        return Err(Problem::bad("Nested records can only be given when a record is created."));
    }
    state.atomically(call.now, |state| state.save(call.cause(), entity.set, draft))?;
    if wire::preference(call.request, "return-no-content").is_some() {
        return Ok(respond(204, None));
    }
    read::record(state, call, (entity, id), &options, 200)
}

fn delete(state: &mut State, call: &Call<'_>, entity: &'static Entity, id: Guid) -> Result<Response, Problem> {
    if !entity.verbs.delete {
        return Err(Problem::method("DELETE"));
    }
    let version = state.row(entity.set, id).map(|it| it.version).unwrap_or_default();
    match_etag(call, &show::etag(version), state.settings.stale_status, Need::May)?;
    state.atomically(call.now, |state| state.delete(call.cause(), entity.set, id))?;
    Ok(respond(204, None))
}

fn act(
    state: &mut State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    name: &str,
) -> Result<Response, Problem> {
    match (entity.set, name) {
        (Set::Orders, "shipAndInvoice") => {
            let post = |state: &mut State| state.post(call.cause(), id, Posting::ShipAndInvoice, None);
            state.atomically(call.now, post)?;
            Ok(respond(204, None))
        }
        _ => Err(Problem::no_segment(&format!("Microsoft.NAV.{name}"))),
    }
}

/// Whether a write has to say which version it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Must,
    May,
}

/// Compares `If-Match` with the etag that holds.
pub(super) fn match_etag(call: &Call<'_>, etag: &str, stale_status: u16, need: Need) -> Result<(), Problem> {
    match wire::header(call.request, "if-match").trim() {
        "" if need == Need::Must => Err(Problem::token()),
        "" | "*" => Ok(()),
        given if given == etag => Ok(()),
        given if given.starts_with("W/\"") && given.ends_with('"') => Err(Problem::changed(stale_status)),
        _ => Err(Problem::token()),
    }
}

/// Puts into a draft what a body gives. Answers the nested records.
fn fill<'b>(
    entity: &'static Entity,
    draft: &mut Draft,
    body: &'b Json,
) -> Result<Vec<(&'static Entity, &'b Json)>, Problem> {
    let Json::Object(members) = body else { return Err(Problem::bad("An object was expected.")) };
    let mut children = Vec::new();
    for (name, value) in members.iter().filter(|(name, _)| !name.contains('@')) {
        if let Some(column) = entity.column(name) {
            if column.access == Access::Read {
                return Err(Problem::read_only(name));
            }
            draft.give(column.name, cell_of(entity, column, value)?);
            continue;
        }
        let nav = entity.nav(name).filter(|it| it.way == Way::Owned);
        let child = nav.and_then(|it| catalogue::of(it.to)).ok_or_else(|| no_property(entity, name))?;
        let Json::List(entries) = value else { return Err(mistyped(name, "Collection")) };
        children.extend(entries.iter().map(|it| (child, it)));
    }
    Ok(children)
}

fn no_property(entity: &Entity, name: &str) -> Problem {
    let message = format!(
        "The property '{name}' does not exist on type 'Microsoft.NAV.{}'. Make sure to only use property names that are defined by the type.",
        entity.singular
    );
    Problem::bad(message)
}

fn mistyped(name: &str, ty: &str) -> Problem {
    Problem::bad(format!("Cannot convert a value of '{name}' to the expected type 'Edm.{ty}'."))
}

/// The value of a column as a body gives it. Null empties.
fn cell_of(entity: &Entity, column: &Column, value: &Json) -> Result<Cell, Problem> {
    let name = column.name;
    let wrong = |ty: &str| mistyped(name, ty);
    match (column.ty, value) {
        (Ty::Text(max), Json::Text(text)) => fitting(text.clone(), max),
        (Ty::Code(max), Json::Text(text)) => fitting(text.trim().to_uppercase(), max),
        (Ty::Text(_) | Ty::Code(_), Json::Null) => Ok(Cell::text("")),
        (Ty::Choice(captions), Json::Text(text)) => {
            let found = captions.iter().find(|it| **it == text.as_str() || escaped(it) == *text);
            found.map(|it| Cell::text(*it)).ok_or_else(|| {
                let message = format!(
                    "The value '{text}' is not a valid value of '{name}' on type 'Microsoft.NAV.{}'.",
                    entity.singular
                );
                Problem::bad(message)
            })
        }
        (Ty::Choice(captions), Json::Null) => Ok(Cell::text(captions.first().copied().unwrap_or_default())),
        (Ty::Number | Ty::Integer, Json::Number(digits)) => {
            let number: Decimal = digits.parse().map_err(|_| wrong("Decimal"))?;
            if column.ty == Ty::Integer && number.parts().1 > 0 {
                Err(wrong("Int32"))
            } else {
                Ok(Cell::Number(number))
            }
        }
        (Ty::Number | Ty::Integer, Json::Null) => Ok(Cell::Number(Decimal::ZERO)),
        (Ty::Number | Ty::Integer, _) => Err(wrong("Decimal")),
        (Ty::Flag, Json::Flag(flag)) => Ok(Cell::Flag(*flag)),
        (Ty::Flag, Json::Null) => Ok(Cell::Flag(false)),
        (Ty::Flag, _) => Err(wrong("Boolean")),
        (Ty::Id, Json::Text(text)) => text.parse().map(Cell::Id).map_err(|_| wrong("Guid")),
        (Ty::Id, Json::Null) => Ok(Cell::Id(Guid::ZERO)),
        (Ty::Id, _) => Err(wrong("Guid")),
        (Ty::Day, Json::Text(text)) => text.parse().map(Cell::Day).map_err(|_| wrong("Date")),
        (Ty::Day, Json::Null) => Ok(Cell::Day(moment::no_day())),
        (Ty::Day, _) => Err(wrong("Date")),
        (Ty::Text(_) | Ty::Code(_) | Ty::Choice(_), _) => Err(wrong("String")),
        (Ty::Moment, _) => Err(wrong("DateTimeOffset")),
    }
}

fn fitting(text: String, max: usize) -> Result<Cell, Problem> {
    if text.chars().count() > max { Err(Problem::too_long(&text, max)) } else { Ok(Cell::Text(text)) }
}
