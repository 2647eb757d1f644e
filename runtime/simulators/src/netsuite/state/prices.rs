//! Prices per item, level and currency, with their quantity breaks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use truthsource_core::Decimal;

use super::{Cause, State};
use crate::netsuite::model::PriceKey;
use crate::netsuite::script::Event;

/// Amounts by the quantity from which they hold; the base price is at zero.
pub(in crate::netsuite) type Breaks = BTreeMap<Decimal, Decimal>;

impl State {
    /// Every (level, currency) an item has a price in.
    pub(in crate::netsuite) fn price_lists_of(&self, item: u64) -> BTreeSet<(u64, u64)> {
        self.prices_of(item).map(|(key, _)| (key.level, key.currency)).collect()
    }

    /// Every price of an item.
    pub(in crate::netsuite) fn prices_of(&self, item: u64) -> impl Iterator<Item = (&PriceKey, &Decimal)> {
        let first = PriceKey { item, level: 0, currency: 0, from: lowest() };
        self.prices.rows().range(first..).take_while(move |(key, _)| key.item == item)
    }

    /// The prices of an item at a level and in a currency.
    pub(in crate::netsuite) fn breaks(&self, (item, level, currency): (u64, u64, u64)) -> Breaks {
        let first = PriceKey { item, level, currency, from: lowest() };
        let rows = self.prices.rows().range(first..);
        rows.take_while(|(key, _)| (key.item, key.level, key.currency) == (item, level, currency))
            .map(|(key, amount)| (key.from, *amount))
            .collect()
    }

    /// Replaces the prices of an item at a level and in a currency. The item's time stamp stays: prices have no
    /// reliable one.
    pub(in crate::netsuite) fn set_prices(&mut self, cause: Cause, list: (u64, u64, u64), breaks: Breaks) {
        let before = self.breaks(list);
        if before == breaks {
            return;
        }
        let (item, level, currency) = list;
        let key = |from| PriceKey { item, level, currency, from };
        for from in before.keys().filter(|it| !breaks.contains_key(it)) {
            self.prices.set(cause.now, key(*from), None);
        }
        for (from, amount) in &breaks {
            if before.get(from) != Some(amount) {
                self.prices.set(cause.now, key(*from), Some(*amount));
            }
        }
        self.journal_prices(cause, list, &before, &breaks);
    }

    /// Replaces prices as a save at the screens does, and lets the script tell.
    pub(in crate::netsuite) fn save_prices(&mut self, cause: Cause, list: (u64, u64, u64), breaks: Breaks) {
        self.set_prices(cause, list, breaks);
        let record_type = self.items.get(&list.0).map_or("inventoryItem", |it| it.ty.rest_name());
        self.tell(cause.now, Event { record_type, id: list.0, event: "edit", items: Vec::new() });
    }

    fn journal_prices(&mut self, cause: Cause, list: (u64, u64, u64), before: &Breaks, after: &Breaks) {
        let (item, level, currency) = list;
        let id = if currency == self.settings.base_currency() {
            format!("{level}:{item}")
        } else {
            format!("{level}:{item}:{currency}")
        };
        if after.is_empty() {
            return self.record(cause, ("price", &id), "deleted", "");
        }
        if before.is_empty() {
            self.record(cause, ("price", &id), "created", "");
            let name = crate::netsuite::settings::name_of(&self.settings.currencies, currency).unwrap_or_default();
            let name = name.to_owned();
            self.record(cause, ("price", &id), "currency", name);
        }
        let base = |it: &Breaks| it.get(&Decimal::ZERO).map(Decimal::to_string).unwrap_or_default();
        if before.is_empty() || base(before) != base(after) {
            self.record(cause, ("price", &id), "amount", base(after));
        }
        if before.is_empty() || breaks_text(before) != breaks_text(after) {
            self.record(cause, ("price", &id), "breaks", breaks_text(after));
        }
    }

    /// What one of an item costs a customer who buys so many: at its own level, else at the base price.
    pub(in crate::netsuite) fn price_for(
        &self,
        item: u64,
        customer: Option<u64>,
        quantity: Decimal,
    ) -> Option<Decimal> {
        let customer = customer.and_then(|it| self.customers.get(&it));
        let currency = customer.map_or(self.settings.base_currency(), |it| it.currency);
        let own = customer.and_then(|it| it.price_level);
        let levels = own.into_iter().chain(self.levels.keys().next().copied());
        levels.into_iter().find_map(|level| {
            let breaks = self.breaks((item, level, currency));
            breaks.range(..=quantity).next_back().map(|(_, amount)| *amount)
        })
    }
}

/// Below every quantity that a break starts at.
fn lowest() -> Decimal {
    Decimal::new(-truthsource_core::decimal::MANTISSA_MAX, 0).unwrap_or_default()
}

/// The breaks above the base price in canonical spelling.
fn breaks_text(breaks: &Breaks) -> String {
    let above = breaks.iter().filter(|(from, _)| **from > Decimal::ZERO);
    let rows: Vec<_> = above.map(|(from, amount)| json!({ "from": from, "amount": amount })).collect();
    serde_json::Value::Array(rows).to_string()
}
