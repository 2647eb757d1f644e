//! Two versions of a policy on the same questions: how often they disagree, and about what.
//!
//! What was decided is in the books with everything that it was decided on, so a version that was never active can be
//! asked what others were asked before. Nothing is written and nobody is told.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::{Folding, Question, Verdict};
use truthsource_core::record::RecordKey;
use truthsource_core::{Kind, UnixMs, Value};
use truthsource_host::model::{Conflict, Decision};

use super::fold::conflict_of;
use super::halves::in_halves;
use super::refold::{Account, Books, Case};
use super::{Engine, Error};

/// A question that two versions answer differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// When it was decided.
    pub at: UnixMs,
    /// The record's kind.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// The field.
    pub field: String,
    /// What it was before.
    pub base: Value,
    /// What each side said.
    pub claims: BTreeMap<String, Value>,
    /// What was decided; `None`: it was held for a person.
    pub is: Option<Value>,
    /// What the other version decides.
    pub would: Option<Value>,
}

/// What came of the past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Records that were looked at.
    pub records: u64,
    /// Questions that were asked again.
    pub questions: u64,
    /// Those of them that the other version failed on.
    pub failed: u64,
    /// Those of them that it answers differently.
    pub disagreements: Vec<Disagreement>,
    /// Records that cannot be folded again.
    pub torn: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<RecordKey>,
}

/// What a decision makes of a conflict; `None`: a person must say.
#[must_use]
pub fn outcome(conflict: &Conflict, decision: &Decision) -> Option<Value> {
    match decision {
        Decision::Take(at) => conflict.claims.get(*at).map(|it| it.now.clone()),
        Decision::Merge(value) => Some(value.clone()),
        Decision::Keep => Some(conflict.base.clone()),
        Decision::Hold(_) => None,
    }
}

/// Where the decisions come to different ends, that.
#[must_use]
pub fn disagreement(at: UnixMs, conflict: &Conflict, is: &Decision, would: &Decision) -> Option<Disagreement> {
    let (is, would) = (outcome(conflict, is), outcome(conflict, would));
    if is == would {
        return None;
    }
    let claims = conflict.claims.iter().map(|it| (it.connection.clone(), it.now.clone())).collect();
    let (kind, key, field) = (conflict.kind, conflict.key.clone(), conflict.field.clone());
    Some(Disagreement { at, kind, key, field, base: conflict.base.clone(), claims, is, would })
}

/// Asks a release what the policy in `slot` was asked about up to `n_max` records, those after `after`.
///
/// # Errors
/// When the store fails, or there is no place for a component to run in.
pub async fn past(
    engine: &Engine,
    (slot, release): (&str, u64),
    (after, n_max): (Option<&RecordKey>, u32),
) -> Result<Compared, Error> {
    let found = engine.store.accounts(after, n_max).await?;
    let next = found.last().filter(|_| found.len() >= n_max as usize).cloned();
    let keys: BTreeSet<RecordKey> = found.into_iter().collect();
    let mut done = Compared { records: keys.len() as u64, next, ..Compared::default() };
    let mut asked = Vec::new();
    for (_, cases) in Books::new(&*engine.store).cases(&keys).await? {
        match cases.and_then(|cases| asked_of(slot, &cases)) {
            Ok(questions) => asked.extend(questions),
            Err(_) => done.torn += 1,
        }
    }
    let conflicts: Vec<Conflict> = asked.iter().map(|it| it.conflict.clone()).collect();
    let answers = in_halves(&conflicts, |part| Box::pin(engine.guests.decide_by(slot, release, part))).await?;
    done.questions = asked.len() as u64;
    for (asked, answer) in asked.iter().zip(answers) {
        match answer {
            Ok(would) => done.disagreements.extend(disagreement(asked.at, &asked.conflict, &asked.is, &would)),
            Err(_) => done.failed += 1,
        }
    }
    Ok(done)
}

/// A question of the past, and how it was decided.
struct Asked {
    at: UnixMs,
    conflict: Conflict,
    is: Decision,
}

/// What a slot's policy was asked about a record, or why that cannot be told.
fn asked_of(slot: &str, cases: &[Case]) -> Result<Vec<Asked>, String> {
    let (mut account, mut asked) = (Account::default(), Vec::new());
    for case in cases {
        let (at, rules) = (case.logged.at, &case.terms.rules);
        let mut hear = |folding: &Folding<'_>, question: &Question, verdict: &Verdict| {
            if question.policy.as_deref() == Some(slot) {
                let conflict = conflict_of(rules, folding.key(), question);
                asked.push(Asked { at, conflict, is: decision_of(verdict) });
            }
        };
        account.follow_and_tell(case, &mut hear).map_err(|misfit| misfit.to_string())?;
    }
    Ok(asked)
}

fn decision_of(verdict: &Verdict) -> Decision {
    match verdict.clone() {
        Verdict::Take(at) => Decision::Take(at),
        Verdict::Merge(value) => Decision::Merge(value),
        Verdict::Keep => Decision::Keep,
        Verdict::Hold(reason) => Decision::Hold(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
    use crate::engine::rules::{RULES, RulesSpec};
    use crate::store::Change;

    #[tokio::test]
    async fn another_version_is_asked_what_was_asked_before_and_decides_nothing() {
        // The release that is active takes the first claim, the other one the last, and holds what says "odd".
        let decide_by = answers(|conflicts: Vec<Conflict>| {
            let decide = |it: &Conflict| match it.claims.last() {
                Some(claim) if claim.now == Value::from("odd") => Decision::Hold("odd".to_owned()),
                _ => Decision::Take(it.claims.len() - 1),
            };
            Ok(conflicts.iter().map(decide).collect())
        });
        let house = House::with(Fake { decide_by, ..Fake::default() }).await;
        let rules: RulesSpec = toml::from_str("[[fields]]\nfield = 'title'\npolicy = 'conflict:x'").unwrap();
        let value = serde_json::to_value(rules).unwrap();
        house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
        for (code, shop) in [("a", "shop"), ("b", "bolt"), ("c", "odd")] {
            house.saw(ERP, code, "bolt").await;
            house.saw(SHOP, code, "bolt").await;
            house.fold_all().await;
            house.saw(ERP, code, "erp").await;
            house.saw(SHOP, code, shop).await;
            house.fold_all().await;
        }
        let before = house.sizes().await;
        let seen = past(&house.engine, ("conflict:x", 7), (None, 10)).await.unwrap();
        assert_eq!((seen.records, seen.questions, seen.failed, seen.torn), (3, 3, 0, 0));
        let told: Vec<_> = seen.disagreements.iter().map(|it| (it.key.as_str(), &it.is, &it.would)).collect();
        let (erp, shop) = (Some(Value::from("erp")), Some(Value::from("shop")));
        assert_eq!(told, [("a", &erp, &shop), ("c", &erp, &None)]);
        assert_eq!(seen.disagreements[0].claims["shop"], "shop".into());
        assert_eq!(house.sizes().await, before);
        assert_eq!(past(&house.engine, ("conflict:y", 7), (None, 10)).await.unwrap().questions, 0);
        let page = past(&house.engine, ("conflict:x", 7), (None, 1)).await.unwrap();
        assert_eq!((page.questions, page.next), (1, Some(item("a"))));
    }
}
