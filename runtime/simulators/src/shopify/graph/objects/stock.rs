//! Locations, stock levels, and what an inventory mutation changed.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use truthsource_core::UnixMs;

use super::around;
use super::items::InventoryItem;
use crate::shopify::gid::{gid, level_gid, number};
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Pages, Search, internal};
use crate::shopify::graph::scalars::{DateTime, UnsignedInt64};
use crate::shopify::inventory::{Adjusted, QuantityChange};
use crate::shopify::paging::Order;
use crate::shopify::state::stock as rows;

around!(
    /// A place that stocks items.
    Location,
    rows::Location
);
around!(
    /// How many of an item there are at a location.
    InventoryLevel,
    rows::Level
);

/// What locations are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum LocationSortKeys {
    Id,
    Name,
    Relevance,
}

/// One quantity of a level.
#[derive(Debug, Clone, SimpleObject)]
pub struct InventoryQuantity {
    /// Its id.
    id: ID,
    /// Which one.
    name: String,
    /// How many.
    quantity: i32,
    /// When it last changed; null for those that are computed.
    updated_at: Option<DateTime>,
}

/// What one mutation changed.
#[derive(Debug, Clone)]
pub struct InventoryAdjustmentGroup(pub Adjusted);

/// One changed quantity.
#[derive(Debug, Clone)]
pub struct InventoryChange(QuantityChange);

fn whole(quantity: i64) -> i32 {
    i32::try_from(quantity).unwrap_or(if quantity < 0 { i32::MIN } else { i32::MAX })
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Location {
    pub async fn id(&self) -> ID {
        gid("Location", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn name(&self) -> &str {
        &self.0.name
    }
    async fn is_active(&self) -> bool {
        self.0.is_active
    }
    async fn fulfills_online_orders(&self) -> bool {
        self.0.fulfills_online_orders
    }
    async fn ships_inventory(&self) -> bool {
        true
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn inventory_level(&self, ctx: &Context<'_>, inventory_item_id: ID) -> Option<InventoryLevel> {
        let item = number(&inventory_item_id, "InventoryItem")?;
        Call::read(ctx, |state| state.level(self.0.id, item).cloned()).map(InventoryLevel)
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
        #[graphql(name = "includeInactive")] _include_inactive: Option<bool>,
    ) -> Result<Connection<InventoryLevel>> {
        let pages = Pages { first, after, last, before, reverse };
        let page = Call::read(ctx, |state| {
            let ids = rows::level_keys(self.0.id);
            let search = Search { table: &state.levels, ids, query: query.as_deref(), order: Order::Id };
            search.page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, InventoryLevel))
    }
}

#[Object]
impl InventoryLevel {
    pub async fn id(&self) -> ID {
        level_gid(self.0.location, self.0.item).into()
    }
    async fn is_active(&self) -> bool {
        true
    }
    async fn can_deactivate(&self) -> bool {
        self.0.quantities.iter().all(|it| *it == 0)
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn item(&self, ctx: &Context<'_>) -> Result<InventoryItem> {
        Call::read(ctx, |state| state.items.get(self.0.item).cloned()).map(InventoryItem).ok_or_else(internal)
    }
    async fn location(&self, ctx: &Context<'_>) -> Result<Location> {
        Call::read(ctx, |state| state.locations.get(self.0.location).cloned()).map(Location).ok_or_else(internal)
    }
    async fn quantities(&self, names: Vec<String>) -> Result<Vec<InventoryQuantity>> {
        let quantity = |name: String| {
            let quantity = self.0.quantity(&name).ok_or_else(|| {
                let message = format!("The quantity name '{name}' is invalid.");
                super::super::connection::coded("INVALID_FIELD_ARGUMENTS", &message)
            })?;
            Ok(InventoryQuantity {
                id: format!(
                    "gid://shopify/InventoryQuantity/{}?inventory_item_id={}&name={name}",
                    self.0.location, self.0.item
                )
                .into(),
                quantity: whole(quantity),
                updated_at: self.0.quantity_changed(&name).map(DateTime),
                name,
            })
        };
        names.into_iter().map(quantity).collect()
    }
}

#[Object]
impl InventoryAdjustmentGroup {
    async fn id(&self) -> ID {
        gid("InventoryAdjustmentGroup", self.0.id).into()
    }
    async fn created_at(&self) -> DateTime {
        DateTime(UnixMs(self.0.at.0))
    }
    async fn reason(&self) -> &str {
        &self.0.reason
    }
    async fn reference_document_uri(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }
    async fn changes(
        &self,
        inventory_item_ids: Option<Vec<ID>>,
        location_ids: Option<Vec<ID>>,
        quantity_names: Option<Vec<String>>,
    ) -> Vec<InventoryChange> {
        let has = |ids: &Option<Vec<ID>>, kind: &str, id: u64| {
            ids.as_ref().is_none_or(|ids| ids.iter().any(|it| number(it, kind) == Some(id)))
        };
        let changes = self.0.changes.iter().filter(|it| {
            has(&inventory_item_ids, "InventoryItem", it.item)
                && has(&location_ids, "Location", it.location)
                && quantity_names.as_ref().is_none_or(|names| names.iter().any(|name| name == it.name))
        });
        changes.cloned().map(InventoryChange).collect()
    }
}

#[Object]
impl InventoryChange {
    async fn name(&self) -> &str {
        self.0.name
    }
    async fn delta(&self) -> i32 {
        whole(self.0.delta)
    }
    async fn quantity_after_change(&self) -> Option<i32> {
        self.0.after.map(whole)
    }
    async fn item(&self, ctx: &Context<'_>) -> Option<InventoryItem> {
        Call::read(ctx, |state| state.items.get(self.0.item).cloned()).map(InventoryItem)
    }
    async fn location(&self, ctx: &Context<'_>) -> Option<Location> {
        Call::read(ctx, |state| state.locations.get(self.0.location).cloned()).map(Location)
    }
}
