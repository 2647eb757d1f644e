//! Stock: how it is written, and how it is followed.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Fault, Fields, Kind};

use super::business_central::{ITEM, MAIN, OTHER, ctx, ids, rows, script, with};
use super::{NOW, applied, fields, number, text, write};
use crate::Dynamics365;

fn stock_row(quantity: &str, etag: u32) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{etag}\"","id":"{OTHER}","itemNumber":"18:S","variantCode":"","locationCode":"MAIN",
            "quantity":{quantity},"lastModifiedDateTime":"2026-11-21T11:00:00Z"}}"#
    )
}

fn level(on_hand: &str) -> Fields {
    fields(&[("item", text(ITEM)), ("location", text(MAIN)), ("on_hand", number(on_hand))])
}

/// Answers a reading of a level.
fn reads_level(script: Script, quantity: &str, etag: u32) -> Script {
    let item = rows(&[&format!(r#"{{"id":"{ITEM}","number":"18:S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let places = rows(&[&format!(r#"{{"id":"{MAIN}","code":"MAIN"}}"#)]);
    script
        .answer("GET", "/itemLocationStocks?", 200, &rows(&[&stock_row(quantity, etag)]))
        .answer("GET", "/locations?", 200, &places)
        .answer("GET", "/items?", 200, &item)
}

/// A change of the level from 100 to 105.
fn five_more(sent: Option<u64>) -> Write {
    Write { first_sent_ms: sent, ..write(Some("18%3AS:MAIN"), level("105"), level("100")) }
}

fn push(script: &Script, write: Write) -> Outcome {
    Dynamics365::push(script, &ctx(), Kind::StockLevel, &[write]).unwrap().remove(0)
}

/// Answers the question for an earlier try.
fn looks_for_try(script: Script, found: &[&str]) -> Script {
    let filter = "/itemLocationAdjustments?$filter=externalReference%20eq%20%27op-1%27";
    script.answer("GET", filter, 200, &rows(found))
}

const MADE: &str = r#"{"@odata.etag":"x","id":"1","externalReference":"op-1"}"#;
const TAKEN: &str = r#"{"error":{"code":"Internal_EntityWithSameKeyExists","message":"It already exists."}}"#;

#[test]
fn stock_is_moved_by_the_difference_under_the_operations_id() {
    let script = reads_level(script(), "100", 4).answer("POST", "/itemLocationAdjustments", 201, MADE);
    let script = reads_level(script, "105", 5);
    assert_eq!(applied(&push(&script, five_more(None))).fields, level("105"));
    let body = r#"{"itemNumber":"18:S","locationCode":"MAIN","quantity":5,"externalReference":"op-1"}"#;
    assert_eq!((script.body(3).as_str(), script.steps_left()), (body, 0));
    let fewer = write(Some("18%3AS:MAIN"), level("99.75"), level("100"));
    let script = reads_level(self::script(), "100", 4).answer("POST", "/itemLocationAdjustments", 201, MADE);
    let script = reads_level(script, "99.75", 5);
    assert_eq!(applied(&push(&script, fewer)).fields, level("99.75"));
    assert!(script.body(3).contains(r#""quantity":-0.25"#), "{}", script.body(3));
}

#[test]
fn a_movement_that_was_carried_out_is_not_posted_again() {
    // Ours, and three that a person added.
    let script = looks_for_try(reads_level(script(), "108", 6), &[MADE]);
    let script = reads_level(script, "108", 6);
    assert_eq!(applied(&push(&script, five_more(Some(NOW)))).fields, level("108"));
    assert_eq!(script.steps_left(), 0);
    // It came through after it was looked for, or the engine forgot it.
    for sent in [None, Some(NOW)] {
        let script = reads_level(self::script(), "100", 4);
        let script = if sent.is_some() { looks_for_try(script, &[]) } else { script };
        let script = script.answer("POST", "/itemLocationAdjustments", 400, TAKEN);
        let script = reads_level(script, "105", 5);
        assert_eq!(applied(&push(&script, five_more(sent))).fields, level("105"), "{sent:?}");
    }
}

#[test]
fn a_movement_that_was_not_carried_out_is_posted_where_nothing_else_moved() {
    let script = looks_for_try(reads_level(script(), "100", 4), &[]);
    let script = reads_level(script.answer("POST", "/itemLocationAdjustments", 201, MADE), "105", 5);
    assert_eq!(applied(&push(&script, five_more(Some(NOW)))).fields, level("105"));
    assert!(script.body(4).contains(r#""quantity":5"#), "{}", script.body(4));
    // All of what is there is somebody else's, even where it is what is wanted.
    for there in ["103", "105"] {
        let script = looks_for_try(reads_level(self::script(), there, 5), &[]);
        let outcome = push(&script, five_more(Some(NOW)));
        assert!(matches!(&outcome, Outcome::Stale(Observed::Present(it)) if it.fields == level(there)), "{outcome:?}");
        let outcome = push(&reads_level(self::script(), there, 5), five_more(None));
        assert!(matches!(&outcome, Outcome::Stale(Observed::Present(_))), "{outcome:?}");
    }
}

#[test]
fn a_movement_without_an_answer_is_not_known() {
    let lost = reads_level(script(), "100", 4).fail("POST", "/itemLoc", HttpFault::Unknown(String::new()));
    assert!(matches!(push(&lost, five_more(None)), Outcome::Unknown(_)));
    let slow = reads_level(script(), "100", 4).answer("POST", "/itemLoc", 504, "");
    assert!(matches!(push(&slow, five_more(None)), Outcome::Unknown(_)));
    let locked = r#"{"error":{"code":"Application_DialogException","message":"It was locked by another user."}}"#;
    let locked = reads_level(script(), "100", 4).answer("POST", "/itemLoc", 400, locked);
    assert!(matches!(push(&locked, five_more(None)), Outcome::Retry(..)));
    let unsure = reads_level(script(), "108", 6).answer("GET", "/itemLocationAdjustments?", 503, "");
    let outcome = Dynamics365::push(&unsure, &ctx(), Kind::StockLevel, &[five_more(Some(NOW))]);
    assert!(matches!(outcome, Err(Fault::Unavailable(_))), "{outcome:?}");
}

/// Answers what is asked before a first quantity is written.
fn names_place(script: Script) -> Script {
    let item = rows(&[&format!(r#"{{"id":"{ITEM}","number":"18:S","baseUnitOfMeasureCode":"PCS"}}"#)]);
    let places = rows(&[&format!(r#"{{"id":"{MAIN}","code":"MAIN"}}"#)]);
    script.answer("GET", "/locations?", 200, &places).answer("GET", "/items?", 200, &item)
}

#[test]
fn a_first_quantity_goes_where_there_is_none() {
    let first = |on_hand: &str| write(None, level(on_hand), Fields::new());
    let nothing = |script: Script| script.answer("GET", "/itemLocationStocks?", 200, &rows(&[]));
    let script = nothing(names_place(script())).answer("POST", "/itemLocationAdjustments", 201, MADE);
    let script = reads_level(script, "7", 1);
    assert_eq!(applied(&push(&script, first("7"))).fields, level("7"));
    assert!(script.body(3).contains(r#""quantity":7"#), "{}", script.body(3));
    let script = reads_level(names_place(self::script()), "0", 1).answer("POST", "/itemLocationAdjust", 201, MADE);
    assert_eq!(applied(&push(&reads_level(script, "7", 2), first("7"))).fields, level("7"));
    let script = reads_level(names_place(self::script()), "2", 1);
    assert!(matches!(push(&script, first("7")), Outcome::Stale(Observed::Present(_))));
    // No movement makes a level of nothing.
    let script = nothing(names_place(self::script())).answer("POST", "/itemLocationStocks", 201, &stock_row("0", 1));
    assert_eq!(applied(&push(&reads_level(script, "0", 1), first("0"))).fields, level("0"));
    assert_eq!(applied(&push(&reads_level(names_place(self::script()), "0", 1), first("0"))).fields, level("0"));
}

#[test]
fn stock_is_set_where_it_still_is_what_was_known() {
    let push = |script: &Script, base: &str, sent: Option<u64>| {
        let mut write = write(Some("18%3AS:MAIN"), level("133"), level(base));
        write.first_sent_ms = sent;
        let ctx = with(&[("adjustment-path", "none")]);
        Dynamics365::push(script, &ctx, Kind::StockLevel, &[write]).unwrap().remove(0)
    };
    let written = reads_level(script(), "140", 4).answer("PATCH", "/itemLocationStocks(", 200, &stock_row("133", 5));
    let written = reads_level(written, "133", 5);
    assert_eq!(applied(&push(&written, "140", None)).fields, level("133"));
    assert_eq!(written.body(3), r#"{"quantity":133}"#);
    // A sale that comes out at what is wanted is still a sale, unless an earlier try may have been ours.
    assert!(matches!(push(&reads_level(script(), "133", 5), "140", None), Outcome::Stale(Observed::Present(_))));
    assert!(matches!(push(&reads_level(script(), "133", 5), "140", Some(NOW)), Outcome::Applied(_)));
    assert!(matches!(push(&reads_level(script(), "131", 5), "140", None), Outcome::Stale(_)));
    // Ours may be in it or not: whoever guesses counts a movement twice, or not at all.
    let odd = push(&reads_level(script(), "131", 5), "140", Some(NOW));
    assert!(matches!(&odd, Outcome::Rejected(it) if it.code == "cannot-tell"), "{odd:?}");
    let again = reads_level(script(), "140", 4).answer("PATCH", "/itemLocationStocks(", 200, &stock_row("133", 5));
    assert_eq!(applied(&push(&reads_level(again, "133", 5), "140", Some(NOW))).fields, level("133"));
    let lost = reads_level(script(), "140", 4).fail("PATCH", "/itemLoc", HttpFault::Unknown(String::new()));
    assert!(matches!(push(&lost, "140", None), Outcome::Unknown(_)));
}

#[test]
fn stock_that_nothing_stamps_is_followed_by_the_ledger() {
    let ctx = with(&[("stock-path", "none"), ("stock-location", "MAIN")]);
    let of_items = format!(r#"{{"@odata.etag":"x","id":"{ITEM}","number":"18:S","type":"Inventory","inventory":140}}"#);
    let services = format!(r#"{{"@odata.etag":"x","id":"{OTHER}","number":"SRV","type":"Service","inventory":0}}"#);
    let places = rows(&[&format!(r#"{{"id":"{MAIN}","code":"MAIN"}}"#)]);
    let script = script()
        .answer(
            "GET",
            "/itemLedgerEntries?$select=entryNumber&$orderby=entryNumber%20desc&$top=1",
            200,
            &rows(&[r#"{"entryNumber":900}"#]),
        )
        .answer("GET", "/items?", 200, &rows(&[&of_items, &services]))
        .answer("GET", "/locations?", 200, &places);
    let page = Dynamics365::pull(&script, &ctx, Kind::StockLevel, None, 0).unwrap();
    assert_eq!((ids(&page), page.more), (vec!["18%3AS:MAIN".to_owned()], false));
    let script = self::script().answer("GET", "/items?$filter=lastModifiedDateTime%20gt", 200, &rows(&[]));
    let page = Dynamics365::pull(&script, &ctx, Kind::StockLevel, Some(&page.cursor), 0).unwrap();
    let script = self::script()
        .answer("GET", "entryNumber%20gt%20700", 200, &rows(&[r#"{"entryNumber":901,"itemNumber":"18:S"}"#]))
        .answer("GET", "/items?$filter=number%20eq%20%2718%3AS%27", 200, &rows(&[&of_items]))
        .answer("GET", "/locations?", 200, &places);
    let page = Dynamics365::pull(&script, &ctx, Kind::StockLevel, Some(&page.cursor), 0).unwrap();
    assert_eq!((ids(&page), page.more), (vec!["18%3AS:MAIN".to_owned()], false));
    assert!(page.cursor.contains(r#""last":901"#), "{}", page.cursor);
}
