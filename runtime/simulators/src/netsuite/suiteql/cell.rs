//! Values inside a query.

use std::borrow::Cow;
use std::cmp::Ordering;

use truthsource_core::{Decimal, UnixMs};

/// A value of a column or an expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::netsuite) enum Cell<'a> {
    Null,
    /// What a condition came to. Never a column's value.
    Truth(bool),
    Int(i64),
    Number(Decimal),
    Text(Cow<'a, str>),
    /// Seconds since 1970 UTC: SuiteQL sees no finer grain.
    Moment(i64),
}

/// A query that cannot be answered, in the words of the search engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::netsuite) struct SqlError(pub String);

impl SqlError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

pub(super) fn int<'a>(id: u64) -> Cell<'a> {
    Cell::Int(i64::try_from(id).unwrap_or(i64::MAX))
}

pub(super) fn number<'a>(number: Decimal) -> Cell<'a> {
    Cell::Number(number)
}

pub(super) fn text(text: &str) -> Cell<'_> {
    // The database knows no empty text.
    if text.is_empty() { Cell::Null } else { Cell::Text(Cow::Borrowed(text)) }
}

pub(super) fn maybe<T: AsRef<str>>(optional: &Option<T>) -> Cell<'_> {
    optional.as_ref().map_or(Cell::Null, |it| text(it.as_ref()))
}

pub(super) fn owned<'a>(text: String) -> Cell<'a> {
    if text.is_empty() { Cell::Null } else { Cell::Text(Cow::Owned(text)) }
}

pub(super) fn flag<'a>(flag: bool) -> Cell<'a> {
    Cell::Text(Cow::Borrowed(if flag { "T" } else { "F" }))
}

pub(super) fn moment<'a>(at: UnixMs) -> Cell<'a> {
    Cell::Moment(i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX))
}

impl<'a> Cell<'a> {
    /// The number a value stands for, as the database converts it when a number is needed.
    pub(super) fn as_number(&self) -> Result<Option<Decimal>, SqlError> {
        match self {
            Cell::Null => Ok(None),
            Cell::Int(whole) => Decimal::new(*whole, 0).map(Some).map_err(|it| SqlError::new(it.to_string())),
            Cell::Number(number) => Ok(Some(*number)),
            Cell::Text(text) => text.trim().parse().map(Some).map_err(|_| SqlError::new("Invalid number")),
            Cell::Truth(_) | Cell::Moment(_) => Err(SqlError::new("Invalid number")),
        }
    }

    /// How two values compare; `None` when either is null.
    pub(super) fn compare(&self, other: &Cell<'_>) -> Result<Option<Ordering>, SqlError> {
        Ok(match (self, other) {
            (Cell::Null, _) | (_, Cell::Null) => None,
            (Cell::Int(a), Cell::Int(b)) | (Cell::Moment(a), Cell::Moment(b)) => Some(a.cmp(b)),
            (Cell::Text(a), Cell::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Cell::Moment(_), _) | (_, Cell::Moment(_)) => {
                return Err(SqlError::new("Invalid date: compare dates with TO_DATE or TO_TIMESTAMP"));
            }
            (a, b) => match (a.as_number()?, b.as_number()?) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => None,
            },
        })
    }

    /// The order in ORDER BY, nulls last.
    pub(super) fn sort(&self, other: &Cell<'_>) -> Ordering {
        match (matches!(self, Cell::Null), matches!(other, Cell::Null)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            // Values of one expression have one type, so that the comparison cannot fail.
            (false, false) => self.compare(other).ok().flatten().unwrap_or(Ordering::Equal),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Cell::Truth(true))
    }

    pub(super) fn into_static(self) -> Cell<'static> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Truth(it) => Cell::Truth(it),
            Cell::Int(it) => Cell::Int(it),
            Cell::Number(it) => Cell::Number(it),
            Cell::Text(it) => Cell::Text(Cow::Owned(it.into_owned())),
            Cell::Moment(it) => Cell::Moment(it),
        }
    }
}
