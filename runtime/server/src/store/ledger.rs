//! What it takes to fold everything again: what was decided, on what, and what is stored of it as it stands there.

use std::ops::Range;

use truthsource_core::fold::{Ruling, Terms};

use super::*;

/// A ruling, in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRuling {
    /// When it was decided.
    pub at: UnixMs,
    /// About which record.
    pub key: RecordKey,
    /// [`Terms::digest`] of what it was decided under; empty for what only links.
    pub terms: String,
    /// What was decided.
    pub ruling: Ruling,
}

impl LoggedRuling {
    /// A remote id was found to be the record, or was given to it: nothing else is decided by that.
    #[must_use]
    pub fn link(at: UnixMs, key: &RecordKey, linked: BTreeMap<ConnectionId, String>) -> Self {
        Self { at, key: key.clone(), terms: String::new(), ruling: Ruling { linked, ..Ruling::default() } }
    }
}

/// What is stored of a record, letter for letter: it may be damaged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The natural key that it is found by.
    pub natural: Option<String>,
    /// Its truth, as JSON.
    pub truth: Option<String>,
    /// Its shadows, as JSON.
    pub shadows: BTreeMap<ConnectionId, String>,
    /// Its remote ids.
    pub links: BTreeMap<ConnectionId, String>,
    /// What it wants of items, as JSON, if it is an order.
    pub wants: BTreeMap<String, String>,
}

/// The books of one tenant.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records that have a truth or a shadow, or about which anything was decided, in order of (kind by name, key) after
    /// `after`.
    async fn accounts(&self, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>>;
    /// Records about which something was decided in this time, in the same order.
    async fn ruled(&self, within: Range<UnixMs>, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>>;
    /// Everything that was decided about these records, oldest first.
    async fn rulings(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>>;
    /// These entries of the log; those that are not there are absent.
    async fn entries(&self, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>>;
    /// The terms of this digest.
    async fn terms(&self, digest: &str) -> Result<Option<Terms>>;
    /// Records whose truth has another basis than that of its kind here, in order of (basis, key) and at most `n_max` of a
    /// kind on either side of its basis; none of kinds that are absent.
    async fn outdated(&self, bases: &BTreeMap<Kind, String>, n_max: u32) -> Result<BTreeSet<RecordKey>>;
    /// How many such records there are of each kind, where there are any.
    async fn count_outdated(&self, bases: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>>;
    /// The basis of the truth of each of these records; absent for those that have no truth.
    async fn bases(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>>;
    /// What is stored of these records; nothing of what is not known.
    async fn stored(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>>;
}
