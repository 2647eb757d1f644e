//! What a check tells.

use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Settings};

use super::NOW;
use super::business_central::{ctx, script};
use crate::Dynamics365;

/// `subject` of what is not as it should be.
fn wrong(script: &Script, ctx: &Context) -> Vec<String> {
    let findings = Dynamics365::check(script, ctx).unwrap();
    findings.into_iter().filter(|it| !it.ok).map(|it| it.subject).collect()
}

const NONE: &str = r#"{"value":[]}"#;
const DENIED: &str = r#"{"error":{"code":"Authorization_RequestDenied","message":"No permission."}}"#;

/// Everything that is asked for is there, but what `row` says of the page of stock.
fn granted(script: Script, row: &str) -> Script {
    let sets = ["locations", "items", "customers", "salesOrders", "salesInvoices", "salesShipments"];
    let script = sets.iter().fold(script, |script, set| script.answer("GET", &format!("/{set}?"), 200, NONE));
    let page = format!(r#"{{"value":[{row}]}}"#);
    let script = script.answer("GET", "/itemLocationStocks?", 200, &page);
    let script = script.answer("GET", "/itemLocationAdjustments?", 200, NONE);
    let script = script.answer("GET", "/priceListLines?", 200, NONE);
    script.answer("GET", "/locations?", 200, r#"{"value":[{"id":"x","code":"BLUE"}]}"#)
}

#[test]
fn what_is_as_it_should_be_is_told_as_well() {
    let findings = Dynamics365::check(&granted(script(), ""), &ctx()).unwrap();
    assert!(findings.iter().all(|it| it.ok), "{findings:?}");
    let subjects =
        ["credentials", "company", "clock", "permission orders", "stock-path", "adjustment-path", "price-path"];
    for subject in subjects.into_iter().chain(["locations"]) {
        assert!(findings.iter().any(|it| it.subject == subject), "{subject}");
    }
}

#[test]
fn what_keeps_a_connection_from_its_work_is_named() {
    let missing = Settings::default().with("base-url", "https://bc.example");
    assert_eq!(wrong(&Script::new(), &Context { settings: missing, now_ms: NOW }), ["settings"]);
    let dialect = Settings::default().with("dialect", "finance");
    assert_eq!(wrong(&Script::new(), &Context { settings: dialect, now_ms: NOW }), ["settings"]);
    assert_eq!(wrong(&Script::new().answer("GET", "/companies", 401, DENIED), &ctx()), ["credentials"]);
    assert_eq!(wrong(&Script::new().answer("GET", "/companies", 200, NONE), &ctx()), ["company"]);
    assert_eq!(wrong(&Script::new().answer("GET", "/companies", 404, "<html>"), &ctx()), ["base-url"]);
    // A page that leaves out what it does not have.
    let row = r#"{"id":"1","itemNumber":"A","locationCode":"B","quantity":1}"#;
    assert_eq!(wrong(&granted(script(), row), &ctx()), ["stock-path"]);
    let settings = ctx().settings.with("location-codes", "RED=main").with("order-location", "blue");
    let other = Context { settings, now_ms: NOW };
    assert_eq!(wrong(&granted(script(), ""), &other), ["locations"]);
}

#[test]
fn a_table_that_keeps_no_track_of_changes_is_named() {
    let settings = Settings::default().with("base-url", "https://org.example").with("dialect", "dataverse");
    let ctx = Context { settings, now_ms: NOW };
    let tracked = r#"{"value":[],"@odata.deltaLink":"https://org.example/api?$deltatoken=1"}"#;
    let script = Script::new()
        .answer("GET", "/api/data/v9.2/WhoAmI", 200, "{}")
        .answer("GET", "/products?", 200, tracked)
        .answer("GET", "/accounts?", 200, NONE)
        .answer("GET", "/productpricelevels?", 403, DENIED)
        .answer("GET", "/salesorders?", 200, tracked)
        .answer("GET", "/pricelevels?", 200, NONE);
    assert_eq!(wrong(&script, &ctx), ["permission companies", "permission prices"]);
}
