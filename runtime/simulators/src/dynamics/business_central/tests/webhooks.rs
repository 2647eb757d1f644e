//! Subscriptions, from the handshake to their end.

use serde_json::{Value, json};

use super::super::Editor;
use super::super::settings::{Handshake, Settings, Webhooks};
use super::*;
use crate::door::{self, Door};
use crate::dynamics::ItemEdit;

const STANDARD: &str = "/v2.0/Production/api/v2.0/subscriptions";
const URL: &str = "https://hooks.example/bc?tenant=7";

/// Answers a handshake as asked.
fn echo(asked: &Webhook) -> Option<Answer> {
    let url = url::Url::parse(&asked.url).unwrap();
    let token = url.query_pairs().find(|(name, _)| name == "validationToken").unwrap().1.into_owned();
    Some(Answer { status: 200, body: Bytes::from(token) })
}

fn said(status: u16) -> Option<Answer> {
    Some(Answer { status, body: Bytes::new() })
}

fn wish(environment: &Environment, resource: &str) -> Value {
    let company = environment.system.settings().companies[0].id;
    json!({
        "notificationUrl": URL, "clientState": "s3cret",
        "resource": format!("/api/v2.0/companies({company})/{resource}"),
    })
}

fn subscribe(environment: &Environment, resource: &str) -> Reply {
    environment.shake(&environment.request("POST", STANDARD, &wish(environment, resource), &[]), echo)
}

fn rename(environment: &Environment, title: &str) {
    let edit = ItemEdit { title: Some(title.to_owned()), ..ItemEdit::default() };
    environment.system.set_item(environment.now.get(), Editor::User, "BOLT-8", edit).unwrap();
}

#[test]
fn a_handshake_comes_first() {
    let environment = Environment::new();
    let request = environment.request("POST", STANDARD, &wish(&environment, "items"), &[]);
    for wrong in [None, said(200), said(404)] {
        let reply = environment.shake(&request, |asked| {
            assert!(asked.url.starts_with("https://hooks.example/bc?tenant=7&validationToken="), "{}", asked.url);
            wrong.clone()
        });
        assert_eq!((reply.status, reply.code()), (400, "BadRequest"));
    }
    assert!(environment.system.subscriptions(START).is_empty());
    let made = subscribe(&environment, "items");
    assert_eq!((made.status, &made.body["clientState"]), (201, &json!("s3cret")), "{}", made.text);
    assert!(made.body["subscriptionId"].as_str().unwrap().starts_with("webhookItems"));
    assert_eq!(made.body["expirationDateTime"], "2026-07-04T12:00:30.25Z");
    let again = subscribe(&environment, "items");
    assert_eq!((again.status, again.code()), (400, "Internal_EntityWithSameKeyExists"));
}

#[test]
fn a_handshake_is_made_by_the_method_that_is_set() {
    for (handshake, method) in [(Handshake::Post, "POST"), (Handshake::Get, "GET")] {
        let webhooks = Webhooks { handshake, ..Webhooks::default() };
        let environment = Environment::with(Settings { webhooks, ..Settings::default() });
        let request = environment.request("POST", STANDARD, &wish(&environment, "items"), &[]);
        let made = environment.shake(&request, |asked| {
            assert_eq!(asked.method, method);
            echo(asked)
        });
        assert_eq!(made.status, 201, "{}", made.text);
    }
}

#[test]
fn only_some_resources_can_be_subscribed_to() {
    let environment = Environment::new();
    for resource in ["locations", "itemLedgerEntries", "nothing", "salesShipments"] {
        assert_eq!(subscribe(&environment, resource).status, 400, "{resource}");
    }
    let listed = environment.send(&environment.request(
        "GET",
        &environment.path("microsoft/runtime/beta", "webhookSupportedResources"),
        &Value::Null,
        &[],
    ));
    let listed = listed.column("resource");
    assert!(listed.contains(&"api/v2.0/salesOrders".to_owned()) && !listed.contains(&"api/v2.0/locations".to_owned()));
    assert!(listed.contains(&"api/erpsync/inventory/v1.0/itemLocationStocks".to_owned()), "{listed:?}");
}

#[test]
fn changes_are_told_together_after_a_while() {
    let environment = Environment::new();
    let id = subscribe(&environment, "items").body["subscriptionId"].clone();
    rename(&environment, "B1");
    environment.wait(10_000);
    let new = environment.post("items", json!({ "number": "NEW" })).body["id"].clone();
    rename(&environment, "B2");
    environment.wait(19_999);
    assert_eq!(environment.told().len(), 0);
    assert_eq!(environment.system.wakes_at(), Some(START.plus(30_000)));
    environment.wait(1);
    let told = environment.told();
    let (webhook, body) = &told[0];
    assert_eq!((told.len(), webhook.url.as_str(), webhook.method.as_str()), (1, URL, "POST"));
    let entries = body["value"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["subscriptionId"], &entries[0]["clientState"]), (&id, &json!("s3cret")));
    let (company, bolt) =
        (environment.system.settings().companies[0].id, environment.id("items", "number eq 'BOLT-8'"));
    assert_eq!(entries[0]["resource"], format!("api/v2.0/companies({company})/items({bolt})"));
    assert_eq!((&entries[0]["changeType"], &entries[1]["changeType"]), (&json!("updated"), &json!("created")));
    assert!(entries[1]["resource"].as_str().unwrap().contains(new.as_str().unwrap()));
    assert_eq!(entries[0]["lastModifiedDateTime"], "2026-07-01T12:00:40.25Z");
    environment.system.webhook_answered(environment.now.get(), webhook, said(202).as_ref());
    assert_eq!(environment.system.wakes_at(), None);
}

#[test]
fn many_changes_are_one_collection() {
    let webhooks = Webhooks { collection_over: 2, leading_slash: true, ..Webhooks::default() };
    let environment = Environment::with(Settings { webhooks, ..Settings::default() });
    subscribe(&environment, "items");
    for n in 0..3 {
        environment.post("items", json!({ "number": format!("N{n}") }));
    }
    environment.wait(30_000);
    let (_, body) = &environment.told()[0];
    let entry = &body["value"][0];
    assert_eq!((body["value"].as_array().unwrap().len(), &entry["changeType"]), (1, &json!("collection")));
    let resource = entry["resource"].as_str().unwrap();
    assert!(
        resource.starts_with("/api/v2.0/companies(")
            && resource.ends_with("/items?$filter=lastDateTimeModified%20gt%202026-07-01T12:00:29Z"),
        "{resource}"
    );
}

#[test]
fn busy_receivers_are_tried_again_and_refusing_ones_are_left() {
    let environment = Environment::new();
    for (status, stays) in [(Some(503), true), (Some(429), true), (None, true), (Some(404), false)] {
        subscribe(&environment, "items");
        rename(&environment, &format!("{status:?}"));
        environment.wait(30_000);
        let (webhook, _) = environment.told().remove(0);
        let answer = status.and_then(said);
        environment.system.webhook_answered(environment.now.get(), &webhook, answer.as_ref());
        assert_eq!(environment.system.subscriptions(environment.now.get()).len(), usize::from(stays), "{status:?}");
        assert_eq!(environment.system.wakes_at().is_some(), stays);
        if stays {
            environment.wait(60_000);
            let (again, _) = environment.told().remove(0);
            assert_eq!(again, webhook);
            environment.system.webhook_answered(environment.now.get(), &again, said(200).as_ref());
        }
        environment.system.end_subscriptions();
    }
}

#[test]
fn a_receiver_that_stays_deaf_is_given_up_after_36_hours() {
    let environment = Environment::new();
    subscribe(&environment, "items");
    rename(&environment, "B");
    environment.wait(30_000);
    let first = environment.now.get();
    let mut tries = 0;
    while let Some(at) = environment.system.wakes_at() {
        environment.now.set(at);
        for (webhook, _) in environment.told() {
            tries += 1;
            environment.system.webhook_answered(at, &webhook, said(500).as_ref());
        }
    }
    assert!(tries > 36 && environment.now.get().since(first) < 36 * 3_600_000, "{tries}");
    assert_eq!(environment.system.subscriptions(environment.now.get()).len(), 1);
}

#[test]
fn a_subscription_is_renewed_or_ends() {
    let environment = Environment::new();
    let made = subscribe(&environment, "items").body;
    let path = format!("{STANDARD}('{}')", made["subscriptionId"].as_str().unwrap());
    environment.wait(2 * 24 * 3_600_000);
    environment.sign_in();
    let body = wish(&environment, "items");
    let bare = environment.shake(&environment.request("PATCH", &path, &body, &[]), echo);
    assert_eq!((bare.status, bare.code()), (400, "BadRequest_InvalidToken"));
    let etag = made["@odata.etag"].as_str().unwrap();
    let renewed = environment.shake(&environment.request("PATCH", &path, &body, &[("if-match", etag)]), echo);
    assert_eq!((renewed.status, &renewed.body["expirationDateTime"]), (200, &json!("2026-07-06T12:00:30.25Z")));
    let list = environment.send(&environment.request("GET", STANDARD, &Value::Null, &[]));
    assert_eq!(list.column("notificationUrl"), [URL]);
    environment.wait(3 * 24 * 3_600_000);
    environment.sign_in();
    assert_eq!(environment.send(&environment.request("GET", &path, &Value::Null, &[])).status, 404);
    rename(&environment, "late");
    assert_eq!(environment.system.wakes_at(), None);
    let path =
        format!("{STANDARD}('{}')", subscribe(&environment, "customers").body["subscriptionId"].as_str().unwrap());
    assert_eq!(environment.send(&environment.request("DELETE", &path, &Value::Null, &[])).status, 204);
    assert_eq!(environment.send(&environment.request("GET", &path, &Value::Null, &[])).status, 404);
}

#[test]
fn a_delegated_admins_changes_wait_for_somebody_elses() {
    let environment = Environment::new();
    subscribe(&environment, "items");
    let edit = ItemEdit { title: Some("Quiet".to_owned()), ..ItemEdit::default() };
    environment.system.set_item(START, Editor::DelegatedAdmin, "BOLT-8", edit).unwrap();
    environment.wait(60_000);
    assert_eq!(environment.told().len(), 0);
    environment.post("items", json!({ "number": "NEW" }));
    environment.wait(30_000);
    assert_eq!(environment.told()[0].1["value"].as_array().unwrap().len(), 2);
}

#[test]
fn a_lines_change_is_its_orders() {
    let environment = Environment::new();
    let id = environment.post("salesOrders", order(&environment)).body["id"].as_str().unwrap().to_owned();
    let stamp = environment.get(&format!("salesOrders({id})")).body["lastModifiedDateTime"].clone();
    subscribe(&environment, "salesOrders");
    environment.wait(1_000);
    let line = environment.get(&format!("salesOrders({id})/salesOrderLines")).body["value"][0]["id"].clone();
    environment.patch(&format!("salesOrderLines({})", line.as_str().unwrap()), json!({ "quantity": 4 }));
    environment.wait(30_000);
    let (_, body) = &environment.told()[0];
    assert!(body["value"][0]["resource"].as_str().unwrap().ends_with(&format!("salesOrders({id})")));
    assert_eq!(environment.get(&format!("salesOrders({id})")).body["lastModifiedDateTime"], stamp);
}

#[test]
fn custom_pages_have_subscriptions_of_their_own() {
    let environment = Environment::new();
    let company = environment.system.settings().companies[0].id;
    let body = json!({
        "notificationUrl": URL, "resource": format!("/api/erpsync/inventory/v1.0/companies({company})/itemLocationStocks"),
    });
    let own = "/v2.0/Production/api/erpsync/inventory/v1.0/subscriptions";
    assert_eq!(environment.shake(&environment.request("POST", STANDARD, &body, &[]), echo).status, 400);
    assert_eq!(environment.shake(&environment.request("POST", own, &body, &[]), echo).status, 201);
    assert_eq!(environment.send(&environment.request("GET", STANDARD, &Value::Null, &[])).rows().len(), 0);
    environment.admin("PUT", "/stock/BOLT-8/MAIN", json!({ "on_hand": "5" }));
    environment.wait(30_000);
    let (_, body) = &environment.told()[0];
    assert!(body["value"][0]["resource"].as_str().unwrap().starts_with("api/erpsync/inventory/v1.0/companies("));
}

#[test]
fn there_are_only_so_many() {
    let webhooks = Webhooks { subscriptions_max: 1, ..Webhooks::default() };
    let environment = Environment::with(Settings { webhooks, ..Settings::default() });
    assert_eq!(subscribe(&environment, "items").status, 201);
    let reply = subscribe(&environment, "customers");
    assert_eq!((reply.status, reply.code()), (400, "Application_DialogException"));
}

#[test]
fn the_door_wakes_the_system_and_tells_it_what_was_said() {
    let environment = Environment::new();
    let request = environment.request("POST", STANDARD, &wish(&environment, "items"), &[]);
    let system = std::sync::Arc::new(environment.system);
    let door = Door::new(system.clone());
    let door::Reply::After(pending) = door.api(START, &request) else { panic!("it did not ask") };
    let said = echo(&pending.handshake);
    let door::Reply::Answer(made, _) = door.resume(START, &request, &pending, said.as_ref()) else {
        panic!("no answer")
    };
    assert_eq!((made.status().as_u16(), door.next_webhook_at()), (201, None));
    let edit = ItemEdit { title: Some("B".to_owned()), ..ItemEdit::default() };
    system.set_item(START, Editor::User, "BOLT-8", edit).unwrap();
    let due = START.plus(30_000);
    assert_eq!(door.next_webhook_at(), Some(due));
    let departure = door.take_webhooks(due).remove(0);
    let gone = Answer { status: 410, body: Bytes::new() };
    door.webhook_answered(due, departure, Some(&gone));
    assert_eq!((system.subscriptions(due).len(), door.next_webhook_at()), (0, None));
}
