use super::*;

/// Digests of what a fold has taken.
async fn digests(store: &Arc<dyn Inspect>, kind: Kind) -> BTreeMap<String, String> {
    let heard = store.heard(A, kind, &texts(["1", "2", "77"])).await.unwrap();
    heard.into_iter().filter(|(_, it)| !it.pending).filter_map(|(id, it)| Some((id, it.digest?))).collect()
}

pub async fn a_link_is_one_to_one<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [link(&item("a"), "1")]).await;
    commit(&store, 1, [link(&item("a"), "1"), link(&item("b"), "2")]).await;
    for taken in [link(&item("a"), "3"), link(&item("c"), "1"), link(&item("a"), "2")] {
        let refused = store.commit(batch(2, [link(&item("d"), "4"), taken])).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.linked(A, Kind::Item).await.unwrap(), 2);
    // Elsewhere and of another kind the same ids are free.
    let elsewhere = Change::Link { connection: B, key: item("a"), remote_id: "2".to_owned() };
    commit(&store, 3, [elsewhere, link(&RecordKey::new(Kind::Price, "a"), "2")]).await;
}

pub async fn links_are_looked_up_both_ways<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [link(&item("a"), "1"), link(&item("b"), "2")]).await;
    let from = store.links_from(A, Kind::Item, &texts(["1", "2", "3"])).await.unwrap();
    assert_eq!(from, pairs([("1", "a"), ("2", "b")]));
    let to = store.links_to(A, Kind::Item, &texts(["b", "c"])).await.unwrap();
    assert_eq!(to, pairs([("b", "2")]));
    assert!(store.links_from(B, Kind::Item, &texts(["1"])).await.unwrap().is_empty());
    assert!(store.links_to(A, Kind::Price, &texts(["a"])).await.unwrap().is_empty());
}

pub async fn what_is_unlinked_can_be_linked_otherwise<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let unlink = |connection, key: &str| Change::Unlink { connection, key: item(key) };
    let elsewhere = Change::Link { connection: B, key: item("a"), remote_id: "1".to_owned() };
    commit(&store, 0, [link(&item("a"), "1"), link(&item("b"), "2"), elsewhere]).await;
    commit(&store, 1, [unlink(A, "a"), unlink(A, "unknown")]).await;
    assert_eq!(store.links_to(A, Kind::Item, &texts(["a", "b"])).await.unwrap(), pairs([("b", "2")]));
    assert!(store.links_from(A, Kind::Item, &texts(["1"])).await.unwrap().is_empty());
    assert_eq!(store.links_to(B, Kind::Item, &texts(["a"])).await.unwrap(), pairs([("a", "1")]));
    commit(&store, 2, [link(&item("a"), "3"), link(&item("c"), "1")]).await;
    // In order within a batch.
    let refused = store.commit(batch(3, [unlink(A, "b"), link(&item("d"), "2"), link(&item("b"), "2")])).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    commit(&store, 4, [unlink(A, "b"), link(&item("b"), "4"), link(&item("d"), "2")]).await;
    let to = store.links_to(A, Kind::Item, &texts(["a", "b", "c", "d"])).await.unwrap();
    assert_eq!(to, pairs([("a", "3"), ("b", "4"), ("c", "1"), ("d", "2")]));
}

pub async fn a_sweep_tells_what_it_missed<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, ["3", "1", "2"].map(|id| link(&item(id), id))).await;
    let swept = |sweep, ids: &[&str]| Change::Swept {
        connection: A,
        kind: Kind::Item,
        sweep,
        remote_ids: ids.iter().map(|it| (*it).to_owned()).collect(),
    };
    commit(&store, 1, [swept(1, &["1", "2", "unknown"])]).await;
    assert_eq!(store.unswept(A, Kind::Item, 1).await.unwrap(), ["3"]);
    commit(&store, 2, [swept(2, &["3"]), swept(2, &["2"])]).await;
    assert_eq!(store.unswept(A, Kind::Item, 2).await.unwrap(), ["1"]);
    assert!(store.unswept(A, Kind::Price, 2).await.unwrap().is_empty());
    assert_eq!(store.linked(A, Kind::Item).await.unwrap(), 3);
    // What is gone is missed no more.
    let gone = Entry::Observed {
        connection: A,
        cause: Cause::Sweep,
        as_of: 9,
        observed: Observed::Absent("1".into()),
        tried: Fields::new(),
    };
    commit(&store, 3, [append(Kind::Item, gone.clone())]).await;
    let seq = store.unfolded(1).await.unwrap()[0].seq;
    commit(&store, 4, [Change::Folded { seq, key: "1".to_owned(), entry: Some(gone) }]).await;
    assert!(store.unswept(A, Kind::Item, 2).await.unwrap().is_empty());
    assert_eq!(store.linked(A, Kind::Item).await.unwrap(), 2);
}

pub async fn digests_are_of_what_arrived<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let arrived = fields([("item", "gid-5"), ("list", "retail")]);
    let canonical = fields([("item", "bolt"), ("list", "retail")]);
    commit(&store, 0, [append(Kind::Price, observed(1, state("77", arrived.clone())))]).await;
    assert!(digests(&store, Kind::Price).await.is_empty());
    let seqs = unfolded(&store).await;
    let price = RecordKey::new(Kind::Price, "retail@bolt");
    let fold = folded(seqs[0], &price.key, observed(1, state("77", canonical.clone())));
    // The order within the batch does not matter.
    commit(&store, 1, [fold, link(&price, "77"), link(&item("bolt"), "gid-5")]).await;
    assert_eq!(digests(&store, Kind::Price).await, pairs([("77", &shadow_digest(&arrived, None))]));
    // What refers to something without a link has no digest; neither has what is gone any fields.
    let other = fields([("item", "nut"), ("list", "retail")]);
    let entries = [
        observed(2, state("77", other)),
        Entry::Observed {
            connection: A,
            cause: Cause::Poll,
            as_of: 3,
            observed: Observed::Absent("77".to_owned()),
            tried: Fields::new(),
        },
    ];
    for (entry, expect) in entries.into_iter().zip([None, Some(digest::gone_digest())]) {
        commit(&store, 2, [append(Kind::Price, entry.clone())]).await;
        let seqs = unfolded(&store).await;
        commit(&store, 3, [folded(seqs[0], &price.key, entry)]).await;
        assert_eq!(digests(&store, Kind::Price).await.remove("77"), expect);
    }
}

pub async fn what_is_folded_as_it_was_logged_stays_what_it_was<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let seen = |as_of, title| (None, observed(as_of, state("1", fields([("title", title)]))));
    let gone = Entry::Observed {
        connection: A,
        cause: Cause::Poll,
        as_of: 3,
        observed: Observed::Absent("1".into()),
        tried: Fields::new(),
    };
    let wrote = Entry::Wrote {
        connection: A,
        as_of: 4,
        sent: Fields::new(),
        truth_version: 1,
        of: Fields::new(),
        sent_at: None,
        state: state("1", fields([("title", "Washer")])),
    };
    let digest = |title| shadow_digest(&fields([("title", title)]), None);
    commit(&store, 0, [link(&item("bolt"), "1")]).await;
    for (said, expect) in [
        // Two at once: the newer one counts, whatever their order.
        (vec![seen(2, "Nut"), seen(1, "Bolt")], digest("Nut")),
        (vec![(None, gone)], digest::gone_digest()),
        // What is in the log with keys has no digest there.
        (vec![(Some("bolt".to_owned()), wrote)], digest("Washer")),
    ] {
        commit(&store, 1, said.clone().into_iter().map(|(key, entry)| Change::Append { kind: Kind::Item, key, entry }))
            .await;
        let seqs = unfolded(&store).await;
        let fold = |seq: &u64| Change::Folded { seq: *seq, key: "bolt".to_owned(), entry: None };
        commit(&store, 2, seqs.iter().map(fold)).await;
        assert_eq!(digests(&store, Kind::Item).await, pairs([("1", &expect)]));
        let kept = store.entries(&seqs.into_iter().collect()).await.unwrap();
        let kept: Vec<_> = kept.into_values().map(|it| (it.key, it.entry)).collect();
        let said: Vec<_> = said.into_iter().map(|(_, entry)| (Some("bolt".to_owned()), entry)).collect();
        assert_eq!(kept, said);
    }
}

pub async fn a_digest_is_absent_while_news_waits<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bolt = |as_of, title| observed(as_of, state("1", fields([("title", title)])));
    commit(&store, 0, [append(Kind::Item, bolt(1, "Bolt")), link(&item("bolt"), "1")]).await;
    let seqs = unfolded(&store).await;
    commit(&store, 1, [folded(seqs[0], "bolt", bolt(1, "Bolt"))]).await;
    let digest = shadow_digest(&fields([("title", "Bolt")]), None);
    assert_eq!(digests(&store, Kind::Item).await, pairs([("1", &digest)]));
    let wrote = Entry::Wrote {
        connection: A,
        as_of: 2,
        sent: Fields::new(),
        truth_version: 1,
        of: Fields::new(),
        sent_at: None,
        state: state("1", fields([("title", "Nut")])),
    };
    commit(&store, 2, [Change::Append { kind: Kind::Item, key: Some("bolt".to_owned()), entry: wrote.clone() }]).await;
    let seqs = unfolded(&store).await;
    assert!(digests(&store, Kind::Item).await.is_empty());
    commit(&store, 3, [Change::Wait { seq: seqs[0], token: "t".to_owned() }]).await;
    assert!(digests(&store, Kind::Item).await.is_empty());
    commit(&store, 4, [folded(seqs[0], "bolt", wrote)]).await;
    let digest = shadow_digest(&fields([("title", "Nut")]), None);
    assert_eq!(digests(&store, Kind::Item).await, pairs([("1", &digest)]));
}

pub async fn what_waits_to_be_folded_has_a_digest_of_its_own<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bolt = |as_of, title| observed(as_of, state("1", fields([("title", title)])));
    let heard = || async { store.heard(A, Kind::Item, &texts(["1", "2"])).await.unwrap() };
    assert!(heard().await.is_empty());
    commit(&store, 0, [append(Kind::Item, bolt(1, "Bolt"))]).await;
    commit(&store, 1, [append(Kind::Item, bolt(2, "Nut"))]).await;
    let newest = Heard { digest: Some(shadow_digest(&fields([("title", "Nut")]), None)), pending: true, swept: 0 };
    assert_eq!(heard().await, BTreeMap::from([("1".to_owned(), newest)]));
    // What we wrote ourselves is in the log with keys: what that is in the system's words is not known yet.
    let wrote = Entry::Wrote {
        connection: A,
        as_of: 3,
        sent: Fields::new(),
        truth_version: 1,
        of: Fields::new(),
        sent_at: None,
        state: state("1", fields([("title", "Pin")])),
    };
    commit(&store, 2, [Change::Append { kind: Kind::Item, key: Some("bolt".to_owned()), entry: wrote }]).await;
    assert_eq!(heard().await, BTreeMap::from([("1".to_owned(), Heard { digest: None, pending: true, swept: 0 })]));
}

pub async fn older_news_leaves_a_digest<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bolt = |as_of, title| observed(as_of, state("1", fields([("title", title)])));
    let entries = [bolt(5, "new"), bolt(4, "old"), bolt(6, "newest"), bolt(3, "oldest")];
    commit(&store, 0, entries.clone().map(|it| append(Kind::Item, it))).await;
    let seqs = unfolded(&store).await;
    let fold = |at: usize| folded(seqs[at], "bolt", entries[at].clone());
    commit(&store, 1, [link(&item("bolt"), "1"), fold(0)]).await;
    commit(&store, 2, [fold(1), Change::Drop { seq: seqs[3], reason: String::new() }]).await;
    assert!(digests(&store, Kind::Item).await.is_empty());
    let refused = store.commit(batch(3, [fold(2), fold(1)])).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    commit(&store, 4, [Change::Drop { seq: seqs[2], reason: String::new() }]).await;
    let digest = shadow_digest(&fields([("title", "new")]), None);
    assert_eq!(digests(&store, Kind::Item).await, pairs([("1", &digest)]));
}

pub async fn what_was_carried_counts_and_makes_the_next_reading_news<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bolt = observed(1, state("1", fields([("title", "Bolt")])));
    commit(&store, 0, [append(Kind::Item, bolt.clone()), link(&item("bolt"), "1")]).await;
    let seqs = unfolded(&store).await;
    commit(&store, 1, [folded(seqs[0], "bolt", bolt)]).await;
    assert_eq!(digests(&store, Kind::Item).await.len(), 1);
    let moved = Entry::Moved {
        connection: A,
        remote_id: "1".to_owned(),
        as_of: 2,
        by: [("on_hand".to_owned(), Decimal::from(-3))].into(),
        sent_at: None,
    };
    commit(&store, 2, [Change::Append { kind: Kind::Item, key: Some("bolt".to_owned()), entry: moved.clone() }]).await;
    // What is read meanwhile may be obsolete; that it moved is not.
    let (remote_id, reason) = ("1".to_owned(), "it was read since".to_owned());
    commit(&store, 3, [Change::Supersede { connection: A, kind: Kind::Item, remote_id, reason }]).await;
    let seqs = unfolded(&store).await;
    assert_eq!(seqs.len(), 1);
    commit(&store, 4, [folded(seqs[0], "bolt", moved)]).await;
    assert!(digests(&store, Kind::Item).await.is_empty());
}
