//! What can be asked.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};

use super::connection::{Connection, Count, Pages, Search};
use super::objects::companies::{
    Company, CompanyContact, CompanyLocation, CompanyLocationSortKeys, CompanySortKeys, Customer, CustomerSortKeys,
};
use super::objects::items::{InventoryItem, Product, ProductSortKeys, ProductVariant, ProductVariantSortKeys};
use super::objects::node::Node;
use super::objects::orders::{Order, OrderSortKeys};
use super::objects::prices::{Catalog, CompanyLocationCatalog, PriceList};
use super::objects::rest::{AccessScope, AppInstallation, BasicEvent, Event, EventSortKeys, Shop, WebhookSubscription};
use super::objects::stock::{InventoryLevel, Location, LocationSortKeys};
use super::scalars::CurrencyCode;
use super::{Call, Needs, denied};
use crate::shopify::gid::{gid, level, number};
use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::{State, catalogs, companies, events, items, orders, prices, stock};
use crate::shopify::webhooks::Topic;

/// A value by which an object is found.
#[derive(Debug, Clone, InputObject)]
pub struct UniqueMetafieldValueInput {
    /// The metafield's namespace.
    pub namespace: Option<String>,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl UniqueMetafieldValueInput {
    /// The number of the object of `kind` that has the value.
    pub fn find(&self, state: &State, kind: &str) -> Option<u64> {
        state.metafields.owner_of(kind, self.namespace.as_deref().unwrap_or_default(), &self.key, &self.value)
    }
}

/// Which product is meant.
#[derive(Debug, OneofObject)]
enum ProductIdentifierInput {
    Id(ID),
    Handle(String),
    CustomId(UniqueMetafieldValueInput),
}

/// Which variant is meant.
#[derive(Debug, OneofObject)]
enum ProductVariantIdentifierInput {
    Id(ID),
    CustomId(UniqueMetafieldValueInput),
}

/// Which order is meant.
#[derive(Debug, OneofObject)]
enum OrderIdentifierInput {
    Id(ID),
    CustomId(UniqueMetafieldValueInput),
}

/// Which customer is meant.
#[derive(Debug, OneofObject)]
enum CustomerIdentifierInput {
    Id(ID),
    EmailAddress(String),
    CustomId(UniqueMetafieldValueInput),
}

/// What kind of catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum CatalogType {
    App,
    CompanyLocation,
    Market,
    None,
}

/// What catalogs are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum CatalogSortKeys {
    Id,
    Relevance,
    Title,
    Type,
}

/// What price lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum PriceListSortKeys {
    Id,
    Name,
}

/// The query root.
pub struct QueryRoot;

const PRODUCTS: Needs = Needs(&["read_products"]);
const INVENTORY: Needs = Needs(&["read_inventory"]);
const ITEMS: Needs = Needs(&["read_inventory", "read_products"]);
const LOCATIONS: Needs = Needs(&["read_locations", "read_inventory"]);
const COMPANIES: Needs = Needs(&["read_companies", "read_customers"]);
const CUSTOMERS: Needs = Needs(&["read_customers", "read_companies"]);
const ORDERS: Needs = Needs(&["read_orders"]);

/// `NAME` and its like: a text every row has.
fn by<T>(value: fn(&State, &T) -> String) -> SortedBy<State, T> {
    SortedBy::By(value)
}

#[Object(name = "QueryRoot")]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl QueryRoot {
    #[graphql(guard = "PRODUCTS")]
    async fn product(&self, ctx: &Context<'_>, id: ID) -> Option<Product> {
        let id = number(&id, "Product")?;
        Call::read(ctx, |state| state.products.get(id).cloned()).map(Product)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_by_identifier(&self, ctx: &Context<'_>, identifier: ProductIdentifierInput) -> Option<Product> {
        let product = Call::read(ctx, |state| {
            let id = match &identifier {
                ProductIdentifierInput::Id(id) => number(id, "Product")?,
                ProductIdentifierInput::Handle(handle) => *state.handles.get(handle)?,
                ProductIdentifierInput::CustomId(value) => value.find(state, "Product")?,
            };
            state.products.get(id).cloned()
        });
        product.map(Product)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<ProductSortKeys>,
    ) -> Result<Connection<Product>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, items::Product> = match sort_key {
            Some(ProductSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(ProductSortKeys::Title) => by(|_, it| it.title.clone()),
            Some(ProductSortKeys::Vendor) => by(|_, it| it.vendor.clone()),
            Some(ProductSortKeys::ProductType) => by(|_, it| it.product_type.clone()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.products, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Product))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn products_count(
        &self,
        ctx: &Context<'_>,
        query: Option<String>,
        limit: Option<i32>,
    ) -> Result<Option<Count>> {
        let count =
            Call::read(ctx, |state| Search::new(&state.products, query.as_deref(), SortedBy::Id).count(ctx, state));
        Ok(Some(Count::new(count?, Some(limit.unwrap_or(10_000)))))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_variant(&self, ctx: &Context<'_>, id: ID) -> Option<ProductVariant> {
        let id = number(&id, "ProductVariant")?;
        Call::read(ctx, |state| state.variants.get(id).cloned()).map(ProductVariant)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_variant_by_identifier(
        &self,
        ctx: &Context<'_>,
        identifier: ProductVariantIdentifierInput,
    ) -> Option<ProductVariant> {
        let variant = Call::read(ctx, |state| {
            let id = match &identifier {
                ProductVariantIdentifierInput::Id(id) => number(id, "ProductVariant")?,
                ProductVariantIdentifierInput::CustomId(value) => value.find(state, "ProductVariant")?,
            };
            state.variants.get(id).cloned()
        });
        variant.map(ProductVariant)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_variants(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<ProductVariantSortKeys>,
    ) -> Result<Connection<ProductVariant>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, items::Variant> = match sort_key {
            Some(ProductVariantSortKeys::Sku) => by(|_, it| it.sku.clone().unwrap_or_default()),
            Some(ProductVariantSortKeys::Title) => by(|_, it| it.title()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.variants, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, ProductVariant))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_variants_count(
        &self,
        ctx: &Context<'_>,
        query: Option<String>,
        limit: Option<i32>,
    ) -> Result<Option<Count>> {
        let count =
            Call::read(ctx, |state| Search::new(&state.variants, query.as_deref(), SortedBy::Id).count(ctx, state));
        Ok(Some(Count::new(count?, Some(limit.unwrap_or(10_000)))))
    }

    #[graphql(guard = "ITEMS")]
    async fn inventory_item(&self, ctx: &Context<'_>, id: ID) -> Option<InventoryItem> {
        let id = number(&id, "InventoryItem")?;
        Call::read(ctx, |state| state.items.get(id).cloned()).map(InventoryItem)
    }

    #[graphql(guard = "ITEMS")]
    async fn inventory_items(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
    ) -> Result<Connection<InventoryItem>> {
        let pages = Pages { first, after, last, before, reverse };
        let page =
            Call::read(ctx, |state| Search::new(&state.items, query.as_deref(), SortedBy::Id).page(ctx, state, &pages));
        Ok(Connection::new(page?, InventoryItem))
    }

    #[graphql(guard = "INVENTORY")]
    async fn inventory_level(&self, ctx: &Context<'_>, id: ID) -> Option<InventoryLevel> {
        let (location, item) = level(&id)?;
        Call::read(ctx, |state| state.level(location, item).cloned()).map(InventoryLevel)
    }

    #[graphql(guard = "LOCATIONS")]
    async fn location(&self, ctx: &Context<'_>, id: Option<ID>) -> Option<Location> {
        let location = Call::read(ctx, |state| match &id {
            Some(id) => state.locations.get(number(id, "Location")?).cloned(),
            None => state.locations.iter().next().cloned(),
        });
        location.map(Location)
    }

    #[graphql(guard = "LOCATIONS")]
    async fn locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<LocationSortKeys>,
        include_inactive: Option<bool>,
        #[graphql(name = "includeLegacy")] _include_legacy: Option<bool>,
    ) -> Result<Connection<Location>> {
        let pages = Pages { first, after, last, before, reverse };
        let only_active = include_inactive != Some(true);
        let query = match (only_active, query.as_deref().unwrap_or_default()) {
            (false, query) => query.to_owned(),
            (true, "") => "active:true".to_owned(),
            (true, query) => format!("({query}) active:true"),
        };
        let order: SortedBy<State, stock::Location> = match sort_key {
            Some(LocationSortKeys::Id) => SortedBy::Id,
            _ => by(|_, it| it.name.clone()),
        };
        let page = Call::read(ctx, |state| Search::new(&state.locations, Some(&query), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Location))
    }

    #[graphql(guard = "COMPANIES")]
    async fn company(&self, ctx: &Context<'_>, id: ID) -> Option<Company> {
        let id = number(&id, "Company")?;
        Call::read(ctx, |state| state.companies.get(id).cloned()).map(Company)
    }

    #[graphql(guard = "COMPANIES")]
    async fn companies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CompanySortKeys>,
    ) -> Result<Connection<Company>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::Company> = match sort_key {
            Some(CompanySortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CompanySortKeys::Name) => by(|_, it| it.name.clone()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.companies, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Company))
    }

    #[graphql(guard = "COMPANIES")]
    async fn companies_count(&self, ctx: &Context<'_>, limit: Option<i32>) -> Option<Count> {
        let count = Call::read(ctx, |state| state.companies.len());
        Some(Count::new(count, Some(limit.unwrap_or(10_000))))
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_contact(&self, ctx: &Context<'_>, id: ID) -> Option<CompanyContact> {
        let id = number(&id, "CompanyContact")?;
        Call::read(ctx, |state| state.contacts.get(id).cloned()).map(CompanyContact)
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_location(&self, ctx: &Context<'_>, id: ID) -> Option<CompanyLocation> {
        let id = number(&id, "CompanyLocation")?;
        Call::read(ctx, |state| state.company_locations.get(id).cloned()).map(CompanyLocation)
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CompanyLocationSortKeys>,
    ) -> Result<Connection<CompanyLocation>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::CompanyLocation> = match sort_key {
            Some(CompanyLocationSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CompanyLocationSortKeys::Name) => by(|_, it| it.about.name.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| {
            Search::new(&state.company_locations, query.as_deref(), order).page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, CompanyLocation))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_list(&self, ctx: &Context<'_>, id: ID) -> Option<PriceList> {
        let id = number(&id, "PriceList")?;
        Call::read(ctx, |state| state.price_lists.get(id).cloned()).map(PriceList)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_lists(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        sort_key: Option<PriceListSortKeys>,
    ) -> Result<Connection<PriceList>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, prices::PriceList> = match sort_key {
            Some(PriceListSortKeys::Name) => by(|_, it| it.name.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| Search::new(&state.price_lists, None, order).page(ctx, state, &pages));
        Ok(Connection::new(page?, PriceList))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn catalog(&self, ctx: &Context<'_>, id: ID) -> Option<Catalog> {
        let id = number(&id, "CompanyLocationCatalog")?;
        Call::read(ctx, |state| state.catalogs.get(id).cloned()).map(|it| CompanyLocationCatalog(it).into())
    }

    #[graphql(guard = "PRODUCTS")]
    async fn catalogs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CatalogSortKeys>,
        r#type: Option<CatalogType>,
    ) -> Result<Connection<Catalog>> {
        let pages = Pages { first, after, last, before, reverse };
        // Company locations' are the only catalogs there are: of another type there is none.
        let is_any = matches!(r#type, None | Some(CatalogType::CompanyLocation));
        let order: SortedBy<State, catalogs::Catalog> = match sort_key {
            Some(CatalogSortKeys::Title) => by(|_, it| it.title.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| {
            let search = Search::new(&state.catalogs, query.as_deref(), order);
            // No number is above the highest: an empty list.
            let ids = if is_any { 0..=u64::MAX } else { u64::MAX..=0 };
            Search { ids, ..search }.page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, |it| CompanyLocationCatalog(it).into()))
    }

    #[graphql(guard = "ORDERS")]
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Option<Order> {
        let id = number(&id, "Order")?;
        Call::read(ctx, |state| state.orders.get(id).cloned()).map(Order)
    }

    #[graphql(guard = "ORDERS")]
    async fn order_by_identifier(&self, ctx: &Context<'_>, identifier: OrderIdentifierInput) -> Option<Order> {
        let order = Call::read(ctx, |state| {
            let id = match &identifier {
                OrderIdentifierInput::Id(id) => number(id, "Order")?,
                OrderIdentifierInput::CustomId(value) => value.find(state, "Order")?,
            };
            state.orders.get(id).cloned()
        });
        order.map(Order)
    }

    #[graphql(guard = "ORDERS")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<OrderSortKeys>,
    ) -> Result<Connection<Order>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, orders::Order> = match sort_key {
            Some(OrderSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(OrderSortKeys::Id) => SortedBy::Id,
            Some(OrderSortKeys::PoNumber) => by(|_, it| it.about.po_number.clone().unwrap_or_default()),
            Some(OrderSortKeys::CreatedAt) => by(|_, it| format!("{:020}", it.created.0)),
            Some(OrderSortKeys::OrderNumber) => by(|_, it| format!("{:020}", it.number)),
            _ => by(|_, it| format!("{:020}", it.processed.0)),
        };
        let now = Call::of(ctx).now;
        let page = Call::read(ctx, |state| {
            let search = Search::new(&state.orders, query.as_deref(), order);
            if Call::of(ctx).may("read_all_orders") {
                return search.page(ctx, state, &pages);
            }
            // Without the scope only the last 60 days are seen. Numbers rise with time.
            let since = now.minus(SIXTY_DAYS_MS);
            let first_id = state.orders.iter().find(|it| it.created >= since).map_or(u64::MAX, |it| it.id);
            Search { ids: first_id..=u64::MAX, ..search }.page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, Order))
    }

    #[graphql(guard = "ORDERS")]
    async fn orders_count(
        &self,
        ctx: &Context<'_>,
        query: Option<String>,
        limit: Option<i32>,
    ) -> Result<Option<Count>> {
        let count =
            Call::read(ctx, |state| Search::new(&state.orders, query.as_deref(), SortedBy::Id).count(ctx, state));
        Ok(Some(Count::new(count?, Some(limit.unwrap_or(10_000)))))
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customer(&self, ctx: &Context<'_>, id: ID) -> Option<Customer> {
        let id = number(&id, "Customer")?;
        Call::read(ctx, |state| state.customers.get(id).cloned()).map(Customer)
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customer_by_identifier(&self, ctx: &Context<'_>, identifier: CustomerIdentifierInput) -> Option<Customer> {
        let customer = Call::read(ctx, |state| {
            let id = match &identifier {
                CustomerIdentifierInput::Id(id) => number(id, "Customer")?,
                CustomerIdentifierInput::EmailAddress(email) => state.customer_by_email(email)?,
                CustomerIdentifierInput::CustomId(value) => value.find(state, "Customer")?,
            };
            state.customers.get(id).cloned()
        });
        customer.map(Customer)
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CustomerSortKeys>,
    ) -> Result<Connection<Customer>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::Customer> = match sort_key {
            Some(CustomerSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CustomerSortKeys::Name) => by(|_, it| it.person.display_name()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.customers, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Customer))
    }

    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<EventSortKeys>,
    ) -> Result<Option<Connection<Event>>> {
        let pages = Pages { first, after, last, before, reverse };
        // Numbers rise with time: both keys give one order.
        let order: SortedBy<State, events::Event> = match sort_key {
            None | Some(EventSortKeys::Id | EventSortKeys::CreatedAt) => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.events, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Some(Connection::new(page?, |it| BasicEvent(it).into())))
    }

    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        find_node(ctx, &id)
    }

    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        ids.iter().map(|id| find_node(ctx, id)).collect()
    }

    async fn webhook_subscription(&self, ctx: &Context<'_>, id: ID) -> Option<WebhookSubscription> {
        let id = number(&id, "WebhookSubscription")?;
        let own = &Call::of(ctx).client_id;
        let found = Call::read(ctx, |state| state.subscriptions.get(id).filter(|it| it.client_id == *own).cloned());
        found.map(WebhookSubscription)
    }

    async fn webhook_subscriptions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        topics: Option<Vec<Topic>>,
        uri: Option<String>,
    ) -> Result<Connection<WebhookSubscription>> {
        let pages = Pages { first, after, last, before, reverse };
        let own = &Call::of(ctx).client_id;
        Call::read(ctx, |state| {
            let rows = state.subscriptions.iter().filter(|it| {
                it.client_id == *own
                    && topics.as_ref().is_none_or(|topics| topics.contains(&it.topic))
                    && uri.as_ref().is_none_or(|uri| it.uri == *uri)
            });
            pages.slice(rows.map(|it| (it.id, it.clone())), WebhookSubscription)
        })
    }

    async fn shop(&self, ctx: &Context<'_>) -> Shop {
        Call::read(ctx, |state| {
            let settings = &state.settings;
            Shop {
                id: gid("Shop", 1).into(),
                name: settings.shop_name.clone(),
                myshopify_domain: settings.shop_domain.clone(),
                currency_code: CurrencyCode(settings.currency.clone()),
                iana_timezone: settings.time_zone.clone(),
            }
        })
    }

    async fn current_app_installation(&self, ctx: &Context<'_>) -> AppInstallation {
        let scope = |it: &String| AccessScope { handle: it.clone(), description: it.replace('_', " ") };
        AppInstallation {
            id: gid("AppInstallation", 1).into(),
            access_scopes: Call::of(ctx).scopes.iter().map(scope).collect(),
        }
    }
}

const SIXTY_DAYS_MS: u64 = 60 * 24 * 60 * 60 * 1000;

fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((node, scope)) = Call::read(ctx, |state| Node::find(state, id)) else { return Ok(None) };
    if Call::of(ctx).may(scope) { Ok(Some(node)) } else { Err(denied(ctx, &[scope])) }
}
