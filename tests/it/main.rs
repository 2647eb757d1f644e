//! Every integration test, in one binary.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod at_least_once;
mod conformance;
mod convergence;
mod doors;
mod ledger;
mod orders;
mod plans;
mod simulation;
mod stock;
mod tidy;

use std::path::Path;

/// The server as a program of its own.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_truthsource-under-test"))
}
