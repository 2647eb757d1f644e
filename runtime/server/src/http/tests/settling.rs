//! How a person settles what is about a record as a whole.

use truthsource_core::record::{ConnectionId, Entry, KeyState, RecordKey, Settlement, Shadow};
use truthsource_core::{Kind, UnixMs, Value};

use super::*;
use crate::store::{About, Change, Conflict};

const ERP: ConnectionId = ConnectionId(1);
const SHOP: ConnectionId = ConnectionId(2);

/// A house with an ERP and a shop, and a conflict about an item that the ERP has. The shop may create items if it is let.
async fn house(about: About, claims: [(&str, Value); 1], is_let: bool) -> House {
    let house = House::new().await;
    for name in ["erp", "shop"] {
        let mut body = shop(name);
        body["spec"]["kinds"]["item"]["creates"] = json!(is_let);
        assert_eq!(house.post("/v1/connections", body).await.status, 201);
    }
    let key = RecordKey::new(Kind::Item, "bolt-8");
    let mut state = KeyState::default();
    state.shadows.insert(ERP, Shadow { remote_id: "5".into(), ..Shadow::default() });
    state.shadows.insert(SHOP, Shadow { remote_id: "77".into(), gone: true, ..Shadow::default() });
    house.acme.states.lock().unwrap().insert(key.clone(), state);
    let claims = claims.map(|(name, value)| (name.to_owned(), value)).into();
    let (id, at, outcome, reason, policy) = (7, UnixMs(1), None, String::new(), String::new());
    house.acme.conflicts.lock().unwrap().push(Conflict { id, at, key, about, claims, outcome, reason, policy });
    house
}

async fn lost(is_let: bool) -> House {
    house(About::Vanished(SHOP), [("shop", Value::Null)], is_let).await
}

impl House {
    async fn settle(&self, body: Json) -> Answer {
        self.post("/v1/conflicts/7/settle", body).await
    }

    /// What went into the log.
    fn said(&self) -> Vec<Settlement> {
        let appended = self.acme.appended.lock().unwrap();
        let settled = |it: &Change| match it {
            Change::Append { key: Some(key), entry: Entry::Settled { what, .. }, .. } if key == "bolt-8" => {
                Some(what.clone())
            }
            _ => None,
        };
        appended.iter().filter_map(settled).collect()
    }
}

#[tokio::test]
async fn a_lost_record_is_deleted_everywhere_or_created_again() {
    for (body, outcome, what) in [
        (json!({"take": "shop"}), "deleted", Settlement::Deleted(SHOP)),
        (json!({"take": "erp"}), "recreated", Settlement::Recreated(SHOP)),
        (json!({"recreate": true}), "recreated", Settlement::Recreated(SHOP)),
    ] {
        let house = lost(true).await;
        let open = house.get("/v1/conflicts?open=true").await;
        assert_eq!((&open.body["items"][0]["about"], open.body["items"][0].get("field")), (&json!("vanished"), None));
        let settled = house.settle(body.clone()).await;
        assert_eq!((settled.status.as_u16(), &settled.body["outcome"]), (200, &json!(outcome)), "{settled:?}");
        assert_eq!(house.said(), [what], "{body}");
        assert_eq!(house.settle(body).await.code(), (409, "already-settled"));
        assert_eq!(house.get("/v1/conflicts?open=true").await.body, json!({"items": []}));
    }
}

#[tokio::test]
async fn what_cannot_become_of_a_lost_record_is_refused_in_words() {
    let house = lost(true).await;
    for wrong in [
        json!({}),
        json!({"recreate": false}),
        json!({"value": null}),
        json!({"take": "nobody"}),
        json!({"take": "erp", "recreate": true}),
    ] {
        assert_eq!(house.settle(wrong.clone()).await.code(), (422, "invalid-value"), "{wrong}");
    }
    // Of two that lost it, neither has it for the other.
    let key = RecordKey::new(Kind::Item, "bolt-8");
    house.acme.states.lock().unwrap().get_mut(&key).unwrap().shadows.get_mut(&ERP).unwrap().gone = true;
    let nobody = house.settle(json!({"take": "erp"})).await;
    assert_eq!(nobody.code(), (422, "invalid-value"));
    assert!(nobody.body["detail"].as_str().unwrap().contains("`shop`, to delete"), "{nobody:?}");
    let house = lost(false).await;
    let kept_out = house.settle(json!({"recreate": true})).await;
    assert_eq!(kept_out.code(), (422, "not-created-there"));
    assert!(kept_out.body["detail"].as_str().unwrap().contains("let it, or take `shop`"), "{kept_out:?}");
    assert_eq!(house.said(), []);
}

#[tokio::test]
async fn what_is_linked_to_nothing_is_settled_in_the_systems() {
    let about = About::Unlinked { connection: SHOP, remote_id: "78".into() };
    let house = house(about, [("shop", "78".into())], true).await;
    for body in [json!({"take": "shop"}), json!({"recreate": true}), json!({"value": "78"})] {
        let refused = house.settle(body.clone()).await;
        assert_eq!(refused.code(), (422, "not-linked"), "{body}");
        assert!(refused.body["detail"].as_str().unwrap().contains("change it (an item's SKU)"), "{refused:?}");
    }
    let open = house.get("/v1/conflicts?open=true").await;
    assert_eq!((&open.body["items"][0]["about"], house.said()), (&json!("unlinked"), vec![]));
}

/// What cannot be read is given up by a person, who says only that.
#[tokio::test]
async fn s7_a_damaged_row_is_settled_by_reading_again() {
    let key = RecordKey::new(Kind::Item, "bolt-8");
    let row = crate::store::Row::Shadow { key, connection: SHOP };
    let house = house(About::Damaged { row: row.clone() }, [("shop", Value::Null)], true).await;
    let open = house.get("/v1/conflicts?open=true").await;
    assert_eq!(open.body["items"][0]["about"], json!("damaged"));
    for word in [json!({"take": "shop"}), json!({"recreate": true}), json!({"value": 1})] {
        assert_eq!(house.settle(word).await.code(), (422, "invalid-value"));
    }
    let both = json!({"read_again": true, "recreate": true});
    assert_eq!(house.settle(both).await.code(), (422, "invalid-value"));
    let settled = house.settle(json!({"read_again": true})).await;
    assert_eq!((settled.status.as_u16(), &settled.body["outcome"]), (200, &json!("read again")), "{settled:?}");
}
