//! Where everything is kept.
//!
//! A tenant's data is reached only through a [`TenantStore`] that was made for that tenant: no function takes a
//! tenant as an argument, so no code can ask for the wrong one. Reads are plain; everything that is written is a
//! [`Batch`] of [`Change`]s, which is committed as a whole or not at all, and is durable when [`TenantStore::commit`]
//! returns. That makes the store easy to model, and every commit a place where a simulation can crash it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use truthsource_core::price::PriceRule;
use truthsource_core::record::{ConnectionId, Entry, KeyState, RecordKey};
use truthsource_core::{Fields, Kind, UnixMs};

pub mod change;
#[cfg(test)]
pub(crate) mod contract;
pub mod control;
pub mod damage;
pub mod debt;
mod digest;
pub mod event;
pub mod inspect;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod row;
pub mod sqlite;

pub use change::{Batch, Change};
pub use damage::{Damaged, Row};
pub use debt::{Debt, DebtState, Intent, UnmappedWrite};
pub use digest::{observed_digest, shadow_digest};
pub use event::{Event, What};
pub use inspect::Inspect;
pub use ledger::{Ledger, LoggedRuling, Stored};
pub use plan::{Owing, PlanOutcome, Planned, PlannedDue, PlannedWrite, Step};
pub use row::*;
pub use sqlite::{OpenError, SqliteStores, open};

/// How long the id of an understood webhook is kept, so that it is not taken twice.
pub const INBOX_ID_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How long an idempotency key is remembered.
pub const REMEMBERED_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Recorded calls kept of each slot.
pub const CALLS_KEPT: u32 = 100;

/// Accuracy figures kept of each kind at each connection: of a year, where it is swept every day.
pub const FIGURES_KEPT: u32 = 400;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lane's lease went to another worker: what this worker knows is void, and nothing was written.
    #[error("the lease of this lane was lost")]
    Fenced,
    /// What the batch was decided on has changed meanwhile; nothing was written.
    #[error("the data changed meanwhile: {0}")]
    Conflict(String),
    /// The store is out of reach or out of room for now; whether the batch was written is known: it was not.
    #[error("the store is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// The connection broke while committing: the batch may or may not be there. Look before repeating it.
    #[error("it is unknown whether the change was stored")]
    Unknown(#[source] anyhow::Error),
    /// What is stored cannot be understood.
    #[error("stored data is damaged: {0}")]
    Damaged(Box<Damaged>),
}

/// What a read or a commit gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One tenant's data.
#[async_trait]
pub trait TenantStore: Ledger {
    /// Writes the whole batch or nothing. Durable when it returns. Concurrent calls share one sync to disk.
    async fn commit(&self, batch: Batch) -> Result<Committed>;

    /// Takes the lease of a lane for `ttl_ms` and gives its fence, which is higher than any before; `None` while
    /// another holder has it. A holder that takes its own lease again starts anew: what it began before is void.
    async fn lease(&self, lane: &str, holder: &str, now: UnixMs, ttl_ms: u64) -> Result<Option<u64>>;
    /// Prolongs the lease that this fence stands for; false when it was taken by somebody else.
    async fn renew(&self, lane: &str, fence: u64, now: UnixMs, ttl_ms: u64) -> Result<bool>;
    /// Lets go of every lane that this holder has, so that another need not wait for its lease to end. Gives how many.
    async fn release(&self, holder: &str) -> Result<u64>;

    /// Every connection, in order.
    async fn connections(&self) -> Result<Vec<Connection>>;

    /// A connection's sealed secret of this purpose (`auth`, `webhook`); `None` if it has none.
    async fn credentials(&self, connection: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>>;

    /// Webhooks that were taken and not understood yet, oldest first.
    async fn inbox(&self, n_max: u32) -> Result<Vec<InboxRow>>;
    /// Records of a connection that something says have changed, and that are due to be read, oldest first.
    async fn touched(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Touched>>;
    /// How far each kind of a connection has been read.
    async fn cursors(&self, connection: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>>;

    /// What was asked for of a connection's lane.
    async fn asks(&self, connection: ConnectionId) -> Result<Asks>;

    /// Entries that no fold has taken and that wait for nothing, oldest first.
    async fn unfolded(&self, n_max: u32) -> Result<Vec<LoggedEntry>>;
    /// Something that a connection said of a kind was looked at by no fold yet, and may be about any record. What waits
    /// for a link is not: it refers to a record that is not linked there, and nothing that does is created there.
    async fn unidentified(&self, connection: ConnectionId, kind: Kind) -> Result<bool>;
    /// The connection has something of the kind that is linked to nothing and was tried to be read, in vain: it may be
    /// any record.
    async fn unread(&self, connection: ConnectionId, kind: Kind) -> Result<bool>;
    /// Entries that wait for this token, in order after the place `after`.
    async fn waiting(&self, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>>;
    /// What is known about each of these records; a record that is not known has the default state.
    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>>;
    /// What orders want of these items, by item and order: what is still to leave, and what is over of orders that were
    /// placed on a day, counted from 1970, or later; without a day nothing of that.
    async fn commitments(&self, items: &BTreeSet<String>, since_day: Option<u32>) -> Result<Commitments>;
    /// The keys of the stock levels of these items.
    async fn levels_of(&self, items: &BTreeSet<String>) -> Result<BTreeSet<String>>;
    /// Rules about what is paid that name this company or nobody, and one of these items or none, by id.
    async fn price_rules(&self, company: Option<&str>, items: &BTreeSet<String>)
    -> Result<BTreeMap<String, PriceRule>>;
    /// All of them, in order of their ids after `after`.
    async fn all_price_rules(&self, after: Option<&str>, n_max: u32) -> Result<BTreeMap<String, PriceRule>>;
    /// The keys that these remote ids are linked to.
    async fn links_from(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>>;
    /// The remote ids that these keys are linked to.
    async fn links_to(
        &self,
        connection: ConnectionId,
        kind: Kind,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>>;
    /// The keys of the records whose creation at a connection was begun under these command keys.
    async fn commands(
        &self,
        connection: ConnectionId,
        command_keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>>;
    /// The keys of records with these natural keys: usually one each, several when a match would be ambiguous.
    async fn naturals(&self, kind: Kind, naturals: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>>;
    /// What was heard of these remote ids last; absent for those that are neither linked nor in the log.
    async fn heard(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Heard>>;
    /// Remote ids linked at a connection that the sweep `sweep` has not come across, in order, but for those that are
    /// known to be gone.
    async fn unswept(&self, connection: ConnectionId, kind: Kind, sweep: u64) -> Result<Vec<String>>;
    /// How many records of a kind are linked at a connection, but for those that are known to be gone.
    async fn linked(&self, connection: ConnectionId, kind: Kind) -> Result<u64>;
    /// How many records of a kind are said to have vanished at a connection since.
    async fn vanished(&self, connection: ConnectionId, kind: Kind, since: UnixMs) -> Result<u64>;

    /// Debts of a connection that are due, most urgent first.
    async fn due_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>>;
    /// Records with an `Untold` debt that is due, longest due first.
    async fn untold(&self, now: UnixMs, n_max: u32) -> Result<BTreeSet<RecordKey>>;
    /// The debts of these records, at every connection.
    async fn debts_of(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<Debt>>;
    /// Debts in one state, in order of (connection, kind by name, key) after `after`.
    async fn debts(&self, state: DebtState, after: Option<&(ConnectionId, RecordKey)>, n_max: u32)
    -> Result<Vec<Debt>>;

    /// What a connection is owed of a kind and does not have yet, in order of the key after `after`, whatever state the
    /// debts are in.
    async fn uncreated(
        &self,
        connection: ConnectionId,
        kind: Kind,
        after: Option<&str>,
        n_max: u32,
    ) -> Result<Vec<Debt>>;

    /// Debts of a connection and a kind, in order of the key after `after`, whatever state they are in.
    async fn owed(&self, connection: ConnectionId, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<Debt>>;
    /// How much each connection is owed of each kind, where it is owed any, in order of (connection, kind by name).
    async fn owing(&self) -> Result<Vec<Owing>>;
    /// Due debts of a connection whose write was begun, most urgent first.
    async fn begun_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>>;

    /// Open writes of plans at a connection that are due, most urgent first.
    async fn planned_due(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<PlannedDue>>;
    /// The writes of a plan, in order of (connection, kind by name, key) after `after`.
    async fn planned(&self, plan: &str, after: Option<&(ConnectionId, RecordKey)>, n_max: u32) -> Result<Vec<Planned>>;
    /// How many writes of a plan came to which outcome, by its name; open ones under the empty name.
    async fn plan_counts(&self, plan: &str) -> Result<BTreeMap<String, u64>>;

    /// Rows that were set aside and not mended, in order.
    async fn set_aside(&self) -> Result<Vec<Damaged>>;

    /// What is waiting, by kind of work: to see whether the tenant is quiet, and for metrics.
    async fn backlog(&self) -> Result<Backlog>;

    /// Keys of a kind in order, after `after`.
    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>>;
    /// What happened to a record, oldest first, after event `after`.
    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>>;
    /// The same, newest first, before event `before`.
    async fn timeline_back(&self, key: &RecordKey, before: Option<u64>, n_max: u32) -> Result<Vec<Event>>;
    /// Conflicts, newest first, before conflict `before`; `open`: only those that wait for a person.
    async fn conflicts(&self, open: Option<bool>, before: Option<u64>, n_max: u32) -> Result<Vec<Conflict>>;
    /// The newest accuracy figure of each connection and kind.
    async fn accuracy(&self) -> Result<Vec<Accuracy>>;
    /// Accuracy figures of one connection, of one kind or all, newest first, before the sweep `before`.
    async fn figures(
        &self,
        connection: &str,
        kind: Option<Kind>,
        before: Option<u64>,
        n_max: u32,
    ) -> Result<Vec<Accuracy>>;
    /// What a sweep found to differ, in its order, after the place `after`.
    async fn drift(&self, sweep: (&str, Kind, u64), after: u64, n_max: u32) -> Result<Vec<Drift>>;

    /// Slots and what fills them, by name.
    async fn slots(&self) -> Result<Vec<Slot>>;
    /// Releases of a slot, newest first.
    async fn releases(&self, slot: &str) -> Result<Vec<Release>>;
    /// Recorded calls of a slot, newest first.
    async fn calls(&self, slot: &str, n_max: u32) -> Result<Vec<CallRow>>;
    /// The value that a connection's component keeps under `key`.
    async fn kv_get(&self, connection: ConnectionId, key: &str) -> Result<Option<Vec<u8>>>;
    /// How many keys a connection's component keeps.
    async fn kv_count(&self, connection: ConnectionId) -> Result<u64>;
    /// A named setting of the tenant (rules, budgets), as JSON; `None` if never set.
    async fn setting(&self, name: &str) -> Result<Option<serde_json::Value>>;
}
