//! The admin door: everything in the account as plain JSON, seen and edited as a person would.
//!
//! ```text
//! POST   /seed                          a Seed
//! GET    /settings           PUT        Settings
//! GET    /items  /items/{id} POST /items     PATCH, DELETE /items/{id}
//! GET    /stock  /stock/{item}/{location}    PUT {"on_hand": "5"}
//! GET    /prices             PUT /prices/{level}/{item} {"amount": "9.5", "breaks": [{"from": "10", "amount": "9"}]}
//! GET    /customers          POST /customers PATCH, DELETE /customers/{id}
//! GET    /orders             PUT /orders/{id}/status {"status": "cancelled"}   POST /orders/{id}/fulfil
//! GET    /locations  /price-levels  /adjustments  /deleted  /refused-logins
//! DELETE /tokens                        ends every access token
//! ```
//!
//! Ids are numbers, quantities and amounts decimal strings.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::Netsuite;
use super::human::Refused;
use super::model::{Status, StockKey};
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
    status: Status,
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
pub(super) fn answer(system: &Netsuite, now: UnixMs, request: &Request) -> Response {
    let path: Vec<&str> = request.uri().path().split('/').filter(|it| !it.is_empty()).collect();
    let outcome =
        if request.method() == http::Method::GET { look(system, &path) } else { edit(system, now, request, &path) };
    match outcome {
        Ok(body) => system::json(200, JSON, &body),
        Err(No::NotFound) => system::json(404, JSON, &json!({ "error": "there is nothing here" })),
        Err(No::Bad(why)) => system::json(400, JSON, &json!({ "error": why })),
    }
}

fn look(system: &Netsuite, path: &[&str]) -> Result<Value, No> {
    match path {
        ["settings"] => shown(&system.settings()),
        ["items"] => shown(&system.items()),
        ["items", id] => shown(&system.item(number(id)?).ok_or(No::NotFound)?),
        ["stock"] => shown(&system.stock()),
        ["stock", item, location] => shown(&system.stock_at(stock_key(item, location)?).ok_or(No::NotFound)?),
        ["prices"] => shown(&system.prices()),
        ["customers"] => shown(&system.customers()),
        ["locations"] => shown(&system.locations()),
        ["price-levels"] => shown(&system.price_levels()),
        ["orders"] => shown(&system.orders()),
        ["adjustments"] => shown(&system.adjustments()),
        ["deleted"] => shown(&system.deleted()),
        ["refused-logins"] => shown(&system.refusals()),
        _ => Err(No::NotFound),
    }
}

fn edit(system: &Netsuite, now: UnixMs, request: &Request, path: &[&str]) -> Result<Value, No> {
    let done = json!({});
    match (request.method().as_str(), path) {
        ("POST", ["seed"]) => system.seed(now, body(request)?)?,
        ("PUT", ["settings"]) => system.set_settings(body(request)?)?,
        ("POST", ["items"]) => return Ok(json!({ "id": system.add_item(now, body(request)?)? })),
        ("PATCH", ["items", id]) => system.set_item(now, number(id)?, body(request)?)?,
        ("DELETE", ["items", id]) => system.delete_item(now, number(id)?)?,
        ("PUT", ["stock", item, location]) => {
            let OnHand { on_hand } = body(request)?;
            system.set_on_hand(now, stock_key(item, location)?, on_hand)?;
        }
        ("PUT", ["prices", level, item]) => system.set_price(now, number(item)?, number(level)?, body(request)?)?,
        ("POST", ["customers"]) => return Ok(json!({ "id": system.add_customer(now, body(request)?)? })),
        ("PATCH", ["customers", id]) => system.set_customer(now, number(id)?, body(request)?)?,
        ("DELETE", ["customers", id]) => system.delete_customer(now, number(id)?)?,
        ("PUT", ["orders", id, "status"]) => {
            let NewStatus { status } = body(request)?;
            system.set_order_status(now, number(id)?, status)?;
        }
        ("POST", ["orders", id, "fulfil"]) => return Ok(json!({ "id": system.fulfil(now, number(id)?)? })),
        ("DELETE", ["tokens"]) => system.revoke_tokens(),
        _ => return Err(No::NotFound),
    }
    Ok(done)
}

fn shown(data: &impl Serialize) -> Result<Value, No> {
    serde_json::to_value(data).map_err(|it| No::Bad(it.to_string()))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, No> {
    serde_json::from_slice(request.body()).map_err(|it| No::Bad(it.to_string()))
}

fn number(text: &str) -> Result<u64, No> {
    text.parse().map_err(|_| No::NotFound)
}

fn stock_key(item: &str, location: &str) -> Result<StockKey, No> {
    Ok(StockKey { item: number(item)?, location: number(location)? })
}
