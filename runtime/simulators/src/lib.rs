//! The outside systems, as local servers that speak the real APIs, with their quirks and a seeded menu of faults.
//!
//! Each system is a state machine: a request and a moment in, an answer out ([`system::System`]). It owns no clock,
//! no thread and no socket, so the same code stands behind a port for the demo ([`serve`]) and inside a simulation
//! that owns time. Everything it does is decided by its state, the request, the moment and the fault menu's seed.
//!
//! Every system has two doors: the *API*, which behaves as the real one does, faults included; and the *admin* door,
//! where a test sees and edits everything as a person at the system's own screens would, without faults.

#![forbid(unsafe_code)]

pub mod door;
pub mod dynamics;
pub mod faults;
pub mod journal;
mod known;
pub mod netsuite;
pub mod odata;
pub mod outbox;
pub mod sap_b1;
pub mod serve;
pub mod shopify;
pub mod system;
pub mod world;
