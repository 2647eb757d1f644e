//! What a customer pays for many of one thing.
//!
//! The customer's price list comes first: where one of its own quantity breaks holds, that price was agreed, and
//! nothing is taken off it. Any other line gets the discount of the highest [`TIERS`] entry that its quantity
//! reaches, off the list price, rounded to four digits after the point.

#![warn(missing_docs)]

use truthsource_sdk::rules::{Basket, Line, Priced};
use truthsource_sdk::{Decimal, Fault, PricingRule};

/// The rule.
#[derive(Debug)]
pub struct VolumePricing;

/// From how many units of one line how many per cent are taken off, ascending.
pub const TIERS: &[(u32, u32)] = &[(100, 5), (500, 8), (1_000, 10)];

/// Digits after the point of a discounted unit price: enough that a thousand units are right to the cent.
const PLACES: u8 = 4;

impl PricingRule for VolumePricing {
    fn price(basket: Basket) -> Result<Vec<Priced>, Fault> {
        basket.lines.iter().map(price_line).collect()
    }
}

fn price_line(line: &Line) -> Result<Priced, Fault> {
    let held = line.breaks.iter().filter(|it| it.from_quantity <= line.quantity).max_by_key(|it| it.from_quantity);
    if let Some(agreed) = held {
        let reason = format!("price of the list from {}", agreed.from_quantity);
        return Ok(Priced { unit_price: agreed.unit_price, reason });
    }
    let reached = TIERS.iter().rev().find(|(from, _)| Decimal::from(*from) <= line.quantity);
    let Some((from, percent)) = reached else {
        return Ok(Priced { unit_price: line.list_price, reason: "list price".to_owned() });
    };
    let too_long = || Fault::Invalid(format!("the list price of {} has too many digits to discount", line.item));
    let share = Decimal::new(100 - i64::from(*percent), 2).map_err(|_| too_long())?;
    let unit_price = line.list_price.checked_mul(share).ok_or_else(too_long)?.round(PLACES);
    Ok(Priced { unit_price, reason: format!("{percent} % from {from}") })
}

truthsource_sdk::export_pricing_rule!(VolumePricing);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use truthsource_sdk::rules::PriceBreak;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn line(quantity: &str, list_price: &str, breaks: &[(&str, &str)]) -> Line {
        let price_break =
            |(from, price): &(&str, &str)| PriceBreak { from_quantity: decimal(from), unit_price: decimal(price) };
        Line {
            item: "bolt-8".to_owned(),
            quantity: decimal(quantity),
            list_price: decimal(list_price),
            breaks: breaks.iter().map(price_break).collect(),
        }
    }

    fn price(lines: Vec<Line>) -> Result<Vec<Priced>, Fault> {
        VolumePricing::price(Basket { company: String::new(), currency: "EUR".to_owned(), at_ms: 0, lines })
    }

    fn check(quantity: &str, list_price: &str, breaks: &[(&str, &str)], expect: (&str, &str)) {
        let priced = price(vec![line(quantity, list_price, breaks)]).unwrap().remove(0);
        assert_eq!((priced.unit_price.to_string().as_str(), priced.reason.as_str()), expect);
    }

    #[test]
    fn the_list_comes_first_then_the_tiers() {
        check("1", "10", &[], ("10", "list price"));
        check("99.5", "10", &[], ("10", "list price"));
        check("100", "10", &[], ("9.5", "5 % from 100"));
        check("999", "10", &[], ("9.2", "8 % from 500"));
        check("1000", "10", &[], ("9", "10 % from 1000"));
        check("10", "10", &[("10", "9.75"), ("50", "9.25")], ("9.75", "price of the list from 10"));
        check("1000", "10", &[("10", "9.75"), ("50", "9.25")], ("9.25", "price of the list from 50"));
        check("100", "10", &[("200", "8")], ("9.5", "5 % from 100"));
    }

    #[test]
    fn a_discount_rounds_half_away_from_zero() {
        check("100", "0.0001", &[], ("0.0001", "5 % from 100"));
        check("100", "1.2349", &[], ("1.1732", "5 % from 100"));
        check("500", "19.99", &[], ("18.3908", "8 % from 500"));
    }

    #[test]
    fn a_price_that_cannot_be_discounted_exactly_is_refused() {
        let fault = price(vec![line("100", "999999999999999999", &[])]).map(|it| it[0].unit_price.to_string());
        assert!(matches!(fault, Err(Fault::Invalid(_))), "{fault:?}");
    }

    proptest! {
        #[test]
        fn buying_more_never_costs_more_a_unit(cents in 0i64..10_000_000, few in 1u32..2_000, more in 0u32..2_000) {
            let list_price = Decimal::new(cents, 2).unwrap().to_string();
            let at = |quantity: u32| price(vec![line(&quantity.to_string(), &list_price, &[])]).unwrap()[0].unit_price;
            prop_assert!(at(few + more) <= at(few));
        }

        #[test]
        fn a_line_does_not_know_its_neighbours(quantities in proptest::collection::vec(1u32..2_000, 1..20)) {
            let lines: Vec<Line> = quantities.iter().map(|it| line(&it.to_string(), "12.34", &[("50", "12")])).collect();
            let alone: Vec<Priced> = lines.iter().map(|it| price(vec![it.clone()]).unwrap().remove(0)).collect();
            prop_assert_eq!(price(lines).unwrap(), alone);
        }
    }
}
