use truthsource_simulators::journal::Actor::Human;
use truthsource_simulators::world::{Deed, Placed, Waits};

use super::*;
use crate::demo::scene::{Did, Scene, cell, heads, placed};
use crate::engine::fake::{ERP as AT_ERP, Fake, House, SHOP as AT_SHOP, item};
use crate::engine::rules::RulesSpec;
use crate::store::{Change, Event};

const ERP: usize = 0;
const SHOP: usize = 1;

#[test]
fn what_was_found_is_a_broken_promise() {
    let mut violations = Vec::new();
    let mut verdict = Verdict::default();
    found(&verdict, &mut violations);
    assert_eq!(violations, [""; 0]);
    verdict.examples.push("wrong: it".to_owned());
    verdict.orders.duplicates = 2;
    found(&verdict, &mut violations);
    assert_eq!(violations, ["P1, P5: wrong: it", "P6: 2 orders too many"]);
}

fn po(deed: fn(String) -> Deed, at: usize) -> Did {
    (60, at, Human, deed("PO-1".to_owned()))
}

fn parcel(at: usize, n: u32) -> Did {
    let (po_number, carrier, tracking) = ("PO-1".to_owned(), "UPS".to_owned(), "1Z".to_owned());
    (60, at, Human, Deed::Parcel { po_number, lines: vec![("BOLT-1".to_owned(), n)], carrier, tracking })
}

/// What is said of an order of two bolts that was placed in the shop, waiting or not.
fn fate((waits, is_booked): (&[Waits], bool), orders: &Orders, then: &[Did]) -> Vec<String> {
    let order = Placed { waits: waits.to_vec(), ..placed("PO-1", "C-1", 2) };
    let mut deeds = vec![(1, SHOP, Human, Deed::Order(order))];
    deeds.extend(is_booked.then(|| (5, ERP, Human, Deed::Book(placed("PO-1", "C-1", 2)))));
    let scene = Scene::after(&[&deeds, then].concat());
    let mut violations = Vec::new();
    fates(&scene.seats, orders, &mut violations);
    violations
}

/// A case: what it is, the order, what is known of orders, what people did then, and what is said.
type Fate<'a> = (&'a str, (&'a [Waits], bool), &'a Orders, Vec<Did>, &'a [&'a str]);

#[test]
fn p1_p6_what_becomes_of_orders_is_looked_at_everywhere() {
    let set = |is: bool| is.then(|| "PO-1".to_owned()).into_iter().collect::<BTreeSet<_>>();
    let orders = |free: bool, called_off: bool| {
        let placed = [("PO-1".to_owned(), UnixMs(0))].into();
        Orders { placed, free: set(free), called_off: set(called_off) }
    };
    let (free, waiting, off) = (orders(true, false), orders(false, false), orders(true, true));
    let cancel = |at| po(|po_number| Deed::Cancel { po_number }, at);
    let (paid, unpaid): (&[Waits], &[Waits]) = (&[], &[Waits::Unpaid]);
    let none: &[&str] = &[];
    let cases: [Fate<'_>; 11] = [
        ("booked", (paid, true), &free, vec![], none),
        ("not booked", (paid, false), &free, vec![], &["P6: order/PO-1 stands, and is not booked at erp"]),
        ("it waits", (unpaid, false), &waiting, vec![], none),
        ("booked too early", (unpaid, true), &waiting, vec![], &["P6: order/PO-1 is booked at erp and waits"]),
        ("called off", (paid, true), &off, vec![cancel(ERP), cancel(SHOP)], none),
        ("called off before it was booked", (paid, false), &off, vec![cancel(SHOP)], none),
        ("it stands where it is booked", (paid, true), &off, vec![cancel(SHOP)], &["P1: order/PO-1 stands at erp"]),
        ("it stands in the shop", (paid, true), &off, vec![cancel(ERP)], &["P1: order/PO-1 stands at shop"]),
        ("nobody called it off", (paid, true), &free, vec![cancel(ERP)], &["P1: order/PO-1 is called off at erp"]),
        ("it left", (paid, true), &free, vec![parcel(ERP, 1), parcel(SHOP, 1)], none),
        (
            "more left than is told",
            (paid, true),
            &free,
            vec![parcel(ERP, 2), parcel(SHOP, 1)],
            &["P1: of order/PO-1 left"],
        ),
    ];
    for (what, order, orders, then, expect) in cases {
        let found = fate(order, orders, &then);
        assert_eq!(found.len(), expect.len(), "{what}: {found:?}");
        let is_it = |(it, expect): (&String, &&str)| it.starts_with(expect);
        assert!(found.iter().zip(expect).all(is_it), "{what}: {found:?}");
    }
}

fn conflict(about: About, said: &str, outcome: Option<&str>) -> Conflict {
    Conflict {
        id: 1,
        at: UnixMs(0),
        key: item("bolt-1"),
        about,
        claims: [("shop".to_owned(), said.into())].into(),
        outcome: outcome.map(Value::from),
        reason: String::new(),
        policy: String::new(),
    }
}

#[test]
fn conflicts_say_whose_words_were_overruled_and_what_is_asked() {
    let title = cell("item/Bolt-1", "title");
    let first: [Held; 1] = [[(title.clone(), "x".to_owned())].into()];
    let said: BTreeSet<_> = [(title.clone(), "b".to_owned())].into();
    let on_title = |outcome| conflict(About::Field("title".to_owned()), "b", outcome);
    let (none, no_cell) = (BTreeSet::new(), BTreeSet::new());
    // What is overruled, what was decided against, what is asked.
    let cases = [
        (on_title(Some("a")), [&said, &said], &no_cell),
        (on_title(Some("b")), [&said, &none], &no_cell),
        (on_title(None), [&said, &none], &[title].into()),
        (conflict(About::Field("vendor".to_owned()), "b", None), [&none, &none], &no_cell),
        (conflict(About::Mass, "b", None), [&none, &none], &no_cell),
        (Conflict { key: item("nobody"), ..on_title(None) }, [&none, &none], &no_cell),
    ];
    for (conflict, [is_overruled, is_against], is_asked) in cases {
        let all = std::slice::from_ref(&conflict);
        assert_eq!(&overruled(&first, all), is_overruled, "{conflict:?}");
        assert_eq!(&decided_against(&first, all), is_against, "{conflict:?}");
        assert_eq!(&asked(&first, all), is_asked, "{conflict:?}");
    }
}

/// A house in which an item was read everywhere.
async fn house() -> House {
    let house = House::with(Fake::default()).await;
    for (at, title) in [(AT_ERP, "bolt"), (AT_SHOP, "bolt")] {
        house.saw(at, "a", title).await;
    }
    house.fold_all().await;
    house
}

#[tokio::test]
async fn p7_a_write_of_what_was_before_is_seen() {
    let confirmed = |at: ConnectionId, version| {
        let what = What::Confirmed { op_id: "op".to_owned(), version };
        Change::Event(Event { id: 0, at: UnixMs(1), key: item("a"), connection: Some(at), what })
    };
    let cases = [
        (vec![(AT_SHOP, 1), (AT_SHOP, 1), (AT_SHOP, 2)], 0),
        (vec![(AT_SHOP, 2), (AT_ERP, 1)], 0),
        (vec![(AT_SHOP, 2), (AT_SHOP, 1)], 1),
        (vec![(AT_ERP, 3), (AT_SHOP, 2), (AT_ERP, 1), (AT_ERP, 2)], 1),
    ];
    for (written, n) in cases {
        let house = house().await;
        house.commit(written.iter().map(|(at, version)| confirmed(*at, *version))).await;
        let mut notes = Notes::default();
        history(&*house.store, &mut notes).await.unwrap();
        assert_eq!(heads(&notes.violations, 7), vec!["P7: ite"; n], "{written:?}");
        assert_eq!(notes.reached.get(&Moment::Confirmed), Some(&(written.len() as u64)));
    }
}

#[tokio::test]
async fn p8_what_is_not_what_comes_of_the_books_is_seen() {
    let house = house().await;
    let mut violations = Vec::new();
    books(&*house.store, &mut violations).await.unwrap();
    assert_eq!(violations, [""; 0]);
    let mut state = house.store.states(&[item("a")].into()).await.unwrap()[&item("a")].clone();
    state.truth.fields.get_mut("title").unwrap().value = "forged".into();
    let natural = Some("a".to_owned());
    house.commit([Change::Restate { key: item("a"), state: Box::new(state), natural }]).await;
    books(&*house.store, &mut violations).await.unwrap();
    assert_eq!(heads(&violations, 28), ["P8: folded again it differs:"]);
}

#[tokio::test]
async fn p8_p1_what_the_rules_of_now_would_decide_is_what_is_there() {
    let house = house().await;
    house.pass(1_000);
    house.saw(AT_ERP, "a", "erp").await;
    house.pass(1_000);
    house.saw(AT_SHOP, "a", "shop").await;
    house.fold_all().await;
    let decided = async || {
        let mut notes = Notes::default();
        decided(&house.engine, &mut notes).await.unwrap();
        assert_eq!(notes.reached[&Moment::OnceMore], 1);
        heads(&notes.violations, 29)
    };
    assert_eq!(decided().await, [""; 0]);
    let text = "[[fields]]\nkind = 'item'\nfield = 'title'\nowner = 'erp'";
    let value = serde_json::to_value(toml::from_str::<RulesSpec>(text).unwrap()).unwrap();
    house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
    assert_eq!(
        decided().await,
        ["P8: item/a by the rules of now", "P1: item/a by the rules of now"].map(|it| &it[..29])
    );
    house.fold_all().await;
    assert_eq!(decided().await, [""; 0]);
}

#[tokio::test]
async fn the_story_of_what_is_named_is_told() {
    let scene = Scene::after(&[(1, SHOP, Human, crate::demo::scene::retitled("BOLT-1", "new"))]);
    let house = House::with(Fake::default()).await;
    house.saw(AT_ERP, "BOLT-1", "bolt").await;
    house.fold_all().await;
    let told = async |violation: &str| story(&*house.store, &scene.seats, &[violation.to_owned()]).await.unwrap();
    let lines = told("P1: item/BOLT-1 title").await;
    assert!(lines.iter().any(|it| it.contains("Human at shop: title = \"new\"")), "{lines:?}");
    assert!(lines.iter().any(|it| it.contains("item/bolt-1 Some(ConnectionId(1))")), "{lines:?}");
    assert_eq!(told("P1: item/bolt-7 title").await, [""; 0]);
}
