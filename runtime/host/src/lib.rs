//! Runs components.
#![warn(missing_docs)]

pub mod error;
pub mod model;

pub use error::CallError;
