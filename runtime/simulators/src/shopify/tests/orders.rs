//! Orders, and the stock they commit.

use serde_json::{Value, json};

use super::{Shop, codes};
use crate::shopify::people::{Placed, PlacedLine};

const CREATE: &str = "mutation($o:OrderCreateOrderInput!,$opt:OrderCreateOptionsInput){ orderCreate(order:$o,options:$opt){
    order{ id name totalPriceSet{presentmentMoney{amount currencyCode}} purchasingEntity{ ... on PurchasingCompany { company { externalId } } } } userErrors{code field message} } }";

fn stock(shop: &Shop, sku: &str) -> (i64, i64, i64) {
    let (item, location) = (shop.item(sku), shop.location("Main"));
    let level = shop.shop.stock().into_iter().find(|it| it.item == item && it.location == location).unwrap();
    (level.on_hand, level.available, level.committed)
}

fn place(shop: &Shop, sku: &str, quantity: i32) -> u64 {
    let lines = vec![PlacedLine { item: shop.item(sku), quantity, price: None }];
    let placed =
        Placed { company_location: Some(shop.buyer()), po_number: Some("PO-1".into()), lines, ..Placed::default() };
    shop.shop.place_order(shop.now, &placed).unwrap()
}

#[test]
fn an_order_commits_stock_until_it_ships() {
    let shop = Shop::new();
    let order = place(&shop, "BOLT-8", 20);
    assert_eq!(stock(&shop, "BOLT-8"), (120, 100, 20));
    shop.shop.ship_order(shop.now, order).unwrap();
    assert_eq!(stock(&shop, "BOLT-8"), (100, 100, 0));
    assert!(shop.shop.cancel_order(shop.now, order).is_err(), "what has left cannot be cancelled");

    let order = place(&shop, "BOLT-8", 20);
    shop.shop.cancel_order(shop.now, order).unwrap();
    assert_eq!(stock(&shop, "BOLT-8"), (100, 100, 0));
    assert!(shop.shop.cancel_order(shop.now, order).is_err());
}

#[test]
fn a_buyer_pays_the_price_of_its_list() {
    let shop = Shop::new();
    place(&shop, "BOLT-8", 9);
    place(&shop, "BOLT-8", 10);
    place(&shop, "NUT-8", 100);
    let orders = shop.shop.orders();
    let seen: Vec<_> =
        orders.iter().map(|it| (it.name.as_str(), it.lines[0].price.to_string(), it.total.to_string())).collect();
    let expected = [("#1001", "11", "99"), ("#1002", "9.5", "95"), ("#1003", "0.36", "36")];
    assert_eq!(seen, expected.map(|(name, price, total)| (name, price.to_owned(), total.to_owned())));
    assert_eq!(orders[0].company, Some(shop.seeded.companies["C-107"]));
}

#[test]
fn a_shop_says_what_its_prices_are_worth() {
    let shop = Shop::new();
    let line = |quantity| PlacedLine { item: shop.item("BOLT-8"), quantity, price: None };
    let placed = |lines, test, gross, shipping: &str| Placed {
        company_location: Some(shop.buyer()),
        lines,
        test,
        taxes_included: gross,
        shipping: shipping.parse().unwrap(),
        ..Placed::default()
    };
    shop.shop.place_order(shop.now, &placed(vec![line(2)], false, false, "9.5")).unwrap();
    shop.shop.place_order(shop.now, &placed(vec![line(2)], true, true, "0")).unwrap();
    let document = "{ orders(first:5){ nodes { test taxesIncluded currentTotalPriceSet { shopMoney { amount } } subtotalPriceSet { shopMoney { amount } } } } }";
    let seen = shop.data(document, json!({}))["orders"]["nodes"].take();
    let order = |test: bool, gross: bool, total: &str| {
        json!({ "test": test, "taxesIncluded": gross, "currentTotalPriceSet": { "shopMoney": { "amount": total } },
            "subtotalPriceSet": { "shopMoney": { "amount": "22.0" } } })
    };
    assert_eq!(seen, json!([order(false, false, "31.5"), order(true, true, "22.0")]));
}

#[test]
fn an_order_is_written_down() {
    let shop = Shop::new();
    let id = place(&shop, "BOLT-8", 2);
    let company = shop.seeded.companies["C-107"];
    let lines = format!(r#"[{{"code":"BOLT-8","item":"{}","price":"11","quantity":"2"}}]"#, shop.item("BOLT-8"));
    assert_eq!(
        shop.journal(0),
        [
            format!("Human order {id} created #1001"),
            format!("Human order {id} number #1001"),
            format!("Human order {id} company {company}"),
            format!("Human order {id} po_number PO-1"),
            format!("Human order {id} currency USD"),
            format!("Human order {id} lines {lines}"),
            format!("Human order {id} total 22"),
        ]
    );
}

#[test]
fn callers_place_orders_too() {
    let shop = Shop::new();
    let order = |more: Value| {
        let price = |amount: &str, currency: &str| json!({ "amount": amount, "currencyCode": currency });
        let line = json!({ "variantId": shop.variant_gid("BOLT-8"), "quantity": 3,
            "priceSet": { "shopMoney": price("10", "USD"), "presentmentMoney": price("9", "EUR") },
            "taxLines": [{ "title": "VAT", "rate": "0.2", "priceSet": { "shopMoney": price("6", "USD"), "presentmentMoney": price("5.4", "EUR") } }] });
        let mut order = json!({ "companyLocationId": format!("gid://shopify/CompanyLocation/{}", shop.buyer()),
            "presentmentCurrency": "EUR", "sourceIdentifier": "SO-9", "lineItems": [line] });
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    let create = |order: Value, behaviour: &str| {
        shop.data(CREATE, json!({ "o": order, "opt": { "inventoryBehaviour": behaviour } }))["orderCreate"].clone()
    };
    let made = create(order(json!({})), "BYPASS");
    assert_eq!(made["order"]["totalPriceSet"]["presentmentMoney"], json!({ "amount": "32.4", "currencyCode": "EUR" }));
    assert_eq!(made["order"]["purchasingEntity"]["company"]["externalId"], "C-107");
    assert_eq!(stock(&shop, "BOLT-8"), (120, 120, 0), "a bypass commits nothing");
    create(order(json!({})), "DECREMENT_IGNORING_POLICY");
    assert_eq!(stock(&shop, "BOLT-8"), (120, 117, 3));
    let found = shop.data(
        "query($q:String){ orders(first:5,query:$q){ nodes { name } } }",
        json!({ "q": "source_identifier:'SO-9'" }),
    );
    assert_eq!(found["orders"]["nodes"].as_array().unwrap().len(), 2, "there is no idempotency here");

    let big = json!({ "lineItems": [{ "variantId": shop.variant_gid("BOLT-8"), "quantity": 118 }] });
    assert_eq!(codes(&create(order(big), "DECREMENT_OBEYING_POLICY")), ["INVENTORY_CLAIM_FAILED"]);
    assert_eq!(codes(&create(order(json!({ "lineItems": [] })), "BYPASS")), ["INVALID"]);
    assert_eq!(
        codes(&create(order(json!({ "processedAt": "2027-01-01T00:00:00Z" })), "BYPASS")),
        ["PROCESSED_AT_INVALID"]
    );
    let both =
        json!({ "customerId": "gid://shopify/Customer/1", "customer": { "toUpsert": { "email": "x@y.example" } } });
    assert_eq!(codes(&create(order(both), "BYPASS")), ["REDUNDANT_CUSTOMER_FIELDS"]);
    assert_eq!(shop.shop.orders().len(), 2);
}

#[test]
fn what_is_charged_beside_the_lines_makes_the_total() {
    let shop = Shop::new();
    let money = |amount: &str| json!({ "shopMoney": { "amount": amount, "currencyCode": "USD" } });
    let order = json!({
        "companyLocationId": format!("gid://shopify/CompanyLocation/{}", shop.buyer()),
        "lineItems": [{ "variantId": shop.variant_gid("BOLT-8"), "quantity": 3, "priceSet": money("10") }],
        "shippingLines": [{ "title": "Express", "priceSet": money("9.5") }],
        "taxLines": [{ "title": "VAT", "rate": "0", "priceSet": money("7") }],
        "discountCode": { "itemFixedDiscountCode": { "code": "TEN", "amountSet": money("3.75") } },
    });
    let made = shop.data(CREATE, json!({ "o": order, "opt": { "inventoryBehaviour": "BYPASS" } }));
    let id = made["orderCreate"]["order"]["id"].clone();
    let document = "query($id:ID!){ order(id:$id){ currentTotalPriceSet{shopMoney{amount}} discountCodes
        currentShippingPriceSet{shopMoney{amount}} currentCartDiscountAmountSet{shopMoney{amount}}
        currentTotalTaxSet{shopMoney{amount}} currentTaxLines{title} shippingLine{title} risk{recommendation} } }";
    let amount = |it: &str| json!({ "shopMoney": { "amount": it } });
    let expect = json!({
        "currentTotalPriceSet": amount("42.75"), "discountCodes": ["TEN"],
        "currentShippingPriceSet": amount("9.5"), "currentCartDiscountAmountSet": amount("3.75"),
        "currentTotalTaxSet": amount("7.0"), "currentTaxLines": [{ "title": "VAT" }],
        "shippingLine": { "title": "Express" }, "risk": { "recommendation": "ACCEPT" },
    });
    assert_eq!(shop.data(document, json!({ "id": id }))["order"], expect);
}

#[test]
fn an_order_that_is_edited_wants_what_it_says_now() {
    let shop = Shop::new();
    let id = place(&shop, "BOLT-8", 20);
    let (bolt, nut) = (shop.item("BOLT-8"), shop.item("NUT-8"));
    shop.shop.edit_order(shop.now, id, &[(bolt, 15), (nut, 100)]).unwrap();
    assert_eq!((stock(&shop, "BOLT-8").2, stock(&shop, "NUT-8").2), (15, 100));
    let wanted: Vec<i32> = shop.shop.orders()[0].lines.iter().map(|it| it.current_quantity).collect();
    assert_eq!(wanted, [15, 100]);
    shop.shop.edit_order(shop.now, id, &[(nut, 1)]).unwrap();
    assert_eq!((stock(&shop, "BOLT-8").2, stock(&shop, "NUT-8").2), (0, 1));
    shop.shop.ship_order(shop.now, id).unwrap();
    assert!(shop.shop.edit_order(shop.now, id, &[(bolt, 1)]).is_err(), "what has left is not taken off");
}

#[test]
fn callers_cancel_and_change_orders() {
    let shop = Shop::new();
    let id = format!("gid://shopify/Order/{}", place(&shop, "BOLT-8", 20));
    let data = shop.data(
        "mutation($i:OrderInput!){ orderUpdate(input:$i){ order{ poNumber note } userErrors{message} } }",
        json!({ "i": { "id": id, "poNumber": "PO-2" } }),
    );
    assert_eq!(data["orderUpdate"]["order"], json!({ "poNumber": "PO-2", "note": null }));
    let cancel = "mutation($id:ID!){ orderCancel(orderId:$id,reason:OTHER,restock:true,refund:false){ job{done} orderCancelUserErrors{code} userErrors{message} } }";
    let data = shop.data(cancel, json!({ "id": id }));
    assert_eq!(data["orderCancel"]["job"]["done"], true);
    assert_eq!(stock(&shop, "BOLT-8"), (120, 120, 0));
    let data = shop.data(cancel, json!({ "id": id }));
    assert_eq!(data["orderCancel"]["orderCancelUserErrors"][0]["code"], "INVALID");
    let data = shop.data(
        "query($id:ID!){ order(id:$id){ cancelledAt lineItems(first:1){nodes{quantity currentQuantity}} } }",
        json!({ "id": id }),
    );
    assert_eq!(data["order"]["lineItems"]["nodes"][0], json!({ "quantity": 20, "currentQuantity": 0 }));
}

#[test]
fn old_orders_need_their_scope() {
    let mut app = crate::shopify::settings::App::default();
    app.scopes.retain(|it| it != "read_all_orders");
    let mut shop = Shop::with(crate::shopify::settings::Settings { apps: vec![app], ..Default::default() });
    place(&shop, "BOLT-8", 1);
    let count = |shop: &Shop| {
        let data = shop.data("{ orders(first:5){ nodes { id } } }", json!({}));
        data["orders"]["nodes"].as_array().unwrap().len()
    };
    assert_eq!(count(&shop), 1);
    shop.later(61 * 24 * 60 * 60 * 1000);
    assert_eq!(count(&shop), 0);
}
