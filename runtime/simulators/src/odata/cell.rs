//! Values: of properties and of literals, and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use truthsource_core::{Decimal, UnixMs};

use super::problem::What;

/// A GUID, big-endian: prints and orders as its 32 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub u128);

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(String),
    Number(Decimal),
    Flag(bool),
    /// A date-time with an offset. Version 3's `datetime'…'` without one counts as UTC.
    Instant(Timestamp),
    Date(Date),
    Time(Time),
    Guid(Guid),
    /// A member of an enumeration: compares as text, too. Of a literal, `ty` is the name before the quote; of a
    /// property it may stay empty, then it goes with every type.
    Enum {
        ty: String,
        member: String,
    },
}

/// Whether `'a'` is `'A'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Sensitive,
    Insensitive,
}

/// How values compare at a service; see [`Dialect::rules`](super::Dialect::rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub case: Case,
    /// A text compares with a date, time or date-time by what it spells, and a date knows no time of day: that part of
    /// the other side is ignored. Without: only a date becomes a date-time, its first moment in UTC.
    pub quoted_dates: bool,
    /// A text compares with a GUID.
    pub quoted_guids: bool,
}

impl From<UnixMs> for Cell {
    fn from(at: UnixMs) -> Self {
        let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
        Self::Instant(Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Decimal> for Cell {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Guid> for Cell {
    fn from(guid: Guid) -> Self {
        Self::Guid(guid)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    /// The type's name in OData's model.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text(_) => "Edm.String",
            Self::Number(_) => "Edm.Decimal",
            Self::Flag(_) => "Edm.Boolean",
            Self::Instant(_) => "Edm.DateTimeOffset",
            Self::Date(_) => "Edm.Date",
            Self::Time(_) => "Edm.TimeOfDay",
            Self::Guid(_) => "Edm.Guid",
            Self::Enum { .. } => "Edm.EnumType",
        }
    }

    /// Where it stands among cells of any type: null first, then type by type.
    pub(super) fn total_order(&self, other: &Self, rules: &Rules) -> Ordering {
        match (self, other) {
            (Self::Text(a) | Self::Enum { member: a, .. }, Self::Text(b) | Self::Enum { member: b, .. }) => {
                rules.text(a, b)
            }
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Guid(a), Self::Guid(b)) => a.cmp(b),
            (a, b) => match (a.moment(), b.moment()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.rank().cmp(&b.rank()),
            },
        }
    }

    fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(*at),
            Self::Date(date) => midnight(*date),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Flag(_) => 1,
            Self::Number(_) => 2,
            Self::Instant(_) | Self::Date(_) => 3,
            Self::Time(_) => 4,
            Self::Guid(_) => 5,
            Self::Text(_) | Self::Enum { .. } => 6,
        }
    }
}

impl Rules {
    /// How two values that are not null compare.
    pub(super) fn order(&self, a: &Cell, b: &Cell) -> Result<Ordering, What> {
        let mismatch = || What::Mismatch { left: a.type_name(), right: b.type_name() };
        Ok(match (a, b) {
            (Cell::Text(a), Cell::Text(b) | Cell::Enum { member: b, .. })
            | (Cell::Enum { member: a, .. }, Cell::Text(b)) => self.text(a, b),
            (Cell::Enum { ty: x, member: a }, Cell::Enum { ty: y, member: b }) => {
                if x != y && !x.is_empty() && !y.is_empty() {
                    return Err(mismatch());
                }
                self.text(a, b)
            }
            (Cell::Number(a), Cell::Number(b)) => a.cmp(b),
            (Cell::Flag(a), Cell::Flag(b)) => a.cmp(b),
            (Cell::Instant(a), Cell::Instant(b)) => a.cmp(b),
            (Cell::Date(a), Cell::Date(b)) => a.cmp(b),
            (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
            (Cell::Guid(a), Cell::Guid(b)) => a.cmp(b),
            (Cell::Text(text), typed) => self.order(&self.read(text, typed, mismatch)?, typed)?,
            (typed, Cell::Text(text)) => self.order(typed, &self.read(text, typed, mismatch)?)?,
            (Cell::Date(a), Cell::Instant(b)) if self.quoted_dates => a.cmp(&TimeZone::UTC.to_datetime(*b).date()),
            (Cell::Instant(a), Cell::Date(b)) if self.quoted_dates => TimeZone::UTC.to_datetime(*a).date().cmp(b),
            (Cell::Date(_), Cell::Instant(_)) | (Cell::Instant(_), Cell::Date(_)) => a.moment().cmp(&b.moment()),
            _ => return Err(mismatch()),
        })
    }

    /// The value that `text` spells, of the type of `typed`.
    fn read(&self, text: &str, typed: &Cell, mismatch: impl Fn() -> What) -> Result<Cell, What> {
        match typed {
            Cell::Guid(_) if self.quoted_guids => text.parse().map(Cell::Guid).map_err(|_| What::Malformed("GUID")),
            Cell::Date(_) if self.quoted_dates => date(text).map(Cell::Date).ok_or(What::Malformed("date")),
            Cell::Instant(_) if self.quoted_dates => {
                let at = instant(text).or_else(|| local(text));
                at.map(Cell::Instant).ok_or(What::Malformed("date-time"))
            }
            Cell::Time(_) if self.quoted_dates => {
                text.parse().map(Cell::Time).map_err(|_| What::Malformed("time of day"))
            }
            _ => Err(mismatch()),
        }
    }

    pub(super) fn text(&self, a: &str, b: &str) -> Ordering {
        match self.case {
            Case::Sensitive => a.cmp(b),
            Case::Insensitive => {
                let (a, b) = (a.chars().flat_map(char::to_lowercase), b.chars().flat_map(char::to_lowercase));
                a.cmp(b)
            }
        }
    }

    /// A text for searching in or for.
    pub(super) fn folded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.case {
            Case::Sensitive => Cow::Borrowed(text),
            Case::Insensitive => Cow::Owned(text.chars().flat_map(char::to_lowercase).collect()),
        }
    }
}

/// A date-time with an offset, in the years 0 to 9999.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let is_dated = text.as_bytes().get(..4).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let at: Timestamp = text.parse().ok().filter(|_| is_dated && !text.contains('['))?;
    (TimeZone::UTC.to_datetime(at).year() >= 0).then_some(at)
}

/// A date-time or date without an offset, taken as UTC; with one, see [`instant`].
pub(super) fn local(text: &str) -> Option<Timestamp> {
    if let Some(at) = instant(text) {
        return Some(at);
    }
    let day = date(text)?;
    let Some((_, time)) = text.split_once(['T', ' ']) else { return midnight(day) };
    moment(day.to_datetime(time.parse().ok()?))
}

fn midnight(date: Date) -> Option<Timestamp> {
    moment(date.to_datetime(Time::midnight()))
}

fn moment(at: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(at).ok()
}

/// `2026-11-01` or `20261101`; what follows as a time of day counts for nothing.
fn date(text: &str) -> Option<Date> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let is_shaped = |shape: &str| {
        day.len() == shape.len()
            && shape.bytes().zip(day.bytes()).all(|(a, b)| if a == b'0' { b.is_ascii_digit() } else { a == b })
    };
    (is_shaped("0000-00-00") || is_shaped("00000000")).then(|| day.parse().ok()).flatten()
}

/// A text is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID")]
pub struct NoGuid;

impl Guid {
    /// The length of its text.
    pub(super) const LENGTH: usize = 36;
}

impl FromStr for Guid {
    type Err = NoGuid;

    fn from_str(text: &str) -> Result<Self, NoGuid> {
        if text.len() != Self::LENGTH {
            return Err(NoGuid);
        }
        text.bytes().enumerate().try_fold(Self(0), |Self(bits), (at, byte)| match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => Ok(Self(bits)),
            (8 | 13 | 18 | 23, _) => Err(NoGuid),
            (_, digit) => char::from(digit).to_digit(16).map(|it| Self(bits << 4 | u128::from(it))).ok_or(NoGuid),
        })
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}
