//! What a fold takes in about a record, and what waits instead, is read again, or is asked about.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::fold::{Folding, Telling};
use truthsource_core::record::{Cause, ConnectionId, Entry, KeyState, RecordKey};

use super::{Debts, Fold, Taken, names};
use crate::engine::basis::Outdated;
use crate::engine::connections::Parties;
use crate::engine::deletions::Guard;
use crate::engine::token::Token;
use crate::engine::{Engine, Error};
use crate::store::{Batch, Change};

/// How long after a reading that lags behind the record is read again, where a reading cannot be certain.
const LOOK_AGAIN_MS: u64 = 1_000;

/// Takes in what a batch of entries says, record by record.
pub(super) struct Intake<'a> {
    engine: &'a Engine,
    parties: &'a Parties,
    debts: &'a Debts,
    guard: Guard,
    /// What is waited for, that may be there by the time that is written down.
    pub waits: BTreeSet<Token>,
}

impl<'a> Intake<'a> {
    pub fn new(engine: &'a Engine, parties: &'a Parties, debts: &'a Debts, waits: BTreeSet<Token>) -> Self {
        Self { engine, parties, debts, guard: Guard::default(), waits }
    }

    /// Begins the fold of a record: absorbs of its entries what can be, and sees to the rest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(
        &mut self,
        (key, state, outdated): (&'a RecordKey, KeyState, Outdated),
        entries: &'a [Taken<'a>],
        batch: &mut Batch,
    ) -> Result<Fold<'a>, Error> {
        let mut folding = Folding::new(key, &self.parties.rules, state);
        if outdated.decided {
            folding.review();
        }
        folding.telling(telling(key, self.debts));
        let (mut cause, mut absorbed, mut answered) = (None, Vec::new(), BTreeSet::new());
        for taken in entries {
            answered.extend(answer_of(&taken.entry));
            if self.is_kept_out(key, taken, &folding, batch).await? {
                continue;
            }
            names::answer_about_id(&folding, (key.kind, &taken.entry), batch);
            folding.absorb(&taken.entry, taken.at);
            cause = cause.or(cause_of(&taken.entry));
            absorbed.push(taken);
        }
        let (policies, untold): (BTreeMap<_, _>, BTreeMap<_, _>) = Default::default();
        Ok(Fold { key, folding, cause, absorbed, answered, policies, untold, outdated, is_put_off: false })
    }

    /// The entry is not taken in now, or never. What becomes of it is in the batch.
    async fn is_kept_out(
        &mut self,
        key: &RecordKey,
        taken: &Taken<'_>,
        folding: &Folding<'_>,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        let (seq, entry) = (taken.seq, &*taken.entry);
        if let Some(token) = waits_for_outcome(entry, key, self.debts) {
            batch.changes.push(Change::Wait { seq, token: token.to_string() });
            self.waits.insert(token);
        } else if folding.is_older_than_the_loss(entry)
            || folding.lags(entry, taken.at, self.parties.lag(entry.connection(), key.kind))
        {
            look_again(self.parties, seq, (key.kind, entry), batch);
        } else if folding.is_given_again(entry) {
            names::ask_about_id(self.parties, (seq, key, entry), batch);
        } else if self.guard.holds(self.engine, self.parties, (folding, key.kind, entry), batch).await? {
            let reason = "too many were deleted to believe it".to_owned();
            batch.changes.push(Change::Drop { seq, reason });
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// What connections are being told of a record.
pub(super) fn telling(key: &RecordKey, debts: &Debts) -> Telling {
    let of_record = debts.range((key.clone(), ConnectionId(0))..).take_while(|((of, _), _)| of == key);
    let begun = of_record.filter_map(|((_, connection), debt)| Some((connection, debt.intent.as_ref()?)));
    let told = begun.map(|(connection, intent)| {
        let told = intent.changed.iter().map(|field| (field.clone(), intent.truth_version));
        (*connection, told.collect())
    });
    told.collect()
}

/// While it is unknown what became of a write, nothing that its system says can be understood.
fn waits_for_outcome(entry: &Entry, key: &RecordKey, debts: &Debts) -> Option<Token> {
    let Entry::Observed { connection, cause, .. } = entry else { return None };
    let open = debts.get(&(key.clone(), *connection)).is_some_and(|it| it.intent.is_some());
    (open && *cause != Cause::Delivery).then(|| Token::Outcome(*connection, key.clone()))
}

/// The entry is, or may be, older news than what is known. It is dropped, so that nothing takes what it says for known,
/// and the record is read again: from the record itself where the connector can, and else until the system's lag has
/// passed.
fn look_again(parties: &Parties, seq: u64, (kind, entry): (Kind, &Entry), batch: &mut Batch) {
    batch.changes.push(Change::Drop { seq, reason: "it lags behind what is known".to_owned() });
    if let Entry::Observed { connection, observed, .. } = entry {
        let (connection, remote_id) = (*connection, observed.remote_id().to_owned());
        batch.changes.push(Change::Touch { connection, kind, remote_id: remote_id.clone(), cause: Cause::Recheck });
        if parties.certain_max(connection, kind).is_none() {
            let due_at = batch.at.plus(LOOK_AGAIN_MS);
            batch.changes.push(Change::TouchLater { connection, kind, remote_id, due_at });
        }
    }
}

/// The connection of whose last write this says what became.
fn answer_of(entry: &Entry) -> Option<ConnectionId> {
    match entry {
        Entry::Wrote { connection, .. } | Entry::Observed { connection, cause: Cause::Delivery, .. } => {
            Some(*connection)
        }
        _ => None,
    }
}

fn cause_of(entry: &Entry) -> Option<Cause> {
    match entry {
        Entry::Observed { cause, .. } => Some(*cause),
        Entry::Wrote { .. } | Entry::Moved { .. } => Some(Cause::Delivery),
        Entry::Settled { .. } => None,
    }
}
