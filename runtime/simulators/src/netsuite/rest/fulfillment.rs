//! Goods of a sales order leave: `!transform/itemFulfillment`.

use std::collections::BTreeMap;

use truthsource_core::{Decimal, UnixMs};

use super::super::body::{Body, Given};
use super::super::model::{ItemType, Line, Status, Transaction, TransactionType};
use super::super::problem::Problem;
use super::super::state::{Cause, Family, State};
use super::transaction::blank;

/// Ships what the body asks for, everything that is open if it asks for nothing. Gives back the shipment's id.
pub(super) fn fulfil(state: &mut State, cause: Cause, order: u64, body: &mut Body) -> Result<u64, Problem> {
    let asked = asked(body)?;
    let mut external_id = None;
    body.text("externalId")?.onto(&mut external_id);
    ship(state, cause, order, Shipment { asked: asked.as_ref(), external_id, carrier: None, tracking: None })
}

/// What leaves, and how.
#[derive(Debug, Default)]
pub(in crate::netsuite) struct Shipment<'a> {
    /// Quantities by order line; `None`: all that is open.
    pub asked: Option<&'a BTreeMap<u64, Decimal>>,
    /// The integration's own key.
    pub external_id: Option<String>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub tracking: Option<String>,
}

/// Quantities by order line; `None`: all that is open.
fn asked(body: &mut Body) -> Result<Option<BTreeMap<u64, Decimal>>, Problem> {
    let Some(entries) = body.sublist("item")? else { return Ok(None) };
    let mut asked = BTreeMap::new();
    for mut entry in entries {
        let missing = || Problem::content("item", "Missing a required value: orderLine and quantity.");
        let line = entry.number("orderLine")?.value().ok_or_else(missing)?;
        let line = line.to_string().parse().map_err(|_| missing())?;
        if entry.flag("itemReceive")? == Given::Value(false) {
            continue;
        }
        asked.insert(line, entry.number("quantity")?.value().ok_or_else(missing)?);
    }
    Ok(Some(asked))
}

/// Ships from an order: a fulfilment of its own, and the order's lines and status follow.
pub(in crate::netsuite) fn ship(
    state: &mut State,
    cause: Cause,
    order: u64,
    Shipment { asked, external_id, carrier, tracking }: Shipment<'_>,
) -> Result<u64, Problem> {
    let Some(mut order) = state.transactions.get(&order).cloned() else { return Err(Problem::nonexistent("")) };
    if !order.status.is_some_and(Status::commits) {
        return Err(Problem::user("This sales order has nothing left to fulfill."));
    }
    let mut shipment = blank(state, TransactionType::ItemShip, cause.now);
    let leaves = |line: &Line| state.items.get(&line.item).is_none_or(|it| it.ty != ItemType::OthCharge);
    for line in order.lines.iter_mut().filter(|it| leaves(it)) {
        let open = (line.quantity - line.fulfilled).max(Decimal::ZERO);
        let quantity = asked.map_or(open, |it| it.get(&line.number).copied().unwrap_or_default());
        if quantity > open || quantity.is_negative() {
            return Err(Problem::user(format!("Line {} has only {open} left to fulfill.", line.number)));
        }
        if quantity > Decimal::ZERO {
            line.fulfilled = line.fulfilled + quantity;
            let location = line.location.or(order.location);
            shipment.lines.push(Line { key: 0, number: 0, quantity, location, modified: UnixMs(0), ..line.clone() });
        }
    }
    if shipment.lines.is_empty() {
        return Err(Problem::user("You must enter at least one line item for this transaction."));
    }
    let is_done = order.lines.iter().filter(|it| leaves(it)).all(|it| it.fulfilled >= it.quantity);
    order.status = Some(if is_done { Status::PendingBilling } else { Status::PartiallyFulfilled });
    let id = state.next_id(Family::Transaction);
    let shipment = Transaction {
        id,
        external_id,
        entity: order.entity,
        subsidiary: order.subsidiary,
        currency: order.currency,
        created_from: Some(order.id),
        carrier,
        tracking,
        ..shipment
    };
    state.save_transaction(cause, shipment)?;
    state.save_transaction(cause, order)?;
    Ok(id)
}
