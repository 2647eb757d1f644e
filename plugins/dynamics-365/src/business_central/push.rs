//! Many writes of one kind: one reading, one batch, one reading again.

use std::collections::BTreeMap;

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
        let held = match plan.held(&targets(&due)) {
            Ok(held) => held,
            Err(fault) if round == 1 => return Err(fault),
            Err(fault) => {
                outcomes.extend(due.iter().map(|(at, _)| (*at, Outcome::not_written(fault.clone()))));
                break;
            }
        };
        let sent = send(books, (plan, writes), due, &held, &mut outcomes);
        due = sorted(sent, round, &mut done, &mut outcomes);
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
    round: u32,
    done: &mut Vec<(usize, String)>,
    outcomes: &mut BTreeMap<usize, Outcome>,
) -> Vec<(usize, String)> {
    let mut again = Vec::new();
    for ((at, target), written) in sent {
        match written {
            Written::Done(_) => done.push((at, target)),
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
