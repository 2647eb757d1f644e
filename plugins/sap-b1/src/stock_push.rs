//! Stock is moved, not set: a write becomes a receipt or an issue under the operation's mark.

use std::collections::BTreeMap;

use serde::Serialize;
use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::json::Bare;
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, Value};

use crate::id::joined;
use crate::push::{observed, read_back};
use crate::reference::{in_flight, mark, marked};
use crate::stock::{level, look};
use crate::wire::{Service, Unwritten};

const RECEIPTS: &str = "InventoryGenEntries";
const ISSUES: &str = "InventoryGenExits";
/// The code of whatever a rule of the company's forbids.
const RULE: &str = "-10";

/// A document of one line.
#[derive(Serialize)]
struct Movement<'a> {
    #[serde(rename = "DocDate")]
    day: String,
    #[serde(flatten)]
    mark: BTreeMap<String, String>,
    #[serde(rename = "DocumentLines")]
    lines: [Line<'a>; 1],
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "ItemCode")]
    item: &'a str,
    #[serde(rename = "WarehouseCode")]
    warehouse: &'a str,
    #[serde(rename = "Quantity")]
    quantity: Bare,
    /// A receipt says what a piece is worth: what it is worth already, so that nothing is worth more or less for it.
    #[serde(rename = "UnitPrice", skip_serializing_if = "Option::is_none")]
    price: Option<Bare>,
    #[serde(rename = "AccountCode", skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
}

/// Moves the stock from what it is to what is wanted. What somebody else moves between the look and the movement stays
/// moved: the movement is a difference, and the reading after it shows both.
pub(crate) fn push(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let wanted = StockLevel::from_fields(&write.want)?;
    let (Some(item), Some(warehouse), Some(on_hand)) =
        (wanted.item.as_ref(), wanted.location.as_ref(), wanted.on_hand.as_ref())
    else {
        return Ok(Outcome::rejected("incomplete", "a stock level needs item, location and on_hand"));
    };
    let id = joined([item, warehouse]);
    let state = || {
        let found = look(service, item)?;
        Ok(found.and_then(|it| Some(level([item, warehouse], it.warehouse(warehouse)?.on_hand()))))
    };
    if write.is_repeated() {
        if is_booked(service, &write.op_id)? {
            return Ok(read_back(state));
        }
        if let Some(waits) = in_flight(service, write) {
            return Ok(waits);
        }
    }
    let stocked = look(service, item)?;
    let Some((stocked, place)) = stocked.as_ref().and_then(|it| Some((it, it.warehouse(warehouse)?))) else {
        return Ok(match write.remote_id {
            Some(_) => Outcome::Stale(Observed::Absent(id)),
            None => Outcome::rejected("no-place", format!("there is no item `{item}` in warehouse `{warehouse}`")),
        });
    };
    let held = level([item, warehouse], place.on_hand());
    if !is_as_known(write, &held) {
        return Ok(Outcome::Stale(observed(&id, Some(held))));
    }
    if stocked.is_tracked() {
        return Ok(Outcome::rejected(
            "tracked-item",
            "this item is kept by batches or serial numbers: it is booked there",
        ));
    }
    let Some(by) = on_hand.checked_sub(place.on_hand()) else {
        return Ok(Outcome::rejected("out-of-range", "the movement has too many digits"));
    };
    if by == Decimal::ZERO {
        return Ok(Outcome::Applied(held));
    }
    let price = place.average_price.map(|it| it.0).filter(|it| *it > Decimal::ZERO);
    match book(service, write, ([item, warehouse], by), price) {
        Ok(()) => Ok(read_back(state)),
        // Where somebody has taken some since it was looked at, there may be too little to issue.
        Err(Unwritten::Other(Outcome::Rejected(why))) if why.code == RULE => {
            let now = state()?.filter(|it| !is_as_known(write, it));
            Ok(now.map_or(Outcome::Rejected(why), |it| Outcome::Stale(observed(&id, Some(it)))))
        }
        Err(unwritten) => Ok(unwritten.into()),
    }
}

/// A first quantity goes where there is none. What is not as it was known is somebody's movement, even where it came out
/// at what is wanted: taking it for ours would lose it.
fn is_as_known(write: &Write, held: &State) -> bool {
    let zero = Value::Number(Decimal::ZERO);
    match write.remote_id {
        None => held.fields.get("on_hand").is_some_and(|it| it.same(&zero)),
        Some(_) => write.is_current(&held.fields),
    }
}

fn book(
    service: &Service<'_>,
    write: &Write,
    ([item, warehouse], by): ([&str; 2], Decimal),
    price: Option<Decimal>,
) -> Result<(), Unwritten> {
    let settings = &service.settings;
    let is_issue = by.is_negative();
    let line = Line {
        item,
        warehouse,
        quantity: Bare(if is_issue { -by } else { by }),
        price: price.filter(|_| !is_issue).map(Bare),
        account: settings.stock_account.as_deref(),
    };
    let movement = Movement {
        day: settings.zone.local(service.ctx.now_ms).date().to_string(),
        mark: [mark(settings, &write.op_id)].into(),
        lines: [line],
    };
    let _booked: serde::de::IgnoredAny = service.post(if is_issue { ISSUES } else { RECEIPTS }, &movement)?;
    Ok(())
}

/// An earlier try of the operation was carried out, in whichever direction it was then.
fn is_booked(service: &Service<'_>, op_id: &str) -> Result<bool, Fault> {
    for entity in [RECEIPTS, ISSUES] {
        if !marked(service, entity, (op_id, ""))?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
