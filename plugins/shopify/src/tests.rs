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

fn price(list: &str, currency: &str) -> Write {
    let text = |it: &str| Value::Text(it.to_owned());
    let want = [("list", text(list)), ("item", text("4501")), ("currency", text(currency)), ("amount", number("9"))];
    Write {
        remote_id: Some("base:4501".to_owned()),
        want: want.map(|(name, value)| (name.to_owned(), value)).into(),
        changed: vec!["amount".to_owned()],
        base: Fields::from([("amount".to_owned(), number("12.5"))]),
        ..write("4501", "0", "0")
    }
}

#[test]
fn a_base_price_in_another_currency_is_no_price_of_the_shop() {
    let items = |price: &str| {
        let variant = VARIANT.replace("12.50", price);
        format!(r#"{{"data":{{"nodes":[{{"id":"x","variants":{{"nodes":[{variant}]}}}}]}}}}"#)
    };
    let lists = r#"{"data":{"priceLists":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}"#;
    let own = r#"{"data":{"shop":{"currencyCode":"USD"}}}"#;
    let script = script(&[&items("12.50"), lists, own]);
    let outcomes = Shopify::push(&script, &ctx(), Kind::Price, &[price("base", "EUR")]).unwrap();
    let Outcome::Rejected(why) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((why.code.as_str(), script.sent().len()), ("foreign-currency", 3), "{why:?}");
    assert!(why.message.contains("USD") && why.message.contains("EUR"), "{why:?}");
    // In the shop's own it is written.
    let script = self::script(&[&items("12.50"), lists, own, &items("12.50"), own, &set(&[""]), &items("9.00"), own]);
    let outcomes = Shopify::push(&script, &ctx(), Kind::Price, &[price("base", "USD")]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Applied(state) if state.fields["amount"] == number("9")), "{outcomes:?}");
    assert!(script.body(5).contains(r#""price":"9""#), "{}", script.body(5));
}

#[test]
fn a_test_order_is_no_order() {
    let order = |id: u32, test: bool| {
        format!(
            r##"{{"id":"gid://shopify/Order/{id}","name":"#{id}","processedAt":"2026-11-21T08:01:02Z",
            "updatedAt":"2026-11-21T08:01:03Z","test":{test},"currencyCode":"USD","taxesIncluded":false,
            "displayFulfillmentStatus":"UNFULFILLED","currentTotalPriceSet":{{"shopMoney":{{"amount":"0.0"}}}},
            "currentShippingPriceSet":{{"shopMoney":{{"amount":"0.0"}}}},"currentTotalDiscountsSet":{{"shopMoney":{{"amount":"0.0"}}}},
            "lineItems":{{"nodes":[]}}}}"##
        )
    };
    let (trial, real) = (order(1, true), order(2, false));
    let all = format!(r#"{{"data":{{"orders":{{"nodes":[{trial},{real}],"pageInfo":{{"hasNextPage":false}}}}}}}}"#);
    let page = Shopify::pull(&script(&[&all]), &ctx(), Kind::Order, None, 0).unwrap();
    assert!(matches!(&page.entries[..], [Observed::Present(it)] if it.remote_id == "2"), "{page:?}");
    let some = format!(r#"{{"data":{{"nodes":[{trial},{real}]}}}}"#);
    let ids = ["1".to_owned(), "2".to_owned()];
    let found = Shopify::read(&script(&[&some]), &ctx(), Kind::Order, &ids, false).unwrap();
    assert!(matches!(&found[..], [Observed::Absent(it), Observed::Present(_)] if it == "1"), "{found:?}");
    let found = format!(r#"{{"data":{{"orderByIdentifier":{trial}}}}}"#);
    assert_eq!(Shopify::find(&script(&[&found]), &ctx(), Kind::Order, "key-1").unwrap(), None);
}

/// An order of five, of which these parcels have left.
fn shipped(parcels: &[(&str, u32)]) -> String {
    let parcel = |(tracking, n): &(&str, u32)| {
        format!(
            r#"{{"status":"SUCCESS","location":{{"id":"gid://shopify/Location/67"}},
            "trackingInfo":[{{"company":"UPS","number":"{tracking}"}}],"fulfillmentLineItems":{{"nodes":[
            {{"quantity":{n},"lineItem":{{"variant":{{"inventoryItem":{{"id":"gid://shopify/InventoryItem/1"}}}}}}}}]}}}}"#
        )
    };
    let parcels: Vec<String> = parcels.iter().map(parcel).collect();
    format!(
        r##"{{"data":{{"nodes":[{{"id":"gid://shopify/Order/9","name":"#9","processedAt":"2026-11-21T08:01:02Z",
        "updatedAt":"2026-11-21T08:01:03Z","test":false,"currencyCode":"USD","taxesIncluded":false,
        "displayFulfillmentStatus":"UNFULFILLED","currentTotalPriceSet":{{"shopMoney":{{"amount":"0.0"}}}},
            "currentShippingPriceSet":{{"shopMoney":{{"amount":"0.0"}}}},"currentTotalDiscountsSet":{{"shopMoney":{{"amount":"0.0"}}}},
        "fulfillments":[{}],"lineItems":{{"nodes":[]}}}}]}}}}"##,
        parcels.join(",")
    )
}

/// Tells the shop of these parcels, where it was known to have shipped those.
fn told(want: &[(&str, u32)], base: &[(&str, u32)]) -> Write {
    let rows = |parcels: &[(&str, u32)]| {
        let row = |(tracking, n): &(&str, u32)| {
            format!(r#"{{"carrier":"UPS","item":"1","quantity":"{n}","tracking":"{tracking}"}}"#)
        };
        // Sets come sorted.
        let mut parcels = parcels.to_vec();
        parcels.sort_by_key(|(tracking, n)| (*n, *tracking));
        let rows: Vec<String> = parcels.iter().map(row).collect();
        Fields::from([("fulfilments".to_owned(), Value::Json(format!("[{}]", rows.join(","))))])
    };
    let (remote_id, changed) = (Some("9".to_owned()), vec!["fulfilments".to_owned()]);
    Write { remote_id, changed, want: rows(want), base: rows(base), ..write("9", "0", "0") }
}

const OPEN: &str = r#"{"data":{"order":{"fulfillmentOrders":{"nodes":[{"id":"gid://shopify/FulfillmentOrder/3",
    "status":"IN_PROGRESS","lineItems":{"nodes":[{"id":"gid://shopify/FulfillmentOrderLineItem/4","remainingQuantity":2,
    "lineItem":{"variant":{"inventoryItem":{"id":"gid://shopify/InventoryItem/1"}}}}]}}]}}}}"#;

#[test]
fn p6_a_parcel_is_told_once() {
    let push = |script: &Script, write: Write| Shopify::push(script, &ctx(), Kind::Order, &[write]).unwrap().remove(0);
    let (first, both) = ([("Z1", 3)], [("Z1", 3), ("Z2", 2)]);
    let tells = script(&[&shipped(&first), OPEN, &set(&[""]), &shipped(&both)]);
    let Outcome::Applied(state) = push(&tells, told(&both, &first)) else { panic!("not applied") };
    let body = tells.body(2);
    assert!(
        body.contains(
            r#""fulfillmentOrderLineItems":[{"id":"gid://shopify/FulfillmentOrderLineItem/4","quantity":2}]"#
        ),
        "{body}"
    );
    assert!(body.contains(r#""number":"Z2""#) && body.contains(r#""notifyCustomer":false"#), "{body}");
    let taken = r#"[{"item":"1","location":"67","quantity":"5"}]"#;
    assert_eq!(state.fields["taken"], Value::Json(taken.to_owned()));
    // It was told by a try whose answer was lost.
    assert!(matches!(push(&script(&[&shipped(&both)]), told(&both, &first)), Outcome::Applied(_)));
    // It may still be told by one.
    let again = Write { first_sent_ms: Some(NOW - 1_000), ..told(&both, &first) };
    assert!(matches!(push(&script(&[&shipped(&first)]), again), Outcome::Retry(Some(4_000), _)));
    // Somebody fulfilled something here meanwhile.
    let other = [("Z1", 3), ("Z9", 1)];
    assert!(matches!(push(&script(&[&shipped(&other)]), told(&both, &first)), Outcome::Stale(_)));
    let refused = push(&script(&[&shipped(&other)]), told(&both, &other));
    assert!(matches!(&refused, Outcome::Rejected(it) if it.code == "fulfilled-here"), "{refused:?}");
    let more = [("Z1", 3), ("Z2", 3)];
    let refused = push(&script(&[&shipped(&first), OPEN]), told(&more, &first));
    assert!(matches!(&refused, Outcome::Rejected(it) if it.code == "not-open"), "{refused:?}");
}

#[test]
fn the_first_creation_defines_what_it_is_found_by() {
    let create = |n: u32| Write { remote_id: None, base: Fields::new(), ..write(&n.to_string(), "0", "0") };
    let found = format!(r#"{{"data":{{"productByIdentifier":{{"variants":{{"nodes":[{VARIANT}]}}}}}}}}"#);
    let (none, made) = (r#"{"data":{"productByIdentifier":null}}"#, r#"{"data":{"productSet":{"userErrors":[]}}}"#);
    let defined = r#"{"data":{"metafieldDefinitionCreate":{"userErrors":[]}}}"#;
    let missing = r#"{"data":{"metafieldDefinitions":{"nodes":[]}}}"#;
    let there = r#"{"data":{"metafieldDefinitions":{"nodes":[{"type":{"name":"id"}}]}}}"#;
    let script = script(&[missing, defined, there, none, made, &found, none, made, &found]);
    let outcomes = Shopify::push(&script, &ctx(), Kind::Item, &[create(1), create(2)]).unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Applied(_))), "{outcomes:?}");
    assert_eq!(script.steps_left(), 0);
    // Where it cannot be defined, nothing is created.
    let refused = r#"{"data":{"metafieldDefinitionCreate":{"userErrors":[{"code":"LIMIT_EXCEEDED","message":"no"}]}}}"#;
    let script = self::script(&[missing, refused]);
    let outcomes = Shopify::push(&script, &ctx(), Kind::Order, &[create(1), create(2)]).unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Rejected(_))), "{outcomes:?}");
}

#[test]
fn a_check_looks_for_what_writing_orders_takes() {
    let check = |scopes: &[&str], writes_orders: &str| {
        let scopes: Vec<String> = scopes.iter().map(|it| format!(r#"{{"handle":"{it}"}}"#)).collect();
        let shop = format!(
            r#"{{"data":{{"shop":{{"name":"X","currencyCode":"USD"}},"currentAppInstallation":{{"accessScopes":[{}]}}}}}}"#,
            scopes.join(",")
        );
        let lists = r#"{"data":{"priceLists":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}"#;
        let defined = |nodes: &str| format!(r#"{{"data":{{"metafieldDefinitions":{{"nodes":[{nodes}]}}}}}}"#);
        let (items, orders) = (defined(""), defined(r#"{"type":{"name":"json"}}"#));
        let mut ctx = ctx();
        ctx.settings = ctx.settings.with("writes-orders", writes_orders);
        let version = r#"{"data":{"shop":{"name":"X"}}}"#;
        let found = Shopify::check(&script(&[&shop, version, lists, &items, &orders]), &ctx).unwrap();
        let about = |subject: &str| found.iter().find(|it| it.subject == subject).map(|it| it.ok);
        assert_eq!((about("custom ids of items"), about("custom ids of orders")), (Some(true), Some(false)));
        about("permission write_orders")
    };
    assert_eq!(check(&["read_orders"], "yes"), Some(false));
    assert_eq!(check(&["write_orders"], "yes"), Some(true));
    assert_eq!(check(&["read_orders"], "no"), None);
}
