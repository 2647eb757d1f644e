//! Carrying a query out.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Fault;
use super::cell::Cell;
use super::expr::{Env, Expr};
use super::params::Params;
use super::plan::{By, From, Order, Part, Query, Select};
use super::tables::Row;
use crate::sap_b1::state::State;

/// How many combinations of rows one part of a query may look at: the database's patience.
const LOOKS_MAX: usize = 2_000_000;

/// What a query gives.
pub(super) struct Output<'a> {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Cell<'a>>>,
}

pub(super) fn run<'a>(state: &'a State, query: &Query, params: &Params) -> Result<Output<'a>, Fault> {
    // What a caller forgot is told even if no row would ask for it.
    for name in &query.params {
        params.get(name)?;
    }
    let env = Env { state, params, rows: &[], group: None, outer: None };
    Ok(Output { names: query.select.names.clone(), rows: part_rows(&query.select, &env, None)? })
}

/// The rows of a query within another.
pub(super) fn select<'a>(select: &Select, env: &Env<'a, '_>) -> Result<Vec<Vec<Cell<'a>>>, Fault> {
    part_rows(select, env, Some(env))
}

/// A row with what it is ordered by.
type Keyed<'a> = (Vec<Cell<'a>>, Vec<Cell<'a>>);

fn part_rows<'a>(select: &Select, env: &Env<'a, '_>, outer: Option<&Env<'a, '_>>) -> Result<Vec<Vec<Cell<'a>>>, Fault> {
    let mut rows: Vec<Keyed<'a>> = Vec::new();
    for part in &select.parts {
        let inner = Env { state: env.state, params: env.params, rows: &[], group: None, outer };
        let mut of_part = rows_of(part, &select.order, &inner)?;
        if part.is_distinct {
            keep_first(&mut of_part);
        }
        rows.append(&mut of_part);
    }
    if select.is_distinct {
        keep_first(&mut rows);
    }
    rows.sort_by(|(a, _), (b, _)| compare_keys(&select.order, a, b));
    Ok(rows.into_iter().map(|(_, cells)| cells).collect())
}

fn keep_first(rows: &mut Vec<Keyed<'_>>) {
    let mut seen = BTreeSet::new();
    rows.retain(|(_, cells)| seen.insert(format!("{cells:?}")));
}

fn compare_keys(order: &[Order], a: &[Cell<'_>], b: &[Cell<'_>]) -> Ordering {
    for ((by, a), b) in order.iter().zip(a).zip(b) {
        let ordering = if by.is_descending { b.sort(a) } else { a.sort(b) };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn rows_of<'a>(part: &Part, order: &[Order], env: &Env<'a, '_>) -> Result<Vec<Keyed<'a>>, Fault> {
    let mut derived = Vec::with_capacity(part.sources.len());
    for source in &part.sources {
        derived.push(match &source.from {
            From::Table(_) => Vec::new(),
            From::Query(select) => materialised(select, env)?,
        });
    }
    let mut search = Search { part, derived, found: Vec::new(), looks: 0 };
    search.extend(env, &mut Vec::new())?;
    let found = search.found;
    if !part.is_grouped() {
        return found.iter().map(|rows| projected(part, order, &Env { rows, ..*env })).collect();
    }
    let mut groups: std::collections::BTreeMap<Vec<String>, Vec<Vec<Row<'a>>>> = std::collections::BTreeMap::new();
    if part.group_by.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for rows in found {
        let of_row = Env { rows: &rows, ..*env };
        let key = part.group_by.iter().map(|it| Ok(format!("{:?}", it.eval(&of_row)?)));
        let key = key.collect::<Result<Vec<_>, Fault>>()?;
        groups.entry(key).or_default().push(rows);
    }
    let mut keyed = Vec::new();
    for group in groups.values() {
        let first = group.first().map_or(&[][..], Vec::as_slice);
        let of_group = Env { rows: first, group: Some(group), ..*env };
        let is_wanted = match &part.having {
            Some(having) => having.eval(&of_group)?.is_true(),
            None => true,
        };
        if is_wanted {
            keyed.push(projected(part, order, &of_group)?);
        }
    }
    Ok(keyed)
}

fn materialised<'a>(select: &Select, env: &Env<'a, '_>) -> Result<Vec<Row<'a>>, Fault> {
    let rows = part_rows(select, env, env.outer)?;
    let row = |cells: Vec<Cell<'a>>| Row::Derived(Rc::new(cells.into_iter().map(Cell::into_static).collect()));
    Ok(rows.into_iter().map(row).collect())
}

fn projected<'a>(part: &Part, order: &[Order], env: &Env<'a, '_>) -> Result<Keyed<'a>, Fault> {
    let cells = part.columns.iter().map(|it| it.eval(env)).collect::<Result<Vec<_>, _>>()?;
    let key = |it: &Order| match &it.by {
        By::Column(at) => Ok(cells.get(*at).cloned().unwrap_or(Cell::Null)),
        By::Expr(expr) => expr.eval(env),
    };
    let keys = order.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    Ok((keys, cells))
}

/// A walk over all combinations of rows.
struct Search<'p, 'a> {
    part: &'p Part,
    /// The rows of each source that is a query.
    derived: Vec<Vec<Row<'a>>>,
    found: Vec<Vec<Row<'a>>>,
    looks: usize,
}

impl<'a> Search<'_, 'a> {
    /// Adds every row of the query that begins with the rows in `tuple`.
    fn extend(&mut self, env: &Env<'a, '_>, tuple: &mut Vec<Row<'a>>) -> Result<(), Fault> {
        let part = self.part;
        let depth = tuple.len();
        let Some(source) = part.sources.get(depth) else {
            if holds(part.filter.as_ref(), env, tuple)? {
                self.found.push(tuple.clone());
            }
            return Ok(());
        };
        let lead = match &source.lead {
            Some(lead) => Some(lead.eval(&Env { rows: tuple, ..*env })?),
            None => None,
        };
        let rows: Box<dyn Iterator<Item = Row<'a>>> = match &source.from {
            From::Table(table) => table.scan(env.state, lead.as_ref()),
            From::Query(_) => Box::new(self.derived.get(depth).cloned().unwrap_or_default().into_iter()),
        };
        let mut is_matched = false;
        for row in rows {
            self.looks += 1;
            if self.looks > LOOKS_MAX {
                return Err(Fault::Grammar("the query takes too long".to_owned()));
            }
            tuple.push(row);
            if holds(source.on.as_ref(), env, tuple)? {
                is_matched = true;
                self.extend(env, tuple)?;
            }
            tuple.truncate(depth);
        }
        if source.is_outer && !is_matched {
            tuple.push(Row::Absent);
            self.extend(env, tuple)?;
            tuple.truncate(depth);
        }
        Ok(())
    }
}

fn holds<'a>(condition: Option<&Expr>, env: &Env<'a, '_>, rows: &[Row<'a>]) -> Result<bool, Fault> {
    match condition {
        Some(condition) => Ok(condition.eval(&Env { rows, ..*env })?.is_true()),
        None => Ok(true),
    }
}
