//! Conditions and values, written.

use std::fmt::{self, Display, Formatter};

use super::cell::Cell;
use super::dialect::Version;
use super::expr::Expr;

/// A condition in a version's spelling.
#[derive(Debug, Clone, Copy)]
pub struct Printed<'a> {
    expr: &'a Expr,
    version: Version,
}

impl Expr {
    /// As a version spells it, with no more parentheses than needed.
    #[must_use]
    pub fn printed(&self, version: Version) -> Printed<'_> {
        Printed { expr: self, version }
    }

    /// How tight its outermost operator binds.
    fn level(&self) -> u8 {
        match self {
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Compare { comparison, .. } => comparison.level(),
            Self::In { .. } => 4,
            Self::Arithmetic { operator, .. } => operator.level(),
            Self::Not(..) | Self::Negate(..) => 7,
            Self::Literal(..) | Self::Property(_) | Self::Call { .. } | Self::Lambda { .. } => 8,
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.printed(Version::V4).fmt(f)
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.expr {
            Expr::Literal(cell, _) => literal(f, cell, self.version),
            Expr::Property(property) => f.write_str(&property.name()),
            Expr::Not(inner, _) => {
                f.write_str("not ")?;
                self.part(f, inner, 7)
            }
            Expr::Negate(inner, _) => {
                f.write_str("-")?;
                // A minus before digits is part of the number.
                let level_min = if matches!(**inner, Expr::Literal(..)) { 9 } else { 7 };
                self.part(f, inner, level_min)
            }
            Expr::And(parts) => self.list(f, parts, " and ", 3),
            Expr::Or(parts) => self.list(f, parts, " or ", 2),
            Expr::Compare { comparison, left, right, .. } => {
                self.pair(f, left, comparison.name(), right, comparison.level())
            }
            Expr::Arithmetic { operator, left, right, .. } => {
                self.pair(f, left, operator.name(), right, operator.level())
            }
            Expr::In { value, list, .. } => {
                self.part(f, value, 4)?;
                f.write_str(" in (")?;
                self.list(f, list, ",", 1)?;
                f.write_str(")")
            }
            Expr::Call { function, arguments, .. } => {
                write!(f, "{}(", function.name())?;
                self.list(f, arguments, ",", 1)?;
                f.write_str(")")
            }
            Expr::Lambda { quantifier, collection, variable, condition } => {
                write!(f, "{}/{}(", collection.name(), quantifier.name())?;
                if let Some(condition) = condition {
                    write!(f, "{variable}:")?;
                    self.part(f, condition, 1)?;
                }
                f.write_str(")")
            }
        }
    }
}

impl Printed<'_> {
    /// An operand, in parentheses unless it binds at least as tight as `level_min`.
    fn part(&self, f: &mut Formatter<'_>, expr: &Expr, level_min: u8) -> fmt::Result {
        let printed = expr.printed(self.version);
        if expr.level() >= level_min { printed.fmt(f) } else { write!(f, "({printed})") }
    }

    fn pair(&self, f: &mut Formatter<'_>, left: &Expr, word: &str, right: &Expr, level: u8) -> fmt::Result {
        self.part(f, left, level)?;
        write!(f, " {word} ")?;
        self.part(f, right, level + 1)
    }

    fn list(&self, f: &mut Formatter<'_>, parts: &[Expr], between: &str, level_min: u8) -> fmt::Result {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(between)?;
            }
            self.part(f, part, level_min)?;
        }
        Ok(())
    }
}

fn literal(f: &mut Formatter<'_>, cell: &Cell, version: Version) -> fmt::Result {
    match (cell, version) {
        (Cell::Null, _) => f.write_str("null"),
        (Cell::Text(text), _) => write!(f, "'{}'", text.replace('\'', "''")),
        (Cell::Number(number), _) => number.fmt(f),
        (Cell::Flag(flag), _) => flag.fmt(f),
        (Cell::Instant(at), Version::V3) => write!(f, "datetimeoffset'{at}'"),
        (Cell::Instant(at), Version::V4) => at.fmt(f),
        (Cell::Date(date), Version::V3) => write!(f, "datetime'{date}'"),
        (Cell::Date(date), Version::V4) => date.fmt(f),
        (Cell::Time(time), Version::V3) => write!(f, "'{time}'"),
        (Cell::Time(time), Version::V4) => time.fmt(f),
        (Cell::Guid(guid), Version::V3) => write!(f, "guid'{guid}'"),
        (Cell::Guid(guid), Version::V4) => guid.fmt(f),
        (Cell::Enum { ty, member }, _) => write!(f, "{ty}'{}'", member.replace('\'', "''")),
    }
}
