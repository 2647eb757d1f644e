//! A connection as the engine sees it: its connector, and before it the tenant's own mapping where there is one.
//!
//! What a connector says is mapped one way, what it is told the other, and of both the unmapped side is kept: decisions
//! are taken on what the mapping makes of a record, while a write is sent and compared in the connector's own words. A
//! mapping need not lead back, therefore: of two spellings that it takes for one, the connector is told the one that its
//! system holds.

use futures::future::BoxFuture;
use truthsource_core::budget::Class;
use truthsource_core::{Fields, Kind};
use truthsource_host::model::{Observed, Outcome, Page, Pull, State, Unread, Write};
use truthsource_host::{CallError, Misfit};

use super::Engine;
use super::connections::Parties;
use super::halves::in_halves;
use crate::store::{Connection, Debt, Intent};

/// One page of a listing. A record that the mapping fails on is unread; the others are not its hostages.
pub(super) async fn pull(
    engine: &Engine,
    connection: &Connection,
    (pull, class): (&Pull, Class),
) -> Result<Page, CallError> {
    let page = engine.guests.pull(connection, pull, class).await?;
    let ids: Vec<String> = page.entries.iter().map(|it| it.remote_id().to_owned()).collect();
    let mut mapped = Page { entries: Vec::new(), ..page };
    for (remote_id, seen) in ids.into_iter().zip(seen(engine, connection, pull.kind, page.entries).await?) {
        match seen {
            Ok(observed) => mapped.entries.push(observed),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => mapped.unread.push(Unread { remote_id, reason: told(&error) }),
        }
    }
    Ok(mapped)
}

/// The present state under each id, in order.
pub(super) async fn read(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    (remote_ids, certain): (&[String], bool),
) -> Result<Vec<Result<Observed, CallError>>, CallError> {
    let read = engine.guests.read(connection, kind, remote_ids, certain).await?;
    seen(engine, connection, kind, read).await
}

/// What was created under a command key.
pub(super) async fn find(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    command_key: &str,
) -> Result<Option<State>, CallError> {
    let Some(found) = engine.guests.find(connection, kind, command_key).await? else { return Ok(None) };
    match seen(engine, connection, kind, vec![Observed::Present(found)]).await?.pop() {
        Some(Ok(Observed::Present(state))) => Ok(Some(state)),
        Some(Err(error)) => Err(error),
        Some(Ok(Observed::Absent(_))) | None => Err(left_out()),
    }
}

/// Carries out writes that are in the connector's words; what became of them is in canonical fields.
pub(super) async fn push(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    writes: &[Write],
) -> Result<Vec<Outcome>, CallError> {
    let outcomes = engine.guests.push(connection, writes).await?;
    let held = |it: &Outcome| match it {
        Outcome::Applied(state) | Outcome::Stale(Observed::Present(state)) => Some(Observed::Present(state.clone())),
        _ => None,
    };
    let held: Vec<Observed> = outcomes.iter().filter_map(held).collect();
    let n = held.len();
    let seen = seen(engine, connection, kind, held).await.unwrap_or_else(|error| vec![Err(error); n]);
    let mut seen = seen.into_iter();
    let mapped = outcomes.into_iter().map(|outcome| match &outcome {
        Outcome::Applied(_) => match seen.next() {
            Some(Ok(Observed::Present(state))) => Outcome::Applied(state),
            Some(Err(error)) => Outcome::Unknown(told(&error)),
            Some(Ok(Observed::Absent(_))) | None => Outcome::Unknown(told(&left_out())),
        },
        Outcome::Stale(Observed::Present(_)) => match seen.next() {
            Some(Ok(observed)) => Outcome::Stale(observed),
            Some(Err(error)) => Outcome::Retry(None, told(&error)),
            None => outcome,
        },
        _ => outcome,
    });
    Ok(mapped.collect())
}

/// What a connection should hold.
pub(super) struct Wanted {
    /// As the engine compares it.
    pub fields: Fields,
    /// As its connector is told it; `None` without a mapping.
    pub unmapped: Option<Fields>,
}

/// What the connection's system would hold of these records, in order.
pub(super) async fn project(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Wanted, CallError>>, CallError> {
    let told = from_canonical(engine, connection, kind, records).await?;
    let plain = told.iter().zip(records).filter_map(|(told, record)| {
        let told = told.as_ref().ok()?.as_ref();
        Some(told.unwrap_or(record).clone())
    });
    let plain: Vec<Fields> = plain.collect();
    let ask = |part| engine.guests.project(connection, kind, part);
    let wants = in_halves(&plain, ask).await?;
    let shown: Vec<Fields> = wants.iter().filter_map(|it| it.as_ref().ok().cloned()).collect();
    let mut made = to_canonical(engine, connection, kind, &shown).await?.into_iter();
    let mut wanted = wants.into_iter().map(|want| match (want?, made.next().transpose()?) {
        (want, Some(Made::Of(fields))) => Ok(Wanted { fields, unmapped: Some(want) }),
        (fields, Some(Made::Same)) => Ok(Wanted { fields, unmapped: None }),
        (_, Some(Made::Nothing) | None) => Err(left_out()),
    });
    Ok(told.into_iter().map(|it| it.and_then(|_| wanted.next().unwrap_or_else(|| Err(left_out())))).collect())
}

/// Says of begun writes that a mapping stands before which of the connector's fields are to be sent: those that differ
/// between the record as it was and the record as the change leaves it. An answer an intent, in order.
pub(super) async fn phrase(
    engine: &Engine,
    parties: &Parties,
    connection: &Connection,
    intended: &mut [(Debt, Intent)],
) -> Result<Vec<Result<(), CallError>>, CallError> {
    let mut phrased = vec![Ok(()); intended.len()];
    for kind in Kind::ALL {
        let is_meant = |(_, (debt, intent)): &(usize, &(Debt, Intent))| {
            debt.key.kind == kind && intent.remote_id.is_some() && intent.unmapped.is_some()
        };
        let places: Vec<usize> = intended.iter().enumerate().filter(is_meant).map(|(at, _)| at).collect();
        let sides = places.iter().flat_map(|at| before_and_after(&intended[*at].1));
        let mut told = from_canonical(engine, connection, kind, &sides.collect::<Vec<Fields>>()).await?.into_iter();
        for at in places {
            let (before, after) = (told.next().unwrap_or(Ok(None)), told.next().unwrap_or(Ok(None)));
            phrased[at] = match (before, after, &mut intended[at].1.unmapped) {
                (Ok(Some(before)), Ok(Some(after)), Some(unmapped)) => {
                    let power = parties.power(connection.id, kind);
                    let names = unmapped.want.keys().filter(|it| before.get(*it) != after.get(*it));
                    unmapped.changed = names.filter(|it| power.writable.contains(*it)).cloned().collect();
                    if unmapped.changed.is_empty() { Err(told_nothing()) } else { Ok(()) }
                }
                (Err(error), ..) | (_, Err(error), _) => Err(error),
                _ => Ok(()),
            };
        }
    }
    Ok(phrased)
}

fn before_and_after(intent: &Intent) -> [Fields; 2] {
    let mut after = intent.base.clone();
    after.extend(
        intent.want.iter().filter(|(name, _)| intent.changed.contains(name)).map(|(n, v)| (n.clone(), v.clone())),
    );
    [intent.base.clone(), after]
}

/// What the mapping makes of what a connector said. What it leaves out does not exist for this tenant.
async fn seen(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    observed: Vec<Observed>,
) -> Result<Vec<Result<Observed, CallError>>, CallError> {
    let fields = |it: &Observed| if let Observed::Present(state) = it { Some(state.fields.clone()) } else { None };
    let records: Vec<Fields> = observed.iter().filter_map(fields).collect();
    let mut made = to_canonical(engine, connection, kind, &records).await?.into_iter();
    let mapped = observed.into_iter().map(|it| match it {
        Observed::Absent(_) => Ok(it),
        Observed::Present(state) => match made.next() {
            Some(Ok(Made::Of(fields))) => {
                let unmapped = Some(state.fields);
                Ok(Observed::Present(State { fields, unmapped, ..state }))
            }
            Some(Ok(Made::Nothing)) => Ok(Observed::Absent(state.remote_id)),
            Some(Err(error)) => Err(error),
            Some(Ok(Made::Same)) | None => Ok(Observed::Present(state)),
        },
    });
    Ok(mapped.collect())
}

/// What a mapping makes of a record.
#[derive(Clone)]
enum Made {
    /// There is no mapping.
    Same,
    /// For this tenant there is no such record.
    Nothing,
    /// This.
    Of(Fields),
}

/// One answer a record; one that the mapping fails on costs no other its answer.
async fn to_canonical(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Made, CallError>>, CallError> {
    let ask = |part| Box::pin(made(engine, connection, kind, part)) as BoxFuture<'_, _>;
    in_halves(records, ask).await
}

async fn made(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Made>, CallError> {
    let made = engine.guests.map_in(connection, kind, records).await?;
    let Some(made) = made else { return Ok(vec![Made::Same; records.len()]) };
    Ok(made.into_iter().map(|it| it.map_or(Made::Nothing, Made::Of)).collect())
}

/// One answer a record; `None` where there is no mapping.
async fn from_canonical(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Result<Option<Fields>, CallError>>, CallError> {
    let ask = |part| Box::pin(phrased(engine, connection, kind, part)) as BoxFuture<'_, _>;
    in_halves(records, ask).await
}

async fn phrased(
    engine: &Engine,
    connection: &Connection,
    kind: Kind,
    records: &[Fields],
) -> Result<Vec<Option<Fields>>, CallError> {
    let told = engine.guests.map_out(connection, kind, records).await?;
    Ok(told.map_or_else(|| vec![None; records.len()], |it| it.into_iter().map(Some).collect()))
}

/// Why a record got no further, for people.
pub(super) fn told(error: &CallError) -> String {
    format!("the mapping: {error}")
}

fn told_nothing() -> CallError {
    let reason = "the mapping makes no difference of the change to any field that can be written there";
    CallError::BadOutput(Misfit::new("record", reason))
}

fn left_out() -> CallError {
    CallError::BadOutput(Misfit::new("record", "the mapping leaves out what the connection is to hold"))
}

#[cfg(test)]
mod tests;
