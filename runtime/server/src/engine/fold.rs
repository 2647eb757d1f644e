//! From the log to the truth: the only step that changes truths, shadows and debts.

mod books;
mod decide;
mod dependants;
pub mod foresee;
mod intake;
mod names;
mod owed;
mod priced;
mod project;
mod stamp;
mod story;
mod supply;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::Folding;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{Cause, ConnectionId, Entry, KeyState, RecordKey};
use truthsource_core::{UnixMs, schema};

use super::basis::{Outdated, outdated_of, some_outdated};
use super::connections::Parties;
use super::identify::{Identifier, Identity};
use super::token::{Token, look_once_more};
use super::{Did, Engine, Error, damage};
use crate::store::{Batch, Change, Debt, LoggedEntry};
use books::{Books, linked};
pub(crate) use decide::{conflict_of, settle};
use decide::{decide, validate};
use dependants::{Moved, break_day};
use intake::Intake;
use owed::{Towards, ask_again, settle_debt};
use project::project;
use stamp::Stamps;
use story::{tell_of_an_answer, tell_story};
use supply::supply;

/// Of how many records one at the most is taken up of a kind because it is behind: news goes on meanwhile.
const BEHIND_SHARE: u32 = 8;

/// Folds entries that no fold has taken yet, oldest first, and commits truths, shadows, debts and what happened.
///
/// One at a time per tenant: the caller sees to it.
///
/// # Errors
/// When the store fails, or there is no place for a component to run in. Nothing was folded then.
pub async fn fold(engine: &Engine, parties: &Parties) -> Result<Did, Error> {
    break_day(engine, parties).await?;
    let entries = engine.store.unfolded(engine.pace.fold_max).await?;
    let untold = engine.store.untold(engine.now(), engine.pace.fold_max).await?;
    let behind = some_outdated(engine, parties, engine.pace.fold_max.div_ceil(BEHIND_SHARE)).await?;
    let held = damage::held(engine).await?;
    let (untold, behind) = (&untold - &held, &behind - &held);
    if entries.is_empty() && untold.is_empty() && behind.is_empty() {
        return Ok(Did::default());
    }
    let handled = entries.len() + untold.len();
    let mut batch = Batch::new(engine.now());
    let (mut by_key, mut waits) = sort_out(engine, parties, &entries, &mut batch).await?;
    for key in untold.into_iter().chain(behind.iter().cloned()) {
        by_key.entry(key).or_default();
    }
    let terms = parties.terms();
    let books = Books { terms: terms.digest(), linked: linked(&batch) };
    batch.changes.push(Change::Terms(Box::new(terms)));
    for key in held {
        hold_back(key, &mut by_key, &books, (&mut waits, &mut batch));
    }
    let keys: BTreeSet<RecordKey> = by_key.keys().cloned().collect();
    let before = engine.store.states(&keys).await?;
    let debts = index(engine.store.debts_of(&keys).await?);
    // Where nothing is behind, nothing of this is either.
    let outdated = if behind.is_empty() { BTreeMap::new() } else { outdated_of(engine, parties, &keys).await? };

    let mut intake = Intake::new(engine, parties, &debts, waits);
    let mut folds = Vec::with_capacity(keys.len());
    for (key, entries) in &by_key {
        let state = before.get(key).cloned().unwrap_or_default();
        let outdated = outdated.get(key).copied().unwrap_or_default();
        folds.push(intake.begin((key, state, outdated), entries, &mut batch).await?);
    }
    decide(engine, parties, &mut folds).await?;
    names::keep_apart(engine, &before, &mut folds).await?;
    validate(engine, &before, &mut folds).await?;
    let mut folds = put_off(folds, &books, &mut batch);
    supply(engine, parties, &mut folds, batch.at).await?;
    project(engine, parties, &debts, &mut folds, batch.at).await?;
    let stamps = Stamps::now(engine, parties).await?;
    let handled = handled + folds.iter().filter(|it| it.outdated.is_it()).count();
    let freed = names::freed(&before, &folds);
    let (mut moved, nothing) = (Moved::default(), KeyState::default());
    for fold in folds {
        books.note(&fold, &mut batch);
        moved.note(&fold, before.get(fold.key).unwrap_or(&nothing), &mut batch);
        conclude(engine, parties, fold, (&before, &debts, &stamps), &mut batch);
    }
    moved.retell(engine, parties, &mut batch).await?;
    names::give_back(engine, freed, &mut batch).await?;
    commit(engine, batch).await?;
    look_once_more(engine, intake.waits).await?;
    Ok(Did::some(handled, engine.pace.fold_max))
}

/// Takes out a record of which something cannot be read: its news waits, and only which record it is, is known.
fn hold_back(
    key: RecordKey,
    by_key: &mut BTreeMap<RecordKey, Vec<Taken<'_>>>,
    books: &Books,
    (waits, batch): (&mut BTreeSet<Token>, &mut Batch),
) {
    let Some(entries) = by_key.remove(&key) else { return };
    books.note_links(&key, batch);
    let token = Token::Mended(key);
    let wait = |it: Taken<'_>| Change::Wait { seq: it.seq, token: token.to_string() };
    batch.changes.extend(entries.into_iter().map(wait));
    waits.insert(token);
}

/// Takes out what a policy or validator could not be asked about: it waits, and only which record it is, is known.
fn put_off<'a>(folds: Vec<Fold<'a>>, books: &Books, batch: &mut Batch) -> Vec<Fold<'a>> {
    let (put_off, folds): (Vec<_>, Vec<_>) = folds.into_iter().partition(|it| it.is_put_off);
    for fold in put_off {
        books.note_links(fold.key, batch);
        let wait = |it: &Taken<'_>| Change::Wait { seq: it.seq, token: Token::Policy.to_string() };
        batch.changes.extend(fold.absorbed.into_iter().map(wait));
    }
    folds
}

async fn commit(engine: &Engine, mut batch: Batch) -> Result<(), Error> {
    if plant::on(Bug::FoldInTwo) {
        let (folded, rest) = batch.changes.into_iter().partition(|it| matches!(it, Change::Folded { .. }));
        engine.store.commit(Batch { changes: folded, ..Batch::new(batch.at) }).await?;
        batch = Batch { changes: rest, ..Batch::new(batch.at) };
    }
    engine.store.commit(batch).await?;
    Ok(())
}

/// Takes up again what was put off because its policy or validator could not be asked: to be called now and then.
///
/// # Errors
/// When the store fails.
pub async fn take_up(engine: &Engine) -> Result<(), Error> {
    let mut batch = Batch::new(engine.now());
    batch.changes.push(Token::Policy.wake());
    engine.store.commit(batch).await?;
    Ok(())
}

/// One record under the fold.
struct Fold<'a> {
    key: &'a RecordKey,
    folding: Folding<'a>,
    cause: Option<Cause>,
    /// What it takes in.
    absorbed: Vec<&'a Taken<'a>>,
    /// Connections of whose last write it takes in what became of it.
    answered: BTreeSet<ConnectionId>,
    /// Field → the policy that decided it.
    policies: BTreeMap<String, String>,
    /// Connection → why it is not known what its system should hold.
    untold: BTreeMap<ConnectionId, String>,
    /// What is to be done again though nothing moved.
    outdated: Outdated,
    /// A policy or validator could not be asked: nothing about the record is decided in this fold.
    is_put_off: bool,
}

/// An entry whose record is known.
struct Taken<'a> {
    /// Its place in the log.
    seq: u64,
    /// When it was logged.
    at: UnixMs,
    /// With references as keys; borrowed where that is what was logged.
    entry: Cow<'a, Entry>,
}

type Debts = BTreeMap<(RecordKey, ConnectionId), Debt>;

fn index(debts: Vec<Debt>) -> Debts {
    debts.into_iter().map(|it| ((it.key.clone(), it.connection), it)).collect()
}

/// Finds out which record each entry is about; those that must wait or are dropped are done with. Gives what is waited
/// for, too.
async fn sort_out<'a>(
    engine: &Engine,
    parties: &Parties,
    entries: &'a [LoggedEntry],
    batch: &mut Batch,
) -> Result<(BTreeMap<RecordKey, Vec<Taken<'a>>>, BTreeSet<Token>), Error> {
    let mut identifier = Identifier::prepare(engine, parties, entries).await?;
    let mut by_key: BTreeMap<RecordKey, Vec<Taken<'_>>> = BTreeMap::new();
    let mut waits = BTreeSet::new();
    for logged in entries {
        match identifier.identify(logged, batch).await? {
            Identity::Known(key, entry) => {
                let entry = entry.map_or(Cow::Borrowed(&logged.entry), |it| Cow::Owned(*it));
                by_key.entry(key).or_default().push(Taken { seq: logged.seq, at: logged.at, entry });
            }
            Identity::Waits(token) => {
                batch.changes.push(Change::Wait { seq: logged.seq, token: token.to_string() });
                waits.insert(token);
            }
            Identity::Dropped(reason) => batch.changes.push(Change::Drop { seq: logged.seq, reason }),
        }
    }
    Ok((by_key, waits))
}

/// Writes down what the fold came to.
fn conclude(
    engine: &Engine,
    parties: &Parties,
    fold: Fold<'_>,
    (before, debts, stamps): (&BTreeMap<RecordKey, KeyState>, &Debts, &Stamps),
    batch: &mut Batch,
) {
    let Fold { key, folding, cause, absorbed, answered, policies, untold, outdated, .. } = fold;
    for taken in absorbed {
        tell_of_an_answer(key, &taken.entry, batch);
        let entry = match &taken.entry {
            Cow::Borrowed(_) => None,
            Cow::Owned(entry) => Some(entry.clone()),
        };
        batch.changes.push(Change::Folded { seq: taken.seq, key: key.key.clone(), entry });
    }
    let nothing = KeyState::default();
    let before = before.get(key).unwrap_or(&nothing);
    for connection in parties.rules.connections.keys().copied() {
        let (present, is_answered) = (debts.get(&(key.clone(), connection)), answered.contains(&connection));
        let towards = Towards { key, connection, folding: &folding, present, is_answered };
        match untold.get(&connection) {
            Some(reason) => ask_again(engine, &towards, reason, batch),
            None => settle_debt(engine, parties, &towards, batch),
        }
    }
    let (after, notes) = folding.finish();
    for (connection, shadow) in &after.shadows {
        if before.shadows.get(connection) != Some(shadow) {
            let shadow = shadow.clone();
            batch.changes.push(Change::Shadow { key: key.clone(), connection: *connection, shadow });
        }
    }
    if before.truth != after.truth || outdated.is_it() {
        let natural = schema::of(key.kind).natural_key(&after.truth.values());
        let basis = stamps.of(key.kind, policies.values());
        batch.changes.push(Change::Truth { key: key.clone(), truth: after.truth.clone(), natural, basis });
    }
    tell_story(parties, key, (before, &after), (notes, cause, &policies), batch);
}

#[cfg(test)]
mod tests;
