//! Items.

use truthsource_core::Decimal;

use super::references::Reference;
use super::stock::{self, Entry};
use super::{Cause, Draft, State, Subject, prices};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::Cell;

const UNIT: Reference =
    Reference { to: Set::Units, id: "baseUnitOfMeasureId", code: "baseUnitOfMeasureCode", label: "unit of measure" };

const CATEGORY: Reference =
    Reference { to: Set::ItemCategories, id: "itemCategoryId", code: "itemCategoryCode", label: "item category" };

impl State {
    pub(super) fn save_item(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let before = self.row(Set::Items, id).cloned();
        let counted = draft.row.take("inventory").filter(|_| draft.gives("inventory"));
        if before.is_none() {
            if matches!(counted, Some(Cell::Number(it)) if it != Decimal::ZERO) {
                return Err(Problem::dialog("Inventory cannot be changed during on insert."));
            }
            if draft.row.text("number").is_empty() {
                let number = self.next_number("I");
                draft.row.set_text("number", number);
            }
        }
        if draft.row.text("number").is_empty() {
            return Err(Problem::field("No. must have a value in Item. It cannot be zero or empty."));
        }
        if draft.row.number("unitPrice").is_negative() {
            return Err(Problem::field("Unit Price must be greater than or equal to 0."));
        }
        self.unique(Set::Items, &draft.row, "Item", "No.")?;
        self.refer(&mut draft, UNIT)?;
        self.refer(&mut draft, CATEGORY)?;
        draft.default("type", Cell::text("Inventory"));
        draft.default("blocked", Cell::Flag(false));
        draft.default("unitPrice", Cell::Number(Decimal::ZERO));
        let is_counted = draft.row.text("type") == "Inventory";
        let is_renamed = before.as_ref().is_some_and(|it| it.text("number") != draft.row.text("number"));
        let mut subjects = vec![Subject::Item(id), Subject::Price { list: None, item: id }];
        if is_renamed {
            subjects.extend(self.subjects_of(id));
        }
        self.journaled(cause, &subjects, |state| {
            let number = draft.row.text("number").to_owned();
            // An inventory that is the only thing given leaves the item itself alone.
            if before.is_none() || draft.given.iter().any(|it| *it != "inventory") {
                state.put(cause, Set::Items, draft.row);
            }
            if is_renamed {
                state.rename_item(cause, id, &number);
            }
            Ok(())
        })?;
        if let Some(Cell::Number(wanted)) = counted {
            self.count_item(cause, id, wanted, is_counted)?;
        }
        Ok(id)
    }

    /// Adjusts the item's stock by the difference to `wanted`, at no location.
    fn count_item(&mut self, cause: Cause, id: Guid, wanted: Decimal, is_counted: bool) -> Result<(), Problem> {
        let by =
            wanted.checked_sub(self.inventory(id)).ok_or_else(|| Problem::dialog("The quantity is out of range."))?;
        if by == Decimal::ZERO {
            return Ok(());
        }
        if !is_counted {
            return Err(Problem::field("Type must be equal to 'Inventory' in Item."));
        }
        let document = self.next_number("ADJ");
        self.move_stock(cause, (id, Guid::ZERO), by, Entry { document, ..Entry::default() })?;
        Ok(())
    }

    /// The stock and the list prices of an item.
    fn subjects_of(&self, item: Guid) -> Vec<Subject> {
        let places = self.table(Set::Stocks).owned_by(item).map(|it| it.reference(stock::LOCATION));
        let stocks = places.map(|location| Subject::Stock { item, location });
        let lines = self.table(Set::PriceLines).rows().filter(|it| it.reference(prices::ITEM) == item);
        let mut lists: Vec<Guid> = lines.map(|it| it.reference(prices::HEAD)).collect();
        lists.sort_unstable();
        lists.dedup();
        stocks.chain(lists.into_iter().map(|it| Subject::Price { list: Some(it), item })).collect()
    }

    fn rename_item(&mut self, cause: Cause, id: Guid, number: &str) {
        self.rename(cause, Set::Stocks, (stock::ITEM, id), ("itemNumber", number));
        self.rename(cause, Set::Adjustments, (stock::ITEM, id), ("itemNumber", number));
        self.rename(cause, Set::PriceLines, (prices::ITEM, id), ("assetNumber", number));
        for set in [Set::OrderLines, Set::ShipmentLines, Set::InvoiceLines] {
            self.rename(cause, set, ("itemId", id), ("lineObjectNumber", number));
        }
    }

    /// Deletes an item with its stock and prices. An item that an open order names stays.
    pub(super) fn delete_item(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        let Some(row) = self.row(Set::Items, id) else { return Err(Problem::no_record("Item", id)) };
        if self.table(Set::OrderLines).rows().any(|it| it.reference("itemId") == id) {
            let number = row.text("number");
            let message = format!(
                "You cannot delete Item {number} because there is at least one outstanding Sales Order that includes this item."
            );
            return Err(Problem::dialog(message));
        }
        let mut subjects = self.subjects_of(id);
        subjects.extend([Subject::Price { list: None, item: id }, Subject::Item(id)]);
        self.journaled(cause, &subjects, |state| {
            let stocks: Vec<Guid> = state.table(Set::Stocks).owned_by(id).map(|it| it.id).collect();
            stocks.into_iter().for_each(|it| state.remove(cause, Set::Stocks, it));
            let lines = state.table(Set::PriceLines).rows().filter(|it| it.reference(prices::ITEM) == id);
            let lines: Vec<Guid> = lines.map(|it| it.id).collect();
            lines.into_iter().for_each(|it| state.remove(cause, Set::PriceLines, it));
            state.remove(cause, Set::Items, id);
            Ok(())
        })
    }
}
