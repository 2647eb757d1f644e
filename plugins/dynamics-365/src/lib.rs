//! Dynamics 365, which is several products with an interface each. This connector speaks to two of them, and its
//! setting `dialect` says which: `business_central`, the ERP, and `dataverse`, the database under the sales apps.
//!
//! Both are OData, and what they have in common is here: rows whose numbers keep every digit (`odata`), what refusals
//! mean (`wire`), and the rule of every write (`writes`): look, compare, write on the condition that the record has
//! not moved, look again.

#![warn(missing_docs)]

mod business_central;
mod dataverse;
mod describe;
mod lines;
mod odata;
mod orders;
mod project;
mod settings;
#[cfg(test)]
mod tests;
mod wire;
mod writes;

use truthsource_sdk::connector::{Description, Finding, Notice, Observed, Outcome, Page, State, Webhook, Write};
use truthsource_sdk::subscriptions::{Standing, Subscriptions, Target};
use truthsource_sdk::{Connector, Context, Fault, Fields, Host, Kind, Settings};

use crate::settings::Dialect;

/// The connector.
#[derive(Debug)]
pub struct Dynamics365;

impl Connector for Dynamics365 {
    fn describe(settings: &Settings) -> Description {
        describe::describe(settings)
    }

    fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
        match Dialect::read(ctx) {
            Ok(Dialect::BusinessCentral) => business_central::check(host, ctx),
            Ok(Dialect::Dataverse) => dataverse::check(host, ctx),
            Err(fault) => Ok(vec![Finding::bad("settings", fault.to_string())]),
        }
    }

    fn pull(host: &dyn Host, ctx: &Context, kind: Kind, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::pull((host, ctx), kind, cursor, overlap_ms),
            Dialect::Dataverse => dataverse::pull((host, ctx), kind, cursor, overlap_ms),
        }
    }

    /// Both answer from the records themselves, so that every reading is a certain one.
    fn read(
        host: &dyn Host,
        ctx: &Context,
        kind: Kind,
        remote_ids: &[String],
        _certain: bool,
    ) -> Result<Vec<Observed>, Fault> {
        let found = match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::read(host, ctx, kind, remote_ids),
            Dialect::Dataverse => dataverse::read(host, ctx, kind, remote_ids),
        };
        Ok(Observed::in_order(remote_ids, found?))
    }

    fn push(host: &dyn Host, ctx: &Context, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::push(host, ctx, kind, writes),
            Dialect::Dataverse => dataverse::push(host, ctx, kind, writes),
        }
    }

    fn find(host: &dyn Host, ctx: &Context, kind: Kind, command_key: &str) -> Result<Option<State>, Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::find(host, ctx, kind, command_key),
            Dialect::Dataverse => dataverse::find(host, ctx, kind, command_key),
        }
    }

    fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::receive(ctx, webhook),
            Dialect::Dataverse => {
                Err(Fault::Unsupported("Dataverse tells of no changes here; it is polled".to_owned()))
            }
        }
    }

    fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
        project::project(ctx, kind, record)
    }
}

impl Subscriptions for Dynamics365 {
    /// Dataverse is set up to tell of changes by a tool of its own, and is polled.
    fn ensure(host: &dyn Host, ctx: &Context, target: &Target) -> Result<Standing, Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::subscriptions::ensure(host, ctx, target),
            Dialect::Dataverse => Ok(Standing::default()),
        }
    }

    fn remove(host: &dyn Host, ctx: &Context, target: &Target) -> Result<(), Fault> {
        match Dialect::read(ctx)? {
            Dialect::BusinessCentral => business_central::subscriptions::remove(host, ctx, target),
            Dialect::Dataverse => Ok(()),
        }
    }
}

truthsource_sdk::export_subscribing_connector!(Dynamics365);
truthsource_sdk::manifest!("../manifest.toml");
