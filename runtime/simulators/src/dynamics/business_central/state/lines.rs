//! Sales orders: their lines.

use truthsource_core::Decimal;

use super::orders::released;
use super::references::Reference;
use super::{Cause, Draft, State, Subject};
use crate::dynamics::amounts;
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::business_central::settings::Stamp;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::{Cell, Row};

const ITEM: Reference = Reference { to: Set::Items, id: "itemId", code: "lineObjectNumber", label: "item" };
const LOCATION: Reference =
    Reference { to: Set::Locations, id: "locationId", code: "$locationCode", label: "location" };
const UNIT: Reference =
    Reference { to: Set::Units, id: "unitOfMeasureId", code: "unitOfMeasureCode", label: "unit of measure" };

impl State {
    pub(super) fn save_line(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let before = self.row(Set::OrderLines, id).cloned();
        let order = draft.row.reference("documentId");
        if order.is_zero() {
            return Err(Problem::required("documentId"));
        }
        let head = self.row(Set::Orders, order).cloned();
        let head = head.ok_or_else(|| Problem::no_reference("The sales order cannot be found."))?;
        if before.as_ref().is_some_and(|it| it.reference("documentId") != order) {
            return Err(Problem::read_only("documentId"));
        }
        released(&head)?;
        self.number_line(&mut draft, before.as_ref())?;
        if draft.row.cell("lineType").is_none() {
            let is_item = draft.gives("itemId") || draft.gives("lineObjectNumber");
            draft.row.set_text("lineType", if is_item { "Item" } else { "Comment" });
        }
        match draft.row.text("lineType") {
            "Item" => self.fill_item_line(&mut draft, &head, before.as_ref())?,
            "Account" => self.fill_account_line(&mut draft)?,
            "Comment" => {}
            other => return Err(Problem::dialog(format!("Lines of type {other} cannot be used in this company."))),
        }
        price(&mut draft)?;
        self.journaled(cause, &[Subject::Order(order)], |state| {
            let place = |it: &Row| (it.reference("itemId"), it.reference("locationId"));
            let places = [before.as_ref().map(place), Some(place(&draft.row))];
            state.put(cause, Set::OrderLines, draft.row);
            places.into_iter().flatten().for_each(|(item, location)| state.recount(cause, item, location));
            state.touch_siblings(cause, order, id);
            state.touch_order(cause, order)?;
            Ok(id)
        })
    }

    /// The other lines of an order of which one changed.
    fn touch_siblings(&mut self, cause: Cause, order: Guid, changed: Guid) {
        if self.settings.sibling_stamp == Stamp::Moves {
            let others: Vec<Row> = self.lines_of(order).into_iter().filter(|it| it.id != changed).collect();
            others.into_iter().for_each(|it| self.put(cause, Set::OrderLines, it));
        }
    }

    /// Where a line stands: behind all others, unless it says so when it is made. No two stand in one place, and none
    /// moves.
    fn number_line(&self, draft: &mut Draft, before: Option<&Row>) -> Result<(), Problem> {
        let sequence = draft.row.number("sequence");
        if let Some(before) = before {
            let moved = before.number("sequence") != sequence;
            return if moved { Err(Problem::dialog("The value for sequence cannot be modified.")) } else { Ok(()) };
        }
        let mut others = self.table(Set::OrderLines).owned_by(draft.row.reference("documentId"));
        if sequence == Decimal::ZERO {
            let last = others.map(|it| it.number("sequence")).max();
            draft.row.set("sequence", Cell::Number(last.unwrap_or_default() + Decimal::from(10_000)));
        } else if others.any(|it| it.number("sequence") == sequence) {
            return Err(Problem::dialog("You cannot insert a line that already exists."));
        }
        Ok(())
    }

    fn fill_item_line(&self, draft: &mut Draft, head: &Row, before: Option<&Row>) -> Result<(), Problem> {
        let item = self.refer(draft, ITEM)?.and_then(|it| self.row(Set::Items, it));
        let item = item.ok_or_else(|| Problem::dialog("The item cannot be found."))?.clone();
        self.refer(draft, LOCATION)?;
        let is_other = before.is_none_or(|it| it.reference("itemId") != item.id);
        if is_other && item.flag("blocked") {
            let number = item.text("number");
            let message = format!("Blocked must be equal to 'No' in Item: No.={number}. Current value is 'Yes'.");
            return Err(Problem::field(message));
        }
        let shipped = draft.row.number("shippedQuantity");
        if shipped > Decimal::ZERO && is_other {
            return Err(Problem::field("Quantity Shipped must be equal to '0' in Sales Line."));
        }
        if draft.row.number("quantity") < shipped {
            let message = format!("Quantity must not be less than {shipped}, which is what was shipped.");
            return Err(Problem::field(message));
        }
        if is_other && !draft.gives("description") {
            draft.row.set_text("description", item.text("displayName"));
        }
        if is_other && !draft.gives("unitOfMeasureId") && !draft.gives("unitOfMeasureCode") {
            draft.row.set("unitOfMeasureId", Cell::Id(item.reference("baseUnitOfMeasureId")));
        }
        self.refer(draft, UNIT)?;
        let is_open = is_other || draft.gives("quantity");
        if is_open && !draft.gives("unitPrice") && before.is_none_or(|it| it.cell(MANUAL) != Some(&Cell::Flag(true))) {
            let price = self.price_for(item.id, head, draft.row.number("quantity"));
            draft.row.set("unitPrice", Cell::Number(price));
        }
        if draft.gives("unitPrice") {
            draft.row.set(MANUAL, Cell::Flag(true));
        }
        Ok(())
    }

    fn fill_account_line(&self, draft: &mut Draft) -> Result<(), Problem> {
        let number = draft.row.text("lineObjectNumber").to_owned();
        let known = self.settings.accounts.iter().find(|it| it.0 == number);
        let (_, name) = known.ok_or_else(|| Problem::no_reference("The account cannot be found."))?;
        if draft.row.text("description").is_empty() {
            draft.row.set_text("description", name.as_str());
        }
        Ok(())
    }

    /// A line whose goods have left stays.
    pub(super) fn delete_line(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        let row = self.row(Set::OrderLines, id).cloned();
        let row = row.ok_or_else(|| Problem::no_record("Sales Line", id))?;
        let order = row.reference("documentId");
        if let Some(head) = self.row(Set::Orders, order) {
            released(head)?;
        }
        if row.number("shippedQuantity") > Decimal::ZERO {
            return Err(Problem::field("Quantity Shipped must be equal to '0' in Sales Line."));
        }
        self.journaled(cause, &[Subject::Order(order)], |state| {
            state.remove(cause, Set::OrderLines, id);
            state.recount(cause, row.reference("itemId"), row.reference("locationId"));
            state.touch_siblings(cause, order, id);
            state.touch_order(cause, order)
        })
    }
}

/// The price was given by hand: no new quantity changes it. No API shows it.
const MANUAL: &str = "$manualPrice";

/// The line's amounts. A discount is what was named last: a percentage or an amount. There is no tax.
fn price(draft: &mut Draft) -> Result<(), Problem> {
    let out_of_range = || Problem::dialog("The amount is out of range.");
    let row = &mut draft.row;
    if row.number("quantity").is_negative() {
        return Err(Problem::field("Quantity must be greater than or equal to 0."));
    }
    let gross = amounts::line_amount(row.number("quantity"), row.number("unitPrice")).ok_or_else(out_of_range)?;
    let is_amount = draft.given.contains("discountAmount") && !draft.given.contains("discountPercent");
    if !is_amount {
        let discount = amounts::share(gross, row.number("discountPercent")).ok_or_else(out_of_range)?;
        row.set("discountAmount", Cell::Number(discount));
    }
    let net = gross.checked_sub(row.number("discountAmount")).ok_or_else(out_of_range)?;
    if net.is_negative() && row.number("discountAmount") > Decimal::ZERO {
        return Err(Problem::field("Line Discount Amount must not be more than the line's amount."));
    }
    for column in ["amountExcludingTax", "amountIncludingTax", "netAmount", "netAmountIncludingTax"] {
        row.set(column, Cell::Number(net));
    }
    let shipped = row.number("shippedQuantity");
    let open = row.number("quantity") - shipped;
    if !draft.given.contains("shipQuantity") {
        row.set("shipQuantity", Cell::Number(open));
    }
    if !draft.given.contains("invoiceQuantity") {
        row.set("invoiceQuantity", Cell::Number(row.number("quantity") - row.number("invoicedQuantity")));
    }
    Ok(())
}
