use truthsource_simulators::journal::Actor::{self, Api, Human};
use truthsource_simulators::world::{Article, Charge, ChargeKind, Deed, Placed, Price};

use super::*;
use crate::demo::scene::{Did, Scene, cell, moved, placed, retitled};
use crate::demo::world::Product;

const ERP: usize = 0;
const SHOP: usize = 1;

fn verdict(deeds: &[Did], done: &Done) -> Verdict {
    let scene = Scene::after(deeds);
    judge((&scene.seats, scene.now()), &scene.first, &scene.changes(), done)
}

/// What is found, each by its class, its record and its field.
fn found(deeds: &[Did], done: &Done) -> Vec<String> {
    let verdict = verdict(deeds, done);
    assert_eq!(verdict.wrong(), verdict.examples.len() as u64);
    let named = |it: &String| it.split([' ', ':']).filter(|it| !it.is_empty()).take(3).collect::<Vec<_>>().join(" ");
    verdict.examples.iter().map(named).collect()
}

/// Finds nothing while it holds, and this where it is broken.
fn check(what: &str, (held, broken): (&[Did], &[Did]), done: &Done, expect: &[&str]) {
    assert_eq!(found(held, done), [""; 0], "{what}, unbroken");
    assert_eq!(found(broken, done), expect, "{what}, broken");
}

fn title(seconds: u64, seat: usize, actor: Actor, title: &str) -> Did {
    (seconds, seat, actor, retitled("BOLT-1", title))
}

fn added(seat: usize) -> Did {
    let price = Price { amount: 3.into(), breaks: Vec::new() };
    let (code, title) = ("CLIP-1".to_owned(), "Clip".to_owned());
    let barcode = "4006381333931".to_owned();
    (1, seat, Human, Deed::Add(Article { code, title, barcode, stock: vec![5, 5], prices: vec![price; 3] }))
}

fn barcode(seconds: u64, seat: usize, actor: Actor, code: &str) -> Did {
    (seconds, seat, actor, Deed::Barcode { item: "BOLT-1".to_owned(), barcode: code.to_owned() })
}

fn stock(seconds: u64, seat: usize, actor: Actor, by: i64) -> Did {
    (seconds, seat, actor, moved(by))
}

#[test]
fn p1_what_systems_hold_otherwise_is_found() {
    let done = Done::default();
    let both = [title(1, ERP, Human, "new"), title(2, SHOP, Api, "new")];
    check("a title that only one has", (&both, &both[..1]), &done, &["wrong item/bolt-1 title"]);
    let (erp, shop) = (added(ERP), added(SHOP));
    // A person who adds it there prices and stocks it nowhere.
    let both = found(&[erp.clone(), shop.clone()], &done);
    assert!(both.iter().all(|it| !it.contains("item/clip-1")), "{both:?}");
    for (only, class) in [(erp, "missing"), (shop, "extra")] {
        let mut found = found(&[only], &done);
        found.retain(|it| it.contains("item/clip-1"));
        let expect = ["active", "barcode", "code", "title"].map(|field| format!("{class} item/clip-1 {field}"));
        assert_eq!(found, expect);
    }
}

#[test]
fn what_is_no_difference_is_not_compared() {
    let title_of = cell("item/bolt-1", "title");
    let at_erp = [title(1, ERP, Human, "new")];
    let wrong = ["wrong item/bolt-1 title"];
    let usual = Done::default();
    let cases = [
        (usual.clone(), &wrong[..]),
        (Done { asked: [title_of].into(), ..usual.clone() }, &[]),
        (Done { mapped: [Product::Shopify].into(), ..usual.clone() }, &[]),
        (Done { mapped: [Product::SapB1].into(), ..usual.clone() }, &wrong),
        (Done { aside: Some("bolt-".to_owned()), ..usual.clone() }, &[]),
        (Done { aside: Some("nut-".to_owned()), ..usual.clone() }, &wrong),
    ];
    for (done, expect) in cases {
        assert_eq!(found(&at_erp, &done), expect, "{done:?}");
    }
    // A shop is to hold what is published.
    let level = cell("stock-level/bolt-1@Main", "on_hand");
    let published = Done { computed: [(level.clone(), "93".to_owned())].into(), ..usual.clone() };
    assert_eq!(found(&[stock(1, SHOP, Api, -7)], &published), [""; 0]);
    assert_eq!(found(&[], &published), ["wrong stock-level/bolt-1@Main on_hand"]);
    // What is in parts is told to shops alone, and counted nowhere.
    let uncounted = Done { uncounted: [level].into(), ..usual };
    assert_eq!(
        found(&[stock(1, ERP, Human, 4), stock(2, SHOP, Api, 4), stock(3, ERP, Api, 1)], &uncounted),
        ["wrong stock-level/bolt-1@Main on_hand"]
    );
    assert_eq!(found(&[stock(1, ERP, Human, 4), stock(2, ERP, Api, 1), stock(2, SHOP, Api, 5)], &uncounted), [""; 0]);
}

#[test]
fn p5_every_move_of_stock_is_counted() {
    let done = Done::default();
    let moves = [stock(1, ERP, Human, -5), stock(2, SHOP, Human, -3)];
    let held: Vec<Did> = moves.iter().cloned().chain([stock(3, SHOP, Api, -5), stock(3, ERP, Api, -3)]).collect();
    // Both hold the same, and one of the two was lost.
    let broken: Vec<Did> = moves.iter().cloned().chain([stock(3, SHOP, Api, -2)]).collect();
    check("a move is lost", (&held, &broken), &done, &["wrong stock-level/bolt-1@Main holds"]);
    let twice: Vec<Did> = held.iter().cloned().chain([stock(4, SHOP, Api, -3), stock(4, ERP, Api, -3)]).collect();
    check("a move counts twice", (&held, &twice), &done, &["wrong stock-level/bolt-1@Main holds"]);
}

#[test]
fn p5_the_last_word_stands() {
    let done = Done::default();
    let said = [title(1, ERP, Human, "first"), title(2, SHOP, Api, "first"), title(60, SHOP, Human, "last")];
    let held: Vec<Did> = said.iter().cloned().chain([title(61, ERP, Api, "last")]).collect();
    let broken: Vec<Did> = said.iter().cloned().chain([title(61, SHOP, Api, "first")]).collect();
    check("the last word is lost", (&held, &broken), &done, &["wrong item/bolt-1 title"]);
    let gone = [title(1, ERP, Human, "first"), title(2, ERP, Api, "Bolt 1")];
    check("the only word is lost", (&[], &gone), &done, &["wrong item/bolt-1 title"]);
    // Whoever had not heard of it may have it, and so may whoever was told so.
    let untold = [said[0].clone(), said[2].clone(), title(61, SHOP, Api, "first")];
    assert_eq!(found(&untold, &done), [""; 0]);
    let neither = [said[0].clone(), said[2].clone(), title(61, ERP, Api, "third"), title(61, SHOP, Api, "third")];
    assert_eq!(found(&neither, &done), ["wrong item/bolt-1 title"]);
    let overruled = [(cell("item/bolt-1", "title"), "last".to_owned())].into();
    assert_eq!(found(&broken, &Done { overruled, ..Done::default() }), [""; 0]);
}

#[test]
fn p5_the_word_of_an_owner_stands_and_no_others() {
    let done = Done::default();
    let (ours, theirs) = ("4006381333948", "4006381333955");
    let said = [barcode(1, ERP, Human, ours), barcode(60, SHOP, Human, theirs)];
    let held: Vec<Did> = said.iter().cloned().chain([barcode(61, SHOP, Api, ours)]).collect();
    let broken: Vec<Did> = said.iter().cloned().chain([barcode(61, ERP, Api, theirs)]).collect();
    check("another's word stands", (&held, &broken), &done, &["wrong item/bolt-1 barcode"]);
}

/// Two bolts are ordered in the shop, and this is booked.
fn booked(order: Placed) -> Vec<Did> {
    vec![(1, SHOP, Human, Deed::Order(placed("PO-1", "C-1", 2))), (5, ERP, Api, Deed::Book(order))]
}

#[test]
fn p6_orders_are_booked_once_and_as_they_were_placed() {
    let done = Done { orders: vec![("PO-1".to_owned(), crate::demo::scene::BEGAN)], ..Done::default() };
    let right = placed("PO-1", "C-1", 2);
    let of = |order: &Placed, done: &Done| {
        let verdict = verdict(&booked(order.clone()), done);
        let about = |it: &&String| it.contains("order PO-");
        let told = verdict.examples.iter().filter(about).map(|it| it.split(" at erp").next().unwrap_or(it).to_owned());
        (verdict.orders.in_erp, verdict.orders.duplicates, told.collect::<Vec<_>>())
    };
    assert_eq!(of(&right, &done), (1, 0, Vec::new()));
    let cases = [
        (Placed { company: "C-0".to_owned(), ..right.clone() }, "wrong: order PO-1"),
        (Placed { lines: vec![("BOLT-2".to_owned(), 2)], ..right.clone() }, "wrong: order PO-1"),
    ];
    for (order, expect) in cases {
        let (in_erp, duplicates, told) = of(&order, &done);
        assert_eq!((in_erp, duplicates), (1, 0), "{order:?}");
        assert!(told.iter().any(|it| it.starts_with(expect)), "{order:?}: {told:?}");
    }
    // Something is charged beside the lines, and was booked of nobody.
    let charges = vec![Charge { kind: ChargeKind::Shipping, amount: 7.into() }];
    let dear = (1, SHOP, Human, Deed::Order(Placed { charges, ..right.clone() }));
    let short = found(&[dear, (5, ERP, Api, Deed::Book(right.clone()))], &done);
    assert!(short.contains(&"wrong order PO-1".to_owned()), "{short:?}");
    let (in_erp, duplicates, told) = of(&right, &Done::default());
    assert_eq!((in_erp, duplicates), (0, 1));
    assert_eq!(told, ["extra: order PO-1"]);
    let twice = [booked(right.clone()), vec![(9, ERP, Api, Deed::Book(right.clone()))]].concat();
    let twice = verdict(&twice, &done);
    assert_eq!((twice.orders.in_erp, twice.orders.duplicates), (1, 1));
    assert_eq!(verdict(&booked(right)[..1], &done).orders.in_erp, 0);
}
