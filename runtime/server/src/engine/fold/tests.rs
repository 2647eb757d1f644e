use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use truthsource_core::Fields;

use super::*;
use crate::engine::connections::retell;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};

fn is_poison(records: &[Fields]) -> bool {
    records.iter().any(|it| it.get("title").and_then(Value::as_text) == Some("poison"))
}

fn trap() -> CallError {
    CallError::Trapped { reason: "unreachable".to_owned(), backtrace: String::new() }
}

#[tokio::test]
async fn g18_one_poisonous_record_holds_up_no_other() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let project = answers(move |(of, records): (String, Vec<Fields>)| {
        counted.fetch_add(1, Ordering::Relaxed);
        if of == "shop" && is_poison(&records) { Err(trap()) } else { Ok(records) }
    });
    let house = House::with(Fake { project, ..Fake::default() }).await;
    for n in 0..400 {
        house.saw(ERP, &format!("{n:03}"), if n == 77 { "poison" } else { "bolt" }).await;
    }
    house.fold_all().await;
    for n in (0..400).filter(|it| *it != 77) {
        assert_eq!(house.debt(SHOP, &format!("{n:03}")).await.map(|it| it.state), Some(DebtState::Due));
    }
    let debt = house.debt(SHOP, "077").await.unwrap();
    assert_eq!((debt.state, debt.attempts), (DebtState::Untold, 1));
    assert!(debt.last_error.unwrap().contains("unreachable"));
    assert!(calls.load(Ordering::Relaxed) < 30, "it is found by halving");
}

#[tokio::test]
async fn a_connector_that_fails_keeps_nobody_waiting_and_is_asked_again() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    let project = answers(
        move |(of, records): (String, Vec<Fields>)| {
            if of == "shop" && broken.load(Ordering::Relaxed) { Err(trap()) } else { Ok(records) }
        },
    );
    let house = House::with(Fake { project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "b", "nut").await;
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("bolt".into()));
    assert_eq!(house.debt(ERP, "b").await.map(|it| it.state), Some(DebtState::Due), "the ERP is told all the same");
    assert_eq!(house.debt(SHOP, "a").await.map(|it| it.state), Some(DebtState::Untold));
    is_broken.store(false, Ordering::Relaxed);
    assert_eq!(house.fold().await.handled, 0, "not before its time");
    house.pass(600_000);
    house.fold_all().await;
    let debt = house.debt(SHOP, "a").await.unwrap();
    assert_eq!((debt.state, debt.attempts, debt.last_error), (DebtState::Due, 0, None));
    // What nothing is owed of is no debt: the shop said it itself.
    assert_eq!(house.debt(SHOP, "b").await, None);
}

#[tokio::test]
async fn a_connector_that_keeps_failing_is_left_to_a_person() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    let describe = answers(move |_| if broken.load(Ordering::Relaxed) { Err(trap()) } else { Ok(()) });
    let house = House::with(Fake { describe, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    for _ in 0..house.engine.pace.retry.tries_max {
        house.fold_all().await;
        house.pass(600_000);
    }
    let debt = house.debt(SHOP, "a").await.unwrap();
    assert_eq!((debt.state, debt.attempts), (DebtState::Parked, 12));
    is_broken.store(false, Ordering::Relaxed);
    house.fold_all().await;
    assert_eq!(house.debt(SHOP, "a").await.map(|it| it.state), Some(DebtState::Parked), "nobody redrove it");
    house.commit([Change::Redrive { connection: None, key: Some(item("a")) }]).await;
    house.fold_all().await;
    assert_eq!(house.debt(SHOP, "a").await.map(|it| (it.state, it.attempts)), Some((DebtState::Due, 0)));
}

#[tokio::test]
async fn what_a_changed_connector_makes_of_the_truth_is_owed() {
    let is_new = Arc::new(AtomicBool::new(false));
    let new = is_new.clone();
    let project = answers(move |(_, mut records): (String, Vec<Fields>)| {
        if new.load(Ordering::Relaxed) {
            records.iter_mut().for_each(|it| drop(it.insert("title".to_owned(), "BOLT".into())));
        }
        Ok(records)
    });
    let house = House::with(Fake { project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    assert_eq!(house.debt(SHOP, "a").await, None);
    is_new.store(true, Ordering::Relaxed);
    let shop = house.store.connections().await.unwrap().into_iter().find(|it| it.id == SHOP).unwrap();
    house.commit(retell(&shop)).await;
    house.fold_all().await;
    assert_eq!(house.debt(SHOP, "a").await.map(|it| it.state), Some(DebtState::Due));
    assert_eq!(house.debt(ERP, "a").await.map(|it| it.state), Some(DebtState::Due), "a fold asks everybody");
}

#[tokio::test]
async fn a_write_that_was_begun_while_nothing_was_owed_any_more_is_brought_to_an_end() {
    let house = House::with(Fake::default()).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    let debt = house.debt(SHOP, "a").await.unwrap();
    // The lane begins its write after the fold has read the debts and before it commits.
    house.commit([Change::Debt { debt: Debt { truth_version: 99, ..debt.clone() }, token: None }]).await;
    house.commit([Change::Paid(debt)]).await;
    assert!(house.debt(SHOP, "a").await.is_some());
}

#[tokio::test]
async fn a_policy_that_cannot_be_asked_now_puts_off_its_records_and_no_others() {
    let is_busy = Arc::new(AtomicBool::new(true));
    let busy = is_busy.clone();
    let decide = answers(move |conflicts: Vec<model::Conflict>| {
        let failing = CallError::Failing { failures: 20, retry_ms: 1_000 };
        let take = |_: &model::Conflict| model::Decision::Take(0);
        if busy.load(Ordering::Relaxed) { Err(failing) } else { Ok(conflicts.iter().map(take).collect()) }
    });
    let house = House::with(Fake { decide, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    let house = house.titles_have_a_policy().await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("bolt".into()));
    assert_eq!(house.store.backlog().await.unwrap().waiting, 1);
    is_busy.store(false, Ordering::Relaxed);
    take_up(&house.engine).await.unwrap();
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("screw".into()));
    assert!(house.store.conflicts(Some(true), None, 10).await.unwrap().is_empty(), "nobody had to look");
}

#[tokio::test]
async fn g11_a_policy_that_fails_for_good_holds_its_field_for_a_person() {
    let house = House::with(Fake { decide: answers(|_| Err(trap())), ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    let house = house.titles_have_a_policy().await;
    house.saw(SHOP, "a", "screw").await;
    house.saw(SHOP, "b", "nut").await;
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("bolt".into()));
    assert_eq!(house.title("b").await, Some("nut".into()));
    let open = house.store.conflicts(Some(true), None, 10).await.unwrap();
    assert_eq!(open.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["title"]);
}
