//! What happens in a run, as data.

mod expand;
mod habits;
mod menu;
mod reform;
mod shelf;

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_simulators::world::Deed;

use crate::demo::world::Product;
pub use habits::Habits;
pub use menu::{CrashAt, Menu, Outage};
pub use reform::{Reform, Regime};
pub use shelf::{Kit, Shelf};

/// Everything that decides a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Names every draw.
    pub seed: u64,
    /// The systems, the owner first.
    pub systems: Vec<Product>,
    /// When it begins.
    pub begins: UnixMs,
    /// What people do, by time.
    pub acts: Vec<Act>,
    /// How the tenant changes its rules, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reforms: Vec<Reform>,
    /// What goes wrong while faults are on.
    pub faults: Menu,
    /// How the node works.
    pub habits: Habits,
    /// When faults end, in milliseconds since people began to act.
    pub chaos_ms: u64,
    /// How stock is published, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
}

/// Something that a person does at a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When, in milliseconds since people began to act.
    pub at_ms: u64,
    /// At which of the systems.
    pub seat: usize,
    /// What.
    pub deed: Deed,
}
