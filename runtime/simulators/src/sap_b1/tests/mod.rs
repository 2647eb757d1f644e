//! A company to try things on, and what crosses several of its services.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::{SapB1, Settings};
use crate::door::{Door, Reply};
use crate::faults::Faults;
use crate::journal::Change;
use crate::system::{Request, Response, System, assert_copied};

mod documents;
mod items;
mod partners;
mod people;
mod prices;
mod queries;
mod sessions;
mod stock;
mod webhooks;

/// 2026-11-21 21:42:05 UTC: 16:42:05 in New York.
pub(super) const START: UnixMs = UnixMs(1_795_297_325_000);
pub(super) const ORIGIN: &str = "https://b1.example:50000";

/// A company with two items, two warehouses, three price lists and a customer.
pub(super) struct Company {
    pub system: SapB1,
    pub now: Cell<UnixMs>,
    pub cookies: RefCell<String>,
}

/// An answer, taken apart.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    pub response: Response,
}

impl Answer {
    /// `status code` of a refusal, with the code as its version spells it.
    pub(super) fn refusal(&self) -> String {
        format!("{} {}", self.status, self.body["error"]["code"])
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(super) fn rows(&self) -> &Vec<Value> {
        self.body["value"].as_array().unwrap_or_else(|| panic!("{}", self.body))
    }

    /// One member of every row.
    pub(super) fn column(&self, name: &str) -> Vec<Value> {
        self.rows().iter().map(|it| it[name].clone()).collect()
    }
}

pub(super) fn seed() -> Value {
    json!({
        "warehouses": [{ "code": "01", "name": "Main" }, { "code": "02", "name": "East" }],
        "price_lists": [
            { "number": 1, "name": "Base" },
            { "number": 2, "name": "Gold", "base": 1, "factor": "0.9" },
            { "number": 3, "name": "Export", "currency": "EUR" },
        ],
        "items": [
            { "code": "A1", "title": "Bolt M8", "barcode": "4006381333931" },
            { "code": "B/2'x:y", "title": "Odd" },
            { "code": "S1", "title": "Service", "inventory": false },
        ],
        "prices": [{ "item": "A1", "list": 1, "amount": "12.5" }, { "item": "A1", "list": 3, "amount": "9.99" }],
        "stock": [
            { "item": "A1", "warehouse": "01", "on_hand": "140" },
            { "item": "A1", "warehouse": "02", "on_hand": "0.5" },
        ],
        "partners": [
            { "code": "C20000", "name": "Acme", "email": "a@acme.example" },
            { "code": "C30000", "name": "Gold Ltd", "price_list": 2, "discount": "10" },
            { "code": "V1", "name": "Maker", "type": "supplier" },
        ],
    })
}

impl Company {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let system = SapB1::new(settings).unwrap();
        system.seed(START.minus(86_400_000), serde_json::from_value(seed()).unwrap()).unwrap();
        let company = Self { system, now: Cell::new(START), cookies: RefCell::default() };
        assert_eq!(company.log_in("manager", "manager").status, 200);
        company
    }

    pub(super) fn log_in(&self, user: &str, password: &str) -> Answer {
        let company = self.system.settings().company;
        let body = json!({ "CompanyDB": company, "UserName": user, "Password": password, "Language": 23 });
        let answer = self.call("POST", "v2/Login", body);
        let cookies = answer.response.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
        let pairs: Vec<&str> = cookies.map(|it| it.split(';').next().unwrap()).collect();
        if answer.status == 200 {
            *self.cookies.borrow_mut() = pairs.join("; ");
        }
        answer
    }

    pub(super) fn request(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::builder().method(method).uri(format!("{ORIGIN}/b1s/{path}"));
        if !self.cookies.borrow().is_empty() {
            request = request.header("cookie", &*self.cookies.borrow());
        }
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

    pub(super) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null)
    }

    /// Posts what must be taken.
    pub(super) fn made(&self, path: &str, body: Value) -> Answer {
        let answer = self.call("POST", path, body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    pub(super) fn send(&self, request: &Request) -> Answer {
        let response = self.system.answer(self.now.get(), request);
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Answer { status: response.status().as_u16(), body, response }
    }

    pub(super) fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(format!("{ORIGIN}{path}")).body(body).unwrap();
        let response = self.system.admin(self.now.get(), &request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// `actor kind id field=value` of every change that `act` causes.
    pub(super) fn changes(&self, act: impl FnOnce()) -> Vec<String> {
        let from = self.system.journal().len();
        act();
        let line = |it: Change| format!("{:?} {} {} {}={}", it.actor, it.kind, it.id, it.field, it.value);
        self.system.journal().since(from).into_iter().map(line).collect()
    }

    /// `on hand / committed` of an item in a warehouse.
    pub(super) fn stock(&self, item: &str, warehouse: &str) -> String {
        let row = self.system.stock_at(item, warehouse).unwrap();
        format!("{} / {}", row.on_hand, row.committed)
    }

    /// Lets days go by, and logs in again.
    pub(super) fn days(&self, n: u64) {
        self.wait(n * 86_400_000);
        assert_eq!(self.log_in("manager", "manager").status, 200);
    }

    pub(super) fn wait(&self, ms: u64) {
        self.now.set(self.now.get().plus(ms));
    }
}

#[test]
fn the_load_balancer_speaks_html() {
    let company = Company::new();
    for (response, status) in [(company.system.overloaded(), 503), (company.system.broken(), 502)] {
        assert_eq!(response.status(), status);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(serde_json::from_slice::<Value>(response.body()).is_err());
    }
}

#[test]
fn the_load_balancer_does_not_know_what_to_expect() {
    let company = Company::new();
    let answer = company.call_with("POST", "v2/Items", json!({ "ItemCode": "N1" }), &[("expect", "100-continue")]);
    assert_eq!((answer.status, answer.response.body().len()), (500, 0));
    assert_eq!(company.system.item("N1"), None);
}

#[test]
fn what_is_not_there_is_not_found() {
    let company = Company::new();
    for path in ["v2/Nothing", "v2/Items('A1')/ItemPrices/1", "v3/Items", "v2/CompanyService_Nothing"] {
        assert_eq!(company.get(path).status, 404, "{path}");
    }
    assert_eq!(company.call("DELETE", "v2/Items", Value::Null).status, 405);
}

#[test]
fn the_model_names_every_set_and_every_type_that_it_uses() {
    let company = Company::new();
    company.made("v2/UserFieldsMD", json!({ "TableName": "ORDR", "Name": "ExtId", "Type": "db_Alpha", "Size": 50 }));
    for (version, day) in [("v1", "Edm.DateTime\""), ("v2", "Edm.DateTimeOffset\"")] {
        let response = company.get(&format!("{version}/$metadata")).response;
        let text = std::str::from_utf8(response.body()).unwrap();
        assert!(text.contains(r#"<EntitySet Name="SQLQueries" EntityType="SAPB1.SQLQuery"/>"#));
        assert!(text.contains(&format!(r#"<Property Name="UpdateDate" Type="{day}/>"#)), "{text}");
        assert!(text.contains(r#"<Property Name="U_ExtId" Type="Edm.String"/>"#));
        let types = text.match_indices("SAPB1.").map(|(at, it)| &text[at + it.len()..]);
        for name in types.map(|it| it.split(['"', ')']).next().unwrap()) {
            assert!(text.contains(&format!(r#"Type Name="{name}">"#)), "{name}");
        }
        assert_eq!(text.matches("<EntityType").count(), text.matches("</EntityType>").count());
    }
    let sets = company.get("v2/");
    assert_eq!(sets.column("name")[0], "Items");
}

#[test]
fn what_is_not_applied_is_answered_and_leaves_nothing() {
    let company = Company::new();
    let titled = company.request("PATCH", "v2/Items('A1')", &json!({ "ItemName": "New" }), &[]);
    assert_copied(&company.system, START, &titled);
    let system = Arc::new(company.system);
    let door = Door::new(system.clone());
    door.set_faults(Faults { unapplied: 1_000, ..Faults::default() });
    let asked = |request: &Request| match door.api(START, request) {
        Reply::Answer(response, _) => response.status().as_u16(),
        reply => panic!("{reply:?}"),
    };
    let lines = system.journal().len();
    let again = http::Request::from_parts(titled.clone().into_parts().0, Bytes::from(r#"{"ItemName":"Newer"}"#));
    assert_eq!((asked(&again), system.journal().len()), (204, lines));
    // Whoever signs in is in.
    let login = json!({ "CompanyDB": system.settings().company, "UserName": "manager", "Password": "manager" });
    let login = http::Request::post(format!("{ORIGIN}/b1s/v2/Login")).body(Bytes::from(login.to_string())).unwrap();
    let Reply::Answer(response, _) = door.api(START, &login) else { panic!("no answer") };
    let cookies = response.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    let cookies: Vec<&str> = cookies.filter_map(|it| it.split(';').next()).collect();
    let get = |cookies: &str| {
        http::Request::get(format!("{ORIGIN}/b1s/v2/Items")).header("cookie", cookies).body(Bytes::new()).unwrap()
    };
    assert_eq!(asked(&get(&cookies.join("; "))), 200);
    door.set_faults(Faults { signed_out: 1_000, ..Faults::default() });
    assert_eq!(asked(&get(&cookies.join("; "))), 401);
}

#[test]
fn pages_are_as_small_as_the_menu_has_them() {
    let company = Company::new();
    company.system.set_faults(&Faults { page_max: 2, ..Faults::default() });
    let page = company.call_with("GET", "v2/Items", Value::Null, &[("prefer", "odata.maxpagesize=500")]);
    assert_eq!((page.rows().len(), page.body["@odata.nextLink"].is_null()), (2, false));
}
