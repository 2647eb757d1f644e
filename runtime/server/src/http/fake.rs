//! The seams as plain memory, for tests of the doors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use truthsource_core::budget::{Budget, Limit};
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::{Kind, UnixMs};
use truthsource_host::EngineKind;
use truthsource_host::host::Load;
use truthsource_host::model::{Basket, Finding, Handshake, Priced, Proof, Spelling, WebhookScheme};

use crate::app::{App, Engines, Failing, Plugins, Quote, Receipt, Refusal, TenantHandle, Tenants, Vault};
use crate::certificate::Certificate;
use crate::engine::forecast::Account;
use crate::engine::ports::{self, Clock};
use crate::store::control::{ApiKey, ControlStore, Remembered, Tenant, TenantId};
use crate::store::*;

/// A clock that is set by hand.
pub struct Hand(pub AtomicU64);

impl Clock for Hand {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

impl Hand {
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// A request's fingerprint, and its answer once there is one.
type Asked = ([u8; 32], Option<(u16, Vec<u8>)>);

/// Control data in memory.
#[derive(Default)]
pub struct Control {
    pub tenants: Mutex<Vec<Tenant>>,
    pub keys: Mutex<BTreeMap<String, ApiKey>>,
    pub answers: Mutex<BTreeMap<(String, String), Asked>>,
    pub key_reads: AtomicU64,
}

#[async_trait]
impl ControlStore for Control {
    async fn add_tenant(&self, name: &str, at: UnixMs) -> Result<Tenant> {
        let mut tenants = self.tenants.lock().unwrap();
        if tenants.iter().any(|it| it.name == name) {
            return Err(Error::Conflict("taken".into()));
        }
        let id = TenantId(u32::try_from(tenants.len()).unwrap() + 1);
        tenants.push(Tenant { id, name: name.into(), created_at: at, shard: 0 });
        Ok(tenants.last().unwrap().clone())
    }
    async fn tenants(&self) -> Result<Vec<Tenant>> {
        Ok(self.tenants.lock().unwrap().clone())
    }
    async fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        Ok(self.tenants.lock().unwrap().iter().find(|it| it.name == name).cloned())
    }
    async fn add_key(&self, key: ApiKey) -> Result<()> {
        self.keys.lock().unwrap().insert(key.id.clone(), key);
        Ok(())
    }
    async fn key(&self, id: &str) -> Result<Option<ApiKey>> {
        self.key_reads.fetch_add(1, Ordering::SeqCst);
        Ok(self.keys.lock().unwrap().get(id).cloned())
    }
    async fn keys(&self, tenant: Option<TenantId>) -> Result<Vec<ApiKey>> {
        Ok(self.keys.lock().unwrap().values().filter(|it| it.tenant == tenant).cloned().collect())
    }
    async fn revoke_key(&self, tenant: Option<TenantId>, id: &str, at: UnixMs) -> Result<bool> {
        let mut keys = self.keys.lock().unwrap();
        let found = keys.get_mut(id).filter(|it| it.tenant == tenant);
        Ok(found.map(|it| it.revoked_at = Some(at)).is_some())
    }
    async fn keys_used(&self, used: &BTreeMap<String, UnixMs>) -> Result<()> {
        let mut keys = self.keys.lock().unwrap();
        for (id, at) in used {
            keys.get_mut(id).unwrap().last_used_at = Some(*at);
        }
        Ok(())
    }
    async fn remember(&self, scope: &str, key: &str, request: [u8; 32], _: UnixMs) -> Result<Remembered> {
        let mut answers = self.answers.lock().unwrap();
        let place = (scope.to_owned(), key.to_owned());
        Ok(match answers.get(&place) {
            None => {
                answers.insert(place, (request, None));
                Remembered::New
            }
            Some((known, _)) if *known != request => Remembered::Mismatch,
            Some((_, None)) => Remembered::InFlight,
            Some((_, Some((status, body)))) => Remembered::Answer { status: *status, body: body.clone() },
        })
    }
    async fn answered(&self, scope: &str, key: &str, answer: Option<(u16, Vec<u8>)>) -> Result<()> {
        let mut answers = self.answers.lock().unwrap();
        let place = (scope.to_owned(), key.to_owned());
        match answer {
            None => drop(answers.remove(&place)),
            Some(answer) => answers.get_mut(&place).unwrap().1 = Some(answer),
        }
        Ok(())
    }
    async fn open(&self, _: TenantId) -> Result<Arc<dyn TenantStore>> {
        Ok(Arc::new(Store::default()))
    }
}

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
    /// Commits fail while this is set.
    pub broken: std::sync::atomic::AtomicBool,
}

impl Store {
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
    async fn stored(&self, _: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
        Ok(BTreeMap::new())
    }
}

#[async_trait]
impl TenantStore for Store {
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::Unavailable(anyhow::anyhow!("disk /var/secret is full")));
        }
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
    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
        let states = self.states.lock().unwrap();
        Ok(keys.iter().map(|it| (it.clone(), states.get(it).cloned().unwrap_or_default())).collect())
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
    async fn backlog(&self) -> Result<Backlog> {
        let debts = self.debts.lock().unwrap();
        let count = |state| debts.iter().filter(|it| it.state == state).count() as u64;
        let oldest_debt = debts.iter().filter(|it| it.state != DebtState::Parked).map(|it| it.since).min();
        let (parked, debts) = (count(DebtState::Parked), count(DebtState::Due));
        Ok(Backlog { parked, debts, oldest_debt, ..Backlog::default() })
    }
    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
        let states = self.states.lock().unwrap();
        let keys = states.keys().filter(|it| it.kind == kind).map(|it| it.key.clone());
        Ok(keys.filter(|it| after.is_none_or(|after| it.as_str() > after)).take(n_max as usize).collect())
    }
    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
        let events = self.events.lock().unwrap();
        Ok(events.iter().filter(|it| it.key == *key && it.id > after).take(n_max as usize).cloned().collect())
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

/// Components that accept anything.
pub struct Guests;

#[async_trait]
impl Plugins for Guests {
    fn guests_of(&self, _: &TenantHandle) -> Arc<dyn ports::Guests> {
        Arc::new(crate::engine::fake::Fake::default())
    }
    fn accounts(&self, _: &TenantHandle, connections: &[Connection]) -> Vec<Account> {
        let budget = Budget::new(Limit::PerSecond(2));
        let connections = connections.iter().map(|it| it.id).collect();
        vec![Account { connections, ..Account::of(&budget, 0) }]
    }
    fn failing(&self, _: &TenantHandle, _: &str) -> Option<Failing> {
        None
    }
    async fn upload(&self, _: &TenantHandle, slot: &str, component: Bytes) -> std::result::Result<Release, Refusal> {
        if component.starts_with(b"\x7fELF") {
            return Err(Refusal { code: "native-code".into(), message: "this is native code".into(), status: 422 });
        }
        if component.starts_with(b"busy") {
            return Err(Refusal { code: "busy".into(), message: "others are compiled first".into(), status: 503 });
        }
        let digest = crate::auth::digest::hex(&crate::auth::digest::sha256(&[&component]));
        let (plugin, state) = ("test 1.0.0".into(), "staged".into());
        Ok(Release { id: 1, slot: slot.into(), digest, plugin, state, created_at: UnixMs(0) })
    }
    async fn certify(
        &self,
        _: &TenantHandle,
        _: (&str, u64),
        certificate: &[u8],
    ) -> std::result::Result<Certificate, Refusal> {
        let malformed = |it: crate::certificate::Refused| Refusal {
            code: "no-certificate".into(),
            message: it.to_string(),
            status: 422,
        };
        Certificate::read(certificate, &"ab".repeat(32)).map_err(malformed)
    }
    async fn certificates(&self, _: &TenantHandle, _: &str) -> std::result::Result<Arc<Vec<Certificate>>, Refusal> {
        Ok(Arc::default())
    }
    async fn activate(&self, _: &TenantHandle, slot: &str, release: u64) -> std::result::Result<Slot, Refusal> {
        Ok(Slot { name: slot.into(), active: Some(release), previous: None })
    }
    async fn rollback(&self, _: &TenantHandle, slot: &str) -> std::result::Result<Slot, Refusal> {
        assert_ne!(slot, "panics", "asked to");
        Ok(Slot { name: slot.into(), active: None, previous: None })
    }
    async fn vacate(&self, _: &TenantHandle, slot: &str) -> std::result::Result<Slot, Refusal> {
        Ok(Slot { name: slot.into(), active: None, previous: Some(1) })
    }
    async fn price(&self, _: &TenantHandle, slot: &str, basket: Basket) -> std::result::Result<Quote, Refusal> {
        let priced = |it: &truthsource_host::model::Line| Priced { unit_price: it.list_price, reason: "list".into() };
        let receipt = Receipt { slot: slot.into(), release: 1, digest: "d".into(), input_sha256: "i".into(), fuel: 7 };
        Ok(Quote { lines: basket.lines.iter().map(priced).collect(), receipt })
    }
    async fn check(&self, of: &TenantHandle, connection: &Connection) -> std::result::Result<Vec<Finding>, Refusal> {
        if connection.name.contains("contested") {
            let (id, read, state) = (connection.id, connection.revision, ConnectionState::Paused);
            let pause = Change::ConnectionState { id, read, state, trouble: None };
            of.store.commit(Batch { changes: vec![pause], ..Batch::new(UnixMs(0)) }).await.unwrap();
        }
        let ok = !connection.name.contains("broken");
        Ok(vec![Finding { subject: "credentials".into(), ok, message: "looked".into() }])
    }
    async fn webhook_scheme(
        &self,
        _: &TenantHandle,
        connection: &Connection,
    ) -> std::result::Result<Option<WebhookScheme>, Refusal> {
        if connection.name == "asks" {
            return Ok(Some(WebhookScheme {
                proof: Proof::BodySecret(vec!["value".into(), "*".into(), "clientState".into()]),
                handshake: Handshake::EchoQuery("validationToken".into()),
                id_header: String::new(),
                topic_header: String::new(),
                timestamp_header: String::new(),
            }));
        }
        Ok(Some(WebhookScheme {
            proof: Proof::Signature { header: "x-shopify-hmac-sha256".into(), spelling: Spelling::Base64 },
            handshake: Handshake::None,
            id_header: "x-shopify-webhook-id".into(),
            topic_header: "x-shopify-topic".into(),
            timestamp_header: String::new(),
        }))
    }
    fn forget(&self, _: &TenantHandle, _: &Connection) {}
}

/// A vault that hides nothing, but opens only what was sealed for the same tenant and name.
pub struct Glass;

impl Vault for Glass {
    fn seal(&self, tenant: TenantId, bound: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok([format!("{}:{bound}:", tenant.0).as_bytes(), secret].concat())
    }
    fn open(&self, tenant: TenantId, bound: &str, sealed: &[u8]) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>> {
        let secret = sealed.strip_prefix(format!("{}:{bound}:", tenant.0).as_bytes());
        Ok(secret.ok_or_else(|| anyhow::anyhow!("sealed for another"))?.to_vec().into())
    }
}

/// Engines of which one was called three times.
pub struct Idle;

impl Engines for Idle {
    fn load_of(&self, engine: EngineKind) -> Load {
        let calls = if engine == EngineKind::Rules { [("ok", 2), ("out-of-fuel", 1)].into() } else { BTreeMap::new() };
        Load { free: 128, calls }
    }
}

/// A node of fakes.
pub struct World {
    pub clock: Arc<Hand>,
    pub control: Arc<Control>,
    pub app: App,
}

pub fn world() -> World {
    let clock = Arc::new(Hand(AtomicU64::new(1_767_225_600_000)));
    let control = Arc::new(Control::default());
    let app = App {
        clock: clock.clone(),
        control: control.clone(),
        tenants: Arc::new(Tenants::default()),
        plugins: Arc::new(Guests),
        vault: Arc::new(Glass),
        engines: Arc::new(Idle),
        roster: Arc::default(),
    };
    World { clock, control, app }
}
