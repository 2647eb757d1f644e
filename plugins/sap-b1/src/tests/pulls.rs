//! Listings and deltas.

use super::*;

pub(super) fn reach(since_ms: u64) -> String {
    format!(r#"{{"reach":{{"since":{since_ms},"seen":{since_ms},"deep":{since_ms}}}}}"#)
}

#[test]
fn a_delta_asks_for_seconds_and_goes_on_behind_the_last_key() {
    let key = r#"{"TheKey":"A1","UpdateDate":"20261121","UpdateTS":125937,"CreateDate":"20240201","CreateTS":91000}"#;
    let changes = format!(r#"{{"value":[{key}],"@odata.nextLink":"SQLQueries('x')/List?&$skip=1"}}"#);
    let items = format!(r#"{{"value":[{}]}}"#, item("bolt", "W/1"));
    let script = script().answer("GET", "/List?after=''&day='20261121'&time=125700", 200, &changes).answer(
        "GET",
        "Items?$select=ItemCode,ItemName,BarCode,Frozen,UpdateDate,UpdateTime,CreateDate,CreateTime&$filter=(ItemCode%20eq%20'A1')",
        200,
        &items,
    );
    let page = SapB1::pull(&script, &ctx(), Kind::Item, Some(&reach(NOW - 120_000)), 60_000).unwrap();
    let Observed::Present(state) = &page.entries[0] else { panic!("{page:?}") };
    assert_eq!((state.changed_at_ms, state.version.as_str()), (Some(NOW - 23_000), "W/1"));
    assert!(page.more);
    let next = self::script().answer("GET", "/List?after='A1'&day='20261121'&time=125700", 200, NONE);
    let end = SapB1::pull(&next, &ctx(), Kind::Item, Some(&page.cursor), 60_000).unwrap();
    assert!(!end.more);
    let expect = format!(r#"{{"reach":{{"since":{},"seen":{NOW},"deep":{}}}}}"#, NOW - 30_000, NOW + 30_000);
    assert_eq!(end.cursor, expect);
}

#[test]
fn a_query_that_is_missed_is_stored_once() {
    let missed = || script().answer("GET", "/List?", 404, &error("-2028"));
    let delta = reach(NOW - 1_000);
    let pull = |script: &Script| SapB1::pull(script, &ctx(), Kind::Company, Some(&delta), 0);
    let stored = missed().answer("POST", "SQLQueries", 201, "{}").answer("GET", "/List?", 200, NONE);
    assert!(!pull(&stored).unwrap().more);
    let body = stored.body(1);
    assert!(body.contains("FROM OCRD T0 WHERE T0.CardType = 'C' AND T0.CardCode > :after"), "{body}");
    let raced = missed().answer("POST", "SQLQueries", 400, &error("-2035")).answer("GET", "/List?", 200, NONE);
    assert!(pull(&raced).is_ok());
    let denied = missed().answer("POST", "SQLQueries", 403, &error("-6006"));
    assert!(matches!(pull(&denied), Err(Fault::Denied(_))));
    let listed = missed().answer("POST", "SQLQueries", 400, &error("702"));
    assert!(matches!(pull(&listed), Err(Fault::Denied(_))));
}

#[test]
fn without_stored_queries_a_day_is_read_and_what_is_older_than_the_minute_left_out() {
    let row = |code: &str, time: &str| {
        format!(r#"{{"ItemCode":"{code}","Frozen":"tNO","UpdateDate":"2026-11-21","UpdateTime":"{time}"}}"#)
    };
    let rows = [row("A1", "12:56:00"), row("A2", "12:57:00"), row("A3", "09:00:00")].join(",");
    let page = format!(r#"{{"value":[{rows}],"odata.nextLink":"/b1s/v1/Items?$skip=3"}}"#);
    let changed = "$filter=(UpdateDate%20ge%20'2026-11-21'%20or%20CreateDate%20ge%20'2026-11-21')&$orderby=ItemCode";
    let script = script().answer("GET", changed, 200, &page);
    let ctx = ctx_with(&[("sql-queries", "no"), ("api-version", "v1")]);
    let page = SapB1::pull(&script, &ctx, Kind::Item, Some(&reach(NOW - 150_000)), 0).unwrap();
    assert!(script.sent()[0].url.contains("/b1s/v1/Items?"));
    let [Observed::Present(state)] = &page.entries[..] else { panic!("{page:?}") };
    assert_eq!((state.remote_id.as_str(), state.changed_at_ms), ("A2", Some(NOW - 180_000)));
    // What was left out is behind us all the same.
    assert!(page.more && page.cursor.contains(r#""after":"A3""#), "{}", page.cursor);
}

#[test]
fn a_page_that_the_server_cuts_short_is_read_on() {
    let row = |code: &str| format!(r#"{{"WarehouseCode":"{code}","WarehouseName":"x","Inactive":"tNO"}}"#);
    let script = script()
        .answer(
            "GET",
            "Warehouses?",
            200,
            &format!(r#"{{"value":[{}],"@odata.nextLink":"Warehouses?$skip=1"}}"#, row("01")),
        )
        .answer("GET", "WarehouseCode%20gt%20'01'", 200, &format!(r#"{{"value":[{}]}}"#, row("02")));
    let ids = ["02", "01", "03"].map(str::to_owned);
    let seen = SapB1::read(&script, &ctx_with(&[("location-codes", "02=main")]), Kind::Location, &ids, false).unwrap();
    let [Observed::Present(main), Observed::Present(first), Observed::Absent(gone)] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!((&main.fields["code"], &first.fields["code"], gone.as_str()), (&text("main"), &text("01"), "03"));
}

#[test]
fn what_is_too_large_together_is_read_one_by_one() {
    let script = script()
        .fail("GET", "Warehouses?", HttpFault::TooLarge)
        .answer("GET", "Warehouses?", 200, r#"{"value":[{"WarehouseCode":"01"}]}"#)
        .fail("GET", "Warehouses?", HttpFault::TooLarge)
        .fail("GET", "Warehouses?", HttpFault::TooLarge);
    assert_eq!(SapB1::pull(&script, &ctx(), Kind::Location, None, 0).unwrap().entries.len(), 1);
    let prefer = |at: usize| script.sent()[at].headers.last().unwrap().1.clone();
    assert_eq!([prefer(0), prefer(1)], ["odata.maxpagesize=500", "odata.maxpagesize=1"]);
    assert!(matches!(SapB1::pull(&script, &ctx(), Kind::Location, None, 0), Err(Fault::Protocol(_))));
}
