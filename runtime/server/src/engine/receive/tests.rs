use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use truthsource_core::{Kind, UnixMs, Value};
use truthsource_host::model::{Observed, State};

use super::*;
use crate::engine::connections::Parties;
use crate::engine::fake::{Fake, House, SHOP, answers};
use crate::engine::fetch::fetch;
use crate::engine::lane::Lane;

/// A connector that spins at one topic, finds no place at another, and understands the rest.
async fn moody() -> House {
    let receive = answers(|topic: String| match topic.as_str() {
        "spins" => Err(CallError::OutOfTime { cpu_ms_max: 1 }),
        "no-place" => Err(CallError::Busy { waited_ms: 1 }),
        _ => Ok(vec![Notice::Touched(Kind::Item, "7".to_owned())]),
    });
    House::with(Fake { receive, ..Fake::default() }).await
}

async fn take_in(house: &House, topics: &[&str]) {
    let inbox = topics.iter().map(|topic| Change::Inbox {
        connection: SHOP,
        event_id: (*topic).to_owned(),
        topic: (*topic).to_owned(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
    });
    house.commit(inbox).await;
}

#[tokio::test]
async fn g18_a_webhook_that_makes_its_connector_spin_keeps_nobody_waiting() {
    let house = moody().await;
    take_in(&house, &["spins", "understood"]).await;
    let received = receive(&house.engine).await.unwrap();
    assert_eq!((received.did.handled, house.store.inbox(10).await.unwrap().len()), (2, 0));
    assert_eq!(house.store.touched(SHOP, UnixMs(1_000), 10).await.unwrap().len(), 1);
    // What it was about is found by reading.
    let asked: Vec<_> = house.store.asks(SHOP).await.unwrap().into_keys().collect();
    let kinds = [Kind::Location, Kind::Item, Kind::StockLevel, Kind::Price];
    assert_eq!(asked, kinds.map(|kind| (Work::Poll, kind)));
}

#[tokio::test]
async fn a_webhook_waits_while_there_is_no_place_to_run_in() {
    let house = moody().await;
    take_in(&house, &["no-place", "understood"]).await;
    assert_eq!(receive(&house.engine).await.unwrap().did.handled, 1);
    let left: Vec<String> = house.store.inbox(10).await.unwrap().into_iter().map(|it| it.topic).collect();
    assert_eq!(left, ["no-place"]);
    assert!(house.store.asks(SHOP).await.unwrap().is_empty());
}

/// A webhook says only what to read. The record is read for the late one, too, and says what it holds now.
#[tokio::test]
async fn w10_an_older_webhook_that_comes_late_takes_nothing_back() {
    let reads = Arc::new(AtomicU32::new(0));
    let counted = reads.clone();
    let understands = answers(|_| Ok(vec![Notice::Touched(Kind::Item, "7".to_owned())]));
    let read = answers(move |(ids, _): (Vec<String>, bool)| {
        counted.fetch_add(1, Ordering::Relaxed);
        assert_eq!(ids, ["7"]);
        let fields = [("code", "7"), ("title", "new")].map(|(name, it)| (name.to_owned(), Value::from(it)));
        let (remote_id, version) = ("7".to_owned(), String::new());
        let held =
            State { remote_id, fields: fields.into(), version, changed_at: None, command_key: None, unmapped: None };
        Ok(vec![Observed::Present(held)])
    });
    let house = House::with(Fake { receive: understands, read, ..Fake::default() }).await;
    house.saw(SHOP, "7", "old").await;
    house.fold_all().await;
    for (topic, expect) in [("newer", 1), ("older", 2)] {
        house.pass(1_000);
        take_in(&house, &[topic]).await;
        receive(&house.engine).await.unwrap();
        let parties = Parties::load(&house.engine).await.unwrap();
        let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
        while fetch(&house.engine, &parties, &mut lane).await.unwrap().handled > 0 {}
        house.fold_all().await;
        assert_eq!(house.title("7").await, Some("new".into()), "{topic}");
        assert_eq!(reads.load(Ordering::Relaxed), expect, "{topic}");
    }
}
