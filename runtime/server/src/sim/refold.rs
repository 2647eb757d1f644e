//! P8 at every fold of a run: the truth that was decided is the one that comes of the same entries however they are
//! ordered between systems, repeated and cut into batches.

use std::collections::BTreeMap;

use truthsource_core::draw::Draw;
use truthsource_core::fold::{Folding, Ruling, Telling};
use truthsource_core::record::{Entry, KeyState, RecordKey};
use truthsource_core::{Fields, UnixMs};

use super::judge::record_of;
use super::store::Folded;
use crate::engine::connections::Parties;
use crate::engine::{Engine, Error, fold};
use crate::store::{Change, LoggedRuling};

/// Letters of what led to another decision.
const TOLD_MAX: usize = 6_000;

/// An entry as a fold takes it in, and when it was logged.
type Said = (UnixMs, Entry);

/// Decides again what a fold decided, from what was known before: in an order that is drawn where there is another, which
/// must give what is stored now. Gives how many records were decided in another order.
///
/// # Errors
/// When the store fails.
pub async fn check(
    (engine, parties): (&Engine, &Parties),
    folded: &Folded,
    (draw, turn): (Draw, u64),
    violations: &mut Vec<String>,
) -> Result<u64, Error> {
    let mut by_key: BTreeMap<RecordKey, Vec<Said>> = BTreeMap::new();
    for change in &folded.batch.changes {
        let Change::Folded { seq, key, entry } = change else { continue };
        let Some(line) = folded.lines.get(seq) else { continue };
        let entry = entry.as_ref().unwrap_or(&line.entry).clone();
        by_key.entry(RecordKey::new(line.kind, key)).or_default().push((line.at, entry));
    }
    let now = engine.store.states(&by_key.keys().cloned().collect()).await?;
    let rulings: BTreeMap<&RecordKey, &Ruling> = rulings(folded).map(|it| (&it.key, &it.ruling)).collect();
    let plain = Ruling::default();
    let mut rearranged = 0;
    for (key, said) in by_key {
        let ruling = rulings.get(&key).copied().unwrap_or(&plain);
        // What was refused, as it would give the record the name of another, is not what was decided.
        if ruling.refused.is_some() {
            continue;
        }
        let before = folded.before.get(&key).cloned().unwrap_or_default();
        let stored = now.get(&key).map(|it| it.truth.values()).unwrap_or_default();
        let batches = arrange(&said, |n, purpose| draw.below(n, purpose, turn));
        rearranged += u64::from(batches.len() > 1);
        let decided = decide((engine, parties), &key, (before, ruling), &batches).await?;
        if decided != stored {
            let told = format!("{ruling:?} on {batches:?} after {:?}", folded.before.get(&key));
            let told: String = told.chars().take(TOLD_MAX).collect();
            let record = record_of(&key);
            let told =
                format!("P8: {record} decided in another order is {decided:?}, and {stored:?} is stored: {told}");
            violations.push(told);
        }
    }
    Ok(rearranged)
}

fn rulings(folded: &Folded) -> impl Iterator<Item = &LoggedRuling> {
    folded.batch.changes.iter().filter_map(|it| match it {
        Change::Ruling(logged) => Some(&**logged),
        _ => None,
    })
}

/// What each system says keeps its order; between systems the draws decide whose turn it is. Everything is said twice,
/// and a batch ends wherever they say. A person's word is about all that was said before it, and about nothing after.
fn arrange(said: &[Said], below: impl Fn(u64, &str) -> u64) -> Vec<Vec<Said>> {
    let mut batches = vec![Vec::new()];
    let mut n = 0;
    for until in said.split_inclusive(|it| it.1.connection().is_none()) {
        let (words, readings): (Vec<&Said>, Vec<&Said>) = until.iter().partition(|it| it.1.connection().is_none());
        let mut queues: BTreeMap<_, Vec<Said>> = BTreeMap::new();
        for it in readings.into_iter().rev() {
            queues.entry(it.1.connection()).or_default().push(it.clone());
        }
        loop {
            queues.retain(|_, queue| !queue.is_empty());
            let whose = below(queues.len() as u64, &format!("whose turn {n}")) as usize;
            let Some(next) = queues.values_mut().nth(whose).and_then(Vec::pop) else { break };
            say_twice(next, &mut batches, below(2, &format!("cut {n}")) == 0);
            n += 1;
        }
        words.into_iter().for_each(|word| say_twice(word.clone(), &mut batches, false));
    }
    batches
}

fn say_twice(it: Said, batches: &mut Vec<Vec<Said>>, cut: bool) {
    if let Some(batch) = batches.last_mut() {
        batch.extend([it.clone(), it]);
    }
    if cut {
        batches.push(Vec::new());
    }
}

/// What was being told, and what the fold hears to have been: both were told before it decides, whenever it hears of it.
fn telling(ruling: &Ruling, batches: &[Vec<Said>]) -> Telling {
    let mut telling = ruling.telling.clone();
    for (_, entry) in batches.iter().flatten() {
        let Entry::Wrote { connection, sent, truth_version, .. } = entry else { continue };
        let told = telling.entry(*connection).or_default();
        for field in sent.keys() {
            let version = told.entry(field.clone()).or_default();
            *version = (*version).max(*truth_version);
        }
    }
    telling
}

/// The truth that comes of these batches, as the tenant's policies decide.
async fn decide(
    (engine, parties): (&Engine, &Parties),
    key: &RecordKey,
    (mut state, ruling): (KeyState, &Ruling),
    batches: &[Vec<Said>],
) -> Result<Fields, Error> {
    let telling = telling(ruling, batches);
    for (at, batch) in batches.iter().enumerate() {
        let mut folding = Folding::new(key, &parties.rules, state);
        if at == 0 && ruling.reviewed {
            folding.review();
        }
        folding.telling(telling.clone());
        for (heard_at, entry) in batch {
            folding.absorb(entry, *heard_at);
        }
        fold::settle(engine, parties, key, &mut folding).await?;
        state = folding.finish().0;
    }
    Ok(state.truth.values())
}
