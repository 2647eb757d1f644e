use std::sync::{Arc, Mutex};

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, Entry, Observed, Settlement};
use truthsource_host::model::{Outcome, State, Write};

use super::*;
use crate::engine::deliver::deliver;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::engine::lane::Lane;
use crate::store::DebtState;

/// An ERP and a shop had an item, and the shop lost it.
async fn lost() -> House {
    let house = House::with(Fake::default()).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    house.gone(SHOP, Kind::Item, "a").await;
    house.fold_all().await;
    house
}

async fn settle(house: &House, what: Settlement) {
    let entry = Entry::Settled { what, by: "ann".to_owned() };
    house.commit([Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry }]).await;
    house.fold_all().await;
}

async fn open(house: &House) -> Vec<About> {
    house.store.conflicts(Some(true), None, 9).await.unwrap().into_iter().map(|it| it.about).collect()
}

async fn linked(house: &House, connection: ConnectionId) -> Option<String> {
    let linked = house.store.links_to(connection, Kind::Item, &["a".to_owned()].into()).await.unwrap();
    linked.get("a").cloned()
}

#[tokio::test]
async fn a_lost_record_that_is_missed_is_owed_and_another_may_take_its_place() {
    let house = lost().await;
    assert_eq!(open(&house).await, [About::Vanished(SHOP)]);
    assert_eq!((house.debt(SHOP, "a").await, linked(&house, SHOP).await), (None, Some("a".to_owned())));
    settle(&house, Settlement::Recreated(SHOP)).await;
    assert_eq!(house.debt(SHOP, "a").await.map(|it| it.state), Some(DebtState::Due));
    assert_eq!((open(&house).await, linked(&house, SHOP).await), (vec![], None));
    assert_eq!(linked(&house, ERP).await, Some("a".to_owned()));
    // It is there again, under another id.
    house.read(SHOP, Kind::Item, "new", &[("code", "a".into()), ("title", "bolt".into())]).await;
    house.fold_all().await;
    assert_eq!((house.debt(SHOP, "a").await, linked(&house, SHOP).await), (None, Some("new".to_owned())));
}

/// It was deleted where it counts as well, and made anew there: whether the shop is to have it again nobody has said.
#[tokio::test]
async fn a_lost_record_that_returns_where_it_counts_is_asked_about_again() {
    for is_lost_first in [true, false] {
        let house = House::with(Fake::default()).await;
        house.saw(ERP, "a", "bolt").await;
        house.saw(SHOP, "a", "bolt").await;
        house.fold_all().await;
        for connection in if is_lost_first { [SHOP, ERP] } else { [ERP, SHOP] } {
            house.gone(connection, Kind::Item, "a").await;
            house.fold_all().await;
        }
        assert_eq!(open(&house).await, []);
        house.read(ERP, Kind::Item, "new", &[("code", "a".into()), ("title", "bolt".into())]).await;
        house.fold_all().await;
        assert_eq!(open(&house).await, [About::Vanished(SHOP)]);
    }
}

/// A shop that gives every record it creates an id of its own, and what is pushed to it.
async fn creating() -> (House, Arc<Mutex<Vec<Write>>>) {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        let mut pushed = noted.lock().unwrap();
        pushed.extend(writes.clone());
        let (remote_id, version) = (format!("s{}", pushed.len()), String::new());
        let [Write { want: fields, .. }] = &writes[..] else { panic!("{writes:?}") };
        let fields = fields.clone();
        let state = State { remote_id, fields, version, changed_at: None, command_key: None, unmapped: None };
        Ok(vec![Outcome::Applied(state)])
    });
    let house = House::with(Fake { push, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.listed(SHOP, Kind::Item).await;
    house.fold_all().await;
    (house, pushed)
}

async fn pay(house: &House) {
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    lane.look(&house.engine).await.unwrap();
    deliver(&house.engine, &parties, &mut lane).await.unwrap();
    house.fold_all().await;
}

#[tokio::test]
async fn p6_what_is_created_again_is_a_write_of_its_own_and_has_its_effect_once() {
    let (house, pushed) = creating().await;
    pay(&house).await;
    // Newer than the write: a number of the lane that wrote.
    let (as_of, observed) = ((1 << 40) + 9, Observed::Absent("s1".to_owned()));
    let entry = Entry::Observed { connection: SHOP, cause: Cause::Sweep, as_of, observed, tried: Fields::new() };
    house.commit([Change::Append { kind: Kind::Item, key: None, entry }]).await;
    house.fold_all().await;
    assert_eq!(open(&house).await, [About::Vanished(SHOP)]);
    settle(&house, Settlement::Recreated(SHOP)).await;
    pay(&house).await;
    pay(&house).await;
    assert_eq!((house.debt(SHOP, "a").await, linked(&house, SHOP).await), (None, Some("s2".to_owned())));
    let pushed = pushed.lock().unwrap();
    let [first, second] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!((&first.want, &first.remote_id), (&second.want, &second.remote_id));
    assert_ne!(first.op_id, second.op_id, "no repetition of the first");
}

#[tokio::test]
async fn a_lost_record_that_a_person_deletes_is_deleted_for_everybody() {
    let house = lost().await;
    settle(&house, Settlement::Deleted(SHOP)).await;
    let states = house.store.states(&[item("a")].into()).await.unwrap();
    assert_eq!((states[&item("a")].truth.deleted_at, open(&house).await), (Some(SHOP), vec![]));
    // Its name is free.
    let named = house.store.naturals(Kind::Item, &["a".to_owned()].into()).await.unwrap();
    assert!(named.is_empty(), "{named:?}");
}

#[tokio::test]
async fn whether_a_record_is_gone_is_no_question_once_others_have_answered_it() {
    let house = lost().await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    assert_eq!(open(&house).await, [], "it is there again");
    let house = lost().await;
    house.gone(ERP, Kind::Item, "a").await;
    house.fold_all().await;
    assert_eq!(open(&house).await, [], "it was deleted where that counts");
    house.saw(SHOP, "a", "bolt").await;
    house.gone(SHOP, Kind::Item, "a").await;
    house.fold_all().await;
    assert_eq!(open(&house).await, [], "it is deleted already");
}
