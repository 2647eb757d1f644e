//! A seeded simulation: the real engine and the shipped components between the simulated systems, on a clock and a store
//! that the simulation owns.
//!
//! A seed expands to a [`plan::Plan`]: what people do at the systems and when, what goes wrong and how often. A run
//! has two phases. While faults are on, what must *never* happen is checked at every write ([`watch`]: P3, P4) and
//! at every fold ([`refold`]: P8; [`shelf`]: P9). Then faults end, time runs on, and what must happen *at last* is checked: every system
//! holds what the truth says (P1), nobody writes any more (P2), nothing was lost (P5), every order exists once (P6), and
//! nothing ever went back (P7).
//!
//! Everything random is drawn by name ([`truthsource_core::draw`]), so the same seed gives the same trace, and leaving
//! out one event leaves the others as they were.

mod apart;
mod asked;
mod backwards;
mod beside;
pub mod cast;
pub mod coverage;
pub mod drift;
mod house;
pub mod intake;
pub mod judge;
pub mod node;
pub mod notes;
mod person;
pub mod plan;
pub mod quotes;
pub mod refold;
pub mod run;
pub mod seeds;
pub mod setup;
pub mod shelf;
pub mod shrink;
pub mod stage;
pub mod store;
mod tenancy;
pub mod troupe;
mod wares;
pub mod watch;

pub use cast::Cast;
pub use plan::Plan;
pub use run::{Outcome, run};
