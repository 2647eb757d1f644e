//! Tokens, scopes, versions and closed shops.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Shop, body, call};
use crate::faults::Faults;
use crate::shopify::settings::{App, Closed, Settings};
use crate::system::{System, assert_copied};

const PROBE: &str = "{ shop { name } }";

fn token(shop: &Shop, content_type: &str, text: &str) -> (u16, Value) {
    let request = http::Request::post("http://localhost/admin/oauth/access_token").header("Content-Type", content_type);
    let response = shop.shop.answer(shop.now, &request.body(Bytes::from(text.to_owned())).unwrap());
    (response.status().as_u16(), body(&response))
}

#[test]
fn a_wrong_token_is_told_with_a_text() {
    let shop = Shop::new();
    let mut request = call("2026-10", PROBE, json!({}));
    request.headers_mut().insert("X-Shopify-Access-Token", "shpat_wrong".parse().unwrap());
    let response = shop.shop.answer(shop.now, &request);
    assert_eq!(response.status(), 401);
    let errors = "[API] Invalid API key or access token (unrecognized login or wrong password)";
    assert_eq!(body(&response), json!({ "errors": errors }));
}

#[test]
fn an_empty_operation_name_is_none_and_every_answer_has_a_number() {
    let shop = Shop::new();
    let ask = |operation: &str| {
        let mut request = call("2026-10", PROBE, json!({}));
        *request.body_mut() = json!({ "query": PROBE, "operationName": operation }).to_string().into();
        shop.shop.answer(shop.now, &request)
    };
    let number = |response: &crate::system::Response| response.headers()["X-Request-Id"].to_str().unwrap().to_owned();
    let (unnamed, named) = (ask(""), ask("Other"));
    assert_eq!(body(&unnamed)["data"]["shop"]["name"], "TruthSource Demo");
    assert_eq!(body(&named)["errors"][0]["message"], "An operation name is required");
    assert_eq!(number(&unnamed).len(), 36);
    assert_ne!(number(&unnamed), number(&named));
    assert_eq!(number(&shop.shop.overloaded()).len(), 36);
}

#[test]
fn client_credentials_buy_a_day() {
    let mut shop = Shop::new();
    let app = &Settings::default().apps[0];
    let text =
        json!({ "client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "client_credentials" });
    let (status, grant) = token(&shop, "application/json", &text.to_string());
    assert_eq!((status, &grant["expires_in"]), (200, &json!(86_399)));
    assert!(grant["scope"].as_str().unwrap().contains("write_inventory"));
    let form = format!("client_id={}&client_secret={}&grant_type=client_credentials", app.client_id, app.client_secret);
    assert_eq!(token(&shop, "application/x-www-form-urlencoded", &form).0, 200);
    let status = |shop: &Shop| {
        let mut request = call("2026-10", PROBE, json!({}));
        request
            .headers_mut()
            .insert("X-Shopify-Access-Token", grant["access_token"].as_str().unwrap().parse().unwrap());
        shop.shop.answer(shop.now, &request).status().as_u16()
    };
    assert_eq!(status(&shop), 200);
    shop.later(24 * 60 * 60 * 1000);
    assert_eq!(status(&shop), 401);
}

#[test]
fn a_wrong_grant_says_why() {
    let shop = Shop::new();
    let error = |text: Value| {
        let (status, answer) = token(&shop, "application/json", &text.to_string());
        assert_eq!(status, 400);
        answer["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        error(json!({ "client_id": "truthsource", "client_secret": "x", "grant_type": "client_credentials" })),
        "invalid_client"
    );
    assert_eq!(
        error(json!({ "client_id": "truthsource", "client_secret": "x", "grant_type": "password" })),
        "invalid_request"
    );
    assert_eq!(error(json!({ "grant_type": "client_credentials" })), "invalid_request");
}

#[test]
fn a_missing_scope_closes_one_field() {
    let app = App { scopes: vec!["read_products".into()], ..App::default() };
    let shop = Shop::with(Settings { apps: vec![app], ..Settings::default() });
    let answer = shop.ask(
        "{ product(id:\"gid://shopify/Product/1\"){ id } order(id:\"gid://shopify/Order/1\"){ id } shop { name } }",
        json!({}),
    );
    assert_eq!(answer["data"]["order"], Value::Null);
    assert_eq!(answer["data"]["shop"]["name"], "TruthSource Demo");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ACCESS_DENIED");
    assert_eq!(answer["errors"][0]["path"], json!(["order"]));
    let answer = shop.ask("query($id:ID!){ node(id:$id){ id } }", json!({ "id": shop.item_gid("BOLT-8") }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ACCESS_DENIED");
}

#[test]
fn the_served_version_is_told() {
    let shop = Shop::new();
    let served = |asked: &str| {
        let response = shop.shop.answer(shop.now, &call(asked, PROBE, json!({})));
        let version = response.headers().get("X-Shopify-API-Version").map(|it| it.to_str().unwrap().to_owned());
        (response.status().as_u16(), version)
    };
    assert_eq!(served("2026-10"), (200, Some("2026-10".into())));
    assert_eq!(served("2025-01"), (200, Some("2026-01".into())));
    assert_eq!(served("2031-01"), (404, None));
}

#[test]
fn a_closed_shop_answers_nobody() {
    for (closed, status) in [(Closed::Frozen, 402), (Closed::Locked, 423), (Closed::Unknown, 404)] {
        let shop = Shop::with(Settings { closed, ..Settings::default() });
        assert_eq!(shop.shop.answer(shop.now, &call("2026-10", PROBE, json!({}))).status(), status);
    }
}

#[test]
fn a_body_that_is_none_is_refused() {
    let shop = Shop::new();
    let mut request = call("2026-10", PROBE, json!({}));
    *request.body_mut() = Bytes::from_static(b"query=x");
    assert_eq!(shop.shop.answer(shop.now, &request).status(), 400);
}

#[test]
fn the_fault_menu_copies_and_pages() {
    let shop = Shop::new();
    let document = "mutation($i:ProductUpdateInput!){ productUpdate(product:$i){ userErrors{ message } } }";
    let titled = call("2026-10", document, json!({ "i": { "id": shop.product_gid("BOLT-8"), "title": "New" } }));
    assert_copied(&shop.shop, shop.now, &titled);
    shop.shop.set_faults(&Faults { page_max: 1, ..Faults::default() });
    let page = shop.data("{ products(first: 10) { nodes { id } pageInfo { hasNextPage } } }", json!({}));
    assert_eq!(page["products"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(page["products"]["pageInfo"]["hasNextPage"], true);
}
