//! Every integration test, in one binary.
#![forbid(unsafe_code)]

mod simulation;
mod tidy;
