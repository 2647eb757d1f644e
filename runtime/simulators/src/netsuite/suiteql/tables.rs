//! The tables that a query can name.

use jiff::tz::TimeZone;
use truthsource_core::{Decimal, UnixMs};

use super::cell::Cell;
use super::columns;
use crate::netsuite::model::{
    Customer, Deleted, Item, ItemType, Line, Location, PriceKey, Stock, StockKey, Transaction,
};
use crate::netsuite::settings::{Named, Settings};
use crate::netsuite::state::State;

/// What every expression may look at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub state: &'a State,
    pub now: UnixMs,
}

impl<'a> Scene<'a> {
    pub(super) fn zone(&self) -> &'a TimeZone {
        &self.state.zone
    }

    pub(super) fn settings(&self) -> &'a Settings {
        &self.state.settings
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Dual,
    Item,
    AggregateItemLocation,
    InventoryItemLocations,
    Pricing,
    PriceLevel,
    Customer,
    Transaction,
    TransactionLine,
    Location,
    Subsidiary,
    Currency,
    DeletedRecord,
}

/// A row of some table. `Absent` stands for the missing side of an outer join.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Absent,
    Item(&'a Item),
    Stock(&'a StockKey, &'a Stock),
    Price(&'a PriceKey, &'a Decimal),
    Named(&'a Named),
    Customer(&'a Customer),
    Transaction(&'a Transaction),
    /// `None` is the main line.
    Line(&'a Transaction, Option<&'a Line>),
    Location(&'a Location),
    Deleted(&'a Deleted),
}

/// How a column is read from a row of its table.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    Item(for<'a> fn(Scene<'a>, &'a Item) -> Cell<'a>),
    Stock(for<'a> fn(Scene<'a>, &'a StockKey, &'a Stock) -> Cell<'a>),
    Price(for<'a> fn(Scene<'a>, &'a PriceKey, &'a Decimal) -> Cell<'a>),
    Named(for<'a> fn(Scene<'a>, &'a Named) -> Cell<'a>),
    Customer(for<'a> fn(Scene<'a>, &'a Customer) -> Cell<'a>),
    Transaction(for<'a> fn(Scene<'a>, &'a Transaction) -> Cell<'a>),
    Line(for<'a> fn(Scene<'a>, &'a Transaction, Option<&'a Line>) -> Cell<'a>),
    Location(for<'a> fn(Scene<'a>, &'a Location) -> Cell<'a>),
    Deleted(for<'a> fn(Scene<'a>, &'a Deleted) -> Cell<'a>),
}

impl Reader {
    pub(super) fn read<'a>(self, scene: Scene<'a>, row: Row<'a>) -> Cell<'a> {
        match (self, row) {
            (Self::Item(read), Row::Item(it)) => read(scene, it),
            (Self::Stock(read), Row::Stock(key, it)) => read(scene, key, it),
            (Self::Price(read), Row::Price(key, it)) => read(scene, key, it),
            (Self::Named(read), Row::Named(it)) => read(scene, it),
            (Self::Customer(read), Row::Customer(it)) => read(scene, it),
            (Self::Transaction(read), Row::Transaction(it)) => read(scene, it),
            (Self::Line(read), Row::Line(transaction, line)) => read(scene, transaction, line),
            (Self::Location(read), Row::Location(it)) => read(scene, it),
            (Self::Deleted(read), Row::Deleted(it)) => read(scene, it),
            _ => Cell::Null,
        }
    }
}

/// What a column holds, where that decides how a literal beside it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Number,
    Text,
    Moment,
}

/// A column of a table.
pub(super) struct Column {
    pub name: &'static str,
    pub ty: Type,
    pub read: Reader,
    /// What `BUILTIN.DF` shows instead of the value.
    pub display: Option<Reader>,
}

impl Column {
    pub(super) const fn new(name: &'static str, ty: Type, read: Reader) -> Self {
        Self { name, ty, read, display: None }
    }

    pub(super) const fn showing(self, display: Reader) -> Self {
        Self { display: Some(display), ..self }
    }
}

/// Internal ids from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: i64,
    pub last: i64,
}

impl Span {
    pub(super) const ALL: Self = Self { first: 0, last: i64::MAX };

    fn ids(self) -> std::ops::RangeInclusive<u64> {
        let last = u64::try_from(self.last).unwrap_or(0);
        // A range that ends before it starts makes a map panic.
        let first = u64::try_from(self.first).unwrap_or(0);
        if first > last || self.last < 0 { u64::MAX..=u64::MAX } else { first..=last }
    }
}

impl Table {
    /// The table of this name, if the account and the role have it.
    pub(super) fn named(name: &str, settings: &Settings) -> Option<Self> {
        if settings.hidden_tables.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            return None;
        }
        Some(match name {
            "dual" => Self::Dual,
            "item" => Self::Item,
            "aggregateitemlocation" => Self::AggregateItemLocation,
            "inventoryitemlocations" => Self::InventoryItemLocations,
            "pricing" => Self::Pricing,
            "pricelevel" => Self::PriceLevel,
            "customer" => Self::Customer,
            "transaction" => Self::Transaction,
            "transactionline" => Self::TransactionLine,
            "location" => Self::Location,
            "subsidiary" if settings.one_world => Self::Subsidiary,
            "currency" if settings.multi_currency => Self::Currency,
            "deletedrecord" => Self::DeletedRecord,
            _ => return None,
        })
    }

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Dual => &[],
            Self::Item => columns::ITEM,
            Self::AggregateItemLocation => columns::AGGREGATE_ITEM_LOCATION,
            Self::InventoryItemLocations => columns::INVENTORY_ITEM_LOCATIONS,
            Self::Pricing => columns::PRICING,
            Self::PriceLevel | Self::Subsidiary | Self::Currency => columns::NAMED,
            Self::Customer => columns::CUSTOMER,
            Self::Transaction => columns::TRANSACTION,
            Self::TransactionLine => columns::TRANSACTION_LINE,
            Self::Location => columns::LOCATION,
            Self::DeletedRecord => columns::DELETED_RECORD,
        }
    }

    /// The column of this name, if the account has it.
    pub(super) fn column(self, name: &str, settings: &Settings) -> Option<&'static Column> {
        let is_hidden = self == Self::Pricing && name == "currency" && !settings.multi_currency;
        self.columns().iter().find(|it| it.name == name && !is_hidden)
    }

    /// The columns that name a row, in the order in which [`Table::scan`] gives rows. The first is the one that a
    /// span limits.
    pub(super) fn key(self) -> &'static [&'static str] {
        match self {
            Self::Dual | Self::DeletedRecord => &[],
            Self::Item | Self::PriceLevel | Self::Customer | Self::Transaction | Self::Location => &["id"],
            Self::Subsidiary | Self::Currency => &["id"],
            Self::AggregateItemLocation | Self::InventoryItemLocations => &["item", "location"],
            Self::Pricing => &["item", "pricelevel", "currency", "quantity"],
            Self::TransactionLine => &["transaction", "linesequencenumber"],
        }
    }

    /// The rows whose first key column lies in `span`, in the order of the key.
    pub(super) fn scan<'a>(self, state: &'a State, span: Span) -> Box<dyn Iterator<Item = Row<'a>> + 'a> {
        let ids = span.ids();
        let (first, last) = (*ids.start(), *ids.end());
        match self {
            Self::Dual => Box::new(std::iter::once(Row::Absent)),
            Self::Item => Box::new(state.items.rows().range(ids).map(|(_, it)| Row::Item(it))),
            Self::AggregateItemLocation => Box::new(stock(state, first, last)),
            Self::InventoryItemLocations => Box::new(stock(state, first, last).filter(|row| {
                let Row::Stock(key, _) = row else { return false };
                state.items.get(&key.item).is_some_and(|it| it.ty == ItemType::InvtPart)
            })),
            Self::Pricing => {
                let from = PriceKey { item: first, level: 0, currency: 0, from: Decimal::ZERO };
                let rows = state.prices.rows().range(from..).take_while(move |(key, _)| key.item <= last);
                Box::new(rows.map(|(key, it)| Row::Price(key, it)))
            }
            Self::PriceLevel => Box::new(state.levels.range(ids).map(|(_, it)| Row::Named(it))),
            Self::Subsidiary => Box::new(named(&state.settings.subsidiaries, first, last)),
            Self::Currency => Box::new(named(&state.settings.currencies, first, last)),
            Self::Customer => Box::new(state.customers.rows().range(ids).map(|(_, it)| Row::Customer(it))),
            Self::Transaction => Box::new(state.transactions.rows().range(ids).map(|(_, it)| Row::Transaction(it))),
            Self::TransactionLine => Box::new(state.transactions.rows().range(ids).flat_map(|(_, it)| {
                let main = std::iter::once(Row::Line(it, None));
                main.chain(it.lines.iter().map(move |line| Row::Line(it, Some(line))))
            })),
            Self::Location => Box::new(state.locations.range(ids).map(|(_, it)| Row::Location(it))),
            Self::DeletedRecord => Box::new(state.deleted.values().map(Row::Deleted)),
        }
    }
}

fn stock(state: &State, first: u64, last: u64) -> impl Iterator<Item = Row<'_>> {
    let keys = StockKey { item: first, location: 0 }..=StockKey { item: last, location: u64::MAX };
    state.stock.rows().range(keys).map(|(key, it)| Row::Stock(key, it))
}

fn named(list: &[Named], first: u64, last: u64) -> impl Iterator<Item = Row<'_>> {
    list.iter().filter(move |it| (first..=last).contains(&it.id)).map(Row::Named)
}
