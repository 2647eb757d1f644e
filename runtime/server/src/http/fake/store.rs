//! A tenant's store as plain memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use truthsource_core::price::PriceRule;
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::{Kind, UnixMs};

use crate::store::*;

/// A tenant's data in memory: as much of it as the doors read.
#[derive(Default)]
pub struct Store {
    pub connections: Mutex<Vec<Connection>>,
    pub credentials: Mutex<BTreeMap<(u32, String), Vec<u8>>>,
    pub inbox: Mutex<Vec<InboxRow>>,
    pub states: Mutex<BTreeMap<RecordKey, KeyState>>,
    pub events: Mutex<Vec<Event>>,
    pub conflicts: Mutex<Vec<Conflict>>,
    pub debts: Mutex<Vec<Debt>>,
    pub settings: Mutex<BTreeMap<String, serde_json::Value>>,
    pub appended: Mutex<Vec<Change>>,
    /// Commits, and readings of records, fail while this is set.
    pub broken: AtomicBool,
}

impl Store {
    fn works(&self) -> Result<()> {
        let is_broken = self.broken.load(Ordering::SeqCst);
        if is_broken { Err(Error::Unavailable(anyhow::anyhow!("disk /var/secret is full"))) } else { Ok(()) }
    }

    fn change(&self, id: ConnectionId, read: u64, change: impl FnOnce(&mut Connection)) -> Result<()> {
        let mut all = self.connections.lock().unwrap();
        let found = all.iter_mut().find(|it| it.id == id && it.revision == read);
        let found = found.ok_or_else(|| Error::Conflict("changed".into()))?;
        found.revision += 1;
        change(found);
        Ok(())
    }

    fn apply(&self, change: Change, at: UnixMs, out: &mut Committed) -> Result<()> {
        match change {
            Change::Inbox { connection, event_id, topic, headers, body } => {
                let mut inbox = self.inbox.lock().unwrap();
                let fresh = !inbox.iter().any(|it| it.connection == connection && it.event_id == event_id);
                out.fresh.push(fresh);
                if fresh {
                    let id = inbox.len() as u64 + 1;
                    inbox.push(InboxRow { id, connection, event_id, topic, headers, body, received_at: at });
                }
            }
            Change::NewConnection { name, spec } => {
                let mut all = self.connections.lock().unwrap();
                if all.iter().any(|it| it.name == name) {
                    return Err(Error::Conflict("taken".into()));
                }
                let id = ConnectionId(u32::try_from(all.len()).unwrap() + 1);
                out.connections.push(id);
                let (state, trouble, revision) = (ConnectionState::New, None, 0);
                all.push(Connection { id, name, spec, state, trouble, created_at: at, revision });
            }
            Change::ConnectionSpec { id, read, spec } => self.change(id, read, |it| it.spec = spec)?,
            Change::ConnectionState { id, read, state, trouble } => {
                self.change(id, read, |it| (it.state, it.trouble) = (state, trouble))?;
            }
            Change::Credentials { id, purpose, sealed } => {
                self.credentials.lock().unwrap().insert((id.0, purpose), sealed);
            }
            Change::Setting { name, value } => drop(self.settings.lock().unwrap().insert(name, value)),
            Change::Redrive { connection, key } => {
                let mut debts = self.debts.lock().unwrap();
                for debt in debts.iter_mut().filter(|it| it.state == DebtState::Parked) {
                    if connection.is_none_or(|it| it == debt.connection)
                        && key.as_ref().is_none_or(|it| *it == debt.key)
                    {
                        debt.state = DebtState::Due;
                    }
                }
            }
            Change::Conflict(conflict) => {
                let mut all = self.conflicts.lock().unwrap();
                let id = all.len() as u64 + 1;
                all.push(Conflict { id, ..conflict });
            }
            Change::ConflictClosed { kind, key, about, outcome, reason } => {
                let mut all = self.conflicts.lock().unwrap();
                let is_it = |it: &RecordKey| it.kind == kind && key.as_ref().is_none_or(|key| *key == it.key);
                let open = all.iter_mut().filter(|it| it.outcome.is_none());
                for it in open.filter(|it| is_it(&it.key) && it.about == about) {
                    (it.outcome, it.reason) = (Some(outcome.clone()), reason.clone());
                }
            }
            other => self.appended.lock().unwrap().push(other),
        }
        Ok(())
    }
}

#[async_trait]
impl Ledger for Store {
    async fn accounts(&self, _: Option<&RecordKey>, _: u32) -> Result<Vec<RecordKey>> {
        Ok(Vec::new())
    }
    async fn ruled(&self, _: std::ops::Range<UnixMs>, _: Option<&RecordKey>, _: u32) -> Result<Vec<RecordKey>> {
        Ok(Vec::new())
    }
    async fn rulings(&self, _: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>> {
        Ok(Vec::new())
    }
    async fn entries(&self, _: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>> {
        Ok(BTreeMap::new())
    }
    async fn terms(&self, _: &str) -> Result<Option<truthsource_core::fold::Terms>> {
        Ok(None)
    }
    async fn outdated(&self, _: &BTreeMap<Kind, String>, _: u32) -> Result<BTreeSet<RecordKey>> {
        Ok(BTreeSet::new())
    }
    async fn count_outdated(&self, _: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>> {
        Ok(BTreeMap::new())
    }
    async fn bases(&self, _: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>> {
        Ok(BTreeMap::new())
    }
    async fn stored(&self, _: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
        Ok(BTreeMap::new())
    }
}

#[async_trait]
impl TenantStore for Store {
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.works()?;
        let mut out = Committed::default();
        for change in batch.changes {
            self.apply(change, batch.at, &mut out)?;
        }
        Ok(out)
    }
    async fn lease(&self, _: &str, _: &str, _: UnixMs, _: u64) -> Result<Option<u64>> {
        unreachable!("the doors take no lease")
    }
    async fn renew(&self, _: &str, _: u64, _: UnixMs, _: u64) -> Result<bool> {
        unreachable!("the doors take no lease")
    }
    async fn connections(&self) -> Result<Vec<Connection>> {
        Ok(self.connections.lock().unwrap().clone())
    }
    async fn credentials(&self, connection: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.credentials.lock().unwrap().get(&(connection.0, purpose.to_owned())).cloned())
    }
    async fn inbox(&self, _: u32) -> Result<Vec<InboxRow>> {
        Ok(self.inbox.lock().unwrap().clone())
    }
    async fn touched(&self, _: ConnectionId, _: UnixMs, _: u32) -> Result<Vec<Touched>> {
        Ok(Vec::new())
    }
    async fn asks(&self, _: ConnectionId) -> Result<Asks> {
        Ok(Asks::new())
    }
    async fn cursors(&self, _: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>> {
        Ok(BTreeMap::new())
    }
    async fn unfolded(&self, _: u32) -> Result<Vec<LoggedEntry>> {
        Ok(Vec::new())
    }
    async fn waiting(&self, _: &str, _: u64, _: u32) -> Result<Vec<LoggedEntry>> {
        Ok(Vec::new())
    }
    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
        let states = self.states.lock().unwrap();
        Ok(keys.iter().map(|it| (it.clone(), states.get(it).cloned().unwrap_or_default())).collect())
    }
    async fn commitments(&self, _: &BTreeSet<String>, _: Option<u32>) -> Result<Commitments> {
        Ok(Commitments::new())
    }
    async fn levels_of(&self, _: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }
    async fn price_rules(&self, _: Option<&str>, _: &BTreeSet<String>) -> Result<BTreeMap<String, PriceRule>> {
        Ok(BTreeMap::new())
    }
    async fn all_price_rules(&self, _: Option<&str>, _: u32) -> Result<BTreeMap<String, PriceRule>> {
        Ok(BTreeMap::new())
    }
    async fn links_from(&self, _: ConnectionId, _: Kind, _: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
    async fn links_to(&self, _: ConnectionId, _: Kind, _: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
    async fn unread(&self, _: ConnectionId, _: Kind) -> Result<bool> {
        Ok(false)
    }
    async fn unidentified(&self, _: ConnectionId, _: Kind) -> Result<bool> {
        Ok(false)
    }
    async fn commands(&self, _: ConnectionId, _: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
    async fn kv_count(&self, _: ConnectionId) -> Result<u64> {
        Ok(0)
    }
    async fn naturals(&self, _: Kind, _: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>> {
        Ok(BTreeMap::new())
    }
    async fn heard(&self, _: ConnectionId, _: Kind, _: &BTreeSet<String>) -> Result<BTreeMap<String, Heard>> {
        Ok(BTreeMap::new())
    }
    async fn unswept(&self, _: ConnectionId, _: Kind, _: u64) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    async fn linked(&self, _: ConnectionId, _: Kind) -> Result<u64> {
        Ok(0)
    }
    async fn vanished(&self, _: ConnectionId, _: Kind, _: UnixMs) -> Result<u64> {
        Ok(0)
    }
    async fn uncreated(&self, _: ConnectionId, _: Kind, _: Option<&str>, _: u32) -> Result<Vec<Debt>> {
        Ok(Vec::new())
    }
    async fn due_debts(&self, _: ConnectionId, _: UnixMs, _: u32) -> Result<Vec<Debt>> {
        Ok(Vec::new())
    }
    async fn untold(&self, _: UnixMs, _: u32) -> Result<BTreeSet<RecordKey>> {
        Ok(BTreeSet::new())
    }
    async fn debts_of(&self, _: &BTreeSet<RecordKey>) -> Result<Vec<Debt>> {
        Ok(Vec::new())
    }
    async fn debts(
        &self,
        state: DebtState,
        after: Option<&(ConnectionId, RecordKey)>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        let debts = self.debts.lock().unwrap();
        let after = |it: &&Debt| after.is_none_or(|after| (it.connection, &it.key) > (after.0, &after.1));
        Ok(debts.iter().filter(|it| it.state == state).filter(after).take(n_max as usize).cloned().collect())
    }
    async fn owed(&self, of: ConnectionId, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<Debt>> {
        let debts = self.debts.lock().unwrap();
        let here = debts.iter().filter(|it| it.connection == of && it.key.kind == kind);
        let later = here.filter(|it| after.is_none_or(|after| it.key.key.as_str() > after));
        Ok(later.take(n_max as usize).cloned().collect())
    }
    async fn owing(&self) -> Result<Vec<Owing>> {
        let mut all = Vec::<Owing>::new();
        for debt in self.debts.lock().unwrap().iter() {
            let (connection, kind) = (debt.connection, debt.key.kind);
            if !all.iter().any(|it| (it.connection, it.kind) == (connection, kind)) {
                all.push(Owing { connection, kind, open: 0, begun: 0, undecided: 0, parked: 0 });
            }
            let owing = all.iter_mut().find(|it| (it.connection, it.kind) == (connection, kind)).unwrap();
            *(if debt.state == DebtState::Parked { &mut owing.parked } else { &mut owing.open }) += 1;
        }
        Ok(all)
    }
    async fn begun_debts(&self, _: ConnectionId, _: UnixMs, _: u32) -> Result<Vec<Debt>> {
        Ok(Vec::new())
    }
    async fn planned_due(&self, _: ConnectionId, _: UnixMs, _: u32) -> Result<Vec<PlannedDue>> {
        Ok(Vec::new())
    }
    async fn planned(&self, plan: &str, after: Option<&(ConnectionId, RecordKey)>, n_max: u32) -> Result<Vec<Planned>> {
        let appended = self.appended.lock().unwrap();
        let planned = appended.iter().filter_map(|it| if let Change::Plan(it) = it { Some(it) } else { None });
        let later = |it: &&Planned| after.is_none_or(|after| (it.connection, &it.key) > (after.0, &after.1));
        Ok(planned.filter(|it| it.plan == plan).filter(later).take(n_max as usize).cloned().collect())
    }
    async fn plan_counts(&self, plan: &str) -> Result<BTreeMap<String, u64>> {
        let planned = self.planned(plan, None, u32::MAX).await?;
        let open = planned.iter().filter(|it| it.outcome.is_none()).count() as u64;
        Ok(if open == 0 { BTreeMap::new() } else { [(String::new(), open)].into() })
    }
    async fn release(&self, _: &str) -> Result<u64> {
        Ok(0)
    }
    async fn set_aside(&self) -> Result<Vec<Damaged>> {
        Ok(Vec::new())
    }
    async fn backlog(&self) -> Result<Backlog> {
        let debts = self.debts.lock().unwrap();
        let count = |state| debts.iter().filter(|it| it.state == state).count() as u64;
        let oldest_debt = debts.iter().filter(|it| it.state != DebtState::Parked).map(|it| it.since).min();
        let (parked, debts) = (count(DebtState::Parked), count(DebtState::Due));
        Ok(Backlog { parked, debts, oldest_debt, ..Backlog::default() })
    }
    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
        self.works()?;
        let states = self.states.lock().unwrap();
        let keys = states.keys().filter(|it| it.kind == kind).map(|it| it.key.clone());
        Ok(keys.filter(|it| after.is_none_or(|after| it.as_str() > after)).take(n_max as usize).collect())
    }
    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
        let events = self.events.lock().unwrap();
        Ok(events.iter().filter(|it| it.key == *key && it.id > after).take(n_max as usize).cloned().collect())
    }
    async fn timeline_back(&self, key: &RecordKey, before: Option<u64>, n_max: u32) -> Result<Vec<Event>> {
        let events = self.events.lock().unwrap();
        let fits = |it: &&Event| it.key == *key && before.is_none_or(|before| it.id < before);
        Ok(events.iter().rev().filter(fits).take(n_max as usize).cloned().collect())
    }
    async fn conflicts(&self, open: Option<bool>, before: Option<u64>, n_max: u32) -> Result<Vec<Conflict>> {
        let all = self.conflicts.lock().unwrap();
        let newest = all.iter().rev().filter(|it| before.is_none_or(|before| it.id < before));
        let fits = newest.filter(|it| open.is_none_or(|open| open == it.outcome.is_none()));
        Ok(fits.take(n_max as usize).cloned().collect())
    }
    async fn accuracy(&self) -> Result<Vec<Accuracy>> {
        Ok(Vec::new())
    }
    async fn figures(&self, _: &str, _: Option<Kind>, _: Option<u64>, _: u32) -> Result<Vec<Accuracy>> {
        Ok(Vec::new())
    }
    async fn drift(&self, _: (&str, Kind, u64), _: u64, _: u32) -> Result<Vec<Drift>> {
        Ok(Vec::new())
    }
    async fn slots(&self) -> Result<Vec<Slot>> {
        Ok(vec![Slot { name: "conflict:stock-level".into(), active: Some(1), previous: None }])
    }
    async fn releases(&self, _: &str) -> Result<Vec<Release>> {
        Ok(Vec::new())
    }
    async fn calls(&self, slot: &str, n_max: u32) -> Result<Vec<CallRow>> {
        let appended = self.appended.lock().unwrap();
        let calls = appended.iter().rev().filter_map(|it| if let Change::Call(call) = it { Some(call) } else { None });
        Ok(calls.filter(|it| it.slot == slot).take(n_max as usize).cloned().collect())
    }
    async fn kv_get(&self, _: ConnectionId, _: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    async fn setting(&self, name: &str) -> Result<Option<serde_json::Value>> {
        Ok(self.settings.lock().unwrap().get(name).cloned())
    }
}
