use super::*;

fn write(key: &RecordKey, truth: Truth, natural: Option<&str>) -> Change {
    Change::Truth { key: key.clone(), truth, natural: natural.map(str::to_owned), basis: String::new() }
}

pub async fn what_is_not_known_is_default<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let asked = BTreeSet::from([item("bolt")]);
    assert_eq!(store.states(&asked).await.unwrap(), BTreeMap::from([(item("bolt"), KeyState::default())]));
    assert!(store.states(&BTreeSet::new()).await.unwrap().is_empty());
}

pub async fn truths_and_shadows_come_back<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let (bolt, odd) = (item("bolt"), item("ö'\"\\%20 x"));
    let hold = |key: &RecordKey, connection, remote_id| Change::Shadow {
        key: key.clone(),
        connection,
        shadow: shadow(remote_id),
    };
    let changes = [
        write(&bolt, truth(1, "old"), None),
        hold(&bolt, A, "1"),
        write(&odd, truth(4, "odd \u{1F529}\n"), None),
        write(&bolt, truth(2, "new"), None),
        hold(&bolt, B, "9"),
        hold(&bolt, A, "2"),
    ];
    commit(&store, 0, changes).await;
    let asked = BTreeSet::from([bolt.clone(), odd.clone()]);
    let shadows = BTreeMap::from([(A, shadow("2")), (B, shadow("9"))]);
    let expect = BTreeMap::from([
        (bolt.clone(), KeyState { truth: truth(2, "new"), shadows }),
        (odd, KeyState { truth: truth(4, "odd \u{1F529}\n"), shadows: BTreeMap::new() }),
    ]);
    assert_eq!(store.states(&asked).await.unwrap(), expect);
    let other_kind = BTreeSet::from([RecordKey::new(Kind::Price, "bolt")]);
    assert_eq!(store.states(&other_kind).await.unwrap().into_values().collect::<Vec<_>>(), [KeyState::default()]);
}

pub async fn records_are_found_by_their_present_natural_key<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let (a, b, c) = (item("a"), item("b"), item("c"));
    let changes = [
        write(&a, truth(1, "x"), Some("bolt")),
        write(&b, truth(1, "x"), Some("bolt")),
        write(&c, truth(1, "x"), Some("nut")),
    ];
    commit(&store, 0, changes).await;
    let asked = texts(["bolt", "nut", "screw"]);
    let found = async |store: &Arc<dyn Inspect>| store.naturals(Kind::Item, &asked).await.unwrap();
    let lists = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        let list = |keys: &[&str]| keys.iter().map(|it| (*it).to_owned()).collect();
        pairs.iter().map(|(natural, keys)| ((*natural).to_owned(), list(keys))).collect()
    };
    assert_eq!(found(&store).await, lists(&[("bolt", &["a", "b"]), ("nut", &["c"])]));
    let deleted = Truth { deleted_at: Some(A), ..truth(2, "x") };
    let changes =
        [write(&a, truth(2, "x"), Some("screw")), write(&b, truth(2, "x"), None), write(&c, deleted, Some("nut"))];
    commit(&store, 1, changes).await;
    assert_eq!(found(&store).await, lists(&[("screw", &["a"])]));
    assert!(store.naturals(Kind::Price, &asked).await.unwrap().is_empty());
}

pub async fn keys_are_listed_in_pages<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let changes = ["b", "a", "Z", "ä"].map(|key| write(&item(key), truth(1, "x"), None));
    commit(&store, 0, changes).await;
    commit(&store, 0, [write(&RecordKey::new(Kind::Order, "c"), truth(1, "x"), None)]).await;
    let page = async |after: Option<&str>, n| store.records(Kind::Item, after, n).await.unwrap();
    assert_eq!(page(None, 10).await, ["Z", "a", "b", "ä"]);
    assert_eq!(page(None, 2).await, ["Z", "a"]);
    assert_eq!(page(Some("a"), 10).await, ["b", "ä"]);
    assert!(page(Some("ä"), 10).await.is_empty());
}

pub async fn what_was_decided_under_something_else_is_found<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let under = |key: &str, basis: &str| {
        let (key, natural, basis) = (item(key), None, basis.to_owned());
        Change::Truth { key, truth: truth(1, "x"), natural, basis }
    };
    let price = RecordKey::new(Kind::Price, "a");
    let changes =
        [under("a", "5"), under("b", "7"), under("c", ""), under("d", "5"), write(&price, truth(1, "x"), None)];
    commit(&store, 0, changes).await;
    let found = async |kinds: &[(Kind, &str)], n_max| {
        let bases = kinds.iter().map(|(kind, basis)| (*kind, (*basis).to_owned())).collect();
        let found = store.outdated(&bases, n_max).await.unwrap();
        let counted: u64 = store.count_outdated(&bases).await.unwrap().values().sum();
        (found.iter().map(ToString::to_string).collect::<Vec<_>>(), counted)
    };
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(found(&[(Kind::Item, "5")], 9).await, (names(&["item/b", "item/c"]), 2));
    // Some of either side, the lowest first.
    assert_eq!(found(&[(Kind::Item, "6")], 1).await, (names(&["item/b", "item/c"]), 4));
    let both = [(Kind::Item, "7"), (Kind::Price, "7")];
    assert_eq!(found(&both, 2).await, (names(&["item/a", "item/c", "price/a"]), 4));
    assert_eq!(found(&[], 9).await, (names(&[]), 0));
    commit(&store, 1, [under("b", "5"), under("c", "5")]).await;
    assert_eq!(found(&[(Kind::Item, "5")], 9).await, (names(&[]), 0));
    let bases = store.bases(&BTreeSet::from([item("b"), item("z"), price.clone()])).await.unwrap();
    assert_eq!(bases, BTreeMap::from([(item("b"), "5".to_owned()), (price, String::new())]));
}
