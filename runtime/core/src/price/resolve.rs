//! From rules to a price. Pure: the same question and the same rules give the same amount on every machine (P10).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::money::Exact;
use super::{Break, Pays, PriceRule, digits};
use crate::plant::{self, Bug};
use crate::{Decimal, UnixMs};

/// Who wants what, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The customer's key; `None`: nobody in particular.
    pub company: Option<String>,
    /// The item's key.
    pub item: String,
    /// How many, above 0.
    pub quantity: Decimal,
    /// In which currency.
    pub currency: String,
    /// At which moment.
    pub at: UnixMs,
}

/// What a price list says of the item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPrice {
    /// Per unit.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// Quantities from which another amount holds, in any order.
    pub breaks: Vec<Break>,
}

/// A price, and what it came of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Per unit.
    pub unit_price: Decimal,
    /// The rule that gave the price to begin with.
    pub rule: String,
    /// The list that it names, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// What the list or the rule says for the quantity.
    pub base: Decimal,
    /// The quantity from which that holds; `None`: from the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_quantity: Option<Decimal>,
    /// The rule that changed a list price by per cent, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted_by: Option<String>,
}

/// Why there is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// No rule gives one.
    #[error("no rule gives a price in {0}")]
    NoRule(String),
    /// A rule names lists, and none of them has the item in the currency.
    #[error("the lists that rules name have no price in {0}: {1}")]
    NotListed(String, String),
    /// The arithmetic leaves its range.
    #[error("the price of rule {0} has too many digits")]
    OutOfRange(String),
}

/// How much a rule is about just this: company and item before company before item before everybody.
fn specificity(rule: &PriceRule) -> u8 {
    u8::from(rule.company.is_some()) * 2 + u8::from(rule.item.is_some())
}

/// A price to begin with.
struct Base<'a> {
    rule: &'a str,
    list: Option<&'a str>,
    /// With the rule's own per cent on it.
    amount: Exact,
    said: Decimal,
    from: Option<Decimal>,
}

/// What is paid for one unit.
///
/// 1. Rules count that name the company or nobody, the item or nothing, in the currency, at the moment.
/// 2. Of those that give a price to begin with, fixed or from a list that has the item, the most specific count: company
///    and item, company, item, nobody. Of several the lowest price counts; of equal ones a fixed price, then the rule of
///    the lowest id.
/// 3. On a price from a list the most specific per-cent rule counts that the quantity reaches; of several the one that
///    leaves the least. A fixed price is what was agreed, and stays.
/// 4. What per cent make is rounded once, half away from zero, to the currency's digits, and to no fewer than the list has.
///
/// # Errors
/// Why there is no price.
pub fn resolve(
    ask: &Ask,
    rules: &BTreeMap<String, PriceRule>,
    lists: &BTreeMap<String, ListPrice>,
) -> Result<Receipt, Unpriced> {
    let fits = |rule: &PriceRule| {
        rule.company.as_ref().is_none_or(|it| ask.company.as_ref() == Some(it))
            && rule.item.as_ref().is_none_or(|it| *it == ask.item)
            && rule.currency == ask.currency
            && rule.holds(ask.at)
    };
    let rules: Vec<(&String, &PriceRule)> = rules.iter().filter(|(_, it)| fits(it)).collect();
    let base = base(ask, &rules, lists)?;
    let adjusted = adjustment(ask, &rules).filter(|_| base.list.is_some());
    let exact = adjusted.map_or(Some(base.amount), |(_, percent)| base.amount.with(percent));
    let places = digits(&ask.currency).max(base.said.parts().1);
    let unit_price = exact.and_then(|it| it.rounded(places));
    let counted = adjusted.map_or(base.rule, |(id, _)| id);
    Ok(Receipt {
        unit_price: unit_price.ok_or_else(|| Unpriced::OutOfRange(counted.to_owned()))?,
        rule: base.rule.to_owned(),
        list: base.list.map(str::to_owned),
        base: base.said,
        from_quantity: base.from,
        adjusted_by: adjusted.map(|(id, _)| id.clone()),
    })
}

/// Which of several counts: the lowest. What is most specific, then cheapest, then fixed, then of the lowest id.
type Rank<'a> = (Reverse<u8>, Exact, bool, &'a str);

fn base<'a>(
    ask: &Ask,
    rules: &[(&'a String, &'a PriceRule)],
    lists: &BTreeMap<String, ListPrice>,
) -> Result<Base<'a>, Unpriced> {
    let (mut best, mut unlisted): (Option<(Rank<'a>, Base<'a>)>, Vec<&str>) = Default::default();
    for &(id, rule) in rules {
        let found = match &rule.pays {
            Pays::Fixed { amount, breaks } => {
                let (said, from) = at_quantity(*amount, breaks, ask.quantity);
                Base { rule: id, list: None, amount: said.into(), said, from }
            }
            Pays::List { list, percent } => {
                let Some(price) = lists.get(list).filter(|it| it.currency == ask.currency) else {
                    unlisted.push(list);
                    continue;
                };
                let (said, from) = at_quantity(price.amount, &price.breaks, ask.quantity);
                let exact = Exact::from(said).with(*percent);
                let early =
                    exact.and_then(|it| it.rounded(digits(&ask.currency))).filter(|_| plant::on(Bug::RoundEarly));
                let amount = early.map(Exact::from).or(exact).ok_or_else(|| Unpriced::OutOfRange(id.clone()))?;
                Base { rule: id, list: Some(list.as_str()), amount, said, from }
            }
            Pays::Percent { .. } => continue,
        };
        let rank = (Reverse(specificity(rule)), found.amount, found.list.is_some(), id.as_str());
        if best.as_ref().is_none_or(|(known, _)| rank < *known) {
            best = Some((rank, found));
        }
    }
    best.map(|(_, base)| base).ok_or_else(|| match unlisted.is_empty() {
        true => Unpriced::NoRule(ask.currency.clone()),
        false => Unpriced::NotListed(ask.currency.clone(), unlisted.join(", ")),
    })
}

/// What holds for a quantity, and from which on.
fn at_quantity(amount: Decimal, breaks: &[Break], quantity: Decimal) -> (Decimal, Option<Decimal>) {
    let reached = breaks.iter().filter(|it| it.from <= quantity).max_by_key(|it| (it.from, Reverse(it.amount)));
    reached.map_or((amount, None), |it| (it.amount, Some(it.from)))
}

fn adjustment<'a>(ask: &Ask, rules: &[(&'a String, &'a PriceRule)]) -> Option<(&'a String, Decimal)> {
    let reached = rules.iter().filter_map(|&(id, rule)| match rule.pays {
        Pays::Percent { percent, from_quantity } if from_quantity <= ask.quantity => {
            Some(((Reverse(specificity(rule)), percent, id.as_str()), (id, percent)))
        }
        _ => None,
    });
    reached.min_by(|one, other| one.0.cmp(&other.0)).map(|(_, it)| it)
}
