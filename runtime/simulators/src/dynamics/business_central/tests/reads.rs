//! What reads show.

use serde_json::{Value, json};

use super::*;
use crate::faults::Faults;

#[test]
fn an_item_shows_exact_numbers_and_empty_references() {
    let environment = Environment::new();
    let reply = environment.get("items?$filter=number eq 'BOLT-8'");
    let item = &reply.rows()[0];
    assert_eq!(item["displayName"], "Bolt M8");
    assert!(
        reply.text.contains("\"unitPrice\":12.5,") && reply.text.contains("\"inventory\":140.5,"),
        "{}",
        reply.text
    );
    assert_eq!(item["itemCategoryId"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(item["baseUnitOfMeasureCode"], "PCS");
    assert_eq!(item["lastModifiedDateTime"], "2026-07-01T11:00:30.25Z");
    assert!(item["@odata.etag"].as_str().unwrap().starts_with("W/\"JzIwOzAwMD"));
    let context = reply.body["@odata.context"].as_str().unwrap();
    assert!(context.starts_with("http://127.0.0.1:8080/v2.0/Production/api/v2.0/$metadata#companies("), "{context}");
    let never = environment.get("items?$filter=number eq 'NUT-8'");
    assert_eq!(never.rows()[0]["lastModifiedDateTime"], "0001-01-01T00:00:00Z");
}

#[test]
fn conditions_orders_and_selections_are_evaluated() {
    let environment = Environment::new();
    let check = |query: &str, expect: &[&str]| {
        let reply = environment.get(&format!("items?{query}"));
        assert_eq!(reply.column("number"), expect, "{query}: {}", reply.text);
    };
    check("$filter=blocked eq false", &["BOLT-8"]);
    check("$filter=lastModifiedDateTime gt 2026-07-01T11:00:30.000Z", &["BOLT-8"]);
    check("$filter=lastModifiedDateTime gt 2026-07-01T11:00:30.25Z", &[]);
    check("$filter=startswith(displayName,'N') and unitPrice lt 1", &["NUT-8"]);
    check("$orderby=unitPrice desc", &["BOLT-8", "NUT-8"]);
    check("$orderby=unitPrice&$top=1", &["NUT-8"]);
    let one = environment.get("items?$select=number&$top=1&$count=true");
    assert_eq!(one.body["@odata.count"], 2);
    assert_eq!(one.rows()[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["@odata.etag", "number"]);
    assert_eq!(environment.get("items/$count").text, "2");
    for bad in ["$filter=colour eq 'red'", "$filter=number eq", "$orderby=colour", "$select=colour", "$expand=colour"] {
        let reply = environment.get(&format!("items?{bad}"));
        assert_eq!((reply.status, reply.code()), (404, "BadRequest_NotFound"), "{bad}: {}", reply.text);
    }
}

#[test]
fn companies_are_filtered_and_ordered_too() {
    let environment = Environment::new();
    let get = |rest: &str| {
        environment.send(&environment.request("GET", &format!("/v2.0/Production/api/v2.0/{rest}"), &Value::Null, &[]))
    };
    let all = get("companies?$orderby=name desc&$count=true");
    let names = all.column("name");
    assert!(names.is_sorted_by(|a, b| a >= b) && all.body["@odata.count"] == names.len(), "{}", all.text);
    let one = get(&format!("companies?$filter=name eq '{}'&$select=id", names[0]));
    assert_eq!((one.rows().len(), one.rows()[0].get("name")), (1, None));
    let id = one.rows()[0]["id"].as_str().unwrap();
    assert_eq!(get(&format!("companies?$filter=id eq {id}")).column("name"), names[..1]);
    assert_eq!(get("companies?$filter=name eq 'Nobody'").rows().len(), 0);
    assert_eq!(get("companies?$top=1&$skip=1").rows().len(), usize::from(names.len() > 1));
    for bad in ["$filter=colour eq 'red'", "$filter=garbage((", "$orderby=colour"] {
        assert_eq!(get(&format!("companies?{bad}")).status, 404, "{bad}");
    }
}

#[test]
fn enums_are_escaped_and_compared_as_they_are_shown() {
    let environment = Environment::new();
    let shown = environment.get("customers?$orderby=number");
    assert_eq!(shown.column("blocked"), ["_x0020_", "All"]);
    assert_eq!(environment.get("customers?$filter=blocked eq '_x0020_'").column("number"), ["C10000"]);
    assert_eq!(shown.column("currencyCode"), ["", "EUR"]);
}

#[test]
fn pages_follow_their_link_and_do_not_repeat() {
    let environment = Environment::new();
    for n in 0..7 {
        let body = json!({ "number": format!("I{n}"), "displayName": "x", "unitPrice": n });
        assert_eq!(environment.post("items", body).status, 201);
    }
    for query in ["items", "items?$orderby=unitPrice desc", "items?$top=8&$filter=unitPrice ge 0"] {
        let mut path = environment.path("v2.0", query);
        let mut seen = Vec::new();
        loop {
            let request = environment.request("GET", &path, &Value::Null, &[("prefer", "odata.maxpagesize=2")]);
            let reply = environment.send(&request);
            assert_eq!(reply.response.headers()["preference-applied"], "odata.maxpagesize");
            seen.extend(reply.column("number"));
            let Some(next) = reply.body["@odata.nextLink"].as_str() else { break };
            assert!(next.contains("aid=FIN") && reply.rows().len() == 2, "{next}");
            path = next.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
        }
        let whole = environment.get(query).column("number");
        assert_eq!(seen, whole, "{query}");
    }
}

#[test]
fn related_records_expand() {
    let environment = Environment::new();
    let made = environment.post("salesOrders?$expand=salesOrderLines", order(&environment));
    assert_eq!(made.body["salesOrderLines"][0]["lineObjectNumber"], "BOLT-8", "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    let read = environment
        .get(&format!("salesOrders({id})?$expand=salesOrderLines($select=quantity),customer($select=number)"));
    assert_eq!(read.body["salesOrderLines"][0]["quantity"], 3);
    assert_eq!(read.body["customer"]["number"], "C10000");
    let few = environment.get(&format!("salesOrders({id})?$expand=salesOrderLines($filter=quantity gt 3;$count=true)"));
    assert_eq!((&few.body["salesOrderLines"], &few.body["salesOrderLines@odata.count"]), (&json!([]), &json!(0)));
    assert_eq!(environment.get(&format!("salesOrders({id})/salesOrderLines")).column("sequence"), ["10000"]);
    assert_eq!(environment.get(&format!("salesOrders({id})/customer")).body["displayName"], "Acme");
    assert_eq!(environment.get(&format!("salesOrderLines?$filter=documentId eq {id}")).rows().len(), 1);
    let all = environment.get("salesOrderLines");
    assert_eq!(all.status, 400);
    assert!(all.message().starts_with("You must specify an Id or a Document Id to get the lines."));
}

#[test]
fn a_replica_lags_behind() {
    let environment = Environment::new();
    environment.system.set_faults(&Faults { search_lag_ms: 60_000, ..Faults::default() });
    environment.post("customers", json!({ "number": "C30000", "displayName": "New" }));
    let count = |headers: &[(&str, &str)]| environment.call("GET", "customers", Value::Null, headers).rows().len();
    assert_eq!((count(&[]), count(&[("data-access-intent", "ReadOnly")])), (3, 2));
    environment.wait(60_000);
    assert_eq!(count(&[("data-access-intent", "ReadOnly")]), 3);
}

#[test]
fn companies_are_listed() {
    let environment = Environment::new();
    let reply = environment.send(&environment.request("GET", "/v2.0/Production/api/v2.0/companies", &Value::Null, &[]));
    assert_eq!(reply.column("name"), ["CRONUS", "My Company"]);
    assert_eq!(reply.response.headers()["odata-version"], "4.0");
}

#[test]
fn what_there_is_can_be_looked_up() {
    let environment = Environment::new();
    let read = |path: &str| environment.send(&environment.request("GET", path, &Value::Null, &[]));
    let root = "/v2.0/Production/api/v2.0";
    let sets = read(root);
    let names: Vec<&str> = sets.rows().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.starts_with(&["companies", "items"]), "{names:?}");
    assert!(!names.contains(&"itemLocationStocks"));
    let model = read(&format!("{root}/$metadata"));
    assert!(model.text.contains(r#"<Property Name="unitPrice" Type="Edm.Decimal"/>"#), "{}", model.text);
    assert!(
        model.text.contains(
            r#"<NavigationProperty Name="salesOrderLines" Type="Collection(Microsoft.NAV.salesOrderLine)"/>"#
        )
    );
    let own = read("/v2.0/Production/api/erpsync/inventory/v1.0/$metadata");
    assert!(own.text.contains(r#"<EntitySet Name="itemLocationStocks" EntityType="Microsoft.NAV.itemLocationStock">"#));
    assert!(!own.text.contains(r#"Name="items""#));
}

#[test]
fn environments_and_companies_say_what_they_are() {
    let environment = Environment::new();
    let read = |path: &str| environment.send(&environment.request("GET", path, &Value::Null, &[]));
    for path in ["/environments/v1.1", "/admin/v2.0/applications/BusinessCentral/environments"] {
        assert_eq!(read(path).column("name"), ["Production"], "{path}");
    }
    assert_eq!(environment.get("companyInformation").column("displayName"), ["CRONUS"]);
    assert_eq!(environment.get("items?$deltatoken=1").status, 404);
    let refused =
        environment.send(&http::Request::get(format!("{ORIGIN}/environments/v1.1")).body(Bytes::new()).unwrap());
    assert_eq!((refused.status, refused.response.headers().contains_key("request-id")), (401, true));
}
