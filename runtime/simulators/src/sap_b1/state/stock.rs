//! Stock per item and warehouse.

use std::collections::BTreeMap;

use truthsource_core::Decimal;

use super::{Cause, State, fits, pair};
use crate::journal::Actor;
use crate::sap_b1::model::{Book, Document, Stock};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::NegativeStock;

/// How a save moves the stock of one item in one warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Move {
    pub on_hand: Decimal,
    pub committed: Decimal,
}

/// Moves by item and warehouse.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves(BTreeMap<(String, String), Move>);

impl Moves {
    fn at(&mut self, item: &str, warehouse: &str) -> &mut Move {
        self.0.entry((item.to_owned(), warehouse.to_owned())).or_default()
    }

    pub(super) fn add_on_hand(&mut self, item: &str, warehouse: &str, by: Decimal) -> Result<(), Problem> {
        let it = self.at(item, warehouse);
        it.on_hand = fits(it.on_hand.checked_add(by))?;
        Ok(())
    }

    fn add_committed(&mut self, item: &str, warehouse: &str, by: Decimal) -> Result<(), Problem> {
        let it = self.at(item, warehouse);
        it.committed = fits(it.committed.checked_add(by))?;
        Ok(())
    }

    /// What a document in a set does to stock, added up; `sign` is -1 to take it back.
    pub(super) fn add_document(&mut self, set: Book, document: &Document, sign: i32) -> Result<(), Problem> {
        let sign = Decimal::from(sign);
        for line in &document.lines {
            let Some(warehouse) = line.warehouse.as_deref() else { continue };
            let quantity = fits(line.quantity.checked_mul(sign))?;
            match set {
                Book::Orders if !document.closed => self.add_committed(&line.item, warehouse, line.open() * sign)?,
                Book::DeliveryNotes | Book::InventoryGenExits => self.add_on_hand(&line.item, warehouse, -quantity)?,
                Book::InventoryGenEntries => self.add_on_hand(&line.item, warehouse, quantity)?,
                Book::Orders | Book::Drafts => {}
            }
        }
        Ok(())
    }
}

impl State {
    /// The stock after moves; refused when a warehouse would hold less than nothing where it may not, or when an item
    /// would need batches or serial numbers. Items that are not counted have none.
    pub(super) fn stock_after(&self, moves: &Moves) -> Result<Vec<Stock>, Problem> {
        let mut after = Vec::new();
        for ((code, warehouse), by) in moves.0.iter().filter(|(_, by)| **by != Move::default()) {
            let Some(item) = self.items.get(code).filter(|it| it.is_inventory) else { continue };
            let unknown = || Problem::reference("warehouse", "OITW.WhsCode", warehouse);
            let mut stock = item.stock.get(warehouse).cloned().ok_or_else(unknown)?;
            if by.on_hand != Decimal::ZERO && (item.has_batches || item.has_serials) {
                return Err(Problem::rule(format!(
                    "Cannot add row without complete selection of batch/serial numbers [item: {code}]"
                )));
            }
            stock.on_hand = fits(stock.on_hand.checked_add(by.on_hand))?;
            stock.committed = fits(stock.committed.checked_add(by.committed))?;
            let is_short = by.on_hand.is_negative() && stock.on_hand.is_negative();
            if is_short && self.settings.negative_stock == NegativeStock::Refused {
                return Err(Problem::rule(format!("Quantity falls into negative inventory [item: {code}]")));
            }
            after.push(stock);
        }
        Ok(after)
    }

    /// Puts moved stock in place. The item's stamp stays as it is.
    pub(super) fn set_stock(&mut self, cause: Cause, after: Vec<Stock>) {
        for stock in after {
            let id = pair(&stock.item, &stock.warehouse);
            let was = self.items.get(&stock.item).and_then(|it| it.stock.get(&stock.warehouse)).cloned();
            let was = was.unwrap_or_default();
            if was.on_hand != stock.on_hand {
                self.record(cause, ("stock-level", &id), "on_hand", stock.on_hand.to_string());
            }
            if was.committed != stock.committed {
                let by_itself = Cause { actor: Actor::System, ..cause };
                self.record(by_itself, ("stock-level", &id), "committed", stock.committed.to_string());
            }
            if let Some(item) = self.items.get_mut(&stock.item) {
                item.stock.insert(stock.warehouse.clone(), stock);
            }
        }
    }

    /// An opening balance: stock without a document behind it.
    pub(in crate::sap_b1) fn open_stock(
        &mut self,
        cause: Cause,
        (item, warehouse): (&str, &str),
        on_hand: Decimal,
    ) -> Result<(), Problem> {
        let unknown = || Problem::reference("warehouse", "OITW.WhsCode", warehouse);
        let stock = self.items.get(item).and_then(|it| it.stock.get(warehouse)).cloned().ok_or_else(unknown)?;
        self.set_stock(cause, vec![Stock { on_hand, ..stock }]);
        Ok(())
    }
}
