//! How much stock a channel may see.
//!
//! What is published of a level is a pure function of how much is on hand, of what is promised to orders, and of the
//! tenant's rules. What comes from other records is its [`Supply`], which is written down with what was decided.

mod buffer;
mod commitment;
mod promised;
mod rules;
mod supply;

pub use buffer::{Buffer, DEMAND_DAYS, Publishes, Tells};
pub use commitment::{Commitment, commitments, day_of};
pub use rules::{BufferRule, Part, StockRules};
pub use supply::{Promised, Supplied, Supply, free, told};
