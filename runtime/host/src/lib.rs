//! Runs components: the wall between a tenant's own code and everything else.
//!
//! **Invariants**
//! - A component reaches nothing that its call's [`Reach`] does not hold, and its world does not import.
//! - No call passes any of its [`Limits`]; whatever it does, it ends in an answer or a
//!   [`CallError`], and its store is dropped. A panic of ours ends the call, never the process.
//! - Secrets live in [`signing`]: they enter no guest, no log line and no recording.
//! - Requests leave only through an [`egress::Transport`]; the production one dials public addresses it has vetted.
//! - Native code is loaded only from files this host has sealed itself, in one documented module.
//! - What leaves `convert` fits the contracts of `wit/`: nothing behind it checks again.

#![warn(missing_docs)]
#![deny(unsafe_code)]

pub mod bench;
mod bindings;
mod cache;
pub mod call;
pub mod capability;
mod convert;
pub mod digest;
pub mod egress;
mod engine;
pub mod error;
pub mod host;
mod limiter;
pub mod limits;
pub mod model;
mod places;
pub mod record;
pub mod release;
pub mod replay;
pub mod scrub;
pub mod signing;
mod state;
mod tally;
pub mod upload;
mod wasi;
pub mod world;

pub use cache::SealKey;
pub use call::{CallSetup, Reach, Tenant};
pub use digest::Digest;
pub use engine::Concurrency;
pub use error::{Actor, CallError, Misfit};
pub use host::{Allowance, Compiling, Host, HostConfig};
pub use limits::Limits;
pub use record::{Detail, Recording};
pub use release::{Connector, Mapping, Policy, Pricing, Release, StockRule, Validator, WrongWorld};
pub use upload::{CompileQueue, Compiler, Inspected, Manifest, UploadError, compile_child_main};
pub use world::{EngineKind, World};

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod testing;
