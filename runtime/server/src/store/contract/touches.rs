use super::*;

fn touch(remote_id: &str, cause: Cause) -> Change {
    Change::Touch { connection: A, kind: Kind::Item, remote_id: remote_id.to_owned(), cause }
}

fn untouch(it: &Touched) -> Change {
    Change::Untouch { connection: A, kind: it.kind, remote_id: it.remote_id.clone(), seq: it.seq }
}

async fn due(store: &Arc<dyn Inspect>, ms: u64) -> Vec<Touched> {
    store.touched(A, at(ms), 10).await.unwrap()
}

fn ids(touched: &[Touched]) -> Vec<&str> {
    touched.iter().map(|it| it.remote_id.as_str()).collect()
}

pub async fn touches_of_one_record_merge<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [touch("1", Cause::Webhook)]).await;
    commit(&store, 1, [touch("2", Cause::Webhook)]).await;
    let first = due(&store, 1).await;
    commit(&store, 5, [touch("1", Cause::Sweep), touch("1", Cause::Poll)]).await;
    let merged = due(&store, 5).await;
    assert_eq!(ids(&merged), ["1", "2"]);
    assert_eq!((merged[0].since, merged[0].cause, merged[0].attempts), (at(0), Cause::Poll, 0));
    assert!(merged[0].seq > first[0].seq && merged[1].seq == first[1].seq);
    assert!(store.touched(B, at(5), 10).await.unwrap().is_empty());
    assert_eq!(store.touched(A, at(5), 1).await.unwrap().len(), 1);
}

pub async fn a_read_settles_only_touches_before_it<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [touch("1", Cause::Webhook)]).await;
    let before = due(&store, 0).await;
    commit(&store, 1, [touch("1", Cause::Webhook)]).await;
    commit(&store, 2, [untouch(&before[0])]).await;
    let after = due(&store, 2).await;
    assert_eq!(ids(&after), ["1"]);
    commit(&store, 3, [untouch(&after[0])]).await;
    assert!(due(&store, 3).await.is_empty());
    // A number is not used again, so an old read cannot settle a new touch.
    commit(&store, 4, [touch("1", Cause::Webhook)]).await;
    assert!(due(&store, 4).await[0].seq > after[0].seq);
}

pub async fn a_failed_read_is_tried_later<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [touch("1", Cause::Webhook), touch("2", Cause::Webhook)]).await;
    let later = |remote_id: &str, ms| Change::TouchLater {
        connection: A,
        kind: Kind::Item,
        remote_id: remote_id.to_owned(),
        due_at: at(ms),
    };
    commit(&store, 1, [later("1", 50), later("nobody", 50)]).await;
    assert_eq!(ids(&due(&store, 49).await), ["2"]);
    // A further touch does not cut the wait short: its due time is kept.
    commit(&store, 2, [touch("1", Cause::Webhook)]).await;
    assert_eq!(ids(&due(&store, 49).await), ["2"]);
    let both = due(&store, 50).await;
    assert_eq!(ids(&both), ["2", "1"]);
    assert_eq!((both[1].attempts, both[1].since), (1, at(0)));
}

pub async fn what_was_not_read_may_be_any_record<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let later = |remote_id: &str, ms| Change::TouchLater {
        connection: A,
        kind: Kind::Item,
        remote_id: remote_id.to_owned(),
        due_at: at(ms),
    };
    let unread = async || store.unread(A, Kind::Item).await.unwrap();
    // A webhook names a record that nobody tried to read yet.
    commit(&store, 0, [touch("1", Cause::Webhook)]).await;
    assert!(!unread().await);
    commit(&store, 1, [later("1", 50)]).await;
    assert!(
        unread().await && !store.unread(A, Kind::Price).await.unwrap() && !store.unread(B, Kind::Item).await.unwrap()
    );
    // Another component may read it, and is asked at once.
    commit(&store, 2, [Change::Reread { connection: A, kind: Kind::Price }]).await;
    assert!(due(&store, 2).await.is_empty());
    commit(&store, 2, [Change::Reread { connection: A, kind: Kind::Item }]).await;
    assert_eq!(ids(&due(&store, 2).await), ["1"]);
    // What is linked is that record and no other.
    commit(&store, 3, [Change::Link { connection: A, key: item("a"), remote_id: "1".to_owned() }]).await;
    assert!(!unread().await);
    // A listing had it, without what it holds.
    commit(&store, 4, [touch("2", Cause::Poll)]).await;
    assert!(unread().await);
    let two = due(&store, 4).await.into_iter().find(|it| it.remote_id == "2").unwrap();
    commit(&store, 5, [untouch(&two)]).await;
    assert!(!unread().await);
}

pub async fn cursors_are_kept_by_kind<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    assert!(store.cursors(A).await.unwrap().is_empty());
    let mismatches = BTreeMap::from([("wrong".to_owned(), 1)]);
    let by_field = BTreeMap::from([("title".to_owned(), mismatches.clone())]);
    let (began_at, due_at, failures) = (at(1), at(7), 2);
    let sweep =
        SweepRow { id: 3, seen: 5, fields: 9, mismatches, by_field, failures, ..SweepRow::begun(began_at, true) };
    let sweep = SweepRow { due_at, ..sweep };
    let row = CursorRow { cursor: Some("p2".to_owned()), poll_at: at(9), sweep: Some(sweep), ..CursorRow::default() };
    let change = |kind, row: &CursorRow| Change::Cursor { connection: A, kind, row: row.clone() };
    commit(&store, 0, [change(Kind::Item, &CursorRow::default()), change(Kind::Price, &row)]).await;
    commit(&store, 1, [change(Kind::Item, &row)]).await;
    let expect = BTreeMap::from([(Kind::Item, row.clone()), (Kind::Price, row)]);
    assert_eq!(store.cursors(A).await.unwrap(), expect);
    assert!(store.cursors(B).await.unwrap().is_empty());
}

pub async fn the_latest_ask_counts<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let ask = |kind, work| Change::Ask { connection: A, kind, work };
    commit(&store, 5, [ask(Kind::Item, Work::Poll), ask(Kind::Price, Work::Sweep)]).await;
    commit(&store, 9, [ask(Kind::Item, Work::Poll)]).await;
    // A clock that went back takes nothing back.
    commit(&store, 3, [ask(Kind::Item, Work::Poll)]).await;
    let expect = Asks::from([((Work::Poll, Kind::Item), at(9)), ((Work::Sweep, Kind::Price), at(5))]);
    assert_eq!(store.asks(A).await.unwrap(), expect);
    assert!(store.asks(B).await.unwrap().is_empty());
}
