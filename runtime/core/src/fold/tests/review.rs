use proptest::prelude::*;

use super::*;

fn owned(kind: Kind, owner: ConnectionId) -> Rules {
    let field = "*".to_owned();
    let rule = FieldRule { kind: None, field, owner: Some(owner), policy: None };
    Rules { fields: vec![rule], ..rules(kind) }
}

fn ranked(kind: Kind, ranks: [u32; 3]) -> Rules {
    let mut rules = rules(kind);
    for (it, rank) in rules.connections.values_mut().zip(ranks) {
        it.rank = rank;
    }
    rules
}

/// Decides again what is known, and what is said besides, under these rules.
fn review(rules: &Rules, key: &RecordKey, state: KeyState, said: &[Entry]) -> (KeyState, Vec<Note>) {
    let mut folding = Folding::new(key, rules, state);
    folding.review();
    said.iter().for_each(|it| folding.absorb(it, NOW));
    while let Some(question) = folding.questions().pop() {
        let counter = schema::of(key.kind).field(&question.field).is_some_and(|it| it.counter);
        let verdict = if counter { Folding::summed(&question) } else { folding.newest(&question) };
        folding.answer(&question, verdict);
    }
    folding.finish()
}

fn title(text: &str) -> [(&'static str, Value); 1] {
    [("title", text.into())]
}

/// The ERP and the shop disagree, and nobody was told yet.
fn disagreeing(rules: &Rules) -> KeyState {
    let opening = vec![saw(ERP, 1, 1, &title("a")), saw(SHOP, 1, 1, &title("a"))];
    fold_all(rules, &item(), &[opening, vec![saw(ERP, 2, 5, &title("erp")), saw(SHOP, 2, 9, &title("shop"))]])
}

/// While it is being told something an owner is taken to stand by that. Once that comes to nothing it does not.
#[test]
fn p3_what_an_owner_holds_stands_where_it_was_not_told_otherwise() {
    let (key, before, after) = (item(), rules(Kind::Item), owned(Kind::Item, ERP));
    let state = disagreeing(&before);
    let mut folding = Folding::new(&key, &after, state);
    let version = folding.state().truth.version;
    folding.telling([(ERP, [("title".to_owned(), version)].into())].into());
    folding.review();
    while let Some(question) = folding.questions().pop() {
        let verdict = folding.newest(&question);
        folding.answer(&question, verdict);
    }
    let state = folding.finish().0;
    assert_eq!(state.truth.values()["title"], "shop".into());
    let Entry::Observed { connection, as_of, observed, tried, .. } = saw(ERP, 3, 9, &title("erp")) else { panic!() };
    let answer = Entry::Observed { connection, as_of, observed, tried, cause: Cause::Delivery };
    let state = fold(&after, &key, state, &[answer]).0;
    assert_eq!(state.truth.values()["title"], "erp".into());
}

/// Between the change of the rules and the fold that decides again nobody writes to an owner what was decided before.
#[test]
fn p3_what_a_new_owner_holds_is_not_overwritten_by_what_was_decided_before() {
    let (key, before, after) = (item(), rules(Kind::Item), owned(Kind::Item, ERP));
    let state = disagreeing(&before);
    assert_eq!(owed(&before, &key, &state, ERP).unwrap().changed, ["title"]);
    assert_eq!(owed(&after, &key, &state, ERP), None);
    let state = review(&after, &key, state, &[]).0;
    assert_eq!(state.truth.values()["title"], "erp".into());
    // A person's word is for the owner, too.
    let what = Settlement::Field { field: "title".to_owned(), value: "person".into() };
    let said = [Entry::Settled { what, by: "ann".to_owned() }];
    let state = fold(&after, &key, state, &said).0;
    assert_eq!(owed(&after, &key, &state, ERP).unwrap().changed, ["title"]);
}

#[test]
fn p3_a_new_owner_is_heard_though_nothing_moved() {
    let (none, key) = (rules(Kind::Item), item());
    let state = disagreeing(&none);
    assert_eq!(state.truth.values()["title"], "shop".into());
    let (after, notes) = review(&owned(Kind::Item, ERP), &key, state.clone(), &[]);
    assert_eq!(after.truth.values()["title"], "erp".into());
    assert_eq!(after.truth.version, state.truth.version + 1);
    assert!(matches!(&notes[..], [Note::Disagreed { outcome: Some(_), .. }]), "{notes:?}");
    // One that was told what others said holds that: there is nothing else that it could say.
    let told = fold(&none, &key, state.clone(), &[wrote(ERP, 3, state.truth.version, &title("shop"))]).0;
    assert_eq!(review(&owned(Kind::Item, ERP), &key, told.clone(), &[]).0.truth.values(), told.truth.values());
}

#[test]
fn an_owner_that_cannot_be_written_to_is_heard_too() {
    let (key, mut deaf) = (item(), rules(Kind::Item));
    deaf.connections.get_mut(&ERP).unwrap().kinds = [(Kind::Item, Direction::READ)].into();
    let state = fold_all(
        &deaf,
        &key,
        &[vec![saw(ERP, 1, 1, &title("a")), saw(SHOP, 1, 1, &title("a"))], vec![saw(SHOP, 2, 5, &title("b"))]],
    );
    assert_eq!(state.truth.values()["title"], "b".into());
    let owned = Rules { connections: deaf.connections.clone(), ..owned(Kind::Item, ERP) };
    let (after, _) = review(&owned, &key, state, &[]);
    assert_eq!(after.truth.values()["title"], "a".into());
}

#[test]
fn the_same_rules_decide_the_same_and_say_nothing() {
    for rules in [rules(Kind::Item), owned(Kind::Item, SHOP)] {
        let state = disagreeing(&rules);
        let (after, notes) = review(&rules, &item(), state.clone(), &[]);
        assert_eq!((after, notes), (state, vec![]));
    }
}

#[test]
fn a_persons_word_stands_until_a_system_says_something_new() {
    let (none, key) = (rules(Kind::Item), item());
    let what = Settlement::Field { field: "title".to_owned(), value: "person".into() };
    let said = Entry::Settled { what, by: "ann".to_owned() };
    let state = fold(&none, &key, disagreeing(&none), &[said]).0;
    let owned = owned(Kind::Item, ERP);
    let (after, _) = review(&owned, &key, state.clone(), &[]);
    assert_eq!(after, state);
    let (after, _) = review(&owned, &key, state, &[saw(ERP, 4, 20, &title("new"))]);
    assert_eq!(after.truth.values()["title"], "new".into());
}

#[test]
fn what_went_round_in_circles_or_is_deleted_is_left_alone() {
    let (none, key) = (rules(Kind::Item), item());
    let mut looping = disagreeing(&none);
    looping.truth.fields.get_mut("title").unwrap().loops = true;
    assert_eq!(review(&owned(Kind::Item, ERP), &key, looping.clone(), &[]).0, looping);
    let mut deleted = disagreeing(&none);
    deleted.truth.deleted_at = Some(ERP);
    assert_eq!(review(&owned(Kind::Item, ERP), &key, deleted.clone(), &[]).0, deleted);
}

#[test]
fn what_a_policy_held_is_let_go_by_rules_that_decide_it() {
    let (none, key) = (rules(Kind::Item), item());
    let mut state = disagreeing(&none);
    state.truth.fields.get_mut("title").unwrap().held = Some("who knows".to_owned());
    let (after, notes) = review(&none, &key, state, &[]);
    assert_eq!(after.truth.fields["title"].held, None);
    assert!(notes.iter().any(|it| matches!(it, Note::Settled(field, ..) if field == "title")), "{notes:?}");
}

#[test]
fn who_is_not_listened_to_any_more_has_no_say() {
    let (none, key) = (rules(Kind::Item), item());
    let mut deaf = rules(Kind::Item);
    let told = Direction { reads: false, writes: true, creates: true };
    deaf.connections.get_mut(&SHOP).unwrap().kinds = [(Kind::Item, told)].into();
    let (after, _) = review(&deaf, &key, disagreeing(&none), &[]);
    assert_eq!(after.truth.values()["title"], "erp".into());
}

#[test]
fn other_ranks_choose_another_opening_of_a_counter_and_keep_its_moves() {
    let (usual, key) = (rules(Kind::StockLevel), stock());
    let opening = vec![saw(ERP, 1, 5, &on_hand(100)), saw(SHOP, 1, 5, &on_hand(107))];
    let state = fold_all(&usual, &key, &[opening, vec![saw(SHOP, 2, 9, &on_hand(104))]]);
    assert_eq!(state.truth.values()["on_hand"], Value::Number(97.into()));
    let other = ranked(Kind::StockLevel, [1, 0, 2]);
    let (after, _) = review(&other, &key, state.clone(), &[]);
    assert_eq!(after.truth.values()["on_hand"], Value::Number(104.into()));
    let (after, notes) = review(&usual, &key, after, &[]);
    assert_eq!(after.truth.values(), state.truth.values());
    assert_eq!(notes.len(), 1);
    // The opening that counts was told away: what is left is not compared with nothing.
    let told = fold(&usual, &key, state.clone(), &[wrote(ERP, 3, state.truth.version, &on_hand(97))]).0;
    assert_eq!(review(&other, &key, told.clone(), &[]).0, told);
}

proptest! {
    /// What was said before the rules changed, when they did, and after: what counts is what was said (P8).
    #[test]
    fn p8_when_rules_change_among_what_is_said_does_not_matter(
        said in prop::collection::vec((0u32..3, 0u64..4, "[abc]"), 1..7), cut in 0usize..7, owner in 0u32..4,
    ) {
        let key = item();
        let (old, new) = (rules(Kind::Item), match owner {
            0 => ranked(Kind::Item, [2, 1, 0]),
            owner => owned(Kind::Item, ConnectionId(owner)),
        });
        let opening: Vec<Entry> = [ERP, SHOP, WEB].map(|it| saw(it, 1, 1, &title("a"))).into();
        let opened = fold_all(&old, &key, &[opening]);
        let said: Vec<Entry> = said.into_iter().zip(2..).map(|((whose, at, text), as_of)| {
            saw(ConnectionId(whose + 1), as_of, 10 + at, &title(&text))
        }).collect();
        let (before, after) = said.split_at(cut.min(said.len()));
        let first = fold(&old, &key, opened.clone(), before).0;
        let (seen, _) = review(&new, &key, first, after);
        let (expect, _) = review(&new, &key, opened, &said);
        prop_assert_eq!(seen.truth.values(), expect.truth.values());
        let (again, notes) = review(&new, &key, seen.clone(), &[]);
        prop_assert_eq!(again.truth.values(), seen.truth.values());
        prop_assert_eq!(notes, vec![]);
    }
}
