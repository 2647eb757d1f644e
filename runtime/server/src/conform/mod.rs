//! The conformance suite: every power that a connector declares is tried against the simulated system, by doing what
//! people do at its screens and what the engine does through the connector, and never by believing the declaration.
//!
//! A [`Stand`] is a component and a system; every check opens a [`rig::Rig`] of its own on it, with a clock that moves when
//! the check says so. What comes out is a [`Certificate`].

mod access;
pub mod dialect;
mod digests;
mod grain;
mod lag;
mod line;
mod listing;
mod order;
mod project;
mod repeat;
pub mod rig;
pub mod sample;
mod seen;
mod stale;
pub mod stand;
mod verdict;
mod write;

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use truthsource_core::Kind;
use truthsource_host::CallError;
use truthsource_host::model::{Description, KindPower};

use crate::certificate::{Certificate, Certified, FORM, Finding, Power};
pub use dialect::Dialect;
pub use stand::Stand;
use verdict::{Found, Halt, finding};

/// Tries everything that the connector declares; `told` hears what comes next.
///
/// # Errors
/// When the connector does not even say what it can do, or the system cannot be set up.
pub async fn examine(stand: &Stand, told: impl Fn(&str)) -> anyhow::Result<Certificate> {
    told("what it declares");
    let described = stand.open(&sample::business(1, 1), dialect::Pages::Usual).await?.described;
    let mut connection = BTreeMap::new();
    told("credentials");
    connection.insert("credentials".to_owned(), finding("yes", access::credentials(stand).await));
    told("webhooks");
    let has_webhooks = if described.webhook.is_some() { "yes" } else { "no" };
    connection.insert("webhooks".to_owned(), finding(has_webhooks, access::webhooks(stand).await));
    connection.insert("description".to_owned(), finding("yes", description(stand, &described).await));
    let mut kinds = BTreeMap::new();
    for power in &described.kinds {
        kinds.insert(power.kind, certify(stand, power, &told).await);
    }
    let certificate = Certificate {
        form: FORM,
        digest: stand.digest.clone(),
        plugin: stand.plugin.clone(),
        against: stand.against.to_string(),
        seed: stand.seed,
        connection,
        kinds,
        seal: String::new(),
    };
    Ok(certificate.sealed())
}

type Check = for<'a> fn(&'a Stand, Kind) -> BoxFuture<'a, Result<Found, Halt>>;

/// Every power of a kind, and the check that tries it.
const CHECKS: [(Power, Check); 17] = [
    (Power::Creates, |stand, kind| Box::pin(seen::creates(stand, kind))),
    (Power::Updates, |stand, kind| Box::pin(seen::updates(stand, kind))),
    (Power::Deletes, |stand, kind| Box::pin(seen::deletes(stand, kind))),
    (Power::Absence, |stand, kind| Box::pin(seen::absence(stand, kind))),
    (Power::Granularity, |stand, kind| Box::pin(grain::granularity(stand, kind))),
    (Power::Ordering, |stand, kind| Box::pin(order::ordering(stand, kind))),
    (Power::Lag, |stand, kind| Box::pin(lag::lag(stand, kind))),
    (Power::Listing, |stand, kind| Box::pin(listing::listing(stand, kind))),
    (Power::Reads, |stand, kind| Box::pin(listing::reads(stand, kind))),
    (Power::Certain, |stand, kind| Box::pin(access::certain(stand, kind))),
    (Power::RepeatedCreate, |stand, kind| Box::pin(repeat::repeated_create(stand, kind))),
    (Power::RepeatedUpdate, |stand, kind| Box::pin(repeat::repeated_update(stand, kind))),
    (Power::Find, |stand, kind| Box::pin(repeat::find(stand, kind))),
    (Power::StaleBase, |stand, kind| Box::pin(stale::stale_base(stand, kind))),
    (Power::Race, |stand, kind| Box::pin(stale::race(stand, kind))),
    (Power::Projection, |stand, kind| Box::pin(project::projection(stand, kind))),
    (Power::Digests, |stand, kind| Box::pin(digests::digests(stand, kind))),
];

/// Tries one power of a kind, of which this is declared.
pub async fn try_power(stand: &Stand, declared: &KindPower, power: Power) -> Option<Finding> {
    let check = CHECKS.iter().find(|(it, _)| *it == power)?;
    Some(tried(stand, declared, *check).await)
}

async fn certify(stand: &Stand, declared: &KindPower, told: &impl Fn(&str)) -> Certified {
    let mut powers = BTreeMap::new();
    for (power, check) in CHECKS {
        told(&format!("{} of {}", power.name(), declared.kind));
        powers.insert(power, tried(stand, declared, (power, check)).await);
    }
    Certified { declared: declared.clone(), powers }
}

async fn tried(stand: &Stand, declared: &KindPower, (power, check): (Power, Check)) -> Finding {
    finding(said(declared, power), check(stand, declared.kind).await)
}

/// What is declared of a power, in a word.
fn said(declared: &KindPower, power: Power) -> String {
    let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
    match power {
        Power::Creates => yes(declared.sees_creates),
        Power::Updates => yes(declared.sees_updates),
        Power::Deletes => yes(declared.sees_deletes),
        Power::Granularity => format!("{} ms", declared.granularity_ms),
        Power::Lag => format!("{} ms", declared.lag_ms),
        Power::Certain => yes(declared.certain_max > 0),
        Power::RepeatedCreate | Power::RepeatedUpdate | Power::Race => {
            let effect = serde_json::to_value(declared.effect).unwrap_or_default();
            effect.as_str().unwrap_or_default().to_owned()
        }
        Power::Find => yes(declared.creates),
        Power::Absence
        | Power::Ordering
        | Power::Listing
        | Power::Reads
        | Power::StaleBase
        | Power::Projection
        | Power::Digests => yes(true),
    }
}

/// Without any settings something is said, too; with the same settings the same; and each kind once, within bounds.
async fn description(stand: &Stand, described: &Description) -> Result<Found, Halt> {
    let failed = |error: CallError| Halt::call("describe")(error);
    stand.describe(BTreeMap::new()).await.map_err(failed)?;
    let again = stand.open(&sample::business(1, 1), dialect::Pages::Usual).await?.described;
    if *again != *described {
        return Ok(Found::refuted("asked twice with the same settings it describes two different things"));
    }
    Ok(Found::proved("with no settings at all something is said, and with the same settings the same"))
}
