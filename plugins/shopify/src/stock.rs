//! Stock levels: what is on hand, location by location.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, moment};

use crate::cursor::{Nodes, Walk};
use crate::gid::{gid, number, pair};
use crate::graphql::Shop;
use crate::location;
use crate::variant::Reference;

macro_rules! level {
    () => {
        "fragment L on InventoryLevel { isActive updatedAt item { id } location { id } \
         quantities(names: [\"on_hand\"]) { name quantity } }"
    };
}

const AT: &str = concat!(
    "query Stock($location: ID!, $after: String, $q: String) { location(id: $location) { \
     inventoryLevels(first: 250, after: $after, query: $q) { nodes { ...L } pageInfo { hasNextPage endCursor } } } } ",
    level!()
);
const OF_ITEMS: &str = concat!(
    "query Levels($ids: [ID!]!, $location: ID!) { nodes(ids: $ids) { ... on InventoryItem { \
     inventoryLevel(locationId: $location) { ...L } } } } ",
    level!()
);

/// How many locations one pull asks at the most; most of them have nothing new.
const REQUESTS_MAX: usize = 20;
/// How many levels one pull answers with, about.
const LEVELS_MAX: usize = 250;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level {
    is_active: bool,
    updated_at: String,
    item: Reference,
    location: Reference,
    quantities: Vec<Quantity>,
}

#[derive(Debug, Clone, Deserialize)]
struct Quantity {
    name: String,
    quantity: Decimal,
}

#[derive(Deserialize)]
struct At {
    location: Option<Levels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Levels {
    inventory_levels: Nodes<Level>,
}

#[derive(Deserialize)]
struct OfItems {
    nodes: Vec<Option<OfItem>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfItem {
    #[serde(default)]
    inventory_level: Option<Level>,
}

/// Walks from location to location, in the order of their numbers, so that one that opens meanwhile is not missed
/// and one that closes costs nothing.
pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let locations = location::numbers(shop)?;
    let window = walk.window();
    let mut at: u64 = walk.place.parse().unwrap_or(0);
    let mut after = walk.after.clone();
    if after.is_none() {
        match next(&locations, at) {
            Some(first) => at = first,
            None => return Ok(walk.end(Vec::new())),
        }
    }
    let mut found = Vec::new();
    for _ in 0..REQUESTS_MAX {
        let page = page(shop, at, after.as_deref(), window.as_deref())?;
        after = page.info().next();
        found.extend(page.nodes.iter().filter_map(|it| state(it).transpose()).collect::<Result<Vec<_>, _>>()?);
        if after.is_none() {
            match next(&locations, at) {
                // The place is the location before the one to begin with.
                Some(_) if found.len() >= LEVELS_MAX => return Ok(walk.go_on(found, &at.to_string(), None)),
                Some(location) => at = location,
                None => return Ok(walk.end(found)),
            }
        } else if found.len() >= LEVELS_MAX {
            break;
        }
    }
    let place = if after.is_some() { at } else { at.saturating_sub(1) };
    Ok(walk.go_on(found, &place.to_string(), after))
}

/// The location behind this one.
fn next(locations: &[u64], at: u64) -> Option<u64> {
    locations.iter().copied().find(|it| *it > at)
}

fn page(shop: &Shop<'_>, location: u64, after: Option<&str>, window: Option<&str>) -> Result<Nodes<Level>, Fault> {
    let location = gid("Location", &location.to_string());
    let at: At = shop.query(AT, json!({ "location": location, "after": after, "q": window }))?;
    let none = Nodes { nodes: Vec::new(), page_info: None };
    Ok(at.location.map_or(none, |it| it.inventory_levels))
}

/// Asks once per location for all of its items.
pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut by_location: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (item, location) in ids.iter().filter_map(|it| pair(it)) {
        by_location.entry(location).or_default().push(gid("InventoryItem", item));
    }
    let mut found = Vec::new();
    for (location, mut items) in by_location {
        items.sort_unstable();
        items.dedup();
        let levels: OfItems = shop.query(OF_ITEMS, json!({ "ids": items, "location": gid("Location", location) }))?;
        for level in levels.nodes.into_iter().flatten().filter_map(|it| it.inventory_level) {
            found.extend(state(&level)?);
        }
    }
    Ok(found)
}

/// `None` for a level that was switched off: the item is not stocked there.
fn state(level: &Level) -> Result<Option<State>, Fault> {
    let on_hand = level.quantities.iter().find(|it| it.name == "on_hand");
    let (true, Some(on_hand)) = (level.is_active, on_hand) else { return Ok(None) };
    let (item, location) = (number(&level.item.id)?, number(&level.location.id)?);
    let remote_id = format!("{item}:{location}");
    let fields = StockLevel { item: item.into(), location: location.into(), on_hand: on_hand.quantity.into() };
    Ok(Some(State {
        remote_id,
        fields: fields.into_fields(),
        changed_at_ms: moment::parse(&level.updated_at),
        ..State::default()
    }))
}
