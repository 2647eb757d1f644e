//! The functions that a query can call.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use truthsource_core::Decimal;

use super::cell::{Cell, SqlError, owned};
use super::expr::{Env, Expr, as_text};
use super::format::Format;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Function {
    ToChar(Option<Format>),
    ToMoment(Format),
    ToNumber,
    Nvl,
    Nvl2,
    Upper,
    Lower,
    Trim,
    Length,
    Substr,
    Abs,
    Round,
    Trunc,
    Mod,
    Greatest,
    Least,
}

impl Function {
    /// The function of this name, and how many arguments it takes.
    pub(super) fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        Some(match name {
            "to_number" => (Self::ToNumber, 1..=1),
            "nvl" => (Self::Nvl, 2..=2),
            "coalesce" => (Self::Nvl, 1..=100),
            "nvl2" => (Self::Nvl2, 3..=3),
            "upper" => (Self::Upper, 1..=1),
            "lower" => (Self::Lower, 1..=1),
            "trim" => (Self::Trim, 1..=1),
            "length" => (Self::Length, 1..=1),
            "substr" => (Self::Substr, 2..=3),
            "abs" => (Self::Abs, 1..=1),
            "round" => (Self::Round, 1..=2),
            "trunc" => (Self::Trunc, 1..=1),
            "mod" => (Self::Mod, 2..=2),
            "greatest" => (Self::Greatest, 1..=100),
            "least" => (Self::Least, 1..=100),
            _ => return None,
        })
    }

    pub(super) fn call<'a>(&'a self, arguments: &'a [Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError>
    where
        Self: 'a,
    {
        let value = |at: usize| arguments.get(at).map_or(Ok(Cell::Null), |it| it.eval(env));
        let first = value(0)?;
        match self {
            Self::Nvl => return first_known(arguments, env),
            Self::Nvl2 => return value(if first == Cell::Null { 2 } else { 1 }),
            _ if first == Cell::Null => return Ok(Cell::Null),
            _ => {}
        }
        Ok(match self {
            Self::ToChar(Some(format)) => match first {
                Cell::Moment(at) => owned(format.write(at, env.scene.zone())?),
                _ => return Err(SqlError::new("Invalid number format model")),
            },
            Self::ToChar(None) => as_text(first, env)?.map_or(Cell::Null, Cell::Text),
            Self::ToMoment(format) => match first {
                Cell::Text(text) => Cell::Moment(format.read(&text, env.scene.zone())?),
                Cell::Moment(at) => Cell::Moment(at),
                _ => return Err(SqlError::new("Invalid date")),
            },
            Self::ToNumber => first.as_number()?.map_or(Cell::Null, Cell::Number),
            Self::Upper => text(first, env, |it| it.to_uppercase())?,
            Self::Lower => text(first, env, |it| it.to_lowercase())?,
            Self::Trim => text(first, env, |it| it.trim().to_owned())?,
            Self::Length => {
                let text = as_text(first, env)?.unwrap_or_default();
                super::cell::int(text.chars().count() as u64)
            }
            Self::Substr => substr(first, &value(1)?, &value(2)?, env)?,
            Self::Abs => number(&first, |it| if it.is_negative() { -it } else { it })?,
            Self::Round => {
                let places = value(1)?.as_number()?.unwrap_or_default().to_string().parse().unwrap_or(0);
                number(&first, |it| it.round(places))?
            }
            Self::Trunc => match first {
                Cell::Moment(at) => Cell::Moment(midnight(at, env.scene.zone())?),
                other => number(&other, |it| if it.is_negative() { -(-it).floor() } else { it.floor() })?,
            },
            Self::Mod => modulo(&first, &value(1)?)?,
            Self::Greatest | Self::Least => self.extreme(arguments, env)?,
            Self::Nvl | Self::Nvl2 => Cell::Null,
        })
    }
}

impl Function {
    /// The greatest or the least of its arguments.
    fn extreme<'a>(&self, arguments: &'a [Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
        let values: Vec<Cell<'a>> = arguments.iter().map(|it| it.eval(env)).collect::<Result<_, _>>()?;
        if values.contains(&Cell::Null) {
            return Ok(Cell::Null);
        }
        let values = values.into_iter();
        let extreme = if *self == Self::Greatest { values.max_by(Cell::sort) } else { values.min_by(Cell::sort) };
        Ok(extreme.unwrap_or(Cell::Null))
    }
}

fn first_known<'a>(arguments: &'a [Expr], env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
    for argument in arguments {
        let value = argument.eval(env)?;
        if value != Cell::Null {
            return Ok(value);
        }
    }
    Ok(Cell::Null)
}

/// `MOD`: what is left of a division towards zero; of one by zero, everything.
fn modulo<'a>(cell: &Cell<'_>, by: &Cell<'_>) -> Result<Cell<'a>, SqlError> {
    let (Some(number), Some(by)) = (cell.as_number()?, by.as_number()?) else { return Ok(Cell::Null) };
    let wide = |it: Decimal| it.to_string().parse::<rust_decimal::Decimal>().ok();
    let left =
        wide(number).zip(wide(by)).and_then(|(a, b)| a.checked_rem(b)).and_then(|it| it.to_string().parse().ok());
    Ok(Cell::Number(left.unwrap_or(number)))
}

fn text<'a>(cell: Cell<'a>, env: &Env<'a, '_>, f: impl Fn(&str) -> String) -> Result<Cell<'a>, SqlError> {
    Ok(as_text(cell, env)?.map_or(Cell::Null, |it| owned(f(&it))))
}

fn number<'a>(cell: &Cell<'_>, f: impl Fn(Decimal) -> Decimal) -> Result<Cell<'a>, SqlError> {
    Ok(cell.as_number()?.map_or(Cell::Null, |it| Cell::Number(f(it))))
}

/// `SUBSTR`: from 1; from the end when below zero.
fn substr<'a>(cell: Cell<'a>, from: &Cell<'_>, n: &Cell<'_>, env: &Env<'a, '_>) -> Result<Cell<'a>, SqlError> {
    let whole = |cell: &Cell<'_>| -> Result<Option<i64>, SqlError> {
        Ok(cell.as_number()?.and_then(|it| it.floor().to_string().parse().ok()))
    };
    let text = as_text(cell, env)?.unwrap_or_default();
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let from = whole(from)?.unwrap_or(1);
    let skip = if from < 0 { length.saturating_add(from) } else { (from - 1).max(0) };
    let n = whole(n)?.unwrap_or(length).max(0);
    let Ok(skip) = usize::try_from(skip) else { return Ok(Cell::Null) };
    Ok(owned(text.chars().skip(skip).take(usize::try_from(n).unwrap_or(0)).collect()))
}

/// The account's own date format, which has no time.
pub(super) fn account_date(moment: i64, zone: &TimeZone) -> Result<String, SqlError> {
    let at = Timestamp::from_second(moment).map_err(|it| SqlError::new(it.to_string()))?;
    let at = zone.to_datetime(at);
    Ok(format!("{}/{}/{}", at.month(), at.day(), at.year()))
}

fn midnight(moment: i64, zone: &TimeZone) -> Result<i64, SqlError> {
    let broken = |it: jiff::Error| SqlError::new(it.to_string());
    let at = zone.to_datetime(Timestamp::from_second(moment).map_err(broken)?);
    Ok(at.date().to_zoned(zone.clone()).map_err(broken)?.timestamp().as_second())
}

/// `LIKE`: `%` is any text, `_` any character. Greedy with one way back, so that it stays linear in practice.
pub(super) fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern, mut back) = (0, 0, None);
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                back = Some((at, in_pattern));
                in_pattern += 1;
            }
            Some(it) if *it == '_' || *it == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((from, star)) = back else { return false };
                back = Some((from + 1, star));
                at = from + 1;
                in_pattern = star + 1;
            }
        }
    }
    pattern[in_pattern..].iter().all(|it| *it == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_wildcards() {
        for (text, pattern, expect) in [
            ("BOLT-8", "BOLT%", true),
            ("BOLT-8", "%8", true),
            ("BOLT-8", "B_LT-_", true),
            ("BOLT-8", "bolt%", false),
            ("aXbXc", "%X%c", true),
            ("aXbXc", "%X%d", false),
            ("", "%", true),
            ("", "_", false),
        ] {
            assert_eq!(like(text, pattern), expect, "{text} like {pattern}");
        }
    }
}
