//! Fulfilments: what has left of an order, and what is still to leave, by the location it leaves from.

use std::collections::BTreeMap;

use truthsource_core::UnixMs;

use super::orders::{Fulfillment, Line, Order};
use super::stock::level_key;
use super::{Cause, State};
use crate::shopify::webhooks::Topic;

/// A fulfilment: a parcel that left.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// Its number as an object.
    pub id: u64,
    /// Where it left from; `None` where nothing of it is kept in stock.
    pub location: Option<u64>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub tracking: Option<String>,
    /// Lines of the order, and how many of each.
    pub lines: Vec<(u64, i32)>,
    /// When it was made.
    pub created: UnixMs,
}

/// The part of an order that one location ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Its number as an object.
    pub id: u64,
    /// The location.
    pub location: Option<u64>,
}

/// What is to leave: lines of an order, and how many of each, in one parcel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParcelInput {
    /// Lines, and how many of each.
    pub lines: Vec<(u64, i32)>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub tracking: Option<String>,
}

impl Order {
    /// How many of a line have left.
    #[must_use]
    pub fn shipped(&self, line: u64) -> i32 {
        self.parcels.iter().flat_map(|it| &it.lines).filter(|it| it.0 == line).map(|it| it.1).sum()
    }

    /// How many of a line are still to leave.
    #[must_use]
    pub fn open(&self, line: &Line) -> i32 {
        (line.current_quantity - self.shipped(line.id)).max(0)
    }

    /// The lines of a group.
    pub fn lines_of(&self, group: Group) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |it| it.claimed_at == group.location)
    }

    fn progress(&self) -> Fulfillment {
        let is_open = self.lines.iter().any(|it| self.open(it) > 0);
        match (self.parcels.is_empty(), is_open) {
            (true, _) => Fulfillment::Unfulfilled,
            (false, true) => Fulfillment::PartiallyFulfilled,
            (false, false) => Fulfillment::Fulfilled,
        }
    }
}

impl State {
    /// A group for each location that ships something of the order.
    pub(super) fn grouped(&mut self, lines: &[Line]) -> Vec<Group> {
        let mut locations: Vec<Option<u64>> = lines.iter().map(|it| it.claimed_at).collect();
        locations.sort_unstable();
        locations.dedup();
        locations.into_iter().map(|location| Group { id: self.new_id(), location }).collect()
    }

    /// Ships a parcel of one location: its stock leaves the shelf. Gives the fulfilment's number.
    ///
    /// # Errors
    /// When the order is cancelled, a line has fewer left, or lines are of several locations.
    pub fn fulfil(&mut self, cause: Cause, id: u64, input: ParcelInput) -> Result<u64, &'static str> {
        let Some(order) = self.orders.get(id).filter(|it| it.cancelled.is_none()).cloned() else {
            return Err("Fulfillment order is closed.");
        };
        let mut wanted: BTreeMap<u64, i32> = BTreeMap::new();
        for (line, quantity) in &input.lines {
            *wanted.entry(*line).or_default() += quantity;
        }
        let lines: Vec<(&Line, i32)> =
            order.lines.iter().filter_map(|it| Some((it, *wanted.get(&it.id)?))).filter(|(_, n)| *n > 0).collect();
        let Some((first, _)) = lines.first() else { return Err("Fulfillment has no line items.") };
        if lines.iter().any(|(it, n)| *n > order.open(it)) {
            return Err("Invalid fulfillment order line item quantity requested.");
        }
        let location = first.claimed_at;
        if lines.iter().any(|(it, _)| it.claimed_at != location) {
            return Err("All fulfillment orders must be assigned to the same location.");
        }
        for (line, quantity) in &lines {
            if let (Some(item), Some(location)) = (line.item, location) {
                self.ship(cause, level_key(location, item), i64::from(*quantity));
            }
        }
        let parcel = Parcel {
            id: self.new_id(),
            location,
            carrier: input.carrier,
            tracking: input.tracking,
            lines: lines.iter().map(|(line, n)| (line.id, *n)).collect(),
            created: cause.second(),
        };
        let number = parcel.id;
        self.note_parcel(cause, &order, &parcel);
        let order = self.orders.edit(cause.at, id, |it| {
            it.parcels.push(parcel);
            it.fulfillment = it.progress();
            it.updated = cause.second();
        });
        if order.is_some_and(|it| it.fulfillment == Fulfillment::Fulfilled) {
            self.note(cause, "order", id, ("fulfilled", true));
            self.announce(cause, Topic::OrdersFulfilled, |state| state.order_body(id));
        }
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        Ok(number)
    }

    fn note_parcel(&self, cause: Cause, order: &Order, parcel: &Parcel) {
        let line = |(id, n): &(u64, i32)| {
            let item = order.lines.iter().find(|it| it.id == *id).and_then(|it| it.item);
            serde_json::json!({ "item": item.map(|it| it.to_string()), "quantity": n.to_string() })
        };
        let lines: Vec<serde_json::Value> = parcel.lines.iter().map(line).collect();
        let shown = serde_json::json!({
            "id": parcel.id, "tracking": parcel.tracking, "carrier": parcel.carrier, "lines": lines,
        });
        self.note(cause, "order", order.id, ("fulfilment", shown));
    }

    /// Ships all that is open of an order, a parcel a location. Says whether there was anything to ship.
    pub fn ship_order(&mut self, cause: Cause, id: u64) -> bool {
        let Some(order) = self.orders.get(id).cloned() else { return false };
        let mut is_shipped = false;
        for group in &order.groups {
            let open = order.lines_of(*group).map(|it| (it.id, order.open(it))).filter(|it| it.1 > 0);
            let input = ParcelInput { lines: open.collect(), ..ParcelInput::default() };
            is_shipped |= self.fulfil(cause, id, input).is_ok();
        }
        is_shipped
    }
}
