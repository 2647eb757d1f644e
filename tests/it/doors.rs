//! The doors of a real server: what comes in broken, at the wrong address, slowly, or just before it is killed.

mod hooks;
mod slow;
mod tenants;
mod uploads;

use std::path::PathBuf;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use truthsource::auth::Scope;
use truthsource::demo::server::{Server, Wishes};
use truthsource_tests::components;

/// A server with two tenants, which know nothing of each other.
struct House {
    server: Server,
    http: reqwest::Client,
    /// A key of `acme` with every scope of a tenant.
    acme: String,
    /// The same of `zeta`.
    zeta: String,
    dir: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Headers and body, as they are.
    text: String,
    json: Json,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }
}

/// A body and its type.
#[derive(Debug, Clone, PartialEq)]
enum Body {
    Nothing,
    Json(Json),
    Wasm(Vec<u8>),
}

impl House {
    async fn open() -> Self {
        Self::on(tempfile::tempdir().unwrap(), &["acme", "zeta"], &Wishes::default()).await
    }

    /// A server on this directory, where these tenants are still to be made.
    async fn on(dir: tempfile::TempDir, missing: &[&str], wishes: &Wishes) -> Self {
        let server = Server::start(crate::program(), dir.path(), wishes).await.unwrap();
        for name in missing {
            server.client(None).unwrap().post(&["tenants"], Some(&json!({"name": name}))).await.unwrap();
        }
        let mut keys = Vec::new();
        for name in ["acme", "zeta"] {
            let order = json!({"label": format!("{name}'s first"), "scopes": Scope::tenant_names()});
            let made = server.client(Some(name)).unwrap().post(&["keys"], Some(&order)).await.unwrap();
            keys.push(made["key"].as_str().unwrap().to_owned());
        }
        let (zeta, acme) = (keys.pop().unwrap(), keys.pop().unwrap());
        Self { server, http: reqwest::Client::new(), acme, zeta, dir }
    }

    /// The next server on the same data, after this one was killed as by a power cut.
    async fn killed(mut self) -> Self {
        self.server.killed().await.unwrap();
        self
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.server.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(json) => request.json(&json),
            Body::Wasm(bytes) => request.header("content-type", "application/wasm").body(bytes),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = format!("{:?}", response.headers());
        let body = response.text().await.unwrap();
        let json = serde_json::from_str(&body).unwrap_or(Json::Null);
        Answer { status, text: format!("{headers}\n{body}"), json }
    }

    async fn call(&self, key: &str, method: Method, path: &str, body: Body) -> Answer {
        self.send(method, path, &[("authorization", &format!("Bearer {key}"))], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(&self.acme, Method::GET, path, Body::Nothing).await
    }

    async fn post(&self, path: &str, body: Json) -> Answer {
        let body = if body.is_null() { Body::Nothing } else { Body::Json(body) };
        self.call(&self.acme, Method::POST, path, body).await
    }

    async fn upload(&self, slot: &str, component: Vec<u8>) -> Answer {
        self.call(&self.acme, Method::POST, &format!("/v1/slots/{slot}/releases"), Body::Wasm(component)).await
    }

    /// A component that answers in a slot of this key's tenant.
    async fn fill(&self, key: &str, slot: &str, component: &str) {
        let bytes = Body::Wasm(components().read(component).unwrap());
        let staged = self.call(key, Method::POST, &format!("/v1/slots/{slot}/releases"), bytes).await;
        assert_eq!(staged.status, 201, "{staged:?}");
        let release = Body::Json(json!({"release": staged.json["id"]}));
        let active = self.call(key, Method::POST, &format!("/v1/slots/{slot}/activate"), release).await;
        assert_eq!(active.status, 200, "{active:?}");
    }

    fn addr(&self) -> &str {
        self.server.url.trim_start_matches("http://")
    }

    /// Files below a directory of the data directory.
    fn files(&self, dir: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join(dir)).unwrap();
        entries.map(|it| it.unwrap().path()).filter(|it| it.is_file()).collect()
    }
}

/// A connection to a shop, with this webhook secret.
fn shop(name: &str, secret: &str) -> Json {
    json!({
        "name": name,
        "spec": {
            "connector": "connector:shopify", "egress": [], "rank": 1,
            "kinds": {"stock-level": {"reads": true, "writes": false, "creates": false}},
        },
        "credentials": {"webhook": [{"secret": secret}]},
    })
}

fn basket(slot: &str) -> Json {
    json!({"slot": slot, "currency": "EUR", "lines": [{"item": "bolt-8", "quantity": "3", "list_price": "1.10"}]})
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// Everything that is answered to these bytes until the other end closes.
async fn say(addr: &str, words: &[u8]) -> String {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    // Whoever is refused early is told so while still writing.
    let _ = socket.write_all(words).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_slot_is_said_to_be_empty() {
    let house = House::open().await;
    assert_eq!(house.post("/v1/price", basket("pricing")).await.code(), (404, "empty-slot"));
    assert_eq!(house.post("/v1/connections", shop("shop", "s")).await.status, 201);
    let checked = house.post("/v1/connections/shop/check", Json::Null).await;
    assert_eq!(checked.code(), (404, "empty-slot"));
    assert!(checked.json["detail"].as_str().unwrap().contains("`connector:shopify`"), "{checked:?}");
    // One that is staged does not fill it.
    assert_eq!(house.upload("connector:shopify", components().read("shopify").unwrap()).await.status, 201);
    assert_eq!(house.post("/v1/connections/shop/check", Json::Null).await.code(), (404, "empty-slot"));
}

/// Letters that mean something to a terminal, a file or a database are a name that nobody has.
#[tokio::test(flavor = "multi_thread")]
async fn i1_odd_letters_are_a_name_like_others_and_never_a_failure() {
    let house = House::open().await;
    for name in ["%00", "%E2%80%AE", "%F0%9F%94%A9", "Caf%C3%A9", "Cafe%CC%81", "%FF", "%ED%A0%80", "%"] {
        for path in ["/v1/records/item/", "/v1/records/", "/v1/connections/"] {
            let answer = house.get(&format!("{path}{name}")).await;
            assert!(matches!(answer.status, 400 | 404) && answer.json["code"].is_string(), "{path}{name}: {answer:?}");
        }
    }
    // Two spellings of one name beside each other, and what turns a line around.
    let odd = json!({"caf\u{e9}": "\u{202e}", "cafe\u{301}": "\u{1f529}"});
    let mut connection = shop("shop", "s");
    connection["spec"]["settings"] = odd.clone();
    let made = house.post("/v1/connections", connection).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(house.get("/v1/connections/shop").await.json["spec"]["settings"], odd);
}
