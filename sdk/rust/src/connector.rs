//! What the author of a connector implements.
//!
//! Logic reaches the outside only through the [`Host`] it is handed, so that it runs natively against a fake.

use std::collections::BTreeMap;

use crate::host::HttpFault;
use crate::{Context, Fault, Fields, Host, Kind, Settings, Value};

pub use crate::bindings::connector::truthsource::connector::powers::{
    Description, Echo, Effect, FieldPower, Handshake, KindPower, Points, Proof, Rate, Setting, Signature,
    WebhookScheme, Window,
};

/// What a system holds under one remote id. References to other records hold *remote* ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The system's own stable id for it, at most 255 bytes.
    pub remote_id: String,
    /// Only fields the system really holds.
    pub fields: Fields,
    /// The system's own version mark, empty if it has none.
    pub version: String,
    /// When the system says it changed, in milliseconds since 1970 UTC.
    pub changed_at_ms: Option<u64>,
    /// The command key it was created under, if the system keeps one.
    pub command_key: Option<String>,
}

/// What a read or a pull found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It exists, and this is what it holds.
    Present(State),
    /// The system was asked for this remote id, answered, and has no such record.
    Absent(String),
}

/// One page of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What was found.
    pub entries: Vec<Observed>,
    /// Where to go on: the next page if `more`, else where the next pull starts. At most 4 096 bytes.
    pub cursor: String,
    /// There is another page right now.
    pub more: bool,
}

/// A change the engine owes to the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The same for every try of this change: its idempotency key. At most 64 characters of `[a-z0-9-]`.
    pub op_id: String,
    /// The record's id at this system; `None`: create it.
    pub remote_id: Option<String>,
    /// The same for every creation of this record at this system for ever. At most 64 characters of `[a-z0-9-]`.
    pub command_key: String,
    /// Every field the system should hold afterwards.
    pub want: Fields,
    /// Names of the fields that differ from `base`: the only ones to send for an existing record.
    pub changed: Vec<String>,
    /// What we last knew the system to hold; empty for a creation.
    pub base: Fields,
    /// The version that goes with `base`; empty if none.
    pub base_version: String,
    /// When an earlier try of this very write was begun, and nobody knows what became of it: look for its traces first.
    pub first_sent_ms: Option<u64>,
}

impl Write {
    /// An earlier try may have been carried out.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.first_sent_ms.is_some()
    }

    /// Whether this field is to be written.
    #[must_use]
    pub fn changes(&self, field: &str) -> bool {
        self.changed.iter().any(|it| it == field)
    }

    /// Whether what the system holds now leaves this write decided on the right ground: in every changed field it
    /// still holds what `base` says. A field it does not tell of is not held against it.
    #[must_use]
    pub fn is_current(&self, held: &Fields) -> bool {
        self.changed.iter().all(|name| match held.get(name) {
            None => true,
            Some(now) => self.base.get(name).is_none_or(|base| base.same(now)),
        })
    }

    /// The outcome of a write to a field of which the system said what it held, and says nothing now: whether it still holds
    /// that cannot be told, so the write is left to a later call. `None`: all can be compared.
    #[must_use]
    pub fn untold(&self, held: &Fields) -> Option<Outcome> {
        let was_told = |name: &&String| self.base.get(*name).is_some_and(|it| *it != Value::Null);
        let untold = self.changed.iter().filter(was_told).find(|it| !held.contains_key(*it))?;
        Some(Outcome::Retry(None, format!("the system does not say what `{untold}` holds")))
    }

    /// Whether the system holds what is wanted already, in every field that it was to change.
    #[must_use]
    pub fn is_done(&self, held: &Fields) -> bool {
        self.changed.iter().all(|name| match (held.get(name), self.want.get(name)) {
            (Some(now), Some(want)) => now.same(want),
            (now, want) => now == want,
        })
    }
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; this is the record as read back afterwards.
    Applied(State),
    /// The system holds something newer than `base`; nothing was written; this is what it holds.
    Stale(Observed),
    /// It will never be accepted as it is; nothing was written.
    Rejected(Rejection),
    /// Nothing was written; try again, not before so many milliseconds if given.
    Retry(Option<u32>, String),
    /// It may or may not have been written: look it up before anything else.
    Unknown(String),
}

/// Why a write will never be accepted as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejection {
    /// The system's own code, or a short one of the connector's.
    pub code: String,
    /// For people.
    pub message: String,
    /// The canonical field it is about, if one is.
    pub field: Option<String>,
}

impl Observed {
    /// What was found, in the order asked; what the system did not answer with is absent.
    #[must_use]
    pub fn in_order(remote_ids: &[String], found: Vec<State>) -> Vec<Self> {
        let found: BTreeMap<String, State> = found.into_iter().map(|it| (it.remote_id.clone(), it)).collect();
        let observe = |id: &String| found.get(id).cloned().map_or_else(|| Self::Absent(id.clone()), Self::Present);
        remote_ids.iter().map(observe).collect()
    }
}

impl Outcome {
    /// What it means for a write that no answer came.
    #[must_use]
    pub fn unanswered(fault: HttpFault) -> Self {
        match fault {
            HttpFault::Unreachable(why) => Self::Retry(None, why),
            HttpFault::TooMany => Self::Retry(None, "this call has sent its number of requests".to_owned()),
            HttpFault::Denied(why) => Self::rejected("egress-denied", why),
            HttpFault::Unknown(why) | HttpFault::Other(why) => Self::Unknown(why),
            HttpFault::TooLarge => Self::Unknown("the answer was too large to read".to_owned()),
        }
    }

    /// A rejection that is about no single field.
    #[must_use]
    pub fn rejected(code: &str, message: impl Into<String>) -> Self {
        Self::Rejected(Rejection { code: code.to_owned(), message: message.into(), field: None })
    }

    /// What a fault before anything was written means for a write.
    #[must_use]
    pub fn not_written(fault: Fault) -> Self {
        match fault {
            Fault::Throttled(wait_ms) => Self::Retry(wait_ms, "throttled".to_owned()),
            Fault::Invalid(why) => Self::rejected("invalid", why),
            Fault::Unsupported(why) => Self::rejected("unsupported", why),
            fault => Self::Retry(None, fault.to_string()),
        }
    }
}

/// A delivery from the outside system, its signature already verified by the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Webhook {
    /// What it is about, in the system's words.
    pub topic: String,
    /// Lower-case names; signature headers removed.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Vec<u8>,
}

/// What a webhook means. A hint, never the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// This record changed, appeared or vanished.
    Touched(Kind, String),
    /// Something of this kind changed: pull it now.
    Poll(Kind),
}

/// One thing that `check` looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// It is as it should be.
    pub ok: bool,
    /// What is wrong and what to do, or what was found.
    pub message: String,
}

impl Finding {
    /// Something that is as it should be.
    #[must_use]
    pub fn good(subject: &str, message: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), ok: true, message: message.into() }
    }

    /// Something that is not.
    #[must_use]
    pub fn bad(subject: &str, message: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), ok: false, message: message.into() }
    }
}

/// How one outside system is read and written. The contract of each function is in `wit/connector`.
pub trait Connector {
    /// What this connector is and can do with a connection of these settings. Pure, and total: before there is any
    /// connection it is asked with no settings at all, and answers for the defaults.
    fn describe(settings: &Settings) -> Description;

    /// Looks whether the connection can do its work. Writes nothing.
    ///
    /// # Errors
    /// When not even that could be found out.
    fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault>;

    /// Reads on from `cursor`; `None` starts a complete listing, and a cursor that one ends with starts a delta,
    /// which reaches back `overlap_ms` before its cursor.
    ///
    /// # Errors
    /// When the page could not be read.
    fn pull(host: &dyn Host, ctx: &Context, kind: Kind, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault>;

    /// The present state under each id, in the order asked. When it is to be `certain`, from the records themselves and
    /// from no index or search that may lag.
    ///
    /// # Errors
    /// When the ids could not be read.
    fn read(
        host: &dyn Host,
        ctx: &Context,
        kind: Kind,
        remote_ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, Fault>;

    /// Carries out writes of one kind: one outcome per write, in order.
    ///
    /// # Errors
    /// When nothing at all was written.
    fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault>;

    /// The record that was created under this command key, if there is one.
    ///
    /// # Errors
    /// When it could not be found out.
    fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault>;

    /// What a verified webhook says. Pure.
    ///
    /// # Errors
    /// When it says nothing that can be understood.
    fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault>;

    /// What this system would hold of a record. Pure; references are canonical keys and stay as they are.
    ///
    /// # Errors
    /// When the record does not fit its schema.
    fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned()))).collect()
    }

    fn write() -> Write {
        Write {
            op_id: "op".to_owned(),
            remote_id: Some("7".to_owned()),
            command_key: "key".to_owned(),
            want: fields(&[("title", "new"), ("code", "A")]),
            changed: vec!["title".to_owned()],
            base: fields(&[("title", "old"), ("code", "A")]),
            base_version: String::new(),
            first_sent_ms: None,
        }
    }

    #[test]
    fn what_cannot_be_compared_is_not_written() {
        let untold = |write: &Write, held| write.untold(&fields(held)).is_some();
        assert!(untold(&write(), &[("code", "A")]), "it said what the title was");
        assert!(!untold(&write(), &[("title", "other")]), "what is not to change may be left out");
        let never_told = Write { base: fields(&[("code", "A")]), ..write() };
        assert!(!untold(&never_told, &[("code", "A")]));
    }

    #[test]
    fn only_changed_fields_decide_whether_a_write_is_stale() {
        let check = |held: &[(&str, &str)], current: bool, done: bool| {
            let held = fields(held);
            assert_eq!((write().is_current(&held), write().is_done(&held)), (current, done), "{held:?}");
        };
        check(&[("title", "old"), ("code", "A")], true, false);
        check(&[("title", "old"), ("code", "B")], true, false);
        check(&[("title", "other"), ("code", "A")], false, false);
        check(&[("title", "new"), ("code", "A")], false, true);
    }
}
