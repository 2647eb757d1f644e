use futures::FutureExt as _;

use super::*;

pub async fn a_refused_batch_leaves_nothing<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [link(&item("a"), "1")]).await;
    let before = store.state_hash().await.unwrap();
    let refused = || {
        let write =
            Change::Truth { key: item("b"), truth: truth(1, "x"), natural: Some("b".to_owned()), basis: String::new() };
        let changes = [webhook("lost"), write, Change::Owe(debt("b", 1)), link(&item("b"), "1"), webhook("lost-too")];
        store.commit(batch(1, changes))
    };
    // Between others that share its group and must not be taken along.
    let around = |event: &str| store.commit(batch(1, [webhook(event), Change::Wake { token: "t".to_owned() }]));
    let (first, lost, second, intake) =
        tokio::join!(around("e1"), refused(), around("e2"), store.commit(batch(1, [webhook("e3")])));
    assert!(matches!(lost, Err(Error::Conflict(_))), "{lost:?}");
    for kept in [first, second, intake] {
        assert_eq!(kept.unwrap().fresh, [true]);
    }
    assert_eq!(store.state_hash().await.unwrap(), before);
    let mut events: Vec<_> = store.inbox(10).await.unwrap().into_iter().map(|it| it.event_id).collect();
    events.sort();
    assert_eq!(events, ["e1", "e2", "e3"]);
}

pub async fn a_caller_that_goes_away_changes_nothing<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    for n in 0..200 {
        let call = |k| store.commit(batch(n, [webhook(&format!("{n}-{k}")), webhook(&format!("{n}-{k}b"))])).fuse();
        let calls = (0..4).map(call);
        let mut calls: Vec<_> = calls.collect();
        // Dropped after so many polls, wherever they stand then.
        for _ in 0..n % 5 {
            for call in &mut calls {
                let _ = futures::poll!(call);
            }
        }
        drop(calls);
        assert_eq!(commit(&store, n, [webhook(&format!("kept-{n}"))]).await.fresh, [true]);
    }
    let events: BTreeSet<_> = store.inbox(10_000).await.unwrap().into_iter().map(|it| it.event_id).collect();
    assert!((0..200).all(|n| events.contains(&format!("kept-{n}"))));
    // Each of the others is there as a whole or not at all.
    for whole in events.iter().filter(|it| !it.starts_with("kept") && !it.ends_with('b')) {
        assert!(events.contains(&format!("{whole}b")), "half of {whole}");
    }
}

pub async fn what_was_committed_survives<P: Place>() {
    let (place, store) = P::with_tenant().await;
    let seen = observed(1, state("1", fields([("title", "Bolt")])));
    let shadow = Change::Shadow { key: item("a"), connection: A, shadow: shadow("1") };
    let changes = [
        webhook("e1"),
        append(Kind::Item, seen.clone()),
        Change::Truth { key: item("a"), truth: truth(1, "x"), natural: Some("a".to_owned()), basis: String::new() },
        shadow,
        link(&item("a"), "1"),
        Change::Owe(debt("a", 1)),
    ];
    commit(&store, 0, changes).await;
    let fence = store.lease("fold", "a", at(0), 1_000).await.unwrap();
    let (before, tenant) = (store.state_hash().await.unwrap(), place.control().tenants().await.unwrap()[0].clone());
    let place = place.restart().await;
    let refused = store.commit(batch(1, [webhook("e2")])).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(place.control().tenant("acme").await.unwrap(), Some(tenant.clone()));
    let store = place.open(tenant.id).await;
    assert_eq!(store.state_hash().await.unwrap(), before);
    assert_eq!(store.unfolded(10).await.unwrap()[0].entry, seen);
    assert_eq!(commit(&store, 2, [webhook("e1"), webhook("e2")]).await.fresh, [false, true]);
    assert_eq!(store.lease("fold", "b", at(2), 1_000).await.unwrap(), None);
    assert!(store.renew("fold", fence.unwrap(), at(2), 1_000).await.unwrap());
}

pub async fn tenants_see_nothing_of_each_other<P: Place>() {
    let (place, acme) = P::with_tenant().await;
    let other = place.control().add_tenant("other", at(0)).await.unwrap();
    let other = place.open(other.id).await;
    let empty = other.state_hash().await.unwrap();
    let write = |text: &str| {
        let truth = Change::Truth {
            key: item("a"),
            truth: truth(1, text),
            natural: Some("a".to_owned()),
            basis: String::new(),
        };
        [webhook("e1"), truth, link(&item("a"), "1"), Change::Owe(debt("a", 1))]
    };
    commit(&acme, 0, write("acme")).await;
    assert_eq!(other.state_hash().await.unwrap(), empty);
    assert_eq!(other.backlog().await.unwrap(), Backlog::default());
    assert!(other.naturals(Kind::Item, &texts(["a"])).await.unwrap().is_empty());
    // The same ids again: neither is in the other's way.
    assert_eq!(commit(&other, 0, write("other")).await.fresh, [true]);
    let asked = BTreeSet::from([item("a")]);
    let truth_of = async |store: &Arc<dyn Inspect>| store.states(&asked).await.unwrap()[&item("a")].truth.clone();
    assert_eq!(truth_of(&acme).await, truth(1, "acme"));
    assert_eq!(truth_of(&other).await, truth(1, "other"));
    // A tenant's store is one and the same, however often it is opened.
    let again = place.open(TenantId(1)).await;
    commit(&again, 1, [Change::Owe(debt("b", 1))]).await;
    assert_eq!(acme.debts_of(&BTreeSet::from([item("b")])).await.unwrap().len(), 1);
    assert!(place.control().open(TenantId(77)).await.is_err());
}
