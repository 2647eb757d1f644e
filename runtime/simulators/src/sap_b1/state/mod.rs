//! What a company holds, and how a save changes it.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::tz::TimeZone;
use truthsource_core::{Decimal, UnixMs};

use super::clock::Stamp;
use super::model::field::Definitions;
use super::model::{
    Book, Counting, Document, Item, Notification, Partner, Posting, PriceList, SpecialPrice, SqlQuery, Subscription,
    Transfer, Warehouse,
};
use super::problem::Problem;
use super::session::Sessions;
use super::settings::Settings;
use super::shape::Rules;
use crate::journal::{Actor, Change};
use crate::outbox::Webhook;

mod documents;
mod events;
mod items;
mod lines;
mod partners;
mod prices;
mod stock;
mod stock_documents;

pub(super) use documents::Turn;
pub(super) use events::{Sent, transactions};
pub(super) use prices::Asked;

/// Who saves, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub now: UnixMs,
    pub actor: Actor,
}

/// Everything behind the company's one lock. A copy of it is what a change set that fails goes back to.
#[derive(Clone)]
pub(super) struct State {
    pub settings: Settings,
    pub zone: TimeZone,
    pub sessions: Sessions,
    /// What the fault menu has of the size of pages.
    pub page_max: usize,
    pub items: BTreeMap<String, Item>,
    pub warehouses: BTreeMap<String, Warehouse>,
    pub lists: BTreeMap<i64, PriceList>,
    /// By `CardCode` and `ItemCode`.
    pub special: BTreeMap<(String, String), SpecialPrice>,
    pub partners: BTreeMap<String, Partner>,
    /// By the set they are in (a draft is in `Drafts`, whatever it is to become) and `DocEntry`.
    pub documents: BTreeMap<(Book, i64), Document>,
    pub countings: BTreeMap<i64, Counting>,
    pub postings: BTreeMap<i64, Posting>,
    pub transfers: BTreeMap<i64, Transfer>,
    pub queries: BTreeMap<String, SqlQuery>,
    pub fields: Definitions,
    /// The company switched webhooks on.
    pub webhooks_on: bool,
    pub subscriptions: BTreeMap<String, Subscription>,
    pub notifications: Vec<Notification>,
    /// Deliveries that nobody has answered for good, by their exact bytes.
    pub sent: BTreeMap<Bytes, Sent>,
    next_entries: BTreeMap<&'static str, i64>,
    changes: Vec<Change>,
    outgoing: Vec<Webhook>,
    /// There may be events that nobody was told of.
    has_pending: bool,
    events: u64,
}

impl State {
    /// An empty company.
    ///
    /// # Errors
    /// When the settings name no time zone that exists.
    pub(super) fn new(settings: Settings) -> Result<Self, jiff::Error> {
        let zone = TimeZone::get(&settings.time_zone)?;
        let mut state = Self {
            zone,
            sessions: Sessions::default(),
            page_max: 0,
            items: BTreeMap::new(),
            warehouses: BTreeMap::new(),
            lists: BTreeMap::new(),
            special: BTreeMap::new(),
            partners: BTreeMap::new(),
            documents: BTreeMap::new(),
            countings: BTreeMap::new(),
            postings: BTreeMap::new(),
            transfers: BTreeMap::new(),
            queries: BTreeMap::new(),
            fields: Definitions::default(),
            webhooks_on: false,
            subscriptions: BTreeMap::new(),
            notifications: Vec::new(),
            sent: BTreeMap::new(),
            next_entries: BTreeMap::new(),
            changes: Vec::new(),
            outgoing: Vec::new(),
            has_pending: false,
            events: 0,
            settings,
        };
        state.lists.insert(1, state.list(1, "Base Price"));
        Ok(state)
    }

    /// A list that follows none.
    pub(super) fn list(&self, number: i64, name: &str) -> PriceList {
        PriceList {
            number,
            name: name.to_owned(),
            base: number,
            factor: Decimal::ONE,
            is_gross: false,
            active: true,
            currency: self.settings.local_currency().to_owned(),
            valid_from: None,
            valid_to: None,
        }
    }

    /// Takes on another set-up. Data stays, and so do the stamps that it has.
    ///
    /// # Errors
    /// When it names no time zone that exists; nothing has changed then.
    pub(super) fn set_settings(&mut self, settings: Settings) -> Result<(), jiff::Error> {
        self.zone = TimeZone::get(&settings.time_zone)?;
        self.settings = settings;
        Ok(())
    }

    /// How bodies are read.
    pub(super) fn rules(&self, replace: bool) -> Rules<'_> {
        Rules { fields: &self.fields, replace }
    }

    /// The moment as the company keeps it.
    pub(super) fn stamp(&self, now: UnixMs) -> Stamp {
        Stamp::of(now, &self.zone)
    }

    /// A new key in a set.
    pub(super) fn next_entry(&mut self, set: &'static str) -> i64 {
        let next = self.next_entries.entry(set).or_insert(1);
        let entry = *next;
        *next += 1;
        entry
    }

    fn record(&mut self, cause: Cause, (kind, id): (&str, &str), field: &str, value: impl Into<String>) {
        let (kind, id, field) = (kind.to_owned(), id.to_owned(), field.to_owned());
        self.changes.push(Change { at: cause.now, actor: cause.actor, kind, id, field, value: value.into() });
    }

    /// Puts down what is new of a record's fields.
    fn record_fields<const N: usize>(
        &mut self,
        cause: Cause,
        record: (&str, &str),
        before: Option<[(&'static str, String); N]>,
        after: [(&'static str, String); N],
    ) {
        for (at, (field, value)) in after.into_iter().enumerate() {
            if before.as_ref().is_none_or(|it| it[at].1 != value) {
                self.record(cause, record, field, value);
            }
        }
    }

    /// Changes since the last call, for the journal.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
}

/// The name of a record that two codes name together: `list:item`, with what separates escaped in the codes.
pub(super) fn pair(first: &str, second: &str) -> String {
    let escaped = |it: &str| it.replace('%', "%25").replace(':', "%3A");
    format!("{}:{}", escaped(first), escaped(second))
}

/// `Valid` and `Frozen` after a write: they are two sides of one switch, and a write that moves one moves the other.
fn switched((valid, frozen): (bool, bool), said: (Option<bool>, Option<bool>)) -> (bool, bool) {
    match said {
        (None, None) => (valid, frozen),
        (Some(valid), None) => (valid, !valid),
        (None, Some(frozen)) => (!frozen, frozen),
        (Some(valid), Some(frozen)) => (valid, frozen),
    }
}

/// Refuses what would have too many digits.
fn fits(number: Option<Decimal>) -> Result<Decimal, Problem> {
    number.ok_or_else(|| Problem::rule("The number is out of range"))
}
