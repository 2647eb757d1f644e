//! Reads: one record, or a page of them.

use super::super::super::guid::Guid;
use super::super::super::json::Json;
use super::super::super::wire;
use super::super::metadata::Entity;
use super::super::problem::Problem;
use super::super::state::State;
use super::show::{Shown, check, etag};
use super::{Call, Key, bad, find, respond, track};
use crate::faults::Faults;
use crate::odata::{Case, Dialect, Options, orderby};
use crate::system::Response;

pub(super) fn record(
    state: &State,
    call: &Call<'_>,
    (entity, key): (&'static Entity, &Key),
) -> Result<Response, Problem> {
    let id = find(state, entity, key)?;
    let options = call.options()?;
    check(entity, &options)?;
    let version = state.row(entity.set, id).map(|it| it.version).unwrap_or_default();
    if wire::header(call.request, "if-none-match") == etag(version) {
        return Ok(respond(304, None));
    }
    shown(state, call, (entity, id), (&options, 200))
}

/// A record as the answer to a read or a write.
pub(super) fn shown(
    state: &State,
    call: &Call<'_>,
    (entity, id): (&'static Entity, Guid),
    (options, status): (&Options, u16),
) -> Result<Response, Problem> {
    let row = state.row(entity.set, id).ok_or_else(|| Problem::no_record(entity.name, id))?;
    let context =
        ("@odata.context".to_owned(), Json::text(format!("{}/$metadata#{}/$entity", call.root, entity.plural)));
    let Json::Object(members) = (Shown { state, entity, row }).json(options, is_annotated(call))? else {
        return Err(Problem::no_record(entity.name, id));
    };
    let body = Json::Object(std::iter::once(context).chain(members).collect());
    let mut response = respond(status, Some(&body));
    if let Ok(etag) = http::HeaderValue::from_str(&etag(row.version)) {
        response.headers_mut().insert(http::header::ETAG, etag);
    }
    Ok(response)
}

pub(super) fn is_annotated(call: &Call<'_>) -> bool {
    wire::preference(call.request, "odata.include-annotations").is_some()
}

/// The rows that the options leave, in the order they want.
pub(super) fn matching<'s>(
    state: &'s State,
    entity: &'static Entity,
    owner: Option<Guid>,
    options: &Options,
) -> Result<Vec<Shown<'s>>, Problem> {
    check(entity, options)?;
    let rules = Dialect::dataverse().rules(Case::Insensitive);
    let table = state.table(entity.set);
    let all: Vec<_> = match owner {
        Some(owner) => table.owned_by(owner).collect(),
        None => table.rows().collect(),
    };
    let mut rows = Vec::new();
    for row in all {
        let row = Shown { state, entity, row };
        let is_in = options.filter.as_ref().map_or(Ok(true), |it| it.holds(&row, &rules)).map_err(bad)?;
        if is_in {
            rows.push(row);
        }
    }
    if !options.orderby.is_empty() {
        orderby::sort(&mut rows, &options.orderby, &rules).map_err(bad)?;
    }
    Ok(rows)
}

pub(super) fn count(state: &State, call: &Call<'_>, entity: &'static Entity) -> Result<Response, Problem> {
    let options = call.options()?;
    let total = match &options.deltatoken {
        Some(token) => track::count(state, call, entity, (&options, token))?,
        None => matching(state, entity, None, &options)?.len(),
    };
    Ok(plain(total.min(5_000).to_string()))
}

/// An answer that is text and no more.
pub(super) fn plain(text: String) -> Response {
    let mut response = respond(200, None);
    let media = http::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(http::header::CONTENT_TYPE, media);
    *response.body_mut() = bytes::Bytes::from(text);
    response
}

/// Where a page begins, as the skip token says: so many rows on, or behind a record.
pub(super) struct Cookie {
    pub page: usize,
    pub place: usize,
    pub behind: Guid,
    /// The version at which a tracked read began.
    pub tracked: Option<u64>,
    /// Of changes: the version that they go on behind.
    pub since: Option<u64>,
}

impl Cookie {
    pub(super) fn of(token: Option<&str>) -> Result<Self, Problem> {
        let Some(token) = token else {
            return Ok(Self { page: 1, place: 0, behind: Guid::ZERO, tracked: None, since: None });
        };
        let attribute = |name: &str| {
            let (_, rest) = token.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let read = || {
            Some(Self {
                page: attribute("pagenumber")?.parse().ok()?,
                place: attribute("place")?.parse().ok()?,
                behind: attribute("last")?.parse().ok()?,
                tracked: attribute("version").and_then(|it| it.parse().ok()),
                since: attribute("since").and_then(|it| it.parse().ok()),
            })
        };
        read().ok_or_else(|| Problem::new(400, "0x80040203", "Malformed XML in the Paging Cookie"))
    }

    pub(super) fn text(&self) -> String {
        let version = self.tracked.map(|it| format!(" version=\"{it}\"")).unwrap_or_default();
        let since = self.since.map(|it| format!(" since=\"{it}\"")).unwrap_or_default();
        let Self { page, place, behind, .. } = self;
        format!("<cookie pagenumber=\"{page}\" place=\"{place}\" last=\"{behind}\"{version}{since} />")
    }
}

pub(super) fn page(
    state: &State,
    call: &Call<'_>,
    entity: &'static Entity,
    owner: Option<Guid>,
) -> Result<Response, Problem> {
    let options = call.options()?;
    if let Some(token) = &options.deltatoken {
        return track::delta(state, call, entity, (&options, token));
    }
    let cookie = Cookie::of(options.skiptoken.as_deref())?;
    if let Some(since) = cookie.since {
        return track::changes(state, call, entity, (&options, since, cookie.page));
    }
    let wants_tracking = cookie.tracked.is_some() || wire::preference(call.request, "odata.track-changes").is_some();
    if wants_tracking {
        track::check(entity, &options)?;
    }
    let rows = matching(state, entity, owner, &options)?;
    let total = rows.len();
    let is_ordered = !options.orderby.is_empty();
    let left = rows
        .into_iter()
        .enumerate()
        .filter(|(n, it)| if is_ordered { *n >= cookie.place } else { it.row.id > cookie.behind });
    let top =
        options.top.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX)).saturating_sub(cookie.place);
    let mut rows: Vec<Shown<'_>> = left.map(|(_, it)| it).take(top).collect();
    let (asked, size) = page_size(state, call);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let mut members =
        vec![("@odata.context".to_owned(), Json::text(format!("{}/$metadata#{}", call.root, entity.plural)))];
    if options.count {
        members.push(("@odata.count".to_owned(), Json::Number(total.min(5_000).to_string())));
    }
    let annotated = is_annotated(call);
    let entries = rows.iter().map(|it| it.json(&options, annotated)).collect::<Result<_, _>>()?;
    members.push(("value".to_owned(), Json::List(entries)));
    let tracked = wants_tracking.then(|| cookie.tracked.unwrap_or(state.version));
    if let (true, Some(last)) = (has_more, rows.last()) {
        let (page, place, behind) = (cookie.page + 1, cookie.place + size, last.row.id);
        let next = Cookie { page, place, behind, tracked, since: None };
        members.push(("@odata.nextLink".to_owned(), Json::Text(link(call, "$skiptoken", &next.text()))));
    } else if let Some(version) = tracked {
        members.push(("@odata.deltaLink".to_owned(), Json::Text(track::link(call, version))));
    }
    let mut response = respond(200, Some(&Json::Object(members)));
    let asked = asked.map(|it| format!("odata.maxpagesize={it}"));
    let applied = asked.into_iter().chain(wants_tracking.then(|| "odata.track-changes".to_owned()));
    for preference in applied.filter_map(|it| http::HeaderValue::try_from(it).ok()) {
        response.headers_mut().append("preference-applied", preference);
    }
    Ok(response)
}

/// The rows of a page that were asked for, and that there are.
pub(super) fn page_size(state: &State, call: &Call<'_>) -> (Option<usize>, usize) {
    let asked = wire::preference(call.request, "odata.maxpagesize").and_then(|it| it.parse().ok());
    let size = asked.filter(|it| *it > 0).unwrap_or(state.settings.page_max).min(state.settings.page_max);
    (asked, Faults::page(state.page_max, size))
}

/// The same query with another token.
pub(super) fn link(call: &Call<'_>, name: &str, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let given = url::form_urlencoded::parse(call.request.uri().query().unwrap_or_default().as_bytes());
    query.extend_pairs(given.filter(|(it, _)| it != "$skiptoken" && it != "$deltatoken"));
    query.append_pair(name, token);
    let query = query.finish().replace('+', "%20").replace("%24", "$");
    format!("{}{}?{query}", wire::origin(call.request), call.request.uri().path())
}
