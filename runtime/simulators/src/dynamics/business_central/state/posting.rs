//! Posting: what leaves an order, and what becomes of one that has nothing left.

use truthsource_core::Decimal;

use super::stock::Entry;
use super::{Cause, State, Subject};
use crate::dynamics::amounts;
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::guid::Guid;
use crate::dynamics::moment;
use crate::dynamics::table::{Cell, Row};

/// What a posting leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dynamics::business_central) enum Posting {
    Ship,
    ShipAndInvoice,
}

/// A line of goods or of an account, and no mere text.
fn is_sold(line: &Row) -> bool {
    matches!(line.text("lineType"), "Item" | "Account")
}

impl State {
    /// Posts an order: ships `quantities` of its lines, or what each line has to ship if none are named, and invoices
    /// what was shipped. An order that is shipped and invoiced in full is deleted. Answers the shipment, if any.
    pub(in crate::dynamics::business_central) fn post(
        &mut self,
        cause: Cause,
        order: Guid,
        posting: Posting,
        quantities: Option<&[(Guid, Decimal)]>,
    ) -> Result<Option<Guid>, Problem> {
        let Some(head) = self.row(Set::Orders, order).cloned() else {
            return Err(Problem::no_record("Sales Header", order));
        };
        let shipping = self.to_ship(&head, quantities)?;
        self.journaled(cause, &[Subject::Order(order)], |state| {
            let shipment = if shipping.is_empty() { None } else { Some(state.ship(cause, &head, &shipping)?) };
            let is_invoiced = posting == Posting::ShipAndInvoice && state.invoice(cause, &head)?;
            if shipment.is_none() && !is_invoiced {
                return Err(Problem::dialog("There is nothing to post."));
            }
            let is_done = |it: &Row| {
                !is_sold(it)
                    || (it.number("invoicedQuantity") >= it.number("quantity")
                        && it.number("shippedQuantity") >= it.number("quantity"))
            };
            if state.lines_of(order).iter().all(is_done) {
                state.retire(cause, order);
            } else {
                state.put(cause, Set::Orders, head);
            }
            Ok(shipment)
        })
    }

    /// The lines that ship, with how much of each.
    fn to_ship(&self, head: &Row, quantities: Option<&[(Guid, Decimal)]>) -> Result<Vec<(Row, Decimal)>, Problem> {
        if let Some(customer) = self.row(Set::Customers, head.reference("customerId"))
            && matches!(customer.text("blocked"), "All" | "Ship")
        {
            let (number, blocked) = (customer.text("number"), customer.text("blocked"));
            let message = format!("You cannot ship to Customer {number}: it is blocked with type {blocked}");
            return Err(Problem::dialog(message));
        }
        let mut shipping = Vec::new();
        for line in self.lines_of(head.id).into_iter().filter(is_sold) {
            let named = |all: &[(Guid, Decimal)]| all.iter().find(|(id, _)| *id == line.id).map(|(_, it)| *it);
            let wanted = match quantities {
                // What is no goods goes along with the first that leave.
                Some(all) if line.text("lineType") == "Item" => named(all).unwrap_or(Decimal::ZERO),
                _ => line.number("shipQuantity"),
            };
            if wanted.is_negative() || wanted > line.number("quantity") - line.number("shippedQuantity") {
                let open = line.number("quantity") - line.number("shippedQuantity");
                return Err(Problem::field(format!("You cannot ship more than {open} units.")));
            }
            if wanted > Decimal::ZERO {
                shipping.push((line, wanted));
            }
        }
        Ok(shipping)
    }

    fn ship(&mut self, cause: Cause, head: &Row, shipping: &[(Row, Decimal)]) -> Result<Guid, Problem> {
        let number = self.next_number("S-SHPT");
        let shipment = self.posted_head(cause, head, &number);
        let id = shipment.id;
        self.put(cause, Set::Shipments, shipment);
        for (line, quantity) in shipping {
            let mut posted = self.posted_line(id, line, *quantity)?;
            posted.set_text("documentNumber", number.as_str());
            posted.set("shipmentDate", Cell::Day(moment::day_of(cause.now)));
            let amount = posted.number("netAmount");
            self.put(cause, Set::ShipmentLines, posted);
            let mut line = line.clone();
            let shipped = line.number("shippedQuantity") + *quantity;
            line.set("shippedQuantity", Cell::Number(shipped));
            line.set("shipQuantity", Cell::Number(line.number("quantity") - shipped));
            let place = (line.reference("itemId"), line.reference("locationId"));
            self.put(cause, Set::OrderLines, line);
            let entry = Entry {
                ty: "Sale",
                document: number.clone(),
                document_type: "Sales Shipment",
                customer: head.text("customerNumber").to_owned(),
                sales_amount: amount,
            };
            let is_counted = self.row(Set::Items, place.0).is_some_and(|it| it.text("type") == "Inventory");
            if is_counted {
                self.move_stock(cause, place, -*quantity, entry)?;
                self.recount(cause, place.0, place.1);
            }
        }
        Ok(id)
    }

    /// Invoices what was shipped and not invoiced; `false` when there is nothing of the kind.
    fn invoice(&mut self, cause: Cause, head: &Row) -> Result<bool, Problem> {
        let lines = self.lines_of(head.id).into_iter().filter(is_sold);
        let due = |it: &Row| it.number("shippedQuantity") - it.number("invoicedQuantity");
        let lines: Vec<Row> = lines.filter(|it| due(it) > Decimal::ZERO).collect();
        if lines.is_empty() {
            return Ok(false);
        }
        let number = self.next_number("PS-INV");
        let mut invoice = self.posted_head(cause, head, &number);
        let (id, mut total) = (invoice.id, Decimal::ZERO);
        for mut line in lines {
            let posted = self.posted_line(id, &line, due(&line))?;
            let sum = total.checked_add(posted.number("netAmount"));
            total = sum.ok_or_else(|| Problem::dialog("The amount is out of range."))?;
            self.put(cause, Set::InvoiceLines, posted);
            let invoiced = line.number("shippedQuantity");
            line.set("invoicedQuantity", Cell::Number(invoiced));
            line.set("invoiceQuantity", Cell::Number(line.number("quantity") - invoiced));
            self.put(cause, Set::OrderLines, line);
        }
        for column in ["totalAmountExcludingTax", "totalAmountIncludingTax", "remainingAmount"] {
            invoice.set(column, Cell::Number(total));
        }
        invoice.set_text("status", "Open");
        self.put(cause, Set::Invoices, invoice);
        Ok(true)
    }

    /// The head of a posted document.
    fn posted_head(&mut self, cause: Cause, head: &Row, number: &str) -> Row {
        let mut posted = Row::new(self.new_id());
        let today = Cell::Day(moment::day_of(cause.now));
        posted.set_text("number", number);
        posted.set_text("orderNumber", head.text("number"));
        posted.set("orderId", Cell::Id(head.id));
        for column in ["postingDate", "invoiceDate", "dueDate"] {
            posted.set(column, today.clone());
        }
        for column in ["externalDocumentNumber", "customerNumber", "customerName", "currencyCode"] {
            posted.set_text(column, head.text(column));
        }
        for column in ["customerId", "currencyId"] {
            posted.set(column, Cell::Id(head.reference(column)));
        }
        posted
    }

    /// A line of a posted document.
    fn posted_line(&mut self, document: Guid, line: &Row, quantity: Decimal) -> Result<Row, Problem> {
        let mut posted = Row::new(self.new_id());
        posted.set("documentId", Cell::Id(document));
        for column in ["itemId", "locationId"] {
            posted.set(column, Cell::Id(line.reference(column)));
        }
        for column in ["lineType", "lineObjectNumber", "description", "unitOfMeasureCode"] {
            posted.set_text(column, line.text(column));
        }
        for column in ["sequence", "unitPrice"] {
            posted.set(column, Cell::Number(line.number(column)));
        }
        posted.set("quantity", Cell::Number(quantity));
        let amount = if quantity == line.number("quantity") {
            Some(line.number("netAmount"))
        } else {
            let gross = amounts::line_amount(quantity, line.number("unitPrice"));
            gross.and_then(|it| it.checked_sub(amounts::share(it, line.number("discountPercent"))?))
        };
        let amount = amount.ok_or_else(|| Problem::dialog("The amount is out of range."))?;
        for column in ["netAmount", "amountIncludingTax"] {
            posted.set(column, Cell::Number(amount));
        }
        Ok(posted)
    }

    /// Takes a posted order out of the API; what it was stays for snapshots.
    fn retire(&mut self, cause: Cause, order: Guid) {
        for line in self.lines_of(order) {
            self.remove(cause, Set::OrderLines, line.id);
            self.recount(cause, line.reference("itemId"), line.reference("locationId"));
            self.put_quietly(cause.now, Set::PastLines, line);
        }
        if let Some(head) = self.row(Set::Orders, order).cloned() {
            self.remove(cause, Set::Orders, order);
            self.put_quietly(cause.now, Set::PastOrders, head);
        }
    }
}
