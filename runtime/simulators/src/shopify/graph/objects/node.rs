//! Any object, by its global id.

use async_graphql::{ID, Interface};

use super::companies::{Company, CompanyContact, CompanyLocation, Customer};
use super::items::{InventoryItem, Product, ProductVariant};
use super::orders::Order;
use super::prices::{CompanyLocationCatalog, PriceList};
use super::rest::{BasicEvent, WebhookSubscription};
use super::stock::{InventoryLevel, Location};
use crate::shopify::gid::{level, split};
use crate::shopify::state::State;

/// Anything with a global id.
#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
#[allow(missing_docs)]
pub enum Node {
    Product(Product),
    ProductVariant(ProductVariant),
    InventoryItem(InventoryItem),
    InventoryLevel(InventoryLevel),
    Location(Location),
    Company(Company),
    CompanyLocation(CompanyLocation),
    CompanyContact(CompanyContact),
    Customer(Customer),
    Order(Order),
    PriceList(PriceList),
    CompanyLocationCatalog(CompanyLocationCatalog),
    BasicEvent(BasicEvent),
    WebhookSubscription(WebhookSubscription),
}

impl Node {
    /// The object with this id, and the scope it takes to see it.
    #[must_use]
    pub fn find(state: &State, gid: &str) -> Option<(Self, &'static str)> {
        let (kind, id) = split(gid)?;
        Some(match kind {
            "Product" => (Product(state.products.get(id)?.clone()).into(), "read_products"),
            "ProductVariant" => (ProductVariant(state.variants.get(id)?.clone()).into(), "read_products"),
            "InventoryItem" => (InventoryItem(state.items.get(id)?.clone()).into(), "read_inventory"),
            "InventoryLevel" => {
                let (location, item) = level(gid)?;
                (InventoryLevel(state.level(location, item)?.clone()).into(), "read_inventory")
            }
            "Location" => (Location(state.locations.get(id)?.clone()).into(), "read_locations"),
            "Company" => (Company(state.companies.get(id)?.clone()).into(), "read_companies"),
            "CompanyLocation" => (CompanyLocation(state.company_locations.get(id)?.clone()).into(), "read_companies"),
            "CompanyContact" => (CompanyContact(state.contacts.get(id)?.clone()).into(), "read_companies"),
            "Customer" => (Customer(state.customers.get(id)?.clone()).into(), "read_customers"),
            "Order" => (Order(state.orders.get(id)?.clone()).into(), "read_orders"),
            "PriceList" => (PriceList(state.price_lists.get(id)?.clone()).into(), "read_products"),
            "CompanyLocationCatalog" => {
                (CompanyLocationCatalog(state.catalogs.get(id)?.clone()).into(), "read_products")
            }
            "BasicEvent" => (BasicEvent(state.events.get(id)?.clone()).into(), "read_products"),
            "WebhookSubscription" => {
                (WebhookSubscription(state.subscriptions.get(id)?.clone()).into(), "read_products")
            }
            _ => return None,
        })
    }
}
