//! Counts, postings and transfers.

use truthsource_core::Decimal;

use super::stock::Moves;
use super::{Cause, State, fits};
use crate::sap_b1::model::{Counting, Posting, Transfer};
use crate::sap_b1::problem::Problem;

impl State {
    /// Saves a count, new or not. It notes what the books say and changes nothing.
    pub(in crate::sap_b1) fn save_counting(&mut self, mut counting: Counting) -> Result<i64, Problem> {
        if self.countings.get(&counting.entry).is_some_and(|it| it.closed) {
            return Err(Problem::rule("Document is already closed"));
        }
        for (at, line) in counting.lines.iter_mut().enumerate() {
            line.booked = self.on_hand(&line.item, &line.warehouse, at + 1)?;
        }
        if counting.entry == 0 {
            counting.entry = self.next_entry("InventoryCountings");
        }
        let entry = counting.entry;
        self.countings.insert(entry, counting);
        Ok(entry)
    }

    /// Books a posting: every line's stock becomes what was counted. Counts that it names are closed.
    pub(in crate::sap_b1) fn add_posting(&mut self, cause: Cause, mut posting: Posting) -> Result<i64, Problem> {
        if posting.lines.is_empty() {
            return Err(Problem::new(400, -5002, "Cannot add document without lines [InventoryPostingLines]"));
        }
        let mut moves = Moves::default();
        for (at, line) in posting.lines.iter_mut().enumerate() {
            if let (Some(entry), Some(number)) = (line.base_entry, line.base_line) {
                let counting = self.countings.get(&entry).filter(|it| !it.closed);
                let base = counting.and_then(|it| it.lines.iter().find(|it| it.number == number));
                let base = base.ok_or_else(|| Problem::rule("The count does not exist or is closed"))?;
                line.item.clone_from(&base.item);
                line.warehouse = Some(base.warehouse.clone());
                line.counted = line.counted.or_else(|| base.is_counted.then_some(base.counted));
            }
            let warehouse = line.warehouse.get_or_insert_with(|| self.settings.default_warehouse.clone());
            line.booked = self.on_hand(&line.item, warehouse, at + 1)?;
            let counted = line.counted.unwrap_or(line.booked);
            if counted.is_negative() {
                return Err(Problem::rule("Enter a valid quantity [InventoryPostingLines.CountedQuantity]"));
            }
            moves.add_on_hand(&line.item, warehouse, fits(counted.checked_sub(line.booked))?)?;
        }
        let stock = self.stock_after(&moves)?;
        self.set_stock(cause, stock);
        for entry in posting.lines.iter().filter_map(|it| it.base_entry) {
            if let Some(counting) = self.countings.get_mut(&entry) {
                counting.closed = true;
                counting.lines.iter_mut().for_each(|it| it.closed = true);
            }
        }
        posting.entry = self.next_entry("InventoryPostings");
        let entry = posting.entry;
        self.tell(cause.now, ("InventoryPostings", "Created"), ("DocumentEntry", &entry.to_string()));
        self.postings.insert(entry, posting);
        Ok(entry)
    }

    /// Moves stock from one warehouse to another.
    pub(in crate::sap_b1) fn add_transfer(&mut self, cause: Cause, mut transfer: Transfer) -> Result<i64, Problem> {
        if transfer.lines.is_empty() {
            return Err(Problem::new(400, -5002, "Cannot add document without lines [StockTransferLines]"));
        }
        let mut moves = Moves::default();
        for (at, line) in transfer.lines.iter_mut().enumerate() {
            line.from = line.from.take().or_else(|| transfer.from.clone());
            line.to = line.to.take().or_else(|| transfer.to.clone());
            let (from, to) = (line.from.clone().unwrap_or_default(), line.to.clone().unwrap_or_default());
            self.on_hand(&line.item, &from, at + 1)?;
            self.on_hand(&line.item, &to, at + 1)?;
            if line.quantity <= Decimal::ZERO || from == to {
                return Err(Problem::rule(format!("Enter a valid quantity and two warehouses [line: {}]", at + 1)));
            }
            moves.add_on_hand(&line.item, &from, -line.quantity)?;
            moves.add_on_hand(&line.item, &to, line.quantity)?;
        }
        let stock = self.stock_after(&moves)?;
        self.set_stock(cause, stock);
        transfer.entry = self.next_entry("StockTransfers");
        let entry = transfer.entry;
        self.tell(cause.now, ("StockTransfers", "Created"), ("DocEntry", &entry.to_string()));
        self.transfers.insert(entry, transfer);
        Ok(entry)
    }

    /// What the books say of an item that is counted.
    fn on_hand(&self, item: &str, warehouse: &str, row: usize) -> Result<Decimal, Problem> {
        let unknown = |what: &str, it: &str| Problem::reference(what, &format!("line: {row}"), it);
        let found = self.items.get(item).filter(|it| it.is_inventory).ok_or_else(|| unknown("item number", item))?;
        let stock = found.stock.get(warehouse).ok_or_else(|| unknown("warehouse", warehouse))?;
        Ok(stock.on_hand)
    }
}
