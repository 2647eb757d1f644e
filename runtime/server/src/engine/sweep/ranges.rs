//! What a system adds up: where that comes to what is known, nothing is listed.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{Observed, RecordKey, State};
use truthsource_core::{Decimal, Fields, Kind};
use truthsource_host::CallError;
use truthsource_host::model::{HeldRecord, RangeDigest, RangeTold};

use super::compare;
use crate::engine::address::{Links, references};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Engine, Error};
use crate::store::{Change, CursorRow, SweepRow};

/// Records of which something is looked up at once.
const CHUNK: usize = 500;

/// Has the system add up the kind, where it can. What comes to what is known counts as read; the ranges of `sweep` are those
/// that do not. An error: the system could not be asked now.
pub(super) async fn begin(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    kind: Kind,
    (row, sweep): (&CursorRow, &mut SweepRow),
) -> Result<Result<(), CallError>, Error> {
    if !parties.care(lane.connection.id, kind).digests {
        return Ok(Ok(()));
    }
    let told = engine.guests.tell(&lane.connection, kind).await;
    lane.note(engine, told.as_ref().map(|_| ()));
    let told = match told {
        Ok(Some(told)) => told,
        Ok(None) => return Ok(Ok(())),
        Err(error) if error.is_retryable() => return Ok(Err(error)),
        Err(error) => {
            tracing::warn!(connection = lane.connection.name, %kind, %error, "it cannot be added up and is read in full");
            return Ok(Ok(()));
        }
    };
    sweep.pages += 1;
    let ids = engine.store.unswept(lane.connection.id, kind, sweep.id).await?;
    let known = match add_up(engine, lane, kind, &ids).await? {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(connection = lane.connection.name, %kind, %error, "what is known of it cannot be added up");
            return Ok(Ok(()));
        }
    };
    let (as_known, other): (Vec<RangeTold>, Vec<RangeTold>) =
        told.into_iter().partition(|it| known.get(&it.digest.range).is_some_and(|known| known.sums == it.digest.sums));
    let as_known = as_known.iter().filter_map(|it| known.get(&it.digest.range)).flat_map(|it| &it.remote_ids);
    let as_known: Vec<String> = as_known.cloned().collect();
    for ids in as_known.chunks(CHUNK) {
        let held = held(engine, lane, kind, ids).await?;
        let seen: Vec<Observed> = held.into_iter().map(|it| Observed::Present(it.state)).collect();
        let mut batch = lane.batch(engine);
        compare::compare(engine, parties, lane, (kind, &seen), sweep, &mut batch).await?;
        let (connection, remote_ids) = (lane.connection.id, ids.to_vec());
        batch.changes.push(Change::Swept { connection, kind, sweep: sweep.id, remote_ids });
        // Should it break off here, everything is listed, and what was counted is not counted again.
        lane.commit_at(engine, kind, CursorRow { sweep: Some(sweep.clone()), ..row.clone() }, batch).await?;
    }
    sweep.ranges = Some(other.into_iter().map(|it| it.cursor).collect());
    Ok(Ok(()))
}

/// A range, as far as is known.
#[derive(Default)]
struct Known {
    sums: Vec<Decimal>,
    remote_ids: Vec<String>,
}

impl Known {
    /// Where it cannot be added any more it is like nothing that is told.
    fn add(&mut self, remote_id: String, sums: Vec<Decimal>) {
        self.sums = match self.remote_ids.is_empty() {
            true => sums,
            false => self.sums.iter().zip(&sums).filter_map(|(a, b)| a.checked_add(*b)).collect(),
        };
        self.remote_ids.push(remote_id);
    }
}

/// What is known of these records adds up to this, by range.
async fn add_up(
    engine: &Engine,
    lane: &Lane,
    kind: Kind,
    ids: &[String],
) -> Result<Result<BTreeMap<String, Known>, CallError>, Error> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for ids in ids.chunks(CHUNK) {
        let held: Vec<HeldRecord> = held(engine, lane, kind, ids).await?.into_iter().map(|it| it.told).collect();
        let digests = match engine.guests.add(&lane.connection, kind, &held).await {
            Ok(digests) => digests,
            Err(error) => return Ok(Err(error)),
        };
        for (held, RangeDigest { range, sums }) in held.into_iter().zip(digests) {
            known.entry(range).or_default().add(held.remote_id, sums);
        }
    }
    Ok(Ok(known))
}

/// A record that is there, as far as is known.
struct Held {
    /// As the engine compares it.
    state: State,
    /// As its connector tells it: the same but behind a mapping.
    told: HeldRecord,
}

async fn held(engine: &Engine, lane: &Lane, kind: Kind, ids: &[String]) -> Result<Vec<Held>, Error> {
    let connection = lane.connection.id;
    let links = engine.store.links_from(connection, kind, &ids.iter().cloned().collect()).await?;
    let keys: BTreeSet<RecordKey> = links.values().map(|key| RecordKey::new(kind, key)).collect();
    let states = engine.store.states(&keys).await?;
    let shadows = links.into_iter().filter_map(|(remote_id, key)| {
        let shadow = states.get(&RecordKey::new(kind, &key))?.shadows.get(&connection)?;
        let fields: Fields = shadow.fields.iter().map(|(name, it)| (name.clone(), it.value.clone())).collect();
        (shadow.exists() && shadow.remote_id == remote_id).then_some((remote_id, fields, shadow))
    });
    let shadows: Vec<_> = shadows.collect();
    let wanted = references(shadows.iter().map(|(_, fields, _)| (kind, fields)));
    let links = Links::to(engine, connection, wanted).await?;
    let held = shadows.into_iter().map(|(remote_id, fields, shadow)| {
        let fields = links.translate(kind, &fields);
        let told = shadow.unmapped.held.clone().unwrap_or_else(|| fields.clone());
        let state = State { remote_id: remote_id.clone(), fields, version: shadow.version.clone(), ..State::default() };
        Held { state, told: HeldRecord { remote_id, fields: told } }
    });
    Ok(held.collect())
}

#[cfg(test)]
mod tests;
