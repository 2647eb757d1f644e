//! What the records of a kind are decided under and told by, as one name: rules, ranks, and the releases that answer.
//!
//! Every truth is stored with its basis. Where that is another than the basis of now, the fold decides the record again:
//! whatever changed, whenever, and whoever died in between, there is nothing to be remembered. A fold names the basis
//! that it began with, and none where that did not last until its end, so what a release decided that was just
//! replaced is found too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::rules::Rules;
use truthsource_core::{Kind, digest};
use truthsource_host::CallError;

use super::connections::Parties;
use super::{Engine, Error};
use crate::store::{Connection, PRICED_BY_RULES};

/// What a kind's records are decided under, and what systems are told them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Names rules, ranks, and the releases of policies and validators.
    decided: String,
    /// Names who is told, and the releases that make of truths what systems should hold.
    told: String,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.decided, self.told)
    }
}

/// What is to be done about a record because of its basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outdated {
    /// It was decided under something else: it is decided again.
    pub decided: bool,
    /// It is told by something else: all are told anew.
    pub told: bool,
}

impl Outdated {
    /// Anything is to be done.
    pub fn is_it(self) -> bool {
        self.decided || self.told
    }
}

impl Basis {
    /// How far a record's truth is behind, whose basis is stored.
    pub(super) fn outdates(&self, stored: &str) -> Outdated {
        let (decided, told) = stored.split_once('.').unwrap_or_default();
        Outdated { decided: decided != self.decided, told: told != self.told }
    }
}

/// The bases of all kinds. One is absent whose components cannot be named now: nothing is decided again for not knowing.
pub(super) async fn of(
    engine: &Engine,
    connections: &BTreeMap<ConnectionId, Connection>,
    rules: &Rules,
) -> BTreeMap<Kind, Basis> {
    let mut releases = Releases { engine, known: BTreeMap::new() };
    let mut bases = BTreeMap::new();
    for kind in Kind::ALL {
        match basis(&mut releases, kind, connections, rules).await {
            Ok(basis) => drop(bases.insert(kind, basis)),
            Err(error) => tracing::debug!(%kind, %error, "it is not known what this kind is decided under"),
        }
    }
    bases
}

/// What answers in which slot, asked once.
struct Releases<'a> {
    engine: &'a Engine,
    known: BTreeMap<String, Option<String>>,
}

impl Releases<'_> {
    async fn of(&mut self, slot: &str) -> Result<Option<String>, CallError> {
        if let Some(known) = self.known.get(slot) {
            return Ok(known.clone());
        }
        let found = self.engine.guests.release(slot).await?;
        self.known.insert(slot.to_owned(), found.clone());
        Ok(found)
    }
}

async fn basis(
    releases: &mut Releases<'_>,
    kind: Kind,
    connections: &BTreeMap<ConnectionId, Connection>,
    rules: &Rules,
) -> Result<Basis, CallError> {
    let fields: Vec<_> = rules.fields.iter().filter(|it| it.kind.is_none_or(|it| it == kind)).collect();
    let mut deciding = BTreeMap::new();
    let policies = fields.iter().filter_map(|it| it.policy.clone());
    for slot in policies.chain([format!("validator:{kind}")]) {
        deciding.insert(slot.clone(), releases.of(&slot).await?);
    }
    let (mut parts, mut told) = (Vec::new(), Vec::new());
    for (id, rule) in &rules.connections {
        let (Some(direction), Some(connection)) = (rule.kinds.get(&kind), connections.get(id)) else { continue };
        parts.push((id, rule.rank, direction));
        if !direction.writes {
            continue;
        }
        let publishes = rule.publishes.as_ref().filter(|_| kind == Kind::StockLevel);
        let stock = if publishes.is_some() { releases.of("stock").await? } else { None };
        let connector = releases.of(&connection.spec.connector).await?;
        let mapping = releases.of(&format!("mapping:{}", connection.name)).await?;
        let priced_by = connection.spec.priced_by.as_deref().filter(|_| kind == Kind::Price);
        let pricing = match priced_by.filter(|it| *it != PRICED_BY_RULES) {
            Some(slot) => releases.of(slot).await?,
            None => None,
        };
        told.push((
            id,
            direction.creates,
            &connection.spec.settings,
            publishes,
            priced_by,
            [connector, mapping, stock, pricing],
        ));
    }
    let stock = (kind == Kind::StockLevel).then_some(&rules.stock);
    Ok(Basis { decided: named(&(fields, parts, deciding)), told: named(&(told, stock)) })
}

/// A short name: equal things have equal names, others have others.
fn named(it: &impl Serialize) -> String {
    // Everything in it is ordered, so equal things have equal JSON.
    let json = serde_json::to_vec(it).unwrap_or_default();
    let digest: digest::Digest = Sha256::digest(json).into();
    digest::hex(&digest)[..16].to_owned()
}

/// Some records that are behind, of every kind.
pub(super) async fn some_outdated(
    engine: &Engine,
    parties: &Parties,
    n_max: u32,
) -> Result<BTreeSet<RecordKey>, Error> {
    if plant::on(Bug::KeepDecisions) {
        return Ok(BTreeSet::new());
    }
    Ok(engine.store.outdated(&names(&parties.bases), n_max).await?)
}

/// What is to be done about each of these records.
pub(super) async fn outdated_of(
    engine: &Engine,
    parties: &Parties,
    keys: &BTreeSet<RecordKey>,
) -> Result<BTreeMap<RecordKey, Outdated>, Error> {
    let stored = engine.store.bases(keys).await?.into_iter();
    let behind = stored.filter_map(|(key, stored)| {
        let outdated = parties.bases.get(&key.kind)?.outdates(&stored);
        outdated.is_it().then_some((key, outdated))
    });
    Ok(behind.collect())
}

/// Those of these records that nothing may be written of yet: what they are owed was decided under something else. `None`
/// where it is not known, as rules or releases changed a moment ago.
pub(super) async fn unwritable(
    engine: &Engine,
    parties: &Parties,
    keys: &BTreeSet<RecordKey>,
) -> Result<Option<BTreeSet<RecordKey>>, Error> {
    if plant::on(Bug::KeepDecisions) {
        return Ok(Some(BTreeSet::new()));
    }
    if Parties::bases_now(engine).await? != parties.bases {
        return Ok(None);
    }
    // Where nothing is behind, which is nearly always, that is all there is to ask.
    if engine.store.outdated(&names(&parties.bases), 1).await?.is_empty() {
        return Ok(Some(BTreeSet::new()));
    }
    Ok(Some(outdated_of(engine, parties, keys).await?.into_keys().collect()))
}

/// How many records of each kind are still to be decided again.
///
/// # Errors
/// When the store fails.
pub async fn deciding(engine: &Engine) -> Result<BTreeMap<Kind, u64>, Error> {
    let bases = Parties::bases_now(engine).await?;
    Ok(engine.store.count_outdated(&names(&bases)).await?)
}

fn names(bases: &BTreeMap<Kind, Basis>) -> BTreeMap<Kind, String> {
    bases.iter().map(|(kind, basis)| (*kind, basis.to_string())).collect()
}

#[cfg(test)]
mod tests;
