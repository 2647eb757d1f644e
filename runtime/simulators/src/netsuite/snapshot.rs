//! What the account holds, for code in the same process.

use std::collections::BTreeMap;

use serde::Serialize;
use truthsource_core::Decimal;

use super::Netsuite;
use super::auth::Refusal;
use super::model::{Customer, Deleted, Item, Location, PriceKey, Stock, StockKey, Transaction, TransactionType};
use super::settings::{Named, Settings};
use super::state::State;

/// Stock of an item at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockRow {
    /// The item's internal id.
    pub item: u64,
    /// The location's internal id.
    pub location: u64,
    /// What a count would find.
    pub on_hand: Decimal,
    /// What is set aside for open orders.
    pub committed: Decimal,
    /// What may still be promised.
    pub available: Decimal,
    /// What open orders want and nobody has.
    pub backordered: Decimal,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceRow {
    /// The item's internal id.
    pub item: u64,
    /// The price level's internal id.
    pub level: u64,
    /// The currency's internal id.
    pub currency: u64,
    /// The least quantity; zero for the base price.
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

/// Snapshots. All are in the order of internal ids.
impl Netsuite {
    /// The set-up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.with(|state| state.settings.clone())
    }

    /// Every item.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.with(|state| state.items.rows().values().cloned().collect())
    }

    /// An item.
    #[must_use]
    pub fn item(&self, id: u64) -> Option<Item> {
        self.with(|state| state.items.get(&id).cloned())
    }

    /// All stock.
    #[must_use]
    pub fn stock(&self) -> Vec<StockRow> {
        self.with(|state| state.stock.rows().iter().map(|(key, it)| stock_row(*key, it)).collect())
    }

    /// Stock of an item at a location.
    #[must_use]
    pub fn stock_at(&self, key: StockKey) -> Option<StockRow> {
        self.with(|state| state.stock.get(&key).map(|it| stock_row(key, it)))
    }

    /// All prices.
    #[must_use]
    pub fn prices(&self) -> Vec<PriceRow> {
        self.with(|state| state.prices.rows().iter().map(price_row).collect())
    }

    /// The prices of an item at a level, in every currency, with its breaks.
    #[must_use]
    pub fn prices_of(&self, item: u64, level: u64) -> Vec<PriceRow> {
        let first = PriceKey { item, level, currency: 0, from: Decimal::ZERO };
        let is_its = |key: &PriceKey| key.item == item && key.level == level;
        self.with(|state| {
            let rows = state.prices.rows().range(first..).take_while(|(key, _)| is_its(key));
            rows.map(price_row).collect()
        })
    }

    /// Every customer.
    #[must_use]
    pub fn customers(&self) -> Vec<Customer> {
        self.with(|state| state.customers.rows().values().cloned().collect())
    }

    /// Every location.
    #[must_use]
    pub fn locations(&self) -> Vec<Location> {
        self.with(|state| state.locations.values().cloned().collect())
    }

    /// Every price level.
    #[must_use]
    pub fn price_levels(&self) -> Vec<Named> {
        self.with(|state| state.levels.values().cloned().collect())
    }

    /// Every sales order.
    #[must_use]
    pub fn orders(&self) -> Vec<Transaction> {
        self.with(|state| transactions(state, TransactionType::SalesOrd))
    }

    /// Every fulfilment, by its order.
    #[must_use]
    pub fn parcels(&self) -> BTreeMap<u64, Vec<Transaction>> {
        let mut parcels: BTreeMap<u64, Vec<Transaction>> = BTreeMap::new();
        for it in self.with(|state| transactions(state, TransactionType::ItemShip)) {
            parcels.entry(it.created_from.unwrap_or_default()).or_default().push(it);
        }
        parcels
    }

    /// Every inventory adjustment.
    #[must_use]
    pub fn adjustments(&self) -> Vec<Transaction> {
        self.with(|state| transactions(state, TransactionType::InvAdjst))
    }

    /// What was deleted.
    #[must_use]
    pub fn deleted(&self) -> Vec<Deleted> {
        self.with(|state| state.deleted.values().cloned().collect())
    }

    /// Refused logins, with the reason that the caller was not told.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.with(|state| state.auth.refusals().to_vec())
    }
}

fn transactions(state: &State, ty: TransactionType) -> Vec<Transaction> {
    state.transactions.rows().values().filter(|it| it.ty == ty).cloned().collect()
}

fn price_row((key, amount): (&PriceKey, &Decimal)) -> PriceRow {
    let PriceKey { item, level, currency, from } = *key;
    PriceRow { item, level, currency, from, amount: *amount }
}

fn stock_row(key: StockKey, it: &Stock) -> StockRow {
    StockRow {
        item: key.item,
        location: key.location,
        on_hand: it.on_hand,
        committed: it.committed(),
        available: it.available(),
        backordered: it.backordered(),
    }
}
