//! An engine over a model store, a clock that is set by hand, and components that answer as a test wants.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use truthsource_core::budget::Class;
use truthsource_core::draw::Draw;
use truthsource_core::record::{Cause, ConnectionId, Entry, Observed, RecordKey, State};
use truthsource_core::rules::Direction;
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value};
use truthsource_host::CallError;
use truthsource_host::model::{
    self, Basket, Conflict, Description, Effect, FieldPower, Finding, HeldRecord, KindPower, Level, Notice, Outcome,
    Page, Priced, Pull, RangeDigest, RangeTold, Rate, Standing, Verdict, Webhook, Write,
};

use super::connections::Parties;
use super::ports::{Clock, Decided, Guests};
use super::rules::{FieldSpec, RULES, RulesSpec};
use super::trust::Word;
use super::{Did, Engine, Pace, fold};
use crate::store::control::ControlStore as _;
use crate::store::model::ModelStores;
use crate::store::{Batch, Change, ConnectionSpec, ConnectionState, CursorRow, Debt, Inspect, Row, TenantStore};

/// How many records a component reads at once.
pub const READ_MAX: u32 = 2;

/// What a component says, or why it says nothing.
pub type Answer<T> = Result<T, CallError>;

/// A function of a component.
type Function<I, O> = Mutex<Box<dyn FnMut(I) -> Answer<O> + Send>>;

/// Components whose answers a test writes. What it does not write is never asked, or answered plainly.
pub struct Fake {
    pub describe: Function<String, ()>,
    /// Of every kind.
    pub lag_ms: u32,
    /// Of every kind.
    pub certain_max: u32,
    /// Of every kind.
    pub effect: Effect,
    /// Of every connection.
    pub word: Word,
    /// Fields that the shop does not have.
    pub shop_lacks: &'static [&'static str],
    /// What pulls wait for.
    pub gate: Option<Arc<Gate>>,
    pub pull: Function<Pull, Page>,
    /// Gets the ids, and whether the reading is to be certain.
    pub read: Function<(Vec<String>, bool), Vec<Observed>>,
    pub find: Function<String, Option<State>>,
    /// Of one kind.
    pub push: Function<Vec<Write>, Vec<Outcome>>,
    pub receive: Function<String, Vec<Notice>>,
    pub ensure: Function<String, Option<Standing>>,
    pub project: Function<(String, Vec<Fields>), Vec<Fields>>,
    pub tell: Function<Kind, Option<Vec<RangeTold>>>,
    pub add: Function<Vec<HeldRecord>, Vec<RangeDigest>>,
    /// Only of the shop: the ERP has no mapping.
    pub map_in: Function<Vec<Fields>, Option<Vec<Option<Fields>>>>,
    /// Only of the shop.
    pub map_out: Function<Vec<Fields>, Option<Vec<Fields>>>,
    /// Gets the slot.
    pub release: Function<String, Option<String>>,
    pub decide: Function<Vec<Conflict>, Vec<model::Decision>>,
    pub decide_by: Function<Vec<Conflict>, Vec<model::Decision>>,
    pub publish: Function<Vec<Level>, Option<Vec<Decimal>>>,
    pub price: Function<Basket, Option<Vec<Priced>>>,
    pub validate: Function<Vec<Fields>, Option<Vec<Verdict>>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            describe: answers(|_| Ok(())),
            lag_ms: 0,
            certain_max: 0,
            effect: Effect::Absolute,
            word: Word::Declared,
            shop_lacks: &[],
            gate: None,
            pull: answers(|_| unreachable!()),
            read: answers(|_| unreachable!()),
            find: answers(|_| unreachable!()),
            push: answers(|_| unreachable!()),
            receive: answers(|_| Ok(Vec::new())),
            ensure: answers(|_| Ok(None)),
            project: answers(|(_, records)| Ok(records)),
            tell: answers(|_| Ok(None)),
            add: answers(|_| unreachable!()),
            map_in: answers(|_| Ok(None)),
            map_out: answers(|_| Ok(None)),
            release: answers(|_| Ok(None)),
            decide: answers(|conflicts: Vec<Conflict>| {
                Ok(conflicts.iter().map(|_| model::Decision::Take(0)).collect())
            }),
            decide_by: answers(|_| unreachable!()),
            publish: answers(|_| Ok(None)),
            price: answers(|_| Ok(None)),
            validate: answers(|_| Ok(None)),
        }
    }
}

/// Holds up calls: each adds a permit to `asked` and takes one of `go`.
pub struct Gate {
    pub asked: Semaphore,
    pub go: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { asked: Semaphore::new(0), go: Semaphore::new(0) }
    }
}

/// A function that answers like this.
pub fn answers<I, O>(answer: impl FnMut(I) -> Answer<O> + Send + 'static) -> Function<I, O> {
    Mutex::new(Box::new(answer))
}

fn ask<I, O>(function: &Function<I, O>, input: I) -> Answer<O> {
    // A test may have let a call panic, as if the process had ended in it.
    function.lock().unwrap_or_else(PoisonError::into_inner)(input)
}

#[async_trait]
impl Guests for Fake {
    async fn describe(&self, connection: &crate::store::Connection) -> Answer<Arc<Description>> {
        ask(&self.describe, connection.name.clone())?;
        let field = |name: &str| FieldPower { name: name.to_owned(), writable: true, create_only: false };
        let has = |name: &&str| connection.id != SHOP || !self.shop_lacks.contains(name);
        let kind = |kind| KindPower {
            kind,
            fields: truthsource_core::schema::of(kind).fields.iter().map(|it| it.name).filter(has).map(field).collect(),
            sees_creates: true,
            sees_updates: true,
            sees_deletes: true,
            granularity_ms: 1,
            lag_ms: self.lag_ms,
            effect: self.effect,
            creates: true,
            push_max: 100,
            read_max: READ_MAX,
            certain_max: self.certain_max,
        };
        Ok(Arc::new(Description {
            system: "fake".to_owned(),
            kinds: Kind::ALL.map(kind).into(),
            auth: Vec::new(),
            webhook: None,
            rate: Rate::Other(String::new()),
            settings: Vec::new(),
        }))
    }
    async fn word(&self, _: &crate::store::Connection) -> Answer<Word> {
        Ok(self.word.clone())
    }
    async fn check(&self, _: &crate::store::Connection) -> Answer<Vec<Finding>> {
        unreachable!()
    }
    async fn pull(&self, _: &crate::store::Connection, pull: &Pull, _: Class) -> Answer<Page> {
        if let Some(gate) = &self.gate {
            gate.asked.add_permits(1);
            gate.go.acquire().await.unwrap().forget();
        }
        ask(&self.pull, pull.clone())
    }
    async fn read(
        &self,
        _: &crate::store::Connection,
        _: Kind,
        ids: &[String],
        certain: bool,
    ) -> Answer<Vec<Observed>> {
        ask(&self.read, (ids.to_vec(), certain))
    }
    async fn push(&self, _: &crate::store::Connection, writes: &[Write]) -> Answer<Vec<Outcome>> {
        ask(&self.push, writes.to_vec())
    }
    async fn find(&self, _: &crate::store::Connection, _: Kind, key: &str) -> Answer<Option<State>> {
        ask(&self.find, key.to_owned())
    }
    async fn receive(&self, _: &crate::store::Connection, webhook: &Webhook) -> Answer<Vec<Notice>> {
        ask(&self.receive, webhook.topic.clone())
    }
    async fn tell(&self, _: &crate::store::Connection, kind: Kind) -> Answer<Option<Vec<RangeTold>>> {
        ask(&self.tell, kind)
    }

    async fn add(&self, _: &crate::store::Connection, _: Kind, held: &[HeldRecord]) -> Answer<Vec<RangeDigest>> {
        ask(&self.add, held.to_vec())
    }

    async fn ensure(&self, of: &crate::store::Connection) -> Answer<Option<Standing>> {
        ask(&self.ensure, of.name.clone())
    }
    async fn project(&self, of: &crate::store::Connection, _: Kind, records: &[Fields]) -> Answer<Vec<Fields>> {
        ask(&self.project, (of.name.clone(), records.to_vec()))
    }
    async fn map_in(
        &self,
        of: &crate::store::Connection,
        _: Kind,
        records: &[Fields],
    ) -> Answer<Option<Vec<Option<Fields>>>> {
        if of.id == SHOP { ask(&self.map_in, records.to_vec()) } else { Ok(None) }
    }
    async fn map_out(&self, of: &crate::store::Connection, _: Kind, records: &[Fields]) -> Answer<Option<Vec<Fields>>> {
        if of.id == SHOP { ask(&self.map_out, records.to_vec()) } else { Ok(None) }
    }
    async fn release(&self, slot: &str) -> Answer<Option<String>> {
        ask(&self.release, slot.to_owned())
    }
    async fn decide(&self, slot: &str, conflicts: &[Conflict]) -> Answer<Option<Decided>> {
        let decisions = ask(&self.decide, conflicts.to_vec())?;
        Ok(Some(Decided { decisions, policy: slot.to_owned() }))
    }
    async fn decide_by(&self, _: &str, _: u64, conflicts: &[Conflict]) -> Answer<Vec<model::Decision>> {
        ask(&self.decide_by, conflicts.to_vec())
    }
    async fn publish(&self, levels: &[Level]) -> Answer<Option<Vec<Decimal>>> {
        ask(&self.publish, levels.to_vec())
    }
    async fn price(&self, _: &str, basket: &Basket) -> Answer<Option<Vec<Priced>>> {
        ask(&self.price, basket.clone())
    }
    async fn validate(&self, _: Kind, records: &[Fields]) -> Answer<Option<Vec<Verdict>>> {
        ask(&self.validate, records.to_vec())
    }
}

/// An engine with an ERP that outranks a shop.
pub struct House {
    pub engine: Engine,
    pub store: Arc<dyn TenantStore>,
    inside: Arc<dyn Inspect>,
    now: Arc<AtomicU64>,
    as_of: AtomicU64,
}

pub const ERP: ConnectionId = ConnectionId(1);
pub const SHOP: ConnectionId = ConnectionId(2);

struct ByHand(Arc<AtomicU64>);

impl Clock for ByHand {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::Relaxed))
    }
}

impl House {
    /// The house at one second past the epoch. Items and prices go both ways.
    pub async fn with(guests: Fake) -> Self {
        let stores = ModelStores::new();
        let tenant = stores.add_tenant("acme", UnixMs(0)).await.unwrap();
        Self::on(Arc::new(stores.tenant_store(tenant.id).unwrap()), guests).await
    }

    /// The same in a file of this directory.
    pub async fn in_file(dir: &std::path::Path, guests: Fake) -> Self {
        let stores = crate::store::open(dir).await.unwrap();
        let tenant = stores.add_tenant("acme", UnixMs(0)).await.unwrap();
        Self::on(stores.tenant_store(tenant.id).await.unwrap(), guests).await
    }

    async fn on(inside: Arc<dyn Inspect>, guests: Fake) -> Self {
        let store: Arc<dyn TenantStore> = inside.clone();
        let now = Arc::new(AtomicU64::new(1_000));
        let engine = Engine {
            store: store.clone(),
            guests: Arc::new(guests),
            clock: Arc::new(ByHand(now.clone())),
            draw: Draw::new(1),
            holder: "test".to_owned(),
            pace: Pace::default(),
        };
        let mut batch = Batch::new(UnixMs(0));
        for (id, name, rank) in [(ERP, "erp", 0), (SHOP, "shop", 1)] {
            let spec = ConnectionSpec { rank, ..spec() };
            batch.changes.push(Change::NewConnection { name: name.to_owned(), spec });
            let state = ConnectionState::Active;
            batch.changes.push(Change::ConnectionState { id, read: 0, state, trouble: None });
        }
        store.commit(batch).await.unwrap();
        Self { engine, store, inside, now, as_of: AtomicU64::new(0) }
    }

    /// News of two items of the ERP, one of which is read once more while the first fold is at it.
    pub async fn overtaken() -> Self {
        let (store, at_work) = (Arc::new(OnceLock::<Arc<dyn TenantStore>>::new()), AtomicBool::new(false));
        let known = store.clone();
        let project = answers(move |(_, records)| {
            if let Some(store) = known.get().filter(|_| !at_work.swap(true, Ordering::Relaxed)) {
                let (kind, remote_id, reason) = (Kind::Item, "a".to_owned(), "read again".to_owned());
                let supersede = Change::Supersede { connection: ERP, kind, remote_id: remote_id.clone(), reason };
                let fields = [("code".to_owned(), "a".into()), ("title".to_owned(), "newest".into())].into();
                let observed = Observed::Present(State { remote_id, fields, ..State::default() });
                let (cause, tried) = (Cause::Poll, Fields::new());
                let entry = Entry::Observed { connection: ERP, cause, as_of: 99, observed, tried };
                let changes = vec![supersede, Change::Append { kind, key: None, entry }];
                store.commit(Batch { changes, ..Batch::new(UnixMs(1_000)) }).now_or_never().unwrap().unwrap();
            }
            Ok(records)
        });
        let house = Self::with(Fake { project, ..Fake::default() }).await;
        house.saw(ERP, "a", "bolt").await;
        house.saw(ERP, "b", "nut").await;
        store.set(house.store.clone()).ok().unwrap();
        house
    }

    /// Lets a policy decide about titles.
    pub async fn titles_have_a_policy(self) -> Self {
        let title =
            FieldSpec { field: "title".to_owned(), policy: Some("conflict:x".to_owned()), ..FieldSpec::default() };
        let value = serde_json::to_value(RulesSpec { fields: vec![title], ..RulesSpec::default() }).unwrap();
        self.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
        self
    }

    /// When a connection is told what it is owed.
    pub async fn delivers(&self, connection: ConnectionId, deliver: crate::store::Deliver) {
        let all = self.store.connections().await.unwrap();
        let found = all.into_iter().find(|it| it.id == connection).unwrap();
        let spec = ConnectionSpec { deliver, ..found.spec };
        self.commit([Change::ConnectionSpec { id: connection, read: found.revision, spec }]).await;
    }

    pub async fn commit(&self, changes: impl IntoIterator<Item = Change>) {
        let batch = Batch { fence: None, at: self.engine.now(), changes: changes.into_iter().collect() };
        self.store.commit(batch).await.unwrap();
    }

    /// How many rows there are of what grows.
    pub async fn sizes(&self) -> BTreeMap<String, u64> {
        self.inside.sizes().await.unwrap()
    }

    /// Breaks a row.
    pub async fn damage(&self, row: Row) {
        self.inside.damage(&row).await.unwrap();
    }

    pub fn pass(&self, ms: u64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    /// An item was read at a system, which holds this title.
    pub async fn saw(&self, connection: ConnectionId, code: &str, title: &str) {
        self.read(connection, Kind::Item, code, &[("code", code.into()), ("title", title.into())]).await;
    }

    /// A record was read at a system, which calls it `id` and holds this.
    pub async fn read(&self, connection: ConnectionId, kind: Kind, id: &str, fields: &[(&str, Value)]) {
        let state = State {
            remote_id: id.to_owned(),
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            version: String::new(),
            changed_at: Some(self.engine.now()),
            ..State::default()
        };
        self.observed(connection, kind, Observed::Present(state)).await;
    }

    /// A system says that it has no such record any more.
    pub async fn gone(&self, connection: ConnectionId, kind: Kind, id: &str) {
        self.observed(connection, kind, Observed::Absent(id.to_owned())).await;
    }

    async fn observed(&self, connection: ConnectionId, kind: Kind, observed: Observed) {
        let as_of = self.as_of.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Entry::Observed { connection, cause: Cause::Poll, as_of, observed, tried: Fields::new() };
        self.commit([Change::Append { kind, key: None, entry }]).await;
    }

    /// A kind was listed at a system once.
    pub async fn listed(&self, connection: ConnectionId, kind: Kind) {
        let row = CursorRow { listed: true, ..CursorRow::default() };
        self.commit([Change::Cursor { connection, kind, row }]).await;
    }

    pub async fn fold(&self) -> Did {
        let parties = Parties::load(&self.engine).await.unwrap();
        fold::fold(&self.engine, &parties).await.unwrap()
    }

    /// Folds until nothing is left that can be folded now.
    pub async fn fold_all(&self) {
        for _ in 0..100 {
            if self.fold().await.handled == 0 {
                return;
            }
        }
        panic!("it never ends");
    }

    pub async fn debt(&self, connection: ConnectionId, code: &str) -> Option<Debt> {
        self.debt_of(connection, &item(code)).await
    }

    pub async fn debt_of(&self, connection: ConnectionId, key: &RecordKey) -> Option<Debt> {
        let debts = self.store.debts_of(&[key.clone()].into()).await.unwrap();
        debts.into_iter().find(|it| it.connection == connection)
    }

    /// The title that counts; `None` while there is none.
    pub async fn title(&self, code: &str) -> Option<Value> {
        let states = self.store.states(&[item(code)].into()).await.unwrap();
        states.get(&item(code))?.truth.values().get("title").cloned()
    }
}

/// The record of an item.
pub fn item(code: &str) -> RecordKey {
    RecordKey::new(Kind::Item, code)
}

pub fn spec() -> ConnectionSpec {
    ConnectionSpec {
        connector: "connector:fake".to_owned(),
        settings: BTreeMap::new(),
        egress: Vec::new(),
        credentials_for: Vec::new(),
        rank: 0,
        kinds: [Kind::Location, Kind::Item, Kind::StockLevel, Kind::Price].map(|kind| (kind, Direction::BOTH)).into(),
        deliver: crate::store::Deliver::Continuous,
        links: crate::store::Links::Automatic,
        publishes: None,
        import_when: Default::default(),
        priced_by: None,
        poll_every_ms: BTreeMap::new(),
        overlap_ms: 0,
        sweep_every_ms: 0,
    }
}
