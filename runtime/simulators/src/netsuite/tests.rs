//! An account to try things on, and what crosses several of its services.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::model::StockKey;
use super::seed::{SeedCustomer, SeedItem};
use super::settings::{CommitSkew, Script, Tba};
use super::{ItemEdit, Netsuite, Settings, auth};
use crate::faults::Faults;
use crate::journal::{Actor, Change};
use crate::system::{Request, Response, System, assert_copied};

/// 2026-07-01 12:00:30 UTC: 05:00:30 in Los Angeles.
pub(super) const START: UnixMs = UnixMs(1_782_907_230_000);
const ORIGIN: &str = "http://127.0.0.1:8080";

/// An account with two items, two locations, two price levels and a customer.
pub(super) struct Account {
    pub system: Netsuite,
    pub now: Cell<UnixMs>,
    nonce: Cell<u64>,
    tba: Tba,
}

/// An answer, taken apart.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    pub response: Response,
}

impl Answer {
    pub(super) fn code(&self) -> &str {
        self.body["o:errorDetails"][0]["o:errorCode"].as_str().unwrap_or_default()
    }

    pub(super) fn detail(&self) -> &str {
        self.body["o:errorDetails"][0]["detail"].as_str().unwrap_or_default()
    }

    /// The internal id at the end of `Location`.
    pub(super) fn id(&self) -> String {
        let location = self.response.headers()["location"].to_str().unwrap();
        location.rsplit('/').next().unwrap().to_owned()
    }
}

pub(super) fn seed() -> Value {
    json!({
        "locations": [{ "id": 1, "name": "Main" }, { "id": 2, "name": "East" }],
        "price_levels": [{ "id": 5, "name": "Gold" }],
        "items": [
            { "id": 482, "code": "BOLT-8", "title": "Bolt M8", "barcode": "4006381333931", "external_id": "bolt-8" },
            { "id": 483, "code": "NUT-8", "active": false },
        ],
        "prices": [
            { "item": 482, "level": 1, "amount": "12.5" },
            { "item": 482, "level": 1, "from": "10", "amount": "11" },
            { "item": 482, "level": 5, "amount": "10.25" },
            { "item": 482, "level": 1, "currency": 2, "amount": "9.99" },
        ],
        "stock": [
            { "item": 482, "location": 1, "on_hand": "140" },
            { "item": 482, "location": 2, "on_hand": "0.5" },
            { "item": 483, "location": 1, "on_hand": "7" },
        ],
        "customers": [{ "id": 107, "code": "ACME", "name": "Acme", "email": "a@acme.example", "price_level": 5 }],
    })
}

impl Account {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let text = |it: &str| it.to_owned();
        let tba = Tba {
            consumer_key: text("ck"),
            consumer_secret: text("cs"),
            token_id: text("tk"),
            token_secret: text("ts"),
        };
        let system = Netsuite::new(Settings { tba: Some(tba.clone()), ..settings }).unwrap();
        system.seed(START.minus(3_600_000), serde_json::from_value(seed()).unwrap()).unwrap();
        Self { system, now: Cell::new(START), nonce: Cell::new(0), tba }
    }

    /// A signed request.
    pub(super) fn request(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Request {
        self.nonce.set(self.nonce.get() + 1);
        let uri: http::Uri = format!("{ORIGIN}/services/rest/{path}").parse().unwrap();
        let when = (self.now.get().0 / 1_000, format!("n{}", self.nonce.get()));
        let header = auth::signed::sign(&self.tba, "1234567", (method, &uri), (when.0, &when.1));
        let mut request = http::Request::builder().method(method).uri(uri).header("authorization", header);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        request.body(body).unwrap()
    }

    pub(super) fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_with(method, path, body, &[])
    }

    pub(super) fn call_with(&self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        self.send(&self.request(method, path, &body, headers))
    }

    pub(super) fn send(&self, request: &Request) -> Answer {
        let response = self.system.answer(self.now.get(), request);
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Answer { status: response.status().as_u16(), body, response }
    }

    pub(super) fn query(&self, page: &str, statement: &str, params: Value) -> Answer {
        let body = json!({ "q": statement, "params": params });
        self.call_with("POST", &format!("query/v1/suiteql{page}"), body, &[("prefer", "transient")])
    }

    pub(super) fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(format!("{ORIGIN}{path}")).body(body).unwrap();
        let response = self.system.admin(self.now.get(), &request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// `actor kind id field=value` of every change from `from` on.
    pub(super) fn changes(&self, from: usize) -> Vec<String> {
        let line = |it: Change| format!("{:?} {} {} {}={}", it.actor, it.kind, it.id, it.field, it.value);
        self.system.journal().since(from).into_iter().map(line).collect()
    }

    pub(super) fn on_hand(&self, item: u64, location: u64) -> String {
        self.system.stock_at(StockKey { item, location }).unwrap().on_hand.to_string()
    }

    pub(super) fn wait(&self, ms: u64) {
        self.now.set(self.now.get().plus(ms));
    }
}

#[test]
fn a_refused_login_never_says_why_and_the_side_log_does() {
    let account = Account::new();
    let path = "record/v1/customer/107";
    let request = account.request("GET", path, &Value::Null, &[]);
    assert_eq!(account.send(&request).status, 200);
    let tampered = |f: &dyn Fn(&mut Request)| {
        let mut request = account.request("GET", path, &Value::Null, &[]);
        f(&mut request);
        let answer = account.send(&request);
        assert_eq!((answer.status, answer.code()), (401, "INVALID_LOGIN"));
        account.send(&account.request("GET", path, &Value::Null, &[]));
        account.system.refusals().last().unwrap().reason
    };
    assert_eq!(tampered(&|it| *it = request.clone()), "NonceUsed");
    assert_eq!(
        tampered(&|it| *it.uri_mut() = format!("{ORIGIN}/services/rest/{path}?x=1").parse().unwrap()),
        "InvalidSignature"
    );
    assert_eq!(tampered(&|it| *it.method_mut() = http::Method::DELETE), "InvalidSignature");
    let edit = |it: &mut Request, from: &str, to: &str| {
        let header = it.headers()["authorization"].to_str().unwrap().replace(from, to);
        it.headers_mut().insert("authorization", header.parse().unwrap());
    };
    assert_eq!(tampered(&|it| edit(it, "\"ck\"", "\"other\"")), "consumer_key_unknown");
    assert_eq!(tampered(&|it| edit(it, "\"tk\"", "\"other\"")), "token_rejected");
    assert_eq!(tampered(&|it| edit(it, "1234567", "7654321")), "token_rejected");
    assert_eq!(tampered(&|it| edit(it, "HMAC-SHA256", "HMAC-SHA1")), "UnknownAlgorithm");
    assert_eq!(tampered(&|it| edit(it, "1782907230", "1782900000")), "InvalidTimestamp");
    assert_eq!(tampered(&|it| drop(it.headers_mut().remove("authorization"))), "MissingAuthorization");
}

#[test]
fn five_failures_lock_a_token_for_half_an_hour() {
    let account = Account::new();
    let path = "system/v1/serverTime";
    let request = account.request("GET", path, &Value::Null, &[]);
    account.send(&request);
    for _ in 0..5 {
        assert_eq!(account.send(&request).status, 401);
    }
    assert_eq!(account.call("GET", path, Value::Null).status, 401);
    assert_eq!(account.system.refusals().last().unwrap().reason, "temporary_locked");
    account.wait(30 * 60 * 1_000);
    let answer = account.call("GET", path, Value::Null);
    assert_eq!((answer.status, answer.body["serverTime"].as_str()), (200, Some("2026-07-01T12:30:30.000Z")));
}

#[test]
fn a_bad_bearer_is_answered_as_documented() {
    let account = Account::new();
    let uri = format!("{ORIGIN}/services/rest/system/v1/serverTime");
    let with = |header: &str| {
        let request = http::Request::get(&uri).header("authorization", header).body(Bytes::new()).unwrap();
        let answer = account.send(&request);
        let header = answer.response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        (answer.status, header)
    };
    let (status, header) = with("Bearer abc");
    assert_eq!(status, 401);
    let expect = "Bearer realm=\"1234567\", error=\"invalid_token\", error_description=\"Invalid login attempt.\"";
    assert_eq!(header, expect);
    let (status, header) = with("Bearer ");
    assert!(status == 400 && header.contains("error=\"invalid_request\""));
}

#[test]
fn the_token_endpoint_refuses_without_a_client() {
    let account = Account::new();
    let form = "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
                client-assertion-type%3Ajwt-bearer&client_assertion=x";
    for (body, error) in [(form, "invalid_client"), ("grant_type=password", "invalid_request")] {
        let uri = format!("{ORIGIN}/services/rest/auth/oauth2/v1/token");
        let answer = account.send(&http::Request::post(uri).body(Bytes::from(body)).unwrap());
        assert_eq!((answer.status, &answer.body), (400, &json!({ "error": error })));
        assert_eq!(account.system.refusals().last().unwrap().scheme, "token");
    }
}

#[test]
fn a_sixth_request_at_a_time_is_refused() {
    let account = Account::new();
    for _ in 0..5 {
        account.system.in_flight(true);
    }
    assert_eq!(account.call("GET", "system/v1/governanceLimits", Value::Null).body["integrationConcurrencyLimit"], 5);
    account.system.in_flight(true);
    let answer = account.call("GET", "system/v1/serverTime", Value::Null);
    assert_eq!((answer.status, answer.code()), (429, "CONCURRENCY_LIMIT_EXCEEDED"));
    assert_eq!(answer.response.headers().get("retry-after"), None);
    account.system.in_flight(false);
    assert_eq!(account.call("GET", "system/v1/serverTime", Value::Null).status, 200);
}

#[test]
fn a_person_edits_everything_at_the_admin_door() {
    let account = Account::new();
    let from = account.system.journal().len();
    let done = (200, json!({}));
    assert_eq!(account.admin("PUT", "/stock/482/1", json!({ "on_hand": "133.5" })), done);
    assert_eq!(account.admin("PATCH", "/items/482", json!({ "title": "Bolt", "active": false })), done);
    let price = json!({ "amount": "13", "breaks": [{ "from": "10", "amount": "9.5" }] });
    assert_eq!(account.admin("PUT", "/prices/1/482", price), done);
    assert_eq!(account.admin("PATCH", "/customers/107", json!({ "email": "b@acme.example" })), done);
    assert_eq!(account.admin("DELETE", "/items/483", Value::Null), done);
    assert_eq!(
        account.changes(from),
        [
            "Human stock-level 482:1 on_hand=133.5",
            "Human item 482 title=Bolt",
            "Human item 482 active=false",
            "Human price 1:482 amount=13",
            "Human price 1:482 breaks=[{\"amount\":\"9.5\",\"from\":\"10\"}]",
            "Human company 107 email=b@acme.example",
            "Human stock-level 483:1 deleted=",
            "Human item 483 deleted=",
        ]
    );
    assert_eq!(account.admin("GET", "/stock/482/1", Value::Null).1["available"], "133.5");
    assert_eq!(account.admin("GET", "/adjustments", Value::Null).1[0]["lines"][0]["quantity"], "-6.5");
    assert_eq!(account.admin("GET", "/deleted", Value::Null).1[0]["script_id"], "inventoryitem");
    assert_eq!(account.admin("PUT", "/stock/9/9", json!({ "on_hand": "1" })).0, 400);
    assert_eq!(account.admin("PUT", "/stock/482/1", json!({ "onhand": "1" })).0, 400);
    assert_eq!(account.admin("GET", "/nothing", Value::Null).0, 404);
}

#[test]
fn a_person_adds_items_and_customers_and_steers_orders() {
    let account = Account::new();
    let (system, now) = (&account.system, account.now.get());
    let item = system.add_item(now, SeedItem { title: Some("Pin".to_owned()), ..SeedItem::new("PIN-3") }).unwrap();
    let customer = system.add_customer(now, SeedCustomer::new("ZINC")).unwrap();
    assert!(system.add_item(now, SeedItem::new("pin-3")).is_err());
    system.set_on_hand(now, StockKey { item, location: 2 }, "4".parse().unwrap()).unwrap();
    let order = json!({
        "entity": { "id": customer.to_string() },
        "item": { "items": [{ "item": { "id": item.to_string() }, "quantity": 6, "rate": 1, "location": { "id": "2" } }] },
    });
    account.call("PUT", "record/v1/salesOrder/eid:Z-1", order);
    let order = system.orders()[0].id;
    let stock = system.stock_at(StockKey { item, location: 2 }).unwrap();
    assert_eq!((stock.committed.to_string(), stock.backordered.to_string()), ("4".to_owned(), "2".to_owned()));
    let from = system.journal().len();
    assert_eq!(account.admin("PUT", &format!("/orders/{order}/status"), json!({ "status": "cancelled" })).0, 200);
    let expect = [format!("System stock-level {item}:2 committed=0"), format!("Human order {order} status=cancelled")];
    assert_eq!(account.changes(from), expect);
    assert_eq!(account.admin("POST", &format!("/orders/{order}/fulfil"), Value::Null).0, 400);
    assert_eq!(account.admin("GET", "/orders", Value::Null).1[0]["external_id"], "Z-1");
}

#[test]
fn settings_are_seen_and_changed_at_the_admin_door() {
    let account = Account::new();
    let (_, mut settings) = account.admin("GET", "/settings", Value::Null);
    assert_eq!(settings["concurrency_max"], 5);
    settings["time_zone"] = json!("Nowhere/Town");
    assert_eq!(account.admin("PUT", "/settings", settings.clone()).0, 400);
    settings["time_zone"] = json!("UTC");
    assert_eq!(account.admin("PUT", "/settings", settings).0, 200);
    let answer = account.query("", "SELECT TO_CHAR(SYSDATE,'YYYY-MM-DD HH24:MI:SS') t FROM dual", json!([]));
    assert_eq!(answer.body["items"][0]["t"], "2026-07-01 12:00:30");
}

#[test]
fn the_script_posts_a_hint_for_every_save_but_an_import() {
    let script = Script { url: "http://hooks.example/n".to_owned(), secret: "s".to_owned() };
    let account = Account::with(Settings { script: Some(script), ..Settings::default() });
    assert_eq!(account.system.take_webhooks(), []);
    let edit = ItemEdit { title: Some("B".to_owned()), ..ItemEdit::default() };
    account.system.set_item(account.now.get(), 482, edit).unwrap();
    account.system.set_on_hand(account.now.get(), StockKey { item: 482, location: 1 }, "3".parse().unwrap()).unwrap();
    account.call("PATCH", "record/v1/customer/107", json!({ "email": "c@acme.example" }));
    let hints: Vec<Value> =
        account.system.take_webhooks().iter().map(|it| serde_json::from_slice(&it.body).unwrap()).collect();
    let seen: Vec<(&str, &str, &Value)> =
        hints.iter().map(|it| (it["type"].as_str().unwrap(), it["event"].as_str().unwrap(), &it["items"])).collect();
    let (none, some) = (json!([]), json!(["482"]));
    assert_eq!(
        seen,
        [("inventoryitem", "edit", &none), ("inventoryadjustment", "create", &some), ("customer", "edit", &none)]
    );
    assert_eq!(account.system.take_webhooks(), []);
}

#[test]
fn searches_lag_and_records_do_not() {
    let account = Account::new();
    account.system.set_faults(&Faults { search_lag_ms: 5_000, ..Faults::default() });
    let edit = ItemEdit { title: Some("New".to_owned()), ..ItemEdit::default() };
    account.system.set_item(account.now.get(), 482, edit).unwrap();
    let searched = || {
        let answer = account.query("", "SELECT displayname FROM item WHERE id = 482", json!([]));
        answer.body["items"][0]["displayname"].as_str().unwrap().to_owned()
    };
    account.wait(4_999);
    assert_eq!(searched(), "Bolt M8");
    assert_eq!(account.call("GET", "record/v1/inventoryItem/482", Value::Null).body["displayName"], "New");
    let listed = "record/v1/inventoryItem?q=displayName%20IS%20New";
    assert_eq!(account.call("GET", listed, Value::Null).body["count"], 0);
    account.wait(1);
    assert_eq!(searched(), "New");
    assert_eq!(account.call("GET", listed, Value::Null).body["count"], 1);
}

#[test]
fn a_long_transaction_commits_with_an_older_stamp() {
    let skew = CommitSkew { per_mille: 1_000, ms_max: 60_000, seed: 3 };
    let account = Account::with(Settings { commit_skew: skew, ..Settings::default() });
    account.system.set_item(START, 482, ItemEdit { title: Some("X".to_owned()), ..ItemEdit::default() }).unwrap();
    let modified = account.system.item(482).unwrap().modified;
    assert!(modified < START && START.since(modified) < 60_000, "{modified}");
    assert_eq!(account.system.journal().since(0).last().unwrap().at, START);
}

#[test]
fn the_same_requests_give_the_same_account() {
    let run = || {
        let account = Account::new();
        account.call("POST", "record/v1/customer", json!({ "companyName": "New", "subsidiary": { "id": "1" } }));
        account.wait(1_000);
        account.call("PATCH", "record/v1/inventoryItem/482", json!({ "displayName": "Y" }));
        let from_api = account.system.journal().since(0).into_iter().filter(|it| it.actor == Actor::Api).count();
        assert!(from_api > 1);
        (account.changes(0), format!("{:?}", account.system.customers()))
    };
    assert_eq!(run(), run());
}

#[test]
fn the_fault_menu_copies() {
    let account = Account::new();
    let mailed = account.request("PATCH", "record/v1/customer/107", &json!({ "email": "d@acme.example" }), &[]);
    assert_copied(&account.system, START, &mailed);
}

#[tokio::test]
async fn callers_who_hang_up_give_their_place_back() {
    let tba = Account::new().tba;
    let system = Netsuite::new(Settings { tba: Some(tba.clone()), ..Settings::default() }).unwrap();
    let served = crate::serve::serve(Arc::new(system)).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(50)).build().unwrap();
    let call = |n: u32| {
        let uri: http::Uri = format!("http://{}/services/rest/system/v1/serverTime", served.api).parse().unwrap();
        let now = jiff::Timestamp::now().as_second().unsigned_abs();
        let header = auth::signed::sign(&tba, "1234567", ("GET", &uri), (now, &n.to_string()));
        client.get(uri.to_string()).header("authorization", header).send()
    };
    let silent = Faults { timeout_before: 1_000, ..Faults::default() };
    served.door.set_faults(silent);
    for n in 0..6 {
        assert!(call(n).await.unwrap_err().is_timeout());
    }
    served.door.set_faults(Faults::default());
    // The server learns of the last hang-up a moment after the caller does.
    for n in 6..200 {
        if call(n).await.is_ok_and(|it| it.status() == 200) {
            return;
        }
    }
    panic!("places are held for callers who left");
}
