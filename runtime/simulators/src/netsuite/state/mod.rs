//! What an account holds, and how a save changes it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};

use super::auth::Auth;
use super::model::{Customer, Deleted, Item, Location, PriceKey, Stock, StockKey, Transaction};
use super::problem::Problem;
use super::script::{self, Event};
use super::settings::{Named, Settings};
use crate::journal::{Actor, Change};
use crate::outbox::Webhook;

mod orders;
mod prices;
mod records;
mod stock;
pub(super) mod tracked;

pub(super) use orders::has_stock;
use tracked::Tracked;

/// Who saves, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub now: UnixMs,
    pub actor: Actor,
}

/// Record types whose internal and external ids share one numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Item,
    Entity,
    Transaction,
    Location,
    PriceLevel,
}

/// Everything behind the account's one lock.
#[derive(Clone)]
pub(super) struct State {
    pub settings: Settings,
    pub zone: TimeZone,
    pub auth: Auth,
    pub items: Tracked<u64, Item>,
    pub stock: Tracked<StockKey, Stock>,
    pub prices: Tracked<PriceKey, Decimal>,
    pub customers: Tracked<u64, Customer>,
    pub transactions: Tracked<u64, Transaction>,
    pub locations: BTreeMap<u64, Location>,
    pub levels: BTreeMap<u64, Named>,
    pub deleted: BTreeMap<u64, Deleted>,
    pub search_lag_ms: u64,
    external: BTreeMap<(Family, String), u64>,
    item_codes: BTreeMap<String, u64>,
    customer_codes: BTreeMap<String, u64>,
    next_ids: BTreeMap<Family, u64>,
    next_line_key: u64,
    saves: u64,
    changes: Vec<Change>,
    webhooks: Vec<Webhook>,
    events: u64,
}

impl State {
    /// An empty account.
    ///
    /// # Errors
    /// When the settings name no time zone that exists.
    pub(super) fn new(settings: Settings) -> Result<Self, jiff::Error> {
        let zone = TimeZone::get(&settings.time_zone)?;
        let levels = settings.price_levels.iter().map(|it| (it.id, it.clone())).collect();
        Ok(Self {
            zone,
            auth: Auth::default(),
            items: Tracked::new(),
            stock: Tracked::new(),
            prices: Tracked::new(),
            customers: Tracked::new(),
            transactions: Tracked::new(),
            locations: BTreeMap::new(),
            levels,
            deleted: BTreeMap::new(),
            search_lag_ms: 0,
            external: BTreeMap::new(),
            item_codes: BTreeMap::new(),
            customer_codes: BTreeMap::new(),
            next_ids: BTreeMap::new(),
            next_line_key: 1,
            saves: 0,
            changes: Vec::new(),
            webhooks: Vec::new(),
            events: 0,
            settings,
        })
    }

    /// Takes on another set-up. Data stays; price levels that are new are added.
    ///
    /// # Errors
    /// When it names no time zone that exists; nothing has changed then.
    pub(super) fn set_settings(&mut self, settings: Settings) -> Result<(), jiff::Error> {
        self.zone = TimeZone::get(&settings.time_zone)?;
        for level in &settings.price_levels {
            self.levels.insert(level.id, level.clone());
        }
        self.settings = settings;
        Ok(())
    }

    /// A new internal id.
    pub(super) fn next_id(&mut self, family: Family) -> u64 {
        let next = self.next_ids.entry(family).or_insert(1);
        let id = *next;
        *next += 1;
        id
    }

    /// Keeps new ids clear of one that was given.
    pub(super) fn reserve_id(&mut self, family: Family, id: u64) {
        let next = self.next_ids.entry(family).or_insert(1);
        *next = (*next).max(id.saturating_add(1));
    }

    /// The record under an external id; case does not matter.
    pub(super) fn by_external_id(&self, family: Family, external_id: &str) -> Option<u64> {
        self.external.get(&(family, external_id.to_lowercase())).copied()
    }

    /// Moves an external id from what a record had to what it shall have.
    fn claim_external_id(
        &mut self,
        family: Family,
        id: u64,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), Problem> {
        if from == to {
            return Ok(());
        }
        if let Some(to) = to {
            let key = (family, to.to_lowercase());
            match self.external.get(&key) {
                Some(other) if *other != id => {
                    return Err(Problem::user(format!(
                        "This entity already exists. A record with the external ID '{to}' already exists (DUP_RCRD)."
                    )));
                }
                _ => self.external.insert(key, id),
            };
        }
        if let Some(from) = from.filter(|it| to.map(str::to_lowercase) != Some(it.to_lowercase())) {
            self.external.remove(&(family, from.to_lowercase()));
        }
        Ok(())
    }

    /// The moment a save is stamped with: now, or earlier where a long transaction is played.
    fn stamp(&mut self, now: UnixMs) -> UnixMs {
        self.saves += 1;
        let skew = self.settings.commit_skew;
        let draw = Draw::new(skew.seed);
        if draw.chance(skew.per_mille, "commit-skew", self.saves) {
            now.minus(draw.below(skew.ms_max, "commit-skew-ms", self.saves))
        } else {
            now
        }
    }

    fn next_line_key(&mut self) -> u64 {
        let key = self.next_line_key;
        self.next_line_key += 1;
        key
    }

    fn record(&mut self, cause: Cause, (kind, id): (&str, &str), field: &str, value: impl Into<String>) {
        let (kind, id, field) = (kind.to_owned(), id.to_owned(), field.to_owned());
        self.changes.push(Change { at: cause.now, actor: cause.actor, kind, id, field, value: value.into() });
    }

    /// Lets the user-event script post its hint, if there is one.
    fn tell(&mut self, now: UnixMs, event: Event) {
        let Some(script) = &self.settings.script else { return };
        self.events += 1;
        let id = format!("{}-{}", self.settings.host_label(), self.events);
        self.webhooks.push(script::webhook(script, &id, now, &event));
    }

    /// Changes since the last call, for the journal.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Hints since the last call.
    pub(super) fn take_webhooks(&mut self) -> Vec<Webhook> {
        std::mem::take(&mut self.webhooks)
    }

    /// How long searches may miss a change.
    pub(super) fn set_search_lag(&mut self, lag_ms: u64) {
        self.search_lag_ms = lag_ms;
        self.items.set_lag(lag_ms);
        self.stock.set_lag(lag_ms);
        self.prices.set_lag(lag_ms);
        self.customers.set_lag(lag_ms);
        self.transactions.set_lag(lag_ms);
    }

    /// Lets `read` see what a search sees: everything, but for what changed within the search lag.
    pub(super) fn as_searched<T>(&mut self, now: UnixMs, read: impl FnOnce(&Self) -> T) -> T {
        if self.search_lag_ms == 0 {
            return read(self);
        }
        self.items.rewind(now);
        self.stock.rewind(now);
        self.prices.rewind(now);
        self.customers.rewind(now);
        self.transactions.rewind(now);
        let result = read(self);
        self.items.forward();
        self.stock.forward();
        self.prices.forward();
        self.customers.forward();
        self.transactions.forward();
        result
    }
}
