//! What a system is owed, and the write that was begun to pay it.

use truthsource_core::{Decimal, Value, schema};

use super::*;

/// What a system's shadow is not, and the truth says it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// Owed to whom.
    pub connection: ConnectionId,
    /// The record.
    pub key: RecordKey,
    /// The truth's version that is owed.
    pub truth_version: u64,
    /// 0 is most urgent.
    pub priority: u8,
    /// When to try next.
    pub due_at: UnixMs,
    /// When it was first owed.
    pub since: UnixMs,
    /// How often paying it failed.
    pub attempts: u32,
    /// Where it stands.
    pub state: DebtState,
    /// Why the last try failed, for people.
    pub last_error: Option<String>,
    /// The write that was begun and whose result is not known yet. Comes before anything else.
    pub intent: Option<Intent>,
}

/// Where a debt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DebtState {
    /// It is tried when due.
    Due,
    /// It was carried out; the fold that settles it is still to come.
    Settling,
    /// It waits for a record that it refers to.
    Blocked,
    /// Its record is not to be created there for now, as the record says itself: an order that is on hold, or not paid. The
    /// fold that finds it otherwise makes it due.
    Held,
    /// It is not known what the system should hold: the fold asks the connector when this is due.
    Untold,
    /// It failed for good or too often: a person must look. The dead letter.
    Parked,
}

/// A write, stored before it is sent, so that a crash or a lost answer never makes two of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its idempotency key.
    pub op_id: String,
    /// The record's id there; `None`: it is to be created.
    pub remote_id: Option<String>,
    /// What makes a creation findable.
    pub command_key: String,
    /// What the system should hold afterwards, with canonical references.
    pub want: Fields,
    /// The truth of those fields of `want` for which the system has not the room as it is.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub of: Fields,
    /// The fields of `want` to send.
    pub changed: Vec<String>,
    /// What it was decided on.
    pub base: Fields,
    /// The remote version that goes with `base`.
    pub base_version: String,
    /// The truth's version that is written.
    pub truth_version: u64,
    /// When it was begun: no try of it was sent before.
    pub begun_at: UnixMs,
    /// How often the system said it was carried out, and something read as before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accepted: u32,
    /// The plan that it carries out, if a person applied one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The same in the words of the connector, where a mapping of the tenant's makes them differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<UnmappedWrite>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Intent {
    /// The fields to send, with the values that they take if nobody interferes.
    #[must_use]
    pub fn sent(&self) -> Fields {
        let sent = self.want.iter().filter(|(name, _)| self.changed.contains(name));
        sent.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// A field of a record of this kind that was to change and is held as it was before: a counter of what is created, as
    /// nothing, since some systems have a level of everything everywhere.
    #[must_use]
    pub fn left_alone<'a>(&'a self, kind: Kind, held: &Fields) -> Option<&'a str> {
        let nothing = Value::Number(Decimal::ZERO);
        let is_counter = |name: &str| schema::of(kind).field(name).is_some_and(|it| it.counter);
        let before = |name: &str| match self.remote_id {
            Some(_) => self.base.get(name),
            None => Some(&nothing).filter(|_| is_counter(name)),
        };
        let is_alone = |name: &&String| {
            let before = before(name);
            before.is_some() && held.get(*name) == before && self.want.get(*name).is_some_and(|it| Some(it) != before)
        };
        self.changed.iter().find(is_alone).map(String::as_str)
    }
}

/// A write as a connector is told it that a mapping stands before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmappedWrite {
    /// What the system should hold afterwards, with canonical references.
    pub want: Fields,
    /// The fields of `want` to send.
    pub changed: Vec<String>,
    /// What it was decided on. References are remote ids.
    pub base: Fields,
}
