//! Orders in Business Central that were changed where they were placed.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fields, Kind, Value};

use super::business_central::{COMPANY, CUSTOMER, ITEM, KEY, MAIN, ORDER, OTHER, STALE, rows, script, with};
use super::{NOW, applied, fields, text, write};
use crate::Dynamics365;

const BATCH: &str = "/v2.0/Production/api/v2.0/$batch";

fn ctx() -> Context {
    with(&[("order-charges", "shipping=6810, discount=6910")])
}

fn line(place: u32, kind: &str, of: &str, (quantity, price): (&str, &str)) -> String {
    let named = if kind == "Item" { "itemId" } else { "lineObjectNumber" };
    format!(
        r#"{{"@odata.etag":"W/\"l{place}\"","id":"{}","sequence":{place},"lineType":"{kind}","{named}":"{of}",
            "quantity":{quantity},"unitPrice":{price},"unitOfMeasureCode":"PCS"}}"#,
        line_id(place)
    )
}

fn line_id(place: u32) -> String {
    format!("00000000-0000-0000-0000-{place:012}")
}

const COMMENT: &str = r#"{"@odata.etag":"W/\"c\"","id":"c","sequence":10000,"lineType":"Comment","description":"PO number: P-1","quantity":0}"#;

/// The order with these lines behind the one that says its PO number.
fn row(lines: &[String]) -> String {
    let lines: Vec<&str> = std::iter::once(COMMENT).chain(lines.iter().map(String::as_str)).collect();
    format!(
        r#"{{"@odata.etag":"W/\"o\"","id":"{ORDER}","number":"S-1","externalDocumentNumber":"{KEY}","customerId":"{CUSTOMER}",
            "currencyCode":"","pricesIncludeTax":false,"discountAmount":0,"totalAmountIncludingTax":59.5,
            "fullyShipped":false,"status":"Draft","salesOrderLines":[{}]}}"#,
        lines.join(",")
    )
}

/// Three of one item, two of another, and shipping.
fn booked() -> Vec<String> {
    vec![
        line(20_000, "Item", ITEM, ("3", "12.5")),
        line(30_000, "Item", OTHER, ("2", "5")),
        line(40_000, "Account", "6810", ("1", "9.5")),
    ]
}

fn goods(lines: &[(&str, &str, &str)]) -> Value {
    let row = |(item, quantity, price): &(&str, &str, &str)| {
        format!(r#"{{"item":"{item}","quantity":"{quantity}","unit_price":"{price}"}}"#)
    };
    Value::Json(format!("[{}]", lines.iter().map(row).collect::<Vec<_>>().join(",")))
}

fn charges(rows: &[(&str, &str)]) -> Value {
    let row = |(kind, amount): &(&str, &str)| format!(r#"{{"kind":"{kind}","amount":"{amount}"}}"#);
    Value::Json(format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(",")))
}

fn order(lines: &[(&str, &str, &str)], charged: &[(&str, &str)]) -> Fields {
    fields(&[("lines", goods(lines)), ("charges", charges(charged))])
}

const BASE: [(&str, &str, &str); 2] = [(ITEM, "3", "12.5"), (OTHER, "2", "5")];

/// More of the first item, and none of the second but another one of the first.
const WANT: [(&str, &str, &str); 2] = [(ITEM, "5", "12"), (ITEM, "1", "20")];

fn edit(want: Fields) -> Write {
    write(Some(ORDER), want, order(&BASE, &[("shipping", "9.5")]))
}

fn wanted() -> Write {
    edit(order(&WANT, &[("shipping", "9.5")]))
}

/// What `WANT` comes to.
fn changed() -> Vec<String> {
    vec![
        line(20_000, "Item", ITEM, ("5", "12")),
        line(40_000, "Account", "6810", ("1", "9.5")),
        line(50_000, "Item", ITEM, ("1", "20")),
    ]
}

/// Answers a reading of the order.
fn reads(script: Script, row: &str) -> Script {
    let item = |id: &str| format!(r#"{{"id":"{id}","number":"{id}","baseUnitOfMeasureCode":"PCS"}}"#);
    let items = rows(&[&item(ITEM), &item(OTHER)]);
    script.answer("GET", "/salesOrders?$filter=id%20eq", 200, &rows(&[row])).answer("GET", "/items?", 200, &items)
}

/// Parts with these answers, in order.
fn answers(parts: &[(u16, &str)]) -> String {
    let part = |(at, (status, body)): (usize, &(u16, &str))| {
        let body = if body.is_empty() { String::new() } else { format!(r#","body":{body}"#) };
        format!(r#"{{"id":"{at}","status":{status},"headers":{{}}{body}}}"#)
    };
    let parts: Vec<String> = parts.iter().enumerate().map(part).collect();
    format!(r#"{{"responses":[{}]}}"#, parts.join(","))
}

const DONE: [(u16, &str); 4] = [(200, "{}"), (200, "{}"), (201, "{}"), (204, "")];
const BLOCKED: &str =
    r#"{"error":{"code":"Application_FieldValidationException","message":"Blocked must be equal to 'No' in Item."}}"#;

fn push_with(script: &Script, ctx: &Context, write: Write) -> Outcome {
    Dynamics365::push(script, ctx, Kind::Order, &[write]).unwrap().remove(0)
}

fn push(script: &Script, write: Write) -> Outcome {
    push_with(script, &ctx(), write)
}

/// The question that an edit became.
fn question(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Rejected(it) if it.code == "edited" => &it.message,
        other => panic!("{other:?}"),
    }
}

/// The parts of a batch that was sent: method, what is written, and its version.
fn sent(script: &Script, at: usize) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(&script.body(at)).unwrap();
    let within = format!("companies({COMPANY})/salesOrders");
    let part = |it: &serde_json::Value| {
        let url = it["url"].as_str().unwrap().strip_prefix(&within).unwrap().to_owned();
        let version = it["headers"]["If-Match"].as_str().unwrap_or("-").to_owned();
        format!("{} {url} {version} {}", it["method"].as_str().unwrap(), it["body"])
    };
    body["requests"].as_array().unwrap().iter().map(part).collect()
}

#[test]
fn lines_are_changed_in_one_transaction() {
    let script = reads(script(), &row(&booked())).answer("POST", BATCH, 200, &answers(&DONE));
    let script = reads(script, &row(&changed()));
    assert_eq!(applied(&push(&script, wanted())).fields["lines"], goods(&WANT));
    let lines = format!("({ORDER})/salesOrderLines");
    let new = format!(r#"{{"lineType":"Item","itemId":"{ITEM}","quantity":1,"unitPrice":20,"sequence":50000}}"#);
    let new: serde_json::Value = serde_json::from_str(&new).unwrap();
    assert_eq!(
        sent(&script, 2),
        [
            format!(r#"PATCH ({ORDER}) W/"o" {{"externalDocumentNumber":"{KEY}"}}"#),
            format!(r#"PATCH {lines}({}) W/"l20000" {{"quantity":5,"unitPrice":12}}"#, line_id(20_000)),
            format!("POST {lines} - {new}"),
            format!(r#"DELETE {lines}({}) W/"l30000" null"#, line_id(30_000)),
        ]
    );
    assert!(script.sent()[2].headers.contains(&("isolation".to_owned(), "snapshot".to_owned())));
    assert_eq!(script.steps_left(), 0);
}

#[test]
fn charges_are_changed_alike_and_nothing_else() {
    let want = order(&BASE, &[("discount", "-3"), ("shipping", "7")]);
    let done = answers(&[(200, "{}"), (200, "{}"), (201, "{}")]);
    let mut after = booked();
    after[2] = line(40_000, "Account", "6810", ("1", "7"));
    after.push(line(50_000, "Account", "6910", ("1", "-3")));
    let script = reads(reads(script(), &row(&booked())).answer("POST", BATCH, 200, &done), &row(&after));
    assert_eq!(applied(&push(&script, edit(want.clone()))).fields["charges"], want["charges"]);
    let parts = sent(&script, 2);
    assert_eq!(parts.len(), 3, "{parts:?}");
    assert!(parts[1].ends_with(r#"W/"l40000" {"quantity":1,"unitPrice":7}"#), "{parts:?}");
    assert!(parts[2].contains(r#""lineObjectNumber":"6910""#), "{parts:?}");
    // Nobody says as what a discount is booked.
    let silent = with(&[("order-charges", "shipping=6810")]);
    let outcome = push_with(&reads(self::script(), &row(&booked())), &silent, edit(want));
    assert!(matches!(&outcome, Outcome::Rejected(it) if it.code == "unmapped-charge"), "{outcome:?}");
}

#[test]
fn new_lines_stand_where_they_were_added() {
    let want = [(ITEM, "3", "12.5"), (MAIN, "1", "1"), (MAIN, "2", "1"), (OTHER, "2", "5")];
    let done = answers(&[(200, "{}"), (201, "{}"), (201, "{}")]);
    let placed = with(&[("order-charges", "shipping=6810"), ("order-location", "main")]);
    let places = rows(&[&format!(r#"{{"id":"{MAIN}","code":"MAIN"}}"#)]);
    let script = reads(script(), &row(&booked())).answer("GET", "/locations?", 200, &places);
    let script = reads(script.answer("POST", BATCH, 200, &done), &row(&booked()));
    push_with(&script, &placed, edit(order(&want, &[("shipping", "9.5")])));
    let parts = sent(&script, 3);
    assert_eq!((parts[1].contains("23333"), parts[2].contains("26666")), (true, true), "{parts:?}");
    assert!(parts[1].contains(&format!(r#""locationId":"{MAIN}""#)), "{parts:?}");
    // Between two lines that stand side by side there is none.
    let mut close = booked();
    close[1] = line(20_001, "Item", OTHER, ("2", "5"));
    let script = reads(self::script(), &row(&close));
    assert!(question(&push(&script, edit(order(&want, &[("shipping", "9.5")])))).contains("no place between"));
}

#[test]
fn nothing_is_lost_where_one_part_is_refused() {
    let refused = answers(&[(200, "{}"), (200, "{}"), (400, BLOCKED)]);
    let script = reads(reads(script(), &row(&booked())).answer("POST", BATCH, 200, &refused), &row(&booked()));
    let outcome = push(&script, wanted());
    assert!(matches!(&outcome, Outcome::Rejected(it) if it.code.ends_with("ValidationException")), "{outcome:?}");
    assert_eq!(script.steps_left(), 0);
    // An extension has committed what came before: what is there now is told.
    let mut half = booked();
    half[0] = line(20_000, "Item", ITEM, ("5", "12"));
    let script = reads(reads(self::script(), &row(&booked())).answer("POST", BATCH, 200, &refused), &row(&half));
    let outcome = push(&script, wanted());
    let seen = goods(&[(ITEM, "5", "12"), (OTHER, "2", "5")]);
    assert!(matches!(&outcome, Outcome::Stale(Observed::Present(it)) if it.fields["lines"].same(&seen)), "{outcome:?}");
}

#[test]
fn whoever_is_faster_is_not_overwritten() {
    let stale = answers(&[(200, "{}"), (409, STALE)]);
    let meets = || reads(script(), &row(&booked())).answer("POST", BATCH, 200, &stale);
    let mut moved = booked();
    moved[0] = line(20_000, "Item", ITEM, ("4", "12.5"));
    let outcome = push(&reads(meets(), &row(&moved)), wanted());
    assert!(matches!(&outcome, Outcome::Stale(Observed::Present(_))), "{outcome:?}");
    // What was changed is none of the write's: a comment, a date.
    moved[0] = booked()[0].replace("l20000", "l20000b");
    let script = reads(meets(), &row(&moved)).answer("POST", BATCH, 200, &answers(&DONE));
    let script = reads(script, &row(&changed()));
    assert_eq!(applied(&push(&script, wanted())).fields["lines"], goods(&WANT));
    assert!(sent(&script, 5)[1].contains(r#"W/"l20000b""#), "{:?}", sent(&script, 5));
    // It left meanwhile.
    let left = row(&booked()).replace(r#""quantity":3,"#, r#""quantity":3,"shippedQuantity":1,"#);
    let parcel = |script: Script| script.answer("GET", "/salesShipments?", 200, &rows(&[]));
    assert!(question(&push(&parcel(reads(meets(), &left)), wanted())).contains("some of it has left"));
    // Somebody stands where the new line was to be.
    let taken =
        r#"{"error":{"code":"Application_DialogException","message":"You cannot insert a line that already exists."}}"#;
    let taken = answers(&[(200, "{}"), (200, "{}"), (400, taken)]);
    let mut more = booked();
    more.push(COMMENT.replace("10000", "50000"));
    let script = reads(reads(self::script(), &row(&booked())).answer("POST", BATCH, 200, &taken), &row(&more));
    let script = reads(script.answer("POST", BATCH, 200, &answers(&DONE)), &row(&changed()));
    assert!(matches!(push(&script, wanted()), Outcome::Applied(_)));
    assert!(sent(&script, 5)[2].contains(r#""sequence":60000"#), "{:?}", sent(&script, 5));
}

#[test]
fn what_the_system_says_for_no_reason_is_not_repeated_for_ever() {
    let stale = answers(&[(200, "{}"), (200, "{}"), (409, STALE)]);
    let script = reads(reads(script(), &row(&booked())).answer("POST", BATCH, 200, &stale), &row(&booked()));
    assert!(question(&push(&script, wanted())).contains("shows it as it was"));
    // It moves each time.
    let moved = |n: u32| row(&booked()).replace(r#"W/\"o\""#, &format!(r#"W/\"o{n}\""#));
    let script = (0..3).fold(self::script(), |it, n| reads(it, &moved(n)).answer("POST", BATCH, 200, &stale));
    assert!(matches!(push(&script, wanted()), Outcome::Retry(None, _)));
}

#[test]
fn an_answer_that_is_lost_is_looked_for() {
    let begun = || reads(script(), &row(&booked()));
    let lost = begun().fail("POST", BATCH, HttpFault::Unknown(String::new()));
    assert!(matches!(push(&lost, wanted()), Outcome::Unknown(_)));
    for body in ["<html>", r#"{"responses":[]}"#, &answers(&DONE[..3])] {
        assert!(matches!(push(&begun().answer("POST", BATCH, 200, body), wanted()), Outcome::Unknown(_)), "{body}");
    }
    assert!(matches!(push(&begun().answer("POST", BATCH, 504, ""), wanted()), Outcome::Unknown(_)));
    assert!(matches!(push(&begun().answer("POST", BATCH, 429, ""), wanted()), Outcome::Retry(..)));
    let locked = r#"{"error":{"code":"Application_DialogException","message":"It was locked by another user."}}"#;
    let locked = answers(&[(200, "{}"), (400, locked)]);
    assert!(matches!(push(&begun().answer("POST", BATCH, 200, &locked), wanted()), Outcome::Retry(..)));
    let again = || Write { first_sent_ms: Some(NOW), ..wanted() };
    let done = reads(script(), &row(&changed()));
    assert!(matches!(push(&done, again()), Outcome::Applied(_)) && done.sent().len() == 2);
    let undone = reads(begun().answer("POST", BATCH, 200, &answers(&DONE)), &row(&changed()));
    assert!(matches!(push(&undone, again()), Outcome::Applied(_)));
    // The first try comes through between the look and the second.
    let late = answers(&[(409, STALE)]);
    let late = reads(begun().answer("POST", BATCH, 200, &late), &row(&changed()));
    assert!(matches!(push(&late, again()), Outcome::Applied(_)));
}

#[test]
fn what_is_not_changed_from_outside_is_a_question() {
    let asks = |row: &str, ctx: &Context, expect: &str| {
        let script = reads(script(), row);
        let outcome = push_with(&script, ctx, wanted());
        assert!(question(&outcome).contains(expect), "{outcome:?}");
        assert_eq!(script.steps_left(), 0);
    };
    let as_booked = row(&booked());
    for status in ["Open", "In_x0020_Review"] {
        asks(&as_booked.replace("Draft", status), &ctx(), "released here, or waits");
    }
    asks(&as_booked.replace(r#""discountAmount":0"#, r#""discountAmount":2"#), &ctx(), "taken off the whole");
    asks(&as_booked.replace(r#""pricesIncludeTax":false"#, r#""pricesIncludeTax":true"#), &ctx(), "taxes in their");
    asks(&as_booked.replace("6810", "6820"), &ctx(), "accounts of their own");
    asks(&as_booked.replace(r#""@odata.etag":"W/\"l20000\"","#, ""), &ctx(), "changed from outside");
    let asked = with(&[("order-charges", "shipping=6810"), ("order-edits", "no")]);
    asks(&as_booked, &asked, "changed from outside");
}

#[test]
fn more_than_one_batch_takes_is_a_question() {
    let many = |n: usize, quantity: &'static str| vec![(ITEM, quantity, "12.5"); n];
    let held = |n: u32| (1..=n).map(|it| line(10_000 + it, "Item", ITEM, ("3", "12.5"))).collect::<Vec<_>>();
    let change = |n: usize| write(Some(ORDER), order(&many(n, "4"), &[]), order(&many(n, "3"), &[]));
    let script = reads(script(), &row(&held(100)));
    assert!(question(&push(&script, change(100))).contains("changed at once"));
    let done = answers(&[(200, "{}"); 100]);
    let script = reads(reads(self::script(), &row(&held(99))).answer("POST", BATCH, 200, &done), &row(&held(99)));
    assert!(matches!(push(&script, change(99)), Outcome::Applied(_)));
}

#[test]
fn an_order_that_has_left_or_is_not_there_is_not_changed() {
    let gone = |script: Script, invoices: &str| {
        let script = script.answer("GET", "/salesOrders?", 200, &rows(&[]));
        script.answer("GET", "/salesOrders?", 200, &rows(&[])).answer("GET", "/salesInvoices?", 200, invoices)
    };
    let invoice = format!(
        r#"{{"id":"{OTHER}","orderId":"{ORDER}","orderNumber":"S-1","externalDocumentNumber":"{KEY}","customerId":"{CUSTOMER}"}}"#
    );
    let shipped = |script: Script| script.answer("GET", "/salesShipments?", 200, &rows(&[]));
    let script = shipped(shipped(gone(script(), &rows(&[&invoice]))));
    assert!(question(&push(&script, wanted())).contains("some of it has left"));
    let script = gone(self::script(), &rows(&[])).answer("GET", "/salesInvoices?", 200, &rows(&[]));
    let script = shipped(script);
    assert!(matches!(push(&script, wanted()), Outcome::Stale(Observed::Absent(id)) if id == ORDER));
}

#[test]
fn what_is_called_off_is_not_changed_first() {
    let mut off = wanted();
    off.want.insert("status".to_owned(), text("cancelled"));
    off.base.insert("status".to_owned(), text("open"));
    off.changed.push("status".to_owned());
    let script = reads(script(), &row(&booked())).answer("DELETE", &format!("/salesOrders({ORDER})"), 204, "");
    let script = script.answer("GET", "/salesOrders?", 200, &rows(&[]));
    assert_eq!(applied(&push(&script, off)).fields["status"], text("cancelled"));
}
