//! The admin door: everything in the company as plain JSON, seen and edited as a person would.
//!
//! ```text
//! POST   /seed                            a Seed
//! GET    /settings             PUT        Settings
//! GET    /items  /items/{code} POST /items        PATCH, DELETE /items/{code}
//! GET    /stock  /stock/{item}/{warehouse}        PUT {"on_hand": "5"}
//! GET    /prices  /special-prices                 PUT /prices/{list}/{item} {"amount": "9.5", "breaks": [["10", "9"]]}
//! GET    /partners             POST /partners     PATCH, DELETE /partners/{code}
//! GET    /orders               POST /orders       POST /orders/{entry}/cancel|close|reopen
//! POST   /orders/{entry}/deliver {"lines": [[0, "2"]]}     GET /deliveries
//! GET    /drafts               POST /drafts/{entry}/approve
//! GET    /warehouses  /price-lists  /postings  /transfers  /refused-logins  /subscriptions  /notifications
//! PUT    /webhooks {"on": true}
//! DELETE /sessions                        ends every session
//! ```
//!
//! Codes in paths are percent-encoded, quantities and amounts decimal strings.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::SapB1;
use super::human::Refused;
use super::model::Book;
use crate::system::{self, Request, Response};

const JSON: &str = "application/json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnHand {
    on_hand: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivered {
    #[serde(default)]
    lines: Option<Vec<(i64, Decimal)>>,
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
pub(super) fn answer(system: &SapB1, now: UnixMs, request: &Request) -> Response {
    let parts = request.uri().path().split('/').filter(|it| !it.is_empty());
    let decoded: Option<Vec<String>> = parts.map(decoded).collect();
    let outcome = match &decoded {
        None => Err(No::NotFound),
        Some(path) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if request.method() == http::Method::GET {
                look(system, now, &path)
            } else {
                edit(system, now, request, &path)
            }
        }
    };
    match outcome {
        Ok(body) => system::json(200, JSON, &body),
        Err(No::NotFound) => system::json(404, JSON, &json!({ "error": "there is nothing here" })),
        Err(No::Bad(why)) => system::json(400, JSON, &json!({ "error": why })),
    }
}

fn look(system: &SapB1, now: UnixMs, path: &[&str]) -> Result<Value, No> {
    match path {
        ["settings"] => shown(&system.settings()),
        ["items"] => shown(&system.items()),
        ["items", code] => shown(&system.item(code).ok_or(No::NotFound)?),
        ["stock"] => shown(&system.stock()),
        ["stock", item, warehouse] => shown(&system.stock_at(item, warehouse).ok_or(No::NotFound)?),
        ["prices"] => shown(&system.prices(now)),
        ["special-prices"] => shown(&system.special_prices()),
        ["partners"] => shown(&system.partners()),
        ["warehouses"] => shown(&system.warehouses()),
        ["price-lists"] => shown(&system.price_lists()),
        ["orders"] => shown(&system.orders()),
        ["deliveries"] => shown(&system.documents(Book::DeliveryNotes)),
        ["drafts"] => shown(&system.documents(Book::Drafts)),
        ["postings"] => shown(&system.postings()),
        ["transfers"] => shown(&system.transfers()),
        ["refused-logins"] => shown(&system.refused_logins()),
        ["subscriptions"] => shown(&system.subscriptions()),
        ["notifications"] => shown(&system.notifications()),
        _ => Err(No::NotFound),
    }
}

fn edit(system: &SapB1, now: UnixMs, request: &Request, path: &[&str]) -> Result<Value, No> {
    match (request.method().as_str(), path) {
        ("POST", ["seed"]) => system.seed(now, body(request)?)?,
        ("PUT", ["settings"]) => system.set_settings(body(request)?)?,
        ("POST", ["items"]) => system.add_item(now, body(request)?)?,
        ("PATCH", ["items", code]) => system.set_item(now, code, body(request)?)?,
        ("DELETE", ["items", code]) => system.delete_item(now, code)?,
        ("PUT", ["stock", item, warehouse]) => {
            let OnHand { on_hand } = body(request)?;
            system.set_on_hand(now, item, warehouse, on_hand)?;
        }
        ("PUT", ["prices", list, item]) => system.set_price(now, number(list)?, item, body(request)?)?,
        ("POST", ["partners"]) => system.add_partner(now, body(request)?)?,
        ("PATCH", ["partners", code]) => system.set_partner(now, code, body(request)?)?,
        ("DELETE", ["partners", code]) => system.delete_partner(now, code)?,
        ("PUT", ["webhooks"]) => {
            let Switch { on } = body(request)?;
            system.switch_webhooks(on);
        }
        ("DELETE", ["sessions"]) => system.end_sessions(),
        _ => return document(system, now, request, path),
    }
    Ok(json!({}))
}

fn document(system: &SapB1, now: UnixMs, request: &Request, path: &[&str]) -> Result<Value, No> {
    let entry = match (request.method().as_str(), path) {
        ("POST", ["orders"]) => system.place_order(now, body(request)?)?,
        ("POST", ["orders", entry, "deliver"]) => {
            let given = if request.body().is_empty() { Delivered::default() } else { body(request)? };
            system.deliver(now, number(entry)?, given.lines.as_deref())?
        }
        ("POST", ["drafts", entry, "approve"]) => system.approve_draft(now, number(entry)?)?,
        ("POST", ["orders", entry, turn]) => {
            let entry = number(entry)?;
            match *turn {
                "cancel" => system.cancel_order(now, entry)?,
                "close" => system.close_order(now, entry)?,
                "reopen" => system.reopen_order(now, entry)?,
                _ => return Err(No::NotFound),
            }
            entry
        }
        _ => return Err(No::NotFound),
    };
    Ok(json!({ "id": entry }))
}

fn shown(data: &impl Serialize) -> Result<Value, No> {
    serde_json::to_value(data).map_err(|it| No::Bad(it.to_string()))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, No> {
    serde_json::from_slice(request.body()).map_err(|it| No::Bad(it.to_string()))
}

fn number(text: &str) -> Result<i64, No> {
    text.parse().map_err(|_| No::NotFound)
}

/// A part of a path without its percent-encoding; `None` if that is broken.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
