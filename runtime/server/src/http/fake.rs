//! The seams as plain memory, for tests of the doors.

mod store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use truthsource_core::UnixMs;
use truthsource_core::budget::{Budget, Limit};
use truthsource_host::EngineKind;
use truthsource_host::host::Load;
use truthsource_host::model::{Basket, Finding, Handshake, Priced, Proof, Spelling, WebhookScheme};

use crate::app::{App, Engines, Failing, Plugins, Quote, Receipt, Refusal, Rivalry, TenantHandle, Tenants, Vault};
use crate::certificate::Certificate;
use crate::engine::forecast::Account;
use crate::engine::ports::{self, Clock};
use crate::store::control::{ApiKey, ControlStore, Remembered, Tenant, TenantId};
use crate::store::*;
pub use store::Store;

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
    /// Who its tenants are cannot be read.
    pub broken: AtomicBool,
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
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::Unavailable(anyhow::anyhow!("no place")));
        }
        Ok(self.tenants.lock().unwrap().clone())
    }
    async fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        Ok(self.tenants.lock().unwrap().iter().find(|it| it.name == name).cloned())
    }
    async fn end_tenant(&self, tenant: TenantId, _: UnixMs) -> Result<bool> {
        let mut tenants = self.tenants.lock().unwrap();
        let before = tenants.len();
        tenants.retain(|it| it.id != tenant);
        self.keys.lock().unwrap().retain(|_, it| it.tenant != Some(tenant));
        Ok(tenants.len() < before)
    }
    async fn ended(&self) -> Result<BTreeMap<TenantId, UnixMs>> {
        Ok(BTreeMap::new())
    }
    async fn erase(&self, _: TenantId) -> Result<()> {
        Ok(())
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
    async fn note_progress(&self) -> Result<()> {
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

/// Components that accept anything.
pub struct Guests;

#[async_trait]
impl Plugins for Guests {
    fn guests_of(&self, _: &TenantHandle) -> Arc<dyn ports::Guests> {
        Arc::new(crate::engine::fake::Fake::default())
    }
    fn accounts(&self, _: &TenantHandle, connections: &[Connection]) -> Vec<Account> {
        let budget = Budget::new(Limit::per_second(2));
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
    async fn compare(&self, _: &TenantHandle, _: &str, release: u64) -> std::result::Result<Rivalry, Refusal> {
        Ok(Rivalry { release, ..Rivalry::default() })
    }
    fn rivalry(&self, _: &TenantHandle, slot: &str) -> Option<Rivalry> {
        (slot == "conflict:compared").then(Rivalry::default)
    }
    fn compare_no_more(&self, of: &TenantHandle, slot: &str) -> Option<Rivalry> {
        self.rivalry(of, slot)
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
    async fn erase(&self, _: TenantId, _: &Tenants) -> anyhow::Result<()> {
        Ok(())
    }
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
    fn forget(&self, _: TenantId) {}
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
