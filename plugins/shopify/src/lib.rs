//! Shopify B2B, through the Admin GraphQL API.
//!
//! What decides the shape of this connector:
//!
//! - An answer with HTTP 200 may hold nothing but errors; see [`graphql`].
//! - An *item* is an inventory item: it survives renames, and stock, prices and order lines all lead to it.
//! - Stock is compared and set in one step (`changeFromQuantity`), each level under an idempotency key of its own.
//! - Price lists have no time of change and no webhook, so they are read whole, every ten minutes. Everything else that changes
//!   is asked for between two moments, because rows that move while they are paged would be repeated or lost.
//! - Creations have no idempotency: they carry the command key in a metafield, and are looked up first; see
//!   [`custom_id`].

#![warn(missing_docs)]

mod batch;
mod charges;
mod check;
mod company;
mod cursor;
mod custom_id;
mod describe;
mod fulfilment;
mod gid;
mod graphql;
mod item;
mod item_push;
mod location;
mod order;
mod order_push;
mod price;
mod price_list;
mod price_push;
mod project;
mod receive;
mod settings;
mod stock;
mod stock_push;
#[cfg(test)]
mod tests;
mod variant;

use truthsource_sdk::connector::{Description, Finding, Notice, Observed, Outcome, Page, State, Webhook, Write};
use truthsource_sdk::{Connector, Context, Fault, Fields, Host, Kind, Settings};

use crate::cursor::Walk;
use crate::graphql::Shop;

/// The connector.
#[derive(Debug)]
pub struct Shopify;

impl Connector for Shopify {
    fn describe(_settings: &Settings) -> Description {
        describe::describe()
    }

    fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
        check::check(host, ctx)
    }

    fn pull(host: &dyn Host, ctx: &Context, kind: Kind, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault> {
        let shop = Shop::open(host, ctx)?;
        let walk = Walk::resume(kind, cursor, (ctx.now_ms, overlap_ms))?;
        match kind {
            Kind::Location => location::pull(&shop, &walk),
            Kind::Item => item::pull(&shop, &walk),
            Kind::Company => company::pull(&shop, &walk),
            Kind::StockLevel => stock::pull(&shop, &walk),
            Kind::Price => price::pull(&shop, &walk),
            Kind::Order => order::pull(&shop, &walk),
        }
    }

    /// Records are read by their ids, never through a search: every reading is certain.
    fn read(
        host: &dyn Host,
        ctx: &Context,
        kind: Kind,
        remote_ids: &[String],
        _certain: bool,
    ) -> Result<Vec<Observed>, Fault> {
        let shop = Shop::open(host, ctx)?;
        let found = match kind {
            Kind::Location => location::read(&shop, remote_ids)?,
            Kind::Item => item::read(&shop, remote_ids)?,
            Kind::Company => company::read(&shop, remote_ids)?,
            Kind::StockLevel => stock::read(&shop, remote_ids)?,
            Kind::Price => price::read(&shop, remote_ids)?,
            Kind::Order => order::read(&shop, remote_ids)?,
        };
        Ok(Observed::in_order(remote_ids, found))
    }

    fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
        let shop = Shop::open(host, ctx)?;
        match kind {
            Kind::Location => Err(Fault::Unsupported("locations are not written".to_owned())),
            Kind::Item => item_push::push(&shop, writes),
            Kind::Company => company::push(&shop, writes),
            Kind::StockLevel => stock_push::push(&shop, writes),
            Kind::Price => price_push::push(&shop, writes),
            Kind::Order => order_push::push(&shop, writes),
        }
    }

    fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
        let shop = Shop::open(host, ctx)?;
        match kind {
            Kind::Item => item::find(&shop, command_key),
            Kind::Company => company::find(&shop, command_key),
            Kind::Order => order::find(&shop, command_key),
            Kind::Location | Kind::StockLevel | Kind::Price => {
                Err(Fault::Unsupported(format!("a {kind} has no key of its own here; its remote id names it")))
            }
        }
    }

    fn receive(_ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
        receive::receive(webhook)
    }

    fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
        project::project(ctx, kind, record)
    }
}

truthsource_sdk::export_connector!(Shopify);
truthsource_sdk::manifest!("../manifest.toml");
