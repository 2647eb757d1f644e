//! Movements of stock under a reference of the caller's.

use serde_json::{Value, json};

use super::super::settings::{Custom, Settings};
use super::stock::main_row;
use super::*;

const PAGE: &str = "itemLocationAdjustments";

fn movement(by: Value, reference: &str) -> Value {
    json!({ "itemNumber": "bolt-8", "locationCode": "MAIN", "quantity": by, "externalReference": reference })
}

fn post(environment: &Environment, body: Value) -> Reply {
    environment.custom("POST", PAGE, body, &[])
}

#[test]
fn a_movement_does_to_stock_what_a_count_does() {
    let environment = Environment::new();
    let before = main_row(&environment);
    let from = environment.system.journal().len();
    environment.wait(1_000);
    let made = post(&environment, movement(json!(-6.5), "op-1"));
    assert_eq!(made.status, 201, "{}", made.text);
    for (name, expect) in [
        ("itemNumber", json!("BOLT-8")),
        ("locationCode", json!("MAIN")),
        ("quantity", json!(-6.5)),
        ("externalReference", json!("op-1")),
        ("quantityAfter", json!(133.5)),
        ("lastModifiedDateTime", json!("2026-07-01T12:00:31.25Z")),
    ] {
        assert_eq!(made.body[name], expect, "{name}");
    }
    assert_eq!(made.body["@odata.etag"].as_str(), made.response.headers()["etag"].to_str().ok());
    let after = main_row(&environment);
    assert_eq!(after["quantity"], json!(133.5));
    assert!(after["@odata.etag"] != before["@odata.etag"]);
    assert!(after["lastModifiedDateTime"] != before["lastModifiedDateTime"]);
    assert_eq!(environment.changes(from), ["Api stock-level BOLT-8:MAIN on_hand=133.5"]);
    let entry = environment.get("itemLedgerEntries?$orderby=entryNumber desc&$top=1").rows()[0].clone();
    assert_eq!((&entry["quantity"], &entry["entryType"]), (&json!(-6.5), &json!("Negative_x0020_Adjmt_x002E_")));
}

#[test]
fn a_reference_is_taken_once() {
    let environment = Environment::new();
    assert_eq!(post(&environment, movement(json!(5), "op-1")).status, 201);
    let from = environment.system.journal().len();
    let again = post(&environment, movement(json!(5), "op-1"));
    assert_eq!((again.status, again.code()), (400, "Internal_EntityWithSameKeyExists"));
    assert_eq!((environment.changes(from).len(), &main_row(&environment)["quantity"]), (0, &json!(145)));
    assert_eq!(post(&environment, movement(json!(5), "op-2")).body["quantityAfter"], json!(150));
}

#[test]
fn a_movement_is_found_by_its_reference_and_stays_as_it_is() {
    let environment = Environment::new();
    let made = post(&environment, movement(json!(5), "op-1"));
    post(&environment, movement(json!(1), "op-2"));
    let found = environment.custom("GET", &format!("{PAGE}?$filter=externalReference eq 'op-1'"), Value::Null, &[]);
    assert_eq!((found.column("id").len(), &found.rows()[0]["id"]), (1, &made.body["id"]));
    let none = environment.custom("GET", &format!("{PAGE}?$filter=externalReference eq 'OP-1'"), Value::Null, &[]);
    assert_eq!((none.status, none.rows().len()), (200, 0));
    let path = format!("{PAGE}({})", made.body["id"].as_str().unwrap());
    let one = environment.custom("GET", &path, Value::Null, &[]);
    assert_eq!((one.status, &one.body["quantityAfter"]), (200, &json!(145)));
    for (method, body) in [("PATCH", json!({ "quantity": 1 })), ("DELETE", Value::Null)] {
        let reply = environment.custom(method, &path, body, &[("if-match", "*")]);
        assert_eq!((reply.status, reply.code()), (405, "BadRequest_MethodNotAllowed"), "{method}");
    }
}

#[test]
fn a_movement_that_makes_no_sense_moves_nothing() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let check = |name: &str, value: Value, code: &str| {
        let mut body = movement(json!(5), "op-1");
        body[name] = value;
        let reply = post(&environment, body);
        assert_eq!((reply.status, reply.code()), (400, code), "{name}");
    };
    check("itemNumber", json!("BOLT-9"), "Internal_InvalidTableRelation");
    check("locationCode", json!("WEST"), "Internal_InvalidTableRelation");
    check("itemNumber", json!(""), "BadRequest_RequiredParamNotProvided");
    check("externalReference", json!(""), "BadRequest_RequiredParamNotProvided");
    check("externalReference", json!("x".repeat(51)), "Application_StringExceededLength");
    check("quantity", json!(0), "Application_FieldValidationException");
    check("quantityAfter", json!(1), "BadRequest_InvalidOperation");
    assert!(environment.changes(from).is_empty());
    assert_eq!(post(&environment, movement(json!(5), &"x".repeat(50))).status, 201);
}

#[test]
fn a_movement_makes_the_row_where_there_was_none() {
    let environment = Environment::new();
    let mut body = movement(json!(7), "op-1");
    (body["itemNumber"], body["locationCode"]) = (json!("NUT-8"), json!("EAST"));
    assert_eq!(post(&environment, body).body["quantityAfter"], json!(7));
    assert_eq!(environment.system.stock_at("NUT-8", "EAST").unwrap().on_hand.to_string(), "7");
}

#[test]
fn movements_go_in_batches_too() {
    let environment = Environment::new();
    let company = environment.system.settings().companies[0].id;
    let part = |id: &str, reference: &str| {
        json!({
            "method": "POST", "id": id, "url": format!("companies({company})/{PAGE}"),
            "headers": { "Content-Type": "application/json" }, "body": movement(json!(2), reference),
        })
    };
    let body = json!({ "requests": [part("1", "op-1"), part("2", "op-1"), part("3", "op-2")] });
    let path = "/v2.0/Production/api/erpsync/inventory/v1.0/$batch";
    let reply = environment.send(&environment.request("POST", path, &body, &[]));
    let statuses: Vec<&Value> = reply.body["responses"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [&json!(201), &json!(400), &json!(201)], "{}", reply.text);
    assert_eq!(main_row(&environment)["quantity"], json!(144));
}

#[test]
fn a_movement_follows_the_names_of_item_and_location() {
    let environment = Environment::new();
    post(&environment, movement(json!(5), "op-1"));
    let item = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    environment.patch(&item, json!({ "number": "BOLT-08" }));
    let location = format!("locations({})", environment.id("locations", "code eq 'MAIN'"));
    environment.patch(&location, json!({ "code": "BLUE" }));
    let rows = environment.custom("GET", PAGE, Value::Null, &[]);
    assert_eq!(
        (rows.column("itemNumber"), rows.column("locationCode")),
        (vec!["BOLT-08".to_owned()], vec!["BLUE".to_owned()])
    );
}

#[test]
fn an_extension_may_lack_the_page() {
    let custom = Custom { adjustments: None, ..Custom::default() };
    let environment = Environment::with(Settings { custom: Some(custom), ..Settings::default() });
    assert_eq!(post(&environment, movement(json!(5), "op-1")).status, 404);
    assert_eq!(environment.custom("GET", "itemLocationStocks", Value::Null, &[]).status, 200);
}
