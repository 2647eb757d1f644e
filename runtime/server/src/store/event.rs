//! What happened to records, for their timelines.

use truthsource_core::record::Cause;

use super::*;

/// Something that happened to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the tenant's history; 0 before it is stored.
    pub id: u64,
    /// When.
    pub at: UnixMs,
    /// The record.
    pub key: RecordKey,
    /// The connection it has to do with, if one.
    pub connection: Option<ConnectionId>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A system was read and held something else than before.
    Observed {
        /// Why it was read.
        cause: Cause,
        /// What moved: field → (before, now).
        moved: BTreeMap<String, (Option<truthsource_core::Value>, truthsource_core::Value)>,
        /// When the system says it changed.
        changed_at: Option<UnixMs>,
        /// The system's own version mark of it; empty if it has none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        version: String,
    },
    /// A webhook named the record: it is read because of that.
    Noticed {
        /// The webhook's topic.
        topic: String,
        /// The system's id for the event.
        event_id: String,
    },
    /// The record vanished at a system.
    Vanished,
    /// A remote id and this record were found to be the same.
    Linked {
        /// The id there.
        remote_id: String,
        /// How: `natural-key`, `command-key`, `created`, `first-seen`.
        by: String,
    },
    /// The record is linked to nothing there any more: what is created there anew has another id.
    Unlinked,
    /// The truth took new values.
    Resolved {
        /// The truth's new version.
        version: u64,
        /// The fields that changed.
        fields: Fields,
    },
    /// A policy was asked.
    Decided {
        /// The field.
        field: String,
        /// The number of the conflict.
        outcome: String,
        /// The policy's slot and digest; empty for the built-in rule.
        policy: String,
        /// Why, for people.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A person is asked.
    Asked {
        /// About what: a field, or `vanished` or `unlinked`.
        about: String,
        /// Why.
        reason: String,
    },
    /// A person answered.
    Answered {
        /// About what, as it was asked.
        about: String,
        /// What was said.
        outcome: truthsource_core::Value,
        /// Who.
        by: String,
    },
    /// A write was begun.
    Began {
        /// Its idempotency key.
        op_id: String,
        /// What it sends.
        fields: Fields,
        /// The components that made that of the truth, as `slot@digest`, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        through: Vec<String>,
    },
    /// A write was carried out and read back.
    Confirmed {
        /// Its idempotency key.
        op_id: String,
        /// The truth's version that is there now.
        version: u64,
    },
    /// A write was not carried out: the system held something newer than it was decided on.
    Overtaken {
        /// Its idempotency key.
        op_id: String,
    },
    /// A try failed.
    Failed {
        /// Why.
        error: String,
        /// How often by now.
        attempts: u32,
    },
    /// A debt was given up until a person looks.
    Parked {
        /// Why.
        error: String,
    },
    /// A parked debt was put back to work.
    Redriven {
        /// By whom.
        #[serde(default)]
        by: String,
    },
    /// A sweep or a sample found a difference.
    Diverged {
        /// `missing`, `extra`, `stale`, `wrong` or `unverifiable`.
        class: String,
        /// The fields that differ: (expected, found).
        fields: BTreeMap<String, (Option<truthsource_core::Value>, Option<truthsource_core::Value>)>,
    },
}
