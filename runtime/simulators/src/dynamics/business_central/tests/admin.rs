//! The admin door.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_person_edits_everything_at_the_admin_door() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let done = (200, json!({}));
    assert_eq!(environment.admin("PATCH", "/items/BOLT-8", json!({ "title": "Bolt", "active": false })), done);
    assert_eq!(environment.admin("PUT", "/prices/base/BOLT-8", json!({ "amount": "13" })), done);
    assert_eq!(environment.admin("PATCH", "/customers/C10000", json!({ "email": "b@acme.example" })), done);
    assert_eq!(environment.admin("DELETE", "/items/NUT-8", Value::Null), done);
    let changes: Vec<String> = environment
        .changes(from)
        .iter()
        .map(|it| it.split(' ').filter(|it| it.len() != 36).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        changes,
        [
            "Human item title=Bolt",
            "Human item active=false",
            "Human price base:BOLT-8 amount=13",
            "Human company email=b@acme.example",
            "Human price base:NUT-8 deleted=",
            "Human item deleted=",
        ]
    );
    assert_eq!(environment.admin("GET", "/items/BOLT-8", Value::Null).1["title"], "Bolt");
    assert_eq!(environment.admin("GET", "/stock/BOLT-8/MAIN", Value::Null).1["on_hand"], "140");
    assert_eq!(environment.admin("GET", "/prices", Value::Null).1[1]["breaks"][0]["from"], "10");
    assert_eq!(environment.admin("PUT", "/stock/BOLT-9/MAIN", json!({ "on_hand": "1" })).0, 400);
    assert_eq!(environment.admin("PUT", "/stock/BOLT-8/MAIN", json!({ "onhand": "1" })).0, 400);
    assert_eq!(environment.admin("GET", "/nothing", Value::Null).0, 404);
}

#[test]
fn a_person_steers_orders_at_the_admin_door() {
    let environment = Environment::new();
    let order = json!({ "customer": "C10000", "po_number": "po-9", "lines": [{ "item": "BOLT-8", "quantity": "2", "location": "MAIN" }] });
    let (status, made) = environment.admin("POST", "/orders", order.clone());
    let id = made["id"].as_str().unwrap();
    assert_eq!(status, 200);
    assert_eq!(environment.admin("POST", &format!("/orders/{id}/ship"), json!([["BOLT-8", "1"]])).0, 200);
    assert_eq!(environment.admin("GET", "/orders", Value::Null).1[0]["status"], "partially-fulfilled");
    assert_eq!(environment.admin("DELETE", &format!("/orders/{id}"), Value::Null).0, 400);
    assert_eq!(environment.admin("POST", &format!("/orders/{id}/post"), Value::Null).0, 200);
    let shown = environment.admin("GET", "/orders", Value::Null).1;
    assert_eq!((&shown[0]["is_gone"], &shown[0]["po_number"]), (&json!(true), &json!("PO-9")));
    assert_eq!(environment.admin("DELETE", "/items/BOLT-8", Value::Null).0, 200);
    assert_eq!(environment.admin("DELETE", "/customers/C10000", Value::Null).0, 200);
}

#[test]
fn settings_are_seen_and_changed_at_the_admin_door() {
    let environment = Environment::new();
    let (_, mut settings) = environment.admin("GET", "/settings", Value::Null);
    assert_eq!(settings["limits"]["requests_max"], 6_000);
    settings["environment"] = json!("Sandbox");
    assert_eq!(environment.admin("PUT", "/settings", settings).0, 200);
    assert_eq!(environment.get("items").code(), "NoEnvironment");
    assert_eq!(environment.admin("PUT", "/settings", json!({ "colour": 1 })).0, 400);
}
