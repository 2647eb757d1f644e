use truthsource_core::Kind;
use truthsource_core::record::{Entry, Settlement};
use truthsource_host::model::{Decision, Outcome, State, Verdict, Write};

use super::*;
use crate::engine::connections::Parties;
use crate::engine::deliver::deliver;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::engine::lane::Lane;

/// A house in which much was decided: by a policy, by a validator, by a person, and by writing.
async fn busy() -> House {
    let push = answers(|writes: Vec<Write>| {
        let state = |it: Write| State {
            remote_id: it.remote_id.unwrap_or_else(|| it.command_key.clone()),
            fields: it.want,
            version: "2".to_owned(),
            changed_at: None,
            command_key: None,
            unmapped: None,
        };
        Ok(writes.into_iter().map(|it| Outcome::Applied(state(it))).collect())
    });
    let decide = answers(|conflicts: Vec<truthsource_host::model::Conflict>| {
        let hold =
            |key: &str| if key == "held" { Decision::Hold("ask".to_owned()) } else { Decision::Merge("both".into()) };
        Ok(conflicts.iter().map(|it| hold(&it.key)).collect())
    });
    let validate = answers(|records: Vec<truthsource_core::Fields>| {
        let is_bad = |it: &truthsource_core::Fields| it.get("title") == Some(&"bad".into());
        let verdict = |it| if is_bad(it) { Verdict::Bad("no".to_owned()) } else { Verdict::Good };
        Ok(Some(records.iter().map(verdict).collect()))
    });
    let house = House::with(Fake { push, decide, validate, ..Fake::default() }).await.titles_have_a_policy().await;
    for kind in [Kind::Item, Kind::Price] {
        house.listed(SHOP, kind).await;
    }
    for (code, erp, shop) in [("a", "bolt", "bolt"), ("held", "bolt", "nut"), ("c", "bolt", "nut"), ("d", "bad", "nut")]
    {
        house.saw(ERP, code, erp).await;
        house.fold_all().await;
        house.saw(SHOP, code, shop).await;
        house.fold_all().await;
        house.saw(ERP, code, "screw").await;
        house.saw(SHOP, code, "washer").await;
        house.fold_all().await;
    }
    house.saw(ERP, "new", "bolt").await;
    house.gone(SHOP, Kind::Item, "c").await;
    house.fold_all().await;
    let settle = |key: &str, what| {
        let entry = Entry::Settled { what, by: "ann".to_owned() };
        Change::Append { kind: Kind::Item, key: Some(key.to_owned()), entry }
    };
    let title = Settlement::Field { field: "title".to_owned(), value: "settled".into() };
    house.commit([settle("held", title), settle("c", Settlement::Recreated(SHOP))]).await;
    house.fold_all().await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    for _ in 0..3 {
        lane.look(&house.engine).await.unwrap();
        deliver(&house.engine, &parties, &mut lane).await.unwrap();
        house.fold_all().await;
    }
    house
}

#[tokio::test]
async fn what_was_folded_comes_out_the_same() {
    let house = busy().await;
    let seen = verify(&*house.store).await.unwrap();
    assert_eq!(seen.differences, []);
    assert_eq!(seen.stored_sha256, seen.rebuilt_sha256);
    assert!(seen.records == 6 && seen.rulings > 15 && seen.entries > 15, "{seen:?}");
    let remote = house.store.links_to(SHOP, Kind::Item, &["c".to_owned()].into()).await.unwrap();
    assert!(remote["c"].starts_with("ts-item"), "it was created anew: {remote:?}");
}

/// What a write created and no fold has taken in yet is linked all the same.
#[tokio::test]
async fn what_was_just_created_is_no_difference() {
    let house = busy().await;
    house.saw(ERP, "later", "bolt").await;
    house.fold_all().await;
    let parties = Parties::load(&house.engine).await.unwrap();
    house.pass(house.engine.pace.lease_ms);
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    lane.look(&house.engine).await.unwrap();
    deliver(&house.engine, &parties, &mut lane).await.unwrap();
    assert_eq!(verify(&*house.store).await.unwrap().differences, []);
}

#[tokio::test]
async fn s7_what_was_damaged_is_named_and_mended() {
    let house = busy().await;
    let key = item("a");
    let good = house.store.states(&[key.clone()].into()).await.unwrap()[&key].clone();
    let mut bad = good.clone();
    bad.truth.fields.get_mut("title").unwrap().value = "forged".into();
    bad.shadows.remove(&SHOP);
    let natural = Some("other".to_owned());
    let unlink = Change::Unlink { connection: ERP, key: key.clone() };
    house.commit([Change::Restate { key: key.clone(), state: Box::new(bad), natural }, unlink]).await;
    house.commit([Change::Link { connection: ERP, key: key.clone(), remote_id: "stray".to_owned() }]).await;

    let seen = verify(&*house.store).await.unwrap();
    assert_ne!(seen.stored_sha256, seen.rebuilt_sha256);
    assert!(seen.differences.iter().all(|it| it.key == key) && seen.differing == 1, "{seen:?}");
    let parts: Vec<&str> = seen.differences.iter().map(|it| it.part.as_str()).collect();
    assert_eq!(parts, ["truth", "natural key", "shadow at 2", "link at 1"]);
    assert!(seen.differences[0].stored.as_ref().is_some_and(|it| it.contains("forged")));

    let mended = mend(&*house.store, house.engine.now()).await.unwrap();
    assert_eq!((mended.differing, mended.written), (1, 1));
    assert_eq!(house.store.states(&[key.clone()].into()).await.unwrap()[&key], good);
    assert_eq!(verify(&*house.store).await.unwrap().differences, []);
}

#[tokio::test]
async fn what_is_owed_and_nobody_remembers_is_found() {
    let house = busy().await;
    house.saw(ERP, "lost", "bolt").await;
    house.fold_all().await;
    let debt = house.debt(SHOP, "lost").await.unwrap();
    house.commit([Change::Paid(debt)]).await;
    let seen = verify(&*house.store).await.unwrap();
    let parts: Vec<_> = seen.differences.iter().map(|it| (it.key.key.as_str(), it.part.as_str())).collect();
    assert_eq!(parts, [("lost", "owed to 2")]);
    mend(&*house.store, house.engine.now()).await.unwrap();
    house.fold_all().await;
    assert!(house.debt(SHOP, "lost").await.is_some());
    assert_eq!(verify(&*house.store).await.unwrap().differences, []);
}

/// A record as nobody decided it, with a link that is another's.
async fn damaged(house: &House) -> RecordKey {
    let key = item("a");
    let mut bad = house.store.states(&[key.clone()].into()).await.unwrap()[&key].clone();
    bad.truth.fields.get_mut("title").unwrap().value = "forged".into();
    let (unlink, natural) = (Change::Unlink { connection: ERP, key: key.clone() }, Some("other".to_owned()));
    house.commit([Change::Restate { key: key.clone(), state: Box::new(bad), natural }, unlink]).await;
    house.commit([Change::Link { connection: ERP, key: key.clone(), remote_id: "stray".to_owned() }]).await;
    key
}

/// Looking changes nothing, so that it may end anywhere; and what was mended by half is mended by the next.
#[tokio::test]
async fn c11_a_check_of_the_books_may_be_broken_off_anywhere() {
    let house = busy().await;
    let good = verify(&*house.store).await.unwrap();
    let key = damaged(&house).await;
    let (before, bad) = (house.sizes().await, verify(&*house.store).await.unwrap());
    assert_eq!((verify(&*house.store).await.unwrap(), house.sizes().await), (bad.clone(), before));
    // The node dies between the two passes.
    walk(&*house.store, Some((house.engine.now(), Pass::Unlink))).await.unwrap();
    let half = verify(&*house.store).await.unwrap();
    assert!(half.differing == 1 && half != bad, "{half:?}");
    mend(&*house.store, house.engine.now()).await.unwrap();
    let whole = verify(&*house.store).await.unwrap();
    assert_eq!((whole.differences, whole.stored_sha256), (vec![], good.stored_sha256));
    assert_eq!(house.store.links_to(ERP, Kind::Item, &[key.key].into()).await.unwrap()["a"], "a");
}
