//! SuiteQL: one POST, a statement and its parameters, a page of rows.

use serde_json::json;
use truthsource_core::UnixMs;

use super::body::Json;
use super::problem::Problem;
use super::state::State;
use crate::system::{Request, Response};

mod cell;
mod columns;
mod compile;
mod expr;
mod format;
mod functions;
mod plan;
mod run;
mod span;
mod tables;
#[cfg(test)]
mod tests;

use cell::Cell;
pub(super) use cell::SqlError;
use plan::Plan;
use run::{ROWS_MAX, Slice};
use tables::Scene;

/// The most rows on a page.
const PAGE_MAX: usize = 1_000;

/// Answers a query request.
pub(super) fn answer(state: &mut State, now: UnixMs, request: &Request) -> Result<Response, Problem> {
    if request.method() != http::Method::POST {
        return Err(Problem::new(405, "METHOD_NOT_ALLOWED", "SuiteQL takes POST only."));
    }
    require_transient(request)?;
    let slice = slice(request)?;
    let (statement, params) = statement(request.body())?;
    let page = state.as_searched(now, |state| {
        let plan = Plan::of(&statement, &params, &state.settings)?;
        run::run(&plan, Scene { state, now }, slice)
    });
    let page = page.map_err(|SqlError(why)| {
        let detail =
            format!("Invalid search query. Detailed unprocessed description follows. Search error occurred: {why}");
        Problem::parameter("q", detail)
    })?;
    let count = page.items.len();
    let has_more = slice.offset + count < page.total;
    let body = json!({
        "links": super::wire::page_links(request, (slice.offset, slice.limit), page.total),
        "count": count,
        "hasMore": has_more,
        "items": page.items,
        "offset": slice.offset,
        "totalResults": page.total,
    });
    Ok(crate::system::json(200, super::wire::COLLECTION, &body))
}

fn require_transient(request: &Request) -> Result<(), Problem> {
    let prefer = request.headers().get_all("prefer").iter().filter_map(|it| it.to_str().ok());
    let is_transient = prefer.flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case("transient"));
    if is_transient {
        return Ok(());
    }
    let detail = "The request header 'Prefer' is missing or invalid. Set it to 'transient'.";
    Err(Problem { place: Some(("o:errorHeader", "Prefer".to_owned())), ..Problem::new(400, "INVALID_HEADER", detail) })
}

/// `limit` and `offset`, by the rules of the query service.
fn slice(request: &Request) -> Result<Slice, Problem> {
    let number = |name: &str, default: usize| -> Result<usize, Problem> {
        let Some(text) = super::wire::query(request, name) else { return Ok(default) };
        text.parse().map_err(|_| Problem::parameter(name, format!("Invalid value '{text}' for parameter '{name}'.")))
    };
    let (limit, offset) = (number("limit", PAGE_MAX)?, number("offset", 0)?);
    if limit == 0 || limit > PAGE_MAX {
        return Err(Problem::parameter("limit", format!("The limit must be between 1 and {PAGE_MAX}.")));
    }
    if !offset.is_multiple_of(limit) {
        return Err(Problem::parameter("offset", "The offset must be a multiple of the limit."));
    }
    if offset >= ROWS_MAX {
        return Err(Problem::parameter("offset", format!("A query gives {ROWS_MAX} rows at the most.")));
    }
    Ok(Slice { offset, limit })
}

fn statement(body: &[u8]) -> Result<(String, Vec<Cell<'static>>), Problem> {
    let Json::Object(mut members) = Json::parse(body)? else {
        return Err(Problem::content("", "Invalid content: a JSON object with `q` was expected."));
    };
    let Some(Json::Text(statement)) = members.remove("q") else {
        return Err(Problem::parameter("q", "The parameter 'q' is missing."));
    };
    let params = match members.remove("params") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::List(params)) => params.into_iter().map(param).collect::<Result<_, _>>()?,
        Some(_) => return Err(Problem::content("params", "Invalid content: `params` must be a list.")),
    };
    Ok((statement, params))
}

fn param(json: Json) -> Result<Cell<'static>, Problem> {
    let refused = || Problem::content("params", "Invalid content: a parameter must be a string or a number.");
    match json {
        Json::Null => Ok(Cell::Null),
        Json::Text(text) => Ok(cell::owned(text)),
        Json::Number(text) => compile::numeric(&text).ok_or_else(refused),
        Json::Flag(_) | Json::List(_) | Json::Object(_) => Err(refused()),
    }
}
