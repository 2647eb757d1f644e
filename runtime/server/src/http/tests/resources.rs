//! What each resource does when asked properly.

use truthsource_core::record::{Claim, ConnectionId, HeldField, KeyState, RecordKey, Shadow, TruthField};
use truthsource_core::{Kind, UnixMs, Value};

use super::*;
use crate::store::{About, CallRow, Change, Conflict, ConnectionState, Debt, DebtState, Event, What, Work};

fn item(title: &str) -> KeyState {
    let mut state = KeyState::default();
    state.truth.version = 3;
    let claim = Claim {
        connection: ConnectionId(1),
        was: None,
        now: title.into(),
        changed_at: Some(UnixMs(1_000)),
        version: 3,
        seen: 0,
        was_of: None,
        passed: Vec::new(),
        filled_in: false,
    };
    let field = TruthField { claims: vec![claim], ..TruthField::decided(title.into(), 3) };
    state.truth.fields.insert("title".into(), field);
    let mut shadow = Shadow { remote_id: "gid/1".into(), ..Shadow::default() };
    shadow.fields.insert("title".into(), HeldField { value: title.into(), seen: 3, of: None });
    state.shadows.insert(ConnectionId(1), shadow);
    state
}

#[tokio::test]
async fn a_record_shows_its_truth_its_provenance_and_its_shadows() {
    let house = House::new().await.with_shop().await;
    let key = RecordKey::new(Kind::Item, "bolt-8%2f");
    house.acme.states.lock().unwrap().insert(key, item("Bolt"));
    let shown = house.get("/v1/records/item/bolt-8%252f").await;
    assert_eq!((shown.status.as_u16(), &shown.body["version"]), (200, &json!(3)));
    assert_eq!(shown.body["fields"]["title"]["claims"][0]["connection"], "shop");
    assert_eq!(shown.body["fields"]["title"]["claims"][0]["changed_at"], "1970-01-01T00:00:01Z");
    assert_eq!(shown.body["shadows"]["shop"]["holds"], json!({"title": "Bolt"}));
    let etag = shown.headers["etag"].clone();
    let again = Request::get("/v1/records/item/bolt-8%252f").header("authorization", format!("Bearer {}", house.key));
    let again = house.send(again.header("if-none-match", etag).body(Body::empty()).unwrap()).await;
    assert_eq!((again.status.as_u16(), again.body), (304, Json::Null));
    assert_eq!(house.get("/v1/records/item/none").await.code(), (404, "not-found"));
    assert_eq!(house.get("/v1/records/item/%00").await.code(), (404, "not-found"));
}

#[tokio::test]
async fn a_listing_goes_on_where_it_ended() {
    let house = House::new().await;
    for key in ["a", "b", "c"] {
        house.acme.states.lock().unwrap().insert(RecordKey::new(Kind::Item, key), item(key));
        house.zeta.states.lock().unwrap().insert(RecordKey::new(Kind::Item, key), item(key));
    }
    let first = house.get("/v1/records/item?limit=2").await;
    assert_eq!(first.body["items"], json!([{"kind": "item", "key": "a"}, {"kind": "item", "key": "b"}]));
    let next = format!("/v1/records/item?limit=2&cursor={}", first.body["next"].as_str().unwrap());
    let second = house.get(&next).await;
    assert_eq!((&second.body["items"], second.body.get("next")), (&json!([{"kind": "item", "key": "c"}]), None));
    // I8: another tenant's cursor is none.
    let theirs = house.call(&house.other, Method::GET, &next, Json::Null).await;
    assert_eq!(theirs.code(), (400, "invalid-cursor"));
}

#[tokio::test]
async fn a_timeline_tells_what_happened() {
    let house = House::new().await.with_shop().await;
    let key = RecordKey::new(Kind::Item, "a");
    let event = |id, what| Event { id, at: UnixMs(id), key: key.clone(), connection: Some(ConnectionId(1)), what };
    let moved = [("title".to_owned(), (None, Value::from("Bolt")))].into();
    let observed = What::Observed {
        cause: truthsource_core::record::Cause::Webhook,
        moved,
        changed_at: None,
        version: String::new(),
    };
    house.acme.events.lock().unwrap().extend([event(1, observed), event(2, What::Redriven { by: String::new() })]);
    let told = house.get("/v1/records/item/a/timeline").await;
    assert_eq!(told.body["items"][0]["moved"], json!({"title": {"now": "Bolt"}}));
    assert_eq!(
        (&told.body["items"][0]["cause"], &told.body["items"][1]["event"]),
        (&json!("webhook"), &json!("redriven"))
    );
    assert_eq!(told.body["items"][1]["connection"], "shop");
    let last = house.get("/v1/records/item/a/timeline?newest=true&limit=1").await;
    assert_eq!(last.body["items"], json!([told.body["items"][1]]));
    let cursor = last.body["next"].as_str().unwrap();
    let before = house.get(&format!("/v1/records/item/a/timeline?newest=true&limit=1&cursor={cursor}")).await;
    assert_eq!(before.body, json!({"items": [told.body["items"][0]]}));
    let turned = house.get(&format!("/v1/records/item/a/timeline?cursor={cursor}")).await;
    assert_eq!(turned.code(), (400, "invalid-cursor"));
    assert_eq!(house.get("/v1/records/item/b/timeline").await.code(), (404, "not-found"));
}

/// The kinds of which everything was to be told anew.
fn retold(house: &House) -> Vec<Kind> {
    let appended = house.acme.appended.lock().unwrap();
    appended.iter().filter_map(|it| if let Change::Retell { kind, .. } = it { Some(*kind) } else { None }).collect()
}

#[tokio::test]
async fn a_connection_is_made_checked_paused_and_resumed() {
    let house = House::new().await;
    let made = house.post("/v1/connections", shop("shop")).await;
    assert_eq!((made.status.as_u16(), &made.body["state"]), (201, &json!("new")));
    assert!(!made.body.to_string().contains("s3cret"));
    assert_eq!(house.post("/v1/connections", shop("shop")).await.code(), (409, "name-taken"));
    assert_eq!(house.post("/v1/connections/shop/resume", Json::Null).await.code(), (409, "check-first"));
    assert_eq!(house.post("/v1/connections/shop/sweep", Json::Null).await.code(), (409, "not-active"));
    let checked = house.post("/v1/connections/shop/check", Json::Null).await;
    assert_eq!((&checked.body["ok"], &checked.body["state"]), (&json!(true), &json!("active")));
    assert_eq!(retold(&house), [Kind::Item], "what is known already is told to it");
    assert_eq!(house.post("/v1/connections/shop/pause", Json::Null).await.body["state"], "paused");
    assert_eq!(house.post("/v1/connections/shop/resume", Json::Null).await.body["state"], "active");
    assert_eq!(house.get("/v1/connections").await.body["items"][0]["name"], "shop");
    let swept = house.post("/v1/connections/shop/sweep?kind=item", Json::Null).await;
    assert_eq!((swept.status.as_u16(), &swept.body["kinds"]), (202, &json!(["item"])));
    let is_sweep = |it: &Change| matches!(it, Change::Ask { kind: Kind::Item, work: Work::Sweep, .. });
    assert!(house.acme.appended.lock().unwrap().iter().any(is_sweep));
    let nothing = house.post("/v1/connections/shop/sweep?kind=order", Json::Null).await;
    assert_eq!(nothing.code(), (422, "not-connected"));
}

#[tokio::test]
async fn a_connection_whose_check_fails_says_why_and_stays_off() {
    let house = House::new().await;
    assert_eq!(house.post("/v1/connections", shop("broken")).await.status, 201);
    let checked = house.post("/v1/connections/broken/check", Json::Null).await;
    assert_eq!((checked.status.as_u16(), &checked.body["ok"]), (200, &json!(false)));
    let shown = house.get("/v1/connections/broken").await;
    assert_eq!((&shown.body["state"], &shown.body["trouble"]), (&json!("new"), &json!("credentials: looked")));
}

#[tokio::test]
async fn a_connection_that_cannot_be_is_not_made() {
    let house = House::new().await;
    let mut whole = shop("shop");
    whole["spec"]["credentials_for"] = json!(["https://shop.example"]);
    whole["spec"]["priced_by"] = json!("pricing:shop");
    whole["spec"]["publishes"] = json!({"absolute": "5", "percent": "100", "cap": "0"});
    let with = |path: &str, value: Json| {
        let mut body = whole.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut anybodys = with("/spec/egress", json!(["https://shop.example", "https://other.example"]));
    anybodys["spec"]["credentials_for"] = json!([]);
    for (body, code) in [
        (with("/name", json!("Shop 1")), "invalid-name"),
        (with("/spec/connector", json!("shopify")), "invalid-spec"),
        (with("/spec/egress", json!(["https://user@shop.example"])), "invalid-spec"),
        (with("/spec/egress", json!(["https://shop.example/admin"])), "invalid-spec"),
        (with("/spec/egress", json!(["file:///etc/passwd"])), "invalid-spec"),
        (with("/spec/egress", json!(["https://other.example"])), "invalid-spec"),
        (anybodys, "invalid-spec"),
        (with("/spec/kinds", json!({})), "invalid-spec"),
        (with("/spec/publishes", json!({"absolute": "-5"})), "invalid-spec"),
        (with("/spec/publishes", json!({"percent": "101"})), "invalid-spec"),
        (with("/spec/publishes", json!({"cap": "-1"})), "invalid-spec"),
        (with("/spec/publishes", json!({"cover_days": "366"})), "invalid-spec"),
        (with("/spec/priced_by", json!("price")), "invalid-spec"),
        (with("/credentials/auth", json!({})), "invalid-credentials"),
        (with("/credentials/auth", json!({"scheme": "telepathy"})), "invalid-credentials"),
        (with("/credentials/auth", json!({"scheme": "shopify-token", "token": 5})), "invalid-credentials"),
        (with("/credentials/auth", json!({"scheme": "shopify-token", "token": ""})), "invalid-credentials"),
        (with("/credentials/auth", json!({"scheme": "shopify-token", "token": "a\nb"})), "invalid-credentials"),
        (with("/credentials/webhook", json!([])), "invalid-secrets"),
        (with("/credentials/webhook", json!([{"secret": "a", "expires_at": "soon"}])), "invalid-moment"),
    ] {
        let answer = house.post("/v1/connections", body.clone()).await;
        assert_eq!(answer.code(), (422, code), "{body}");
    }
    assert!(house.acme.connections.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_is_changed_but_not_its_connector() {
    let house = House::new().await.with_shop().await;
    let put = |spec: Json| house.call(&house.key, Method::PUT, "/v1/connections/shop", json!({"spec": spec}));
    let mut spec = shop("shop")["spec"].clone();
    spec["rank"] = json!(9);
    let changed = put(spec.clone()).await;
    assert_eq!((changed.status.as_u16(), &changed.body["spec"]["rank"]), (200, &json!(9)));
    assert_eq!(retold(&house), [], "nothing was ever told to it");
    house.acme.connections.lock().unwrap()[0].state = ConnectionState::Active;
    assert_eq!(put(spec.clone()).await.status, 200);
    assert_eq!(retold(&house), [Kind::Item]);
    spec["connector"] = json!("connector:netsuite");
    assert_eq!(put(spec).await.code(), (422, "invalid-spec"));
    assert_eq!(put(json!({"rank": 1})).await.code(), (400, "invalid-body"));
}

#[tokio::test]
async fn new_credentials_let_a_denied_connection_try_again() {
    let house = House::new().await.with_shop().await;
    house.acme.connections.lock().unwrap()[0].state = ConnectionState::Denied;
    let auth = json!({"auth": {"scheme": "shopify-token", "token": "new"}});
    let answer = house.call(&house.key, Method::PUT, "/v1/connections/shop/credentials", auth).await;
    assert_eq!(answer.status, 204);
    assert_eq!(house.acme.connections.lock().unwrap()[0].state, ConnectionState::Active);
    let sealed = house.acme.credentials.lock().unwrap()[&(1, "auth".to_owned())].clone();
    assert!(sealed.starts_with(b"1:connection/1/auth:"));
}

#[tokio::test]
async fn parked_debts_are_listed_and_redriven() {
    let house = House::new().await.with_shop().await;
    let debt = |key: &str| Debt {
        connection: ConnectionId(1),
        key: RecordKey::new(Kind::Item, key),
        truth_version: 1,
        priority: 3,
        due_at: UnixMs(5),
        since: UnixMs(4),
        attempts: 9,
        state: DebtState::Parked,
        last_error: Some("rejected: no such option".into()),
        intent: None,
    };
    house.acme.debts.lock().unwrap().extend([debt("a"), debt("b"), debt("c")]);
    let first = house.get("/v1/debts?limit=2").await;
    assert_eq!((&first.body["items"][1]["key"], &first.body["items"][1]["attempts"]), (&json!("b"), &json!(9)));
    let next = format!("/v1/debts?limit=2&cursor={}", first.body["next"].as_str().unwrap());
    assert_eq!(house.get(&next).await.body["items"][0]["key"], "c");
    let one = house.post("/v1/debts/redrive", json!({"kind": "item", "key": "b"})).await;
    assert_eq!((&one.body["redriven"], &one.body["parked"]), (&json!(1), &json!(2)));
    assert_eq!(house.post("/v1/debts/redrive", json!({"kind": "item"})).await.code(), (422, "invalid-record"));
    let nobody = house.post("/v1/debts/redrive", json!({"connection": "none"})).await;
    assert_eq!(nobody.code(), (404, "not-found"));
    let rest = house.post("/v1/debts/redrive", json!({"connection": "shop"})).await;
    assert_eq!((&rest.body["redriven"], &rest.body["parked"]), (&json!(2), &json!(0)));
    let status = house.get("/v1/status").await;
    assert_eq!((&status.body["quiet"], &status.body["debts"]), (&json!(false), &json!(3)));
}

#[tokio::test]
async fn a_person_settles_a_conflict_once() {
    let house = House::new().await.with_shop().await;
    let conflict = Conflict {
        id: 7,
        at: UnixMs(1),
        key: RecordKey::new(Kind::StockLevel, "bolt@main"),
        about: About::Field("on_hand".into()),
        claims: [("shop".to_owned(), Value::Number(5.into()))].into(),
        outcome: None,
        reason: "nobody owns it".into(),
        policy: String::new(),
    };
    house.acme.conflicts.lock().unwrap().push(conflict);
    assert_eq!(house.get("/v1/conflicts?open=true").await.body["items"][0]["claims"], json!({"shop": "5"}));
    assert_eq!(house.get("/v1/conflicts/7").await.body["reason"], "nobody owns it");
    for nobodys in ["6", "8", "18446744073709551615"] {
        assert_eq!(house.get(&format!("/v1/conflicts/{nobodys}")).await.code(), (404, "not-found"), "{nobodys}");
    }
    let settle = |body: Json| house.post("/v1/conflicts/7/settle", body);
    for wrong in [
        json!({}),
        json!({"take": "none"}),
        json!({"value": "many"}),
        json!({"take": "shop", "value": "1"}),
        json!({"recreate": true}),
    ] {
        assert_eq!(settle(wrong.clone()).await.code(), (422, "invalid-value"), "{wrong}");
    }
    let nobody = settle(json!({"take": "none"})).await;
    assert!(nobody.body["detail"].as_str().unwrap().ends_with("said something: `shop`, and not `none`"), "{nobody:?}");
    let settled = settle(json!({"value": "4.5"})).await;
    assert_eq!((&settled.body["open"], &settled.body["outcome"]), (&json!(false), &json!("4.5")));
    assert_eq!(house.get("/v1/conflicts/7").await.body, settled.body);
    assert_eq!(settle(json!({"take": "shop"})).await.code(), (409, "already-settled"));
    assert_eq!(house.post("/v1/conflicts/8/settle", json!({"take": "shop"})).await.code(), (404, "not-found"));
    let appended = house.acme.appended.lock().unwrap();
    assert!(matches!(&appended[..], [Change::Append { key: Some(key), .. }] if key == "bolt@main"));
}

#[tokio::test]
async fn a_record_called_star_is_not_a_mass_deletion() {
    let house = House::new().await.with_shop().await;
    for (id, about, is_mass) in [(7, About::Vanished(ConnectionId(1)), false), (8, About::Mass, true)] {
        let conflict = Conflict {
            id,
            at: UnixMs(1),
            key: RecordKey::new(Kind::Item, "*"),
            about,
            claims: [("shop".to_owned(), Value::Null)].into(),
            outcome: None,
            reason: String::new(),
            policy: String::new(),
        };
        house.acme.conflicts.lock().unwrap().push(conflict);
        let settled = house.post(&format!("/v1/conflicts/{id}/settle"), json!({"take": "shop"})).await;
        assert_eq!(settled.body["open"], json!(false), "{:?}", settled.body);
        let did = std::mem::take(&mut *house.acme.appended.lock().unwrap());
        let sweeps = |it: &Change| matches!(it, Change::Ask { kind: Kind::Item, work: Work::Sweep, .. });
        let settles = |it: &Change| matches!(it, Change::Append { .. });
        assert_eq!((did.iter().any(sweeps), did.iter().any(settles)), (is_mass, !is_mass), "{id}");
    }
}

#[tokio::test]
async fn rules_name_what_there_is_and_i10_are_not_overwritten() {
    let house = House::new().await.with_shop().await;
    let put = |body: Json, if_match: Option<http::HeaderValue>| {
        let mut request = Request::put("/v1/rules").header("authorization", format!("Bearer {}", house.key));
        if let Some(etag) = if_match {
            request = request.header("if-match", etag);
        }
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        house.send(request.unwrap())
    };
    for rule in [
        json!({"field": "colour"}),
        json!({"field": "*", "owner": "nobody"}),
        json!({"field": "*", "policy": "pricing"}),
        json!({"field": "*", "policy": "conflict:nobody-filled"}),
        json!({"kind": "item", "field": "on_hand"}),
    ] {
        let rules = json!({"fields": [rule]});
        let tried = house.post("/v1/rules/dry-run", rules.clone()).await;
        assert_eq!(tried.code(), (422, "invalid-rule"));
        assert!(tried.body["detail"].as_str().is_some_and(|it| it.starts_with("/fields/0/")), "{tried:?}");
        assert_eq!(put(rules, None).await.code(), (422, "invalid-rule"));
    }
    let part = json!({"connections": {"nobody": {"rank": 1}}});
    assert_eq!(put(part, None).await.code(), (422, "invalid-rule"));
    let rules = json!({"fields": [
        {"kind": "item", "field": "title", "owner": "shop"},
        {"kind": "stock-level", "field": "on_hand", "policy": "conflict:stock-level"},
    ]});
    let tried = house.post("/v1/rules/dry-run", rules.clone()).await;
    assert_eq!((tried.status.as_u16(), &tried.body["records"], &tried.body["items"]), (200, &json!(0), &json!([])));
    assert_eq!(house.get("/v1/rules").await.body, json!({"fields": []}), "nothing was written");
    let read = house.get("/v1/rules").await;
    let written = put(rules.clone(), Some(read.headers["etag"].clone())).await;
    assert_eq!((written.status.as_u16(), &written.body), (200, &rules));
    assert_eq!(put(json!({"fields": []}), Some(read.headers["etag"].clone())).await.code(), (412, "stale"));
    assert_eq!(put(rules.clone(), Some(http::HeaderValue::from_static("*"))).await.status, 200);
    let now = house.get("/v1/rules").await;
    assert_eq!((now.body, &now.headers["etag"]), (rules, &written.headers["etag"]));
}

#[tokio::test]
async fn a_price_comes_with_its_receipt() {
    let house = House::new().await;
    let line = json!({"item": "bolt-8", "quantity": "3", "list_price": "1.10",
        "breaks": [{"from_quantity": "10", "unit_price": "1"}]});
    let quote = house.post("/v1/price", json!({"currency": "EUR", "lines": [line]})).await;
    assert_eq!(quote.body["lines"], json!([{"unit_price": "1.1", "reason": "list"}]));
    assert_eq!(
        (&quote.body["receipt"]["slot"], &quote.body["at"]),
        (&json!("pricing"), &json!("2026-01-01T00:00:00Z"))
    );
    for wrong in [
        json!({"currency": "eur", "lines": [{"item": "a", "quantity": "1", "list_price": "1"}]}),
        json!({"currency": "EUR", "lines": []}),
        json!({"currency": "EUR", "lines": [{"item": "a", "quantity": "0", "list_price": "1"}]}),
        json!({"currency": "EUR", "lines": [{"item": "a", "quantity": "1", "list_price": "-1"}]}),
    ] {
        assert_eq!(house.post("/v1/price", wrong.clone()).await.code(), (422, "invalid-basket"), "{wrong}");
    }
    let float =
        house.post("/v1/price", json!({"currency": "EUR", "lines": [{"item": "a", "quantity": 1, "list_price": 0.1}]}));
    assert_eq!(float.await.code(), (400, "inexact-number"));
}

#[tokio::test]
async fn calls_that_failed_are_listed_newest_first() {
    let house = House::new().await;
    let call = |id, slot: &str, recording| {
        let (digest, function, fault) = ("d".to_owned(), "price".to_owned(), Some("trapped".to_owned()));
        let slot = slot.to_owned();
        Change::Call(CallRow { id, at: UnixMs(id), slot, digest, function, fuel: 7, micros: 9, fault, recording })
    };
    let said = json!({"failure": {"code": "trapped", "message": "it trapped"}, "input": {"company": "acme"}});
    house.acme.appended.lock().unwrap().extend([
        call(1, "pricing", said.clone()),
        call(2, "stock", said),
        call(3, "pricing", Json::Null),
    ]);
    let listed = house.get("/v1/slots/pricing/calls").await.body;
    let same = json!({"digest": "d", "function": "price", "fault": "trapped", "fuel": 7, "micros": 9});
    let told = |id, at: &str| {
        let mut call = same.clone();
        (call["id"], call["at"]) = (json!(id), json!(at));
        call
    };
    let mut first = told(1, "1970-01-01T00:00:00.001Z");
    first["message"] = json!("it trapped");
    assert_eq!(listed, json!({"items": [told(3, "1970-01-01T00:00:00.003Z"), first]}));
    assert_eq!(house.get("/v1/slots/pricing/calls?limit=1").await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/v1/slots/pricing/calls?limit=0").await.code(), (400, "invalid-query"));
    let whole = house.get("/v1/slots/pricing/calls/1").await.body;
    assert_eq!((&whole["recording"]["input"]["company"], &whole["message"]), (&json!("acme"), &json!("it trapped")));
    assert_eq!(house.get("/v1/slots/pricing/calls/2").await.code(), (404, "not-found"), "another slot's");
    let theirs = house.call(&house.other, Method::GET, "/v1/slots/pricing/calls/1", Json::Null).await;
    assert_eq!(theirs.code(), (404, "not-found"));
    let theirs = house.call(&house.other, Method::GET, "/v1/slots/pricing/calls", Json::Null).await;
    assert_eq!(theirs.body, json!({"items": []}));
}

#[tokio::test]
async fn a_tenant_is_made_and_is_open() {
    let house = House::new().await;
    let make = |name: &str| house.call(&house.operator, Method::POST, "/v1/tenants", json!({"name": name}));
    assert_eq!(make("nova").await.status, 201);
    assert_eq!(make("nova").await.code(), (409, "name-taken"));
    assert_eq!(make("No Va").await.code(), (422, "invalid-name"));
    assert!(house.world.app.tenants.get("nova").is_some());
    let listed = house.call(&house.operator, Method::GET, "/v1/tenants", Json::Null).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 3);
    assert_eq!((&listed.body["items"][2]["name"], &listed.body["items"][2]["number"]), (&json!("nova"), &json!(3)));
}

#[tokio::test]
async fn the_node_says_how_it_is() {
    let house = House::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = house.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!({"status": "ok"})));
    }
}
