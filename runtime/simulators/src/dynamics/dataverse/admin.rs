//! The admin door: everything in the organisation as plain JSON, seen and edited as a person would.
//!
//! ```text
//! POST   /seed                          a Seed
//! GET    /settings           PUT        Settings
//! GET    /items  /items/{item}  POST /items      PATCH, DELETE /items/{item}
//! GET    /stock              PUT /stock/{item}/{location} {"on_hand": "5"}
//! GET    /prices             PUT /prices/{list}/{item} {"amount": "9.5"}
//! GET    /customers          POST /customers     PATCH, DELETE /customers/{customer}
//! GET    /orders             POST /orders        DELETE /orders/{order}
//!        POST /orders/{order}/ship {"location": "MAIN", "quantities": [["BOLT-8", "2"]]}, both may be left out
//!        POST /orders/{order}/cancel
//! GET    /locations
//! DELETE /tokens                        ends every access token
//! ```
//!
//! Products, accounts and orders are named by number or id, quantities and amounts are decimal strings.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::super::edits::Refused;
use super::super::wire;
use super::Dataverse;
use crate::system::{self, Request, Response};

const JSON: &str = "application/json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnHand {
    on_hand: Decimal,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Shipping {
    location: Option<String>,
    quantities: Option<Vec<(String, Decimal)>>,
}

/// Why the door does not do as asked.
enum No {
    NotFound,
    Bad(String),
}

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        Self::Bad(refused.0)
    }
}

/// Answers a request at the admin door.
pub(super) fn answer(system: &Dataverse, now: UnixMs, request: &Request) -> Response {
    let segments = wire::segments(request.uri().path()).unwrap_or_default();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let is_look = request.method() == http::Method::GET;
    let outcome = if is_look { look(system, &path) } else { edit(system, now, request, &path) };
    match outcome {
        Ok(body) => system::json(200, JSON, &body),
        Err(No::NotFound) => system::json(404, JSON, &json!({ "error": "there is nothing here" })),
        Err(No::Bad(why)) => system::json(400, JSON, &json!({ "error": why })),
    }
}

fn look(system: &Dataverse, path: &[&str]) -> Result<Value, No> {
    match path {
        ["settings"] => shown(&system.settings()),
        ["items"] => shown(&system.items()),
        ["items", item] => shown(&system.item(item).ok_or(No::NotFound)?),
        ["stock"] => shown(&system.stock()),
        ["stock", item, location] => shown(&system.stock_at(item, location).ok_or(No::NotFound)?),
        ["prices"] => shown(&system.prices()),
        ["customers"] => shown(&system.customers()),
        ["locations"] => shown(&system.locations()),
        ["orders"] => shown(&system.orders()),
        _ => Err(No::NotFound),
    }
}

fn edit(system: &Dataverse, now: UnixMs, request: &Request, path: &[&str]) -> Result<Value, No> {
    match (request.method().as_str(), path) {
        ("POST", ["seed"]) => system.seed(now, body(request)?)?,
        ("PUT", ["settings"]) => system.set_settings(body(request)?),
        ("POST", ["items"]) => return Ok(json!({ "id": system.add_item(now, body(request)?)? })),
        ("PATCH", ["items", item]) => system.set_item(now, item, body(request)?)?,
        ("DELETE", ["items", item]) => system.delete_item(now, item)?,
        ("PUT", ["stock", item, location]) => {
            system.set_stock(now, (item, location), body::<OnHand>(request)?.on_hand)?;
        }
        ("PUT", ["prices", list, item]) => system.set_price(now, (list, item), body(request)?)?,
        ("POST", ["customers"]) => return Ok(json!({ "id": system.add_customer(now, body(request)?)? })),
        ("PATCH", ["customers", customer]) => system.set_customer(now, customer, body(request)?)?,
        ("DELETE", ["customers", customer]) => system.delete_customer(now, customer)?,
        ("POST", ["orders"]) => return Ok(json!({ "id": system.place_order(now, body(request)?)? })),
        ("POST", ["orders", order, "ship"]) => {
            let it: Shipping = if request.body().is_empty() { Shipping::default() } else { body(request)? };
            system.ship_order(now, (order, it.location.as_deref()), it.quantities.as_deref())?;
        }
        ("POST", ["orders", order, "cancel"]) => system.cancel_order(now, order)?,
        ("DELETE", ["orders", order]) => system.delete_order(now, order)?,
        ("DELETE", ["tokens"]) => system.revoke_tokens(),
        _ => return Err(No::NotFound),
    }
    Ok(json!({}))
}

fn shown(data: &impl Serialize) -> Result<Value, No> {
    serde_json::to_value(data).map_err(|it| No::Bad(it.to_string()))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, No> {
    serde_json::from_slice(request.body()).map_err(|it| No::Bad(it.to_string()))
}
