//! The shop as its callers see it.

mod access;
mod admin;
mod buyers;
mod documents;
mod inventory;
mod orders;
mod paging;
mod prices;
mod products;
mod throttling;
mod webhooks;

use bytes::Bytes;
use serde_json::{Value, json};
use truthsource_core::UnixMs;

use super::Shopify;
use super::moments;
use super::seed::{Seed, Seeded};
use super::settings::Settings;
use crate::system::{Request, Response, System};

/// A small shop: two locations, three items, a price list, two companies.
struct Shop {
    shop: Shopify,
    seeded: Seeded,
    now: UnixMs,
}

fn start() -> UnixMs {
    moments::parse("2026-11-21T08:00:00Z").unwrap()
}

fn seed() -> Seed {
    serde_json::from_value(json!({
        "locations": [{ "name": "Main" }, { "name": "Annex", "fulfills_online_orders": false }],
        "products": [
            { "title": "Hex bolt", "variants": [
                { "sku": "BOLT-8", "barcode": "4006381333931", "price": "12.50", "stock": { "Main": 120, "Annex": 5 } }] },
            { "title": "Hex nut", "variants": [{ "sku": "NUT-8", "price": "0.40", "stock": { "Main": 1000 } }] },
            { "title": "Washer", "status": "DRAFT", "variants": [{ "sku": "WASH-8", "price": "0.10", "stock": { "Main": 0 } }] },
        ],
        "price_lists": [{
            "name": "Gold", "adjustment": { "kind": "PERCENTAGE_DECREASE", "percent": "10" },
            "prices": [{ "sku": "BOLT-8", "amount": "11", "breaks": [{ "from": "10", "amount": "9.5" }] }],
        }],
        "companies": [
            { "name": "Acme", "external_id": "C-107", "contact": { "first_name": "Ann", "email": "ann@acme.example" },
              "locations": [{ "about": { "name": "Acme North", "external_id": "C-107-N", "payment_terms": 4,
                "address": { "address1": "1 Way", "city": "Boston", "country_code": "US" } }, "price_lists": ["Gold"] }] },
            { "name": "Bolt & Co", "external_id": "C-108" },
        ],
    }))
    .unwrap()
}

impl Shop {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let shop = Shopify::new(settings);
        let seeded = shop.seed(start(), &seed()).unwrap();
        Self { shop, seeded, now: start() }
    }

    fn later(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
    }

    fn item(&self, sku: &str) -> u64 {
        self.seeded.items[sku]
    }

    fn item_gid(&self, sku: &str) -> String {
        format!("gid://shopify/InventoryItem/{}", self.item(sku))
    }

    fn variant_gid(&self, sku: &str) -> String {
        let item = self.shop.items().into_iter().find(|it| it.id == self.item(sku)).unwrap();
        format!("gid://shopify/ProductVariant/{}", item.variant)
    }

    fn product_gid(&self, sku: &str) -> String {
        let item = self.shop.items().into_iter().find(|it| it.id == self.item(sku)).unwrap();
        format!("gid://shopify/Product/{}", item.product)
    }

    fn location(&self, name: &str) -> u64 {
        self.seeded.locations[name]
    }

    fn location_gid(&self, name: &str) -> String {
        format!("gid://shopify/Location/{}", self.location(name))
    }

    fn list_gid(&self) -> String {
        format!("gid://shopify/PriceList/{}", self.seeded.price_lists["Gold"])
    }

    fn buyer(&self) -> u64 {
        self.seeded.company_locations["Acme North"]
    }

    /// The answer to a document, whole.
    fn ask(&self, query: &str, variables: Value) -> Value {
        body(&self.shop.answer(self.now, &call("2026-10", query, variables)))
    }

    /// The answer's data; there must be no errors.
    fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables);
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// Says that records of a kind are found by the metafield `erp.ext_id`.
    fn define(&self, owner: &str) -> Value {
        let definition =
            json!({ "name": "ERP number", "namespace": "erp", "key": "ext_id", "type": "id", "ownerType": owner });
        let document = "mutation($d:MetafieldDefinitionInput!){ metafieldDefinitionCreate(definition:$d){
            createdDefinition{ id namespace key ownerType type{name category} } userErrors{code field message} } }";
        self.data(document, json!({ "d": definition }))["metafieldDefinitionCreate"].take()
    }

    /// The journal as `actor kind id field value` from position `from` on.
    fn journal(&self, from: usize) -> Vec<String> {
        let changes = self.shop.journal().since(from);
        let line =
            |it: crate::journal::Change| format!("{:?} {} {} {} {}", it.actor, it.kind, it.id, it.field, it.value);
        changes.into_iter().map(line).collect()
    }
}

fn call(version: &str, query: &str, variables: Value) -> Request {
    let token = Settings::default().apps[0].token.clone().unwrap();
    http::Request::post(format!("http://localhost/admin/api/{version}/graphql.json"))
        .header("Content-Type", "application/json")
        .header("X-Shopify-Access-Token", token)
        .body(Bytes::from(json!({ "query": query, "variables": variables }).to_string()))
        .unwrap()
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// The codes of a payload's user errors.
fn codes(payload: &Value) -> Vec<&str> {
    payload["userErrors"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}
