//! What is known about one record: the truth, what each system holds, and what each system said that is not settled.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Decimal, Fields, Kind, UnixMs, Value};

/// A connection's number within its tenant. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u32);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a record within its tenant. The key is given once, from the natural key first seen, and outlives renames.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// Its kind.
    pub kind: Kind,
    /// Unique among its kind: at most [`crate::schema::KEY_BYTES_MAX`] bytes, safe in a path.
    pub key: String,
}

impl RecordKey {
    /// The key of a record.
    pub fn new(kind: Kind, key: impl Into<String>) -> Self {
        Self { kind, key: key.into() }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.key)
    }
}

/// Everything that decides about one record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeyState {
    /// The truth.
    pub truth: Truth,
    /// What each connection holds, as far as we know.
    pub shadows: BTreeMap<ConnectionId, Shadow>,
}

/// The resolved record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Truth {
    /// Rises by one with every fold that changes a value; 0 before the first.
    pub version: u64,
    /// The fields, by name.
    pub fields: BTreeMap<String, TruthField>,
    /// The connection where it was deleted, if that settled the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<ConnectionId>,
}

impl Truth {
    /// The values that are known.
    #[must_use]
    pub fn values(&self) -> Fields {
        let known = self.fields.iter().filter(|(_, field)| field.is_known());
        known.map(|(name, field)| (name.clone(), field.value.clone())).collect()
    }
}

/// One field of the truth, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthField {
    /// What it is.
    pub value: Value,
    /// The truth's version that gave it this value; 0 while nothing was decided.
    pub version: u64,
    /// What it was before the claims below. For a counter: what it opened with.
    pub base: Value,
    /// What systems said and were not told otherwise since, at most one per connection, ordered by connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// Why a person must decide; nothing is written to this field anywhere meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// It went round in circles between systems: whatever they say, nothing is written until a person has settled it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loops: bool,
    /// A validator refused what it would have become: it is decided again with the record's next news.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// A person said so, and no system has said anything else since: other rules do not decide it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
}

impl TruthField {
    /// A field that was decided at a version, of which nobody has said anything since; at 0 it is not known.
    #[must_use]
    pub fn decided(value: Value, version: u64) -> Self {
        let (base, claims) = (value.clone(), Vec::new());
        Self { value, version, base, claims, held: None, loops: false, refused: false, settled: false }
    }

    /// It was decided once. What is only claimed and held is nothing that anybody could be told.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.version > 0
    }
}

/// One system's word on a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who says it.
    pub connection: ConnectionId,
    /// What it held before; `None` when this is the first we see of it, unless it shows that somebody has done something
    /// since we made the record.
    pub was: Option<Value>,
    /// What it holds now.
    pub now: Value,
    /// When the system says it changed, if it does.
    pub changed_at: Option<UnixMs>,
    /// The truth's version that its value took part in first: who was told an older one does not know of it.
    pub version: u64,
    /// The truth's version that it was told when it held what it held before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seen: u64,
    /// The truth that it was told then, where what it held was something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_of: Option<Value>,
    /// The values that it moved away from, newest last, without repeats, at most [`PASSED_MAX`]: it knew them, so a system that still
    /// holds one of them does not contradict it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Value>,
    /// Nobody said it: the system has had it of a record since a write of ours created that there, as far as is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub filled_in: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(version: &u64) -> bool {
    *version == 0
}

/// How many values a claim remembers to have moved away from.
pub const PASSED_MAX: usize = 8;

impl Claim {
    /// It is what the connection held when it was first seen, and not a change that anybody made there.
    #[must_use]
    pub fn is_opening(&self) -> bool {
        self.was.is_none() && self.passed.is_empty()
    }

    /// `other` says what this claim already moved away from, and not the other way round.
    #[must_use]
    pub fn supersedes(&self, other: &Claim) -> bool {
        self.now != other.now && self.passed.contains(&other.now) && !other.passed.contains(&self.now)
    }
}

/// What one connection is known to hold of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Shadow {
    /// The record's id there; empty while it does not exist there.
    pub remote_id: String,
    /// The system's version mark of that state; empty if it has none.
    pub version: String,
    /// The number of the read that told us: a state of a lower number is older news.
    pub as_of: u64,
    /// What it holds, by field: only what it told us.
    pub fields: BTreeMap<String, HeldField>,
    /// What it should hold: the truth as its connector projects it. Empty when nothing is ever written there.
    pub want: Fields,
    /// What it holds and what it should hold in the words of its connector, where a mapping makes them differ.
    #[serde(default, skip_serializing_if = "Unmapped::is_nothing")]
    pub unmapped: Unmapped,
    /// It existed and is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// A write of ours made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
    /// From when it is; `None` before anything was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Fresh>,
    /// What was written there of late, oldest first: the loop breaker counts repetitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// The last writes of ours to other records that carried this one's counters along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// Counters that writes to other records carried along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The numbers of the writes, in ascending order: as many as may be heard of in another order than they were sent.
    pub writes: Vec<u64>,
    /// When we heard of the last.
    pub at: UnixMs,
    /// The truth's version then.
    pub seen: u64,
}

/// The sides of a shadow as its connector has them; `None` where no mapping stands between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unmapped {
    /// What the system holds. References are remote ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Fields>,
    /// What it should hold. References are keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Fields>,
}

impl Unmapped {
    fn is_nothing(&self) -> bool {
        self.held.is_none() && self.want.is_none()
    }
}

/// From when it is what a shadow holds: by this a reading is known that lags behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fresh {
    /// When it changed last, as far as is known: what the system says, and no earlier than a write of ours was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<UnixMs>,
    /// When we heard.
    pub heard_at: UnixMs,
    /// What its fields were a while ago: what writes of ours replaced, and what readings did not find any more.
    #[serde(default, skip_serializing_if = "Before::is_empty")]
    pub before: Before,
}

/// What fields were, the newest value last.
pub type Before = BTreeMap<String, Vec<Was>>;

/// What a field was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was {
    /// The value.
    pub value: Value,
    /// When we heard that it is something else.
    pub until: UnixMs,
}

/// A write of ours that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Digest of the fields that were sent, hex, shortened.
    pub digest: String,
    /// When.
    pub at: UnixMs,
}

/// One field as a connection holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldField {
    /// What it holds.
    pub value: Value,
    /// The truth's version that it was last told: claims up to there are not news to it.
    pub seen: u64,
    /// The truth that it was told, where the system has not the room for it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Value>,
}

impl Shadow {
    /// The values it holds.
    #[must_use]
    pub fn values(&self) -> Fields {
        self.fields.iter().map(|(name, field)| (name.clone(), field.value.clone())).collect()
    }

    /// The record exists there.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.remote_id.is_empty() && !self.gone
    }
}

/// What a system said about a record, in canonical fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The system's own stable id for it, 1 to 255 bytes.
    pub remote_id: String,
    /// Only fields the system really holds, checked against the kind's schema. References are remote ids as a connector
    /// says them, and keys as a fold takes them in.
    pub fields: Fields,
    /// The system's own version mark, empty if it has none. Opaque, compared for equality.
    pub version: String,
    /// When the system says it changed.
    pub changed_at: Option<UnixMs>,
    /// The command key it was created under, if the system keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_key: Option<String>,
    /// What its connector said before the tenant's mapping made `fields` of it: what a write must be compared with.
    /// References are remote ids. `None` without a mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<Fields>,
}

/// What a read or a pull found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// It exists, and this is what it holds.
    Present(State),
    /// The system was asked for this remote id, answered, and has no such record.
    Absent(String),
}

impl Observed {
    /// The remote id it is about.
    #[must_use]
    pub fn remote_id(&self) -> &str {
        match self {
            Self::Present(state) => &state.remote_id,
            Self::Absent(remote_id) => remote_id,
        }
    }
}

/// Why we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A webhook named the record.
    Webhook,
    /// A scheduled pull came across it.
    Poll,
    /// A full comparison came across it.
    Sweep,
    /// A write had to know.
    Delivery,
    /// A reading contradicted what was known, and may have been late: the record was read again.
    Recheck,
    /// The same, and from the record itself: this is how it is.
    Certain,
    /// A person said that what is missing is gone, and this was missing.
    Believed,
}

/// One line of a record's log: everything that a fold depends on, besides the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A system was read.
    Observed {
        /// Where.
        connection: ConnectionId,
        /// Why.
        cause: Cause,
        /// The read's number: rises with every read and write of the connection.
        as_of: u64,
        /// What it said.
        observed: Observed,
        /// What a write of ours that nobody answered may have left there for a while: where an index lags, that may be
        /// read yet, and is no news.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        tried: Fields,
    },
    /// A write of ours was carried out and read back.
    Wrote {
        /// Where.
        connection: ConnectionId,
        /// The write's number, among the reads.
        as_of: u64,
        /// The fields that were sent, with the values they took if nobody interfered.
        sent: Fields,
        /// The truth's version that was written.
        truth_version: u64,
        /// The truth of those fields for which the system has not the room as it is.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        of: Fields,
        /// When it was sent, by our clock; where its answer was lost, when it was begun. `None` where neither is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent_at: Option<UnixMs>,
        /// What the system holds afterwards.
        state: State,
    },
    /// A write of ours to another record carried this one's counters along: what a shop is told to have shipped it takes
    /// from its stock. Whoever shipped it counts the move; here it is none.
    Moved {
        /// Where.
        connection: ConnectionId,
        /// The record's id there.
        remote_id: String,
        /// The write's number, among the reads. What one write moves of a record is one entry.
        as_of: u64,
        /// By how much, by field.
        by: BTreeMap<String, Decimal>,
        /// When it was sent, by our clock; `None` where that is not known: its answer was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent_at: Option<UnixMs>,
    },
    /// A person settled what nobody else could.
    Settled {
        /// What is so.
        what: Settlement,
        /// Who said so.
        by: String,
    },
}

/// A person's word about a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// A field is this.
    Field {
        /// The field.
        field: String,
        /// What it is.
        value: Value,
    },
    /// The record vanished at this connection, where that deletes nothing by itself: it is deleted everywhere.
    Deleted(ConnectionId),
    /// The record vanished at this connection, and is to be there again.
    Recreated(ConnectionId),
}

impl Entry {
    /// The connection that it came from, if it came from one.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Observed { connection, .. } | Self::Wrote { connection, .. } | Self::Moved { connection, .. } => {
                Some(*connection)
            }
            Self::Settled { .. } => None,
        }
    }

    /// The number of the read or write, among those of its connection.
    #[must_use]
    pub fn as_of(&self) -> Option<u64> {
        match self {
            Self::Observed { as_of, .. } | Self::Wrote { as_of, .. } | Self::Moved { as_of, .. } => Some(*as_of),
            Self::Settled { .. } => None,
        }
    }
}
