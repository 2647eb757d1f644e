//! Locations: few, without a search by time, and never written.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Location as Fields, Record};

use crate::cursor::{Nodes, Walk};
use crate::gid::{gid, is_number, number};
use crate::graphql::Shop;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    id: String,
    name: String,
    is_active: bool,
}

#[derive(Deserialize)]
struct All {
    locations: Nodes<Location>,
}

#[derive(Deserialize)]
struct Chosen {
    nodes: Vec<Option<Location>>,
}

const ALL: &str = "query Locations($after: String) { locations(first: 250, after: $after, includeInactive: true) { \
                   nodes { id name isActive } pageInfo { hasNextPage endCursor } } }";
const SOME: &str = "query Some($ids: [ID!]!) { nodes(ids: $ids) { ... on Location { id name isActive } } }";

pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let page: All = shop.query(ALL, json!({ "after": walk.after }))?;
    let info = page.locations.info();
    let found = page.locations.nodes.into_iter().map(|it| state(shop, it)).collect::<Result<_, _>>()?;
    Ok(walk.turn(found, info))
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids: Vec<String> = ids.iter().filter(|it| is_number(it)).map(|it| gid("Location", it)).collect();
    let some: Chosen = shop.query(SOME, json!({ "ids": ids }))?;
    some.nodes.into_iter().flatten().map(|it| state(shop, it)).collect()
}

/// The numbers of all locations, ascending.
pub(crate) fn numbers(shop: &Shop<'_>) -> Result<Vec<u64>, Fault> {
    let mut numbers = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: All = shop.query(ALL, json!({ "after": after }))?;
        after = page.locations.info().next();
        for location in page.locations.nodes {
            numbers.extend(number(&location.id)?.parse::<u64>());
        }
        if after.is_none() {
            numbers.sort_unstable();
            return Ok(numbers);
        }
    }
}

fn state(shop: &Shop<'_>, location: Location) -> Result<State, Fault> {
    let id = number(&location.id)?;
    let name = location.name.trim().to_owned();
    let code = shop.settings.location_codes.get(&id).cloned().unwrap_or_else(|| name.clone());
    let fields = Fields { code: code.into(), name: name.into(), active: location.is_active.into() };
    Ok(State { remote_id: id, fields: fields.into_fields(), ..State::default() })
}
