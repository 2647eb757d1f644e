//! Products, variants and inventory items.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::around;
use super::rest::{Metafield, MoneyV2, metafield, metafields};
use super::stock::InventoryLevel;
use crate::shopify::gid::{gid, number};
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Count, Pages, Search, internal};
use crate::shopify::graph::scalars::{DateTime, Html, Money, UnsignedInt64};
use crate::shopify::paging::Order;
use crate::shopify::state::items as rows;

around!(
    /// A product.
    Product,
    rows::Product
);
around!(
    /// A variant of a product.
    ProductVariant,
    rows::Variant
);
around!(
    /// What is stocked of a variant.
    InventoryItem,
    rows::Item
);

/// What variants of a product are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum ProductVariantSortKeys {
    FullTitle,
    Id,
    InventoryQuantity,
    Name,
    Position,
    Relevance,
    Sku,
    Title,
}

/// What products are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum ProductSortKeys {
    CreatedAt,
    Id,
    ProductType,
    PublishedAt,
    Relevance,
    Title,
    UpdatedAt,
    Vendor,
}

/// A value a variant has of an option.
#[derive(Debug, Clone, SimpleObject)]
pub struct SelectedOption {
    /// The option.
    name: String,
    /// The value.
    value: String,
}

/// An option of a product.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductOption {
    /// Its id.
    id: ID,
    /// What it is called.
    name: String,
    /// Where it stands.
    position: i32,
    /// The values its variants have.
    values: Vec<String>,
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Product {
    pub async fn id(&self) -> ID {
        gid("Product", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn handle(&self) -> &str {
        &self.0.handle
    }
    async fn title(&self) -> &str {
        &self.0.title
    }
    async fn status(&self) -> rows::Status {
        self.0.status
    }
    async fn vendor(&self) -> &str {
        &self.0.vendor
    }
    async fn product_type(&self) -> &str {
        &self.0.product_type
    }
    async fn description_html(&self) -> Html {
        Html(self.0.description_html.clone())
    }
    async fn tags(&self) -> &[String] {
        &self.0.tags
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn total_inventory(&self, ctx: &Context<'_>) -> i32 {
        let items = |state: &crate::shopify::state::State| state.items_of(self.0.id);
        let total =
            Call::read(ctx, |state| items(state).into_iter().map(|it| state.available_everywhere(it)).sum::<i64>());
        i32::try_from(total).unwrap_or(i32::MAX)
    }
    async fn has_only_default_variant(&self) -> bool {
        self.0.options.len() == 1 && self.0.options[0] == rows::NO_OPTION.0
    }
    async fn variants_count(&self) -> Option<Count> {
        Some(Count::new(self.0.variants.len(), None))
    }
    async fn options(&self, ctx: &Context<'_>, first: Option<i32>) -> Vec<ProductOption> {
        let limit = first.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
        Call::read(ctx, |state| {
            let option = |(n, name): (usize, &String)| {
                let values = self.0.variants.iter().filter_map(|it| state.variants.get(*it)?.values.get(n).cloned());
                let mut distinct: Vec<String> = Vec::new();
                values.for_each(|it| {
                    if !distinct.contains(&it) {
                        distinct.push(it)
                    }
                });
                let position = i32::try_from(n + 1).unwrap_or(i32::MAX);
                let id = gid("ProductOption", self.0.id * 10 + n as u64).into();
                ProductOption { id, name: name.clone(), position, values: distinct }
            };
            self.0.options.iter().enumerate().map(option).take(limit).collect()
        })
    }
    async fn variants(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        sort_key: Option<ProductVariantSortKeys>,
    ) -> Result<Connection<ProductVariant>> {
        let pages = Pages { first, after, last, before, reverse };
        let mut variants: Vec<_> =
            Call::read(ctx, |state| self.0.variants.iter().filter_map(|it| state.variants.get(*it).cloned()).collect());
        match sort_key {
            Some(ProductVariantSortKeys::Id) => variants.sort_by_key(|it| it.id),
            Some(ProductVariantSortKeys::Sku) => variants.sort_by_key(|it| (it.sku.clone(), it.id)),
            Some(ProductVariantSortKeys::Title) => variants.sort_by_key(|it| (it.title(), it.id)),
            _ => {}
        }
        pages.slice(variants.into_iter().enumerate().map(|(n, it)| (n as u64, it)), ProductVariant)
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("Product", self.0.id), namespace, &key)
    }
    async fn metafields(
        &self,
        ctx: &Context<'_>,
        namespace: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<Metafield>> {
        metafields(ctx, ("Product", self.0.id), namespace, &Pages { first, after, last, before, reverse })
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl ProductVariant {
    pub async fn id(&self) -> ID {
        gid("ProductVariant", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn sku(&self) -> Option<&str> {
        // A variant without one answers with an empty text or null, depending on how it was made.
        self.0.sku.as_deref()
    }
    async fn barcode(&self) -> Option<&str> {
        self.0.barcode.as_deref()
    }
    async fn title(&self) -> String {
        self.0.title()
    }
    async fn display_name(&self, ctx: &Context<'_>) -> String {
        let product = Call::read(ctx, |state| state.products.get(self.0.product).map(|it| it.title.clone()));
        format!("{} - {}", product.unwrap_or_default(), self.0.title())
    }
    async fn price(&self) -> Money {
        Money(self.0.price)
    }
    async fn compare_at_price(&self) -> Option<Money> {
        self.0.compare_at.map(Money)
    }
    async fn inventory_policy(&self) -> rows::WhenOut {
        self.0.when_out
    }
    async fn inventory_quantity(&self, ctx: &Context<'_>) -> Option<i32> {
        let available = Call::read(ctx, |state| state.available_everywhere(self.0.item));
        i32::try_from(available).ok()
    }
    async fn taxable(&self) -> bool {
        self.0.taxable
    }
    async fn position(&self, ctx: &Context<'_>) -> i32 {
        let position = Call::read(ctx, |state| {
            state.products.get(self.0.product)?.variants.iter().position(|it| *it == self.0.id)
        });
        position.and_then(|it| i32::try_from(it + 1).ok()).unwrap_or(1)
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn selected_options(&self, ctx: &Context<'_>) -> Vec<SelectedOption> {
        let options = Call::read(ctx, |state| state.products.get(self.0.product).map(|it| it.options.clone()));
        let pairs = options.unwrap_or_default().into_iter().zip(self.0.values.iter().cloned());
        pairs.map(|(name, value)| SelectedOption { name, value }).collect()
    }
    async fn product(&self, ctx: &Context<'_>) -> Result<Product> {
        Call::read(ctx, |state| state.products.get(self.0.product).cloned()).map(Product).ok_or_else(internal)
    }
    async fn inventory_item(&self, ctx: &Context<'_>) -> Result<InventoryItem> {
        Call::read(ctx, |state| state.items.get(self.0.item).cloned()).map(InventoryItem).ok_or_else(internal)
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("ProductVariant", self.0.id), namespace, &key)
    }
    async fn metafields(
        &self,
        ctx: &Context<'_>,
        namespace: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<Metafield>> {
        metafields(ctx, ("ProductVariant", self.0.id), namespace, &Pages { first, after, last, before, reverse })
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl InventoryItem {
    pub async fn id(&self) -> ID {
        gid("InventoryItem", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn sku(&self) -> Option<&str> {
        self.0.sku.as_deref()
    }
    async fn tracked(&self) -> bool {
        self.0.tracked
    }
    async fn requires_shipping(&self) -> bool {
        self.0.requires_shipping
    }
    async fn unit_cost(&self, ctx: &Context<'_>) -> Option<MoneyV2> {
        let cost = self.0.cost?;
        Some(MoneyV2::new(cost, Call::read(ctx, |state| state.settings.currency.clone())))
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    #[graphql(deprecation = "Use `variants` instead.")]
    async fn variant(&self, ctx: &Context<'_>) -> Result<ProductVariant> {
        Call::read(ctx, |state| state.variants.get(self.0.variant).cloned()).map(ProductVariant).ok_or_else(internal)
    }
    async fn variants(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<Connection<ProductVariant>>> {
        let pages = Pages { first, after, last, before, reverse: None };
        let variant = Call::read(ctx, |state| state.variants.get(self.0.variant).cloned());
        pages.slice(variant.into_iter().map(|it| (it.id, it)), ProductVariant).map(Some)
    }
    async fn inventory_level(&self, ctx: &Context<'_>, location_id: ID) -> Option<InventoryLevel> {
        let location = number(&location_id, "Location")?;
        Call::read(ctx, |state| state.level(location, self.0.id).cloned()).map(InventoryLevel)
    }
    async fn inventory_levels(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
    ) -> Result<Connection<InventoryLevel>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            // The levels of one item do not stand together: each location's are searched for it.
            let mut nodes = Vec::new();
            for location in state.locations.iter() {
                let key = crate::shopify::state::stock::level_key(location.id, self.0.id);
                let search = Search { table: &state.levels, ids: key..=key, query: query.as_deref(), order: Order::Id };
                let one = Pages { first: Some(1), ..Pages::default() };
                nodes.extend(search.page(ctx, state, &one)?.nodes.into_iter().map(|(_, it)| (it.key, it)));
            }
            pages.slice(nodes.into_iter(), InventoryLevel)
        })
    }
}
