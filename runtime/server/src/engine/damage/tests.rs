use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use truthsource_core::record::{Entry, Observed, Settlement, State};
use truthsource_core::{Fields, Value};
use truthsource_host::CallError;
use truthsource_host::model::{Decision, Outcome, Write};

use super::*;
use crate::engine::connections::Parties;
use crate::engine::deliver::deliver;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::engine::fetch::fetch;
use crate::engine::fold;
use crate::engine::lane::Lane;
use crate::engine::rebuild::verify;
use crate::store::Intent;
use crate::store::contract::intent;

/// What a system holds, by remote id: it carries out what is written to it.
type Held = Arc<Mutex<BTreeMap<String, Fields>>>;

struct Stage {
    house: House,
    held: Held,
    _dir: tempfile::TempDir,
}

fn state(remote_id: &str, fields: Fields) -> State {
    State { remote_id: remote_id.to_owned(), fields, ..State::default() }
}

impl Stage {
    /// A house in a real file, of an ERP and of a shop that can be read and written.
    async fn new() -> Self {
        let (dir, held) = (tempfile::tempdir().unwrap(), Held::default());
        let (readable, writable) = (held.clone(), held.clone());
        let read = answers(move |(ids, _): (Vec<String>, bool)| {
            let held = readable.lock().unwrap();
            let found = |id: String| match held.get(&id) {
                Some(fields) => Observed::Present(state(&id, fields.clone())),
                None => Observed::Absent(id),
            };
            Ok(ids.into_iter().map(found).collect())
        });
        let push = answers(move |writes: Vec<Write>| {
            let mut held = writable.lock().unwrap();
            let apply = |it: Write| {
                let id = it.remote_id.unwrap_or(it.command_key);
                let fields = held.entry(id.clone()).or_default();
                fields.extend(it.want);
                Outcome::Applied(state(&id, fields.clone()))
            };
            Ok(writes.into_iter().map(apply).collect())
        });
        let decide = answers(|conflicts: Vec<truthsource_host::model::Conflict>| {
            Ok(conflicts.iter().map(|_| Decision::Hold("ask".to_owned())).collect())
        });
        let fake = Fake { read, push, decide, ..Fake::default() };
        let house = House::in_file(dir.path(), fake).await;
        for kind in Kind::ALL {
            house.listed(SHOP, kind).await;
        }
        Self { house, held, _dir: dir }
    }

    /// What a tenant's workers do, until nothing is left that can be done now.
    async fn settle(&self) {
        let mut idle = 0;
        for _ in 0..100 {
            mend(&self.house.engine).await.unwrap();
            match self.work().await {
                Ok(true) => idle = 0,
                // What was put off for a moment is due by then.
                Ok(false) if idle == 3 => return,
                Ok(false) => {
                    self.house.pass(200);
                    idle += 1;
                }
                Err(error) => assert!(set_aside(&self.house.engine, &error).await.unwrap(), "{error:?}"),
            }
        }
        panic!("it never ends");
    }

    /// True if anything was done.
    async fn work(&self) -> Result<bool, Error> {
        let engine = &self.house.engine;
        let parties = Parties::load(engine).await?;
        let mut handled = fold::fold(engine, &parties).await?.handled;
        for at in [ERP, SHOP] {
            let mut lane = Lane::take(engine, parties.connections[&at].clone()).await?.unwrap();
            lane.look(engine).await?;
            handled += fetch(engine, &parties, &mut lane).await?.handled;
            if at == SHOP {
                handled += deliver(engine, &parties, &mut lane).await?.handled;
            }
        }
        Ok(handled > 0)
    }

    /// The shop is told what it is owed, and nobody folds what that left.
    async fn deliver_once(&self) {
        let (engine, before) = (&self.house.engine, self.held.lock().unwrap().clone());
        let parties = Parties::load(engine).await.unwrap();
        for _ in 0..10 {
            let mut lane = Lane::take(engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
            lane.look(engine).await.unwrap();
            deliver(engine, &parties, &mut lane).await.unwrap();
            if *self.held.lock().unwrap() != before {
                return;
            }
            self.house.pass(200);
        }
        panic!("nothing was told");
    }

    /// An item that both have, as both know it.
    async fn both_have(&self, code: &str, title: &str) {
        self.holds(code, title);
        for at in [ERP, SHOP] {
            self.house.saw(at, code, title).await;
        }
        self.settle().await;
    }

    /// What is read there is this from now on.
    fn holds(&self, code: &str, title: &str) {
        let fields = [("code", code.into()), ("title", title.into())];
        let fields = fields.map(|(name, it): (&str, Value)| (name.to_owned(), it)).into();
        self.held.lock().unwrap().insert(code.to_owned(), fields);
    }

    /// The title at the shop.
    fn shown(&self, code: &str) -> Option<Value> {
        self.held.lock().unwrap().get(code)?.get("title").cloned()
    }

    /// Others' work goes on: what the ERP says of another record reaches the shop.
    async fn others_go_on(&self, code: &str) {
        self.house.saw(ERP, code, "others").await;
        self.settle().await;
        let remote = self.house.store.links_to(SHOP, Kind::Item, &[code.to_owned()].into()).await.unwrap();
        assert_eq!(self.shown(&remote[code]), Some("others".into()));
    }

    /// Neither a record's truth nor its books can be read.
    async fn tears_the_truth_of(&self, code: &str) -> Row {
        let row = Row::Truth { key: item(code) };
        self.house.damage(row.clone()).await;
        let rulings = self.house.store.rulings(&[item(code)].into()).await.unwrap();
        let entries: BTreeSet<u64> = rulings.into_iter().flat_map(|it| it.ruling.entries).collect();
        let (seq, remote_id) = (*entries.first().unwrap(), code.to_owned());
        self.house.damage(Row::Reading { seq, connection: ERP, kind: Kind::Item, remote_id }).await;
        row
    }

    /// Every conflict about a damaged row, newest first: which, and whether it is open.
    async fn told(&self) -> Vec<(Row, bool)> {
        let all = self.house.store.conflicts(None, None, 99).await.unwrap();
        let row = |it: Conflict| match it.about {
            About::Damaged { row } => {
                assert!(it.reason.contains(&row.to_string()), "{}", it.reason);
                Some((row, it.outcome.is_none()))
            }
            _ => None,
        };
        all.into_iter().filter_map(row).collect()
    }

    async fn damaged(&self) -> u64 {
        self.house.store.backlog().await.unwrap().damaged
    }

    /// A person has it read again.
    async fn read_again(&self, row: &Row) {
        let changes = read_again(&*self.house.store, row, self.house.engine.now()).await.unwrap();
        self.house.commit(changes).await;
        self.settle().await;
    }

    /// The books tell the same as what is stored.
    async fn books_agree(&self) {
        assert_eq!(verify(&*self.house.store).await.unwrap().differences, []);
    }

    /// The newest entry that no fold has taken.
    async fn newest(&self) -> u64 {
        self.house.store.unfolded(99).await.unwrap().last().unwrap().seq
    }
}

#[tokio::test]
async fn s7_a_reading_that_cannot_be_read_is_read_again() {
    let it = Stage::new().await;
    it.holds("a", "bolt");
    it.house.saw(ERP, "a", "bolt").await;
    it.house.saw(ERP, "b", "nut").await;
    let row = Row::Reading { seq: 1, connection: ERP, kind: Kind::Item, remote_id: "a".to_owned() };
    it.house.damage(row.clone()).await;
    it.settle().await;
    assert_eq!((it.house.title("a").await, it.house.title("b").await), (Some("bolt".into()), Some("nut".into())));
    assert_eq!((it.told().await, it.damaged().await), (vec![(row, false)], 0));
    it.books_agree().await;
}

/// What was heard of it before is no reason to take what is read now for known.
#[tokio::test]
async fn s7_a_reading_is_read_again_though_an_older_one_said_the_same() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    it.house.saw(ERP, "a", "screw").await;
    let seq = it.newest().await;
    it.house.damage(Row::Reading { seq, connection: ERP, kind: Kind::Item, remote_id: "a".to_owned() }).await;
    it.holds("a", "screw");
    it.settle().await;
    assert_eq!(it.house.title("a").await, Some("screw".into()));
}

#[tokio::test]
async fn s7_a_truth_and_a_shadow_are_made_anew_from_the_books() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    let key = item("a");
    let good = it.house.store.states(&[key.clone()].into()).await.unwrap();
    for (n, row) in
        [Row::Truth { key: key.clone() }, Row::Shadow { key: key.clone(), connection: SHOP }].into_iter().enumerate()
    {
        it.house.damage(row.clone()).await;
        // Nobody goes near it until there is news of it.
        it.others_go_on(&format!("other-{n}")).await;
        it.house.saw(ERP, "a", "bolt").await;
        it.settle().await;
        assert_eq!(it.house.store.states(&[key.clone()].into()).await.unwrap()[&key].truth, good[&key].truth);
        assert_eq!(it.told().await[0], (row, false));
        assert_eq!(it.damaged().await, 0);
        it.books_agree().await;
    }
    it.house.saw(ERP, "a", "screw").await;
    it.settle().await;
    assert_eq!(it.shown("a"), Some("screw".into()));
}

/// Where the books are torn, too, the record is held until a person has it read again, and then begins anew.
#[tokio::test]
async fn s7_a_record_whose_books_are_torn_waits_for_a_person() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    let row = it.tears_the_truth_of("a").await;
    it.house.saw(ERP, "a", "screw").await;
    it.settle().await;
    assert_eq!((it.told().await, it.damaged().await), (vec![(row.clone(), true)], 1));
    it.others_go_on("b").await;
    assert_eq!((it.house.title("a").await, it.shown("a")), (None, Some("bolt".into())));
    assert_eq!(it.house.store.backlog().await.unwrap().waiting, 1);

    it.holds("a", "screw");
    it.read_again(&row).await;
    assert_eq!((it.house.title("a").await, it.shown("a")), (Some("screw".into()), Some("screw".into())));
    let backlog = it.house.store.backlog().await.unwrap();
    assert_eq!((backlog.damaged, backlog.waiting, backlog.unfolded), (0, 0, 0));
    it.house.saw(ERP, "a", "washer").await;
    it.settle().await;
    assert_eq!(it.shown("a"), Some("washer".into()));
}

/// A shelf of which the shop is told: 10, then 7. Gives the record.
async fn shelf(it: &Stage) -> RecordKey {
    let level = |n: i32| {
        let fields = [("item", "a".into()), ("location", "main".into()), ("on_hand", Value::Number(n.into()))];
        fields.map(|(name, value): (&str, Value)| (name.to_owned(), value))
    };
    for at in [ERP, SHOP] {
        it.house.read(at, Kind::Location, "main", &[("code", "main".into())]).await;
        it.house.saw(at, "a", "bolt").await;
        it.holds("a", "bolt");
        it.held.lock().unwrap().insert("a:main".to_owned(), level(10).into());
        let level = level(10);
        let level: Vec<(&str, Value)> = level.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        it.house.read(at, Kind::StockLevel, "a:main", &level).await;
    }
    it.settle().await;
    RecordKey::new(Kind::StockLevel, "a@main")
}

async fn on_hand(it: &Stage, key: &RecordKey) -> Option<Value> {
    it.house.store.states(&[key.clone()].into()).await.unwrap()[key].truth.values().get("on_hand").cloned()
}

fn n(n: i32) -> Option<Value> {
    Some(Value::Number(n.into()))
}

/// The ERP sells three, the shop is told, and nobody can read any more what that left there: as if it had sold three more.
#[tokio::test]
async fn s7_what_a_write_left_is_not_counted_as_a_move() {
    let it = Stage::new().await;
    let key = shelf(&it).await;
    let counted = [("item", "a".into()), ("location", "main".into()), ("on_hand", Value::Number(7.into()))];
    it.house.read(ERP, Kind::StockLevel, "a:main", &counted).await;
    it.house.fold_all().await;
    it.deliver_once().await;
    assert_eq!(it.held.lock().unwrap()["a:main"].get("on_hand").cloned(), n(7));
    let row = Row::Entry { seq: it.newest().await, key: key.clone(), connection: Some(SHOP) };
    it.house.damage(row.clone()).await;
    it.settle().await;
    assert_eq!((it.told().await, it.damaged().await), (vec![(row.clone(), true)], 1));
    // What is read there meanwhile counts for nothing.
    it.house.read(SHOP, Kind::StockLevel, "a:main", &counted).await;
    it.others_go_on("b").await;
    assert_eq!(on_hand(&it, &key).await, n(7));

    it.read_again(&row).await;
    assert_eq!((on_hand(&it, &key).await, it.damaged().await), (n(7), 0));
    assert_eq!(it.held.lock().unwrap()["a:main"].get("on_hand").cloned(), n(7));
    it.books_agree().await;
    // And what people sell there from now on counts.
    let sold = [("item", "a".into()), ("location", "main".into()), ("on_hand", Value::Number(5.into()))];
    it.house.read(SHOP, Kind::StockLevel, "a:main", &sold).await;
    it.house.fold_all().await;
    assert_eq!(on_hand(&it, &key).await, n(5));
}

#[tokio::test]
async fn s7_a_write_that_was_begun_is_not_begun_again_until_a_person_says_so() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    let mut debt = {
        it.house.saw(ERP, "a", "screw").await;
        it.house.fold_all().await;
        it.house.debt(SHOP, "a").await.unwrap()
    };
    debt.intent = Some(intent("op"));
    it.house.commit([Change::Debt { debt, token: None }]).await;
    let row = Row::Debt { key: item("a"), connection: SHOP, begun: true };
    it.house.damage(row.clone()).await;
    it.settle().await;
    assert_eq!((it.told().await, it.damaged().await), (vec![(row.clone(), true)], 1));
    it.others_go_on("b").await;
    assert_eq!(it.shown("a"), Some("bolt".into()));
    it.read_again(&row).await;
    assert_eq!((it.shown("a"), it.damaged().await), (Some("screw".into()), 0));
    it.books_agree().await;
}

/// It may have been carried out: nothing is created before everything was listed once more.
#[tokio::test]
async fn s7_p6_a_creation_that_was_begun_waits_for_a_listing() {
    let it = Stage::new().await;
    it.both_have("b", "nut").await;
    it.house.saw(ERP, "a", "bolt").await;
    it.house.fold_all().await;
    let debt = it.house.debt(SHOP, "a").await.unwrap();
    let creation = Intent { remote_id: None, ..intent("op") };
    it.house.commit([Change::Debt { debt: Debt { intent: Some(creation), ..debt }, token: None }]).await;
    let row = Row::Debt { key: item("a"), connection: SHOP, begun: true };
    it.house.damage(row.clone()).await;
    it.settle().await;
    let again = read_again(&*it.house.store, &row, it.house.engine.now()).await.unwrap();
    it.house.commit(again).await;
    let listed = it.house.store.cursors(SHOP).await.unwrap().get(&Kind::Item).is_some_and(|it| it.listed);
    assert!(!listed, "it would be created at once");
}

/// What is owed of it is due all the while, and takes nobody's place.
#[tokio::test]
async fn s7_what_is_held_keeps_no_other_from_being_paid() {
    let mut it = Stage::new().await;
    it.both_have("a", "bolt").await;
    it.house.saw(ERP, "a", "screw").await;
    it.house.fold_all().await;
    it.tears_the_truth_of("a").await;
    it.house.engine.pace.deliver_max = 1;
    it.settle().await;
    it.others_go_on("b").await;
    assert_eq!(it.shown("a"), Some("bolt".into()));
}

#[tokio::test]
async fn s7_what_is_owed_and_not_begun_is_asked_for_anew() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    it.house.saw(ERP, "a", "screw").await;
    it.house.fold_all().await;
    let row = Row::Debt { key: item("a"), connection: SHOP, begun: false };
    it.house.damage(row.clone()).await;
    it.settle().await;
    assert_eq!((it.told().await, it.damaged().await), (vec![(row, false)], 0));
    assert_eq!(it.shown("a"), Some("screw".into()));
}

#[tokio::test]
async fn s7_what_says_where_to_look_is_looked_for_anew() {
    let it = Stage::new().await;
    it.holds("a", "bolt");
    let touch = |id: &str| {
        let (connection, kind, remote_id) = (ERP, Kind::Item, id.to_owned());
        Change::Touch { connection, kind, remote_id, cause: Cause::Webhook }
    };
    it.house.commit([touch("a")]).await;
    let touched = Row::Touch { seq: 1, connection: ERP, kind: Kind::Item, remote_id: "a".to_owned() };
    it.house.damage(touched.clone()).await;
    it.settle().await;
    assert_eq!(it.house.title("a").await, Some("bolt".into()));
    let cursor = Row::Cursor { connection: SHOP, kind: Kind::Price };
    it.house.damage(cursor.clone()).await;
    it.settle().await;
    assert_eq!(it.house.store.cursors(SHOP).await.unwrap().get(&Kind::Price), None);
    assert_eq!((it.told().await, it.damaged().await), (vec![(cursor, false), (touched, false)], 0));
    it.others_go_on("b").await;
}

/// Whatever it was about is found by reading everything through.
#[tokio::test]
async fn s7_a_webhook_that_cannot_be_read_has_everything_read_through() {
    let it = Stage::new().await;
    let (event_id, topic) = ("e".to_owned(), "t".to_owned());
    it.house.commit([Change::Inbox { connection: ERP, event_id, topic, headers: vec![], body: b"{}".to_vec() }]).await;
    it.house.damage(Row::Webhook { id: 1, connection: ERP }).await;
    let failed = crate::engine::receive::receive(&it.house.engine).await.err().unwrap();
    assert!(set_aside(&it.house.engine, &failed).await.unwrap());
    assert_eq!(it.house.store.inbox(9).await.unwrap(), []);
    let asks = it.house.store.asks(ERP).await.unwrap();
    assert!([Kind::Item, Kind::StockLevel].iter().all(|kind| asks.contains_key(&(Work::Sweep, *kind))), "{asks:?}");
}

/// A person's word that is lost is asked for again: the field that waits for it would wait for ever.
#[tokio::test]
async fn s7_a_persons_word_that_cannot_be_read_is_asked_for_again() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    let (about, outcome) = (About::Field("title".to_owned()), Value::from("screw"));
    let question = Conflict {
        id: 0,
        at: it.house.engine.now(),
        key: item("a"),
        about: about.clone(),
        claims: [("erp".to_owned(), "bolt".into())].into(),
        outcome: None,
        reason: "ask".to_owned(),
        policy: String::new(),
    };
    it.house.commit([Change::Conflict(question)]).await;
    let what = Settlement::Field { field: "title".to_owned(), value: outcome.clone() };
    let entry = Entry::Settled { what, by: "ann".to_owned() };
    let said = Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry };
    let (key, reason) = (Some("a".to_owned()), "ann".to_owned());
    it.house
        .commit([said, Change::ConflictClosed { kind: Kind::Item, key, about: about.clone(), outcome, reason }])
        .await;
    let row = Row::Entry { seq: it.newest().await, key: item("a"), connection: None };
    it.house.damage(row.clone()).await;
    it.others_go_on("b").await;
    assert_eq!(it.told().await, [(row.clone(), true)]);
    it.read_again(&row).await;
    let open = it.house.store.conflicts(Some(true), None, 9).await.unwrap();
    assert!(open.iter().any(|it| it.about == about && it.key == item("a")), "{open:?}");
    assert_eq!(it.damaged().await, 0);
}

/// A question that is lost is asked again: the field that waits for its answer would wait for ever.
#[tokio::test]
async fn s7_a_question_that_cannot_be_read_is_asked_again() {
    let Stage { house, held, _dir } = Stage::new().await;
    let it = Stage { house: house.titles_have_a_policy().await, held, _dir };
    it.both_have("a", "bolt").await;
    it.house.saw(ERP, "a", "screw").await;
    it.house.saw(SHOP, "a", "washer").await;
    it.house.fold_all().await;
    let open = async || {
        let open = it.house.store.conflicts(Some(true), None, 9).await.unwrap();
        open.into_iter().filter(|it| it.about == About::Field("title".to_owned())).map(|it| it.id).collect::<Vec<_>>()
    };
    let [id] = open().await[..] else { panic!("nobody is asked") };
    let row = Row::Question { id, key: item("a") };
    it.house.damage(row.clone()).await;
    let failed = it.house.store.conflicts(Some(true), None, 9).await.err().unwrap();
    assert!(set_aside(&it.house.engine, &failed.into()).await.unwrap());
    assert_eq!((open().await, it.told().await, it.damaged().await), (vec![], vec![(row.clone(), true)], 1));
    it.read_again(&row).await;
    assert_eq!((open().await.len(), it.damaged().await), (1, 0));
    it.books_agree().await;
}

/// What orders want follows from them.
#[tokio::test]
async fn s7_what_an_order_wants_is_worked_out_again() {
    let it = Stage::new().await;
    it.both_have("a", "bolt").await;
    let key = RecordKey::new(Kind::Order, "o");
    let wanted =
        truthsource_core::stock::Commitment { ordered: 1.into(), open: 1.into(), at: BTreeMap::new(), day: None };
    it.house.commit([Change::Commitments { order: key.key.clone(), items: [("a".to_owned(), wanted)].into() }]).await;
    let row = Row::Want { order: "o".to_owned(), item: "a".to_owned() };
    it.house.damage(row.clone()).await;
    let failed = it.house.store.commitments(&["a".to_owned()].into(), None).await.err().unwrap();
    assert!(set_aside(&it.house.engine, &failed.into()).await.unwrap());
    assert_eq!((it.told().await, it.damaged().await), (vec![(row.clone(), true)], 1));
    mend(&it.house.engine).await.unwrap();
    assert_eq!((it.told().await, it.damaged().await), (vec![(row, false)], 0));
    // As its truth says: nothing is known of the order.
    assert!(it.house.store.commitments(&["a".to_owned()].into(), None).await.unwrap().is_empty());
}

/// What is no row of its own is not set aside: it is said, and tried again.
#[tokio::test]
async fn s7_what_nobody_can_go_on_without_is_left_alone() {
    let it = Stage::new().await;
    for failed in [store::Error::damaged("the rules"), store::Error::Fenced] {
        assert!(!set_aside(&it.house.engine, &failed.into()).await.unwrap());
    }
    assert!(!set_aside(&it.house.engine, &Error::Call(CallError::Busy { waited_ms: 1 })).await.unwrap());
    assert_eq!((it.told().await, it.damaged().await), (vec![], 0));
}
