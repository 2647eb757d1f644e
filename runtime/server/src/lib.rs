//! The TruthSource server and command line.
#![forbid(unsafe_code)]
