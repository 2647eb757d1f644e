//! Subscriptions at Business Central.

use truthsource_sdk::Subscriptions;
use truthsource_sdk::moment::rfc3339;
use truthsource_sdk::script::Script;
use truthsource_sdk::subscriptions::Target;

use super::NOW;
use super::business_central::{COMPANY, ctx, script};
use crate::Dynamics365;

const URL: &str = "https://hooks.example/hooks/t/c";
const HOUR: u64 = 3_600_000;

fn target() -> Target {
    Target { url: URL.to_owned(), secret_mark: "MARK".to_owned() }
}

fn row(url: &str, resource: &str, ends_ms: u64) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"5\"","subscriptionId":"s1","notificationUrl":"{url}",
            "resource":"/{resource}","expirationDateTime":"{}"}}"#,
        rfc3339(ends_ms)
    )
}

fn resource(api: &str, set: &str) -> String {
    format!("api/{api}/companies({COMPANY})/{set}")
}

const ALL: [(&str, &str); 6] = [
    ("v2.0", "items"),
    ("v2.0", "customers"),
    ("v2.0", "salesOrders"),
    ("v2.0", "salesInvoices"),
    ("erpsync/inventory/v1.0", "itemLocationStocks"),
    ("erpsync/pricing/v1.0", "priceListLines"),
];

/// What the list of an API says, where every subscription but one stands until `ends_ms`.
fn listed(api: &str, but: &str, ends_ms: u64) -> String {
    let of_api = ALL.iter().filter(|(it, set)| *it == api && *set != but);
    let mut rows: Vec<String> = of_api.map(|(api, set)| row(URL, &resource(api, set), ends_ms)).collect();
    rows.push(row("https://somebody.example", &resource(api, "items"), NOW));
    format!(r#"{{"value":[{}]}}"#, rows.join(","))
}

fn lists(script: Script, api: &str, but: &str, ends_ms: u64) -> Script {
    script.answer("GET", &format!("/api/{api}/subscriptions"), 200, &listed(api, but, ends_ms))
}

#[test]
fn what_stands_long_enough_is_left_alone() {
    let ends = NOW + 40 * HOUR;
    let script = ["v2.0", "erpsync/inventory/v1.0", "erpsync/pricing/v1.0"]
        .iter()
        .fold(script(), |script, api| lists(script, api, "", ends));
    let standing = Dynamics365::ensure(&script, &ctx(), &target()).unwrap();
    assert_eq!((standing.gap, standing.renew_by_ms), (false, Some(ends - 24 * HOUR)));
    assert!(script.sent().iter().all(|it| it.method == "GET"));
}

#[test]
fn what_is_missing_is_made_at_its_own_api_and_is_a_gap() {
    let ends = NOW + 40 * HOUR;
    let made = row(URL, "x", NOW + 72 * HOUR);
    let script = lists(script(), "v2.0", "customers", ends).answer("POST", "/api/v2.0/subscriptions", 201, &made);
    let script = lists(script, "erpsync/inventory/v1.0", "itemLocationStocks", ends).answer(
        "POST",
        "/api/erpsync/inventory/v1.0/subscriptions",
        201,
        &made,
    );
    let script = lists(script, "erpsync/pricing/v1.0", "", ends);
    let standing = Dynamics365::ensure(&script, &ctx(), &target()).unwrap();
    assert!(standing.gap);
    let expect = format!(
        r#"{{"notificationUrl":"{URL}","resource":"/{}","clientState":"MARK"}}"#,
        resource("v2.0", "customers")
    );
    assert_eq!(script.body(1), expect);
}

#[test]
fn what_ends_soon_is_renewed_and_what_has_ended_is_a_gap() {
    let check = |ends: u64, gap: bool| {
        let renewed = row(URL, "x", NOW + 72 * HOUR);
        let script = lists(script(), "v2.0", "", ends);
        let script = (0..4).fold(script, |it, _| it.answer("PATCH", "/api/v2.0/subscriptions('s1')", 200, &renewed));
        let script = lists(script, "erpsync/inventory/v1.0", "", NOW + 60 * HOUR);
        let script = lists(script, "erpsync/pricing/v1.0", "", NOW + 60 * HOUR);
        let standing = Dynamics365::ensure(&script, &ctx(), &target()).unwrap();
        assert_eq!((standing.gap, standing.renew_by_ms), (gap, Some(NOW + 36 * HOUR)));
        assert!(script.sent()[1].headers.contains(&("if-match".to_owned(), "W/\"5\"".to_owned())));
    };
    check(NOW + 20 * HOUR, false);
    check(NOW - HOUR, true);
}

#[test]
fn a_page_that_cannot_be_subscribed_to_is_polled() {
    let ends = NOW + 40 * HOUR;
    let refused = r#"{"error":{"code":"BadRequest","message":"It is a query."}}"#;
    let script = lists(script(), "v2.0", "", ends);
    let script = lists(script, "erpsync/inventory/v1.0", "itemLocationStocks", ends).answer(
        "POST",
        "/subscriptions",
        400,
        refused,
    );
    let script = lists(script, "erpsync/pricing/v1.0", "", ends);
    assert!(!Dynamics365::ensure(&script, &ctx(), &target()).unwrap().gap);
}

#[test]
fn only_ours_are_removed() {
    let apis = ["erpsync/inventory/v1.0", "erpsync/pricing/v1.0", "v2.0"];
    let script = apis.iter().fold(script(), |script, api| {
        let script = lists(script, api, "", NOW);
        let n = ALL.iter().filter(|(it, _)| it == api).count();
        (0..n).fold(script, |script, _| script.answer("DELETE", "/subscriptions('s1')", 204, ""))
    });
    Dynamics365::remove(&script, &ctx(), &target()).unwrap();
    assert_eq!(script.steps_left(), 0);
}
