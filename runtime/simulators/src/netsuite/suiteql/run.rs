//! Carrying a query out.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::cell::{Cell, SqlError};
use super::expr::{Env, Expr, as_text};
use super::plan::{Order, Plan};
use super::span;
use super::tables::{Row, Scene, Span};
use crate::netsuite::settings::Ties;

/// The most rows one query gives, over all its pages.
pub(super) const ROWS_MAX: usize = 100_000;

/// Which rows of the result are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    pub offset: usize,
    pub limit: usize,
}

/// A page of a result.
pub(super) struct Page {
    pub items: Vec<Value>,
    pub total: usize,
}

/// Rows of all tables side by side, `stride` to a row of the query.
struct Found<'a> {
    rows: Vec<Row<'a>>,
    stride: usize,
}

impl<'a> Found<'a> {
    fn len(&self) -> usize {
        self.rows.len() / self.stride
    }

    fn row(&self, at: usize) -> &[Row<'a>] {
        self.rows.get(at * self.stride..(at + 1) * self.stride).unwrap_or_default()
    }
}

pub(super) fn run(plan: &Plan, scene: Scene<'_>, slice: Slice) -> Result<Page, SqlError> {
    let mut found = Found { rows: Vec::new(), stride: plan.sources.len() };
    extend(plan, scene, &mut Vec::new(), &mut found)?;
    if plan.is_grouped() {
        return grouped(plan, scene, &found, slice);
    }
    let is_even = slice.limit == 0 || (slice.offset / slice.limit).is_multiple_of(2);
    let ties = if is_even { Ties::Stable } else { scene.settings().ties };
    let mut order = ordered(plan, scene, &found, ties)?;
    if plan.is_distinct {
        order = distinct(plan, scene, &found, order)?;
    }
    order.truncate(plan.rows_max.unwrap_or(ROWS_MAX).min(ROWS_MAX));
    let wanted = order.iter().skip(slice.offset).take(slice.limit);
    let items = wanted.map(|at| project(plan, scene, found.row(*at)));
    Ok(Page { items: items.collect::<Result<_, _>>()?, total: order.len() })
}

/// Adds every row of the query that begins with the table rows in `tuple`.
fn extend<'a>(
    plan: &'a Plan,
    scene: Scene<'a>,
    tuple: &mut Vec<Row<'a>>,
    found: &mut Found<'a>,
) -> Result<(), SqlError> {
    let depth = tuple.len();
    let Some(source) = plan.sources.get(depth) else {
        let row_number = i64::try_from(found.len() + 1).unwrap_or(i64::MAX);
        let is_wanted = match &plan.filter {
            Some(filter) => filter.eval(&Env { scene, rows: tuple, row_number })?.is_true(),
            None => true,
        };
        if is_wanted {
            found.rows.extend_from_slice(tuple);
        }
        return Ok(());
    };
    let mut is_matched = false;
    for row in source.table.scan(scene.state, span_of(plan, scene, tuple)) {
        tuple.push(row);
        let matches = match &source.on {
            Some(on) => on.eval(&Env { scene, rows: tuple, row_number: 0 })?.is_true(),
            None => true,
        };
        if matches {
            is_matched = true;
            extend(plan, scene, tuple, found)?;
        }
        tuple.truncate(depth);
    }
    if source.is_outer && !is_matched {
        tuple.push(Row::Absent);
        extend(plan, scene, tuple, found)?;
        tuple.truncate(depth);
    }
    Ok(())
}

/// The part of the next table that can matter.
fn span_of<'a>(plan: &'a Plan, scene: Scene<'a>, tuple: &[Row<'a>]) -> Span {
    let depth = tuple.len();
    let Some(source) = plan.sources.get(depth) else { return Span::ALL };
    let Some(lead) = source.table.key().first() else { return Span::ALL };
    let env = Env { scene, rows: tuple, row_number: 0 };
    // The filter sees outer rows that have no partner, so it may not limit where partners are looked for.
    let filter = plan.filter.as_ref().filter(|_| !source.is_outer);
    let spans = source.on.iter().chain(filter).map(|it| span::of(it, (depth, lead), &env));
    spans.reduce(|a, b| Span { first: a.first.max(b.first), last: a.last.min(b.last) }).unwrap_or(Span::ALL)
}

/// The rows' numbers in the order that the query asks for; unstable ties come out turned around.
fn ordered(plan: &Plan, scene: Scene<'_>, found: &Found<'_>, ties: Ties) -> Result<Vec<usize>, SqlError> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    let turn = ties == Ties::Unstable;
    if plan.order.is_empty() {
        if turn {
            order.reverse();
        }
        return Ok(order);
    }
    let keyed = as_stored(plan);
    if keyed == Some(Uniqueness::Unique) || (keyed.is_some() && !turn) {
        return Ok(order);
    }
    let mut keys = Vec::with_capacity(order.len());
    for at in 0..found.len() {
        let env = Env { scene, rows: found.row(at), row_number: 0 };
        keys.push(plan.order.iter().map(|it| it.expr.eval(&env)).collect::<Result<Vec<_>, _>>()?);
    }
    let by_keys = |a: &usize, b: &usize| compare_keys(&plan.order, &keys[*a], &keys[*b]);
    if keyed.is_none() {
        order.sort_by(by_keys);
    }
    if turn {
        for run in order.chunk_by_mut(|a, b| by_keys(a, b).is_eq()) {
            run.reverse();
        }
    }
    Ok(order)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uniqueness {
    Unique,
    Tied,
}

/// Whether rows were found in the order asked for already: by the key of the first table, or the start of it.
fn as_stored(plan: &Plan) -> Option<Uniqueness> {
    let key = plan.sources.first()?.table.key();
    let is_key = plan.order.len() <= key.len()
        && plan.order.iter().zip(key).all(|(order, name)| {
            let is_column = matches!(order.expr, Expr::Column(0, column) if column.name == *name);
            is_column && !order.is_descending
        });
    let is_whole = plan.order.len() == key.len() && plan.sources.len() == 1;
    is_key.then_some(if is_whole { Uniqueness::Unique } else { Uniqueness::Tied })
}

fn compare_keys(order: &[Order], a: &[Cell<'_>], b: &[Cell<'_>]) -> Ordering {
    for ((by, a), b) in order.iter().zip(a).zip(b) {
        let has_null = *a == Cell::Null || *b == Cell::Null;
        let ordering = match (has_null, by.nulls_first, by.is_descending) {
            (true, true, _) | (false, _, true) => a.sort(b).reverse(),
            _ => a.sort(b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn distinct(plan: &Plan, scene: Scene<'_>, found: &Found<'_>, order: Vec<usize>) -> Result<Vec<usize>, SqlError> {
    let (mut seen, mut first) = (BTreeSet::new(), Vec::new());
    for at in order {
        if seen.insert(project(plan, scene, found.row(at))?.to_string()) {
            first.push(at);
        }
    }
    Ok(first)
}

fn project<'a>(plan: &'a Plan, scene: Scene<'a>, rows: &[Row<'a>]) -> Result<Value, SqlError> {
    let env = Env { scene, rows, row_number: 0 };
    let cells = plan.select.iter().map(|(name, expr)| Ok((name.as_str(), expr.eval(&env)?)));
    object(cells.collect::<Result<Vec<_>, SqlError>>()?, &env)
}

/// A row of the answer: every value a string, nulls left out.
fn object<'a>(cells: Vec<(&str, Cell<'a>)>, env: &Env<'a, '_>) -> Result<Value, SqlError> {
    let mut members = Map::new();
    members.insert("links".to_owned(), json!([]));
    for (name, cell) in cells {
        if let Some(text) = as_text(cell, env)? {
            members.insert(name.to_owned(), Value::String(text.into_owned()));
        }
    }
    Ok(Value::Object(members))
}

/// Folds rows together: one row per group, or one in all.
fn grouped<'a>(plan: &'a Plan, scene: Scene<'a>, found: &Found<'a>, slice: Slice) -> Result<Page, SqlError> {
    let mut groups: BTreeMap<Vec<String>, Vec<&[Row<'a>]>> = BTreeMap::new();
    if plan.group_by.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for at in 0..found.len() {
        let env = Env { scene, rows: found.row(at), row_number: 0 };
        let key = plan.group_by.iter().map(|it| Ok(format!("{:?}", it.eval(&env)?)));
        groups.entry(key.collect::<Result<_, SqlError>>()?).or_default().push(found.row(at));
    }
    let mut rows = Vec::with_capacity(groups.len());
    for group in groups.values() {
        let keys = plan.order.iter().map(|it| it.expr.eval_group(scene, group));
        let cells = plan.select.iter().map(|(name, expr)| Ok((name.as_str(), expr.eval_group(scene, group)?)));
        rows.push((keys.collect::<Result<Vec<_>, _>>()?, cells.collect::<Result<Vec<_>, SqlError>>()?));
    }
    rows.sort_by(|(a, _), (b, _)| compare_keys(&plan.order, a, b));
    rows.truncate(plan.rows_max.unwrap_or(ROWS_MAX).min(ROWS_MAX));
    let total = rows.len();
    let env = Env { scene, rows: &[], row_number: 0 };
    let wanted = rows.into_iter().skip(slice.offset).take(slice.limit);
    let items = wanted.map(|(_, cells)| object(cells, &env)).collect::<Result<_, _>>()?;
    Ok(Page { items, total })
}
