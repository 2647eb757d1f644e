//! Data that an account starts with, as an import brings it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::model::{Customer, Item, ItemType, Location, StockKey};
use super::problem::Problem;
use super::settings::{Named, name_of};
use super::state::{Cause, Family, State};
use crate::journal::Actor;

/// What is put into an account at once. Ids that are left out are given in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Places that hold stock.
    pub locations: Vec<SeedLocation>,
    /// Price levels besides those of the settings.
    pub price_levels: Vec<Named>,
    /// Items.
    pub items: Vec<SeedItem>,
    /// Prices of items.
    pub prices: Vec<SeedPrice>,
    /// Stock of items.
    pub stock: Vec<SeedStock>,
    /// Customers.
    pub customers: Vec<SeedCustomer>,
}

/// A location to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedLocation {
    /// The internal id.
    #[serde(default)]
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
}

/// An item to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedItem {
    /// The internal id.
    #[serde(default)]
    pub id: Option<u64>,
    /// `itemId`.
    pub code: String,
    /// `displayName`.
    #[serde(default)]
    pub title: Option<String>,
    /// `upcCode`.
    #[serde(default)]
    pub barcode: Option<String>,
    /// The integration's own key.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Not `isInactive`.
    #[serde(default = "yes")]
    pub active: bool,
    /// What sort of thing it is.
    #[serde(default, rename = "type")]
    pub ty: ItemType,
}

/// One price to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPrice {
    /// The item's internal id.
    pub item: u64,
    /// The price level's internal id.
    pub level: u64,
    /// The currency's internal id; the account's own if left out.
    #[serde(default)]
    pub currency: Option<u64>,
    /// The least quantity; the base price if left out.
    #[serde(default)]
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

/// Stock to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedStock {
    /// The item's internal id.
    pub item: u64,
    /// The location's internal id.
    pub location: u64,
    /// What is there.
    pub on_hand: Decimal,
}

/// A customer to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedCustomer {
    /// The internal id.
    #[serde(default)]
    pub id: Option<u64>,
    /// `entityId`.
    pub code: String,
    /// `companyName`.
    #[serde(default)]
    pub name: Option<String>,
    /// `email`.
    #[serde(default)]
    pub email: Option<String>,
    /// The integration's own key.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Not `isInactive`.
    #[serde(default = "yes")]
    pub active: bool,
    /// The price level it buys at.
    #[serde(default)]
    pub price_level: Option<u64>,
    /// Its currency; the account's own if left out.
    #[serde(default)]
    pub currency: Option<u64>,
}

impl SeedItem {
    /// An active inventory item with a code and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            id: None,
            code: code.into(),
            title: None,
            barcode: None,
            external_id: None,
            active: true,
            ty: ItemType::InvtPart,
        }
    }
}

impl SeedCustomer {
    /// An active customer with a code and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            id: None,
            code: code.into(),
            name: None,
            email: None,
            external_id: None,
            active: true,
            price_level: None,
            currency: None,
        }
    }
}

fn yes() -> bool {
    true
}

impl State {
    /// Takes a seed in. References are checked as everywhere; what came before the first bad one stays. The script
    /// is not told: imports run outside its context.
    pub(super) fn seed(&mut self, now: UnixMs, seed: Seed) -> Result<(), Problem> {
        let script = self.settings.script.take();
        let outcome = self.seed_quietly(Cause { now, actor: Actor::Human }, seed);
        self.settings.script = script;
        outcome
    }

    fn seed_quietly(&mut self, cause: Cause, seed: Seed) -> Result<(), Problem> {
        for it in seed.locations {
            let id = self.given_id(Family::Location, it.id);
            self.save_location(cause, Location { id, name: it.name, active: true, modified: cause.now });
        }
        for level in seed.price_levels {
            self.levels.insert(level.id, level);
        }
        for it in seed.items {
            let id = self.given_id(Family::Item, it.id);
            let SeedItem { code, title, barcode, external_id, active, ty, .. } = it;
            let (created, modified) = (cause.now, cause.now);
            self.save_item(cause, Item { id, external_id, code, title, barcode, active, ty, created, modified })?;
        }
        self.seed_prices(cause, seed.prices)?;
        for it in seed.stock {
            let key = StockKey { item: it.item, location: it.location };
            if self.items.get(&key.item).is_none() || !self.locations.contains_key(&key.location) {
                return Err(Problem::reference("stock", &format!("{}:{}", key.item, key.location)));
            }
            self.open_stock(cause, key, it.on_hand);
        }
        for it in seed.customers {
            let id = self.given_id(Family::Entity, it.id);
            let currency = it.currency.unwrap_or(self.settings.base_currency());
            let subsidiary = self.settings.subsidiaries.first().map_or(1, |it| it.id);
            let SeedCustomer { code, name, email, external_id, active, price_level, .. } = it;
            let (created, modified, item_pricing) = (cause.now, cause.now, Vec::new());
            let customer = Customer {
                id,
                external_id,
                code,
                name,
                email,
                active,
                price_level,
                currency,
                subsidiary,
                created,
                modified,
                item_pricing,
            };
            self.save_customer(cause, customer)?;
        }
        Ok(())
    }

    fn seed_prices(&mut self, cause: Cause, prices: Vec<SeedPrice>) -> Result<(), Problem> {
        let mut lists: BTreeMap<(u64, u64, u64), BTreeMap<Decimal, Decimal>> = BTreeMap::new();
        for it in prices {
            let currency = it.currency.unwrap_or(self.settings.base_currency());
            let is_known = self.items.get(&it.item).is_some()
                && self.levels.contains_key(&it.level)
                && name_of(&self.settings.currencies, currency).is_some();
            if !is_known {
                return Err(Problem::reference("prices", &format!("{}:{}:{currency}", it.item, it.level)));
            }
            lists.entry((it.item, it.level, currency)).or_default().insert(it.from, it.amount);
        }
        for (list, breaks) in lists {
            self.set_prices(cause, list, breaks);
        }
        Ok(())
    }

    fn given_id(&mut self, family: Family, id: Option<u64>) -> u64 {
        match id {
            Some(id) => {
                self.reserve_id(family, id);
                id
            }
            None => self.next_id(family),
        }
    }
}
