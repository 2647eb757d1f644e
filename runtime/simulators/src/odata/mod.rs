//! OData as its services speak it: query options, filters, resource paths and batches, without a data model.
//!
//! A service says what it understands ([`Dialect`]). What it does not is refused with its place ([`Bad`]); nothing is
//! ignored. Everything here is a pure function of its arguments, and bounded: no text from outside makes it panic,
//! overflow the stack, or take more than time and memory in proportion to its length.
//!
//! ```text
//! query string ── Options::parse ──► filter: Expr ── holds(row, rules) ──► rows ── orderby::sort ──► a page
//! URL          ── Path::parse ─────► segments, whose meaning the service's own model decides
//! $batch       ── batch::parse ────► requests            batch::render ◄── responses
//! ```

mod call;
mod cell;
mod dialect;
mod eval;
mod expr;
mod filter;
mod lexer;
mod options;
mod parser;
mod path;
mod percent;
mod print;
mod problem;

pub mod batch;
pub mod orderby;

pub use call::Function;
pub use cell::{Case, Cell, Guid, NoGuid, Rules};
pub use dialect::{Dates, Dialect, Expansion, Version};
pub use eval::Row;
pub use expr::{Arithmetic, At, Comparison, Expr, Property, Quantifier};
pub use options::{Expand, Options};
pub use orderby::{Direction, Order};
pub use path::{Arguments, Name, Path, Segment};
pub use print::Printed;
pub use problem::{Bad, What};

#[cfg(test)]
mod tests;
