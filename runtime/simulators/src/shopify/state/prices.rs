//! Price lists: fixed prices, quantity breaks, quantity rules, and prices relative to the shop's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::items::{Variant, row};
use super::table::Row;
use super::{Cause, State};
use crate::shopify::refusals::{Code, PriceListUserErrorCode, Refusal};
use crate::shopify::search::{Facet, KeyKind, Searchable};

/// A price list.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceList {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// What its prices are in.
    pub currency: String,
    /// How its other prices follow from the shop's.
    pub adjustment: Adjustment,
    /// When it last changed. The real API does not tell.
    pub updated: UnixMs,
}

/// Which way a price list's prices differ from the shop's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum, Serialize, Deserialize)]
#[graphql(name = "PriceListAdjustmentType")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdjustmentKind {
    /// Lower.
    PercentageDecrease,
    /// Higher.
    PercentageIncrease,
}

/// By how much a price list's prices differ from the shop's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Which way.
    pub kind: AdjustmentKind,
    /// By so many per cent.
    pub percent: Decimal,
}

/// A price that is written into a price list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// The price of one; `None` where only a quantity rule is written.
    pub price: Option<Decimal>,
    /// What it cost before.
    pub compare_at: Option<Decimal>,
    /// Prices from so many on.
    pub breaks: BTreeMap<i32, Break>,
    /// How many may be bought.
    pub rule: Option<Rule>,
}

/// A price from some quantity on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Its number.
    pub id: u64,
    /// The price of one.
    pub price: Decimal,
}

/// How many may be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// At least.
    pub minimum: i32,
    /// At most.
    pub maximum: Option<i32>,
    /// In steps of.
    pub increment: i32,
}

/// The most quantity breaks a variant has in one price list.
pub const BREAKS_MAX: usize = 10;

/// A quantity break as tests and the journal spell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakText {
    /// From so many on.
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

impl Fixed {
    /// `[{"from":"10","amount":"9.5"}]`.
    #[must_use]
    pub fn breaks_text(&self) -> String {
        let breaks = self.breaks.iter().map(|(from, it)| BreakText { from: (*from).into(), amount: it.price });
        serde_json::to_string(&breaks.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// The price of one when so many are bought.
    #[must_use]
    pub fn price_of(&self, quantity: i32) -> Option<Decimal> {
        self.breaks.range(..=quantity).next_back().map(|(_, it)| it.price).or(self.price)
    }
}

impl Adjustment {
    /// The price that follows from the shop's, in whole cents.
    #[must_use]
    pub fn of(self, price: Decimal) -> Decimal {
        let hundredth = Decimal::new(1, 2).unwrap_or_default();
        let part = price.checked_mul(self.percent).and_then(|it| it.checked_mul(hundredth)).unwrap_or(Decimal::ZERO);
        let adjusted = match self.kind {
            AdjustmentKind::PercentageDecrease => price.checked_sub(part),
            AdjustmentKind::PercentageIncrease => price.checked_add(part),
        };
        adjusted.unwrap_or(price).round(2)
    }
}

/// What is new about a variant's price in a price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceInput {
    /// The variant.
    pub variant: u64,
    /// The price of one.
    pub price: Decimal,
    /// What it cost before.
    pub compare_at: Option<Decimal>,
    /// What the prices are in.
    pub currency: String,
}

impl State {
    /// Makes a price list.
    ///
    /// # Errors
    /// When the name is blank or taken, or the adjustment out of range.
    pub fn make_price_list(
        &mut self,
        cause: Cause,
        name: &str,
        currency: &str,
        adjustment: Adjustment,
    ) -> Result<u64, Refusal<PriceListUserErrorCode>> {
        use PriceListUserErrorCode as Why;
        if name.trim().is_empty() {
            return Err(Why::Blank.at("input.name"));
        }
        if self.price_lists.iter().any(|it| it.name == name) {
            return Err(Why::Taken.at("input.name"));
        }
        let percent = adjustment.percent;
        if percent.is_negative() {
            return Err(Why::InvalidAdjustmentValue.at("input.parent.adjustment.value"));
        }
        match adjustment.kind {
            AdjustmentKind::PercentageDecrease if percent > Decimal::from(100) => {
                return Err(Why::InvalidAdjustmentMinValue.at("input.parent.adjustment.value"));
            }
            AdjustmentKind::PercentageIncrease if percent > Decimal::from(1000) => {
                return Err(Why::InvalidAdjustmentMaxValue.at("input.parent.adjustment.value"));
            }
            _ => {}
        }
        let id = self.new_id();
        let list =
            PriceList { id, name: name.to_owned(), currency: currency.to_owned(), adjustment, updated: cause.second() };
        self.price_lists.put(cause.at, list);
        self.note(cause, "price-list", id, ("created", name));
        Ok(id)
    }

    /// Makes a price list and its prices go away.
    pub fn drop_price_list(&mut self, cause: Cause, id: u64) -> bool {
        let Some(list) = self.price_lists.remove(id) else { return false };
        let keys: Vec<(u64, u64)> = self.fixed.range((id, 0)..=(id, u64::MAX)).map(|(key, _)| *key).collect();
        for (list, variant) in keys {
            self.write_fixed(cause, list, variant, None);
        }
        let holders: Vec<u64> = self.catalogs.iter().filter(|it| it.price_list == Some(id)).map(|it| it.id).collect();
        for catalog in holders {
            self.catalogs.edit(cause.at, catalog, |it| it.price_list = None);
        }
        self.note(cause, "price-list", id, ("deleted", &list.name));
        true
    }

    /// A variant's entry in a price list.
    #[must_use]
    pub fn fixed_price(&self, list: u64, variant: u64) -> Option<&Fixed> {
        self.fixed.get(&(list, variant))
    }

    /// The price of one in a price list, when so many are bought, and whether it is a fixed one.
    #[must_use]
    pub fn list_price(&self, list: u64, variant: &Variant, quantity: i32) -> Option<(Decimal, bool)> {
        let list = self.price_lists.get(list)?;
        let fixed = self.fixed_price(list.id, variant.id).and_then(|it| it.price_of(quantity));
        Some(fixed.map_or_else(|| (list.adjustment.of(variant.price), false), |price| (price, true)))
    }

    /// The price of one for a company location: the lowest of its active catalogs, or the shop's.
    #[must_use]
    pub fn price_for(&self, company_location: Option<u64>, variant: &Variant, quantity: i32) -> Decimal {
        let Some(location) = company_location else { return variant.price };
        let lists = self.catalogs_of(location).filter(|it| it.is_active()).filter_map(|it| it.price_list);
        let prices = lists.filter_map(|list| self.list_price(list, variant, quantity)).map(|(price, _)| price);
        prices.min().unwrap_or(variant.price)
    }

    /// Replaces a variant's entry in a price list; `None` takes it away. Writes down what changed.
    pub fn write_fixed(&mut self, cause: Cause, list: u64, variant: u64, entry: Option<Fixed>) {
        let entry = entry.filter(|it| it.price.is_some() || it.rule.is_some());
        let before = match entry.clone() {
            Some(entry) => self.fixed.insert((list, variant), entry),
            None => self.fixed.remove(&(list, variant)),
        };
        let before = before.unwrap_or_default();
        let after = entry.unwrap_or_default();
        let Some(item) = self.variants.get(variant).map(|it| it.item) else { return };
        let id = format!("{list}:{item}");
        match (before.price, after.price) {
            (None, None) => return,
            (Some(_), None) => return self.note(cause, "price", &id, ("deleted", "")),
            (None, Some(price)) => {
                self.note(cause, "price", &id, ("created", price));
                let currency = self.price_lists.get(list).map(|it| it.currency.clone()).unwrap_or_default();
                self.note(cause, "price", &id, ("currency", currency));
            }
            (Some(_), Some(_)) => {}
        }
        if let Some(price) = after.price.filter(|_| before.price != after.price) {
            self.note(cause, "price", &id, ("amount", price));
        }
        let (old, new) = (before.breaks_text(), after.breaks_text());
        if before.price.is_none() || old != new {
            self.note(cause, "price", &id, ("breaks", new));
        }
    }

    /// The entry with a new price; its breaks and rule stay.
    #[must_use]
    pub(in crate::shopify) fn repriced(&self, entry: Option<&Fixed>, input: &PriceInput) -> Fixed {
        Fixed {
            price: Some(self.kept(input.price)),
            compare_at: input.compare_at.map(|it| self.kept(it)),
            ..entry.cloned().unwrap_or_default()
        }
    }

    /// Takes a variant out of all price lists.
    pub(super) fn drop_prices(&mut self, cause: Cause, variant: &Variant) {
        let lists: Vec<u64> = self.price_lists.iter().map(|it| it.id).collect();
        for list in lists {
            if self.fixed.remove(&(list, variant.id)).is_some_and(|it| it.price.is_some()) {
                self.note(cause, "price", format_args!("{list}:{}", variant.item), ("deleted", ""));
            }
        }
    }

    /// A number for a new quantity break.
    pub(in crate::shopify) fn new_break(&mut self, price: Decimal) -> Break {
        Break { id: self.new_id(), price: self.kept(price) }
    }
}

row!(PriceList);

impl Searchable<State> for PriceList {
    const KEYS: &'static [(&'static str, KeyKind)] = &[("id", KeyKind::Id), ("name", KeyKind::Text)];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" => Facet::Id(self.id),
            "name" | "default" => Facet::Text(&self.name),
            _ => Facet::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_hold_from_their_quantity_on() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let price = |text: &str| Break { id: 1, price: number(text) };
        let fixed = Fixed {
            price: Some(number("12")),
            breaks: [(10, price("11.50")), (100, price("9"))].into(),
            ..Fixed::default()
        };
        let of = |quantity| fixed.price_of(quantity).unwrap().to_string();
        assert_eq!([of(1), of(9), of(10), of(99), of(100), of(1000)], ["12", "12", "11.5", "11.5", "9", "9"]);
        assert_eq!(fixed.breaks_text(), r#"[{"from":"10","amount":"11.5"},{"from":"100","amount":"9"}]"#);
    }

    #[test]
    fn adjustments_are_rounded_to_cents() {
        let of = |kind, percent: &str, price: &str| {
            Adjustment { kind, percent: percent.parse().unwrap() }.of(price.parse().unwrap()).to_string()
        };
        assert_eq!(of(AdjustmentKind::PercentageDecrease, "10", "12.50"), "11.25");
        assert_eq!(of(AdjustmentKind::PercentageDecrease, "15", "9.99"), "8.49");
        assert_eq!(of(AdjustmentKind::PercentageIncrease, "7.5", "10"), "10.75");
        assert_eq!(of(AdjustmentKind::PercentageDecrease, "100", "10"), "0");
    }
}
