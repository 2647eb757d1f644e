//! What can be written.

use truthsource_core::fold::Terms;
use truthsource_core::record::{Shadow, Truth};

use super::*;

/// Changes that are committed together or not at all, in order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The lane and the fence under which this was decided: [`Error::Fenced`] if the lane has a higher one.
    pub fence: Option<(String, u64)>,
    /// When it was decided, by the clock that the caller was given.
    pub at: UnixMs,
    /// What to write.
    pub changes: Vec<Change>,
}

impl Batch {
    /// An unfenced batch.
    #[must_use]
    pub fn new(at: UnixMs) -> Self {
        Self { fence: None, at, changes: Vec::new() }
    }

    /// A batch that counts only while the lane is ours.
    #[must_use]
    pub fn fenced(at: UnixMs, lane: &str, fence: u64) -> Self {
        Self { fence: Some((lane.to_owned(), fence)), at, changes: Vec::new() }
    }
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Keeps a webhook, unless the connection already took one with this event id within seven days.
    Inbox {
        /// Whose.
        connection: ConnectionId,
        /// The system's id for the event.
        event_id: String,
        /// The topic header.
        topic: String,
        /// Other headers.
        headers: Vec<(String, String)>,
        /// The raw bytes.
        body: Vec<u8>,
    },
    /// A webhook was understood: its body is dropped, its id kept for deduplication.
    InboxDone {
        /// The row's number.
        id: u64,
    },
    /// Something says that a record changed. Merges with an earlier touch of it, which keeps its age and its due time:
    /// a touch does not cut a wait short.
    Touch {
        /// Where.
        connection: ConnectionId,
        /// Its kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
        /// Why.
        cause: truthsource_core::record::Cause,
    },
    /// A touched record was read, unless it was touched again since.
    Untouch {
        /// Where.
        connection: ConnectionId,
        /// Its kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
        /// The touch that was read.
        seq: u64,
    },
    /// Touched records of a kind whose reading failed are due now: what failed on them may be another component.
    Reread {
        /// Where.
        connection: ConnectionId,
        /// Their kind.
        kind: Kind,
    },
    /// Reading a touched record failed: try again later.
    TouchLater {
        /// Where.
        connection: ConnectionId,
        /// Its kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
        /// When.
        due_at: UnixMs,
    },
    /// How far a kind was read.
    Cursor {
        /// Where.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
        /// The whole row.
        row: CursorRow,
    },
    /// Somebody wants this work done. The latest time counts.
    Ask {
        /// Where.
        connection: ConnectionId,
        /// Of which kind.
        kind: Kind,
        /// What.
        work: Work,
    },
    /// A sweep came across these linked records.
    Swept {
        /// Where.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
        /// The sweep.
        sweep: u64,
        /// The ids there.
        remote_ids: Vec<String>,
    },
    /// Adds an entry to the log.
    Append {
        /// The kind it is about.
        kind: Kind,
        /// The record, if that is known already: then its references are keys.
        key: Option<String>,
        /// What it says.
        entry: Entry,
    },
    /// A fold has taken the entry. It stays in the log under its key, with references as keys. [`Error::Conflict`] if
    /// it was folded or dropped before; the same goes for [`Change::Wait`] and [`Change::Drop`]. The digest that it was
    /// logged with counts where it stays as it was logged.
    Folded {
        /// Its place.
        seq: u64,
        /// The record it was about.
        key: String,
        /// The entry with canonical references; `None`: just as it was logged.
        entry: Option<Entry>,
    },
    /// What a fold decided about a record: kept for ever beside the entries that it took in, so that both can be folded
    /// again.
    Ruling(Box<LoggedRuling>),
    /// What rulings of this batch and later ones were decided under. The same terms are kept once.
    Terms(Box<Terms>),
    /// The record's truth and its shadows are these and no others: what came of folding everything again.
    Restate {
        /// The record.
        key: RecordKey,
        /// Its truth and shadows.
        state: Box<KeyState>,
        /// Its present natural key.
        natural: Option<String>,
    },
    /// The entry waits until [`Change::Wake`] names the same token.
    Wait {
        /// Its place.
        seq: u64,
        /// What for.
        token: String,
    },
    /// The entry is obsolete: a later one says it all.
    Drop {
        /// Its place.
        seq: u64,
        /// Why, for people.
        reason: String,
    },
    /// This row, which must be named, cannot be read: it is out of the way of others, and kept as it is. In the place of
    /// a truth or a shadow stands a blank one, in that of a debt one that is held, or `Untold` where no write was begun.
    SetAside(Box<Damaged>),
    /// Nothing is missing because of this row any more. An entry that was set aside is dropped.
    Mended(Row),
    /// Whatever waits for this token waits no more: entries, and debts in state `Blocked` with this token.
    Wake {
        /// What for.
        token: String,
    },
    /// Every entry about this remote record that no fold has taken is obsolete: what is appended after says it all. Not so
    /// moves that were carried: each counts.
    Supersede {
        /// The connection.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
        /// Why, for people.
        reason: String,
    },
    /// The creation of a record at a connection is begun under this command key.
    Command {
        /// The connection.
        connection: ConnectionId,
        /// The command key.
        command_key: String,
        /// The record.
        key: RecordKey,
    },
    /// The record's truth is this.
    Truth {
        /// The record.
        key: RecordKey,
        /// Its truth.
        truth: Truth,
        /// Its present natural key, by which other systems' records find it.
        natural: Option<String>,
        /// What all of it was decided under and told by; empty where that is not one thing that is known.
        basis: String,
    },
    /// A connection's shadow of a record is this.
    Shadow {
        /// The record.
        key: RecordKey,
        /// The connection.
        connection: ConnectionId,
        /// The shadow.
        shadow: Shadow,
    },
    /// What an order wants is this and nothing else, by item.
    Commitments {
        /// The order's key.
        order: String,
        /// What it wants.
        items: BTreeMap<String, truthsource_core::stock::Commitment>,
    },
    /// A rule about what is paid is this; `None`: it is no more.
    PriceRule {
        /// Its id.
        id: String,
        /// The rule.
        rule: Option<PriceRule>,
    },
    /// A remote id and a record are the same. [`Error::Conflict`] if either is linked otherwise at this connection.
    Link {
        /// The connection.
        connection: ConnectionId,
        /// The record.
        key: RecordKey,
        /// Its id there.
        remote_id: String,
    },
    /// A record is linked to nothing at this connection any more: what there was of it is forgotten.
    Unlink {
        /// The connection.
        connection: ConnectionId,
        /// The record.
        key: RecordKey,
    },
    /// A debt: replaces one about the same record and connection, but keeps its `since` and open `intent`. A parked one
    /// is replaced if the truth is newer than the one it failed with, and begins to count its failures anew; else it
    /// stays as it is. So does one that settles: whoever takes in what became of its write knows what is owed then.
    Owe(Debt),
    /// The same by whoever has taken in what became of the last write: replaces one that settles, too.
    OweAnew(Debt),
    /// A debt's row is this: how a delivery notes its progress. Where a newer truth is owed by now its version stays,
    /// and the debt is neither parked nor blocked for the older one: it is `Untold`, or tried again if a write is open.
    Debt {
        /// The row.
        debt: Debt,
        /// What it waits for, when `Blocked`.
        token: Option<String>,
    },
    /// The debt, as it was read, is no more. One that has moved since, or whose write was begun, stays.
    Paid(Debt),
    /// What the system should hold of every record of a kind is to be asked anew: the debts become `Untold`, due now,
    /// but for those with an open intent and those that settle, whose outcome is folded anyway.
    Retell {
        /// The connection.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
    },
    /// The same of one record that has a truth, when this is due. One that is asked anyway is asked no later than it would
    /// have been.
    RetellOne {
        /// The connection.
        connection: ConnectionId,
        /// The record.
        key: RecordKey,
        /// When.
        due_at: UnixMs,
    },
    /// Parked debts go back to work, now: one, all of a connection, or all. Without an open intent they are `Untold`,
    /// as what was wrong may have been what the connector made of the truth.
    Redrive {
        /// Only of this connection.
        connection: Option<ConnectionId>,
        /// Only of this record.
        key: Option<RecordKey>,
    },
    /// Hands in a write of a plan to be carried out. One that is open already stays as it is, one that has an outcome
    /// begins anew.
    Plan(Planned),
    /// An open write of a plan cannot be tried yet.
    PlanWaits {
        /// The plan.
        plan: String,
        /// Where.
        connection: ConnectionId,
        /// The record.
        key: RecordKey,
        /// When it is looked at again.
        due_at: UnixMs,
        /// Why, for people.
        waits: String,
    },
    /// This became of an open write of a plan.
    PlanEnded {
        /// The plan.
        plan: String,
        /// Where.
        connection: ConnectionId,
        /// The record.
        key: RecordKey,
        /// What.
        outcome: PlanOutcome,
    },
    /// What became of plans that were handed in before is forgotten.
    PlansForgotten {
        /// When.
        before: UnixMs,
    },
    /// Adds to a record's timeline.
    Event(Event),
    /// Adds a conflict and its outcome. One without an outcome that is open already, about the same and between the same
    /// connections, stays the one it is, with what they say now.
    Conflict(Conflict),
    /// The open conflicts about this were settled.
    ConflictClosed {
        /// The kind.
        kind: Kind,
        /// The record; `None`: whichever record.
        key: Option<String>,
        /// About what.
        about: About,
        /// What it is now.
        outcome: truthsource_core::Value,
        /// By whom.
        reason: String,
    },
    /// An accuracy figure: the newest [`FIGURES_KEPT`] of a kind at a connection are kept.
    Accuracy(Accuracy),
    /// A record that a sweep found to differ: kept for as long as the sweep's figure.
    Drift(Box<Drift>),
    /// Adds a connection. Its number comes back in [`Committed::connections`]. [`Error::Conflict`] if the name is taken.
    NewConnection {
        /// Its name.
        name: String,
        /// What was asked for.
        spec: ConnectionSpec,
    },
    /// How a connection takes part is this. [`Error::Conflict`] if it has changed since it was read, whatever of it, or if
    /// there is none; the same goes for [`Change::ConnectionState`].
    ConnectionSpec {
        /// Its number.
        id: ConnectionId,
        /// The [`Connection::revision`] that was read.
        read: u64,
        /// What was asked for.
        spec: ConnectionSpec,
    },
    /// Whether a connection works is this.
    ConnectionState {
        /// Its number.
        id: ConnectionId,
        /// The [`Connection::revision`] that was read.
        read: u64,
        /// Whether it works.
        state: ConnectionState,
        /// Why not.
        trouble: Option<String>,
    },
    /// A connection's sealed secrets: the store never sees them open.
    Credentials {
        /// The connection.
        id: ConnectionId,
        /// Which: `auth` or `webhook`.
        purpose: String,
        /// Sealed bytes; empty to forget them.
        sealed: Vec<u8>,
    },
    /// Nothing answers the slot's calls any more; a roll-back returns to what did.
    Vacate {
        /// The slot.
        slot: String,
    },
    /// A component was uploaded to a slot, which is made if there is none. Its number is the next one if it says 0;
    /// [`Error::Conflict`] if it is taken, or if the slot has a release of the same digest.
    Release(Release),
    /// What fills a slot. The release that was active is retired, this one becomes active. [`Error::Conflict`] if it is
    /// not a release of this slot.
    Activate {
        /// The slot.
        slot: String,
        /// The release.
        release: u64,
    },
    /// A recorded call. Only the newest hundred of a slot are kept.
    Call(CallRow),
    /// What a connection's component keeps under `key`; `None` to forget it.
    Kv {
        /// The connection.
        connection: ConnectionId,
        /// The key.
        key: String,
        /// The value.
        value: Option<Vec<u8>>,
    },
    /// A named setting of the tenant.
    Setting {
        /// Its name.
        name: String,
        /// Its value.
        value: serde_json::Value,
    },
}
