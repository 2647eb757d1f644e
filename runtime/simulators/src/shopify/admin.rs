//! The admin door: what people do and see, as JSON over HTTP.
//!
//! `GET` shows `/items`, `/stock`, `/prices`, `/companies`, `/locations`, `/orders`, `/settings` and
//! `/subscriptions`. `POST /seed` puts first contents in. Edits: `PUT /stock`, `PUT /items/{id}`, `POST /items`,
//! `DELETE /items/{id}`, `PUT /prices`, `DELETE /prices`, `PUT /companies/{id}`, `POST /orders`,
//! `POST /orders/{id}/cancel`, `POST /orders/{id}/ship`, `PUT /settings`, `POST /secret`, `POST /tokens/revoke`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::Shopify;
use super::api::plain;
use super::people::{ItemEdit, Placed, Refused};
use super::seed::Seed;
use super::state::prices::BreakText;
use crate::system::{Request, Response};

/// Which quantity of which item where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StockEdit {
    item: u64,
    location: u64,
    on_hand: Option<i64>,
    available: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEdit {
    /// Left out: the shop's own price.
    list: Option<u64>,
    item: u64,
    amount: Decimal,
    #[serde(default)]
    breaks: Vec<BreakText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceName {
    list: u64,
    item: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyEdit {
    name: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEdit {
    client_id: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppName {
    client_id: String,
}

#[derive(Serialize)]
struct SubscriptionView {
    id: u64,
    topic: &'static str,
    uri: String,
    failures: u32,
}

type Outcome = Result<Value, Refused>;

impl Shopify {
    pub(super) fn answer_admin(&self, now: UnixMs, request: &Request) -> Response {
        let parts: Vec<&str> = request.uri().path().split('/').filter(|it| !it.is_empty()).collect();
        let outcome = match request.method().as_str() {
            "GET" => self.show(&parts),
            _ => self.edit(now, request, &parts),
        };
        match outcome {
            Some(Ok(body)) => plain(200, &body),
            Some(Err(refused @ Refused::Missing { .. })) => plain(404, &json!({ "error": refused.to_string() })),
            Some(Err(refused @ Refused::Invalid(_))) => plain(400, &json!({ "error": refused.to_string() })),
            None => plain(404, &json!({ "error": "there is nothing here" })),
        }
    }

    fn show(&self, parts: &[&str]) -> Option<Outcome> {
        Some(Ok(match parts {
            ["items"] => json!(self.items()),
            ["stock"] => json!(self.stock()),
            ["prices"] => json!(self.prices()),
            ["companies"] => json!(self.companies()),
            ["locations"] => json!(self.locations()),
            ["orders"] => json!(self.orders()),
            ["settings"] => json!(self.settings()),
            ["subscriptions"] => {
                let state = self.state();
                let view = state.subscriptions.iter().map(|it| SubscriptionView {
                    id: it.id,
                    topic: it.topic.name(),
                    uri: it.uri.clone(),
                    failures: it.failures,
                });
                json!(view.collect::<Vec<_>>())
            }
            _ => return None,
        }))
    }

    fn edit(&self, now: UnixMs, request: &Request, parts: &[&str]) -> Option<Outcome> {
        Some(match (request.method().as_str(), parts) {
            ("POST", ["seed"]) => read::<Seed>(request).and_then(|it| Ok(json!(self.seed(now, &it)?))),
            ("PUT", ["stock"]) => read(request).and_then(|it| self.edit_stock(now, &it)),
            ("POST", ["items"]) => {
                read::<ItemEdit>(request).and_then(|it| Ok(json!({ "id": self.add_item(now, it)? })))
            }
            ("PUT", ["items", id]) => {
                read::<ItemEdit>(request).and_then(|it| done(self.set_item(now, number(id)?, it)))
            }
            ("DELETE", ["items", id]) => number(id).and_then(|id| done(self.delete_item(now, id))),
            ("PUT", ["prices"]) => read::<PriceEdit>(request)
                .and_then(|it| done(self.set_price(now, it.list, it.item, (it.amount, &it.breaks)))),
            ("DELETE", ["prices"]) => {
                read::<PriceName>(request).and_then(|it| done(self.delete_price(now, it.list, it.item)))
            }
            ("PUT", ["companies", id]) => {
                read::<CompanyEdit>(request).and_then(|it| done(self.set_company(now, number(id)?, it.name, it.code)))
            }
            ("POST", ["orders"]) => {
                read::<Placed>(request).and_then(|it| Ok(json!({ "id": self.place_order(now, &it)? })))
            }
            ("POST", ["orders", id, "cancel"]) => number(id).and_then(|id| done(self.cancel_order(now, id))),
            ("POST", ["orders", id, "ship"]) => number(id).and_then(|id| done(self.ship_order(now, id))),
            ("PUT", ["settings"]) => read(request).map(|it| {
                self.set_settings(it);
                json!(self.settings())
            }),
            ("POST", ["secret"]) => {
                read::<SecretEdit>(request).and_then(|it| done(self.rotate_secret(now, &it.client_id, &it.secret)))
            }
            ("POST", ["tokens", "revoke"]) => read::<AppName>(request).map(|it| {
                self.revoke_tokens(&it.client_id);
                json!({})
            }),
            _ => return None,
        })
    }

    fn edit_stock(&self, now: UnixMs, edit: &StockEdit) -> Outcome {
        match (edit.on_hand, edit.available) {
            (Some(quantity), None) => done(self.set_on_hand(now, edit.item, edit.location, quantity)),
            (None, Some(quantity)) => done(self.set_available(now, edit.item, edit.location, quantity)),
            _ => Err(Refused::invalid("give either `on_hand` or `available`")),
        }
    }
}

fn done(outcome: Result<(), Refused>) -> Outcome {
    outcome.map(|()| json!({}))
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refused> {
    serde_json::from_slice(request.body()).map_err(|error| Refused::invalid(error.to_string()))
}

fn number(text: &str) -> Result<u64, Refused> {
    text.parse().map_err(|_| Refused::missing("object", text))
}
