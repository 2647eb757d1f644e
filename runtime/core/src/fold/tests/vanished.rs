use super::*;

/// Three systems held the item, and the shop lost it.
fn lost(rules: &Rules, key: &RecordKey) -> KeyState {
    let fields = [("code", "BOLT-8".into()), ("active", true.into())];
    let opening = [ERP, SHOP, WEB].map(|it| saw(it, 1, 1, &fields)).to_vec();
    fold_all(rules, key, &[opening, vec![gone(SHOP, 2)]])
}

fn settled(what: Settlement) -> Entry {
    Entry::Settled { what, by: "ann".to_owned() }
}

#[test]
fn what_a_person_says_is_deleted_is_deactivated_everywhere() {
    let (rules, key) = (rules(Kind::Item), item());
    let (state, notes) = fold(&rules, &key, lost(&rules, &key), &[settled(Settlement::Deleted(SHOP))]);
    assert_eq!(state.truth.deleted_at, Some(SHOP));
    let changed = |to| owed(&rules, &key, &state, to).map(|it| it.changed);
    assert_eq!((changed(ERP), changed(SHOP)), (Some(vec!["active".to_owned()]), None));
    assert_eq!(changed(WEB), changed(ERP));
    assert_eq!(notes, [Note::Settled("active".to_owned(), false.into(), "ann".to_owned())]);
    // What is known to be there is not deleted there.
    let back = fold(&rules, &key, state, &[saw(SHOP, 3, 3, &[("code", "BOLT-8".into())])]).0;
    assert_eq!(back.truth.deleted_at, None);
}

/// What one of the highest rank deletes is a question where another says whether it is in use.
#[test]
fn p3_what_another_says_is_in_use_is_deleted_by_a_person_only() {
    let key = item();
    let cases = [(None, true), (Some(ERP), true), (Some(SHOP), false)];
    for (owner, deletes) in cases {
        let rules = owner.map_or_else(
            || rules(Kind::Item),
            |owner| {
                let mut rules = owned(Kind::Item, "active");
                rules.fields[0].owner = Some(owner);
                rules
            },
        );
        let fields = [("code", "BOLT-8".into()), ("active", true.into())];
        let state = fold_all(&rules, &key, &[[ERP, SHOP, WEB].map(|it| saw(it, 1, 1, &fields)).to_vec()]);
        let (state, notes) = fold(&rules, &key, state, &[gone(ERP, 2)]);
        assert_eq!(notes, [Note::Vanished(ERP, deletes)], "{owner:?}");
        assert_eq!(state.truth.values()["active"], (!deletes).into());
        assert_eq!(owed(&rules, &key, &state, SHOP).is_some(), deletes);
    }
}

#[test]
fn what_a_person_misses_is_owed_like_one_that_never_was() {
    let (rules, key) = (rules(Kind::Item), item());
    let state = lost(&rules, &key);
    let before = state.truth.version;
    let state = fold(&rules, &key, state, &[settled(Settlement::Recreated(SHOP))]).0;
    let owed_there = owed(&rules, &key, &state, SHOP).unwrap();
    assert_eq!((owed_there.create, owed_there.changed), (true, vec!["active".to_owned(), "code".to_owned()]));
    assert_eq!((owed(&rules, &key, &state, ERP), owed(&rules, &key, &state, WEB)), (None, None));
    assert_eq!(state.truth.version, before + 1);
    // Old news of what was there changes nothing.
    let (after, notes) = fold(&rules, &key, state.clone(), &[gone(SHOP, 1), saw(SHOP, 1, 1, &[])]);
    assert_eq!((after, notes), (state, vec![]));
}

#[test]
fn a_word_about_what_is_there_again_changes_nothing() {
    let (rules, key) = (rules(Kind::Item), item());
    let fields = [("code", "BOLT-8".into()), ("active", true.into())];
    let state = fold(&rules, &key, lost(&rules, &key), &[saw(SHOP, 3, 3, &fields)]).0;
    for what in [Settlement::Deleted(SHOP), Settlement::Recreated(SHOP)] {
        let (after, notes) = fold(&rules, &key, state.clone(), &[settled(what)]);
        assert_eq!((after, notes), (state.clone(), vec![]));
    }
}
