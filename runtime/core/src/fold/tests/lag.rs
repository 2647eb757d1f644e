use super::*;

const LAG: Lag = Lag { lag_ms: 5_000, granularity_ms: 1_000, checkable: false };
const CHECKABLE: Lag = Lag { checkable: true, ..LAG };

/// The ERP held `A` since 10 s; `B` was written to it at 100 s.
fn after_our_write(changed_at: Option<u64>, sent_at: Option<u64>) -> KeyState {
    let (rules, key) = (rules(Kind::Item), item());
    let opening = vec![saw(ERP, 1, 10_000, &[("title", "A".into())]), saw(SHOP, 1, 10_000, &[("title", "A".into())])];
    let state = fold_all(&rules, &key, &[opening, vec![saw(SHOP, 2, 99_000, &[("title", "B".into())])]]);
    let mut entry = wrote(ERP, 5, state.truth.version, &[("title", "B".into())]);
    let Entry::Wrote { state: read_back, sent_at: sent, .. } = &mut entry else { unreachable!() };
    (read_back.changed_at, *sent) = (changed_at.map(UnixMs), sent_at.map(UnixMs));
    let mut folding = Folding::new(&key, &rules, state);
    folding.absorb(&entry, UnixMs(100_200));
    folding.finish().0
}

#[test]
fn p4_a_reading_that_lags_behind_our_write_is_no_change() {
    let (rules, key) = (rules(Kind::Item), item());
    let check = |state: &KeyState, seen: (Option<u64>, &str), at: u64, lag: Lag, expect: bool, why: &str| {
        let mut entry = saw(ERP, 6, 0, &[("title", seen.1.into())]);
        let Entry::Observed { observed: Observed::Present(state_seen), .. } = &mut entry else { unreachable!() };
        state_seen.changed_at = seen.0.map(UnixMs);
        assert_eq!(Folding::new(&key, &rules, state.clone()).lags(&entry, UnixMs(at), lag), expect, "{why}");
    };
    // One system says when it changed, one nothing, one the minute.
    for (changed_at, sent_at) in [(Some(100_000), None), (None, Some(100_000)), (Some(60_000), Some(100_000))] {
        let told = after_our_write(changed_at, sent_at);
        check(&told, (Some(10_000), "A"), 101_000, LAG, true, "it changed long before");
        check(&told, (Some(98_000), "C"), 101_000, LAG, true, "somebody changed it just before");
        check(&told, (Some(99_500), "A"), 101_000, LAG, true, "times do not tell, what was replaced does");
        check(&told, (Some(99_500), "C"), 101_000, LAG, false, "times do not tell, and it is something new");
        check(&told, (Some(101_000), "A"), 101_000, LAG, false, "somebody changed it back");
        check(&told, (None, "A"), 101_000, LAG, true, "a system without times");
        check(&told, (Some(3_700_000), "A"), 101_000, LAG, true, "the hour that is there twice, taken for the second");
        check(&told, (Some(3_700_000), "C"), 101_000, LAG, false, "and something new in it");
        check(&told, (None, "C"), 101_000, LAG, false, "a system without times holds something new");
        check(&told, (None, "C"), 101_000, CHECKABLE, true, "it may have been that between A and B: the record knows");
        check(&told, (Some(99_500), "C"), 101_000, CHECKABLE, true, "and so it may where times do not tell");
        check(&told, (Some(101_001), "C"), 101_100, CHECKABLE, false, "somebody changed it since");
        check(&told, (None, "B"), 101_000, CHECKABLE, false, "it is what is known");
        check(&told, (None, "C"), 106_200, CHECKABLE, false, "by now what it was in between does not show");
        check(&told, (Some(10_000), "A"), 106_200, LAG, false, "by now it would have shown");
        check(&told, (Some(10_000), "A"), 101_000, Lag::default(), false, "a system that never lags");
        let forever = Lag { lag_ms: u32::MAX, ..LAG };
        check(&told, (Some(10_000), "A"), 100_200 + LAG_MS_MAX + 1_000, forever, false, "nobody waits so long");
    }
}

#[test]
fn p4_a_reading_that_lags_behind_another_is_no_change() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let mut folding = Folding::new(&key, &rules, KeyState::default());
    folding.absorb(&saw(ERP, 1, 100_000, &on_hand(7)), UnixMs(100_100));
    assert!(folding.lags(&saw(ERP, 2, 50_000, &on_hand(9)), UnixMs(101_000), LAG));
    assert!(!folding.lags(&saw(SHOP, 2, 50_000, &on_hand(9)), UnixMs(101_000), LAG), "another system");
    // Older news that came late does not make older what is known.
    folding.absorb(&saw(ERP, 2, 50_000, &on_hand(9)), UnixMs(101_000));
    assert!(folding.lags(&saw(ERP, 3, 60_000, &on_hand(8)), UnixMs(101_500), LAG));
}

#[test]
fn p7_a_list_may_lag_behind_a_reading_of_the_record_itself() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |as_of: u64, by: Cause, title: &str| {
        let mut entry = saw(ERP, as_of, 0, &[("title", title.into())]);
        let Entry::Observed { cause, observed: Observed::Present(state), .. } = &mut entry else { unreachable!() };
        (*cause, state.changed_at) = (by, None);
        entry
    };
    let mut folding = Folding::new(&key, &rules, KeyState::default());
    folding.absorb(&title(1, Cause::Poll, "A"), UnixMs(10_000));
    folding.absorb(&title(2, Cause::Delivery, "B"), UnixMs(100_000));
    folding.absorb(&title(3, Cause::Certain, "C"), UnixMs(100_500));
    let lags = |folding: &Folding<'_>, now: &str, at| folding.lags(&title(4, Cause::Poll, now), UnixMs(at), LAG);
    for (now, expect) in [("A", true), ("B", true), ("C", false), ("D", false)] {
        assert_eq!(lags(&folding, now, 101_000), expect, "{now}");
        assert!(!lags(&folding, now, 106_600), "{now}: by now it would have shown");
    }
    // One list may lag behind another, and behind what was written twice.
    folding.absorb(&title(4, Cause::Poll, "C"), UnixMs(101_000));
    assert!(lags(&folding, "A", 101_500));
    for (as_of, now) in [(5, "E"), (6, "F")] {
        let mut entry = wrote(ERP, as_of, 1, &[("title", now.into())]);
        let Entry::Wrote { state, .. } = &mut entry else { unreachable!() };
        state.changed_at = None;
        folding.absorb(&entry, UnixMs(102_000));
    }
    for (now, expect) in [("C", true), ("E", true), ("F", false), ("G", false)] {
        assert_eq!(lags(&folding, now, 103_000), expect, "{now}");
    }
}

/// A system may show a change before it shows when that was. A list says it then, and lags behind the change after it.
#[test]
fn p7_a_list_may_know_better_when_and_not_what() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |as_of: u64, by: Cause, title: &str, changed_at: u64| {
        let mut entry = saw(ERP, as_of, changed_at, &[("title", title.into())]);
        let Entry::Observed { cause, .. } = &mut entry else { unreachable!() };
        *cause = by;
        entry
    };
    let mut folding = Folding::new(&key, &rules, after_our_write(Some(100_000), None));
    folding.absorb(&title(6, Cause::Certain, "C", 100_000), UnixMs(102_000));
    folding.absorb(&title(7, Cause::Certain, "D", 100_000), UnixMs(104_000));
    for (now, changed_at, expect) in [("C", 101_500, true), ("D", 103_500, false), ("E", 103_500, false)] {
        let entry = title(8, Cause::Webhook, now, changed_at);
        assert_eq!(folding.lags(&entry, UnixMs(105_000), LAG), expect, "{now}");
    }
    let back = title(8, Cause::Webhook, "C", 104_500);
    assert!(!folding.lags(&back, UnixMs(105_000), LAG), "somebody changed it back since");
}

#[test]
fn what_was_read_from_the_record_itself_never_lags() {
    let (rules, key) = (rules(Kind::Item), item());
    let state = after_our_write(None, Some(100_000));
    let mut entry = saw(ERP, 6, 0, &[("title", "A".into())]);
    for (by, expect) in [(Cause::Recheck, true), (Cause::Delivery, false), (Cause::Certain, false)] {
        let Entry::Observed { cause, .. } = &mut entry else { unreachable!() };
        *cause = by;
        assert_eq!(Folding::new(&key, &rules, state.clone()).lags(&entry, UnixMs(100_300), LAG), expect, "{by:?}");
    }
}

#[test]
fn p4_what_does_not_show_may_be_too_new_to_show() {
    let (rules, key) = (rules(Kind::Item), item());
    let state = after_our_write(Some(100_000), None);
    let lags = |at, lag| Folding::new(&key, &rules, state.clone()).lags(&gone(ERP, 6), UnixMs(at), lag);
    assert!(lags(101_000, LAG));
    assert!(!lags(106_200, LAG), "by now it would show");
    assert!(!lags(101_000, Lag::default()), "a system that never lags");
}
