//! The order in which things are heard does not matter.

use proptest::prelude::*;

use super::*;

prop_compose! {
    /// What three systems say one after the other, each with its own clock and counting its reads.
    fn said()(steps in prop::collection::vec((0u32..3, 0u64..4, 0i32..4), 1..10)) -> Vec<(ConnectionId, u64, u64, i32)> {
        let mut reads = BTreeMap::new();
        steps.into_iter().map(|(who, at, value)| {
            let read = reads.entry(who).and_modify(|it| *it += 1).or_insert(1u64);
            (ConnectionId(who + 1), *read, at, value)
        }).collect()
    }
}

/// Shuffles by keys, says everything twice, and cuts into batches.
fn arrange(entries: &[Entry], order: &[u64], cuts: &[bool]) -> Vec<Vec<Entry>> {
    let twice = entries.iter().chain(entries);
    let mut shuffled: Vec<(u64, &Entry)> = order.iter().copied().zip(twice).collect();
    shuffled.sort_by_key(|it| it.0);
    cut(&shuffled.into_iter().map(|it| it.1.clone()).collect::<Vec<_>>(), cuts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn p8_order_repeats_and_batches_change_nothing(
        said in said(),
        order in prop::collection::vec(any::<u64>(), 20),
        cuts in prop::collection::vec(any::<bool>(), 7),
    ) {
        let (rules, key) = (rules(Kind::Item), item());
        // Only the latest word of each system counts: earlier ones of it may or may not be seen on the way.
        let latest: BTreeMap<ConnectionId, (u64, u64, i32)> = said.iter().map(|(who, read, at, value)| (*who, (*read, *at, *value))).collect();
        let entries: Vec<Entry> = latest.iter()
            .map(|(who, (read, at, value))| saw(*who, *read, *at, &[("title", format!("t{value}").into())])).collect();
        let straight = fold_all(&rules, &key, std::slice::from_ref(&entries));
        let other = fold_all(&rules, &key, &arrange(&entries, &order, &cuts));
        prop_assert_eq!(straight.truth.values(), other.truth.values());
    }

    #[test]
    fn p8_what_systems_say_one_after_the_other_may_interleave(
        said in said(),
        cuts in prop::collection::vec(any::<bool>(), 7),
        turns in prop::collection::vec(0usize..3, 10),
    ) {
        let (rules, key) = (rules(Kind::Item), item());
        // A system's clock does not go back: its later words carry later times.
        let entries: Vec<Entry> = said.iter()
            .map(|(who, read, at, value)| saw(*who, *read, *read * 10 + *at, &[("title", format!("t{value}").into())])).collect();
        let straight = fold_all(&rules, &key, std::slice::from_ref(&entries));
        let other = fold_all(&rules, &key, &cut(&interleave(&entries, &turns), &cuts));
        prop_assert_eq!(straight.truth.values(), other.truth.values());
    }

    #[test]
    fn p8_counters_do_not_care_either(
        said in said(),
        cuts in prop::collection::vec(any::<bool>(), 7),
        turns in prop::collection::vec(0usize..3, 10),
    ) {
        let (rules, key) = (rules(Kind::StockLevel), stock());
        let opening: Vec<Entry> = rules.connections.keys().map(|who| saw(*who, 0, 0, &on_hand(10))).collect();
        let entries: Vec<Entry> = said.iter().map(|(who, read, at, value)| saw(*who, *read, *at, &on_hand(10 - value))).collect();
        let straight = fold_all(&rules, &key, &[opening.clone(), entries.clone()]);
        let mut batches = vec![opening];
        batches.extend(cut(&interleave(&entries, &turns), &cuts));
        let other = fold_all(&rules, &key, &batches);
        prop_assert_eq!(straight.truth.values(), other.truth.values());
    }
}

/// Each system's words keep their order; between systems they take turns, and everything is said twice.
fn interleave(entries: &[Entry], turns: &[usize]) -> Vec<Entry> {
    let of =
        |who: u32| entries.iter().filter(move |it| it.connection() == Some(ConnectionId(who))).rev().cloned().collect();
    let mut queues: Vec<Vec<Entry>> = (1..=3).map(of).collect();
    let mut mixed = Vec::new();
    for turn in turns.iter().copied().chain([0, 1, 2].repeat(10)) {
        if let Some(entry) = queues[turn].pop() {
            mixed.extend([entry.clone(), entry]);
        }
    }
    mixed
}

fn cut(entries: &[Entry], cuts: &[bool]) -> Vec<Vec<Entry>> {
    let mut batches = vec![Vec::new()];
    for (entry, cut) in entries.iter().zip(cuts.iter().cycle()) {
        if *cut {
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(entry.clone());
        }
    }
    batches
}

/// One knows what another has said meanwhile, and one does not: what they had in common does not depend on who is heard
/// first.
#[test]
fn p8_what_claims_have_in_common_is_the_same_whoever_is_heard_first() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let openings = [ERP, SHOP, WEB].map(|it| saw(it, 1, 1, &title("A")));
    let state = fold_all(&rules, &key, &[openings.to_vec(), vec![saw(ERP, 2, 2, &title("B"))]]);
    let told = wrote(WEB, 2, state.truth.version, &title("B"));
    let state = fold(&rules, &key, state, &[told, saw(SHOP, 2, 3, &title("C"))]).0;
    let told = wrote(ERP, 3, state.truth.version, &title("C"));
    let state = fold(&rules, &key, state, &[told]).0;
    let said = [saw(ERP, 4, 4, &title("D")), saw(WEB, 3, 4, &title("E"))];
    for order in [[0, 1], [1, 0]] {
        let mut folding = Folding::new(&key, &rules, state.clone());
        order.iter().for_each(|it| folding.absorb(&said[*it], NOW));
        let questions = folding.questions();
        assert_eq!(questions.len(), 1);
        assert_eq!(questions[0].base, "C".into(), "{order:?}: {questions:?}");
        assert_eq!(questions[0].claims.len(), 2);
    }
}
