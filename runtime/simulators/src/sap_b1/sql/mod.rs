//! Stored SQL queries: text in, a page of rows out.
//!
//! A text is parsed and compiled when it is stored and again when it runs. It sees the tables that the company allows,
//! and only reads. Days have no zone, times are whole numbers: 164205 is 16:42:05.

use serde_json::{Map, Value};

use super::json::Json;
use super::problem::Problem;
use super::service::{Call, next_link, paged};
use super::settings::SqlDates;
use super::state::State;
use super::wire;
use crate::faults::Faults;
use crate::odata::Options;
use crate::system::Response;

mod aggregate;
mod cell;
mod columns;
mod compile;
mod expr;
mod params;
mod plan;
mod run;
mod tables;

use cell::Cell;
use params::Params;
use plan::Query;

/// Why a query cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// 701
    Grammar(String),
    /// 702
    Table(String),
    /// 703
    Column(String),
    /// 704
    Parameter(String),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Grammar(why) => Self::new(400, 701, format!("Invalid SQL syntax: {why}")),
            Fault::Table(name) => Self::new(400, 702, format!("Table '{name}' is not accessible")),
            Fault::Column(name) => Self::new(400, 703, format!("Column '{name}' is not accessible")),
            Fault::Parameter(name) => Self::new(400, 704, format!("Parameter '{name}' is missing or invalid")),
        }
    }
}

/// The parameters of a text, in the order in which it names them; refused when it is no query.
pub(super) fn check(state: &State, sql: &str) -> Result<Vec<String>, Problem> {
    let query = Query::parse(state, sql)?;
    Ok(query.params)
}

/// Runs a stored query.
pub(super) fn list(call: &mut Call<'_>, code: &str) -> Result<Response, Problem> {
    let stored = call.state.queries.get(code).cloned().ok_or_else(Problem::not_found)?;
    let options = Options::parse(call.query(), &call.dialect)?;
    let given = match call.request.method().as_str() {
        "GET" => Params::of_pairs(&options.custom),
        "POST" => Params::of_text(Json::text(&Json::members(call.request.body())?, "ParamList").unwrap_or_default()),
        _ => return Err(Problem::method()),
    }?;
    let query = Query::parse(call.state, &stored.sql)?;
    let table = run::run(call.state, &query, &given)?;
    let skip = usize::try_from(options.skip.unwrap_or(0)).unwrap_or(usize::MAX);
    let size = if call.wishes.page_size == 0 { usize::MAX } else { call.wishes.page_size };
    let size = Faults::page(call.state.page_max, size);
    let has_more = table.rows.len().saturating_sub(skip) > size;
    let row = |cells: Vec<Cell<'_>>| {
        let members =
            table.names.iter().cloned().zip(cells.into_iter().map(|it| shown(it, call.state.settings.sql_dates)));
        Value::Object(members.collect())
    };
    let rows: Vec<Value> = table.rows.into_iter().skip(skip).take(size).map(row).collect();
    let mut body = Map::new();
    call.style.describe(&mut body, &wire::origin(call.request), "SAPB1.SQLQueryResult");
    body.insert("SqlText".to_owned(), Value::String(stored.sql.clone()));
    body.insert("value".to_owned(), Value::Array(rows));
    if has_more {
        let path = format!("SQLQueries('{}')/List", code.replace('\'', "''"));
        let link = next_link(call, &path, (skip + size, None));
        body.insert(call.style.annotation("nextLink"), Value::String(link));
    }
    Ok(paged(call, &body.into()))
}

fn shown(cell: Cell<'_>, dates: SqlDates) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Truth(it) => Value::from(i64::from(it)),
        Cell::Int(it) => Value::from(it),
        Cell::Number(it) => wire::double(it),
        Cell::Text(it) => Value::String(it.into_owned()),
        Cell::Day(it) => Value::String(match dates {
            SqlDates::Compact => it.to_string().replace('-', ""),
            SqlDates::Iso => it.to_string(),
        }),
    }
}
