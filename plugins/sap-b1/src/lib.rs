//! SAP Business One, through its Service Layer.
//!
//! What decides the shape of this connector:
//!
//! - Pages are cut by a number of rows to skip, and rows move: every listing goes by key (`ItemCode gt 'A1'`) instead.
//! - OData compares changes by the day and tells them to the minute. Stored queries know seconds, and are used where the
//!   company has them; see [`listing`].
//! - All times are the server's local ones; see [`zone`] and [`clock`].
//! - Items and business partners have versions, and their codes are their keys for ever: a write is *look, compare,
//!   write if it is still so*, and a creation is safe to repeat.
//! - Documents have no key of ours. What we create carries a mark that is looked for first; see [`reference`].
//! - Stock cannot be set, only moved: a write becomes a receipt or an issue under the operation's mark.
//! - Texts of errors are in the language of the login: only codes are understood; see [`wire`].

#![warn(missing_docs)]

mod breaks;
mod check;
mod clock;
mod company;
mod cursor;
mod describe;
mod exact;
mod id;
mod item;
mod listing;
mod location;
mod odata;
mod order;
mod order_push;
mod parcel;
mod price;
mod price_push;
mod project;
mod push;
mod receive;
mod record;
mod reference;
mod settings;
mod sql;
mod stamp;
mod stock;
mod stock_push;
mod subscriptions;
#[cfg(test)]
mod tests;
mod wire;
mod zone;

use truthsource_sdk::connector::{Description, Finding, Notice, Observed, Outcome, Page, State, Webhook, Write};
use truthsource_sdk::subscriptions::{Standing, Subscriptions, Target};
use truthsource_sdk::{Connector, Context, Fault, Fields, Host, Kind, Settings};

use crate::cursor::Walk;
use crate::wire::Service;

/// The connector.
#[derive(Debug)]
pub struct SapB1;

impl Connector for SapB1 {
    fn describe(settings: &Settings) -> Description {
        describe::describe(settings)
    }

    fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
        check::check(host, ctx)
    }

    fn pull(host: &dyn Host, ctx: &Context, kind: Kind, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault> {
        let service = Service::open(host, ctx)?;
        let walk = Walk::resume(cursor, clock::read(&service)?.remote_now(ctx.now_ms), overlap_ms)?;
        match kind {
            Kind::Location => location::pull(&service, &walk),
            Kind::Item => item::pull(&service, &walk),
            Kind::Company => company::pull(&service, &walk),
            Kind::StockLevel => stock::pull(&service, &walk),
            Kind::Price => price::pull(&service, &walk),
            Kind::Order => order::pull(&service, &walk),
        }
    }

    /// Every reading is of the records themselves: there is no index that could lag.
    fn read(
        host: &dyn Host,
        ctx: &Context,
        kind: Kind,
        remote_ids: &[String],
        _certain: bool,
    ) -> Result<Vec<Observed>, Fault> {
        let service = Service::open(host, ctx)?;
        let found = match kind {
            Kind::Location => location::read(&service, remote_ids),
            Kind::Item => item::read(&service, remote_ids),
            Kind::Company => company::read(&service, remote_ids),
            Kind::StockLevel => stock::read(&service, remote_ids),
            Kind::Price => price::read(&service, remote_ids),
            Kind::Order => order::read(&service, remote_ids),
        };
        Ok(Observed::in_order(remote_ids, found?))
    }

    fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
        push::push(&Service::open(host, ctx)?, kind, writes)
    }

    fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
        let service = Service::open(host, ctx)?;
        match kind {
            Kind::Order => order::find(&service, command_key),
            _ => Err(Fault::Unsupported(format!("a {kind} keeps no key of a creation here; its own code names it"))),
        }
    }

    fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
        receive::receive(ctx, webhook)
    }

    fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
        project::project(ctx, kind, record)
    }
}

impl Subscriptions for SapB1 {
    fn ensure(host: &dyn Host, ctx: &Context, target: &Target) -> Result<Standing, Fault> {
        subscriptions::ensure(host, ctx, target)
    }

    fn remove(host: &dyn Host, ctx: &Context, target: &Target) -> Result<(), Fault> {
        subscriptions::remove(host, ctx, target)
    }
}

truthsource_sdk::export_subscribing_connector!(SapB1);
truthsource_sdk::manifest!("../manifest.toml");
