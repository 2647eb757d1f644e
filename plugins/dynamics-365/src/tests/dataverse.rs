//! Dataverse.

use truthsource_sdk::connector::{Observed, Outcome};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fault, Fields, Kind, Settings, Value};

use super::{NOW, applied, fields, number, present, text, write};
use crate::Dynamics365;
use crate::dataverse::guid;

pub(super) const PRODUCT: &str = "5d115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const ACCOUNT: &str = "7f115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const LIST: &str = "9f115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const UNIT: &str = "1f115c9c-44e3-ea11-bb43-000d3a2feca1";
const PRICE: &str = "2f115c9c-44e3-ea11-bb43-000d3a2feca1";

fn ctx() -> Context {
    with(&[])
}

pub(super) fn with(more: &[(&str, &str)]) -> Context {
    let given = [("base-url", "https://org.example"), ("dialect", "dataverse")];
    let settings = given.iter().chain(more).fold(Settings::default(), |it, (name, value)| it.with(name, value));
    Context { settings, now_ms: NOW }
}

pub(super) fn script() -> Script {
    Script::new().keep("currencies", &format!(r#"{{"codes":{{"{UNIT}":"USD"}},"at_ms":{NOW}}}"#))
}

pub(super) fn rows(rows: &[&str], more: &str) -> String {
    format!(r#"{{"@odata.context":"x"{more},"value":[{}]}}"#, rows.join(","))
}

fn product(name: &str, version: u32) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{version}\"","productid":"{PRODUCT}","productnumber":"BOLT-8","name":"{name}","statecode":0,
            "modifiedon":"2026-11-21T11:59:00Z"}}"#
    )
}

fn named(name: &str) -> Fields {
    fields(&[("code", text("BOLT-8")), ("title", text(name))])
}

const DELTA: &str = r#","@odata.deltaLink":"https://org.example/api/data/v9.2/products?$deltatoken=9%21""#;

#[test]
fn changes_are_tracked_from_the_end_of_a_listing_on() {
    let script = script().answer("GET", "/api/data/v9.2/products?$select=", 200, &rows(&[&product("Bolt", 1)], DELTA));
    let page = Dynamics365::pull(&script, &ctx(), Kind::Item, None, 0).unwrap();
    assert_eq!((page.more, present(&page.entries[0]).version.as_str()), (false, "W/\"1\""));
    assert!(script.sent()[0].headers.iter().any(|(_, value)| value.starts_with("odata.track-changes")));
    let gone = format!(
        r#"{{"@odata.context":"https://org.example/api/data/v9.2/$metadata#products/$deletedEntity","id":"{LIST}","reason":"deleted"}}"#
    );
    let script = self::script().answer("GET", "$deltatoken=9%21", 200, &rows(&[&product("Bolt", 2), &gone], DELTA));
    let page = Dynamics365::pull(&script, &ctx(), Kind::Item, Some(&page.cursor), 0).unwrap();
    assert_eq!(present(&page.entries[0]).version, "W/\"2\"");
    assert_eq!(page.entries[1], Observed::Absent(LIST.to_owned()));
}

#[test]
fn a_link_that_is_too_old_starts_a_listing_anew() {
    let cursor = r#"{"delta":"/api/data/v9.2/products?$deltatoken=9"}"#;
    for status in [400, 410] {
        let script = script()
            .answer("GET", "$deltatoken=9", status, r#"{"error":{"code":"0x80044352","message":"expired"}}"#)
            .answer("GET", "/products?$select=", 200, &rows(&[&product("Bolt", 1)], DELTA));
        let page = Dynamics365::pull(&script, &ctx(), Kind::Item, Some(cursor), 0).unwrap();
        assert_eq!(page.entries.len(), 1);
    }
    let away = script().answer("GET", "$deltatoken=9", 503, "");
    assert!(matches!(Dynamics365::pull(&away, &ctx(), Kind::Item, Some(cursor), 0), Err(Fault::Unavailable(_))));
    let untracked = script().answer("GET", "/products?", 200, &rows(&[], ""));
    assert!(matches!(Dynamics365::pull(&untracked, &ctx(), Kind::Item, None, 0), Err(Fault::Denied(_))));
}

#[test]
fn without_tracking_a_delta_goes_by_time_to_the_second() {
    let ctx = with(&[("change-tracking", "no")]);
    let script = script().answer("GET", "/products?$select=", 200, &rows(&[&product("Bolt", 1)], ""));
    let page = Dynamics365::pull(&script, &ctx, Kind::Item, None, 0).unwrap();
    let script = self::script().answer("GET", "modifiedon%20ge%202026-11-21T11%3A59%3A30Z", 200, &rows(&[], ""));
    let later = Context { now_ms: NOW + 300_000, ..ctx };
    Dynamics365::pull(&script, &later, Kind::Item, Some(&page.cursor), 0).unwrap();
}

#[test]
fn a_change_names_its_version_and_is_decided_anew_where_it_meets_another() {
    let script = script()
        .answer("GET", "/products?", 200, &rows(&[&product("Bolt", 1)], ""))
        .answer("PATCH", &format!("/products({PRODUCT})"), 412, r#"{"error":{"code":"0x80060882","message":"x"}}"#)
        .answer("GET", "/products?", 200, &rows(&[&product("Bolt", 2)], ""))
        .answer("PATCH", "/products(", 204, "")
        .answer("GET", "/products?", 200, &rows(&[&product("Screw", 3)], ""));
    let outcomes =
        Dynamics365::push(&script, &ctx(), Kind::Item, &[write(Some(PRODUCT), named("Screw"), named("Bolt"))]).unwrap();
    assert_eq!(applied(&outcomes[0]).version, "W/\"3\"");
    assert!(script.sent()[3].headers.contains(&("if-match".to_owned(), "W/\"2\"".to_owned())));
    let busy = Script::new().answer("GET", "/products?", 200, &rows(&[&product("Bolt", 1)], "")).answer(
        "PATCH",
        "/products(",
        429,
        r#"{"error":{"code":"0x80072322","message":"Number of requests exceeded"}}"#,
    );
    let outcomes =
        Dynamics365::push(&busy, &ctx(), Kind::Item, &[write(Some(PRODUCT), named("Screw"), named("Bolt"))]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Retry(..)));
}

#[test]
fn a_record_is_created_under_an_id_that_its_key_makes() {
    let none = rows(&[], "");
    let id = guid("ts-order-0123456789abcdef01234567");
    let there = product("Bolt", 1).replace(PRODUCT, &id);
    let script = script()
        .answer("GET", &format!("productid%20eq%20{id}"), 200, &none)
        .answer("GET", "productnumber%20eq%20%27BOLT-8%27", 200, &none)
        .answer("PATCH", &format!("/products({id})"), 412, "")
        .answer("GET", "/products?", 200, &rows(&[&there], ""));
    let outcomes =
        Dynamics365::push(&script, &ctx(), Kind::Item, &[write(None, named("Bolt"), Fields::new())]).unwrap();
    assert_eq!(applied(&outcomes[0]).remote_id, id, "an earlier try came through meanwhile");
    assert!(script.sent()[2].headers.contains(&("if-none-match".to_owned(), "*".to_owned())));
    let twin = self::script().answer("GET", "productid%20eq", 200, &none).answer(
        "GET",
        "productnumber%20eq",
        200,
        &rows(&[&product("Nut", 1)], ""),
    );
    let outcomes = Dynamics365::push(&twin, &ctx(), Kind::Item, &[write(None, named("Bolt"), Fields::new())]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Stale(Observed::Present(_))), "{outcomes:?}");
}

fn lists(script: Script, ends: &str) -> Script {
    let list = format!(
        r#"{{"pricelevelid":"{LIST}","name":"Gold","statecode":0,"enddate":"{ends}","_transactioncurrencyid_value":"{UNIT}"}}"#
    );
    script.answer("GET", "/pricelevels?", 200, &rows(&[&list], ""))
}

fn priced(script: Script, ends: &str) -> Script {
    let price = format!(
        r#"{{"@odata.etag":"W/\"1\"","productpricelevelid":"{PRICE}","amount":12.5,"_pricelevelid_value":"{LIST}",
            "_productid_value":"{PRODUCT}","_uomid_value":"{UNIT}","_transactioncurrencyid_value":"{UNIT}"}}"#
    );
    let unit = format!(r#"{{"productid":"{PRODUCT}","_defaultuomid_value":"{UNIT}"}}"#);
    let script = script.answer("GET", "/productpricelevels?", 200, &rows(&[&price], ""));
    lists(script, ends).answer("GET", "/products?", 200, &rows(&[&unit], ""))
}

#[test]
fn a_price_counts_while_its_list_does() {
    let read = |ends: &str| {
        let script = priced(script(), ends);
        Dynamics365::read(&script, &ctx(), Kind::Price, &[PRICE.to_owned()], false).unwrap().remove(0)
    };
    let expect =
        [("list", text("gold")), ("item", text(PRODUCT)), ("currency", text("USD")), ("amount", number("12.5"))];
    assert_eq!(present(&read("2026-11-21")).fields, fields(&expect));
    assert_eq!(read("2026-11-20"), Observed::Absent(PRICE.to_owned()));
}

#[test]
fn a_column_that_is_not_there_is_done_without() {
    let refused =
        r#"{"error":{"code":"0x80060888","message":"Could not find a property named '_uomid_value' on type 'x'."}}"#;
    let script =
        script().answer("GET", "_uomid_value", 400, refused).answer("GET", "/productpricelevels?", 200, &rows(&[], ""));
    let page = Dynamics365::read(&script, &ctx(), Kind::Price, &[PRICE.to_owned()], false).unwrap();
    assert_eq!(page, [Observed::Absent(PRICE.to_owned())]);
    assert!(!script.sent()[1].url.contains("_uomid_value"));
    // It is remembered, and what cannot be done without is not.
    let needed = refused.replace("_uomid_value", "amount");
    let script = script.answer("GET", "/productpricelevels?", 400, &needed);
    let fault = Dynamics365::read(&script, &ctx(), Kind::Price, &[PRICE.to_owned()], false);
    assert!(matches!(fault, Err(Fault::Protocol(_))) && !script.sent()[2].url.contains("_uomid_value"));
}

#[test]
fn a_price_in_another_currency_than_its_list_is_refused() {
    let price = |amount: &str, currency: &str| {
        fields(&[
            ("list", text("gold")),
            ("item", text(PRODUCT)),
            ("currency", text(currency)),
            ("amount", number(amount)),
        ])
    };
    let script = lists(priced(script(), "2026-11-30"), "2026-11-30");
    let write = write(Some(PRICE), price("13", "EUR"), price("12.5", "EUR"));
    let outcomes = Dynamics365::push(&script, &ctx(), Kind::Price, &[write]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Rejected(it) if it.code == "foreign-currency"), "{outcomes:?}");
}

#[test]
fn an_order_is_created_once_whatever_becomes_of_the_answer() {
    let key = "ts-order-0123456789abcdef01234567";
    let id = guid(key);
    let lines = format!(r#"[{{"item":"{PRODUCT}","quantity":"3","unit_price":"12.505"}}]"#);
    let order = fields(&[("company", text(ACCOUNT)), ("currency", text("USD")), ("lines", Value::Json(lines.clone()))]);
    let unit = rows(&[&format!(r#"{{"productid":"{PRODUCT}","_defaultuomid_value":"{UNIT}"}}"#)], "");
    let row = format!(
        r#"{{"@odata.etag":"W/\"1\"","salesorderid":"{id}","ordernumber":"ORD-1","description":"{key}","statecode":0,
            "_customerid_value":"{ACCOUNT}","_transactioncurrencyid_value":"{UNIT}","totalamount":37.515}}"#
    );
    let detail = format!(
        r#"{{"_salesorderid_value":"{id}","_productid_value":"{PRODUCT}","_uomid_value":"{UNIT}","quantity":3,"priceperunit":12.505}}"#
    );
    let found = |script: Script| {
        script
            .answer("GET", "/salesorders?", 200, &rows(&[&row], ""))
            .answer("GET", "/salesorderdetails?", 200, &rows(&[&detail], ""))
            .answer("GET", "/products?", 200, &unit)
    };
    let none = rows(&[], "");
    let begun = || script().answer("GET", "/salesorders?", 200, &none).answer("GET", "/products?", 200, &unit);
    let push = |script: &Script| {
        Dynamics365::push(script, &ctx(), Kind::Order, &[write(None, order.clone(), Fields::new())]).unwrap().remove(0)
    };
    let exists = r#"{"error":{"code":"0x80040237","message":"A record with matching key values already exists."}}"#;
    for (status, body) in [(204, ""), (412, exists)] {
        let script = found(begun().answer("POST", "/salesorders", status, body));
        let outcome = push(&script);
        let state = applied(&outcome);
        assert_eq!((state.command_key.as_deref(), state.remote_id.as_str()), (Some(key), id.as_str()));
        assert_eq!(state.fields["lines"], Value::Json(lines.clone()));
        assert!(script.body(2).contains(&format!(r#""salesorderid":"{id}""#)), "{}", script.body(2));
        assert!(script.body(2).contains(r#""ispriceoverridden":true,"priceperunit":12.505"#), "{}", script.body(2));
    }
    let lost = begun().fail("POST", "/salesorders", HttpFault::Unknown(String::new()));
    assert!(matches!(push(&lost), Outcome::Unknown(_)));
    assert!(matches!(push(&found(script())), Outcome::Applied(_)));
}
