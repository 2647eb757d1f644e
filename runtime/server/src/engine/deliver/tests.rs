use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use truthsource_core::Value;
use truthsource_core::record::{Cause, Entry, State};
use truthsource_host::Misfit;
use truthsource_host::model::{Effect, Observed};

use super::*;
use crate::engine::conclude::ACCEPTED_MAX;
use crate::engine::fake::{Answer, ERP, Fake, House, SHOP, answers};
use crate::engine::fold::fold;

/// A house whose shop is owed a title, and what was pushed to it.
async fn owing(outcome: impl Fn() -> Answer<Outcome> + Send + 'static) -> (House, Arc<Mutex<Vec<Write>>>) {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes.clone());
        writes.iter().map(|_| outcome()).collect()
    });
    let house = House::with(Fake { push, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    (house, pushed)
}

/// One turn of the shop's lane; whether it may be asked for more at once.
async fn delivered(house: &House) -> bool {
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    lane.look(&house.engine).await.unwrap();
    deliver(&house.engine, &parties, &mut lane).await.unwrap();
    lane.is_open(&house.engine)
}

#[tokio::test]
async fn p2_a_write_that_is_put_off_has_not_failed_and_waits_an_hour_at_the_most() {
    let (house, pushed) = owing(|| Ok(Outcome::Retry(Some(u32::MAX), "slow down".to_owned()))).await;
    assert!(!delivered(&house).await, "the lane asks on");
    let debt = house.debt(SHOP, "a").await.unwrap();
    let hour = house.engine.pace.retry.asked_ms_max;
    assert_eq!((debt.state, debt.attempts, debt.intent), (DebtState::Due, 0, None));
    assert_eq!(debt.due_at, house.engine.now().plus(hour));
    house.pass(hour - 1);
    delivered(&house).await;
    assert_eq!(pushed.lock().unwrap().len(), 1);
    house.pass(1);
    delivered(&house).await;
    assert_eq!(pushed.lock().unwrap().len(), 2);
}

/// It may have been carried out: it stays open, is sent again as the same write, and says since when.
#[tokio::test]
async fn p1_g13_a_write_whose_answer_makes_no_sense_stays_open() {
    let (house, pushed) = owing(|| Err(CallError::BadOutput(Misfit::new("answers", "2 for 1 questions")))).await;
    let began = house.engine.now();
    delivered(&house).await;
    let debt = house.debt(SHOP, "a").await.unwrap();
    assert_eq!((debt.state, debt.attempts, debt.intent.is_some()), (DebtState::Due, 1, true));
    assert!(debt.last_error.unwrap().contains("2 for 1 questions"));
    house.pass(house.engine.pace.retry.cap_ms);
    delivered(&house).await;
    let pushed = pushed.lock().unwrap();
    let [first, again] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!((first.first_sent, again.first_sent), (None, Some(began)));
    assert_eq!(again, &Write { first_sent: Some(began), ..first.clone() });
}

fn titled(title: &str) -> State {
    let fields = [("code", "a".into()), ("title", title.into())];
    let fields = fields.map(|(name, it): (&str, Value)| (name.to_owned(), it)).into();
    State { remote_id: "a".to_owned(), fields, ..State::default() }
}

/// Success may mean accepted, and no more: the same write is sent again, until it is there or a person has to look.
#[tokio::test]
async fn p1_a_write_that_was_accepted_and_reads_as_before_stays_open() {
    let accepted = Arc::new(Mutex::new(0));
    for (applied_at, state) in [(Some(3), DebtState::Settling), (None, DebtState::Parked)] {
        *accepted.lock().unwrap() = 0;
        let counted = accepted.clone();
        let (house, pushed) = owing(move || {
            let mut n = counted.lock().unwrap();
            *n += 1;
            Ok(Outcome::Applied(titled(if Some(*n) == applied_at { "bolt" } else { "screw" })))
        })
        .await;
        let last = applied_at.unwrap_or(ACCEPTED_MAX + 1);
        for n in 1..last {
            delivered(&house).await;
            let debt = house.debt(SHOP, "a").await.unwrap();
            assert_eq!((debt.state, debt.attempts, debt.intent.is_some()), (DebtState::Due, n, true));
            assert_eq!(debt.last_error.unwrap(), "the system said it was done, and `title` is as it was");
            house.pass(house.engine.pace.retry.cap_ms);
        }
        delivered(&house).await;
        let debt = house.debt(SHOP, "a").await.unwrap();
        assert_eq!((debt.state, debt.intent), (state, None));
        let ops: BTreeSet<String> = pushed.lock().unwrap().iter().map(|it| it.op_id.clone()).collect();
        assert_eq!((ops.len(), pushed.lock().unwrap().len()), (1, last as usize));
        house.fold_all().await;
        assert_eq!(house.title("a").await, Some("bolt".into()));
    }
}

/// What a system says before it is decided on what was written there would be somebody's move.
#[tokio::test]
async fn p5_what_was_written_is_taken_in_before_anything_else_is() {
    let (mut house, pushed) = owing(|| Ok(Outcome::Applied(titled("bolt")))).await;
    house.saw(ERP, "a", "nut").await;
    delivered(&house).await;
    // One entry at a time: the ERP's comes first.
    house.engine.pace.fold_max = 1;
    let parties = Parties::load(&house.engine).await.unwrap();
    let state = async || house.debt(SHOP, "a").await.unwrap().state;
    fold(&house.engine, &parties).await.unwrap();
    assert_eq!((house.title("a").await, state().await), (Some("nut".into()), DebtState::Settling));
    delivered(&house).await;
    assert_eq!(pushed.lock().unwrap().len(), 1);
    fold(&house.engine, &parties).await.unwrap();
    assert_eq!(state().await, DebtState::Due);
    delivered(&house).await;
    assert_eq!(pushed.lock().unwrap()[1].base["title"], "bolt".into());
}

#[tokio::test]
async fn p3_a_call_that_was_refused_unread_has_not_failed() {
    let (house, pushed) = owing(|| Err(CallError::Refused(model::Fault::Unavailable("HTTP 503".to_owned())))).await;
    assert!(!delivered(&house).await);
    let debt = house.debt(SHOP, "a").await.unwrap();
    assert_eq!((debt.state, debt.attempts, debt.intent), (DebtState::Due, 0, None));
    assert_eq!(pushed.lock().unwrap().len(), 1);
}

/// Two records of the shop have one code, and a price there is of the second, which nobody can match: what is read of
/// it waits, and keeps nothing else from being created.
#[tokio::test]
async fn what_refers_to_a_record_in_doubt_holds_up_no_creation() {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes.clone());
        Ok(writes.iter().map(|_| Outcome::Retry(None, "noted".to_owned())).collect())
    });
    let house = House::with(Fake { push, ..Fake::default() }).await;
    let price = |item: &str| [("item", item.into()), ("list", "base".into()), ("amount", "9.50".into())];
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    let twin = [("code", "a".into()), ("title", "bolt".into())];
    house.read(SHOP, Kind::Item, "twin", &twin).await;
    house.read(SHOP, Kind::Price, "p-twin", &price("twin")).await;
    house.read(ERP, Kind::Price, "p-a", &price("a")).await;
    house.listed(SHOP, Kind::Price).await;
    house.fold_all().await;
    house.pass(1_000);
    delivered(&house).await;
    let kinds: Vec<Kind> = pushed.lock().unwrap().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Kind::Price]);
}

/// The truth moves between a creation and the fold that takes it in: what is there is changed then, and not made again,
/// which would give back what was made first.
#[tokio::test]
async fn p7_what_was_just_created_is_not_created_once_more() {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes.clone());
        let done = |it: &Write| {
            let state = State { remote_id: "a-there".to_owned(), fields: it.want.clone(), ..State::default() };
            Outcome::Applied(state)
        };
        Ok(writes.iter().map(done).collect())
    });
    let mut house = House::with(Fake { push, ..Fake::default() }).await;
    house.listed(SHOP, Kind::Item).await;
    house.saw(ERP, "a", "bolt").await;
    house.fold_all().await;
    house.saw(ERP, "a", "nut").await;
    delivered(&house).await;
    house.engine.pace.fold_max = 1;
    house.fold().await;
    assert_eq!(house.title("a").await, Some("nut".into()));
    house.pass(1_000);
    delivered(&house).await;
    assert_eq!(pushed.lock().unwrap().len(), 1);
    house.fold_all().await;
    house.pass(1_000);
    delivered(&house).await;
    let pushed = pushed.lock().unwrap();
    let [made, changed] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!((made.remote_id.as_deref(), changed.remote_id.as_deref()), (None, Some("a-there")));
    assert_eq!(changed.want["title"], Value::from("nut"));
}

/// A system that lags may say that it changed before we wrote to it. What it says later of before that is no news.
#[tokio::test]
async fn p4_a_write_whose_answer_was_lost_was_sent_no_earlier_than_it_was_begun() {
    let push = answers(|_| Ok(vec![Outcome::Unknown("written, and not read back".to_owned())]));
    let long_ago = Some(UnixMs(1));
    let read = answers(move |_| {
        let fields = [("code".to_owned(), "a".into()), ("title".to_owned(), "bolt".into())].into();
        let state = State { remote_id: "a".to_owned(), fields, changed_at: long_ago, ..State::default() };
        Ok(vec![Observed::Present(state)])
    });
    let house = House::with(Fake { push, read, effect: Effect::Verify, lag_ms: 30_000, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    house.pass(5_000);
    let began = house.engine.now();
    delivered(&house).await;
    house.pass(house.engine.pace.retry.cap_ms);
    delivered(&house).await;
    let logged = house.store.unfolded(9).await.unwrap();
    let sent: Vec<_> = logged.iter().filter_map(|it| wrote_at(&it.entry)).collect();
    assert_eq!(sent, [Some(began)]);
}

/// The write was carried out and its answer was lost; then the truth moved on, and somebody changed another field there.
/// What the system has of ours is nobody's word.
#[tokio::test]
async fn p7_what_a_lost_write_left_there_is_not_somebodys_change() {
    let found: Arc<Mutex<Option<State>>> = Arc::default();
    let there = found.clone();
    let push = answers(move |_| {
        let outcome = there.lock().unwrap().clone().map(|it| Outcome::Stale(Observed::Present(it)));
        Ok(vec![outcome.unwrap_or_else(|| Outcome::Unknown("no answer".to_owned()))])
    });
    let house = House::with(Fake { push, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    delivered(&house).await;
    house.pass(1_000);
    house.saw(ERP, "a", "nut").await;
    house.fold_all().await;
    house.pass(house.engine.pace.retry.cap_ms);
    let fields = [("code", "a"), ("title", "bolt"), ("barcode", "4711")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.into())).into();
    let changed_at = Some(house.engine.now());
    *found.lock().unwrap() = Some(State { remote_id: "a".to_owned(), fields, changed_at, ..State::default() });
    delivered(&house).await;
    house.fold_all().await;
    let key = RecordKey::new(Kind::Item, "a");
    let state = house.store.states(&[key.clone()].into()).await.unwrap().remove(&key).unwrap();
    let truth = state.truth.values();
    assert_eq!((&truth["title"], &truth["barcode"]), (&"nut".into(), &"4711".into()));
    let shop = &state.shadows[&SHOP];
    assert_eq!((&shop.values()["title"], &shop.want["title"]), (&"bolt".into(), &"nut".into()));
    assert_eq!(house.debt(SHOP, "a").await.unwrap().state, DebtState::Due);
}

fn wrote_at(entry: &Entry) -> Option<Option<UnixMs>> {
    if let Entry::Wrote { sent_at, .. } = entry { Some(*sent_at) } else { None }
}

/// While the answer to a creation is not known somebody makes the record by hand. Where the system has nothing of ours,
/// nothing is created once more; where it has, a person says which of the two it is.
#[tokio::test]
async fn p1_what_was_made_by_hand_meanwhile_is_not_created_once_more() {
    for is_made in [false, true] {
        let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
        let noted = pushed.clone();
        let push = answers(move |writes: Vec<Write>| {
            noted.lock().unwrap().extend(writes.clone());
            Ok(writes.iter().map(|_| Outcome::Unknown("HTTP 500".to_owned())).collect())
        });
        let ours = State { remote_id: "ours".to_owned(), ..State::default() };
        let find = answers(move |_| Ok(is_made.then(|| ours.clone())));
        let house = House::with(Fake { push, find, ..Fake::default() }).await;
        house.listed(SHOP, Kind::Item).await;
        house.saw(ERP, "a", "bolt").await;
        house.fold_all().await;
        delivered(&house).await;
        assert!(house.debt(SHOP, "a").await.unwrap().intent.is_some());
        let by_hand = [("code", "A".into()), ("title", "bolt".into())];
        house.read(SHOP, Kind::Item, "by-hand", &by_hand).await;
        house.fold_all().await;
        house.pass(house.engine.pace.retry.cap_ms);
        delivered(&house).await;
        house.fold_all().await;
        assert_eq!(pushed.lock().unwrap().len(), 1);
        assert!(house.debt(SHOP, "a").await.is_none_or(|it| it.intent.is_none()));
        let asked = house.store.conflicts(Some(true), None, 9).await.unwrap();
        let asked: Vec<_> = asked.into_iter().map(|it| it.about).collect();
        let about = crate::store::About::Unlinked { connection: SHOP, remote_id: "ours".to_owned() };
        assert_eq!(asked, if is_made { vec![about] } else { vec![] });
        // What we made is heard of as well: it is not taken for the other one.
        if is_made {
            let key = digest::command_key(SHOP.0, Kind::Item, "a");
            let state = State { remote_id: "ours".to_owned(), command_key: Some(key), ..State::default() };
            let observed = Observed::Present(state);
            let (connection, cause) = (SHOP, Cause::Poll);
            let entry = Entry::Observed { connection, cause, as_of: 99, observed, tried: Fields::new() };
            house.commit([Change::Append { kind: Kind::Item, key: None, entry }]).await;
            house.fold_all().await;
            assert_eq!(house.store.conflicts(Some(true), None, 9).await.unwrap().len(), 1);
        }
    }
}

/// A record was renamed, and another got its name: where the first still bears it, the second cannot be created, and is not
/// taken for it. Where the first is to be renamed it is tried again.
#[tokio::test]
async fn p3_what_bears_its_name_there_is_not_taken_for_what_is_to_be_created() {
    for is_renamed in [true, false] {
        let push = answers(|writes: Vec<Write>| {
            let found = |it: &Write| match it.remote_id {
                Some(_) => Outcome::Retry(None, "HTTP 423".to_owned()),
                None => {
                    let there = State { remote_id: "x".to_owned(), fields: it.want.clone(), ..State::default() };
                    Outcome::Stale(Observed::Present(there))
                }
            };
            Ok(writes.iter().map(found).collect())
        });
        let house = House::with(Fake { push, ..Fake::default() }).await;
        house.listed(SHOP, Kind::Item).await;
        house.saw(ERP, "a", "bolt").await;
        house.read(SHOP, Kind::Item, "x", &[("code", "a".into()), ("title", "bolt".into())]).await;
        house.fold_all().await;
        if is_renamed {
            house.pass(1_000);
            house.read(ERP, Kind::Item, "a", &[("code", "a2".into()), ("title", "bolt".into())]).await;
        }
        house.saw(ERP, "b", "nut").await;
        house.fold_all().await;
        delivered(&house).await;
        house.fold_all().await;
        let debt = house.debt(SHOP, "b").await.unwrap();
        let state = if is_renamed { DebtState::Due } else { DebtState::Parked };
        assert_eq!((debt.state, debt.intent), (state, None));
        assert!(debt.last_error.unwrap().ends_with("what bears its name there is item/a"));
        let states = house.store.states(&[crate::engine::fake::item("b")].into()).await.unwrap();
        assert!(states.values().all(|it| !it.shadows[&SHOP].exists()));
    }
}

/// A look-up finds the system away: what is owed besides is neither begun nor sent in the same turn.
#[tokio::test]
async fn p3_a_write_is_never_what_finds_out_that_a_system_is_away() {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes);
        Err(CallError::BadOutput(Misfit::new("answers", "none")))
    });
    let find = answers(|_| Err(CallError::Refused(model::Fault::Unavailable("HTTP 503".to_owned()))));
    let house = House::with(Fake { push, find, ..Fake::default() }).await;
    house.listed(SHOP, Kind::Item).await;
    house.saw(ERP, "a", "bolt").await;
    house.fold_all().await;
    delivered(&house).await;
    house.pass(house.engine.pace.retry.cap_ms);
    house.saw(ERP, "b", "nut").await;
    house.fold_all().await;
    assert!(!delivered(&house).await);
    assert_eq!(pushed.lock().unwrap().len(), 1);
    let (open, fresh) = (house.debt(SHOP, "a").await.unwrap(), house.debt(SHOP, "b").await.unwrap());
    assert_eq!((open.intent.is_some(), open.attempts), (true, 1), "it is as open as it was");
    assert_eq!((fresh.intent, fresh.attempts), (None, 0));
}

/// What the system says whenever it is written to is not believed, as too much is gone at once: it is asked now and then.
#[tokio::test]
async fn p7_a_write_to_what_is_held_as_deleted_is_not_tried_without_end() {
    let (house, pushed) = owing(|| Ok(Outcome::Stale(Observed::Absent("a".to_owned())))).await;
    let reason = "held".to_owned();
    house
        .commit([Change::Conflict(crate::store::Conflict {
            id: 0,
            at: house.engine.now(),
            key: RecordKey::new(Kind::Item, "*"),
            about: crate::store::About::Mass,
            claims: [("shop".to_owned(), Value::Null)].into(),
            outcome: None,
            reason,
            policy: String::new(),
        })])
        .await;
    for _ in 0..20 {
        delivered(&house).await;
        house.fold_all().await;
    }
    assert!(house.debt(SHOP, "a").await.is_some(), "it is still owed");
    assert_eq!(pushed.lock().unwrap().len(), 4);
}

/// Whatever is sent for one record, no sense can be made of the answer: in the end it is a person's matter, and what
/// people do about it at its system is heard again.
#[tokio::test]
async fn p5_a_write_that_is_never_answered_does_not_silence_its_system() {
    let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
    let noted = pushed.clone();
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes);
        Err(CallError::BadOutput(Misfit::new("answers", "none")))
    });
    let read = answers(|(ids, _): (Vec<String>, bool)| {
        let fields = [("code", "a".into()), ("title", "nail".into())];
        let fields = fields.map(|(name, it): (&str, Value)| (name.to_owned(), it)).into();
        Ok(vec![Observed::Present(State { remote_id: ids[0].clone(), fields, ..State::default() })])
    });
    let house = House::with(Fake { push, read, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    delivered(&house).await;
    house.saw(SHOP, "a", "nail").await;
    for _ in 0..20 {
        house.fold_all().await;
        house.pass(house.engine.pace.retry.cap_ms);
        delivered(&house).await;
    }
    let tries = house.engine.pace.retry.tries_max as usize;
    assert_eq!(pushed.lock().unwrap().len(), tries - 1, "the last try is a look");
    house.fold_all().await;
    assert_eq!(house.title("a").await, Some("nail".into()), "what a person wrote there counts");
    assert_eq!(house.debt(SHOP, "a").await.and_then(|it| it.intent), None);
}

/// A shelf that reads as it did before may have been sold from and filled: it waits for a person with what was sent, and
/// what its system says of it waits as well.
#[tokio::test]
async fn p9_what_became_of_a_count_that_was_never_answered_is_not_guessed() {
    let level = |n: i32| [("item", "a".into()), ("location", "main".into()), ("on_hand", Value::Number(n.into()))];
    let state = move |remote_id: &str, n: i32| {
        let fields = level(n).map(|(name, it): (&str, Value)| (name.to_owned(), it)).into();
        State { remote_id: remote_id.to_owned(), fields, ..State::default() }
    };
    let is_heard: Arc<AtomicBool> = Arc::default();
    let hears = is_heard.clone();
    let push = answers(move |_: Vec<Write>| match hears.load(Ordering::SeqCst) {
        true => Ok(vec![Outcome::Applied(state("a:main", 7))]),
        false => Err(CallError::BadOutput(Misfit::new("answers", "none"))),
    });
    let read = answers(move |(ids, _): (Vec<String>, bool)| Ok(vec![Observed::Present(state(&ids[0], 10))]));
    let house = House::with(Fake { push, read, ..Fake::default() }).await;
    for at in [ERP, SHOP] {
        house.read(at, Kind::Location, "main", &[("code", "main".into())]).await;
        house.saw(at, "a", "bolt").await;
        house.read(at, Kind::StockLevel, "a:main", &level(10)).await;
    }
    house.fold_all().await;
    house.read(ERP, Kind::StockLevel, "a:main", &level(7)).await;
    for _ in 0..20 {
        house.fold_all().await;
        house.pass(house.engine.pace.retry.cap_ms);
        delivered(&house).await;
    }
    let key = RecordKey::new(Kind::StockLevel, "a@main");
    let owed = async || house.debt_of(SHOP, &key).await.map(|it| (it.state, it.intent.is_some()));
    let on_hand =
        async || house.store.states(&[key.clone()].into()).await.unwrap()[&key].truth.values()["on_hand"].clone();
    assert_eq!(owed().await, Some((DebtState::Parked, true)));
    house.read(SHOP, Kind::StockLevel, "a:main", &level(10)).await;
    house.fold_all().await;
    assert_eq!(on_hand().await, Value::Number(7.into()));
    // It had been carried out, and is known by what it was sent as.
    is_heard.store(true, Ordering::SeqCst);
    house.commit([Change::Redrive { connection: None, key: None }]).await;
    delivered(&house).await;
    house.fold_all().await;
    assert_eq!((owed().await, on_hand().await), (None, Value::Number(7.into())));
}

/// The shop has room for four letters: what it is told it for goes along, so that nobody takes them for all of it.
#[tokio::test]
async fn p5_what_is_cut_for_a_system_is_logged_with_what_it_was_cut_from() {
    let push = answers(|writes: Vec<Write>| {
        let applied = |it: &Write| {
            let (remote_id, fields) = (it.remote_id.clone().unwrap_or_default(), it.want.clone());
            Outcome::Applied(State { remote_id, fields, ..State::default() })
        };
        Ok(writes.iter().map(applied).collect())
    });
    let project = answers(|(_, mut records): (String, Vec<Fields>)| {
        for title in records.iter_mut().filter_map(|it| it.get_mut("title")) {
            *title = title.as_text().unwrap_or_default().chars().take(4).collect::<String>().into();
        }
        Ok(records)
    });
    let house = House::with(Fake { push, project, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "bolt").await;
    house.fold_all().await;
    house.saw(ERP, "a", "washer").await;
    house.fold_all().await;
    delivered(&house).await;
    house.fold_all().await;
    let states = house.store.states(&[crate::engine::fake::item("a")].into()).await.unwrap();
    let held = &states.values().next().unwrap().shadows[&SHOP].fields["title"];
    assert_eq!((&held.value, held.of.as_ref()), (&"wash".into(), Some(&"washer".into())));
}

/// A shop of which nothing was proved, which holds this title by the time it is told another; what was done there.
async fn doubted(held: &'static str) -> (House, Arc<Mutex<Vec<String>>>) {
    let done: Arc<Mutex<Vec<String>>> = Arc::default();
    let (reads, pushes) = (done.clone(), done.clone());
    let read = answers(move |(ids, certain): (Vec<String>, bool)| {
        reads.lock().unwrap().push(format!("read {} {certain}", ids.join(",")));
        let fields = [("code", "a".into()), ("title", held.into())].map(|(n, v): (_, Value)| (n.to_owned(), v)).into();
        let state = |id: &String| Observed::Present(State { remote_id: id.clone(), fields, ..State::default() });
        Ok(ids.first().map(state).into_iter().collect())
    });
    let push = answers(move |writes: Vec<Write>| {
        pushes.lock().unwrap().push(format!("push {:?}", writes[0].want["title"].as_text()));
        Ok(vec![Outcome::Unknown("nobody knows".to_owned())])
    });
    let word = crate::engine::trust::Word::Certified(Arc::default());
    let house = House::with(Fake { read, push, word, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    delivered(&house).await;
    (house, done)
}

/// Where nobody has seen a connector compare before it writes, the engine does.
#[tokio::test]
async fn p4_what_is_not_proved_to_compare_is_read_before_it_is_written() {
    let (house, done) = doubted("screw").await;
    assert_eq!(*done.lock().unwrap(), ["read a false", "push Some(\"bolt\")"]);
    // Nor was it proved that the write can be repeated as it is: it is looked up first.
    house.pass(house.engine.pace.retry.cap_ms);
    delivered(&house).await;
    assert_eq!(done.lock().unwrap()[2..], ["read a false", "push Some(\"bolt\")"]);
}

#[tokio::test]
async fn p4_what_is_found_changed_before_the_write_is_not_written() {
    let (house, done) = doubted("nut").await;
    assert_eq!(*done.lock().unwrap(), ["read a false"]);
    assert_eq!(house.debt(SHOP, "a").await.unwrap().state, DebtState::Settling);
}

/// A node that died in the middle of a write, before its system had carried it out or after: what the system holds, and
/// what was sent to it.
async fn died(carried_out: bool) -> (House, Arc<Mutex<String>>, Arc<Mutex<Vec<Write>>>) {
    let (held, pushed) = (Arc::new(Mutex::new("screw".to_owned())), Arc::<Mutex<Vec<Write>>>::default());
    let state = |held: &Mutex<String>| titled(&held.lock().unwrap());
    let (writable, readable, noted) = (held.clone(), held.clone(), pushed.clone());
    let push = answers(move |writes: Vec<Write>| {
        noted.lock().unwrap().extend(writes.clone());
        let dies = noted.lock().unwrap().len() == 1;
        if carried_out || !dies {
            *writable.lock().unwrap() = writes[0].want["title"].as_text().unwrap().to_owned();
        }
        assert!(!dies, "the node dies here");
        Ok(vec![Outcome::Applied(state(&writable))])
    });
    let read = answers(move |_| Ok(vec![Observed::Present(state(&readable))]));
    let house = House::with(Fake { push, read, effect: Effect::Verify, ..Fake::default() }).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    assert!(AssertUnwindSafe(delivered(&house)).catch_unwind().await.is_err());
    (house, held, pushed)
}

/// What the next one makes of it.
async fn taken_up(house: &House) {
    assert!(house.debt(SHOP, "a").await.unwrap().intent.is_some(), "it was stored before it was sent");
    house.pass(house.engine.pace.retry.cap_ms);
    delivered(house).await;
    house.fold_all().await;
    assert_eq!((house.title("a").await, house.debt(SHOP, "a").await), (Some("bolt".into()), None));
    assert_eq!(house.store.backlog().await.unwrap().conflicts, 0);
}

#[tokio::test]
async fn c4_what_was_begun_and_never_sent_is_sent_as_the_same_write() {
    let (house, held, pushed) = died(false).await;
    taken_up(&house).await;
    let pushed = pushed.lock().unwrap();
    let [first, again] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!((&first.op_id, held.lock().unwrap().as_str()), (&again.op_id, "bolt"));
}

#[tokio::test]
async fn c5_what_was_carried_out_and_never_heard_of_is_looked_up_and_not_sent_again() {
    let (house, held, pushed) = died(true).await;
    taken_up(&house).await;
    assert_eq!((pushed.lock().unwrap().len(), held.lock().unwrap().as_str()), (1, "bolt"));
}
