//! What moves stock, and what does not.

use serde_json::{Value, json};

use super::Company;
use crate::sap_b1::Settings;
use crate::sap_b1::settings::NegativeStock;

fn lines(quantity: f64) -> Value {
    json!({ "DocumentLines": [{ "ItemCode": "A1", "WarehouseCode": "01", "Quantity": quantity }] })
}

#[test]
fn goods_come_and_go_and_the_items_stamp_stays() {
    let company = Company::new();
    let before = company.get("v2/Items('A1')");
    let changes = company.changes(|| {
        company.made("v2/InventoryGenEntries", lines(2.5));
        company.made("v2/InventoryGenExits", lines(42.5));
    });
    assert_eq!(changes, ["Api stock-level A1:01 on_hand=142.5", "Api stock-level A1:01 on_hand=100"]);
    let after = company.get("v2/Items('A1')");
    assert_eq!(after.body["QuantityOnStock"], json!(100.5));
    assert_eq!((after.header("etag"), &after.body["UpdateDate"]), (before.header("etag"), &Value::Null));
    let entry = company.get("v2/InventoryGenEntries(1)").body;
    assert_eq!((&entry["CardCode"], &entry["DocumentStatus"]), (&Value::Null, &json!("bost_Close")));
}

#[test]
fn no_more_leaves_than_is_there_unless_it_may() {
    let company = Company::new();
    assert_eq!(company.call("POST", "v2/InventoryGenExits", lines(140.5)).refusal(), r#"400 "-10""#);
    assert_eq!(company.stock("A1", "01"), "140 / 0");
    let loose = Company::with(Settings { negative_stock: NegativeStock::Allowed, ..Settings::default() });
    loose.made("v2/InventoryGenExits", lines(140.5));
    assert_eq!(loose.stock("A1", "01"), "-0.5 / 0");
}

#[test]
fn what_is_not_counted_has_no_stock() {
    let company = Company::new();
    let changes = company.changes(|| {
        company.made("v2/InventoryGenEntries", json!({ "DocumentLines": [{ "ItemCode": "S1", "Quantity": 5 }] }));
    });
    assert_eq!(changes, [""; 0]);
    company.call("PATCH", "v2/Items('A1')", json!({ "ManageBatchNumbers": "tYES" }));
    assert_eq!(company.call("POST", "v2/InventoryGenEntries", lines(1.0)).refusal(), r#"400 "-10""#);
}

#[test]
fn a_count_changes_nothing_until_it_is_posted() {
    let company = Company::new();
    let count = json!({
        "CountDate": "2026-11-21",
        "InventoryCountingLines": [{ "ItemCode": "A1", "WarehouseCode": "01", "Counted": "tYES", "CountedQuantity": 137 }],
    });
    let made = company.made("v2/InventoryCountings", count);
    let line = &made.body["InventoryCountingLines"][0];
    assert_eq!((&line["InWarehouseQuantity"], &line["Variance"]), (&json!(140.0), &json!(-3.0)));
    assert_eq!(company.stock("A1", "01"), "140 / 0");
    let posting = json!({ "InventoryPostingLines": [{ "BaseEntry": 1, "BaseLine": 0 }] });
    let changes = company.changes(|| {
        company.made("v2/InventoryPostings", posting.clone());
    });
    assert_eq!(changes, ["Api stock-level A1:01 on_hand=137"]);
    assert_eq!(company.get("v2/InventoryCountings(1)").body["DocumentStatus"], "cdsClosed");
    assert_eq!(company.call("POST", "v2/InventoryPostings", posting).refusal(), r#"400 "-10""#);
}

#[test]
fn a_posting_says_what_is_there() {
    let company = Company::new();
    let body = |quantity: f64| {
        json!({ "InventoryPostingLines": [
            { "ItemCode": "A1", "WarehouseCode": "02", "CountedQuantity": quantity },
            { "ItemCode": "B/2'x:y", "WarehouseCode": "01", "CountedQuantity": 4 },
        ] })
    };
    let changes = company.changes(|| {
        let made = company.made("v2/InventoryPostings", body(7.25));
        assert_eq!(made.body["InventoryPostingLines"][0]["InWarehouseQuantity"], json!(0.5));
    });
    assert_eq!(changes, ["Api stock-level A1:02 on_hand=7.25", "Api stock-level B/2'x%3Ay:01 on_hand=4"]);
    assert_eq!(company.call("POST", "v2/InventoryPostings", body(-1.0)).refusal(), r#"400 "-10""#);
    let unknown =
        json!({ "InventoryPostingLines": [{ "ItemCode": "S1", "WarehouseCode": "01", "CountedQuantity": 1 }] });
    assert_eq!(company.call("POST", "v2/InventoryPostings", unknown).refusal(), r#"400 "-5002""#);
}

#[test]
fn stock_moves_between_warehouses() {
    let company = Company::new();
    let body = |quantity: u32| json!({ "FromWarehouse": "01", "ToWarehouse": "02", "StockTransferLines": [{ "ItemCode": "A1", "Quantity": quantity }] });
    let made = company.made("v2/StockTransfers", body(40));
    assert_eq!(made.body["StockTransferLines"][0]["WarehouseCode"], "02");
    assert_eq!((company.stock("A1", "01"), company.stock("A1", "02")), ("100 / 0".to_owned(), "40.5 / 0".to_owned()));
    assert_eq!(company.call("POST", "v2/StockTransfers", body(101)).refusal(), r#"400 "-10""#);
    assert_eq!(company.stock("A1", "02"), "40.5 / 0");
}

#[test]
fn a_delivery_takes_goods_and_closes_what_it_delivers() {
    let company = Company::new();
    let order = json!({
        "CardCode": "C20000", "DocDueDate": "2026-11-25",
        "DocumentLines": [{ "ItemCode": "A1", "Quantity": 3 }, { "ItemCode": "A1", "Quantity": 1, "UnitPrice": 2 }],
    });
    company.made("v2/Orders", order);
    let deliver = |line: u32, quantity: Value| {
        let line = json!({ "BaseType": 17, "BaseEntry": 1, "BaseLine": line, "Quantity": quantity });
        company.call("POST", "v2/DeliveryNotes", json!({ "DocumentLines": [line] }))
    };
    let first = deliver(0, json!(2));
    assert_eq!((first.status, &first.body["CardCode"], &first.body["DocTotal"]), (201, &json!("C20000"), &json!(25.0)));
    assert_eq!(company.stock("A1", "01"), "138 / 2");
    let order = company.get("v2/Orders(1)").body;
    assert_eq!(order["DocumentLines"][0]["RemainingOpenQuantity"], json!(1.0));
    assert_eq!(company.system.orders()[0].canonical_status(), "partially-fulfilled");
    assert_eq!(company.call("POST", "v2/Orders(1)/Cancel", Value::Null).refusal(), r#"400 "-10""#);
    let less = json!({ "DocumentLines": [{ "LineNum": 0, "Quantity": 1 }] });
    assert_eq!(company.call("PATCH", "v2/Orders(1)", less).refusal(), r#"400 "-10""#);
    let changes = company.changes(|| {
        assert_eq!(deliver(0, Value::Null).status, 201);
        assert_eq!(deliver(1, Value::Null).status, 201);
    });
    assert!(changes.contains(&"Api order 1 status=fulfilled".to_owned()), "{changes:?}");
    assert_eq!(company.stock("A1", "01"), "136 / 0");
    assert_eq!(company.get("v2/Orders(1)").body["DocumentStatus"], "bost_Close");
    assert_eq!(deliver(0, json!(1)).refusal(), r#"400 "-5002""#);
}
