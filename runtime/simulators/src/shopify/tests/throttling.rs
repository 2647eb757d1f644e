//! What documents cost, and what happens to those who spend too much.

use serde_json::{Value, json};

use super::{Shop, body};
use crate::shopify::settings::Settings;
use crate::system::System;

fn cost(shop: &Shop, document: &str, variables: Value) -> (u64, u64) {
    let answer = shop.ask(document, variables);
    let cost = &answer["extensions"]["cost"];
    (cost["requestedQueryCost"].as_u64().unwrap(), cost["actualQueryCost"].as_u64().unwrap())
}

#[test]
fn costs_follow_the_rules() {
    let shop = Shop::new();
    let check = |document: &str, expected: (u64, u64)| {
        assert_eq!(cost(&shop, document, json!({})), expected, "{document}");
    };
    check("{ shop { name currencyCode } }", (1, 1));
    check("{ product(id:\"gid://shopify/Product/1\"){ id } }", (1, 1));
    // The page weighs 5, each node is one object; three nodes came, which weigh 3.
    check("{ products(first:10){ nodes { id } pageInfo { hasNextPage } } }", (7, 5));
    check("{ products(first:10){ edges { node { id } } } }", (7, 5));
    // As the real API charges it: 1 + 2 + 11 * (variant + inventory item).
    let nested = format!(
        "{{ product(id:\"{}\"){{ variants(first:250){{ nodes {{ inventoryItem {{ id tracked }} }} }} }} }}",
        shop.product_gid("BOLT-8")
    );
    check(&nested, (25, 5));
    // Connections within connections multiply: 2 + 5 * (1 + 2 + 9 * 1).
    check("{ products(first:10){ nodes { variants(first:100){ nodes { id } } } } }", (62, 14));
    check("query { a: shop { name } b: shop { name } }", (2, 2));
    check("{ ...f } fragment f on QueryRoot { products(first:2){ nodes { id } } }", (4, 4));
    check("{ shop { name } products(first:250) @skip(if:true) { nodes { id } } }", (1, 1));
}

#[test]
fn a_mutation_costs_ten() {
    let shop = Shop::new();
    let document =
        "mutation($i:ProductUpdateInput!){ productUpdate(product:$i){ product{ id title } userErrors{ message } } }";
    assert_eq!(cost(&shop, document, json!({ "i": { "id": shop.product_gid("BOLT-8"), "title": "X" } })), (10, 10));
}

#[test]
fn an_empty_bucket_throttles_and_refills() {
    let settings = Settings { bucket_max: 100, restore_rate: 10, ..Settings::default() };
    let mut shop = Shop::with(settings);
    let document = "{ products(first:10){ nodes { variants(first:100){ nodes { id } } } } }";
    let answer = shop.ask(document, json!({}));
    assert_eq!(
        answer["extensions"]["cost"],
        json!({ "requestedQueryCost": 62, "actualQueryCost": 14,
        "throttleStatus": { "maximumAvailable": 100.0, "currentlyAvailable": 86, "restoreRate": 10.0 } })
    );
    for left in [72, 58, 44] {
        shop.shop.answer(shop.now, &super::call("2026-10", "{ shop { name } }", json!({})));
        let answer = shop.ask(document, json!({}));
        if left == 58 || left == 72 {
            assert!(answer["data"].is_object(), "{answer}");
        }
    }
    let answer = shop.ask(document, json!({}));
    assert_eq!(answer.get("data"), None);
    assert_eq!(
        answer["errors"],
        json!([{ "message": "Throttled",
        "extensions": { "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits" } }])
    );
    let cost = &answer["extensions"]["cost"];
    assert_eq!(cost["actualQueryCost"], Value::Null);
    let missing = 62 - cost["throttleStatus"]["currentlyAvailable"].as_u64().unwrap();
    shop.later(missing * 1000 / 10 + 100);
    assert!(shop.ask(document, json!({}))["data"].is_object());
}

#[test]
fn a_query_that_is_too_expensive_never_passes() {
    let shop = Shop::with(Settings { page_weights: Vec::new(), ..Settings::default() });
    let document = "{ products(first:100){ nodes { variants(first:100){ nodes { id } } } } }";
    let answer = shop.ask(document, json!({}));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "MAX_COST_EXCEEDED");
    assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], 2 + 100 * (1 + 2 + 100));
    assert_eq!(answer.get("data"), None);
}

#[test]
fn the_size_of_a_page_may_be_a_variable() {
    let shop = Shop::new();
    let document = "query($n:Int!){ products(first:$n){ nodes { id } } }";
    assert_eq!(cost(&shop, document, json!({ "n": 250 })).0, 13);
    assert_eq!(cost(&shop, document, json!({ "n": 1 })).0, 3);
}

#[test]
fn the_menu_of_faults_speaks_the_same() {
    let shop = Shop::new();
    let answer = body(&shop.shop.overloaded());
    assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"], 0);
    assert_eq!(shop.shop.broken().status(), 500);
}
