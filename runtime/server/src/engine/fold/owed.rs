//! What each system is owed.

use truthsource_core::UnixMs;
use truthsource_core::fold::Folding;
use truthsource_core::record::{ConnectionId, RecordKey};

use crate::engine::connections::Parties;
use crate::engine::{Engine, priority};
use crate::store::{Batch, Change, Debt, DebtState, Event, What};

/// How often in a row a write may come upon something else than was known before it waits: the system may go on to say
/// what is not believed, and would be asked without end.
const STALE_MAX: u32 = 3;

/// A record under the fold, as one connection is told of it.
pub(super) struct Towards<'a, 'f> {
    pub key: &'a RecordKey,
    pub connection: ConnectionId,
    pub folding: &'a Folding<'f>,
    /// What it was owed before.
    pub present: Option<&'a Debt>,
    /// What became of the last write of it is taken in by this fold.
    pub is_answered: bool,
}

impl Towards<'_, '_> {
    /// What became of the last write of it is not taken in yet: whoever does knows what is owed then. Written now, it would
    /// be decided on what was there before, and take the answer's place.
    fn settles(&self) -> bool {
        !self.is_answered && self.present.is_some_and(|it| it.state == DebtState::Settling)
    }

    fn owe(&self, debt: Debt) -> Change {
        if self.is_answered { Change::OweAnew(debt) } else { Change::Owe(debt) }
    }

    fn owed(&self, at: UnixMs) -> Debt {
        Debt {
            connection: self.connection,
            key: self.key.clone(),
            truth_version: self.folding.state().truth.version,
            priority: priority(self.key.kind),
            due_at: at,
            since: at,
            attempts: 0,
            state: DebtState::Due,
            last_error: None,
            intent: None,
        }
    }
}

pub(super) fn settle_debt(engine: &Engine, parties: &Parties, towards: &Towards<'_, '_>, batch: &mut Batch) {
    let Towards { key, connection, folding, present, .. } = *towards;
    if towards.settles() {
        return;
    }
    match (folding.owed(connection, &parties.power(connection, key.kind)), present) {
        (None, None) => {}
        // What was begun must be brought to an end, whatever is owed now.
        (None, Some(debt)) if debt.intent.is_some() => {}
        (None, Some(debt)) => batch.changes.push(Change::Paid(debt.clone())),
        (Some(owed), _) if owed.create && folding.held_back(connection).is_some() => {
            let held =
                Debt { state: DebtState::Held, last_error: folding.held_back(connection), ..towards.owed(batch.at) };
            let is_known = |it: &Debt| it.state == DebtState::Held && it.last_error == held.last_error;
            match present {
                // What was begun must be brought to an end, whatever is decided since.
                Some(debt) if debt.intent.is_some() => {}
                Some(debt) if is_known(debt) && debt.truth_version == held.truth_version => {}
                _ => batch.changes.push(towards.owe(held)),
            }
        }
        (Some(_), present) => {
            let attempts = present.filter(|it| it.state != DebtState::Untold).map_or(0, |it| it.attempts);
            let stale = present.filter(|it| it.state == DebtState::Settling).map_or(0, |it| it.attempts);
            let wait_ms = match stale.checked_sub(STALE_MAX) {
                Some(times @ 1..) => engine.pace.retry.wait_ms(times, None, engine.draw, &key.to_string()),
                _ => 0,
            };
            let due_at = batch.at.plus(wait_ms).max(folding.settles_at(connection).unwrap_or_default());
            batch.changes.push(towards.owe(Debt { attempts, due_at, ..towards.owed(batch.at) }));
        }
    }
}

/// What the system should hold is not known: its connector is asked again later, and a person when it keeps failing.
pub(super) fn ask_again(engine: &Engine, towards: &Towards<'_, '_>, reason: &str, batch: &mut Batch) {
    let Towards { key, connection, present, .. } = *towards;
    let owed = towards.owed(batch.at);
    let is_begun = present.is_some_and(|it| it.intent.is_some());
    let is_given_up = present.is_some_and(|it| it.state == DebtState::Parked && it.truth_version >= owed.truth_version);
    // The fold of what became of the write asks again.
    if is_begun || is_given_up || towards.settles() {
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
    batch.changes.push(towards.owe(Debt { attempts, state, due_at, last_error: Some(error), ..owed }));
}
