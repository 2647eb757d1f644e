//! What became of what a sweep found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use truthsource_core::Value;
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};

use crate::store::{self, Debt, DebtState, Drift, TenantStore};

/// What became of one difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is not known yet which record it is.
    Unmatched,
    /// What follows of it is still to be written, there or elsewhere.
    Applying,
    /// What follows of it was given up until a person looks.
    Parked,
    /// A person must decide about it.
    Held,
    /// What was found there is what counts now.
    Accepted,
    /// The connection holds again what it should.
    Repaired,
}

/// What became of these differences, in order. All are of one connection.
///
/// # Errors
/// When the store fails.
pub async fn outcomes(
    store: &dyn TenantStore,
    connection: ConnectionId,
    drift: &[Drift],
) -> store::Result<Vec<Outcome>> {
    let key = |it: &Drift| it.key.as_ref().map(|key| RecordKey::new(it.kind, key));
    let keys: BTreeSet<RecordKey> = drift.iter().filter_map(key).collect();
    let states = store.states(&keys).await?;
    let mut debts: BTreeMap<RecordKey, Vec<Debt>> = BTreeMap::new();
    for debt in store.debts_of(&keys).await? {
        debts.entry(debt.key.clone()).or_default().push(debt);
    }
    let outcome = |it: &Drift| {
        let Some(key) = key(it) else { return Outcome::Unmatched };
        let debts = debts.get(&key).map(Vec::as_slice).unwrap_or_default();
        states.get(&key).map_or(Outcome::Unmatched, |state| of(it, connection, state, debts))
    };
    Ok(drift.iter().map(outcome).collect())
}

fn of(drift: &Drift, connection: ConnectionId, state: &KeyState, debts: &[Debt]) -> Outcome {
    if debts.iter().any(|it| it.state == DebtState::Parked) {
        return Outcome::Parked;
    }
    let fields = || drift.fields.keys().filter_map(|name| state.truth.fields.get(name));
    if fields().any(|it| it.held.is_some()) {
        return Outcome::Held;
    }
    if !debts.is_empty() {
        return Outcome::Applying;
    }
    let holds = |name: &String, should: &Option<Value>| {
        let held = state.shadows.get(&connection).and_then(|it| it.fields.get(name));
        held.map(|it| &it.value) == should.as_ref()
    };
    let is_repaired = drift.fields.iter().all(|(name, (should, _))| holds(name, should));
    if is_repaired { Outcome::Repaired } else { Outcome::Accepted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};
    use crate::store::Change;
    use truthsource_core::Kind;

    fn drift(connection: &str, should: &str, found: &str) -> Drift {
        Drift {
            connection: connection.to_owned(),
            kind: Kind::Item,
            sweep: 1,
            n: 1,
            key: Some("a".to_owned()),
            remote_id: "a".to_owned(),
            class: "wrong".to_owned(),
            fields: BTreeMap::from([("title".to_owned(), (Some(should.into()), Some(found.into())))]),
        }
    }

    #[tokio::test]
    async fn what_was_found_is_followed_to_its_end() {
        let house = House::with(Fake::default()).await;
        let check = async |connection: ConnectionId, name: &str, found: &str, expect: Outcome| {
            let seen = outcomes(&*house.store, connection, &[drift(name, "bolt", found)]).await.unwrap();
            assert_eq!(seen, [expect], "{name} {found}");
        };
        house.saw(ERP, "a", "bolt").await;
        house.saw(SHOP, "a", "bolt").await;
        house.fold_all().await;
        check(SHOP, "shop", "nut", Outcome::Repaired).await;
        // The ERP was changed: the shop is to follow.
        house.pass(1_000);
        house.saw(ERP, "a", "nut").await;
        house.fold_all().await;
        check(ERP, "erp", "nut", Outcome::Applying).await;
        let debt = house.debt(SHOP, "a").await.unwrap();
        let parked = Debt { state: DebtState::Parked, ..debt.clone() };
        house.commit([Change::Debt { debt: parked.clone(), token: None }]).await;
        check(ERP, "erp", "nut", Outcome::Parked).await;
        house.saw(SHOP, "a", "nut").await;
        house.fold_all().await;
        assert_eq!(house.debt_of(SHOP, &item("a")).await, None);
        check(ERP, "erp", "nut", Outcome::Accepted).await;
        let unknown = Drift { key: None, ..drift("shop", "bolt", "nut") };
        assert_eq!(outcomes(&*house.store, SHOP, &[unknown]).await.unwrap(), [Outcome::Unmatched]);
    }
}
