use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use futures::FutureExt as _;
use truthsource_core::{Decimal, Fields, Kind, Value};
use truthsource_host::{CallError, model};

use super::*;
use crate::engine::connections::retell;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::store::contract::intent;
use crate::store::{About, ConnectionSpec, DebtState, TenantStore, What};

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
async fn p14_who_loses_stays_in_the_history() {
    let house = House::with(Fake::default()).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    house.pass(1_000);
    house.saw(ERP, "a", "screw").await;
    house.pass(1);
    house.saw(SHOP, "a", "nut").await;
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("nut".into()), "the latest change counts");
    let all = house.store.conflicts(None, None, 9).await.unwrap();
    let said = [("erp".to_owned(), "screw".into()), ("shop".to_owned(), "nut".into())].into();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0].claims, &all[0].outcome), (&said, &Some("nut".into())));
    let told = house.store.timeline(&item("a"), 0, 99).await.unwrap();
    assert!(told.iter().any(|it| matches!(&it.what, What::Decided { field, .. } if field == "title")), "{told:?}");
    // And the one who lost is told.
    assert_eq!(house.debt(ERP, "a").await.map(|it| it.state), Some(DebtState::Due));
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
    assert_eq!(house.debt(ERP, "a").await, None, "nobody has asked for it");
}

#[tokio::test]
async fn a_write_that_was_begun_while_nothing_was_owed_any_more_is_brought_to_an_end() {
    // The lane begins its write after the fold has read the debts and before it commits.
    let begins: Arc<OnceLock<(Arc<dyn TenantStore>, Debt)>> = Arc::default();
    let lane = begins.clone();
    let project = answers(move |(_, records): (String, Vec<Fields>)| {
        if let Some((store, debt)) = lane.get() {
            let mut batch = Batch::new(UnixMs(2_000));
            batch.changes.push(Change::Debt { debt: debt.clone(), token: None });
            store.commit(batch).now_or_never().unwrap().unwrap();
        }
        Ok(records)
    });
    let house = House::with(Fake { project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    let debt = house.debt(SHOP, "a").await.unwrap();
    let intent = Some(intent("op-1"));
    assert!(begins.set((house.store.clone(), Debt { intent: intent.clone(), ..debt })).is_ok());
    house.saw(SHOP, "a", "bolt").await;
    house.fold().await;
    assert_eq!(house.title("a").await, Some("bolt".into()));
    assert_eq!(house.debt(SHOP, "a").await.map(|it| it.intent), Some(intent));
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
    assert_eq!(open.iter().map(|it| &it.about).collect::<Vec<_>>(), [&About::Field("title".to_owned())]);
}

#[tokio::test]
async fn one_poisonous_conflict_is_held_and_the_others_are_decided() {
    let decide = answers(|conflicts: Vec<model::Conflict>| {
        let is_poison = |it: &model::Conflict| it.claims.iter().any(|it| it.now.as_text() == Some("poison"));
        let take = |_: &model::Conflict| model::Decision::Take(0);
        if conflicts.iter().any(is_poison) { Err(trap()) } else { Ok(conflicts.iter().map(take).collect()) }
    });
    let house = House::with(Fake { decide, ..Fake::default() }).await;
    for code in ["a", "b", "c"] {
        house.saw(ERP, code, "bolt").await;
    }
    house.fold_all().await;
    let house = house.titles_have_a_policy().await;
    for (code, title) in [("a", "nut"), ("b", "poison"), ("c", "screw")] {
        house.saw(ERP, code, title).await;
    }
    house.fold_all().await;
    let titles = [house.title("a").await, house.title("b").await, house.title("c").await];
    assert_eq!(titles, ["nut", "bolt", "screw"].map(|it| Some(it.into())));
}

#[tokio::test]
async fn what_a_validator_refuses_keeps_its_last_truth() {
    let validate = answers(|records: Vec<Fields>| {
        let verdict = |it: &Fields| match it.get("title").and_then(Value::as_text) {
            Some("") | None => model::Verdict::Bad("a title is needed".to_owned()),
            _ => model::Verdict::Good,
        };
        Ok(Some(records.iter().map(verdict).collect()))
    });
    let house = House::with(Fake { validate, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(ERP, "new", "").await;
    house.fold_all().await;
    assert_eq!((house.title("a").await, house.title("new").await), (Some("bolt".into()), None));
    assert_eq!(house.debt(SHOP, "new").await, None, "nobody is told");
    house.saw(ERP, "a", "").await;
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("bolt".into()));
    let open = house.store.conflicts(Some(true), None, 10).await.unwrap();
    assert!(open.iter().all(|it| it.reason == "a title is needed") && open.len() == 3, "{open:?}");
    house.saw(ERP, "new", "nut").await;
    house.fold_all().await;
    assert_eq!(house.title("new").await, Some("nut".into()));
    assert_eq!(house.debt(SHOP, "new").await.map(|it| it.state), Some(DebtState::Due));
}

#[tokio::test]
async fn a_stock_rule_lowers_what_is_published_and_never_raises_it() {
    let publish = answers(|levels: Vec<model::Level>| {
        assert!(levels.iter().all(|it| it.channel == "shop" && it.on_hand == Decimal::from(10)));
        if levels.iter().any(|it| it.item == "broken") {
            return Err(trap());
        }
        let shown = |it: &model::Level| if it.item == "low" { Decimal::from(4) } else { Decimal::from(99) };
        Ok(Some(levels.iter().map(shown).collect()))
    });
    let house = House::with(Fake { publish, ..Fake::default() }).await;
    let shop = house.store.connections().await.unwrap().into_iter().find(|it| it.id == SHOP).unwrap();
    let spec = ConnectionSpec { publishes: Some(truthsource_core::stock::Publishes::default()), ..shop.spec };
    house.commit([Change::ConnectionSpec { id: SHOP, read: shop.revision, spec }]).await;
    house.read(ERP, Kind::Location, "m", &[("code", "main".into())]).await;
    for code in ["low", "high", "broken"] {
        house.saw(ERP, code, "bolt").await;
        let level = [("item", code.into()), ("location", "m".into()), ("on_hand", Value::Number(10.into()))];
        house.read(ERP, Kind::StockLevel, code, &level).await;
    }
    house.fold_all().await;
    let level = |code: &str| RecordKey::new(Kind::StockLevel, format!("{code}@main"));
    let keys = ["low", "high", "broken"].map(level);
    let states = house.store.states(&keys.clone().into()).await.unwrap();
    let want = |key: &RecordKey| states[key].shadows.get(&SHOP).and_then(|it| it.want.get("on_hand").cloned());
    assert_eq!(want(&keys[0]), Some(Value::Number(4.into())));
    assert_eq!(want(&keys[1]), Some(Value::Number(10.into())));
    assert_eq!(want(&keys[2]), None);
    assert_eq!(house.debt_of(SHOP, &keys[2]).await.map(|it| it.state), Some(DebtState::Untold));
}

#[tokio::test]
async fn g13_what_never_fits_its_contract_is_parked_and_written_nowhere() {
    let project = answers(|(of, records): (String, Vec<Fields>)| match of.as_str() {
        "shop" => Err(CallError::BadOutput(truthsource_host::Misfit::new("amount", "below zero"))),
        _ => Ok(records),
    });
    let house = House::with(Fake { project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    for _ in 0..house.engine.pace.retry.tries_max {
        house.fold_all().await;
        assert!(house.store.due_debts(SHOP, house.engine.now(), 10).await.unwrap().is_empty());
        house.pass(600_000);
    }
    let debt = house.debt(SHOP, "a").await.unwrap();
    assert_eq!((debt.state, debt.intent), (DebtState::Parked, None));
    assert!(debt.last_error.unwrap().contains("amount: below zero"));
    assert_eq!(house.title("a").await, Some("bolt".into()), "the truth is nobody's fault");
}

/// Something is committed while a fold asks components: after it looked, and before what it made wait is known to wait.
async fn folded_while(waiting: impl AsyncFnOnce(&House), meanwhile: Vec<Change>) -> House {
    let (store, changes) = (Arc::new(OnceLock::<Arc<dyn TenantStore>>::new()), Arc::new(Mutex::new(meanwhile)));
    let at_work = store.clone();
    let project = answers(move |(_, records): (String, Vec<Fields>)| {
        if let Some(store) = at_work.get() {
            let changes = std::mem::take(&mut *changes.lock().unwrap());
            let batch = Batch { changes, ..Batch::new(UnixMs(1_000)) };
            store.commit(batch).now_or_never().unwrap().unwrap();
        }
        Ok(records)
    });
    let house = House::with(Fake { project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    waiting(&house).await;
    // Somebody whose connectors are asked.
    house.saw(ERP, "b", "nut").await;
    store.set(house.store.clone()).ok().unwrap();
    house.fold_all().await;
    house
}

#[tokio::test]
async fn p5_what_is_linked_while_a_fold_makes_it_wait_is_not_waited_for() {
    let linked = vec![
        Change::Link { connection: SHOP, key: item("late"), remote_id: "9".to_owned() },
        Token::Linked(SHOP, Kind::Item, "9".to_owned()).wake(),
    ];
    let price = async |house: &House| {
        let fields = [("list", "base".into()), ("item", "9".into()), ("amount", Value::Number(5.into()))];
        house.read(SHOP, Kind::Price, "p", &fields).await;
    };
    let house = folded_while(price, linked).await;
    assert_eq!(house.store.backlog().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn p5_a_write_that_ends_while_a_fold_waits_for_it_is_not_waited_for() {
    let debt = |intent| Debt {
        connection: SHOP,
        key: item("a"),
        truth_version: 1,
        priority: 3,
        due_at: UnixMs(1_000),
        since: UnixMs(1_000),
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent,
    };
    let open = Change::Debt { debt: debt(Some(intent("op"))), token: None };
    let ended = vec![Change::Debt { debt: debt(None), token: None }, Token::Outcome(SHOP, item("a")).wake()];
    let news = async |house: &House| {
        house.commit([open]).await;
        house.saw(SHOP, "a", "screw").await;
    };
    let house = folded_while(news, ended).await;
    assert_eq!((house.store.backlog().await.unwrap().waiting, house.title("a").await), (0, Some("screw".into())));
}

/// A log of two systems, folded so many entries at a time: as each system is heard, or all of it at last.
async fn folded_by(fold_max: u32, each: bool) -> House {
    let mut house = House::with(Fake::default()).await.titles_have_a_policy().await;
    house.engine.pace.fold_max = fold_max;
    for at in [ERP, SHOP] {
        for n in 0..7 {
            let (code, differs) = (format!("{n}"), at == SHOP && n % 2 == 1);
            house.saw(at, &code, if differs { "nut" } else { "bolt" }).await;
            let price = [("list", "base".into()), ("item", code.as_str().into()), ("amount", Value::Number(n.into()))];
            house.read(at, Kind::Price, &format!("p{n}"), &price).await;
        }
        if each {
            house.fold_all().await;
        }
    }
    house.gone(SHOP, Kind::Item, "3").await;
    house.read(SHOP, Kind::Item, "late", &[("code", "late".into()), ("title", "washer".into())]).await;
    house.fold_all().await;
    house
}

/// What it came to: letter for letter, and as values.
async fn came_to(house: House) -> (impl PartialEq + std::fmt::Debug, impl PartialEq + std::fmt::Debug) {
    let keys = house.store.accounts(None, 99).await.unwrap().into_iter().collect();
    let values = |it: &KeyState| {
        let held = it.shadows.iter().map(|(id, it)| (*id, it.values(), it.want.clone())).collect::<Vec<_>>();
        (it.truth.values(), it.truth.deleted_at, held)
    };
    let states = house.store.states(&keys).await.unwrap();
    let values: BTreeMap<_, _> = states.iter().map(|(key, it)| (key.clone(), values(it))).collect();
    assert_eq!(values.len(), 15);
    (house.store.stored(&keys).await.unwrap(), values)
}

/// Where a turn ends is chance: how much had come in by then. Versions count the turns in which a record had news.
#[tokio::test]
async fn p8_one_turn_or_several_come_to_the_same_letter_for_letter() {
    let (letters, values) = came_to(folded_by(512, true).await).await;
    for fold_max in [1, 2, 3, 5, 9] {
        assert_eq!(came_to(folded_by(fold_max, true).await).await.0, letters, "{fold_max} at a time");
        assert_eq!(came_to(folded_by(fold_max, false).await).await.1, values, "all at last, {fold_max} at a time");
    }
    assert_eq!(came_to(folded_by(512, false).await).await.1, values);
}

/// Whoever reads the record once more settles what a fold is at, and says it anew. That fold comes to nothing, nothing is
/// lost, and nobody is told of trouble.
#[tokio::test]
async fn an_overtaken_fold_is_quiet_and_loses_nothing() {
    let house = House::overtaken().await;
    let before = house.store.unfolded(9).await.unwrap();
    let parties = Parties::load(&house.engine).await.unwrap();
    let overtaken = fold(&house.engine, &parties).await;
    assert!(matches!(overtaken, Err(Error::Store(crate::store::Error::Conflict(_)))), "{overtaken:?}");
    let after = house.store.unfolded(9).await.unwrap();
    assert_eq!((before.len(), after.len(), house.title("b").await), (2, 2, None), "nothing of it is there");
    house.fold_all().await;
    assert_eq!((house.title("a").await, house.title("b").await), (Some("newest".into()), Some("nut".into())));
}
