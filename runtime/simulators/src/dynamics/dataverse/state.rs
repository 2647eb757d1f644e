//! What an organisation holds, and how a save changes it.

use std::collections::VecDeque;

use truthsource_core::{Decimal, UnixMs};

use super::super::amounts;
use super::super::guid::Guid;
use super::super::table::{Cell, Index, Row, Table};
use super::super::token::Tokens;
use super::super::view::{difference, once};
use super::metadata::{self, ENTITIES, Entity, Set};
use super::problem::Problem;
use super::settings::Settings;
use super::view::Subject;
use crate::journal::{Actor, Change};

/// Who saves, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub now: UnixMs,
    pub actor: Actor,
}

/// A record that was deleted, for change tracking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deleted {
    pub set: Set,
    pub id: Guid,
    pub version: u64,
}

/// Everything behind the organisation's one lock.
#[derive(Clone)]
pub(super) struct State {
    pub settings: Settings,
    pub tokens: Tokens,
    /// The moments of the requests within the window.
    pub recent: VecDeque<UnixMs>,
    /// What the fault menu has of the size of pages.
    pub page_max: usize,
    pub deleted: Vec<Deleted>,
    /// The version of the last save.
    pub version: u64,
    tables: Vec<Table>,
    ids: u64,
    orders: u32,
    changes: Vec<Change>,
    undo: Vec<(Set, Guid, Option<Row>)>,
}

fn filled(text: &str) -> Option<String> {
    Some(text.to_lowercase()).filter(|it| !it.is_empty())
}

fn index(entity: &Entity) -> Index {
    let key: fn(&Row) -> Option<String> = match entity.set {
        Set::Products => |it| filled(it.text("productnumber")),
        Set::PriceLevels => |it| filled(it.text("name")),
        Set::Accounts => |it| filled(it.text("accountnumber")),
        Set::Orders => |it| filled(it.text("ordernumber")),
        Set::Currencies => |it| filled(it.text("isocurrencycode")),
        Set::Warehouses => |it| filled(it.text("msdyn_name")),
        Set::ProductPrices => |it| Some(pair(it, "_pricelevelid_value", "_productid_value")),
        Set::Inventories => |it| Some(pair(it, "_msdyn_product_value", "_msdyn_warehouse_value")),
        Set::OrderDetails | Set::Contacts => |_| None,
    };
    let owner: fn(&Row) -> Option<Guid> = match entity.set {
        Set::OrderDetails => |it| Some(it.reference("_salesorderid_value")),
        Set::ProductPrices => |it| Some(it.reference("_pricelevelid_value")),
        _ => |_| None,
    };
    Index { key, owner }
}

fn pair(row: &Row, first: &str, second: &str) -> String {
    format!("{}:{}", row.reference(first), row.reference(second))
}

impl State {
    /// An organisation without data but for its base currency and default price level.
    pub(super) fn new(settings: Settings) -> Self {
        let mut state = Self {
            tokens: Tokens::default(),
            recent: VecDeque::new(),
            page_max: 0,
            deleted: Vec::new(),
            version: 900_000,
            tables: ENTITIES.iter().map(|it| Table::new(index(it))).collect(),
            ids: 0,
            orders: 1_000,
            changes: Vec::new(),
            undo: Vec::new(),
            settings,
        };
        let start = Cause { now: UnixMs(0), actor: Actor::System };
        let mut currency = Row::new(state.new_id());
        currency.set_text("isocurrencycode", state.settings.base_currency.clone());
        let mut level = Row::new(state.new_id());
        level.set_text("name", state.settings.default_price_level.clone());
        level.set("_transactioncurrencyid_value", Cell::Id(currency.id));
        state.put(start, Set::Currencies, currency);
        state.put(start, Set::PriceLevels, level);
        state.undo.clear();
        state
    }

    pub(super) fn table(&self, set: Set) -> &Table {
        &self.tables[set as usize]
    }

    pub(super) fn row(&self, set: Set, id: Guid) -> Option<&Row> {
        self.table(set).get(id)
    }

    pub(super) fn by_key(&self, set: Set, key: &str) -> Option<&Row> {
        self.table(set).by_key(&key.to_lowercase())
    }

    /// The price of a product at a level.
    pub(super) fn price(&self, level: Guid, product: Guid) -> Option<&Row> {
        self.table(Set::ProductPrices).by_key(&format!("{level}:{product}"))
    }

    /// The stock of a product in a warehouse.
    pub(super) fn inventory(&self, product: Guid, warehouse: Guid) -> Option<&Row> {
        self.table(Set::Inventories).by_key(&format!("{product}:{warehouse}"))
    }

    pub(super) fn new_id(&mut self) -> Guid {
        self.ids += 1;
        Guid::sequential(self.ids)
    }

    fn put(&mut self, cause: Cause, set: Set, mut row: Row) {
        let before = self.row(set, row.id).cloned();
        self.version += 1;
        row.version = self.version;
        // Whole seconds are all that is kept.
        let second = UnixMs(cause.now.0 / 1_000 * 1_000);
        (row.created, row.modified) = (before.as_ref().map_or(second, |it| it.created), second);
        self.undo.push((set, row.id, before));
        self.tables[set as usize].set(cause.now, row.id, Some(row));
    }

    fn remove(&mut self, cause: Cause, set: Set, id: Guid) {
        let before = self.row(set, id).cloned();
        self.version += 1;
        self.deleted.push(Deleted { set, id, version: self.version });
        self.undo.push((set, id, before));
        self.tables[set as usize].set(cause.now, id, None);
    }

    /// All of `work` or nothing.
    pub(super) fn atomically<T, E>(
        &mut self,
        now: UnixMs,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (undo, changes, deleted) = (self.undo.len(), self.changes.len(), self.deleted.len());
        let outcome = work(self);
        if outcome.is_err() {
            for (set, id, before) in self.undo.split_off(undo).into_iter().rev() {
                self.tables[set as usize].set(now, id, before);
            }
            self.changes.truncate(changes);
            self.deleted.truncate(deleted);
        }
        outcome
    }

    /// The same, and what changed more than once meanwhile has changed once: nobody saw it in between.
    pub(super) fn as_one<T, E>(&mut self, now: UnixMs, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let from = self.changes.len();
        let outcome = self.atomically(now, work);
        let made = self.changes.split_off(from);
        self.changes.extend(once(made));
        outcome
    }

    fn journaled<T>(&mut self, cause: Cause, subjects: &[Subject], work: impl FnOnce(&mut Self) -> T) -> T {
        let before: Vec<_> = subjects.iter().map(|it| self.view(*it)).collect();
        let outcome = work(self);
        for (subject, before) in subjects.iter().zip(before) {
            let after = self.view(*subject);
            self.changes.extend(difference((cause.now, cause.actor), subject.kind(), before, after));
        }
        outcome
    }

    /// Saves a record as somebody wants it: complete, unique, and with what follows from it.
    pub(super) fn save(&mut self, cause: Cause, set: Set, mut row: Row) -> Result<Guid, Problem> {
        let entity = metadata::of(set);
        let is_new = self.row(set, row.id).is_none();
        self.complete(set, &mut row, is_new)?;
        for name in entity.required {
            let is_empty = match row.cell(name) {
                None | Some(Cell::Null) => true,
                Some(Cell::Text(text)) => text.is_empty(),
                Some(_) => false,
            };
            if is_empty {
                let message = format!("You must provide a value for {name} of {}.", entity.name);
                return Err(Problem::new(400, "0x80040203", message));
            }
        }
        let key = (index(entity).key)(&row);
        let other = key.and_then(|it| self.table(set).by_key(&it)).filter(|it| it.id != row.id);
        if other.is_some() {
            return Err(Problem::duplicate());
        }
        let (id, before) = (row.id, self.row(set, row.id).cloned());
        let mut subjects = self.subjects(set, &row);
        subjects.extend(before.iter().flat_map(|it| self.subjects(set, it)));
        subjects.sort_unstable();
        subjects.dedup();
        // What is charged for the whole stands in the head.
        let order = match set {
            Set::OrderDetails => Some(row.reference("_salesorderid_value")),
            Set::Orders => Some(id),
            _ => None,
        };
        self.journaled(cause, &subjects, |state| {
            state.put(cause, set, row);
            order.map_or(Ok(()), |order| state.total(cause, order))
        })?;
        Ok(id)
    }

    /// What a record gets that nobody gave it.
    fn complete(&mut self, set: Set, row: &mut Row, is_new: bool) -> Result<(), Problem> {
        let zero = || Cell::Number(Decimal::ZERO);
        if set == Set::Contacts {
            let name = [row.text("firstname"), row.text("lastname")].join(" ").trim().to_owned();
            row.set_text("fullname", name);
            if row.cell("statecode").is_none() {
                row.set("statecode", zero());
            }
        }
        if is_new {
            let (state, status) = match set {
                Set::Products | Set::PriceLevels => (0, 1),
                Set::Orders | Set::Accounts => (0, 1),
                _ => return self.complete_amounts(set, row),
            };
            for (column, value) in [("statecode", state), ("statuscode", status)] {
                if row.cell(column).is_none() {
                    row.set(column, Cell::Number(Decimal::from(value)));
                }
            }
            let has_currency = !row.reference("_transactioncurrencyid_value").is_zero();
            let base = self.by_key(Set::Currencies, &self.settings.base_currency).map(|it| it.id);
            if let (false, Some(base)) = (has_currency, base) {
                row.set("_transactioncurrencyid_value", Cell::Id(base));
            }
            if set == Set::Orders {
                if row.text("ordernumber").is_empty() {
                    self.orders += 1;
                    row.set_text("ordernumber", format!("ORD-0{}", self.orders));
                }
                ["totallineitemamount", "totaltax", "totalamount"].into_iter().for_each(|it| row.set(it, zero()));
            }
        }
        self.complete_amounts(set, row)
    }

    fn complete_amounts(&self, set: Set, row: &mut Row) -> Result<(), Problem> {
        if set != Set::OrderDetails {
            return Ok(());
        }
        let order = self.row(Set::Orders, row.reference("_salesorderid_value"));
        if !row.flag("ispriceoverridden") {
            let level = order.map_or(Guid::ZERO, |it| it.reference("_pricelevelid_value"));
            let listed = self.price(level, row.reference("_productid_value")).map(|it| it.number("amount"));
            if let Some(price) = listed {
                row.set("priceperunit", Cell::Number(price));
            }
        }
        let amount = amounts::line_amount(row.number("quantity"), row.number("priceperunit"));
        let net = amount.and_then(|it| it.checked_sub(row.number("manualdiscountamount")));
        let (Some(amount), Some(net)) = (amount, net) else {
            return Err(Problem::new(400, "0x80044a02", "The amount is out of range."));
        };
        row.set("baseamount", Cell::Number(amount));
        row.set("extendedamount", Cell::Number(net));
        Ok(())
    }

    /// Adds an order up.
    fn total(&mut self, cause: Cause, order: Guid) -> Result<(), Problem> {
        let Some(mut head) = self.row(Set::Orders, order).cloned() else {
            return Err(Problem::no_record("salesorder", order));
        };
        let lines = self.table(Set::OrderDetails).owned_by(order).map(|it| it.number("extendedamount"));
        let of_lines = lines.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add);
        let total = of_lines.and_then(|it| it.checked_add(head.number("freightamount")));
        let total = total.and_then(|it| it.checked_sub(head.number("discountamount")));
        let (Some(of_lines), Some(total)) = (of_lines, total) else {
            return Err(Problem::new(400, "0x80044a02", "The amount is out of range."));
        };
        if head.number("totalamount") != total {
            head.set("totallineitemamount", Cell::Number(of_lines));
            head.set("totalamount", Cell::Number(total));
            self.put(cause, Set::Orders, head);
        }
        Ok(())
    }

    /// Deletes a record, with what belongs to it. One that an order or a price refers to stays.
    pub(super) fn delete(&mut self, cause: Cause, set: Set, id: Guid) -> Result<(), Problem> {
        let row = self.row(set, id).cloned().ok_or_else(|| Problem::no_record(metadata::of(set).name, id))?;
        let refers = |other: Set, column: &str| self.table(other).rows().any(|it| it.reference(column) == id);
        let is_used = match set {
            Set::Products => refers(Set::OrderDetails, "_productid_value"),
            Set::Accounts => refers(Set::Orders, "_customerid_value"),
            Set::Warehouses => refers(Set::Inventories, "_msdyn_warehouse_value"),
            Set::Currencies => refers(Set::PriceLevels, "_transactioncurrencyid_value"),
            _ => false,
        };
        if is_used {
            let message = "The object you tried to delete is associated with another object and cannot be deleted.";
            return Err(Problem::new(400, "0x80040227", message));
        }
        let of = |other: Set, column: &str| -> Vec<(Set, Guid)> {
            let rows = self.table(other).rows().filter(|it| it.reference(column) == id);
            rows.map(|it| (other, it.id)).collect()
        };
        let parts = match set {
            Set::Products => {
                [of(Set::ProductPrices, "_productid_value"), of(Set::Inventories, "_msdyn_product_value")].concat()
            }
            Set::PriceLevels => of(Set::ProductPrices, "_pricelevelid_value"),
            Set::Orders => of(Set::OrderDetails, "_salesorderid_value"),
            _ => Vec::new(),
        };
        let mut subjects = self.subjects(set, &row);
        for (set, id) in &parts {
            subjects.extend(self.row(*set, *id).into_iter().flat_map(|it| self.subjects(*set, it)));
        }
        subjects.sort_unstable();
        subjects.dedup();
        self.journaled(cause, &subjects, |state| {
            parts.into_iter().for_each(|(set, id)| state.remove(cause, set, id));
            state.remove(cause, set, id);
            if set == Set::OrderDetails { state.total(cause, row.reference("_salesorderid_value")) } else { Ok(()) }
        })
    }

    /// What was done stays.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
    }

    /// Changes since the last call, for the journal.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
}
