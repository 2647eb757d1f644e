use super::*;

fn release(id: u64, slot: &str) -> Release {
    Release {
        id,
        slot: slot.to_owned(),
        digest: format!("{id:064x}"),
        plugin: "volume-pricing 1.0.0".to_owned(),
        state: "staged".to_owned(),
        created_at: at(id),
    }
}

fn activate(slot: &str, release: u64) -> Change {
    Change::Activate { slot: slot.to_owned(), release }
}

pub async fn a_release_takes_over_and_gives_back<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let releases = [release(1, "pricing"), release(2, "pricing"), release(3, "stock")];
    commit(&store, 0, releases.map(Change::Release)).await;
    let slot = |name: &str, active, previous| Slot { name: name.to_owned(), active, previous };
    let states = async || -> Vec<(u64, String)> {
        store.releases("pricing").await.unwrap().into_iter().map(|it| (it.id, it.state)).collect()
    };
    let named = |pairs: [(u64, &str); 2]| pairs.map(|(id, state)| (id, state.to_owned()));
    assert_eq!(store.slots().await.unwrap(), [slot("pricing", None, None), slot("stock", None, None)]);
    commit(&store, 1, [activate("pricing", 1), activate("pricing", 2), activate("pricing", 2)]).await;
    assert_eq!(store.slots().await.unwrap()[0], slot("pricing", Some(2), Some(1)));
    assert_eq!(states().await, named([(2, "active"), (1, "retired")]));
    commit(&store, 2, [activate("pricing", 1)]).await;
    assert_eq!(store.slots().await.unwrap()[0], slot("pricing", Some(1), Some(2)));
    assert_eq!(states().await, named([(2, "retired"), (1, "active")]));
    for refused in [activate("pricing", 3), activate("nothing", 1), Change::Release(release(2, "stock"))] {
        let refused = store.commit(batch(3, [refused])).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    // A release without a number gets the next one.
    commit(&store, 4, [Change::Release(Release { id: 0, ..release(9, "stock") })]).await;
    assert_eq!(store.releases("stock").await.unwrap()[0], Release { id: 4, ..release(9, "stock") });
}

pub async fn a_slot_can_be_emptied<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [release(1, "stock"), release(2, "stock")].map(Change::Release)).await;
    let vacate = || Change::Vacate { slot: "stock".to_owned() };
    let filled = async || {
        let slot = store.slots().await.unwrap().remove(0);
        (slot.active, slot.previous)
    };
    commit(&store, 1, [vacate()]).await;
    assert_eq!(filled().await, (None, None), "it was empty");
    commit(&store, 2, [activate("stock", 1), vacate(), vacate()]).await;
    assert_eq!(filled().await, (None, Some(1)));
    assert!(store.releases("stock").await.unwrap().iter().all(|it| it.state != "active"));
    // What is rolled back to answers, and there is nothing before it.
    commit(&store, 3, [activate("stock", 1)]).await;
    assert_eq!(filled().await, (Some(1), None));
    commit(&store, 4, [vacate(), activate("stock", 2)]).await;
    assert_eq!(filled().await, (Some(2), Some(1)));
}

pub async fn u7_the_same_bytes_in_a_slot_are_one_release<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let bytes =
        |digest: &str, slot: &str| Change::Release(Release { id: 0, digest: digest.to_owned(), ..release(1, slot) });
    commit(&store, 0, [bytes("d", "pricing")]).await;
    for refused in [vec![bytes("d", "pricing")], vec![bytes("e", "pricing"), bytes("e", "pricing")]] {
        let refused = store.commit(batch(1, refused)).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    // Another slot has them as a release of its own, and what was refused took no number.
    commit(&store, 2, [bytes("d", "stock"), bytes("e", "pricing")]).await;
    let ids = async |slot| store.releases(slot).await.unwrap().iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!((ids("pricing").await, ids("stock").await), (vec![3, 1], vec![2]));
    // However many come at once: one is first, and the others change nothing.
    let at_once = (0..20).map(|n| store.commit(batch(3, [bytes("f", "pricing"), activate("pricing", 1 + n % 2 * 2)])));
    let done = futures::future::join_all(at_once).await;
    assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1, "{done:?}");
    assert_eq!(store.releases("pricing").await.unwrap().iter().filter(|it| it.digest == "f").count(), 1);
}

pub async fn the_newest_hundred_calls_are_kept<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let call = |slot: &str, n: u64| CallRow {
        id: 0,
        at: at(n),
        slot: slot.to_owned(),
        digest: "d".to_owned(),
        function: "price".to_owned(),
        fuel: n,
        micros: 5,
        fault: None,
        recording: serde_json::json!({ "input": [n] }),
    };
    let calls = (0..130).flat_map(|n| [Change::Call(call("pricing", n)), Change::Call(call("stock", n))]);
    commit(&store, 0, calls.take(250)).await;
    let kept = store.calls("pricing", 1_000).await.unwrap();
    assert_eq!(kept.iter().map(|it| it.fuel).collect::<Vec<_>>(), (25..125).rev().collect::<Vec<_>>());
    assert_eq!(kept[0], CallRow { id: kept[0].id, ..call("pricing", 124) });
    assert!(kept.is_sorted_by(|a, b| a.id > b.id));
    assert_eq!(store.calls("stock", 3).await.unwrap().len(), 3);
}

pub async fn a_component_keeps_bytes<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let kv = |connection, value: Option<&[u8]>| Change::Kv {
        connection,
        key: "cursor".to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    commit(&store, 0, [kv(A, Some(b"one")), kv(B, Some(b"")), kv(A, Some(&[0, 255]))]).await;
    assert_eq!(store.kv_get(A, "cursor").await.unwrap().as_deref(), Some(&[0, 255][..]));
    assert_eq!(store.kv_get(B, "cursor").await.unwrap().as_deref(), Some(&[][..]));
    commit(&store, 1, [kv(A, None)]).await;
    assert_eq!(store.kv_get(A, "cursor").await.unwrap(), None);
}

pub async fn connections_are_kept<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let spec = |rank| ConnectionSpec {
        credentials_for: Vec::new(),
        connector: "connector:netsuite".to_owned(),
        settings: pairs([("account", "TD1")]),
        egress: vec!["https://td1.example".to_owned()],
        rank,
        kinds: BTreeMap::from([(Kind::Item, truthsource_core::rules::Direction::BOTH)]),
        deliver: Deliver::OnApply,
        links: Links::OnApproval,
        publishes: None,
        import_when: Default::default(),
        priced_by: None,
        poll_every_ms: BTreeMap::new(),
        overlap_ms: 1,
        sweep_every_ms: 2,
    };
    let add = |name: &str| Change::NewConnection { name: name.to_owned(), spec: spec(0) };
    let added = commit(&store, 7, [add("erp"), add("shop")]).await.connections;
    assert_eq!(added, [ConnectionId(1), ConnectionId(2)]);
    let taken = store.commit(batch(8, [add("other"), add("erp")])).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let respec = |id| Change::ConnectionSpec { id, read: 0, spec: spec(3) };
    let deny = |id, read| {
        let (state, trouble) = (ConnectionState::Denied, Some("401".to_owned()));
        Change::ConnectionState { id, read, state, trouble }
    };
    commit(&store, 9, [respec(added[1]), deny(added[1], 1)]).await;
    for missing in [respec(ConnectionId(9)), deny(ConnectionId(9), 0)] {
        let missing = store.commit(batch(9, [missing])).await;
        assert!(matches!(missing, Err(Error::Conflict(_))), "{missing:?}");
    }
    let connection = |id, name: &str| Connection {
        id,
        name: name.to_owned(),
        spec: spec(0),
        state: ConnectionState::New,
        trouble: None,
        created_at: at(7),
        revision: 0,
    };
    let (state, trouble) = (ConnectionState::Denied, Some("401".to_owned()));
    let denied = Connection { spec: spec(3), state, trouble, revision: 2, ..connection(B, "shop") };
    assert_eq!(store.connections().await.unwrap(), [connection(A, "erp"), denied]);
}

pub async fn a_connection_is_changed_only_as_it_was_read<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let spec = |rank: u32| -> ConnectionSpec {
        let spec = serde_json::json!({"connector": "connector:x", "egress": [], "rank": rank, "kinds": {}});
        serde_json::from_value(spec).unwrap()
    };
    let state = |read, state| Change::ConnectionState { id: A, read, state, trouble: None };
    let respec = |read, rank| Change::ConnectionSpec { id: A, read, spec: spec(rank) };
    let now = async || {
        let now = store.connections().await.unwrap().remove(0);
        (now.state, now.spec.rank, now.revision)
    };
    // One that the batch makes itself is known as it is made.
    let made = Change::NewConnection { name: "shop".to_owned(), spec: spec(0) };
    commit(&store, 0, [made, state(0, ConnectionState::Active)]).await;
    commit(&store, 1, [state(1, ConnectionState::Paused)]).await;
    assert_eq!(now().await, (ConnectionState::Paused, 0, 2));
    // Whoever read it before takes neither the pause back nor writes a part over what was not read.
    for stale in [state(1, ConnectionState::Denied), respec(1, 7), state(3, ConnectionState::Active)] {
        let refused = store.commit(batch(2, [webhook("with-it"), stale])).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    // Not even in one batch, where each change counts.
    let twice = store.commit(batch(2, [respec(2, 7), state(2, ConnectionState::Active)])).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    assert_eq!(now().await, (ConnectionState::Paused, 0, 2));
    assert!(store.inbox(10).await.unwrap().is_empty());
    commit(&store, 3, [respec(2, 7)]).await;
    assert_eq!(now().await, (ConnectionState::Paused, 7, 3));
    // Of many at once, one is first.
    let at_once = (0..20).map(|rank| store.commit(batch(4, [respec(3, rank)])));
    let done = futures::future::join_all(at_once).await;
    assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1, "{done:?}");
    assert_eq!(now().await.2, 4);
}

pub async fn secrets_are_kept_sealed<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let seal = |purpose: &str, sealed: &[u8]| Change::Credentials {
        id: A,
        purpose: purpose.to_owned(),
        sealed: sealed.to_vec(),
    };
    commit(&store, 0, [seal("auth", b"\x01\x00"), seal("webhook", b"w"), seal("auth", b"\x02\xff")]).await;
    assert_eq!(store.credentials(A, "auth").await.unwrap().as_deref(), Some(&b"\x02\xff"[..]));
    assert_eq!(store.credentials(B, "auth").await.unwrap(), None);
    commit(&store, 1, [seal("auth", b"")]).await;
    assert_eq!(store.credentials(A, "auth").await.unwrap(), None);
    assert_eq!(store.credentials(A, "webhook").await.unwrap().as_deref(), Some(&b"w"[..]));
}

pub async fn settings_are_kept<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    assert_eq!(store.setting("rules").await.unwrap(), None);
    let set = |value| Change::Setting { name: "rules".to_owned(), value };
    let rules = serde_json::json!({ "fields": [null, "x", 1.5] });
    commit(&store, 0, [set(serde_json::Value::Null), set(rules.clone())]).await;
    assert_eq!(store.setting("rules").await.unwrap(), Some(rules));
    commit(&store, 1, [set(serde_json::Value::Null)]).await;
    assert_eq!(store.setting("rules").await.unwrap(), Some(serde_json::Value::Null));
}
