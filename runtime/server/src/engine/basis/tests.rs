use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use truthsource_core::Value;
use truthsource_host::model::Decision;

use super::*;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::engine::rebuild;
use crate::engine::rules::{RULES, RulesSpec};
use crate::store::Change;

async fn apply(house: &House, toml: &str) {
    let spec: RulesSpec = toml::from_str(toml).unwrap();
    let value = serde_json::to_value(spec).unwrap();
    house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
}

const ERP_OWNS: &str = "[[fields]]\nkind = 'item'\nfield = 'title'\nowner = 'erp'";
const POLICY: &str = "[[fields]]\nkind = 'item'\nfield = 'title'\npolicy = 'conflict:x'";

/// The ERP and then the shop change the title of items that both know.
async fn disagree(house: &House, codes: &[String]) {
    for code in codes {
        house.saw(ERP, code, "bolt").await;
        house.saw(SHOP, code, "bolt").await;
    }
    house.fold_all().await;
    house.pass(1_000);
    for code in codes {
        house.saw(ERP, code, "erp").await;
    }
    house.pass(1_000);
    for code in codes {
        house.saw(SHOP, code, "shop").await;
    }
    house.fold_all().await;
}

fn codes(n: usize) -> Vec<String> {
    (0..n).map(|it| format!("{it:03}")).collect()
}

async fn same_again(house: &House) {
    let rebuilt = rebuild::verify(&*house.store).await.unwrap();
    assert_eq!(rebuilt.differences, vec![]);
    assert_eq!(rebuilt.stored_sha256, rebuilt.rebuilt_sha256);
}

#[tokio::test]
async fn changed_rules_decide_again_what_was_decided() {
    let house = House::with(Fake::default()).await;
    disagree(&house, &codes(1)).await;
    assert_eq!(house.title("000").await, Some("shop".into()));
    assert_eq!(house.fold().await.handled, 0, "the rules are the same");
    apply(&house, ERP_OWNS).await;
    assert_eq!(deciding(&house.engine).await.unwrap(), [(Kind::Item, 1)].into());
    house.fold_all().await;
    assert_eq!(house.title("000").await, Some("erp".into()));
    assert!(house.debt(SHOP, "000").await.is_some(), "the shop is owed it");
    assert_eq!(house.debt(ERP, "000").await, None, "the owner is not");
    assert_eq!(deciding(&house.engine).await.unwrap(), [].into());
    same_again(&house).await;
    // And back.
    apply(&house, "").await;
    house.fold_all().await;
    assert_eq!(house.title("000").await, Some("shop".into()));
    same_again(&house).await;
}

#[tokio::test]
async fn news_goes_on_while_many_are_decided_again() {
    let house = House::with(Fake::default()).await;
    let codes = codes(200);
    disagree(&house, &codes).await;
    apply(&house, ERP_OWNS).await;
    house.saw(ERP, "199", "news").await;
    house.fold().await;
    assert_eq!(house.title("199").await, Some("news".into()));
    let left = deciding(&house.engine).await.unwrap()[&Kind::Item];
    assert!(left > 0 && left < 200, "{left} are left after one fold");
    house.fold_all().await;
    for code in &codes[..199] {
        assert_eq!(house.title(code).await, Some("erp".into()));
    }
    same_again(&house).await;
}

/// A policy in two releases: the first takes the first claim, the second the last.
fn releases() -> (Fake, Arc<Mutex<String>>, Arc<AtomicBool>) {
    let active = Arc::new(Mutex::new("one".to_owned()));
    let swaps = Arc::new(AtomicBool::default());
    let (named, asked, swapping) = (active.clone(), active.clone(), swaps.clone());
    let release = answers(move |slot: String| Ok((slot == "conflict:x").then(|| named.lock().unwrap().clone())));
    let decide = answers(move |conflicts: Vec<truthsource_host::model::Conflict>| {
        let first = *asked.lock().unwrap() == "one";
        if swapping.swap(false, Ordering::SeqCst) {
            *asked.lock().unwrap() = "two".to_owned();
        }
        let take = |it: &truthsource_host::model::Conflict| Decision::Take(if first { 0 } else { it.claims.len() - 1 });
        Ok(conflicts.iter().map(take).collect())
    });
    (Fake { release, decide, ..Fake::default() }, active, swaps)
}

#[tokio::test]
async fn another_release_of_a_policy_decides_again() {
    let (fake, active, _) = releases();
    let house = House::with(fake).await;
    apply(&house, POLICY).await;
    disagree(&house, &codes(2)).await;
    assert_eq!(house.title("000").await, Some("erp".into()));
    *active.lock().unwrap() = "two".to_owned();
    house.fold_all().await;
    assert_eq!(house.title("000").await, Some("shop".into()));
    same_again(&house).await;
}

#[tokio::test]
async fn what_a_release_decided_that_was_replaced_meanwhile_is_decided_again() {
    let (fake, active, swaps) = releases();
    let house = House::with(fake).await;
    apply(&house, POLICY).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    house.saw(ERP, "a", "erp").await;
    house.saw(SHOP, "a", "shop").await;
    // The fold has its answers of the first release, and the second is active before it commits.
    swaps.store(true, Ordering::SeqCst);
    house.fold().await;
    assert_eq!(*active.lock().unwrap(), "two");
    assert_eq!(house.title("a").await, Some("erp".into()));
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("shop".into()));
    same_again(&house).await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_asked_is_asked_again_and_not_without_pause() {
    let (is_away, asked) = (Arc::new(AtomicBool::default()), Arc::new(AtomicU32::default()));
    let (away, counted) = (is_away.clone(), asked.clone());
    let decide = answers(move |conflicts: Vec<truthsource_host::model::Conflict>| {
        counted.fetch_add(1, Ordering::SeqCst);
        if away.load(Ordering::SeqCst) {
            return Err(CallError::Host { reason: "no room".to_owned() });
        }
        Ok(conflicts.iter().map(|_| Decision::Take(0)).collect())
    });
    let house = House::with(Fake { decide, ..Fake::default() }).await;
    disagree(&house, &codes(1)).await;
    is_away.store(true, Ordering::SeqCst);
    apply(&house, POLICY).await;
    assert_eq!(house.fold().await.handled, 0, "whoever folds may wait");
    assert_eq!(house.title("000").await, Some("shop".into()), "nothing is decided meanwhile");
    assert!(asked.load(Ordering::SeqCst) > 0);
    is_away.store(false, Ordering::SeqCst);
    house.fold_all().await;
    assert_eq!(house.title("000").await, Some("erp".into()));
}

#[tokio::test]
async fn p3_nothing_is_written_of_what_is_still_to_be_decided_again() {
    let house = House::with(Fake::default()).await;
    disagree(&house, &codes(1)).await;
    let keys = BTreeSet::from([item("000")]);
    let parties = Parties::load(&house.engine).await.unwrap();
    let unwritable = async |parties: &Parties| unwritable(&house.engine, parties, &keys).await.unwrap();
    assert_eq!(unwritable(&parties).await, Some(BTreeSet::new()));
    apply(&house, ERP_OWNS).await;
    assert_eq!(unwritable(&parties).await, None, "it was loaded before the rules changed");
    let parties = Parties::load(&house.engine).await.unwrap();
    assert_eq!(unwritable(&parties).await, Some(keys.clone()));
    house.fold_all().await;
    assert_eq!(unwritable(&parties).await, Some(BTreeSet::new()));
}

#[tokio::test]
async fn another_release_of_a_connector_has_its_system_told_anew() {
    let active = Arc::new(Mutex::new("one".to_owned()));
    let (named, asked) = (active.clone(), active.clone());
    let release = answers(move |slot: String| Ok((slot == "connector:fake").then(|| named.lock().unwrap().clone())));
    let project = answers(move |(_, mut records): (String, Vec<truthsource_core::Fields>)| {
        if *asked.lock().unwrap() == "two" {
            records.iter_mut().for_each(|it| drop(it.insert("title".to_owned(), Value::from("T"))));
        }
        Ok(records)
    });
    let house = House::with(Fake { release, project, ..Fake::default() }).await;
    disagree(&house, &codes(1)).await;
    let reviewed = async || {
        let rulings = house.store.rulings(&[item("000")].into()).await.unwrap();
        rulings.iter().filter(|it| it.ruling.reviewed).count()
    };
    *active.lock().unwrap() = "two".to_owned();
    house.fold_all().await;
    assert_eq!(reviewed().await, 0, "nothing is decided again for that");
    let state = house.store.states(&[item("000")].into()).await.unwrap().remove(&item("000")).unwrap();
    assert_eq!(state.shadows[&SHOP].want["title"], "T".into());
    same_again(&house).await;
}
