//! What buyers pay in a run.

use std::collections::BTreeMap;

use truthsource_core::draw::Draw;
use truthsource_core::price::{Break, Pays, PriceRule};
use truthsource_core::{Decimal, UnixMs};

use super::expand::{COMPANIES, code, company, money};
use crate::demo::world::LISTS;

/// Rules about what is paid, by id.
pub type Tariff = BTreeMap<String, PriceRule>;

/// Per cent on a price: some that come out even, and some that do not.
const PERCENT: [&str; 6] = ["-2.5", "12.345", "-33.333333", "0.05", "7", "-50"];
/// How far from the beginning of a day a rule begins or ends: some hold when it is over, and some do not.
const WITHIN_MS: u64 = 1_800_000;
/// Rules beside the one that is everybody's.
const RULES_MAX: u64 = 6;

/// The tariff of a seed: none in every other one.
pub(super) fn drawn(draw: Draw, begins: UnixMs) -> Tariff {
    if !draw.chance(500, "prices are asked for", 0) {
        return Tariff::new();
    }
    let usual = Pays::List { list: LISTS[0].to_owned(), percent: Decimal::ZERO };
    let usual =
        PriceRule { company: None, item: None, currency: "USD".to_owned(), from: None, until: None, pays: usual };
    let rules = 1 + draw.below(RULES_MAX, "price rules", 0);
    let mut tariff: Tariff = (0..rules).map(|n| (format!("rule-{n}"), rule(draw, n, begins))).collect();
    tariff.insert("usual".to_owned(), usual);
    tariff
}

fn rule(draw: Draw, n: u64, begins: UnixMs) -> PriceRule {
    let of = |count: u64, what: &str| draw.below(count, &format!("price rule {what}"), n);
    let percent = || PERCENT[of(PERCENT.len() as u64, "per cent") as usize].parse().unwrap_or_default();
    let amount = |what: &str| money(1_000 + of(3_000, what));
    let pays = match of(3, "pays") {
        0 => Pays::List { list: LISTS[of(LISTS.len() as u64, "list") as usize].to_owned(), percent: percent() },
        1 => {
            let breaks = vec![Break { from: 10.into(), amount: amount("amount from ten") }];
            Pays::Fixed { amount: amount("amount"), breaks }
        }
        _ => Pays::Percent { percent: percent(), from_quantity: Decimal::from(of(2, "from quantity") as u32 * 10) },
    };
    // As keys come of the codes.
    let company = (of(2, "names a company") == 0).then(|| company(of(COMPANIES, "company")).to_lowercase());
    let item = (of(2, "names an item") == 0).then(|| code(of(3, "item")).to_lowercase());
    let moment = |what: &str| {
        let about = UnixMs(begins.0.saturating_sub(WITHIN_MS)).plus(of(2 * WITHIN_MS, what));
        (of(3, &format!("has {what}")) == 0).then_some(about)
    };
    let (from, mut until) = (moment("beginning"), moment("end"));
    until = until.filter(|until| from.is_none_or(|from| from < *until));
    let currency = if of(6, "currency") == 0 { "EUR" } else { "USD" }.to_owned();
    PriceRule { company, item, currency, from, until, pays }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tariffs_are_rules_that_can_be() {
        let begins = UnixMs(1_800_000_000_000);
        let all: Vec<PriceRule> = (0..300).flat_map(|seed| drawn(Draw::new(seed), begins).into_values()).collect();
        assert!(all.len() > 300, "{} rules", all.len());
        for rule in &all {
            assert_eq!(rule.check(), Ok(()), "{rule:?}");
        }
        let over = all.iter().filter(|it| !it.holds(begins)).count();
        assert!(over > 30, "{over} of {} do not hold", all.len());
    }
}
