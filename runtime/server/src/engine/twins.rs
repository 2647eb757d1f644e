//! What a creation finds there. While its answer was not known, somebody made the record by hand, and that is what it was
//! linked to: nothing is created once more then, and where it was, a person is asked about the second one. Or another
//! record bears its name there, as one that was called so and is not yet, or cannot be, called otherwise.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_host::model::{Observed, Outcome, Rejection};

use super::deliver::Ready;
use super::identify::ambiguous;
use super::token::Token;
use super::{Engine, Error, apply};
use crate::store::{Batch, Change, Debt, DebtState, Event, PlanOutcome, What};

/// The code of a creation that was refused because another record bears its name there.
pub const NAME_TAKEN: &str = "name-taken";

/// Records that are linked at a connection, with their ids there.
pub(super) type There = BTreeMap<RecordKey, String>;

/// Which of these records the connection has, as far as it was identified.
pub(super) async fn there(
    engine: &Engine,
    connection: ConnectionId,
    keys: impl Iterator<Item = &RecordKey>,
) -> Result<There, Error> {
    let mut there = There::new();
    for (kind, keys) in by_kind(keys) {
        let links = engine.store.links_to(connection, kind, &keys).await?;
        there.extend(links.into_iter().map(|(key, remote_id)| (RecordKey::new(kind, key), remote_id)));
    }
    Ok(there)
}

/// The keys of these records, by kind.
pub(super) fn by_kind<'a>(keys: impl Iterator<Item = &'a RecordKey>) -> BTreeMap<Kind, BTreeSet<String>> {
    let mut by_kind: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for key in keys {
        by_kind.entry(key.kind).or_default().insert(key.key.clone());
    }
    by_kind
}

/// The id of what a creation made, and of what the record was linked to meanwhile.
pub(super) fn made_twice<'a>(ready: &Ready, outcome: &'a Outcome, there: &'a There) -> Option<(&'a str, &'a str)> {
    let Outcome::Applied(state) = outcome else { return None };
    let linked = there.get(&ready.debt.key).filter(|_| ready.intent.remote_id.is_none())?;
    (*linked != state.remote_id).then_some((&state.remote_id, linked))
}

/// A record that a creation found there under its name.
pub(super) struct Bearer {
    key: String,
    /// It is owed something there: that may be another name.
    is_owed: bool,
}

/// Such records, by kind and what the connection calls them.
pub(super) type Bearers = BTreeMap<(Kind, String), Bearer>;

/// Which records it is that creations found there under their names.
pub(super) async fn bearers(
    engine: &Engine,
    connection: ConnectionId,
    concluded: &[(Ready, Outcome)],
) -> Result<Bearers, Error> {
    let mut by_kind: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for (ready, outcome) in concluded {
        if let Some(remote_id) = found_there(ready, outcome) {
            by_kind.entry(ready.debt.key.kind).or_default().insert(remote_id.to_owned());
        }
    }
    let mut bearers = Bearers::new();
    for (kind, ids) in by_kind {
        let links = engine.store.links_from(connection, kind, &ids).await?;
        let keys = links.values().map(|key| RecordKey::new(kind, key)).collect();
        let debts = engine.store.debts_of(&keys).await?.into_iter();
        let owed = debts.filter(|it| it.connection == connection && it.state != DebtState::Parked);
        let owed: BTreeSet<String> = owed.map(|it| it.key.key).collect();
        let bearer = |key: String| Bearer { is_owed: owed.contains(&key), key };
        bearers.extend(links.into_iter().map(|(remote_id, key)| ((kind, remote_id), bearer(key))));
    }
    Ok(bearers)
}

/// What becomes of a creation that found another record there under its name: it is tried again if that may be called
/// otherwise soon, and is else for a person to see to.
pub(super) fn kept_out(ready: &Ready, outcome: &Outcome, bearers: &Bearers) -> Option<Outcome> {
    let kind = ready.debt.key.kind;
    let bearer = bearers.get(&(kind, found_there(ready, outcome)?.to_owned()))?;
    let message = format!("what bears its name there is {kind}/{}", bearer.key);
    (bearer.key != ready.debt.key.key).then(|| match bearer.is_owed {
        true => Outcome::Retry(None, message),
        false => Outcome::Rejected(Rejection { code: NAME_TAKEN.to_owned(), message, field: None }),
    })
}

fn found_there<'a>(ready: &Ready, outcome: &'a Outcome) -> Option<&'a str> {
    let state = match outcome {
        Outcome::Applied(state) | Outcome::Stale(Observed::Present(state)) => state,
        _ => return None,
    };
    ready.intent.remote_id.is_none().then_some(&state.remote_id)
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
