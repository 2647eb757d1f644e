//! Many requests in one.

use serde_json::{Value, json};

use super::super::settings::{Limits, Settings};
use super::*;

fn batch(environment: &Environment, requests: Value, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "requests": requests });
    environment.send(&environment.request("POST", "/v2.0/Production/api/v2.0/$batch", &body, headers))
}

fn parts(environment: &Environment) -> Value {
    let company = environment.system.settings().companies[0].id;
    let bolt = environment.id("items", "number eq 'BOLT-8'");
    let url = |rest: &str| format!("companies({company})/{rest}");
    let change = |price: Value| json!({ "unitPrice": price });
    let headers = json!({ "Content-Type": "application/json", "If-Match": "*" });
    json!([
        { "method": "PATCH", "id": "1", "url": url(&format!("items({bolt})")), "headers": headers, "body": change(json!(99.5)) },
        { "method": "GET", "id": "2", "url": url("items?$filter=number eq 'BOLT-8'&$select=unitPrice") },
        { "method": "PATCH", "id": "3", "url": url(&format!("items({bolt})")), "headers": headers, "body": change(json!(-1)) },
    ])
}

fn statuses(reply: &Reply) -> Vec<u64> {
    reply.body["responses"].as_array().unwrap().iter().filter_map(|it| it["status"].as_u64()).collect()
}

#[test]
fn each_part_stands_alone() {
    let environment = Environment::new();
    let reply = batch(&environment, parts(&environment), &[]);
    assert_eq!((reply.status, statuses(&reply)), (200, vec![200, 200, 400]), "{}", reply.text);
    assert_eq!(reply.body["responses"][1]["body"]["value"][0]["unitPrice"], json!(99.5));
    assert_eq!(environment.get("items?$filter=number eq 'BOLT-8'").rows()[0]["unitPrice"], json!(99.5));
}

#[test]
fn a_snapshot_is_all_or_nothing() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let reply = batch(&environment, parts(&environment), &[("isolation", "snapshot")]);
    // What was taken back is told as it was carried out.
    assert_eq!((reply.status, statuses(&reply)), (200, vec![200, 200, 400]), "{}", reply.text);
    assert_eq!(environment.get("items?$filter=number eq 'BOLT-8'").rows()[0]["unitPrice"], json!(12.5));
    assert_eq!(environment.changes(from).len(), 0);
}

#[test]
fn a_batch_is_bounded() {
    let limits = Limits { batch_max: 2, ..Limits::default() };
    let environment = Environment::with(Settings { limits, ..Settings::default() });
    let reply = batch(&environment, parts(&environment), &[]);
    assert_eq!((reply.status, reply.code()), (400, "BadRequest"));
}

#[test]
fn a_part_waits_for_what_it_depends_on() {
    let environment = Environment::new();
    let company = environment.system.settings().companies[0].id;
    let url = format!("companies({company})/customers");
    let requests = json!([
        { "method": "POST", "id": "a", "url": url, "body": { "number": "C10000" } },
        { "method": "GET", "id": "b", "url": url, "dependsOn": ["a"] },
    ]);
    let reply = batch(&environment, requests, &[]);
    assert_eq!(reply.body["responses"][0]["body"]["error"]["code"], "Internal_EntityWithSameKeyExists");
    assert_eq!(reply.body["responses"][1]["status"], 424);
    let grouped = json!([{ "method": "GET", "id": "a", "url": url, "atomicityGroup": "g" }]);
    assert_eq!(batch(&environment, grouped, &[]).body["responses"][0]["status"], 400);
}
