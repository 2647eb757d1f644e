//! What writes do to records, and what reads show of them.

use serde_json::{Value, json};

use crate::netsuite::model::StockKey;
use crate::netsuite::settings::{PutLines, Settings};
use crate::netsuite::tests::Account;
use crate::system::System;

fn order() -> Value {
    json!({
        "externalId": "SHOP-1", "entity": { "id": "107" }, "subsidiary": { "id": "1" }, "otherRefNum": "PO-7",
        "item": { "items": [{ "item": { "id": "482" }, "quantity": 3, "rate": 12.5, "location": { "id": "1" } }] },
    })
}

fn adjustment(by: Value) -> Value {
    json!({
        "subsidiary": { "id": "1" }, "account": { "id": "58" }, "adjLocation": { "id": "1" },
        "inventory": { "items": [{ "item": { "id": "482" }, "location": { "id": "1" }, "adjustQtyBy": by }] },
    })
}

#[test]
fn an_item_shows_prices_and_stock_when_expanded() {
    let account = Account::new();
    let item = account.call("GET", "record/v1/inventoryItem/482?expandSubResources=true", Value::Null).body;
    assert_eq!((&item["id"], &item["itemId"], &item["isInactive"]), (&json!("482"), &json!("BOLT-8"), &json!(false)));
    // Whole minutes, in UTC.
    assert_eq!(item["lastModifiedDate"], "2026-07-01T11:00:00Z");
    assert_eq!(item["price"]["totalResults"], 4);
    assert_eq!(item["price"]["items"][1]["quantity"], json!({ "value": "10" }));
    assert_eq!(item["price"]["items"][1]["price"], json!(11.0));
    assert_eq!(item["locations"]["items"][0]["quantityOnHand"], json!(140.0));
    let plain = account.call("GET", "record/v1/inventoryItem/482?fields=itemId,price", Value::Null).body;
    assert_eq!(plain.as_object().unwrap().len(), 3);
    assert!(
        plain["price"]["items"].is_null()
            && plain["price"]["links"][0]["href"].as_str().unwrap().ends_with("/482/price")
    );
    let prices = account.call("GET", "record/v1/inventoryItem/482/price?expandSubResources=true", Value::Null).body;
    assert_eq!(prices["totalResults"], 4);
    let unknown = account.call("GET", "record/v1/inventoryItem/9", Value::Null);
    assert_eq!((unknown.status, unknown.code()), (404, "NONEXISTENT_ID"));
    assert_eq!(account.call("GET", "record/v1/kitItem/482", Value::Null).status, 404);
}

#[test]
fn a_patch_keeps_what_it_leaves_out_and_null_clears() {
    let account = Account::new();
    let from = account.system.journal().len();
    let answer =
        account.call("PATCH", "record/v1/inventoryItem/eid:BOLT-8", json!({ "upcCode": null, "isInactive": true }));
    assert_eq!((answer.status, answer.id().as_str()), (204, "482"));
    assert_eq!(account.changes(from), ["Api item 482 barcode=", "Api item 482 active=false"]);
    assert_eq!(account.system.item(482).unwrap().title.as_deref(), Some("Bolt M8"));
}

#[test]
fn a_price_patch_changes_one_break() {
    let account = Account::new();
    let from = account.system.journal().len();
    let entry = |from: Value, price: Value| json!({ "currencyPage": { "id": "1" }, "priceLevel": { "id": "1" }, "quantity": { "value": from }, "price": price });
    let body = json!({ "price": { "items": [entry(json!(5), json!(12.000001)), entry(json!("10"), Value::Null)] } });
    assert_eq!(account.call("PATCH", "record/v1/inventoryItem/482", body).status, 204);
    assert_eq!(account.changes(from), ["Api price 1:482 breaks=[{\"amount\":\"12.000001\",\"from\":\"5\"}]"]);
    let wrong = json!({ "price": { "items": [{ "priceLevel": { "id": "99" }, "price": 1 }] } });
    let answer = account.call("PATCH", "record/v1/inventoryItem/482", wrong);
    assert_eq!((answer.status, answer.code()), (400, "INVALID_CONTENT"));
    assert_eq!(answer.body["o:errorDetails"][0]["o:errorPath"], "price.items[0].priceLevel");
}

#[test]
fn an_unknown_property_is_ignored_unless_the_caller_minds() {
    let account = Account::new();
    let body = json!({ "email": "x@acme.example", "nickname": "A" });
    let answer = account.call("PATCH", "record/v1/customer/107", body.clone());
    assert_eq!(answer.status, 204);
    assert!(answer.response.headers()["warning"].to_str().unwrap().contains("nickname"));
    let strict = [("x-netsuite-propertynamevalidation", "Error")];
    let body = json!({ "email": "y@acme.example", "nickname": "A" });
    let answer = account.call_with("PATCH", "record/v1/customer/107", body, &strict);
    assert_eq!((answer.status, answer.code()), (400, "INVALID_CONTENT"));
    assert_eq!(account.system.customers()[0].email.as_deref(), Some("x@acme.example"));
}

#[test]
fn an_order_is_created_once_under_its_external_id_but_its_lines_append() {
    for (put_lines, lines) in [(PutLines::Append, 2), (PutLines::Replace, 1)] {
        let account = Account::with(Settings { put_lines, ..Settings::default() });
        let first = account.call("PUT", "record/v1/salesOrder/eid:SHOP-1", order());
        let second = account.call("PUT", "record/v1/salesOrder/eid:shop-1", order());
        assert_eq!((first.status, first.id()), (204, second.id()));
        assert_eq!(account.system.orders()[0].lines.len(), lines);
        account.call("PUT", "record/v1/salesOrder/eid:SHOP-1?replace=item", order());
        assert_eq!(account.system.orders()[0].lines.len(), 1);
        let keyed =
            json!({ "item": { "items": [{ "line": account.system.orders()[0].lines[0].number, "quantity": 9 }] } });
        account.call("PATCH", &format!("record/v1/salesOrder/{}", first.id()), keyed);
        assert_eq!(account.system.orders()[0].total().to_string(), "112.5");
        assert_eq!(account.system.orders().len(), 1);
    }
}

#[test]
fn an_order_commits_stock_and_shipping_it_takes_the_goods() {
    let account = Account::new();
    let from = account.system.journal().len();
    let answer = account.call("POST", "record/v1/salesOrder", order());
    let id = answer.id();
    let key = StockKey { item: 482, location: 1 };
    let stock = account.system.stock_at(key).unwrap();
    assert_eq!(
        (stock.on_hand.to_string(), stock.committed.to_string(), stock.available.to_string()),
        ("140".into(), "3".into(), "137".into())
    );
    let changes = account.changes(from);
    assert_eq!(changes[0], "System stock-level 482:1 committed=3");
    assert_eq!(changes[1], format!("Api order {id} created=SHOP-1"));
    assert!(changes.contains(&format!("Api order {id} po_number=PO-7")));

    let shown = account.call("GET", &format!("record/v1/salesOrder/{id}?expandSubResources=true"), Value::Null).body;
    assert_eq!((&shown["total"], &shown["orderStatus"]["id"]), (&json!(37.5), &json!("B")));
    assert_eq!((&shown["tranDate"], &shown["item"]["items"][0]["quantity"]), (&json!("2026-07-01"), &json!(3.0)));

    let body = json!({ "item": { "items": [{ "orderLine": 1, "quantity": 2 }] } });
    let path = format!("record/v1/salesOrder/{id}/!transform/itemFulfillment");
    assert_eq!(account.call("POST", &path, body).status, 204);
    assert_eq!(account.system.orders()[0].status.unwrap().letter(), "D");
    assert_eq!(account.call("POST", &path, Value::Null).status, 204);
    assert_eq!(account.system.orders()[0].status.unwrap().letter(), "F");
    let stock = account.system.stock_at(key).unwrap();
    assert_eq!((stock.on_hand.to_string(), stock.committed.to_string()), ("137".into(), "0".into()));
    assert_eq!(account.call("POST", &path, Value::Null).code(), "USER_ERROR");
}

#[test]
fn a_line_without_a_rate_is_priced_at_the_customers_level() {
    let account = Account::new();
    let mut body = order();
    body["item"]["items"][0]["rate"].take();
    account.call("POST", "record/v1/salesOrder", body);
    assert_eq!(account.system.orders()[0].total().to_string(), "30.75");
}

#[test]
fn an_adjustment_put_again_replaces_its_effect() {
    let account = Account::new();
    let put = |by: Value| account.call("PUT", "record/v1/inventoryAdjustment/eid:ADJ-1", adjustment(by)).status;
    assert_eq!((put(json!(5)), account.on_hand(482, 1)), (204, "145".to_owned()));
    let from = account.system.journal().len();
    assert_eq!((put(json!(5.0)), account.on_hand(482, 1)), (204, "145".to_owned()));
    assert_eq!(account.changes(from), [""; 0]);
    assert_eq!((put(json!(-2)), account.on_hand(482, 1)), (204, "138".to_owned()));
    assert_eq!(account.system.adjustments().len(), 1);
    account.call("POST", "record/v1/inventoryAdjustment", adjustment(json!(0.1)));
    account.call("POST", "record/v1/inventoryAdjustment", adjustment(json!(0.2)));
    assert_eq!(account.on_hand(482, 1), "138.3");
    let id = account.system.adjustments()[0].id;
    assert_eq!(account.call("DELETE", &format!("record/v1/inventoryAdjustment/{id}"), Value::Null).status, 204);
    assert_eq!(account.on_hand(482, 1), "140.3");
}

#[test]
fn what_refers_to_nothing_is_refused_where_it_stands() {
    let account = Account::new();
    let check = |path: &str, body: Value, expect: (&str, &str)| {
        let answer = account.call("POST", &format!("record/v1/{path}"), body);
        assert_eq!(answer.status, 400);
        let place = answer.body["o:errorDetails"][0]["o:errorPath"].as_str().unwrap_or_default();
        assert_eq!((answer.code(), place), expect);
    };
    let with = |body: Value, member: &str, value: Value| {
        let mut body = body;
        body[member] = value;
        body
    };
    let lines = |id: &str| json!({ "items": [{ "item": { "id": id }, "quantity": 1 }] });
    check("salesOrder", with(order(), "item", lines("9")), ("INVALID_CONTENT", "item.items[0].item"));
    check("salesOrder", with(order(), "item", lines("483")), ("INVALID_CONTENT", "item.items[0].item"));
    check("salesOrder", with(order(), "entity", json!({ "id": "9" })), ("INVALID_CONTENT", "entity"));
    check("salesOrder", with(order(), "entity", json!("107")), ("INVALID_CONTENT", "entity"));
    check("salesOrder", with(order(), "item", json!({ "items": [] })), ("USER_ERROR", ""));
    check("salesOrder", with(order(), "tranDate", json!("11/22/2026")), ("INVALID_CONTENT", "tranDate"));
    check(
        "inventoryAdjustment",
        with(adjustment(json!(1)), "account", json!({ "id": "1" })),
        ("INVALID_CONTENT", "account"),
    );
    check("inventoryAdjustment", with(adjustment(json!(1)), "subsidiary", Value::Null), ("USER_ERROR", ""));
    check("customer", json!({ "companyName": "New" }), ("USER_ERROR", ""));
    check("customer", json!({ "entityId": "acme", "subsidiary": { "id": "1" } }), ("USER_ERROR", ""));
    assert_eq!(account.system.orders(), []);
    assert_eq!(account.on_hand(482, 1), "140");
}

#[test]
fn external_ids_are_unique_whatever_their_case_and_plain_in_urls() {
    let account = Account::new();
    assert_eq!(account.call("POST", "record/v1/salesOrder", order()).status, 204);
    let mut again = order();
    again["externalId"] = json!("shop-1");
    let answer = account.call("POST", "record/v1/salesOrder", again);
    assert_eq!((answer.status, answer.code()), (400, "USER_ERROR"));
    assert!(answer.detail().contains("already exists"));
    assert_eq!(account.call("GET", "record/v1/salesOrder/eid:a%7Cb", Value::Null).code(), "INVALID_REQUEST");
    assert_eq!(account.call("GET", "record/v1/salesOrder/eid%3ASHOP%2D1", Value::Null).status, 200);
    // Transactions share one namespace.
    let clash = account.call("PUT", "record/v1/inventoryAdjustment/eid:SHOP-1", adjustment(json!(1)));
    assert_eq!((clash.status, account.on_hand(482, 1).as_str()), (400, "140"));
    let mut odd = order();
    odd["externalId"] = json!("a|b");
    let id = account.call("POST", "record/v1/salesOrder", odd).id();
    let found = account.call("GET", "record/v1/salesOrder?q=externalId%20IS%20%22a%7Cb%22", Value::Null).body;
    assert_eq!(found["items"][0]["id"], json!(id));
}

#[test]
fn items_and_customers_are_created_once_under_their_external_ids() {
    let account = Account::new();
    let from = account.system.journal().len();
    let item = json!({ "itemId": "WASHER-8", "price": { "items": [{ "priceLevel": { "id": "1" }, "price": 0.1 }] } });
    let first = account.call("PUT", "record/v1/inventoryItem/eid:w8", item.clone());
    let second = account.call("PUT", "record/v1/inventoryItem/eid:W8", item.clone());
    assert_eq!((first.status, first.id()), (204, second.id()));
    let id = first.id();
    let changes = account.changes(from);
    assert_eq!(changes[..2], [format!("Api item {id} created="), format!("Api item {id} code=WASHER-8")]);
    assert!(changes.contains(&format!("Api price 1:{id} amount=0.1")));
    assert_eq!(changes.iter().filter(|it| it.contains("created")).count(), 2);
    assert_eq!(account.call("POST", "record/v1/inventoryItem", item).code(), "USER_ERROR");
    assert_eq!(account.call("POST", "record/v1/inventoryItem", json!({})).code(), "USER_ERROR");

    let customer = json!({ "companyName": "Bolts Ltd", "subsidiary": { "id": "1" }, "currency": { "id": "2" } });
    let first = account.call("PUT", "record/v1/customer/eid:c-1", customer.clone());
    let second = account.call("PUT", "record/v1/customer/eid:c-1", customer);
    assert_eq!(first.id(), second.id());
    let shown = account.call("GET", "record/v1/customer/eid:c-1", Value::Null).body;
    assert_eq!((&shown["entityId"], &shown["currency"]["refName"]), (&json!("Bolts Ltd"), &json!("EUR")));
}

#[test]
fn a_listing_gives_ids_and_links_alone() {
    let account = Account::new();
    for n in 0..3 {
        account.call(
            "POST",
            "record/v1/customer",
            json!({ "companyName": format!("C{n}"), "subsidiary": { "id": "1" } }),
        );
    }
    let page = account.call("GET", "record/v1/customer?limit=2&offset=2", Value::Null).body;
    assert_eq!((&page["count"], &page["totalResults"], &page["hasMore"]), (&json!(2), &json!(4), &json!(false)));
    assert_eq!(page["items"][0].as_object().unwrap().len(), 2);
    let page = account.call("GET", "record/v1/customer?q=companyName%20START_WITH%20%22C%22&limit=2", Value::Null).body;
    assert_eq!((&page["totalResults"], &page["hasMore"]), (&json!(3), &json!(true)));
    assert!(page["links"][0]["href"].as_str().unwrap().contains("q=companyName"));
    assert_eq!(
        account.call("GET", "record/v1/customer?q=companyName%20LIKE%20x", Value::Null).code(),
        "INVALID_PARAMETER"
    );
    assert_eq!(account.call("GET", "record/v1/location", Value::Null).body["count"], 2);
    assert_eq!(account.call("GET", "record/v1/priceLevel/5", Value::Null).body["name"], "Gold");
}

#[test]
fn a_deleted_record_leaves_a_trace() {
    let account = Account::new();
    let id = account.call("POST", "record/v1/salesOrder", order()).id();
    assert_eq!(account.call("DELETE", "record/v1/inventoryItem/482", Value::Null).code(), "USER_ERROR");
    assert_eq!(account.call("DELETE", "record/v1/customer/107", Value::Null).code(), "USER_ERROR");
    assert_eq!(account.call("DELETE", &format!("record/v1/salesOrder/{id}"), Value::Null).status, 204);
    assert_eq!(account.call("DELETE", "record/v1/inventoryItem/482", Value::Null).status, 204);
    assert_eq!(account.call("GET", "record/v1/inventoryItem/482", Value::Null).status, 404);
    let statement = "SELECT recordid, scriptid, context, TO_CHAR(deleteddate,'HH24:MI:SS') at FROM deletedrecord WHERE name = 'BOLT-8'";
    let rows = account.query("", statement, json!([])).body;
    let expect =
        json!({ "links": [], "recordid": "482", "scriptid": "inventoryitem", "context": "REST", "at": "05:00:30" });
    assert_eq!(rows["items"][0], expect);
}

#[test]
fn what_is_not_played_says_so() {
    let account = Account::new();
    let answer = account.call_with("POST", "record/v1/salesOrder", order(), &[("prefer", "respond-async")]);
    assert_eq!((answer.status, answer.code()), (400, "INVALID_REQUEST"));
    assert_eq!(account.call("PUT", "record/v1/salesOrder/1", order()).status, 405);
    assert_eq!(account.call("GET", "record/v1/vendorBill", Value::Null).status, 404);
    assert_eq!(account.call("POST", "record/v1/salesOrder", json!([1])).code(), "INVALID_CONTENT");
}
