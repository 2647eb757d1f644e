//! Items: one table in SuiteQL, one REST type for each sort of item.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::kinds::{Item, Record};
use truthsource_sdk::{Fault, Value, moment, value::Held};

use crate::clock::Clock;
use crate::cursor::Walk;
use crate::listing::{Listing, deleted};
use crate::price::PriceRow;
use crate::push::{change, create};
use crate::query::{ROWS_MAX, Row, numeric};
use crate::record::{Id, Sublist, trimmed};
use crate::stock::LocationRow;
use crate::wire::Account;

pub(crate) const LISTING: Listing = Listing {
    select: "SELECT id, itemid, displayname, upccode, itemtype, externalid, isinactive, \
             TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lm FROM item",
    filter: "itemtype IN ('InvtPart', 'NonInvtPart', 'Assembly', 'Kit')",
    id: "id",
    changed: "lastmodifieddate",
};

/// How the log of deletions calls items.
const DELETED: &[&str] = &["inventoryitem", "noninventorysaleitem", "noninventoryitem", "assemblyitem", "kititem"];

/// An item's REST record, expanded.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemRecord {
    id: Id,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    upc_code: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    is_inactive: Option<bool>,
    #[serde(default)]
    last_modified_date: Option<String>,
    #[serde(default)]
    pub price: Option<Sublist<PriceRow>>,
    #[serde(default)]
    pub locations: Option<Sublist<LocationRow>>,
}

pub(crate) fn pull(account: &Account<'_>, clock: &Clock, walk: &Walk) -> Result<Page, Fault> {
    let page = LISTING.page(account, clock, walk, ROWS_MAX)?;
    let found = page.rows.iter().map(|row| state(clock, row)).collect::<Result<Vec<_>, _>>()?;
    match found.last() {
        Some(last) if page.more => {
            let after = last.remote_id.clone();
            Ok(walk.go_on(found, after))
        }
        _ => Ok(walk.end(found, deleted(account, clock, walk, DELETED)?)),
    }
}

pub(crate) fn read(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    LISTING.of_ids(account, ids)?.iter().map(|row| state(clock, row)).collect()
}

pub(crate) fn find(account: &Account<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let record: Option<ItemRecord> = account.get(&format!("record/v1/inventoryItem/eid:{command_key}"))?;
    Ok(record.map(state_of))
}

fn state(clock: &Clock, row: &Row) -> Result<State, Fault> {
    let fields = Item {
        code: row.text("itemid").into(),
        title: row.text("displayname").into(),
        barcode: row.text("upccode").into(),
        active: row.flag("isinactive").map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    Ok(State {
        remote_id: row.must("id")?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: clock.changed_at(row, "lm"),
        command_key: row.text("externalid"),
    })
}

fn state_of(record: ItemRecord) -> State {
    let fields = Item {
        code: trimmed(record.item_id).into(),
        title: trimmed(record.display_name).into(),
        barcode: trimmed(record.upc_code).into(),
        active: record.is_inactive.map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    State {
        remote_id: record.id.0,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: record.last_modified_date.as_deref().and_then(moment::parse),
        command_key: trimmed(record.external_id),
    }
}

/// The sorts of item, and how the REST record service calls them.
const TYPES: [(&str, &str); 4] = [
    ("InvtPart", "inventoryItem"),
    ("NonInvtPart", "nonInventorySaleItem"),
    ("Assembly", "assemblyItem"),
    ("Kit", "kitItem"),
];

/// The REST type of each item. A sort of item never changes, so that a search that lags does no harm.
pub(crate) fn types(account: &Account<'_>, ids: &[String]) -> Result<BTreeMap<String, &'static str>, Fault> {
    let mut types = BTreeMap::new();
    for row in LISTING.of_ids(account, ids)? {
        let sort = row.must("itemtype")?;
        let rest = TYPES.iter().find(|(it, _)| *it == sort).map_or(TYPES[0].1, |(_, rest)| *rest);
        types.insert(row.must("id")?, rest);
    }
    Ok(types)
}

/// The record as it is now, with its prices and stock.
pub(crate) fn record(account: &Account<'_>, rest: &str, id: &str) -> Result<Option<ItemRecord>, Fault> {
    account.get(&format!("record/v1/{rest}/{id}?expandSubResources=true"))
}

/// The records of these items as they are now, with their prices and stock, by id. What a search does not know the sort
/// of is looked for among all of them before it counts as gone.
pub(crate) fn records_of<'a>(
    account: &Account<'_>,
    ids: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, ItemRecord>, Fault> {
    let ids: BTreeSet<String> = ids.map(str::to_owned).collect();
    let ids = numeric(&Vec::from_iter(ids));
    let types = types(account, &ids)?;
    let mut records = BTreeMap::new();
    for id in ids {
        let known = types.get(&id).map(|it| vec![*it]);
        for rest in known.unwrap_or_else(|| TYPES.map(|(_, rest)| rest).into()) {
            if let Some(record) = record(account, rest, &id)? {
                records.insert(id, record);
                break;
            }
        }
    }
    Ok(records)
}

/// Items as their records are now.
pub(crate) fn certain(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let records = records_of(account, ids.iter().map(String::as_str))?;
    LISTING.dated(account, clock, records.into_values().map(state_of).collect())
}

pub(crate) fn push(account: &Account<'_>, types: &BTreeMap<String, &str>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else {
        let path = format!("record/v1/inventoryItem/eid:{}", write.command_key);
        let mut body = body(write, &write.want.keys().cloned().collect::<Vec<_>>());
        body.insert("subsidiary".to_owned(), json!({ "items": [{ "id": account.settings.subsidiary }] }));
        return create(|| find(account, &write.command_key), || account.write("PUT", &path, &body));
    };
    let rest = types.get(id).copied().unwrap_or("inventoryItem");
    let look = || Ok(account.get::<ItemRecord>(&format!("record/v1/{rest}/{id}"))?.map(state_of));
    let path = format!("record/v1/{rest}/{id}");
    change(write, id, look, |_| account.write("PATCH", &path, &body(write, &write.changed)))
}

fn body(write: &Write, names: &[String]) -> Map<String, Json> {
    let mut body = Map::new();
    for name in names {
        let value = match write.want.get(name) {
            Some(Value::Text(text)) => json!(text),
            Some(Value::Flag(active)) => json!(!active),
            _ => Json::Null,
        };
        let remote = match name.as_str() {
            "code" => "itemId",
            "title" => "displayName",
            "barcode" => "upcCode",
            "active" => "isInactive",
            _ => continue,
        };
        body.insert(remote.to_owned(), value);
    }
    body
}
