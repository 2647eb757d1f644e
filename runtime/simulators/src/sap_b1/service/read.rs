//! Reading: lists with their options, single entities, counts.

use serde_json::{Map, Value};

use super::entity::{Entity, etag};
use super::sets::{Key, Set};
use super::{Call, with_entity};
use crate::faults::Faults;
use crate::odata::{Cell, Options, Property, orderby};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::NextLinks;
use crate::sap_b1::shape::{Filtered, View, edm_of, knows, show};
use crate::sap_b1::state::State;
use crate::sap_b1::wire::{self, Style};
use crate::system::Response;

/// Answers with a page of a set.
pub(super) fn list<E: Entity>(call: &Call<'_>, set: Set) -> Result<Response, Problem> {
    let options = Options::parse(call.query(), &call.dialect)?;
    let rows = selected::<E>(call, set, &options)?;
    let total = rows.len();
    let skip = usize::try_from(options.skip.unwrap_or(0)).unwrap_or(usize::MAX);
    let top = options.top.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let page = if call.wishes.page_size == 0 { usize::MAX } else { call.wishes.page_size };
    let page = Faults::page(call.state.page_max, page);
    let left = total.saturating_sub(skip).min(top);
    let wanted = rows.into_iter().skip(skip).take(left.min(page));
    let shown: Vec<Value> =
        wanted.map(|it| Value::Object(entity(call, set, it.object, options.select.as_deref()))).collect();
    let mut body = Map::new();
    call.style.describe(&mut body, &wire::origin(call.request), set.name());
    if options.count {
        body.insert(call.style.annotation("count"), call.style.count(total));
    }
    let end = shown.len();
    body.insert("value".to_owned(), Value::Array(shown));
    if left > page {
        let rest = options.top.map(|_| left - end);
        let link = next_link(call, set.name(), (skip + end, rest));
        body.insert(call.style.annotation("nextLink"), Value::String(link));
    }
    Ok(paged(call, &body.into()))
}

/// An answer that confirms the page size, if that was preferred.
pub(in crate::sap_b1) fn paged(call: &Call<'_>, body: &Value) -> Response {
    let mut response = wire::json(200, Style::content_type(call.style.version), body);
    if call.wishes.is_preferred {
        let applied = format!("odata.maxpagesize={}", call.wishes.page_size);
        wire::set(&mut response, "preference-applied", &applied);
    }
    response
}

/// How many entities there are, as plain text.
pub(super) fn count<E: Entity>(call: &Call<'_>, set: Set) -> Result<Response, Problem> {
    let options = Options::parse(call.query(), &call.dialect)?;
    let total = selected::<E>(call, set, &options)?.len();
    let mut response = Response::new(bytes::Bytes::from(total.to_string()));
    wire::set(&mut response, "content-type", "text/plain;charset=utf-8");
    Ok(response)
}

/// Answers with one property of an entity: what it holds, as the member `value`; or, of a value that is no collection,
/// plain text.
pub(super) fn property<E: Entity>(
    call: &Call<'_>,
    (set, key): (Set, &Key),
    (name, is_plain): (&str, bool),
) -> Result<Response, Problem> {
    if !knows::<E>(name, E::TABLE, &call.state.fields) {
        return Err(Problem::property(name, E::TYPE));
    }
    let object = E::find(call.state, set, key).ok_or_else(Problem::not_found)?;
    let view = View { style: call.style, fields: &call.state.fields };
    let value = show(object, &view, |it| it == name).remove(name).unwrap_or_default();
    if !is_plain {
        let mut body = Map::new();
        call.style.describe(&mut body, &wire::origin(call.request), &format!("{}/{name}", set.path(key)));
        body.insert("value".to_owned(), value);
        return Ok(wire::json(200, Style::content_type(call.style.version), &body.into()));
    }
    let text = match value {
        Value::Null => return Ok(wire::empty(204)),
        Value::String(text) => text,
        Value::Array(_) => return Err(Problem::resource(call.request.uri().path())),
        other => other.to_string(),
    };
    let mut response = Response::new(bytes::Bytes::from(text));
    wire::set(&mut response, "content-type", "text/plain;charset=utf-8");
    Ok(response)
}

/// The entities that the options ask for, in their order, pages aside.
fn selected<'c, E: Entity>(call: &'c Call<'_>, set: Set, options: &Options) -> Result<Vec<Filtered<'c, E>>, Problem> {
    let state: &State = call.state;
    check_names::<E>(state, options)?;
    let rules = call.dialect.rules(call.wishes.case);
    let mut filter = options.filter.clone();
    if let Some(filter) = &mut filter {
        filter.each_compared(&mut |property, cell| name_member::<E>(state, property, cell));
    }
    let mut rows = Vec::new();
    for object in E::all(state, set) {
        let row = Filtered { object, fields: &state.fields };
        let is_wanted = match &filter {
            Some(filter) => filter.holds(&row, &rules)?,
            None => true,
        };
        if is_wanted {
            rows.push(row);
        }
    }
    orderby::sort(&mut rows, &options.orderby, &rules)?;
    Ok(rows)
}

/// Puts the name of an enumeration's member in the place of its value: `CardType eq 'C'`.
fn name_member<E: Entity>(state: &State, property: &Property, cell: &mut Cell) {
    let ([name], Cell::Text(text)) = (property.path.as_slice(), &mut *cell) else { return };
    let member = edm_of::<E>(name, E::TABLE, &state.fields).and_then(|it| it.member(text));
    if let Some(member) = member {
        *text = member.to_owned();
    }
}

/// Refuses a property that the type does not have, rows or none.
fn check_names<E: Entity>(state: &State, options: &Options) -> Result<(), Problem> {
    let filtered = options.filter.as_ref().map(|it| it.properties()).unwrap_or_default();
    let ordered = options.orderby.iter().map(|it| &it.property);
    let chosen = options.select.iter().flatten().filter(|it| it.path != ["*"]);
    // There is nothing to expand: no type that is played has a navigation property.
    let expanded = options.expand.iter().map(|it| &it.property).next();
    let is_known = |it: &Property| matches!(it.path.as_slice(), [name] if knows::<E>(name, E::TABLE, &state.fields));
    let unknown = filtered.iter().chain(ordered).chain(chosen).find(|it| !is_known(it)).or(expanded);
    unknown.map_or(Ok(()), |it| Err(Problem::property(&it.name(), E::TYPE)))
}

/// Answers with one entity.
pub(super) fn one<E: Entity>(call: &Call<'_>, (set, key): (Set, &Key)) -> Result<Response, Problem> {
    let options = Options::parse(call.query(), &call.dialect)?;
    check_names::<E>(call.state, &options)?;
    let object = E::find(call.state, set, key).ok_or_else(Problem::not_found)?;
    Ok(single(call, (set, object), 200, options.select.as_deref()))
}

/// An answer that is one entity.
pub(super) fn single<E: Entity>(
    call: &Call<'_>,
    (set, object): (Set, &E),
    status: u16,
    select: Option<&[Property]>,
) -> Response {
    let mut body = Map::new();
    call.style.describe(&mut body, &wire::origin(call.request), &format!("{}/$entity", set.name()));
    body.extend(entity(call, set, object, select));
    let mut response = wire::json(status, Style::content_type(call.style.version), &body.into());
    if let Some(etag) = etag(&call.state.settings, set, object) {
        wire::set(&mut response, "etag", &etag);
    }
    response
}

fn entity<E: Entity>(call: &Call<'_>, set: Set, object: &E, select: Option<&[Property]>) -> Map<String, Value> {
    let view = View { style: call.style, fields: &call.state.fields };
    let is_wanted = |name: &str| {
        select.is_none_or(|it| it.iter().any(|it| it.path.first().is_some_and(|it| it == "*" || it == name)))
    };
    let mut shown = show(object, &view, is_wanted);
    if let Some(etag) = etag(&call.state.settings, set, object) {
        shown.insert(call.style.annotation("etag"), Value::String(etag));
    }
    shown
}

/// The link to the next page: the same query, further on.
pub(in crate::sap_b1) fn next_link(call: &Call<'_>, path: &str, (skip, top): (usize, Option<usize>)) -> String {
    let is_position = |it: &&str| {
        let name = it.split('=').next().unwrap_or_default().replace("%24", "$");
        name != "$skip" && name != "$top"
    };
    let kept = call.query().split('&').filter(|it| !it.is_empty()).filter(is_position).map(str::to_owned);
    let position = top.map(|it| format!("$top={it}")).into_iter().chain([format!("$skip={skip}")]);
    let query: Vec<String> = kept.chain(position).collect();
    let root = match call.state.settings.next_links {
        NextLinks::Relative => "",
        NextLinks::FromHost => call.style.root(),
    };
    format!("{root}{path}?{}", query.join("&"))
}

/// The property of an object, as the text that an event carries; `None` if there is none.
pub(in crate::sap_b1) fn property_text(state: &State, (object, subject): (&str, &str), name: &str) -> Option<String> {
    let set = Set::named(object)?;
    let key = set.key_of_subject(subject)?;
    let view = View { style: Style { version: crate::odata::Version::V4 }, fields: &state.fields };
    let shown = with_entity!(set, E => show(E::find(state, set, &key)?, &view, |it| it == name));
    match shown.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
