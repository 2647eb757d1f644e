//! What happens in a run, as data.

mod expand;
mod habits;
mod menu;
mod neighbour;
mod reform;
mod shelf;
mod tariff;
mod wares;
pub mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_simulators::world::Deed;

use super::setup::Setup;
use crate::demo::account::Edition;
use crate::demo::world::Product;
pub use habits::{Beside, Habits, PATIENT};
pub use menu::{CrashAt, Menu, Outage};
pub(crate) use neighbour::MUCH;
pub use reform::{Reform, Regime};
pub use shelf::{Kit, Shelf};
pub use tariff::Tariff;
pub use wares::{Stir, WARE};

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
    /// The systems that are of an older edition.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub older: BTreeSet<Product>,
    /// How many there are of each of the first items at the start, at each location; 100 of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stock: Vec<u32>,
    /// How stock is published, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
    /// What buyers pay, where anybody asks.
    #[serde(default, skip_serializing_if = "Tariff::is_empty")]
    pub tariff: Tariff,
    /// What people do about wares that come and go; their acts are among all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stirs: Vec<Stir>,
    /// What happens at the same time to another tenant of the node, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<Box<Plan>>,
    /// What everything bears that people of this plan name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

impl Plan {
    /// The plan for a tenant that has rules of its own: they stay as they are, so do its accounts, and nobody lives next
    /// door.
    #[must_use]
    pub fn under(self, setup: &Setup) -> Self {
        if setup.is_usual() {
            return self;
        }
        let reforms = if setup.rules.is_some() { Vec::new() } else { self.reforms };
        Self { reforms, neighbour: None, older: BTreeSet::new(), ..self }
    }

    /// How a product's account is set up.
    #[must_use]
    pub fn edition(&self, product: Product) -> Edition {
        if self.older.contains(&product) { Edition::Older } else { Edition::Newest }
    }

    /// The names of what goes wrong or is out of the ordinary.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = self.faults.kinds();
        kinds.extend(self.stirs.iter().map(|it| it.name()));
        kinds.extend(self.neighbour.as_ref().map(|_| "neighbour"));
        kinds.extend((!self.older.is_empty()).then_some("older-edition"));
        kinds.extend((self.habits.tries_max < PATIENT).then_some("given-up"));
        kinds.extend(expand::clocks_change(self.begins).then_some("daylight-saving"));
        kinds
    }
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
