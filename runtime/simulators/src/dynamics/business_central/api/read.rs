//! Reads: one record, or a page of them.

use super::super::catalogue::Entity;
use super::super::problem::Problem;
use super::super::settings::{Company, Settings};
use super::super::state::State;
use super::show::{Shown, check};
use super::{Call, INFORMATION, Source, Target, address, is_lines, respond, subscriptions};
use crate::dynamics::guid::Guid;
use crate::dynamics::json::{Json, object};
use crate::dynamics::{moment, wire};
use crate::faults::Faults;
use crate::odata::{Case, Cell, Dialect, Options, orderby};
use crate::system::Response;
use truthsource_core::UnixMs;

pub(super) fn answer(state: &State, call: &Call<'_>, target: &Target) -> Result<Response, Problem> {
    match target {
        Target::Companies => listed(call, "companies", state.settings.companies.iter().map(company).collect()),
        Target::Company(id) => {
            let found = state.settings.companies.iter().find(|it| it.id == *id);
            let found = found.ok_or_else(|| Problem::no_record("Company", *id))?;
            Ok(respond(200, Some(&selected(company(found), &options_of(call)?))))
        }
        Target::Subscribable => {
            let resources = subscriptions::supported(&state.settings);
            let resources = resources.map(|it| object([("resource", Json::Text(it))])).collect();
            listed(call, "webhookSupportedResources", resources)
        }
        Target::Information(id) => {
            let found = state.settings.companies.iter().find(|it| it.id == *id);
            let found = found.ok_or_else(|| Problem::no_record("Company", *id))?;
            listed(call, &format!("companies({id})/{INFORMATION}"), vec![information(&state.settings, found)])
        }
        Target::Record(entity, id) => {
            let options = options_of(call)?;
            check(entity, &options)?;
            record(state, call, (entity, *id), &options, 200)
        }
        Target::Collection(entity, source) => page(state, call, entity, *source),
        Target::Count(entity, source) => {
            let options = options_of(call)?;
            check(entity, &options)?;
            let (rows, _) = chosen(rows(state, entity, *source, None), &Options { orderby: Vec::new(), ..options })?;
            let mut response = Response::new(bytes::Bytes::from(rows.len().to_string()));
            let text = http::HeaderValue::from_static("text/plain");
            response.headers_mut().insert(http::header::CONTENT_TYPE, text);
            Ok(response)
        }
        Target::Action(..) => Err(Problem::method("GET")),
    }
}

fn company(it: &Company) -> Json {
    object([
        ("id", Json::text(it.id.to_string())),
        ("systemVersion", Json::text("28.0.0.0")),
        ("timestamp", Json::Number("0".to_owned())),
        ("name", Json::text(&it.name)),
        ("displayName", Json::text(&it.name)),
        ("businessProfileId", Json::text("")),
    ])
}

fn information(settings: &Settings, it: &Company) -> Json {
    object([
        ("id", Json::text(it.id.to_string())),
        ("displayName", Json::text(&it.name)),
        ("currencyCode", Json::text(&settings.local_currency)),
        ("currentFiscalYearStartDate", Json::text(moment::no_day().to_string())),
        ("lastModifiedDateTime", Json::text(moment::short(UnixMs(0)))),
    ])
}

/// The environments of the directory: one.
pub(super) fn environments(settings: &Settings) -> Response {
    let environment = object([
        ("name", Json::text(&settings.environment)),
        ("type", Json::text("Production")),
        ("aadTenantId", Json::text(&settings.application.tenant)),
        ("applicationFamily", Json::text("BusinessCentral")),
        ("status", Json::text("Active")),
    ]);
    respond(200, Some(&object([("value", Json::List(vec![environment]))])))
}

/// What is no record of a table, as conditions see it.
struct Plain(Json);

impl crate::odata::Row for Plain {
    fn cell(&self, path: &[String]) -> Option<Cell> {
        let (Json::Object(members), [name]) = (&self.0, path) else { return None };
        Some(match &members.iter().find(|it| it.0 == *name)?.1 {
            Json::Text(text) if name == "id" => Cell::Guid(crate::odata::Guid(text.parse::<Guid>().ok()?.bits())),
            Json::Text(text) => Cell::Text(text.clone()),
            Json::Number(text) => Cell::Number(text.parse().ok()?),
            Json::Flag(flag) => Cell::Flag(*flag),
            _ => Cell::Null,
        })
    }
}

/// A collection that is on no page: what the options leave of it, in the order they want.
pub(super) fn listed(call: &Call<'_>, name: &str, entries: Vec<Json>) -> Result<Response, Problem> {
    let options = options_of(call)?;
    let rules = Dialect::business_central().rules(Case::Sensitive);
    let bad = |it: crate::odata::Bad| Problem::query(it.to_string());
    let mut rows = Vec::new();
    for row in entries.into_iter().map(Plain) {
        if options.filter.as_ref().map_or(Ok(true), |it| it.holds(&row, &rules)).map_err(bad)? {
            rows.push(row);
        }
    }
    orderby::sort(&mut rows, &options.orderby, &rules).map_err(bad)?;
    let context = Json::Text(format!("{}/$metadata#{name}", call.address.root));
    let mut members = vec![("@odata.context".to_owned(), context)];
    if options.count {
        members.push(("@odata.count".to_owned(), Json::Number(rows.len().to_string())));
    }
    let number = |it: Option<u64>, or: usize| it.map_or(or, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let rows = rows.into_iter().skip(number(options.skip, 0)).take(number(options.top, usize::MAX));
    members.push(("value".to_owned(), Json::List(rows.map(|it| selected(it.0, &options)).collect())));
    Ok(respond(200, Some(&Json::Object(members))))
}

/// Those members that the options select.
fn selected(entry: Json, options: &Options) -> Json {
    let (Json::Object(members), Some(select)) = (&entry, &options.select) else { return entry };
    let is_selected =
        |name: &str| name.starts_with('@') || select.iter().any(|it| it.path == [name] || it.path == ["*"]);
    Json::Object(members.iter().filter(|it| is_selected(&it.0)).cloned().collect())
}

pub(super) fn options_of(call: &Call<'_>) -> Result<Options, Problem> {
    let query = call.request.uri().query().unwrap_or_default();
    let bad = |it: crate::odata::Bad| Problem::query(format!("Bad Request - Error in query syntax: {it}."));
    Options::parse(query, &Dialect::business_central()).map_err(bad)
}

/// A record as the answer to a read or a write.
pub(super) fn record(
    state: &State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    options: &Options,
    status: u16,
) -> Result<Response, Problem> {
    let row = state.row(entity.set, id).ok_or_else(|| Problem::no_record(entity.singular, id))?;
    let shown = Shown { state, entity, row }.json(options)?;
    let name = address::name_of(&state.settings, entity);
    let context = ("@odata.context".to_owned(), Json::Text(format!("{}/$entity", call.context(state, name))));
    let Json::Object(members) = shown else { return Err(Problem::no_record(entity.singular, id)) };
    let body = Json::Object(std::iter::once(context).chain(members).collect());
    let mut response = respond(status, Some(&body));
    if let Ok(etag) = http::HeaderValue::from_str(&super::show::etag(row.version)) {
        response.headers_mut().insert(http::header::ETAG, etag);
    }
    Ok(response)
}

/// The rows of a collection, from behind `after` on, in the order of their ids.
fn rows<'s>(state: &'s State, entity: &'static Entity, source: Source, after: Option<Guid>) -> Vec<Shown<'s>> {
    let table = state.table(entity.set);
    let shown = |row| Shown { state, entity, row };
    match source {
        Source::Nothing => Vec::new(),
        Source::All => table.rows_after(after.unwrap_or(Guid::ZERO)).map(shown).collect(),
        Source::OwnedBy(owner) => {
            let its = table.owned_by(owner).filter(|it| after.is_none_or(|after| it.id > after));
            its.map(shown).collect()
        }
    }
}

/// The rows that the options leave, in the order they want.
fn matching<'s>(mut rows: Vec<Shown<'s>>, options: &Options) -> Result<Vec<Shown<'s>>, Problem> {
    let rules = Dialect::business_central().rules(Case::Sensitive);
    let bad = |it: crate::odata::Bad| Problem::query(it.to_string());
    if let Some(filter) = &options.filter {
        let mut kept = Vec::new();
        for row in rows {
            if filter.holds(&row, &rules).map_err(bad)? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    if !options.orderby.is_empty() {
        orderby::sort(&mut rows, &options.orderby, &rules).map_err(bad)?;
    }
    Ok(rows)
}

/// The rows that the options leave, and how many there are without `$top` and `$skip`.
pub(super) fn chosen<'s>(rows: Vec<Shown<'s>>, options: &Options) -> Result<(Vec<Shown<'s>>, usize), Problem> {
    let skip = usize::try_from(options.skip.unwrap_or(0)).unwrap_or(usize::MAX);
    let top = options.top.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let all = matching(rows, options)?;
    let count = all.len();
    Ok((all.into_iter().skip(skip).take(top).collect(), count))
}

/// Where a page begins.
enum From {
    Start,
    /// Behind this record: rows that are added before it are not seen any more.
    Behind(Guid),
    /// At this place of an order of the caller's.
    Place(usize),
}

fn from(options: &Options) -> Result<From, Problem> {
    let Some(token) = &options.skiptoken else { return Ok(From::Start) };
    let bad = || Problem::query("Bad Request - Error in query syntax: the skip token is not valid.");
    if options.orderby.is_empty() {
        token.parse().map(From::Behind).map_err(|_| bad())
    } else {
        token.parse().map(From::Place).map_err(|_| bad())
    }
}

fn page(state: &State, call: &Call<'_>, entity: &'static Entity, source: Source) -> Result<Response, Problem> {
    let options = options_of(call)?;
    check(entity, &options)?;
    let names = |it: &str| options.filter.iter().flat_map(|it| it.properties()).any(|found| found.path == [it]);
    if source == Source::All && is_lines(entity.set) && !names("documentId") && !names("id") {
        return Err(Problem::dialog("You must specify an Id or a Document Id to get the lines."));
    }
    let from = from(&options)?;
    let after = if let From::Behind(id) = from { Some(id) } else { None };
    let all = matching(rows(state, entity, source, after), &options)?;
    let count = all.len();
    let place = match from {
        From::Start => usize::try_from(options.skip.unwrap_or(0)).unwrap_or(usize::MAX),
        From::Behind(_) => 0,
        From::Place(place) => place,
    };
    let top = options.top.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let mut all: Vec<Shown<'_>> = all.into_iter().skip(place).take(top).collect();
    let asked = wire::preference(call.request, "odata.maxpagesize").and_then(|it| it.parse().ok());
    let page_max = state.settings.limits.page_max;
    let size = Faults::page(state.page_max, asked.filter(|it| *it > 0).unwrap_or(page_max).min(page_max));
    let more = all.len() > size;
    all.truncate(size);
    let mut members =
        vec![("@odata.context".to_owned(), Json::Text(call.context(state, address::name_of(&state.settings, entity))))];
    if options.count {
        members.push(("@odata.count".to_owned(), Json::Number(count.to_string())));
    }
    let entries = all.iter().map(|it| it.json(&options)).collect::<Result<_, _>>()?;
    members.push(("value".to_owned(), Json::List(entries)));
    if let (true, Some(last)) = (more, all.last()) {
        let is_ordered = !options.orderby.is_empty();
        let token = if is_ordered { (place + size).to_string() } else { last.row.id.to_string() };
        members.push(("@odata.nextLink".to_owned(), Json::Text(next_link(call, &options, size, &token))));
    }
    let mut response = respond(200, Some(&Json::Object(members)));
    if asked.is_some() {
        let applied = http::HeaderValue::from_static("odata.maxpagesize");
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

/// The same query from the token on.
fn next_link(call: &Call<'_>, options: &Options, size: usize, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let given = url::form_urlencoded::parse(call.request.uri().query().unwrap_or_default().as_bytes());
    for (name, value) in given {
        match &*name {
            "aid" | "$skiptoken" | "$skip" => {}
            "$top" => {
                let left = options.top.unwrap_or(0).saturating_sub(size as u64);
                query.append_pair("$top", &left.to_string());
            }
            _ => {
                query.append_pair(&name, &value);
            }
        }
    }
    query.append_pair("aid", "FIN").append_pair("$skiptoken", token);
    // Blanks as the service spells them.
    let query = query.finish().replace('+', "%20").replace("%24", "$");
    format!("{}{}?{query}", wire::origin(call.request), call.request.uri().path())
}
