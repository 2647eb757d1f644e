//! Compare-and-set, idempotency, and quantities that add up.

use serde_json::{Value, json};

use super::{Shop, body, call, codes};
use crate::shopify::settings::Settings;
use crate::system::System;

const SET: &str = "mutation($input:InventorySetQuantitiesInput!,$key:String!){ inventorySetQuantities(input:$input) @idempotent(key:$key){
    inventoryAdjustmentGroup{ id changes{name delta quantityAfterChange} } userErrors{code field message} } }";
const ADJUST: &str = "mutation($input:InventoryAdjustQuantitiesInput!,$key:String!){ inventoryAdjustQuantities(input:$input) @idempotent(key:$key){
    inventoryAdjustmentGroup{ id } userErrors{code field message} } }";

fn entry(shop: &Shop, sku: &str, location: &str, more: Value) -> Value {
    let mut entry = json!({ "inventoryItemId": shop.item_gid(sku), "locationId": shop.location_gid(location) });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

fn set(shop: &Shop, key: &str, name: &str, quantities: Vec<Value>) -> Value {
    let input = json!({ "name": name, "reason": "correction", "quantities": quantities });
    shop.data(SET, json!({ "input": input, "key": key }))["inventorySetQuantities"].clone()
}

#[test]
fn a_stale_base_changes_nothing() {
    let shop = Shop::new();
    let check = |name: &str, quantity: i64, from: Value, expected: &[&str]| {
        let mut more = json!({ "quantity": quantity });
        if from != json!("unsaid") {
            more["changeFromQuantity"] = from;
        }
        let key = format!("{name}{quantity}{more}");
        let payload = set(&shop, &key, name, vec![entry(&shop, "BOLT-8", "Main", more)]);
        assert_eq!(codes(&payload), expected, "{payload}");
    };
    let main = || shop.shop.on_hand(shop.item("BOLT-8"), shop.location("Main")).unwrap();
    check("available", 118, json!(119), &["CHANGE_FROM_QUANTITY_STALE"]);
    assert_eq!(main(), 120);
    check("available", 118, json!(120), &[]);
    assert_eq!(main(), 118);
    check("on_hand", 90, json!(null), &[]);
    assert_eq!(main(), 90);
    check("available", 80, json!("unsaid"), &["COMPARE_QUANTITY_REQUIRED"]);
    check("available", -1, json!(null), &["INVALID_QUANTITY_NEGATIVE"]);
    check("available", 1_000_000_001, json!(null), &["INVALID_QUANTITY_TOO_HIGH"]);
    check("incoming", 1, json!(null), &["INVALID_NAME"]);
    assert_eq!(main(), 90);
}

#[test]
fn a_call_is_all_or_nothing() {
    let shop = Shop::new();
    let good = entry(&shop, "BOLT-8", "Main", json!({ "quantity": 1, "changeFromQuantity": 120 }));
    let stale = entry(&shop, "NUT-8", "Main", json!({ "quantity": 1, "changeFromQuantity": 7 }));
    let payload = set(&shop, "k", "available", vec![good.clone(), stale]);
    assert_eq!(codes(&payload), ["CHANGE_FROM_QUANTITY_STALE"]);
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "quantities", "1"]));
    assert_eq!(payload["inventoryAdjustmentGroup"], Value::Null);
    assert_eq!(shop.shop.on_hand(shop.item("BOLT-8"), shop.location("Main")), Some(120));
    let payload = set(&shop, "k2", "available", vec![good.clone(), good]);
    assert_eq!(codes(&payload), ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"]);
}

#[test]
fn unknown_places_and_reasons_are_refused() {
    let shop = Shop::new();
    let quantity = json!({ "quantity": 1, "changeFromQuantity": null });
    let unstocked = entry(&shop, "NUT-8", "Annex", quantity.clone());
    assert_eq!(codes(&set(&shop, "a", "available", vec![unstocked])), ["INVALID_LOCATION"]);
    let mut nowhere = entry(&shop, "NUT-8", "Main", quantity.clone());
    nowhere["inventoryItemId"] = json!("gid://shopify/InventoryItem/1");
    assert_eq!(codes(&set(&shop, "b", "available", vec![nowhere])), ["INVALID_INVENTORY_ITEM"]);
    let input = json!({ "name": "available", "reason": "because", "referenceDocumentUri": "nothing",
        "quantities": [entry(&shop, "NUT-8", "Main", quantity)] });
    let data = shop.data(SET, json!({ "input": input, "key": "c" }));
    assert_eq!(codes(&data["inventorySetQuantities"]), ["INVALID_REASON", "INVALID_REFERENCE_DOCUMENT"]);
}

#[test]
fn a_key_has_its_effect_once() {
    let mut shop = Shop::new();
    let change = |shop: &Shop, key: &str, delta: i64, from: Value| {
        let changes = [entry(shop, "BOLT-8", "Main", json!({ "delta": delta, "changeFromQuantity": from }))];
        let input = json!({ "name": "available", "reason": "correction", "changes": changes });
        shop.data(ADJUST, json!({ "input": input, "key": key }))["inventoryAdjustQuantities"].clone()
    };
    let main = |shop: &Shop| shop.shop.on_hand(shop.item("BOLT-8"), shop.location("Main")).unwrap();
    let first = change(&shop, "k", 5, json!(120));
    assert_eq!((codes(&first).len(), main(&shop)), (0, 125));
    let again = change(&shop, "k", 5, json!(120));
    assert_eq!((again, main(&shop)), (first, 125), "replayed, not repeated");
    assert_eq!(codes(&change(&shop, "k", 6, json!(120))), ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]);
    assert_eq!(codes(&change(&shop, "f", 5, json!(1))), ["CHANGE_FROM_QUANTITY_STALE"]);
    assert_eq!(codes(&change(&shop, "f", 5, json!(1))), ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]);
    assert_eq!(main(&shop), 125);
    shop.later(24 * 60 * 60 * 1000);
    assert_eq!(codes(&change(&shop, "k", 5, json!(125))), [] as [&str; 0], "the key is forgotten after a day");
    assert_eq!(main(&shop), 130);
}

#[test]
fn the_directive_is_required_since_its_version() {
    let shop = Shop::with(Settings { change_from_required: false, ..Settings::default() });
    let document =
        "mutation($input:InventorySetQuantitiesInput!){ inventorySetQuantities(input:$input){ userErrors{code} } }";
    let input = json!({ "name": "available", "reason": "correction", "quantities": [entry(&shop, "BOLT-8", "Main", json!({ "quantity": 7 }))] });
    let ask = |version: &str| body(&shop.shop.answer(shop.now, &call(version, document, json!({ "input": input }))));
    let answer = ask("2026-10");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    assert_eq!(answer["data"]["inventorySetQuantities"], Value::Null);
    assert_eq!(ask("2026-01")["data"]["inventorySetQuantities"]["userErrors"], json!([]));
    assert_eq!(shop.shop.on_hand(shop.item("BOLT-8"), shop.location("Main")), Some(7));
}

#[test]
fn too_many_entries_are_refused() {
    let shop = Shop::new();
    let entries: Vec<Value> = (0..251)
        .map(|_| entry(&shop, "BOLT-8", "Main", json!({ "quantity": 1, "changeFromQuantity": null })))
        .collect();
    let input = json!({ "name": "available", "reason": "correction", "quantities": entries });
    let answer = shop.ask(SET, json!({ "input": input, "key": "k" }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "MAX_INPUT_SIZE_EXCEEDED");
}

#[test]
fn activation_stocks_an_item_once() {
    let shop = Shop::new();
    let document = "mutation($item:ID!,$location:ID!,$n:Int,$key:String!){ inventoryActivate(inventoryItemId:$item,locationId:$location,available:$n) @idempotent(key:$key){
        inventoryLevel{ quantities(names:[\"on_hand\"]){quantity} } userErrors{field message} } }";
    let activate = |key: &str, location: &str, n: Value| {
        let variables =
            json!({ "key": key, "item": shop.item_gid("NUT-8"), "location": shop.location_gid(location), "n": n });
        shop.data(document, variables)["inventoryActivate"].clone()
    };
    let first = activate("a", "Annex", json!(12));
    assert_eq!(first["inventoryLevel"]["quantities"][0]["quantity"], 12);
    assert_eq!(activate("a", "Annex", json!(12)), first, "replayed");
    assert_eq!(
        activate("a", "Annex", json!(13))["userErrors"].as_array().unwrap().len(),
        1,
        "another call, the same key"
    );
    assert_eq!(activate("b", "Annex", json!(13))["userErrors"][0]["field"], json!(["available"]));
    assert_eq!(activate("c", "Annex", Value::Null)["userErrors"], json!([]));
    assert_eq!(shop.shop.on_hand(shop.item("NUT-8"), shop.location("Annex")), Some(12));
}

#[test]
fn other_states_are_part_of_what_is_on_hand() {
    let shop = Shop::new();
    let adjust = |name: &str, delta: i64, ledger: Value| {
        let changes = [entry(
            &shop,
            "BOLT-8",
            "Main",
            json!({ "delta": delta, "changeFromQuantity": null, "ledgerDocumentUri": ledger }),
        )];
        let input = json!({ "name": name, "reason": "damaged", "changes": changes });
        let data = shop.data(ADJUST, json!({ "input": input, "key": format!("{name}{ledger}") }));
        codes(&data["inventoryAdjustQuantities"]).join(" ")
    };
    let main = || shop.shop.on_hand(shop.item("BOLT-8"), shop.location("Main")).unwrap();
    assert_eq!(adjust("damaged", 3, json!("erp://scrap/1")), "");
    assert_eq!(main(), 123);
    assert_eq!(adjust("incoming", 50, json!("erp://po/1")), "");
    assert_eq!(main(), 123, "what is incoming is not there yet");
    assert_eq!(adjust("damaged", 3, Value::Null), "INVALID_QUANTITY_DOCUMENT");
    assert_eq!(adjust("available", 3, json!("erp://scrap/1")), "INVALID_AVAILABLE_DOCUMENT");
    assert_eq!(adjust("damaged", 3, json!("gid://shopify/Order/1")), "INTERNAL_LEDGER_DOCUMENT");
    assert_eq!(adjust("committed", 3, json!("erp://scrap/2")), "INVALID_QUANTITY_NAME");
    assert_eq!(adjust("on_hand", 3, json!("erp://scrap/2")), "INVALID_QUANTITY_NAME");

    let payload = set(
        &shop,
        "s",
        "on_hand",
        vec![entry(&shop, "BOLT-8", "Main", json!({ "quantity": 100, "changeFromQuantity": 123 }))],
    );
    assert_eq!(codes(&payload), [] as [&str; 0]);
    assert_eq!(
        payload["inventoryAdjustmentGroup"]["changes"][0],
        json!({ "name": "available", "delta": -23, "quantityAfterChange": 97 })
    );
    assert_eq!(
        shop.journal(0).last().unwrap(),
        &format!("Api stock-level {}:{} on_hand 100", shop.item("BOLT-8"), shop.location("Main"))
    );
}
