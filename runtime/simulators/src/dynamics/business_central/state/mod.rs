//! What an environment holds, and how a save changes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use truthsource_core::UnixMs;

use super::super::guid::Guid;
use super::super::table::{Cell, Index, Row, Table};
use super::super::token::Tokens;
use super::super::view::{difference, once};
use super::catalogue::Set;
use super::problem::Problem;
use super::settings::{Rate, Settings};
use super::webhooks::Subscriptions;
use crate::journal::{Actor, Change};
use crate::outbox::Webhook;

mod adjustments;
mod items;
mod lines;
mod masters;
mod orders;
mod posting;
mod prices;
mod references;
mod stock;
mod view;

pub(super) use posting::Posting;
pub(super) use prices::price_key;
pub(super) use stock::place_of;
pub(super) use view::Subject;

/// Who saves, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub now: UnixMs,
    pub actor: Actor,
    /// The change is told to subscribers: it is not when a delegated admin makes it.
    pub notifies: bool,
}

/// A row as somebody wants it, and which columns that somebody named.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub row: Row,
    pub given: BTreeSet<&'static str>,
}

impl Draft {
    pub(super) fn new(row: Row) -> Self {
        Self { row, given: BTreeSet::new() }
    }

    pub(super) fn gives(&self, column: &str) -> bool {
        self.given.contains(column)
    }

    pub(super) fn give(&mut self, column: &'static str, cell: Cell) {
        self.row.set(column, cell);
        self.given.insert(column);
    }

    /// Fills a column that was not named and holds nothing.
    fn default(&mut self, column: &'static str, cell: Cell) {
        if self.row.cell(column).is_none() {
            self.row.set(column, cell);
        }
    }
}

/// How a record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Created,
    Updated,
    Deleted,
}

/// A change that subscribers may hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    pub set: Set,
    pub id: Guid,
    pub how: Move,
    pub at: UnixMs,
    pub notifies: bool,
}

/// Everything behind the environment's one lock.
#[derive(Clone)]
pub(super) struct State {
    pub settings: Settings,
    pub tokens: Tokens,
    pub subscriptions: Subscriptions,
    /// The moments of the requests within the window of the limit.
    pub recent: VecDeque<UnixMs>,
    /// Requests so far.
    pub requests: u64,
    /// "Something went wrong here" so far.
    pub breakdowns: u64,
    pub webhooks: Vec<Webhook>,
    /// What the fault menu has of locks, beside the settings.
    pub locks: Rate,
    /// What it has of the size of pages.
    pub page_max: usize,
    tables: Vec<Table>,
    lag_ms: u64,
    versions: u64,
    ids: u64,
    series: BTreeMap<&'static str, u64>,
    changes: Vec<Change>,
    events: Vec<Event>,
    /// What rows were before, since the last commit.
    undo: Vec<(Set, Guid, Option<Row>)>,
}

const SETS: [Set; 20] = [
    Set::Items,
    Set::Customers,
    Set::Locations,
    Set::Currencies,
    Set::PaymentTerms,
    Set::Units,
    Set::ItemCategories,
    Set::LedgerEntries,
    Set::Orders,
    Set::OrderLines,
    Set::Shipments,
    Set::ShipmentLines,
    Set::Invoices,
    Set::InvoiceLines,
    Set::Stocks,
    Set::Adjustments,
    Set::PriceLists,
    Set::PriceLines,
    Set::PastOrders,
    Set::PastLines,
];

fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|it| !it.is_empty())
}

fn index(set: Set) -> Index {
    let (number, code) = (|it: &Row| filled(it.text("number")), |it: &Row| filled(it.text("code")));
    let document = |it: &Row| Some(it.reference("documentId"));
    match set {
        Set::Items | Set::Customers | Set::Orders | Set::Shipments | Set::Invoices => {
            Index { key: number, ..Index::NONE }
        }
        Set::Locations | Set::Currencies | Set::PaymentTerms | Set::Units | Set::ItemCategories | Set::PriceLists => {
            Index { key: code, ..Index::NONE }
        }
        Set::OrderLines | Set::ShipmentLines | Set::InvoiceLines | Set::PastLines => {
            Index { owner: document, ..Index::NONE }
        }
        Set::Stocks => Index { key: stock::row_key, owner: |it| Some(it.reference(stock::ITEM)) },
        Set::Adjustments => Index { key: adjustments::row_key, ..Index::NONE },
        Set::PriceLines => Index { key: prices::row_key, owner: |it| Some(it.reference(prices::HEAD)) },
        Set::LedgerEntries | Set::PastOrders => Index::NONE,
    }
}

impl State {
    /// An environment without data but for its currencies, terms and units.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            tokens: Tokens::default(),
            subscriptions: Subscriptions::default(),
            recent: VecDeque::new(),
            requests: 0,
            breakdowns: 0,
            webhooks: Vec::new(),
            locks: Rate::default(),
            page_max: 0,
            tables: SETS.into_iter().map(|it| Table::new(index(it))).collect(),
            lag_ms: 0,
            versions: 0,
            ids: 0,
            series: BTreeMap::new(),
            changes: Vec::new(),
            events: Vec::new(),
            undo: Vec::new(),
        }
    }

    pub(super) fn table(&self, set: Set) -> &Table {
        &self.tables[set as usize]
    }

    pub(super) fn row(&self, set: Set, id: Guid) -> Option<&Row> {
        self.table(set).get(id)
    }

    pub(super) fn new_id(&mut self) -> Guid {
        self.ids += 1;
        Guid::sequential(self.ids)
    }

    /// The next number of a series: `S-ORD101001`.
    pub(super) fn next_number(&mut self, series: &'static str) -> String {
        let last = self.series.entry(series).or_insert(101_000);
        *last += 1;
        format!("{series}{last}")
    }

    /// Saves a row: its version and stamp move, and subscribers hear of it.
    pub(super) fn put(&mut self, cause: Cause, set: Set, mut row: Row) {
        let is_new = self.row(set, row.id).is_none();
        self.versions += 1;
        row.version = self.versions;
        row.modified = cause.now;
        row.created = if is_new { cause.now } else { row.created };
        let how = if is_new { Move::Created } else { Move::Updated };
        let id = row.id;
        self.note(cause, set, &row, how);
        self.place(cause.now, set, id, Some(row));
    }

    /// Saves what no stamp tells of.
    pub(super) fn put_quietly(&mut self, now: UnixMs, set: Set, row: Row) {
        self.place(now, set, row.id, Some(row));
    }

    pub(super) fn remove(&mut self, cause: Cause, set: Set, id: Guid) {
        let Some(row) = self.row(set, id).cloned() else { return };
        self.note(cause, set, &row, Move::Deleted);
        self.place(cause.now, set, id, None);
    }

    fn place(&mut self, now: UnixMs, set: Set, id: Guid, row: Option<Row>) {
        let before = self.row(set, id).cloned();
        self.undo.push((set, id, before));
        self.tables[set as usize].set(now, id, row);
    }

    /// A line's change is its document's.
    fn note(&mut self, cause: Cause, set: Set, row: &Row, how: Move) {
        let (set, id, how) = match set {
            Set::OrderLines => (Set::Orders, row.reference("documentId"), Move::Updated),
            other => (other, row.id, how),
        };
        self.events.push(Event { set, id, how, at: cause.now, notifies: cause.notifies });
    }

    /// All of `work` or nothing: a refusal leaves no trace but used-up numbers.
    pub(super) fn atomically<T, E>(
        &mut self,
        now: UnixMs,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (undo, changes, events) = (self.undo.len(), self.changes.len(), self.events.len());
        let outcome = work(self);
        if outcome.is_err() {
            for (set, id, before) in self.undo.split_off(undo).into_iter().rev() {
                self.tables[set as usize].set(now, id, before);
            }
            self.changes.truncate(changes);
            self.events.truncate(events);
        }
        outcome
    }

    /// The same, and what changed more than once meanwhile has changed once: nobody saw it in between.
    pub(super) fn as_one<T, E>(&mut self, now: UnixMs, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let from = self.changes.len();
        let outcome = self.atomically(now, work);
        let made = self.changes.split_off(from);
        self.changes.extend(once(made));
        outcome
    }

    /// Lets `work` change what `subjects` show, and the journal have the difference.
    pub(super) fn journaled<T>(
        &mut self,
        cause: Cause,
        subjects: &[Subject],
        work: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let before: Vec<_> = subjects.iter().map(|it| self.view(*it)).collect();
        let outcome = work(self)?;
        for (subject, before) in subjects.iter().zip(before) {
            let after = self.view(*subject);
            self.changes.extend(difference((cause.now, cause.actor), subject.kind(), before, after));
        }
        Ok(outcome)
    }

    /// Saves what somebody wants of a record, as its table's rules have it.
    pub(super) fn save(&mut self, cause: Cause, set: Set, draft: Draft) -> Result<Guid, Problem> {
        match set {
            Set::Items => self.save_item(cause, draft),
            Set::Customers => self.save_customer(cause, draft),
            Set::Locations | Set::Currencies | Set::PaymentTerms | Set::Units | Set::ItemCategories => {
                self.save_master(cause, set, draft)
            }
            Set::Orders => self.save_order(cause, draft),
            Set::OrderLines => self.save_line(cause, draft),
            Set::Stocks => self.save_stock(cause, draft),
            Set::Adjustments => self.save_adjustment(cause, draft),
            Set::PriceLists => self.save_price_list(cause, draft),
            Set::PriceLines => self.save_price_line(cause, draft),
            _ => Err(Problem::method("PATCH")),
        }
    }

    /// Deletes a record, as its table's rules have it.
    pub(super) fn delete(&mut self, cause: Cause, set: Set, id: Guid) -> Result<(), Problem> {
        match set {
            Set::Items => self.delete_item(cause, id),
            Set::Customers => self.delete_customer(cause, id),
            Set::Locations | Set::Currencies | Set::PaymentTerms | Set::Units | Set::ItemCategories => {
                self.delete_master(cause, set, id)
            }
            Set::Orders => self.delete_order(cause, id),
            Set::OrderLines => self.delete_line(cause, id),
            Set::PriceLists => self.delete_price_list(cause, id),
            Set::PriceLines => self.delete_price_line(cause, id),
            _ => Err(Problem::method("DELETE")),
        }
    }

    /// What was done stays: subscribers' notifications are prepared, and nothing can be taken back any more.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
        for event in std::mem::take(&mut self.events) {
            self.subscriptions.hear(&self.settings, event);
        }
    }

    /// Changes since the last call, for the journal.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// How long the replica lags.
    pub(super) fn set_lag(&mut self, lag_ms: u64) {
        self.lag_ms = lag_ms;
        for table in &mut self.tables {
            table.set_lag(lag_ms);
        }
    }

    /// Lets `read` see what the replica holds.
    pub(super) fn as_replicated<T>(&mut self, now: UnixMs, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.lag_ms == 0 {
            return read(self);
        }
        for table in &mut self.tables {
            table.rewind(now);
        }
        let result = read(self);
        for table in &mut self.tables {
            table.forward();
        }
        result
    }
}
