//! Plans that were handed in to be carried out: one row a write, and what became of it.

use super::*;

/// How long what became of a plan is kept after it was handed in.
pub const PLAN_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// One write of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The plan's id.
    pub plan: String,
    /// Where.
    pub connection: ConnectionId,
    /// The record.
    pub key: RecordKey,
    /// 0 is most urgent.
    pub priority: u8,
    /// When it was handed in.
    pub at: UnixMs,
    /// When it is looked at next.
    pub due_at: UnixMs,
    /// What is to be written, and on what that was decided.
    pub write: PlannedWrite,
    /// Why it could not be tried yet, for people.
    pub waits: Option<String>,
    /// What became of it; `None` while it is open.
    pub outcome: Option<PlanOutcome>,
}

/// A write of a plan whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDue {
    /// The write.
    pub planned: Planned,
    /// Its record is to be read first: somebody says that it changed, or wants to be certain.
    pub to_read: bool,
}

/// What is to be written to a record, and on what that was decided. Values are JSON as people are shown them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedWrite {
    /// The record's id there; `None`: it is to be created.
    pub remote_id: Option<String>,
    /// The truth's version that is written.
    pub truth_version: u64,
    /// The remote version that the plan was made on; empty if there is none.
    pub base_version: String,
    /// The fields to write.
    pub fields: BTreeMap<String, Step>,
}

/// One field's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the system held when the plan was made; null where it held nothing, or the record is not there.
    pub from: serde_json::Value,
    /// What it is to hold.
    pub to: serde_json::Value,
}

/// What became of a write of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum PlanOutcome {
    /// It was written and read back.
    Applied {
        /// The write's idempotency key.
        op_id: String,
    },
    /// The system holds it already: nothing was written.
    AlreadyHolds,
    /// The system holds something else than when the plan was made: nothing was written.
    MovedAtRemote {
        /// Field → what the plan was made on, and what the system holds now.
        fields: BTreeMap<String, Step>,
    },
    /// The truth, or what the system makes of it, is another than when the plan was made: nothing was written.
    MovedTruth {
        /// The version that the plan was made on.
        from: u64,
        /// The version of now.
        to: u64,
        /// Field → what the plan would have written, and what should be there now.
        fields: BTreeMap<String, Step>,
    },
    /// The record is not there any more, or is not to be there: nothing was written.
    Gone,
    /// A person must decide first about one of its fields: nothing was written.
    Held {
        /// The fields.
        fields: Vec<String>,
    },
    /// The system refused it, or it failed too often: the dead letter has it.
    Failed {
        /// Why.
        error: String,
    },
    /// It could not be tried in time and is not tried any more.
    Expired {
        /// What it waited for.
        waits: String,
    },
}

impl PlanOutcome {
    /// Its stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::AlreadyHolds => "already-holds",
            Self::MovedAtRemote { .. } => "moved-at-remote",
            Self::MovedTruth { .. } => "moved-truth",
            Self::Gone => "gone",
            Self::Held { .. } => "held",
            Self::Failed { .. } => "failed",
            Self::Expired { .. } => "expired",
        }
    }
}

/// How much a connection is owed of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owing {
    /// To whom.
    pub connection: ConnectionId,
    /// Of which kind.
    pub kind: Kind,
    /// Debts that a write pays, whether it is their time or they wait for a record.
    pub open: u64,
    /// Those of them whose write was begun.
    pub begun: u64,
    /// Debts of which the fold is to say what they are.
    pub undecided: u64,
    /// Debts that wait for a person.
    pub parked: u64,
}
