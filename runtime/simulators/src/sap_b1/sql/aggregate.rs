//! Functions over many rows.

use truthsource_core::Decimal;
use truthsource_core::decimal::SCALE_MAX;

use super::Fault;
use super::cell::Cell;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    CountDistinct,
    Max,
    Min,
    Sum,
    Avg,
}

impl Aggregate {
    pub(super) fn of<'a>(self, values: Vec<Cell<'a>>) -> Result<Cell<'a>, Fault> {
        let mut known: Vec<Cell<'a>> = values.into_iter().filter(|it| *it != Cell::Null).collect();
        let count = |n: usize| Cell::Int(i64::try_from(n).unwrap_or(i64::MAX));
        Ok(match self {
            Self::Count => count(known.len()),
            Self::CountDistinct => {
                known.sort_by(Cell::sort);
                known.dedup();
                count(known.len())
            }
            Self::Max => known.into_iter().max_by(Cell::sort).unwrap_or(Cell::Null),
            Self::Min => known.into_iter().min_by(Cell::sort).unwrap_or(Cell::Null),
            Self::Sum | Self::Avg if known.is_empty() => Cell::Null,
            Self::Sum => Cell::Number(sum(&known)?),
            Self::Avg => {
                let n = Decimal::new(i64::try_from(known.len()).unwrap_or(i64::MAX), 0).unwrap_or(Decimal::ONE);
                Cell::Number(divide(sum(&known)?, n)?)
            }
        })
    }
}

fn sum(values: &[Cell<'_>]) -> Result<Decimal, Fault> {
    values.iter().try_fold(Decimal::ZERO, |sum, it| {
        let number = it.number().ok_or_else(|| Fault::Grammar("a number was expected".to_owned()))?;
        sum.checked_add(number).ok_or_else(|| Fault::Grammar("numeric overflow".to_owned()))
    })
}

/// A quotient, rounded where a decimal ends.
pub(super) fn divide(a: Decimal, b: Decimal) -> Result<Decimal, Fault> {
    let wide = |it: Decimal| it.to_string().parse::<rust_decimal::Decimal>().ok();
    let quotient = wide(a).zip(wide(b)).and_then(|(a, b)| a.checked_div(b));
    let quotient = quotient.and_then(|it| it.round_dp(SCALE_MAX).to_string().parse().ok());
    quotient.ok_or_else(|| Fault::Grammar("division by zero or numeric overflow".to_owned()))
}
