//! Many writes of one kind: one reading, one batch, one reading again.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, State, Write};

use super::batch::{Part, run};
use super::books::Books;
use crate::wire::Written;
use crate::writes::{decide, read_back};

/// How records of one kind are found and written.
pub(crate) trait Plan {
    /// What the record of this write is found by: its remote id, or for one that may not exist yet what names it.
    fn target(&self, write: &Write) -> Result<String, Outcome>;

    /// What is there now, by target.
    fn held(&self, targets: &[String]) -> Result<BTreeMap<String, State>, Fault>;

    /// Which of these writes, by operation, an earlier try carried out, where the system can tell.
    fn carried_out(&self, _writes: &[&Write]) -> Result<BTreeSet<String>, Fault> {
        Ok(BTreeSet::new())
    }

    /// A key that is there already says that an earlier try of this very write was carried out.
    fn is_keyed(&self) -> bool {
        false
    }

    /// The outcome that a write has without being sent; `None`: send it.
    fn decide(&self, write: &Write, held: Option<&State>, target: &str) -> Option<Outcome> {
        decide(write, held, target)
    }

    /// What is to be sent.
    fn part(&self, write: &Write, target: &str, held: Option<&State>) -> Result<Part, Outcome>;
}

/// A record that changes while it is being written is read again, and where the change is none of the write's it is
/// written once more. After so many rounds it is left to a later call.
const ROUNDS: u32 = 3;

/// Carries out writes of one kind; one outcome per write, in order.
pub(crate) fn push(books: &Books<'_>, plan: &dyn Plan, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut due: Vec<(usize, String)> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        match plan.target(write) {
            // Two writes of one record in one call: the second waits for the first.
            Ok(target) if due.iter().any(|(_, it)| *it == target) => {
                outcomes.insert(at, Outcome::Retry(None, "another write of this record comes first".to_owned()));
            }
            Ok(target) => due.push((at, target)),
            Err(outcome) => drop(outcomes.insert(at, outcome)),
        }
    }
    let mut done: Vec<(usize, String)> = Vec::new();
    for round in 1..=ROUNDS {
        if due.is_empty() {
            break;
        }
        let (held, carried_out) = match look(plan, writes, &due) {
            Ok(found) => found,
            Err(fault) if round == 1 => return Err(fault),
            Err(fault) => {
                outcomes.extend(due.iter().map(|(at, _)| (*at, Outcome::not_written(fault.clone()))));
                break;
            }
        };
        let (earlier, new) = due.into_iter().partition(|(at, _)| carried_out.contains(&writes[*at].op_id));
        done.extend::<Vec<_>>(earlier);
        let sent = send(books, (plan, writes), new, &held, &mut outcomes);
        due = sorted(sent, (round, plan.is_keyed()), &mut done, &mut outcomes);
    }
    let held = if done.is_empty() { Ok(BTreeMap::new()) } else { plan.held(&targets(&done)) };
    for (at, target) in done {
        outcomes.insert(at, read_back(held.as_ref().map(|it| it.get(&target).cloned()).map_err(Clone::clone)));
    }
    let decided = |at| outcomes.remove(&at).unwrap_or_else(|| Outcome::Unknown("not decided".to_owned()));
    Ok((0..writes.len()).map(decided).collect())
}

fn targets(due: &[(usize, String)]) -> Vec<String> {
    due.iter().map(|(_, target)| target.clone()).collect()
}

/// What is there, and which of the writes that are tried again were carried out. In this order: what is there never
/// holds the work of an earlier try that the second look does not know of.
fn look(
    plan: &dyn Plan,
    writes: &[Write],
    due: &[(usize, String)],
) -> Result<(BTreeMap<String, State>, BTreeSet<String>), Fault> {
    let held = plan.held(&targets(due))?;
    let repeated: Vec<&Write> = due.iter().map(|(at, _)| &writes[*at]).filter(|it| it.is_repeated()).collect();
    Ok((held, plan.carried_out(&repeated)?))
}

/// Sends what is to be sent in the light of what is there. Gives what became of each.
fn send(
    books: &Books<'_>,
    (plan, writes): (&dyn Plan, &[Write]),
    due: Vec<(usize, String)>,
    held: &BTreeMap<String, State>,
    outcomes: &mut BTreeMap<usize, Outcome>,
) -> Vec<((usize, String), Written)> {
    let (mut parts, mut sent) = (Vec::new(), Vec::new());
    for (at, target) in due {
        let held = held.get(&target);
        let part = match plan.decide(&writes[at], held, &target) {
            Some(outcome) => Err(outcome),
            None => plan.part(&writes[at], &target, held),
        };
        match part {
            Ok(part) => {
                parts.push(part);
                sent.push((at, target));
            }
            Err(outcome) => drop(outcomes.insert(at, outcome)),
        }
    }
    sent.into_iter().zip(run(books, &parts)).collect()
}

/// Sorts what became of writes: those that are done, those with an outcome, and those to be decided anew.
fn sorted(
    sent: Vec<((usize, String), Written)>,
    (round, is_keyed): (u32, bool),
    done: &mut Vec<(usize, String)>,
    outcomes: &mut BTreeMap<usize, Outcome>,
) -> Vec<(usize, String)> {
    let mut again = Vec::new();
    for ((at, target), written) in sent {
        match written {
            Written::Done(_) => done.push((at, target)),
            Written::Exists(_) if is_keyed => done.push((at, target)),
            // What was not there is there now, or the other way round: the next reading says.
            Written::Changed | Written::Gone | Written::Exists(_) if round < ROUNDS => again.push((at, target)),
            Written::Changed | Written::Gone => {
                outcomes.insert(at, Outcome::Retry(None, "the record keeps changing".to_owned()));
            }
            Written::Exists(outcome) | Written::Failed(outcome) => drop(outcomes.insert(at, outcome)),
        }
    }
    again
}
