//! Stock per item and location.

use truthsource_core::Decimal;

use super::{Cause, State};
use crate::journal::{Actor, Change};
use crate::netsuite::model::{Stock, StockKey};
use crate::netsuite::problem::Problem;

/// How a save moves the stock of one item at one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Move {
    pub on_hand: Decimal,
    pub ordered: Decimal,
}

impl State {
    /// The stock after a move; refused when a quantity would have too many digits.
    pub(super) fn moved(&self, key: StockKey, by: Move) -> Result<Stock, Problem> {
        let mut stock = self.stock.get(&key).copied().unwrap_or_default();
        let too_large = || Problem::user("The quantity is out of range.");
        stock.on_hand = stock.on_hand.checked_add(by.on_hand).ok_or_else(too_large)?;
        stock.ordered = stock.ordered.checked_add(by.ordered).ok_or_else(too_large)?;
        Ok(stock)
    }

    /// Puts moved stock in place.
    pub(super) fn set_stock(&mut self, cause: Cause, key: StockKey, mut stock: Stock) {
        let before = self.stock.get(&key).copied();
        let was = before.unwrap_or_default();
        let id = format!("{}:{}", key.item, key.location);
        if before.is_none() || was.on_hand != stock.on_hand {
            self.record(cause, ("stock-level", &id), "on_hand", stock.on_hand.to_string());
        }
        if was.committed() != stock.committed() {
            let change = Change {
                at: cause.now,
                actor: Actor::System,
                kind: "stock-level".to_owned(),
                id,
                field: "committed".to_owned(),
                value: stock.committed().to_string(),
            };
            self.changes.push(change);
        }
        let is_news = before.is_none() || was.available() != stock.available() || was.on_hand != stock.on_hand;
        stock.changed = if is_news { self.stamp(cause.now) } else { was.changed };
        self.stock.set(cause.now, key, Some(stock));
    }
}

impl State {
    /// An opening balance: stock without a transaction behind it.
    pub(in crate::netsuite) fn open_stock(&mut self, cause: Cause, key: StockKey, on_hand: Decimal) {
        let before = self.stock.get(&key).copied().unwrap_or_default();
        self.set_stock(cause, key, Stock { on_hand, ..before });
    }
}
