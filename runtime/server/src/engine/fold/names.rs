//! Two records are never made one by what they are called, nor one of two by the id that a system gives.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::Folding;
use truthsource_core::record::{Cause, ConnectionId, Entry, KeyState, Observed, RecordKey};
use truthsource_core::{Kind, Value, schema};

use super::Fold;
use crate::engine::connections::Parties;
use crate::engine::identify::no_question;
use crate::engine::{Engine, Error};
use crate::store::{About, Batch, Change, Conflict, Event, What};

/// Whoever is called like another record from now on keeps its last name until a person has looked: somebody made one
/// of two, or mistyped, and to tell all systems would leave two of one name in each.
pub(super) async fn keep_apart(
    engine: &Engine,
    before: &BTreeMap<RecordKey, KeyState>,
    folds: &mut [Fold<'_>],
) -> Result<(), Error> {
    // Whoever keeps its name keeps it from others, too.
    while refuse(engine, before, folds).await? {}
    Ok(())
}

/// Refuses names that others bear; false if there are none.
async fn refuse(
    engine: &Engine,
    before: &BTreeMap<RecordKey, KeyState>,
    folds: &mut [Fold<'_>],
) -> Result<bool, Error> {
    let mut is_any = false;
    let mut renamed: BTreeMap<Kind, BTreeMap<usize, String>> = BTreeMap::new();
    for (at, fold) in folds.iter().enumerate().filter(|(_, it)| !it.is_put_off && it.folding.moved()) {
        let name = |state: &KeyState| schema::of(fold.key.kind).natural_key(&state.truth.values());
        let (was, now) = (before.get(fold.key).and_then(name), name(fold.folding.state()));
        if let Some(now) = now.filter(|now| was.is_some_and(|was| was != *now)) {
            renamed.entry(fold.key.kind).or_default().insert(at, now);
        }
    }
    for (kind, names) in renamed {
        let wanted: BTreeSet<String> = names.values().cloned().collect();
        let mut bearers = engine.store.naturals(kind, &wanted).await?;
        let keys = bearers.values().flatten().map(|it| RecordKey::new(kind, it)).collect();
        let states = engine.store.states(&keys).await?;
        for (at, name) in names {
            let bearers = bearers.entry(name.clone()).or_default();
            let others = bearers.iter().map(|it| RecordKey::new(kind, it));
            // In this very step it may be deleted, or called otherwise.
            let after = |key: &RecordKey| folds.iter().find(|it| it.key == key).map(|it| it.folding.state());
            let bears = |key: &RecordKey| {
                let state = after(key).or(states.get(key));
                let is_called =
                    |it: &KeyState| schema::of(kind).natural_key(&it.truth.values()).as_ref() == Some(&name);
                state.is_none_or(|it| it.truth.deleted_at.is_none() && is_called(it))
            };
            let taken = others.into_iter().find(|it| it != folds[at].key && bears(it));
            match taken {
                // The first of those that take the name in this very step.
                None => bearers.push(folds[at].key.key.clone()),
                Some(other) => {
                    let nothing = KeyState::default();
                    let before = before.get(folds[at].key).unwrap_or(&nothing);
                    folds[at].folding.refuse(&before.truth, &format!("`{name}` is what {other} is called"));
                    is_any = true;
                }
            }
        }
    }
    Ok(is_any)
}

/// A name that its record bears no more.
pub(super) struct Freed {
    name: String,
    /// Where the record was deleted, if it was.
    deleted_at: Option<ConnectionId>,
}

/// The records that do not bear their name any more once this fold is committed.
pub(super) fn freed(before: &BTreeMap<RecordKey, KeyState>, folds: &[Fold<'_>]) -> BTreeMap<RecordKey, Freed> {
    let freed = folds.iter().filter_map(|fold| {
        let name = |state: &KeyState| {
            let natural = schema::of(fold.key.kind).natural_key(&state.truth.values());
            natural.filter(|_| state.truth.deleted_at.is_none())
        };
        let was = before.get(fold.key).and_then(name)?;
        let after = fold.folding.state();
        let deleted_at = after.truth.deleted_at;
        (name(after).as_ref() != Some(&was)).then(|| (fold.key.clone(), Freed { name: was, deleted_at }))
    });
    freed.collect()
}

/// Whoever was kept from a name that is free now is decided again, and what could not be linked to who bore it is read
/// again: nobody says anything new of either.
pub(super) async fn give_back(
    engine: &Engine,
    freed: BTreeMap<RecordKey, Freed>,
    batch: &mut Batch,
) -> Result<(), Error> {
    if freed.is_empty() {
        return Ok(());
    }
    let asked = batch.changes.iter().filter_map(|it| if let Change::Conflict(it) = it { Some(it) } else { None });
    let mut touched: Vec<Change> = asked.filter_map(|it| unlinked_from(it, &freed)).collect();
    let mut waiting = BTreeMap::new();
    let mut before = None;
    loop {
        let open = engine.store.conflicts(Some(true), before, 100).await?;
        let Some(last) = open.last() else { break };
        before = Some(last.id);
        touched.extend(open.iter().filter_map(|it| unlinked_from(it, &freed)));
        let about_names = open.into_iter().filter(|it| naming(it).is_some());
        let about_names: Vec<Conflict> =
            about_names.filter(|it| freed.keys().any(|of| of.kind == it.key.kind)).collect();
        let mut states = engine.store.states(&about_names.iter().map(|it| it.key.clone()).collect()).await?;
        states.retain(|key, state| about_names.iter().any(|it| it.key == *key && is_kept_from(it, state, &freed)));
        waiting.extend(states);
    }
    batch.changes.extend(touched);
    for (key, state) in waiting {
        let moved = batch.changes.iter_mut().rev().find_map(|it| match it {
            Change::Truth { key: of, basis, .. } if *of == key => Some(basis),
            _ => None,
        });
        match moved {
            Some(basis) => basis.clear(),
            None => {
                let natural = schema::of(key.kind).natural_key(&state.truth.values());
                batch.changes.push(Change::Truth { key, truth: state.truth, natural, basis: String::new() });
            }
        }
    }
    Ok(())
}

/// The field that the conflict is about, if it is one of those that name the record.
fn naming(conflict: &Conflict) -> Option<&String> {
    let About::Field(field) = &conflict.about else { return None };
    schema::of(conflict.key.kind).natural.contains(&&field[..]).then_some(field)
}

/// Somebody says that the record is called so, and it is held for a person.
fn is_kept_from(conflict: &Conflict, state: &KeyState, freed: &BTreeMap<RecordKey, Freed>) -> bool {
    let (Some(field), kind) = (naming(conflict), conflict.key.kind) else { return false };
    let called = |claim: &Value| {
        let mut fields = state.truth.values();
        fields.insert(field.clone(), claim.clone());
        schema::of(kind).natural_key(&fields)
    };
    let names = conflict.claims.values().filter_map(called);
    names.into_iter().any(|name| freed.iter().any(|(key, it)| key.kind == kind && it.name == name))
}

/// Reads what is called like a record that bears the name no more, and was linked to nothing because of that. What was
/// deleted is there again where it was deleted; what else is called so elsewhere is no reason to bring it back.
fn unlinked_from(conflict: &Conflict, freed: &BTreeMap<RecordKey, Freed>) -> Option<Change> {
    let About::Unlinked { connection, remote_id } = &conflict.about else { return None };
    freed.get(&conflict.key).filter(|it| it.deleted_at.is_none_or(|it| it == *connection))?;
    let (connection, kind, remote_id) = (*connection, conflict.key.kind, remote_id.clone());
    Some(Change::Touch { connection, kind, remote_id, cause: Cause::Recheck })
}

/// A system gave the id of a record that vanished there to something else. Which record that is, a person says: taken
/// for the one that vanished, it would overwrite it everywhere.
pub(super) fn ask_about_id(parties: &Parties, (seq, key, entry): (u64, &RecordKey, &Entry), batch: &mut Batch) {
    let Entry::Observed { connection, observed: Observed::Present(state), .. } = entry else { return };
    let called = schema::of(key.kind).natural_key(&state.fields).unwrap_or_default();
    let reason = format!("its id was {key}'s, which vanished there, and what has it now is called `{called}`");
    batch.changes.push(Change::Drop { seq, reason: reason.clone() });
    let what = What::Asked { about: "unlinked".to_owned(), reason: reason.clone() };
    let event = Event { id: 0, at: batch.at, key: key.clone(), connection: Some(*connection), what };
    batch.changes.push(Change::Event(event));
    let remote_id = state.remote_id.clone();
    batch.changes.push(Change::Conflict(Conflict {
        id: 0,
        at: batch.at,
        key: key.clone(),
        claims: [(parties.name(*connection), Value::Text(remote_id.clone()))].into(),
        about: About::Unlinked { connection: *connection, remote_id },
        outcome: None,
        reason: format!("not linked: {reason}"),
        policy: String::new(),
    }));
}

/// What vanished is there again under its own name: what its id is, is no question.
pub(super) fn answer_about_id(folding: &Folding<'_>, (kind, entry): (Kind, &Entry), batch: &mut Batch) {
    let Entry::Observed { connection, observed: Observed::Present(state), .. } = entry else { return };
    if folding.is_gone(*connection) {
        let outcome = (Value::Null, "it bears its own name");
        batch.changes.push(no_question(*connection, kind, &state.remote_id, outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};

    async fn open(house: &House) -> Vec<(RecordKey, About, String)> {
        let open = house.store.conflicts(Some(true), None, 9).await.unwrap();
        open.into_iter().map(|it| (it.key, it.about, it.reason)).collect()
    }

    /// The item of this id is called so at the ERP.
    async fn saw(house: &House, id: &str, code: &str) {
        house.read(ERP, Kind::Item, id, &[("code", code.into()), ("title", format!("Item {id}").into())]).await;
    }

    async fn code(house: &House, key: &str) -> Option<Value> {
        let states = house.store.states(&[item(key)].into()).await.unwrap();
        states.get(&item(key))?.truth.values().get("code").cloned()
    }

    #[tokio::test]
    async fn p8_a_record_that_is_renamed_to_anothers_name_keeps_its_own_until_a_person_looked() {
        let house = House::with(Fake::default()).await;
        saw(&house, "1", "bolt").await;
        saw(&house, "2", "nut").await;
        house.fold_all().await;
        house.pass(1_000);
        // Cases are no difference.
        saw(&house, "1", "NUT").await;
        house.fold_all().await;
        assert_eq!((code(&house, "bolt").await, code(&house, "nut").await), (Some("bolt".into()), Some("nut".into())));
        let asked = open(&house).await;
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!((&asked[0].0, &asked[0].2[..]), (&item("bolt"), "`nut` is what item/nut is called"));
        // The other one is called otherwise, and this one is heard of again.
        house.pass(1_000);
        saw(&house, "2", "screw").await;
        house.fold_all().await;
        house.read(ERP, Kind::Item, "1", &[("code", "NUT".into()), ("title", "Nut".into())]).await;
        house.fold_all().await;
        assert_eq!((code(&house, "bolt").await, code(&house, "nut").await), (Some("NUT".into()), Some("screw".into())));
    }

    /// When it was heard of in the other order nobody would have been asked.
    #[tokio::test]
    async fn p8_whoever_was_kept_from_a_name_gets_it_when_it_is_free() {
        let house = House::with(Fake::default()).await;
        saw(&house, "1", "bolt").await;
        saw(&house, "2", "nut").await;
        house.fold_all().await;
        house.pass(1_000);
        saw(&house, "1", "NUT").await;
        house.fold_all().await;
        assert_eq!(open(&house).await.len(), 1);
        house.pass(1_000);
        house.gone(ERP, Kind::Item, "2").await;
        house.fold_all().await;
        house.fold_all().await;
        assert_eq!(code(&house, "bolt").await, Some("NUT".into()));
        assert_eq!(open(&house).await, []);
    }

    /// Its twin was heard of first, so that it could not be linked: nobody says anything new of that.
    #[tokio::test]
    async fn p8_what_was_made_anew_is_looked_at_when_the_one_it_replaces_is_known_to_be_gone() {
        let touched = async |house: &House, at| {
            let due = house.store.touched(at, house.engine.now(), 9).await.unwrap();
            due.into_iter().map(|it| it.remote_id).collect::<Vec<_>>()
        };
        // In one step, and one after the other.
        for is_at_once in [true, false] {
            let house = House::with(Fake::default()).await;
            saw(&house, "1", "bolt").await;
            house.read(SHOP, Kind::Item, "s-1", &[("code", "bolt".into()), ("title", "Item 1".into())]).await;
            house.fold_all().await;
            house.pass(1_000);
            saw(&house, "2", "Bolt").await;
            house.read(SHOP, Kind::Item, "s-2", &[("code", "Bolt".into()), ("title", "Bolt".into())]).await;
            if !is_at_once {
                house.fold_all().await;
                assert_eq!(open(&house).await.len(), 2);
            }
            house.gone(ERP, Kind::Item, "1").await;
            house.fold_all().await;
            // What is called like it where it was not deleted is as doubtful as before.
            assert_eq!((touched(&house, ERP).await, touched(&house, SHOP).await), (vec!["2".to_owned()], vec![]));
        }
    }

    /// A price is called after its list and its item.
    #[tokio::test]
    async fn p8_whoever_was_kept_from_half_a_name_gets_it_when_it_is_free() {
        let house = House::with(Fake::default()).await;
        saw(&house, "1", "bolt").await;
        saw(&house, "2", "nut").await;
        let price = async |id: &str, item: &str| {
            let fields = [("list", "base".into()), ("item", item.into()), ("currency", "USD".into())];
            house.read(ERP, Kind::Price, id, &fields).await;
            house.fold_all().await;
            house.pass(1_000);
        };
        price("p1", "1").await;
        price("p2", "2").await;
        price("p1", "2").await;
        assert_eq!(open(&house).await.len(), 1);
        house.gone(ERP, Kind::Price, "p2").await;
        house.fold_all().await;
        let key = RecordKey::new(Kind::Price, "base@bolt");
        let states = house.store.states(&[key.clone()].into()).await.unwrap();
        assert_eq!(states[&key].truth.values().get("item"), Some(&"nut".into()));
        assert_eq!(open(&house).await, []);
    }

    #[tokio::test]
    async fn p8_two_that_take_one_name_at_once_are_not_made_one() {
        let house = House::with(Fake::default()).await;
        saw(&house, "1", "bolt").await;
        saw(&house, "2", "nut").await;
        house.fold_all().await;
        house.pass(1_000);
        saw(&house, "1", "screw").await;
        saw(&house, "2", "Screw").await;
        house.fold_all().await;
        let codes = (code(&house, "bolt").await, code(&house, "nut").await);
        assert_eq!(codes, (Some("screw".into()), Some("nut".into())));
        assert_eq!(open(&house).await.len(), 1);
    }

    #[tokio::test]
    async fn p8_an_id_that_is_given_again_overwrites_nothing() {
        let house = House::with(Fake::default()).await;
        saw(&house, "7", "bolt").await;
        house.read(SHOP, Kind::Item, "s-7", &[("code", "bolt".into()), ("title", "Item 7".into())]).await;
        house.fold_all().await;
        house.pass(1_000);
        house.gone(ERP, Kind::Item, "7").await;
        house.fold_all().await;
        house.pass(1_000);
        saw(&house, "7", "nut").await;
        house.fold_all().await;
        assert_eq!(code(&house, "bolt").await, Some("bolt".into()));
        let about = About::Unlinked { connection: ERP, remote_id: "7".to_owned() };
        let asked = open(&house).await;
        assert_eq!(asked.iter().map(|(key, about, _)| (key, about)).collect::<Vec<_>>(), [(&item("bolt"), &about)]);
        // Under its own name it is the record that was there before.
        house.pass(1_000);
        saw(&house, "7", "Bolt").await;
        house.fold_all().await;
        assert_eq!(open(&house).await, []);
        assert_eq!(code(&house, "bolt").await, Some("Bolt".into()));
    }
}
