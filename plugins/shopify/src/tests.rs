//! Whole calls against scripted answers.

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fault, Fields, Kind, Value};

use crate::Shopify;

const GRAPHQL: &str = "/admin/api/2026-10/graphql.json";

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400_000;

fn ctx() -> Context {
    let settings = [("base-url".to_owned(), "https://x.example".to_owned())].into();
    Context { settings, now_ms: NOW }
}

fn script(answers: &[&str]) -> Script {
    answers.iter().fold(Script::new(), |script, body| script.answer("POST", GRAPHQL, 200, body))
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn stock(item: &str, on_hand: &str) -> Fields {
    let text = |it: &str| Value::Text(it.to_owned());
    [("item", text(item)), ("location", text("67")), ("on_hand", number(on_hand))]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn write(item: &str, want: &str, base: &str) -> Write {
    Write {
        op_id: format!("op-{item}"),
        remote_id: Some(format!("{item}:67")),
        command_key: format!("key-{item}"),
        want: stock(item, want),
        changed: vec!["on_hand".to_owned()],
        base: stock(item, base),
        base_version: String::new(),
        first_sent_ms: None,
    }
}

fn level(item: &str, on_hand: i32) -> String {
    format!(
        r#"{{"inventoryLevel":{{"isActive":true,"updatedAt":"2026-11-21T08:01:02Z",
        "item":{{"id":"gid://shopify/InventoryItem/{item}"}},"location":{{"id":"gid://shopify/Location/67"}},
        "quantities":[{{"name":"on_hand","quantity":{on_hand}}}]}}}}"#
    )
}

fn levels(levels: &[String]) -> String {
    format!(r#"{{"data":{{"nodes":[{}]}}}}"#, levels.join(","))
}

/// The answer to several mutations: the errors of each.
fn set(errors: &[&str]) -> String {
    let payload = |(at, errors): (usize, &&str)| format!(r#""m{at}":{{"userErrors":[{errors}]}}"#);
    format!(r#"{{"data":{{{}}}}}"#, errors.iter().enumerate().map(payload).collect::<Vec<_>>().join(","))
}

const STALE: &str =
    r#"{"code":"CHANGE_FROM_QUANTITY_STALE","field":["input","quantities","0","changeFromQuantity"],"message":"no"}"#;

fn push(script: &Script, writes: &[Write]) -> Vec<Outcome> {
    Shopify::push(script, &ctx(), Kind::StockLevel, writes).unwrap()
}

#[test]
fn a_write_of_stock_says_what_it_starts_from() {
    let script = script(&[&set(&[""]), &levels(&[level("1", 118)])]);
    let outcomes = push(&script, &[write("1", "118", "120")]);
    assert!(matches!(&outcomes[0], Outcome::Applied(state) if state.fields["on_hand"] == number("118")));
    let sent = script.body(0);
    for part in [r#""changeFromQuantity":120"#, r#""quantity":118"#, r#""name":"on_hand""#, r#""key0":"op-1""#] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
}

#[test]
fn one_bad_line_does_not_fail_the_others() {
    let read = levels(&[level("1", 5), level("2", 9), level("3", 7)]);
    let script = script(&[&set(&["", STALE, ""]), &read]);
    let outcomes = push(&script, &[write("1", "5", "4"), write("2", "6", "8"), write("3", "7", "6")]);
    assert!(matches!(&outcomes[0], Outcome::Applied(_)), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Outcome::Stale(Observed::Present(it)) if it.fields["on_hand"] == number("9")));
    assert!(matches!(&outcomes[2], Outcome::Applied(_)), "{outcomes:?}");
    assert!(script.body(0).contains(r#""key2":"op-3""#), "{}", script.body(0));
}

#[test]
fn a_sale_that_comes_out_at_what_is_wanted_is_still_a_sale() {
    let answers = || script(&[&set(&[STALE]), &levels(&[level("1", 118)])]);
    assert!(matches!(push(&answers(), &[write("1", "118", "120")])[0], Outcome::Stale(_)));
    // Also after a try that nobody heard of again: had it been carried out, its key would say so.
    let repeated = |ago_ms: u64| Write { first_sent_ms: Some(NOW - ago_ms), ..write("1", "118", "120") };
    assert!(matches!(push(&answers(), &[repeated(60_000)])[0], Outcome::Stale(_)));
    // Once the key is forgotten, it is most likely our own.
    assert!(matches!(push(&answers(), &[repeated(25 * 3_600_000)])[0], Outcome::Applied(_)));
}

#[test]
fn a_key_that_was_spent_on_a_failure_is_replaced() {
    let spent = r#"{"code":"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED","field":null,"message":"no"}"#;
    let script = script(&[&set(&[spent]), &set(&[spent]), &set(&[""]), &levels(&[level("1", 118)])]);
    assert!(matches!(push(&script, &[write("1", "118", "120")])[0], Outcome::Applied(_)));
    // The same keys in the same order every time: a try under the second whose answer was lost is found again.
    for (n, key) in [r#""key0":"op-1""#, r#""key0":"op-1-2""#, r#""key0":"op-1-3""#].into_iter().enumerate() {
        assert!(script.body(n).contains(key), "{}", script.body(n));
    }
}

#[test]
fn a_call_that_failed_as_a_whole_says_so_for_every_write() {
    let writes = [write("1", "5", "4"), write("2", "6", "8")];
    let throttled = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#;
    let outcomes = push(&script(&[throttled]), &writes);
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Retry(Some(_), _))), "{outcomes:?}");
    let lost = Script::new().fail("POST", GRAPHQL, HttpFault::Unknown("no answer".to_owned()));
    assert!(push(&lost, &writes).iter().all(|it| matches!(it, Outcome::Unknown(_))));
    let page = push(&script(&["<html>Log in"]), &writes);
    assert!(page.iter().all(|it| matches!(it, Outcome::Unknown(_))), "{page:?}");
}

const VARIANT: &str = r#"{"id":"gid://shopify/ProductVariant/77","sku":"BOLT-8","barcode":"","title":"Default Title",
    "price":"12.50","updatedAt":"2026-11-21T08:01:02Z","inventoryItem":{"id":"gid://shopify/InventoryItem/4501"},
    "product":{"id":"gid://shopify/Product/7","title":"Bolt M8","status":"ACTIVE","updatedAt":"2026-11-21T08:02:02Z"}}"#;

#[test]
fn what_is_null_is_absent_and_what_is_there_is_exact() {
    let answer = format!(r#"{{"data":{{"nodes":[null,{{"id":"x","variants":{{"nodes":[{VARIANT}]}}}}]}}}}"#);
    let script = script(&[&answer]);
    let ids = ["4500".to_owned(), "4501".to_owned()];
    let found = Shopify::read(&script, &ctx(), Kind::Item, &ids, false).unwrap();
    assert_eq!(found[0], Observed::Absent("4500".to_owned()));
    let Observed::Present(item) = &found[1] else { panic!("{found:?}") };
    assert_eq!(item.fields["code"], Value::Text("BOLT-8".to_owned()));
    assert_eq!(item.fields["barcode"], Value::Null);
    assert_eq!(item.fields["active"], Value::Flag(true));
}

#[test]
fn data_beside_errors_makes_nothing_vanish() {
    let partial =
        r#"{"data":{"nodes":[null]},"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;
    let fault = Shopify::read(&script(&[partial]), &ctx(), Kind::Item, &["4501".to_owned()], false);
    assert!(matches!(fault, Err(Fault::Unavailable(_))), "{fault:?}");
    let denied = r#"{"data":{"nodes":[null]},"errors":[{"message":"x","extensions":{"code":"ACCESS_DENIED"}}]}"#;
    let fault = Shopify::read(&script(&[denied]), &ctx(), Kind::Item, &["4501".to_owned()], false);
    assert!(matches!(fault, Err(Fault::Denied(_))), "{fault:?}");
}

#[test]
fn levels_are_walked_location_by_location() {
    let locations = r#"{"data":{"locations":{"nodes":[
        {"id":"gid://shopify/Location/68","name":"B","isActive":true},
        {"id":"gid://shopify/Location/67","name":"A","isActive":true}],"pageInfo":{"hasNextPage":false}}}}"#;
    let page = |more: bool| {
        format!(
            r#"{{"data":{{"location":{{"inventoryLevels":{{"nodes":[],
            "pageInfo":{{"hasNextPage":{more},"endCursor":"c1"}}}}}}}}}}"#
        )
    };
    let script = script(&[locations, &page(true), &page(false), &page(false)]);
    let walked = Shopify::pull(&script, &ctx(), Kind::StockLevel, None, 0).unwrap();
    assert!(!walked.more);
    assert_eq!(script.steps_left(), 0);
    assert!(script.body(1).contains("Location/67") && script.body(2).contains(r#""after":"c1""#));
    assert!(script.body(3).contains("Location/68"), "{}", script.body(3));
}
