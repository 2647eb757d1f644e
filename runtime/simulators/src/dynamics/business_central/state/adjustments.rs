//! Movements of stock that a caller posts under a reference of its own, as the customer's own page does it.

use truthsource_core::Decimal;

use super::stock::{Entry, ITEM, LOCATION};
use super::{Cause, Draft, State};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::{Cell, Row};

const TABLE: &str = "Item Location Adjustment";
/// What names a movement for its caller: one reference is one movement, however often it is sent.
const REFERENCE: &str = "externalReference";

pub(super) fn row_key(row: &Row) -> Option<String> {
    super::filled(row.text(REFERENCE))
}

impl State {
    /// Moves the stock by the given quantity, and keeps under the caller's reference that it was done. What was posted
    /// is not changed any more.
    pub(super) fn save_adjustment(&mut self, cause: Cause, draft: Draft) -> Result<Guid, Problem> {
        let mut row = draft.row;
        let reference = row.text(REFERENCE).to_owned();
        if reference.is_empty() {
            return Err(Problem::required(REFERENCE));
        }
        let (item, location) = self.place_named(&row, TABLE)?;
        let by = row.number("quantity");
        if by == Decimal::ZERO {
            return Err(Problem::field(format!("Quantity must have a value in {TABLE}. It cannot be zero or empty.")));
        }
        if self.table(Set::Adjustments).by_key(&reference).is_some() {
            return Err(Problem::same_key(self.settings.same_key_status, TABLE, "External Reference", &reference));
        }
        let document = self.next_number("ADJ");
        self.move_stock(cause, (item, location), by, Entry { document, ..Entry::default() })?;
        let after = self.stock_row(item, location).map_or(Decimal::ZERO, |it| it.number("quantity"));
        row.set(ITEM, Cell::Id(item));
        row.set(LOCATION, Cell::Id(location));
        row.set("quantityAfter", Cell::Number(after));
        let id = row.id;
        self.put(cause, Set::Adjustments, row);
        Ok(id)
    }
}
