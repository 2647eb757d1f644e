//! Stock levels: read as quantities, written as movements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Outcome, Page, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, Value};

use crate::clock::{Clock, FORMAT};
use crate::cursor::Walk;
use crate::item::{self, ItemRecord};
use crate::push::read_back;
use crate::query::{ROWS_MAX, Row, ask, ask_all, beyond, marks, numeric};
use crate::record::Id;
use crate::wire::Account;

/// The only table of stock that says when something moved. It holds inventory items, not assemblies.
const SELECT: &str = "SELECT item, location, quantityonhand, \
                      TO_CHAR(lastquantityavailablechange, 'YYYY-MM-DD HH24:MI:SS') AS lm FROM inventoryitemlocations";
const KEY: [&str; 2] = ["item", "location"];

/// A row of an item's sublist of locations.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocationRow {
    location_id: Id,
    #[serde(default)]
    quantity_on_hand: Option<Decimal>,
}

impl ItemRecord {
    /// What it says of a location.
    fn row(&self, location: &str) -> Option<&LocationRow> {
        let rows = self.locations.as_ref().map_or(&[][..], |it| &it.items);
        rows.iter().find(|it| it.location_id.0 == location)
    }
}

pub(crate) fn pull(account: &Account<'_>, clock: &Clock, walk: &Walk) -> Result<Page, Fault> {
    let (condition, mut params) = beyond(&KEY, &walk.after_parts::<2>()?);
    let mut q = format!("{SELECT} WHERE {condition}");
    if let Some(since_ms) = walk.since_ms {
        q.push_str(&format!(" AND lastquantityavailablechange >= TO_TIMESTAMP(?, '{FORMAT}')"));
        params.push(clock.shown(since_ms));
    }
    if let Some(until) = walk.until {
        q.push_str(" AND item < ?");
        params.push(until.to_string());
    }
    q.push_str(" ORDER BY item, location");
    let page = ask(account, &q, &params, ROWS_MAX)?;
    let found = page.rows.iter().map(|row| state(clock, row)).collect::<Result<Vec<_>, _>>()?;
    Ok(match found.last() {
        Some(last) if page.more => {
            let after = last.remote_id.clone();
            walk.go_on(found, after)
        }
        _ => walk.end(found, Vec::new()),
    })
}

pub(crate) fn read(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let items: Vec<String> = ids.iter().filter_map(|it| it.split_once(':')).map(|(item, _)| item.to_owned()).collect();
    let mut items = numeric(&items);
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let rows = ask_all(account, |last| {
        let mut q = format!("{SELECT} WHERE item IN {}", marks(items.len()));
        let mut params = items.clone();
        if let Some(last) = last {
            let (condition, more) = beyond(&KEY, &[last.must("item")?, last.must("location")?]);
            q.push_str(&format!(" AND {condition}"));
            params.extend(more);
        }
        Ok((format!("{q} ORDER BY item, location"), params))
    })?;
    let found = rows.iter().map(|row| state(clock, row)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|it| ids.contains(&it.remote_id)).collect())
}

/// Stock as the records of its items say now. They do not say when it moved.
pub(crate) fn certain(account: &Account<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let records = item::records_of(account, ids.iter().filter_map(|it| Some(it.split_once(':')?.0)))?;
    let stock = |id: &String| {
        let (item, location) = id.split_once(':')?;
        let row = records.get(item)?.row(location)?;
        Some(level(item, location, row.quantity_on_hand.unwrap_or(Decimal::ZERO)))
    };
    Ok(ids.iter().filter_map(stock).collect())
}

fn state(clock: &Clock, row: &Row) -> Result<State, Fault> {
    let on_hand = row.number("quantityonhand")?.unwrap_or(Decimal::ZERO);
    let mut state = level(&row.must("item")?, &row.must("location")?, on_hand);
    state.changed_at_ms = clock.changed_at(row, "lm");
    Ok(state)
}

fn level(item: &str, location: &str, on_hand: Decimal) -> State {
    let fields =
        StockLevel { item: item.to_owned().into(), location: location.to_owned().into(), on_hand: on_hand.into() };
    State { remote_id: format!("{item}:{location}"), fields: fields.into_fields(), ..State::default() }
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
}

/// An inventory adjustment of one line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Adjustment<'a> {
    subsidiary: Reference<'a>,
    account: Reference<'a>,
    adj_location: Reference<'a>,
    inventory: Lines<'a>,
}

#[derive(Serialize)]
struct Lines<'a> {
    items: [Movement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Movement<'a> {
    item: Reference<'a>,
    location: Reference<'a>,
    adjust_qty_by: Bare,
}

/// Moves the stock from what it is to what is wanted. The adjustment's external id is the operation's, and its lines
/// are replaced, so that a repeated request is the same one movement.
pub(crate) fn push(account: &Account<'_>, types: &BTreeMap<String, &str>, write: &Write) -> Result<Outcome, Fault> {
    let Some(booked_to) = &account.settings.adjustment_account else {
        return Ok(Outcome::rejected("no-adjustment-account", "setting `adjustment-account` is empty"));
    };
    let wanted = StockLevel::from_fields(&write.want)?;
    let (Some(item), Some(location), Some(on_hand)) =
        (wanted.item.as_ref(), wanted.location.as_ref(), wanted.on_hand.as_ref())
    else {
        return Ok(Outcome::rejected("incomplete", "a stock level needs item, location and on_hand"));
    };
    let id = format!("{item}:{location}");
    let rest = types.get(item).copied().unwrap_or("inventoryItem");
    let look = || {
        Ok(item::record(account, rest, item)?.map(|record| {
            let row = record.row(location);
            level(item, location, row.and_then(|it| it.quantity_on_hand).unwrap_or(Decimal::ZERO))
        }))
    };
    let send = |held: &State| {
        let Some(Value::Number(now)) = held.fields.get("on_hand") else {
            return Err(Outcome::rejected("no-quantity", "the item has no quantity here"));
        };
        let Some(by) = on_hand.checked_sub(*now) else {
            return Err(Outcome::rejected("out-of-range", "the movement has too many digits"));
        };
        let reference = |id| Reference { id };
        let movement = Movement {
            item: reference(item.as_str()),
            location: reference(location.as_str()),
            adjust_qty_by: Bare(by),
        };
        let body = Adjustment {
            subsidiary: reference(account.settings.subsidiary.as_str()),
            account: reference(booked_to.as_str()),
            adj_location: reference(location.as_str()),
            inventory: Lines { items: [movement] },
        };
        account.write("PUT", &format!("record/v1/inventoryAdjustment/eid:{}?replace=inventory", write.op_id), &body)
    };
    if write.is_repeated() && is_booked(account, &write.op_id)? {
        return Ok(read_back(look));
    }
    let Some(held) = look()? else { return Ok(Outcome::Stale(Observed::Absent(id))) };
    // A first quantity goes where there is none. What is not as it was known is somebody's movement, even where it
    // came out at what is wanted: taking it for ours would lose it.
    let zero = Value::Number(Decimal::ZERO);
    let is_as_known = match write.remote_id {
        None => held.fields.get("on_hand").is_some_and(|it| it.same(&zero)),
        Some(_) => write.is_current(&held.fields),
    };
    if !is_as_known {
        return Ok(Outcome::Stale(Observed::Present(held)));
    }
    Ok(send(&held).err().unwrap_or_else(|| read_back(look)))
}

/// An earlier try of the operation was carried out.
fn is_booked(account: &Account<'_>, op_id: &str) -> Result<bool, Fault> {
    #[derive(Deserialize)]
    struct Booked {
        #[serde(rename = "id")]
        _id: Id,
    }
    let found: Option<Booked> = account.get(&format!("record/v1/inventoryAdjustment/eid:{op_id}"))?;
    Ok(found.is_some())
}
