//! How a change flows: from what systems say, through one truth, to what is owed to the others.
//!
//! The engine is a set of steps. Each step reads the store, asks components, decides with `core`, and commits one
//! batch; between two commits nothing is held that a crash would lose. Time, randomness, store and components come
//! through [`ports`], so that a simulation can own them.
//!
//! A connection is a *lane*: its reads and writes happen one phase after the other, never at once, so what a read
//! says is always newer than the write before it ([`lane`]). Everything that a lane learns goes into the log; the
//! fold ([`fold`]) is the only one that changes the truth, shadows and what is owed, one tenant's keys at a time.

mod address;
pub mod apply;
pub mod basis;
mod beforehand;
mod carried;
pub mod compare;
mod conclude;
pub mod connections;
pub mod damage;
pub mod deletions;
pub mod deliver;
#[cfg(test)]
pub(crate) mod fake;
pub mod fetch;
pub mod fold;
pub mod forecast;
pub(crate) mod halves;
pub mod identify;
pub mod lane;
mod mapped;
pub mod matching;
pub mod plan;
pub mod poll;
pub mod ports;
pub mod price;
pub mod rebuild;
pub mod receive;
pub mod refold;
pub mod replay;
pub mod rules;
pub mod shelf;
pub mod stock_rules;
pub mod subscribe;
pub mod sweep;
mod through;
mod token;
pub mod trust;
pub mod turn;
pub(crate) mod twins;
mod unread;
pub mod word;

use std::sync::Arc;

use truthsource_core::draw::Draw;
use truthsource_core::retry::Schedule;
use truthsource_core::{Kind, UnixMs};
use truthsource_host::CallError;

use crate::store::{self, TenantStore};
use ports::{Clock, Guests};

/// One tenant's engine: everything that a step needs. Cheap to clone; holds no state of its own.
#[derive(Clone)]
pub struct Engine {
    /// The tenant's data.
    pub store: Arc<dyn TenantStore>,
    /// The tenant's components.
    pub guests: Arc<dyn Guests>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Spreads waits.
    pub draw: Draw,
    /// Names this worker in leases.
    pub holder: String,
    /// How much at once, and how often again.
    pub pace: Pace,
}

/// How much a step does at once, and how often it tries again.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Webhooks a step understands at the most.
    pub inbox_max: u32,
    /// Touched records a step reads at the most.
    pub fetch_max: u32,
    /// Entries a step folds at the most.
    pub fold_max: u32,
    /// Debts a step pays at the most.
    pub deliver_max: u32,
    /// Calls that a step makes to a system at a time, where the system takes several.
    pub calls_max: usize,
    /// How long a lane is leased for.
    pub lease_ms: u64,
    /// Waits after failures.
    pub retry: Schedule,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            inbox_max: 256,
            fetch_max: 200,
            fold_max: 512,
            deliver_max: 100,
            calls_max: 64,
            // A turn has at least half of it left, which outlives a call.
            lease_ms: 150_000,
            retry: Schedule::default(),
        }
    }
}

/// Why a step did not do its work. The store is as it was before the step, or as after one of its commits.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not do it.
    #[error("the store did not do it")]
    Store(#[from] store::Error),
    /// A component gave no answer.
    #[error("a component gave no answer")]
    Call(#[from] CallError),
    /// The tenant's rules cannot be understood: another version of the server wrote them.
    #[error("the tenant's rules cannot be understood")]
    Rules(#[source] serde_json::Error),
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Did {
    /// How much work it found and handled; 0: there was none.
    pub handled: usize,
    /// There is more of it right now.
    pub more: bool,
}

impl Did {
    /// Work was handled, and there may be more when a full batch was found.
    #[must_use]
    pub fn some(handled: usize, batch_max: u32) -> Self {
        Self { handled, more: handled >= batch_max as usize }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { handled: self.handled + other.handled, more: self.more || other.more }
    }
}

impl Engine {
    /// Now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }
}

/// How urgent a debt of this kind is: orders before stock before prices before the catalogue.
#[must_use]
pub const fn priority(kind: Kind) -> u8 {
    match kind {
        Kind::Order => 0,
        Kind::StockLevel => 1,
        Kind::Price => 2,
        Kind::Item | Kind::Company | Kind::Location => 3,
    }
}
