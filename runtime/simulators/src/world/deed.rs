//! What people do at the screens of their systems.

use serde::{Deserialize, Serialize};

use super::{Article, Charge, Price};

/// What somebody does. Items are named by their code, whatever its case; companies by their code, locations and price
/// lists by their name, orders by the buyer's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Changes what an item is called.
    Retitle {
        /// Which.
        item: String,
        /// The new title.
        title: String,
    },
    /// Gives an item another barcode.
    Barcode {
        /// Which.
        item: String,
        /// The new one.
        barcode: String,
    },
    /// Takes an item out of sale, or back in.
    Offer {
        /// Which.
        item: String,
        /// It is for sale.
        active: bool,
    },
    /// Gives an item another code.
    Recode {
        /// Which.
        item: String,
        /// The new one.
        code: String,
    },
    /// Adds an item.
    Add(Article),
    /// Deletes an item.
    Delete {
        /// Which.
        item: String,
    },
    /// Something is received, sold over the counter or corrected: stock moves. Never below nothing.
    Move {
        /// Of what.
        item: String,
        /// Where.
        location: String,
        /// By how many.
        by: i64,
    },
    /// Prices an item.
    Price {
        /// On which list.
        list: String,
        /// Of which item.
        item: String,
        /// The whole price.
        price: Price,
    },
    /// A shop takes a company on that may buy there; elsewhere nobody is taken on.
    Enrol {
        /// Its code.
        company: String,
        /// What it is called.
        name: String,
    },
    /// Changes what a company is called.
    Rename {
        /// Which.
        company: String,
        /// The new name.
        name: String,
    },
    /// A buyer orders.
    Order(Placed),
    /// Somebody enters an order where orders are booked, at the first location.
    Book(Placed),
    /// Everything that is open of an order leaves.
    Ship {
        /// Which.
        po_number: String,
    },
    /// A parcel of an order leaves.
    Parcel {
        /// Of which.
        po_number: String,
        /// Codes of items, and how many of each.
        lines: Vec<(String, u32)>,
        /// Who carries it.
        carrier: String,
        /// The carrier's number for it.
        tracking: String,
    },
    /// A buyer changes an order that is placed: so many of these items from now on, and nothing else.
    Edit {
        /// Which.
        po_number: String,
        /// Codes of items, and how many of each.
        lines: Vec<(String, u32)>,
    },
    /// An order is paid.
    Pay {
        /// Which.
        po_number: String,
    },
    /// Whoever or whatever held an order lets it go.
    Release {
        /// Which.
        po_number: String,
    },
    /// An order is called off.
    Cancel {
        /// Which.
        po_number: String,
    },
}

/// An order that a buyer places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Its number at the buyer's.
    pub po_number: String,
    /// The code of the company that buys.
    pub company: String,
    /// Codes of items, and how many of each.
    pub lines: Vec<(String, u32)>,
    /// What the shop charges beside them. Whoever books an order elsewhere charges nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// What keeps it for now, if anything does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Waits>,
}

/// Why nobody is to do anything about an order yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// It is not paid.
    Unpaid,
    /// Somebody holds it.
    Held,
    /// The shop suspects fraud.
    Suspected,
}
