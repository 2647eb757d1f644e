//! Business Central.

use truthsource_sdk::connector::{Effect, Handshake, Observed, Outcome, Page, Proof};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fault, Fields, Kind, Settings, Value};

use super::{NOW, applied, fields, number, present, text, write};
use crate::Dynamics365;

pub(super) const COMPANY: &str = "bb6d48b6-c7b2-4a38-9a93-ad5506407f12";
pub(super) const ITEM: &str = "5d115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const OTHER: &str = "5d115c9c-44e3-ea11-bb43-000d3a2feca2";
pub(super) const CUSTOMER: &str = "7f115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const ORDER: &str = "9f115c9c-44e3-ea11-bb43-000d3a2feca1";
pub(super) const MAIN: &str = "1f115c9c-44e3-ea11-bb43-000d3a2feca1";

pub(super) fn ctx() -> Context {
    with(&[])
}

pub(super) fn with(more: &[(&str, &str)]) -> Context {
    let given = [("base-url", "https://bc.example/v2.0/Production"), ("company", "CRONUS")];
    let settings = given.iter().chain(more).fold(Settings::default(), |it, (name, value)| it.with(name, value));
    Context { settings, now_ms: NOW }
}

pub(super) fn script() -> Script {
    let kept = format!(r#"{{"named":"CRONUS","id":"{COMPANY}","skew_ms":0,"at_ms":{NOW}}}"#);
    Script::new().keep("company", &kept)
}

pub(super) fn rows(rows: &[&str]) -> String {
    format!(r#"{{"@odata.context":"x","value":[{}]}}"#, rows.join(","))
}

fn item(id: &str, title: &str, etag: u32) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{etag}\"","id":"{id}","number":"1896-S","displayName":"{title}","gtin":"","blocked":false,
            "lastModifiedDateTime":"2026-11-21T11:59:07.55Z"}}"#
    )
}

fn titled(title: &str) -> Fields {
    fields(&[("code", text("1896-S")), ("title", text(title)), ("barcode", Value::Null), ("active", Value::Flag(true))])
}

pub(super) fn ids(page: &Page) -> Vec<String> {
    let id = |it: &Observed| match it {
        Observed::Present(state) => state.remote_id.clone(),
        Observed::Absent(id) => format!("-{id}"),
    };
    page.entries.iter().map(id).collect()
}

#[test]
fn a_company_is_found_by_its_name_once() {
    let companies = rows(&[&format!(r#"{{"id":"{COMPANY}","name":"cronus","displayName":"Shown"}}"#)]);
    let script = Script::new().answer("GET", "/v2.0/Production/api/v2.0/companies", 200, &companies).answer(
        "GET",
        &format!("/companies({COMPANY})/items?$select="),
        200,
        &rows(&[]),
    );
    Dynamics365::pull(&script, &ctx(), Kind::Item, None, 0).unwrap();
    let again = script.answer("GET", "/items?", 200, &rows(&[]));
    Dynamics365::pull(&again, &ctx(), Kind::Item, None, 0).unwrap();
    let unknown = Script::new().answer("GET", "/companies", 200, &rows(&[]));
    assert!(matches!(Dynamics365::pull(&unknown, &ctx(), Kind::Item, None, 0), Err(Fault::Invalid(_))));
}

#[test]
fn a_listing_has_no_filter_follows_links_and_a_delta_reaches_back() {
    let next = "https://inside:7048/v2.0/Production/api/v2.0/companies(x)/items?aid=FIN&$skiptoken=a%20b";
    let first =
        rows(&[&item(ITEM, "Desk", 1)]).replace(r#""value""#, &format!(r#""@odata.nextLink":"{next}","value""#));
    let script = script().answer("GET", "/items?$select=", 200, &first);
    let page = Dynamics365::pull(&script, &ctx(), Kind::Item, None, 0).unwrap();
    assert!(page.more && !script.sent()[0].url.contains("filter"), "{page:?}");
    assert_eq!(present(&page.entries[0]).changed_at_ms, Some(NOW - 52_450));
    let follow = "https://bc.example/v2.0/Production/api/v2.0/companies(x)/items?aid=FIN&$skiptoken=a%20b";
    let script = self::script().answer("GET", follow, 200, &rows(&[]));
    let end = Dynamics365::pull(&script, &ctx(), Kind::Item, Some(&page.cursor), 0).unwrap();
    assert!(!end.more);
    let script = self::script().answer("GET", "lastModifiedDateTime%20gt%202026-11-21T11%3A57%3A00Z", 200, &rows(&[]));
    let later = Context { now_ms: NOW + 300_000, ..ctx() };
    Dynamics365::pull(&script, &later, Kind::Item, Some(&end.cursor), 60_000).unwrap();
}

#[test]
fn a_listing_that_takes_too_long_is_asked_for_in_smaller_pages() {
    let script = script().fail("GET", "/items?", HttpFault::Unknown("slow".to_owned())).answer(
        "GET",
        "/items?",
        200,
        &rows(&[]),
    );
    Dynamics365::pull(&script, &ctx(), Kind::Item, None, 0).unwrap();
    let size = |at: usize| {
        let sent = script.sent();
        sent[at].headers.iter().find(|(name, _)| name == "prefer").map(|(_, value)| value.clone())
    };
    assert_eq!(size(0).as_deref(), Some("odata.maxpagesize=1000"));
    assert_eq!(size(1).as_deref(), Some("odata.maxpagesize=125"));
}

pub(super) const STALE: &str =
    r#"{"error":{"code":"Request_EntityChanged","message":"Another user has already changed the record."}}"#;

#[test]
fn a_change_names_the_version_it_was_decided_from() {
    let script = script()
        .answer("GET", "/items?$filter=id%20eq", 200, &rows(&[&item(ITEM, "Desk", 7)]))
        .answer("PATCH", &format!("/items({ITEM})"), 200, &item(ITEM, "Table", 8))
        .answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Table", 8)]));
    let outcomes =
        Dynamics365::push(&script, &ctx(), Kind::Item, &[write(Some(ITEM), titled("Table"), titled("Desk"))]).unwrap();
    assert_eq!(applied(&outcomes[0]).fields, titled("Table"));
    assert_eq!(script.body(1), r#"{"displayName":"Table"}"#);
    assert!(script.sent()[1].headers.contains(&("if-match".to_owned(), "W/\"7\"".to_owned())));
}

#[test]
fn a_change_that_meets_another_is_decided_anew() {
    let meets = |there: &str| {
        let script = script()
            .answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Desk", 7)]))
            .answer("PATCH", "/items(", 409, STALE)
            .answer("GET", "/items?", 200, &rows(&[&item(ITEM, there, 8)]))
            .answer("PATCH", "/items(", 412, "")
            .answer("GET", "/items?", 200, &rows(&[&item(ITEM, there, 9)]))
            .answer("PATCH", "/items(", 200, &item(ITEM, "Table", 10))
            .answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Table", 10)]));
        let write = write(Some(ITEM), titled("Table"), titled("Desk"));
        Dynamics365::push(&script, &ctx(), Kind::Item, &[write]).unwrap().remove(0)
    };
    assert!(matches!(meets("Desk"), Outcome::Applied(_)), "something else was changed");
    assert!(matches!(meets("Bench"), Outcome::Stale(Observed::Present(it)) if it.fields == titled("Bench")));
    assert!(matches!(meets("Table"), Outcome::Applied(_)), "it is as wanted");
}

#[test]
fn every_part_of_a_batch_stands_alone() {
    let there = rows(&[&item(ITEM, "Desk", 7), &item(OTHER, "Lamp", 3)]);
    let answers = r#"{"responses":[
        {"id":"1","status":400,"headers":{},"body":{"error":{"code":"Application_StringExceededLength","message":"long"}}},
        {"id":"0","status":200,"headers":{},"body":{"@odata.etag":"x","id":"1"}}]}"#;
    let script = script()
        .answer("GET", "/items?", 200, &there)
        .answer("POST", "/v2.0/Production/api/v2.0/$batch", 200, answers)
        .answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Table", 8)]));
    let writes =
        [write(Some(ITEM), titled("Table"), titled("Desk")), write(Some(OTHER), titled("Light"), titled("Lamp"))];
    let outcomes = Dynamics365::push(&script, &ctx(), Kind::Item, &writes).unwrap();
    assert_eq!(applied(&outcomes[0]).version, "W/\"8\"");
    assert!(matches!(&outcomes[1], Outcome::Rejected(it) if it.code == "Application_StringExceededLength"));
    let part = format!(
        r#"{{"method":"PATCH","id":"1","url":"companies({COMPANY})/items({OTHER})","headers":{{"Accept-Language":"en-US","Content-Type":"application/json","If-Match":"W/\"3\""}},"body":{{"displayName":"Light"}}}}"#
    );
    assert!(script.body(1).contains(&part), "{}", script.body(1));
    let nothing = self::script().answer("GET", "/items?", 200, &there).answer("POST", "$batch", 200, "<html>");
    let outcomes = Dynamics365::push(&nothing, &ctx(), Kind::Item, &writes).unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Unknown(_))), "{outcomes:?}");
    let silent =
        self::script().answer("GET", "/items?", 200, &there).answer("POST", "$batch", 200, r#"{"responses":[]}"#);
    let outcomes = Dynamics365::push(&silent, &ctx(), Kind::Item, &writes).unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Unknown(_))), "{outcomes:?}");
}

#[test]
fn a_number_that_is_there_is_not_created_again() {
    let exists = r#"{"error":{"code":"Internal_EntityWithSameKeyExists","message":"It already exists."}}"#;
    let new = write(None, titled("Desk"), Fields::new());
    for status in [400, 409] {
        let script = script()
            .answer("GET", "/items?$filter=number%20eq%20%271896-S%27", 200, &rows(&[]))
            .answer("POST", "/items", status, exists)
            .answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Desk", 7)]));
        let outcomes = Dynamics365::push(&script, &ctx(), Kind::Item, std::slice::from_ref(&new)).unwrap();
        assert_eq!(applied(&outcomes[0]).remote_id, ITEM, "it is what an earlier try made");
        let other = self::script().answer("GET", "/items?", 200, &rows(&[&item(ITEM, "Bench", 7)]));
        let outcomes = Dynamics365::push(&other, &ctx(), Kind::Item, std::slice::from_ref(&new)).unwrap();
        assert!(matches!(&outcomes[0], Outcome::Stale(Observed::Present(_))), "{outcomes:?}");
    }
}

fn price_line(id: u32, from: &str, amount: &str, more: &str) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{id}\"","id":"l{id}","priceListCode":"GOLD","assetType":"Item","assetNumber":"1896-S",
            "variantCode":"","unitOfMeasureCode":"PCS","minimumQuantity":{from},"unitPrice":{amount},"currencyCode":"",
            "startingDate":"0001-01-01","endingDate":"0001-01-01","status":"Active"{more}}}"#
    )
}

#[test]
fn a_price_is_what_its_lines_come_to_today() {
    let known = rows(&[&format!(r#"{{"id":"{ITEM}","number":"1896-S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let lines = rows(&[
        &price_line(1, "0", "11.75", ""),
        &price_line(2, "10", "11", ""),
        &price_line(3, "0", "1", "").replace(r#""startingDate":"0001-01-01""#, r#""startingDate":"2026-11-22""#),
        &price_line(4, "0", "2", "").replace(r#""endingDate":"0001-01-01""#, r#""endingDate":"2026-11-20""#),
        &price_line(5, "0", "3", "").replace("Active", "Draft"),
        &price_line(6, "0", "4", "").replace(r#""unitOfMeasureCode":"PCS""#, r#""unitOfMeasureCode":"BOX""#),
        &price_line(7, "0", "5", "").replace(r#""variantCode":"""#, r#""variantCode":"RED""#),
        &price_line(8, "0", "6", "").replace(r#""currencyCode":"""#, r#""currencyCode":"EUR""#),
        &price_line(9, "0", "0", r#","lineDiscountPercent":10"#),
        &price_line(10, "0", "7", r#","sourceType":"Customer","sourceNumber":"10000""#),
        &price_line(11, "0", "8", r#","sourceType":"Campaign","sourceNumber":"CP1""#),
        &price_line(12, "0", "9", r#","sourceType":"Customer_x0020_Price_x0020_Group","sourceNumber":"SMALL""#),
        &price_line(13, "20", "10.5", r#","sourceType":"All_x0020_Customers","sourceNumber":"""#),
    ]);
    let script = script().answer("GET", "/items?", 200, &known).answer("GET", "/priceListLines?", 200, &lines);
    let asked = ["GOLD:1896-S".to_owned(), "SILVER:1896-S".to_owned()];
    let seen = Dynamics365::read(&script, &ctx(), Kind::Price, &asked, false).unwrap();
    let expect = fields(&[
        ("list", text("gold")),
        ("item", text(ITEM)),
        ("currency", text("USD")),
        ("amount", number("11.75")),
        ("breaks", Value::Json(r#"[{"from":"10","amount":"11"},{"from":"20","amount":"10.5"}]"#.to_owned())),
    ]);
    assert_eq!(present(&seen[0]).fields, expect);
    assert!(matches!(&seen[1], Observed::Absent(_)));
}

#[test]
fn a_price_with_taxes_is_not_told_and_not_written_over() {
    let row =
        format!(r#"{{"@odata.etag":"x","id":"{ITEM}","number":"1896-S","unitPrice":119,"priceIncludesTax":true}}"#);
    let there = |script: Script| script.answer("GET", "/items?", 200, &rows(&[&row]));
    let seen = Dynamics365::read(&there(script()), &ctx(), Kind::Price, &["base:1896-S".to_owned()], false).unwrap();
    let held = &present(&seen[0]).fields;
    assert_eq!((held.get("amount"), &held["list"]), (None, &text("base")));
    let mut want = held.clone();
    want.insert("amount".to_owned(), number("100"));
    let script = there(there(script()));
    let write = write(Some("base:1896-S"), want, held.clone());
    let outcome = Dynamics365::push(&script, &ctx(), Kind::Price, &[write]).unwrap().remove(0);
    assert!(matches!(&outcome, Outcome::Rejected(it) if it.code == "price-includes-tax"), "{outcome:?}");
}

#[test]
fn what_begins_and_ends_to_count_is_asked_for_once_a_day() {
    let reach = |since: u64| format!(r#"{{"since":{since},"seen":{since},"deep":{since}}}"#);
    let cursor = |since: u64, stage: u8| {
        format!(r#"{{"span":{{"from_ms":{since},"until_ms":{NOW},"reach":{}}},"stage":{stage}}}"#, reach(since))
    };
    let yesterday = NOW - 86_400_000;
    let asks = |since: u64, stage: u8, url: &str| {
        let script = script().answer("GET", url, 200, &rows(&[]));
        Dynamics365::pull(&script, &ctx(), Kind::Price, Some(&cursor(since, stage)), 0).unwrap().more
    };
    assert!(asks(yesterday, 0, "/items?$filter=lastModifiedDateTime"));
    assert!(asks(yesterday, 1, "/priceListLines?$filter=lastModifiedDateTime"));
    assert!(asks(yesterday, 2, "startingDate%20gt%202026-11-20%20and%20startingDate%20le%202026-11-21"));
    assert!(!asks(yesterday, 3, "endingDate%20ge%202026-11-20%20and%20endingDate%20lt%202026-11-21"));
    assert!(!asks(NOW - 60_000, 1, "/priceListLines?$filter=lastModifiedDateTime"));
}

#[test]
fn a_price_is_written_line_by_line() {
    let known = rows(&[&format!(r#"{{"id":"{ITEM}","number":"1896-S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let price = |amount: &str, breaks: &str| {
        fields(&[
            ("list", text("gold")),
            ("item", text(ITEM)),
            ("currency", text("USD")),
            ("amount", number(amount)),
            ("breaks", Value::Json(breaks.to_owned())),
        ])
    };
    let (base, want) =
        (price("11.75", r#"[{"from":"10","amount":"11"}]"#), price("11.5", r#"[{"from":"100","amount":"9.875"}]"#));
    let before = rows(&[&price_line(1, "0", "11.75", ""), &price_line(2, "10", "11", "")]);
    let after = rows(&[&price_line(1, "0", "11.5", ""), &price_line(3, "100", "9.875", "")]);
    let done = r#"{"responses":[{"id":"0","status":200,"body":{"id":"l1"}},{"id":"1","status":201,"body":{"id":"l3"}},{"id":"2","status":204}]}"#;
    let until_batch = || script().answer("GET", "/items?", 200, &known).answer("GET", "/priceListLines?", 200, &before);
    let push = |script: &Script| {
        let write = write(Some("GOLD:1896-S"), want.clone(), base.clone());
        Dynamics365::push(script, &ctx(), Kind::Price, &[write]).unwrap().remove(0)
    };
    let script = until_batch().answer("POST", "/erpsync/pricing/v1.0/$batch", 200, done).answer(
        "GET",
        "/priceListLines?",
        200,
        &after,
    );
    assert_eq!(applied(&push(&script)).fields, want);
    let sent = script.body(2);
    assert!(sent.contains(r#""If-Match":"W/\"1\""},"body":{"unitPrice":11.5}"#), "{sent}");
    assert!(
        sent.contains(r#""assetNumber":"1896-S","currencyCode":"","minimumQuantity":100,"unitPrice":9.875}"#),
        "{sent}"
    );
    assert!(sent.contains(r#"{"method":"DELETE","id":"2""#), "{sent}");
    let partly = done.replace(r#""status":201"#, r#""status":429"#);
    assert!(matches!(push(&until_batch().answer("POST", "$batch", 200, &partly)), Outcome::Unknown(_)));

    let whose = |source: &str, number: &str| {
        let more = format!(r#","sourceType":"{source}","sourceNumber":"{number}""#);
        rows(&[&price_line(1, "0", "11.75", &more), &price_line(2, "10", "11", &more)])
    };
    let of = |lines: &str| {
        self::script().answer("GET", "/items?", 200, &known).answer("GET", "/priceListLines?", 200, lines)
    };
    // What would be made is for the customer that the list is for.
    let outcome = push(&of(&whose("Customer", "10000")));
    assert!(matches!(&outcome, Outcome::Rejected(it) if it.code == "for-one-customer"), "{outcome:?}");
    let group = "Customer_x0020_Price_x0020_Group";
    let script = of(&whose(group, "SMALL")).answer("POST", "$batch", 200, &partly);
    push(&script);
    let sent = script.body(2);
    let line = format!(r#""priceListCode":"GOLD","sourceType":"{group}","sourceNumber":"SMALL","assetType":"Item""#);
    assert!(sent.contains(&line), "{sent}");
}

pub(super) const KEY: &str = "TS-ORDER-0123456789ABCDEF01234567";

fn order_row() -> String {
    format!(
        r#"{{"@odata.etag":"W/\"1\"","id":"{ORDER}","number":"S-1","externalDocumentNumber":"{KEY}","orderDate":"2026-11-21",
            "customerId":"{CUSTOMER}","currencyCode":"","pricesIncludeTax":false,"discountAmount":0,
            "totalAmountIncludingTax":37.5,"fullyShipped":false,"status":"Draft","salesOrderLines":[
            {{"lineType":"Comment","description":"PO number: PO-77","quantity":0}},
            {{"lineType":"Item","itemId":"{ITEM}","quantity":3,"unitPrice":12.5,"unitOfMeasureCode":"PCS"}}]}}"#
    )
}

fn order() -> Fields {
    let lines = format!(r#"[{{"item":"{ITEM}","quantity":"3","unit_price":"12.5"}}]"#);
    fields(&[
        ("company", text(CUSTOMER)),
        ("po_number", text("PO-77")),
        ("currency", text("USD")),
        ("placed_at", text("2026-11-21T23:30:00Z")),
        ("lines", Value::Json(lines)),
    ])
}

/// Nothing is found under the order's key, among orders, invoices and shipments.
fn nowhere(script: Script) -> Script {
    ["/salesOrders?", "/salesInvoices?", "/salesShipments?"]
        .iter()
        .fold(script, |script, set| script.answer("GET", set, 200, &rows(&[])))
}

#[test]
fn an_order_is_created_under_its_key_and_found_by_it() {
    let known = rows(&[&format!(r#"{{"id":"{ITEM}","number":"1896-S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let found = |script: Script| {
        let by_key = format!("externalDocumentNumber%20eq%20%27{KEY}%27");
        script.answer("GET", &by_key, 200, &rows(&[&order_row()])).answer("GET", "/items?", 200, &known)
    };
    let ctx = with(&[("utc-offset", "+01:00")]);
    let script = found(nowhere(script()).answer("POST", "/salesOrders", 201, &order_row()));
    let outcomes = Dynamics365::push(&script, &ctx, Kind::Order, &[write(None, order(), Fields::new())]).unwrap();
    let state = applied(&outcomes[0]);
    assert_eq!((state.remote_id.as_str(), state.command_key.as_deref()), (ORDER, Some(KEY.to_lowercase().as_str())));
    assert_eq!((&state.fields["po_number"], &state.fields["lines"]), (&text("PO-77"), &order()["lines"]));
    assert_eq!((state.fields.get("number"), state.fields.get("placed_at")), (None, None), "they are told elsewhere");
    let body = script.body(3);
    assert!(
        body.starts_with(&format!(
            r#"{{"externalDocumentNumber":"{KEY}","customerId":"{CUSTOMER}","orderDate":"2026-11-22","currencyCode":"""#
        )),
        "{body}"
    );
    assert!(
        body.contains(&format!(r#"{{"lineType":"Item","itemId":"{ITEM}","quantity":3,"unitPrice":12.5}}"#)),
        "{body}"
    );
    let there = found(self::script());
    let outcomes = Dynamics365::push(&there, &ctx, Kind::Order, &[write(None, order(), Fields::new())]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Applied(_)) && there.sent().len() == 2);
}

#[test]
fn an_order_that_was_never_answered_is_waited_for() {
    let mut sent = write(None, order(), Fields::new());
    sent.first_sent_ms = Some(NOW - 20_000);
    let outcomes = Dynamics365::push(&nowhere(script()), &ctx(), Kind::Order, std::slice::from_ref(&sent)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Retry(Some(100_000), _)), "{outcomes:?}");
    let lost = nowhere(script()).fail("POST", "/salesOrders", HttpFault::Unknown(String::new()));
    sent.first_sent_ms = Some(NOW - 120_000);
    let outcomes = Dynamics365::push(&lost, &ctx(), Kind::Order, &[sent]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Unknown(_)), "{outcomes:?}");
}

#[test]
fn an_order_that_was_posted_is_not_called_off() {
    let invoice = format!(
        r#"{{"id":"{OTHER}","orderId":"{ORDER}","orderNumber":"S-1","externalDocumentNumber":"PO-9","customerId":"{CUSTOMER}",
            "currencyCode":"EUR"}}"#
    );
    let script = script().answer("GET", "/salesOrders?", 200, &rows(&[])).answer(
        "GET",
        "/salesInvoices?$filter=orderId%20eq",
        200,
        &rows(&[&invoice]),
    );
    let none = |script: Script| script.answer("GET", "/salesShipments?$filter=orderNumber", 200, &rows(&[]));
    let script = none(script);
    let seen = Dynamics365::read(&script, &ctx(), Kind::Order, &[ORDER.to_owned()], false).unwrap();
    let state = present(&seen[0]);
    assert_eq!((&state.fields["status"], &state.fields["number"]), (&text("fulfilled"), &text("S-1")));
    assert_eq!((state.remote_id.as_str(), &state.fields["currency"]), (ORDER, &text("EUR")));
    // Where the invoice does not say which order it was, the order's number does, as long as it is remembered.
    let anonymous = invoice.replace(ORDER, "00000000-0000-0000-0000-000000000000");
    let script = self::script()
        .keep("order-numbers", &format!(r#"[["{ORDER}","S-1"]]"#))
        .answer("GET", "/salesOrders?", 200, &rows(&[]))
        .answer("GET", "/salesInvoices?$filter=orderId%20eq", 200, &rows(&[]))
        .answer("GET", "/salesInvoices?$filter=orderNumber%20eq%20%27S-1%27", 200, &rows(&[&anonymous]))
        .answer("GET", "/salesShipments?$filter=orderNumber", 200, &rows(&[]));
    let script = none(script);
    let seen = Dynamics365::read(&script, &ctx(), Kind::Order, &[ORDER.to_owned()], false).unwrap();
    assert_eq!(present(&seen[0]).fields["status"], text("fulfilled"));
}

/// An order that was seen once and is neither there nor posted: people delete what they call off.
#[test]
fn an_order_is_called_off_by_deleting_it() {
    let gone = |script: Script| {
        let script = script.keep("order-numbers", &format!(r#"[["{ORDER}","S-1"]]"#));
        let sets = [
            "/salesOrders?",
            "/salesInvoices?",
            "/salesInvoices?",
            "/salesShipments?",
            "/salesInvoices?",
            "/salesShipments?",
        ];
        sets.iter().fold(script, |script, set| script.answer("GET", set, 200, &rows(&[])))
    };
    let ids = [ORDER.to_owned()];
    let seen = Dynamics365::read(&gone(script()), &ctx(), Kind::Order, &ids, false).unwrap();
    assert_eq!(present(&seen[0]).fields, Fields::from([("status".to_owned(), text("cancelled"))]));
    let known = rows(&[&format!(r#"{{"id":"{ITEM}","number":"1896-S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let held =
        |row: &str| script().answer("GET", "/salesOrders?", 200, &rows(&[row])).answer("GET", "/items?", 200, &known);
    let off = || {
        let (want, base) = (text("cancelled"), text("open"));
        let status = |it| Fields::from([("status".to_owned(), it)]);
        let write = write(Some(ORDER), status(want), status(base));
        truthsource_sdk::connector::Write { changed: vec!["status".to_owned()], ..write }
    };
    let deleted = || held(&order_row()).answer("DELETE", &format!("/salesOrders({ORDER})"), 204, "");
    let script = deleted().answer("GET", "/salesOrders?", 200, &rows(&[]));
    let outcomes = Dynamics365::push(&script, &ctx(), Kind::Order, &[off()]).unwrap();
    assert_eq!(applied(&outcomes[0]).fields["status"], text("cancelled"));
    // It was accepted, and is there.
    let script = deleted().answer("GET", "/salesOrders?", 200, &rows(&[&order_row()]));
    let outcomes =
        Dynamics365::push(&script.answer("GET", "/items?", 200, &known), &ctx(), Kind::Order, &[off()]).unwrap();
    assert_eq!(applied(&outcomes[0]).fields["status"], text("open"));
}

#[test]
fn a_login_page_and_half_an_answer_are_never_data() {
    for body in ["<html>Sign in</html>", r#"{"value":[{"id":"4"#, "", "{}"] {
        let script = script().answer("GET", "/items?", 200, body);
        let fault = Dynamics365::read(&script, &ctx(), Kind::Item, &[ITEM.to_owned()], false);
        let is_none = matches!(fault, Err(Fault::Unavailable(_)));
        assert!(is_none == (body != "{}") && fault.is_err(), "{body}: {fault:?}");
    }
}

#[test]
fn a_description_depends_on_the_connection() {
    let effect = |settings: &[(&str, &str)]| {
        let kinds = Dynamics365::describe(&with(settings).settings).kinds;
        kinds.into_iter().find(|it| it.kind == "stock-level").map(|it| (it.effect, it.creates))
    };
    assert_eq!(effect(&[]), Some((Effect::Keyed, true)));
    assert_eq!(effect(&[("adjustment-path", "none")]), Some((Effect::Conditional, true)));
    let unstamped = [("adjustment-path", "none"), ("stock-fields", "item=a, location=b, on-hand=c")];
    assert_eq!(effect(&unstamped), Some((Effect::Verify, true)));
    assert_eq!(effect(&[("stock-path", "none"), ("stock-location", "MAIN")]), Some((Effect::Verify, false)));
    assert_eq!(effect(&[("stock-path", "none")]), None);
    let webhook = Dynamics365::describe(&Settings::default()).webhook.unwrap();
    assert!(matches!(webhook.proof, Proof::BodySecret(path) if path == "value.*.clientState"));
    assert!(matches!(webhook.handshake, Handshake::EchoQuery(name) if name == "validationToken"));
    assert!(Dynamics365::describe(&with(&[("webhooks", "no")]).settings).webhook.is_none());
}
