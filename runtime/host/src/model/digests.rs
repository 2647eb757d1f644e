//! What a connector's system adds up.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, Fields};

/// What a record holds, as far as is known. References are remote ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRecord {
    /// The record's id at the system.
    pub remote_id: String,
    /// What it holds.
    pub fields: Fields,
}

/// What the records of a range add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeDigest {
    /// Its name.
    pub range: String,
    /// The sums, at least one.
    pub sums: Vec<Decimal>,
}

/// What a system says of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeTold {
    /// What it adds up to.
    pub digest: RangeDigest,
    /// Where a pull of the range begins.
    pub cursor: String,
}
