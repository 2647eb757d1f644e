//! Who owns a field has the last word about it.

use super::*;

/// Whether it is heard first that the owner deleted it, or what others say against its word; and whether that deletes it
/// for everybody, or is a question.
#[test]
fn p8_what_the_owner_said_last_stands_when_it_deleted_the_record() {
    let (mut rules, key) = (owned(Kind::Item, "code"), item());
    let code = |code: &str| [("code", code.into())];
    let opened = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &code("BOLT-8")), saw(SHOP, 1, 1, &code("BOLT-8"))]]);
    for (owner, other) in [(ERP, SHOP), (SHOP, ERP)] {
        rules.fields[0].owner = Some(owner);
        let said = [saw(other, 2, 5, &code("BOLT-8-B")), gone(owner, 2)];
        for order in [[0, 1], [1, 0]] {
            for cut in [false, true] {
                let said: Vec<Entry> = order.iter().map(|at| said[*at].clone()).collect();
                let batches = if cut { said.into_iter().map(|it| vec![it]).collect() } else { vec![said] };
                let after = batches.iter().fold(opened.clone(), |state, batch| {
                    let mut folding = Folding::new(&key, &rules, state);
                    batch.iter().for_each(|it| folding.absorb(it, NOW));
                    while let Some(question) = folding.questions().pop() {
                        let verdict = question.policy.as_ref().map(|_| owner_wins(&question));
                        let verdict = verdict.unwrap_or_else(|| folding.newest(&question));
                        folding.answer(&question, verdict);
                    }
                    folding.finish().0
                });
                assert_eq!(after.truth.values()["code"], "BOLT-8".into(), "{owner} {order:?} {cut}");
            }
        }
    }
}

#[test]
fn p3_a_change_against_the_owner_is_overruled_and_restored() {
    let mut rules = rules(Kind::Item);
    rules.fields = vec![FieldRule { kind: Some(Kind::Item), field: "title".into(), owner: Some(ERP), policy: None }];
    let key = item();
    let opening = vec![saw(ERP, 1, 5, &[("title", "Bolt".into())]), saw(SHOP, 1, 5, &[("title", "Bolt".into())])];
    let state = fold_all(&rules, &key, &[opening]);
    let (state, notes) = fold(&rules, &key, state, &[saw(SHOP, 2, 99, &[("title", "Mine".into())])]);
    assert_eq!(state.truth.fields["title"].value, "Bolt".into());
    assert_eq!(owed(&rules, &key, &state, ERP), None);
    assert_eq!(owed(&rules, &key, &state, SHOP).unwrap().changed, ["title"]);
    assert!(notes.iter().any(|it| matches!(it, Note::Disagreed { outcome: Some(kept), .. } if *kept == "Bolt".into())));
}

#[test]
fn p3_a_policy_that_decides_against_the_owner_is_not_obeyed() {
    let mut rules = rules(Kind::Item);
    rules.fields = vec![FieldRule { kind: None, field: "*".into(), owner: Some(ERP), policy: None }];
    let key = item();
    let opening = vec![saw(ERP, 1, 5, &[("title", "Bolt".into())]), saw(SHOP, 1, 5, &[("title", "Bolt".into())])];
    let state = fold_all(&rules, &key, &[opening]);
    let mut folding = Folding::new(&key, &rules, state);
    folding.absorb(&saw(SHOP, 2, 99, &[("title", "Mine".into())]), NOW);
    let question = folding.questions().remove(0);
    folding.answer(&question, Verdict::Merge("Mine".into()));
    let field = &folding.state().truth.fields["title"];
    assert_eq!((&field.value, field.held.is_some()), (&"Bolt".into(), true));
    assert!(folding.questions().is_empty());
}

/// A policy that sides with owners and keeps the truth where none claims anything.
fn owner_wins(question: &Question) -> Verdict {
    let owners = question.claims.iter().position(|it| question.owner == Some(it.connection));
    owners.map_or(Verdict::Keep, Verdict::Take)
}

#[test]
fn an_owner_that_was_not_read_yet_empties_nothing() {
    let (rules, key) = (owned(Kind::Item, "code"), item());
    let mut folding = Folding::new(&key, &rules, KeyState::default());
    folding.absorb(&saw(SHOP, 1, 5, &[("code", "bolt-8".into())]), NOW);
    let question = folding.questions().remove(0);
    assert_eq!(question.policy, None, "nobody to side with");
    let newest = folding.newest(&question);
    folding.answer(&question, newest);
    assert_eq!(folding.state().truth.values()["code"], "bolt-8".into());
    // The owner speaks: its policy is asked, and its word stands.
    folding.absorb(&saw(ERP, 1, 1, &[("code", "BOLT-8".into())]), NOW);
    let question = folding.questions().remove(0);
    assert_eq!(question.policy.as_deref(), Some("conflict:owner"));
    folding.answer(&question, owner_wins(&question));
    assert_eq!(folding.state().truth.values()["code"], "BOLT-8".into());
}

/// Its name in the shop, for which the ERP has no room.
const LONG: &str = "Bolt, galvanised";

fn title(title: &str) -> [(&'static str, Value); 1] {
    [("title", title.into())]
}

/// Known to both, and then renamed in the shop.
fn renamed(rules: &Rules, key: &RecordKey) -> KeyState {
    let opened = fold_all(rules, key, &[vec![saw(ERP, 1, 1, &title("Bolt")), saw(SHOP, 1, 1, &title("Bolt"))]]);
    fold(rules, key, opened, &[saw(SHOP, 2, 5, &title(LONG))]).0
}

/// What it holds is about to be what it is told, whether that is heard before its rule is or after.
#[test]
fn an_owner_that_is_being_told_stands_by_what_it_is_told() {
    let (key, none, rules) = (item(), rules(Kind::Item), owned(Kind::Item, "title"));
    let renamed = renamed(&none, &key);
    let mut folding = Folding::new(&key, &none, renamed.clone());
    folding.projected(ERP, [("title".to_owned(), "Bolt, galv".into())].into(), None);
    let before = folding.finish().0;
    let telling = Telling::from([(ERP, [("title".to_owned(), renamed.truth.version)].into())]);
    let told = wrote(ERP, 2, renamed.truth.version, &title("Bolt, galv"));
    for batches in [vec![vec![told.clone()]], vec![vec![], vec![told]]] {
        let mut state = before.clone();
        for (at, batch) in batches.iter().enumerate() {
            let mut folding = Folding::new(&key, &rules, state);
            folding.telling(telling.clone());
            if at == 0 {
                folding.review();
            }
            batch.iter().for_each(|it| folding.absorb(it, NOW));
            for question in folding.questions() {
                folding.answer(&question, owner_wins(&question));
            }
            state = folding.finish().0;
        }
        assert_eq!(state.truth.values()["title"], LONG.into());
    }
}

/// It holds as much of it as it has room for, and that is no word against the rest.
#[test]
fn an_owner_without_the_room_for_what_it_was_told_stands_by_it() {
    let (key, none, rules) = (item(), rules(Kind::Item), owned(Kind::Item, "title"));
    let renamed = renamed(&none, &key);
    let mut folding = Folding::new(&key, &none, renamed.clone());
    folding.projected(ERP, [("title".to_owned(), "Bolt, galv".into())].into(), None);
    let told = [wrote(ERP, 2, renamed.truth.version, &title("Bolt, galv"))];
    told.iter().for_each(|it| folding.absorb(it, NOW));
    let told = folding.finish().0;
    for said in [vec![], vec![saw(SHOP, 3, 9, &title("Nut"))]] {
        let mut folding = Folding::new(&key, &rules, told.clone());
        folding.review();
        said.iter().for_each(|it| folding.absorb(it, NOW));
        let question = folding.questions().remove(0);
        folding.answer(&question, owner_wins(&question));
        assert_eq!(folding.state().truth.values()["title"], LONG.into());
    }
}
