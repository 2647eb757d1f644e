//! Which part of a table a condition can be true in, so that the rest is not looked at.

use super::cell::Cell;
use super::expr::{Comparison, Env, Expr};
use super::tables::Span;

impl Span {
    fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    fn or(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// The values of the column `lead` of table `source` outside of which `expr` cannot be true. Rows of the tables
/// before it are in `env`.
pub(super) fn of<'a>(expr: &'a Expr, (source, lead): (usize, &str), env: &Env<'a, '_>) -> Span {
    match expr {
        Expr::And(parts) => parts.iter().map(|it| of(it, (source, lead), env)).fold(Span::ALL, Span::and),
        Expr::Or(parts) => {
            let spans = parts.iter().map(|it| of(it, (source, lead), env));
            spans.reduce(Span::or).unwrap_or(Span::ALL)
        }
        Expr::Compare(comparison, left, right) => {
            if is_lead(left, source, lead) {
                compared(*comparison, whole(right, source, env))
            } else if is_lead(right, source, lead) {
                compared(mirrored(*comparison), whole(left, source, env))
            } else {
                Span::ALL
            }
        }
        Expr::In(inner, list) if is_lead(inner, source, lead) => {
            let values: Option<Vec<i64>> = list.iter().map(|it| whole(it, source, env)).collect();
            let Some(values) = values else { return Span::ALL };
            let ends = values.iter().min().zip(values.iter().max());
            ends.map_or(Span::ALL, |(first, last)| Span { first: *first, last: *last })
        }
        _ => Span::ALL,
    }
}

fn is_lead(expr: &Expr, source: usize, lead: &str) -> bool {
    matches!(expr, Expr::Column(at, column) if *at == source && column.name == lead)
}

/// The whole number that an expression over earlier tables comes to.
fn whole<'a>(expr: &'a Expr, source: usize, env: &Env<'a, '_>) -> Option<i64> {
    let is_known = match expr {
        Expr::Literal(_) => true,
        Expr::Column(at, _) => *at < source,
        _ => false,
    };
    if !is_known {
        return None;
    }
    match expr.eval(env).ok()? {
        Cell::Int(it) => Some(it),
        Cell::Number(it) if it.parts().1 == 0 => Some(it.parts().0),
        _ => None,
    }
}

fn compared(comparison: Comparison, value: Option<i64>) -> Span {
    let Some(value) = value else { return Span::ALL };
    match comparison {
        Comparison::Equal => Span { first: value, last: value },
        Comparison::Less => Span { last: value.saturating_sub(1), ..Span::ALL },
        Comparison::LessOrEqual => Span { last: value, ..Span::ALL },
        Comparison::Greater => Span { first: value.saturating_add(1), ..Span::ALL },
        Comparison::GreaterOrEqual => Span { first: value, ..Span::ALL },
        Comparison::NotEqual => Span::ALL,
    }
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}
