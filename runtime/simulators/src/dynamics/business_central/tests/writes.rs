//! What writes take, and how they are refused.

use serde_json::{Value, json};

use super::super::settings::{Numbers, Settings};
use super::*;

#[test]
fn a_record_is_made_changed_and_deleted() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let made =
        environment.post("customers", json!({ "number": "c30000", "displayName": "New", "email": "n@new.example" }));
    assert_eq!((made.status, &made.body["number"]), (201, &json!("C30000")));
    let id = made.body["id"].as_str().unwrap();
    assert!(made.response.headers()["location"].to_str().unwrap().ends_with(&format!("customers({id})")));
    let etag = made.body["@odata.etag"].as_str().unwrap();
    let body = json!({ "blocked": "All", "currencyCode": "EUR" });
    let changed = environment.call("PATCH", &format!("customers({id})"), body, &[("if-match", etag)]);
    assert_eq!((changed.status, &changed.body["blocked"]), (200, &json!("All")));
    assert_ne!(changed.body["currencyId"], "00000000-0000-0000-0000-000000000000");
    let deleted = environment.call("DELETE", &format!("customers({id})"), Value::Null, &[]);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(environment.get(&format!("customers({id})")).status, 404);
    let expect = [
        "created=",
        "code=C30000",
        "name=New",
        "email=n@new.example",
        "currency=USD",
        "active=true",
        "currency=EUR",
        "active=false",
        "deleted=",
    ];
    assert_eq!(environment.changes(from), expect.map(|it| format!("Api company {id} {it}")));
    let quiet =
        environment.call("POST", "customers", json!({ "displayName": "Q" }), &[("prefer", "return-no-content")]);
    assert_eq!((quiet.status, quiet.text.as_str()), (204, ""));
}

#[test]
fn a_change_says_which_version_it_means() {
    for stale_status in [409, 412] {
        let environment = Environment::with(Settings { stale_status, ..Settings::default() });
        let path = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
        let etag = environment.get(&path).body["@odata.etag"].as_str().unwrap().to_owned();
        let change = |headers: &[(&str, &str)]| {
            let reply = environment.call("PATCH", &path, json!({ "displayName": "B" }), headers);
            (reply.status, reply.code().to_owned())
        };
        assert_eq!(change(&[]), (400, "BadRequest_InvalidToken".to_owned()));
        assert_eq!(change(&[("if-match", "abc")]), (400, "BadRequest_InvalidToken".to_owned()));
        assert_eq!(change(&[("if-match", &etag)]), (200, String::new()));
        assert_eq!(change(&[("if-match", &etag)]), (stale_status, "Request_EntityChanged".to_owned()));
        assert_eq!(change(&[("if-match", "*")]), (200, String::new()));
        let stale = environment.call("DELETE", &path, Value::Null, &[("if-match", &etag)]);
        assert_eq!((stale.status, stale.code()), (stale_status, "Request_EntityChanged"));
        assert_eq!(environment.call("DELETE", &path, Value::Null, &[]).status, 204);
    }
}

#[test]
fn a_refusal_carries_its_code() {
    let environment = Environment::new();
    let bolt = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    let check = |method: &str, rest: &str, body: Value, expect: (u16, &str)| {
        let reply = environment.call(method, rest, body.clone(), &[("if-match", "*")]);
        assert_eq!((reply.status, reply.code()), expect, "{method} {rest} {body}: {}", reply.text);
    };
    check("POST", "items", json!({ "number": "bolt-8" }), (400, "Internal_EntityWithSameKeyExists"));
    check("POST", "items", json!({ "number": "X", "inventory": 5 }), (400, "Application_DialogException"));
    check("PATCH", &bolt, json!({ "colour": "red" }), (400, "BadRequest"));
    check("PATCH", &bolt, json!({ "id": "x" }), (400, "BadRequest_InvalidOperation"));
    check("PATCH", &bolt, json!({ "unitPrice": "12" }), (400, "BadRequest"));
    check("PATCH", &bolt, json!({ "unitPrice": -1 }), (400, "Application_FieldValidationException"));
    check("PATCH", &bolt, json!({ "gtin": "123456789012345" }), (400, "Application_StringExceededLength"));
    check("PATCH", &bolt, json!({ "type": "Thing" }), (400, "BadRequest"));
    check("PATCH", &bolt, json!({ "baseUnitOfMeasureCode": "BOX" }), (400, "Internal_RecordNotFound"));
    check("PATCH", &bolt, json!({ "itemCategoryCode": "NONE" }), (400, "Internal_RecordNotFound"));
    check("PATCH", "items", json!({}), (405, "BadRequest_MethodNotAllowed"));
    check("POST", "itemLedgerEntries", json!({}), (405, "BadRequest_MethodNotAllowed"));
    check("POST", "locations", json!({ "displayName": "North" }), (400, "BadRequest_RequiredParamNotProvided"));
    check("POST", "salesOrders", json!({ "orderDate": "2026-07-01" }), (400, "Application_DialogException"));
    check("POST", "salesOrders", json!({ "customerNumber": "C20000" }), (400, "Application_DialogException"));
    check("POST", "salesOrders", json!({ "customerNumber": "C9" }), (400, "Internal_RecordNotFound"));
    check("PATCH", "items(00000000-0000-0000-0000-000000000009)", json!({}), (404, "Internal_RecordNotFound"));
    let request = environment.request("POST", &environment.path("v2.0", "items"), &Value::Null, &[]);
    assert_eq!(environment.send(&request).status, 400);
    assert_eq!(environment.changes(0).iter().filter(|it| it.starts_with("Api")).count(), 0);
}

#[test]
fn numbers_may_be_the_series_alone() {
    let settings = Settings { customer_numbers: Numbers::Series, ..Settings::default() };
    let environment =
        Environment { system: BusinessCentral::new(settings), now: Cell::new(START), token: RefCell::default() };
    environment.sign_in();
    let reply = environment.post("customers", json!({ "number": "C1", "displayName": "A" }));
    assert_eq!((reply.status, reply.code()), (400, "Application_DialogException"));
    assert_eq!(environment.post("customers", json!({ "displayName": "A" })).body["number"], "C101001");
}

#[test]
fn a_renamed_item_is_renamed_wherever_it_is_named() {
    let environment = Environment::new();
    environment.post("salesOrders", order(&environment));
    let path = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    let from = environment.system.journal().len();
    environment.patch(&path, json!({ "number": "BOLT:9" }));
    let changes = environment.changes(from);
    assert!(changes.contains(&"Api stock-level BOLT-8:MAIN deleted=".to_owned()), "{changes:?}");
    assert!(changes.contains(&"Api stock-level BOLT%3A9:MAIN on_hand=140".to_owned()));
    assert!(changes.contains(&"Api price GOLD:BOLT%3A9 amount=11.75".to_owned()));
    assert_eq!(environment.system.orders()[0].lines[0].sku, "BOLT:9");
}

#[test]
fn an_item_is_of_a_category_that_there_is() {
    let environment = Environment::new();
    let category = environment.post("itemCategories", json!({ "code": "TABLE", "displayName": "Tables" }));
    assert_eq!(category.status, 201, "{}", category.text);
    let path = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    environment.patch(&path, json!({ "itemCategoryCode": "TABLE" }));
    let item = environment.get(&format!("{path}?$expand=itemCategory"));
    assert_eq!(item.body["itemCategoryId"], category.body["id"]);
    assert_eq!(item.body["itemCategory"]["displayName"], "Tables");
    let used = format!("itemCategories({})", category.body["id"].as_str().unwrap());
    assert_eq!(environment.call("DELETE", &used, Value::Null, &[]).code(), "Application_DialogException");
}

#[test]
fn a_form_is_no_body() {
    let environment = Environment::new();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(environment.call("POST", "items", json!({ "number": "N1" }), &form).status, 415);
}

#[test]
fn what_nobody_documents_is_a_choice() {
    let environment = Environment::with(Settings { same_key_status: 409, ..Settings::default() });
    let reply = environment.post("items", json!({ "number": "bolt-8" }));
    assert_eq!((reply.status, reply.code()), (409, "Internal_EntityWithSameKeyExists"));
}
