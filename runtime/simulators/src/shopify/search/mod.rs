//! The `query:` argument: a small language of terms, connectives and comparators.

mod bind;
mod parse;

pub use bind::{Facet, Filter, KeyKind, Searchable, Warning, bind};
pub use parse::{Expression, Malformed, parse};
