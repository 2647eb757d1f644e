//! The pricing world.

use super::records::{decimal_in, decimal_out};
use crate::bindings::pricing::exports::truthsource::pricing_rule::pricing as wit;
use crate::error::Misfit;
use crate::model::{Basket, Line, PriceBreak, Priced};

/// The most lines of one basket: the contract's number.
pub const LINES_MAX: usize = 1_000;
/// The most digits after the point of a price: the contract's number.
pub const PRICE_SCALE_MAX: u32 = 6;

pub(crate) fn basket_out(basket: &Basket) -> Result<wit::Basket, Misfit> {
    if basket.lines.len() > LINES_MAX {
        return Err(Misfit::new("lines", format!("more than {LINES_MAX}")));
    }
    Ok(wit::Basket {
        company: basket.company.clone(),
        currency: basket.currency.clone(),
        at_ms: basket.at.0,
        lines: basket.lines.iter().map(line_out).collect(),
    })
}

fn line_out(line: &Line) -> wit::Line {
    wit::Line {
        item: line.item.clone(),
        quantity: decimal_out(line.quantity),
        list_price: decimal_out(line.list_price),
        breaks: line.breaks.iter().map(break_out).collect(),
    }
}

fn break_out(it: &PriceBreak) -> wit::PriceBreak {
    wit::PriceBreak { from_quantity: decimal_out(it.from_quantity), unit_price: decimal_out(it.unit_price) }
}

pub(crate) fn priced_in(lines: usize, answers: Vec<wit::Priced>) -> Result<Vec<Priced>, Misfit> {
    super::one_each(lines, answers.len())?;
    let numbered = answers.into_iter().enumerate();
    numbered.map(|(at, answer)| one_in(answer).map_err(|it| it.within(&format!("line {at}")))).collect()
}

fn one_in(answer: wit::Priced) -> Result<Priced, Misfit> {
    let unit_price = decimal_in("unit-price", &answer.unit_price)?;
    if unit_price.is_negative() {
        return Err(Misfit::new("unit-price", "below zero"));
    }
    if unit_price.parts().1 > PRICE_SCALE_MAX {
        return Err(Misfit::new("unit-price", format!("more than {PRICE_SCALE_MAX} digits after the point")));
    }
    Ok(Priced { unit_price, reason: super::reason("reason", answer.reason)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::connector::truthsource::types::records::Decimal;

    fn check(mantissa: i64, scale: u8, reason: &str, expect: &str) {
        let answer = wit::Priced { unit_price: Decimal { mantissa, scale }, reason: reason.to_owned() };
        let seen = priced_in(1, vec![answer]).map_or_else(|it| it.to_string(), |_| "fits".to_owned());
        assert_eq!(seen, expect);
    }

    #[test]
    fn g13_impossible_prices_are_refused() {
        check(1250, 2, "10 % from 100", "fits");
        check(-1, 2, "", "line 0, unit-price: below zero");
        check(0, 12, "", "fits");
        check(1, 7, "", "line 0, unit-price: more than 6 digits after the point");
        check(i64::MAX, 0, "", "line 0, unit-price: a mantissa of more than 18 digits");
        check(1, 0, &"x".repeat(201), "line 0, reason: longer than 200 characters");
        check(1, 0, &"é".repeat(200), "fits");
        check(1, 0, "a\nb", "line 0, reason: holds control characters");
    }

    #[test]
    fn g13_a_million_rows_for_one_line_are_refused() {
        let row = wit::Priced { unit_price: Decimal { mantissa: 1, scale: 0 }, reason: String::new() };
        let seen = priced_in(1, vec![row; 1_000_000]).unwrap_err();
        assert_eq!(seen.to_string(), "answers: 1000000 for 1 questions");
    }
}
