//! What has left of orders, and what is to leave.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::orders::LineItem;
use super::stock::Location;
use crate::shopify::gid::gid;
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Pages};
use crate::shopify::graph::scalars::DateTime;
use crate::shopify::state::orders as rows;
use crate::shopify::state::parcels::{Group, Parcel};

/// A parcel that left.
#[derive(Debug, Clone)]
pub struct Fulfillment {
    order: Arc<rows::Order>,
    parcel: Parcel,
}

/// A line of a parcel.
#[derive(Debug, Clone)]
pub struct FulfillmentLineItem {
    item: LineItem,
    quantity: i32,
}

/// What a location is to ship of an order.
#[derive(Debug, Clone)]
pub struct FulfillmentOrder {
    order: Arc<rows::Order>,
    group: Group,
}

/// A line that a location is to ship.
#[derive(Debug, Clone)]
pub struct FulfillmentOrderLineItem {
    item: LineItem,
}

/// Where a fulfilment order is to be shipped from.
#[derive(Debug, Clone)]
pub struct FulfillmentOrderAssignedLocation(Option<u64>);

/// What became of a fulfilment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum FulfillmentStatus {
    Cancelled,
    Error,
    Failure,
    Success,
}

/// What becomes of a fulfilment order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum FulfillmentOrderStatus {
    Cancelled,
    Closed,
    InProgress,
    Incomplete,
    OnHold,
    Open,
    Scheduled,
}

/// How a parcel is followed.
#[derive(Debug, Clone, SimpleObject)]
pub struct FulfillmentTrackingInfo {
    company: Option<String>,
    number: Option<String>,
    url: Option<String>,
}

impl Fulfillment {
    /// All of an order's, oldest first.
    pub fn of(order: &Arc<rows::Order>) -> impl Iterator<Item = Self> {
        order.parcels.iter().map(|it| Self { order: order.clone(), parcel: it.clone() })
    }
}

impl FulfillmentOrder {
    /// One of an order's.
    #[must_use]
    pub fn new(order: Arc<rows::Order>, group: Group) -> Self {
        Self { order, group }
    }
}

fn line_item(order: &Arc<rows::Order>, line: u64) -> Option<LineItem> {
    let at = order.lines.iter().position(|it| it.id == line)?;
    Some(LineItem { order: order.clone(), at, line: order.lines.get(at)?.clone() })
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Fulfillment {
    pub async fn id(&self) -> ID {
        gid("Fulfillment", self.parcel.id).into()
    }
    async fn name(&self) -> String {
        let at = self.order.parcels.iter().position(|it| it.id == self.parcel.id).unwrap_or_default();
        format!("{}-F{}", self.order.name, at + 1)
    }
    async fn status(&self) -> FulfillmentStatus {
        FulfillmentStatus::Success
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.parcel.created)
    }
    async fn location(&self, ctx: &Context<'_>) -> Option<Location> {
        let id = self.parcel.location?;
        Call::read(ctx, |state| state.locations.get(id).cloned()).map(Location)
    }
    async fn tracking_info(&self, #[graphql(name = "first")] _first: Option<i32>) -> Vec<FulfillmentTrackingInfo> {
        let Parcel { carrier, tracking, .. } = &self.parcel;
        if carrier.is_none() && tracking.is_none() {
            return Vec::new();
        }
        vec![FulfillmentTrackingInfo { company: carrier.clone(), number: tracking.clone(), url: None }]
    }
    async fn fulfillment_line_items(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<FulfillmentLineItem>> {
        let pages = Pages { first, after, last, before, reverse };
        let lines =
            self.parcel.lines.iter().filter_map(|(line, n)| Some((*line, (line_item(&self.order, *line)?, *n))));
        let lines: Vec<_> = lines.collect();
        pages.slice(lines.into_iter(), |(item, quantity)| FulfillmentLineItem { item, quantity })
    }
}

#[Object]
impl FulfillmentLineItem {
    async fn id(&self) -> ID {
        gid("FulfillmentLineItem", self.item.line.id).into()
    }
    async fn quantity(&self) -> Option<i32> {
        Some(self.quantity)
    }
    async fn line_item(&self) -> LineItem {
        self.item.clone()
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl FulfillmentOrder {
    pub async fn id(&self) -> ID {
        gid("FulfillmentOrder", self.group.id).into()
    }
    async fn status(&self) -> FulfillmentOrderStatus {
        let is_open = self.order.lines_of(self.group).any(|it| self.order.open(it) > 0);
        let is_begun = self.order.lines_of(self.group).any(|it| self.order.shipped(it.id) > 0);
        match (self.order.cancelled.is_some(), is_open, is_begun) {
            (true, ..) => FulfillmentOrderStatus::Cancelled,
            (_, false, _) => FulfillmentOrderStatus::Closed,
            (_, true, true) => FulfillmentOrderStatus::InProgress,
            (_, true, false) => FulfillmentOrderStatus::Open,
        }
    }
    async fn assigned_location(&self) -> FulfillmentOrderAssignedLocation {
        FulfillmentOrderAssignedLocation(self.group.location)
    }
    async fn line_items(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<FulfillmentOrderLineItem>> {
        let pages = Pages { first, after, last, before, reverse };
        let lines = self.order.lines_of(self.group).filter_map(|it| Some((it.id, line_item(&self.order, it.id)?)));
        let lines: Vec<_> = lines.collect();
        pages.slice(lines.into_iter(), |item| FulfillmentOrderLineItem { item })
    }
}

#[Object]
impl FulfillmentOrderAssignedLocation {
    async fn location(&self, ctx: &Context<'_>) -> Option<Location> {
        let id = self.0?;
        Call::read(ctx, |state| state.locations.get(id).cloned()).map(Location)
    }
}

#[Object]
impl FulfillmentOrderLineItem {
    async fn id(&self) -> ID {
        gid("FulfillmentOrderLineItem", self.item.line.id).into()
    }
    async fn line_item(&self) -> LineItem {
        self.item.clone()
    }
    async fn total_quantity(&self) -> i32 {
        self.item.line.current_quantity
    }
    async fn remaining_quantity(&self) -> i32 {
        self.item.order.open(&self.item.line)
    }
}
