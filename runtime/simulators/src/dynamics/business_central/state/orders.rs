//! Sales orders: their heads.

use truthsource_core::Decimal;

use super::masters::CURRENCY;
use super::references::Reference;
use super::{Cause, Draft, State, Subject};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::business_central::settings::Stamp;
use crate::dynamics::guid::Guid;
use crate::dynamics::moment;
use crate::dynamics::table::{Cell, Row};

const CUSTOMER: Reference =
    Reference { to: Set::Customers, id: "customerId", code: "customerNumber", label: "customer" };

/// What an order takes from its customer unless it says otherwise: its column and the customer's.
const FROM_CUSTOMER: &[(&str, &str)] = &[
    ("customerName", "displayName"),
    ("billToName", "displayName"),
    ("shipToName", "displayName"),
    ("shipToAddressLine1", "addressLine1"),
    ("shipToAddressLine2", "addressLine2"),
    ("shipToCity", "city"),
    ("shipToCountry", "country"),
    ("shipToState", "state"),
    ("shipToPostCode", "postalCode"),
    ("sellToAddressLine1", "addressLine1"),
    ("sellToCity", "city"),
    ("sellToCountry", "country"),
    ("sellToPostCode", "postalCode"),
    ("email", "email"),
    ("phoneNumber", "phoneNumber"),
    ("salesperson", "salespersonCode"),
];

/// Lines in the order in which they stand in their document.
pub(super) fn in_sequence<'r>(lines: impl Iterator<Item = &'r Row>) -> Vec<&'r Row> {
    let mut lines: Vec<&Row> = lines.collect();
    lines.sort_by_key(|it| (it.number("sequence"), it.id));
    lines
}

impl State {
    /// The lines of an order, as they stand in it.
    pub(in crate::dynamics::business_central) fn lines_of(&self, order: Guid) -> Vec<Row> {
        in_sequence(self.table(Set::OrderLines).owned_by(order)).into_iter().cloned().collect()
    }

    pub(super) fn save_order(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let before = self.row(Set::Orders, id).cloned();
        if let Some(before) = &before {
            released(before)?;
        }
        if draft.row.text("number").is_empty() {
            let number = self.next_number("S-ORD");
            draft.row.set_text("number", number);
        }
        self.unique(Set::Orders, &draft.row, "Sales Header", "No.")?;
        let customer = self.refer(&mut draft, CUSTOMER)?;
        let customer = customer.ok_or_else(|| Problem::dialog("A customerNumber or a customerId must be provided."))?;
        let is_new_customer = before.as_ref().is_none_or(|it| it.reference("customerId") != customer);
        if is_new_customer {
            self.take_customer(&mut draft, customer)?;
        }
        self.refer(&mut draft, CURRENCY)?;
        self.check_fixed(&draft, before.as_ref())?;
        let today = Cell::Day(moment::day_of(cause.now));
        draft.default("orderDate", today.clone());
        draft.default("postingDate", today);
        draft.default("status", Cell::text("Draft"));
        draft.default("partialShipping", Cell::Flag(true));
        draft.default("discountAppliedBeforeTax", Cell::Flag(true));
        self.journaled(cause, &[Subject::Order(id)], |state| {
            state.put(cause, Set::Orders, draft.row);
            state.total(cause, id)?;
            Ok(id)
        })
    }

    fn take_customer(&self, draft: &mut Draft, customer: Guid) -> Result<(), Problem> {
        let Some(customer) = self.row(Set::Customers, customer) else { return Ok(()) };
        let number = customer.text("number");
        if customer.text("blocked") == "All" {
            let message =
                format!("You cannot create this type of document when Customer {number} is blocked with type All");
            return Err(Problem::dialog(message));
        }
        for (column, source) in FROM_CUSTOMER {
            if !draft.gives(column) {
                draft.row.set_text(column, customer.text(source));
            }
        }
        if !draft.gives("currencyId") && !draft.gives("currencyCode") {
            draft.row.set("currencyId", Cell::Id(customer.reference("currencyId")));
        }
        if !draft.gives("paymentTermsId") {
            draft.row.set("paymentTermsId", Cell::Id(customer.reference("paymentTermsId")));
        }
        draft.row.set("billToCustomerId", Cell::Id(customer.id));
        draft.row.set_text("billToCustomerNumber", number);
        Ok(())
    }

    /// What may not change any more once goods have left.
    fn check_fixed(&self, draft: &Draft, before: Option<&Row>) -> Result<(), Problem> {
        let Some(before) = before else { return Ok(()) };
        let has_shipped = |it: &Row| it.number("shippedQuantity") > Decimal::ZERO;
        let is_moved = ["customerId", "currencyId"].iter().any(|it| before.reference(it) != draft.row.reference(it));
        if is_moved && self.table(Set::OrderLines).owned_by(before.id).any(has_shipped) {
            let message = "You cannot change the customer or currency because the order has shipped lines.";
            return Err(Problem::field(message));
        }
        Ok(())
    }

    /// Adds the order up. Its own stamp moves only where the settings have it so.
    pub(super) fn total(&mut self, cause: Cause, order: Guid) -> Result<(), Problem> {
        let Some(head) = self.row(Set::Orders, order) else { return Ok(()) };
        let mut row = head.clone();
        let mut total = Decimal::ZERO;
        for line in self.table(Set::OrderLines).owned_by(order) {
            let sum = total.checked_add(line.number("netAmount"));
            total = sum.ok_or_else(|| Problem::dialog("The amount is out of range."))?;
        }
        let net = total.checked_sub(row.number("discountAmount"));
        let net = net.ok_or_else(|| Problem::dialog("The amount is out of range."))?;
        for column in ["totalAmountExcludingTax", "totalAmountIncludingTax"] {
            row.set(column, Cell::Number(net));
        }
        if self.row(Set::Orders, order) != Some(&row) {
            self.put_quietly(cause.now, Set::Orders, row);
        }
        Ok(())
    }

    /// The head of an order whose lines changed.
    pub(super) fn touch_order(&mut self, cause: Cause, order: Guid) -> Result<(), Problem> {
        self.total(cause, order)?;
        let is_moved = self.settings.header_stamp == Stamp::Moves;
        if let Some(head) = self.row(Set::Orders, order).filter(|_| is_moved).cloned() {
            self.put(cause, Set::Orders, head);
        }
        Ok(())
    }

    /// Deleting is how an order is cancelled. One that has goods on the way stays.
    pub(super) fn delete_order(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        let Some(head) = self.row(Set::Orders, id).cloned() else { return Err(Problem::no_record("Sales Header", id)) };
        released(&head)?;
        let lines = self.lines_of(id);
        if lines.iter().any(|it| it.number("shippedQuantity") != it.number("invoicedQuantity")) {
            let message = format!(
                "The order {} cannot be deleted: it has lines that were shipped and not invoiced.",
                head.text("number")
            );
            return Err(Problem::dialog(message));
        }
        self.journaled(cause, &[Subject::Order(id)], |state| {
            for line in &lines {
                state.remove(cause, Set::OrderLines, line.id);
                state.recount(cause, line.reference("itemId"), line.reference("locationId"));
            }
            state.remove(cause, Set::Orders, id);
            Ok(())
        })
    }
}

/// A released order is not edited.
pub(super) fn released(head: &Row) -> Result<(), Problem> {
    if head.text("status") == "Draft" {
        return Ok(());
    }
    let (number, status) = (head.text("number"), head.text("status"));
    let shown = if status == "Open" { "Released" } else { "Pending Approval" };
    let message = format!(
        "Status must be equal to 'Open' in Sales Header: Document Type=Order, No.={number}. Current value is '{shown}'."
    );
    Err(Problem::field(message))
}
