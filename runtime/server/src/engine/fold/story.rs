//! What happened to a record, for people.

use std::collections::BTreeMap;

use truthsource_core::fold::Note;
use truthsource_core::record::{Cause, KeyState, RecordKey};
use truthsource_core::{Fields, UnixMs, Value};

use crate::engine::connections::Parties;
use crate::store::{Batch, Change, Conflict, Event, What};

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
                let what = What::Observed { cause, moved, changed_at: None };
                batch.changes.push(event(Some(connection), what));
            }
            Note::Vanished(connection, deletes) => {
                batch.changes.push(event(Some(connection), What::Vanished));
                if !deletes {
                    let reason = "it was deleted there, but not where it counts: recreate it or delete it everywhere";
                    let claims = [(parties.name(connection), Value::Null)].into();
                    batch.changes.push(conflict(at, key, "*", (claims, None), (reason, "")));
                }
            }
            Note::Disagreed { field, claims, outcome, reason } => {
                let claims = claims.into_iter().map(|it| (parties.name(it.connection), it.now)).collect();
                let policy = policies.get(&field).map_or("", String::as_str);
                let what = What::Decided {
                    field: field.clone(),
                    outcome: outcome.as_ref().map_or("held".to_owned(), |it| it.to_json().to_string()),
                    policy: policy.to_owned(),
                };
                batch.changes.push(event(None, what));
                batch.changes.push(conflict(at, key, &field, (claims, outcome), (&reason, policy)));
            }
            Note::Settled(field, outcome, reason) => {
                let key = key.clone();
                batch.changes.push(Change::ConflictClosed { key, field, outcome, reason });
            }
        }
    }
    let old = before.truth.values();
    let fields: Fields =
        after.truth.values().into_iter().filter(|(name, value)| old.get(name) != Some(value)).collect();
    if !fields.is_empty() {
        batch.changes.push(event(None, What::Resolved { version: after.truth.version, fields }));
    }
}

fn conflict(
    at: UnixMs,
    key: &RecordKey,
    field: &str,
    (claims, outcome): (BTreeMap<String, Value>, Option<Value>),
    (reason, policy): (&str, &str),
) -> Change {
    Change::Conflict(Conflict {
        id: 0,
        at,
        key: key.clone(),
        field: field.to_owned(),
        claims,
        outcome,
        reason: reason.to_owned(),
        policy: policy.to_owned(),
    })
}
