//! Fields that a system said something of and says nothing of any more: somebody took the column from the query, the
//! right to see it from our user, or a release of the connector dropped it.
//!
//! What is known of such a field stays as it is, and nobody is told that it is empty; but what the system holds there is
//! not verifiable any more, and where that is so of all records of a kind a person is asked. As soon as one says it again
//! the question is closed.

use truthsource_core::record::{RecordKey, Shadow};
use truthsource_core::{Fields, Kind, Value};

use super::compare::Differing;
use crate::engine::lane::Lane;
use crate::store::{About, Batch, Change, Conflict, Said, SweepRow};

/// In how many records a field must be lost, and told in none, to be a question: a few may lack it for reasons of their
/// own, like an order that holds a line of a kind that has no place in a record.
const ASKS_AT: u64 = 3;

/// Counts what a reading says of fields that the system told us of before, and is to hold. What is lost, with what it
/// should be.
pub(super) fn count((before, held): (Option<&Shadow>, &Fields), want: &Fields, sweep: &mut SweepRow) -> Differing {
    let Some(before) = before else { return Differing::new() };
    let mut lost = Differing::new();
    for (name, want) in want.iter().filter(|(name, _)| before.fields.contains_key(*name)) {
        let said = sweep.said.entry(name.clone()).or_default();
        if held.contains_key(name) {
            said.told += 1;
        } else {
            said.lost += 1;
            lost.insert(name.clone(), (Some(want.clone()), None));
        }
    }
    lost
}

/// At the end of a reading: asks about fields that are lost everywhere, and closes what was asked about those that are
/// there.
pub(super) fn ask(lane: &Lane, kind: Kind, sweep: &SweepRow, batch: &mut Batch) {
    let connection = lane.connection.id;
    for (field, Said { told, lost }) in &sweep.said {
        let about = About::Lost { connection, field: field.clone() };
        if *told > 0 {
            let reason = format!("{told} records said it again");
            batch.changes.push(Change::ConflictClosed { kind, key: None, about, outcome: Value::Null, reason });
        } else if *lost >= ASKS_AT {
            batch.changes.push(Change::Conflict(Conflict {
                id: 0,
                at: batch.at,
                key: RecordKey::new(kind, "*"),
                about,
                claims: [(lane.connection.name.clone(), Value::Text(field.clone()))].into(),
                outcome: None,
                reason: format!("none of {lost} records says `{field}` any more, and all of them did"),
                policy: String::new(),
            }));
        }
    }
}
