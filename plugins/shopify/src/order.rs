//! Orders, with their lines.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Line, Order as Fields, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, moment};

use crate::cursor::{Nodes, Walk};
use crate::gid::{gid, is_number, number};
use crate::graphql::Shop;
use crate::item::{COMMAND_KEY, NAMESPACE, filled};
use crate::price_list::{ItemOf, Money};
use crate::variant::Reference;

macro_rules! order {
    () => {
        "fragment O on Order { id name poNumber sourceIdentifier sourceName processedAt updatedAt cancelledAt currencyCode \
         displayFulfillmentStatus purchasingEntity { __typename ... on PurchasingCompany { company { id } } } \
         currentTotalPriceSet { shopMoney { amount } } \
         lineItems(first: 50) { nodes { ...I } pageInfo { hasNextPage endCursor } } } \
         fragment I on LineItem { sku currentQuantity variant { inventoryItem { id } } \
         discountedUnitPriceSet { shopMoney { amount } } }"
    };
}

const ALL: &str = concat!(
    "query Orders($after: String, $q: String, $sort: OrderSortKeys) { \
     orders(first: 25, after: $after, query: $q, sortKey: $sort) { nodes { ...O } pageInfo { hasNextPage endCursor } } } ",
    order!()
);
const SOME: &str = concat!("query Some($ids: [ID!]!) { nodes(ids: $ids) { ...O } } ", order!());
const FIND: &str = concat!(
    "query Find($namespace: String!, $key: String!, $value: String!) { orderByIdentifier(identifier: { customId: \
     { namespace: $namespace, key: $key, value: $value } }) { ...O } } ",
    order!()
);
const LINES: &str = "query Lines($id: ID!, $after: String) { order(id: $id) { lineItems(first: 250, after: $after) { \
                     nodes { sku currentQuantity variant { inventoryItem { id } } \
                     discountedUnitPriceSet { shopMoney { amount } } } pageInfo { hasNextPage endCursor } } } }";

/// Where orders that this connector created say they come from.
pub(crate) const SOURCE: &str = "truthsource";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    id: String,
    name: String,
    #[serde(default)]
    po_number: Option<String>,
    #[serde(default)]
    source_identifier: Option<String>,
    #[serde(default)]
    source_name: Option<String>,
    processed_at: String,
    updated_at: String,
    #[serde(default)]
    cancelled_at: Option<String>,
    currency_code: String,
    display_fulfillment_status: String,
    #[serde(default)]
    purchasing_entity: Option<Purchaser>,
    current_total_price_set: Bag,
    line_items: Nodes<Item>,
}

#[derive(Debug, Clone, Deserialize)]
struct Purchaser {
    #[serde(default)]
    company: Option<Reference>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bag {
    shop_money: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default)]
    sku: Option<String>,
    current_quantity: Decimal,
    #[serde(default)]
    variant: Option<ItemOf>,
    discounted_unit_price_set: Bag,
}

#[derive(Deserialize)]
struct All {
    orders: Nodes<Order>,
}

#[derive(Deserialize)]
struct Chosen {
    nodes: Vec<Option<Order>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    order_by_identifier: Option<Order>,
}

#[derive(Deserialize)]
struct Lines {
    order: Option<OfOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOrder {
    line_items: Nodes<Item>,
}

pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let sort = if walk.is_delta() { "UPDATED_AT" } else { "ID" };
    let all: All = shop.query(ALL, json!({ "after": walk.after, "q": walk.window(), "sort": sort }))?;
    let info = all.orders.info();
    let found = all.orders.nodes.into_iter().map(|it| state(shop, it)).collect::<Result<_, _>>()?;
    Ok(walk.turn(found, info))
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids: Vec<String> = ids.iter().filter(|it| is_number(it)).map(|it| gid("Order", it)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let some: Chosen = shop.query(SOME, json!({ "ids": ids }))?;
    some.nodes.into_iter().flatten().map(|it| state(shop, it)).collect()
}

/// By the metafield that carries the command key: a look-up, not a search, so that it does not lag.
pub(crate) fn find(shop: &Shop<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let variables = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": command_key });
    let found: Found = shop.query(FIND, variables)?;
    let created = |it| Ok(State { command_key: Some(command_key.to_owned()), ..state(shop, it)? });
    found.order_by_identifier.map(created).transpose()
}

fn state(shop: &Shop<'_>, mut order: Order) -> Result<State, Fault> {
    let mut after = order.line_items.info().next();
    while after.is_some() {
        let page: Lines = shop.query(LINES, json!({ "id": order.id, "after": after }))?;
        let Some(page) = page.order else { break };
        after = page.line_items.info().next();
        order.line_items.nodes.extend(page.line_items.nodes);
    }
    state_of(order)
}

fn state_of(order: Order) -> Result<State, Fault> {
    let status = status(&order);
    let is_ours = order.source_name.as_deref() == Some(SOURCE);
    let company = order.purchasing_entity.as_ref().and_then(|it| it.company.as_ref());
    let mut lines = Vec::with_capacity(order.line_items.nodes.len());
    for item in order.line_items.nodes {
        // What was taken off the order since is no longer wanted.
        if item.current_quantity > Decimal::ZERO {
            let variant = item.variant.map(|it| number(&it.inventory_item.id)).transpose()?;
            let unit_price = item.discounted_unit_price_set.shop_money.amount;
            lines.push(Line {
                item: variant,
                sku: filled(item.sku.as_deref()),
                quantity: item.current_quantity,
                unit_price,
            });
        }
    }
    let fields = Fields {
        // An order that came from elsewhere has its number there; the shop's own is another.
        number: if is_ours { Held::Unknown } else { filled(Some(&order.name)).into() },
        company: company.map(|it| number(&it.id)).transpose()?.into(),
        po_number: filled(order.po_number.as_deref()).into(),
        currency: order.currency_code.into(),
        placed_at: order.processed_at.into(),
        status: status.map_or(Held::Unknown, Held::Is),
        total: order.current_total_price_set.shop_money.amount.into(),
        lines: lines.into(),
    };
    Ok(State {
        remote_id: number(&order.id)?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: moment::parse(&order.updated_at),
        command_key: filled(order.source_identifier.as_deref()),
    })
}

/// How far an order has come. A word that is not known is not told: new ones come with new versions.
fn status(order: &Order) -> Option<Status> {
    if order.cancelled_at.is_some() {
        return Some(Status::Cancelled);
    }
    Some(match order.display_fulfillment_status.as_str() {
        "UNFULFILLED" | "OPEN" | "IN_PROGRESS" | "SCHEDULED" | "PENDING_FULFILLMENT" | "REQUEST_DECLINED" => {
            Status::Open
        }
        "ON_HOLD" => Status::OnHold,
        "PARTIALLY_FULFILLED" => Status::PartiallyFulfilled,
        "FULFILLED" | "FULFILLMENT_NOT_REQUIRED" => Status::Fulfilled,
        "RESTOCKED" => Status::Closed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Value;

    const ORDER: &str = r##"{"id":"gid://shopify/Order/5512","name":"#1042","poNumber":"PO-77","sourceIdentifier":null,
        "processedAt":"2026-11-21T08:01:02Z","updatedAt":"2026-11-21T08:01:03Z","cancelledAt":null,"currencyCode":"USD",
        "displayFulfillmentStatus":"UNFULFILLED","purchasingEntity":{"__typename":"PurchasingCompany",
        "company":{"id":"gid://shopify/Company/31"}},"currentTotalPriceSet":{"shopMoney":{"amount":"37.50"}},
        "lineItems":{"nodes":[
            {"sku":"BOLT-8","currentQuantity":3,"variant":{"inventoryItem":{"id":"gid://shopify/InventoryItem/4501"}},
             "discountedUnitPriceSet":{"shopMoney":{"amount":"12.5"}}},
            {"sku":"NUT-8","currentQuantity":0,"variant":null,"discountedUnitPriceSet":{"shopMoney":{"amount":"1.0"}}}],
        "pageInfo":{"hasNextPage":false,"endCursor":null}}}"##;

    #[test]
    fn an_order_is_read_with_remote_ids_and_exact_numbers() {
        let state = state_of(serde_json::from_str(ORDER).unwrap()).unwrap();
        assert_eq!((state.remote_id.as_str(), state.changed_at_ms), ("5512", Some(1_795_248_063_000)));
        let field = |name: &str| state.fields.get(name).cloned().unwrap();
        assert_eq!(field("number"), Value::Text("#1042".to_owned()));
        assert_eq!(field("company"), Value::Text("31".to_owned()));
        assert_eq!(field("status"), Value::Text("open".to_owned()));
        assert_eq!(field("total"), Value::Number("37.5".parse().unwrap()));
        let lines = r#"[{"item":"4501","sku":"BOLT-8","quantity":"3","unit_price":"12.5"}]"#;
        assert_eq!(field("lines"), Value::Json(lines.to_owned()));
    }

    #[test]
    fn a_status_that_is_not_known_is_not_told() {
        let mut order: Order = serde_json::from_str(ORDER).unwrap();
        let mut check = |word: &str, expect: Option<Status>| {
            order.display_fulfillment_status = word.to_owned();
            assert_eq!(status(&order), expect, "{word}");
        };
        check("PARTIALLY_FULFILLED", Some(Status::PartiallyFulfilled));
        check("FULFILLMENT_NOT_REQUIRED", Some(Status::Fulfilled));
        check("ON_HOLD", Some(Status::OnHold));
        check("TELEPORTED", None);
        order.cancelled_at = Some("2026-11-22T00:00:00Z".to_owned());
        assert_eq!(status(&order), Some(Status::Cancelled));
    }
}
