//! What a person does in the organisation's own apps, for code in the same process.
//!
//! Products, accounts and orders are named by number or id, warehouses and price levels by name; the price level
//! `base` is the default one.

use truthsource_core::{Decimal, UnixMs};

use super::super::edits::{CustomerEdit, ItemEdit, NewOrder, PriceEdit, Refused};
use super::super::guid::Guid;
use super::super::table::{Cell, Row};
use super::Dataverse;
use super::metadata::Set;
use super::problem::Problem;
use super::seed::{Seed, SeedAccount, SeedProduct};
use super::settings::Settings;
use super::state::{Cause, State};
use crate::journal::Actor;

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem.message)
    }
}

fn by_hand(now: UnixMs) -> Cause {
    Cause { now, actor: Actor::Human }
}

impl State {
    /// The row that a number, a name or an id names.
    pub(super) fn named(&self, set: Set, name: &str) -> Result<&Row, Refused> {
        let name = if (set, name) == (Set::PriceLevels, "base") { &self.settings.default_price_level } else { name };
        let by_id = name.parse().ok().and_then(|it: Guid| self.row(set, it));
        let found = by_id.or_else(|| self.by_key(set, name));
        found.ok_or_else(|| Refused(format!("there is no such record: {name}")))
    }
}

fn give(row: &mut Row, column: &'static str, text: Option<String>) {
    if let Some(text) = text {
        row.set(column, Cell::Text(text));
    }
}

fn number(value: u32) -> Cell {
    Cell::Number(Decimal::from(value))
}

/// Edits.
impl Dataverse {
    fn edit<T>(&self, now: UnixMs, work: impl FnOnce(&mut State) -> Result<T, Refused>) -> Result<T, Refused> {
        self.with(|state| state.atomically(now, work))
    }

    /// Puts data in at once, as an import does.
    ///
    /// # Errors
    /// At the first entry that is not unique or refers to nothing; nothing is changed then.
    pub fn seed(&self, now: UnixMs, seed: Seed) -> Result<(), Refused> {
        self.edit(now, |state| Ok(state.seed(by_hand(now), seed)?))
    }

    /// Corrects what there is of a product in a warehouse.
    ///
    /// # Errors
    /// When either does not exist, or there is no stock here.
    pub fn set_stock(&self, now: UnixMs, (item, location): (&str, &str), on_hand: Decimal) -> Result<(), Refused> {
        self.edit(now, |state| {
            if !state.settings.inventory {
                return Err(Refused("no tables of stock are installed".to_owned()));
            }
            let place = (state.named(Set::Products, item)?.id, state.named(Set::Warehouses, location)?.id);
            Ok(state.set_quantity(by_hand(now), place, on_hand)?)
        })
    }

    /// Makes a product. Gives back its id.
    ///
    /// # Errors
    /// When its number is taken.
    pub fn add_item(&self, now: UnixMs, item: SeedProduct) -> Result<Guid, Refused> {
        self.edit(now, |state| Ok(state.seed_product(by_hand(now), item)?))
    }

    /// Changes a product. It has no barcode.
    ///
    /// # Errors
    /// When it does not exist, its new number is taken, or a barcode is given.
    pub fn set_item(&self, now: UnixMs, item: &str, change: ItemEdit) -> Result<(), Refused> {
        self.edit(now, |state| {
            if change.barcode.is_some() {
                return Err(Refused("a product has no barcode".to_owned()));
            }
            let mut row = state.named(Set::Products, item)?.clone();
            give(&mut row, "productnumber", change.code);
            give(&mut row, "name", change.title);
            if let Some(active) = change.active {
                row.set("statecode", number(u32::from(!active)));
            }
            state.save(by_hand(now), Set::Products, row)?;
            Ok(())
        })
    }

    /// Deletes a product with its prices and stock.
    ///
    /// # Errors
    /// When it does not exist or an order names it.
    pub fn delete_item(&self, now: UnixMs, item: &str) -> Result<(), Refused> {
        self.remove(now, Set::Products, item)
    }

    /// Replaces the amount of a product at a price level.
    ///
    /// # Errors
    /// When either does not exist, or breaks are given, which need discount lists.
    pub fn set_price(&self, now: UnixMs, (list, item): (&str, &str), price: PriceEdit) -> Result<(), Refused> {
        self.edit(now, |state| {
            if !price.breaks.is_empty() {
                return Err(Refused("a price level has no breaks".to_owned()));
            }
            let place = (state.named(Set::PriceLevels, list)?.id, state.named(Set::Products, item)?.id);
            Ok(state.set_amount(by_hand(now), place, price.amount)?)
        })
    }

    /// Makes an account. Gives back its id.
    ///
    /// # Errors
    /// When its number is taken.
    pub fn add_customer(&self, now: UnixMs, customer: SeedAccount) -> Result<Guid, Refused> {
        self.edit(now, |state| Ok(state.seed_account(by_hand(now), customer)?))
    }

    /// Changes an account.
    ///
    /// # Errors
    /// When it or its new currency does not exist, or its new number is taken.
    pub fn set_customer(&self, now: UnixMs, customer: &str, change: CustomerEdit) -> Result<(), Refused> {
        self.edit(now, |state| {
            let mut row = state.named(Set::Accounts, customer)?.clone();
            give(&mut row, "accountnumber", change.code);
            give(&mut row, "name", change.name);
            give(&mut row, "emailaddress1", change.email);
            if let Some(code) = change.currency {
                let currency = state.named(Set::Currencies, &code)?.id;
                row.set("_transactioncurrencyid_value", Cell::Id(currency));
            }
            if let Some(active) = change.active {
                row.set("statecode", number(u32::from(!active)));
            }
            state.save(by_hand(now), Set::Accounts, row)?;
            Ok(())
        })
    }

    /// Deletes an account.
    ///
    /// # Errors
    /// When it does not exist or has orders.
    pub fn delete_customer(&self, now: UnixMs, customer: &str) -> Result<(), Refused> {
        self.remove(now, Set::Accounts, customer)
    }

    /// Takes an order: its name is the customer's reference. Gives back its id.
    ///
    /// # Errors
    /// When it names what does not exist.
    pub fn place_order(&self, now: UnixMs, order: NewOrder) -> Result<Guid, Refused> {
        self.edit(now, |state| {
            let cause = by_hand(now);
            let account = state.named(Set::Accounts, &order.customer)?.clone();
            let level = state.named(Set::PriceLevels, "base")?.id;
            let mut row = Row::new(state.new_id());
            row.set("_customerid_value", Cell::Id(account.id));
            row.set("_pricelevelid_value", Cell::Id(level));
            let currency = account.reference("_transactioncurrencyid_value");
            row.set("_transactioncurrencyid_value", Cell::Id(currency));
            row.set("name", Cell::Text(order.po_number));
            let id = state.save(cause, Set::Orders, row)?;
            for line in order.lines {
                let mut row = Row::new(state.new_id());
                row.set("_salesorderid_value", Cell::Id(id));
                row.set("_productid_value", Cell::Id(state.named(Set::Products, &line.item)?.id));
                row.set("quantity", Cell::Number(line.quantity));
                if let Some(price) = line.unit_price {
                    row.set("priceperunit", Cell::Number(price));
                    row.set("ispriceoverridden", Cell::Flag(true));
                }
                state.save(cause, Set::OrderDetails, row)?;
            }
            Ok(id)
        })
    }

    /// Ships goods of an order from a warehouse, if one is named: so many of each product, or all that is open.
    ///
    /// # Errors
    /// When it does not exist or so much is not open.
    pub fn ship_order(
        &self,
        now: UnixMs,
        (order, location): (&str, Option<&str>),
        quantities: Option<&[(String, Decimal)]>,
    ) -> Result<(), Refused> {
        self.edit(now, |state| {
            let cause = by_hand(now);
            let mut head = state.named(Set::Orders, order)?.clone();
            let warehouse = location.map(|it| state.named(Set::Warehouses, it).map(|it| it.id)).transpose()?;
            let lines: Vec<Row> = state.table(Set::OrderDetails).owned_by(head.id).cloned().collect();
            let (mut is_moved, mut is_complete) = (false, true);
            for mut line in lines {
                let product = line.reference("_productid_value");
                let open = line.number("quantity") - line.number("quantityshipped");
                let mut wanted = open;
                if let Some(named) = quantities {
                    wanted = Decimal::ZERO;
                    for (item, quantity) in named {
                        if state.named(Set::Products, item)?.id == product {
                            wanted = *quantity;
                        }
                    }
                }
                if wanted.is_negative() || wanted > open {
                    return Err(Refused(format!("only {open} are open")));
                }
                is_complete &= wanted == open;
                if wanted == Decimal::ZERO {
                    continue;
                }
                is_moved = true;
                line.set("quantityshipped", Cell::Number(line.number("quantityshipped") + wanted));
                state.save(cause, Set::OrderDetails, line)?;
                if let Some(warehouse) = warehouse.filter(|_| state.settings.inventory) {
                    let there =
                        state.inventory(product, warehouse).map_or(Decimal::ZERO, |it| it.number("msdyn_qtyonhand"));
                    state.set_quantity(cause, (product, warehouse), there - wanted)?;
                }
            }
            if !is_moved {
                return Err(Refused("nothing is open".to_owned()));
            }
            let (code, status) = if is_complete { (3, 100_001) } else { (0, 100_002) };
            head.set("statecode", number(code));
            head.set("statuscode", number(status));
            state.save(cause, Set::Orders, head)?;
            Ok(())
        })
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn cancel_order(&self, now: UnixMs, order: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let mut row = state.named(Set::Orders, order)?.clone();
            row.set("statecode", number(2));
            row.set("statuscode", number(4));
            state.save(by_hand(now), Set::Orders, row)?;
            Ok(())
        })
    }

    /// Deletes an order with its lines.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn delete_order(&self, now: UnixMs, order: &str) -> Result<(), Refused> {
        self.remove(now, Set::Orders, order)
    }

    fn remove(&self, now: UnixMs, set: Set, name: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(set, name)?.id;
            Ok(state.delete(by_hand(now), set, id)?)
        })
    }

    /// Ends every token that was given out.
    pub fn revoke_tokens(&self) {
        self.with(|state| state.tokens.revoke());
    }

    /// Takes on another set-up; data stays.
    pub fn set_settings(&self, settings: Settings) {
        self.with(|state| state.settings = settings);
    }
}
