//! Who decides what the truth is, and who has a say against it.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::{Folding, Question, Verdict};
use truthsource_core::record::{Claim, ConnectionId, KeyState, RecordKey};
use truthsource_core::rules::Rules;
use truthsource_core::{Fields, Kind, Value, schema};
use truthsource_host::{CallError, model};

use super::Fold;
use crate::engine::connections::Parties;
use crate::engine::halves::in_halves;
use crate::engine::{Engine, Error};

/// Puts every question to its policy, round by round until none is left.
pub(super) async fn decide(engine: &Engine, parties: &Parties, folds: &mut [Fold<'_>]) -> Result<(), Error> {
    loop {
        let mut asked: BTreeMap<Option<String>, Vec<(usize, Question)>> = BTreeMap::new();
        for (at, fold) in folds.iter().enumerate().filter(|(_, it)| !it.is_put_off) {
            for question in fold.folding.questions() {
                asked.entry(question.policy.clone()).or_default().push((at, question));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        for (policy, questions) in asked {
            let answers = match policy {
                Some(slot) => ask(engine, parties, &slot, folds, &questions).await?,
                None => {
                    questions.iter().map(|(at, it)| Some(built_in(folds[*at].key, &folds[*at].folding, it))).collect()
                }
            };
            for ((at, question), answer) in questions.iter().zip(answers) {
                let fold = &mut folds[*at];
                let Some((verdict, policy)) = answer else {
                    fold.is_put_off = true;
                    continue;
                };
                fold.policies.insert(question.field.clone(), policy);
                fold.folding.answer(question, verdict);
            }
        }
    }
}

/// Puts every question about one record to its policy, as [`decide`] does for many.
pub(crate) async fn settle(
    engine: &Engine,
    parties: &Parties,
    key: &RecordKey,
    folding: &mut Folding<'_>,
) -> Result<(), Error> {
    loop {
        let questions = folding.questions();
        if questions.is_empty() {
            return Ok(());
        }
        for question in questions {
            let decided = match &question.policy {
                Some(slot) => {
                    decided(engine, slot, &[conflict_of(&parties.rules, key, &question)]).await?.pop().flatten()
                }
                None => None,
            };
            let (verdict, _) = decided.unwrap_or_else(|| built_in(key, folding, &question));
            folding.answer(&question, verdict);
        }
    }
}

/// A verdict, and the name of the policy that gave it; no name for the built-in rule.
type Answer = (Verdict, String);

fn built_in(key: &RecordKey, folding: &Folding<'_>, question: &Question) -> Answer {
    let counter = schema::of(key.kind).field(&question.field).is_some_and(|it| it.counter);
    let verdict = if counter { Folding::summed(question) } else { folding.newest(question) };
    (verdict, String::new())
}

/// An answer to each question, none where the policy cannot be asked now. One that fails for good holds the field for a
/// person: a broken rule never decides, and never stops other records.
async fn ask(
    engine: &Engine,
    parties: &Parties,
    slot: &str,
    folds: &[Fold<'_>],
    questions: &[(usize, Question)],
) -> Result<Vec<Option<Answer>>, Error> {
    let conflicts: Vec<model::Conflict> =
        questions.iter().map(|(at, question)| conflict_of(&parties.rules, folds[*at].key, question)).collect();
    let decided = in_halves(&conflicts, |part| Box::pin(decided(engine, slot, part))).await?;
    let answer = |((at, question), decided): (&(usize, Question), Result<Option<Answer>, CallError>)| match decided {
        Ok(Some(answer)) => Some(answer),
        Ok(None) => Some(built_in(folds[*at].key, &folds[*at].folding, question)),
        Err(error) if error.is_retryable() => None,
        Err(error) => Some((Verdict::Hold(format!("the policy failed: {error}")), slot.to_owned())),
    };
    Ok(questions.iter().zip(decided).map(answer).collect())
}

/// One answer a conflict, none where the slot is empty.
async fn decided(engine: &Engine, slot: &str, conflicts: &[model::Conflict]) -> Result<Vec<Option<Answer>>, CallError> {
    let Some(decided) = engine.guests.decide(slot, conflicts).await? else { return Ok(vec![None; conflicts.len()]) };
    let named = |it| Some((verdict_of(it), decided.policy.clone()));
    Ok(decided.decisions.into_iter().map(named).collect())
}

/// A question as a policy is asked it, under these rules.
pub(crate) fn conflict_of(rules: &Rules, key: &RecordKey, question: &Question) -> model::Conflict {
    let name = |id: ConnectionId| rules.connections.get(&id).map_or_else(|| id.to_string(), |it| it.name.clone());
    let claim = |it: &Claim| model::Claim {
        connection: name(it.connection),
        rank: rules.rank(it.connection),
        owner: question.owner == Some(it.connection),
        was: it.was.clone().unwrap_or(Value::Null),
        now: it.now.clone(),
        changed_at: it.changed_at,
    };
    model::Conflict {
        kind: key.kind,
        key: key.key.clone(),
        field: question.field.clone(),
        base: question.base.clone(),
        claims: question.claims.iter().map(claim).collect(),
    }
}

fn verdict_of(decision: model::Decision) -> Verdict {
    match decision {
        model::Decision::Take(index) => Verdict::Take(index),
        model::Decision::Merge(value) => Verdict::Merge(value),
        model::Decision::Keep => Verdict::Keep,
        model::Decision::Hold(reason) => Verdict::Hold(reason),
    }
}

/// Shows every truth that moved to the validator of its kind. What it refuses is held for a person.
pub(super) async fn validate(
    engine: &Engine,
    before: &BTreeMap<RecordKey, KeyState>,
    folds: &mut [Fold<'_>],
) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = folds.iter().filter(|it| !it.is_put_off).map(|it| it.key.kind).collect();
    for kind in kinds {
        let is_moved = |it: &Fold<'_>| it.key.kind == kind && !it.is_put_off && it.folding.moved();
        let moved: Vec<usize> = (0..folds.len()).filter(|at| is_moved(&folds[*at])).collect();
        let records: Vec<Fields> = moved.iter().map(|at| folds[*at].folding.state().truth.values()).collect();
        let verdicts = in_halves(&records, |part| Box::pin(validated(engine, kind, part))).await?;
        for (at, verdict) in moved.into_iter().zip(verdicts) {
            let fold = &mut folds[at];
            let reason = match verdict {
                Ok(model::Verdict::Good) => continue,
                Ok(model::Verdict::Bad(reason)) => reason,
                Err(error) if error.is_retryable() => {
                    fold.is_put_off = true;
                    continue;
                }
                Err(error) => format!("the validator failed: {error}"),
            };
            let nothing = KeyState::default();
            let before = before.get(fold.key).unwrap_or(&nothing);
            fold.folding.refuse(&before.truth, &reason);
        }
    }
    Ok(())
}

async fn validated(engine: &Engine, kind: Kind, records: &[Fields]) -> Result<Vec<model::Verdict>, CallError> {
    let verdicts = engine.guests.validate(kind, records).await?;
    Ok(verdicts.unwrap_or_else(|| vec![model::Verdict::Good; records.len()]))
}
