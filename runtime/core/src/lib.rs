//! The decisions of TruthSource, and nothing else.
//!
//! Everything here is a pure function of its arguments: no clock, no randomness, no I/O, no threads, no iteration
//! in an order that depends on a hash. That is what lets a simulation replay a run bit by bit, lets `rebuild` reach
//! the same bytes, and makes promise P8 (*decides the same*) a property of a set instead of a hope.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod accuracy;
pub mod budget;
pub mod decimal;
pub mod digest;
pub mod draw;
pub mod fold;
pub mod kind;
pub mod plant;
pub mod price;
pub mod record;
pub mod retry;
pub mod rules;
pub mod schema;
pub mod stock;
pub mod time;
pub mod value;

pub use decimal::Decimal;
pub use kind::Kind;
pub use time::UnixMs;
pub use value::{Fields, Row, Value};
