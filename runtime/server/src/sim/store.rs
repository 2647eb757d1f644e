//! A store under a node that may die at any commit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use truthsource_core::draw::Draw;
use truthsource_core::fold::Terms;
use truthsource_core::price::PriceRule;
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::{Kind, UnixMs};

use super::beside::Turnstile;
use super::plan::{CrashAt, Menu};
use super::shelf::Told;
use crate::store::control::{ControlStore as _, TenantId};
use crate::store::model::ModelStores;
use crate::store::{self, *};

/// What a run keeps its data in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// The store as it is meant, in memory.
    Model,
    /// SQLite files in a directory of the run's own.
    Sqlite,
}

/// A tenant's store.
pub struct Kept {
    /// Its tenant.
    pub id: TenantId,
    /// What it holds.
    pub store: Arc<dyn Inspect>,
}

/// An empty store for each of these tenants, in one place, and what must live as long as they do.
pub async fn open(keeping: Keeping, tenants: &[&str], now: UnixMs) -> anyhow::Result<(Vec<Kept>, Option<Files>)> {
    let mut kept = Vec::new();
    match keeping {
        Keeping::Model => {
            let stores = ModelStores::new();
            for name in tenants {
                let id = stores.add_tenant(name, now).await?.id;
                kept.push(Kept { id, store: Arc::new(stores.tenant_store(id)?) });
            }
            Ok((kept, None))
        }
        Keeping::Sqlite => {
            let dir = tempfile::tempdir()?;
            let stores = store::open(dir.path()).await?;
            for name in tenants {
                let id = stores.add_tenant(name, now).await?.id;
                kept.push(Kept { id, store: stores.tenant_store(id).await? });
            }
            Ok((kept, Some(Files { stores, _dir: dir })))
        }
    }
}

/// The files of a run, gone with it.
pub struct Files {
    stores: SqliteStores,
    _dir: tempfile::TempDir,
}

impl Files {
    /// Closes them.
    pub async fn close(self) {
        self.stores.close().await;
    }
}

/// The store that a node sees. Its reads are the kept store's; at a commit the node may die, before what it writes is
/// there or after.
pub struct MortalStore {
    kept: Arc<dyn Inspect>,
    draw: Draw,
    faults: Menu,
    /// Faults are on.
    chaos: AtomicBool,
    /// The node died, and nobody has noticed yet.
    died: AtomicBool,
    commits: AtomicU64,
    /// Those of them that are there.
    stored: AtomicU64,
    folded: Mutex<Option<Folded>>,
    told: Mutex<Vec<Told>>,
    /// Where one worker's turn lets in another's.
    pub turnstile: Turnstile,
}

/// A fold that was committed, and what it began with.
pub struct Folded {
    /// What it wrote.
    pub batch: Batch,
    /// What was known of the records before.
    pub before: BTreeMap<RecordKey, KeyState>,
    /// What it took in, as it was logged.
    pub lines: BTreeMap<u64, LoggedEntry>,
}

impl MortalStore {
    /// Over this store, dying as the plan of this seed has it.
    #[must_use]
    pub fn new(kept: Arc<dyn Inspect>, seed: u64, faults: Menu) -> Self {
        let (chaos, died, commits, stored, folded, told, turnstile) = Default::default();
        Self { kept, draw: Draw::new(seed), faults, chaos, died, commits, stored, folded, told, turnstile }
    }

    /// What is kept, for whoever may go on.
    async fn kept(&self) -> &dyn Inspect {
        self.turnstile.enter().await;
        self.kept.as_ref()
    }

    /// Faults begin or end.
    pub fn set_chaos(&self, on: bool) {
        self.chaos.store(on, Ordering::SeqCst);
    }

    /// Whether the node died since this was asked last.
    pub fn take_death(&self) -> bool {
        self.died.swap(false, Ordering::SeqCst)
    }

    /// How many commits were tried since faults could be on.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// How many commits are there.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::SeqCst)
    }

    /// The fold that was committed since this was asked last.
    pub fn take_folded(&self) -> Option<Folded> {
        self.folded().take()
    }

    /// What connections are to be told of stock levels, as it was written since this was asked last.
    pub fn take_told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a batch says that connections are to be told of stock levels.
    fn note_told(&self, told: Vec<Told>) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
    }

    fn folded(&self) -> MutexGuard<'_, Option<Folded>> {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the node dies at this commit, and if so whether what it writes is there.
    fn dies(&self, batch: &Batch) -> Option<bool> {
        let commit = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if !self.chaos.load(Ordering::SeqCst) {
            return None;
        }
        let at = |stored| self.faults.crash_at == Some(CrashAt { commit, stored });
        if self.draw.chance(self.faults.crash_before, "crash-before", commit) || at(false) {
            return Some(false);
        }
        if self.draw.chance(self.faults.crash_after, "crash-after", commit) || at(true) {
            return Some(true);
        }
        let reads = batch.changes.iter().any(|it| matches!(it, Change::Cursor { .. }));
        let dies = reads && self.draw.chance(self.faults.crash_at_cursors, "crash-at-cursors", commit);
        dies.then(|| self.draw.chance(500, "it is there", commit))
    }

    /// What a fold begins with; `None` of a batch that is none.
    async fn before(&self, batch: &Batch) -> Result<Option<Folded>> {
        let folded = |it: &Change| match it {
            Change::Folded { seq, key, .. } => Some((*seq, key.clone())),
            _ => None,
        };
        let entries: BTreeMap<u64, String> = batch.changes.iter().filter_map(folded).collect();
        if entries.is_empty() {
            return Ok(None);
        }
        let lines = self.kept.entries(&entries.keys().copied().collect()).await?;
        let key = |(seq, line): (&u64, &LoggedEntry)| Some(RecordKey::new(line.kind, entries.get(seq)?));
        let before = self.kept.states(&lines.iter().filter_map(key).collect()).await?;
        Ok(Some(Folded { batch: batch.clone(), before, lines }))
    }
}

/// What a change says that a connection is to be told of a stock level.
fn told_by(change: &Change) -> Option<Told> {
    match change {
        Change::Shadow { key, connection, shadow } if key.kind == Kind::StockLevel => {
            Some((key.clone(), *connection, shadow.want.get("on_hand")?.as_number()?))
        }
        _ => None,
    }
}

#[async_trait]
impl TenantStore for MortalStore {
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.turnstile.enter().await;
        let fate = self.dies(&batch);
        self.died.fetch_or(fate.is_some(), Ordering::SeqCst);
        let died = || Error::Unknown(anyhow::anyhow!("the node died"));
        if fate == Some(false) {
            return Err(died());
        }
        let folded = self.before(&batch).await?;
        let told = batch.changes.iter().filter_map(told_by).collect();
        let committed = self.kept.commit(batch).await?;
        self.stored.fetch_add(1, Ordering::SeqCst);
        if fate.is_some() {
            return Err(died());
        }
        if folded.is_some() {
            *self.folded() = folded;
        }
        self.note_told(told);
        Ok(committed)
    }

    async fn lease(&self, lane: &str, holder: &str, now: UnixMs, ttl_ms: u64) -> Result<Option<u64>> {
        self.kept().await.lease(lane, holder, now, ttl_ms).await
    }

    async fn renew(&self, lane: &str, fence: u64, now: UnixMs, ttl_ms: u64) -> Result<bool> {
        self.kept().await.renew(lane, fence, now, ttl_ms).await
    }

    async fn connections(&self) -> Result<Vec<Connection>> {
        self.kept().await.connections().await
    }

    async fn credentials(&self, connection: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>> {
        self.kept().await.credentials(connection, purpose).await
    }

    async fn inbox(&self, n_max: u32) -> Result<Vec<InboxRow>> {
        self.kept().await.inbox(n_max).await
    }

    async fn touched(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Touched>> {
        self.kept().await.touched(connection, now, n_max).await
    }

    async fn cursors(&self, connection: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>> {
        self.kept().await.cursors(connection).await
    }

    async fn asks(&self, connection: ConnectionId) -> Result<Asks> {
        self.kept().await.asks(connection).await
    }

    async fn unfolded(&self, n_max: u32) -> Result<Vec<LoggedEntry>> {
        self.kept().await.unfolded(n_max).await
    }

    async fn unidentified(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        self.kept().await.unidentified(connection, kind).await
    }

    async fn unread(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        self.kept().await.unread(connection, kind).await
    }

    async fn waiting(&self, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>> {
        self.kept().await.waiting(token, after, n_max).await
    }

    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
        self.kept().await.states(keys).await
    }

    async fn commitments(&self, items: &BTreeSet<String>, since_day: Option<u32>) -> Result<Commitments> {
        self.kept().await.commitments(items, since_day).await
    }

    async fn levels_of(&self, items: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        self.kept().await.levels_of(items).await
    }

    async fn price_rules(
        &self,
        company: Option<&str>,
        items: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PriceRule>> {
        self.kept().await.price_rules(company, items).await
    }

    async fn all_price_rules(&self, after: Option<&str>, n_max: u32) -> Result<BTreeMap<String, PriceRule>> {
        self.kept().await.all_price_rules(after, n_max).await
    }

    async fn links_from(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.kept().await.links_from(connection, kind, remote_ids).await
    }

    async fn links_to(
        &self,
        connection: ConnectionId,
        kind: Kind,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.kept().await.links_to(connection, kind, keys).await
    }

    async fn commands(
        &self,
        connection: ConnectionId,
        command_keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.kept().await.commands(connection, command_keys).await
    }

    async fn naturals(&self, kind: Kind, naturals: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>> {
        self.kept().await.naturals(kind, naturals).await
    }

    async fn heard(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Heard>> {
        self.kept().await.heard(connection, kind, remote_ids).await
    }

    async fn unswept(&self, connection: ConnectionId, kind: Kind, sweep: u64) -> Result<Vec<String>> {
        self.kept().await.unswept(connection, kind, sweep).await
    }

    async fn linked(&self, connection: ConnectionId, kind: Kind) -> Result<u64> {
        self.kept().await.linked(connection, kind).await
    }

    async fn vanished(&self, connection: ConnectionId, kind: Kind, since: UnixMs) -> Result<u64> {
        self.kept().await.vanished(connection, kind, since).await
    }

    async fn due_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        self.kept().await.due_debts(connection, now, n_max).await
    }

    async fn untold(&self, now: UnixMs, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        self.kept().await.untold(now, n_max).await
    }

    async fn debts_of(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<Debt>> {
        self.kept().await.debts_of(keys).await
    }

    async fn debts(
        &self,
        state: DebtState,
        after: Option<&(ConnectionId, RecordKey)>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        self.kept().await.debts(state, after, n_max).await
    }

    async fn uncreated(
        &self,
        connection: ConnectionId,
        kind: Kind,
        after: Option<&str>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        self.kept().await.uncreated(connection, kind, after, n_max).await
    }

    async fn owed(&self, connection: ConnectionId, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<Debt>> {
        self.kept().await.owed(connection, kind, after, n_max).await
    }

    async fn owing(&self) -> Result<Vec<Owing>> {
        self.kept().await.owing().await
    }

    async fn begun_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        self.kept().await.begun_debts(connection, now, n_max).await
    }

    async fn planned_due(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<PlannedDue>> {
        self.kept().await.planned_due(connection, now, n_max).await
    }

    async fn planned(&self, plan: &str, after: Option<&(ConnectionId, RecordKey)>, n_max: u32) -> Result<Vec<Planned>> {
        self.kept().await.planned(plan, after, n_max).await
    }

    async fn plan_counts(&self, plan: &str) -> Result<BTreeMap<String, u64>> {
        self.kept().await.plan_counts(plan).await
    }

    async fn release(&self, holder: &str) -> Result<u64> {
        self.kept().await.release(holder).await
    }

    async fn set_aside(&self) -> Result<Vec<Damaged>> {
        self.kept().await.set_aside().await
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.kept().await.backlog().await
    }

    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
        self.kept().await.records(kind, after, n_max).await
    }

    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
        self.kept().await.timeline(key, after, n_max).await
    }

    async fn timeline_back(&self, key: &RecordKey, before: Option<u64>, n_max: u32) -> Result<Vec<Event>> {
        self.kept().await.timeline_back(key, before, n_max).await
    }

    async fn conflicts(&self, open: Option<bool>, before: Option<u64>, n_max: u32) -> Result<Vec<Conflict>> {
        self.kept().await.conflicts(open, before, n_max).await
    }

    async fn accuracy(&self) -> Result<Vec<Accuracy>> {
        self.kept().await.accuracy().await
    }

    async fn figures(
        &self,
        connection: &str,
        kind: Option<Kind>,
        before: Option<u64>,
        n_max: u32,
    ) -> Result<Vec<Accuracy>> {
        self.kept().await.figures(connection, kind, before, n_max).await
    }

    async fn drift(&self, sweep: (&str, Kind, u64), after: u64, n_max: u32) -> Result<Vec<Drift>> {
        self.kept().await.drift(sweep, after, n_max).await
    }

    async fn slots(&self) -> Result<Vec<Slot>> {
        self.kept().await.slots().await
    }

    async fn releases(&self, slot: &str) -> Result<Vec<Release>> {
        self.kept().await.releases(slot).await
    }

    async fn calls(&self, slot: &str, n_max: u32) -> Result<Vec<CallRow>> {
        self.kept().await.calls(slot, n_max).await
    }

    async fn kv_get(&self, connection: ConnectionId, key: &str) -> Result<Option<Vec<u8>>> {
        self.kept().await.kv_get(connection, key).await
    }

    async fn kv_count(&self, connection: ConnectionId) -> Result<u64> {
        self.kept().await.kv_count(connection).await
    }

    async fn setting(&self, name: &str) -> Result<Option<serde_json::Value>> {
        self.kept().await.setting(name).await
    }
}

#[async_trait]
impl Ledger for MortalStore {
    async fn accounts(&self, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
        self.kept().await.accounts(after, n_max).await
    }

    async fn ruled(&self, within: Range<UnixMs>, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
        self.kept().await.ruled(within, after, n_max).await
    }

    async fn rulings(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>> {
        self.kept().await.rulings(keys).await
    }

    async fn entries(&self, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>> {
        self.kept().await.entries(seqs).await
    }

    async fn terms(&self, digest: &str) -> Result<Option<Terms>> {
        self.kept().await.terms(digest).await
    }

    async fn outdated(&self, bases: &BTreeMap<Kind, String>, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        self.kept().await.outdated(bases, n_max).await
    }

    async fn count_outdated(&self, bases: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>> {
        self.kept().await.count_outdated(bases).await
    }

    async fn bases(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>> {
        self.kept().await.bases(keys).await
    }

    async fn stored(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
        self.kept().await.stored(keys).await
    }
}

#[async_trait]
impl Inspect for MortalStore {
    async fn state_hash(&self) -> Result<String> {
        self.kept.state_hash().await
    }

    async fn damage(&self, row: &Row) -> Result<()> {
        self.kept.damage(row).await
    }

    async fn sizes(&self) -> Result<BTreeMap<String, u64>> {
        self.kept.sizes().await
    }
}
