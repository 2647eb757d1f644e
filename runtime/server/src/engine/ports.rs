//! What the engine needs of the world, as small traits: the server gives it the real one, a simulation its own.

use std::sync::Arc;

use async_trait::async_trait;
use truthsource_core::budget::Class;
use truthsource_core::{Decimal, Fields, Kind, UnixMs};
use truthsource_host::CallError;
use truthsource_host::model::{
    Basket, Conflict, Decision, Description, Finding, HeldRecord, Level, Notice, Observed, Outcome, Page, Priced, Pull,
    RangeDigest, RangeTold, Standing, State, Verdict, Webhook, Write,
};

use super::trust::Word;
use crate::store::Connection;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now. May jump when the machine's clock is set; nothing may depend on it never going back.
    fn now(&self) -> UnixMs;
}

/// A decision of a policy, and which component took it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// One per conflict, in order.
    pub decisions: Vec<Decision>,
    /// `slot@digest` of the component that decided.
    pub policy: String,
}

/// A tenant's components. Every call runs in a fresh instance of the slot's active release, under its limits.
#[async_trait]
pub trait Guests: Send + Sync {
    /// What the connection's connector can do with it. Cached per release and settings.
    async fn describe(&self, connection: &Connection) -> Result<Arc<Description>, CallError>;
    /// Whose word there is for what the connection's connector declares.
    async fn word(&self, _: &Connection) -> Result<Word, CallError> {
        Ok(Word::Declared)
    }
    /// Looks whether the connection can do its work. Writes nothing.
    async fn check(&self, connection: &Connection) -> Result<Vec<Finding>, CallError>;
    /// One page of a listing or a delta. `class`: how urgent it is.
    async fn pull(&self, connection: &Connection, pull: &Pull, class: Class) -> Result<Page, CallError>;
    /// The present state under each id, in order; see [`certain_max`](truthsource_host::model::KindPower::certain_max).
    async fn read(
        &self,
        connection: &Connection,
        kind: Kind,
        remote_ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, CallError>;
    /// Carries out writes of one kind; one outcome each, in order.
    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError>;
    /// What was created under a command key.
    async fn find(&self, connection: &Connection, kind: Kind, command_key: &str) -> Result<Option<State>, CallError>;
    /// Has the connection's system tell of changes, where that can be done for it; `None` where it cannot.
    async fn ensure(&self, connection: &Connection) -> Result<Option<Standing>, CallError>;
    /// What the connection's system says of every range of a kind; `None` where it cannot add it up.
    async fn tell(&self, _: &Connection, _: Kind) -> Result<Option<Vec<RangeTold>>, CallError> {
        Ok(None)
    }
    /// What each of these records adds to its range, in order, where [`Guests::tell`] says something.
    async fn add(&self, _: &Connection, _: Kind, _: &[HeldRecord]) -> Result<Vec<RangeDigest>, CallError> {
        Ok(Vec::new())
    }
    /// What a verified webhook says.
    async fn receive(&self, connection: &Connection, webhook: &Webhook) -> Result<Vec<Notice>, CallError>;
    /// What the connection's system would hold of these records.
    async fn project(&self, connection: &Connection, kind: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError>;
    /// What the connection's mapping makes of what its connector says, one answer a record: `None` in it where the record
    /// does not exist for the tenant. `None` without a mapping.
    async fn map_in(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Option<Fields>>>, CallError>;
    /// What the connection's mapping makes of what its connector is to be told, one answer a record. `None` without a
    /// mapping.
    async fn map_out(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Fields>>, CallError>;
    /// The digest of the component that answers in `slot` now; `None` when the slot is empty.
    async fn release(&self, slot: &str) -> Result<Option<String>, CallError>;
    /// Asks the policy in `slot`; `None` when the slot is empty.
    async fn decide(&self, slot: &str, conflicts: &[Conflict]) -> Result<Option<Decided>, CallError>;
    /// Asks a release in `slot` that need not be the one that answers there: nothing is decided by it.
    async fn decide_by(&self, slot: &str, release: u64, conflicts: &[Conflict]) -> Result<Vec<Decision>, CallError>;
    /// Asks the tenant's stock rule what is published of these levels; `None` when there is none.
    async fn publish(&self, levels: &[Level]) -> Result<Option<Vec<Decimal>>, CallError>;
    /// Asks the pricing component in `slot` what a basket costs; `None` when the slot is empty.
    async fn price(&self, _slot: &str, _basket: &Basket) -> Result<Option<Vec<Priced>>, CallError> {
        Ok(None)
    }
    /// Asks the validator of `kind`; `None` when there is none.
    async fn validate(&self, kind: Kind, records: &[Fields]) -> Result<Option<Vec<Verdict>>, CallError>;
}
