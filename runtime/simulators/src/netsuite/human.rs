//! What a person does at the account's own screens, for code in the same process.
//!
//! After any of these, let the door collect webhooks: the installed script posts its hints for people's edits too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::Netsuite;
use super::model::{Customer, Item, Line, Status, StockKey, Transaction, TransactionType};
use super::problem::Problem;
use super::rest;
use super::seed::Seed;
use super::settings::Settings;
use super::state::{Cause, Family, has_stock};
use crate::journal::Actor;

/// The screen said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem.detail)
    }
}

/// Changes to an item; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemEdit {
    /// `itemId`.
    pub code: Option<String>,
    /// `displayName`.
    pub title: Option<String>,
    /// `upcCode`.
    pub barcode: Option<String>,
    /// Not `isInactive`.
    pub active: Option<bool>,
}

/// Changes to a customer; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerEdit {
    /// `entityId`.
    pub code: Option<String>,
    /// `companyName`.
    pub name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// Not `isInactive`.
    pub active: Option<bool>,
    /// The price level it buys at.
    pub price_level: Option<u64>,
}

/// The whole price of an item at a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceEdit {
    /// The currency's internal id; the account's own if left out.
    #[serde(default)]
    pub currency: Option<u64>,
    /// The base price.
    pub amount: Decimal,
    /// Prices from a quantity on.
    #[serde(default)]
    pub breaks: Vec<Break>,
}

/// A price from a quantity on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The least quantity.
    pub from: Decimal,
    /// The price of one.
    pub amount: Decimal,
}

fn by_hand(now: UnixMs) -> Cause {
    Cause { now, actor: Actor::Human }
}

fn none() -> Refused {
    Refused("there is no such record".to_owned())
}

/// An empty text empties a field.
fn edit(field: &mut Option<String>, to: Option<String>) {
    if let Some(text) = to {
        *field = Some(text).filter(|it| !it.is_empty());
    }
}

/// Edits.
impl Netsuite {
    /// Puts data in at once, as an import does.
    ///
    /// # Errors
    /// At the first entry that is not unique or refers to nothing; what came before it stays.
    pub fn seed(&self, now: UnixMs, seed: Seed) -> Result<(), Refused> {
        Ok(self.with(|state| state.seed(now, seed))?)
    }

    /// Corrects the count of an item at a location, by an inventory adjustment as the screens do.
    ///
    /// # Errors
    /// When the item or location does not exist or the item is never counted.
    pub fn set_on_hand(&self, now: UnixMs, key: StockKey, on_hand: Decimal) -> Result<(), Refused> {
        self.with(|state| {
            let is_counted = state.items.get(&key.item).is_some_and(has_stock);
            if !is_counted || !state.locations.contains_key(&key.location) {
                return Err(none());
            }
            let before = state.stock.get(&key).map(|it| it.on_hand);
            let by = on_hand.checked_sub(before.unwrap_or_default());
            let by = by.ok_or_else(|| Refused("the quantity is out of range".to_owned()))?;
            if by == Decimal::ZERO && before.is_some() {
                return Ok(());
            }
            let mut adjustment = rest::blank(state, TransactionType::InvAdjst, now);
            adjustment.id = state.next_id(Family::Transaction);
            adjustment.account = state.settings.adjustment_accounts.first().map(|it| it.id);
            adjustment.lines = vec![count(key, by, now)];
            Ok(state.save_transaction(by_hand(now), adjustment)?)
        })
    }

    /// Makes an item. Gives back its internal id.
    ///
    /// # Errors
    /// When the code is empty or taken.
    pub fn add_item(&self, now: UnixMs, item: super::seed::SeedItem) -> Result<u64, Refused> {
        self.with(|state| {
            let id = item.id.unwrap_or_else(|| state.next_id(Family::Item));
            state.reserve_id(Family::Item, id);
            let super::seed::SeedItem { code, title, barcode, external_id, active, ty, .. } = item;
            let (created, modified) = (now, now);
            let item = Item { id, external_id, code, title, barcode, active, ty, created, modified };
            state.save_item(by_hand(now), item)?;
            Ok(id)
        })
    }

    /// Changes an item.
    ///
    /// # Errors
    /// When it does not exist, or its new code is empty or taken.
    pub fn set_item(&self, now: UnixMs, id: u64, change: ItemEdit) -> Result<(), Refused> {
        self.with(|state| {
            let mut item = state.items.get(&id).cloned().ok_or_else(none)?;
            item.code = change.code.unwrap_or(item.code);
            edit(&mut item.title, change.title);
            edit(&mut item.barcode, change.barcode);
            item.active = change.active.unwrap_or(item.active);
            Ok(state.save_item(by_hand(now), item)?)
        })
    }

    /// Deletes an item with its prices and stock.
    ///
    /// # Errors
    /// When it does not exist or an open order waits for it.
    pub fn delete_item(&self, now: UnixMs, id: u64) -> Result<(), Refused> {
        Ok(self.with(|state| state.delete_item(by_hand(now), id))?)
    }

    /// Replaces the price of an item at a level, breaks included.
    ///
    /// # Errors
    /// When item or level do not exist.
    pub fn set_price(&self, now: UnixMs, item: u64, level: u64, price: PriceEdit) -> Result<(), Refused> {
        self.with(|state| {
            let currency = price.currency.unwrap_or(state.settings.base_currency());
            if state.items.get(&item).is_none() || !state.levels.contains_key(&level) {
                return Err(none());
            }
            let mut breaks: BTreeMap<Decimal, Decimal> =
                price.breaks.into_iter().map(|it| (it.from, it.amount)).collect();
            breaks.insert(Decimal::ZERO, price.amount);
            state.save_prices(by_hand(now), (item, level, currency), breaks);
            Ok(())
        })
    }

    /// Makes a customer. Gives back its internal id.
    ///
    /// # Errors
    /// When the code is empty or taken.
    pub fn add_customer(&self, now: UnixMs, customer: super::seed::SeedCustomer) -> Result<u64, Refused> {
        self.with(|state| {
            let id = customer.id.unwrap_or_else(|| state.next_id(Family::Entity));
            state.reserve_id(Family::Entity, id);
            let currency = customer.currency.unwrap_or(state.settings.base_currency());
            let subsidiary = state.settings.subsidiaries.first().map_or(1, |it| it.id);
            let super::seed::SeedCustomer { code, name, email, external_id, active, price_level, .. } = customer;
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
                created: now,
                modified: now,
                item_pricing: Vec::new(),
            };
            state.save_customer(by_hand(now), customer)?;
            Ok(id)
        })
    }

    /// Changes a customer.
    ///
    /// # Errors
    /// When it does not exist, or its new code is empty or taken.
    pub fn set_customer(&self, now: UnixMs, id: u64, change: CustomerEdit) -> Result<(), Refused> {
        self.with(|state| {
            let mut customer = state.customers.get(&id).cloned().ok_or_else(none)?;
            customer.code = change.code.unwrap_or(customer.code);
            edit(&mut customer.name, change.name);
            edit(&mut customer.email, change.email);
            customer.active = change.active.unwrap_or(customer.active);
            customer.price_level = change.price_level.or(customer.price_level);
            Ok(state.save_customer(by_hand(now), customer)?)
        })
    }

    /// Deletes a customer.
    ///
    /// # Errors
    /// When it does not exist or has orders.
    pub fn delete_customer(&self, now: UnixMs, id: u64) -> Result<(), Refused> {
        Ok(self.with(|state| state.delete_customer(by_hand(now), id))?)
    }

    /// Approves, cancels or closes a sales order.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn set_order_status(&self, now: UnixMs, id: u64, status: Status) -> Result<(), Refused> {
        self.with(|state| {
            let order = state.transactions.get(&id).filter(|it| it.ty == TransactionType::SalesOrd);
            let order = order.cloned().ok_or_else(none)?;
            Ok(state.save_transaction(by_hand(now), Transaction { status: Some(status), ..order })?)
        })
    }

    /// Enters a sales order of a customer, with its own number for it: items and quantities, at the customer's prices.
    ///
    /// # Errors
    /// When an item has no price.
    pub fn place_order(
        &self,
        now: UnixMs,
        (customer, po_number): (u64, &str),
        lines: &[(u64, Decimal)],
        location: u64,
    ) -> Result<u64, Refused> {
        self.with(|state| {
            let mut order = rest::blank(state, TransactionType::SalesOrd, now);
            order.id = state.next_id(Family::Transaction);
            (order.entity, order.po_number) = (Some(customer), Some(po_number.to_owned()));
            for (item, quantity) in lines {
                let rate = state.price_for(*item, order.entity, *quantity);
                let amount = rate.and_then(|it| it.checked_mul(*quantity)).map(|it| it.round(2));
                let key = StockKey { item: *item, location };
                order.lines.push(Line { rate, amount, ..count(key, *quantity, now) });
            }
            let id = order.id;
            state.save_transaction(by_hand(now), order)?;
            Ok(id)
        })
    }

    /// Ships all that is open of a sales order. Gives back the fulfilment's internal id.
    ///
    /// # Errors
    /// When it does not exist or nothing is open.
    pub fn fulfil(&self, now: UnixMs, order: u64) -> Result<u64, Refused> {
        Ok(self.with(|state| rest::ship(state, by_hand(now), order, rest::Shipment::default()))?)
    }

    /// Ships so much of lines of a sales order, by their numbers. Gives back the fulfilment's internal id.
    ///
    /// # Errors
    /// When it does not exist or less is open.
    pub fn fulfil_part(
        &self,
        now: UnixMs,
        order: u64,
        lines: &BTreeMap<u64, Decimal>,
        (carrier, tracking): (Option<String>, Option<String>),
    ) -> Result<u64, Refused> {
        let shipment = rest::Shipment { asked: Some(lines), external_id: None, carrier, tracking };
        Ok(self.with(|state| rest::ship(state, by_hand(now), order, shipment))?)
    }

    /// Ends every access token that was given out.
    pub fn revoke_tokens(&self) {
        self.with(|state| state.auth.revoke_bearers());
    }

    /// Takes on another set-up; data stays.
    ///
    /// # Errors
    /// When it names no time zone that exists; nothing has changed then.
    pub fn set_settings(&self, settings: Settings) -> Result<(), Refused> {
        self.with(|state| state.set_settings(settings)).map_err(|it| Refused(it.to_string()))
    }
}

fn count(key: StockKey, by: Decimal, now: UnixMs) -> Line {
    Line {
        key: 0,
        number: 0,
        item: key.item,
        quantity: by,
        rate: None,
        amount: None,
        location: Some(key.location),
        fulfilled: Decimal::ZERO,
        modified: now,
    }
}
