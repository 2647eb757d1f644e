//! What entries and debts wait for, and what wakes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};

use super::{Engine, Error, damage};
use crate::store::{Batch, Change};

/// What something waits for. The store knows it by its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Token {
    /// An entry, for what a connection has under a remote id to be linked to a record.
    Linked(ConnectionId, Kind, String),
    /// A debt, for a record to exist at a connection.
    Exists(ConnectionId, Kind, String),
    /// A creation, until all is known that a connection has of a kind: what is merely not read yet must never be created
    /// a second time.
    Listed(ConnectionId, Kind),
    /// An entry, for what became of a write to its record there.
    Outcome(ConnectionId, RecordKey),
    /// An entry or a creation, for a person to approve of what a connection would be linked to.
    Approved(ConnectionId),
    /// An entry, for what cannot be read of its record to be made anew, or read again.
    Mended(RecordKey),
    /// An entry, for its policy or validator to be there. Nothing says when that is.
    Policy,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linked(connection, kind, remote_id) => write!(f, "from:{connection}:{kind}:{remote_id}"),
            Self::Exists(connection, kind, key) => write!(f, "to:{connection}:{kind}:{key}"),
            Self::Listed(connection, kind) => write!(f, "listed:{connection}:{kind}"),
            Self::Outcome(connection, key) => write!(f, "intent:{connection}:{key}"),
            Self::Approved(connection) => write!(f, "approved:{connection}"),
            Self::Mended(key) => write!(f, "mended:{key}"),
            Self::Policy => f.write_str("policy"),
        }
    }
}

impl Token {
    /// Wakes what waits for it.
    #[must_use]
    pub fn wake(&self) -> Change {
        Change::Wake { token: self.to_string() }
    }
}

/// Looks once more whether what began to wait waits for something that is there by now: whoever brought it about after
/// the waiter had looked, and before it was known to wait, woke nobody. To be called after the waiting is committed.
///
/// # Errors
/// When the store fails.
pub(super) async fn look_once_more(engine: &Engine, waits: BTreeSet<Token>) -> Result<(), Error> {
    let mut batch = Batch::new(engine.now());
    let mut linked: BTreeMap<(ConnectionId, Kind), BTreeSet<String>> = BTreeMap::new();
    let mut exist: BTreeMap<(ConnectionId, Kind), BTreeSet<String>> = BTreeMap::new();
    let mut outcomes: BTreeSet<(RecordKey, ConnectionId)> = BTreeSet::new();
    let mut approved: BTreeSet<ConnectionId> = BTreeSet::new();
    let mut torn: BTreeSet<RecordKey> = BTreeSet::new();
    for token in waits {
        match token {
            Token::Linked(connection, kind, id) => drop(linked.entry((connection, kind)).or_default().insert(id)),
            Token::Exists(connection, kind, key) => drop(exist.entry((connection, kind)).or_default().insert(key)),
            Token::Outcome(connection, key) => drop(outcomes.insert((key, connection))),
            Token::Approved(connection) => drop(approved.insert(connection)),
            Token::Mended(key) => drop(torn.insert(key)),
            // A lane waits for its own listing, and the policy is asked again now and then.
            Token::Listed(..) | Token::Policy => {}
        }
    }
    for ((connection, kind), ids) in linked {
        let there = engine.store.links_from(connection, kind, &ids).await?;
        batch.changes.extend(there.into_keys().map(|id| Token::Linked(connection, kind, id).wake()));
    }
    for ((connection, kind), keys) in exist {
        let there = engine.store.links_to(connection, kind, &keys).await?;
        batch.changes.extend(there.into_keys().map(|key| Token::Exists(connection, kind, key).wake()));
    }
    if !outcomes.is_empty() {
        let keys = outcomes.iter().map(|(key, _)| key.clone()).collect();
        for debt in engine.store.debts_of(&keys).await?.into_iter().filter(|it| it.intent.is_some()) {
            outcomes.remove(&(debt.key, debt.connection));
        }
        batch.changes.extend(outcomes.into_iter().map(|(key, connection)| Token::Outcome(connection, key).wake()));
    }
    if !approved.is_empty() {
        let all = engine.store.connections().await?;
        let free = all.iter().filter(|it| approved.contains(&it.id) && it.spec.links.is_automatic());
        batch.changes.extend(free.map(|it| Token::Approved(it.id).wake()));
    }
    if !torn.is_empty() {
        let held = damage::held(engine).await?;
        batch.changes.extend(torn.into_iter().filter(|it| !held.contains(it)).map(|it| Token::Mended(it).wake()));
    }
    if !batch.changes.is_empty() {
        engine.store.commit(batch).await?;
    }
    Ok(())
}
