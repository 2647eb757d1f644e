//! The doors, opened against fakes.

mod access;
mod acts;
mod hooks;
mod input;
mod numbers;
mod plans;
mod resources;
mod settling;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use super::fake::{Store, World, world};
use super::{Door, Limits, router};
use crate::app::TenantHandle;
use crate::auth::Scope;
use crate::auth::mint::{Order, mint};
use crate::store::control::{ControlStore as _, TenantId};

/// A node with two tenants and an operator.
struct House {
    world: World,
    door: Door,
    router: Router,
    /// The data of `acme`.
    acme: Arc<Store>,
    /// The data of `zeta`.
    zeta: Arc<Store>,
    operator: String,
    /// A key of `acme` with every scope of a tenant.
    key: String,
    /// The same of `zeta`.
    other: String,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Json,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

fn limits() -> Limits {
    Limits {
        json_bytes_max: 1 << 20,
        upload_bytes_max: 1 << 20,
        hook_bytes_max: 1 << 20,
        bodies_bytes_max: 8 << 20,
        body: Duration::from_millis(500),
        idle: Duration::from_millis(200),
        hooks_per_second_max: 100,
    }
}

impl House {
    async fn new() -> Self {
        let world = world();
        let (mut stores, mut keys) = (Vec::new(), Vec::new());
        for name in ["acme", "zeta"] {
            let tenant = world.control.add_tenant(name, world.app.clock.now()).await.unwrap();
            let store = Arc::new(Store::default());
            keys.push(give(&world, Some(tenant.id), Scope::tenant_names()).await);
            world.app.roster.begin(tenant.id);
            world.app.tenants.add(TenantHandle::new(tenant, store.clone()));
            stores.push(store);
        }
        let operator = give(&world, None, Scope::all_names()).await;
        let door = Door::new(world.app.clone(), limits()).unwrap();
        let router = router(&door);
        let (zeta, acme) = (stores.pop().unwrap(), stores.pop().unwrap());
        let (other, key) = (keys.pop().unwrap(), keys.pop().unwrap());
        Self { world, door, router, acme, zeta, operator, key, other }
    }

    async fn key_with(&self, tenant: Option<u32>, scopes: &[&str]) -> String {
        give(&self.world, tenant.map(TenantId), scopes.iter().map(ToString::to_string).collect()).await
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert(http::HeaderValue::from_static("truthsource.example"));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn call(&self, key: &str, method: Method, path: &str, body: Json) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(&self.key, Method::GET, path, Json::Null).await
    }

    async fn post(&self, path: &str, body: Json) -> Answer {
        self.call(&self.key, Method::POST, path, body).await
    }

    /// A connection `shop` of `acme`, with the webhook secret `s3cret`.
    async fn with_shop(self) -> Self {
        let made = self.post("/v1/connections", shop("shop")).await;
        assert_eq!(made.status, 201, "{made:?}");
        self
    }
}

async fn give(world: &World, tenant: Option<TenantId>, scopes: BTreeSet<String>) -> String {
    let order = Order { tenant, label: "test".into(), scopes, expires_at: None };
    let (token, key) = mint(order, world.app.clock.now()).unwrap();
    world.control.add_key(key).await.unwrap();
    token.reveal().to_string()
}

fn shop(name: &str) -> Json {
    json!({
        "name": name,
        "spec": {
            "connector": "connector:shopify",
            "egress": ["https://shop.example"],
            "rank": 1,
            "kinds": {"item": {"reads": true, "writes": true, "creates": true}},
        },
        "credentials": {"auth": {"scheme": "shopify-token", "token": "old"}, "webhook": [{"secret": "s3cret"}]},
    })
}
