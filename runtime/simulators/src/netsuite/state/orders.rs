//! Saving and deleting transactions, and what that does to stock.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use truthsource_core::Decimal;

use super::stock::Move;
use super::{Cause, Family, State};
use crate::netsuite::model::{Item, ItemType, Line, Stock, StockKey, Transaction, TransactionType};
use crate::netsuite::problem::Problem;
use crate::netsuite::script::Event;

impl State {
    /// Saves a transaction, new or not: the stock effect it had before is replaced by the one it has now. Its
    /// `created` and `modified`, its number and its lines' numbers, keys and stamps are set here.
    pub(in crate::netsuite) fn save_transaction(&mut self, cause: Cause, mut new: Transaction) -> Result<(), Problem> {
        let before = self.transactions.get(&new.id).cloned();
        let stocks = self.stock_after(before.as_ref(), Some(&new))?;
        let old_external = before.as_ref().and_then(|it| it.external_id.as_deref());
        self.claim_external_id(Family::Transaction, new.id, old_external, new.external_id.as_deref())?;
        self.complete(cause, before.as_ref(), &mut new);
        let items = stocks.keys().map(|it| it.item).collect();
        for (key, stock) in stocks {
            self.set_stock(cause, key, stock);
        }
        if new.ty == TransactionType::SalesOrd {
            self.journal_order(cause, before.as_ref(), &new);
        }
        let event = if before.is_some() { "edit" } else { "create" };
        self.tell(cause.now, Event { record_type: new.ty.rest_name(), id: new.id, event, items });
        self.transactions.set(cause.now, new.id, Some(new));
        Ok(())
    }

    /// Deletes a transaction and takes its stock effect back.
    pub(in crate::netsuite) fn delete_transaction(&mut self, cause: Cause, id: u64) -> Result<(), Problem> {
        let Some(old) = self.transactions.get(&id).cloned() else { return Err(Problem::nonexistent("")) };
        if self.transactions.rows().values().any(|it| it.created_from == Some(id)) {
            return Err(Problem::user("This record cannot be deleted because it has dependent records."));
        }
        let stocks = self.stock_after(Some(&old), None)?;
        for (key, stock) in stocks {
            self.set_stock(cause, key, stock);
        }
        self.claim_external_id(Family::Transaction, id, old.external_id.as_deref(), None)?;
        self.transactions.set(cause.now, id, None);
        if old.ty == TransactionType::SalesOrd {
            self.record(cause, ("order", &id.to_string()), "deleted", "");
        }
        self.bury(cause, (old.ty.rest_name(), id), old.ty.title(), old.number);
        Ok(())
    }

    /// The stock of every item and location whose effect differs between two versions of a transaction.
    fn stock_after(
        &self,
        old: Option<&Transaction>,
        new: Option<&Transaction>,
    ) -> Result<BTreeMap<StockKey, Stock>, Problem> {
        let (old, mut moves) = (self.effect(old), self.effect(new));
        for (key, was) in old {
            let by = moves.entry(key).or_default();
            by.on_hand = by.on_hand - was.on_hand;
            by.ordered = by.ordered - was.ordered;
        }
        let moves = moves.into_iter().filter(|(_, by)| *by != Move::default());
        moves.map(|(key, by)| Ok((key, self.moved(key, by)?))).collect()
    }

    /// What a transaction does to stock.
    fn effect(&self, transaction: Option<&Transaction>) -> BTreeMap<StockKey, Move> {
        let mut moves: BTreeMap<StockKey, Move> = BTreeMap::new();
        let Some(transaction) = transaction else { return moves };
        for line in &transaction.lines {
            let is_counted = self.items.get(&line.item).is_some_and(has_stock);
            let (true, Some(location)) = (is_counted, transaction.location_of(line)) else { continue };
            let by = moves.entry(StockKey { item: line.item, location }).or_default();
            match transaction.ty {
                TransactionType::InvAdjst => by.on_hand = by.on_hand + line.quantity,
                TransactionType::ItemShip => by.on_hand = by.on_hand - line.quantity,
                TransactionType::SalesOrd if transaction.status.is_some_and(|it| it.commits()) => {
                    by.ordered = by.ordered + (line.quantity - line.fulfilled).max(Decimal::ZERO);
                }
                TransactionType::SalesOrd => {}
            }
        }
        moves
    }

    /// Fills in what the system itself gives a transaction.
    fn complete(&mut self, cause: Cause, before: Option<&Transaction>, new: &mut Transaction) {
        new.modified = self.stamp(cause.now);
        new.created = before.map_or(new.modified, |it| it.created);
        if new.main_key == 0 {
            new.main_key = self.next_line_key();
        }
        if new.number.is_empty() {
            let prefix = match new.ty {
                TransactionType::SalesOrd => "SO",
                TransactionType::InvAdjst => "IA",
                TransactionType::ItemShip => "IF",
            };
            new.number = format!("{prefix}{}", new.id);
        }
        let mut last = new.lines.iter().map(|it| it.number).max().unwrap_or(0);
        for line in &mut new.lines {
            if line.number == 0 {
                last += 1;
                line.number = last;
            }
            if line.key == 0 {
                line.key = self.next_line_key();
            }
            let was = before.and_then(|it| it.lines.iter().find(|it| it.key == line.key));
            let is_same = was.is_some_and(|was| Line { modified: was.modified, ..line.clone() } == *was);
            line.modified = was.filter(|_| is_same).map_or(new.modified, |it| it.modified);
        }
    }

    fn journal_order(&mut self, cause: Cause, before: Option<&Transaction>, order: &Transaction) {
        let id = order.id.to_string();
        if before.is_none() {
            self.record(cause, ("order", &id), "created", order.external_id.clone().unwrap_or_default());
        }
        let currencies = self.settings.currencies.clone();
        // What is charged beside the goods is none of them.
        let charges: BTreeSet<u64> =
            self.items.rows().values().filter(|it| it.ty == ItemType::OthCharge).map(|it| it.id).collect();
        let fields = |it: &Transaction| {
            let currency = crate::netsuite::settings::name_of(&currencies, it.currency).unwrap_or_default();
            [
                ("number", it.number.clone()),
                ("company", it.entity.map(|it| it.to_string()).unwrap_or_default()),
                ("po_number", it.po_number.clone().unwrap_or_default()),
                ("currency", currency.to_owned()),
                ("status", it.status.map(|it| it.canonical().to_owned()).unwrap_or_default()),
                ("total", it.total().to_string()),
                ("lines", lines_text(&it.lines, &charges)),
            ]
        };
        let was = before.map(fields);
        for (at, (field, value)) in fields(order).into_iter().enumerate() {
            if was.as_ref().is_none_or(|it| it[at].1 != value) {
                self.record(cause, ("order", &id), field, value);
            }
        }
    }
}

/// An item that is counted.
pub(in crate::netsuite) fn has_stock(item: &Item) -> bool {
    matches!(item.ty, ItemType::InvtPart | ItemType::Assembly)
}

fn lines_text(lines: &[Line], charges: &BTreeSet<u64>) -> String {
    let row = |it: &Line| json!({ "item": it.item.to_string(), "quantity": it.quantity, "unit_price": it.rate });
    let goods = lines.iter().filter(|it| !charges.contains(&it.item));
    serde_json::Value::Array(goods.map(row).collect()).to_string()
}
