//! What has left of orders: read from an order's fulfilments, and told by making more.
//!
//! A shop ships from the location that it gave a line to, and takes it from the stock there. No key keeps a fulfilment
//! from being made twice, so that each is looked for before it is made: what is wanted and what is there are compared
//! line by line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::kinds::{Fulfilment, Taken};
use truthsource_sdk::{Decimal, Fault};

use crate::batch::{Errors, Mutation, run};
use crate::cursor::Nodes;
use crate::gid::{gid, number};
use crate::graphql::Shop;
use crate::item::filled;
use crate::price_list::ItemOf;
use crate::variant::Reference;

/// A fulfilment.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parcel {
    status: String,
    #[serde(default)]
    location: Option<Reference>,
    #[serde(default)]
    tracking_info: Vec<Tracking>,
    fulfillment_line_items: Lines,
}

#[derive(Debug, Clone, Deserialize)]
struct Tracking {
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    number: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Lines {
    nodes: Vec<Line>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    quantity: Decimal,
    line_item: LineItem,
}

#[derive(Debug, Clone, Deserialize)]
struct LineItem {
    #[serde(default)]
    variant: Option<ItemOf>,
}

impl Parcel {
    /// It has left, and nobody took that back.
    pub(crate) fn is_living(&self) -> bool {
        !matches!(self.status.as_str(), "CANCELLED" | "ERROR" | "FAILURE")
    }
}

/// What left, line by line. A line of something that is no item here any more is nobody's.
pub(crate) fn fulfilments(parcels: &[&Parcel]) -> Result<Vec<Fulfilment>, Fault> {
    let mut found = Vec::new();
    for parcel in parcels {
        let tracking = parcel.tracking_info.first();
        for line in &parcel.fulfillment_line_items.nodes {
            let Some(variant) = &line.line_item.variant else { continue };
            found.push(Fulfilment {
                carrier: tracking.and_then(|it| filled(it.company.as_deref())),
                item: number(&variant.inventory_item.id)?,
                quantity: line.quantity,
                tracking: tracking.and_then(|it| filled(it.number.as_deref())),
            });
        }
    }
    Ok(found)
}

/// What was taken from stock for them, in sum.
pub(crate) fn taken(parcels: &[&Parcel]) -> Result<Vec<Taken>, Fault> {
    let mut sums: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    for parcel in parcels {
        let Some(location) = &parcel.location else { continue };
        for line in &parcel.fulfillment_line_items.nodes {
            let Some(variant) = &line.line_item.variant else { continue };
            let sum = sums.entry((number(&variant.inventory_item.id)?, number(&location.id)?)).or_default();
            *sum = sum.checked_add(line.quantity).unwrap_or(*sum);
        }
    }
    Ok(sums.into_iter().map(|((item, location), quantity)| Taken { item, location, quantity }).collect())
}

const OPEN: &str = "query Open($id: ID!) { order(id: $id) { fulfillmentOrders(first: 20) { nodes { id status \
                    lineItems(first: 100) { nodes { id remainingQuantity lineItem { variant { inventoryItem { id } } } } } } } } }";

#[derive(Deserialize)]
struct Open {
    order: Option<OfOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOrder {
    fulfillment_orders: Nodes<Group>,
}

/// What one location is to ship of an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    status: String,
    line_items: OpenLines,
}

#[derive(Debug, Clone, Deserialize)]
struct OpenLines {
    nodes: Vec<OpenLine>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenLine {
    id: String,
    remaining_quantity: Decimal,
    line_item: LineItem,
}

/// A parcel to be told: its carrier, its number, and by fulfilment order which lines with how many of each.
type Made = (Option<String>, Option<String>, BTreeMap<String, Vec<(String, Decimal)>>);

/// Makes fulfilments of what left, a fulfilment for each parcel and location. Nobody is made before all are known to fit
/// what is open.
pub(crate) fn create(
    shop: &Shop<'_>,
    order: &str,
    left: &[Fulfilment],
    notifies: bool,
) -> Result<Result<(), Outcome>, Fault> {
    let open: Open = shop.query(OPEN, json!({ "id": gid("Order", order) }))?;
    let groups = open.order.map(|it| it.fulfillment_orders.nodes).unwrap_or_default();
    let made = match spread(groups, left) {
        Ok(made) => made,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let mutations: Vec<Mutation> = made.iter().flat_map(|it| mutations(it, notifies)).collect();
    let mut is_begun = false;
    for result in run(shop, &mutations) {
        let refused = match result {
            Ok(None) => {
                is_begun = true;
                continue;
            }
            Ok(Some(error)) => error.rejection(),
            Err(outcome) => outcome,
        };
        // Some were made: the rest is looked up like a write whose answer was lost.
        return Ok(Err(if is_begun { Outcome::Unknown(format!("{refused:?}")) } else { refused }));
    }
    Ok(Ok(()))
}

fn mutations((carrier, tracking, groups): &Made, notifies: bool) -> Vec<Mutation> {
    let of = |(group, lines): (&String, &Vec<(String, Decimal)>)| {
        let lines: Vec<Json> = lines.iter().map(|(id, n)| json!({ "id": id, "quantity": n.whole() })).collect();
        let mut input = json!({
            "lineItemsByFulfillmentOrder": [{ "fulfillmentOrderId": group, "fulfillmentOrderLineItems": lines }],
            "notifyCustomer": notifies,
        });
        if carrier.is_some() || tracking.is_some() {
            input["trackingInfo"] = json!({ "company": carrier, "number": tracking });
        }
        Mutation {
            name: "fulfillmentCreate",
            arguments: vec![("fulfillment", "FulfillmentInput!", input)],
            constants: "",
            errors: Errors::Plain,
            key: None,
        }
    };
    groups.iter().map(of).collect()
}

/// Spreads what left over what is open, parcel by parcel.
fn spread(mut groups: Vec<Group>, left: &[Fulfilment]) -> Result<Vec<Made>, Outcome> {
    groups.retain(|it| matches!(it.status.as_str(), "OPEN" | "IN_PROGRESS" | "INCOMPLETE" | "SCHEDULED"));
    let mut made: Vec<Made> = Vec::new();
    for it in left {
        let whole = it.quantity.whole().is_some();
        if !whole {
            return Err(Outcome::rejected(
                "fraction",
                format!("{} of item {} left: no whole pieces", it.quantity, it.item),
            ));
        }
        let at = made.iter().position(|(carrier, tracking, _)| (carrier, tracking) == (&it.carrier, &it.tracking));
        let at = at.unwrap_or_else(|| {
            made.push((it.carrier.clone(), it.tracking.clone(), BTreeMap::new()));
            made.len() - 1
        });
        let rest = take(&mut groups, it, &mut made[at].2)?;
        if rest > Decimal::ZERO {
            let why = format!("{rest} more of item {} left than is open here: somebody has to look", it.item);
            return Err(Outcome::rejected("not-open", why));
        }
    }
    Ok(made)
}

/// Takes one line from what is open. Gives what is left of it.
fn take(
    groups: &mut [Group],
    left: &Fulfilment,
    made: &mut BTreeMap<String, Vec<(String, Decimal)>>,
) -> Result<Decimal, Outcome> {
    let mut rest = left.quantity;
    for group in groups {
        for line in &mut group.line_items.nodes {
            let item = line.line_item.variant.as_ref().map(|it| number(&it.inventory_item.id));
            if item.transpose().map_err(Outcome::not_written)?.as_deref() != Some(&left.item) {
                continue;
            }
            let n = rest.min(line.remaining_quantity);
            if n > Decimal::ZERO {
                line.remaining_quantity = line.remaining_quantity.checked_sub(n).unwrap_or_default();
                rest = rest.checked_sub(n).unwrap_or_default();
                let lines = made.entry(group.id.clone()).or_default();
                match lines.iter_mut().find(|(id, _)| *id == line.id) {
                    Some((_, sum)) => *sum = sum.checked_add(n).unwrap_or(*sum),
                    None => lines.push((line.id.clone(), n)),
                }
            }
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, lines: &[(&str, u32)]) -> Group {
        let line = |(item, n): &(&str, u32)| {
            format!(
                r#"{{"id":"{id}-{item}","remainingQuantity":{n},"lineItem":{{"variant":{{"inventoryItem":
                   {{"id":"gid://shopify/InventoryItem/{item}"}}}}}}}}"#
            )
        };
        let lines: Vec<String> = lines.iter().map(line).collect();
        let text = format!(r#"{{"id":"{id}","status":"OPEN","lineItems":{{"nodes":[{}]}}}}"#, lines.join(","));
        serde_json::from_str(&text).unwrap()
    }

    fn left(item: &str, n: u32, tracking: &str) -> Fulfilment {
        let tracking = Some(tracking.to_owned());
        Fulfilment { carrier: None, item: item.to_owned(), quantity: n.into(), tracking }
    }

    /// What is made, spelled `tracking: group line×n …`.
    fn check(groups: &[Group], left: &[Fulfilment], expect: Result<&[&str], &str>) {
        let seen = spread(groups.to_vec(), left).map(|made| {
            let spelled = |(_, tracking, groups): &Made| {
                let lines = groups
                    .iter()
                    .flat_map(|(group, lines)| lines.iter().map(move |(line, n)| format!(" {group} {line}×{n}")));
                format!("{}:{}", tracking.as_deref().unwrap_or_default(), lines.collect::<String>())
            };
            made.iter().map(spelled).collect::<Vec<String>>()
        });
        match (seen, expect) {
            (Ok(seen), Ok(expect)) => assert_eq!(seen, expect),
            (Err(Outcome::Rejected(it)), Err(code)) => assert_eq!(it.code, code),
            (seen, _) => panic!("{seen:?}"),
        }
    }

    #[test]
    fn what_left_is_spread_over_what_is_open() {
        let groups = [group("main", &[("1", 5), ("2", 1)]), group("out", &[("1", 2)])];
        check(&groups, &[left("1", 3, "Z1")], Ok(&["Z1: main main-1×3"]));
        check(&groups, &[left("1", 3, "Z1"), left("2", 1, "Z1")], Ok(&["Z1: main main-1×3 main main-2×1"]));
        check(
            &groups,
            &[left("1", 3, "Z1"), left("1", 4, "Z2")],
            Ok(&["Z1: main main-1×3", "Z2: main main-1×2 out out-1×2"]),
        );
        check(&groups, &[left("1", 8, "Z1")], Err("not-open"));
        check(&groups, &[left("3", 1, "Z1")], Err("not-open"));
        let half = Fulfilment { quantity: "0.5".parse().unwrap(), ..left("1", 1, "Z1") };
        check(&groups, &[half], Err("fraction"));
    }
}
