//! What the store gives back.

use truthsource_core::record::Cause;

use super::*;

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// One flag per [`Change::Inbox`] of the batch, in order: true if the event was new.
    pub fresh: Vec<bool>,
    /// One flag per [`Change::NewConnection`], in order: the number it was given.
    pub connections: Vec<ConnectionId>,
}

/// What orders want, by item and order.
pub type Commitments = BTreeMap<(String, String), truthsource_core::stock::Commitment>;

/// A tenant's link to one account of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// Its name, unique within the tenant: lower-case letters, digits and `-`, at most 64.
    pub name: String,
    /// What was asked for when it was made or last changed.
    pub spec: ConnectionSpec,
    /// Whether it works.
    pub state: ConnectionState,
    /// Why it does not work, for people.
    pub trouble: Option<String>,
    /// When it was made.
    pub created_at: UnixMs,
    /// Rises with every change of it: who decides something on what was read of it says which one that was.
    pub revision: u64,
}

/// What a tenant says about a connection. Secrets are not here; see [`Change::Credentials`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// The slot whose component speaks to the system: `connector:netsuite`.
    pub connector: String,
    /// The connector's settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Origins its component may reach, as `scheme://host[:port]`.
    pub egress: Vec<String>,
    /// Those of them that its credentials are for; to no other are they sent. The only one where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials_for: Vec<String>,
    /// How it takes part; see [`truthsource_core::rules`].
    pub rank: u32,
    /// The kinds it takes part in, and which way they flow.
    pub kinds: BTreeMap<Kind, truthsource_core::rules::Direction>,
    /// When it is told what it is owed.
    #[serde(default, skip_serializing_if = "Deliver::is_continuous")]
    pub deliver: Deliver,
    /// How its records become ours.
    #[serde(default, skip_serializing_if = "Links::is_automatic")]
    pub links: Links,
    /// What stock it is shown, if stock is published there.
    #[serde(default)]
    pub publishes: Option<truthsource_core::stock::Publishes>,
    /// How far an order must be paid before it is created there.
    #[serde(default, skip_serializing_if = "truthsource_core::rules::ImportWhen::is_any")]
    pub import_when: truthsource_core::rules::ImportWhen,
    /// Who has a say in the list prices that it is told: [`PRICED_BY_RULES`], or the slot of a pricing component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_by: Option<String>,
    /// Time between polls of a kind, in milliseconds; a kind that is absent is polled every five minutes.
    #[serde(default)]
    pub poll_every_ms: BTreeMap<Kind, u64>,
    /// How far a poll reaches back before its cursor.
    #[serde(default = "default_overlap_ms")]
    pub overlap_ms: u32,
    /// Time between full sweeps of each kind, in milliseconds; once a day where nothing is said; 0: only on demand.
    #[serde(default = "default_sweep_every_ms")]
    pub sweep_every_ms: u64,
}

impl ConnectionSpec {
    /// The origins that its credentials are for, as it names them. Empty where it could be any of several: nobody is
    /// sent what may be another's.
    #[must_use]
    pub fn signed(&self) -> &[String] {
        if self.credentials_for.is_empty() && self.egress.len() == 1 { &self.egress } else { &self.credentials_for }
    }
}

/// The tenant's price rules have a say in list prices.
pub const PRICED_BY_RULES: &str = "rules";

/// When a connection is told what it is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// As soon as it is owed.
    #[default]
    Continuous,
    /// When somebody applies a plan: until then debts gather, and nothing is written.
    OnApply,
}

impl Deliver {
    /// The usual.
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        *self == Self::Continuous
    }
}

/// How what a connection has is found to be a record of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// By its natural key, as soon as it is read.
    #[default]
    Automatic,
    /// The same, once a person has approved: until then nothing is linked there, and nothing created.
    OnApproval,
}

impl Links {
    /// The usual.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        *self == Self::Automatic
    }
}

fn default_sweep_every_ms() -> u64 {
    86_400_000
}

fn default_overlap_ms() -> u32 {
    600_000
}

/// Whether a connection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// It was made and has not passed its check.
    New,
    /// It works.
    Active,
    /// A person stopped it.
    Paused,
    /// The system refuses our credentials: nothing is tried until they are changed.
    Denied,
}

/// A webhook that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub connection: ConnectionId,
    /// The system's id for the event.
    pub event_id: String,
    /// The topic header.
    pub topic: String,
    /// Other headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Vec<u8>,
    /// When it was taken.
    pub received_at: UnixMs,
}

/// A record at a connection that something says has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its kind.
    pub kind: Kind,
    /// Its id there.
    pub remote_id: String,
    /// Rises with every touch: a read settles only the touches it began after.
    pub seq: u64,
    /// When it was touched first.
    pub since: UnixMs,
    /// Why.
    pub cause: Cause,
    /// How often reading it failed.
    pub attempts: u32,
}

impl Touched {
    /// Somebody tried to read it, in vain: by itself, or on the page of a listing.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.attempts > 0 || matches!(self.cause, Cause::Poll | Cause::Sweep)
    }
}

/// What was heard last about a record at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Its digest in the remote form, see [`observed_digest`]; `None` where it cannot be told: then take the record for
    /// changed.
    pub digest: Option<String>,
    /// No fold has taken it yet.
    pub pending: bool,
    /// The newest sweep that came across it; 0: none, or it is not linked.
    pub swept: u64,
}

/// How far a kind of a connection has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CursorRow {
    /// Where the next pull starts; `None`: with a complete listing.
    pub cursor: Option<String>,
    /// The complete listing that this cursor began with has ended: what is missing now is missing there.
    pub listed: bool,
    /// When the next pull is due.
    pub poll_at: UnixMs,
    /// When the pull that is under way began: it may take several pages.
    pub pulling_since: Option<UnixMs>,
    /// When the last pull that came to its end had begun: what changed before, less the system's lag, is known.
    pub pulled_at: Option<UnixMs>,
    /// The sweep under way, if one is.
    pub sweep: Option<SweepRow>,
    /// When the last sweep that ended had begun.
    pub swept_at: Option<UnixMs>,
    /// How often pulling failed in a row.
    pub failures: u32,
    /// When it failed last, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<UnixMs>,
}

/// A sweep under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRow {
    /// Its number: rises with every sweep of the tenant.
    pub id: u64,
    /// Where its next page starts; `None`: at the beginning.
    pub cursor: Option<String>,
    /// Where the listings begin of what is still to be read, where its system added up and not all came to what is known;
    /// `None`: everything is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<String>>,
    /// When it began.
    pub began_at: UnixMs,
    /// Somebody asked for it.
    #[serde(default)]
    pub asked: bool,
    /// Pages it listed.
    #[serde(default)]
    pub pages: u64,
    /// Records it came across.
    pub seen: u64,
    /// Those of them that were news.
    #[serde(default)]
    pub news: u64,
    /// Fields it compared.
    pub fields: u64,
    /// Fields that differed from what they should be, by class.
    pub mismatches: BTreeMap<String, u64>,
    /// The same by field and class, as far as they have names.
    #[serde(default)]
    pub by_field: BTreeMap<String, BTreeMap<String, u64>>,
    /// Of fields that the system said something of when it was read last: what it said of them now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, Said>,
    /// Records that differed, those that are on their way left out.
    #[serde(default)]
    pub drifted: u64,
    /// Tries to go on that failed in a row.
    #[serde(default)]
    pub failures: u32,
    /// When it goes on.
    #[serde(default)]
    pub due_at: UnixMs,
}

/// In how many records a reading said something of a field, and in how many nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// Something, be it that it is empty.
    pub told: u64,
    /// Nothing.
    pub lost: u64,
}

impl SweepRow {
    /// A sweep that begins now.
    #[must_use]
    pub fn begun(at: UnixMs, asked: bool) -> Self {
        let (cursor, ranges, mismatches, by_field, said) = Default::default();
        let (pages, seen, news, fields, drifted, failures) = Default::default();
        let (id, began_at, due_at) = (at.0, at, at);
        Self {
            id,
            cursor,
            ranges,
            began_at,
            asked,
            pages,
            seen,
            news,
            fields,
            mismatches,
            by_field,
            said,
            drifted,
            failures,
            due_at,
        }
    }

    /// Nothing of it was done yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.pages == 0 && self.cursor.is_none() && self.ranges.is_none()
    }

    /// Goes on behind a page that ends with this cursor. Whether there is more to list: `more` of the page's listing, or of
    /// another range.
    pub fn turn(&mut self, cursor: String, more: bool) -> bool {
        self.failures = 0;
        match &mut self.ranges {
            Some(ranges) if !more => {
                self.cursor = None;
                ranges.drain(..ranges.len().min(1));
                !ranges.is_empty()
            }
            _ => {
                self.cursor = Some(cursor);
                more
            }
        }
    }
}

/// Work of a lane that others can ask for. Asking is kept apart from the cursor, which only the lane writes, so that
/// the two never race: the work is due while it last began before it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A pull of what changed.
    Poll,
    /// A full comparison.
    Sweep,
    /// A pull of what could not be pulled, without waiting any longer.
    Retry,
}

/// When each work of a connection was last asked for.
pub type Asks = BTreeMap<(Work, Kind), UnixMs>;

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Its place: rises, with gaps.
    pub seq: u64,
    /// When it was logged.
    pub at: UnixMs,
    /// The kind it is about.
    pub kind: Kind,
    /// The record it is about, once that is known.
    pub key: Option<String>,
    /// What it says. References are still remote ids while `key` is `None`.
    pub entry: Entry,
}

/// What is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Backlog {
    /// Webhooks not understood yet.
    pub inbox: u64,
    /// Records to be read.
    pub touched: u64,
    /// Entries to be folded.
    pub unfolded: u64,
    /// Entries that wait for a link or an answer.
    pub waiting: u64,
    /// Debts to be paid, blocked ones included, and not those that are held.
    pub debts: u64,
    /// Debts that wait for a person.
    pub parked: u64,
    /// Conflicts that wait for a person.
    pub conflicts: u64,
    /// Rows that could not be read, and are missing.
    #[serde(default)]
    pub damaged: u64,
    /// When the oldest open debt was first owed.
    pub oldest_debt: Option<UnixMs>,
}

/// A conflict and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its number; 0 before it is stored.
    pub id: u64,
    /// When it was found.
    pub at: UnixMs,
    /// The record.
    pub key: RecordKey,
    /// What of it.
    pub about: About,
    /// What each side said: connection name → value.
    pub claims: BTreeMap<String, truthsource_core::Value>,
    /// What the truth became; `None` while a person must decide.
    pub outcome: Option<truthsource_core::Value>,
    /// Why, for people.
    pub reason: String,
    /// The policy's slot and digest; empty for the built-in rule.
    pub policy: String,
}

/// What a conflict is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// What this field is.
    Field(String),
    /// Whether the record is gone: it vanished at this connection, where that deletes nothing by itself.
    Vanished(ConnectionId),
    /// Whether something that a connection has is the record: it is linked to nothing meanwhile.
    Unlinked {
        /// Where.
        connection: ConnectionId,
        /// Its id there.
        remote_id: String,
    },
    /// What a connection has there: nobody could take it in. The conflict's key says nothing if it was never linked.
    Unread {
        /// Where.
        connection: ConnectionId,
        /// Its id there.
        remote_id: String,
    },
    /// What a field is at a connection: what is read there does not say it any more, of no record. The conflict's key says
    /// nothing.
    Lost {
        /// Where.
        connection: ConnectionId,
        /// The field.
        field: String,
    },
    /// Whether so many records of the kind are gone. The conflict's key says nothing.
    Mass,
    /// What stood in a row that cannot be read.
    Damaged {
        /// The row.
        row: Row,
    },
}

/// How accurate a connection was found to be by reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The connection's name.
    pub connection: String,
    /// The kind.
    pub kind: Kind,
    /// The sweep: rises among those of a kind at a connection.
    #[serde(default)]
    pub sweep: u64,
    /// When the reading began.
    #[serde(default)]
    pub began_at: UnixMs,
    /// When it ended.
    pub at: UnixMs,
    /// Somebody asked for it; else its time had come.
    #[serde(default)]
    pub asked: bool,
    /// Pages listed.
    #[serde(default)]
    pub pages: u64,
    /// Records read.
    pub records: u64,
    /// Those of them that were news.
    #[serde(default)]
    pub news: u64,
    /// Fields compared.
    pub fields: u64,
    /// Fields that differed, by class.
    pub mismatches: BTreeMap<String, u64>,
    /// The same by field and class, as far as they have names.
    #[serde(default)]
    pub by_field: BTreeMap<String, BTreeMap<String, u64>>,
    /// Records that differed, those that are on their way left out.
    #[serde(default)]
    pub drifted: u64,
}

/// A record that a sweep found to differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The connection's name.
    pub connection: String,
    /// The kind.
    pub kind: Kind,
    /// The sweep.
    pub sweep: u64,
    /// Its place among those of the sweep, from 1 on.
    pub n: u64,
    /// The record's key; `None`: it is not known which it is.
    pub key: Option<String>,
    /// Its id there; empty where it has none.
    pub remote_id: String,
    /// `missing`, `extra`, `wrong` or `unverifiable`.
    pub class: String,
    /// The fields that differ: (expected, found).
    pub fields: BTreeMap<String, (Option<truthsource_core::Value>, Option<truthsource_core::Value>)>,
}

/// A place that a component fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its name: `connector:shopify`, `pricing`, `conflict:stock-level`, `stock`, `validator:item`, `mapping:shop`.
    pub name: String,
    /// The release that answers calls, if one does.
    pub active: Option<u64>,
    /// The release that answered before, for a rollback.
    pub previous: Option<u64>,
}

/// A component in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number, rising within the tenant.
    pub id: u64,
    /// The slot.
    pub slot: String,
    /// sha256 of the component, lower-case hex.
    pub digest: String,
    /// The plugin's name and version, from its manifest.
    pub plugin: String,
    /// `staged`, `active` or `retired`.
    pub state: String,
    /// When it was uploaded.
    pub created_at: UnixMs,
}

/// A recorded call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// Its number; 0 before it is stored.
    pub id: u64,
    /// When.
    pub at: UnixMs,
    /// The slot.
    pub slot: String,
    /// The component's digest.
    pub digest: String,
    /// The function.
    pub function: String,
    /// Fuel used, if metered.
    pub fuel: u64,
    /// How long it took.
    pub micros: u64,
    /// The fault's code, if it ended in one.
    pub fault: Option<String>,
    /// The whole recording, as the host wrote it.
    pub recording: serde_json::Value,
}
