//! Functions in conditions.

use std::ops::RangeInclusive;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use truthsource_core::Decimal;

use super::cell::{Cell, Rules};
use super::problem::What;

/// A function that a condition may call, if the dialect has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    StartsWith,
    EndsWith,
    Contains,
    /// Version 3's `substringof(part, whole)`.
    SubstringOf,
    IndexOf,
    Length,
    Substring,
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Date,
    Round,
    Floor,
    Ceiling,
}

/// Name, signature and number of arguments of every function.
const TABLE: &[(Function, &str, &str, RangeInclusive<usize>)] = &[
    (Function::StartsWith, "startswith", "startswith(text, start)", 2..=2),
    (Function::EndsWith, "endswith", "endswith(text, end)", 2..=2),
    (Function::Contains, "contains", "contains(text, part)", 2..=2),
    (Function::SubstringOf, "substringof", "substringof(part, text)", 2..=2),
    (Function::IndexOf, "indexof", "indexof(text, part)", 2..=2),
    (Function::Length, "length", "length(text)", 1..=1),
    (Function::Substring, "substring", "substring(text, start) or substring(text, start, length)", 2..=3),
    (Function::ToLower, "tolower", "tolower(text)", 1..=1),
    (Function::ToUpper, "toupper", "toupper(text)", 1..=1),
    (Function::Trim, "trim", "trim(text)", 1..=1),
    (Function::Concat, "concat", "concat(text, text)", 2..=2),
    (Function::Year, "year", "year(date)", 1..=1),
    (Function::Month, "month", "month(date)", 1..=1),
    (Function::Day, "day", "day(date)", 1..=1),
    (Function::Hour, "hour", "hour(date-time)", 1..=1),
    (Function::Minute, "minute", "minute(date-time)", 1..=1),
    (Function::Second, "second", "second(date-time)", 1..=1),
    (Function::Date, "date", "date(date-time)", 1..=1),
    (Function::Round, "round", "round(number)", 1..=1),
    (Function::Floor, "floor", "floor(number)", 1..=1),
    (Function::Ceiling, "ceiling", "ceiling(number)", 1..=1),
];

impl Function {
    /// All of version 4's that are known here.
    pub const ALL_V4: &'static [Self] = &[
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
        Self::IndexOf,
        Self::Length,
        Self::Substring,
        Self::ToLower,
        Self::ToUpper,
        Self::Trim,
        Self::Concat,
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Date,
        Self::Round,
        Self::Floor,
        Self::Ceiling,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|it| it.1 == name).map(|it| it.0)
    }

    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|it| it.0 == self).map_or("", |it| it.1)
    }

    pub(super) fn signature(self) -> &'static str {
        TABLE.iter().find(|it| it.0 == self).map_or("", |it| it.2)
    }

    pub(super) fn takes(self, arguments: usize) -> bool {
        TABLE.iter().any(|it| it.0 == self && it.3.contains(&arguments))
    }

    /// Its value; null of anything null.
    pub(super) fn apply(self, arguments: &[Cell], rules: &Rules) -> Result<Cell, What> {
        let [first, rest @ ..] = arguments else { return Ok(Cell::Null) };
        if arguments.contains(&Cell::Null) {
            return Ok(Cell::Null);
        }
        let second = rest.first().unwrap_or(&Cell::Null);
        match self {
            Self::StartsWith | Self::EndsWith | Self::Contains => self.finds(text(first)?, text(second)?, rules),
            Self::SubstringOf => Self::Contains.finds(text(second)?, text(first)?, rules),
            Self::IndexOf => {
                let (whole, part) = (rules.folded(text(first)?), rules.folded(text(second)?));
                let index = whole.find(&*part).map(|it| whole[..it].chars().count());
                index.map_or(Ok(Cell::Number(Decimal::from(-1))), count)
            }
            Self::Length => count(text(first)?.chars().count()),
            Self::Substring => substring(text(first)?, second, rest.get(1)),
            Self::ToLower => Ok(Cell::Text(text(first)?.to_lowercase())),
            Self::ToUpper => Ok(Cell::Text(text(first)?.to_uppercase())),
            Self::Trim => Ok(Cell::Text(text(first)?.trim().to_owned())),
            Self::Concat => Ok(Cell::Text([text(first)?, text(second)?].concat())),
            Self::Round => Ok(Cell::Number(number(first)?.round(0))),
            Self::Floor => Ok(Cell::Number(number(first)?.floor())),
            Self::Ceiling => Ok(Cell::Number(-(-number(first)?).floor())),
            Self::Year | Self::Month | Self::Day | Self::Hour | Self::Minute | Self::Second | Self::Date => {
                self.part_of(first)
            }
        }
    }

    fn finds(self, whole: &str, part: &str, rules: &Rules) -> Result<Cell, What> {
        let (whole, part) = (rules.folded(whole), rules.folded(part));
        Ok(Cell::Flag(match self {
            Self::StartsWith => whole.starts_with(&*part),
            Self::EndsWith => whole.ends_with(&*part),
            _ => whole.contains(&*part),
        }))
    }

    /// Of a date or a date-time, in UTC.
    fn part_of(self, cell: &Cell) -> Result<Cell, What> {
        let (date, time) = match cell {
            Cell::Instant(at) => {
                let at: DateTime = TimeZone::UTC.to_datetime(*at);
                (Some(at.date()), Some(at.time()))
            }
            Cell::Date(date) => (Some(*date), None),
            Cell::Time(time) => (None, Some(*time)),
            _ => (None, None),
        };
        let part = match self {
            Self::Date => return date.map(Cell::Date).ok_or_else(|| wanted("Edm.DateTimeOffset", cell)),
            Self::Year => date.map(|it| i32::from(it.year())),
            Self::Month => date.map(|it| i32::from(it.month())),
            Self::Day => date.map(|it| i32::from(it.day())),
            Self::Hour => time.map(|it| i32::from(it.hour())),
            Self::Minute => time.map(|it| i32::from(it.minute())),
            _ => time.map(|it| i32::from(it.second())),
        };
        part.map(|it| Cell::Number(Decimal::from(it))).ok_or_else(|| wanted("Edm.DateTimeOffset", cell))
    }
}

fn wanted(wanted: &'static str, cell: &Cell) -> What {
    What::Type { wanted, found: cell.type_name() }
}

fn text(cell: &Cell) -> Result<&str, What> {
    match cell {
        Cell::Text(text) | Cell::Enum { member: text, .. } => Ok(text),
        other => Err(wanted("Edm.String", other)),
    }
}

fn number(cell: &Cell) -> Result<Decimal, What> {
    if let Cell::Number(number) = cell { Ok(*number) } else { Err(wanted("Edm.Decimal", cell)) }
}

fn count(n: usize) -> Result<Cell, What> {
    u32::try_from(n).map(|it| Cell::Number(Decimal::from(it))).map_err(|_| What::Overflow)
}

/// From a character on; a start below zero is zero, one past the end leaves nothing.
fn substring(text: &str, start: &Cell, length: Option<&Cell>) -> Result<Cell, What> {
    let whole = |cell: &Cell| -> Result<usize, What> {
        let (mantissa, scale) = number(cell)?.parts();
        if scale > 0 { Err(wanted("Edm.Int32", cell)) } else { Ok(usize::try_from(mantissa).unwrap_or(0)) }
    };
    let rest = text.chars().skip(whole(start)?);
    Ok(Cell::Text(match length {
        None => rest.collect(),
        Some(length) => rest.take(whole(length)?).collect(),
    }))
}
