//! From truths to what each system should hold.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::Folding;
use truthsource_core::plant::{self, Bug};
use truthsource_core::stock::told;
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value};
use truthsource_host::CallError;
use truthsource_host::model::Level;

use super::priced::price;
use super::{Debts, Fold};
use crate::engine::connections::Parties;
use crate::engine::halves::in_halves;
use crate::engine::mapped::{self, Wanted};
use crate::engine::{Engine, Error};
use crate::store::{Connection, DebtState};

/// Asks every connector what its system would hold of the truths that moved, or that it has not said it of. One that fails keeps no other connection waiting, and
/// a record that makes it fail no other record: what it does not say is noted, and asked again later.
pub(super) async fn project(
    engine: &Engine,
    parties: &Parties,
    debts: &Debts,
    folds: &mut [Fold<'_>],
    at: UnixMs,
) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = folds.iter().map(|it| it.key.kind).collect();
    for kind in kinds {
        for connection in parties.told(kind) {
            let of_kind = folds.iter().enumerate().filter(|(_, it)| it.key.kind == kind);
            let of_kind = of_kind.filter(|(_, it)| !is_said(it, connection, debts));
            let mut told: Vec<(usize, Fields)> =
                of_kind.filter_map(|(at, it)| Some((at, it.folding.tell(connection.id)?))).collect();
            if kind == Kind::StockLevel && connection.spec.publishes.is_some() {
                publish((engine, parties), connection, folds, &mut told).await?;
            }
            if let Some(by) = connection.spec.priced_by.as_deref().filter(|_| kind == Kind::Price) {
                price(engine, (connection.id, by), at, folds, &mut told).await?;
            }
            let (places, records): (Vec<usize>, Vec<Fields>) = told.into_iter().unzip();
            let wants = match parties.mute.get(&connection.id) {
                Some(reason) => records.iter().map(|_| Err(reason.clone())).collect(),
                None => wants(engine, connection, kind, &records).await?,
            };
            for (at, want) in places.into_iter().zip(wants) {
                match want {
                    Ok(want) => folds[at].folding.projected(connection.id, want.fields, want.unmapped),
                    Err(reason) => drop(folds[at].untold.insert(connection.id, reason)),
                }
            }
        }
    }
    Ok(())
}

/// The connector has said what its system should hold of this very truth, and nothing has asked it again since.
fn is_said(fold: &Fold<'_>, connection: &Connection, debts: &Debts) -> bool {
    if fold.key.kind == Kind::StockLevel && connection.spec.publishes.is_some() {
        // It depends on other records, too.
        return false;
    }
    let shadow = fold.folding.state().shadows.get(&connection.id);
    let debt = debts.get(&(fold.key.clone(), connection.id));
    let is_asked = debt.is_some_and(|it| it.state == DebtState::Untold);
    !fold.folding.moved() && !fold.outdated.told && !is_asked && shadow.is_some_and(|it| !it.want.is_empty())
}

async fn wants(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Wanted, String>>, Error> {
    if plant::on(Bug::TellRawTruth) {
        return Ok(records.iter().map(|it| Ok(Wanted { fields: it.clone(), unmapped: None })).collect());
    }
    let wants = mapped::project(engine, connection, kind, records).await?;
    Ok(wants.into_iter().map(|it| it.map_err(|error| error.to_string())).collect())
}

/// Lets the tenant's stock rule say what a connection that stock is published to may see: never more than its buffers
/// leave. Where the rule fails nothing is told.
async fn publish(
    (engine, parties): (&Engine, &Parties),
    connection: &Connection,
    folds: &mut [Fold<'_>],
    told_of: &mut Vec<(usize, Fields)>,
) -> Result<(), Error> {
    let (complete, levels): (Vec<usize>, Vec<Level>) =
        told_of.iter().filter_map(|(at, _)| Some((*at, level_of(parties, connection, &folds[*at].folding)?))).unzip();
    let shown = in_halves(&levels, |part| Box::pin(published(engine, part))).await?;
    let mut shown: BTreeMap<usize, _> = complete.into_iter().zip(shown).collect();
    told_of.retain_mut(|(at, fields)| match shown.remove(at) {
        Some(Ok(Some(shown))) => {
            let own = folds[*at].folding.supply().promised.own(connection.id);
            let tells = connection.spec.publishes.as_ref().map(|it| it.tells).unwrap_or_default();
            lower(fields, told(Some(shown), None, own, tells));
            true
        }
        Some(Ok(None)) | None => true,
        Some(Err(error)) => {
            folds[*at].untold.insert(connection.id, format!("the stock rule: {error}"));
            false
        }
    });
    Ok(())
}

/// What may be seen of each level; nothing is said where there is no rule.
async fn published(engine: &Engine, levels: &[Level]) -> Result<Vec<Option<Decimal>>, CallError> {
    let shown = engine.guests.publish(levels).await?;
    Ok(shown.map_or_else(|| vec![None; levels.len()], |it| it.into_iter().map(Some).collect()))
}

/// What the rule is told of a level. A kit has what can be made of its parts; nothing of that is promised.
fn level_of(parties: &Parties, connection: &Connection, folding: &Folding<'_>) -> Option<Level> {
    let (truth, supply) = (folding.state().truth.values(), folding.supply());
    let text = |name: &str| truth.get(name)?.as_text().map(str::to_owned);
    let (item, location, channel) = (text("item")?, text("location")?, connection.name.clone());
    if parties.rules.is_kit(&truth) {
        let kits = parties.rules.free(connection.id, &truth, supply)?.unwrap_or_default();
        let (on_hand, nothing) = (kits.max(Decimal::ZERO), Decimal::ZERO);
        return Some(Level { item, location, channel, on_hand, reserved: nothing, unacknowledged: nothing });
    }
    let (reserved, unacknowledged) = (supply.promised.reserved, supply.promised.unacknowledged()?);
    Some(Level { item, location, channel, on_hand: truth.get("on_hand")?.as_number()?, reserved, unacknowledged })
}

fn lower(fields: &mut Fields, shown: Decimal) {
    if let Some(Value::Number(on_hand)) = fields.get_mut("on_hand") {
        *on_hand = shown.min(*on_hand);
    }
}
