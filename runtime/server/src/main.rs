//! The `truthsource` binary.
#![forbid(unsafe_code)]
fn main() {}
