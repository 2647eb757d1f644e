//! Writing: making, changing and deleting entities.

use super::Call;
use super::entity::{Entity, etag};
use super::read::single;
use super::sets::{Key, Set};
use crate::sap_b1::json::Json;
use crate::sap_b1::problem::Problem;
use crate::sap_b1::shape::fill;
use crate::sap_b1::wire;
use crate::system::Response;

/// Makes an entity.
pub(super) fn create<E: Entity>(call: &mut Call<'_>, set: Set) -> Result<Response, Problem> {
    let mut members = Json::members(call.request.body())?;
    let mut new = E::blank(call.state, call.cause, set, &mut members)?;
    fill(&mut new, members, &call.state.rules(false))?;
    let key = E::add(call.state, call.cause, set, new)?;
    let object = E::find(call.state, set, &key).ok_or_else(Problem::not_found)?;
    let mut response = if call.wishes.without_content {
        let mut response = wire::empty(204);
        wire::set(&mut response, "preference-applied", "return-no-content");
        response
    } else {
        single(call, (set, object), 201, None)
    };
    let location = format!("{}{}{}", wire::origin(call.request), call.style.root(), set.path(&key));
    wire::set(&mut response, "location", &location);
    Ok(response)
}

/// Changes an entity. `PUT` does as `PATCH` does, but what it gives of a collection is the whole of it.
pub(super) fn update<E: Entity>(call: &mut Call<'_>, (set, key): (Set, &Key)) -> Result<Response, Problem> {
    let mut changed = E::find(call.state, set, key).cloned().ok_or_else(Problem::not_found)?;
    refuse_stale(call, set, &changed)?;
    let mut members = Json::members(call.request.body())?;
    // Keys do not change; a body may repeat them.
    members.retain(|name, _| !set.key_properties().contains(&name.as_str()));
    let replace = call.wishes.replace || call.is("PUT");
    fill(&mut changed, members, &call.state.rules(replace))?;
    E::update(call.state, call.cause, set, changed)?;
    Ok(wire::empty(204))
}

/// Deletes an entity.
pub(super) fn delete<E: Entity>(call: &mut Call<'_>, (set, key): (Set, &Key)) -> Result<Response, Problem> {
    let object = E::find(call.state, set, key).ok_or_else(Problem::not_found)?;
    refuse_stale(call, set, object)?;
    E::delete(call.state, call.cause, set, key)?;
    Ok(wire::empty(204))
}

/// Refuses a write that was decided on a version that is no more.
pub(super) fn refuse_stale<E: Entity>(call: &Call<'_>, set: Set, object: &E) -> Result<(), Problem> {
    let (Some(wanted), Some(current)) =
        (wire::header(call.request, "if-match"), etag(&call.state.settings, set, object))
    else {
        return Ok(());
    };
    let is_current = wanted.split(',').map(str::trim).any(|it| it == "*" || it == current);
    if is_current { Ok(()) } else { Err(Problem::stale()) }
}
