//! The admin door: everything in the environment as plain JSON, seen and edited as a person would.
//!
//! ```text
//! POST   /seed                          a Seed
//! GET    /settings           PUT        Settings
//! GET    /items  /items/{item}  POST /items      PATCH, DELETE /items/{item}
//! GET    /stock              PUT /stock/{item}/{location} {"on_hand": "5"}   PUT /stock/{item}: at no location
//! GET    /prices             PUT /prices/{list}/{item} {"amount": "9.5", "breaks": [{"from": "10", "amount": "9"}]}
//!                            DELETE /prices/{list}/{item}
//! GET    /customers          POST /customers     PATCH, DELETE /customers/{customer}
//! GET    /orders             POST /orders        DELETE /orders/{order}
//!        POST /orders/{order}/ship [["BOLT-8", "2"]], or nothing for all   POST /orders/{order}/post
//!        PUT /orders/{order}/status {"status": "Open"}
//! GET    /locations  /subscriptions     DELETE /subscriptions: ends them all
//! DELETE /tokens                        ends every access token
//! ```
//!
//! Items, customers and orders are named by number or id, quantities and amounts are decimal strings. With
//! `?editor=delegated-admin` the partner's administrator does it, and no webhook tells.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::super::edits::Refused;
use super::super::wire;
use super::BusinessCentral;
use super::human::Editor;
use crate::system::{self, Request, Response};

const JSON: &str = "application/json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnHand {
    on_hand: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
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
pub(super) fn answer(system: &BusinessCentral, now: UnixMs, request: &Request) -> Response {
    let segments = wire::segments(request.uri().path()).unwrap_or_default();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let is_look = request.method() == http::Method::GET;
    let outcome = if is_look { look(system, now, &path) } else { edit(system, now, request, &path) };
    match outcome {
        Ok(body) => system::json(200, JSON, &body),
        Err(No::NotFound) => system::json(404, JSON, &json!({ "error": "there is nothing here" })),
        Err(No::Bad(why)) => system::json(400, JSON, &json!({ "error": why })),
    }
}

fn look(system: &BusinessCentral, now: UnixMs, path: &[&str]) -> Result<Value, No> {
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
        ["subscriptions"] => shown(&system.subscriptions(now)),
        _ => Err(No::NotFound),
    }
}

fn editor(request: &Request) -> Editor {
    let is_admin = request.uri().query().is_some_and(|it| it.contains("editor=delegated-admin"));
    if is_admin { Editor::DelegatedAdmin } else { Editor::User }
}

fn edit(system: &BusinessCentral, now: UnixMs, request: &Request, path: &[&str]) -> Result<Value, No> {
    let by = editor(request);
    match (request.method().as_str(), path) {
        ("POST", ["seed"]) => system.seed(now, body(request)?)?,
        ("PUT", ["settings"]) => system.set_settings(body(request)?),
        ("POST", ["items"]) => return Ok(json!({ "id": system.add_item(now, by, body(request)?)? })),
        ("PATCH", ["items", item]) => system.set_item(now, by, item, body(request)?)?,
        ("DELETE", ["items", item]) => system.delete_item(now, by, item)?,
        ("PUT", ["stock", item]) => system.set_stock(now, by, (item, ""), body::<OnHand>(request)?.on_hand)?,
        ("PUT", ["stock", item, location]) => {
            system.set_stock(now, by, (item, location), body::<OnHand>(request)?.on_hand)?;
        }
        ("PUT", ["prices", list, item]) => system.set_price(now, by, (list, item), body(request)?)?,
        ("DELETE", ["prices", list, item]) => system.remove_price(now, by, list, item)?,
        ("POST", ["customers"]) => return Ok(json!({ "id": system.add_customer(now, by, body(request)?)? })),
        ("PATCH", ["customers", customer]) => system.set_customer(now, by, customer, body(request)?)?,
        ("DELETE", ["customers", customer]) => system.delete_customer(now, by, customer)?,
        ("POST", ["orders"]) => return Ok(json!({ "id": system.place_order(now, by, body(request)?)? })),
        ("POST", ["orders", order, "ship"]) => {
            let some: Option<Vec<(String, Decimal)>> =
                if request.body().is_empty() { None } else { Some(body(request)?) };
            system.ship_order(now, by, order, some.as_deref())?;
        }
        ("POST", ["orders", order, "post"]) => system.post_order(now, by, order)?,
        ("PUT", ["orders", order, "status"]) => {
            system.set_order_status(now, by, order, &body::<NewStatus>(request)?.status)?;
        }
        ("DELETE", ["orders", order]) => system.delete_order(now, by, order)?,
        ("DELETE", ["tokens"]) => system.revoke_tokens(),
        ("DELETE", ["subscriptions"]) => system.end_subscriptions(),
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
