//! The TruthSource server and command line.
//!
//! `http/` is the only door, `store/` the only place with SQL, `engine/` the only place that decides what to do next,
//! `plugins/` the only place that runs components.

#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod bench;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod conform;
pub mod demo;
pub mod engine;
pub mod http;
pub mod node;
pub mod plugins;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod work;
