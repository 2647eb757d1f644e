use serde_json::json;
use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::rules::Direction;
use truthsource_core::stock::{Publishes, Tells};
use truthsource_core::{Decimal, Kind, Row, Value};

use crate::engine::connections::Parties;
use crate::engine::fake::{ERP, Fake, House, SHOP};
use crate::engine::plan::propose;
use crate::engine::rebuild;
use crate::engine::stock_rules::STOCK_RULES;
use crate::store::{Change, ConnectionSpec, DebtState};

const DAY_MS: u64 = 86_400_000;

/// An ERP with a hundred of everything at two locations, and a shop that is told what may be sold.
async fn house(publishes: Publishes, rules: serde_json::Value) -> House {
    let house = House::with(Fake::default()).await;
    for connection in house.store.connections().await.unwrap() {
        let mut kinds = connection.spec.kinds.clone();
        kinds.insert(Kind::Order, Direction::BOTH);
        let publishes = (connection.id == SHOP).then(|| publishes.clone());
        let spec = ConnectionSpec { kinds, publishes, ..connection.spec };
        house.commit([Change::ConnectionSpec { id: connection.id, read: connection.revision, spec }]).await;
    }
    house.commit([Change::Setting { name: STOCK_RULES.to_owned(), value: rules }]).await;
    for at in [ERP, SHOP] {
        for location in ["main", "outlet"] {
            house.read(at, Kind::Location, location, &[("code", location.into())]).await;
        }
        for item in ["a", "b", "kit"] {
            house.saw(at, item, item).await;
        }
    }
    for item in ["a", "b", "kit"] {
        for location in ["main", "outlet"] {
            counted(&house, item, location, 100).await;
        }
    }
    house.fold_all().await;
    house
}

fn available() -> Publishes {
    Publishes { tells: Tells::Available, ..Publishes::default() }
}

fn kit() -> serde_json::Value {
    json!({"kits": [{"item": "kit", "parts": [{"item": "a", "quantity": "2"}, {"item": "b", "quantity": "1"}]}]})
}

async fn counted(house: &House, item: &str, location: &str, on_hand: i32) {
    let level = [("item", item.into()), ("location", location.into()), ("on_hand", Value::Number(on_hand.into()))];
    house.read(ERP, Kind::StockLevel, &format!("{item}:{location}"), &level).await;
}

/// A system has an order of so many, of which so many have left.
async fn ordered(house: &House, at: ConnectionId, number: &str, (item, n): (&str, i32), left: i32, day: &str) {
    let rows = |n: i32| {
        let row = Row::from([("item".to_owned(), item.into()), ("quantity".to_owned(), Decimal::from(n).into())]);
        Value::Rows(if n > 0 { vec![row] } else { Vec::new() })
    };
    let status = if left == n { "fulfilled" } else { "open" };
    let order = [
        ("number", number.into()),
        ("status", status.into()),
        ("placed_at", day.into()),
        ("lines", rows(n)),
        ("fulfilments", rows(left)),
    ];
    house.read(at, Kind::Order, number, &order).await;
}

fn level(item: &str, location: &str) -> RecordKey {
    RecordKey::new(Kind::StockLevel, format!("{item}@{location}"))
}

/// What the shop is to be told.
async fn told(house: &House, item: &str, location: &str) -> i64 {
    let key = level(item, location);
    let states = house.store.states(&[key.clone()].into()).await.unwrap();
    let want = states[&key].shadows.get(&SHOP).and_then(|it| it.want.get("on_hand")?.as_number());
    want.map_or(-1, |it| it.parts().0)
}

/// Nothing but the books is needed to decide the same again.
async fn is_the_same_again(house: &House) {
    let rebuilt = rebuild::verify(house.store.as_ref()).await.unwrap();
    assert!(rebuilt.differences.is_empty(), "{:?}", rebuilt.differences);
}

#[tokio::test]
async fn p9_what_is_ordered_is_held_back_until_it_has_left() {
    let house = house(available(), json!({"ships_from": {"shop": "main"}})).await;
    assert_eq!(told(&house, "a", "main").await, 100);
    ordered(&house, SHOP, "1", ("a", 5), 0, "2026-01-01").await;
    house.fold().await;
    // Until the level is decided again nothing older is written.
    assert_eq!(house.debt_of(SHOP, &level("a", "main")).await.map(|it| it.state), Some(DebtState::Untold));
    house.fold_all().await;
    assert_eq!((told(&house, "a", "main").await, told(&house, "a", "outlet").await), (95, 100));
    is_the_same_again(&house).await;

    // It leaves: the order says so before the shelf does, which is about to follow.
    ordered(&house, ERP, "1", ("a", 5), 5, "2026-01-01").await;
    house.fold_all().await;
    assert_eq!(told(&house, "a", "main").await, 95);
    counted(&house, "a", "main", 95).await;
    house.fold_all().await;
    assert_eq!(told(&house, "a", "main").await, 95);
    house.pass(6_000);
    house.fold_all().await;
    assert_eq!(told(&house, "a", "main").await, 95);
    is_the_same_again(&house).await;
}

#[tokio::test]
async fn p9_what_is_decided_in_the_same_fold_counts() {
    let house = house(available(), json!({})).await;
    ordered(&house, SHOP, "1", ("a", 5), 0, "2026-01-01").await;
    counted(&house, "a", "main", 200).await;
    house.fold().await;
    assert_eq!(told(&house, "a", "main").await, 195);
    // It may leave from either, as far as anybody knows.
    house.fold_all().await;
    assert_eq!(told(&house, "a", "outlet").await, 95);
}

#[tokio::test]
async fn a_shop_that_counts_its_shelf_takes_off_its_own_orders_itself() {
    let house = house(Publishes::default(), json!({})).await;
    ordered(&house, SHOP, "1", ("a", 5), 0, "2026-01-01").await;
    ordered(&house, ERP, "2", ("a", 7), 0, "2026-01-01").await;
    house.fold_all().await;
    assert_eq!(told(&house, "a", "main").await, 93);
    is_the_same_again(&house).await;
}

#[tokio::test]
async fn a_kit_follows_its_parts_and_their_orders() {
    let house = house(available(), kit()).await;
    assert_eq!((told(&house, "kit", "main").await, told(&house, "a", "main").await), (50, 100));
    counted(&house, "b", "main", 30).await;
    house.fold_all().await;
    assert_eq!((told(&house, "kit", "main").await, told(&house, "kit", "outlet").await), (30, 50));
    // One kit takes two of one part and one of the other.
    ordered(&house, SHOP, "1", ("kit", 4), 0, "2026-01-01").await;
    house.fold_all().await;
    assert_eq!((told(&house, "a", "main").await, told(&house, "b", "main").await), (92, 26));
    assert_eq!((told(&house, "kit", "main").await, told(&house, "kit", "outlet").await), (26, 46));
    ordered(&house, SHOP, "2", ("a", 60), 0, "2026-01-01").await;
    house.fold_all().await;
    assert_eq!(told(&house, "kit", "main").await, 16);
    // Nobody else is told how many kits there are.
    let states = house.store.states(&[level("kit", "main")].into()).await.unwrap();
    assert!(states[&level("kit", "main")].shadows[&ERP].want.is_empty());
    is_the_same_again(&house).await;
}

#[tokio::test]
async fn days_of_cover_move_with_the_days() {
    let publishes = Publishes { cover_days: 7.into(), ..available() };
    let house = house(publishes, json!({})).await;
    house.pass(40 * DAY_MS);
    ordered(&house, SHOP, "1", ("a", 56), 56, "1970-02-08").await;
    // The same order, as another system has it, was ordered once.
    ordered(&house, ERP, "1", ("a", 56), 56, "1970-02-08").await;
    house.fold_all().await;
    house.pass(6_000);
    house.fold_all().await;
    // Two a day.
    assert_eq!(told(&house, "a", "main").await, 86);
    is_the_same_again(&house).await;
    house.pass(40 * DAY_MS);
    house.fold_all().await;
    assert_eq!(told(&house, "a", "main").await, 100);
    is_the_same_again(&house).await;
}

#[tokio::test]
async fn what_sells_by_its_quantity_moves_no_stock() {
    let house = house(available(), json!({})).await;
    let sold = |n: i32| [("item", "a".into()), ("location", "main".into()), ("on_hand", Value::Number(n.into()))];
    house.read(SHOP, Kind::StockLevel, "a:main", &sold(100)).await;
    house.read(SHOP, Kind::StockLevel, "a:main", &sold(97)).await;
    ordered(&house, SHOP, "1", ("a", 3), 0, "2026-01-01").await;
    house.fold_all().await;
    let states = house.store.states(&[level("a", "main")].into()).await.unwrap();
    assert_eq!(states[&level("a", "main")].truth.values()["on_hand"], Value::Number(100.into()));
    assert_eq!(told(&house, "a", "main").await, 97);
}

#[tokio::test]
async fn where_nothing_is_published_nothing_is_asked() {
    let house = house(available(), kit()).await;
    let shop = house.store.connections().await.unwrap().into_iter().find(|it| it.id == SHOP).unwrap();
    let spec = ConnectionSpec { publishes: None, ..shop.spec };
    house.commit([Change::ConnectionSpec { id: SHOP, read: shop.revision, spec }]).await;
    ordered(&house, SHOP, "1", ("a", 5), 0, "2026-01-01").await;
    house.fold().await;
    assert!(house.store.untold(house.engine.now(), 100).await.unwrap().is_empty());
    // What is ordered is known all the same, once stock is published.
    let wanted = house.store.commitments(&["a".to_owned()].into(), None).await.unwrap();
    assert_eq!(wanted.len(), 1);
}

#[tokio::test]
async fn a_plan_says_what_a_count_was_worked_out_of() {
    let publishes = Publishes { absolute: 3.into(), ..available() };
    let mut rules = kit();
    rules["ships_from"] = json!({"shop": "main"});
    let house = house(publishes, rules).await;
    ordered(&house, SHOP, "1", ("a", 5), 0, "2026-01-01").await;
    house.fold_all().await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let at = (&parties.connections[&SHOP], Kind::StockLevel);
    let proposals = propose(&house.engine, &parties, at, None, 100).await.unwrap().0;
    let count = async |item: &str| {
        let found = proposals.iter().find(|it| it.key == level(item, "main")).unwrap();
        let count = found.why["on_hand"].count.clone().unwrap();
        // What it was worked out of comes to what is told.
        assert_eq!(count.free.map(|it| it.to_string()), Some(told(&house, item, "main").await.to_string()));
        count
    };
    let single = count("a").await;
    assert_eq!((single.on_hand, single.hold.absolute, single.free), (Some(100.into()), 3.into(), Some(92.into())));
    assert_eq!(single.supply.promised.unacknowledged, [(SHOP, 5.into())].into());
    let kit = count("kit").await;
    assert_eq!(kit.takes, [("a".to_owned(), 2.into()), ("b".to_owned(), 1.into())].into());
    assert_eq!((kit.supply.parts["a"].on_hand, kit.free), (100.into(), Some(46.into())));
}
