//! What people do in the organisation's apps, and the admin door.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_person_edits_everything_at_the_admin_door() {
    let organisation = Organisation::new();
    let from = organisation.system.journal().len();
    let done = (200, json!({}));
    assert_eq!(organisation.admin("PUT", "/stock/BOLT-8/MAIN", json!({ "on_hand": "133.5" })), done);
    assert_eq!(organisation.admin("PATCH", "/items/BOLT-8", json!({ "title": "Bolt", "active": false })), done);
    assert_eq!(organisation.admin("PUT", "/prices/base/BOLT-8", json!({ "amount": "13" })), done);
    assert_eq!(organisation.admin("PATCH", "/customers/C1", json!({ "email": "b@acme.example" })), done);
    assert_eq!(
        organisation.changes(from),
        [
            "Human stock-level BOLT-8:MAIN on_hand=133.5",
            "Human item title=Bolt",
            "Human item active=false",
            "Human price base:BOLT-8 amount=13",
            "Human company email=b@acme.example",
        ]
    );
    assert_eq!(organisation.admin("GET", "/items/BOLT-8", Value::Null).1["title"], "Bolt");
    assert_eq!(organisation.admin("GET", "/stock", Value::Null).1[0]["id"], "BOLT-8:MAIN");
    let refused = json!({ "amount": "13", "breaks": [{ "from": "10", "amount": "9" }] });
    assert_eq!(organisation.admin("PUT", "/prices/base/BOLT-8", refused).0, 400);
    assert_eq!(organisation.admin("GET", "/nothing", Value::Null).0, 404);
    let (_, settings) = organisation.admin("GET", "/settings", Value::Null);
    assert_eq!(organisation.admin("PUT", "/settings", settings).0, 200);
}

#[test]
fn a_renamed_product_renames_its_stock_and_prices() {
    let organisation = Organisation::new();
    let from = organisation.system.journal().len();
    organisation.admin("PATCH", "/items/BOLT-8", json!({ "code": "BOLT:9" }));
    let changes = organisation.changes(from);
    assert!(changes.contains(&"Human stock-level BOLT-8:MAIN deleted=".to_owned()), "{changes:?}");
    assert!(changes.contains(&"Human price base:BOLT%3A9 amount=12.5".to_owned()));
    assert!(changes.contains(&"Human item code=BOLT:9".to_owned()));
}

#[test]
fn an_order_is_shipped_in_parts() {
    let organisation = Organisation::new();
    let order = json!({ "customer": "C1", "po_number": "PO-1", "lines": [{ "item": "BOLT-8", "quantity": "10" }] });
    let (_, made) = organisation.admin("POST", "/orders", order);
    let id = made["id"].as_str().unwrap();
    assert_eq!(organisation.system.orders()[0].total.to_string(), "125");
    let from = organisation.system.journal().len();
    let part = json!({ "location": "MAIN", "quantities": [["BOLT-8", "4"]] });
    assert_eq!(organisation.admin("POST", &format!("/orders/{id}/ship"), part).0, 200);
    assert_eq!(organisation.admin("POST", &format!("/orders/{id}/ship"), Value::Null).0, 200);
    assert_eq!(organisation.admin("POST", &format!("/orders/{id}/ship"), Value::Null).0, 400);
    assert_eq!(
        organisation.changes(from),
        [
            "Human stock-level BOLT-8:MAIN on_hand=136.5",
            "Human order status=partially-fulfilled",
            "Human order status=fulfilled",
        ]
    );
    assert_eq!(organisation.admin("POST", &format!("/orders/{id}/cancel"), Value::Null).0, 200);
    assert_eq!(organisation.system.orders()[0].status, "cancelled");
    assert_eq!(organisation.admin("DELETE", "/customers/C1", Value::Null).0, 400);
    assert_eq!(organisation.admin("DELETE", &format!("/orders/{id}"), Value::Null).0, 200);
    assert_eq!(organisation.admin("DELETE", "/customers/C1", Value::Null).0, 200);
}
