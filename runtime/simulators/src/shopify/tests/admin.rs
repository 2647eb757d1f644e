//! The admin door, where tests act as people.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Shop, body, seed};
use crate::shopify::Shopify;
use crate::shopify::settings::Settings;
use crate::system::System;

fn act(shop: &Shop, method: &str, path: &str, input: &Value) -> (u16, Value) {
    let request = http::Request::builder().method(method).uri(format!("http://localhost{path}"));
    let response = shop.shop.admin(shop.now, &request.body(Bytes::from(input.to_string())).unwrap());
    (response.status().as_u16(), body(&response))
}

#[test]
fn a_shop_is_seeded_over_http() {
    let shop = Shop { shop: Shopify::new(Settings::default()), seeded: Default::default(), now: super::start() };
    let (status, seeded) = act(&shop, "POST", "/seed", &serde_json::to_value(seed()).unwrap());
    assert_eq!(status, 200, "{seeded}");
    assert_eq!(seeded["items"].as_object().unwrap().len(), 3);
    let see = |path: &str| act(&shop, "GET", path, &Value::Null).1;
    assert_eq!(see("/items")[0]["code"], "BOLT-8");
    assert_eq!(see("/stock").as_array().unwrap().len(), 4);
    assert_eq!(see("/prices").as_array().unwrap().len(), 4);
    assert_eq!(see("/prices")[3]["breaks"], json!([{ "from": "10", "amount": "9.5" }]));
    assert_eq!(see("/companies")[0]["code"], "C-107");
    assert_eq!(see("/locations")[0]["name"], "Main");
    assert!(shop.shop.journal().is_empty(), "first contents are not changes");
}

#[test]
fn people_edit_everything() {
    let shop = Shop::new();
    let (item, main, list) = (shop.item("NUT-8"), shop.location("Main"), shop.seeded.price_lists["Gold"]);
    let edit = |method: &str, path: &str, input: Value| {
        let (status, answer) = act(&shop, method, path, &input);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    edit("PUT", "/stock", json!({ "item": item, "location": main, "on_hand": 900 }));
    edit(
        "PUT",
        &format!("/items/{item}"),
        json!({ "title": "Nut", "sku": "NUT-08", "barcode": "7", "status": "ARCHIVED" }),
    );
    edit("PUT", "/prices", json!({ "item": item, "amount": "0.50" }));
    edit(
        "PUT",
        "/prices",
        json!({ "list": list, "item": item, "amount": "0.40", "breaks": [{ "from": "100", "amount": "0.3" }] }),
    );
    let company = shop.seeded.companies["C-108"];
    edit("PUT", &format!("/companies/{company}"), json!({ "name": "Bolt Ltd", "code": "C-208" }));
    assert_eq!(
        shop.journal(0),
        [
            format!("Human stock-level {item}:{main} on_hand 900"),
            format!("Human item {item} title Nut"),
            format!("Human item {item} active false"),
            format!("Human item {item} code NUT-08"),
            format!("Human item {item} barcode 7"),
            format!("Human price base:{item} amount 0.5"),
            format!("Human price {list}:{item} created 0.4"),
            format!("Human price {list}:{item} currency USD"),
            format!("Human price {list}:{item} amount 0.4"),
            format!(r#"Human price {list}:{item} breaks [{{"from":"100","amount":"0.3"}}]"#),
            format!("Human company {company} name Bolt Ltd"),
            format!("Human company {company} code C-208"),
        ]
    );
    let order = edit(
        "POST",
        "/orders",
        json!({ "company_location": shop.buyer(), "lines": [{ "item": item, "quantity": 5 }] }),
    );
    edit("POST", &format!("/orders/{}/cancel", order["id"]), Value::Null);
    edit("DELETE", "/prices", json!({ "list": list, "item": item }));
    edit("DELETE", &format!("/items/{item}"), Value::Null);
    assert_eq!(shop.shop.items().len(), 2);
}

#[test]
fn settings_change_and_contents_stay() {
    let shop = Shop::new();
    let (_, mut settings) = act(&shop, "GET", "/settings", &Value::Null);
    settings["bucket_max"] = json!(50);
    settings["price_decimals"] = json!(2);
    assert_eq!(act(&shop, "PUT", "/settings", &settings).1["bucket_max"], 50);
    act(&shop, "PUT", "/prices", &json!({ "item": shop.item("NUT-8"), "amount": "0.125" }));
    assert_eq!(shop.shop.prices()[1].amount.to_string(), "0.13");
    assert_eq!(
        shop.ask("{ shop { name } }", json!({}))["extensions"]["cost"]["throttleStatus"]["maximumAvailable"],
        50.0
    );
}

#[test]
fn faulty_edits_say_why() {
    let shop = Shop::new();
    let refused = |method: &str, path: &str, input: Value| {
        let (status, answer) = act(&shop, method, path, &input);
        (status, answer["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused("PUT", "/items/7", json!({ "title": "X" })), (404, "there is no item `7`".to_owned()));
    assert_eq!(refused("PUT", "/stock", json!({ "item": 7, "location": 7, "on_hand": 1 })).0, 404);
    assert_eq!(refused("PUT", "/stock", json!({ "item": shop.item("NUT-8"), "location": 61 })).0, 400);
    assert_eq!(refused("PUT", "/settings", json!({ "colour": "red" })).0, 400);
    assert_eq!(
        refused(
            "POST",
            "/seed",
            json!({ "products": [{ "title": "X", "variants": [{ "sku": "X", "price": "1", "stock": { "Mars": 1 } }] }] })
        ),
        (404, "there is no location `Mars`".to_owned())
    );
    assert_eq!(refused("PATCH", "/nothing", Value::Null).0, 404);
    assert!(shop.shop.journal().is_empty());
}
