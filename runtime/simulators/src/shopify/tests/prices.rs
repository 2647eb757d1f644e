//! Fixed prices, quantity breaks, rules, and prices that follow the shop's.

use serde_json::{Value, json};

use super::{Shop, codes};

const PRICES: &str = "query($id:ID!,$o:PriceListPriceOriginType){ priceList(id:$id){ prices(first:50,originType:$o){ nodes { originType price{amount} variant{sku} quantityPriceBreaks(first:10){nodes{minimumQuantity price{amount}}} } } } }";
const UPDATE: &str = "mutation($pl:ID!,$input:QuantityPricingByVariantUpdateInput!){ quantityPricingByVariantUpdate(priceListId:$pl,input:$input){ productVariants{sku} userErrors{code field message} } }";

fn usd(amount: &str) -> Value {
    json!({ "amount": amount, "currencyCode": "USD" })
}

fn update(shop: &Shop, changes: Value) -> Value {
    let mut input = json!({ "pricesToAdd": [], "pricesToDeleteByVariantId": [], "quantityRulesToAdd": [],
        "quantityRulesToDeleteByVariantId": [], "quantityPriceBreaksToAdd": [], "quantityPriceBreaksToDelete": [] });
    input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    shop.data(UPDATE, json!({ "pl": shop.list_gid(), "input": input }))["quantityPricingByVariantUpdate"].clone()
}

fn spelled(shop: &Shop, origin: Value) -> Vec<String> {
    let data = shop.data(PRICES, json!({ "id": shop.list_gid(), "o": origin }));
    let line = |it: &Value| {
        let breaks = it["quantityPriceBreaks"]["nodes"].as_array().unwrap();
        let breaks: Vec<String> = breaks
            .iter()
            .map(|it| format!("{}:{}", it["minimumQuantity"], it["price"]["amount"].as_str().unwrap()))
            .collect();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        format!(
            "{} {} {} [{}]",
            text(&it["variant"]["sku"]),
            text(&it["originType"]),
            text(&it["price"]["amount"]),
            breaks.join(" ")
        )
    };
    data["priceList"]["prices"]["nodes"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn fixed_and_relative_prices_mix() {
    let shop = Shop::new();
    let relative = ["NUT-8 RELATIVE 0.36 []", "WASH-8 RELATIVE 0.09 []"];
    assert_eq!(spelled(&shop, json!("FIXED")), ["BOLT-8 FIXED 11.0 [10:9.5]"]);
    assert_eq!(spelled(&shop, json!("RELATIVE")), relative);
    assert_eq!(spelled(&shop, Value::Null), [&["BOLT-8 FIXED 11.0 [10:9.5]"], &relative[..]].concat());
}

#[test]
fn a_call_changes_all_or_nothing() {
    let shop = Shop::new();
    let from = shop.shop.journal.len();
    let payload = update(
        &shop,
        json!({
            "pricesToAdd": [{ "variantId": shop.variant_gid("NUT-8"), "price": usd("0.30") }],
            "quantityPriceBreaksToAdd": [
                { "variantId": shop.variant_gid("NUT-8"), "minimumQuantity": 100, "price": usd("0.25") },
                { "variantId": shop.variant_gid("WASH-8"), "minimumQuantity": 100, "price": usd("0.05") }],
        }),
    );
    assert_eq!(codes(&payload), ["QUANTITY_PRICE_BREAK_ADD_PRICE_LIST_PRICE_NOT_FOUND"]);
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "quantityPriceBreaksToAdd", "1"]));
    assert_eq!(spelled(&shop, json!("FIXED")).len(), 1, "nothing was done");
    assert_eq!(shop.journal(from), [] as [&str; 0]);

    let payload = update(
        &shop,
        json!({
            "pricesToAdd": [{ "variantId": shop.variant_gid("NUT-8"), "price": usd("0.30") }],
            "quantityPriceBreaksToAdd": [{ "variantId": shop.variant_gid("NUT-8"), "minimumQuantity": 100, "price": usd("0.250") }],
        }),
    );
    assert_eq!(codes(&payload), [] as [&str; 0]);
    assert_eq!(spelled(&shop, json!("FIXED")), ["BOLT-8 FIXED 11.0 [10:9.5]", "NUT-8 FIXED 0.3 [100:0.25]"]);
    let id = format!("{}:{}", shop.seeded.price_lists["Gold"], shop.item("NUT-8"));
    assert_eq!(
        shop.journal(from),
        [
            format!("Api price {id} created 0.3"),
            format!("Api price {id} currency USD"),
            format!("Api price {id} amount 0.3"),
            format!(r#"Api price {id} breaks [{{"from":"100","amount":"0.25"}}]"#),
        ]
    );
}

#[test]
fn refusals_have_their_codes() {
    let shop = Shop::new();
    let bolt = shop.variant_gid("BOLT-8");
    let check = |changes: Value, expected: &str| {
        let payload = update(&shop, changes);
        assert_eq!(codes(&payload), [expected], "{payload}");
    };
    let price = |amount: &str, currency: &str| json!({ "amount": amount, "currencyCode": currency });
    check(json!({ "pricesToAdd": [{ "variantId": bolt, "price": price("1", "EUR") }] }), "PRICE_ADD_CURRENCY_MISMATCH");
    check(
        json!({ "pricesToAdd": [{ "variantId": "gid://shopify/ProductVariant/1", "price": usd("1") }] }),
        "PRICE_ADD_VARIANT_NOT_FOUND",
    );
    check(json!({ "pricesToDeleteByVariantId": [shop.variant_gid("NUT-8")] }), "PRICE_DELETE_PRICE_NOT_FIXED");
    check(
        json!({ "quantityRulesToAdd": [{ "variantId": bolt, "minimum": 3, "increment": 2 }] }),
        "QUANTITY_RULE_ADD_MINIMUM_NOT_A_MULTIPLE_OF_INCREMENT",
    );
    check(
        json!({ "quantityPriceBreaksToDelete": ["gid://shopify/QuantityPriceBreak/1"] }),
        "QUANTITY_PRICE_BREAK_DELETE_NOT_FOUND",
    );
    let breaks: Vec<Value> =
        (1..=10).map(|n| json!({ "variantId": bolt, "minimumQuantity": n * 100, "price": usd("1") })).collect();
    check(json!({ "quantityPriceBreaksToAdd": breaks }), "QUANTITY_PRICE_BREAK_ADD_LIMIT_EXCEEDED");
    let twice = json!({ "variantId": bolt, "minimumQuantity": 7, "price": usd("1") });
    check(
        json!({ "quantityPriceBreaksToAdd": [twice.clone(), twice] }),
        "QUANTITY_PRICE_BREAK_ADD_DUPLICATE_INPUT_FOR_VARIANT_AND_MIN",
    );
    let input = json!({ "pl": "gid://shopify/PriceList/1", "prices": [] });
    let data = shop.data("mutation($pl:ID!,$prices:[PriceListPriceInput!]!){ priceListFixedPricesAdd(priceListId:$pl,prices:$prices){ userErrors{code} } }", input);
    assert_eq!(codes(&data["priceListFixedPricesAdd"]), ["PRICE_LIST_NOT_FOUND"]);
}

#[test]
fn a_deleted_price_takes_its_breaks_along() {
    let shop = Shop::new();
    let document = "mutation($pl:ID!,$v:[ID!]!){ priceListFixedPricesDelete(priceListId:$pl,variantIds:$v){ deletedFixedPriceVariantIds userErrors{code} } }";
    let variables = json!({ "pl": shop.list_gid(), "v": [shop.variant_gid("BOLT-8")] });
    let data = shop.data(document, variables.clone());
    assert_eq!(data["priceListFixedPricesDelete"]["deletedFixedPriceVariantIds"], json!([shop.variant_gid("BOLT-8")]));
    assert_eq!(spelled(&shop, Value::Null)[0], "BOLT-8 RELATIVE 11.25 []");
    let data = shop.data(document, variables);
    assert_eq!(codes(&data["priceListFixedPricesDelete"]), ["PRICE_NOT_FIXED"]);
}
