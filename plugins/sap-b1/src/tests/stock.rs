//! Stock.

use super::*;

pub(super) fn stock(on_hand: &str) -> Fields {
    fields(&[("item", text("A1")), ("location", text("01")), ("on_hand", number(on_hand))])
}

pub(super) fn stocked(on_hand: &str, more: &str) -> String {
    format!(
        r#"{{"ItemCode":"A1",{more}"ItemWarehouseInfoCollection":[{{"WarehouseCode":"02","InStock":1.0}},
            {{"WarehouseCode":"01","InStock":{on_hand},"StandardAveragePrice":7.1}}]}}"#
    )
}

pub(super) fn push_stock(script: &Script, want: &str, first_sent_ms: Option<u64>) -> Outcome {
    let write = Write { first_sent_ms, ..write(Some("A1:01"), stock(want), stock("140")) };
    push(script, &ctx_with(&[("stock-account", "7000")]), Kind::StockLevel, write)
}

#[test]
fn stock_is_moved_by_the_difference_under_the_operations_mark() {
    let check = |want: &str, entity: &'static str, line: &str| {
        let script = script()
            .answer("GET", ITEM, 200, &stocked("140.0", ""))
            .answer("POST", entity, 201, r#"{"DocEntry":7}"#)
            .answer("GET", ITEM, 200, &stocked(want, ""));
        let outcome = push_stock(&script, want, None);
        assert!(matches!(&outcome, Outcome::Applied(it) if it.fields["on_hand"] == number(want)), "{outcome:?}");
        let expect = format!(r#"{{"DocDate":"2026-11-21","NumAtCard":"ts:op-1","DocumentLines":[{line}]}}"#);
        assert_eq!(script.body(1), expect);
    };
    let line = r#"{"ItemCode":"A1","WarehouseCode":"01","Quantity":7,"AccountCode":"7000"}"#;
    check("133", "InventoryGenExits", line);
    let line = r#"{"ItemCode":"A1","WarehouseCode":"01","Quantity":0.5,"UnitPrice":7.1,"AccountCode":"7000"}"#;
    check("140.5", "InventoryGenEntries", line);
}

#[test]
fn stock_that_moved_or_is_tracked_is_left_alone() {
    let moved = script().answer("GET", ITEM, 200, &stocked("141", ""));
    assert!(matches!(push_stock(&moved, "133", None), Outcome::Stale(Observed::Present(_))));
    // A sale that comes out at what is wanted is still a sale.
    let sold = script().answer("GET", ITEM, 200, &stocked("133", ""));
    assert!(matches!(push_stock(&sold, "133", None), Outcome::Stale(Observed::Present(_))));
    let tracked = script().answer("GET", ITEM, 200, &stocked("140", r#""ManageBatchNumbers":"tYES","#));
    assert!(matches!(push_stock(&tracked, "133", None), Outcome::Rejected(it) if it.code == "tracked-item"));
}

#[test]
fn what_was_taken_between_the_look_and_the_issue_is_news_and_no_refusal() {
    let refused = |after: &str| {
        let script = script()
            .answer("GET", ITEM, 200, &stocked("140", ""))
            .answer("POST", "InventoryGenExits", 400, &error("-10"))
            .answer("GET", ITEM, 200, &stocked(after, ""));
        push_stock(&script, "0", None)
    };
    let outcome = refused("139");
    assert!(matches!(&outcome, Outcome::Stale(Observed::Present(it)) if it.fields["on_hand"] == number("139")));
    assert!(matches!(refused("140"), Outcome::Rejected(it) if it.code == "-10"));
}

#[test]
fn stock_that_an_earlier_try_moved_is_not_moved_again() {
    let marked = "InventoryGenExits?$select=DocEntry,Cancelled&$filter=NumAtCard%20eq%20'ts%3Aop-1'";
    let script = script()
        .answer("GET", "InventoryGenEntries?", 200, NONE)
        .answer("GET", marked, 200, r#"{"value":[{"DocEntry":7,"Cancelled":"tNO"}]}"#)
        .answer("GET", ITEM, 200, &stocked("131", ""));
    let outcome = push_stock(&script, "133", Some(NOW - 5_000));
    assert!(matches!(&outcome, Outcome::Applied(it) if it.fields["on_hand"] == number("131")), "{outcome:?}");
    // One that left no trace may be under way, and is made again once it cannot be.
    let nowhere = || {
        let script = self::script().answer("GET", "InventoryGenEntries?", 200, NONE);
        script.answer("GET", "InventoryGenExits?", 200, NONE)
    };
    assert!(matches!(push_stock(&nowhere(), "133", Some(NOW - 44_999)), Outcome::Unknown(_)));
    let lost = nowhere()
        .answer("GET", ITEM, 200, &stocked("140", ""))
        .answer("POST", "InventoryGenExits", 201, r#"{"DocEntry":7}"#)
        .answer("GET", ITEM, 200, &stocked("133", ""));
    assert!(matches!(push_stock(&lost, "133", Some(NOW - 45_000)), Outcome::Applied(_)));
}

#[test]
fn a_write_without_an_answer_is_unknown_and_one_that_is_refused_is_not() {
    let until = || script().answer("GET", ITEM, 200, &stocked("140", ""));
    let lost = until().fail("POST", "InventoryGenExits", HttpFault::Unknown("no answer".to_owned()));
    assert!(matches!(push_stock(&lost, "133", None), Outcome::Unknown(_)));
    let refused = until().answer("POST", "InventoryGenExits", 400, &error("-5002"));
    assert!(matches!(push_stock(&refused, "133", None), Outcome::Rejected(it) if it.code == "-5002"));
    let away = until().answer("POST", "InventoryGenExits", 503, "<html>no</html>");
    assert!(matches!(push_stock(&away, "133", None), Outcome::Unknown(_)));
    let expired = until().answer("POST", "InventoryGenExits", 401, &error("301"));
    assert!(matches!(push_stock(&expired, "133", None), Outcome::Retry(..)));
}

#[test]
fn stock_is_read_whole_by_item_and_warehouse() {
    let rows = r#"{"value":[{"ItemCode":"A:1","WhsCode":"01","OnHand":140.0},{"ItemCode":"A:1","WhsCode":"02","OnHand":null}],
        "odata.nextLink":"x"}"#;
    let script = script().answer("GET", "/List?item=''&whs=''", 200, rows);
    let page = SapB1::pull(&script, &ctx(), Kind::StockLevel, None, 0).unwrap();
    let ids: Vec<&str> =
        page.entries.iter().map(|it| if let Observed::Present(it) = it { &it.remote_id } else { "" }).collect();
    assert_eq!(ids, ["A%3A1:01", "A%3A1:02"]);
    let next = self::script().answer("GET", "/List?item='A%3A1'&whs='02'", 200, NONE);
    assert!(!SapB1::pull(&next, &ctx(), Kind::StockLevel, Some(&page.cursor), 0).unwrap().more);
}
