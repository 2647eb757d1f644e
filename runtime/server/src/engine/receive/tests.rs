use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use truthsource_core::draw::Draw;
use truthsource_core::rules::Direction;
use truthsource_core::{Fields, Kind, UnixMs};
use truthsource_host::model::{Conflict, Description, Finding, Observed, Outcome, Page, Pull, State, Verdict, Write};

use super::*;
use crate::engine::Pace;
use crate::engine::ports::{Clock, Decided, Guests};
use crate::store::control::ControlStore as _;
use crate::store::model::ModelStores;
use crate::store::{ConnectionSpec, TenantStore};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMs {
        UnixMs(1_000)
    }
}

/// A connector that spins at one topic, finds no place at another, and understands the rest.
struct Moody;

type Answer<T> = Result<T, CallError>;

#[async_trait]
impl Guests for Moody {
    async fn receive(&self, _: &Connection, webhook: &Webhook) -> Answer<Vec<Notice>> {
        match webhook.topic.as_str() {
            "spins" => Err(CallError::OutOfTime { cpu_ms_max: 1 }),
            "no-place" => Err(CallError::Busy { waited_ms: 1 }),
            _ => Ok(vec![Notice::Touched(Kind::Item, "7".to_owned())]),
        }
    }
    async fn describe(&self, _: &Connection) -> Answer<Arc<Description>> {
        unreachable!()
    }
    async fn check(&self, _: &Connection) -> Answer<Vec<Finding>> {
        unreachable!()
    }
    async fn pull(&self, _: &Connection, _: &Pull) -> Answer<Page> {
        unreachable!()
    }
    async fn read(&self, _: &Connection, _: Kind, _: &[String]) -> Answer<Vec<Observed>> {
        unreachable!()
    }
    async fn push(&self, _: &Connection, _: &[Write]) -> Answer<Vec<Outcome>> {
        unreachable!()
    }
    async fn find(&self, _: &Connection, _: Kind, _: &str) -> Answer<Option<State>> {
        unreachable!()
    }
    async fn project(&self, _: &Connection, _: Kind, _: &[Fields]) -> Answer<Vec<Fields>> {
        unreachable!()
    }
    async fn decide(&self, _: &str, _: &[Conflict]) -> Answer<Option<Decided>> {
        unreachable!()
    }
    async fn validate(&self, _: Kind, _: &[Fields]) -> Answer<Option<Vec<Verdict>>> {
        unreachable!()
    }
}

async fn engine() -> (Engine, ConnectionId) {
    let stores = ModelStores::new();
    let tenant = stores.add_tenant("acme", UnixMs(0)).await.unwrap();
    let store = Arc::new(stores.tenant_store(tenant.id).unwrap());
    let kinds = [Kind::Item, Kind::Price].map(|kind| (kind, Direction::READ)).into();
    let spec = ConnectionSpec {
        connector: "connector:moody".to_owned(),
        settings: BTreeMap::new(),
        egress: Vec::new(),
        rank: 0,
        kinds,
        publishes: None,
        poll_every_ms: BTreeMap::new(),
        overlap_ms: 0,
        sweep_every_ms: 0,
    };
    let mut batch = Batch::new(UnixMs(0));
    batch.changes.push(Change::NewConnection { name: "shop".to_owned(), spec });
    let id = store.commit(batch).await.unwrap().connections[0];
    let engine = Engine {
        store,
        guests: Arc::new(Moody),
        clock: Arc::new(Noon),
        draw: Draw::new(1),
        holder: "test".to_owned(),
        pace: Pace::default(),
    };
    (engine, id)
}

async fn take_in(engine: &Engine, connection: ConnectionId, topics: &[&str]) {
    let mut batch = Batch::new(UnixMs(1));
    batch.changes.extend(topics.iter().map(|topic| Change::Inbox {
        connection,
        event_id: (*topic).to_owned(),
        topic: (*topic).to_owned(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
    }));
    engine.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn g18_a_webhook_that_makes_its_connector_spin_keeps_nobody_waiting() {
    let (engine, shop) = engine().await;
    take_in(&engine, shop, &["spins", "understood"]).await;
    let received = receive(&engine).await.unwrap();
    assert_eq!((received.did.handled, engine.store.inbox(10).await.unwrap().len()), (2, 0));
    assert_eq!(engine.store.touched(shop, UnixMs(1_000), 10).await.unwrap().len(), 1);
    // What it was about is found by reading.
    let asked: Vec<_> = engine.store.asks(shop).await.unwrap().into_keys().collect();
    assert_eq!(asked, [(Work::Poll, Kind::Item), (Work::Poll, Kind::Price)]);
}

#[tokio::test]
async fn a_webhook_waits_while_there_is_no_place_to_run_in() {
    let (engine, shop) = engine().await;
    take_in(&engine, shop, &["no-place", "understood"]).await;
    assert_eq!(receive(&engine).await.unwrap().did.handled, 1);
    let left: Vec<String> = engine.store.inbox(10).await.unwrap().into_iter().map(|it| it.topic).collect();
    assert_eq!(left, ["no-place"]);
    assert!(engine.store.asks(shop).await.unwrap().is_empty());
}
