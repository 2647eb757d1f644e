//! Who may do what.

use super::*;
use crate::auth::Token;
use crate::http::{Access, Spec, Takes, routes};

/// A request that is well formed enough to come as far as the handler.
fn request(spec: &Spec, key: Option<&str>, tenant: Option<&str>) -> Request<Body> {
    let path = spec.path.replace("{kind}", "item").replace("{id}", "7").replace("{slot}", "pricing");
    let path = path.replace(['{', '}'], "");
    let mut request = Request::builder().method(spec.method.clone()).uri(path);
    for (name, value) in [("authorization", key.map(|it| format!("Bearer {it}"))), ("x-tenant", tenant.map(Into::into))]
    {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let (kind, body) = match spec.takes {
        Takes::Json => ("application/json", "{}"),
        Takes::Wasm => ("application/wasm", "x"),
        Takes::Nothing | Takes::Anything => ("text/plain", ""),
    };
    request.header("content-type", kind).body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn a10_every_route_names_a_scope_and_keeps_to_it() {
    let house = House::new().await;
    let mut public = Vec::new();
    for route in routes() {
        let (spec, name) = (&route.spec, format!("{} {}", route.spec.method, route.spec.path));
        let (scope, owner) = match spec.access {
            Access::Public => {
                public.push(name);
                continue;
            }
            Access::Operator(scope) => (scope, None),
            Access::Tenant(scope) | Access::Either(scope) => (scope, Some(1)),
        };
        let none = house.send(request(spec, None, None)).await;
        assert_eq!(none.code(), (401, "key-missing"), "{name}");
        let all = if owner.is_some() { Scope::tenant_names() } else { Scope::all_names() };
        let others: Vec<&str> = all.iter().map(String::as_str).filter(|it| *it != scope.as_str()).collect();
        let without = house.key_with(owner, &others).await;
        let refused = house.send(request(spec, Some(&without), None)).await;
        assert_eq!(refused.code(), (403, "scope-missing"), "{name}");
        let with = house.key_with(owner, &[scope.as_str()]).await;
        let let_in = house.send(request(spec, Some(&with), None)).await;
        assert!(!matches!(let_in.status.as_u16(), 401 | 403 | 405 | 415 | 500), "{name}: {let_in:?}");
    }
    let expected = [
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /openapi.json",
        "POST /hooks/{tenant}/{connection}",
        "GET /hooks/{tenant}/{connection}",
    ];
    assert_eq!(public, expected);
}

#[tokio::test]
async fn a_tenants_key_manages_no_tenants() {
    let house = House::new().await;
    let key = house.key_with(Some(1), &["tenants:read", "tenants:write"]).await;
    assert_eq!(house.call(&key, Method::GET, "/v1/tenants", Json::Null).await.code(), (403, "scope-missing"));
    let made = house.call(&key, Method::POST, "/v1/tenants", json!({"name": "mine"})).await;
    assert_eq!(made.code(), (403, "scope-missing"));
}

#[tokio::test]
async fn an_operator_names_the_tenant() {
    let house = House::new().await;
    let status = |tenant: Option<&str>| {
        let mut request = Request::get("/v1/status").header("authorization", format!("Bearer {}", house.operator));
        if let Some(tenant) = tenant {
            request = request.header("x-tenant", tenant);
        }
        house.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(status(Some("zeta")).await.body["tenant"], "zeta");
    assert_eq!(status(None).await.code(), (400, "tenant-missing"));
    assert_eq!(status(Some("nobody")).await.code(), (404, "not-found"));
}

#[tokio::test]
async fn t1_anothers_things_look_like_nothing() {
    let house = House::new().await.with_shop().await;
    let key_id = Token::parse(&house.key).unwrap().id().to_owned();
    let pairs = [
        (Method::GET, "/v1/connections/shop".to_owned(), "/v1/connections/none".to_owned(), Json::Null),
        (Method::POST, "/v1/connections/shop/pause".to_owned(), "/v1/connections/none/pause".to_owned(), Json::Null),
        (Method::POST, "/v1/connections/shop/check".to_owned(), "/v1/connections/none/check".to_owned(), Json::Null),
        (Method::DELETE, format!("/v1/keys/{key_id}"), "/v1/keys/aaaaaaaaaa".to_owned(), Json::Null),
        (Method::POST, format!("/v1/keys/{key_id}/rotate"), "/v1/keys/aaaaaaaaaa/rotate".to_owned(), json!({})),
    ];
    for (method, theirs, absent, body) in pairs {
        let theirs = house.call(&house.other, method.clone(), &theirs, body.clone()).await;
        let absent = house.call(&house.other, method, &absent, body).await;
        assert_eq!((theirs.status.as_u16(), absent.status.as_u16()), (404, 404));
        let plain = |answer: &Answer| {
            let mut body = answer.body.clone();
            body["instance"] = Json::Null;
            body
        };
        assert_eq!(plain(&theirs), plain(&absent));
    }
    let mut named = Request::get("/v1/status").header("authorization", format!("Bearer {}", house.other));
    named = named.header("x-tenant", "acme");
    assert_eq!(house.send(named.body(Body::empty()).unwrap()).await.code(), (404, "not-found"));
    assert_eq!(house.get("/v1/connections/shop").await.status, 200);
}

#[tokio::test]
async fn a6_wrong_keys_open_nothing() {
    let house = House::new().await;
    let mut wrong_secret = house.key.clone();
    wrong_secret.replace_range(30..31, if &house.key[30..31] == "A" { "B" } else { "A" });
    let unknown = Token::generate().unwrap().reveal().to_string();
    for key in ["", "x", "ts_live_", &wrong_secret, &unknown, &format!("{} {}", house.key, house.key)] {
        let answer = house.call(key, Method::GET, "/v1/status", Json::Null).await;
        assert!(matches!(answer.code(), (401, "key-invalid")), "{key}: {answer:?}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let in_url = Request::get(format!("/v1/status?key={}", house.key));
    let in_url = in_url.header("authorization", format!("Bearer {}", house.key));
    assert_eq!(house.send(in_url.body(Body::empty()).unwrap()).await.code(), (401, "key-missing"));
    let twice = Request::get("/v1/status").header("authorization", format!("Bearer {}", house.key));
    let twice = twice.header("authorization", format!("Bearer {}", house.other)).body(Body::empty()).unwrap();
    assert_eq!(house.send(twice).await.code(), (401, "key-missing"));
    let basic = Request::get("/v1/status").header("authorization", format!("Basic {}", house.key));
    assert_eq!(house.send(basic.body(Body::empty()).unwrap()).await.code(), (401, "key-missing"));
}

#[tokio::test]
async fn a6_a_key_ends_when_it_says_and_when_it_is_revoked() {
    let house = House::new().await;
    let made =
        house.post("/v1/keys", json!({"label": "ci", "scopes": ["price"], "expires_at": "2026-01-01T00:01:00Z"})).await;
    let key = made.body["key"].as_str().unwrap().to_owned();
    let price = json!({"currency": "EUR", "lines": [{"item": "a", "quantity": "1", "list_price": "2.5"}]});
    assert_eq!(house.call(&key, Method::POST, "/v1/price", price.clone()).await.status, 200);
    house.world.clock.advance(60_000);
    assert_eq!(house.call(&key, Method::POST, "/v1/price", price).await.code(), (401, "key-expired"));

    let victim = house.key_with(Some(1), &["work:read"]).await;
    let status = || house.call(&victim, Method::GET, "/v1/status", Json::Null);
    assert_eq!(status().await.status, 200);
    let id = Token::parse(&victim).unwrap().id().to_owned();
    assert_eq!(house.call(&house.key, Method::DELETE, &format!("/v1/keys/{id}"), Json::Null).await.status, 204);
    assert_eq!(status().await.code(), (401, "key-revoked"));
}

/// Another node revokes the key: this one learns of it within five seconds.
#[tokio::test]
async fn a4_a_key_revoked_elsewhere_dies_within_five_seconds() {
    let house = House::new().await;
    assert_eq!(house.get("/v1/status").await.status, 200);
    let id = Token::parse(&house.key).unwrap().id().to_owned();
    house.world.control.revoke_key(Some(TenantId(1)), &id, house.world.app.clock.now()).await.unwrap();
    house.world.clock.advance(5_000);
    assert_eq!(house.get("/v1/status").await.code(), (401, "key-revoked"));
}

#[tokio::test]
async fn a7_a_rotated_key_overlaps_and_then_dies() {
    let house = House::new().await;
    let id = Token::parse(&house.key).unwrap().id().to_owned();
    let rotated = house.post(&format!("/v1/keys/{id}/rotate"), json!({"overlap_s": 60})).await;
    let new = rotated.body["key"].as_str().unwrap().to_owned();
    let status = async |key: &str| house.call(key, Method::GET, "/v1/status", Json::Null).await.status.as_u16();
    assert_eq!((status(&house.key).await, status(&new).await), (200, 200));
    house.world.clock.advance(60_000);
    assert_eq!((status(&house.key).await, status(&new).await), (401, 200));
}

#[tokio::test]
async fn a8_nobody_gives_more_than_they_have() {
    let house = House::new().await;
    let small = house.key_with(Some(1), &["keys:write", "price"]).await;
    let ask = |scopes: Json| house.call(&small, Method::POST, "/v1/keys", json!({"label": "x", "scopes": scopes}));
    assert_eq!(ask(json!(["price"])).await.status, 201);
    assert_eq!(ask(json!(["price", "plugins:activate"])).await.code(), (403, "scope-missing"));
    assert_eq!(ask(json!([])).await.code(), (422, "invalid-scopes"));
    assert_eq!(ask(json!(["root"])).await.code(), (422, "invalid-scopes"));
    // A tenant's key never manages tenants, whoever makes it.
    let made = Request::post("/v1/keys").header("authorization", format!("Bearer {}", house.operator));
    let made = made.header("x-tenant", "acme").header("content-type", "application/json");
    let body = json!({"label": "x", "scopes": ["tenants:read"]}).to_string();
    assert_eq!(house.send(made.body(Body::from(body)).unwrap()).await.code(), (422, "invalid-scopes"));
    // Nor does rotating a stronger key give its scopes away.
    let id = Token::parse(&house.key).unwrap().id().to_owned();
    let rotated = house.call(&small, Method::POST, &format!("/v1/keys/{id}/rotate"), json!({})).await;
    assert_eq!(rotated.code(), (403, "scope-missing"));
}

#[tokio::test]
async fn a9_guessing_is_slowed_down_and_the_owner_is_not() {
    let house = House::new().await;
    assert_eq!(house.get("/v1/status").await.status, 200);
    let reads = || house.world.control.key_reads.load(std::sync::atomic::Ordering::SeqCst);
    let before = reads();
    let mut codes = Vec::new();
    for _ in 0..200 {
        let guess = Token::generate().unwrap().reveal();
        codes.push(house.call(&guess, Method::GET, "/v1/status", Json::Null).await.status.as_u16());
    }
    assert_eq!(codes.iter().filter(|it| **it == 401).count(), 50);
    assert!(codes[50..].iter().all(|it| *it == 429), "{codes:?}");
    assert_eq!(reads() - before, 50, "guesses past the limit cost the store nothing");
    house.world.clock.advance(4_999);
    assert_eq!(house.get("/v1/status").await.status, 200);
    house.world.clock.advance(5_001);
    assert_eq!(house.get("/v1/status").await.status, 200);
}

#[tokio::test]
async fn a_keys_last_use_is_written_down() {
    let house = House::new().await;
    house.get("/v1/status").await;
    house.door.keyring.flush_used().await.unwrap();
    let id = Token::parse(&house.key).unwrap().id().to_owned();
    let keys = house.world.control.keys.lock().unwrap();
    assert_eq!(keys[&id].last_used_at, Some(house.world.app.clock.now()));
}

#[tokio::test]
async fn a11_a_key_cannot_be_given_to_another_tenant() {
    let house = House::new().await;
    let made = house.post("/v1/keys", json!({"label": "x", "scopes": ["price"], "tenant": 2})).await;
    assert_eq!(made.code(), (400, "invalid-body"));
}
