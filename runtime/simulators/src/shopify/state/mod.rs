//! What the shop holds, and the rules by which it changes.

mod buyer_search;
pub mod catalogs;
pub mod companies;
pub mod definitions;
pub mod events;
mod item_search;
pub mod items;
pub mod metafields;
mod order_search;
pub mod orders;
pub mod parcels;
mod placing;
pub mod prices;
pub mod stock;
pub mod subscriptions;
pub mod table;
pub mod upsert;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use truthsource_core::{Decimal, UnixMs};

use super::access::Access;
use super::idempotency::Attempts;
use super::moments::whole_second;
use super::settings::Settings;
use crate::journal::{Actor, Change, Journal};
use crate::outbox::Webhook;

use catalogs::Catalog;
use companies::{Company, CompanyLocation, Contact, Customer};
use definitions::Definition;
use events::Event;
use items::{Item, Product, Variant};
use metafields::Metafields;
use orders::Order;
use prices::{Fixed, PriceList};
use stock::{Level, Location};
use subscriptions::Subscription;
use table::Table;

/// When a change happens and who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub at: UnixMs,
    /// By whom.
    pub actor: Actor,
}

impl Cause {
    /// The moment as rows keep it.
    #[must_use]
    pub fn second(self) -> UnixMs {
        whole_second(self.at)
    }
}

/// Everything the shop holds.
#[derive(Debug, Clone)]
pub struct State {
    /// How it is set up.
    pub settings: Settings,
    /// The shop's time zone.
    pub zone: TimeZone,
    /// Products by number.
    pub products: Table<Product>,
    /// Variants by number.
    pub variants: Table<Variant>,
    /// Inventory items by number.
    pub items: Table<Item>,
    /// Stock locations by number.
    pub locations: Table<Location>,
    /// Stock levels by [`stock::level_key`].
    pub levels: Table<Level>,
    /// Price lists by number.
    pub price_lists: Table<PriceList>,
    /// Fixed prices by (price list, variant).
    pub fixed: BTreeMap<(u64, u64), Fixed>,
    /// Catalogs by number.
    pub catalogs: Table<Catalog>,
    /// Companies by number.
    pub companies: Table<Company>,
    /// Company locations by number.
    pub company_locations: Table<CompanyLocation>,
    /// Company contacts by number.
    pub contacts: Table<Contact>,
    /// Customers by number.
    pub customers: Table<Customer>,
    /// Orders by number.
    pub orders: Table<Order>,
    /// What was made and destroyed, by number.
    pub events: Table<Event>,
    /// Webhook subscriptions by number.
    pub subscriptions: Table<Subscription>,
    /// Metafields by owner.
    pub metafields: Metafields,
    /// What metafields are, in the order of their numbers.
    pub definitions: Vec<Definition>,
    /// Tokens, secrets and cost points.
    pub access: Access,
    /// Idempotency keys that were used.
    pub attempts: Attempts,
    /// Products by handle.
    pub handles: BTreeMap<String, u64>,
    /// What the fault menu has of the size of pages.
    pub page_max: usize,
    journal: Arc<Journal>,
    outgoing: Vec<Webhook>,
    next_id: u64,
    next_location: u64,
    orders_placed: u64,
    announced: u64,
    /// While the first contents are put in, nothing is written down and nobody is told.
    is_seeding: bool,
}

/// The number of the first object of any kind but a location: a number names one object, whatever its kind.
const FIRST_ID: u64 = 100_001;
/// The number of the first location.
const FIRST_LOCATION: u64 = 61;
/// The number of the first order.
const FIRST_ORDER: u64 = 1001;

impl State {
    /// An empty shop. An unknown time zone is UTC.
    #[must_use]
    pub fn new(settings: Settings, journal: Arc<Journal>) -> Self {
        let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
        Self {
            settings,
            zone,
            products: Table::default(),
            variants: Table::default(),
            items: Table::default(),
            locations: Table::default(),
            levels: Table::default(),
            price_lists: Table::default(),
            fixed: BTreeMap::new(),
            catalogs: Table::default(),
            companies: Table::default(),
            company_locations: Table::default(),
            contacts: Table::default(),
            customers: Table::default(),
            orders: Table::default(),
            events: Table::default(),
            subscriptions: Table::default(),
            metafields: Metafields::default(),
            definitions: Vec::new(),
            access: Access::default(),
            attempts: Attempts::default(),
            handles: BTreeMap::new(),
            page_max: 0,
            journal,
            outgoing: Vec::new(),
            next_id: FIRST_ID,
            next_location: FIRST_LOCATION,
            orders_placed: 0,
            announced: 0,
            is_seeding: false,
        }
    }

    /// Another shop that holds the same, with a journal of its own.
    #[must_use]
    pub fn copy(&self, journal: Arc<Journal>) -> Self {
        Self { journal, ..self.clone() }
    }

    /// How long the search index takes to learn of a change, from now on.
    pub fn set_search_lag(&mut self, lag_ms: u64) {
        self.products.set_lag(lag_ms);
        self.variants.set_lag(lag_ms);
        self.items.set_lag(lag_ms);
        self.levels.set_lag(lag_ms);
        self.companies.set_lag(lag_ms);
        self.company_locations.set_lag(lag_ms);
        self.customers.set_lag(lag_ms);
        self.orders.set_lag(lag_ms);
    }

    /// Replaces the settings, the time zone with them.
    pub fn set_settings(&mut self, settings: Settings) {
        self.zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
        self.settings = settings;
    }

    /// Puts first contents in, as if they had always been there.
    pub fn seeding<R>(&mut self, put: impl FnOnce(&mut Self) -> R) -> R {
        self.is_seeding = true;
        let result = put(self);
        self.is_seeding = false;
        result
    }

    /// The webhooks that were caused since the last call.
    pub fn take_outgoing(&mut self) -> Vec<Webhook> {
        std::mem::take(&mut self.outgoing)
    }

    /// An amount as the shop keeps it.
    #[must_use]
    pub fn kept(&self, amount: Decimal) -> Decimal {
        self.settings.price_decimals.map_or(amount, |places| amount.round(places))
    }

    pub(in crate::shopify) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn new_location_id(&mut self) -> u64 {
        self.next_location += 1;
        self.next_location - 1
    }

    fn new_order_number(&mut self) -> u64 {
        self.orders_placed += 1;
        FIRST_ORDER + self.orders_placed - 1
    }

    /// Writes a change down for whoever judges the run.
    pub(in crate::shopify) fn note(
        &self,
        cause: Cause,
        kind: &str,
        id: impl std::fmt::Display,
        change: (&str, impl std::fmt::Display),
    ) {
        if self.is_seeding {
            return;
        }
        self.journal.add(Change {
            at: cause.at,
            actor: cause.actor,
            kind: kind.to_owned(),
            id: id.to_string(),
            field: change.0.to_owned(),
            value: change.1.to_string(),
        });
    }
}
