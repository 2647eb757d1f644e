//! What one tenant's store holds.

use truthsource_core::record::{Shadow, Truth};

use super::*;
use crate::store::digest::gone_digest;

/// A kind by its name, and a key or a remote id: in the order of the database.
pub(super) type Name = (&'static str, String);
/// The same at a connection.
pub(super) type At = (ConnectionId, &'static str, String);

pub(super) fn name(key: &RecordKey) -> Name {
    (key.kind.as_str(), key.key.clone())
}

pub(super) fn place(connection: ConnectionId, kind: Kind, id: &str) -> At {
    (connection, kind.as_str(), id.to_owned())
}

pub(super) fn owed_to(connection: ConnectionId, key: &RecordKey) -> At {
    place(connection, key.kind, &key.key)
}

#[derive(Default)]
pub(super) struct Data {
    pub connections: BTreeMap<ConnectionId, Connection>,
    pub credentials: BTreeMap<(ConnectionId, String), Vec<u8>>,
    pub inbox: BTreeMap<u64, Webhook>,
    pub inbox_ids: BTreeMap<(ConnectionId, String), u64>,
    pub inbox_last: u64,
    pub touched: BTreeMap<At, Touch>,
    pub touch_last: u64,
    pub cursors: BTreeMap<(ConnectionId, Kind), CursorRow>,
    pub asks: BTreeMap<(ConnectionId, Kind, Work), UnixMs>,
    pub log: BTreeMap<u64, LoggedEntry>,
    pub unfolded: BTreeSet<u64>,
    /// What waits, and for which token.
    pub waiting: BTreeMap<u64, String>,
    pub rulings: Vec<LoggedRuling>,
    pub terms: BTreeMap<String, truthsource_core::fold::Terms>,
    pub truths: BTreeMap<Name, Known>,
    pub shadows: BTreeMap<(Name, ConnectionId), Shadow>,
    /// What orders want, by item and order.
    pub commitments: Commitments,
    pub price_rules: BTreeMap<String, PriceRule>,
    pub links: BTreeMap<At, Link>,
    /// The remote id of each linked key.
    pub linked: BTreeMap<At, String>,
    /// The key whose creation was begun under a command key.
    pub commands: BTreeMap<(ConnectionId, String), String>,
    pub debts: BTreeMap<At, Owed>,
    /// Writes of plans, by plan and place.
    pub planned: BTreeMap<(String, At), Planned>,
    pub events: Vec<Event>,
    pub conflicts: Vec<Conflict>,
    pub accuracy: BTreeMap<(String, &'static str, u64), Accuracy>,
    pub drift: BTreeMap<(String, &'static str, u64, u64), Drift>,
    pub slots: BTreeMap<String, Slot>,
    pub releases: BTreeMap<u64, Release>,
    pub calls: BTreeMap<String, Vec<CallRow>>,
    pub call_last: u64,
    pub kv: BTreeMap<(ConnectionId, String), Vec<u8>>,
    pub settings: BTreeMap<String, serde_json::Value>,
    pub lanes: BTreeMap<String, Lane>,
    /// Rows that cannot be read, in the way of whoever reads them.
    pub broken: BTreeSet<Row>,
    /// Rows that were set aside, in order.
    pub aside: Vec<Damaged>,
}

/// A truth, its natural key, and what it was decided under.
pub(super) struct Known {
    pub truth: Truth,
    pub natural: Option<String>,
    pub basis: String,
}

/// A webhook that was taken.
pub(super) struct Webhook {
    pub row: InboxRow,
    /// It was understood: only its id counts.
    pub done: bool,
}

/// A record to be read.
pub(super) struct Touch {
    pub row: Touched,
    pub due_at: UnixMs,
}

/// A remote id that is linked.
pub(super) struct Link {
    pub key: String,
    pub swept: u64,
    pub as_of: u64,
    pub digest: Option<String>,
}

impl Link {
    /// What was folded last about it says that it is gone.
    pub fn is_gone(&self) -> bool {
        self.digest == Some(gone_digest())
    }
}

/// A debt, and what it waits for.
pub(super) struct Owed {
    pub debt: Debt,
    pub token: Option<String>,
}

/// A leased lane.
pub(super) struct Lane {
    pub holder: String,
    pub until: UnixMs,
    pub fence: u64,
}

impl Data {
    /// Writes the batch or nothing.
    pub fn commit(&mut self, batch: Batch) -> Result<Committed> {
        self.check(&batch)?;
        let mut done = Committed::default();
        let mut holdings = log::Holdings::new();
        for change in batch.changes {
            self.apply(batch.at, change, &mut done, &mut holdings);
        }
        self.keep_digests(holdings);
        Ok(done)
    }

    pub fn lease(&mut self, lane: &str, holder: &str, now: UnixMs, until: UnixMs) -> Option<u64> {
        let fresh = || Lane { holder: String::new(), until: UnixMs(0), fence: 0 };
        let lane = self.lanes.entry(lane.to_owned()).or_insert_with(fresh);
        if lane.holder != holder && lane.fence != 0 && lane.until > now {
            return None;
        }
        lane.fence += 1;
        (lane.holder, lane.until) = (holder.to_owned(), until);
        Some(lane.fence)
    }

    pub fn release(&mut self, holder: &str) -> u64 {
        let held = self.lanes.values_mut().filter(|it| it.holder == holder && it.until > UnixMs(0));
        held.map(|it| it.until = UnixMs(0)).count() as u64
    }

    pub fn renew(&mut self, lane: &str, fence: u64, until: UnixMs) -> bool {
        let held = self.lanes.get_mut(lane).filter(|it| it.fence == fence);
        held.map(|it| it.until = until).is_some()
    }
}
