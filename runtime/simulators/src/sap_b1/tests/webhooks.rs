//! Who is told of what: handshakes, signatures, retries, and what was missed.

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::Company;
use crate::outbox::{Answer, Webhook};
use crate::sap_b1::Settings;
use crate::system::System;

const URL: &str = "https://hub.example/in/1";

fn company() -> Company {
    let company = Company::with(Settings { webhooks: true, ..Settings::default() });
    let switch = json!({ "AdminInfo": { "EnableWebhook": "tYES" } });
    assert_eq!(company.call("POST", "v2/CompanyService_UpdateAdminInfo", switch).status, 204);
    company
}

fn subscription(id: &str, url: &str) -> Value {
    json!({
        "WebhookID": id, "WebhookURL": url, "AuthenticationType": "HMAC", "Handshake": "tYES",
        "AuthenticationCred": json!({ "Key": "secret", "Algorithm": "HMACSha256" }).to_string(),
        "EventCollection": [
            { "BusinessObject": "Orders", "TransactionType": "Created", "BizObjProps": "CardCode, DocTotal" },
            { "BusinessObject": "Items", "TransactionType": "Updated" },
            { "BusinessObject": "Items", "TransactionType": "Deleted" },
        ],
    })
}

fn header<'w>(webhook: &'w Webhook, name: &str) -> &'w str {
    webhook.headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
}

fn said(status: u16, body: Value) -> Answer {
    Answer { status, body: bytes::Bytes::from(body.to_string()) }
}

fn signed(bytes: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(bytes);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// A company whose one subscription has shaken hands.
fn subscribed() -> Company {
    let company = company();
    company.made("v2/EventSubscriptions", subscription("w1", URL));
    let handshake = company.system.take_webhooks().remove(0);
    let challenge = json!({ "Challenge": header(&handshake, "X-B1-Webhook-Token") });
    company.system.webhook_answered(company.now.get(), &handshake, Some(&said(200, challenge)));
    company
}

fn edit(company: &Company, name: &str) {
    assert_eq!(company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": name })).status, 204);
}

fn state(company: &Company) -> Value {
    company.get("v2/EventSubscriptions('w1')").body["State"].clone()
}

/// Fails a delivery as often as it is tried.
fn give_up(company: &Company, webhook: &Webhook) {
    for _ in 0..=webhook.retries_ms.len() {
        company.system.webhook_answered(company.now.get(), webhook, Some(&said(500, Value::Null)));
    }
}

#[test]
fn nothing_is_told_before_a_handshake() {
    let company = company();
    let made = company.made("v2/EventSubscriptions", subscription("w1", URL));
    assert_eq!((&made.body["State"], &made.body["AuthenticationCred"]), (&json!("Active"), &Value::Null));
    edit(&company, "Early");
    let webhooks = company.system.take_webhooks();
    assert_eq!(webhooks.len(), 1);
    let handshake = &webhooks[0];
    assert_eq!(
        (&handshake.method, handshake.url.as_str(), handshake.retries_ms),
        (&http::Method::GET, URL, &[2_000; 3][..])
    );
    let token = header(handshake, "X-B1-Webhook-Token");
    assert_eq!(header(handshake, "X-B1-Webhook-Signature"), signed(token.as_bytes()));
    let answer = said(200, json!({ "Challenge": token }));
    company.system.webhook_answered(company.now.get(), handshake, Some(&answer));
    let told = company.system.take_webhooks();
    assert_eq!((told.len(), &told[0].method), (1, &http::Method::POST));
}

#[test]
fn a_wrong_challenge_ends_it_and_silence_is_tried_again() {
    let company = company();
    company.made("v2/EventSubscriptions", subscription("w1", URL));
    let handshake = company.system.take_webhooks().remove(0);
    company.system.webhook_answered(company.now.get(), &handshake, None);
    assert_eq!(state(&company), "Active");
    company.system.webhook_answered(company.now.get(), &handshake, Some(&said(200, json!({ "Challenge": "other" }))));
    assert_eq!(state(&company), "Inactive");
    assert_eq!(company.call("POST", "v2/EventSubscriptions('w1')/Resume", Value::Null).status, 204);
    let again = company.system.take_webhooks();
    assert_eq!(again.len(), 1);
    give_up(&company, &again[0]);
    assert_eq!(state(&company), "Inactive");
}

#[test]
fn a_delivery_is_a_signed_list_of_events() {
    let company = subscribed();
    edit(&company, "One");
    company.made(
        "v2/Orders",
        json!({
            "CardCode": "C20000", "DocDueDate": "2026-11-25", "DocumentLines": [{ "ItemCode": "A1", "Quantity": 2 }],
        }),
    );
    company.call("DELETE", "v2/Items('S1')", Value::Null);
    company.made("v2/InventoryGenEntries", json!({ "DocumentLines": [{ "ItemCode": "A1", "Quantity": 1 }] }));
    let webhooks = company.system.take_webhooks();
    assert_eq!(webhooks.len(), 1);
    assert_eq!(header(&webhooks[0], "X-B1-Webhook-Signature"), signed(&webhooks[0].body));
    let events: Value = serde_json::from_slice(&webhooks[0].body).unwrap();
    let types: Vec<_> = events.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["sap.b1.Items.Updated.v1", "sap.b1.Orders.Created.v1", "sap.b1.Items.Deleted.v1"]);
    let mut order = events[1].clone();
    assert_eq!(order["id"].as_str().unwrap().len(), 36);
    order.as_object_mut().unwrap().remove("id");
    assert_eq!(
        order,
        json!({
            "specversion": "1.0", "source": "/default/sap.b1/SBODEMOUS", "type": "sap.b1.Orders.Created.v1",
            "subject": "1", "time": "2026-11-21T21:42:05.000Z", "datacontenttype": "application/json",
            "data": { "DocEntry": "1", "CardCode": "C20000", "DocTotal": "25.0" },
        })
    );
    let statuses = company.get("v2/EventNotifications?$orderby=Timestamp").column("Status");
    assert_eq!(statuses, ["Sent"; 3]);
}

#[test]
fn a_deaf_receiver_becomes_exceptional_then_inactive_and_hears_the_rest_on_demand() {
    let company = subscribed();
    for (n, expected) in ["Exceptional", "Exceptional", "Inactive"].into_iter().enumerate() {
        edit(&company, &format!("Edit {n}"));
        let webhook = company.system.take_webhooks().remove(0);
        give_up(&company, &webhook);
        assert_eq!(state(&company), expected);
    }
    edit(&company, "Unheard");
    assert_eq!(company.system.take_webhooks(), []);
    company.call("POST", "v2/EventSubscriptions('w1')/Resume", Value::Null);
    assert_eq!(company.system.take_webhooks(), [], "what was missed does not come by itself");
    assert_eq!(company.call("POST", "v2/EventSubscriptions('w1')/Replay", Value::Null).status, 204);
    let webhook = company.system.take_webhooks().remove(0);
    let events: Value = serde_json::from_slice(&webhook.body).unwrap();
    assert_eq!(events.as_array().unwrap().len(), 4);
    company.system.webhook_answered(company.now.get(), &webhook, Some(&said(204, Value::Null)));
    assert_eq!(state(&company), "Active");
}

#[test]
fn what_is_a_day_old_is_gone() {
    let company = subscribed();
    company.call("POST", "v2/EventSubscriptions('w1')/Pause", Value::Null);
    edit(&company, "Paused");
    assert_eq!(company.system.take_webhooks(), []);
    company.days(1);
    company.wait(1);
    company.call("PATCH", "v2/EventSubscriptions('w1')", json!({ "State": "Active", "WorkMode": "Replay" }));
    assert_eq!(company.system.take_webhooks(), []);
    assert_eq!(company.get("v2/EventSubscriptions('w1')").body["WorkMode"], "Standard");
}

#[test]
fn events_come_in_batches() {
    let company = subscribed();
    for n in 0..1_030 {
        edit(&company, &n.to_string());
    }
    let sizes: Vec<usize> = company
        .system
        .take_webhooks()
        .iter()
        .map(|it| serde_json::from_slice::<Vec<Value>>(&it.body).unwrap().len())
        .collect();
    assert_eq!(sizes, [1_024, 6]);
}

#[test]
fn a_subscription_that_is_wrong_is_refused() {
    let company = subscribed();
    let check = |body: Value, code: &str| {
        let answer = company.call("POST", "v2/EventSubscriptions", body);
        assert_eq!(answer.refusal(), format!(r#"400 "{code}""#), "{}", answer.body);
    };
    let with = |changes: Value| {
        let mut body = subscription("w2", "https://hub.example/in/2");
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    check(subscription("w1", "https://hub.example/in/2"), "-2035");
    check(subscription("w2", URL), "-2035");
    check(with(json!({ "WebhookURL": "/in" })), "-10");
    check(with(json!({ "AuthenticationCred": "{}" })), "-10");
    check(with(json!({ "AuthenticationType": "OAuth" })), "-10");
    check(with(json!({ "EventCollection": [{ "BusinessObject": "Users", "TransactionType": "Created" }] })), "-10");
    check(with(json!({ "EventCollection": [{ "BusinessObject": "Items", "TransactionType": "Closed" }] })), "-10");
    for n in 2..=16 {
        company.made("v2/EventSubscriptions", subscription(&format!("w{n}"), &format!("https://hub.example/in/{n}")));
    }
    check(subscription("w17", "https://hub.example/in/17"), "-10");
    assert_eq!(company.call("DELETE", "v2/EventSubscriptions('w16')", Value::Null).status, 204);
    assert_eq!(company.get("v1/EventSubscriptions").status, 404);
    let catalogue = company.get("v2/EventSubscriptionsService_GetEventCatalog");
    assert!(catalogue.column("BusinessObject").contains(&json!("Orders")));
}

#[test]
fn nobody_is_told_while_the_company_has_it_off() {
    let company = subscribed();
    company.system.switch_webhooks(false);
    edit(&company, "Quiet");
    assert_eq!(company.system.take_webhooks(), []);
    let answer = company.call("POST", "v2/EventSubscriptions", subscription("w2", "https://hub.example/in/2"));
    assert_eq!(answer.refusal(), r#"400 "-10""#);
}

#[test]
fn nobody_is_told_once_everybody_is_unsubscribed() {
    let company = subscribed();
    company.system.unsubscribe_everybody();
    company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": "New" }));
    assert_eq!(company.system.take_webhooks(), []);
}
