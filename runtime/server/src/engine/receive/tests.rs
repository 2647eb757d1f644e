use truthsource_core::{Kind, UnixMs};

use super::*;
use crate::engine::fake::{Fake, House, SHOP, answers};

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
