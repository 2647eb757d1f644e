//! The price mutations: fixed prices, and quantity pricing that changes all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Decimal;

use super::refusals::{Code, PriceListPriceUserErrorCode, QuantityPricingByVariantUserErrorCode as Why, Refusal};
use super::state::prices::{BREAKS_MAX, Fixed, PriceInput, Rule};
use super::state::{Cause, State};

/// Everything one call changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Prices to be fixed.
    pub prices: Vec<PriceInput>,
    /// Variants whose fixed prices go.
    pub prices_gone: Vec<u64>,
    /// Rules to be written, by variant.
    pub rules: Vec<(u64, Rule)>,
    /// Variants whose rules go.
    pub rules_gone: Vec<u64>,
    /// Quantity breaks to be written.
    pub breaks: Vec<BreakInput>,
    /// Quantity breaks that go, by number.
    pub breaks_gone: Vec<u64>,
    /// Variants whose quantity breaks go.
    pub breaks_gone_of: Vec<u64>,
}

/// A quantity break to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakInput {
    /// The variant.
    pub variant: u64,
    /// From so many on.
    pub minimum: i32,
    /// The price of one.
    pub price: Decimal,
    /// What the price is in.
    pub currency: String,
}

/// The entries a call would write, and why it may not.
struct Staged<'a> {
    state: &'a mut State,
    list: u64,
    currency: String,
    entries: BTreeMap<u64, Fixed>,
    refusals: Vec<Refusal<Why>>,
}

impl State {
    /// Changes fixed prices, rules and quantity breaks of a price list, all or nothing. Answers with the variants.
    ///
    /// # Errors
    /// Everything that is wrong with the call.
    pub fn change_quantity_pricing(
        &mut self,
        cause: Cause,
        list: u64,
        changes: &Changes,
    ) -> Result<Vec<u64>, Vec<Refusal<Why>>> {
        let Some(currency) = self.price_lists.get(list).map(|it| it.currency.clone()) else {
            return Err(vec![Why::PriceListNotFound.at("priceListId")]);
        };
        let mut staged = Staged { state: self, list, currency, entries: BTreeMap::new(), refusals: Vec::new() };
        staged.take_away(changes);
        staged.prices(&changes.prices);
        staged.rules(&changes.rules);
        staged.breaks(&changes.breaks);
        let Staged { entries, refusals, .. } = staged;
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let variants = entries.keys().copied().collect();
        for (variant, entry) in entries {
            self.write_fixed(cause, list, variant, Some(entry));
        }
        Ok(variants)
    }

    /// Fixes prices in a price list; those that are fixed already are replaced.
    ///
    /// # Errors
    /// Everything that is wrong with the call.
    pub fn add_fixed_prices(
        &mut self,
        cause: Cause,
        list: u64,
        prices: &[PriceInput],
    ) -> Result<Vec<u64>, Vec<Refusal<PriceListPriceUserErrorCode>>> {
        use PriceListPriceUserErrorCode as Why;
        let Some(currency) = self.price_lists.get(list).map(|it| it.currency.clone()) else {
            return Err(vec![Why::PriceListNotFound.at("priceListId")]);
        };
        let mut refusals = Vec::new();
        for (n, price) in prices.iter().enumerate() {
            if !self.variants.has(price.variant) {
                refusals.push(Why::VariantNotFound.at(&format!("prices.{n}.variantId")));
            }
            if price.currency != currency {
                refusals.push(Why::PriceListCurrencyMismatch.at(&format!("prices.{n}.price.currencyCode")));
            }
            if price.price.is_negative() {
                refusals.push(Why::Blank.at(&format!("prices.{n}.price.amount")));
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        for price in prices {
            let entry = self.repriced(self.fixed_price(list, price.variant), price);
            self.write_fixed(cause, list, price.variant, Some(entry));
        }
        Ok(prices.iter().map(|it| it.variant).collect())
    }

    /// Makes fixed prices relative again; their quantity breaks go too.
    ///
    /// # Errors
    /// When the price list is not there, or a price is not fixed.
    pub fn delete_fixed_prices(
        &mut self,
        cause: Cause,
        list: u64,
        variants: &[u64],
    ) -> Result<(), Vec<Refusal<PriceListPriceUserErrorCode>>> {
        use PriceListPriceUserErrorCode as Why;
        if !self.price_lists.has(list) {
            return Err(vec![Why::PriceListNotFound.at("priceListId")]);
        }
        let is_fixed = |it: &u64| self.fixed_price(list, *it).is_some_and(|it| it.price.is_some());
        let missing = variants.iter().enumerate().filter(|(_, it)| !is_fixed(it));
        let refusals: Vec<_> = missing.map(|(n, _)| Why::PriceNotFixed.at(&format!("variantIds.{n}"))).collect();
        if !refusals.is_empty() {
            return Err(refusals);
        }
        for variant in variants {
            let rule = self.fixed_price(list, *variant).and_then(|it| it.rule);
            self.write_fixed(cause, list, *variant, Some(Fixed { rule, ..Fixed::default() }));
        }
        Ok(())
    }
}

impl Staged<'_> {
    fn entry(&mut self, variant: u64) -> &mut Fixed {
        let known = self.state.fixed_price(self.list, variant).cloned().unwrap_or_default();
        self.entries.entry(variant).or_insert(known)
    }

    fn refuse(&mut self, why: Why, field: &str) {
        self.refusals.push(why.at(&format!("input.{field}")));
    }

    fn take_away(&mut self, changes: &Changes) {
        for (n, variant) in changes.prices_gone.iter().enumerate() {
            if !self.state.variants.has(*variant) {
                self.refuse(Why::PriceDeleteVariantNotFound, &format!("pricesToDeleteByVariantId.{n}"));
            } else if self.entry(*variant).price.is_none() {
                self.refuse(Why::PriceDeletePriceNotFixed, &format!("pricesToDeleteByVariantId.{n}"));
            } else {
                let rule = self.entry(*variant).rule;
                *self.entry(*variant) = Fixed { rule, ..Fixed::default() };
            }
        }
        for (n, variant) in changes.rules_gone.iter().enumerate() {
            if !self.state.variants.has(*variant) {
                self.refuse(Why::QuantityRuleDeleteVariantNotFound, &format!("quantityRulesToDeleteByVariantId.{n}"));
            } else if self.entry(*variant).rule.take().is_none() {
                self.refuse(Why::QuantityRuleDeleteRuleNotFound, &format!("quantityRulesToDeleteByVariantId.{n}"));
            }
        }
        for (n, variant) in changes.breaks_gone_of.iter().enumerate() {
            if self.state.variants.has(*variant) {
                self.entry(*variant).breaks.clear();
            } else {
                let field = format!("quantityPriceBreaksToDeleteByVariantId.{n}");
                self.refuse(Why::QuantityPriceBreakDeleteByVariantIdVariantNotFound, &field);
            }
        }
        for (n, id) in changes.breaks_gone.iter().enumerate() {
            match self.variant_with_break(*id) {
                Some(variant) => self.entry(variant).breaks.retain(|_, it| it.id != *id),
                None => self.refuse(Why::QuantityPriceBreakDeleteNotFound, &format!("quantityPriceBreaksToDelete.{n}")),
            }
        }
    }

    fn variant_with_break(&self, id: u64) -> Option<u64> {
        let entries = self.state.fixed.range((self.list, 0)..=(self.list, u64::MAX));
        let mut holders = entries.filter(|(_, entry)| entry.breaks.values().any(|it| it.id == id));
        holders.next().map(|((_, variant), _)| *variant)
    }

    fn prices(&mut self, prices: &[PriceInput]) {
        let mut seen = BTreeSet::new();
        for (n, price) in prices.iter().enumerate() {
            let field = format!("pricesToAdd.{n}");
            if !self.state.variants.has(price.variant) {
                self.refuse(Why::PriceAddVariantNotFound, &field);
            } else if price.currency != self.currency {
                self.refuse(Why::PriceAddCurrencyMismatch, &field);
            } else if !seen.insert(price.variant) {
                self.refuse(Why::PriceAddDuplicateInputForVariant, &field);
            } else if price.price.is_negative() {
                self.refuse(Why::GenericError, &field);
            } else {
                let known = self.entry(price.variant).clone();
                *self.entry(price.variant) = self.state.repriced(Some(&known), price);
            }
        }
    }

    fn rules(&mut self, rules: &[(u64, Rule)]) {
        let mut seen = BTreeSet::new();
        for (n, (variant, rule)) in rules.iter().enumerate() {
            let field = format!("quantityRulesToAdd.{n}");
            if !self.state.variants.has(*variant) {
                self.refuse(Why::QuantityRuleAddVariantNotFound, &field);
            } else if !seen.insert(*variant) {
                self.refuse(Why::QuantityRuleAddDuplicateInputForVariant, &field);
            } else if let Some(why) = rule_fault(*rule) {
                self.refuse(why, &field);
            } else {
                self.entry(*variant).rule = Some(*rule);
            }
        }
    }

    fn breaks(&mut self, breaks: &[BreakInput]) {
        let mut seen = BTreeSet::new();
        for (n, input) in breaks.iter().enumerate() {
            let field = format!("quantityPriceBreaksToAdd.{n}");
            if !self.state.variants.has(input.variant) {
                self.refuse(Why::QuantityPriceBreakAddVariantNotFound, &field);
                continue;
            }
            if input.currency != self.currency {
                self.refuse(Why::QuantityPriceBreakAddCurrencyMismatch, &field);
                continue;
            }
            if !seen.insert((input.variant, input.minimum)) {
                self.refuse(Why::QuantityPriceBreakAddDuplicateInputForVariantAndMin, &field);
                continue;
            }
            if let Some(why) = break_fault(self.entry(input.variant), input) {
                self.refuse(why, &field);
                continue;
            }
            let made = self.state.new_break(input.price);
            let price = made.price;
            self.entry(input.variant).breaks.entry(input.minimum).or_insert(made).price = price;
        }
    }
}

fn rule_fault(rule: Rule) -> Option<Why> {
    if rule.increment < 1 {
        return Some(Why::QuantityRuleAddIncrementIsLessThanOne);
    }
    if rule.minimum < 1 {
        return Some(Why::QuantityRuleAddMinimumIsLessThanOne);
    }
    if rule.increment > rule.minimum {
        return Some(Why::QuantityRuleAddIncrementIsGreaterThanMinimum);
    }
    if rule.minimum % rule.increment != 0 {
        return Some(Why::QuantityRuleAddMinimumNotAMultipleOfIncrement);
    }
    let maximum = rule.maximum?;
    if maximum < 1 {
        return Some(Why::QuantityRuleAddMaximumIsLessThanOne);
    }
    if maximum < rule.minimum {
        return Some(Why::QuantityRuleAddMinimumGreaterThanMaximum);
    }
    (maximum % rule.increment != 0).then_some(Why::QuantityRuleAddMaximumNotAMultipleOfIncrement)
}

fn break_fault(entry: &Fixed, input: &BreakInput) -> Option<Why> {
    if entry.price.is_none() {
        return Some(Why::QuantityPriceBreakAddPriceListPriceNotFound);
    }
    if input.minimum < 1 || input.price.is_negative() {
        return Some(Why::QuantityPriceBreakAddInvalid);
    }
    if entry.breaks.len() >= BREAKS_MAX && !entry.breaks.contains_key(&input.minimum) {
        return Some(Why::QuantityPriceBreakAddLimitExceeded);
    }
    let rule = entry.rule?;
    if input.minimum < rule.minimum {
        return Some(Why::QuantityPriceBreakAddMinLowerThanQuantityRulesMin);
    }
    if rule.maximum.is_some_and(|it| input.minimum > it) {
        return Some(Why::QuantityPriceBreakAddMinHigherThanQuantityRulesMax);
    }
    (input.minimum % rule.increment != 0).then_some(Why::QuantityPriceBreakAddMinNotAMultipleOfQuantityRulesIncrement)
}
