//! What each system is owed.

use truthsource_core::UnixMs;
use truthsource_core::fold::Folding;
use truthsource_core::record::{ConnectionId, RecordKey};

use super::Debts;
use crate::engine::connections::Parties;
use crate::engine::{Engine, priority};
use crate::store::{Batch, Change, Debt, DebtState, Event, What};

/// How often in a row a write may come upon something else than was known before it waits: the system may go on to say
/// what is not believed, and would be asked without end.
const STALE_MAX: u32 = 3;

pub(super) fn settle_debt(
    engine: &Engine,
    parties: &Parties,
    key: &RecordKey,
    connection: ConnectionId,
    folding: &Folding<'_>,
    debts: &Debts,
    batch: &mut Batch,
) {
    let owed = folding.owed(connection, &parties.power(connection, key.kind));
    let present = debts.get(&(key.clone(), connection));
    match (owed, present) {
        (None, None) => {}
        // What was begun must be brought to an end, whatever is owed now.
        (None, Some(debt)) if debt.intent.is_some() => {}
        (None, Some(debt)) => batch.changes.push(Change::Paid(debt.clone())),
        (Some(owed), _) if owed.create && folding.held_back(connection).is_some() => {
            let held = Debt {
                state: DebtState::Held,
                last_error: folding.held_back(connection),
                ..owe(key, connection, folding, batch.at)
            };
            let is_known = |it: &Debt| it.state == DebtState::Held && it.last_error == held.last_error;
            match present {
                // What was begun must be brought to an end, whatever is decided since.
                Some(debt) if debt.intent.is_some() => {}
                Some(debt) if is_known(debt) && debt.truth_version == held.truth_version => {}
                _ => batch.changes.push(Change::Owe(held)),
            }
        }
        (Some(_), present) => {
            let attempts = present.filter(|it| it.state != DebtState::Untold).map_or(0, |it| it.attempts);
            let stale = present.filter(|it| it.state == DebtState::Settling).map_or(0, |it| it.attempts);
            let wait_ms = match stale.checked_sub(STALE_MAX) {
                Some(times @ 1..) => engine.pace.retry.wait_ms(times, None, engine.draw, &key.to_string()),
                _ => 0,
            };
            let owed = owe(key, connection, folding, batch.at);
            let due_at = batch.at.plus(wait_ms).max(folding.settles_at(connection).unwrap_or_default());
            batch.changes.push(Change::Owe(Debt { attempts, due_at, ..owed }));
        }
    }
}

fn owe(key: &RecordKey, connection: ConnectionId, folding: &Folding<'_>, at: UnixMs) -> Debt {
    Debt {
        connection,
        key: key.clone(),
        truth_version: folding.state().truth.version,
        priority: priority(key.kind),
        due_at: at,
        since: at,
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent: None,
    }
}

/// What the system should hold is not known: its connector is asked again later, and a person when it keeps failing.
pub(super) fn ask_again(
    engine: &Engine,
    key: &RecordKey,
    connection: ConnectionId,
    (folding, reason): (&Folding<'_>, &str),
    debts: &Debts,
    batch: &mut Batch,
) {
    let present = debts.get(&(key.clone(), connection));
    let owed = owe(key, connection, folding, batch.at);
    let is_begun = present.is_some_and(|it| it.intent.is_some());
    let is_given_up = present.is_some_and(|it| it.state == DebtState::Parked && it.truth_version >= owed.truth_version);
    // The fold of what became of the write asks again.
    if is_begun || is_given_up {
        return;
    }
    let attempts = present.filter(|it| it.state == DebtState::Untold).map_or(0, |it| it.attempts) + 1;
    let error = format!("it is not known what the system should hold: {reason}");
    let is_spent = engine.pace.retry.is_spent(attempts);
    let (state, what) = match is_spent {
        true => (DebtState::Parked, What::Parked { error: error.clone() }),
        false => (DebtState::Untold, What::Failed { error: error.clone(), attempts }),
    };
    let wait_ms = engine.pace.retry.wait_ms(attempts, None, engine.draw, &key.to_string());
    let (at, due_at) = (batch.at, batch.at.plus(wait_ms));
    batch.changes.push(Change::Event(Event { id: 0, at, key: key.clone(), connection: Some(connection), what }));
    batch.changes.push(Change::Owe(Debt { attempts, state, due_at, last_error: Some(error), ..owed }));
}
