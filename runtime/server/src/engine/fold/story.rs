//! What happened to a record, for people.

use std::collections::BTreeMap;

use truthsource_core::fold::{Note, unlinked};
use truthsource_core::record::{Cause, ConnectionId, Entry, KeyState, RecordKey, Settlement};
use truthsource_core::{Fields, UnixMs, Value};

use crate::engine::connections::Parties;
use crate::store::{About, Batch, Change, Conflict, Event, What};

/// The record's timeline and conflicts.
pub(super) fn tell_story(
    parties: &Parties,
    key: &RecordKey,
    (before, after): (&KeyState, &KeyState),
    (notes, cause, policies): (Vec<Note>, Option<Cause>, &BTreeMap<String, String>),
    batch: &mut Batch,
) {
    let at = batch.at;
    let event = |connection, what| Change::Event(Event { id: 0, at, key: key.clone(), connection, what });
    for note in notes {
        match note {
            Note::Moved(connection, moved) => {
                let cause = cause.unwrap_or(Cause::Poll);
                let held = after.shadows.get(&connection);
                let changed_at = held.and_then(|it| it.fresh.as_ref()).and_then(|it| it.changed_at);
                let version = held.map(|it| it.version.clone()).unwrap_or_default();
                let what = What::Observed { cause, moved, changed_at, version };
                batch.changes.push(event(Some(connection), what));
            }
            Note::Vanished(connection, deletes) => {
                batch.changes.push(event(Some(connection), What::Vanished));
                // Of what is deleted for everybody it is expected.
                if !deletes && after.truth.deleted_at.is_none() {
                    ask_about_the_lost(parties, key, connection, batch);
                }
            }
            Note::Disagreed { field, claims, outcome, reason } => {
                let claims = claims.into_iter().map(|it| (parties.name(it.connection), it.now)).collect();
                let policy = policies.get(&field).map_or("", String::as_str);
                let what = What::Decided {
                    field: field.clone(),
                    outcome: outcome.as_ref().map_or("held".to_owned(), |it| it.to_json().to_string()),
                    policy: policy.to_owned(),
                    reason: reason.clone(),
                };
                batch.changes.push(event(None, what));
                if outcome.is_none() {
                    let (about, reason) = (field.clone(), reason.clone());
                    batch.changes.push(event(None, What::Asked { about, reason }));
                }
                batch.changes.push(conflict(at, key, About::Field(field), (claims, outcome), (&reason, policy)));
            }
            Note::Settled(field, outcome, reason) => {
                batch.changes.push(closed(key, About::Field(field), (outcome, &reason)));
            }
        }
    }
    tell_of_the_lost(parties, key, (before, after), batch);
    let old = before.truth.values();
    let fields: Fields =
        after.truth.values().into_iter().filter(|(name, value)| old.get(name) != Some(value)).collect();
    if !fields.is_empty() {
        batch.changes.push(event(None, What::Resolved { version: after.truth.version, fields }));
    }
}

/// What a person said.
pub(super) fn tell_of_an_answer(key: &RecordKey, entry: &Entry, batch: &mut Batch) {
    let Entry::Settled { what, by } = entry else { return };
    let (about, connection, outcome) = match what {
        Settlement::Field { field, value } => (field.clone(), None, value.clone()),
        Settlement::Deleted(connection) => ("vanished".to_owned(), Some(*connection), "deleted".into()),
        Settlement::Recreated(connection) => ("vanished".to_owned(), Some(*connection), "recreated".into()),
    };
    let (at, key, what) = (batch.at, key.clone(), What::Answered { about, outcome, by: by.clone() });
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection, what }));
}

/// What became of the record where it had vanished: whether it is gone is no question any more once it is there again, or
/// deleted for everybody.
fn tell_of_the_lost(parties: &Parties, key: &RecordKey, (before, after): (&KeyState, &KeyState), batch: &mut Batch) {
    let is_deleted = before.truth.deleted_at.is_none() && after.truth.deleted_at.is_some();
    let is_returned = before.truth.deleted_at.is_some() && after.truth.deleted_at.is_none();
    let was_gone = |connection| before.shadows.get(connection).is_some_and(|it| it.gone);
    for connection in unlinked(before, after) {
        // A person misses it there: what is created anew has another id.
        batch.changes.push(Change::Unlink { connection, key: key.clone() });
        let (at, key) = (batch.at, key.clone());
        let it = Event { id: 0, at, key, connection: Some(connection), what: What::Unlinked };
        batch.changes.push(Change::Event(it));
    }
    for (connection, shadow) in after.shadows.iter().filter(|(connection, _)| was_gone(connection)) {
        let about = About::Vanished(*connection);
        if !shadow.gone {
            batch.changes.push(closed(key, about, ("recreated".into(), "it is there again")));
        } else if is_deleted {
            batch.changes.push(closed(key, about, ("deleted".into(), "it was deleted for everybody")));
        } else if is_returned {
            ask_about_the_lost(parties, key, *connection, batch);
        }
    }
}

/// The record vanished where that deletes nothing by itself, and is there where it counts.
fn ask_about_the_lost(parties: &Parties, key: &RecordKey, connection: ConnectionId, batch: &mut Batch) {
    let reason = "it was deleted there, but not where it counts: recreate it or delete it everywhere";
    let (at, claims) = (batch.at, [(parties.name(connection), Value::Null)].into());
    let what = What::Asked { about: "vanished".to_owned(), reason: reason.to_owned() };
    batch.changes.push(Change::Event(Event { id: 0, at, key: key.clone(), connection: Some(connection), what }));
    batch.changes.push(conflict(at, key, About::Vanished(connection), (claims, None), (reason, "")));
}

fn closed(key: &RecordKey, about: About, (outcome, reason): (Value, &str)) -> Change {
    let RecordKey { kind, key } = key.clone();
    Change::ConflictClosed { kind, key: Some(key), about, outcome, reason: reason.to_owned() }
}

fn conflict(
    at: UnixMs,
    key: &RecordKey,
    about: About,
    (claims, outcome): (BTreeMap<String, Value>, Option<Value>),
    (reason, policy): (&str, &str),
) -> Change {
    Change::Conflict(Conflict {
        id: 0,
        at,
        key: key.clone(),
        about,
        claims,
        outcome,
        reason: reason.to_owned(),
        policy: policy.to_owned(),
    })
}

#[cfg(test)]
mod tests;
