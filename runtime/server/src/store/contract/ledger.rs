use truthsource_core::fold::{Answer, Ruling, Terms, Verdict};

use super::*;

fn ruling(ms: u64, key: RecordKey, entries: &[u64]) -> LoggedRuling {
    let answers = vec![Answer { field: "title".to_owned(), verdict: Verdict::Hold("who \"knows\"".to_owned()) }];
    let ruling = Ruling { entries: entries.to_vec(), answers, ..Ruling::default() };
    LoggedRuling { at: at(ms), key, terms: Terms::default().digest(), ruling }
}

fn rule(it: &LoggedRuling) -> Change {
    Change::Ruling(Box::new(it.clone()))
}

pub async fn what_was_decided_is_kept_with_what_it_was_decided_on<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bolt = observed(1, state("1", fields([("title", "Bolt")])));
    commit(&store, 0, [append(Kind::Item, bolt.clone()), append(Kind::Item, bolt.clone())]).await;
    let seqs = unfolded(&store).await;
    let price = RecordKey::new(Kind::Price, "gold/nut");
    let (first, other, second) =
        (ruling(1, item("bolt"), &seqs[..1]), ruling(2, price.clone(), &[]), ruling(3, item("bolt"), &[]));
    let terms = Change::Terms(Box::default());
    commit(&store, 1, [terms.clone(), folded(seqs[0], "bolt", bolt.clone()), rule(&first)]).await;
    commit(&store, 2, [terms, rule(&other), rule(&second)]).await;

    let of = async |keys: &[RecordKey]| store.rulings(&keys.iter().cloned().collect()).await.unwrap();
    assert_eq!(of(&[item("bolt")]).await, [first.clone(), second.clone()]);
    assert_eq!(of(&[item("bolt"), price.clone(), item("none")]).await, [first, other, second]);
    let logged = store.entries(&[seqs[0], seqs[1], 999].into()).await.unwrap();
    assert_eq!(logged.keys().copied().collect::<Vec<_>>(), seqs);
    assert_eq!((logged[&seqs[0]].key.as_deref(), &logged[&seqs[0]].entry), (Some("bolt"), &bolt));
    assert_eq!(store.terms(&Terms::default().digest()).await.unwrap(), Some(Terms::default()));
    assert_eq!(store.terms("none").await.unwrap(), None);
}

pub async fn accounts_are_listed_in_pages<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let stock = RecordKey::new(Kind::StockLevel, "a@b");
    let location = RecordKey::new(Kind::Location, "z");
    let hold = Change::Shadow { key: item("b"), connection: A, shadow: shadow("1") };
    let known = Change::Truth { key: location.clone(), truth: truth(1, "t"), natural: None, basis: String::new() };
    let ruled = [ruling(5, stock.clone(), &[]), ruling(7, item("a"), &[]), ruling(9, item("a"), &[])];
    commit(&store, 0, [hold, known].into_iter().chain(ruled.iter().map(rule))).await;
    let all = [item("a"), item("b"), location, stock.clone()];
    assert_eq!(store.accounts(None, 10).await.unwrap(), all);
    assert_eq!(store.accounts(Some(&all[1]), 1).await.unwrap(), all[2..3]);
    let within = async |from, to, after| store.ruled(at(from)..at(to), after, 10).await.unwrap();
    assert_eq!(within(5, 9, None).await, [item("a"), stock.clone()]);
    assert_eq!(within(6, 10, None).await, [item("a")]);
    assert_eq!(within(0, 10, Some(&all[0])).await, [stock]);
    assert_eq!(within(8, 9, None).await, []);
}

pub async fn a_record_is_restated_whole<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [Change::NewConnection { name: "erp".to_owned(), spec: crate::engine::fake::spec() }]).await;
    let hold = |connection, id: &str| Change::Shadow { key: item("a"), connection, shadow: shadow(id) };
    let known =
        Change::Truth { key: item("a"), truth: truth(1, "t"), natural: Some("a".to_owned()), basis: String::new() };
    commit(&store, 0, [known, hold(A, "1"), hold(B, "2"), link(&item("a"), "1")]).await;
    let stored = async |key: &RecordKey| store.stored(&[key.clone()].into()).await.unwrap().remove(key).unwrap();
    let before = stored(&item("a")).await;
    assert_eq!(before.truth, Some(serde_json::to_string(&truth(1, "t")).unwrap()));
    assert_eq!(before.shadows.keys().copied().collect::<Vec<_>>(), [A, B]);
    assert_eq!((before.natural.as_deref(), before.links), (Some("a"), [(A, "1".to_owned())].into()));
    assert_eq!(stored(&item("none")).await, Stored::default());

    let state = KeyState { truth: truth(2, "u"), shadows: [(B, shadow("3"))].into() };
    let restate = |state: &KeyState| {
        let (state, natural) = (Box::new(state.clone()), Some("b".to_owned()));
        Change::Restate { key: item("a"), state, natural }
    };
    commit(&store, 1, [restate(&state)]).await;
    assert_eq!(store.states(&[item("a")].into()).await.unwrap()[&item("a")], state);
    assert_eq!(stored(&item("a")).await.natural.as_deref(), Some("b"));
    commit(&store, 2, [restate(&KeyState::default())]).await;
    let left = stored(&item("a")).await;
    assert_eq!((left.truth, left.shadows.len(), left.links.len()), (None, 0, 1));
}
