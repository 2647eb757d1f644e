//! What a creation finds there: while its answer was not known, somebody made the record by hand, and that is what it
//! was linked to. Nothing is created once more then, and where it was, a person is asked about the second one.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_host::model::Outcome;

use super::deliver::Ready;
use super::identify::ambiguous;
use super::token::Token;
use super::{Engine, Error, apply};
use crate::store::{Batch, Change, Debt, DebtState, Event, PlanOutcome, What};

/// Records that are linked at a connection, with their ids there.
pub(super) type There = BTreeMap<RecordKey, String>;

/// Which of these records the connection has, as far as it was identified.
pub(super) async fn there(
    engine: &Engine,
    connection: ConnectionId,
    keys: impl Iterator<Item = &RecordKey>,
) -> Result<There, Error> {
    let mut by_kind: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for key in keys {
        by_kind.entry(key.kind).or_default().insert(key.key.clone());
    }
    let mut there = There::new();
    for (kind, keys) in by_kind {
        let links = engine.store.links_to(connection, kind, &keys).await?;
        there.extend(links.into_iter().map(|(key, remote_id)| (RecordKey::new(kind, key), remote_id)));
    }
    Ok(there)
}

/// The id of what a creation made, and of what the record was linked to meanwhile.
pub(super) fn made_twice<'a>(ready: &Ready, outcome: &'a Outcome, there: &'a There) -> Option<(&'a str, &'a str)> {
    let Outcome::Applied(state) = outcome else { return None };
    let linked = there.get(&ready.debt.key).filter(|_| ready.intent.remote_id.is_none())?;
    (*linked != state.remote_id).then_some((&state.remote_id, linked))
}

/// A person is to say which of the two it is.
pub(super) fn ask(name: String, ready: Ready, (made, linked): (&str, &str), batch: &mut Batch) {
    let reason = format!("it was created while `{linked}` was made there by hand");
    ambiguous((name, ready.debt.connection), ready.debt.key.clone(), (made, &reason), batch);
    leave(ready, batch);
}

/// The creation ends without having been carried out: what is owed to the record that is there, the fold says.
pub(super) fn leave(Ready { debt, intent, .. }: Ready, batch: &mut Batch) {
    batch.changes.push(Token::Outcome(debt.connection, debt.key.clone()).wake());
    let outcome = PlanOutcome::Failed { error: "it was made there by hand meanwhile".to_owned() };
    batch.changes.extend(apply::concluded(&debt, &intent, outcome));
    let (at, key, connection) = (batch.at, debt.key.clone(), Some(debt.connection));
    let what = What::Overtaken { op_id: intent.op_id };
    batch.changes.push(Change::Event(Event { id: 0, at, key, connection, what }));
    let debt = Debt { state: DebtState::Untold, due_at: at, intent: None, attempts: 0, last_error: None, ..debt };
    batch.changes.push(Change::Debt { debt, token: None });
}
