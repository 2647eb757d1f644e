//! Runs components.
#![warn(missing_docs)]
