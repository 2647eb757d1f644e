//! Bad input: each kind with a clear answer, and nothing half-applied.

use super::*;
use crate::http::routes;

fn post(house: &House, path: &str) -> http::request::Builder {
    Request::post(path).header("authorization", format!("Bearer {}", house.key))
}

async fn post_json(house: &House, path: &str, body: impl Into<Body>) -> Answer {
    let request = post(house, path).header("content-type", "application/json");
    house.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn i1_to_i4_bad_json_is_refused_with_its_place() {
    let house = House::new().await;
    for (body, code) in [
        (r#"{"fields": [], "fields": []}"#.to_owned(), "duplicate-key"),
        (r#"{"fields": [{"field": "a\u0000"}]}"#.to_owned(), "nul"),
        (r#"{"fields": [{"field": "\ud800"}]}"#.to_owned(), "lone-surrogate"),
        (r#"{"fields": [{"field": 12345678901234567890}]}"#.to_owned(), "inexact-number"),
        (r#"{"fields": 1e400}"#.to_owned(), "inexact-number"),
        (format!(r#"{{"fields": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)), "too-deep"),
        ("{".to_owned(), "malformed-json"),
        (String::new(), "malformed-json"),
        (r#"{"fields": [{"field": "*", "owner_id": 1}]}"#.to_owned(), "invalid-body"),
        (r#"{"fields": [{"field": "*", "kind": "thing"}]}"#.to_owned(), "invalid-body"),
    ] {
        let request = Request::put("/v1/rules").header("authorization", format!("Bearer {}", house.key));
        let request = request.header("content-type", "application/json; charset=UTF-8");
        let answer = house.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.code(), (400, code), "{body:.60}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert!(house.acme.settings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn i2_an_amount_is_an_exact_decimal_in_quotes() {
    let house = House::new().await;
    let price = async |amount: Json| {
        let lines = json!([{"item": "a", "quantity": "1", "list_price": amount}]);
        house.post("/v1/price", json!({"currency": "EUR", "lines": lines})).await
    };
    for text in ["1,99", "1e400", "NaN", "0x10", "", " 1", "12345678901234567890", "0.1234567890123"] {
        assert_eq!(price(json!(text)).await.code(), (400, "invalid-body"), "{text}");
    }
    assert_eq!(price(json!(1)).await.code(), (400, "invalid-body"), "a number is no amount, however whole");
    assert_eq!(price(json!(9_007_199_254_740_993_u64)).await.code(), (400, "inexact-number"));
    for (text, expect) in [("-0", "0"), ("0.10", "0.1"), ("999999999999999.999", "999999999999999.999")] {
        assert_eq!(price(json!(text)).await.body["lines"][0]["unit_price"], expect, "{text}");
    }
}

/// A piece of a document costs the same, however many there are: keys that are compared in pairs take much longer.
#[tokio::test]
async fn i4_wide_documents_are_refused_in_no_time() {
    let house = House::new().await;
    let began = tokio::time::Instant::now();
    let keys: String = (0..60_000).map(|n| format!("\"k{n}\":0,")).collect();
    let listed = |value: &str, n| format!("[{}0]", format!("{value},").repeat(n));
    for body in [listed("0", 400_000), listed("[]", 300_000), format!("{{{keys}\"k\":0}}")] {
        let request = Request::put("/v1/rules").header("authorization", format!("Bearer {}", house.key));
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        assert_eq!(house.send(request).await.code(), (400, "invalid-body"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let lines = vec![json!({"item": "a", "quantity": "1", "list_price": "1"}); 1_001];
    let wide = house.post("/v1/price", json!({"currency": "EUR", "lines": lines})).await;
    assert_eq!(wide.code(), (422, "invalid-basket"));
}

/// 415 and not 400: the document may be a good one, it is its type that is not read here (RFC 9110 §15.5.16).
#[tokio::test]
async fn i6_a_request_names_one_host() {
    let house = House::new().await;
    let two = Request::get("/healthz").header("host", "a.example").header("host", "b.example");
    assert_eq!(house.send(two.body(Body::empty()).unwrap()).await.code(), (400, "bad-host"));
    let one = Request::get("/healthz").header("host", "a.example");
    assert_eq!(house.send(one.body(Body::empty()).unwrap()).await.status, 200);
    let none = house.router.clone().oneshot(Request::get("/healthz").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(none.status(), 400);
}

#[tokio::test]
async fn i6_only_plain_json_is_read() {
    let house = House::new().await;
    for kinds in [
        &["text/plain"][..],
        &["application/json; charset=latin1"],
        &["application/jsonx"],
        &["application/json", "application/json"],
        &[""],
        &[],
    ] {
        let mut request = post(&house, "/v1/debts/redrive");
        for kind in kinds {
            request = request.header("content-type", *kind);
        }
        let answer = house.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.code(), (415, "media-type"), "{kinds:?}");
        assert_eq!(answer.headers["accept"], "application/json");
    }
    let body = post(&house, "/v1/slots/pricing/rollback").body(Body::from("x")).unwrap();
    assert_eq!(house.send(body).await.code(), (400, "unexpected-body"));
}

/// 415 and not 413: what is compressed is not read at all, however little it says or may become.
#[tokio::test]
async fn i5_nothing_compressed_is_read() {
    let house = House::new().await;
    let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>;
    for (path, kind) in [
        ("/v1/debts/redrive", "application/json"),
        ("/v1/slots/pricing/releases", "application/wasm"),
        ("/v1/slots/pricing/rollback", "text/plain"),
        ("/hooks/acme/shop", "application/json"),
    ] {
        for codings in [&["gzip"][..], &["br"], &["identity, gzip"], &["identity", "gzip"], &[""]] {
            let mut request = post(&house, path).header("content-type", kind);
            for coding in codings {
                request = request.header("content-encoding", *coding);
            }
            let answer = house.send(request.body(Body::from_stream(never())).unwrap()).await;
            assert_eq!(answer.code(), (415, "content-encoding"), "{path}: {codings:?}");
            assert_eq!(answer.headers["accept-encoding"], "identity");
        }
    }
    let plain = post(&house, "/v1/debts/redrive").header("content-type", "application/json");
    let plain = plain.header("content-encoding", "Identity").body(Body::from("{}")).unwrap();
    assert_eq!(house.send(plain).await.status, 200);
}

#[tokio::test]
async fn u2_what_is_too_large_is_refused() {
    let house = House::new().await;
    let large = vec![b' '; (1 << 20) + 1];
    let answer = post_json(&house, "/v1/debts/redrive", large.clone()).await;
    assert_eq!(answer.code(), (413, "too-large"));
    assert_eq!(answer.headers["connection"], "close");
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0; 4_096])));
    let upload = post(&house, "/v1/slots/pricing/releases").header("content-type", "application/wasm");
    let answer = house.send(upload.body(Body::from_stream(endless)).unwrap()).await;
    assert_eq!(answer.code(), (413, "too-large"));
}

#[tokio::test]
async fn u3_a_refusal_of_the_host_keeps_its_code() {
    let house = House::new().await;
    let upload = post(&house, "/v1/slots/pricing/releases").header("content-type", "application/wasm");
    let answer = house.send(upload.body(Body::from("\x7fELF")).unwrap()).await;
    assert_eq!(answer.code(), (422, "native-code"));
    assert_eq!(answer.body["detail"], "this is native code");
}

#[tokio::test]
async fn i7_a_repeated_request_has_its_effect_once() {
    let house = House::new().await;
    let create = |key: &str, name: &str| {
        let request = post(&house, "/v1/connections").header("content-type", "application/json");
        house.send(request.header("idempotency-key", key).body(Body::from(shop(name).to_string())).unwrap())
    };
    let first = create("k1", "shop").await;
    let again = create("k1", "shop").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!((first.body, &again.headers["idempotency-replayed"]), (again.body, &"true".parse().unwrap()));
    assert_eq!(house.acme.connections.lock().unwrap().len(), 1);
    assert_eq!(create("k1", "other").await.code(), (422, "idempotency-mismatch"));
    assert_eq!(create("", "other").await.code(), (400, "idempotency-key"));
    // A refusal is an answer, too.
    assert_eq!(create("k2", "shop").await.code(), (409, "name-taken"));
    assert_eq!(create("k2", "shop").await.code(), (409, "name-taken"));
}

#[tokio::test]
async fn i7_what_is_in_flight_is_not_begun_again() {
    let house = House::new().await;
    let scope = "tenant/1 POST /v1/debts/redrive".to_owned();
    let request = crate::auth::digest::sha256(&[b"", b"\n", b"{}"]);
    house.world.control.answers.lock().unwrap().insert((scope, "k".into()), (request, None));
    let send =
        post(&house, "/v1/debts/redrive").header("content-type", "application/json").header("idempotency-key", "k");
    assert_eq!(house.send(send.body(Body::from("{}")).unwrap()).await.code(), (409, "in-flight"));
}

#[tokio::test]
async fn i7_what_failed_may_be_tried_again() {
    let house = House::new().await;
    house.acme.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let create = || {
        let request = post(&house, "/v1/connections").header("content-type", "application/json");
        house.send(request.header("idempotency-key", "k").body(Body::from(shop("shop").to_string())).unwrap())
    };
    assert_eq!(create().await.code(), (503, "unavailable"));
    house.acme.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(create().await.status, 201);
}

#[tokio::test]
async fn a_keys_secret_is_not_remembered() {
    let house = House::new().await;
    let create = || {
        let request =
            post(&house, "/v1/keys").header("content-type", "application/json").header("idempotency-key", "k");
        let body = json!({"label": "x", "scopes": ["price"]}).to_string();
        house.send(request.body(Body::from(body)).unwrap())
    };
    let (first, again) = (create().await, create().await);
    assert!(first.body["key"].as_str().unwrap().starts_with("ts_live_"));
    assert_eq!((again.status.as_u16(), &again.body["key"], &again.body["id"]), (201, &Json::Null, &first.body["id"]));
    let kept = format!("{:?}", house.world.control.answers.lock().unwrap());
    assert!(!kept.contains("ts_live_"));
}

#[tokio::test]
async fn i8_pages_have_bounds_and_cursors_a_seal() {
    let house = House::new().await;
    for query in ["limit=0", "limit=1000000000", "limit=-1", "limit=x", "offset=3"] {
        assert_eq!(house.get(&format!("/v1/records/item?{query}")).await.code(), (400, "invalid-query"), "{query}");
    }
    for cursor in ["x", "AAAA", "%00", "eyJhIjoxfQ"] {
        let answer = house.get(&format!("/v1/records/item?cursor={cursor}")).await;
        assert_eq!(answer.code(), (400, "invalid-cursor"), "{cursor}");
    }
    assert_eq!(house.get("/v1/records/thing").await.code(), (404, "not-found"));
}

#[tokio::test]
async fn a_failure_tells_nothing_of_the_inside() {
    let house = House::new().await;
    house.acme.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let answer = house.post("/v1/connections", shop("shop")).await;
    assert_eq!((answer.code(), &answer.headers["retry-after"]), ((503, "unavailable"), &"1".parse().unwrap()));
    assert!(!answer.body.to_string().contains("secret"), "{answer:?}");
    assert_eq!(answer.body["instance"], answer.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn a_panic_ends_one_request() {
    let house = House::new().await;
    let answer = house.post("/v1/slots/panics/rollback", Json::Null).await;
    assert_eq!(answer.code(), (500, "internal"));
    assert!(!answer.body.to_string().contains("asked to"));
    assert_eq!(house.get("/v1/status").await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let house = House::new().await;
    assert_eq!(house.get("/v2/everything").await.code(), (404, "not-found"));
    assert_eq!(house.call(&house.key, Method::PUT, "/v1/slots", Json::Null).await.code(), (405, "method-not-allowed"));
}

#[tokio::test]
async fn the_document_and_the_router_agree() {
    let house = House::new().await;
    let document = house.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path} says nothing");
        }
    }
    let served: BTreeSet<String> = routes().iter().map(|it| format!("{} {}", it.spec.method, it.spec.path)).collect();
    assert_eq!(documented, served);
    // Every reference in the document leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "no schema {name}");
    }
}
