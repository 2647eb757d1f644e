//! Lines of transactions: which entry of a body means which line, and what it may say.

use truthsource_core::{Decimal, UnixMs};

use super::super::body::{Body, Given};
use super::super::model::{Line, Transaction};
use super::super::problem::Problem;
use super::super::state::{State, has_stock};
use super::Sublists;
use super::item::reference;

/// The lines that a sales order has after a write.
pub(super) fn of_order(
    state: &State,
    body: &mut Body,
    order: &Transaction,
    entries: Option<Vec<Body>>,
    sublists: Sublists,
) -> Result<Vec<Line>, Problem> {
    merged(body, order, entries, sublists, |entry, line| {
        item(state, entry, line)?;
        if let Given::Value(quantity) = entry.number("quantity")? {
            line.quantity = quantity;
        }
        location(state, entry, line)?;
        let (rate, amount) = (entry.number("rate")?, entry.number("amount")?);
        let rate_is_given = matches!(rate, Given::Value(_));
        rate.onto(&mut line.rate);
        if line.rate.is_none() {
            line.rate = state.price_for(line.item, order.entity, line.quantity);
        }
        line.amount = match amount.value().filter(|_| !rate_is_given) {
            Some(amount) => Some(amount),
            None => line.rate.and_then(|it| it.checked_mul(line.quantity)).map(|it| it.round(2)),
        };
        if line.amount.is_none() {
            return Err(Problem::user("Please enter value(s) for: Amount"));
        }
        entry.read_only(&["quantityFulfilled", "quantityBilled", "description", "price"]);
        Ok(())
    })
}

/// The lines that an inventory adjustment has after a write.
pub(super) fn of_adjustment(
    state: &State,
    body: &mut Body,
    adjustment: &Transaction,
    entries: Option<Vec<Body>>,
    sublists: Sublists,
) -> Result<Vec<Line>, Problem> {
    merged(body, adjustment, entries, sublists, |entry, line| {
        item(state, entry, line)?;
        if !state.items.get(&line.item).is_some_and(has_stock) {
            return Err(Problem::reference(&entry.path("item"), &line.item.to_string()));
        }
        if let Given::Value(quantity) = entry.number("adjustQtyBy")? {
            line.quantity = quantity;
        }
        location(state, entry, line)?;
        if adjustment.location_of(line).is_none() {
            return Err(Problem::user("Please enter value(s) for: Location"));
        }
        entry.read_only(&["memo", "unitCost", "newQuantity", "quantityOnHand"]);
        Ok(())
    })
}

/// Finds or makes the line of every entry and lets `fill` write on it.
fn merged(
    body: &mut Body,
    transaction: &Transaction,
    entries: Option<Vec<Body>>,
    sublists: Sublists,
    fill: impl Fn(&mut Body, &mut Line) -> Result<(), Problem>,
) -> Result<Vec<Line>, Problem> {
    let Some(entries) = entries else { return Ok(transaction.lines.clone()) };
    let mut lines = if sublists == Sublists::Replace { Vec::new() } else { transaction.lines.clone() };
    for mut entry in entries {
        let key = entry.number("line")?.value();
        let is_this = |it: &&mut Line| key == Decimal::new(i64::try_from(it.number).unwrap_or(i64::MAX), 0).ok();
        entry.read_only(&["links", "lineUniqueKey"]);
        if let Some(line) = lines.iter_mut().find(is_this).filter(|_| key.is_some()) {
            fill(&mut entry, line)?;
        } else {
            let mut line = blank();
            fill(&mut entry, &mut line)?;
            lines.push(line);
        }
        body.adopt_unknown(entry);
    }
    Ok(lines)
}

fn blank() -> Line {
    Line {
        key: 0,
        number: 0,
        item: 0,
        quantity: Decimal::ONE,
        rate: None,
        amount: None,
        location: None,
        fulfilled: Decimal::ZERO,
        modified: UnixMs(0),
    }
}

fn item(state: &State, entry: &mut Body, line: &mut Line) -> Result<(), Problem> {
    let given = entry.reference("item")?;
    let item = reference(entry, "item", given, |it| state.items.get(&it).is_some_and(|it| it.active))?;
    line.item = item.unwrap_or(line.item);
    if line.item == 0 {
        return Err(Problem::content(entry.path("item"), "Missing a required value for the field item."));
    }
    Ok(())
}

fn location(state: &State, entry: &mut Body, line: &mut Line) -> Result<(), Problem> {
    let given = entry.reference("location")?;
    let location = reference(entry, "location", given, |it| state.locations.contains_key(&it))?;
    line.location = location.or(line.location);
    Ok(())
}
