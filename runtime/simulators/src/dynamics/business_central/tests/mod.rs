//! An environment to try things on.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::{BusinessCentral, Settings};
use crate::journal::Change;
use crate::outbox::{Answer, Webhook};
use crate::system::{Request, Response, Step, System};

mod access;
mod adjustments;
mod admin;
mod batches;
mod edits;
mod orders;
mod prices;
mod reads;
mod stock;
mod webhooks;
mod writes;

/// 2026-07-01 12:00:30.25 UTC.
const START: UnixMs = UnixMs(1_782_907_230_250);
const ORIGIN: &str = "http://127.0.0.1:8080";

/// An environment with two items, two locations, two customers, a price list and stock.
struct Environment {
    system: BusinessCentral,
    now: Cell<UnixMs>,
    token: RefCell<String>,
}

/// An answer, taken apart.
struct Reply {
    status: u16,
    text: String,
    body: Value,
    response: Response,
}

impl Reply {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    fn rows(&self) -> &[Value] {
        self.body["value"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// A property of every row, in order.
    fn column(&self, name: &str) -> Vec<String> {
        self.rows().iter().map(|it| it[name].as_str().map_or(it[name].to_string(), str::to_owned)).collect()
    }
}

fn seed() -> Value {
    json!({
        "currencies": [{ "code": "EUR", "name": "Euro" }],
        "payment_terms": [{ "code": "30 DAYS" }],
        "locations": [{ "code": "MAIN", "name": "Main" }, { "code": "EAST", "name": "East" }],
        "items": [
            { "code": "BOLT-8", "title": "Bolt M8", "barcode": "4006381333931", "price": "12.5" },
            { "code": "NUT-8", "title": "Nut M8", "price": "0.1", "active": false, "never_changed": true },
        ],
        "customers": [
            { "code": "C10000", "name": "Acme", "email": "a@acme.example" },
            { "code": "C20000", "name": "Zinc", "currency": "EUR", "active": false },
        ],
        "price_lists": [{ "code": "GOLD", "prices": [
            { "item": "BOLT-8", "amount": "11.75" }, { "item": "BOLT-8", "from": "10", "amount": "11" },
        ] }],
        "stock": [
            { "item": "BOLT-8", "location": "MAIN", "on_hand": "140" },
            { "item": "BOLT-8", "location": "EAST", "on_hand": "0.5" },
        ],
    })
}

impl Environment {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let system = BusinessCentral::new(settings);
        system.seed(START.minus(3_600_000), serde_json::from_value(seed()).unwrap()).unwrap();
        let it = Self { system, now: Cell::new(START), token: RefCell::default() };
        it.sign_in();
        it
    }

    fn sign_in(&self) {
        let application = self.system.application();
        let scope = format!("{}/.default", super::RESOURCE);
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &application.client_id)
            .append_pair("client_secret", &application.client_secret)
            .append_pair("scope", &scope)
            .finish();
        let uri = format!("{ORIGIN}/{}/oauth2/v2.0/token", application.tenant);
        let reply = self.send(&http::Request::post(uri).body(Bytes::from(form)).unwrap());
        *self.token.borrow_mut() = reply.body["access_token"].as_str().unwrap().to_owned();
    }

    /// The path of something in the company.
    fn path(&self, api: &str, rest: &str) -> String {
        let company = self.system.settings().companies[0].id;
        format!("/v2.0/Production/api/{api}/companies({company})/{rest}")
    }

    fn request(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Request {
        let uri = format!("{ORIGIN}{}", path.replace(' ', "%20"));
        let bearer = format!("Bearer {}", self.token.borrow());
        let mut request = http::Request::builder().method(method).uri(uri).header("authorization", bearer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        request.body(body).unwrap()
    }

    fn send(&self, request: &Request) -> Reply {
        reply(self.system.answer(self.now.get(), request))
    }

    /// A call of Microsoft's API, in the company.
    fn call(&self, method: &str, rest: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
        self.send(&self.request(method, &self.path("v2.0", rest), &body, headers))
    }

    fn get(&self, rest: &str) -> Reply {
        self.call("GET", rest, Value::Null, &[])
    }

    fn post(&self, rest: &str, body: Value) -> Reply {
        self.call("POST", rest, body, &[])
    }

    /// A change without care for others.
    fn patch(&self, rest: &str, body: Value) -> Reply {
        self.call("PATCH", rest, body, &[("if-match", "*")])
    }

    /// A call of a custom API.
    fn custom(&self, method: &str, rest: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
        let group = if rest.starts_with("itemLocation") { "inventory" } else { "pricing" };
        self.send(&self.request(method, &self.path(&format!("erpsync/{group}/v1.0"), rest), &body, headers))
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(format!("{ORIGIN}{path}")).body(body).unwrap();
        let response = self.system.admin(self.now.get(), &request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// The id of the first record that a condition finds.
    fn id(&self, set: &str, filter: &str) -> String {
        let reply = self.get(&format!("{set}?$filter={filter}"));
        reply.body["value"][0]["id"].as_str().unwrap().to_owned()
    }

    /// `actor kind id field=value` of every change from `from` on.
    fn changes(&self, from: usize) -> Vec<String> {
        let line = |it: Change| format!("{:?} {} {} {}={}", it.actor, it.kind, it.id, it.field, it.value);
        self.system.journal().since(from).into_iter().map(line).collect()
    }

    fn wait(&self, ms: u64) {
        self.now.set(self.now.get().plus(ms));
    }

    /// A call that has to wait for a handshake, which is answered so.
    fn shake(&self, request: &Request, answer: impl FnOnce(&Webhook) -> Option<Answer>) -> Reply {
        match self.system.begin(self.now.get(), request) {
            Step::Answered(response) => reply(response),
            Step::Ask(handshake) => {
                let said = answer(&handshake);
                reply(self.system.resume(self.now.get(), request, &handshake, said.as_ref()))
            }
        }
    }

    /// What leaves by now.
    fn told(&self) -> Vec<(Webhook, Value)> {
        self.system.wake(self.now.get());
        let parsed = |it: Webhook| (it.clone(), serde_json::from_slice(&it.body).unwrap());
        self.system.take_webhooks().into_iter().map(parsed).collect()
    }
}

fn reply(response: Response) -> Reply {
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status: response.status().as_u16(), text, body, response }
}

/// An order of three bolts from the main location.
fn order(environment: &Environment) -> Value {
    let location = environment.id("locations", "code eq 'MAIN'");
    json!({
        "externalDocumentNumber": "SHOP-5512", "customerNumber": "C10000", "orderDate": "2026-07-01",
        "salesOrderLines": [
            { "lineType": "Item", "lineObjectNumber": "BOLT-8", "quantity": 3, "unitPrice": 12.5, "locationId": location },
        ],
    })
}
