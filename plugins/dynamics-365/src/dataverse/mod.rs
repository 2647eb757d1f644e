//! Dataverse, the database under Dynamics 365 Sales, through its Web API.
//!
//! What decides the shape of this dialect:
//!
//! - Tables keep track of changes: a listing ends with a link that later tells what changed and what was deleted. Such
//!   a link is good for a week; after that everything is read again.
//! - A caller may choose the id of a new record, so that repeating a creation is refused instead of done twice: the id
//!   is made of the command key.
//! - Records have versions, which a change names; what an order is made of is changed in one change set.
//! - Stock is in no table of its own.

mod account;
mod change_set;
mod check;
mod columns;
mod cursor;
mod key;
mod multipart;
mod names;
mod order;
mod order_edit;
mod order_push;
mod org;
mod price;
mod product;
mod push;
mod table;

pub(crate) use check::check;
pub(crate) use cursor::LAG_MS;
pub(crate) use key::guid;

use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::{Context, Fault, Host, Kind};

use self::org::Org;
use self::table::Table;

/// The table that holds records of a kind.
fn table(kind: Kind) -> Result<&'static Table, Fault> {
    match kind {
        Kind::Item => Ok(&product::TABLE),
        Kind::Company => Ok(&account::TABLE),
        Kind::Price => Ok(&price::TABLE),
        Kind::Order => Ok(&order::TABLE),
        Kind::Location | Kind::StockLevel => Err(Fault::Unsupported(format!("no table holds a {kind}"))),
    }
}

pub(crate) fn pull(
    (host, ctx): (&dyn Host, &Context),
    kind: Kind,
    cursor: Option<&str>,
    overlap_ms: u32,
) -> Result<Page, Fault> {
    let table = table(kind)?;
    table.pull(&Org::open(host, ctx)?, cursor, overlap_ms)
}

pub(crate) fn read(host: &dyn Host, ctx: &Context, kind: Kind, ids: &[String]) -> Result<Vec<State>, Fault> {
    let table = table(kind)?;
    table.read(&Org::open(host, ctx)?, ids)
}

pub(crate) fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let table = table(kind)?;
    let org = Org::open(host, ctx)?;
    match kind {
        Kind::Item => push::each(&org, writes, |write| push::one(&org, table, &product::Products, write)),
        Kind::Company => push::each(&org, writes, |write| push::one(&org, table, &account::Accounts, write)),
        Kind::Price => push::each(&org, writes, |write| push::one(&org, table, &price::Prices, write)),
        _ => push::each(&org, writes, |write| order_push::one(&org, write)),
    }
}

pub(crate) fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
    let table = table(kind)?;
    Ok(table.read(&Org::open(host, ctx)?, &[guid(command_key)])?.pop())
}
