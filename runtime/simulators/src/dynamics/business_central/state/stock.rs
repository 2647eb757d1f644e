//! Stock per item and location, and the ledger that every move of it is written to.

use truthsource_core::Decimal;

use super::{Cause, Draft, State, Subject};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::business_central::settings::Stamp;
use crate::dynamics::guid::Guid;
use crate::dynamics::moment;
use crate::dynamics::table::{Cell, Row};

/// The item of a stock row. No API shows it.
pub(super) const ITEM: &str = "$item";
/// The location of a stock row; zero for stock that is at none.
pub(super) const LOCATION: &str = "$location";

/// What a ledger entry says besides how much.
#[derive(Debug, Clone, Default)]
pub(in crate::dynamics::business_central) struct Entry {
    /// `Sale`; empty: an adjustment, up or down.
    pub ty: &'static str,
    pub document: String,
    pub document_type: &'static str,
    pub customer: String,
    pub sales_amount: Decimal,
}

pub(super) fn row_key(row: &Row) -> Option<String> {
    Some(key(row.reference(ITEM), row.reference(LOCATION)))
}

/// The item and the location of a stock row.
pub(in crate::dynamics::business_central) fn place_of(row: &Row) -> (Guid, Guid) {
    (row.reference(ITEM), row.reference(LOCATION))
}

fn key(item: Guid, location: Guid) -> String {
    format!("{item}:{location}")
}

impl State {
    pub(in crate::dynamics::business_central) fn stock_row(&self, item: Guid, location: Guid) -> Option<&Row> {
        self.table(Set::Stocks).by_key(&key(item, location))
    }

    /// What there is of an item, everywhere.
    pub(in crate::dynamics::business_central) fn inventory(&self, item: Guid) -> Decimal {
        let rows = self.table(Set::Stocks).owned_by(item);
        rows.fold(Decimal::ZERO, |sum, it| sum.checked_add(it.number("quantity")).unwrap_or(sum))
    }

    /// Moves stock, and writes the ledger. The item's own stamp stays: its inventory is a FlowField.
    pub(in crate::dynamics::business_central) fn move_stock(
        &mut self,
        cause: Cause,
        (item, location): (Guid, Guid),
        by: Decimal,
        entry: Entry,
    ) -> Result<Guid, Problem> {
        self.journaled(cause, &[Subject::Stock { item, location }], |state| {
            let mut row = match state.stock_row(item, location) {
                Some(row) => row.clone(),
                None => state.new_stock_row(item, location),
            };
            let quantity = row.number("quantity").checked_add(by);
            row.set(
                "quantity",
                Cell::Number(quantity.ok_or_else(|| Problem::dialog("The quantity is out of range."))?),
            );
            let id = row.id;
            if state.settings.stock_stamp == Stamp::Moves || row.version == 0 {
                state.put(cause, Set::Stocks, row);
            } else {
                state.put_quietly(cause.now, Set::Stocks, row);
            }
            state.write_ledger(cause, item, by, entry);
            Ok(id)
        })
    }

    fn new_stock_row(&mut self, item: Guid, location: Guid) -> Row {
        let mut row = Row::new(self.new_id());
        let text = |set, id, column: &str| self.row(set, id).map(|it| it.text(column).to_owned()).unwrap_or_default();
        let (number, code) = (text(Set::Items, item, "number"), text(Set::Locations, location, "code"));
        row.set(ITEM, Cell::Id(item));
        row.set(LOCATION, Cell::Id(location));
        row.set_text("itemNumber", number);
        row.set_text("locationCode", code);
        row.set("quantityOnSalesOrder", Cell::Number(self.outstanding(item, location)));
        row
    }

    fn write_ledger(&mut self, cause: Cause, item: Guid, by: Decimal, entry: Entry) {
        if by == Decimal::ZERO {
            return;
        }
        let text = |column: &str| self.row(Set::Items, item).map(|it| it.text(column).to_owned()).unwrap_or_default();
        let (number, description) = (text("number"), text("displayName"));
        let last = self.series.entry("entry").or_insert(0);
        *last += 1;
        let entry_number = u32::try_from(*last).unwrap_or(u32::MAX);
        let adjustment = if by.is_negative() { "Negative Adjmt." } else { "Positive Adjmt." };
        let mut row = Row::new(self.new_id());
        row.set("entryNumber", Cell::Number(Decimal::from(entry_number)));
        row.set_text("itemNumber", number);
        row.set("postingDate", Cell::Day(moment::day_of(cause.now)));
        row.set_text("entryType", if entry.ty.is_empty() { adjustment } else { entry.ty });
        row.set_text("sourceType", if entry.customer.is_empty() { " " } else { "Customer" });
        row.set_text("sourceNumber", entry.customer);
        row.set_text("documentNumber", entry.document);
        row.set_text("documentType", if entry.document_type.is_empty() { " " } else { entry.document_type });
        row.set_text("description", description);
        row.set("quantity", Cell::Number(by));
        row.set("salesAmountActual", Cell::Number(entry.sales_amount));
        self.put(cause, Set::LedgerEntries, row);
    }

    /// What open orders still want of an item from a location.
    fn outstanding(&self, item: Guid, location: Guid) -> Decimal {
        let lines = self.table(Set::OrderLines).rows();
        let its = lines.filter(|it| it.reference("itemId") == item && it.reference("locationId") == location);
        its.fold(Decimal::ZERO, |sum, it| sum + (it.number("quantity") - it.number("shippedQuantity")))
    }

    /// Counts anew what open orders want. A FlowField: no stamp moves.
    pub(super) fn recount(&mut self, cause: Cause, item: Guid, location: Guid) {
        let Some(row) = self.stock_row(item, location) else { return };
        let outstanding = self.outstanding(item, location);
        if row.number("quantityOnSalesOrder") != outstanding {
            let mut row = row.clone();
            row.set("quantityOnSalesOrder", Cell::Number(outstanding));
            self.put_quietly(cause.now, Set::Stocks, row);
        }
    }

    /// Makes the quantity what the caller says, by an adjustment of the difference, as the custom page's code does.
    pub(super) fn save_stock(&mut self, cause: Cause, draft: Draft) -> Result<Guid, Problem> {
        let before = self.row(Set::Stocks, draft.row.id).cloned();
        let (item, location) = match &before {
            Some(before) => {
                for column in ["itemNumber", "locationCode", "variantCode"] {
                    if draft.gives(column) && draft.row.text(column) != before.text(column) {
                        return Err(Problem::read_only(column));
                    }
                }
                (before.reference(ITEM), before.reference(LOCATION))
            }
            None => self.new_place(&draft)?,
        };
        let was = before.as_ref().map_or(Decimal::ZERO, |it| it.number("quantity"));
        let by = draft.row.number("quantity").checked_sub(was);
        let by = by.ok_or_else(|| Problem::dialog("The quantity is out of range."))?;
        if by == Decimal::ZERO && before.is_some() {
            return Ok(draft.row.id);
        }
        let document = self.next_number("ADJ");
        self.move_stock(cause, (item, location), by, Entry { document, ..Entry::default() })
    }

    /// The item and location of stock that the caller adds.
    fn new_place(&self, draft: &Draft) -> Result<(Guid, Guid), Problem> {
        let table = "Item Location Stock";
        let (item, location) = self.place_named(&draft.row, table)?;
        if self.stock_row(item, location).is_some() {
            let (number, code) = (draft.row.text("itemNumber"), draft.row.text("locationCode"));
            return Err(Problem::same_key(
                self.settings.same_key_status,
                table,
                "Item No.",
                &format!("{number}',Location Code='{code}"),
            ));
        }
        Ok((item, location))
    }

    /// The item and location that the caller names by number and code.
    pub(super) fn place_named(&self, row: &Row, table: &str) -> Result<(Guid, Guid), Problem> {
        let (number, code) = (row.text("itemNumber"), row.text("locationCode"));
        if number.is_empty() {
            return Err(Problem::required("itemNumber"));
        }
        if !row.text("variantCode").is_empty() {
            let variant = row.text("variantCode");
            return Err(Problem::relation("Variant Code", table, variant, "Item Variant"));
        }
        let item = self.table(Set::Items).by_key(number).map(|it| it.id);
        let item = item.ok_or_else(|| Problem::relation("Item No.", table, number, "Item"))?;
        let location = if code.is_empty() {
            Guid::ZERO
        } else {
            let found = self.table(Set::Locations).by_key(code).map(|it| it.id);
            found.ok_or_else(|| Problem::relation("Location Code", table, code, "Location"))?
        };
        Ok((item, location))
    }
}
