use super::*;

pub async fn a_lease_is_held_by_one<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let lease = async |holder: &str, ms| store.lease("fold", holder, at(ms), 10).await.unwrap();
    assert_eq!(lease("a", 0).await, Some(1));
    assert_eq!(lease("b", 9).await, None);
    assert!(store.renew("fold", 1, at(9), 10).await.unwrap());
    assert_eq!(lease("b", 18).await, None);
    assert_eq!(lease("b", 19).await, Some(2));
    assert!(!store.renew("fold", 1, at(20), 10).await.unwrap());
    assert_eq!(lease("a", 20).await, None);
    // The same holder starts again: what it began before is void.
    assert_eq!(lease("b", 21).await, Some(3));
    assert!(!store.renew("fold", 2, at(22), 10).await.unwrap());
    assert_eq!(store.lease("deliver", "a", at(20), 10).await.unwrap(), Some(1));
}

pub async fn c12_a_lane_that_is_let_go_is_free_at_once<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    for lane in ["one", "other"] {
        assert_eq!(store.lease(lane, "a", at(0), 10).await.unwrap(), Some(1));
    }
    assert_eq!(store.lease("third", "b", at(0), 10).await.unwrap(), Some(1));
    assert_eq!(store.release("a").await.unwrap(), 2);
    assert_eq!(store.release("a").await.unwrap(), 0);
    for (lane, fence) in [("one", Some(2)), ("other", Some(2)), ("third", None)] {
        assert_eq!(store.lease(lane, "c", at(1), 10).await.unwrap(), fence, "{lane}");
    }
    // Whoever goes on all the same is void, as ever.
    assert!(!store.renew("one", 1, at(2), 10).await.unwrap());
}

pub async fn c8_a_lost_lease_voids_a_batch<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let fenced = |fence, event: &str| Batch { changes: vec![webhook(event)], ..Batch::fenced(at(30), "fold", fence) };
    assert_eq!(store.lease("fold", "a", at(0), 10).await.unwrap(), Some(1));
    assert_eq!(store.commit(fenced(1, "e1")).await.unwrap().fresh, [true]);
    assert_eq!(store.lease("fold", "b", at(20), 10).await.unwrap(), Some(2));
    let zombie = store.commit(fenced(1, "e2")).await;
    assert!(matches!(zombie, Err(Error::Fenced)), "{zombie:?}");
    assert_eq!(store.commit(fenced(2, "e2")).await.unwrap().fresh, [true]);
    assert_eq!(store.inbox(10).await.unwrap().len(), 2);
}
