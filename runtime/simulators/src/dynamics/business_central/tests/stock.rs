//! Stock: the total, the custom page per location, the ledger.

use serde_json::{Value, json};

use super::super::Editor;
use super::super::settings::{Settings, Stamp};
use super::*;

pub(super) fn main_row(environment: &Environment) -> Value {
    let query = "itemLocationStocks?$filter=itemNumber eq 'BOLT-8' and locationCode eq 'MAIN'";
    environment.custom("GET", query, Value::Null, &[]).rows()[0].clone()
}

#[test]
fn a_total_that_is_written_is_adjusted_at_no_location() {
    let environment = Environment::new();
    let path = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    let before = environment.get(&path).body;
    let from = environment.system.journal().len();
    environment.wait(1_000);
    let reply = environment.patch(&path, json!({ "inventory": 150 }));
    assert_eq!((reply.status, &reply.body["inventory"]), (200, &json!(150)));
    assert_eq!(reply.body["lastModifiedDateTime"], before["lastModifiedDateTime"]);
    assert_eq!(reply.body["@odata.etag"], before["@odata.etag"]);
    assert_eq!(environment.changes(from), ["Api stock-level BOLT-8: created=", "Api stock-level BOLT-8: on_hand=9.5"]);
    let entries = environment.get("itemLedgerEntries?$orderby=entryNumber desc&$top=1");
    let entry = &entries.rows()[0];
    assert_eq!((&entry["quantity"], &entry["entryType"]), (&json!(9.5), &json!("Positive_x0020_Adjmt_x002E_")));
    assert!(entry.get("locationCode").is_none());
    assert_eq!(environment.get("itemLedgerEntries").column("entryNumber"), ["1", "2", "3"]);
}

#[test]
fn stock_of_a_location_is_written_against_its_version() {
    for (stock_stamp, moves) in [(Stamp::Moves, true), (Stamp::Stays, false)] {
        let environment = Environment::with(Settings { stock_stamp, ..Settings::default() });
        let row = main_row(&environment);
        let (id, etag) = (row["id"].as_str().unwrap(), row["@odata.etag"].as_str().unwrap());
        environment.wait(1_000);
        let from = environment.system.journal().len();
        let path = format!("itemLocationStocks({id})");
        let reply = environment.custom("PATCH", &path, json!({ "quantity": 133.5 }), &[("if-match", etag)]);
        assert_eq!((reply.status, &reply.body["quantity"]), (200, &json!(133.5)));
        assert_eq!(environment.changes(from), ["Api stock-level BOLT-8:MAIN on_hand=133.5"]);
        assert_eq!(reply.body["@odata.etag"] != row["@odata.etag"], moves);
        assert_eq!(reply.body["lastModifiedDateTime"] != row["lastModifiedDateTime"], moves);
        let stale = environment.custom("PATCH", &path, json!({ "quantity": 1 }), &[("if-match", etag)]);
        assert_eq!(stale.status == 409, moves);
    }
}

#[test]
fn stock_is_added_where_there_was_none_yet() {
    let environment = Environment::new();
    let row = json!({ "itemNumber": "NUT-8", "locationCode": "EAST", "quantity": 7 });
    assert_eq!(environment.custom("POST", "itemLocationStocks", row.clone(), &[]).status, 201);
    let again = environment.custom("POST", "itemLocationStocks", row, &[]);
    assert_eq!((again.status, again.code()), (400, "Internal_EntityWithSameKeyExists"));
    let nowhere = json!({ "itemNumber": "NUT-8", "locationCode": "WEST", "quantity": 7 });
    let reply = environment.custom("POST", "itemLocationStocks", nowhere, &[]);
    assert_eq!((reply.status, reply.code()), (400, "Internal_InvalidTableRelation"));
    assert_eq!(environment.system.stock_at("NUT-8", "EAST").unwrap().on_hand.to_string(), "7");
}

#[test]
fn open_orders_are_counted_without_moving_a_stamp() {
    let environment = Environment::new();
    let before = main_row(&environment);
    environment.wait(1_000);
    environment.post("salesOrders", order(&environment));
    let after = main_row(&environment);
    assert_eq!((&before["quantityOnSalesOrder"], &after["quantityOnSalesOrder"]), (&json!(0), &json!(3)));
    assert_eq!(before["lastModifiedDateTime"], after["lastModifiedDateTime"]);
}

#[test]
fn a_person_counts_stock() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let quantity = "133.25".parse().unwrap();
    environment.system.set_stock(START, Editor::User, ("bolt-8", "main"), quantity).unwrap();
    assert_eq!(environment.changes(from), ["Human stock-level BOLT-8:MAIN on_hand=133.25"]);
    assert!(environment.system.set_stock(START, Editor::User, ("BOLT-9", "MAIN"), quantity).is_err());
}
