//! Writes that are brought to an end as the engine brings them.

use std::collections::BTreeSet;

use truthsource_core::record::{Observed, State};
use truthsource_core::{Fields, Kind, Value};
use truthsource_host::CallError;
use truthsource_host::model::{Effect, Fault, Outcome, Write};
use truthsource_simulators::journal::Change;

use super::rig::Rig;
use super::sample::{change, edited};
use super::seen::begun;
use super::stand::Stand;
use super::verdict::Halt;

/// How long after a lost answer a write is tried again.
const AGAIN_MS: u64 = 7_000;
/// How often.
const TRIES: usize = 8;

/// A rig with a record that people change, as it is known now, and the field of it that is written.
///
/// # Errors
/// When nothing of the kind can be changed by a write.
pub async fn target(stand: &Stand, kind: Kind) -> Result<(Rig, State, &'static str), Halt> {
    let (rig, before, _) = begun(stand, kind).await?;
    let field = edited(rig.power(kind)?)
        .ok_or_else(|| Halt::Undeclared(format!("no field of a {kind} that exists is written")))?;
    // The record that people will change, or any where they change none.
    let moved = change(kind, 0).filter(|_| kind != Kind::Order).map(|deed| rig.act(kind, &deed));
    rig.settle(kind);
    let now = rig.list(kind).await?;
    let is_moved = |it: &&State| before.states.get(&it.remote_id).is_some_and(|was| was.fields != it.fields);
    let found =
        now.states.values().find(|it| matches!(moved, Some(Ok(_))) && is_moved(it)).or(now.states.values().next());
    let id = found.map(|it| it.remote_id.clone()).ok_or_else(|| Halt::Untested(format!("there is no {kind}")))?;
    let state = rig.look(kind, &id).await?;
    let state = state.ok_or_else(|| Halt::Broken(format!("{kind} {id} was listed, and is read as absent")))?;
    Ok((rig, state, field))
}

/// Tries a write that may have been carried out until it is known what became of it.
pub async fn bring_to_end(rig: &Rig, effect: Effect, write: &Write) -> Result<Outcome, Halt> {
    let write = Write { first_sent: write.first_sent.or(Some(rig.now())), ..write.clone() };
    let mut last = String::new();
    for _ in 0..TRIES {
        rig.pass(AGAIN_MS);
        match look_up(rig, effect, &write).await {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => {}
            Err(error) => {
                last = error.to_string();
                continue;
            }
        }
        match rig.push(&write).await {
            Ok(Outcome::Unknown(why) | Outcome::Retry(_, why)) => last = why,
            Ok(outcome) => return Ok(outcome),
            Err(error) => last = error.to_string(),
        }
    }
    Err(Halt::Broken(format!("a write whose answer was lost came to no end in {TRIES} tries: {last}")))
}

/// What became of it; `None`: it may be sent again.
async fn look_up(rig: &Rig, effect: Effect, write: &Write) -> Result<Option<Outcome>, CallError> {
    let Some(id) = &write.remote_id else {
        return match rig.find(write.kind, &write.command_key).await {
            Ok(found) => Ok(found.map(Outcome::Applied)),
            Err(CallError::Refused(Fault::Unsupported(_))) if effect != Effect::Unsafe => Ok(None),
            Err(error) => Err(error),
        };
    };
    if matches!(effect, Effect::Keyed | Effect::Conditional | Effect::Absolute) {
        return Ok(None);
    }
    let ids = std::slice::from_ref(id);
    let read = rig.guests.read(&rig.connection, write.kind, ids, true).await?.pop();
    let holds = |fields: &Fields, side: &Fields| write.changed.iter().all(|it| fields.get(it) == side.get(it));
    Ok(match read {
        Some(Observed::Present(state)) if holds(&state.fields, &write.want) => Some(Outcome::Applied(state)),
        Some(Observed::Present(state)) if holds(&state.fields, &write.base) => None,
        Some(observed) => Some(Outcome::Stale(observed)),
        None => Some(Outcome::Unknown("it was not read".to_owned())),
    })
}

/// Values that a field took one after the other, repetitions of the same left out. Whatever number the journal has for the
/// record: nothing else is written meanwhile.
#[must_use]
pub fn values<'a>(lines: &'a [Change], field: &str) -> Vec<&'a str> {
    let mut values: Vec<&str> = lines.iter().filter(|it| it.field == field).map(|it| &*it.value).collect();
    values.dedup();
    values
}

/// Records that an API call made, by id.
#[must_use]
pub fn made(lines: &[Change]) -> BTreeSet<&str> {
    lines.iter().filter(|it| it.field == "created").map(|it| it.id.as_str()).collect()
}

/// A value for people.
#[must_use]
pub fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |it| it.to_json().to_string())
}
