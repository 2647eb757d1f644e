//! Webhooks in.

use std::sync::atomic::Ordering;

use aws_lc_rs::hmac;
use base64::Engine as _;

use super::*;

const BODY: &str = r#"{"id": 632910392, "price": "10.00"}"#;

fn sign(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    base64::engine::general_purpose::STANDARD.encode(tag)
}

fn hook(path: &str, signature: &str, id: &str, body: &str) -> Request<Body> {
    let request = Request::post(path)
        .header("host", "x")
        .header("content-type", "application/json")
        .header("x-shopify-topic", "a/b");
    let request = request.header("x-shopify-hmac-sha256", signature).header("x-shopify-webhook-id", id);
    request.header("x-shopify-shop-domain", "acme.example").body(Body::from(body.to_owned())).unwrap()
}

fn signed(id: &str) -> Request<Body> {
    hook("/hooks/acme/shop", &sign("s3cret", BODY.as_bytes()), id, BODY)
}

#[tokio::test]
async fn a_signed_webhook_is_kept_and_w3_its_repetition_is_not() {
    let house = House::new().await.with_shop().await;
    assert_eq!(house.send(signed("1")).await.status, 200);
    house.world.clock.advance(3 * 24 * 3_600_000);
    assert_eq!(house.send(signed("1")).await.status, 200);
    assert_eq!(house.send(signed("2")).await.status, 200);
    let inbox = house.acme.inbox.lock().unwrap();
    assert_eq!(inbox.iter().map(|it| it.event_id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let first = &inbox[0];
    assert_eq!((first.topic.as_str(), first.body.as_slice()), ("a/b", BODY.as_bytes()));
    assert_eq!(first.headers, [("x-shopify-shop-domain".to_owned(), "acme.example".to_owned())]);
}

#[tokio::test]
async fn w1_and_w2_every_unproven_webhook_gets_the_same_answer() {
    let house = House::new().await.with_shop().await;
    let made = house.call(&house.other, Method::POST, "/v1/connections", shop("store")).await;
    assert_eq!(made.status, 201);
    let right = sign("s3cret", BODY.as_bytes());
    let mut plain = BTreeSet::new();
    for request in [
        hook("/hooks/acme/shop", &sign("wrong", BODY.as_bytes()), "1", BODY),
        hook("/hooks/acme/shop", &right[..20], "1", BODY),
        hook("/hooks/acme/shop", "", "1", BODY),
        hook("/hooks/acme/shop", &right, "1", r#"{"id":632910392,"price":"10.00"}"#),
        hook("/hooks/acme/none", &right, "1", BODY),
        hook("/hooks/none/shop", &right, "1", BODY),
        hook("/hooks/acme/store", &right, "1", BODY),
        hook("/hooks/acme/%73hop", &right, "1", BODY),
        hook("/hooks/acme/shop", "", "not an id.", &"[".repeat(1_000)),
    ] {
        let mut answer = house.send(request).await;
        answer.body["instance"] = Json::Null;
        answer.headers.remove("x-request-id");
        plain.insert(format!("{answer:?}"));
    }
    assert_eq!(plain.len(), 1, "{plain:#?}");
    assert!(plain.first().unwrap().contains("401") && plain.first().unwrap().contains("not-verified"));
    assert!(house.acme.inbox.lock().unwrap().is_empty() && house.zeta.inbox.lock().unwrap().is_empty());
}

#[tokio::test]
async fn w6_secrets_are_rotated_without_a_gap() {
    let house = House::new().await.with_shop().await;
    assert_eq!(house.send(signed("1")).await.status, 200);
    let rotate = json!({"webhook": [{"secret": "new"}, {"secret": "s3cret", "expires_at": "2026-01-01T01:00:00Z"}]});
    let rotated = house.call(&house.key, Method::PUT, "/v1/connections/shop/credentials", rotate).await;
    assert_eq!(rotated.status, 204);
    let new = |id| hook("/hooks/acme/shop", &sign("new", BODY.as_bytes()), id, BODY);
    assert_eq!(
        (house.send(signed("2")).await.status, house.send(new("3")).await.status),
        (StatusCode::OK, StatusCode::OK)
    );
    house.world.clock.advance(3_600_000);
    assert_eq!(house.send(signed("4")).await.code(), (401, "not-verified"));
    assert_eq!(house.send(new("5")).await.status, 200);
}

#[tokio::test]
async fn w7_a_flood_is_limited_before_it_is_computed() {
    let house = House::new().await.with_shop().await;
    let flood = || hook("/hooks/acme/shop", "x", "1", BODY);
    let mut codes = Vec::new();
    for _ in 0..300 {
        codes.push(house.send(flood()).await.status.as_u16());
    }
    assert_eq!(codes.iter().filter(|it| **it == 401).count(), 100);
    assert_eq!(codes.iter().filter(|it| **it == 429).count(), 200);
    // What is over the limit is refused unread: this body never comes.
    let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let unsent = Request::post("/hooks/acme/shop").header("host", "x").body(Body::from_stream(never)).unwrap();
    assert_eq!(house.send(unsent).await.status, 429);
    // Another address has its own limit, and this one gets room again.
    let elsewhere = hook("/hooks/acme/other", "x", "1", BODY);
    assert_eq!(house.send(elsewhere).await.status, 401);
    house.world.clock.advance(10);
    assert_eq!(house.send(signed("1")).await.status, 200);
}

#[tokio::test]
async fn w9_what_is_not_stored_is_not_acknowledged() {
    let house = House::new().await.with_shop().await;
    house.acme.broken.store(true, Ordering::SeqCst);
    assert_eq!(house.send(signed("1")).await.code(), (503, "unavailable"));
    house.acme.broken.store(false, Ordering::SeqCst);
    assert_eq!(house.send(signed("1")).await.status, 200);
    assert_eq!(house.acme.inbox.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn w11_ids_that_are_none_are_refused() {
    let house = House::new().await.with_shop().await;
    let long = "a".repeat(256);
    for id in ["", "a.b", "a b", "a/b", "é", &long] {
        assert_eq!(house.send(signed(id)).await.code(), (400, "invalid-id"), "{id:.40}");
    }
    assert_eq!(house.send(signed(&long[..255])).await.status, 200);
}

#[tokio::test]
async fn w12_bombs_are_refused() {
    let house = House::new().await.with_shop().await;
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [(bomb.as_str(), "too-deep"), ("{\"a\":", "malformed-json"), ("", "malformed-json")] {
        let request = hook("/hooks/acme/shop", &sign("s3cret", body.as_bytes()), "1", body);
        assert_eq!(house.send(request).await.code(), (400, code), "{body:.40}");
    }
    assert!(house.acme.inbox.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_compressed_webhook_is_refused() {
    let house = House::new().await.with_shop().await;
    let mut request = signed("1");
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(house.send(request).await.code(), (415, "content-encoding"));
}

/// The client goes away as soon as its request is read; what was begun is carried out.
#[tokio::test]
async fn t4_a_client_that_goes_away_cancels_nothing() {
    let house = House::new().await.with_shop().await;
    let answer = house.router.clone().oneshot(signed("1"));
    // Polled until the handler runs in its own task, and dropped before it is done.
    let mut answer = Box::pin(answer);
    for _ in 0..3 {
        let _ = futures::poll!(answer.as_mut());
    }
    drop(answer);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.acme.inbox.lock().unwrap().len(), 1);
}

/// A system that asks first, and whose deliveries have no signature and no id.
#[tokio::test]
async fn a_system_that_asks_is_answered_and_its_secret_is_looked_for_in_the_body() {
    let house = House::new().await.with_shop().await;
    assert_eq!(house.post("/v1/connections", shop("asks")).await.status, 201);
    let bare = |method: Method, uri: &str, body: &str| {
        let request = Request::builder().method(method).uri(uri).header("host", "x");
        request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
    };
    for method in [Method::GET, Method::POST] {
        let asked = house.send(bare(method, "/hooks/acme/asks?validationToken=4711", "")).await;
        // The fake reads JSON, and the text of a number is that number.
        assert_eq!((asked.status.as_u16(), asked.body), (200, json!(4711)));
        assert_eq!(asked.headers["content-type"], "text/plain; charset=utf-8");
    }
    for nobody in ["/hooks/acme/asks", "/hooks/acme/shop?validationToken=1", "/hooks/acme/none?validationToken=1"] {
        assert_eq!(house.send(bare(Method::GET, nobody, "")).await.code(), (401, "not-verified"), "{nobody}");
    }
    let told = |secret: &str, at: u32| format!(r#"{{"value":[{{"clientState":"{secret}","at":{at}}}]}}"#);
    for (secret, at, status) in [("wrong", 1, 401), ("s3cret", 1, 200), ("s3cret", 1, 200), ("s3cret", 2, 200)] {
        assert_eq!(house.send(bare(Method::POST, "/hooks/acme/asks", &told(secret, at))).await.status, status);
    }
    assert_eq!(house.acme.inbox.lock().unwrap().len(), 2, "the same bytes twice are one delivery");
}
