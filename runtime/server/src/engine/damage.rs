//! Rows of the store that cannot be read: each is set aside where it stands, so that everything else goes on, and is
//! named to a person.
//!
//! What a system can say again is read again, what the books tell is made anew from them, and what follows from
//! something else is worked out again, all by itself. What is left is what nobody says twice: what a write of ours left,
//! which write was begun, what a person said. Nothing is decided or written about its record until a person has it read
//! again: what its system holds is then the first that is known of it, and no difference that would count as a move.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::{Ruling, Void};
use truthsource_core::record::{Cause, Claim, ConnectionId, KeyState, RecordKey};
use truthsource_core::stock::commitments;
use truthsource_core::{Kind, UnixMs, Value};

use super::rebuild::restated;
use super::refold::{Account, Books};
use super::rules::RULES;
use super::token::Token;
use super::{Engine, Error};
use crate::store::{
    self, About, Batch, Change, Conflict, Connection, CursorRow, Damaged, Debt, DebtState, LoggedRuling, Row,
    TenantStore, Work,
};

/// Rules about what is paid that are read at once.
const PAGE: u32 = 1_000;
/// Conflicts that are looked at for what a person said.
const LOOKED_AT: u32 = 500;

/// Reads what nobody can go on without: connections, settings, and rules about what is paid.
///
/// # Errors
/// When the store fails. [`store::Error::Damaged`] says which of them cannot be read.
pub async fn look_over(store: &dyn TenantStore) -> store::Result<()> {
    store.connections().await?;
    store.setting(RULES).await?;
    let mut after = None;
    loop {
        let page = store.all_price_rules(after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.into_iter().next_back() else { return Ok(()) };
        after = Some(last);
    }
}

/// Sets the row aside that a step failed on. False if it failed on something else, or nobody can go on without the row.
///
/// # Errors
/// When the store fails.
pub async fn set_aside(engine: &Engine, failed: &Error) -> Result<bool, Error> {
    let Error::Store(store::Error::Damaged(damaged)) = failed else { return Ok(false) };
    let Some(row) = &damaged.row else { return Ok(false) };
    tracing::error!(row = %row, why = damaged.why, "a row of the store cannot be read and is set aside");
    let mut batch = Batch::new(engine.now());
    batch.changes.push(Change::SetAside(damaged.clone()));
    let outcome = match heard_again(engine, row).await? {
        Some(changes) => {
            batch.changes.extend(changes);
            batch.changes.push(Change::Mended(row.clone()));
            Some(Value::from("read again"))
        }
        None => None,
    };
    batch.changes.push(told(damaged, row, batch.at, outcome));
    engine.store.commit(batch).await?;
    Ok(true)
}

/// What has it said again, where it is only known from elsewhere; `None` if it is not, or only the books know.
async fn heard_again(engine: &Engine, row: &Row) -> Result<Option<Vec<Change>>, Error> {
    Ok(match row {
        // It may be any record: nothing of its kind is created there before it was read.
        Row::Reading { connection, kind, remote_id, .. } | Row::Touch { connection, kind, remote_id, .. } => {
            let (connection, kind, remote_id) = (*connection, *kind, remote_id.clone());
            Some(vec![Change::Touch { connection, kind, remote_id, cause: Cause::Poll }])
        }
        Row::Webhook { connection, .. } => {
            let all = engine.store.connections().await?;
            let of = all.into_iter().filter(|it| it.id == *connection);
            Some(
                of.flat_map(|it| it.spec.kinds).filter(|(_, it)| it.reads).map(|it| sweep(*connection, it.0)).collect(),
            )
        }
        // Without it the kind is listed from the beginning.
        Row::Cursor { .. } => Some(Vec::new()),
        // The fold asks what is owed.
        Row::Debt { begun: false, .. } => Some(Vec::new()),
        Row::Debt { begun: true, .. }
        | Row::Entry { .. }
        | Row::Truth { .. }
        | Row::Shadow { .. }
        | Row::Question { .. }
        | Row::Planned { .. }
        | Row::Want { .. } => None,
    })
}

fn sweep(connection: ConnectionId, kind: Kind) -> Change {
    Change::Ask { connection, kind, work: Work::Sweep }
}

/// Tells a person: what, where, and why.
fn told(damaged: &Damaged, row: &Row, at: UnixMs, outcome: Option<Value>) -> Change {
    Change::Conflict(Conflict {
        id: 0,
        at,
        key: row.about(),
        about: About::Damaged { row: row.clone() },
        claims: [].into(),
        outcome,
        reason: format!("it cannot be read: {damaged}"),
        policy: String::new(),
    })
}

/// Makes anew from the books what is set aside, as far as they tell it. To be called by whoever folds, between two
/// folds.
///
/// # Errors
/// When the store fails.
pub async fn mend(engine: &Engine) -> Result<(), Error> {
    for damaged in engine.store.set_aside().await? {
        let Some(row) = &damaged.row else { continue };
        let changes = match row {
            Row::Truth { key } | Row::Shadow { key, .. } => from_books(&*engine.store, key).await?,
            Row::Want { order, .. } => wants(engine, order).await?,
            _ => None,
        };
        let Some(changes) = changes else { continue };
        tracing::info!(row = %row, "what could not be read is made anew from the books");
        let mut batch = Batch { changes, ..Batch::new(engine.now()) };
        batch.changes.extend(mended(&*engine.store, row).await?);
        batch.changes.push(Change::ConflictClosed {
            kind: row.about().kind,
            key: Some(row.about().key),
            about: About::Damaged { row: row.clone() },
            outcome: "made anew".into(),
            reason: format!("the books tell it: {damaged}"),
        });
        engine.store.commit(batch).await?;
    }
    Ok(())
}

/// What the books say of the record; `None` where they cannot be read, either.
async fn from_books(store: &dyn TenantStore, key: &RecordKey) -> Result<Option<Vec<Change>>, Error> {
    let cases = Books::new(store).cases(&[key.clone()].into()).await?.remove(key);
    let account = cases.and_then(Result::ok).map(|cases| Account::of(&cases));
    let Some(Ok(account)) = account else { return Ok(None) };
    Ok(Some(restated(key, &account.state)))
}

/// What an order wants follows from its truth; `None` while that is set aside itself.
async fn wants(engine: &Engine, order: &str) -> Result<Option<Vec<Change>>, Error> {
    let key = RecordKey::new(Kind::Order, order);
    if held(engine).await?.contains(&key) {
        return Ok(None);
    }
    let state = engine.store.states(&[key.clone()].into()).await?.remove(&key).unwrap_or_default();
    Ok(Some(vec![Change::Commitments { order: order.to_owned(), items: commitments(&state) }]))
}

/// The row is missing no more, and its record waits no more unless another of its rows is missing.
async fn mended(store: &dyn TenantStore, row: &Row) -> Result<Vec<Change>, store::Error> {
    let mut changes = vec![Change::Mended(row.clone())];
    if let Some(key) = row.holds() {
        let others = store.set_aside().await?.into_iter().filter_map(|it| it.row).filter(|it| it != row);
        if !others.into_iter().any(|it| it.holds() == Some(key)) {
            changes.push(Token::Mended(key.clone()).wake());
        }
    }
    Ok(changes)
}

/// Records about which nothing is decided and that are written nowhere: something of them cannot be read.
///
/// # Errors
/// When the store fails.
pub async fn held(engine: &Engine) -> Result<BTreeSet<RecordKey>, Error> {
    let aside = engine.store.set_aside().await?;
    Ok(aside.into_iter().filter_map(|it| it.row?.holds().cloned()).collect())
}

/// What follows when a person has it read again.
///
/// # Errors
/// When the store fails.
pub async fn read_again(store: &dyn TenantStore, row: &Row, at: UnixMs) -> store::Result<Vec<Change>> {
    let mut changes = match row {
        Row::Entry { key, connection: Some(connection), .. } | Row::Debt { key, connection, .. } => {
            forget(store, key, *connection, at).await?
        }
        Row::Entry { key, connection: None, .. } => asked_again(store, key, at).await?,
        Row::Truth { key } | Row::Shadow { key, .. } => begin_anew(store, key, at).await?,
        Row::Question { key, .. } => held_again(store, key, at).await?,
        _ => Vec::new(),
    };
    changes.extend(mended(store, row).await?);
    Ok(changes)
}

/// Forgets what the connection holds of the record, and has it read: what is read then is no change.
async fn forget(
    store: &dyn TenantStore,
    key: &RecordKey,
    connection: ConnectionId,
    at: UnixMs,
) -> store::Result<Vec<Change>> {
    let state = store.states(&[key.clone()].into()).await?.remove(key).unwrap_or_default();
    let mut changes = void(key, state, Void::Shadow(connection), at);
    changes.extend(read_anew(store, key, connection, at).await?);
    Ok(changes)
}

/// Forgets what is known of the record, and has it read wherever it is.
async fn begin_anew(store: &dyn TenantStore, key: &RecordKey, at: UnixMs) -> store::Result<Vec<Change>> {
    let debts = store.debts_of(&[key.clone()].into()).await?;
    // Beyond every version that anybody was told.
    let last = debts.iter().map(|it| it.truth_version).max().unwrap_or_default();
    let mut changes = void(key, KeyState::default(), Void::Record(last + 1), at);
    if key.kind == Kind::Order {
        changes.push(Change::Commitments { order: key.key.clone(), items: [].into() });
    }
    for connection in store.connections().await?.iter().filter(|it| takes_part(it, key.kind)) {
        changes.extend(read_anew(store, key, connection.id, at).await?);
    }
    Ok(changes)
}

fn takes_part(connection: &Connection, kind: Kind) -> bool {
    connection.spec.kinds.get(&kind).is_some_and(|it| it.reads || it.writes)
}

fn void(key: &RecordKey, state: KeyState, void: Void, at: UnixMs) -> Vec<Change> {
    let mut changes = restated(key, &void.apply(state));
    let ruling = Ruling { void: Some(void), ..Ruling::default() };
    let logged = LoggedRuling { at, key: key.clone(), terms: String::new(), ruling };
    changes.push(Change::Ruling(Box::new(logged)));
    changes
}

/// Has the record read at the connection, whatever was heard of it; where it is not linked, everything is listed from the
/// beginning.
async fn read_anew(
    store: &dyn TenantStore,
    key: &RecordKey,
    connection: ConnectionId,
    at: UnixMs,
) -> store::Result<Vec<Change>> {
    let (kind, key) = (key.kind, key.clone());
    let linked = store.links_to(connection, kind, &[key.key.clone()].into()).await?.remove(&key.key);
    let mut changes = match linked {
        // Linked anew it holds nothing that is known.
        Some(remote_id) => vec![
            Change::Unlink { connection, key: key.clone() },
            Change::Link { connection, key: key.clone(), remote_id: remote_id.clone() },
            Change::Touch { connection, kind, remote_id, cause: Cause::Recheck },
        ],
        // A creation may have been begun. Nothing is created before everything was listed.
        None => vec![Change::Cursor { connection, kind, row: CursorRow::default() }],
    };
    // What became of the last write of it may be what cannot be read: nobody takes that in any more.
    let settles = |it: &Debt| it.connection == connection && it.state == DebtState::Settling;
    let debts = store.debts_of(&[key.clone()].into()).await?;
    changes.extend(debts.into_iter().filter(settles).map(Change::Paid));
    changes.push(Change::RetellOne { connection, key, due_at: at });
    Ok(changes)
}

/// A person is asked again about every field that waits for one. One that is asked about already stays the one it is.
async fn held_again(store: &dyn TenantStore, key: &RecordKey, at: UnixMs) -> store::Result<Vec<Change>> {
    let names: BTreeMap<ConnectionId, String> =
        store.connections().await?.into_iter().map(|it| (it.id, it.name)).collect();
    let name = |of: ConnectionId| names.get(&of).cloned().unwrap_or_else(|| of.to_string());
    let state = store.states(&[key.clone()].into()).await?.remove(key).unwrap_or_default();
    let held = state.truth.fields.into_iter().filter_map(|(field, it)| Some((field, it.held?, it.claims)));
    let ask = |(field, reason, claims): (String, String, Vec<Claim>)| {
        let claims = claims.into_iter().map(|it| (name(it.connection), it.now)).collect();
        let (id, about, outcome, policy) = (0, About::Field(field), None, String::new());
        Change::Conflict(Conflict { id, at, key: key.clone(), about, claims, outcome, reason, policy })
    };
    Ok(held.map(ask).collect())
}

/// A person is asked again what they had settled last of the record.
async fn asked_again(store: &dyn TenantStore, key: &RecordKey, at: UnixMs) -> store::Result<Vec<Change>> {
    let settled = store.conflicts(Some(false), None, LOOKED_AT).await?;
    let is_it = |it: &Conflict| it.key == *key && matches!(it.about, About::Field(_) | About::Vanished(_));
    let last = settled.into_iter().find(is_it);
    let again = last.map(|it| Change::Conflict(Conflict { id: 0, at, outcome: None, ..it }));
    Ok(again.into_iter().collect())
}

#[cfg(test)]
mod tests;
