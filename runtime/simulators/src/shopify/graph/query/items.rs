//! Products, stock and locations.

use async_graphql::{Context, ID, Object, OneofObject, Result};

use super::{UniqueMetafieldValueInput, by};
use crate::shopify::gid::{level, number};
use crate::shopify::graph::connection::{Connection, Count, Pages, Search};
use crate::shopify::graph::objects::items::{
    InventoryItem, Product, ProductSortKeys, ProductVariant, ProductVariantSortKeys,
};
use crate::shopify::graph::objects::stock::{InventoryLevel, Location, LocationSortKeys};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::{State, items, stock};

const PRODUCTS: Needs = Needs(&["read_products"]);
const INVENTORY: Needs = Needs(&["read_inventory"]);
const ITEMS: Needs = Needs(&["read_inventory", "read_products"]);
const LOCATIONS: Needs = Needs(&["read_locations", "read_inventory"]);

/// Queries of products and stock.
#[derive(Default)]
pub struct ItemQueries;

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

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl ItemQueries {
    #[graphql(guard = "PRODUCTS")]
    async fn product(&self, ctx: &Context<'_>, id: ID) -> Option<Product> {
        let id = number(&id, "Product")?;
        Call::read(ctx, |state| state.products.get(id).cloned()).map(Product)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_by_identifier(
        &self,
        ctx: &Context<'_>,
        identifier: ProductIdentifierInput,
    ) -> Result<Option<Product>> {
        Call::read(ctx, |state| {
            let id = match &identifier {
                ProductIdentifierInput::Id(id) => number(id, "Product"),
                ProductIdentifierInput::Handle(handle) => state.handles.get(handle).copied(),
                ProductIdentifierInput::CustomId(value) => value.find(state, "Product")?,
            };
            Ok(id.and_then(|it| state.products.get(it)).cloned().map(Product))
        })
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
    ) -> Result<Option<ProductVariant>> {
        Call::read(ctx, |state| {
            let id = match &identifier {
                ProductVariantIdentifierInput::Id(id) => number(id, "ProductVariant"),
                ProductVariantIdentifierInput::CustomId(value) => value.find(state, "ProductVariant")?,
            };
            Ok(id.and_then(|it| state.variants.get(it)).cloned().map(ProductVariant))
        })
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
}
