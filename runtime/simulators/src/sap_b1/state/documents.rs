//! Sales orders, deliveries, drafts, and goods that come or go: saving, closing and cancelling them.

use serde_json::json;
use truthsource_core::Decimal;

use super::stock::Moves;
use super::{Cause, State};
use crate::journal::Actor;
use crate::sap_b1::model::{Book, Document, DocumentLine};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::shape::UserFields;

/// What differs between the number for people and the key of a document.
const NUMBERS_FROM: i64 = 1_000;

impl State {
    /// A document that is not saved yet.
    pub(in crate::sap_b1) fn blank_document(&self, cause: Cause, set: Book) -> Document {
        let stamp = self.stamp(cause.now);
        let is_sale = matches!(set, Book::Orders | Book::DeliveryNotes | Book::Drafts);
        let currency = if is_sale { String::new() } else { self.settings.local_currency().to_owned() };
        Document {
            book: if set == Book::Drafts { Book::Orders } else { set },
            entry: 0,
            number: 0,
            day: stamp.date,
            due: None,
            tax_day: stamp.date,
            card: None,
            card_name: None,
            reference: None,
            currency,
            comments: None,
            reference2: None,
            memo: None,
            ship_to: None,
            transport: None,
            tracking: None,
            discount: None,
            total_discount: Decimal::ZERO,
            vat: Decimal::ZERO,
            total: Decimal::ZERO,
            closed: false,
            cancelled: false,
            lines: Vec::new(),
            expenses: Vec::new(),
            user_fields: UserFields::new(),
            created: stamp,
            updated: stamp,
            version: 0,
        }
    }

    /// Adds a document to a set. Gives back its `DocEntry`.
    ///
    /// # Errors
    /// When it is refused; an order that needs approval is refused and left as a draft.
    pub(in crate::sap_b1) fn add_document(
        &mut self,
        cause: Cause,
        set: Book,
        mut document: Document,
    ) -> Result<i64, Problem> {
        let bases = if set == Book::DeliveryNotes { self.deliver(&mut document)? } else { Vec::new() };
        self.complete(&mut document)?;
        if set == Book::Orders {
            self.refuse_used_reference(&document)?;
            if cause.actor == Actor::Api && self.settings.approval_above.is_some_and(|it| document.total > it) {
                self.insert_document(cause, Book::Drafts, document);
                return Err(Problem::not_found());
            }
        }
        let mut moves = Moves::default();
        moves.add_document(set, &document, 1)?;
        for order in &bases {
            if let Some(before) = self.documents.get(&(Book::Orders, order.entry)) {
                moves.add_document(Book::Orders, before, -1)?;
            }
            moves.add_document(Book::Orders, order, 1)?;
        }
        let stock = self.stock_after(&moves)?;
        self.set_stock(cause, stock);
        for order in bases {
            let transaction = if order.closed { "Closed" } else { "Updated" };
            self.replace_document(cause, Book::Orders, order, transaction);
        }
        Ok(self.insert_document(cause, set, document))
    }

    fn insert_document(&mut self, cause: Cause, set: Book, mut document: Document) -> i64 {
        document.entry = self.next_entry(set.name());
        document.number = NUMBERS_FROM + document.entry;
        document.version = 1;
        document.lines.iter_mut().for_each(|it| it.entry = document.entry);
        // Only these wait for something: what has happened is not open.
        if matches!(set, Book::InventoryGenEntries | Book::InventoryGenExits) {
            document.closed = true;
        }
        let entry = document.entry;
        if set == Book::Orders {
            self.record_order(cause, None, &document);
        }
        self.tell(cause.now, (set.name(), "Created"), ("DocEntry", &entry.to_string()));
        self.documents.insert((set, entry), document);
        entry
    }

    /// Puts another version of a document in place, stock aside.
    fn replace_document(&mut self, cause: Cause, set: Book, mut document: Document, transaction: &'static str) {
        let before = self.documents.get(&(set, document.entry)).cloned();
        document.updated = self.stamp(cause.now);
        document.version += 1;
        document.lines.iter_mut().for_each(|it| it.entry = document.entry);
        if set == Book::Orders {
            self.record_order(cause, before.as_ref(), &document);
        }
        self.tell(cause.now, (set.name(), transaction), ("DocEntry", &document.entry.to_string()));
        self.documents.insert((set, document.entry), document);
    }

    /// Saves a changed document.
    pub(in crate::sap_b1) fn update_document(
        &mut self,
        cause: Cause,
        set: Book,
        mut document: Document,
    ) -> Result<(), Problem> {
        let before = self.documents.get(&(set, document.entry)).cloned().ok_or_else(Problem::not_found)?;
        let is_same =
            before.lines == document.lines && before.expenses == document.expenses && before.card == document.card;
        let is_open = matches!(set, Book::Orders | Book::Drafts) && !before.closed;
        if !is_same && !is_open {
            return Err(Problem::rule("Document is closed; its lines cannot be changed"));
        }
        if is_open {
            refuse_less_than_delivered(&before, &document)?;
            self.complete(&mut document)?;
        }
        let mut moves = Moves::default();
        if set == Book::Orders {
            moves.add_document(set, &before, -1)?;
            moves.add_document(set, &document, 1)?;
        }
        let stock = self.stock_after(&moves)?;
        self.set_stock(cause, stock);
        self.replace_document(cause, set, document, "Updated");
        Ok(())
    }

    /// Closes, cancels or opens a sales order again.
    pub(in crate::sap_b1) fn turn_order(&mut self, cause: Cause, entry: i64, to: Turn) -> Result<(), Problem> {
        let before = self.documents.get(&(Book::Orders, entry)).cloned().ok_or_else(Problem::not_found)?;
        let mut after = before.clone();
        match to {
            Turn::Close | Turn::Cancel if before.closed => {
                return Err(Problem::rule("Document is already closed or cancelled"));
            }
            Turn::Cancel if before.lines.iter().any(|it| it.delivered > Decimal::ZERO) => {
                return Err(Problem::rule("Cannot cancel a document that was partially copied; close it instead"));
            }
            Turn::Reopen if !before.closed || before.cancelled => {
                return Err(Problem::rule("Only a closed document can be reopened"));
            }
            Turn::Reopen if before.lines.iter().all(|it| it.delivered >= it.quantity) => {
                return Err(Problem::rule("A document that was copied as a whole cannot be reopened"));
            }
            Turn::Close | Turn::Cancel => {
                (after.closed, after.cancelled) = (true, to == Turn::Cancel);
                after.lines.iter_mut().for_each(|it| it.closed = true);
            }
            Turn::Reopen => {
                after.closed = false;
                after.lines.iter_mut().for_each(|it| it.closed = it.delivered >= it.quantity);
            }
        }
        let mut moves = Moves::default();
        moves.add_document(Book::Orders, &before, -1)?;
        moves.add_document(Book::Orders, &after, 1)?;
        let stock = self.stock_after(&moves)?;
        self.set_stock(cause, stock);
        let transaction = match to {
            Turn::Close => "Closed",
            Turn::Cancel => "Cancelled",
            Turn::Reopen => "Reopened",
        };
        self.replace_document(cause, Book::Orders, after, transaction);
        Ok(())
    }

    /// Books a draft as what it is to become. The draft goes.
    pub(in crate::sap_b1) fn book_draft(&mut self, cause: Cause, entry: i64) -> Result<(Book, i64), Problem> {
        let draft = self.documents.get(&(Book::Drafts, entry)).cloned().ok_or_else(Problem::not_found)?;
        // Whoever books a draft has the approval.
        let approved = Cause { actor: Actor::Human, ..cause };
        let book = draft.book;
        let (created, updated) = (self.stamp(cause.now), self.stamp(cause.now));
        let booked = self.add_document(approved, book, Document { version: 0, created, updated, ..draft })?;
        self.documents.remove(&(Book::Drafts, entry));
        Ok((book, booked))
    }

    /// Deletes a draft; nothing else of the kind can be deleted.
    pub(in crate::sap_b1) fn delete_document(&mut self, set: Book, entry: i64) -> Result<(), Problem> {
        if !self.documents.contains_key(&(set, entry)) {
            return Err(Problem::not_found());
        }
        if set != Book::Drafts {
            return Err(Problem::new(400, -5006, "The requested action is not supported for this object."));
        }
        self.documents.remove(&(set, entry));
        Ok(())
    }

    /// The orders that a delivery delivers, as they are after it. Fills its lines from theirs.
    fn deliver(&self, delivery: &mut Document) -> Result<Vec<Document>, Problem> {
        let mut orders: Vec<Document> = Vec::new();
        for (at, line) in delivery.lines.iter_mut().enumerate() {
            if line.base_type != Book::Orders.object() {
                continue;
            }
            let unknown = || {
                let message =
                    format!("Base document does not exist or is closed [DocumentLines.BaseEntry][line: {}]", at + 1);
                Problem::new(400, -5002, message)
            };
            let entry = line.base_entry.ok_or_else(unknown)?;
            let held = match orders.iter().position(|it| it.entry == entry) {
                Some(held) => held,
                None => {
                    let order = self.documents.get(&(Book::Orders, entry)).filter(|it| !it.closed);
                    orders.push(order.cloned().ok_or_else(unknown)?);
                    orders.len() - 1
                }
            };
            let order = orders.get_mut(held).ok_or_else(unknown)?;
            if delivery.card.get_or_insert_with(|| order.card.clone().unwrap_or_default())
                != order.card.as_deref().unwrap_or_default()
            {
                return Err(Problem::rule("Base document belongs to another business partner"));
            }
            if delivery.currency.is_empty() {
                delivery.currency.clone_from(&order.currency);
            }
            let base = order.lines.iter_mut().find(|it| Some(it.number) == line.base_line && !it.closed);
            copy_line(base.ok_or_else(unknown)?, line);
            order.closed = order.lines.iter().all(|it| it.closed);
        }
        Ok(orders)
    }

    fn refuse_used_reference(&self, order: &Document) -> Result<(), Problem> {
        let Some(reference) = order.reference.as_ref().filter(|_| self.settings.unique_references) else {
            return Ok(());
        };
        let orders = self.documents.range((Book::Orders, 0)..=(Book::Orders, i64::MAX)).map(|(_, it)| it);
        let is_used =
            |it: &Document| it.card == order.card && it.reference.as_ref() == Some(reference) && !it.cancelled;
        if orders.into_iter().any(is_used) {
            return Err(Problem::rule(format!(
                "Customer reference number '{reference}' already exists [ORDR.NumAtCard]"
            )));
        }
        Ok(())
    }

    fn record_order(&mut self, cause: Cause, before: Option<&Document>, order: &Document) {
        let id = order.entry.to_string();
        if before.is_none() {
            self.record(cause, ("order", &id), "created", order.reference.clone().unwrap_or_default());
        }
        let settings = self.settings.clone();
        let fields = |it: &Document| {
            [
                ("number", it.number.to_string()),
                ("company", it.card.clone().unwrap_or_default()),
                ("po_number", it.reference.clone().unwrap_or_default()),
                ("currency", settings.iso(&it.currency).to_owned()),
                ("status", it.canonical_status().to_owned()),
                ("total", it.total.to_string()),
                ("lines", lines_text(&it.lines)),
            ]
        };
        self.record_fields(cause, ("order", &id), before.map(fields), fields(order));
    }
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sap_b1) enum Turn {
    Close,
    Cancel,
    Reopen,
}

/// Delivers (part of) an order's line, and fills the delivery's line from it.
fn copy_line(base: &mut DocumentLine, line: &mut DocumentLine) {
    if line.item.is_empty() {
        line.item.clone_from(&base.item);
    }
    if line.quantity == Decimal::ZERO {
        line.quantity = base.open();
    }
    line.description = line.description.take().or_else(|| base.description.clone());
    line.warehouse = line.warehouse.take().or_else(|| base.warehouse.clone());
    line.unit_price = line.unit_price.or(base.unit_price);
    line.currency = line.currency.take().or_else(|| base.currency.clone());
    line.tax = line.tax.take().or_else(|| base.tax.clone());
    line.discount = if line.discount == Decimal::ZERO { base.discount } else { line.discount };
    base.delivered = base.delivered + line.quantity;
    base.closed = base.delivered >= base.quantity;
}

/// An order's line that was delivered stays, with no less than what was delivered.
fn refuse_less_than_delivered(before: &Document, after: &Document) -> Result<(), Problem> {
    for was in before.lines.iter().filter(|it| it.delivered > Decimal::ZERO) {
        let is_kept =
            after.lines.iter().any(|it| it.number == was.number && it.item == was.item && it.quantity >= was.delivered);
        if !is_kept {
            return Err(Problem::rule(format!("Line {} was copied to a target document", was.number)));
        }
    }
    Ok(())
}

fn lines_text(lines: &[DocumentLine]) -> String {
    let row = |it: &DocumentLine| json!({ "item": it.item, "quantity": it.quantity, "unit_price": it.price });
    serde_json::Value::Array(lines.iter().map(row).collect()).to_string()
}
