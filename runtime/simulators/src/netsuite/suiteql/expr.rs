//! Expressions of a query, bound to the columns they name, and their values.

use std::borrow::Cow;
use std::cmp::Ordering;

use truthsource_core::Decimal;
use truthsource_core::decimal::SCALE_MAX;

use super::cell::{Cell, SqlError, owned};
use super::functions::{self, Function};
use super::tables::{Column, Row, Scene};

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
pub(super) enum Aggregate {
    Count,
    CountDistinct,
    Max,
    Min,
    Sum,
}

pub(super) enum Expr {
    Literal(Cell<'static>),
    /// Which table of the query, and which of its columns.
    Column(usize, &'static Column),
    /// `BUILTIN.DF`.
    Display(Box<Expr>),
    RowNum,
    SysDate,
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    /// Conditions with their results, then what else.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `None` counts rows.
    Aggregate(Aggregate, Option<Box<Expr>>),
}

/// A row of the query: one row of each table.
#[derive(Clone, Copy)]
pub(super) struct Env<'a, 'r> {
    pub scene: Scene<'a>,
    pub rows: &'r [Row<'a>],
    /// The number this row has if it is taken.
    pub row_number: i64,
}

impl Expr {
    /// Its value for one row.
    pub(super) fn eval<'a>(&'a self, env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
        Ok(match self {
            Self::Literal(cell) => borrowed(cell),
            Self::Column(source, column) => match env.rows.get(*source) {
                Some(row) => column.read.read(env.scene, *row),
                None => Cell::Null,
            },
            Self::Display(inner) => display(inner, env)?,
            Self::RowNum => Cell::Int(env.row_number),
            Self::SysDate => super::cell::moment(env.scene.now),
            Self::Not(inner) => match inner.eval(env)? {
                Cell::Truth(it) => Cell::Truth(!it),
                _ => Cell::Null,
            },
            Self::And(parts) => Connective::And.of(parts, env)?,
            Self::Or(parts) => Connective::Or.of(parts, env)?,
            Self::Compare(comparison, left, right) => {
                let ordering = left.eval(env)?.compare(&right.eval(env)?)?;
                ordering.map_or(Cell::Null, |it| Cell::Truth(comparison.holds(it)))
            }
            Self::In(inner, list) => is_in(inner, list, env)?,
            Self::Like(inner, pattern) => match (as_text(inner.eval(env)?, env)?, as_text(pattern.eval(env)?, env)?) {
                (Some(text), Some(pattern)) => Cell::Truth(functions::like(&text, &pattern)),
                _ => Cell::Null,
            },
            Self::IsNull(inner) => Cell::Truth(matches!(inner.eval(env)?, Cell::Null)),
            Self::Arithmetic(arithmetic, left, right) => arithmetic.of(&left.eval(env)?, &right.eval(env)?)?,
            Self::Concat(left, right) => {
                let (left, right) = (as_text(left.eval(env)?, env)?, as_text(right.eval(env)?, env)?);
                owned(left.unwrap_or_default().into_owned() + &right.unwrap_or_default())
            }
            Self::Call(function, arguments) => function.call(arguments, env)?,
            Self::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    if condition.eval(env)?.is_true() {
                        return result.eval(env);
                    }
                }
                otherwise.as_ref().map_or(Ok(Cell::Null), |it| it.eval(env))?
            }
            Self::Aggregate(..) => return Err(SqlError::new("Aggregate function is not allowed here")),
        })
    }

    /// Its value for a group of rows, each `stride` long: aggregates over all of them, the rest of the first.
    pub(super) fn eval_group<'a>(&'a self, scene: Scene<'a>, group: &[&[Row<'a>]]) -> Result<Cell<'a>, SqlError> {
        let env = |rows| Env { scene, rows, row_number: 0 };
        match self {
            Self::Aggregate(aggregate, inner) => {
                let Some(inner) = inner else { return Ok(super::cell::int(group.len() as u64)) };
                let values = group.iter().map(|rows| inner.eval(&env(rows)));
                aggregate.of(values.collect::<Result<_, _>>()?)
            }
            Self::Call(function, arguments) if self.is_aggregate() => {
                let values = arguments.iter().map(|it| it.eval_group(scene, group).map(Cell::into_static));
                let literals: Vec<Expr> = values.map(|it| it.map(Expr::Literal)).collect::<Result<_, _>>()?;
                function.call(&literals, &env(&[])).map(Cell::into_static)
            }
            _ if self.is_aggregate() => Err(SqlError::new("An aggregate function may only stand in a function")),
            _ => group.first().map_or(Ok(Cell::Null), |rows| self.eval(&env(rows))),
        }
    }

    /// Looks at more than one row.
    pub(super) fn is_aggregate(&self) -> bool {
        match self {
            Self::Aggregate(..) => true,
            Self::Literal(_) | Self::Column(..) | Self::RowNum | Self::SysDate => false,
            Self::Display(it) | Self::Not(it) | Self::IsNull(it) => it.is_aggregate(),
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter().any(Self::is_aggregate),
            Self::Compare(_, left, right) | Self::Arithmetic(_, left, right) => {
                left.is_aggregate() || right.is_aggregate()
            }
            Self::Like(left, right) | Self::Concat(left, right) => left.is_aggregate() || right.is_aggregate(),
            Self::In(it, list) => it.is_aggregate() || list.iter().any(Self::is_aggregate),
            Self::Case(branches, otherwise) => {
                branches.iter().any(|(a, b)| a.is_aggregate() || b.is_aggregate())
                    || otherwise.as_ref().is_some_and(|it| it.is_aggregate())
            }
        }
    }
}

/// The text a value turns into where text is needed; `None` for null.
pub(super) fn as_text<'a>(cell: Cell<'a>, env: &Env<'a, '_>) -> Result<Option<Cow<'a, str>>, SqlError> {
    Ok(match cell {
        Cell::Null => None,
        Cell::Truth(it) => Some(Cow::Borrowed(if it { "T" } else { "F" })),
        Cell::Int(it) => Some(Cow::Owned(it.to_string())),
        Cell::Number(it) => Some(Cow::Owned(it.to_string())),
        Cell::Text(it) => Some(it),
        Cell::Moment(at) => Some(Cow::Owned(functions::account_date(at, env.scene.zone())?)),
    })
}

fn borrowed<'a>(cell: &'a Cell<'static>) -> Cell<'a> {
    match cell {
        Cell::Text(it) => Cell::Text(Cow::Borrowed(it)),
        other => other.clone(),
    }
}

fn display<'a>(inner: &'a Expr, env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
    if let Expr::Column(source, column) = inner
        && let (Some(display), Some(row)) = (column.display, env.rows.get(*source))
    {
        return Ok(display.read(env.scene, *row));
    }
    Ok(as_text(inner.eval(env)?, env)?.map_or(Cell::Null, Cell::Text))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Connective {
    And,
    Or,
}

impl Connective {
    /// AND and OR with three values.
    fn of<'a>(self, parts: &'a [Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
        let decided_by = self == Self::Or;
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
}

fn is_in<'a>(inner: &'a Expr, list: &'a [Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
    let value = inner.eval(env)?;
    let mut is_unknown = false;
    for entry in list {
        match value.compare(&entry.eval(env)?)? {
            Some(Ordering::Equal) => return Ok(Cell::Truth(true)),
            Some(_) => {}
            None => is_unknown = true,
        }
    }
    Ok(if is_unknown { Cell::Null } else { Cell::Truth(false) })
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
    fn of<'a>(self, left: &Cell<'_>, right: &Cell<'_>) -> Result<Cell<'a>, SqlError> {
        const DAY: i64 = 86_400;
        let day = Decimal::new(DAY, 0).unwrap_or_default();
        match (self, left, right) {
            (Self::Minus, Cell::Moment(a), Cell::Moment(b)) => Ok(Cell::Int((a - b) / DAY)),
            (Self::Plus | Self::Minus, Cell::Moment(at), days) => {
                let Some(seconds) = days.as_number()?.and_then(|it| it.checked_mul(day)) else { return Ok(Cell::Null) };
                let seconds: i64 = seconds.round(0).to_string().parse().unwrap_or(0);
                Ok(Cell::Moment(if self == Self::Plus { at + seconds } else { at - seconds }))
            }
            _ => {
                let (Some(a), Some(b)) = (left.as_number()?, right.as_number()?) else { return Ok(Cell::Null) };
                let result = match self {
                    Self::Plus => a.checked_add(b),
                    Self::Minus => a.checked_sub(b),
                    Self::Times => a.checked_mul(b),
                    Self::Over => return divide(a, b).map(Cell::Number),
                };
                result.map(Cell::Number).ok_or_else(|| SqlError::new("Numeric overflow"))
            }
        }
    }
}

/// A quotient, rounded where a decimal ends.
fn divide(a: Decimal, b: Decimal) -> Result<Decimal, SqlError> {
    if b == Decimal::ZERO {
        return Err(SqlError::new("Divisor is equal to zero"));
    }
    let wide = |it: Decimal| it.to_string().parse::<rust_decimal::Decimal>().ok();
    let quotient = wide(a).zip(wide(b)).and_then(|(a, b)| a.checked_div(b));
    let quotient = quotient.and_then(|it| it.round_dp(SCALE_MAX).to_string().parse().ok());
    quotient.ok_or_else(|| SqlError::new("Numeric overflow"))
}

impl Aggregate {
    fn of<'a>(self, values: Vec<Cell<'a>>) -> Result<Cell<'a>, SqlError> {
        let mut known: Vec<Cell<'a>> = values.into_iter().filter(|it| *it != Cell::Null).collect();
        Ok(match self {
            Self::Count => super::cell::int(known.len() as u64),
            Self::CountDistinct => {
                known.sort_by(Cell::sort);
                known.dedup();
                super::cell::int(known.len() as u64)
            }
            Self::Max => known.into_iter().max_by(Cell::sort).unwrap_or(Cell::Null),
            Self::Min => known.into_iter().min_by(Cell::sort).unwrap_or(Cell::Null),
            Self::Sum if known.is_empty() => Cell::Null,
            Self::Sum => {
                let mut sum = Decimal::ZERO;
                for value in &known {
                    let value = value.as_number()?.unwrap_or_default();
                    sum = sum.checked_add(value).ok_or_else(|| SqlError::new("Numeric overflow"))?;
                }
                Cell::Number(sum)
            }
        })
    }
}
