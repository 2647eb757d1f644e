//! What other rules would make of records as they are known now: the fold itself, on copies. Nothing is written and
//! nobody is told.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Value;
use truthsource_core::fold::{Folding, Owed};
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};

use super::decide::{decide, validate};
use super::intake::telling;
use super::names::keep_apart;
use super::project::project;
use super::supply::supply;
use super::{Debts, Fold, index};
use crate::engine::basis::Outdated;
use crate::engine::connections::Parties;
use crate::engine::rules::RulesSpec;
use crate::engine::{Engine, Error};

/// What would come of other rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Records that were looked at.
    pub records: u64,
    /// Fields that would be decided otherwise.
    pub otherwise: Vec<Redecided>,
    /// What would be owed that is not owed now.
    pub writes: Vec<Foretold>,
    /// Records about which a policy or a validator cannot be asked now.
    pub unasked: Vec<RecordKey>,
    /// Where to go on; `None` at the end.
    pub next: Option<RecordKey>,
}

/// A field that would be decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redecided {
    /// The record.
    pub key: RecordKey,
    /// The field.
    pub field: String,
    /// What it is; `None`: it is not known.
    pub was: Option<Value>,
    /// Why it waits for a person, if it does.
    pub was_held: Option<String>,
    /// What it would be.
    pub would: Option<Value>,
    /// Why it would wait for a person.
    pub would_be_held: Option<String>,
    /// `slot@digest` of the policy that would decide; empty for the built-in rule.
    pub policy: String,
}

/// A write that would be owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foretold {
    /// To whom.
    pub connection: ConnectionId,
    /// The record.
    pub key: RecordKey,
    /// It would be created there.
    pub creates: bool,
    /// The fields to send that are not owed now.
    pub fields: Vec<String>,
}

/// Decides up to `n_max` records again, those after `after`, as if these were the rules.
///
/// # Errors
/// When the store fails, or there is no place for a component to run in.
pub async fn foresee(
    engine: &Engine,
    spec: &RulesSpec,
    (after, n_max): (Option<&RecordKey>, u32),
) -> Result<Foreseen, Error> {
    let (now, then) = (Parties::load(engine).await?, Parties::under(engine, spec).await?);
    let found = engine.store.accounts(after, n_max).await?;
    let next = found.last().filter(|_| found.len() >= n_max as usize).cloned();
    let keys: BTreeSet<RecordKey> = found.into_iter().collect();
    let before = engine.store.states(&keys).await?;
    let debts = index(engine.store.debts_of(&keys).await?);
    let mut folds: Vec<Fold<'_>> = keys.iter().map(|key| again(&then, (key, before.get(key)), &debts)).collect();
    decide(engine, &then, &mut folds).await?;
    keep_apart(engine, &before, &mut folds).await?;
    validate(engine, &before, &mut folds).await?;
    let (put_off, mut folds): (Vec<_>, Vec<_>) = folds.into_iter().partition(|it| it.is_put_off);
    let at = engine.now();
    supply(engine, &then, &mut folds, at).await?;
    project(engine, &then, &debts, &mut folds, at).await?;
    let unasked = put_off.into_iter().map(|it| it.key.clone()).collect();
    let mut done = Foreseen { records: keys.len() as u64, unasked, next, ..Foreseen::default() };
    for fold in &folds {
        let nothing = KeyState::default();
        let before = before.get(fold.key).unwrap_or(&nothing);
        compare(before, fold, &mut done.otherwise);
        for connection in then.rules.connections.keys() {
            done.writes.extend(foretold((&now, &then), *connection, before, fold));
        }
    }
    Ok(done)
}

fn again<'a>(then: &'a Parties, (key, state): (&'a RecordKey, Option<&KeyState>), debts: &Debts) -> Fold<'a> {
    let mut folding = Folding::new(key, &then.rules, state.cloned().unwrap_or_default());
    folding.review();
    folding.telling(telling(key, debts));
    let (cause, absorbed, answered, policies, untold, is_put_off) = Default::default();
    let outdated = Outdated { decided: true, told: true };
    Fold { key, folding, cause, absorbed, answered, policies, untold, outdated, is_put_off }
}

/// Notes the fields that would be otherwise.
fn compare(was: &KeyState, fold: &Fold<'_>, otherwise: &mut Vec<Redecided>) {
    let would = fold.folding.state();
    let side = |state: &KeyState, name: &String| {
        let field = state.truth.fields.get(name);
        (field.filter(|it| it.is_known()).map(|it| it.value.clone()), field.and_then(|it| it.held.clone()))
    };
    for name in would.truth.fields.keys() {
        let ((was, was_held), (would, would_be_held)) = (side(was, name), side(would, name));
        if was != would || was_held != would_be_held {
            let policy = fold.policies.get(name).cloned().unwrap_or_default();
            let (key, field) = (fold.key.clone(), name.clone());
            otherwise.push(Redecided { key, field, was, was_held, would, would_be_held, policy });
        }
    }
}

/// What would be owed to a connection, and is not now.
fn foretold(
    (now, then): (&Parties, &Parties),
    connection: ConnectionId,
    before: &KeyState,
    fold: &Fold<'_>,
) -> Option<Foretold> {
    let (key, kind) = (fold.key.clone(), fold.key.kind);
    let would = fold.folding.owed(connection, &then.power(connection, kind))?;
    let is = Folding::new(fold.key, &now.rules, before.clone()).owed(connection, &now.power(connection, kind));
    let sent = |state: &KeyState, owed: &Owed| -> BTreeMap<String, Option<Value>> {
        let want = state.shadows.get(&connection).map(|it| &it.want);
        owed.changed.iter().map(|name| (name.clone(), want.and_then(|it| it.get(name)).cloned())).collect()
    };
    let is_sent = is.as_ref().map(|it| sent(before, it)).unwrap_or_default();
    let fields = sent(fold.folding.state(), &would).into_iter().filter(|(name, it)| is_sent.get(name) != Some(it));
    let fields: Vec<String> = fields.map(|(name, _)| name).collect();
    (!fields.is_empty()).then_some(Foretold { connection, key, creates: would.create, fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};

    fn owned_by(name: &str) -> RulesSpec {
        toml::from_str(&format!("[[fields]]\nkind = 'item'\nfield = 't*'\nowner = '{name}'")).unwrap()
    }

    #[tokio::test]
    async fn what_other_rules_would_decide_and_write_is_shown_and_not_done() {
        let house = House::with(Fake::default()).await;
        for code in ["a", "b", "c"] {
            house.saw(ERP, code, "bolt").await;
            house.saw(SHOP, code, "bolt").await;
        }
        house.fold_all().await;
        house.pass(1_000);
        house.saw(ERP, "a", "erp").await;
        house.pass(1_000);
        house.saw(SHOP, "a", "shop").await;
        house.fold_all().await;
        assert_eq!(house.title("a").await, Some("shop".into()));

        let before = house.sizes().await;
        let seen = foresee(&house.engine, &owned_by("erp"), (None, 10)).await.unwrap();
        assert_eq!((seen.records, seen.otherwise.len(), seen.next), (3, 1, None));
        let it = &seen.otherwise[0];
        let (was, would) = (Some(Value::from("shop")), Some(Value::from("erp")));
        assert_eq!((&it.key, it.field.as_str(), &it.was, &it.would), (&item("a"), "title", &was, &would));
        let expect = Foretold { connection: SHOP, key: item("a"), creates: false, fields: vec!["title".to_owned()] };
        assert_eq!(seen.writes, [expect]);
        assert_eq!(house.sizes().await, before);
        assert_eq!(house.title("a").await, was);
        // The rules of now change nothing, and pages go on where they ended.
        let same = foresee(&house.engine, &RulesSpec::default(), (None, 10)).await.unwrap();
        assert_eq!((same.otherwise, same.writes), (vec![], vec![]));
        let page = foresee(&house.engine, &owned_by("erp"), (None, 2)).await.unwrap();
        assert_eq!((page.records, page.next.clone()), (2, Some(item("b"))));
        let rest = foresee(&house.engine, &owned_by("erp"), (page.next.as_ref(), 2)).await.unwrap();
        assert_eq!((rest.records, rest.next), (1, None));
    }
}
