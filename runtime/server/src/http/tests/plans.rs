//! Plans: what is shown, what is taken, and what is told.

use truthsource_core::record::{HeldField, KeyState, RecordKey, Shadow};
use truthsource_core::{Kind, UnixMs};

use super::*;
use crate::store::{Change, ConnectionState, Debt, DebtState, PlanOutcome, Step};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An item that a connection holds with another title than it should.
fn owe(house: &House, key: &str) {
    let (key, connection) = (RecordKey::new(Kind::Item, key), truthsource_core::record::ConnectionId(1));
    let mut state = KeyState::default();
    state.truth.version = 3;
    let mut shadow = Shadow { remote_id: format!("r-{}", key.key), version: "v7".into(), ..Shadow::default() };
    shadow.fields.insert("title".into(), HeldField { value: "screw".into(), seen: 0, of: None });
    shadow.want.insert("title".into(), "bolt".into());
    state.shadows.insert(connection, shadow);
    house.acme.states.lock().unwrap().insert(key.clone(), state);
    house.acme.debts.lock().unwrap().push(Debt {
        connection,
        key,
        truth_version: 3,
        priority: 3,
        due_at: UnixMs(5),
        since: UnixMs(4),
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent: None,
    });
}

async fn house() -> House {
    let house = House::new().await.with_shop().await;
    assert_eq!(house.post("/v1/connections/shop/check", Json::Null).await.body["state"], "active");
    for key in ["a", "b", "c"] {
        owe(&house, key);
    }
    house
}

#[tokio::test]
async fn a_plan_is_listed_in_pages_with_its_reasons() {
    let house = house().await;
    let first = house.get("/v1/plan?limit=2").await;
    let item = &first.body["items"][0];
    assert_eq!((&item["connection"], &item["key"], &item["base_version"]), (&json!("shop"), &json!("a"), &json!("v7")));
    let step = &item["fields"]["title"];
    assert_eq!(
        (&step["from"], &step["to"], &step["why"]["policy"]),
        (&json!("screw"), &json!("bolt"), &json!("newest"))
    );
    let next = format!("/v1/plan?limit=2&cursor={}", first.body["next"].as_str().unwrap());
    let rest = house.get(&next).await;
    assert_eq!((&rest.body["items"][0]["key"], rest.body["items"].as_array().unwrap().len()), (&json!("c"), 1));
    assert_eq!(house.get("/v1/plan?kind=price").await.body["items"], json!([]));
    assert_eq!(house.get("/v1/plan?connection=none").await.code(), (404, "not-found"));
    // I8: another part of the plan is another listing.
    let other = format!("/v1/plan?kind=item&cursor={}", first.body["next"].as_str().unwrap());
    assert_eq!(house.get(&other).await.code(), (400, "invalid-cursor"));
}

fn part(key: &str) -> Json {
    json!({"connection": "shop", "kind": "item", "key": key, "remote_id": "r-a", "truth_version": 3,
        "base_version": "v7", "fields": {"title": {"from": "screw", "to": "bolt"}}})
}

#[tokio::test]
async fn a_plan_is_handed_in_and_told_of() {
    let house = house().await;
    let path = format!("/v1/plans/{ID}/apply");
    let taken = house.post(&path, json!({"writes": [part("a"), part("b")]})).await;
    assert_eq!((taken.status.as_u16(), &taken.body["open"]), (202, &json!(2)), "{taken:?}");
    let touched = |it: &Change| matches!(it, Change::Touch { remote_id, .. } if remote_id == "r-a");
    assert!(house.acme.appended.lock().unwrap().iter().any(touched), "it is read first");
    let fields = [("title".to_owned(), Step { from: "screw".into(), to: "nail".into() })].into();
    for change in house.acme.appended.lock().unwrap().iter_mut() {
        if let Change::Plan(planned) = change
            && planned.key.key == "a"
        {
            planned.outcome = Some(PlanOutcome::MovedAtRemote { fields });
            break;
        }
    }
    let told = house.get(&format!("/v1/plans/{ID}/writes")).await;
    assert_eq!(
        told.body["items"][0],
        json!({"connection": "shop", "kind": "item", "key": "a", "outcome": "moved-at-remote",
            "detail": {"fields": {"title": {"from": "screw", "to": "nail"}}}})
    );
    assert_eq!(told.body["items"][1]["outcome"], Json::Null);
    assert_eq!(house.get(&format!("/v1/plans/{}", "0".repeat(64))).await.code(), (404, "not-found"));
}

#[tokio::test]
async fn o3_what_is_no_plan_is_refused_whole() {
    let house = house().await;
    let path = format!("/v1/plans/{ID}/apply");
    for (path, body, expect) in [
        (path.as_str(), json!({"writes": []}), (422, "invalid-plan")),
        (path.as_str(), json!({"writes": vec![part("a"); 501]}), (422, "invalid-plan")),
        ("/v1/plans/latest/apply", json!({"writes": [part("a")]}), (422, "invalid-plan")),
        (path.as_str(), json!({"writes": [{"connection": "shop"}]}), (400, "invalid-body")),
        (
            path.as_str(),
            json!({"writes": [part("a"), {"connection": "none", "kind": "item", "key": "b",
            "remote_id": null, "truth_version": 1, "base_version": "", "fields": {}}]}),
            (404, "not-found"),
        ),
        (
            path.as_str(),
            json!({"writes": [part("a"), {"connection": "shop", "kind": "item", "key": "b",
            "remote_id": null, "truth_version": 1, "base_version": "", "fields": {}}]}),
            (422, "invalid-plan"),
        ),
    ] {
        assert_eq!(house.post(path, body).await.code(), expect, "{path}");
    }
    house.acme.connections.lock().unwrap()[0].state = ConnectionState::Paused;
    assert_eq!(house.post(&path, json!({"writes": [part("a")]})).await.code(), (409, "not-active"));
    assert!(!house.acme.appended.lock().unwrap().iter().any(|it| matches!(it, Change::Plan(_))));
}

/// Two calls a second, two records a reading, and a hundred writes a call.
#[tokio::test]
async fn a_plan_costs_what_it_reads_and_writes_itself() {
    let house = house().await;
    let ask = |parts: Json| house.post("/v1/plan/cost", json!({"parts": parts}));
    let shop = |creates, changes| json!({"connection": "shop", "kind": "item", "creates": creates, "changes": changes});
    // 5 changes are read in 3 calls and written, with 100 creations, in 2: 2.5 s.
    let told = ask(json!([shop(100, 5)])).await;
    let cost =
        json!({"connection": "shop", "kind": "item", "reads": 3, "writes": 2, "measured": false, "done_in_s": 3});
    assert_eq!(told.body, json!({"items": [cost]}));
    assert_eq!(ask(json!([])).await.body, json!({"items": []}));
    assert_eq!(ask(json!([shop(1, 0), shop(0, 1)])).await.code(), (422, "invalid-plan"));
    assert_eq!(ask(json!([{"connection": "none", "kind": "item"}])).await.code(), (404, "not-found"));
    assert_eq!(ask(json!([{"connection": "shop", "kind": "thing"}])).await.code(), (400, "invalid-body"));
}

/// Two calls a second, and a hundred writes a call.
#[tokio::test]
async fn the_status_says_when_it_will_be_done_and_what_waits_for_a_plan() {
    let house = house().await;
    let status = house.get("/v1/status").await;
    let forecast = &status.body["forecast"][0];
    assert_eq!((&forecast["debts"], &forecast["calls"], &forecast["done_in_s"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!((&forecast["class"], &forecast["measured"]), (&json!("catalogue"), &json!(false)));
    assert_eq!((&status.body["quiet"], &status.body["debts_to_apply"]), (&json!(false), &json!(0)));
    house.acme.connections.lock().unwrap()[0].spec.deliver = crate::store::Deliver::OnApply;
    let status = house.get("/v1/status").await;
    assert_eq!((&status.body["quiet"], &status.body["debts_to_apply"]), (&json!(true), &json!(3)));
    assert_eq!(status.body["forecast"][0]["on_apply"], true);
}
