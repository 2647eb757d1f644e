//! Who is told what, how it is signed, and when a deaf subscriber is told no more.

use serde_json::{Value, json};

use super::Shop;
use crate::outbox::{Answer, Webhook};
use crate::shopify::people::ItemEdit;
use crate::shopify::settings::Settings;
use crate::shopify::webhooks::sign;
use crate::system::System;

const SUBSCRIBE: &str = "mutation($t:WebhookSubscriptionTopic!,$w:WebhookSubscriptionInput!){ webhookSubscriptionCreate(topic:$t,webhookSubscription:$w){ webhookSubscription{ id topic uri } userErrors{ field message } } }";

fn subscribe(shop: &Shop, topic: &str, uri: &str) -> Value {
    shop.data(SUBSCRIBE, json!({ "t": topic, "w": { "uri": uri, "format": "JSON" } }))["webhookSubscriptionCreate"]
        .clone()
}

fn header<'a>(webhook: &'a Webhook, name: &str) -> &'a str {
    webhook.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn taken() -> Answer {
    Answer { status: 200, body: bytes::Bytes::new() }
}

fn told(shop: &Shop) -> Vec<(String, Value)> {
    let webhooks = shop.shop.take_webhooks();
    webhooks
        .iter()
        .map(|it| (header(it, "X-Shopify-Topic").to_owned(), serde_json::from_slice(&it.body).unwrap()))
        .collect()
}

#[test]
fn a_change_of_stock_is_told_and_signed() {
    let mut shop = Shop::new();
    subscribe(&shop, "INVENTORY_LEVELS_UPDATE", "https://hooks.example/a");
    shop.later(62_000);
    let (item, location) = (shop.item("BOLT-8"), shop.location("Main"));
    shop.shop.set_on_hand(shop.now, item, location, 118).unwrap();
    let webhooks = shop.shop.take_webhooks();
    let [webhook] = webhooks.as_slice() else { panic!("{webhooks:?}") };
    assert_eq!(webhook.url, "https://hooks.example/a");
    let secret = &Settings::default().apps[0].client_secret;
    assert_eq!(header(webhook, "X-Shopify-Hmac-Sha256"), sign(secret, &webhook.body));
    assert_eq!(header(webhook, "X-Shopify-Topic"), "inventory_levels/update");
    assert_eq!(header(webhook, "X-Shopify-API-Version"), "2026-10");
    assert_eq!(header(webhook, "X-Shopify-Triggered-At"), "2026-11-21T08:01:02Z");
    assert_eq!(header(webhook, "X-Shopify-Shop-Domain"), "truthsource-demo.myshopify.com");
    let body: Value = serde_json::from_slice(&webhook.body).unwrap();
    let level = shop.shop.state().level(location, item).cloned().unwrap();
    assert_eq!(
        body,
        json!({ "inventory_item_id": item, "location_id": location, "available": 118,
        "updated_at": "2026-11-21T03:01:02-05:00",
        "admin_graphql_api_id": crate::shopify::gid::level_gid(level.location, level.item) })
    );
    shop.shop.set_on_hand(shop.now, item, location, 118).unwrap();
    assert_eq!(told(&shop), [], "what does not change is not told");
}

#[test]
fn every_change_has_its_topic() {
    let shop = Shop::new();
    for topic in [
        "PRODUCTS_CREATE",
        "PRODUCTS_UPDATE",
        "PRODUCTS_DELETE",
        "INVENTORY_ITEMS_UPDATE",
        "INVENTORY_LEVELS_UPDATE",
        "ORDERS_CREATE",
        "ORDERS_CANCELLED",
        "ORDERS_UPDATED",
        "COMPANIES_UPDATE",
    ] {
        assert_eq!(subscribe(&shop, topic, "https://hooks.example/all")["userErrors"], json!([]));
    }
    let topics = || told(&shop).into_iter().map(|(topic, _)| topic).collect::<Vec<_>>();
    let item = shop.item("BOLT-8");
    let edit = ItemEdit { sku: Some("B".into()), title: Some("T".into()), ..ItemEdit::default() };
    shop.shop.set_item(shop.now, item, edit).unwrap();
    assert_eq!(topics(), ["inventory_items/update", "products/update"]);
    shop.shop.set_company(shop.now, shop.seeded.companies["C-107"], Some("Acme Inc".into()), None).unwrap();
    assert_eq!(topics(), ["companies/update"]);
    let placed =
        json!({ "company_location": shop.buyer(), "po_number": "PO-9", "lines": [{ "item": item, "quantity": 2 }] });
    let order = shop.shop.place_order(shop.now, &serde_json::from_value(placed).unwrap()).unwrap();
    let told_now = told(&shop);
    assert_eq!(
        told_now.iter().map(|(topic, _)| topic.as_str()).collect::<Vec<_>>(),
        ["inventory_levels/update", "orders/create"]
    );
    let body = &told_now[1].1;
    assert_eq!((&body["id"], &body["name"], &body["po_number"]), (&json!(order), &json!("#1001"), &json!("PO-9")));
    assert_eq!((&body["line_items"][0]["price"], &body["total_price"]), (&json!("11.00"), &json!("22.00")));
    shop.shop.cancel_order(shop.now, order).unwrap();
    assert_eq!(topics(), ["inventory_levels/update", "orders/cancelled", "orders/updated"]);
    shop.shop.delete_item(shop.now, item).unwrap();
    assert_eq!(topics(), ["products/delete"]);
    shop.data(
        "mutation($i:ProductSetInput!){ productSet(input:$i){ userErrors{code} } }",
        json!({ "i": { "title": "By a caller" } }),
    );
    assert_eq!(topics(), ["products/create"], "callers hear their own echo");
}

#[test]
fn two_subscriptions_hear_of_one_event() {
    let shop = Shop::new();
    subscribe(&shop, "PRODUCTS_UPDATE", "https://hooks.example/a");
    subscribe(&shop, "PRODUCTS_UPDATE", "https://hooks.example/b");
    let taken = subscribe(&shop, "PRODUCTS_UPDATE", "https://hooks.example/b");
    assert_eq!(taken["userErrors"][0]["message"], "Address for this topic has already been taken");
    let edit = ItemEdit { title: Some("T".into()), ..ItemEdit::default() };
    shop.shop.set_item(shop.now, shop.item("BOLT-8"), edit).unwrap();
    let webhooks = shop.shop.take_webhooks();
    let ids = |name: &str| [header(&webhooks[0], name), header(&webhooks[1], name)];
    let [first, second] = ids("X-Shopify-Event-Id");
    assert_eq!(first, second);
    let [first, second] = ids("X-Shopify-Webhook-Id");
    assert_ne!(first, second);
}

#[test]
fn a_deaf_subscriber_is_dropped() {
    let shop = Shop::new();
    subscribe(&shop, "PRODUCTS_UPDATE", "https://hooks.example/a");
    let tell = |title: &str| {
        let edit = ItemEdit { title: Some(title.into()), ..ItemEdit::default() };
        shop.shop.set_item(shop.now, shop.item("BOLT-8"), edit).unwrap();
        shop.shop.take_webhooks()
    };
    let webhook = tell("1").remove(0);
    assert_eq!(webhook.retries_ms.len(), 8);
    for _ in 0..7 {
        shop.shop.webhook_answered(shop.now, &webhook, None);
    }
    shop.shop.webhook_answered(shop.now, &webhook, Some(&taken()));
    for _ in 0..7 {
        shop.shop.webhook_answered(shop.now, &webhook, None);
    }
    assert_eq!(tell("2").len(), 1, "only failures in a row count");
    shop.shop.webhook_answered(shop.now, &webhook, None);
    assert_eq!(tell("3").len(), 0);
    assert_eq!(
        shop.data("{ webhookSubscriptions(first:5){ nodes { id } } }", json!({}))["webhookSubscriptions"]["nodes"],
        json!([])
    );
}

#[test]
fn a_rotation_signs_with_both_secrets_for_a_while() {
    let mut shop = Shop::new();
    subscribe(&shop, "INVENTORY_LEVELS_UPDATE", "https://hooks.example/a");
    let old = Settings::default().apps[0].client_secret.clone();
    shop.shop.rotate_secret(shop.now, "truthsource", "shpss_new").unwrap();
    let signed_with = |shop: &Shop, quantity: i64| {
        shop.shop.set_on_hand(shop.now, shop.item("BOLT-8"), shop.location("Main"), quantity).unwrap();
        let webhook = shop.shop.take_webhooks().remove(0);
        let signature = header(&webhook, "X-Shopify-Hmac-Sha256").to_owned();
        [("old", old.as_str()), ("new", "shpss_new")]
            .into_iter()
            .find(|(_, it)| sign(it, &webhook.body) == signature)
            .unwrap()
            .0
    };
    let mut seen = [signed_with(&shop, 1), signed_with(&shop, 2)];
    seen.sort_unstable();
    assert_eq!(seen, ["new", "old"]);
    shop.later(60 * 60 * 1000);
    assert_eq!([signed_with(&shop, 3), signed_with(&shop, 4)], ["new", "new"]);
}

#[test]
fn addresses_and_fields_are_chosen() {
    let shop = Shop::new();
    assert_eq!(
        subscribe(&shop, "ORDERS_CREATE", "http://hooks.example/a")["userErrors"][0]["message"],
        "Address is invalid"
    );
    let input = json!({ "t": "PRODUCTS_UPDATE", "w": { "uri": "http://127.0.0.1:8080/hook", "includeFields": ["id", "title"], "name": "mine" } });
    let made = shop.data(SUBSCRIBE, input)["webhookSubscriptionCreate"]["webhookSubscription"]["id"].clone();
    let edit = ItemEdit { title: Some("T".into()), ..ItemEdit::default() };
    shop.shop.set_item(shop.now, shop.item("BOLT-8"), edit).unwrap();
    let webhook = shop.shop.take_webhooks().remove(0);
    assert_eq!(header(&webhook, "X-Shopify-Name"), "mine");
    let body: Value = serde_json::from_slice(&webhook.body).unwrap();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "title"]);
    let data = shop.data(
        "mutation($id:ID!){ webhookSubscriptionDelete(id:$id){ deletedWebhookSubscriptionId userErrors{message} } }",
        json!({ "id": made }),
    );
    assert_eq!(data["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"], made);
}
