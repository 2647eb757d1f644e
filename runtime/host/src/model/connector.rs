//! Inputs and outputs of the connector world.

use serde::{Deserialize, Serialize};
use truthsource_core::record::{Observed, State};
use truthsource_core::{Fields, Kind, UnixMs};

/// How a write may be repeated when its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The write sets a state: repeating it changes nothing more.
    Absolute,
    /// The system remembers `op_id`: repeating it returns the first result.
    Keyed,
    /// The system compares a version or the old value and refuses a stale write.
    Conditional,
    /// None of these, but the result can be read back and compared before trying again.
    Verify,
    /// Must not be repeated without a human.
    Unsafe,
}

/// One field of a kind, as a system holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldPower {
    /// A name of the kind's schema.
    pub name: String,
    /// False: never written by us.
    pub writable: bool,
    /// True: only part of creation; a later difference cannot be repaired by a write.
    pub create_only: bool,
}

/// What a connector can do with one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindPower {
    /// The kind.
    pub kind: Kind,
    /// The fields of it that the system holds.
    pub fields: Vec<FieldPower>,
    /// `pull` with a cursor shows new records.
    pub sees_creates: bool,
    /// `pull` with a cursor shows changed records.
    pub sees_updates: bool,
    /// `pull` with a cursor shows deletions.
    pub sees_deletes: bool,
    /// The grain of the system's change times, in milliseconds.
    pub granularity_ms: u32,
    /// How long after a change `pull`, and a `read` that is not certain, may still miss it, in milliseconds.
    pub lag_ms: u32,
    /// How a write may be repeated.
    pub effect: Effect,
    /// `push` may create records of this kind.
    pub creates: bool,
    /// How many writes one `push` takes at the most: 1 to 250.
    pub push_max: u32,
    /// How many ids one `read` takes at the most: 1 to 250.
    pub read_max: u32,
    /// How many ids one certain `read` takes at the most: 1 to 250; 0 where there is none.
    pub certain_max: u32,
}

/// Where JSON answers say how many points there are: each a way of members to a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsAt {
    /// To the points that are left.
    pub available: Vec<String>,
    /// To the most that there can be.
    pub maximum: Vec<String>,
    /// To those that are given back in a second.
    pub per_second: Vec<String>,
    /// To those that had to be there for the call.
    pub needed: Vec<String>,
    /// To those that the call took in the end; it may lead to nothing.
    pub cost: Vec<String>,
}

/// So many requests and no more, wherever one begins to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Requests within it, 1 or more.
    pub requests: u32,
    /// How long it is, 1 or more.
    pub seconds: u32,
    /// Requests at the same time, where that is limited as well.
    pub at_once: Option<u32>,
}

/// How the outside system limits its callers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// At most so many requests at a time.
    Concurrent(u32),
    /// At most so many requests in any stretch of time.
    Window(Window),
    /// So many points, which the system counts and tells.
    Points(Box<PointsAt>),
    /// Anything else, for people.
    Other(String),
}

impl Rate {
    /// How many requests it takes at a time, where that is limited.
    #[must_use]
    pub fn at_once(&self) -> Option<u32> {
        match self {
            Self::Concurrent(n) => Some(*n),
            Self::Window(window) => window.at_once,
            Self::Points(_) | Self::Other(_) => None,
        }
    }
}

/// How a delivery proves where it comes from. The host verifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It is signed, over its raw bytes, with the connection's webhook secret.
    Signature {
        /// Header that carries the signature, lower case.
        header: String,
        /// How it is written.
        spelling: Spelling,
    },
    /// It is JSON in which the secret itself stands wherever this path leads, and in one place at the least: members,
    /// and `*` for every entry of an array.
    BodySecret(Vec<String>),
}

/// How an HMAC-SHA256 is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the usual two")]
pub enum Spelling {
    Base64,
    Hex,
}

/// How a system asks an address whether deliveries are wanted there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handshake {
    /// It does not ask.
    None,
    /// By this parameter of the query, whose value is the whole answer.
    EchoQuery(String),
    /// By a `GET` with a header, whose value is the one member of a JSON answer.
    EchoHeader {
        /// Lower case.
        header: String,
        /// The answer's member.
        member: String,
    },
}

/// What a delivery of a system looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookScheme {
    /// How it proves where it comes from.
    pub proof: Proof,
    /// How the system asks whether it is wanted.
    pub handshake: Handshake,
    /// Header that carries the delivery's unique id, lower case. Empty: deliveries with the same bytes are one.
    pub id_header: String,
    /// Header that carries the topic, lower case; empty: there is none.
    pub topic_header: String,
    /// Header with the sending time, when the signature covers one; else empty.
    pub timestamp_header: String,
}

/// Where a system is to deliver to. What stands for the secret is the host's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The connection's address at the host.
    pub url: String,
}

/// How a connection's subscriptions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// They are to be looked at again before this moment; `None`: they stay until somebody removes them.
    pub renew_by: Option<UnixMs>,
    /// Something was missing, had ended or was inactive, so changes may have gone untold.
    pub gap: bool,
}

/// A setting that a connection of the system needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// The value used when the tenant gives none; `None` means it must be given.
    pub default: Option<String>,
}

/// What a connector is and can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The outside system's name: `netsuite`, `shopify`.
    pub system: String,
    /// What it can do with each kind it knows, each kind once.
    pub kinds: Vec<KindPower>,
    /// Authentication schemes it works with, best first.
    pub auth: Vec<String>,
    /// How its webhooks are verified, if it has any.
    pub webhook: Option<WebhookScheme>,
    /// How the outside system limits its callers.
    pub rate: Rate,
    /// The settings a connection needs.
    pub settings: Vec<Setting>,
}

/// Where a pull goes on and how far it reaches back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// What to list.
    pub kind: Kind,
    /// Where to go on; `None` starts a complete listing.
    pub cursor: Option<String>,
    /// How far a delta must reach back before its cursor, in milliseconds.
    pub overlap_ms: u32,
}

/// One page of a pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What is on it.
    pub entries: Vec<Observed>,
    /// Records on it that are not as their kind's schema says: each keeps no other from being read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Where to go on: the next page if `more`, else where the next pull starts.
    pub cursor: String,
    /// There is another page right now.
    pub more: bool,
}

/// A record that is there and cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Its id there.
    pub remote_id: String,
    /// What is wrong with it, for people.
    pub reason: String,
}

/// A change the engine owes to the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The same for every try of this change. Idempotency key.
    pub op_id: String,
    /// The record's kind; one `push` carries one kind.
    pub kind: Kind,
    /// The record's id at this system; `None`: create it.
    pub remote_id: Option<String>,
    /// The same for every creation of this record at this system for ever.
    pub command_key: String,
    /// Every field the system should hold afterwards, as `project` gave it; references are remote ids.
    pub want: Fields,
    /// Names of the fields that differ from `base`.
    pub changed: Vec<String>,
    /// What we last knew the system to hold; empty for a creation.
    pub base: Fields,
    /// The version that goes with `base`; empty if none.
    pub base_version: String,
    /// When an earlier try of this very write was begun, if nobody knows what became of it.
    pub first_sent: Option<UnixMs>,
}

/// Why a write will never be accepted as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The system's own code, or a short one of the connector's.
    pub code: String,
    /// For people.
    pub message: String,
    /// The canonical field it is about, if one is.
    pub field: Option<String>,
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is done; this is the record as read back afterwards.
    Applied(State),
    /// The system holds something newer than `base`; nothing was written; this is what it holds.
    Stale(Observed),
    /// It will never be accepted as it is; nothing was written.
    Rejected(Rejection),
    /// Nothing was written; try again, not before so many milliseconds if given.
    Retry(Option<u32>, String),
    /// It may or may not have been written: look it up before anything else. Also what an unknown answer of a newer
    /// component counts as, because assuming less would risk a second effect.
    Unknown(String),
}

/// A delivery from the outside system, its signature already verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// What the topic header said.
    pub topic: String,
    /// Lower-case names; signature headers removed.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Vec<u8>,
}

/// What a webhook means. A hint, never the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// The record of this kind and remote id changed, appeared or vanished.
    Touched(Kind, String),
    /// Something of this kind changed: pull it now.
    Poll(Kind),
}

/// One thing that `check` looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: `credentials`, `permission items`, `clock`, `location main`.
    pub subject: String,
    /// All is well with it.
    pub ok: bool,
    /// What is wrong and what to do, or what was found.
    pub message: String,
}
