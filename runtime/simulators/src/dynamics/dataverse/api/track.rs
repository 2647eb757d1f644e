//! Change tracking: what changed and what went since a delta token was given.

use super::super::super::guid::Guid;
use super::super::super::json::{Json, object};
use super::super::super::moment;
use super::super::metadata::Entity;
use super::super::problem::Problem;
use super::super::state::{Deleted, State};
use super::read::Cookie;
use super::show::{self, Shown};
use super::{Call, read, respond};
use crate::odata::Options;
use crate::system::Response;
use truthsource_core::UnixMs;

/// Refuses what does not go together with change tracking.
pub(super) fn check(entity: &Entity, options: &Options) -> Result<(), Problem> {
    if !entity.is_tracked {
        let message = format!("Change tracking is not enabled for the entity '{}'.", entity.name);
        return Err(Problem::new(400, "0x80072491", message));
    }
    let is_plain =
        options.filter.is_none() && options.orderby.is_empty() && options.expand.is_empty() && options.top.is_none();
    if is_plain {
        return Ok(());
    }
    let message = "The \"odata.track-changes\" preference supports no other query option than $select.";
    Err(Problem::new(400, "0x80060888", message))
}

/// The link that tells what happens from a version on: version and moment, in the spelling of the United States.
pub(super) fn link(call: &Call<'_>, version: u64) -> String {
    let at = moment::second(call.now);
    let (year, rest) = at.split_once('-').unwrap_or_default();
    let (month, rest) = rest.split_once('-').unwrap_or_default();
    let (day, time) = rest.split_once('T').unwrap_or_default();
    let token = format!("{version}!{month}/{day}/{year} {}", time.trim_end_matches('Z'));
    read::link(call, "$deltatoken", &token)
}

/// Reads a token: the version, and the moment it was given.
fn parsed(token: &str) -> Option<(u64, UnixMs)> {
    let (version, at) = token.split_once('!')?;
    let (date, time) = at.split_once(' ')?;
    let mut parts = date.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    Some((version.parse().ok()?, moment::parse(&format!("{year}-{month}-{day}T{time}Z"))?))
}

pub(super) fn delta(
    state: &State,
    call: &Call<'_>,
    entity: &'static Entity,
    (options, token): (&Options, &str),
) -> Result<Response, Problem> {
    let since = version_of(state, call, entity, (options, token))?;
    changes(state, call, entity, (options, since, 1))
}

/// How much changed and went since a token was given.
pub(super) fn count(
    state: &State,
    call: &Call<'_>,
    entity: &'static Entity,
    (options, token): (&Options, &str),
) -> Result<usize, Problem> {
    let since = version_of(state, call, entity, (options, token))?;
    Ok(state.table(entity.set).rows().filter(|it| it.version > since).count() + gone(state, entity, since).count())
}

/// The version at which a token was given that still holds.
fn version_of(
    state: &State,
    call: &Call<'_>,
    entity: &'static Entity,
    (options, token): (&Options, &str),
) -> Result<u64, Problem> {
    check(entity, options)?;
    show::check(entity, options)?;
    let malformed = || Problem::new(400, "0x80060889", "The delta token is not valid.");
    let (version, given) = parsed(token).ok_or_else(malformed)?;
    if version > state.version || given.plus(state.settings.delta_life_ms).0 < call.now.0 / 1_000 * 1_000 {
        let message = "The delta token has expired. Read the whole collection again.";
        return Err(Problem::new(state.settings.delta_gone_status, "0x80044352", message));
    }
    Ok(version)
}

/// What was deleted after a version and is not there again.
fn gone<'s>(state: &'s State, entity: &'static Entity, since: u64) -> impl Iterator<Item = &'s Deleted> {
    let is_gone = |id| state.row(entity.set, id).is_none();
    state.deleted.iter().filter(move |it| it.set == entity.set && it.version > since && is_gone(it.id))
}

/// A page of what is newer than a version, in the order in which it was saved.
pub(super) fn changes(
    state: &State,
    call: &Call<'_>,
    entity: &'static Entity,
    (options, since, page): (&Options, u64, usize),
) -> Result<Response, Problem> {
    let mut entries: Vec<(u64, Json)> = Vec::new();
    for row in state.table(entity.set).rows().filter(|it| it.version > since) {
        entries.push((row.version, Shown { state, entity, row }.json(options, read::is_annotated(call))?));
    }
    let context = format!("{}/$metadata#{}/$deletedEntity", call.root, entity.plural);
    entries.extend(gone(state, entity, since).map(|it| {
        let deleted = [
            ("@odata.context", Json::text(&context)),
            ("id", Json::text(it.id.to_string())),
            ("reason", Json::text("deleted")),
        ];
        (it.version, object(deleted))
    }));
    entries.sort_by_key(|(version, _)| *version);
    let (_, size) = read::page_size(state, call);
    let has_more = entries.len() > size;
    entries.truncate(size);
    let (name, next) = match entries.last().filter(|_| has_more) {
        Some((last, _)) => {
            let cookie = Cookie { page: page + 1, place: 0, behind: Guid::ZERO, tracked: None, since: Some(*last) };
            ("@odata.nextLink", read::link(call, "$skiptoken", &cookie.text()))
        }
        None => ("@odata.deltaLink", link(call, state.version)),
    };
    let body = object([
        ("@odata.context", Json::text(format!("{}/$metadata#{}/$delta", call.root, entity.plural))),
        (name, Json::Text(next)),
        ("value", Json::List(entries.into_iter().map(|(_, it)| it).collect())),
    ]);
    Ok(respond(200, Some(&body)))
}
