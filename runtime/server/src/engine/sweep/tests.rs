use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use truthsource_core::record::ConnectionId;
use truthsource_core::{Fields, Value};
use truthsource_host::model::{Page, State};

use super::*;
use crate::engine::deletions::{FEW, WINDOW_MS, believe, is_mass};
use crate::engine::fake::{ERP, Fake, House, READ_MAX, SHOP, answers, item};
use crate::engine::trust::DELETES_SWEEP_MS;
use crate::store::{About, Conflict, What};

/// What the swept system holds, how a listing of it comes out, and what was asked of it by id.
#[derive(Default)]
struct Outside {
    held: BTreeMap<String, Fields>,
    unlisted: Vec<String>,
    twice: Vec<String>,
    asked: Vec<Vec<String>>,
}

type Shared = Arc<Mutex<Outside>>;

pub(super) fn state(id: &str, fields: &Fields) -> Observed {
    let (remote_id, fields) = (id.to_owned(), fields.clone());
    Observed::Present(State {
        remote_id,
        fields,
        version: String::new(),
        changed_at: None,
        command_key: None,
        unmapped: None,
    })
}

fn bolt(code: &str) -> Fields {
    [("code", code.into()), ("title", "bolt".into())].map(|(name, it)| (name.to_owned(), it)).into()
}

/// A house whose ERP was read once and holds `n` items, and what its ERP holds now.
async fn house(n: usize) -> (House, Shared) {
    let outside = Shared::default();
    let (listed, read) = (outside.clone(), outside.clone());
    let pull = answers(move |pull: Pull| {
        let outside = listed.lock().unwrap();
        let shown = outside.held.iter().filter(|(id, _)| !outside.unlisted.contains(id));
        let again = outside.held.iter().filter(|(id, _)| outside.twice.contains(id));
        let (first, second) = (pull.cursor.is_none(), again.map(|(id, it)| state(id, it)).collect());
        let entries = if first { shown.map(|(id, it)| state(id, it)).collect() } else { second };
        Ok(Page {
            entries,
            unread: Vec::new(),
            cursor: if first { "2" } else { "end" }.to_owned(),
            more: first && !outside.twice.is_empty(),
        })
    });
    let read = answers(move |(ids, _): (Vec<String>, bool)| {
        let mut outside = read.lock().unwrap();
        outside.asked.push(ids.clone());
        let seen = |id: &String| match outside.held.get(id) {
            Some(fields) => state(id, fields),
            None => Observed::Absent(id.clone()),
        };
        Ok(ids.iter().map(seen).collect())
    });
    let house = House::with(Fake { pull, read, ..Fake::default() }).await;
    for n in 0..n {
        let code = format!("{n:03}");
        house.saw(ERP, &code, "bolt").await;
        outside.lock().unwrap().held.insert(code.clone(), bolt(&code));
    }
    house.fold_all().await;
    (house, outside)
}

pub(super) async fn sweep_of(house: &House, connection: ConnectionId, kind: Kind) -> Accuracy {
    house.commit([Change::Ask { connection, kind, work: Work::Sweep }]).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let connected = parties.connections[&connection].clone();
    let mut lane = Lane::take(&house.engine, connected.clone()).await.unwrap().unwrap();
    loop {
        lane.look(&house.engine).await.unwrap();
        if sweep(&house.engine, &parties, &mut lane).await.unwrap().handled == 0 {
            break;
        }
    }
    let figures = house.store.accuracy().await.unwrap();
    figures.into_iter().find(|it| it.connection == connected.name && it.kind == kind).unwrap()
}

pub(super) fn classes(figure: &Accuracy) -> Vec<(&str, u64)> {
    figure.mismatches.iter().map(|(class, n)| (class.as_str(), *n)).collect()
}

async fn is_deleted(house: &House, code: &str) -> bool {
    house.fold_all().await;
    house.store.states(&[item(code)].into()).await.unwrap()[&item(code)].truth.deleted_at.is_some()
}

#[tokio::test]
async fn what_agrees_is_counted() {
    let (house, _) = house(10).await;
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, figure.fields, classes(&figure)), (10, 20, vec![]));
}

#[tokio::test]
async fn p6_a_page_that_shifted_deletes_nothing() {
    let (house, outside) = house(300).await;
    outside.lock().unwrap().unlisted = ["003", "004", "005"].map(str::to_owned).into();
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, classes(&figure)), (297, vec![]));
    let asked = outside.lock().unwrap().asked.clone();
    assert_eq!(asked.concat(), ["003", "004", "005"]);
    assert!(asked.iter().all(|ids| ids.len() <= READ_MAX as usize), "{asked:?}");
    assert!(!is_deleted(&house, "004").await);
}

#[tokio::test]
async fn p6_what_is_gone_is_missing() {
    let (house, outside) = house(300).await;
    outside.lock().unwrap().held.remove("004");
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.fields, classes(&figure)), (600, vec![("missing", 2)]));
    assert!(is_deleted(&house, "004").await);
    assert!(!is_deleted(&house, "005").await);
}

#[tokio::test]
async fn p7_a_listing_that_is_suddenly_empty_is_held() {
    let (house, outside) = house(300).await;
    outside.lock().unwrap().held.clear();
    for _ in 0..3 {
        house.pass(1_000);
        sweep_of(&house, ERP, Kind::Item).await;
    }
    assert!(!is_deleted(&house, "004").await);
    assert!(outside.lock().unwrap().asked.is_empty());
    let open = house.store.conflicts(Some(true), None, 9).await.unwrap();
    assert_eq!(open.len(), 1, "a person is told once: {open:?}");
    assert!(open[0].reason.contains("300 of 300"), "{}", open[0].reason);

    // A person believes it: what is still missing is asked for, each by its id.
    outside.lock().unwrap().held.insert("007".to_owned(), bolt("007"));
    settle(&house).await;
    assert!(is_deleted(&house, "004").await);
    assert!(!is_deleted(&house, "007").await);
    house.pass(1_000);
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, classes(&figure)), (1, vec![]));
    assert_eq!(open_conflicts(&house).await.len(), 0, "what is gone is missed no more");
}

/// A person says that what is missing of the ERP's items is really gone.
async fn settle(house: &House) {
    house.pass(1_000);
    house.commit(believe(ERP, Kind::Item, house.engine.now())).await;
    let (outcome, reason) = (Value::Null, "ann".to_owned());
    let (kind, key, about) = (Kind::Item, None, About::Mass);
    house.commit([Change::ConflictClosed { kind, key, about, outcome, reason }]).await;
    house.pass(1);
    sweep_of(house, ERP, Kind::Item).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    while crate::engine::fetch::fetch(&house.engine, &parties, &mut lane).await.unwrap().handled > 0 {
        house.fold_all().await;
    }
}

async fn open_conflicts(house: &House) -> Vec<Conflict> {
    house.store.conflicts(Some(true), None, 9).await.unwrap()
}

/// The ERP tells of each deletion by itself.
async fn told_of(house: &House, outside: &Shared, gone: impl IntoIterator<Item = u32>) {
    for code in gone.into_iter().map(|n| format!("{n:03}")) {
        outside.lock().unwrap().held.remove(&code);
        house.gone(ERP, Kind::Item, &code).await;
        house.fold_all().await;
    }
}

async fn deleted(house: &House) -> usize {
    let mut deleted = 0;
    for n in 0..300 {
        deleted += usize::from(is_deleted(house, &format!("{n:03}")).await);
    }
    deleted
}

/// Somebody takes the right away to see a column: nobody is told that it is empty, and a person hears of it once.
#[tokio::test]
async fn p9_a_field_that_vanishes_is_unverifiable_and_asked_about_until_it_is_back() {
    let (house, outside) = house(20).await;
    let lose = |n: usize, field: &str| {
        outside.lock().unwrap().held.values_mut().take(n).for_each(|it| drop(it.remove(field)));
    };
    // A few may have reasons of their own.
    lose(2, "title");
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.fields, classes(&figure)), (38, vec![("unverifiable", 2)]));
    assert_eq!(figure.by_field["title"]["unverifiable"], 2);
    assert_eq!(open_conflicts(&house).await, []);

    lose(20, "title");
    for _ in 0..2 {
        house.pass(1_000);
        let figure = sweep_of(&house, ERP, Kind::Item).await;
        assert_eq!((figure.fields, classes(&figure)), (20, vec![("unverifiable", 20)]));
    }
    house.fold_all().await;
    let [asked] = &open_conflicts(&house).await[..] else { panic!("a person is asked once") };
    assert_eq!(asked.about, About::Lost { connection: ERP, field: "title".to_owned() });
    let known = house.store.states(&[item("004")].into()).await.unwrap();
    assert_eq!(known[&item("004")].truth.values()["title"], "bolt".into(), "nobody said that it is empty");

    outside.lock().unwrap().held.insert("004".to_owned(), bolt("004"));
    house.pass(1_000);
    sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!(open_conflicts(&house).await, []);
}

#[tokio::test]
async fn p7_deletions_that_are_told_of_one_by_one_are_a_mass_too() {
    let (house, outside) = house(300).await;
    told_of(&house, &outside, 0..10).await;
    assert_eq!(deleted(&house).await, FEW as usize - 1);
    let open = open_conflicts(&house).await;
    assert_eq!(open.len(), 1, "a person is told once: {open:?}");
    assert!(is_mass(&open[0]) && open[0].reason.contains("4 of 300"), "{}", open[0].reason);

    // Nothing passes by waiting, and no sweep takes what is held for a few that are missing.
    house.pass(WINDOW_MS);
    told_of(&house, &outside, 10..12).await;
    sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((deleted(&house).await, open_conflicts(&house).await.len()), (FEW as usize - 1, 1));

    settle(&house).await;
    assert_eq!((deleted(&house).await, open_conflicts(&house).await.len()), (12, 0));
}

#[tokio::test]
async fn a_few_deletions_now_and_then_are_no_mass() {
    let (house, outside) = house(300).await;
    for few in [0..4, 4..8, 8..12] {
        told_of(&house, &outside, few).await;
        house.pass(WINDOW_MS + 1);
    }
    assert_eq!((deleted(&house).await, open_conflicts(&house).await.len()), (12, 0));
}

#[tokio::test]
async fn what_differs_is_wrong_once_it_has_had_its_time() {
    let (house, outside) = house(3).await;
    outside.lock().unwrap().held.get_mut("001").unwrap().insert("title".to_owned(), "nut".into());
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!(classes(&figure), [("wrong", 1)]);
    let told = house.store.timeline(&item("001"), 0, 99).await.unwrap();
    let diverged =
        told.iter().find_map(|it| if let What::Diverged { fields, .. } = &it.what { Some(fields) } else { None });
    let pair: (Option<Value>, Option<Value>) = (Some("bolt".into()), Some("nut".into()));
    assert_eq!(diverged, Some(&BTreeMap::from([("title".to_owned(), pair)])));
}

#[tokio::test]
async fn what_was_never_created_is_missing_once_it_has_had_its_time() {
    let (house, outside) = house(3).await;
    outside.lock().unwrap().held.clear();
    let figure = sweep_of(&house, SHOP, Kind::Item).await;
    assert_eq!((figure.records, figure.fields, classes(&figure)), (0, 6, vec![("stale", 6)]));
    house.pass(SLO_MS);
    let figure = sweep_of(&house, SHOP, Kind::Item).await;
    assert_eq!(classes(&figure), [("missing", 6)]);
}

#[tokio::test]
async fn what_was_never_matched_cannot_be_verified() {
    let (house, outside) = house(1).await;
    outside.lock().unwrap().held.insert("777".to_owned(), [("title".to_owned(), "washer".into())].into());
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, figure.fields, classes(&figure)), (2, 2, vec![("unverifiable", 1)]));
}

#[tokio::test]
async fn references_are_compared_too() {
    let (house, outside) = house(2).await;
    let price = |item: &str| [("item", Value::from(item)), ("list", "retail".into()), ("amount", "9.50".into())];
    house.read(ERP, Kind::Price, "p1", &price("000")).await;
    house.fold_all().await;
    let fields = |item: &str| Fields::from(price(item).map(|(name, it)| (name.to_owned(), it)));
    outside.lock().unwrap().held = [("p1".to_owned(), fields("000"))].into();
    assert_eq!(classes(&sweep_of(&house, ERP, Kind::Price).await), []);
    house.pass(1_000);
    outside.lock().unwrap().held = [("p1".to_owned(), fields("001"))].into();
    assert_eq!(classes(&sweep_of(&house, ERP, Kind::Price).await), [("wrong", 1)]);
}

/// A listing that cannot be read is tried again after a while, and keeps no other kind from being swept.
#[tokio::test]
async fn a_sweep_that_cannot_go_on_waits_and_lets_others_pass() {
    let asked: Arc<Mutex<Vec<Kind>>> = Arc::default();
    let noted = asked.clone();
    let pull = answers(move |pull: Pull| {
        noted.lock().unwrap().push(pull.kind);
        match pull.kind {
            Kind::Item => Err(CallError::StackOverflow),
            _ => Ok(Page { entries: Vec::new(), unread: Vec::new(), cursor: "end".to_owned(), more: false }),
        }
    });
    let house = House::with(Fake { pull, ..Fake::default() }).await;
    let ask = |kind| Change::Ask { connection: ERP, kind, work: Work::Sweep };
    house.commit([ask(Kind::Item), ask(Kind::Price)]).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    for _ in 0..5 {
        lane.look(&house.engine).await.unwrap();
        sweep(&house.engine, &parties, &mut lane).await.unwrap();
    }
    assert_eq!(*asked.lock().unwrap(), [Kind::Item, Kind::Price]);
    house.pass(house.engine.pace.retry.cap_ms);
    lane.look(&house.engine).await.unwrap();
    sweep(&house.engine, &parties, &mut lane).await.unwrap();
    assert_eq!(asked.lock().unwrap().last(), Some(&Kind::Item), "it is tried again");
}

#[tokio::test]
async fn a_listing_that_stands_still_is_not_asked_for_without_end() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let pull = answers(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Page { entries: Vec::new(), unread: Vec::new(), cursor: "here".to_owned(), more: true })
    });
    let house = House::with(Fake { pull, ..Fake::default() }).await;
    house.commit([Change::Ask { connection: ERP, kind: Kind::Item, work: Work::Sweep }]).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    for _ in 0..9 {
        lane.look(&house.engine).await.unwrap();
        sweep(&house.engine, &parties, &mut lane).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn p6_a_record_that_is_listed_twice_counts_once() {
    let (house, outside) = house(10).await;
    outside.lock().unwrap().twice = ["003", "004", "003"].map(str::to_owned).into();
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, figure.fields, classes(&figure)), (10, 20, vec![]));
}

/// A kind that is compared once a day is compared sooner where its deletions may never show, and never in turn where that
/// was switched off.
#[test]
fn what_may_never_show_is_compared_more_often() {
    let check = |every_ms: u64, care: Care, expect: u64| {
        let spec = ConnectionSpec { sweep_every_ms: every_ms, ..crate::engine::fake::spec() };
        assert_eq!(super::every_ms(&spec, care), expect);
    };
    let day = 86_400_000;
    let seldom = Care { sweep_every_ms: Some(DELETES_SWEEP_MS), ..Care::NONE };
    check(day, Care::NONE, day);
    check(day, seldom, DELETES_SWEEP_MS);
    check(60_000, seldom, 60_000);
    check(0, seldom, 0);
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_adds_nothing_but_its_figure() {
    let (house, _) = house(300).await;
    sweep_of(&house, ERP, Kind::Item).await;
    house.fold_all().await;
    let before = house.sizes().await;
    house.pass(1_000);
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!((figure.records, figure.news, figure.drifted), (300, 0, 0));
    let mut after = house.sizes().await;
    *after.get_mut("accuracy").unwrap() -= 1;
    assert_eq!(before, after);
}

/// What a person changed where nobody was told, by class and field, and what it was to be.
#[tokio::test]
async fn drift_is_told_by_record_class_and_field() {
    let (house, outside) = house(300).await;
    {
        let mut outside = outside.lock().unwrap();
        outside.held.get_mut("001").unwrap().insert("title".to_owned(), "nut".into());
        outside.held.get_mut("002").unwrap().insert("title".to_owned(), "nut".into());
        outside.held.remove("004");
        outside.held.insert("777".to_owned(), [("title".to_owned(), "washer".into())].into());
    }
    let figure = sweep_of(&house, ERP, Kind::Item).await;
    assert_eq!(classes(&figure), [("missing", 2), ("unverifiable", 1), ("wrong", 2)]);
    let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect();
    let by_field: BTreeMap<String, BTreeMap<String, u64>> = [
        ("code".to_owned(), counts(&[("missing", 1)])),
        ("title".to_owned(), counts(&[("missing", 1), ("unverifiable", 1), ("wrong", 2)])),
    ]
    .into();
    assert_eq!((figure.by_field, figure.drifted, figure.pages), (by_field, 4, 1));
    let drift = house.store.drift(("erp", Kind::Item, figure.sweep), 0, 9).await.unwrap();
    let seen: Vec<_> = drift.iter().map(|it| (it.remote_id.as_str(), it.key.as_deref(), it.class.as_str())).collect();
    let expect = [
        ("001", Some("001"), "wrong"),
        ("002", Some("002"), "wrong"),
        ("777", None, "unverifiable"),
        ("004", Some("004"), "missing"),
    ];
    assert_eq!(seen, expect);
    assert_eq!(drift[0].fields["title"], (Some("bolt".into()), Some("nut".into())));
}
