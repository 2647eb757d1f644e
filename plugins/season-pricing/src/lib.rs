//! The season's sale: seven per cent off every list price, rounded to four digits after the point.
//!
//! Prices that were agreed on (the customer's own quantity breaks) and volume discounts pause meanwhile.

#![warn(missing_docs)]

use truthsource_sdk::rules::{Basket, Line, Priced};
use truthsource_sdk::{Decimal, Fault, PricingRule};

/// The rule.
#[derive(Debug)]
pub struct SeasonPricing;

/// What is left of a hundred.
const LEFT: i64 = 93;
/// Digits after the point of a discounted unit price.
const PLACES: u8 = 4;

impl PricingRule for SeasonPricing {
    fn price(basket: Basket) -> Result<Vec<Priced>, Fault> {
        basket.lines.iter().map(price_line).collect()
    }
}

fn price_line(line: &Line) -> Result<Priced, Fault> {
    let too_long = || Fault::Invalid(format!("the list price of {} has too many digits to discount", line.item));
    let share = Decimal::new(LEFT, 2).map_err(|_| too_long())?;
    let unit_price = line.list_price.checked_mul(share).ok_or_else(too_long)?.round(PLACES);
    Ok(Priced { unit_price, reason: "7 % off, season".to_owned() })
}

truthsource_sdk::export_pricing_rule!(SeasonPricing);
truthsource_sdk::manifest!("../manifest.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_cheaper_by_the_same_share() {
        let check = |quantity: &str, list_price: &str, expect: &str| {
            let (quantity, list_price) = (quantity.parse().unwrap(), list_price.parse().unwrap());
            let line = Line { item: "bolt-8".to_owned(), quantity, list_price, breaks: Vec::new() };
            assert_eq!(price_line(&line).unwrap().unit_price.to_string(), expect);
        };
        check("1", "10", "9.3");
        check("1000", "10", "9.3");
        check("1", "0.0001", "0.0001");
    }
}
