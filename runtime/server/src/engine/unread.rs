//! Records that are there and cannot be taken in: their connector or their mapping fails on them, or what they hold is not
//! as their schema says.
//!
//! Each is read by itself, again and again with growing waits, keeps no other waiting, and is a question for a person
//! once it failed a few times. Until it is read nobody knows what it is, so nothing of its kind is created where it is.

use std::collections::BTreeMap;

use truthsource_core::record::{Cause, ConnectionId, RecordKey};
use truthsource_core::{Kind, Value};

use super::{Engine, Error};
use crate::store::{About, Batch, Change, Conflict, Touched};

/// The failed try with which it becomes a question: what passes by itself has passed by then.
const ASKS_AT: u32 = 3;

/// A listing showed records that were not read with it: each is to be read by itself.
pub(super) fn touch(
    (connection, kind): (ConnectionId, Kind),
    remote_ids: impl Iterator<Item = String>,
    cause: Cause,
    batch: &mut Batch,
) {
    batch.changes.extend(remote_ids.map(|remote_id| Change::Touch { connection, kind, remote_id, cause }));
}

/// Asks a person about records that failed too often, each with the reason.
pub(super) async fn ask(
    engine: &Engine,
    (connection, name): (ConnectionId, &str),
    failed: &[(&Touched, String)],
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut asked: BTreeMap<Kind, Vec<&(&Touched, String)>> = BTreeMap::new();
    for it in failed.iter().filter(|(it, _)| it.attempts + 1 >= ASKS_AT) {
        asked.entry(it.0.kind).or_default().push(it);
    }
    for (kind, asked) in asked {
        let ids = asked.iter().map(|(it, _)| it.remote_id.clone()).collect();
        let links = engine.store.links_from(connection, kind, &ids).await?;
        for (it, reason) in asked {
            let key = links.get(&it.remote_id).map_or("*", String::as_str);
            batch.changes.push(Change::Conflict(Conflict {
                id: 0,
                at: batch.at,
                key: RecordKey::new(kind, key),
                about: about(connection, it),
                claims: [(name.to_owned(), Value::Text(it.remote_id.clone()))].into(),
                outcome: None,
                reason: format!("not read: {reason}"),
                policy: String::new(),
            }));
        }
    }
    Ok(())
}

/// It was read: it is no question any more.
pub(super) fn answered(connection: ConnectionId, it: &Touched) -> Change {
    let (outcome, reason) = (Value::Text(it.remote_id.clone()), "it was read".to_owned());
    Change::ConflictClosed { kind: it.kind, key: None, about: about(connection, it), outcome, reason }
}

fn about(connection: ConnectionId, it: &Touched) -> About {
    About::Unread { connection, remote_id: it.remote_id.clone() }
}
