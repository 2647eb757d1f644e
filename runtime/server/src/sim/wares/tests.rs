use truthsource_core::record::ConnectionId;
use truthsource_simulators::journal::Actor::{Api, Human};
use truthsource_simulators::journal::Change as Line;
use truthsource_simulators::world::{Article, Price};

use super::*;
use crate::demo::scene::{BEGAN, Did, Scene, retitled};
use crate::engine::fake::{ERP as AT_ERP, Fake, House, SHOP as AT_SHOP, item};
use crate::store::Change;

const ERP: usize = 0;
const SHOP: usize = 1;

fn ware(code: &str, title: &str) -> Article {
    let (code, title, barcode) = (code.to_owned(), title.to_owned(), "4006381333931".to_owned());
    let price = Price { amount: 3.into(), breaks: Vec::new() };
    Article { code, title, barcode, stock: Vec::new(), prices: vec![price; 3] }
}

fn added(seat: usize, title: &str) -> Did {
    (1, seat, Human, Deed::Add(ware("NUT-1", title)))
}

fn offered(seat: usize, active: bool) -> Did {
    (2, seat, Human, Deed::Offer { item: "NUT-1".to_owned(), active })
}

/// What is found, each up to its second colon or comma.
fn found(scene: &Scene, done: &[Act], conflicts: &[Conflict], kept: &Kept) -> Vec<String> {
    let found = check((&scene.seats, scene.now()), done, (conflicts, kept));
    found.iter().map(|it| it.split([':', ',']).take(2).collect::<Vec<_>>().join(":")).collect()
}

fn asked(about: About, code: &str) -> Conflict {
    Conflict {
        id: 1,
        at: UnixMs(0),
        key: item(code),
        about,
        claims: BTreeMap::new(),
        outcome: None,
        reason: String::new(),
        policy: String::new(),
    }
}

#[test]
fn p1_a_ware_that_is_not_everywhere_alike_is_found() {
    let (here, there) = (added(ERP, "Nut"), added(SHOP, "Nut"));
    let cases: [(&str, Vec<Did>, &[&str]); 8] = [
        ("nowhere", vec![], &[]),
        ("everywhere", vec![here.clone(), there.clone()], &[]),
        ("not in the shop", vec![here.clone()], &["P1: missing"]),
        ("not in the shop, and not for sale", vec![here.clone(), offered(ERP, false)], &[]),
        ("only in the shop", vec![there.clone()], &["P1: item/nut-1 is for sale at shop"]),
        ("only in the shop, and not for sale", vec![there.clone(), offered(SHOP, false)], &[]),
        ("called otherwise", vec![here.clone(), added(SHOP, "Nut, old")], &["P1: item/nut-1 title"]),
        ("for sale here only", vec![here.clone(), there.clone(), offered(SHOP, false)], &["P1: item/nut-1 active"]),
    ];
    for (what, deeds, expect) in cases {
        assert_eq!(found(&Scene::after(&deeds), &[], &[], &Kept::default()), expect, "{what}");
    }
    // What is no ware is looked at elsewhere.
    let other = Scene::after(&[(1, ERP, Human, retitled("BOLT-1", "new"))]);
    assert_eq!(found(&other, &[], &[], &Kept::default()), [""; 0]);
}

#[test]
fn what_a_person_is_asked_about_is_no_difference() {
    let missing = Scene::after(&[added(ERP, "Nut")]);
    let unlinked = |remote_id: &str| About::Unlinked { connection: ConnectionId(2), remote_id: remote_id.to_owned() };
    let answered = Conflict { outcome: Some("x".into()), ..asked(About::Vanished(ConnectionId(2)), "nut-1") };
    let said = Conflict {
        claims: [("erp".to_owned(), "NUT-1".into())].into(),
        ..asked(About::Field("code".to_owned()), "nut-7")
    };
    let cases = [
        (asked(About::Vanished(ConnectionId(2)), "nut-1"), true),
        (asked(About::Mass, ""), true),
        (asked(unlinked("NUT-1"), "7"), true),
        (said, true),
        (asked(About::Vanished(ConnectionId(2)), "nut-2"), false),
        (answered, false),
    ];
    for (conflict, is_asked) in cases {
        let n = found(&missing, &[], std::slice::from_ref(&conflict), &Kept::default()).len();
        assert_eq!(n, usize::from(!is_asked), "{conflict:?}");
    }
    // By the name that it had before it was renamed where the owner is.
    let renamed = |seat| {
        let deed = Deed::Recode { item: "NUT-0".to_owned(), code: "NUT-1".to_owned() };
        [Act { at_ms: 1, seat, deed }]
    };
    let old = asked(About::Vanished(ConnectionId(2)), "nut-0");
    assert_eq!(found(&missing, &renamed(ERP), std::slice::from_ref(&old), &Kept::default()), [""; 0]);
    assert_eq!(found(&missing, &renamed(SHOP), &[old], &Kept::default()), ["P1: missing"]);
}

#[test]
fn what_cannot_be_told_there_is_no_difference() {
    let missing = Scene::after(&[added(ERP, "Nut")]);
    let out = |at| Kept { out: [(at, "nut-1".to_owned())].into(), ..Kept::default() };
    assert_eq!(found(&missing, &[], &[], &out(SHOP)), [""; 0]);
    assert_eq!(found(&missing, &[], &[], &out(ERP)), ["P1: missing"]);
    // Of what is deleted only that it is not for sale is told.
    let deleted = Kept { deleted: ["nut-1".to_owned()].into(), ..Kept::default() };
    let otherwise = Scene::after(&[added(ERP, "Nut"), added(SHOP, "Nut, old")]);
    assert_eq!(found(&otherwise, &[], &[], &deleted), [""; 0]);
    let for_sale = Scene::after(&[added(ERP, "Nut"), added(SHOP, "Nut"), offered(SHOP, false)]);
    assert_eq!(found(&for_sale, &[], &[], &deleted), ["P1: item/nut-1 active"]);
    // Codes that stand for ever.
    let recoded = Deed::Recode { item: "NUT-1".to_owned(), code: "NUT-1-B".to_owned() };
    let recoded = [Act { at_ms: 1, seat: ERP, deed: recoded }];
    for (product, n) in [(Product::SapB1, 0), (Product::Dynamics365, 0), (Product::Shopify, 1)] {
        let scene = Scene::of(&[Product::Netsuite, product], &[added(ERP, "Nut")]);
        assert_eq!(found(&scene, &recoded, &[], &Kept::default()).len(), n, "{product}");
        assert_eq!(found(&scene, &[], &[], &Kept::default()).len(), 1, "{product}");
    }
}

#[test]
fn p6_a_ware_that_was_made_twice_is_found() {
    let made = |by, id: &str, field: &str, value: &str| {
        let (kind, id, field, value) = ("item".to_owned(), id.to_owned(), field.to_owned(), value.to_owned());
        Line { at: BEGAN, actor: by, kind, id, field, value }
    };
    let both = |first, second| {
        vec![
            made(first, "901", "created", ""),
            made(first, "901", "code", "NUT-8"),
            made(second, "902", "created", ""),
            made(second, "902", "code", "nut-8"),
        ]
    };
    let twice = ["P6: item/nut-8 is 2 times at shop"];
    let deleted = [both(Human, Api), vec![made(Human, "901", "deleted", "")]].concat();
    let recoded = [both(Human, Api), vec![made(Human, "901", "code", "NUT-9")]].concat();
    let cases: [(&str, Vec<Line>, &[&str]); 6] = [
        ("once", both(Human, Api)[..2].to_vec(), &[]),
        ("twice, and once by us", both(Human, Api), &twice),
        ("twice by us", both(Api, Api), &twice),
        ("twice by people", both(Human, Human), &[]),
        ("one is gone", deleted, &[]),
        ("one is called otherwise", recoded, &[]),
    ];
    for (what, lines, expect) in cases {
        let scene = Scene::after(&[]);
        let journal = scene.seats[SHOP].site.system();
        lines.into_iter().for_each(|it| journal.journal().add(it));
        assert_eq!(found(&scene, &[], &[], &Kept::default()), expect, "{what}");
        let asked = [asked(About::Vanished(ConnectionId(2)), "nut-8")];
        assert_eq!(found(&scene, &[], &asked, &Kept::default()), [""; 0], "{what}, and a person is asked");
    }
}

fn debt(code: &str, state: DebtState, last_error: Option<&str>) -> Debt {
    Debt {
        connection: AT_SHOP,
        key: item(code),
        truth_version: 1,
        priority: 1,
        due_at: UnixMs(0),
        since: UnixMs(0),
        attempts: 0,
        state,
        last_error: last_error.map(str::to_owned),
        intent: None,
    }
}

#[tokio::test]
async fn what_is_kept_out_and_what_is_deleted_is_known_from_the_store() {
    let house = House::with(Fake::default()).await;
    for code in ["NUT-1", "NUT-2", "NUT-3"] {
        house.saw(AT_ERP, code, "nut").await;
    }
    house.fold_all().await;
    house.gone(AT_ERP, Kind::Item, "NUT-3").await;
    house.fold_all().await;
    let taken = format!("{NAME_TAKEN}: another has it");
    let parked = [("nut-1", taken.as_str()), ("nut-2", "400: no")];
    house.commit(parked.map(|(code, why)| Change::Owe(debt(code, DebtState::Parked, Some(why))))).await;
    let kept = Kept::of(&*house.store).await.unwrap();
    assert_eq!(kept.out, [(1, "nut-1".to_owned())].into());
    assert_eq!(kept.deleted, ["nut-3".to_owned()].into());
}

/// A case: what it is, what is left of conflicts, debts and work, and whether that is settled.
type Left<'a> = (&'a str, Vec<Conflict>, Vec<Debt>, Backlog, bool);

#[tokio::test]
async fn only_what_waits_for_a_person_and_is_about_wares_may_be_left() {
    let (unlinked, mass) =
        (|| asked(About::Unlinked { connection: AT_SHOP, remote_id: "7".to_owned() }, "7"), || asked(About::Mass, ""));
    let busy = |touched, unfolded, waiting| Backlog { touched, unfolded, waiting, ..Backlog::default() };
    let none = Backlog::default;
    use DebtState::{Blocked, Due, Parked};
    let cases: [Left<'_>; 14] = [
        ("nothing", vec![], vec![], none(), true),
        ("a webhook", vec![mass()], vec![], Backlog { inbox: 1, ..none() }, false),
        ("something is to be read", vec![], vec![], busy(1, 0, 0), false),
        ("something is to be folded", vec![unlinked()], vec![], busy(0, 1, 0), false),
        ("what is not believed is read again", vec![mass()], vec![], busy(1, 1, 0), true),
        ("news waits", vec![], vec![], busy(0, 0, 1), false),
        ("news waits for what a person says", vec![unlinked()], vec![], busy(0, 0, 1), true),
        ("a ware was refused", vec![], vec![debt("nut-1", Parked, None)], none(), true),
        ("a bolt was refused", vec![], vec![debt("bolt-1", Parked, None)], none(), false),
        ("a ware is owed", vec![], vec![debt("nut-1", Due, None)], none(), false),
        ("a ware is owed, and its deletion not believed", vec![mass()], vec![debt("nut-1", Due, None)], none(), true),
        ("a ware waits", vec![], vec![debt("nut-1", Blocked, None)], none(), false),
        ("a ware waits for a person", vec![unlinked()], vec![debt("nut-1", Blocked, None)], none(), true),
        (
            "what refers to a ware that was refused waits",
            vec![],
            vec![
                debt("nut-1", Parked, None),
                Debt { key: RecordKey::new(Kind::Price, "nut-1@gold"), ..debt("nut-1", Blocked, None) },
            ],
            none(),
            true,
        ),
    ];
    for (what, conflicts, debts, backlog, expect) in cases {
        let house = House::with(Fake::default()).await;
        let changes = conflicts.into_iter().map(Change::Conflict).chain(debts.into_iter().map(Change::Owe));
        house.commit(changes).await;
        assert_eq!(is_asked(&*house.store, &backlog).await.unwrap(), expect, "{what}");
    }
}
