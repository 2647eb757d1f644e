//! A pricing rule that never ends once it is asked about anything. An empty basket it prices, so that it gets in.

use truthsource_sdk::rules::{Basket, Priced};
use truthsource_sdk::{Fault, PricingRule};

/// The rule.
#[derive(Debug)]
pub struct Endless;

impl PricingRule for Endless {
    fn price(basket: Basket) -> Result<Vec<Priced>, Fault> {
        let mut n = basket.lines.len();
        while n > 0 {
            n = std::hint::black_box(n % 7 + 1);
        }
        Ok(Vec::new())
    }
}

truthsource_sdk::export_pricing_rule!(Endless);
truthsource_sdk::manifest!("../manifest.toml");
