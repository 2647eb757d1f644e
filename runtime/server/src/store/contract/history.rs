use super::*;

pub async fn a_timeline_is_read_in_order<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let event = |key: &str, ms, connection, what: What| {
        Change::Event(Event { id: 0, at: at(ms), key: item(key), connection, what })
    };
    let failed = What::Failed { error: "no \"route\"".to_owned(), attempts: 2 };
    let changes = [
        event("bolt", 5, Some(A), failed.clone()),
        event("nut", 5, None, What::Redriven { by: String::new() }),
        event("bolt", 3, None, What::Vanished),
    ];
    commit(&store, 5, changes).await;
    let timeline = store.timeline(&item("bolt"), 0, 10).await.unwrap();
    let seen: Vec<_> = timeline.iter().map(|it| (it.at, it.connection, it.what.clone())).collect();
    assert_eq!(seen, [(at(5), Some(A), failed), (at(3), None, What::Vanished)]);
    assert!(0 < timeline[0].id && timeline[0].id < timeline[1].id);
    assert_eq!(store.timeline(&item("bolt"), 0, 1).await.unwrap(), timeline[..1]);
    assert_eq!(store.timeline(&item("bolt"), timeline[0].id, 10).await.unwrap(), timeline[1..]);
    let back: Vec<_> = timeline.iter().rev().cloned().collect();
    assert_eq!(store.timeline_back(&item("bolt"), None, 10).await.unwrap(), back);
    assert_eq!(store.timeline_back(&item("bolt"), None, 1).await.unwrap(), back[..1]);
    assert_eq!(store.timeline_back(&item("bolt"), Some(back[0].id), 10).await.unwrap(), back[1..]);
}

pub async fn what_vanished_lately_is_counted<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let event = |key: RecordKey, ms, connection, what: What| {
        Change::Event(Event { id: 0, at: at(ms), key, connection: Some(connection), what })
    };
    let price = RecordKey::new(Kind::Price, "gold/nut");
    let changes = [
        event(item("old"), 4, A, What::Vanished),
        event(item("bolt"), 5, A, What::Vanished),
        event(item("nut"), 9, A, What::Vanished),
        event(item("nut"), 9, A, What::Redriven { by: String::new() }),
        event(item("nut"), 9, B, What::Vanished),
        event(price, 9, A, What::Vanished),
    ];
    commit(&store, 9, changes).await;
    assert_eq!(store.vanished(A, Kind::Item, at(5)).await.unwrap(), 2);
    assert_eq!(store.vanished(B, Kind::Price, at(0)).await.unwrap(), 0);
}

pub async fn conflicts_are_closed_by_a_person<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let conflict = |key: &str, outcome| Conflict {
        id: 0,
        at: at(0),
        key: item(key),
        about: About::Field("title".to_owned()),
        claims: BTreeMap::from([("erp".to_owned(), Value::from("Bolt")), ("shop".to_owned(), Value::Null)]),
        outcome,
        reason: "two said so".to_owned(),
        policy: "conflict:title@abc".to_owned(),
    };
    let all = [conflict("a", None), conflict("b", Some(Value::Null)), conflict("c", None), conflict("d", None)];
    commit(&store, 0, all.clone().map(Change::Conflict)).await;
    let list = async |open, before| store.conflicts(open, before, 10).await.unwrap();
    let keys = |list: &[Conflict]| list.iter().map(|it| it.key.key.clone()).collect::<Vec<_>>();
    let newest = list(None, None).await;
    assert_eq!(keys(&newest), ["d", "c", "b", "a"]);
    assert_eq!(newest[2], Conflict { id: newest[2].id, ..all[1].clone() });
    assert_eq!(keys(&list(Some(true), None).await), ["d", "c", "a"]);
    assert_eq!(keys(&list(Some(false), None).await), ["b"]);
    assert_eq!(keys(&list(Some(true), Some(newest[0].id)).await), ["c", "a"]);
    assert_eq!(store.conflicts(None, None, 1).await.unwrap(), newest[..1]);
    let close = |key: &str, field: &str| Change::ConflictClosed {
        kind: Kind::Item,
        key: Some(key.to_owned()),
        about: About::Field(field.to_owned()),
        outcome: Value::from("Nut"),
        reason: "ann said so".to_owned(),
    };
    commit(&store, 1, [close("a", "title"), close("b", "title"), close("c", "other")]).await;
    assert_eq!(keys(&list(Some(true), None).await), ["d", "c"]);
    let settled = list(Some(false), None).await;
    let outcomes: Vec<_> = settled.iter().map(|it| (it.outcome.clone(), it.reason.as_str())).collect();
    let (nut, null) = (Some(Value::from("Nut")), Some(Value::Null));
    assert_eq!(outcomes, [(null, "two said so"), (nut, "ann said so")]);
}

pub async fn a_conflict_is_open_once<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let unlinked = |id: &str| About::Unlinked { connection: A, remote_id: id.to_owned() };
    let conflict = |about, sides: &[(&str, &str)], outcome| {
        let claims = sides.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect();
        let (id, at, key, reason, policy) = (0, at(0), item("a"), format!("{sides:?}"), String::new());
        Change::Conflict(Conflict { id, at, key, about, claims, outcome, reason, policy })
    };
    let title = || About::Field("title".to_owned());
    let open = async || -> Vec<_> {
        let open = store.conflicts(Some(true), None, 10).await.unwrap();
        open.into_iter().map(|it| (it.about, it.reason)).collect()
    };
    commit(&store, 0, [conflict(title(), &[("erp", "x"), ("shop", "y")], None)]).await;
    let first = store.conflicts(None, None, 1).await.unwrap()[0].id;
    // Said again it is the same, and shows what each side says by now.
    let again = [("erp", "x"), ("shop", "z")];
    commit(&store, 1, [conflict(title(), &again, None), conflict(title(), &again, None)]).await;
    let newest = store.conflicts(None, None, 10).await.unwrap();
    assert_eq!((newest.len(), newest[0].id, &newest[0].claims["shop"]), (1, first, &Value::from("z")));
    // Whoever speaks: a person sees what all of them say.
    commit(&store, 1, [conflict(title(), &[("erp", "x")], None), conflict(title(), &again, None)]).await;
    assert_eq!(open().await.len(), 1);
    // About something else, or decided, it is another; and a mass at another connection.
    let others = [
        conflict(About::Mass, &[("erp", "x")], None),
        conflict(About::Mass, &[("shop", "x")], None),
        conflict(About::Mass, &[("erp", "y")], None),
        conflict(About::Vanished(A), &[("erp", "x")], None),
        conflict(unlinked("1"), &[("erp", "x")], None),
        conflict(unlinked("2"), &[("erp", "x")], None),
        conflict(title(), &again, Some(Value::Null)),
        conflict(title(), &again, Some(Value::Null)),
    ];
    commit(&store, 2, others).await;
    assert_eq!((open().await.len(), store.conflicts(None, None, 10).await.unwrap().len()), (6, 8));
    // What a remote record is, is no question of one record alone.
    let close = |key: Option<&str>, about| {
        let (kind, key, outcome, reason) = (Kind::Item, key.map(str::to_owned), Value::Null, "ann".to_owned());
        Change::ConflictClosed { kind, key, about, outcome, reason }
    };
    let closed = [close(None, unlinked("1")), close(Some("b"), unlinked("2")), close(Some("a"), title())];
    commit(&store, 3, closed).await;
    let left: Vec<About> = open().await.into_iter().map(|it| it.0).collect();
    assert_eq!(left, [unlinked("2"), About::Vanished(A), About::Mass, About::Mass]);
    // What was settled can come up again.
    commit(&store, 4, [conflict(title(), &again, None)]).await;
    assert_eq!(open().await[0], (title(), format!("{:?}", &again[..])));
}

fn figure(connection: &str, kind: Kind, sweep: u64) -> Accuracy {
    Accuracy {
        connection: connection.to_owned(),
        kind,
        sweep,
        began_at: at(sweep),
        at: at(sweep + 1),
        asked: true,
        pages: 2,
        records: sweep,
        news: 1,
        fields: 4 * sweep,
        mismatches: BTreeMap::from([("stale".to_owned(), 1)]),
        by_field: BTreeMap::from([("title".to_owned(), BTreeMap::from([("stale".to_owned(), 1)]))]),
        drifted: 0,
    }
}

pub async fn the_newest_accuracy_counts<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let (erp, shop) = (figure("erp", Kind::Item, 5), figure("shop", Kind::Item, 1));
    let changes = [figure("erp", Kind::Item, 1), erp.clone(), figure("erp", Kind::Item, 2), shop.clone()];
    commit(&store, 5, changes.map(Change::Accuracy)).await;
    assert_eq!(store.accuracy().await.unwrap(), [erp.clone(), shop]);
    let price = figure("erp", Kind::Price, 4);
    commit(&store, 6, [Change::Accuracy(price.clone())]).await;
    let list = async |kind, before, n_max| store.figures("erp", kind, before, n_max).await.unwrap();
    assert_eq!(list(None, None, 2).await, [erp, price.clone()]);
    assert_eq!(list(None, Some(4), 9).await, [2, 1].map(|it| figure("erp", Kind::Item, it)));
    assert_eq!(list(Some(Kind::Price), None, 9).await, [price]);
}

pub async fn what_a_sweep_found_goes_with_its_figure<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let drift = |sweep, n: u64| Drift {
        connection: "erp".to_owned(),
        kind: Kind::Item,
        sweep,
        n,
        key: (n > 1).then(|| format!("bolt-{n}")),
        remote_id: n.to_string(),
        class: "wrong".to_owned(),
        fields: BTreeMap::from([("title".to_owned(), (Some("Bolt".into()), None))]),
    };
    let note = |it: Drift| Change::Drift(Box::new(it));
    let first = [drift(1, 1), drift(1, 2), drift(1, 3)];
    commit(&store, 1, first.clone().map(note)).await;
    commit(&store, 1, [Change::Accuracy(figure("erp", Kind::Item, 1)), note(drift(2, 1))]).await;
    let list = async |sweep, after, n_max| store.drift(("erp", Kind::Item, sweep), after, n_max).await.unwrap();
    assert_eq!(list(1, 0, 2).await, first[..2]);
    assert_eq!(list(1, 2, 9).await, first[2..]);
    let later = (2..=u64::from(FIGURES_KEPT)).map(|it| Change::Accuracy(figure("erp", Kind::Item, it)));
    commit(&store, 2, later).await;
    assert_eq!(list(1, 0, 9).await.len(), 3);
    commit(&store, 3, [Change::Accuracy(figure("erp", Kind::Item, u64::from(FIGURES_KEPT) + 1))]).await;
    assert_eq!((list(1, 0, 9).await, list(2, 0, 9).await), (vec![], vec![drift(2, 1)]));
    assert_eq!(store.figures("erp", None, Some(2), 9).await.unwrap(), []);
}
