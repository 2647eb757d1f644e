//! Mass deletions: what is too much to be true waits for a person.
//!
//! A deletion where it counts takes a record from sale everywhere else, and an export that fails, a filter that
//! somebody set, or a script that runs wild looks like thousands of them. So deletions are counted over an hour, however
//! they are heard of, and what a complete reading lacks is counted at once. Beyond the limit nothing is taken as deleted
//! until a person says that it is meant: the kind is then read through once more, and what is missing is asked for by
//! its id.

use std::collections::BTreeMap;

use truthsource_core::fold::Folding;
use truthsource_core::record::{Cause, ConnectionId, Entry, RecordKey};
use truthsource_core::{Kind, UnixMs, Value};

use super::connections::Parties;
use super::{Engine, Error};
use crate::store::{About, Batch, Change, Conflict, CursorRow, Work};

/// More records than this are a mass, even in a large catalogue.
pub const MANY: u64 = 50;
/// One record in so many is a mass, from [`FEW`] on.
pub const SHARE: u64 = 100;
/// Fewer records than this are no mass, unless they are half of what is left, of three at the least: who deletes four articles of ten thousand means it, and
/// asking about one in a hundred of a small catalogue would be asking about each.
pub const FEW: u64 = 5;
/// Over which time deletions that are told of one by one are counted together.
pub const WINDOW_MS: u64 = 3_600_000;

/// Stands where a conflict names its record.
const ALL: &str = "*";

/// The conflict holds a mass deletion, whatever its record is called.
#[must_use]
pub fn is_mass(conflict: &Conflict) -> bool {
    conflict.about == About::Mass
}

/// So many of so many records are gone: that is too much to believe.
#[must_use]
pub fn is_too_much(gone: u64, of: u64) -> bool {
    let is_share = gone >= FEW && gone > MANY.min(of / SHARE);
    let is_half = gone > 1 && of > 2 && 2 * gone >= of;
    is_share || is_half
}

/// Deletions that are told of one by one, counted while a batch is folded.
#[derive(Debug, Default)]
pub struct Guard(BTreeMap<(ConnectionId, Kind), Count>);

#[derive(Debug, Clone, Copy)]
struct Count {
    gone: u64,
    of: u64,
    /// A person is asked already: nothing passes until there is an answer.
    is_held: bool,
}

impl Guard {
    /// The entry would delete its record, and too many were deleted lately to let it. A person is asked, once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(
        &mut self,
        engine: &Engine,
        parties: &Parties,
        (folding, kind, entry): (&Folding<'_>, Kind, &Entry),
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        let Entry::Observed { connection, cause, .. } = entry else { return Ok(false) };
        if *cause == Cause::Believed || !folding.vanishes(entry) {
            return Ok(false);
        }
        let name = parties.name(*connection);
        let mut count = match self.0.get(&(*connection, kind)) {
            Some(count) => *count,
            None => count(engine, (*connection, &name), kind).await?,
        };
        let holds = count.is_held || is_too_much(count.gone + 1, count.of);
        if holds && !count.is_held {
            let Count { gone, of, .. } = count;
            let reason = format!("{gone} of {of} records were deleted within an hour: no more is taken as deleted");
            ask(&name, kind, reason, batch);
        }
        count = Count { gone: count.gone + u64::from(!holds), is_held: holds, ..count };
        self.0.insert((*connection, kind), count);
        Ok(holds)
    }
}

async fn count(engine: &Engine, (connection, name): (ConnectionId, &str), kind: Kind) -> Result<Count, Error> {
    let since = UnixMs(engine.now().0.saturating_sub(WINDOW_MS));
    let gone = engine.store.vanished(connection, kind, since).await?;
    let of = engine.store.linked(connection, kind).await? + gone;
    Ok(Count { gone, of, is_held: is_asked(engine, name, kind).await? })
}

/// Holds what a complete reading lacks, unless a person is asked already.
///
/// # Errors
/// When the store fails.
pub async fn hold(
    engine: &Engine,
    (name, kind): (&str, Kind),
    (missing, linked): (u64, u64),
    batch: &mut Batch,
) -> Result<(), Error> {
    if !is_asked(engine, name, kind).await? {
        let reason =
            format!("{missing} of {linked} records were not in a complete reading: nothing is taken as deleted");
        ask(name, kind, reason, batch);
    }
    Ok(())
}

/// A person is asked about deletions of the kind at the connection, and has not answered.
async fn is_asked(engine: &Engine, name: &str, kind: Kind) -> Result<bool, Error> {
    let mut before = None;
    loop {
        let open = engine.store.conflicts(Some(true), before, 100).await?;
        let Some(last) = open.last() else { return Ok(false) };
        before = Some(last.id);
        if open.iter().any(|it| it.key.kind == kind && is_mass(it) && it.claims.contains_key(name)) {
            return Ok(true);
        }
    }
}

fn ask(name: &str, kind: Kind, reason: String, batch: &mut Batch) {
    tracing::warn!(connection = name, %kind, reason, "mass deletion held");
    batch.changes.push(Change::Conflict(Conflict {
        id: 0,
        at: batch.at,
        key: RecordKey::new(kind, ALL),
        about: About::Mass,
        claims: [(name.to_owned(), Value::Null)].into(),
        outcome: None,
        reason,
        policy: String::new(),
    }));
}

/// What follows when a person says, at `at`, that so much is really gone: the kind is read through again.
#[must_use]
pub fn believe(connection: ConnectionId, kind: Kind, at: UnixMs) -> [Change; 2] {
    let belief = Change::Setting { name: setting(connection, kind), value: at.0.into() };
    [belief, Change::Ask { connection, kind, work: Work::Sweep }]
}

/// A person has said since the last complete reading that what is missing is gone.
///
/// # Errors
/// When the store fails.
pub async fn is_believed(
    engine: &Engine,
    (connection, kind): (ConnectionId, Kind),
    row: &CursorRow,
) -> Result<bool, Error> {
    let believed_at = engine.store.setting(&setting(connection, kind)).await?.and_then(|it| it.as_u64());
    Ok(believed_at.is_some_and(|it| row.swept_at.is_none_or(|swept_at| swept_at.0 < it)))
}

fn setting(connection: ConnectionId, kind: Kind) -> String {
    format!("believed/{connection}/{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mass_is_much_or_most() {
        for (gone, of, expect) in [
            (1, 1, false),
            (1, 100_000, false),
            (4, 100, false),
            (5, 100, true),
            (5, 499, true),
            (5, 500, false),
            (50, 1_000_000, false),
            (51, 1_000_000, true),
            (2, 2, false),
            (2, 4, true),
            (2, 5, false),
            (3, 6, true),
        ] {
            assert_eq!(is_too_much(gone, of), expect, "{gone} of {of}");
        }
    }
}
