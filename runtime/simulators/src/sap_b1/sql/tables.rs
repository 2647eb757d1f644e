//! The tables that queries can see, and their rows.

use std::rc::Rc;

use super::cell::Cell;
use super::columns::{self, Column};
use crate::sap_b1::model::{
    Address, Book, Contact, Document, DocumentLine, Item, ItemPrice, Partner, PriceList, Stock,
};
use crate::sap_b1::shape::{Shape, UserFields};
use crate::sap_b1::state::State;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Items,
    ItemStock,
    ItemPrices,
    PriceLists,
    Partners,
    Addresses,
    Contacts,
    Orders,
    OrderLines,
}

/// A row of a table, of a query in FROM, or of nothing (the other side of an outer join).
#[derive(Debug, Clone)]
pub(super) enum Row<'a> {
    Absent,
    Item(&'a Item),
    Stock(&'a Stock),
    Price(&'a Item, &'a ItemPrice),
    List(&'a PriceList),
    Partner(&'a Partner),
    Address(&'a Address),
    Contact(&'a Contact),
    Order(&'a Document),
    OrderLine(&'a Document, &'a DocumentLine),
    Derived(Rc<Vec<Cell<'static>>>),
}

impl Row<'_> {
    /// The user-defined fields of the object behind.
    pub(super) fn user_fields(&self) -> Option<&UserFields> {
        let fields = match self {
            Row::Item(it) => it.user_fields(),
            Row::Partner(it) => it.user_fields(),
            Row::Order(it) => it.user_fields(),
            Row::OrderLine(_, it) => it.user_fields(),
            _ => None,
        };
        fields.map(|(_, values)| values)
    }
}

type Rows<'a> = Box<dyn Iterator<Item = Row<'a>> + 'a>;

impl Table {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "OITM" => Self::Items,
            "OITW" => Self::ItemStock,
            "ITM1" => Self::ItemPrices,
            "OPLN" => Self::PriceLists,
            "OCRD" => Self::Partners,
            "CRD1" => Self::Addresses,
            "OCPR" => Self::Contacts,
            "ORDR" => Self::Orders,
            "RDR1" => Self::OrderLines,
            _ => return None,
        })
    }

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Items => columns::OITM,
            Self::ItemStock => columns::OITW,
            Self::ItemPrices => columns::ITM1,
            Self::PriceLists => columns::OPLN,
            Self::Partners => columns::OCRD,
            Self::Addresses => columns::CRD1,
            Self::Contacts => columns::OCPR,
            Self::Orders => columns::ORDR,
            Self::OrderLines => columns::RDR1,
        }
    }

    /// The table whose user-defined fields it has.
    pub(super) fn user_table(self) -> Option<&'static str> {
        match self {
            Self::Items => Some("OITM"),
            Self::Partners => Some("OCRD"),
            Self::Orders => Some("ORDR"),
            Self::OrderLines => Some("RDR1"),
            _ => None,
        }
    }

    /// The column by whose value [`Table::scan`] finds rows without looking at all of them.
    pub(super) fn lead(self) -> &'static str {
        match self {
            Self::Items | Self::ItemStock | Self::ItemPrices => "ItemCode",
            Self::PriceLists => "ListNum",
            Self::Partners | Self::Addresses | Self::Contacts => "CardCode",
            Self::Orders | Self::OrderLines => "DocEntry",
        }
    }

    /// Its rows in the order of their keys: all of them, or those whose lead column has a value.
    pub(super) fn scan<'a>(self, state: &'a State, lead: Option<&Cell<'_>>) -> Rows<'a> {
        let code = lead.map(|it| it.as_text().unwrap_or_default());
        let entry = lead.map(|it| it.number().and_then(|it| it.to_string().parse::<i64>().ok()).unwrap_or(-1));
        match self {
            Self::Items => Box::new(items(state, code).map(Row::Item)),
            Self::ItemStock => Box::new(items(state, code).flat_map(|it| it.stock.values().map(Row::Stock))),
            Self::ItemPrices => {
                Box::new(items(state, code).flat_map(|item| item.prices.values().map(move |it| Row::Price(item, it))))
            }
            Self::PriceLists => {
                Box::new(state.lists.values().filter(move |it| entry.is_none_or(|no| it.number == no)).map(Row::List))
            }
            Self::Partners => Box::new(partners(state, code).map(Row::Partner)),
            Self::Addresses => Box::new(partners(state, code).flat_map(|it| it.addresses.iter().map(Row::Address))),
            Self::Contacts => Box::new(partners(state, code).flat_map(|it| it.contacts.iter().map(Row::Contact))),
            Self::Orders => Box::new(orders(state, entry).map(Row::Order)),
            Self::OrderLines => Box::new(
                orders(state, entry).flat_map(|order| order.lines.iter().map(move |it| Row::OrderLine(order, it))),
            ),
        }
    }
}

fn items(state: &State, code: Option<String>) -> Box<dyn Iterator<Item = &Item> + '_> {
    match code {
        Some(code) => Box::new(state.items.get(&code).into_iter()),
        None => Box::new(state.items.values()),
    }
}

fn partners(state: &State, code: Option<String>) -> Box<dyn Iterator<Item = &Partner> + '_> {
    match code {
        Some(code) => Box::new(state.partners.get(&code).into_iter()),
        None => Box::new(state.partners.values()),
    }
}

fn orders(state: &State, entry: Option<i64>) -> impl Iterator<Item = &Document> {
    let (first, last) = entry.map_or((0, i64::MAX), |it| (it, it));
    state.documents.range((Book::Orders, first)..=(Book::Orders, last)).map(|(_, it)| it)
}
