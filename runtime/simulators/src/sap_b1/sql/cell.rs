//! Values inside a query.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::civil::Date;
use truthsource_core::Decimal;

use crate::sap_b1::shape::{Datum, day};

/// A value of a column or an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    /// What a condition came to. Never a column's value.
    Truth(bool),
    Int(i64),
    Number(Decimal),
    Text(Cow<'a, str>),
    Day(Date),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn maybe(text: &'a Option<String>) -> Self {
        text.as_deref().map_or(Self::Null, Self::text)
    }

    /// The letter of a flag.
    pub(super) fn flag(flag: bool) -> Self {
        Self::text(if flag { "Y" } else { "N" })
    }

    pub(super) fn of(datum: &'a Datum<'static>) -> Self {
        match datum {
            Datum::Null | Datum::Time(_) => Self::Null,
            Datum::Text(it) => Self::text(it),
            Datum::Int(it) => Self::Int(*it),
            Datum::Double(it) => Self::Number(*it),
            Datum::Date(it) => Self::Day(*it),
            Datum::Member(it) => Self::text(it),
        }
    }

    /// The number a value stands for; `None`: it stands for none.
    pub(super) fn number(&self) -> Option<Decimal> {
        match self {
            Self::Int(it) => Decimal::new(*it, 0).ok(),
            Self::Number(it) => Some(*it),
            Self::Text(it) => it.trim().parse().ok(),
            Self::Null | Self::Truth(_) | Self::Day(_) => None,
        }
    }

    /// How two values compare; `None` when either is null, or they do not go together. A text beside a day is a day.
    pub(super) fn compare(&self, other: &Cell<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Cell::Null) => None,
            (Self::Text(a), Cell::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::Day(a), Cell::Day(b)) => Some(a.cmp(b)),
            (Self::Day(a), Cell::Text(b)) => Some(a.cmp(&day(b)?)),
            (Self::Text(a), Cell::Day(b)) => Some(day(a)?.cmp(b)),
            (a, b) => Some(a.number()?.cmp(&b.number()?)),
        }
    }

    /// The order in ORDER BY: nulls first.
    pub(super) fn sort(&self, other: &Cell<'_>) -> Ordering {
        match (matches!(self, Self::Null), matches!(other, Cell::Null)) {
            (false, false) => self.compare(other).unwrap_or(Ordering::Equal),
            (is_null, other_is_null) => other_is_null.cmp(&is_null),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Truth(true))
    }

    /// The same value on its own.
    pub(super) fn into_static(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Truth(it) => Cell::Truth(it),
            Self::Int(it) => Cell::Int(it),
            Self::Number(it) => Cell::Number(it),
            Self::Text(it) => Cell::Text(Cow::Owned(it.into_owned())),
            Self::Day(it) => Cell::Day(it),
        }
    }

    /// The text of a value where text is needed.
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Null | Self::Truth(_) => None,
            Self::Int(it) => Some(it.to_string()),
            Self::Number(it) => Some(it.to_string()),
            Self::Text(it) => Some(it.to_string()),
            Self::Day(it) => Some(it.to_string()),
        }
    }
}
