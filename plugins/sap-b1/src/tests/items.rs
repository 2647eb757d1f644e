//! Items and companies.

use super::*;

pub(super) fn title(name: &str) -> Fields {
    fields(&[("code", text("A1")), ("title", text(name))])
}

pub(super) fn push_title(script: &Script) -> Outcome {
    push(script, &ctx_with(&[("sql-queries", "no")]), Kind::Item, write(Some("A1"), title("new"), title("old")))
}

#[test]
fn a_change_is_written_at_the_version_that_was_read() {
    let script = script().answer("GET", ITEM, 200, &item("old", "W/1")).answer("PATCH", ITEM, 204, "").answer(
        "GET",
        ITEM,
        200,
        &item("new", "W/2"),
    );
    let outcome = push_title(&script);
    assert!(matches!(&outcome, Outcome::Applied(it) if it.version == "W/2"), "{outcome:?}");
    assert!(script.sent()[1].headers.contains(&("if-match".to_owned(), "W/1".to_owned())));
    assert_eq!(script.body(1), r#"{"ItemName":"new"}"#);
    assert!(script.sent().iter().all(|it| it.headers.iter().all(|(name, _)| name != "expect")));
}

#[test]
fn what_changed_meanwhile_is_left_alone() {
    let held = |outcome: &Outcome| match outcome {
        Outcome::Stale(Observed::Present(it)) => it.fields["title"].clone(),
        other => panic!("{other:?}"),
    };
    let before = script().answer("GET", ITEM, 200, &item("other", "W/2"));
    assert_eq!(held(&push_title(&before)), text("other"));
    // Between the look and the write.
    let between = script()
        .answer("GET", ITEM, 200, &item("old", "W/1"))
        .answer("PATCH", ITEM, 412, &error("-2039"))
        .answer("GET", ITEM, 200, &item("other", "W/2"));
    assert_eq!(held(&push_title(&between)), text("other"));
    // Somebody saved something else of it.
    let beside = script()
        .answer("GET", ITEM, 200, &item("old", "W/1"))
        .answer("PATCH", ITEM, 412, &error("-2039"))
        .answer("GET", ITEM, 200, &item("old", "W/2"))
        .answer("PATCH", ITEM, 204, "")
        .answer("GET", ITEM, 200, &item("new", "W/3"));
    assert!(matches!(push_title(&beside), Outcome::Applied(it) if it.version == "W/3"));
    assert!(beside.sent()[3].headers.contains(&("if-match".to_owned(), "W/2".to_owned())));
    let gone = script().answer("GET", ITEM, 404, &error("-2028"));
    assert_eq!(push_title(&gone), Outcome::Stale(Observed::Absent("A1".to_owned())));
}

#[test]
fn a_creation_is_the_record_of_its_code() {
    let want = || write(None, title("new"), Fields::new());
    let make = |script: &Script| push(script, &ctx_with(&[("sql-queries", "no")]), Kind::Item, want());
    let fresh = script()
        .answer("GET", ITEM, 404, &error("-2028"))
        .answer("POST", "v2/Items", 201, &item("new", "W/1"))
        .answer("GET", ITEM, 200, &item("new", "W/1"));
    assert!(matches!(make(&fresh), Outcome::Applied(it) if it.remote_id == "A1"));
    assert_eq!(fresh.body(1), r#"{"ItemCode":"A1","ItemName":"new"}"#);
    let there = script().answer("GET", ITEM, 200, &item("new", "W/1"));
    assert!(matches!(make(&there), Outcome::Applied(_)));
    // Somebody was faster, with another name.
    let raced = script()
        .answer("GET", ITEM, 404, &error("-2028"))
        .answer("POST", "v2/Items", 400, &error("-2035"))
        .answer("GET", ITEM, 200, &item("theirs", "W/1"));
    assert!(matches!(make(&raced), Outcome::Stale(Observed::Present(_))));
}
