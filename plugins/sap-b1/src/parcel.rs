//! What has left of orders: the deliveries that were made from them.
//!
//! An order does not say which deliveries those are; a delivery's lines say which order they come from. Deliveries of the
//! order's customer from the order's day on are looked through.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::kinds::Fulfilment;
use truthsource_sdk::{Decimal, Fault};

use crate::exact::{Exact, Id};
use crate::odata::{Query, literal, plain};
use crate::record::trimmed;
use crate::wire::Service;

/// `BaseType` of what is made from a sales order.
const SALES_ORDER: &str = "17";
/// Each comes whole, with every member of every line.
const PAGE: usize = 20;
/// Pages that are looked through for one order at the most.
const PAGES_MAX: usize = 10;

#[derive(Debug, Clone, Deserialize)]
struct Delivery {
    #[serde(rename = "DocEntry")]
    entry: Id,
    #[serde(rename = "TransportationCode", default)]
    carrier: Option<Id>,
    #[serde(rename = "TrackingNumber", default)]
    tracking: Option<String>,
    #[serde(rename = "Cancelled", default)]
    cancelled: Option<String>,
    #[serde(rename = "DocumentLines", default)]
    lines: Vec<DeliveryLine>,
}

#[derive(Debug, Clone, Deserialize)]
struct DeliveryLine {
    #[serde(rename = "ItemCode", default)]
    item: Option<String>,
    #[serde(rename = "Quantity", default)]
    quantity: Option<Exact>,
    #[serde(rename = "InventoryQuantity", default)]
    base_quantity: Option<Exact>,
    #[serde(rename = "BaseType", default)]
    base_type: Option<Id>,
    #[serde(rename = "BaseEntry", default)]
    base_entry: Option<Id>,
}

/// What has left of an order of this customer from this day; `None` where there are too many deliveries to tell.
pub(crate) fn left(
    service: &Service<'_>,
    order: &str,
    (company, day): (&str, &str),
) -> Result<Option<Vec<Fulfilment>>, Fault> {
    let (company, day) = (format!("CardCode eq {}", literal(company)), format!("DocDate ge {}", literal(day)));
    let (mut left, mut after) = (Vec::new(), "0".to_owned());
    for _ in 0..PAGES_MAX {
        let behind = format!("DocEntry gt {after}");
        let filter = [company.as_str(), day.as_str(), behind.as_str()];
        let query = Query { entity: "DeliveryNotes", select: "", filter: &filter, order: "DocEntry" };
        let page = service.list(&query.path(), PAGE, |raw: &RawValue| plain::<Delivery>(raw))?;
        left.extend(page.rows.iter().flat_map(|it| of_order(service, it, order)));
        match page.rows.last() {
            Some(last) if page.more => after.clone_from(&last.entry.0),
            _ => return Ok(Some(left)),
        }
    }
    Ok(None)
}

fn of_order(service: &Service<'_>, delivery: &Delivery, order: &str) -> Vec<Fulfilment> {
    if crate::record::flag(delivery.cancelled.as_deref()) == Some(true) {
        return Vec::new();
    }
    let is_of = |it: &&DeliveryLine| {
        let base = |id: &Option<Id>, expect: &str| id.as_ref().is_some_and(|it| it.0 == expect);
        base(&it.base_type, SALES_ORDER) && base(&it.base_entry, order)
    };
    let carrier = delivery.carrier.as_ref().map(|it| {
        let named = service.settings.carriers.get(&it.0).cloned();
        named.unwrap_or_else(|| it.0.clone())
    });
    let line = |it: &DeliveryLine| {
        let quantity = it.quantity.unwrap_or_default().0;
        let base = it.base_quantity.map(|it| it.0).filter(|it| *it > Decimal::ZERO);
        Some(Fulfilment {
            carrier: carrier.clone(),
            item: trimmed(it.item.clone())?,
            quantity: base.unwrap_or(quantity),
            tracking: trimmed(delivery.tracking.clone()),
        })
    };
    delivery.lines.iter().filter(is_of).filter_map(line).collect()
}
