//! What is not known yet, and keeps writes from being begun.

use std::collections::BTreeSet;

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};

use crate::engine::twins::by_kind;
use crate::engine::{Engine, Error};
use crate::store::{Debt, Intent};

/// The records among these that have news from the connection which no fold has taken. To be asked before what is known of
/// them is read: a fold may take the news between the two, and what was read first would be from before it.
pub(in crate::engine) async fn unread(
    engine: &Engine,
    connection: ConnectionId,
    keys: &BTreeSet<RecordKey>,
) -> Result<BTreeSet<RecordKey>, Error> {
    let mut unread = BTreeSet::new();
    for (kind, keys) in by_kind(keys.iter()) {
        let linked = engine.store.links_to(connection, kind, &keys).await?;
        let heard = engine.store.heard(connection, kind, &linked.values().cloned().collect()).await?;
        let is_pending = |remote_id: &String| heard.get(remote_id).is_some_and(|it| it.pending);
        let pending = linked.into_iter().filter(|(_, remote_id)| is_pending(remote_id));
        unread.extend(pending.map(|(key, _)| RecordKey::new(kind, key)));
    }
    Ok(unread)
}

/// The kinds of which something was read at the connection that nobody has identified yet, among those to be created.
pub(super) async fn unidentified(
    engine: &Engine,
    connection: ConnectionId,
    intended: &[(Debt, Intent)],
) -> Result<BTreeSet<Kind>, Error> {
    let mut unidentified = BTreeSet::new();
    for kind in created(intended) {
        if engine.store.unidentified(connection, kind).await? {
            unidentified.insert(kind);
        }
    }
    Ok(unidentified)
}

/// The kinds of which the connection has something that could not be taken in, among those to be created.
pub(super) async fn unread_kinds(
    engine: &Engine,
    connection: ConnectionId,
    intended: &[(Debt, Intent)],
) -> Result<BTreeSet<Kind>, Error> {
    let mut unread = BTreeSet::new();
    for kind in created(intended) {
        if engine.store.unread(connection, kind).await? {
            unread.insert(kind);
        }
    }
    Ok(unread)
}

fn created(intended: &[(Debt, Intent)]) -> BTreeSet<Kind> {
    intended.iter().filter(|(_, it)| it.remote_id.is_none()).map(|(debt, _)| debt.key.kind).collect()
}
