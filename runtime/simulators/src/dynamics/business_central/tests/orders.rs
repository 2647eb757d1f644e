//! Orders: placed, shipped, posted, gone.

use serde_json::{Value, json};

use super::super::Editor;
use super::*;
use crate::dynamics::{NewOrder, NewOrderLine};

#[test]
fn an_order_is_placed_with_its_lines_or_not_at_all() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let made = environment.post("salesOrders", order(&environment));
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, number) = (made.body["id"].as_str().unwrap(), made.body["number"].as_str().unwrap());
    assert_eq!((&made.body["status"], number), (&json!("Draft"), "S-ORD101001"));
    assert!(made.text.contains("\"totalAmountIncludingTax\":37.5,"));
    assert_eq!(made.body["salesOrderLines"], Value::Null);
    let changes = environment.changes(from);
    assert_eq!(changes[0], format!("Api order {id} created=SHOP-5512"));
    assert!(changes.contains(&format!("Api order {id} total=37.5")));
    let item = environment.id("items", "number eq 'BOLT-8'");
    let lines = json!([{ "item": item, "quantity": "3", "unit_price": "12.5" }]);
    assert!(changes.contains(&format!("Api order {id} lines={lines}")), "{changes:?}");

    let mut broken = order(&environment);
    broken["salesOrderLines"][0]["lineObjectNumber"] = json!("NUT-9");
    let (from, webhooks) = (environment.system.journal().len(), environment.get("salesOrders").rows().len());
    let refused = environment.post("salesOrders", broken);
    assert_eq!((refused.status, refused.code()), (400, "Internal_RecordNotFound"));
    assert_eq!((environment.changes(from).len(), environment.get("salesOrders").rows().len()), (0, webhooks));
}

#[test]
fn the_external_number_is_not_unique() {
    let environment = Environment::new();
    environment.post("salesOrders", order(&environment));
    environment.post("salesOrders", order(&environment));
    let found = environment.get("salesOrders?$filter=externalDocumentNumber eq 'SHOP-5512'");
    assert_eq!(found.rows().len(), 2);
    let long = json!({ "customerNumber": "C10000", "externalDocumentNumber": "X".repeat(36) });
    assert_eq!(environment.post("salesOrders", long).code(), "Application_StringExceededLength");
}

#[test]
fn a_posted_order_is_gone_and_documents_stand_for_it() {
    let environment = Environment::new();
    let made = environment.post("salesOrders", order(&environment));
    let (id, number) = (made.body["id"].as_str().unwrap().to_owned(), made.body["number"].clone());
    let from = environment.system.journal().len();
    let reply = environment.post(&format!("salesOrders({id})/Microsoft.NAV.shipAndInvoice"), Value::Null);
    assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{}", reply.text);
    assert_eq!(environment.get(&format!("salesOrders({id})")).status, 404);
    assert_eq!(
        environment.changes(from),
        ["Api stock-level BOLT-8:MAIN on_hand=137".to_owned(), format!("Api order {id} status=fulfilled"),]
    );
    for (set, lines) in [("salesShipments", "salesShipmentLines"), ("salesInvoices", "salesInvoiceLines")] {
        let found = environment.get(&format!("{set}?$filter=externalDocumentNumber eq 'SHOP-5512'&$expand={lines}"));
        assert_eq!(found.rows()[0]["orderNumber"], number, "{}", found.text);
        assert_eq!(found.rows()[0][lines][0]["quantity"], 3);
    }
    let order = &environment.system.orders()[0];
    assert_eq!((order.is_gone, order.status.as_str(), order.total.to_string()), (true, "fulfilled", "37.5".to_owned()));
    let again = environment.post(&format!("salesOrders({id})/Microsoft.NAV.shipAndInvoice"), Value::Null);
    assert_eq!((again.status, again.code()), (404, "Internal_RecordNotFound"));
    let other = environment.post("salesOrders", super::order(&environment)).body["id"].as_str().unwrap().to_owned();
    assert_eq!(environment.post(&format!("salesOrders({other})/Microsoft.NAV.shipp"), Value::Null).status, 404);
}

#[test]
fn a_person_ships_in_parts_and_invoices_later() {
    let environment = Environment::new();
    let line = NewOrderLine {
        item: "BOLT-8".to_owned(),
        quantity: "10".parse().unwrap(),
        unit_price: None,
        location: Some("MAIN".to_owned()),
    };
    let order = NewOrder {
        customer: "C10000".to_owned(),
        po_number: "PO-1".to_owned(),
        lines: vec![line],
        ..NewOrder::default()
    };
    let (system, now) = (&environment.system, START);
    let id = system.place_order(now, Editor::User, order).unwrap().to_string();
    // Ten cost what the list says from ten on.
    assert_eq!(system.orders()[0].total.to_string(), "110");
    let some = |n: &str| [("BOLT-8".to_owned(), n.parse().unwrap())];
    let from = system.journal().len();
    system.ship_order(now, Editor::User, &id, Some(&some("4"))).unwrap();
    assert_eq!(
        environment.changes(from),
        [
            "Human stock-level BOLT-8:MAIN on_hand=136".to_owned(),
            format!("Human order {id} status=partially-fulfilled"),
        ]
    );
    assert!(system.ship_order(now, Editor::User, &id, Some(&some("7"))).is_err());
    assert!(system.delete_order(now, Editor::User, &id).is_err());
    system.ship_order(now, Editor::User, &id, None).unwrap();
    let shown = environment.get(&format!("salesOrders({id})"));
    assert_eq!((&shown.body["fullyShipped"], system.orders()[0].status.as_str()), (&json!(true), "fulfilled"));
    assert!(system.ship_order(now, Editor::User, &id, None).is_err());
    system.post_order(now, Editor::User, &id).unwrap();
    assert_eq!(environment.get(&format!("salesOrders({id})")).status, 404);
    assert_eq!(environment.get("salesShipments").rows().len(), 2);
    assert_eq!(environment.get("salesInvoices").column("totalAmountIncludingTax"), ["110"]);
}

#[test]
fn a_deleted_order_is_a_cancelled_one() {
    let environment = Environment::new();
    let made = environment.post("salesOrders", order(&environment));
    let id = made.body["id"].as_str().unwrap();
    let from = environment.system.journal().len();
    environment.system.set_order_status(START, Editor::User, id, "Open").unwrap();
    let line = environment.get(&format!("salesOrders({id})/salesOrderLines")).body["value"][0]["id"].clone();
    let path = format!("salesOrderLines({})", line.as_str().unwrap());
    assert_eq!(environment.patch(&path, json!({ "quantity": 5 })).code(), "Application_FieldValidationException");
    assert!(environment.system.delete_order(START, Editor::User, id).is_err());
    environment.system.set_order_status(START, Editor::User, id, "Draft").unwrap();
    assert_eq!(environment.patch(&path, json!({ "quantity": 5 })).body["netAmount"], json!(62.5));
    assert_eq!(environment.call("DELETE", &format!("salesOrders({id})"), Value::Null, &[]).status, 204);
    assert_eq!(environment.changes(from).last().unwrap(), &format!("Api order {id} deleted="));
    assert_eq!(environment.system.stock_at("BOLT-8", "MAIN").unwrap().ordered.to_string(), "0");
    assert!(environment.system.orders().is_empty());
}

#[test]
fn discounts_are_a_share_or_an_amount() {
    let environment = Environment::new();
    let made = environment.post("salesOrders", order(&environment));
    let id = made.body["id"].as_str().unwrap();
    let line = json!({ "itemId": environment.id("items", "number eq 'BOLT-8'"), "quantity": 2, "discountPercent": 10 });
    let line = environment.post(&format!("salesOrders({id})/salesOrderLines"), line);
    assert_eq!((&line.body["unitPrice"], &line.body["netAmount"]), (&json!(11.75), &json!(21.15)), "{}", line.text);
    assert_eq!(line.body["sequence"], 20000);
    let path = format!("salesOrderLines({})", line.body["id"].as_str().unwrap());
    let line = environment.patch(&path, json!({ "discountAmount": 3.5 }));
    assert_eq!(line.body["netAmount"], json!(20));
    assert_eq!(environment.get(&format!("salesOrders({id})")).body["totalAmountExcludingTax"], json!(57.5));
}
