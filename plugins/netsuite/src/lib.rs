//! NetSuite, through SuiteQL for reading many records and the REST record service for everything that must be exact.
//!
//! What decides the shape of this connector:
//!
//! - SuiteQL answers in pages of a thousand rows that are no snapshot, so every listing goes by key (`id > ?`), never
//!   by offset.
//! - A reading that is to be certain goes through REST, a request for each record: searches may lag, records do not.
//! - SuiteQL shows times in the account's zone without saying so; see [`clock`].
//! - Records have no version, so a write is *look, then write*: the record is read through REST, compared with what
//!   the engine knew, written, and read again. What happens in the moment between is not seen; the next pull sees it.
//! - Creations go by external id (`PUT …/eid:key`), which NetSuite keeps unique, so that repeating one is safe.
//! - Stock cannot be set, only moved: a write becomes an adjustment under the operation's id.

#![warn(missing_docs)]

mod catalog;
mod check;
mod clock;
mod company;
mod cursor;
mod describe;
mod digests;
mod item;
mod listing;
mod location;
mod order;
mod parcel;
mod price;
mod project;
mod push;
mod query;
mod receive;
mod record;
mod settings;
mod stock;
#[cfg(test)]
mod tests;
mod wire;

use truthsource_sdk::connector::{Description, Finding, Notice, Observed, Outcome, Page, State, Webhook, Write};
use truthsource_sdk::digests::{Digest, HeldRecord, Told};
use truthsource_sdk::{Connector, Context, Digests, Fault, Fields, Host, Kind, Settings};

use crate::cursor::Walk;
use crate::wire::Account;

/// The connector.
#[derive(Debug)]
pub struct NetSuite;

impl Connector for NetSuite {
    fn describe(_settings: &Settings) -> Description {
        describe::describe()
    }

    fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
        check::check(host, ctx)
    }

    fn pull(host: &dyn Host, ctx: &Context, kind: Kind, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault> {
        let account = Account::open(host, ctx)?;
        let clock = clock::read(&account)?;
        let walk = Walk::resume(cursor, &clock, ctx.now_ms, overlap_ms)?;
        match kind {
            Kind::Location => location::pull(&account, &walk),
            Kind::Item => item::pull(&account, &clock, &walk),
            Kind::Company => company::pull(&account, &clock, &walk),
            Kind::StockLevel => stock::pull(&account, &clock, &walk),
            Kind::Price => price::pull(&account, &walk),
            Kind::Order => order::pull(&account, &clock, &walk),
        }
    }

    fn read(
        host: &dyn Host,
        ctx: &Context,
        kind: Kind,
        remote_ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, Fault> {
        let account = Account::open(host, ctx)?;
        let clock = || clock::read(&account);
        let found = match (kind, certain) {
            (Kind::Location, _) => location::read(&account, remote_ids),
            (Kind::Item, false) => item::read(&account, &clock()?, remote_ids),
            (Kind::Item, true) => item::certain(&account, &clock()?, remote_ids),
            (Kind::Company, false) => company::read(&account, &clock()?, remote_ids),
            (Kind::Company, true) => company::certain(&account, &clock()?, remote_ids),
            (Kind::StockLevel, false) => stock::read(&account, &clock()?, remote_ids),
            (Kind::StockLevel, true) => stock::certain(&account, remote_ids),
            (Kind::Price, false) => price::read(&account, remote_ids),
            (Kind::Price, true) => price::certain(&account, remote_ids),
            (Kind::Order, false) => order::read(&account, &clock()?, remote_ids),
            (Kind::Order, true) => order::certain(&account, &clock()?, remote_ids),
        };
        Ok(Observed::in_order(remote_ids, found?))
    }

    fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
        push::push(&Account::open(host, ctx)?, kind, writes)
    }

    fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
        let account = Account::open(host, ctx)?;
        match kind {
            Kind::Item => item::find(&account, command_key),
            Kind::Company => company::find(&account, command_key),
            Kind::Order => order::find(&account, command_key),
            Kind::Location | Kind::StockLevel | Kind::Price => {
                Err(Fault::Unsupported(format!("a {kind} has no key of its own here; its remote id names it")))
            }
        }
    }

    fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
        receive::receive(ctx, webhook)
    }

    fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
        project::project(ctx, kind, record)
    }
}

impl Digests for NetSuite {
    fn tell(host: &dyn Host, ctx: &Context, kind: Kind) -> Result<Option<Vec<Told>>, Fault> {
        let told = match kind {
            Kind::StockLevel => digests::stock,
            Kind::Price => digests::prices,
            // Texts cannot be added up.
            Kind::Location | Kind::Item | Kind::Company | Kind::Order => return Ok(None),
        };
        let account = Account::open(host, ctx)?;
        told(&account, &clock::read(&account)?).map(Some)
    }

    fn add(_: &Context, kind: Kind, records: &[HeldRecord]) -> Result<Vec<Digest>, Fault> {
        match kind {
            Kind::StockLevel => records.iter().map(digests::of_stock).collect(),
            Kind::Price => records.iter().map(digests::of_price).collect(),
            other => Err(Fault::Unsupported(format!("a {other} cannot be added up"))),
        }
    }
}

truthsource_sdk::export_summing_connector!(NetSuite);
truthsource_sdk::manifest!("../manifest.toml");
