//! What the rules of today would have made of what systems said then. Decides on copies; nothing is written and nobody
//! is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use truthsource_core::fold::Folding;
use truthsource_core::record::{KeyState, RecordKey};
use truthsource_core::{Kind, UnixMs, Value};
use truthsource_host::model::Verdict;

use super::connections::Parties;
use super::fold::settle;
use super::refold::{Account, Books, Case};
use super::{Engine, Error};

/// Which decisions are taken again.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Those of this time.
    pub within: Range<UnixMs>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this record.
    pub key: Option<RecordKey>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records that were looked at.
    pub records: u64,
    /// Decisions that were taken again.
    pub rulings: u64,
    /// Entries that they were taken on.
    pub entries: u64,
    /// Fields that would have been decided otherwise, by record.
    pub otherwise: Vec<Otherwise>,
    /// Records that cannot be folded again, and why.
    pub torn: BTreeMap<RecordKey, String>,
    /// Where to go on; `None` at the end.
    pub next: Option<RecordKey>,
}

/// A field that would have been decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otherwise {
    /// The record.
    pub key: RecordKey,
    /// The field.
    pub field: String,
    /// When it was first decided otherwise.
    pub at: UnixMs,
    /// What it became; `None`: it was not known.
    pub was: Option<Value>,
    /// Why it waited for a person, if it did.
    pub was_held: Option<String>,
    /// What it would have become.
    pub would: Option<Value>,
    /// Why it would have waited for a person.
    pub would_be_held: Option<String>,
    /// `slot@digest` of the policy that decided it then; empty for the built-in rule.
    pub policy: String,
    /// It is still otherwise after the last decision of the time.
    pub lasts: bool,
}

/// Takes decisions of up to `n_max` records again, those after `after`, by the rules and components of now.
///
/// # Errors
/// When the store fails, or a component gives no answer.
pub async fn replay(
    engine: &Engine,
    parties: &Parties,
    scope: &Scope,
    (after, n_max): (Option<&RecordKey>, u32),
) -> Result<Replayed, Error> {
    let found = match &scope.key {
        Some(key) if after.is_none() => vec![key.clone()],
        Some(_) => Vec::new(),
        None => engine.store.ruled(scope.within.clone(), after, n_max).await?,
    };
    let next = found.last().filter(|_| found.len() >= n_max as usize && scope.key.is_none()).cloned();
    let keys: BTreeSet<RecordKey> =
        found.into_iter().filter(|it| scope.kind.is_none_or(|kind| it.kind == kind)).collect();
    let mut done = Replayed { next, records: keys.len() as u64, ..Replayed::default() };
    for (key, cases) in Books::new(&*engine.store).cases(&keys).await? {
        let replayed = match cases {
            Ok(cases) => record((engine, parties), &key, &cases, (scope, &mut done)).await?,
            Err(gap) => Err(gap),
        };
        if let Err(gap) = replayed {
            done.torn.insert(key, gap);
        }
    }
    Ok(done)
}

/// One record: as it was decided, and beside it as it would be.
async fn record(
    (engine, parties): (&Engine, &Parties),
    key: &RecordKey,
    cases: &[Case],
    (scope, done): (&Scope, &mut Replayed),
) -> Result<Result<(), String>, Error> {
    let mut was = Account::default();
    let mut would: Option<KeyState> = None;
    let mut otherwise: BTreeMap<String, Otherwise> = BTreeMap::new();
    for case in cases.iter().take_while(|it| it.logged.at < scope.within.end) {
        let is_within = case.logged.at >= scope.within.start;
        let before = would.take().unwrap_or_else(|| was.state.clone());
        if let Err(misfit) = was.follow(case) {
            return Ok(Err(format!("what was decided at {}: {misfit}", case.logged.at)));
        }
        if !is_within {
            continue;
        }
        done.rulings += 1;
        done.entries += case.entries.len() as u64;
        let after = decide((engine, parties), key, before, case).await?;
        compare(case, &was.state, &after, &mut otherwise);
        would = Some(after);
    }
    done.otherwise.extend(otherwise.into_values());
    Ok(Ok(()))
}

/// One decision, by the rules and components of now.
async fn decide(
    (engine, parties): (&Engine, &Parties),
    key: &RecordKey,
    before: KeyState,
    case: &Case,
) -> Result<KeyState, Error> {
    let truth = before.truth.clone();
    let mut folding = Folding::new(key, &parties.rules, before);
    if case.logged.ruling.reviewed {
        folding.review();
    }
    folding.telling(case.logged.ruling.telling.clone());
    for it in &case.entries {
        folding.absorb(&it.entry, it.at);
    }
    settle(engine, parties, key, &mut folding).await?;
    if folding.moved() {
        let verdicts = engine.guests.validate(key.kind, &[folding.state().truth.values()]).await?;
        if let Some(Verdict::Bad(reason)) = verdicts.and_then(|mut it| it.pop()) {
            folding.refuse(&truth, &reason);
        }
    }
    Ok(folding.finish().0)
}

/// Notes the fields that differ, from when on.
fn compare(case: &Case, was: &KeyState, would: &KeyState, otherwise: &mut BTreeMap<String, Otherwise>) {
    let side = |state: &KeyState, name: &String| {
        let field = state.truth.fields.get(name);
        (field.filter(|it| it.is_known()).map(|it| it.value.clone()), field.and_then(|it| it.held.clone()))
    };
    let names: BTreeSet<&String> = was.truth.fields.keys().chain(would.truth.fields.keys()).collect();
    for name in names {
        let ((was, was_held), (would, would_be_held)) = (side(was, name), side(would, name));
        let differs = was != would || was_held.is_some() != would_be_held.is_some();
        match otherwise.get_mut(name) {
            Some(known) => known.lasts = differs,
            None if differs => {
                let policy = case.logged.ruling.policies.get(name).cloned().unwrap_or_default();
                let (key, field, at, lasts) = (case.logged.key.clone(), name.clone(), case.logged.at, true);
                let it = Otherwise { key, field, at, was, was_held, would, would_be_held, policy, lasts };
                otherwise.insert(name.clone(), it);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};
    use crate::engine::rules::{FieldSpec, RULES, RulesSpec};
    use crate::store::Change;

    async fn rules(house: &House, owner: &str) {
        let title = FieldSpec { field: "title".to_owned(), owner: Some(owner.to_owned()), ..FieldSpec::default() };
        let value = serde_json::to_value(RulesSpec { fields: vec![title], ..RulesSpec::default() }).unwrap();
        house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
    }

    async fn replayed(house: &House, within: Range<u64>, key: Option<RecordKey>) -> Replayed {
        let parties = Parties::load(&house.engine).await.unwrap();
        let scope = Scope { within: UnixMs(within.start)..UnixMs(within.end), kind: None, key };
        replay(&house.engine, &parties, &scope, (None, 10)).await.unwrap()
    }

    #[tokio::test]
    async fn other_rules_show_what_they_would_have_decided_and_write_nothing() {
        let house = House::with(Fake::default()).await;
        rules(&house, "erp").await;
        for code in ["a", "b"] {
            house.saw(ERP, code, "bolt").await;
            house.saw(SHOP, code, "bolt").await;
        }
        house.fold_all().await;
        house.pass(1_000);
        house.saw(SHOP, "a", "nut").await;
        house.fold_all().await;
        let at = house.engine.now().0;

        let same = replayed(&house, 0..at + 1, None).await;
        assert_eq!((same.records, same.otherwise), (2, vec![]));
        assert!(same.rulings >= 3 && same.entries == 5, "{}", same.rulings);

        rules(&house, "shop").await;
        let before = house.sizes().await;
        let other = replayed(&house, 0..at + 1, None).await;
        let seen: Vec<_> = other.otherwise.iter().map(|it| (&it.key, it.field.as_str(), it.at.0, it.lasts)).collect();
        assert_eq!(seen, [(&item("a"), "title", at, true)]);
        let (was, would) = (Some(Value::from("bolt")), Some(Value::from("nut")));
        assert_eq!((&other.otherwise[0].was, &other.otherwise[0].would), (&was, &would));
        assert_eq!(house.sizes().await, before);
        assert_eq!(house.title("a").await, was);
        // Of what was decided before, and of other records, nothing is said.
        assert_eq!(replayed(&house, 0..at, None).await.otherwise, []);
        assert_eq!(replayed(&house, 0..at + 1, Some(item("b"))).await.otherwise, []);
    }

    #[tokio::test]
    async fn what_cannot_be_folded_again_is_told_and_keeps_no_other() {
        let house = House::with(Fake::default()).await;
        house.saw(ERP, "a", "bolt").await;
        house.saw(ERP, "b", "bolt").await;
        house.fold_all().await;
        let mut torn = house.store.rulings(&[item("a")].into()).await.unwrap().remove(0);
        torn.ruling.entries = vec![77];
        house.commit([Change::Ruling(Box::new(torn))]).await;
        let seen = replayed(&house, 0..u64::MAX, None).await;
        assert_eq!(seen.torn.keys().collect::<Vec<_>>(), [&item("a")]);
        assert_eq!((seen.rulings, seen.otherwise.len()), (1, 0));
    }
}
