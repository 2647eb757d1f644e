//! How a change flows: from what systems say, through one truth, to what is owed to the others.
//!
//! The engine is a set of steps. Each step reads the store, asks components, decides with `core`, and commits one
//! batch; between two commits nothing is held that a crash would lose. Time, randomness, store and components come
//! through [`ports`], so that a simulation can own them.

pub mod ports;
