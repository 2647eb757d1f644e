use super::*;
use crate::record::Truth;

#[test]
fn what_a_validator_refuses_is_not_told_until_it_is_right() {
    let (rules, key) = (rules(Kind::Item), item());
    let mut folding = Folding::new(&key, &rules, KeyState::default());
    let decided = |folding: &mut Folding<'_>| {
        for question in folding.questions() {
            let verdict = folding.newest(&question);
            folding.answer(&question, verdict);
        }
    };
    folding.absorb(&saw(ERP, 1, 5, &[("code", "BOLT-8".into()), ("title", "".into())]), NOW);
    decided(&mut folding);
    folding.refuse(&Truth::default(), "a title is needed");
    let (state, notes) = folding.finish();
    assert_eq!(state.truth.values(), Fields::new());
    let held = |note: &&Note| matches!(note, Note::Disagreed { outcome: None, .. });
    assert_eq!(notes.iter().filter(held).count(), 2);
    // What is right by now is told with all that waited for it.
    let mut folding = Folding::new(&key, &rules, state);
    folding.absorb(&saw(ERP, 2, 9, &[("code", "BOLT-8".into()), ("title", "Bolt".into())]), NOW);
    decided(&mut folding);
    let values = folding.state().truth.values();
    assert_eq!((&values["code"], &values["title"]), (&"BOLT-8".into(), &"Bolt".into()));
    assert!(folding.state().truth.fields.values().all(|it| it.held.is_none() && !it.refused));
}

#[test]
fn a_refused_counter_keeps_counting() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let opening = vec![saw(ERP, 1, 5, &on_hand(10)), saw(SHOP, 1, 5, &on_hand(10))];
    let state = fold_all(&rules, &key, &[opening]);
    let before = state.truth.clone();
    let mut folding = Folding::new(&key, &rules, state);
    folding.absorb(&saw(SHOP, 2, 9, &on_hand(4)), NOW);
    for question in folding.questions() {
        folding.answer(&question, Folding::summed(&question));
    }
    folding.refuse(&before, "too large a step");
    assert_eq!(folding.owed(ERP, &power()), None, "nobody is told");
    let (state, _) = folding.finish();
    let state = fold(&rules, &key, state, &[saw(SHOP, 3, 10, &on_hand(3))]).0;
    assert_eq!(state.truth.fields["on_hand"].value, Value::Number(3.into()));
    assert_eq!(owed(&rules, &key, &state, ERP).unwrap().changed, ["on_hand"]);
}
