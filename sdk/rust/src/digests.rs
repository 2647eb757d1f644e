//! What the author of a connector implements besides [`Connector`](crate::Connector) where the system can add up: a full
//! comparison then reads only what does not add up to what is known.

use crate::{Context, Decimal, Fault, Fields, Host, Kind};

/// What a record holds, as far as is known. References are remote ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldRecord {
    /// The record's id at the system.
    pub remote_id: String,
    /// What it holds.
    pub fields: Fields,
}

/// What the records of a range add up to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest {
    /// Its name, at most 255 bytes.
    pub range: String,
    /// 1 to 16 sums, as many in every digest of a kind: one counts the records or their rows, the others are of
    /// everything that a pull would say of them, weighted by their ids, so that records which differ do not add up to the
    /// same.
    pub sums: Vec<Decimal>,
}

/// What the system says of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it adds up to.
    pub digest: Digest,
    /// From here [`Connector::pull`](crate::Connector::pull) lists the records of the range and no others.
    pub cursor: String,
}

/// Adds up a system's records.
pub trait Digests {
    /// What the system says of every range of a kind that has records. `None`: it cannot add up records of this kind.
    ///
    /// # Errors
    /// When the system could not be asked.
    fn tell(host: &dyn Host, ctx: &Context, kind: Kind) -> Result<Option<Vec<Told>>, Fault>;

    /// What each of these records adds to its range, in order.
    ///
    /// # Errors
    /// When the kind is none that can be added up.
    fn add(ctx: &Context, kind: Kind, records: &[HeldRecord]) -> Result<Vec<Digest>, Fault>;
}
