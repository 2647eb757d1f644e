//! What is not known yet, and keeps writes from being begun.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};

use crate::engine::{Engine, Error};
use crate::store::{Debt, Intent};

/// The records among these that have news from the connection which no fold has taken.
pub(in crate::engine) async fn unread(
    engine: &Engine,
    connection: ConnectionId,
    states: &BTreeMap<RecordKey, KeyState>,
) -> Result<BTreeSet<RecordKey>, Error> {
    let mut by_kind: BTreeMap<Kind, BTreeMap<String, RecordKey>> = BTreeMap::new();
    for (key, state) in states {
        if let Some(shadow) = state.shadows.get(&connection).filter(|it| it.exists()) {
            by_kind.entry(key.kind).or_default().insert(shadow.remote_id.clone(), key.clone());
        }
    }
    let mut unread = BTreeSet::new();
    for (kind, mut remote) in by_kind {
        let ids = remote.keys().cloned().collect();
        let heard = engine.store.heard(connection, kind, &ids).await?;
        let pending = heard.iter().filter(|(_, it)| it.pending);
        unread.extend(pending.filter_map(|(id, _)| remote.remove(id)));
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
