use super::*;

pub async fn a_webhook_is_taken_once<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    assert_eq!(commit(&store, 0, [webhook("e1"), webhook("e2"), webhook("e1")]).await.fresh, [true, true, false]);
    assert_eq!(commit(&store, 1, [webhook("e2"), webhook("e3")]).await.fresh, [false, true]);
    let mut other = webhook("e1");
    if let Change::Inbox { connection, body, .. } = &mut other {
        (*connection, *body) = (B, vec![0, 255, 7]);
    }
    assert_eq!(commit(&store, 2, [other]).await.fresh, [true]);
    let rows = store.inbox(10).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|it| (it.connection, it.event_id.as_str(), it.body.as_slice())).collect();
    let expect: [(_, _, &[u8]); 4] = [(A, "e1", b"e1"), (A, "e2", b"e2"), (A, "e3", b"e3"), (B, "e1", &[0, 255, 7])];
    assert_eq!(seen, expect);
    assert_eq!(rows[0].headers, [("x-shop".to_owned(), "acme".to_owned())]);
    assert_eq!((rows[0].topic.as_str(), rows[0].received_at), ("products/update", at(0)));
    assert_eq!(store.inbox(2).await.unwrap().len(), 2);
}

pub async fn w3_an_event_id_is_new_again_only_after_seven_days<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [webhook("e1"), webhook("pending")]).await;
    let id = store.inbox(1).await.unwrap()[0].id;
    commit(&store, 1, [Change::InboxDone { id }]).await;
    assert_eq!(commit(&store, INBOX_ID_KEPT_MS - 1, [webhook("e1")]).await.fresh, [false]);
    // One that still waits is the same event, however old.
    let fresh = commit(&store, INBOX_ID_KEPT_MS, [webhook("e1"), webhook("pending"), webhook("e1")]).await.fresh;
    assert_eq!(fresh, [true, false, false]);
    let mut waiting: Vec<_> = store.inbox(10).await.unwrap().into_iter().map(|it| it.event_id).collect();
    waiting.sort();
    assert_eq!(waiting, ["e1", "pending"]);
}

pub async fn an_understood_webhook_leaves_the_inbox<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let mut empty = webhook("e2");
    if let Change::Inbox { body, .. } = &mut empty {
        body.clear();
    }
    commit(&store, 0, [webhook("e1"), empty]).await;
    let ids: Vec<u64> = store.inbox(10).await.unwrap().iter().map(|it| it.id).collect();
    commit(&store, 1, [Change::InboxDone { id: ids[0] }]).await;
    let rows = store.inbox(10).await.unwrap();
    assert_eq!(rows.iter().map(|it| it.id).collect::<Vec<_>>(), [ids[1]]);
    assert!(rows[0].body.is_empty());
    assert_eq!(commit(&store, 2, [webhook("e1")]).await.fresh, [false]);
}

pub async fn s2_callers_at_once_are_all_answered<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    // Two of each event, so that every second one is a duplicate in whatever group it lands.
    let calls = (0..200).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { commit(&store, n, [webhook(&format!("e{}", n / 2))]).await.fresh })
    });
    let mut fresh = 0;
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.unwrap();
        assert_eq!(answer.len(), 1);
        fresh += u32::from(answer[0]);
    }
    assert_eq!(fresh, 100);
    assert_eq!(store.inbox(1_000).await.unwrap().len(), 100);
}
