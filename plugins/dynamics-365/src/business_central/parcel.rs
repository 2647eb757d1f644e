//! What has left of orders: their posted shipments, which stay when an order is gone.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::Fault;
use truthsource_sdk::connector::State;
use truthsource_sdk::kinds::{Fulfilment, Order, Record};

use super::books::{Books, Query};
use super::numbers::by_number;
use super::settings::Place;
use crate::odata::Row;

const LINES: &str = "salesShipmentLines";

/// What has left of the orders of these numbers, by number.
pub(crate) fn left<'v>(
    books: &Books<'_>,
    numbers: impl IntoIterator<Item = &'v str>,
) -> Result<BTreeMap<String, Vec<Fulfilment>>, Fault> {
    let numbers: BTreeSet<&str> = numbers.into_iter().collect();
    let mut left: BTreeMap<String, Vec<Fulfilment>> = BTreeMap::new();
    if numbers.is_empty() {
        return Ok(left);
    }
    let (carrier, tracking) = (&books.settings.shipment_carrier, &books.settings.shipment_tracking);
    let mut select = "id,number,orderNumber".to_owned();
    for more in [carrier, tracking].into_iter().flatten() {
        select.push_str(&format!(",{more}"));
    }
    let query = Query { expand: LINES, ..Query::of(&select) };
    let shipments = books.any_of(&Place::standard("salesShipments"), &query, ("orderNumber", true), numbers)?;
    let mut lines: Vec<(&Row, Row)> = Vec::new();
    for shipment in &shipments {
        let rows = shipment.rows(LINES)?.unwrap_or_default();
        lines.extend(
            rows.into_iter().filter(|it| it.choice("lineType").as_deref() == Some("Item")).map(|it| (shipment, it)),
        );
    }
    let codes: Vec<String> = lines.iter().filter_map(|(_, it)| it.text("lineObjectNumber")).collect();
    let items = by_number(books, codes.iter().map(String::as_str))?;
    for (shipment, line) in lines {
        let (Some(number), Some(code)) = (shipment.text("orderNumber"), line.text("lineObjectNumber")) else {
            continue;
        };
        let (Some(item), Some(quantity)) = (items.get(&code), line.number("quantity")?) else { continue };
        let column = |name: &Option<String>| shipment.text(name.as_deref()?);
        left.entry(number).or_default().push(Fulfilment {
            carrier: column(carrier),
            item: item.id.clone(),
            quantity,
            tracking: column(tracking),
        });
    }
    Ok(left)
}

/// Says of orders that are none any more what has left of them, by the numbers that they had.
pub(crate) fn fill(books: &Books<'_>, found: &mut [State], numbers: &BTreeMap<String, String>) -> Result<(), Fault> {
    let mut left = left(books, numbers.values().map(String::as_str))?;
    for state in found {
        let Some(number) = numbers.get(&state.remote_id) else { continue };
        let fulfilments = left.remove(number).unwrap_or_default().into();
        state.fields.extend(Order { fulfilments, ..Order::default() }.into_fields());
    }
    Ok(())
}
