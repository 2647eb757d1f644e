//! Statements and what they answer.

use serde_json::{Value, json};

use crate::netsuite::settings::{SalesLines, Settings, Ties};
use crate::netsuite::tests::{Account, START};
use crate::netsuite::{ItemEdit, Seed};
use truthsource_core::draw::Draw;

/// Rows as `name=value …`, one a line; the search engine's words if it refuses.
fn shown(account: &Account, statement: &str, params: Value) -> String {
    let answer = account.query("", statement, params);
    if answer.status != 200 {
        assert_eq!((answer.status, answer.code()), (400, "INVALID_PARAMETER"));
        assert_eq!(answer.body["o:errorDetails"][0]["o:errorQueryParam"], "q");
        return answer.detail().split_once("Search error occurred: ").unwrap().1.to_owned();
    }
    let rows = answer.body["items"].as_array().unwrap().iter().map(|row| {
        let members = row.as_object().unwrap().iter().filter(|(name, _)| *name != "links");
        let cells = members.map(|(name, value)| format!("{name}={}", value.as_str().expect("all values are strings")));
        cells.collect::<Vec<_>>().join(" ")
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn check(statement: &str, params: Value, expect: &str) {
    assert_eq!(shown(&Account::new(), statement, params), expect, "{statement}");
}

#[test]
fn columns_are_strings_and_nulls_are_left_out() {
    check(
        "SELECT id, itemid, DisplayName, isinactive, upccode AS Code FROM item ORDER BY id",
        json!([]),
        "code=4006381333931 displayname=Bolt M8 id=482 isinactive=F itemid=BOLT-8\nid=483 isinactive=T itemid=NUT-8",
    );
    check("SELECT COUNT(*) FROM item", json!([]), "expr1=2");
    check("SELECT * FROM dual", json!([]), "");
}

#[test]
fn conditions_follow_the_database() {
    let sum = |condition: &str, params: Value, expect: &str| {
        check(&format!("SELECT id FROM item WHERE {condition} ORDER BY id"), params, expect);
    };
    sum("itemid = ?", json!(["BOLT-8"]), "id=482");
    sum("id > ? AND isinactive = 'T'", json!(["482"]), "id=483");
    sum("(itemid > ? OR (itemid = ? AND id > ?))", json!(["BOLT-8", "BOLT-8", 481]), "id=482\nid=483");
    sum("id IN (1, 483, ?)", json!([2]), "id=483");
    sum("id NOT IN (483)", json!([]), "id=482");
    sum("id BETWEEN 480 AND 482", json!([]), "id=482");
    sum("displayname IS NULL", json!([]), "id=483");
    sum("displayname <> 'x'", json!([]), "id=482");
    sum("NOT (displayname = 'x')", json!([]), "id=482");
    sum("displayname = 'x' OR displayname IS NULL", json!([]), "id=483");
    sum("UPPER(itemid) LIKE 'B_LT%'", json!([]), "id=482");
    sum("NVL(displayname, itemid) = 'NUT-8'", json!([]), "id=483");
    sum("id = '483'", json!([]), "id=483");
    sum("displayname = ''", json!([]), "");
    sum("id + 1 = 483", json!([]), "id=482");
    sum("MOD(id, 100) = 82 AND MOD(0 - id, 100) = -82", json!([]), "id=482");
    sum("MOD(id, 0) = id AND MOD(id, NULL) IS NULL", json!([]), "id=482\nid=483");
    sum("id >= 10000", json!([]), "");
    sum("id < 0", json!([]), "");
    sum("CASE WHEN isinactive = 'T' THEN 1 ELSE 0 END = 1", json!([]), "id=483");
}

#[test]
fn stock_and_prices_join_what_they_refer_to() {
    check(
        "SELECT s.item, BUILTIN.DF(s.location) loc, s.quantityonhand q, s.quantityavailable a \
         FROM aggregateitemlocation s JOIN item i ON i.id = s.item WHERE i.isinactive = 'F' ORDER BY s.item, s.location",
        json!([]),
        "a=140 item=482 loc=Main q=140\na=0.5 item=482 loc=East q=0.5",
    );
    check(
        "SELECT item, BUILTIN.DF(pricelevel) level, quantity, unitprice, currency FROM pricing \
         ORDER BY item, pricelevel, currency, quantity",
        json!([]),
        "currency=1 item=482 level=Base Price quantity=0 unitprice=12.5\n\
         currency=1 item=482 level=Base Price quantity=10 unitprice=11\n\
         currency=2 item=482 level=Base Price quantity=0 unitprice=9.99\n\
         currency=1 item=482 level=Gold quantity=0 unitprice=10.25",
    );
    check(
        "SELECT i.itemid, p.unitprice FROM item i LEFT JOIN pricing p ON p.item = i.id AND p.pricelevel = 5 ORDER BY 1",
        json!([]),
        "itemid=BOLT-8 unitprice=10.25\nitemid=NUT-8",
    );
    check(
        "SELECT i.itemid FROM item i LEFT JOIN pricing p ON p.item = i.id WHERE p.item IS NULL",
        json!([]),
        "itemid=NUT-8",
    );
    check(
        "SELECT pricelevel, COUNT(*) n, MAX(unitprice) m FROM pricing GROUP BY pricelevel ORDER BY pricelevel",
        json!([]),
        "m=12.5 n=3 pricelevel=1\nm=10.25 n=1 pricelevel=5",
    );
    check("SELECT DISTINCT item FROM pricing ORDER BY item", json!([]), "item=482");
}

#[test]
fn rows_are_limited_before_or_after_they_are_ordered() {
    check("SELECT id FROM item ORDER BY id DESC FETCH FIRST 1 ROWS ONLY", json!([]), "id=483");
    check("SELECT id FROM item WHERE ROWNUM <= 1 ORDER BY id DESC", json!([]), "id=482");
    check("SELECT displayname d FROM item ORDER BY displayname", json!([]), "d=Bolt M8\n");
    check("SELECT displayname d FROM item ORDER BY displayname DESC", json!([]), "\nd=Bolt M8");
}

#[test]
fn what_does_not_exist_is_refused_as_documented() {
    check(
        "SELECT subsidiary FROM transaction",
        json!([]),
        "Unknown identifier 'subsidiary'. Available identifiers are: {transaction=transaction}.",
    );
    check("SELECT id FROM nothing", json!([]), "Record 'nothing' was not found.");
    check(
        "SELECT id FROM item LIMIT 1",
        json!([]),
        "Invalid or unsupported search: LIMIT; use FETCH FIRST n ROWS ONLY or ROWNUM",
    );
    check("SELECT id FROM item WHERE id = ?", json!([]), "Missing value for a parameter");
    check("SELECT id FROM item WHERE id = 'x'", json!([]), "Invalid number");
    check("SELECT NOPE(id) FROM item", json!([]), "Unknown function 'nope'");
    check(
        "SELECT item FROM pricing p JOIN aggregateitemlocation s ON s.item = p.item",
        json!([]),
        "Column 'item' is ambiguously defined",
    );
    check("SELECT 1 / 0 x FROM dual", json!([]), "Divisor is equal to zero");
    check("DELETE FROM item", json!([]), "Only one SELECT statement is allowed");
    check(
        "SELECT id FROM item WHERE lastmodifieddate > '2026-01-01'",
        json!([]),
        "Invalid date: compare dates with TO_DATE or TO_TIMESTAMP",
    );
    let hidden = Settings { hidden_tables: vec!["deletedrecord".to_owned()], ..Settings::default() };
    let seen = shown(&Account::with(hidden), "SELECT name FROM deletedrecord", json!([]));
    assert_eq!(seen, "Record 'deletedrecord' was not found.");
    let single = Settings { multi_currency: false, ..Settings::default() };
    let seen = shown(&Account::with(single), "SELECT currency FROM pricing", json!([]));
    assert_eq!(seen, "Unknown identifier 'currency'. Available identifiers are: {pricing=pricing}.");
}

#[test]
fn times_are_the_accounts_own_and_whole_seconds() {
    let account = Account::new();
    let edit = |title: &str| ItemEdit { title: Some(title.to_owned()), ..ItemEdit::default() };
    let format = "'YYYY-MM-DD HH24:MI:SS'";
    let statement = format!(
        "SELECT id, TO_CHAR(lastmodifieddate, {format}) lm, lastmodifieddate plain FROM item \
         WHERE lastmodifieddate >= TO_TIMESTAMP(?, {format}) ORDER BY lastmodifieddate, id"
    );
    account.system.set_item(START.plus(999), 482, edit("a")).unwrap();
    let seen = shown(&account, &statement, json!(["2026-07-01 05:00:30"]));
    assert_eq!(seen, "id=482 lm=2026-07-01 05:00:30 plain=7/1/2026");
    assert_eq!(shown(&account, &statement, json!(["2026-07-01 05:00:31"])), "");

    // 2026-11-01 01:30 comes twice in Los Angeles; the text reads as the first, so that a cursor reads again.
    let first = 1_793_521_800_000;
    account.system.set_item(truthsource_core::UnixMs(first), 482, edit("b")).unwrap();
    account.system.set_item(truthsource_core::UnixMs(first + 3_600_000), 483, edit("c")).unwrap();
    let seen = shown(&account, &statement, json!(["2026-11-01 01:30:00"]));
    assert_eq!(seen, "id=482 lm=2026-11-01 01:30:00 plain=11/1/2026\nid=483 lm=2026-11-01 01:30:00 plain=11/1/2026");
}

#[test]
fn the_clock_can_be_calibrated() {
    let account = Account::new();
    let statement = "SELECT TO_CHAR(SYSDATE, 'YYYY-MM-DD HH24:MI:SS') now FROM dual";
    assert_eq!(shown(&account, statement, json!([])), "now=2026-07-01 05:00:30");
    let statement = "SELECT TO_CHAR(SYSDATE - 1.5, 'YYYY-MM-DD HH24:MI:SS') earlier FROM dual";
    assert_eq!(shown(&account, statement, json!([])), "earlier=2026-06-29 17:00:30");
    let statement = "SELECT TO_CHAR(SYSDATE - 5/24, 'HH24:MI:SS') earlier, 7 / 2 half FROM dual";
    assert_eq!(shown(&account, statement, json!([])), "earlier=00:00:30 half=3.5");
}

#[test]
fn orders_show_their_lines_from_the_warehouse() {
    let order = json!({
        "externalId": "SHOP-1", "entity": { "id": "107" }, "tranDate": "2026-06-30",
        "item": { "items": [{ "item": { "id": "482" }, "quantity": 3, "rate": 12.5, "location": { "id": "1" } }] },
    });
    let statement = "SELECT t.id, t.externalid, t.trandate, t.status, BUILTIN.DF(t.status) s, t.foreigntotal, l.item, \
                     l.quantity, l.netamount FROM transaction t JOIN transactionline l ON l.transaction = t.id \
                     WHERE t.type = 'SalesOrd' AND l.mainline = 'F' AND l.taxline = 'F'";
    for (sign, settings) in [("-", SalesLines::Negative), ("", SalesLines::Positive)] {
        let account = Account::with(Settings { sales_lines: settings, ..Settings::default() });
        account.call("PUT", "record/v1/salesOrder/eid:SHOP-1", order.clone());
        let expect = format!(
            "externalid=SHOP-1 foreigntotal=37.5 id=1 item=482 netamount={sign}37.5 quantity={sign}3 \
             s=Sales Order : Pending Fulfillment status=B trandate=6/30/2026"
        );
        assert_eq!(shown(&account, statement, json!([])), expect);
    }
}

#[test]
fn the_query_service_minds_its_rules() {
    let account = Account::new();
    let body = json!({ "q": "SELECT id FROM item" });
    let answer = account.call("POST", "query/v1/suiteql", body.clone());
    assert_eq!((answer.status, answer.code()), (400, "INVALID_HEADER"));
    for (page, place) in [
        ("?limit=1001", "limit"),
        ("?limit=0", "limit"),
        ("?limit=10&offset=5", "offset"),
        ("?offset=100000", "offset"),
    ] {
        let answer = account.query(page, "SELECT id FROM item", json!([]));
        assert_eq!((answer.status, answer.code()), (400, "INVALID_PARAMETER"), "{page}");
        assert_eq!(answer.body["o:errorDetails"][0]["o:errorQueryParam"], place);
    }
    assert_eq!(account.call("GET", "query/v1/suiteql", Value::Null).status, 405);
}

fn many(items: u64, ties: Ties) -> Account {
    let account = Account::with(Settings { ties, ..Settings::default() });
    let items: Vec<Value> = (1_000..1_000 + items).map(|id| json!({ "id": id, "code": format!("C{id}") })).collect();
    let seed: Seed = serde_json::from_value(json!({ "items": items })).unwrap();
    account.system.seed(START, seed).unwrap();
    account
}

/// Ids over all pages, following `next`.
fn paged(account: &Account, statement: &str) -> Vec<String> {
    let (mut page, mut ids) = ("?limit=100".to_owned(), Vec::new());
    loop {
        let answer = account.query(&page, statement, json!([]));
        let items = answer.body["items"].as_array().unwrap();
        assert_eq!(answer.body["count"], items.len());
        ids.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        let links = answer.body["links"].as_array().unwrap();
        let next = links.iter().find(|it| it["rel"] == "next").map(|it| it["href"].as_str().unwrap());
        assert_eq!(answer.body["hasMore"], next.is_some());
        let Some(next) = next else { return ids };
        page = format!("?{}", next.split_once('?').unwrap().1);
    }
}

#[test]
fn pages_follow_each_other_and_lose_rows_without_a_unique_order() {
    let account = many(248, Ties::Unstable);
    let whole: Vec<String> = [482, 483].into_iter().chain(1_000..1_248).map(|id: u64| id.to_string()).collect();
    assert_eq!(paged(&account, "SELECT id FROM item ORDER BY id"), whole);
    assert_eq!(paged(&account, "SELECT id FROM item ORDER BY lastmodifieddate, id"), whole);
    let torn = paged(&account, "SELECT id FROM item ORDER BY lastmodifieddate");
    assert!(torn.len() == whole.len() && torn != whole);
    let stable = many(248, Ties::Stable);
    assert_eq!(paged(&stable, "SELECT id FROM item ORDER BY lastmodifieddate"), whole);
}

#[test]
fn a_query_ends_after_a_hundred_thousand_rows() {
    let account = many(500, Ties::Unstable);
    let answer = account.query("", "SELECT a.id FROM item a, item b ORDER BY a.id, b.id", json!([]));
    assert_eq!(answer.body["totalResults"], 100_000);
    let answer = account.query("?offset=99000", "SELECT a.id FROM item a, item b ORDER BY a.id, b.id", json!([]));
    assert_eq!((&answer.body["count"], &answer.body["hasMore"]), (&json!(1_000), &json!(false)));
}

/// A condition over the columns of `pricing` and `item`, drawn.
fn condition(draw: Draw, n: u64, depth: u64) -> String {
    let inner = |at: u64| condition(draw, n * 3 + at, depth - 1);
    if depth > 0 {
        match draw.below(4, "shape", n) {
            0 => return format!("({} AND {})", inner(1), inner(2)),
            1 => return format!("({} OR {})", inner(1), inner(2)),
            2 => return format!("NOT ({})", inner(1)),
            _ => {}
        }
    }
    let column = ["p.item", "p.item", "i.id", "p.pricelevel", "i.isinactive"][draw.below(5, "column", n) as usize];
    let value = 1_000 + draw.below(12, "value", n);
    match draw.below(6, "leaf", n) {
        _ if column == "i.isinactive" => "i.isinactive = 'F'".to_owned(),
        0 => format!("{column} BETWEEN {value} AND {}", value + 3),
        1 => format!("{column} IN ({value}, {})", value + 5),
        2 => format!("'{value}' < {column}"),
        _ => format!("{column} {} {value}", ["=", "<", ">", "<=", ">=", "<>"][draw.below(6, "op", n) as usize]),
    }
}

#[test]
fn looking_at_part_of_a_table_never_loses_a_row() {
    let account = Account::new();
    let items: Vec<Value> = (1_000..1_012).map(|id| json!({ "id": id, "code": format!("C{id}") })).collect();
    let prices: Vec<Value> = (1_000..1_012)
        .filter(|id| id % 3 != 0)
        .flat_map(|id| [1, 5].map(|level| json!({ "item": id, "level": level, "amount": "2" })))
        .collect();
    let seed = serde_json::from_value(json!({ "items": items, "prices": prices })).unwrap();
    account.system.seed(START, seed).unwrap();
    let mut found = 0;
    for n in 0..300 {
        let condition = condition(Draw::new(n), 1, 3);
        for join in ["JOIN", "LEFT JOIN"] {
            let of = |condition: &str| {
                let from = format!("item i {join} pricing p ON p.item = i.id AND p.item < 1009");
                let statement =
                    format!("SELECT i.id, p.pricelevel FROM {from} WHERE {condition} ORDER BY i.id, p.pricelevel");
                shown(&account, &statement, json!([]))
            };
            // The second form gives no range away, so that every row is looked at.
            let seen = of(&condition);
            assert_eq!(seen, of(&format!("(({condition}) OR 0 = 1)")), "{condition}");
            found += usize::from(!seen.is_empty());
        }
    }
    assert!(found > 200, "{found}");
}

#[test]
fn a_list_of_keys_may_be_long() {
    let account = Account::new();
    let pairs: Vec<String> = (0..900).map(|n| format!("(item = {n} AND location = 1)")).collect();
    let statement = format!("SELECT item, quantityonhand q FROM aggregateitemlocation WHERE {}", pairs.join(" OR "));
    assert_eq!(shown(&account, &statement, json!([])), "item=482 q=140\nitem=483 q=7");
}
