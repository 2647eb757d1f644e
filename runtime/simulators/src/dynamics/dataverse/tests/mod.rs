//! An organisation to try things on.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::{Dataverse, Settings};
use crate::journal::Change;
use crate::system::{Request, Response, System};

mod access;
mod batches;
mod people;
mod reads;
mod tracking;
mod writes;

/// 2026-07-01 12:00:30.25 UTC.
const START: UnixMs = UnixMs(1_782_907_230_250);
const ORIGIN: &str = "http://127.0.0.1:8080";

/// An organisation with two products, an account, a price level and stock.
struct Organisation {
    system: Dataverse,
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

    fn rows(&self) -> &[Value] {
        self.body["value"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn column(&self, name: &str) -> Vec<String> {
        self.rows().iter().map(|it| it[name].as_str().map_or(it[name].to_string(), str::to_owned)).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// The id at the end of `OData-EntityId`.
    fn id(&self) -> String {
        let url = self.header("odata-entityid");
        url.rsplit_once('(').unwrap().1.trim_end_matches(')').to_owned()
    }
}

fn seed() -> Value {
    json!({
        "currencies": ["EUR"],
        "products": [
            { "code": "BOLT-8", "title": "Bolt M8", "price": "12.5" },
            { "code": "NUT-8", "title": "Nut M8", "active": false },
        ],
        "accounts": [{ "code": "C1", "name": "Acme", "email": "a@acme.example" }],
        "price_levels": [{ "name": "Gold", "currency": "EUR", "prices": [["BOLT-8", "11.75"]] }],
        "warehouses": [{ "code": "MAIN", "name": "Main" }],
        "stock": [{ "item": "BOLT-8", "location": "MAIN", "on_hand": "140.5" }],
    })
}

impl Organisation {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let system = Dataverse::new(settings);
        system.seed(START.minus(3_600_000), serde_json::from_value(seed()).unwrap()).unwrap();
        let it = Self { system, now: Cell::new(START), token: RefCell::default() };
        it.sign_in();
        it
    }

    fn sign_in(&self) {
        let application = self.system.application();
        let scope = format!("{}/.default", self.system.settings().resource());
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

    fn request(&self, method: &str, url: &str, body: &Value, headers: &[(&str, &str)]) -> Request {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{ORIGIN}/api/data/v9.2/{url}") };
        let bearer = format!("Bearer {}", self.token.borrow());
        let mut request = http::Request::builder().method(method).uri(url.replace(' ', "%20"));
        request = request.header("authorization", bearer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        request.body(body).unwrap()
    }

    fn send(&self, request: &Request) -> Reply {
        let response = self.system.answer(self.now.get(), request);
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status: response.status().as_u16(), text, body, response }
    }

    fn call(&self, method: &str, url: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
        self.send(&self.request(method, url, &body, headers))
    }

    fn get(&self, url: &str) -> Reply {
        self.call("GET", url, Value::Null, &[])
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(format!("{ORIGIN}{path}")).body(body).unwrap();
        let response = self.system.admin(self.now.get(), &request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// `actor kind field=value` of every change from `from` on; of those with a GUID for an id, without it.
    fn changes(&self, from: usize) -> Vec<String> {
        let line = |it: Change| {
            let id = if it.id.len() == 36 { String::new() } else { format!("{} ", it.id) };
            format!("{:?} {} {id}{}={}", it.actor, it.kind, it.field, it.value)
        };
        self.system.journal().since(from).into_iter().map(line).collect()
    }

    fn wait(&self, ms: u64) {
        self.now.set(self.now.get().plus(ms));
    }
}

/// An order of three bolts.
fn order() -> Value {
    json!({
        "name": "PO-7", "customerid_account@odata.bind": "/accounts(accountnumber='C1')",
        "pricelevelid@odata.bind": "pricelevels(name='Standard')",
        "order_details": [{ "productid@odata.bind": "/products(productnumber='BOLT-8')", "quantity": 3 }],
    })
}
