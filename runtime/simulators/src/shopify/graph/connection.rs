//! Connections: pages of nodes with cursors.

use std::sync::Arc;

use async_graphql::{Context, Enum, Error, ErrorExtensions, OutputType, Result, SimpleObject};

use super::Call;
use super::objects::{
    companies::{Company, CompanyContact, CompanyLocation, Customer},
    definitions::MetafieldDefinition,
    fulfillments::{FulfillmentLineItem, FulfillmentOrder, FulfillmentOrderLineItem},
    items::{InventoryItem, Product, ProductVariant},
    orders::{LineItem, Order},
    prices::{Catalog, PriceList, PriceListPrice, QuantityPriceBreak, QuantityRule},
    rest::{Event, Metafield, WebhookSubscription},
    stock::{InventoryLevel, Location},
};
use crate::faults::Faults;
use crate::shopify::paging::{Listing, Order as SortedBy, Page, Paging, slice};
use crate::shopify::search::{Filter, Malformed, Searchable, bind, parse};
use crate::shopify::state::State;
use crate::shopify::state::table::{Row, Table};

/// Where a page begins and ends.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether there are more behind.
    pub has_next_page: bool,
    /// Whether there are more before.
    pub has_previous_page: bool,
    /// The cursor of the first node.
    pub start_cursor: Option<String>,
    /// The cursor of the last node.
    pub end_cursor: Option<String>,
}

/// A node with its cursor.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(concrete(name = "ProductEdge", params(Product)))]
#[graphql(concrete(name = "ProductVariantEdge", params(ProductVariant)))]
#[graphql(concrete(name = "InventoryItemEdge", params(InventoryItem)))]
#[graphql(concrete(name = "InventoryLevelEdge", params(InventoryLevel)))]
#[graphql(concrete(name = "LocationEdge", params(Location)))]
#[graphql(concrete(name = "CompanyEdge", params(Company)))]
#[graphql(concrete(name = "CompanyLocationEdge", params(CompanyLocation)))]
#[graphql(concrete(name = "CompanyContactEdge", params(CompanyContact)))]
#[graphql(concrete(name = "CustomerEdge", params(Customer)))]
#[graphql(concrete(name = "PriceListEdge", params(PriceList)))]
#[graphql(concrete(name = "PriceListPriceEdge", params(PriceListPrice)))]
#[graphql(concrete(name = "QuantityPriceBreakEdge", params(QuantityPriceBreak)))]
#[graphql(concrete(name = "QuantityRuleEdge", params(QuantityRule)))]
#[graphql(concrete(name = "CatalogEdge", params(Catalog)))]
#[graphql(concrete(name = "OrderEdge", params(Order)))]
#[graphql(concrete(name = "LineItemEdge", params(LineItem)))]
#[graphql(concrete(name = "FulfillmentLineItemEdge", params(FulfillmentLineItem)))]
#[graphql(concrete(name = "FulfillmentOrderEdge", params(FulfillmentOrder)))]
#[graphql(concrete(name = "FulfillmentOrderLineItemEdge", params(FulfillmentOrderLineItem)))]
#[graphql(concrete(name = "EventEdge", params(Event)))]
#[graphql(concrete(name = "MetafieldEdge", params(Metafield)))]
#[graphql(concrete(name = "MetafieldDefinitionEdge", params(MetafieldDefinition)))]
#[graphql(concrete(name = "WebhookSubscriptionEdge", params(WebhookSubscription)))]
pub struct Edge<N: OutputType> {
    /// Where the node stands.
    pub cursor: String,
    /// The node.
    pub node: N,
}

/// A page of nodes.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(concrete(name = "ProductConnection", params(Product)))]
#[graphql(concrete(name = "ProductVariantConnection", params(ProductVariant)))]
#[graphql(concrete(name = "InventoryItemConnection", params(InventoryItem)))]
#[graphql(concrete(name = "InventoryLevelConnection", params(InventoryLevel)))]
#[graphql(concrete(name = "LocationConnection", params(Location)))]
#[graphql(concrete(name = "CompanyConnection", params(Company)))]
#[graphql(concrete(name = "CompanyLocationConnection", params(CompanyLocation)))]
#[graphql(concrete(name = "CompanyContactConnection", params(CompanyContact)))]
#[graphql(concrete(name = "CustomerConnection", params(Customer)))]
#[graphql(concrete(name = "PriceListConnection", params(PriceList)))]
#[graphql(concrete(name = "PriceListPriceConnection", params(PriceListPrice)))]
#[graphql(concrete(name = "QuantityPriceBreakConnection", params(QuantityPriceBreak)))]
#[graphql(concrete(name = "QuantityRuleConnection", params(QuantityRule)))]
#[graphql(concrete(name = "CatalogConnection", params(Catalog)))]
#[graphql(concrete(name = "OrderConnection", params(Order)))]
#[graphql(concrete(name = "LineItemConnection", params(LineItem)))]
#[graphql(concrete(name = "FulfillmentLineItemConnection", params(FulfillmentLineItem)))]
#[graphql(concrete(name = "FulfillmentOrderConnection", params(FulfillmentOrder)))]
#[graphql(concrete(name = "FulfillmentOrderLineItemConnection", params(FulfillmentOrderLineItem)))]
#[graphql(concrete(name = "EventConnection", params(Event)))]
#[graphql(concrete(name = "MetafieldConnection", params(Metafield)))]
#[graphql(concrete(name = "MetafieldDefinitionConnection", params(MetafieldDefinition)))]
#[graphql(concrete(name = "WebhookSubscriptionConnection", params(WebhookSubscription)))]
pub struct Connection<N: OutputType>
where
    Edge<N>: OutputType,
{
    /// The nodes with their cursors.
    pub edges: Vec<Edge<N>>,
    /// The nodes.
    pub nodes: Vec<N>,
    /// Where the page begins and ends.
    pub page_info: PageInfo,
}

impl<N: OutputType + Clone> Connection<N>
where
    Edge<N>: OutputType,
{
    /// The page, each node made by `node`.
    pub fn new<T>(page: Page<T>, node: impl Fn(T) -> N) -> Self {
        let (has_next_page, has_previous_page) = (page.has_next, page.has_previous);
        let edge =
            |(cursor, it): (crate::shopify::paging::Cursor, T)| Edge { cursor: cursor.to_text(), node: node(it) };
        let edges: Vec<Edge<N>> = page.nodes.into_iter().map(edge).collect();
        let cursor = |edge: Option<&Edge<N>>| edge.map(|it| it.cursor.clone());
        let (start_cursor, end_cursor) = (cursor(edges.first()), cursor(edges.last()));
        let nodes = edges.iter().map(|it| it.node.clone()).collect();
        Self { edges, nodes, page_info: PageInfo { has_next_page, has_previous_page, start_cursor, end_cursor } }
    }
}

/// The arguments every connection takes.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// How many from the front.
    pub first: Option<i32>,
    /// Behind which.
    pub after: Option<String>,
    /// How many from the back.
    pub last: Option<i32>,
    /// Before which.
    pub before: Option<String>,
    /// Whether the list stands on its head.
    pub reverse: Option<bool>,
}

impl Pages {
    /// The arguments, checked.
    pub fn checked(&self) -> Result<Paging> {
        let paging = Paging::new(self.first, self.last, self.after.as_deref(), self.before.as_deref());
        let paging = paging.map_err(|why| coded("BAD_USER_INPUT", &why.to_string()))?;
        Ok(Paging { reverse: self.reverse.unwrap_or(false), ..paging })
    }

    /// One page of a list that is at hand, in ascending order of places.
    pub fn slice<T, N: OutputType + Clone>(
        &self,
        items: impl DoubleEndedIterator<Item = (u64, T)>,
        node: impl Fn(T) -> N,
    ) -> Result<Connection<N>>
    where
        Edge<N>: OutputType,
    {
        Ok(Connection::new(slice(items, &self.checked()?), node))
    }
}

/// An error with a code, as the real API has them.
pub fn coded(code: &str, message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// What is searched for, and in which order it is listed.
pub struct Search<'a, T> {
    /// The rows.
    pub table: &'a Table<T>,
    /// Which ids are part of the list.
    pub ids: std::ops::RangeInclusive<u64>,
    /// The search, as it was sent.
    pub query: Option<&'a str>,
    /// The order.
    pub order: SortedBy<State, T>,
}

impl<'a, T: Row + Searchable<State>> Search<'a, T> {
    /// A search over a whole table.
    pub fn new(table: &'a Table<T>, query: Option<&'a str>, order: SortedBy<State, T>) -> Self {
        Self { table, ids: 0..=u64::MAX, query, order }
    }

    /// One page of what is found.
    pub fn page(self, ctx: &Context<'_>, state: &State, pages: &Pages) -> Result<Page<Arc<T>>> {
        let paging = pages.checked()?;
        let paging = Paging { limit: Faults::page(state.page_max, paging.limit), ..paging };
        Ok(self.listing(ctx)?.page(state, Call::of(ctx).now, &paging))
    }

    /// How many are found.
    pub fn count(self, ctx: &Context<'_>, state: &State) -> Result<usize> {
        Ok(self.listing(ctx)?.count(state, Call::of(ctx).now))
    }

    fn listing(self, ctx: &Context<'_>) -> Result<Listing<'a, State, T>> {
        let filter = filter::<T>(ctx, self.query.unwrap_or_default())?;
        Ok(Listing { table: self.table, ids: self.ids, filter, order: self.order })
    }
}

/// The filter of a search. What it had to leave out is told in the answer's extensions.
fn filter<T: Searchable<State>>(ctx: &Context<'_>, query: &str) -> Result<Filter> {
    let expression = match parse(query) {
        Ok(expression) => expression,
        Err(Malformed::EmptyValue) => return Err(internal()),
        Err(Malformed::Unbalanced) => return Ok(Filter::Any(Vec::new())),
    };
    let (filter, warnings) = bind::<State, T>(&expression);
    Call::of(ctx).warn(ctx, query, &warnings);
    Ok(filter)
}

/// The real API's answer to what it did not think of.
pub fn internal() -> Error {
    let message = "Internal error. Looks like something went wrong on our end.\nRequest ID: \
                   00000000-0000-4000-8000-000000000000 (include this in support requests).";
    coded("INTERNAL_SERVER_ERROR", message)
        .extend_with(|_, extensions| extensions.set("requestId", "00000000-0000-4000-8000-000000000000"))
}

/// How many there are.
#[derive(Debug, Clone, SimpleObject)]
pub struct Count {
    /// So many.
    pub count: i32,
    /// Whether there may be more.
    pub precision: CountPrecision,
}

/// Whether a count is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CountPrecision {
    /// There may be more.
    AtLeast,
    /// It is exact.
    Exact,
}

impl Count {
    /// The count, cut off at `limit`.
    pub fn new(count: usize, limit: Option<i32>) -> Self {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        match limit {
            Some(limit) if count > limit => Self { count: limit, precision: CountPrecision::AtLeast },
            _ => Self { count, precision: CountPrecision::Exact },
        }
    }
}
