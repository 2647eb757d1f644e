use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use truthsource_core::Value;
use truthsource_core::record::{KeyState, RecordKey, State};
use truthsource_host::CallError;

use super::*;
use crate::engine::fake::{ERP, Fake, House, answers, item};

const LAG_MS: u32 = 5_000;

/// A house whose ERP searches lag; what was asked of it by id is counted: plainly, and for certain.
struct Lagging {
    house: House,
    asked: Arc<[AtomicU32; 2]>,
}

impl Lagging {
    /// `held` is what the ERP's records hold by now; its searches still show what `searched` says.
    async fn house(certain_max: u32, searched: Observed, held: Observed) -> Self {
        let asked = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let (counted, shown) = (asked.clone(), Arc::new(Mutex::new((searched, held))));
        let read = answers(move |(ids, certain): (Vec<String>, bool)| {
            counted[usize::from(certain)].fetch_add(1, Ordering::Relaxed);
            assert_eq!(ids, ["7"]);
            let (searched, held) = shown.lock().unwrap().clone();
            Ok(vec![if certain { held } else { searched }])
        });
        Self { house: House::with(Fake { read, lag_ms: LAG_MS, certain_max, ..Fake::default() }).await, asked }
    }

    /// A webhook names the record, which is read and folded until nothing is to be done at once.
    async fn told(&self) {
        let (connection, kind) = (ERP, Kind::Item);
        self.house.commit([Change::Touch { connection, kind, remote_id: "7".to_owned(), cause: Cause::Webhook }]).await;
        self.settle().await;
    }

    async fn settle(&self) {
        let parties = Parties::load(&self.house.engine).await.unwrap();
        let mut lane = Lane::take(&self.house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
        while fetch(&self.house.engine, &parties, &mut lane).await.unwrap().handled > 0 {
            self.house.fold_all().await;
        }
    }

    async fn state(&self) -> KeyState {
        let key: RecordKey = item("bolt");
        self.house.store.states(&[key.clone()].into()).await.unwrap().remove(&key).unwrap_or_default()
    }

    fn asked(&self) -> (u32, u32) {
        (self.asked[0].load(Ordering::Relaxed), self.asked[1].load(Ordering::Relaxed))
    }
}

fn present(title: &str) -> Observed {
    let fields = [("code", "bolt".into()), ("title", title.into())];
    let fields = fields.map(|(name, it): (&str, Value)| (name.to_owned(), it)).into();
    let remote_id = "7".to_owned();
    Observed::Present(State { remote_id, fields, ..State::default() })
}

fn absent() -> Observed {
    Observed::Absent("7".to_owned())
}

/// The item was read just now, and a search does not show it yet.
async fn heard_of(searched: Observed, held: Observed, certain_max: u32) -> Lagging {
    let it = Lagging::house(certain_max, searched, held).await;
    let title = [("code", "bolt".into()), ("title", "M8".into())];
    it.house.read(ERP, Kind::Item, "7", &title).await;
    it.house.fold_all().await;
    it.house.pass(100);
    it
}

#[tokio::test]
async fn p4_what_a_search_does_not_show_is_asked_for_certain() {
    let it = heard_of(absent(), present("M8"), 10).await;
    it.told().await;
    assert_eq!((it.state().await.truth.deleted_at, it.asked()), (None, (1, 1)));
}

#[tokio::test]
async fn what_is_certainly_gone_is_gone_at_once() {
    let it = heard_of(absent(), absent(), 10).await;
    it.told().await;
    assert_eq!((it.state().await.truth.deleted_at, it.asked()), (Some(ERP), (1, 1)));
}

#[tokio::test]
async fn where_nothing_is_certain_the_lag_passes_first() {
    let it = heard_of(absent(), absent(), 0).await;
    it.told().await;
    while it.house.engine.now() < UnixMs(1_000 + u64::from(LAG_MS)) {
        assert_eq!(it.state().await.truth.deleted_at, None, "at {}", it.house.engine.now().0);
        it.house.pass(500);
        it.settle().await;
    }
    assert_eq!(it.state().await.truth.deleted_at, Some(ERP));
    assert!(it.asked().0 < 10, "{:?}", it.asked());
}

#[tokio::test]
async fn a_person_who_changes_back_what_we_just_wrote_is_heard_at_once() {
    let it = heard_of(present("M8"), present("M8"), 10).await;
    let now = it.house.engine.now();
    let fields = |title: &str| [("title".to_owned(), Value::from(title))].into();
    let (remote_id, version) = ("7".to_owned(), String::new());
    let state = State { remote_id, fields: fields("M9"), version, changed_at: None, command_key: None, unmapped: None };
    let (connection, sent) = (ERP, fields("M9"));
    let entry =
        Entry::Wrote { connection, as_of: 100, sent, truth_version: 1, of: Fields::new(), sent_at: Some(now), state };
    it.house.commit([Change::Append { kind: Kind::Item, key: Some("bolt".to_owned()), entry }]).await;
    it.house.fold_all().await;
    it.told().await;
    assert_eq!((it.house.title("bolt").await, it.asked()), (Some("M8".into()), (1, 1)));
}

/// Of eight records one makes its connector fail: the others are read all the same, and it is tried later.
#[tokio::test]
async fn g18_one_record_that_cannot_be_read_keeps_no_other_waiting() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let read = answers(move |(ids, _): (Vec<String>, bool)| {
        counted.fetch_add(1, Ordering::Relaxed);
        if ids.iter().any(|it| it == "5") {
            return Err(CallError::StackOverflow);
        }
        Ok(ids.into_iter().map(Observed::Absent).collect())
    });
    let house = House::with(Fake { read, ..Fake::default() }).await;
    let touch = |n| Change::Touch { connection: ERP, kind: Kind::Item, remote_id: n, cause: Cause::Webhook };
    house.commit((0..8).map(|n| touch(n.to_string()))).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    fetch(&house.engine, &parties, &mut lane).await.unwrap();
    let left = house.store.touched(ERP, UnixMs(u64::MAX >> 1), 10).await.unwrap();
    assert_eq!(left.iter().map(|it| (it.remote_id.as_str(), it.attempts)).collect::<Vec<_>>(), [("5", 1)]);
    assert!(house.store.touched(ERP, house.engine.now(), 10).await.unwrap().is_empty(), "it waits");
    assert!(calls.load(Ordering::Relaxed) <= 3 * 4, "it is found by halving");
}

/// A record whose reading never ends is tried later, too: the lane would ask for nothing else.
#[tokio::test]
async fn a_reading_that_ran_out_of_time_waits_its_turn() {
    let read = answers(|_| Err(CallError::TimedOut { wall_ms_max: 60_000 }));
    let house = House::with(Fake { read, ..Fake::default() }).await;
    let (connection, kind, cause) = (ERP, Kind::Item, Cause::Webhook);
    house.commit([Change::Touch { connection, kind, remote_id: "7".to_owned(), cause }]).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    fetch(&house.engine, &parties, &mut lane).await.unwrap();
    assert!(house.store.touched(ERP, house.engine.now(), 10).await.unwrap().is_empty());
}

/// A system may tell of a deletion for as long as its hour is there twice.
#[tokio::test]
async fn what_nobody_knows_is_no_news_when_it_is_gone() {
    let house = House::with(Fake::default()).await;
    house.saw(ERP, "a", "bolt").await;
    house.fold_all().await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
    for (id, expect) in [("a", 1), ("nobody", 0)] {
        let (gone, mut batch) = ([Observed::Absent(id.to_owned())], lane.batch(&house.engine));
        let news = log_news(&house.engine, &lane, (Kind::Item, 9), &gone, &|_| Cause::Poll, &mut batch).await.unwrap();
        assert_eq!(news, expect, "{id}");
    }
}
