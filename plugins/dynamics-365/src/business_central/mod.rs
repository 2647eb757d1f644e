//! Business Central, through its API v2.0 and the pages of the tenant's own extension.
//!
//! What decides the shape of this dialect:
//!
//! - Collections are read by the links that the system gives; a complete listing has no filter, because records that
//!   were never touched since there are stamps have none.
//! - The standard API knows neither stock per location nor price lists: both come from pages of the tenant's own, whose
//!   paths and properties are settings.
//! - Records have versions, which a change names; changes of many go in one request, each standing alone.
//! - An order has no key that is unique: it is looked for under ours among orders, invoices and shipments.
//! - An order that was posted is gone and not called off.
//! - Lines of an order are records of their own: what an order is made of is changed in one batch that is one transaction.

mod batch;
mod books;
mod check;
mod cursor;
mod customer;
mod item;
mod keys;
mod listing;
mod location;
mod master;
mod memory;
mod numbers;
mod order;
mod order_edit;
mod order_push;
mod order_rows;
mod parcel;
mod posted;
mod price;
mod price_line;
mod price_push;
mod push;
mod receive;
pub(crate) mod settings;
mod stock;
mod stock_push;
pub(crate) mod subscriptions;

pub(crate) use check::check;
pub(crate) use cursor::LAG_MS;
pub(crate) use order_push::{EXTERNAL_MAX, date};
pub(crate) use price::BASE;
pub(crate) use receive::receive;

use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::{Context, Fault, Host, Kind};

use self::books::Books;
use self::cursor::Walk;
use self::master::Master;

pub(crate) fn pull(
    (host, ctx): (&dyn Host, &Context),
    kind: Kind,
    cursor: Option<&str>,
    overlap_ms: u32,
) -> Result<Page, Fault> {
    let books = Books::open(host, ctx)?;
    let walk = Walk::resume(cursor, books.now_ms(), overlap_ms)?;
    match kind {
        Kind::Location => location::LISTING.pull(&books, &walk),
        Kind::Item => item::LISTING.pull(&books, &walk),
        Kind::Company => customer::LISTING.pull(&books, &walk),
        Kind::StockLevel => stock::pull(&books, &walk),
        Kind::Price => price::pull(&books, &walk),
        Kind::Order => order::pull(&books, &walk),
    }
}

/// The records of these ids that there are. Every reading is of the records themselves.
pub(crate) fn read(host: &dyn Host, ctx: &Context, kind: Kind, ids: &[String]) -> Result<Vec<State>, Fault> {
    let books = Books::open(host, ctx)?;
    match kind {
        Kind::Location => location::LISTING.read(&books, ids),
        Kind::Item => item::LISTING.read(&books, ids),
        Kind::Company => customer::LISTING.read(&books, ids),
        Kind::StockLevel => stock::read(&books, ids),
        Kind::Price => price::read(&books, ids),
        Kind::Order => order::read(&books, ids),
    }
}

pub(crate) fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let books = &Books::open(host, ctx)?;
    match kind {
        Kind::Location => Err(Fault::Unsupported("locations are not written".to_owned())),
        Kind::Item => push::push(books, &Master { books, listing: item::LISTING, body: item::body }, writes),
        Kind::Company => push::push(books, &Master { books, listing: customer::LISTING, body: customer::body }, writes),
        Kind::StockLevel => stock_push::push(books, writes),
        Kind::Price => price_push::push(books, writes),
        Kind::Order => order_push::push(books, writes),
    }
}

pub(crate) fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
    match kind {
        Kind::Order => order::find(&Books::open(host, ctx)?, command_key),
        // A push looks for the number, or the pair, before it creates anything.
        _ => Err(Fault::Unsupported(format!("a {kind} has no key of its own here; its number names it"))),
    }
}
