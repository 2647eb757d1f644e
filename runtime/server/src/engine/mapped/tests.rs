use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use truthsource_core::Value;
use truthsource_core::record::Cause;

use super::*;
use crate::engine::connections::{Parties, retell};
use crate::engine::deliver::deliver;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers};
use crate::engine::fetch::fetch;
use crate::engine::lane::Lane;
use crate::engine::poll::poll;
use crate::engine::sweep::sweep;
use crate::store::{About, Change, DebtState, Work};

/// A shop whose titles bear the house's name, and end in "(old)" for what is not sold any more; it knows no flag for
/// that. Of its spellings the mapping takes several for one.
#[derive(Clone, Default)]
struct Shop {
    /// (id, code, title): what the shop really holds.
    shelf: Arc<Mutex<Vec<(String, String, String)>>>,
    pushed: Arc<Mutex<Vec<Write>>>,
    /// The mapping copes with what it is shown.
    is_mended: Arc<AtomicBool>,
}

fn text(value: &str) -> Value {
    value.into()
}

fn to_canonical(mut fields: Fields) -> Fields {
    if let Some(title) = fields.get("title").and_then(Value::as_text).map(str::to_owned) {
        let sold = title.trim().trim_start_matches("ACME").trim();
        fields.insert("active".to_owned(), Value::Flag(!sold.ends_with("(old)")));
        fields.insert("title".to_owned(), text(sold.trim_end_matches("(old)").trim()));
    }
    fields
}

fn from_canonical(mut fields: Fields) -> Fields {
    let is_old = fields.remove("active") == Some(Value::Flag(false));
    if let Some(title) = fields.get("title").and_then(Value::as_text).map(str::to_owned) {
        fields.insert("title".to_owned(), text(&format!("ACME {title}{}", if is_old { " (old)" } else { "" })));
    }
    fields
}

fn trap() -> CallError {
    CallError::StackOverflow
}

impl Shop {
    fn put(&self, id: &str, code: &str, title: &str) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.retain(|it| it.0 != id);
        shelf.push((id.to_owned(), code.to_owned(), title.to_owned()));
    }

    fn title(&self, id: &str) -> String {
        self.shelf.lock().unwrap().iter().find(|it| it.0 == id).unwrap().2.clone()
    }

    fn state(&self, id: &str) -> Observed {
        let shelf = self.shelf.lock().unwrap();
        let Some((id, code, title)) = shelf.iter().find(|it| it.0 == id) else {
            return Observed::Absent(id.to_owned());
        };
        let fields = [("code".to_owned(), text(code)), ("title".to_owned(), text(title))].into();
        Observed::Present(State { remote_id: id.clone(), fields, ..State::default() })
    }

    /// Compares what it holds with what the write says that it holds, to the letter.
    fn write(&self, write: &Write) -> Outcome {
        self.pushed.lock().unwrap().push(write.clone());
        let Some(id) = write.remote_id.clone() else {
            let id = format!("new-{}", write.want["code"].as_text().unwrap());
            self.put(&id, write.want["code"].as_text().unwrap(), write.want["title"].as_text().unwrap());
            return self.applied(&id);
        };
        assert_eq!(write.changed, ["title"], "the shop has nothing else to write");
        if write.base["title"] != text(&self.title(&id)) {
            return Outcome::Stale(self.state(&id));
        }
        let code = self.shelf.lock().unwrap().iter().find(|it| it.0 == id).unwrap().1.clone();
        self.put(&id, &code, write.want["title"].as_text().unwrap());
        self.applied(&id)
    }

    fn applied(&self, id: &str) -> Outcome {
        let Observed::Present(state) = self.state(id) else { unreachable!() };
        Outcome::Applied(state)
    }

    async fn house(&self) -> House {
        let (read, push, pull) = (self.clone(), self.clone(), self.clone());
        let (to, is_mended) = (to_canonical, self.is_mended.clone());
        let copes = move |it: &Fields| is_mended.load(Ordering::Relaxed) || it["title"] != text("odd");
        House::with(Fake {
            read: answers(move |(ids, _): (Vec<String>, bool)| Ok(ids.iter().map(|id| read.state(id)).collect())),
            push: answers(move |writes: Vec<Write>| Ok(writes.iter().map(|it| push.write(it)).collect())),
            pull: answers(move |of: Pull| {
                let ids: Vec<String> = pull.shelf.lock().unwrap().iter().map(|it| it.0.clone()).collect();
                let ids = if of.kind == Kind::Item { ids } else { Vec::new() };
                let entries = ids.iter().map(|id| pull.state(id)).collect();
                Ok(Page { entries, unread: Vec::new(), cursor: "end".to_owned(), more: false })
            }),
            project: answers(|(name, records): (String, Vec<Fields>)| {
                let known = |mut it: Fields| {
                    it.retain(|field, _| name == "erp" || field != "active");
                    it
                };
                Ok(records.into_iter().map(known).collect())
            }),
            map_in: answers(move |records: Vec<Fields>| match records.iter().all(&copes) {
                true => Ok(Some(records.into_iter().map(to).map(Some).collect())),
                false => Err(trap()),
            }),
            map_out: answers(|records: Vec<Fields>| Ok(Some(records.into_iter().map(from_canonical).collect()))),
            shop_lacks: &["active"],
            ..Fake::default()
        })
        .await
    }
}

/// The shop's lane reads what was touched and pays what is owed, until neither is left.
async fn settle(house: &House) {
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    for _ in 0..20 {
        lane.look(&house.engine).await.unwrap();
        house.fold_all().await;
        let read = fetch(&house.engine, &parties, &mut lane).await.unwrap();
        house.fold_all().await;
        let paid = deliver(&house.engine, &parties, &mut lane).await.unwrap();
        if read.handled + paid.handled == 0 {
            return;
        }
    }
    panic!("it never ends");
}

async fn touched(house: &House, remote_id: &str) {
    let remote_id = remote_id.to_owned();
    house.commit([Change::Touch { connection: SHOP, kind: Kind::Item, remote_id, cause: Cause::Webhook }]).await;
    settle(house).await;
}

async fn erp_holds(house: &House, code: &str, title: &str, active: bool) {
    let fields = [("code", text(code)), ("title", text(title)), ("active", Value::Flag(active))];
    house.read(ERP, Kind::Item, code, &fields).await;
    settle(house).await;
}

#[tokio::test]
async fn p1_p2_what_a_mapping_spells_otherwise_converges_and_is_left_alone() {
    let shop = Shop::default();
    let house = shop.house().await;
    shop.put("7", "bolt", "  bolts ");
    touched(&house, "7").await;
    erp_holds(&house, "bolt", "Bolt", true).await;
    // The write says what the shop holds as the shop spells it: the mapping does not lead back to that.
    assert_eq!(shop.title("7"), "ACME Bolt");
    // One field of ours is a part of another one there.
    erp_holds(&house, "bolt", "Bolt", false).await;
    assert_eq!(shop.title("7"), "ACME Bolt (old)");
    // Another spelling of the same is no change, and nothing to repair.
    shop.put("7", "bolt", "ACME  Bolt  (old)");
    touched(&house, "7").await;
    assert_eq!(shop.pushed.lock().unwrap().len(), 2);
    // What is written next is compared with that spelling.
    erp_holds(&house, "bolt", "Bolt", true).await;
    assert_eq!((shop.title("7").as_str(), shop.pushed.lock().unwrap().len()), ("ACME Bolt", 3));
    assert_eq!(house.debt(SHOP, "bolt").await, None);
    // A person's word there reaches the truth as the mapping reads it.
    shop.put("7", "bolt", "ACME Nut");
    touched(&house, "7").await;
    assert_eq!(house.title("bolt").await, Some(text("Nut")));
}

#[tokio::test]
async fn what_is_created_is_found_again_in_the_words_of_its_connector() {
    let shop = Shop::default();
    let house = shop.house().await;
    house.listed(SHOP, Kind::Item).await;
    erp_holds(&house, "nut", "Nut", false).await;
    assert_eq!((shop.title("new-nut").as_str(), house.debt(SHOP, "nut").await), ("ACME Nut (old)", None));
    assert_eq!(shop.pushed.lock().unwrap().len(), 1);
}

/// One record of a listing makes the mapping fail.
#[tokio::test]
async fn p6_a_record_that_cannot_be_read_keeps_no_other_waiting_and_is_not_created_again() {
    let shop = Shop::default();
    let house = shop.house().await;
    shop.put("7", "bolt", "ACME Bolt");
    shop.put("8", "nut", "odd");
    shop.put("9", "saw", "ACME Saw");
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    lane.look(&house.engine).await.unwrap();
    while poll(&house.engine, &parties, &mut lane).await.unwrap().more {}
    settle(&house).await;
    assert_eq!((house.title("bolt").await, house.title("saw").await), (Some(text("Bolt")), Some(text("Saw"))));
    // Nobody knows what the third is: it may be the very record that the shop is to be given.
    erp_holds(&house, "nut", "Nut", true).await;
    let waits = house.debt(SHOP, "nut").await.map(|it| it.state);
    assert_eq!((waits, shop.pushed.lock().unwrap().len()), (Some(DebtState::Blocked), 0));
    // A person is asked when it goes on failing, once.
    let open = async || {
        let open = house.store.conflicts(Some(true), None, 9).await.unwrap();
        open.into_iter().map(|it| (it.key.key, it.about)).collect::<Vec<_>>()
    };
    assert_eq!(open().await, []);
    for _ in 0..5 {
        house.pass(house.engine.pace.retry.cap_ms);
        settle(&house).await;
    }
    let asked = About::Unread { connection: SHOP, remote_id: "8".to_owned() };
    assert_eq!(open().await, [("*".to_owned(), asked)]);
    // What others are told goes on meanwhile.
    erp_holds(&house, "bolt", "Bolt", false).await;
    assert_eq!(shop.title("7"), "ACME Bolt (old)");
    // A sweep does not take it for gone, and says that it could not be compared.
    house.commit([Change::Ask { connection: SHOP, kind: Kind::Item, work: Work::Sweep }]).await;
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    lane.look(&house.engine).await.unwrap();
    assert!(!sweep(&house.engine, &parties, &mut lane).await.unwrap().more);
    let figure = house.store.accuracy().await.unwrap().into_iter().find(|it| it.kind == Kind::Item).unwrap();
    // The nut that it is owed counts as missing until then, with its three fields.
    let counted = [("missing".to_owned(), 3), ("unverifiable".to_owned(), 1)];
    assert_eq!((figure.records, figure.mismatches), (3, counted.into()));
    // Another release of the mapping copes with it.
    shop.is_mended.store(true, Ordering::Relaxed);
    house.commit(retell(&parties.connections[&SHOP])).await;
    settle(&house).await;
    assert_eq!((open().await, house.debt(SHOP, "nut").await), (vec![], None));
    assert_eq!((shop.title("8").as_str(), shop.shelf.lock().unwrap().len()), ("ACME Nut", 3));
}
