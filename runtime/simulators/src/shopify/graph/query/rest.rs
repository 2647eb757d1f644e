//! Orders, events, subscriptions, any object by its id, and the shop itself.

use async_graphql::{Context, ID, Object, OneofObject, Result};

use super::{UniqueMetafieldValueInput, by};
use crate::shopify::gid::{gid, number};
use crate::shopify::graph::connection::{Connection, Count, Pages, Search};
use crate::shopify::graph::objects::node::Node;
use crate::shopify::graph::objects::orders::{Order, OrderSortKeys};
use crate::shopify::graph::objects::rest::{
    AccessScope, AppInstallation, BasicEvent, Event, EventSortKeys, Shop, WebhookSubscription,
};
use crate::shopify::graph::scalars::CurrencyCode;
use crate::shopify::graph::{Call, Needs, denied};
use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::{State, events, orders};
use crate::shopify::webhooks::Topic;

const ORDERS: Needs = Needs(&["read_orders"]);

/// The other queries.
#[derive(Default)]
pub struct RestQueries;

/// Which order is meant.
#[derive(Debug, OneofObject)]
enum OrderIdentifierInput {
    Id(ID),
    CustomId(UniqueMetafieldValueInput),
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl RestQueries {
    #[graphql(guard = "ORDERS")]
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Option<Order> {
        let id = number(&id, "Order")?;
        Call::read(ctx, |state| state.orders.get(id).cloned()).map(Order)
    }

    #[graphql(guard = "ORDERS")]
    async fn order_by_identifier(&self, ctx: &Context<'_>, identifier: OrderIdentifierInput) -> Result<Option<Order>> {
        Call::read(ctx, |state| {
            let id = match &identifier {
                OrderIdentifierInput::Id(id) => number(id, "Order"),
                OrderIdentifierInput::CustomId(value) => value.find(state, "Order")?,
            };
            Ok(id.and_then(|it| state.orders.get(it)).cloned().map(Order))
        })
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
