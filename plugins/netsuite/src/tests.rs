//! Whole calls against scripted answers.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fault, Fields, Kind, Value};

use crate::NetSuite;

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400_000;
const CLOCK: &str = r#"{"offset_ms":-28800000,"skew_ms":0,"before":null,"at_ms":1795262400000,"is_measured":true}"#;
const CATALOG: &str = r#"{"levels":{"1":"Base Price","5":"Gold"},"currencies":{"1":"USD"},"at_ms":1795262400000}"#;
const SUITEQL: &str = "/query/v1/suiteql?limit=";

fn ctx() -> Context {
    let settings = [("base-url", "https://x.example"), ("adjustment-account", "58")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Context { settings, now_ms: NOW }
}

fn script() -> Script {
    Script::new().keep("clock", CLOCK).keep("catalog", CATALOG)
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn stock(on_hand: &str) -> Fields {
    let text = |it: &str| Value::Text(it.to_owned());
    [("item", text("482")), ("location", text("2")), ("on_hand", number(on_hand))]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn write(id: Option<&str>, want: Fields, base: Fields) -> Write {
    let changed = want.keys().filter(|it| want.get(*it) != base.get(*it)).cloned().collect();
    let (op_id, command_key) = ("op-1".to_owned(), "key-1".to_owned());
    Write {
        op_id,
        remote_id: id.map(str::to_owned),
        command_key,
        want,
        changed,
        base,
        base_version: String::new(),
        first_sent_ms: None,
    }
}

fn item(on_hand: &str) -> String {
    format!(
        r#"{{"id":"482","itemId":"BOLT-8","locations":{{"items":[{{"locationId":2,"quantityOnHand":{on_hand}}}]}}}}"#
    )
}

const TYPE: &str = r#"{"items":[{"id":"482","itemtype":"InvtPart"}],"hasMore":false}"#;
const ITEM: &str = "/record/v1/inventoryItem/482?expandSubResources=true";
const ADJUSTMENT: &str = "/record/v1/inventoryAdjustment/eid:op-1?replace=inventory";

fn push_stock(script: &Script, base: &str) -> Outcome {
    push_stock_again(script, base, None)
}

fn push_stock_again(script: &Script, base: &str, first_sent_ms: Option<u64>) -> Outcome {
    let write = Write { first_sent_ms, ..write(Some("482:2"), stock("133"), stock(base)) };
    NetSuite::push(script, &ctx(), Kind::StockLevel, &[write]).unwrap().remove(0)
}

#[test]
fn stock_is_moved_by_the_difference_under_the_operations_id() {
    let script = script()
        .answer("POST", SUITEQL, 200, TYPE)
        .answer("GET", ITEM, 200, &item("140.0"))
        .answer("PUT", ADJUSTMENT, 204, "")
        .answer("GET", ITEM, 200, &item("133.0"));
    let outcome = push_stock(&script, "140");
    assert!(matches!(&outcome, Outcome::Applied(state) if state.fields["on_hand"] == number("133")), "{outcome:?}");
    assert!(script.body(2).contains(r#""adjustQtyBy":-7"#), "{}", script.body(2));
}

#[test]
fn stock_that_moved_meanwhile_is_left_alone() {
    let script = script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, &item("141"));
    let outcome = push_stock(&script, "140");
    assert!(matches!(&outcome, Outcome::Stale(Observed::Present(state)) if state.fields["on_hand"] == number("141")));
    assert_eq!(script.sent().len(), 2);
}

#[test]
fn a_sale_that_comes_out_at_what_is_wanted_is_still_a_sale() {
    let script = script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, &item("133"));
    assert!(matches!(push_stock(&script, "140"), Outcome::Stale(Observed::Present(_))));
}

#[test]
fn stock_that_an_earlier_try_moved_is_not_moved_again() {
    // Somebody sold two since: that is their movement, and ours is done.
    let booked = "/record/v1/inventoryAdjustment/eid:op-1";
    let script = script().answer("POST", SUITEQL, 200, TYPE).answer("GET", booked, 200, r#"{"id":"77"}"#).answer(
        "GET",
        ITEM,
        200,
        &item("131"),
    );
    let outcome = push_stock_again(&script, "140", Some(NOW - 5_000));
    assert!(matches!(&outcome, Outcome::Applied(state) if state.fields["on_hand"] == number("131")), "{outcome:?}");
    // A try that never arrived is made again.
    let lost = self::script()
        .answer("POST", SUITEQL, 200, TYPE)
        .answer("GET", booked, 404, r#"{"status":404,"o:errorDetails":[{"o:errorCode":"NONEXISTENT_ID"}]}"#)
        .answer("GET", ITEM, 200, &item("140"))
        .answer("PUT", ADJUSTMENT, 204, "")
        .answer("GET", ITEM, 200, &item("133"));
    assert!(matches!(push_stock_again(&lost, "140", Some(NOW - 5_000)), Outcome::Applied(_)));
}

#[test]
fn a_write_without_an_answer_is_unknown_and_one_that_is_refused_is_not() {
    let until_put = || script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, &item("140"));
    let lost = until_put().fail("PUT", ADJUSTMENT, HttpFault::Unknown("no answer".to_owned()));
    assert!(matches!(push_stock(&lost, "140"), Outcome::Unknown(_)));
    let refused = r#"{"status":400,"o:errorDetails":[{"detail":"no","o:errorCode":"USER_ERROR"}]}"#;
    let refused = until_put().answer("PUT", ADJUSTMENT, 400, refused);
    assert!(matches!(push_stock(&refused, "140"), Outcome::Rejected(it) if it.code == "USER_ERROR"));
    let busy = until_put().answer("PUT", ADJUSTMENT, 429, "");
    assert!(matches!(push_stock(&busy, "140"), Outcome::Retry(..)));
}

#[test]
fn an_order_that_is_there_is_not_created_again() {
    let there = r#"{"id":"9001","externalId":"key-1","otherRefNum":"PO-77","orderStatus":{"id":"B"},"total":37.5,
        "entity":{"id":"107"},"currency":{"id":"1"},"tranDate":"2026-11-22",
        "item":{"items":[{"line":1,"item":{"id":"482"},"quantity":3.0,"rate":12.5}]}}"#;
    let script = script().answer("GET", "/record/v1/salesOrder/eid:key-1", 200, there);
    let want = Fields::from([("company".to_owned(), Value::Text("107".to_owned()))]);
    let outcomes = NetSuite::push(&script, &ctx(), Kind::Order, &[write(None, want, Fields::new())]).unwrap();
    let Outcome::Applied(state) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((state.remote_id.as_str(), state.command_key.as_deref()), ("9001", Some("key-1")));
    let lines = r#"[{"item":"482","quantity":"3","unit_price":"12.5"}]"#;
    assert_eq!(state.fields["lines"], Value::Json(lines.to_owned()));
    assert_eq!(state.fields.get("number"), None, "the number of an order from elsewhere is not NetSuite's");
}

/// An order that has come so far, of whose two lines so much has left.
fn begun(status: &str, left: u32) -> String {
    format!(
        r#"{{"id":"9001","externalId":"key-1","orderStatus":{{"id":"{status}"}},"item":{{"items":[
            {{"line":1,"item":{{"id":"482"}},"quantity":3.0,"rate":12.5,"quantityFulfilled":{left}.0}}]}}}}"#
    )
}

fn off(from: &str) -> Write {
    let status = |it: &str| Fields::from([("status".to_owned(), Value::Text(it.to_owned()))]);
    write(Some("9001"), status("cancelled"), status(from))
}

#[test]
fn an_order_is_called_off_unless_some_of_it_has_left() {
    let path = "/record/v1/salesOrder/9001";
    let script = script().answer("GET", path, 200, &begun("B", 0)).answer("PATCH", path, 204, "").answer(
        "GET",
        path,
        200,
        &begun("C", 0),
    );
    let outcomes = NetSuite::push(&script, &ctx(), Kind::Order, &[off("open")]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Applied(_)), "{outcomes:?}");
    assert_eq!(script.body(1), r#"{"orderStatus":{"id":"C"}}"#);
    let parcels = r#"{"items":[{"parcel":"7","n":"1","source":"9001","item":"482","quantity":"-2","tracking":"1Z-7","carrier":"UPS"}],
        "hasMore":false}"#;
    let read = |left: u32| {
        self::script().answer("GET", path, 200, &begun("D", left)).answer("POST", "/query/v1/suiteql", 200, parcels)
    };
    let outcomes = NetSuite::push(&read(2), &ctx(), Kind::Order, &[off("partially-fulfilled")]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Rejected(it) if it.code == "has-left"), "{outcomes:?}");
    // A search that has not found all of it yet says nothing.
    let stale = |left: u32| {
        let outcomes = NetSuite::push(&read(left), &ctx(), Kind::Order, &[off("open")]).unwrap();
        let Outcome::Stale(Observed::Present(state)) = &outcomes[0] else { panic!("{outcomes:?}") };
        state.fields.get("fulfilments").cloned()
    };
    let left = r#"[{"carrier":"UPS","item":"482","quantity":"2","tracking":"1Z-7"}]"#;
    assert_eq!((stale(2), stale(3)), (Some(Value::Json(left.to_owned())), None));
}

/// What an order is made of.
fn made_of(quantity: u32, charges: &str) -> Fields {
    let lines = format!(r#"[{{"item":"482","quantity":"{quantity}","unit_price":"12.5"}}]"#);
    let rows = [("lines", lines), ("charges", charges.to_owned())];
    rows.into_iter().map(|(name, rows)| (name.to_owned(), Value::Json(rows))).collect()
}

#[test]
fn p5_an_edit_replaces_the_lines_of_what_nobody_touched() {
    let path = "/record/v1/salesOrder/9001";
    let mut ctx = ctx();
    ctx.settings = ctx.settings.with("order-charges", "shipping=501");
    let charges = r#"[{"kind":"shipping","title":"Express","amount":"9.5"}]"#;
    let write = write(Some("9001"), made_of(5, charges), made_of(3, "[]"));
    let script = script().answer("GET", path, 200, &begun("B", 0)).answer("PATCH", path, 204, "").answer(
        "GET",
        path,
        200,
        &begun("B", 0),
    );
    let outcomes = NetSuite::push(&script, &ctx, Kind::Order, std::slice::from_ref(&write)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Applied(_)), "{outcomes:?}");
    let expect = concat!(
        r#"{"item":{"items":[{"item":{"id":"482"},"quantity":5,"rate":12.5},"#,
        r#"{"item":{"id":"501"},"quantity":1,"rate":9.5}]}}"#
    );
    assert_eq!(script.body(1), expect);
    assert!(script.sent()[1].url.ends_with("?replace=item"), "{}", script.sent()[1].url);
    // Somebody edited it here meanwhile.
    let other = begun("B", 0).replace("3.0", "4.0");
    let outcomes = NetSuite::push(
        &self::script().answer("GET", path, 200, &other),
        &ctx,
        Kind::Order,
        std::slice::from_ref(&write),
    );
    assert!(matches!(&outcomes.unwrap()[0], Outcome::Stale(_)));
    // Some of it has left.
    let parcels = r#"{"items":[{"parcel":"7","n":"1","source":"9001","item":"482","quantity":"-2"}],"hasMore":false}"#;
    let left =
        self::script().answer("GET", path, 200, &begun("D", 2)).answer("POST", "/query/v1/suiteql", 200, parcels);
    let outcomes = NetSuite::push(&left, &ctx, Kind::Order, &[write]).unwrap();
    let Outcome::Rejected(why) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(why.code, "edited");
    assert!(why.message.contains("item 482: 3 -> 5, shipping: 0 -> 9.5"), "{}", why.message);
}

fn order(lines: Option<&str>) -> Fields {
    let text = |it: &str| Value::Text(it.to_owned());
    // 23:30 of the day before, where the account is.
    let fields = [("company", text("107")), ("placed_at", text("2026-11-21T07:30:00Z"))];
    let mut fields: Fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
    fields.extend(lines.map(|it| ("lines".to_owned(), Value::Json(it.to_owned()))));
    fields
}

const ORDER: &str = "/record/v1/salesOrder/eid:key-1";

#[test]
fn an_order_is_booked_on_the_accounts_day() {
    let booked = r#"{"id":"9001","externalId":"key-1","tranDate":"2026-11-20"}"#;
    let script =
        script().answer("GET", ORDER, 404, NOWHERE).answer("PUT", ORDER, 204, "").answer("GET", ORDER, 200, booked);
    let want = order(Some(r#"[{"item":"482","quantity":"3","unit_price":"12.5"}]"#));
    let outcomes = NetSuite::push(&script, &ctx(), Kind::Order, &[write(None, want, Fields::new())]).unwrap();
    let Outcome::Applied(state) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(script.body(1).contains(r#""tranDate":"2026-11-20""#), "{}", script.body(1));
    assert_eq!(state.fields.get("placed_at"), None, "a day is not the moment that was asked for");
}

#[test]
fn lines_that_nobody_tells_are_for_a_person_to_enter() {
    let refused = |lines: Option<&str>| {
        let script = script().answer("GET", ORDER, 404, NOWHERE);
        let write = write(None, order(lines), Fields::new());
        let outcome = NetSuite::push(&script, &ctx(), Kind::Order, &[write]).unwrap().remove(0);
        let Outcome::Rejected(why) = outcome else { panic!("{outcome:?}") };
        why
    };
    let why = refused(None);
    assert!(why.code == "no-net-lines" && why.message.contains("include taxes"), "{why:?}");
    assert_eq!(refused(Some("[]")).code, "incomplete");
}

#[test]
fn a_delta_asks_in_the_accounts_zone_and_goes_on_behind_the_last_id() {
    let row = r#"{"id":"482","itemid":"BOLT-8","isinactive":"F","lm":"2026-11-21 03:59:00"}"#;
    let script = script().answer("POST", SUITEQL, 200, &format!(r#"{{"items":[{row}],"hasMore":true}}"#));
    let since = format!(r#"{{"reach":{{"since":{0},"seen":{0},"deep":{0}}}}}"#, NOW - 60_000);
    let page = NetSuite::pull(&script, &ctx(), Kind::Item, Some(&since), 60_000).unwrap();
    assert!(script.body(0).contains(r#""params":["0","2026-11-21 03:58:00"]"#), "{}", script.body(0));
    let Observed::Present(state) = &page.entries[0] else { panic!("{page:?}") };
    assert_eq!(state.changed_at_ms, Some(NOW - 60_000));
    assert!(page.more);
    let empty = r#"{"items":[],"hasMore":false}"#;
    let next = self::script().answer("POST", SUITEQL, 200, empty).answer("POST", SUITEQL, 200, empty);
    let end = NetSuite::pull(&next, &ctx(), Kind::Item, Some(&page.cursor), 60_000).unwrap();
    assert!(next.body(0).contains(r#""params":["482","2026-11-21 03:58:00"]"#), "{}", next.body(0));
    assert!(!end.more);
    let expect = format!(r#"{{"reach":{{"since":{},"seen":{NOW},"deep":{}}},"#, NOW - 30_000, NOW + 30_000);
    assert!(end.cursor.starts_with(&expect), "{}", end.cursor);
}

#[test]
fn an_item_whose_prices_may_go_on_is_left_to_the_next_page() {
    let row = |item: u32, level: u32| format!(r#"{{"item":"{item}","pricelevel":"{level}","unitprice":"1"}}"#);
    let rows = [row(1, 1), row(1, 5), row(2, 1)].join(",");
    let script = script().answer("POST", SUITEQL, 200, &format!(r#"{{"items":[{rows}],"hasMore":true}}"#));
    let page = NetSuite::pull(&script, &ctx(), Kind::Price, None, 0).unwrap();
    let ids: Vec<&str> =
        page.entries.iter().map(|it| if let Observed::Present(it) = it { &it.remote_id } else { "" }).collect();
    assert_eq!(ids, ["1:1", "5:1"]);
    assert!(page.cursor.contains(r#""after":"1""#), "{}", page.cursor);
}

/// It stops a write that was not sent yet; of one that was, nobody knows what became.
#[test]
fn p3_a_page_in_place_of_an_answer_is_never_a_write_that_was_done() {
    let error = r#"{"status":500,"o:errorDetails":[{"o:errorCode":"UNEXPECTED_ERROR"}]}"#;
    for body in ["<html>Sign in</html>", "", r#"{"id":"48"#, error] {
        let before = script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, body);
        let asked = write(Some("482:2"), stock("133"), stock("140"));
        let fault = NetSuite::push(&before, &ctx(), Kind::StockLevel, &[asked]);
        let is_none = matches!(fault, Err(Fault::Unavailable(_)));
        assert!(fault.is_err() && is_none == (body != error), "{body}: {fault:?}");
        assert!(before.sent().iter().all(|it| it.method != "PUT"), "{body}");
        // Whether or not the record can be read then: that it did not move would be taken for a movement back.
        for held in [body, &item("140")] {
            let after = script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, &item("140"));
            let after = after.answer("PUT", ADJUSTMENT, 200, body).answer("GET", ITEM, 200, held);
            let outcome = push_stock(&after, "140");
            assert!(matches!(outcome, Outcome::Unknown(_)), "{body}: {outcome:?}");
        }
    }
}

#[test]
fn a_login_page_and_half_an_answer_are_never_data() {
    for body in ["<html>Sign in</html>", r#"{"items":[{"id":"4"#, "", "{}"] {
        let script = script().answer("POST", SUITEQL, 200, body);
        let fault = NetSuite::read(&script, &ctx(), Kind::Item, &["482".to_owned()], false);
        let is_none = matches!(fault, Err(Fault::Unavailable(_)));
        assert!(is_none == (body != "{}") && fault.is_err(), "{body}: {fault:?}");
    }
}

/// It says nothing of what the role may ask, so the account's times are not taken for UTC.
#[test]
fn p10_a_page_in_place_of_the_time_is_no_clock_that_cannot_be_known() {
    for body in ["<html>Sign in</html>", "", r#"{"serverTime":"2026"#] {
        let script = Script::new().keep("catalog", CATALOG).answer("GET", "system/v1/serverTime", 200, body);
        let fault = NetSuite::pull(&script, &ctx(), Kind::Item, None, 0);
        assert!(matches!(fault, Err(Fault::Unavailable(_))), "{body}: {fault:?}");
        assert!(script.sent().iter().all(|it| !it.url.contains("suiteql")), "{body}");
    }
}

fn read_for_certain(script: &Script, kind: Kind, ids: &[&str]) -> Vec<Observed> {
    let ids: Vec<String> = ids.iter().map(|it| (*it).to_owned()).collect();
    NetSuite::read(script, &ctx(), kind, &ids, true).unwrap()
}

const NOWHERE: &str = r#"{"status":404,"o:errorDetails":[{"o:errorCode":"NONEXISTENT_ID"}]}"#;

#[test]
fn what_must_be_certain_is_read_from_the_records() {
    let prices = r#"{"items":[{"priceLevel":{"id":"5"},"quantity":{"value":0},"price":9.5}]}"#;
    let item = item("140").replace(r#""locations""#, &format!(r#""price":{prices},"locations""#));
    let script = || script().answer("POST", SUITEQL, 200, TYPE).answer("GET", ITEM, 200, &item);
    // One request says all of an item's stock and prices.
    let seen = read_for_certain(&script(), Kind::StockLevel, &["482:2", "482:3"]);
    let [Observed::Present(level), Observed::Absent(gone)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&level.fields["on_hand"], gone.as_str()), (&number("140"), "482:3"));
    let seen = read_for_certain(&script(), Kind::Price, &["5:482", "1:482"]);
    let [Observed::Present(price), Observed::Absent(gone)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&price.fields["amount"], gone.as_str()), (&number("9.5"), "1:482"));
}

#[test]
fn an_item_that_no_search_knows_is_looked_for_among_all_sorts() {
    let none = r#"{"items":[],"hasMore":false}"#;
    let kit = r#"{"id":"7","itemId":"KIT-7","lastModifiedDate":"2026-11-21T12:00:00Z"}"#;
    let path = |rest: &str| format!("/record/v1/{rest}/7?expandSubResources=true");
    let mut script = script().answer("POST", SUITEQL, 200, none);
    for rest in ["inventoryItem", "nonInventorySaleItem", "assemblyItem"] {
        script = script.answer("GET", &path(rest), 404, NOWHERE);
    }
    let script = script.answer("GET", &path("kitItem"), 200, kit).answer("POST", SUITEQL, 200, none);
    let seen = read_for_certain(&script, Kind::Item, &["7"]);
    assert!(matches!(&seen[..], [Observed::Present(it)] if it.changed_at_ms == Some(NOW)), "{seen:?}");
}

#[test]
fn a_record_is_dated_by_the_second_unless_the_search_lags() {
    let check = |second: &str, expect: u64| {
        let record = r#"{"id":"107","entityId":"ACME","lastModifiedDate":"2026-11-21T12:00:00Z"}"#;
        let row = format!(r#"{{"items":[{{"id":"107","lm":"{second}"}}],"hasMore":false}}"#);
        let script = script().answer("GET", "/record/v1/customer/107", 200, record).answer("POST", SUITEQL, 200, &row);
        let seen = read_for_certain(&script, Kind::Company, &["107"]);
        assert!(matches!(&seen[..], [Observed::Present(it)] if it.changed_at_ms == Some(expect)), "{seen:?}");
        // What a write came upon is dated like that, too.
        let script =
            self::script().answer("GET", "/record/v1/customer/107", 200, record).answer("POST", SUITEQL, 200, &row);
        let fields = |name: &str| Fields::from([("code".to_owned(), Value::Text(name.to_owned()))]);
        let outcomes =
            NetSuite::push(&script, &ctx(), Kind::Company, &[write(Some("107"), fields("NEW"), fields("OLD"))]);
        let stale = &outcomes.unwrap()[0];
        assert!(
            matches!(stale, Outcome::Stale(Observed::Present(it)) if it.changed_at_ms == Some(expect)),
            "{stale:?}"
        );
    };
    check("2026-11-21 04:00:37", NOW + 37_000);
    check("2026-11-21 03:59:58", NOW);
}
