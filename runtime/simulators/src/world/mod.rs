//! Systems as the people of one business know them: by codes and names, whatever numbers each system gives.
//!
//! A [`Site`] is one system with its people. They fill it from a [`Catalogue`], do [`Deed`]s at its own screens, and say
//! what it holds in words that are the same at every site. This shares nothing with the connectors on purpose: it is what
//! they are judged by.

mod business_central;
mod catalogue;
mod charge;
mod dataverse;
mod deed;
mod netsuite;
mod sap_b1;
mod shopify;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

pub use business_central::{BusinessCentralSite, CHARGE_ACCOUNTS};
pub use catalogue::{Article, Break, Catalogue, Firm, Price};
use charge::charges;
pub use charge::{Charge, ChargeKind, charge_names};
pub use dataverse::DataverseSite;
pub use deed::{Deed, Placed, Waits};
pub use netsuite::{CHARGE_ITEMS, NetsuiteSite};
pub use sap_b1::{CARRIERS, CHARGE_EXPENSES, EXTERNAL_ID, SapB1Site};
pub use shopify::ShopifySite;

use crate::journal::Change;
use crate::system::System;

/// A system and its people.
pub trait Site: Send + Sync {
    /// The system itself.
    fn system(&self) -> Arc<dyn System>;

    /// Somebody does something at the system's own screens. Nothing happens where the system has no such thing.
    ///
    /// # Errors
    /// When the screen says no.
    fn act(&self, now: UnixMs, deed: &Deed) -> Result<(), Refused>;

    /// An administrator has the system tell of changes at an address, proved by a secret, where that is done at its own
    /// screens.
    ///
    /// # Errors
    /// When it is not done there.
    fn install_hook(&self, _url: &str, _secret: &str) -> Result<(), Refused> {
        Err(Refused("this system is asked through its API to tell of changes".to_owned()))
    }

    /// An administrator takes our access away, or gives it back as it was.
    ///
    /// # Errors
    /// When the screen says no.
    fn lock_out(&self, out: bool) -> Result<(), Refused>;

    /// Logins that were refused so far, where the system counts them.
    fn refused_logins(&self) -> usize {
        0
    }

    /// Everything it holds now of what every site could hold alike, but for orders.
    fn held(&self, now: UnixMs) -> Held;

    /// Whether it has a place for a field that others may fill.
    fn can_hold(&self, _cell: &Cell) -> bool {
        true
    }

    /// How many letters a text of this name holds there: a title or a name.
    fn room(&self, _field: &str) -> usize {
        TEXT_MAX
    }

    /// Whether stock there may be set to less than nothing.
    fn goes_below_nothing(&self) -> bool {
        true
    }

    /// The prices from a quantity on of an item on a list; none where there is no such price.
    fn breaks(&self, now: UnixMs, list: &str, item: &str) -> Vec<Break>;

    /// Every order, in the order of arrival.
    fn orders(&self) -> Vec<OrderHeld>;

    /// What a count finds; `None` where the item has no stock at the location.
    fn on_hand(&self, item: &str, location: &str) -> Option<Decimal>;

    /// How lines of its journal are read, with the names that its numbers have now.
    fn reader(&self) -> Reader;
}

/// Letters that a text holds where nothing is said of it.
const TEXT_MAX: usize = 255;

/// A text as a field of so many letters holds it.
#[must_use]
pub fn cut(text: &str, letters_max: usize) -> &str {
    let end = text.char_indices().nth(letters_max).map_or(text.len(), |(at, _)| at);
    text[..end].trim_end()
}

/// What a line of a journal is about, and the value it took there, if that is compared.
pub type Reader = Box<dyn Fn(&Change) -> Option<(Cell, String)> + Send>;

/// The screen said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// A field of a record, by a name that every site would give it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The record: `item/bolt-00001`, `stock-level/bolt-00001@Main`, `price/gold/bolt-00001`, `company/C-100`.
    pub record: String,
    /// The field.
    pub field: &'static str,
}

impl Cell {
    fn new(record: &str, field: &'static str) -> Self {
        Self { record: record.to_owned(), field }
    }

    /// The field of this name of a record, if it is compared.
    #[must_use]
    pub fn named(record: String, field: &str) -> Option<Self> {
        let field = FIELDS.into_iter().find(|it| *it == field)?;
        Some(Self { record, field })
    }
}

/// The fields that are compared, whatever the kind.
const FIELDS: [&str; 8] = ["code", "title", "barcode", "active", "name", "on_hand", "amount", "breaks"];

/// What a site holds, spelled alike.
pub type Held = BTreeMap<Cell, String>;

/// An order as a site holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHeld {
    /// Its number at the buyer's.
    pub po_number: String,
    /// The code of the company that buys; empty where there is none.
    pub company: String,
    /// Codes of items in lower case, quantities, unit prices.
    pub lines: Vec<(String, Decimal, Decimal)>,
    /// What is charged beside them, sorted.
    pub charges: Vec<Charge>,
    /// What is to be paid.
    pub total: Decimal,
    /// Nobody is to do anything about it for now.
    pub waits: bool,
    /// It was called off.
    pub cancelled: bool,
    /// All of it has left.
    pub shipped: bool,
    /// What has left of it, by parcel: the carrier's number, the item's code in lower case, how many.
    pub parcels: Vec<(String, String, Decimal)>,
    /// When it was made there.
    pub created_at: UnixMs,
}

fn item_record(code: &str) -> String {
    format!("item/{}", code.to_lowercase())
}

fn stock_record(code: &str, location: &str) -> String {
    format!("stock-level/{}@{location}", code.to_lowercase())
}

fn price_record(list: &str, code: &str) -> String {
    format!("price/{list}/{}", code.to_lowercase())
}

fn company_record(code: &str) -> String {
    format!("company/{code}")
}

/// `10:9.5 50:9`
fn spelled(breaks: impl IntoIterator<Item = (Decimal, Decimal)>) -> String {
    let mut rows: Vec<(Decimal, Decimal)> = breaks.into_iter().collect();
    rows.sort();
    let rows: Vec<String> = rows.iter().map(|(from, amount)| format!("{from}:{amount}")).collect();
    rows.join(" ")
}

/// The value of a journal's line, spelled as [`Site::held`] spells it.
fn value(change: &Change) -> String {
    if change.field != "breaks" {
        return change.value.clone();
    }
    let rows: Vec<Break> = serde_json::from_str(&change.value).unwrap_or_default();
    spelled(rows.into_iter().map(|it| (it.from, it.amount)))
}

/// When each order came into being, by its id, as the journal says.
fn created_at(system: &dyn System) -> BTreeMap<String, UnixMs> {
    let lines = system.journal().since(0).into_iter().filter(|it| it.kind == "order" && it.field == "created");
    lines.map(|it| (it.id, it.at)).collect()
}

/// A part of an id that is made of two, without the escapes of what separates them.
fn unescaped(part: &str) -> String {
    part.replace("%3A", ":").replace("%25", "%")
}

/// The list whose prices a shop takes for its own.
pub const BASE: &str = "base";
