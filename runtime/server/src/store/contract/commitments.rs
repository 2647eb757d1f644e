use truthsource_core::stock::Commitment;

use super::*;

fn wants(open: i32, day: Option<u32>) -> Commitment {
    let at = [(A, Decimal::from(open))].into();
    Commitment { ordered: 5.into(), open: open.into(), at, day }
}

fn put<const N: usize>(order: &str, items: [(&str, Commitment); N]) -> Change {
    let items = items.into_iter().map(|(item, it)| (item.to_owned(), it)).collect();
    Change::Commitments { order: order.to_owned(), items }
}

async fn found(store: &Arc<dyn Inspect>, items: &[&str], since_day: Option<u32>) -> Vec<String> {
    let items = items.iter().map(|it| (*it).to_owned()).collect();
    let found = store.commitments(&items, since_day).await.unwrap();
    found.into_iter().map(|((item, order), it)| format!("{item} {order} {}", it.open)).collect()
}

pub async fn what_orders_want_is_found_by_item<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let first = put("1", [("bolt", wants(5, Some(100))), ("nut", wants(2, None))]);
    commit(&store, 0, [first, put("2", [("bolt", wants(0, Some(90)))])]).await;
    assert_eq!(found(&store, &["bolt", "none"], None).await, ["bolt 1 5"]);
    assert_eq!(found(&store, &["bolt", "nut"], Some(91)).await, ["bolt 1 5", "nut 1 2"]);
    assert_eq!(found(&store, &["bolt"], Some(90)).await, ["bolt 1 5", "bolt 2 0"]);
    // Somebody still sets something aside for what has left.
    let there = Commitment { at: [(B, Decimal::ONE)].into(), ..wants(0, None) };
    commit(&store, 1, [put("2", [("nut", there)])]).await;
    assert_eq!(found(&store, &["bolt", "nut"], Some(0)).await, ["bolt 1 5", "nut 1 2", "nut 2 0"]);
    commit(&store, 2, [put("1", [])]).await;
    assert_eq!(found(&store, &["bolt", "nut"], Some(0)).await, ["nut 2 0"]);
    let orders = [RecordKey::new(Kind::Order, "2"), RecordKey::new(Kind::Order, "1")].into();
    let stored = store.stored(&orders).await.unwrap();
    let of = |order: &str| stored[&RecordKey::new(Kind::Order, order)].wants.keys().cloned().collect::<Vec<_>>();
    assert_eq!((of("2"), of("1")), (vec!["nut".to_owned()], vec![]));
}

pub async fn levels_are_found_by_item<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let level = |key: &str, natural: &str, deleted_at| Change::Truth {
        key: RecordKey::new(Kind::StockLevel, key),
        truth: Truth { deleted_at, ..truth(1, "t") },
        natural: Some(natural.to_owned()),
        basis: String::new(),
    };
    let other = Change::Truth {
        key: item("bolt@main"),
        truth: truth(1, "t"),
        natural: Some("bolt@main".to_owned()),
        basis: String::new(),
    };
    let changes = [
        level("1", "bolt@main", None),
        level("2", "bolt@outlet", None),
        level("3", "bolt-2@main", None),
        level("4", "a%40b@main", None),
        level("5", "bolt@gone", Some(A)),
        other,
    ];
    commit(&store, 0, changes).await;
    let levels = async |items: &[&str]| {
        let items = items.iter().map(|it| (*it).to_owned()).collect();
        store.levels_of(&items).await.unwrap().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(levels(&["bolt"]).await, ["1", "2"]);
    assert_eq!(levels(&["a@b", "bolt-2"]).await, ["3", "4"]);
    assert!(levels(&["bol", "b", "main"]).await.is_empty());
}

pub async fn one_record_is_told_anew<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let retell = |key: &str, ms| Change::RetellOne { connection: A, key: item(key), due_at: at(ms) };
    let known = |key: &str| Change::Truth { key: item(key), truth: truth(3, "t"), natural: None, basis: String::new() };
    let begun = Debt { intent: Some(intent("op")), ..debt("begun", 1) };
    let parked = Debt { state: DebtState::Parked, attempts: 9, ..debt("parked", 1) };
    let there = [known("new"), known("begun"), known("parked"), Change::Owe(begun), Change::Owe(parked)];
    commit(&store, 0, there).await;
    commit(&store, 1, [retell("new", 50), retell("begun", 50), retell("parked", 60), retell("none", 50)]).await;
    let shown = async || {
        let keys = ["new", "begun", "parked", "none"].map(item).into();
        let debts = store.debts_of(&keys).await.unwrap();
        let shown = debts.into_iter().map(|it| format!("{} {:?} {}", it.key.key, it.state, it.due_at.since(at(0))));
        shown.collect::<Vec<_>>()
    };
    let begun = "begun Due 10".to_owned();
    assert_eq!(shown().await, [begun.clone(), "new Untold 50".to_owned(), "parked Untold 60".to_owned()]);
    // It is asked no later than it would have been.
    commit(&store, 2, [retell("new", 20), retell("parked", 90)]).await;
    assert_eq!(shown().await, [begun, "new Untold 20".to_owned(), "parked Untold 60".to_owned()]);
}
