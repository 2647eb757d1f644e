//! Writes whose answer was lost.

use std::collections::BTreeSet;

use truthsource_core::{Decimal, Kind, Value};
use truthsource_host::CallError;
use truthsource_host::model::{Effect, Fault, Outcome, Write};
use truthsource_simulators::journal::Change;

use super::rig::Rig;
use super::sample::{change, create, update, value};
use super::seen::begun;
use super::stand::Stand;
use super::verdict::{Found, Halt};
use super::write::{bring_to_end, made, shown, target, values};

/// A change whose answer was lost takes place once, and where stock is counted somebody else's movement stays, too.
///
/// # Errors
/// When it cannot be tried.
pub async fn repeated_update(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, state, field) = target(stand, kind).await?;
    let effect = rig.power(kind)?.effect;
    let write = update(&rig, kind, &state, (field, value(field, state.fields.get(field), 1)), "lost-update").await?;
    let from = rig.journal();
    rig.line.lose_next();
    let first = rig.push(&write).await;
    if rig.line.lost_nothing() {
        return Err(Halt::Broken(format!("a write of `{field}` changed nothing at the system: {first:?}")));
    }
    // Only a write that the system remembers can be told from what somebody else did since.
    let is_counted = field == "on_hand" && effect == Effect::Keyed;
    let moved = if is_counted { change(kind, 4).map(|it| rig.act(kind, &it)).transpose()? } else { None };
    let outcome = match first {
        Ok(outcome @ (Outcome::Applied(_) | Outcome::Stale(_))) => outcome,
        _ => bring_to_end(&rig, effect, &write).await?,
    };
    let lines = rig.effects(from, kind);
    let took = values(&lines, field);
    rig.settle(kind);
    let held = rig.look(kind, &state.remote_id).await?.and_then(|it| it.fields.get(field).cloned());
    let by = change_of(&moved.unwrap_or_default(), field);
    let wanted = write.want.get(field).map(|it| plus(it, by));
    let told = format!(
        "the answer to a write of `{field}` was lost after it was carried out, and it was brought to its end as `{outcome}`: \
         the field took {took:?} by our doing, and holds {}",
        shown(held.as_ref()),
        outcome = name(&outcome),
    );
    // What somebody else moved can be told from ours only where the first result is given again.
    let is_told = !is_counted || matches!(outcome, Outcome::Applied(_));
    Ok(if took.len() == 1 && held == wanted && is_told { Found::proved(told) } else { Found::refuted(told) })
}

/// By how much somebody moved a counter: the difference to before is in nobody's journal, so it is asked of the deed.
fn change_of(lines: &[Change], field: &str) -> i32 {
    // `change(kind, 4)` moves by five.
    if lines.iter().any(|it| it.field == field) { 5 } else { 0 }
}

fn plus(value: &Value, by: i32) -> Value {
    match value.as_number() {
        Some(number) if by != 0 => Value::Number(number + Decimal::from(by)),
        _ => value.clone(),
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied(_) => "applied",
        Outcome::Stale(_) => "stale",
        Outcome::Rejected(_) => "rejected",
        Outcome::Retry(..) => "retry",
        Outcome::Unknown(_) => "unknown",
    }
}

/// A creation whose answer was lost takes place once.
///
/// # Errors
/// When it cannot be tried.
pub async fn repeated_create(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, ..) = begun(stand, kind).await?;
    creates(&rig, kind)?;
    let effect = rig.power(kind)?.effect;
    let write = create(&rig, kind, 21, "lost-create").await?;
    let before = rig.list(kind).await?;
    let from = rig.journal();
    rig.line.lose_next();
    let first = rig.push(&write).await;
    if rig.line.lost_nothing() {
        return Err(Halt::Broken(format!("a creation changed nothing at the system: {first:?}")));
    }
    let outcome = match first {
        Ok(outcome @ Outcome::Applied(_)) => outcome,
        _ => bring_to_end(&rig, effect, &write).await?,
    };
    rig.settle(kind);
    let after = rig.list(kind).await?;
    let new: BTreeSet<&str> =
        after.states.keys().filter(|it| !before.states.contains_key(*it)).map(String::as_str).collect();
    let lines = rig.effects(from, kind);
    let told = format!(
        "the answer to a creation was lost after it was carried out, and it was brought to its end as `{}`: {} more are \
         listed, and the system made {}",
        name(&outcome),
        new.len(),
        made(&lines).len()
    );
    let is_named = matches!(&outcome, Outcome::Applied(state) if new.contains(state.remote_id.as_str()));
    Ok(if new.len() == 1 && made(&lines).len() <= 1 && is_named { Found::proved(told) } else { Found::refuted(told) })
}

fn creates(rig: &Rig, kind: Kind) -> Result<(), Halt> {
    match rig.power(kind)?.creates {
        true => Ok(()),
        false => Err(Halt::Undeclared("nothing is created".to_owned())),
    }
}

/// What was created is found by its key at once, however far searches lag, and nothing is found by another. Where it is not
/// found yet, creating it once more creates nothing.
///
/// # Errors
/// When it cannot be tried.
pub async fn find(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, ..) = begun(stand, kind).await?;
    creates(&rig, kind)?;
    let write = create(&rig, kind, 31, "found").await?;
    let before = rig.list(kind).await?;
    rig.lag(u64::from(rig.power(kind)?.lag_ms));
    let state = match rig.push(&write).await.map_err(Halt::call("push"))? {
        Outcome::Applied(state) => state,
        other => return Err(Halt::Broken(format!("a creation came to {other:?}"))),
    };
    let id = state.remote_id;
    let found = match rig.find(kind, &write.command_key).await {
        Ok(found) => found.map(|it| it.remote_id),
        Err(CallError::Refused(Fault::Unsupported(why))) => return Err(Halt::Undeclared(why)),
        // It may say that it cannot see everything yet.
        Err(CallError::Refused(Fault::Unavailable(_))) => Some(id.clone()),
        Err(error) => return Err(Halt::call("find")(error)),
    };
    let is_late = found.is_none();
    if is_late {
        let again = Write { first_sent: Some(rig.now()), ..write.clone() };
        rig.push(&again).await.map_err(Halt::call("push"))?;
    }
    rig.settle(kind);
    let later = rig.find(kind, &write.command_key).await.map_err(Halt::call("find"))?.map(|it| it.remote_id);
    let new = rig.list(kind).await?.states.into_keys().filter(|it| !before.states.contains_key(it)).count();
    if found.as_ref().is_some_and(|it| *it != id) || later.as_ref() != Some(&id) || new != 1 {
        let told = format!("created {id} under `{}`; found {found:?}, and later {later:?}", write.command_key);
        return Ok(Found::refuted(format!("{told}; {new} more are listed")));
    }
    for other in ["found-by-nobody", "found", "foun", "lost-create-command"] {
        if let Some(found) = rig.find(kind, other).await.map_err(Halt::call("find"))? {
            return Ok(Found::refuted(format!(
                "nothing was created under `{other}`, and {} was found",
                found.remote_id
            )));
        }
    }
    let when = if is_late { "once searches showed it, and repeating it meanwhile made no other" } else { "at once" };
    Ok(Found::proved(format!("created {id}, found it by its key {when}, and nothing by four other keys")))
}
