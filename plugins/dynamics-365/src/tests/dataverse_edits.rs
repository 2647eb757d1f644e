//! Orders in Dataverse that were changed where they were placed.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fields, Kind, Value};

use super::dataverse::{ACCOUNT, LIST, PRODUCT, UNIT, rows, script, with};
use super::{applied, fields, write};
use crate::Dynamics365;
use crate::dataverse::guid;

const ORDER: &str = "3f115c9c-44e3-ea11-bb43-000d3a2feca1";
const BATCH: &str = "/api/data/v9.2/$batch";

fn head(version: u32) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{version}\"","salesorderid":"{ORDER}","ordernumber":"ORD-1","description":"ts-order-1",
            "statecode":0,"statuscode":1,"_customerid_value":"{ACCOUNT}","freightamount":9.5,"discountamount":null}}"#
    )
}

/// The `at`th line, of so many and at this price.
fn detail(at: u32, product: &str, (quantity, price): (u32, u32)) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"1{at}\"","salesorderdetailid":"{}","_salesorderid_value":"{ORDER}",
            "_productid_value":"{product}","_uomid_value":"{UNIT}","quantity":{quantity},"priceperunit":{price},
            "lineitemnumber":{at}}}"#,
        detail_id(at)
    )
}

fn detail_id(at: u32) -> String {
    format!("00000000-0000-0000-0000-{at:012}")
}

fn booked() -> [String; 2] {
    [detail(1, PRODUCT, (3, 12)), detail(2, LIST, (2, 5))]
}

fn changed() -> [String; 2] {
    [detail(1, PRODUCT, (5, 12)), detail(2, PRODUCT, (1, 20))]
}

fn order(lines: &[(&str, u32, u32)], shipping: &str) -> Fields {
    let row = |(item, quantity, price): &(&str, u32, u32)| {
        format!(r#"{{"item":"{item}","quantity":"{quantity}","unit_price":"{price}"}}"#)
    };
    let lines: Vec<String> = lines.iter().map(row).collect();
    let charges = format!(r#"[{{"kind":"shipping","amount":"{shipping}"}}]"#);
    fields(&[("lines", Value::Json(format!("[{}]", lines.join(",")))), ("charges", Value::Json(charges))])
}

fn wanted(shipping: &str) -> Write {
    let base = order(&[(PRODUCT, 3, 12), (LIST, 2, 5)], "9.5");
    write(Some(ORDER), order(&[(PRODUCT, 5, 12), (PRODUCT, 1, 20)], shipping), base)
}

fn units(script: Script) -> Script {
    let unit = |id: &str| format!(r#"{{"productid":"{id}","_defaultuomid_value":"{UNIT}"}}"#);
    script.answer("GET", "/products?", 200, &rows(&[&unit(PRODUCT), &unit(LIST)], ""))
}

/// Answers a reading of the order.
fn reads(script: Script, head: &str, details: &[String; 2]) -> Script {
    let script = script.answer("GET", "/salesorders?", 200, &rows(&[head], ""));
    units(script.answer("GET", "/salesorderdetails?", 200, &rows(&[&details[0], &details[1]], "")))
}

fn begun() -> Script {
    units(reads(script(), &head(7), &booked()))
}

/// What batches answer with.
const MIXED: &str = "multipart/mixed; boundary=b";

/// What a batch says whose change set was carried out.
fn done(n: usize) -> String {
    let part = "--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n";
    format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}--c--\r\n--b--\r\n", part.repeat(n))
}

fn refused(status: u16, code: &str) -> String {
    let error = format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
    format!("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} No\r\n\r\n{error}\r\n--b--\r\n")
}

fn push_with(script: &Script, ctx: &Context, write: Write) -> Outcome {
    Dynamics365::push(script, ctx, Kind::Order, &[write]).unwrap().remove(0)
}

fn push(script: &Script, write: Write) -> Outcome {
    push_with(script, &with(&[]), write)
}

#[test]
fn lines_and_charges_are_changed_in_one_change_set() {
    let after = head(8).replace("9.5", "7");
    let script = reads(begun().answer_as("POST", BATCH, (200, MIXED), &done(4)), &after, &changed());
    let want = wanted("7").want;
    assert_eq!(applied(&push(&script, wanted("7"))).fields["lines"], want["lines"]);
    let body = script.body(4);
    let parts: Vec<&str> = body.split("Content-ID: ").skip(1).collect();
    assert_eq!(parts.len(), 4, "{body}");
    let has = |at: usize, texts: &[&str]| texts.iter().all(|it| parts[at].contains(it));
    assert!(has(0, &[&format!("PATCH /api/data/v9.2/salesorders({ORDER}) "), "If-Match: W/\"7\"\r\n"]), "{}", parts[0]);
    assert!(has(0, &[r#"{"freightamount":7,"discountamount":0}"#]), "{}", parts[0]);
    assert!(
        has(1, &[&format!("PATCH /api/data/v9.2/salesorderdetails({}) ", detail_id(1)), "W/\"11\""]),
        "{}",
        parts[1]
    );
    assert!(
        has(1, &[r#"{"quantity":5,"ispriceoverridden":true,"priceperunit":12,"lineitemnumber":1}"#]),
        "{}",
        parts[1]
    );
    let id = format!(r#""salesorderdetailid":"{}""#, guid("op-1-1"));
    assert!(has(2, &["POST /api/data/v9.2/salesorderdetails ", &id, r#""lineitemnumber":2"#]), "{}", parts[2]);
    assert!(
        has(3, &[&format!("DELETE /api/data/v9.2/salesorderdetails({}) ", detail_id(2)), "W/\"12\""]),
        "{}",
        parts[3]
    );
    let kind = ("content-type".to_owned(), "multipart/mixed; boundary=ts-batch".to_owned());
    assert_eq!(script.sent()[4].headers.iter().filter(|it| it.0 == "content-type").collect::<Vec<_>>(), [&kind]);
}

#[test]
fn nothing_is_lost_where_one_part_is_refused() {
    // Organisations answer such a batch with either status.
    for status in [200, 400] {
        let begun = || begun().answer_as("POST", BATCH, (status, MIXED), &refused(400, "0x80044331"));
        let script = units(reads(begun(), &head(7), &booked()));
        let outcome = push(&script, wanted("9.5"));
        assert!(matches!(&outcome, Outcome::Rejected(it) if it.code == "0x80044331"), "{outcome:?}");
    }
}

#[test]
fn whoever_is_faster_is_not_overwritten() {
    let meets = || begun().answer_as("POST", BATCH, (200, MIXED), &refused(412, "0x80060882"));
    let moved = [detail(1, PRODUCT, (4, 12)), detail(2, LIST, (2, 5))];
    let outcome = push(&reads(meets(), &head(8), &moved), wanted("9.5"));
    assert!(matches!(&outcome, Outcome::Stale(Observed::Present(_))), "{outcome:?}");
    // What was changed is none of the write's.
    let script = units(reads(meets(), &head(8), &booked())).answer_as("POST", BATCH, (200, MIXED), &done(4));
    let outcome = push(&reads(script, &head(9), &changed()), wanted("9.5"));
    assert!(matches!(&outcome, Outcome::Applied(_)), "{outcome:?}");
    // The first try of this very write came through.
    let late = begun().answer_as("POST", BATCH, (200, MIXED), &refused(412, "0x80040237"));
    assert!(matches!(push(&reads(late, &head(8), &changed()), wanted("9.5")), Outcome::Applied(_)));
    // Nothing has moved at all.
    let outcome = push(&units(reads(meets(), &head(7), &booked())), wanted("9.5"));
    assert!(matches!(&outcome, Outcome::Rejected(it) if it.message.contains("shows it as it was")), "{outcome:?}");
}

#[test]
fn an_answer_that_is_lost_is_not_known() {
    let lost = begun().fail("POST", BATCH, HttpFault::Unknown(String::new()));
    assert!(matches!(push(&lost, wanted("9.5")), Outcome::Unknown(_)));
    let cut = done(4).replace("--b--", "");
    for (status, kind, body) in
        [(200, "text/html", &done(4)), (200, MIXED, &done(3)), (200, MIXED, &cut), (504, "text/html", &String::new())]
    {
        let outcome = push(&begun().answer_as("POST", BATCH, (status, kind), body), wanted("9.5"));
        assert!(matches!(&outcome, Outcome::Unknown(_)), "{status} {kind} {body}: {outcome:?}");
    }
    assert!(matches!(push(&begun().answer("POST", BATCH, 429, ""), wanted("9.5")), Outcome::Retry(..)));
    let again = Write { first_sent_ms: Some(super::NOW), ..wanted("9.5") };
    assert!(matches!(push(&reads(script(), &head(8), &changed()), again), Outcome::Applied(_)));
}

#[test]
fn what_is_not_changed_from_outside_is_a_question() {
    let asks = |head: &str, details: &[String; 2], ctx: &Context, expect: &str| {
        let outcome = push_with(&reads(script(), head, details), ctx, wanted("9.5"));
        assert!(
            matches!(&outcome, Outcome::Rejected(it) if it.code == "edited" && it.message.contains(expect)),
            "{outcome:?}"
        );
    };
    asks(&head(7), &booked(), &with(&[("order-edits", "no")]), "changed from outside");
    let submitted = head(7).replace(r#""statecode":0,"statuscode":1"#, r#""statecode":1,"statuscode":3"#);
    asks(&submitted, &booked(), &with(&[]), "not active here");
    asks(&head(7).replace(r#""statuscode":1"#, r#""statuscode":100002"#), &booked(), &with(&[]), "some of it has left");
    let [first, second] = booked();
    let reduced = [first, second.replace(r#""quantity":2"#, r#""quantity":2,"manualdiscountamount":1"#)];
    asks(&head(7), &reduced, &with(&[]), "have discounts");
}
