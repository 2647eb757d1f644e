//! Webhook subscriptions, and what they are sent.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use truthsource_core::{Decimal, UnixMs};

use super::items::row;
use super::orders::{Both, Fulfillment, Line, TaxLine, financial_word};
use super::table::Row;
use super::{Cause, State};
use crate::outbox::Webhook;
use crate::shopify::access::Access;
use crate::shopify::gid::{gid, level_gid};
use crate::shopify::search::{Facet, KeyKind, Searchable};
use crate::shopify::webhooks::{RETRIES_MS, Topic, sign};
use crate::shopify::{amounts, moments};

/// Somebody who wants to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Its number.
    pub id: u64,
    /// Whose it is, and whose secret signs.
    pub client_id: String,
    /// Of what.
    pub topic: Topic,
    /// Where.
    pub uri: String,
    /// What the subscriber calls it.
    pub name: Option<String>,
    /// The fields of a body that are sent; empty: all.
    pub include_fields: Vec<String>,
    /// The version bodies are written in.
    pub version: String,
    /// How often in a row it was not taken.
    pub failures: u32,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

impl State {
    /// Subscribes; `None` if this address has the topic already.
    pub fn subscribe(&mut self, cause: Cause, mut subscription: Subscription) -> Option<u64> {
        let is_same = |it: &Subscription| {
            it.client_id == subscription.client_id && it.topic == subscription.topic && it.uri == subscription.uri
        };
        if self.subscriptions.iter().any(|it| is_same(it)) {
            return None;
        }
        subscription.id = self.new_id();
        subscription.created = cause.second();
        subscription.updated = cause.second();
        Some(self.subscriptions.put(cause.at, subscription).id)
    }

    /// Tells nobody of anything any more.
    pub fn unsubscribe_everybody(&mut self) {
        self.subscriptions = super::Table::default();
    }

    /// Learns whether a webhook was taken. A subscriber that was deaf too often in a row is told no more.
    pub fn webhook_answered(&mut self, now: UnixMs, webhook: &Webhook, taken: Taken) {
        let header = |name: &str| webhook.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let topic = header("X-Shopify-Topic");
        let found = self.subscriptions.iter().find(|it| it.uri == webhook.url && Some(it.topic.name()) == topic);
        let Some(id) = found.map(|it| it.id) else { return };
        let after = self.subscriptions.edit(now, id, |it| {
            it.failures = if taken == Taken::Yes { 0 } else { it.failures + 1 };
        });
        if after.is_some_and(|it| it.failures >= self.settings.webhook_failures_max) {
            self.subscriptions.remove(id);
        }
    }

    /// Tells everybody who wants to know. The body is written only if somebody does.
    pub(in crate::shopify) fn announce(&mut self, cause: Cause, topic: Topic, body: impl FnOnce(&State) -> Value) {
        let wanted: Vec<_> = self.subscriptions.iter().filter(|it| it.topic == topic).cloned().collect();
        if wanted.is_empty() || self.is_seeding {
            return;
        }
        let body = body(self);
        self.announced += 1;
        let event = named("event", self.announced, 0);
        for subscription in wanted {
            let delivery = named("delivery", self.announced, subscription.id);
            let webhook = self.webhook(cause, &subscription, &body, (&event, &delivery));
            self.outgoing.push(webhook);
        }
    }

    fn webhook(&self, cause: Cause, to: &Subscription, body: &Value, (event, delivery): (&str, &str)) -> Webhook {
        let body = Bytes::from(picked(body, &to.include_fields).to_string());
        let secret = Access::signing_secret(&self.settings, &self.access, &to.client_id, (cause.at, self.announced));
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("X-Shopify-Topic", to.topic.name().to_owned()),
            ("X-Shopify-Hmac-Sha256", sign(&secret, &body)),
            ("X-Shopify-Shop-Domain", self.settings.shop_domain.clone()),
            ("X-Shopify-API-Version", to.version.clone()),
            ("X-Shopify-Webhook-Id", delivery.to_owned()),
            ("X-Shopify-Triggered-At", moments::utc(cause.at)),
            ("X-Shopify-Event-Id", event.to_owned()),
        ];
        headers.extend(to.name.clone().map(|it| ("X-Shopify-Name", it)));
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Webhook { method: http::Method::POST, url: to.uri.clone(), headers, body, retries_ms: RETRIES_MS }
    }

    fn local(&self, moment: UnixMs) -> String {
        moments::with_offset(moment, &self.zone)
    }

    pub(super) fn location_body(&self, id: u64) -> Value {
        let Some(it) = self.locations.get(id) else { return Value::Null };
        json!({
            "id": it.id, "name": it.name, "active": it.is_active, "legacy": false,
            "created_at": self.local(it.created), "updated_at": self.local(it.updated),
            "admin_graphql_api_id": gid("Location", id),
        })
    }

    pub(super) fn level_body(&self, key: u64) -> Value {
        let Some(it) = self.levels.get(key) else { return Value::Null };
        json!({
            "inventory_item_id": it.item, "location_id": it.location, "available": it.available(),
            "updated_at": self.local(it.updated),
            "admin_graphql_api_id": level_gid(it.location, it.item),
        })
    }

    pub(super) fn item_body(&self, id: u64) -> Value {
        let Some(it) = self.items.get(id) else { return Value::Null };
        json!({
            "id": it.id, "sku": it.sku, "tracked": it.tracked, "requires_shipping": it.requires_shipping,
            "cost": it.cost.map(amounts::price),
            "created_at": self.local(it.created), "updated_at": self.local(it.updated),
            "admin_graphql_api_id": gid("InventoryItem", id),
        })
    }

    pub(super) fn product_body(&self, id: u64) -> Value {
        let Some(it) = self.products.get(id) else { return Value::Null };
        let variants = it.variants.iter().filter_map(|it| self.variants.get(*it)).enumerate().map(|(n, variant)| {
            json!({
                "id": variant.id, "product_id": id, "title": variant.title(), "sku": variant.sku,
                "barcode": variant.barcode, "price": amounts::price(variant.price),
                "compare_at_price": variant.compare_at.map(amounts::price), "position": n + 1,
                "inventory_item_id": variant.item, "taxable": variant.taxable,
                "inventory_quantity": self.available_everywhere(variant.item),
                "created_at": self.local(variant.created), "updated_at": self.local(variant.updated),
                "admin_graphql_api_id": gid("ProductVariant", variant.id),
            })
        });
        let variants: Vec<Value> = variants.collect();
        json!({
            "id": it.id, "title": it.title, "handle": it.handle, "status": it.status.word(), "vendor": it.vendor,
            "product_type": it.product_type, "body_html": it.description_html, "tags": it.tags.join(", "),
            "created_at": self.local(it.created), "updated_at": self.local(it.updated), "variants": variants,
            "admin_graphql_api_id": gid("Product", id),
        })
    }

    pub(super) fn company_body(&self, id: u64) -> Value {
        let Some(it) = self.companies.get(id) else { return Value::Null };
        json!({
            "id": it.id, "name": it.name, "external_id": it.external_id, "note": it.note,
            "main_contact_admin_graphql_api_id": it.main_contact.map(|it| gid("CompanyContact", it)),
            "created_at": self.local(it.created), "updated_at": self.local(it.updated),
            "customer_since": self.local(it.created), "admin_graphql_api_id": gid("Company", id),
        })
    }

    pub(super) fn company_location_body(&self, id: u64) -> Value {
        let Some(it) = self.company_locations.get(id) else { return Value::Null };
        json!({
            "id": it.id, "name": it.about.name, "external_id": it.about.external_id, "note": it.about.note,
            "phone": it.about.phone, "tax_registration_id": it.about.tax_registration_id,
            "company": self.company_body(it.company),
            "created_at": self.local(it.created), "updated_at": self.local(it.updated),
            "admin_graphql_api_id": gid("CompanyLocation", id),
        })
    }

    pub(super) fn customer_body(&self, id: u64) -> Value {
        let Some(it) = self.customers.get(id) else { return Value::Null };
        json!({
            "id": it.id, "first_name": it.person.first_name, "last_name": it.person.last_name,
            "email": it.person.email, "phone": it.person.phone,
            "created_at": self.local(it.created), "updated_at": self.local(it.updated),
            "admin_graphql_api_id": gid("Customer", id),
        })
    }

    pub(super) fn order_body(&self, id: u64) -> Value {
        let Some(it) = self.orders.get(id) else { return Value::Null };
        let about = &it.about;
        let set = |both: Both| self.money_set(&about.presentment_currency, both);
        let taxes = |lines: &[TaxLine]| -> Vec<Value> {
            let line = |it: &TaxLine| json!({ "title": it.title, "rate": it.rate, "price": amounts::price(it.price.shop), "price_set": set(it.price) });
            lines.iter().map(line).collect()
        };
        let line = |line: &Line| {
            json!({
                "id": line.id, "variant_id": line.variant, "sku": line.sku, "title": line.title, "name": line.title,
                "variant_title": line.variant_title, "quantity": line.quantity, "current_quantity": line.current_quantity,
                "price": amounts::price(line.price.shop), "price_set": set(line.price), "tax_lines": taxes(&line.tax_lines),
                "product_id": line.variant.and_then(|it| self.variants.get(it)).map(|it| it.product),
                "admin_graphql_api_id": gid("LineItem", line.id),
            })
        };
        let lines: Vec<Value> = it.lines.iter().map(line).collect();
        let total = it.total();
        let current = it.current_total();
        let price = |it: Decimal| amounts::price(it);
        json!({
            "id": it.id, "name": it.name, "number": it.number - 1000, "order_number": it.number, "test": about.test,
            "po_number": about.po_number, "source_identifier": about.source_identifier, "source_name": about.source_name,
            "email": about.email, "note": about.note, "tags": about.tags.join(", "), "currency": about.currency,
            "presentment_currency": about.presentment_currency, "taxes_included": about.taxes_included,
            "financial_status": financial_word(it.financial),
            "fulfillment_status": (it.fulfillment == Fulfillment::Fulfilled).then_some("fulfilled"),
            "company": it.purchaser.map(|it| json!({ "id": it.company, "location_id": it.location })),
            "customer": about.customer.map(|it| self.customer_body(it)),
            "total_price": price(total.shop), "total_price_set": set(total),
            "current_total_price": price(current.shop), "current_total_price_set": set(current),
            "subtotal_price": price(it.subtotal(|line| line.quantity).shop), "total_tax": price(it.tax().shop),
            "tax_lines": taxes(&about.tax_lines), "line_items": lines,
            "cancelled_at": it.cancelled.map(|(at, _)| self.local(at)),
            "cancel_reason": it.cancelled.map(|(_, why)| format!("{why:?}").to_lowercase()),
            "processed_at": self.local(it.processed), "created_at": self.local(it.created),
            "updated_at": self.local(it.updated), "admin_graphql_api_id": gid("Order", id),
        })
    }

    fn money_set(&self, presentment_currency: &str, both: Both) -> Value {
        json!({
            "shop_money": { "amount": amounts::price(both.shop), "currency_code": self.settings.currency },
            "presentment_money": { "amount": amounts::price(both.presentment), "currency_code": presentment_currency },
        })
    }
}

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was answered 2xx.
    Yes,
    /// It was not.
    No,
}

/// The fields a subscriber asked for, or all.
fn picked(body: &Value, fields: &[String]) -> Value {
    match body {
        Value::Object(all) if !fields.is_empty() => Value::Object(
            all.iter().filter(|(key, _)| fields.contains(key)).map(|(key, it)| (key.clone(), it.clone())).collect(),
        ),
        _ => body.clone(),
    }
}

/// A unique name that follows from the numbers alone, in the form of a UUID.
fn named(purpose: &str, number: u64, part: u64) -> String {
    let hash = Sha256::digest(format!("{purpose}/{number}/{part}").as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

row!(Subscription);

impl Searchable<State> for Subscription {
    const KEYS: &'static [(&'static str, KeyKind)] =
        &[("id", KeyKind::Id), ("created_at", KeyKind::Time), ("updated_at", KeyKind::Time)];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" | "default" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            _ => Facet::None,
        }
    }
}
