//! From truths to what each system should hold.

use std::collections::BTreeSet;

use truthsource_core::record::RecordKey;
use truthsource_core::{Decimal, Fields, Kind, Value};
use truthsource_host::model::Level;

use super::Fold;
use super::halves::in_halves;
use crate::engine::connections::Parties;
use crate::engine::{Engine, Error};
use crate::store::Connection;

/// Asks every connector what its system would hold of the truths. One that fails keeps no other connection waiting, and
/// a record that makes it fail no other record: what it does not say is noted, and asked again later.
pub(super) async fn project(engine: &Engine, parties: &Parties, folds: &mut [Fold<'_>]) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = folds.iter().map(|it| it.key.kind).collect();
    for kind in kinds {
        for connection in parties.told(kind) {
            let mut told = Told::default();
            for (at, fold) in folds.iter().enumerate().filter(|(_, it)| it.key.kind == kind) {
                if let Some(fields) = fold.folding.tell(connection.id) {
                    told.at.push(at);
                    told.records.push(fields);
                }
            }
            publish(engine, connection, folds, &mut told).await?;
            let wants = match parties.mute.get(&connection.id) {
                Some(reason) => vec![Err(reason.clone()); told.records.len()],
                None => wants(engine, connection, kind, &told.records).await?,
            };
            for (at, want) in told.at.into_iter().zip(wants) {
                match want {
                    Ok(want) => folds[at].folding.projected(connection.id, want),
                    Err(reason) => drop(folds[at].untold.insert(connection.id, reason)),
                }
            }
        }
    }
    Ok(())
}

/// What a connection is told.
#[derive(Default)]
struct Told {
    /// Places among the folds.
    at: Vec<usize>,
    /// What of each.
    records: Vec<Fields>,
}

async fn wants(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Fields, String>>, Error> {
    let ask = |part| engine.guests.project(connection, kind, part);
    let wants = in_halves(records, ask).await?;
    Ok(wants.into_iter().map(|it| it.map_err(|error| error.to_string())).collect())
}

/// Lets the tenant's stock rule say what a connection that stock is published to may see: never more than its buffers
/// leave. Where the rule fails nothing is told.
async fn publish(
    engine: &Engine,
    connection: &Connection,
    folds: &mut [Fold<'_>],
    told: &mut Told,
) -> Result<(), Error> {
    if connection.spec.publishes.is_none() {
        return Ok(());
    }
    let level = |at: &usize| level_of(connection, folds[*at].key, &folds[*at].folding.state().truth.values());
    let (places, levels): (Vec<usize>, Vec<Level>) =
        told.at.iter().enumerate().filter_map(|(place, at)| Some((place, level(at)?))).unzip();
    let shown = in_halves(&levels, |part| Box::pin(async move { publish_part(engine, part).await })).await?;
    let mut silent = BTreeSet::new();
    for (place, shown) in places.into_iter().zip(shown) {
        match shown {
            Ok(Some(shown)) => lower(&mut told.records[place], shown),
            Ok(None) => {}
            Err(error) => {
                folds[told.at[place]].untold.insert(connection.id, format!("the stock rule: {error}"));
                silent.insert(place);
            }
        }
    }
    let mut place = 0..;
    told.records.retain(|_| place.next().is_some_and(|it| !silent.contains(&it)));
    let mut place = 0..;
    told.at.retain(|_| place.next().is_some_and(|it| !silent.contains(&it)));
    Ok(())
}

async fn publish_part(engine: &Engine, levels: &[Level]) -> Result<Vec<Option<Decimal>>, truthsource_host::CallError> {
    let shown = engine.guests.publish(levels).await?;
    Ok(shown.map_or_else(|| vec![None; levels.len()], |it| it.into_iter().map(Some).collect()))
}

fn level_of(connection: &Connection, key: &RecordKey, truth: &Fields) -> Option<Level> {
    let text = |name: &str| truth.get(name)?.as_text().map(str::to_owned);
    let on_hand = truth.get("on_hand").filter(|_| key.kind == Kind::StockLevel)?.as_number()?;
    Some(Level {
        item: text("item")?,
        location: text("location")?,
        channel: connection.name.clone(),
        on_hand,
        reserved: Decimal::ZERO,
        unacknowledged: Decimal::ZERO,
    })
}

fn lower(fields: &mut Fields, shown: Decimal) {
    if let Some(Value::Number(on_hand)) = fields.get_mut("on_hand") {
        *on_hand = shown.min(*on_hand);
    }
}
