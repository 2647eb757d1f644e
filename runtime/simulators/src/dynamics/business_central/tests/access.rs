//! Who is let in, and where requests lead.

use serde_json::{Value, json};

use super::super::settings::{Limits, Rate, Settings};
use super::*;
use crate::faults::Faults;
use crate::system::assert_copied;

#[test]
fn a_request_needs_a_token_that_holds() {
    let environment = Environment::new();
    assert_eq!(environment.get("items").status, 200);
    environment.wait(3_599_000);
    let reply = environment.get("items");
    assert_eq!((reply.status, reply.code()), (401, "Authentication_InvalidCredentials"));
    assert!(reply.message().starts_with("The server has rejected the client credentials.  CorrelationId:  "));
    environment.sign_in();
    assert_eq!(environment.get("items").status, 200);
    environment.system.revoke_tokens();
    assert_eq!(environment.get("items").status, 401);
}

#[test]
fn paths_lead_to_apis_and_nowhere_else() {
    let environment = Environment::new();
    let settings = environment.system.settings();
    let (tenant, company) = (settings.application.tenant, settings.companies[0].id);
    let check = |path: &str, expect: (u16, &str)| {
        let reply = environment.send(&environment.request("GET", path, &Value::Null, &[]));
        assert_eq!((reply.status, reply.code()), expect, "{path}");
    };
    check(&format!("/v2.0/Production/api/v2.0/companies({company})/items"), (200, ""));
    check(&format!("/v2.0/{tenant}/Production/api/v2.0/companies({company})/items"), (200, ""));
    check("/v2.0/Production/api/v2.0/companies", (200, ""));
    check("/v2.0/Sandbox/api/v2.0/companies", (404, "NoEnvironment"));
    check("/v1.0/Production/api/v2.0/companies", (404, "BadRequest_ResourceNotFound"));
    check(&format!("/v2.0/Production/api/v2.0/companies({company})/itemz"), (404, "BadRequest_ResourceNotFound"));
    check(
        &format!("/v2.0/Production/api/v2.0/companies({company})/itemLocationStocks"),
        (404, "BadRequest_ResourceNotFound"),
    );
    let custom =
        |group: &str| format!("/v2.0/Production/api/erpsync/{group}/v1.0/companies({company})/itemLocationStocks");
    check(&custom("inventory"), (200, ""));
    check(&custom("pricing"), (404, "BadRequest_ResourceNotFound"));
    check(&custom("nobody"), (404, "BadRequest_ResourceNotFound"));
    check(
        "/v2.0/Production/api/v2.0/companies(00000000-0000-0000-0000-000000000001)/items",
        (404, "Internal_RecordNotFound"),
    );
    let other = settings.companies[1].id;
    let reply = environment.send(&environment.request(
        "GET",
        &format!("/v2.0/Production/api/v2.0/companies({other})/items"),
        &Value::Null,
        &[],
    ));
    assert_eq!(reply.body["value"], json!([]));
}

#[test]
fn a_customer_without_own_pages_has_none() {
    let environment = Environment::with(Settings { custom: None, ..Settings::default() });
    assert_eq!(environment.custom("GET", "itemLocationStocks", Value::Null, &[]).status, 404);
    assert_eq!(environment.custom("GET", "priceLists", Value::Null, &[]).status, 404);
}

#[test]
fn a_window_takes_so_many_requests() {
    for retry_after_s in [None, Some(7)] {
        let limits = Limits { requests_max: 3, retry_after_s, ..Limits::default() };
        let environment = Environment::with(Settings { limits, ..Settings::default() });
        let statuses: Vec<u16> = (0..4).map(|_| environment.get("items").status).collect();
        assert_eq!(statuses, [200, 200, 200, 429]);
        let reply = environment.get("items");
        let header = reply.response.headers().get("retry-after").map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(header, retry_after_s.map(|it| it.to_string()));
        environment.wait(300_000);
        assert_eq!(environment.get("items").status, 200);
    }
}

#[test]
fn a_hundred_connections_are_all_there_are() {
    let environment = Environment::new();
    (0..100).for_each(|_| environment.system.in_flight(true));
    assert_eq!(environment.get("items").status, 200);
    environment.system.in_flight(true);
    assert_eq!(environment.get("items").status, 429);
    environment.system.in_flight(false);
    assert_eq!(environment.get("items").status, 200);
}

#[test]
fn passing_troubles_say_so() {
    let always = Rate { per_mille: 1_000, seed: 1 };
    let environment = Environment::with(Settings { try_later: always, ..Settings::default() });
    let reply = environment.get("items");
    assert_eq!(reply.status, 400);
    assert!(reply.message().contains("Please try again later."));
    let environment = Environment::with(Settings { locks: always, lock_status: 409, ..Settings::default() });
    assert_eq!(environment.get("salesOrders").status, 200);
    let reply = environment.post("salesOrders", json!({ "customerNumber": "C10000" }));
    assert_eq!(reply.status, 409);
    assert!(reply.message().contains("locked by another user"));
    assert_eq!(environment.post("customers", json!({ "displayName": "B" })).status, 201);
    let broken: Vec<u16> = (0..3).map(|_| environment.system.broken().status().as_u16()).collect();
    assert_eq!(broken, [503, 504, 502]);
}

#[test]
fn the_fault_menu_copies_signs_out_and_locks() {
    let environment = Environment::new();
    let id = environment.get("items").rows()[0]["id"].as_str().unwrap().to_owned();
    let path = environment.path("v2.0", &format!("items({id})"));
    let titled = environment.request("PATCH", &path, &json!({ "displayName": "New" }), &[("if-match", "*")]);
    assert_copied(&environment.system, START, &titled);
    environment.system.set_faults(&Faults { page_max: 1, locked: 1_000, ..Faults::default() });
    assert_eq!(environment.get("items").rows().len(), 1);
    assert!(environment.post("salesOrders", json!({})).message().contains("locked by another user"));
    environment.system.sign_everybody_out();
    assert_eq!(environment.get("items").status, 401);
}
