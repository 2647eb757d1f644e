//! Expressions of a query, bound to the columns they name, and their values.

use std::borrow::Cow;
use std::cmp::Ordering;

use truthsource_core::Decimal;

use super::Fault;
use super::aggregate::Aggregate;
use super::cell::Cell;
use super::columns::Reader;
use super::params::Params;
use super::plan::Select;
use super::run;
use super::tables::Row;
use crate::sap_b1::state::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// `ISNULL` and `IFNULL`.
    IfNull,
    Lower,
    Upper,
    Left,
    Right,
}

/// What a column is read from.
pub(super) enum Read {
    Column(&'static str, Reader),
    /// A user-defined field.
    Field(String),
    /// A column of a query in FROM.
    Derived(usize),
}

pub(super) enum Expr {
    Literal(Cell<'static>),
    Param(String),
    /// How many queries further out, which of that query's sources, and which column of it.
    Column {
        out: usize,
        source: usize,
        read: Read,
    },
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    InQuery(Box<Expr>, Box<Select>),
    Exists(Box<Select>),
    /// A query that gives one value.
    Scalar(Box<Select>),
    Like(Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    /// Conditions with their results, then what else.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `None` counts rows.
    Aggregate(Aggregate, Option<Box<Expr>>),
}

/// What an expression is seen against.
#[derive(Clone, Copy)]
pub(super) struct Env<'a, 'r> {
    pub state: &'a State,
    pub params: &'r Params,
    /// A row of each source of the query.
    pub rows: &'r [Row<'a>],
    /// The rows that were folded into one, if any were.
    pub group: Option<&'r [Vec<Row<'a>>]>,
    /// The query around this one.
    pub outer: Option<&'r Env<'a, 'r>>,
}

impl Expr {
    pub(super) fn eval<'a>(&self, env: &Env<'a, '_>) -> Result<Cell<'a>, Fault> {
        Ok(match self {
            Self::Literal(cell) => cell.clone(),
            Self::Param(name) => env.params.get(name)?,
            Self::Column { out, source, read } => column(env, (*out, *source), read),
            Self::Not(inner) => match inner.eval(env)? {
                Cell::Truth(it) => Cell::Truth(!it),
                _ => Cell::Null,
            },
            Self::And(parts) => connected(parts, env, false)?,
            Self::Or(parts) => connected(parts, env, true)?,
            Self::Compare(comparison, left, right) => {
                let ordering = left.eval(env)?.compare(&right.eval(env)?);
                ordering.map_or(Cell::Null, |it| Cell::Truth(comparison.holds(it)))
            }
            Self::In(inner, list) => {
                let values = list.iter().map(|it| it.eval(env)).collect::<Result<Vec<_>, _>>()?;
                is_in(&inner.eval(env)?, values)
            }
            Self::InQuery(inner, select) => is_in(&inner.eval(env)?, first_column(select, env)?),
            Self::Exists(select) => Cell::Truth(!run::select(select, env)?.is_empty()),
            Self::Scalar(select) => first_column(select, env)?.into_iter().next().unwrap_or(Cell::Null),
            Self::Like(inner, pattern) => match (inner.eval(env)?.as_text(), pattern.eval(env)?.as_text()) {
                (Some(text), Some(pattern)) => Cell::Truth(like(&text, &pattern)),
                _ => Cell::Null,
            },
            Self::IsNull(inner) => Cell::Truth(matches!(inner.eval(env)?, Cell::Null)),
            Self::Arithmetic(arithmetic, left, right) => arithmetic.of(&left.eval(env)?, &right.eval(env)?)?,
            Self::Call(function, arguments) => call(*function, arguments, env)?,
            Self::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    if condition.eval(env)?.is_true() {
                        return result.eval(env);
                    }
                }
                otherwise.as_ref().map_or(Ok(Cell::Null), |it| it.eval(env))?
            }
            Self::Aggregate(aggregate, inner) => {
                let group =
                    env.group.ok_or_else(|| Fault::Grammar("an aggregate function cannot stand here".to_owned()))?;
                let Some(inner) = inner else { return Ok(Cell::Int(i64::try_from(group.len()).unwrap_or(i64::MAX))) };
                let values = group.iter().map(|rows| inner.eval(&Env { rows, group: None, ..*env }));
                aggregate.of(values.collect::<Result<_, _>>()?)?
            }
        })
    }

    /// Looks at more than one row.
    pub(super) fn is_aggregate(&self) -> bool {
        self.any(&|it| matches!(it, Self::Aggregate(..)))
    }

    /// Whether it is a column of this name of a source of this query.
    pub(super) fn is_column(&self, of: usize, name: &str) -> bool {
        matches!(self, Self::Column { out: 0, source, read: Read::Column(it, _) } if *source == of && *it == name)
    }

    /// A literal, a parameter or a column, again; `None` of anything else.
    pub(super) fn copied(&self) -> Option<Self> {
        Some(match self {
            Self::Literal(cell) => Self::Literal(cell.clone()),
            Self::Param(name) => Self::Param(name.clone()),
            Self::Column { out, source, read } => {
                let read = match read {
                    Read::Column(name, reader) => Read::Column(name, *reader),
                    Read::Field(name) => Read::Field(name.clone()),
                    Read::Derived(at) => Read::Derived(*at),
                };
                Self::Column { out: *out, source: *source, read }
            }
            _ => return None,
        })
    }

    /// Whether it names only sources before the one with this number, or queries further out.
    pub(super) fn is_known_before(&self, source: usize) -> bool {
        !self.any(&|it| match it {
            Self::Column { out, source: own, .. } => *out == 0 && *own >= source,
            Self::Aggregate(..) | Self::InQuery(..) | Self::Exists(_) | Self::Scalar(_) => true,
            _ => false,
        })
    }

    /// Whether it or a part of it, other queries aside, is so.
    fn any(&self, is_so: &dyn Fn(&Self) -> bool) -> bool {
        let inner = |parts: &[&Self]| parts.iter().any(|it| it.any(is_so));
        is_so(self)
            || match self {
                Self::Literal(_) | Self::Param(_) | Self::Column { .. } | Self::Exists(_) | Self::Scalar(_) => false,
                Self::Not(it) | Self::IsNull(it) | Self::InQuery(it, _) => it.any(is_so),
                Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter().any(|it| it.any(is_so)),
                Self::Compare(_, a, b) | Self::Like(a, b) | Self::Arithmetic(_, a, b) => inner(&[a, b]),
                Self::In(it, list) => it.any(is_so) || list.iter().any(|it| it.any(is_so)),
                Self::Case(branches, otherwise) => {
                    branches.iter().any(|(a, b)| inner(&[a, b])) || otherwise.as_ref().is_some_and(|it| it.any(is_so))
                }
                Self::Aggregate(_, it) => it.as_ref().is_some_and(|it| it.any(is_so)),
            }
    }
}

fn column<'a>(env: &Env<'a, '_>, (out, source): (usize, usize), read: &Read) -> Cell<'a> {
    let mut at = *env;
    for _ in 0..out {
        let Some(outer) = at.outer else { return Cell::Null };
        at = *outer;
    }
    let Some(row) = at.rows.get(source) else { return Cell::Null };
    match (read, row) {
        (Read::Column(_, reader), row) => reader.read(row),
        (Read::Derived(number), Row::Derived(cells)) => cells.get(*number).cloned().unwrap_or(Cell::Null),
        (Read::Field(name), row) => {
            let value = row.user_fields().and_then(|it| it.get(name));
            value.map_or(Cell::Null, |it| Cell::of(it).into_static())
        }
        _ => Cell::Null,
    }
}

fn first_column<'a>(select: &Select, env: &Env<'a, '_>) -> Result<Vec<Cell<'a>>, Fault> {
    let rows = run::select(select, env)?;
    Ok(rows.into_iter().filter_map(|it| it.into_iter().next()).collect())
}

/// AND (decided by false) and OR (decided by true), with three values.
fn connected<'a>(parts: &[Expr], env: &Env<'a, '_>, decided_by: bool) -> Result<Cell<'a>, Fault> {
    let mut is_unknown = false;
    for part in parts {
        match part.eval(env)? {
            Cell::Truth(it) if it == decided_by => return Ok(Cell::Truth(decided_by)),
            Cell::Truth(_) => {}
            _ => is_unknown = true,
        }
    }
    Ok(if is_unknown { Cell::Null } else { Cell::Truth(!decided_by) })
}

fn is_in<'a>(value: &Cell<'a>, list: Vec<Cell<'a>>) -> Cell<'a> {
    let mut is_unknown = false;
    for entry in &list {
        match value.compare(entry) {
            Some(Ordering::Equal) => return Cell::Truth(true),
            Some(_) => {}
            None => is_unknown = true,
        }
    }
    if is_unknown { Cell::Null } else { Cell::Truth(false) }
}

fn call<'a>(function: Function, arguments: &[Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, Fault> {
    let value = |at: usize| arguments.get(at).map_or(Ok(Cell::Null), |it| it.eval(env));
    let first = value(0)?;
    if function == Function::IfNull {
        return if first == Cell::Null { value(1) } else { Ok(first) };
    }
    let Some(text) = first.as_text() else { return Ok(Cell::Null) };
    let length = value(1)?.number().and_then(|it| it.floor().to_string().parse::<usize>().ok()).unwrap_or(0);
    Ok(Cell::Text(Cow::Owned(match function {
        Function::Lower => text.to_lowercase(),
        Function::Upper => text.to_uppercase(),
        Function::Left => text.chars().take(length).collect(),
        Function::Right => text.chars().skip(text.chars().count().saturating_sub(length)).collect(),
        Function::IfNull => text,
    })))
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Arithmetic {
    fn of<'a>(self, left: &Cell<'_>, right: &Cell<'_>) -> Result<Cell<'a>, Fault> {
        let (Some(a), Some(b)) = (left.number(), right.number()) else { return Ok(Cell::Null) };
        let result = match self {
            Self::Plus => a.checked_add(b),
            Self::Minus => a.checked_sub(b),
            Self::Times => a.checked_mul(b),
            Self::Over => return super::aggregate::divide(a, b).map(Cell::Number),
        };
        let is_whole = matches!((left, right), (Cell::Int(_), Cell::Int(_)));
        let result = result.ok_or_else(|| Fault::Grammar("numeric overflow".to_owned()))?;
        let whole = Some(result).filter(|_| is_whole).and_then(|it: Decimal| it.to_string().parse().ok());
        Ok(whole.map_or(Cell::Number(result), Cell::Int))
    }
}

/// `%` is any text, `_` any letter.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut next) = (0, 0);
    // Where the last `%` stands, and where in the text what follows it is looked for.
    let mut any: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                any = Some((next, at));
                next += 1;
            }
            Some(letter) if *letter == '_' || *letter == text[at] => {
                at += 1;
                next += 1;
            }
            _ => match any {
                Some((star, from)) => {
                    any = Some((star, from + 1));
                    (at, next) = (from + 1, star + 1);
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|it| *it == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        let check =
            |text: &str, pattern: &str, expected: bool| assert_eq!(like(text, pattern), expected, "{text} {pattern}");
        check("Bolt M8", "Bolt%", true);
        check("Bolt M8", "%M_", true);
        check("Bolt M8", "bolt%", false);
        check("Bolt M8", "Bolt", false);
        check("aXbXc", "a%X%c", true);
        check("", "%", true);
    }
}
