mod carried;
mod counters;
mod lag;
mod order;
mod owners;
mod refused;
mod review;
mod vanished;

use super::*;
use crate::record::Cause;
use crate::rules::{ConnectionRule, Direction, FieldRule};
use crate::{Decimal, Kind, UnixMs};

const ERP: ConnectionId = ConnectionId(1);
const SHOP: ConnectionId = ConnectionId(2);
const WEB: ConnectionId = ConnectionId(3);

/// When everything is heard.
const NOW: UnixMs = UnixMs(1_000_000);

fn rules(kind: Kind) -> Rules {
    let rule = |name: &str, rank| ConnectionRule {
        name: name.to_owned(),
        rank,
        kinds: [(kind, Direction::BOTH)].into(),
        publishes: None,
        imports: Default::default(),
    };
    let connections = [(ERP, rule("erp", 0)), (SHOP, rule("shop", 1)), (WEB, rule("web", 2))];
    Rules { connections: connections.into(), ..Rules::default() }
}

fn owned(kind: Kind, field: &str) -> Rules {
    let rule = FieldRule {
        kind: Some(kind),
        field: field.to_owned(),
        owner: Some(ERP),
        policy: Some("conflict:owner".to_owned()),
    };
    Rules { fields: vec![rule], ..rules(kind) }
}

fn saw(connection: ConnectionId, as_of: u64, at: u64, fields: &[(&str, Value)]) -> Entry {
    let state = State {
        remote_id: format!("r{connection}"),
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        version: String::new(),
        changed_at: Some(UnixMs(at)),
        ..State::default()
    };
    Entry::Observed { connection, cause: Cause::Poll, as_of, observed: Observed::Present(state), tried: Fields::new() }
}

fn wrote(connection: ConnectionId, as_of: u64, told: u64, fields: &[(&str, Value)]) -> Entry {
    let Entry::Observed { observed: Observed::Present(state), .. } = saw(connection, as_of, 0, fields) else {
        unreachable!()
    };
    let (sent, of) = (state.fields.clone(), Fields::new());
    Entry::Wrote { connection, as_of, sent, truth_version: told, of, sent_at: None, state }
}

/// A write of ours made the record, and these fields were none of its own.
fn created(connection: ConnectionId, as_of: u64, told: u64, fields: &[(&str, Value)]) -> Entry {
    let mut entry = wrote(connection, as_of, told, fields);
    if let Entry::Wrote { sent, .. } = &mut entry {
        sent.clear();
    }
    entry
}

/// Folds one batch as the engine does, with the built-in rules and systems that hold whatever they are told.
fn fold(rules: &Rules, key: &RecordKey, state: KeyState, entries: &[Entry]) -> (KeyState, Vec<Note>) {
    let mut folding = Folding::new(key, rules, state);
    entries.iter().for_each(|it| folding.absorb(it, NOW));
    loop {
        let questions = folding.questions();
        if questions.is_empty() {
            break;
        }
        for question in questions {
            let counter = schema::of(key.kind).field(&question.field).is_some_and(|it| it.counter);
            let verdict = if counter { Folding::summed(&question) } else { folding.newest(&question) };
            folding.answer(&question, verdict);
        }
    }
    for connection in rules.connections.keys() {
        if let Some(want) = folding.tell(*connection) {
            folding.projected(*connection, want, None);
        }
    }
    folding.finish()
}

fn fold_all(rules: &Rules, key: &RecordKey, batches: &[Vec<Entry>]) -> KeyState {
    batches.iter().fold(KeyState::default(), |state, batch| fold(rules, key, state, batch).0)
}

fn item() -> RecordKey {
    RecordKey::new(Kind::Item, "bolt-8")
}

fn stock() -> RecordKey {
    RecordKey::new(Kind::StockLevel, "bolt-8@main")
}

fn on_hand(quantity: i32) -> Vec<(&'static str, Value)> {
    vec![("on_hand", Value::Number(Decimal::from(quantity)))]
}

fn power() -> Power {
    let fields = ["title", "code", "on_hand", "active"].map(str::to_owned);
    Power { known: fields.clone().into(), writable: fields.into(), creates: true }
}

fn owed(rules: &Rules, key: &RecordKey, state: &KeyState, to: ConnectionId) -> Option<Owed> {
    Folding::new(key, rules, state.clone()).owed(to, &power())
}

#[test]
fn one_side_moved_and_the_other_is_owed() {
    let (rules, key) = (rules(Kind::Item), item());
    let opening = vec![saw(ERP, 1, 5, &[("title", "Bolt".into())]), saw(SHOP, 1, 5, &[("title", "Bolt".into())])];
    let state = fold_all(&rules, &key, &[opening, vec![saw(SHOP, 2, 9, &[("title", "Bolt M8".into())])]]);
    assert_eq!(state.truth.fields["title"].value, "Bolt M8".into());
    assert_eq!(owed(&rules, &key, &state, ERP).unwrap().changed, ["title"]);
    assert_eq!(owed(&rules, &key, &state, SHOP), None);
    let told = state.truth.version;
    let paid = fold(&rules, &key, state, &[wrote(ERP, 2, told, &[("title", "Bolt M8".into())])]).0;
    assert_eq!(owed(&rules, &key, &paid, ERP), None);
}

#[test]
fn p5_our_own_write_coming_back_is_no_news() {
    let (rules, key) = (rules(Kind::Item), item());
    let opening = vec![saw(ERP, 1, 5, &[("title", "Bolt".into())]), saw(SHOP, 1, 5, &[("title", "Bolt".into())])];
    let state = fold_all(&rules, &key, &[opening, vec![saw(SHOP, 2, 9, &[("title", "B".into())])]]);
    let told = state.truth.version;
    let state = fold(&rules, &key, state, &[wrote(ERP, 2, told, &[("title", "B".into())])]).0;
    let (after, notes) = fold(&rules, &key, state.clone(), &[saw(ERP, 3, 10, &[("title", "B".into())])]);
    assert_eq!((after.truth, notes), (state.truth, vec![]));
}

#[test]
fn p10_a_clock_that_is_ahead_makes_nobody_the_newest() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |text: &str| [("title", text.into())];
    let opened = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &title("a")), saw(SHOP, 1, 1, &title("a"))]]);
    let day = 86_400_000;
    let check = |erp_at: u64, expect: &str| {
        let both = [saw(ERP, 2, erp_at, &title("erp")), saw(SHOP, 2, NOW.0, &title("shop"))];
        for said in [both.to_vec(), both.iter().rev().cloned().collect()] {
            let (state, _) = fold(&rules, &key, opened.clone(), &said);
            assert_eq!(state.truth.values()["title"], expect.into(), "{erp_at}");
        }
    };
    check(NOW.0 - 5, "shop");
    // As young as can be, and no younger: the higher authority counts, as in every tie.
    check(NOW.0 + day, "erp");
    // A shop whose clock is a day ahead overrules nobody who spoke in the same moment.
    let both = [saw(ERP, 2, NOW.0, &title("erp")), saw(SHOP, 2, NOW.0 + day, &title("shop"))];
    assert_eq!(fold(&rules, &key, opened, &both).0.truth.values()["title"], "erp".into());
}

#[test]
fn old_news_does_not_take_the_truth_back() {
    let (rules, key) = (rules(Kind::Item), item());
    let state = fold_all(&rules, &key, &[vec![saw(ERP, 7, 9, &[("title", "New".into())])]]);
    let (after, notes) = fold(&rules, &key, state.clone(), &[saw(ERP, 3, 5, &[("title", "Old".into())])]);
    assert_eq!((after, notes), (state, vec![]));
}

/// What the shop is told settles its word, also where a policy chose it once more before the shop was known to be told.
#[test]
fn p8_a_word_that_was_settled_has_no_say_in_what_was_decided_since() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let opening = [ERP, SHOP].map(|it| saw(it, 1, 1_000, &title("A"))).to_vec();
    let words = vec![saw(SHOP, 2, 8_000, &title("B")), saw(ERP, 2, 9_000, &title("C"))];
    let state = fold_all(&rules, &key, &[opening, words]);
    let told = wrote(SHOP, 3, state.truth.version, &title("C"));
    let mut folding = Folding::new(&key, &rules, state);
    folding.absorb(&saw(ERP, 3, 9_500, &title("D")), UnixMs(9_600));
    let question = folding.questions().remove(0);
    let shops = question.claims.iter().position(|it| it.connection == SHOP).unwrap();
    folding.answer(&question, Verdict::Take(shops));
    let mut folding = Folding::new(&key, &rules, folding.finish().0);
    folding.absorb(&told, UnixMs(10_000));
    let claims: Vec<Value> = folding.questions().remove(0).claims.into_iter().map(|it| it.now).collect();
    assert_eq!(claims, ["D".into()]);
}

/// A word that lost and is being answered has no say in what is decided meanwhile: whether it is heard first that the
/// answer arrived, or that others were told what came of the next decision, changes nothing.
#[test]
fn p8_a_word_that_is_being_answered_has_no_say() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let opening = [ERP, SHOP, WEB].map(|it| saw(it, 1, 1_000, &title("A"))).to_vec();
    let words = vec![saw(WEB, 2, 8_000, &title("B")), saw(SHOP, 2, 9_000, &title("C"))];
    let state = fold_all(&rules, &key, &[opening, words]);
    let told = state.truth.version;
    let telling = || [(WEB, [("title".to_owned(), told)].into())].into();
    // An hour that is there twice: by its date it is the oldest word of all.
    let mut folding = Folding::new(&key, &rules, state);
    folding.telling(telling());
    folding.absorb(&wrote(SHOP, 3, told, &title("C")), NOW);
    folding.absorb(&saw(ERP, 2, 2_000, &title("D")), NOW);
    let question = folding.questions().remove(0);
    assert_eq!(question.claims.iter().map(|it| it.connection).collect::<Vec<_>>(), [ERP]);
    let newest = folding.newest(&question);
    folding.answer(&question, newest);
    let (ruling, state) = (folding.ruling(), folding.finish().0);
    assert_eq!(ruling.telling, telling());
    let told_to = [wrote(WEB, 3, told, &title("C")), wrote(SHOP, 4, state.truth.version, &title("D"))];
    for order in [[0, 1], [1, 0]] {
        let after = order.iter().fold(state.clone(), |state, at| {
            let mut folding = Folding::new(&key, &rules, state);
            folding.telling(telling());
            folding.absorb(&told_to[*at], NOW);
            assert!(folding.questions().iter().all(|it| it.claims.iter().all(|it| it.connection == ERP)));
            folding.finish().0
        });
        assert_eq!(after.truth.values()["title"], "D".into());
    }
}

#[test]
fn p8_a_second_change_is_news_to_who_was_told_the_first() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |text: &str| [("title", text.into())];
    let opened = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &title("a")), saw(SHOP, 1, 1, &title("a"))]]);
    let (moved, _) = fold(&rules, &key, opened, &[saw(ERP, 2, 5, &title("b"))]);
    let (told, _) = fold(&rules, &key, moved.clone(), &[wrote(SHOP, 2, moved.truth.version, &title("b"))]);
    // Both change it at once; neither knows of the other.
    let (erp, shop) = (saw(ERP, 3, 9, &title("c")), saw(SHOP, 3, 9, &title("d")));
    for said in [[erp.clone(), shop.clone()], [shop, erp]] {
        let (state, _) = fold(&rules, &key, told.clone(), &said);
        assert_eq!(state.truth.values()["title"], "c".into(), "the higher authority counts");
    }
}

fn gone(connection: ConnectionId, as_of: u64) -> Entry {
    let observed = Observed::Absent(format!("r{connection}"));
    Entry::Observed { connection, cause: Cause::Sweep, as_of, observed, tried: Fields::new() }
}

#[test]
fn a_record_that_vanishes_at_the_highest_authority_is_deactivated_elsewhere() {
    let (rules, key) = (rules(Kind::Item), item());
    let fields = [("code", "BOLT-8".into()), ("active", true.into())];
    let state = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &fields), saw(SHOP, 1, 1, &fields)]]);
    let deleted = fold(&rules, &key, state.clone(), &[gone(ERP, 2)]).0;
    assert_eq!(owed(&rules, &key, &deleted, SHOP).unwrap().changed, ["active"]);
    assert_eq!(owed(&rules, &key, &deleted, ERP), None);
    // Elsewhere it is a question for a person, and nothing is written there meanwhile.
    let (lost, notes) = fold(&rules, &key, state, &[gone(SHOP, 2)]);
    assert_eq!((owed(&rules, &key, &lost, SHOP), notes), (None, vec![Note::Vanished(SHOP, false)]));
}

/// In whatever order it is heard, and whatever is decided again at the same time.
#[test]
fn what_is_deleted_where_it_counts_is_for_sale_nowhere() {
    let (rules, key) = (rules(Kind::Item), item());
    let active = |is: bool| [("active", is.into())];
    let opened = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &active(true)), saw(SHOP, 1, 1, &active(false))]]);
    let said = [saw(SHOP, 2, 5, &active(true)), gone(ERP, 2)];
    let orders = [said.to_vec(), said.iter().rev().cloned().collect(), said[1..].to_vec()];
    for said in orders {
        let mut folding = Folding::new(&key, &rules, opened.clone());
        folding.review();
        said.iter().for_each(|it| folding.absorb(it, NOW));
        assert_eq!(folding.questions(), []);
        assert_eq!(folding.state().truth.values()["active"], false.into());
        // There again, it is as it is there.
        let back = fold(&rules, &key, folding.finish().0, &[saw(ERP, 3, 9, &active(true))]).0;
        assert_eq!(back.truth.values()["active"], true.into());
    }
}

#[test]
fn a_missing_record_is_created_when_it_can_be_named() {
    let (rules, key) = (rules(Kind::Item), item());
    let state = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &[("title", "Bolt".into())])]]);
    assert_eq!(owed(&rules, &key, &state, SHOP), None);
    let state = fold(&rules, &key, state, &[saw(ERP, 2, 2, &[("code", "BOLT-8".into())])]).0;
    assert_eq!(
        owed(&rules, &key, &state, SHOP).unwrap(),
        Owed { create: true, changed: vec!["code".into(), "title".into()] }
    );
}

#[test]
fn what_a_system_fills_in_by_itself_is_no_change() {
    let (rules, key) = (rules(Kind::Item), item());
    let opening = saw(ERP, 1, 5, &[("title", "Bolt".into())]);
    let filled_in = saw(SHOP, 1, 99, &[("title", "Untitled".into())]);
    for batches in
        [vec![vec![opening.clone()], vec![filled_in.clone()]], vec![vec![filled_in.clone(), opening.clone()]]]
    {
        let state = fold_all(&rules, &key, &batches);
        assert_eq!(state.truth.fields["title"].value, "Bolt".into());
        assert_eq!(owed(&rules, &key, &state, SHOP).unwrap().changed, ["title"]);
        // What a person then changes there is the newest.
        let changed = fold(&rules, &key, state, &[saw(SHOP, 2, 100, &[("title", "Bolt M8".into())])]).0;
        assert_eq!(changed.truth.fields["title"].value, "Bolt M8".into());
    }
    // Authority that holds nothing empties nothing.
    let empty = saw(ERP, 1, 5, &[("title", Value::Null)]);
    let state = fold_all(&rules, &key, &[vec![empty], vec![filled_in]]);
    assert_eq!(state.truth.fields["title"].value, "Untitled".into());
}

/// A price of nothing that a shop gives to what is made there is no word of its authority.
#[test]
fn what_is_said_counts_before_what_a_system_has_of_itself() {
    let amount = |n: i32| [("amount", Value::Number(n.into()))];
    let (rules, key) = (rules(Kind::Price), RecordKey::new(Kind::Price, "base@bolt"));
    let state = fold_all(&rules, &key, &[vec![saw(WEB, 1, 5, &amount(3))], vec![saw(SHOP, 1, 99, &amount(0))]]);
    assert_eq!(state.truth.values()["amount"], Value::Number(3.into()));
    // Who makes it a price of nothing says so.
    let free = fold(&rules, &key, state, &[saw(WEB, 2, 100, &amount(0))]).0;
    assert_eq!(free.truth.values()["amount"], Value::Number(0.into()));
}

/// An order that we book where it has left nowhere says nothing against what has left elsewhere, whatever the rank.
#[test]
fn what_was_created_empty_empties_nothing() {
    let (mut rules, key) = (rules(Kind::Order), RecordKey::new(Kind::Order, "#1"));
    rules.connections.get_mut(&WEB).unwrap().rank = 0;
    rules.connections.get_mut(&ERP).unwrap().rank = 2;
    let left = Value::Rows(vec![[("item".to_owned(), Value::from("bolt"))].into()]);
    let fulfilments = |rows: Value| [("fulfilments", rows)];
    let shipped = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &fulfilments(left.clone()))]]);
    let made = created(WEB, 1, shipped.truth.version, &fulfilments(Value::Rows(Vec::new())));
    let after = fold(&rules, &key, shipped.clone(), &[made]).0;
    assert_eq!(after.truth.values()["fulfilments"], left);
    // Who had it before and knows of nothing that left says so.
    let read = fold(&rules, &key, shipped, &[saw(WEB, 1, 1, &fulfilments(Value::Rows(Vec::new())))]).0;
    assert_eq!(read.truth.values()["fulfilments"], Value::Rows(Vec::new()));
}

/// What has left before we first read the order that we booked is no opening that a higher rank's empty list outdoes.
#[test]
fn what_was_done_to_what_we_created_is_a_change() {
    let (rules, key) = (rules(Kind::Order), RecordKey::new(Kind::Order, "#1"));
    let left = Value::Rows(vec![[("item".to_owned(), Value::from("bolt"))].into()]);
    let fulfilments = |rows: Value| [("fulfilments", rows)];
    let placed = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &fulfilments(Value::Rows(Vec::new())))]]);
    let made = created(WEB, 1, placed.truth.version, &fulfilments(left.clone()));
    let after = fold(&rules, &key, placed.clone(), &[made]).0;
    assert_eq!(after.truth.values()["fulfilments"], left);
    // An index that lags tells of it later than of the rest.
    let booked = fold(&rules, &key, placed.clone(), &[created(WEB, 1, placed.truth.version, &[])]).0;
    let after = fold(&rules, &key, booked, &[saw(WEB, 2, 9, &fulfilments(left.clone()))]).0;
    assert_eq!(after.truth.values()["fulfilments"], left);
}

/// Nor is that it was called off before we first read it: what is booked begins as open.
#[test]
fn what_was_called_off_before_it_was_read_is_called_off() {
    let (rules, key) = (rules(Kind::Order), RecordKey::new(Kind::Order, "#1"));
    let status = |it: &str| [("status", it.into())];
    let placed = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &status("open"))]]);
    for (there, expect) in
        [("cancelled", "cancelled"), ("partially-fulfilled", "partially-fulfilled"), ("on-hold", "open")]
    {
        let made = created(WEB, 1, placed.truth.version, &status(there));
        let after = fold(&rules, &key, placed.clone(), &[made]).0;
        assert_eq!(after.truth.values()["status"], expect.into());
    }
}

/// A system without the room for a title was told what it has room for: what was the truth before it moved is all of it.
#[test]
fn what_was_cut_for_one_system_is_whole_for_whoever_keeps_it() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let openings = [ERP, SHOP].map(|it| saw(it, 1, 1, &title("A")));
    let state = fold_all(&rules, &key, &[openings.to_vec(), vec![saw(ERP, 2, 2, &title("A long title"))]]);
    let mut cut = wrote(SHOP, 2, state.truth.version, &title("A long"));
    let Entry::Wrote { of, .. } = &mut cut else { unreachable!() };
    of.insert("title".to_owned(), "A long title".into());
    let state = fold(&rules, &key, state, &[cut]).0;
    for said in [vec![saw(SHOP, 3, 3, &title("B"))], vec![saw(SHOP, 3, 3, &title("B")), saw(ERP, 3, 3, &title("C"))]] {
        let mut folding = Folding::new(&key, &rules, state.clone());
        said.iter().for_each(|it| folding.absorb(it, NOW));
        let questions = folding.questions();
        assert_eq!(questions[0].base, "A long title".into(), "{questions:?}");
        folding.answer(&questions[0], Verdict::Keep);
        assert_eq!(folding.state().truth.values()["title"], "A long title".into());
    }
}

/// Nobody answered our write; the record shows what somebody made of it since, and the index still what we wrote.
#[test]
fn what_a_lost_write_left_for_a_while_is_no_news() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let lag = Lag { lag_ms: 10_000, granularity_ms: 1_000, checkable: false };
    let known = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &title("26"))]]);
    let found = |tried: &[(&str, Value)]| {
        let Entry::Observed { connection, as_of, observed, .. } = saw(ERP, 3, 1, &title("92")) else { unreachable!() };
        let tried = tried.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Entry::Observed { connection, cause: Cause::Delivery, as_of, observed, tried }
    };
    for (tried, lags) in [(&title("39")[..], true), (&[], false)] {
        let found = fold(&rules, &key, known.clone(), &[found(tried)]).0;
        let folding = Folding::new(&key, &rules, found);
        assert_eq!(folding.lags(&saw(ERP, 4, 1, &title("39")), NOW.plus(1_000), lag), lags);
        assert!(!folding.lags(&saw(ERP, 4, 1, &title("39")), NOW.plus(60_000), lag), "it is said for long");
    }
    // It took one of its fields as sent, so that it is known to have been carried out.
    let Entry::Wrote { connection, as_of, mut sent, truth_version, of, sent_at, state } =
        wrote(ERP, 3, 2, &title("92"))
    else {
        unreachable!()
    };
    sent.insert("title".to_owned(), "39".into());
    let wrote = Entry::Wrote { connection, as_of, sent, truth_version, of, sent_at, state };
    let written = fold(&rules, &key, known, &[wrote]).0;
    let folding = Folding::new(&key, &rules, written);
    assert!(folding.lags(&saw(ERP, 4, 1, &title("39")), NOW.plus(1_000), lag));
}

/// Everybody was told what came of what they said: nobody has a word any more, and nothing is decided of it.
#[test]
fn what_all_were_told_is_not_decided_again() {
    let (rules, key) = (rules(Kind::Item), item());
    let title = |title: &str| [("title", title.into())];
    let words = vec![saw(ERP, 1, 1, &title("A")), saw(SHOP, 1, 1, &title("B"))];
    let mut state = fold_all(&rules, &key, &[words]);
    // Decided once more meanwhile, so that what is told next is told of an older decision.
    let told = state.truth.version;
    state.truth.version += 1;
    state.truth.fields.get_mut("title").unwrap().version += 1;
    let both = [wrote(SHOP, 2, told, &title("A")), wrote(ERP, 2, told, &title("A"))];
    let after = fold(&rules, &key, state, &both).0;
    assert_eq!(after.truth.values()["title"], "A".into());
}

#[test]
fn what_was_never_known_cannot_be_kept() {
    let (rules, key) = (rules(Kind::Item), item());
    let mut folding = Folding::new(&key, &rules, KeyState::default());
    folding.absorb(&saw(SHOP, 1, 5, &[("title", "Bolt".into()), ("barcode", Value::Null)]), NOW);
    for question in folding.questions() {
        let verdict = if question.field == "title" { Verdict::Keep } else { Verdict::Take(0) };
        folding.answer(&question, verdict);
    }
    let truth = &folding.state().truth;
    assert!(truth.fields["title"].held.is_some());
    // Nobody is told a title, and everybody that there is no barcode.
    assert_eq!(truth.values(), [("barcode".to_owned(), Value::Null)].into());
    assert_eq!(folding.tell(ERP), Some(truth.values()));
}

#[test]
fn what_goes_round_in_circles_is_held_until_a_person_settles_it() {
    let (rules, key) = (rules(Kind::Item), item());
    let opening = vec![saw(ERP, 1, 5, &[("title", "A".into())]), saw(SHOP, 1, 4, &[("title", "A".into())])];
    let mut state = fold_all(&rules, &key, &[opening]);
    // The shop takes whatever it is told, and something there puts its own word back.
    let mut round = 1;
    loop {
        round += 1;
        let mine = saw(SHOP, round, 10 + round, &[("title", format!("B{}", round % 2).into())]);
        state = fold(&rules, &key, state, &[mine]).0;
        if owed(&rules, &key, &state, ERP).is_none() || round > 100 {
            break;
        }
        let told = state.truth.version;
        let title = state.truth.fields["title"].value.clone();
        state = fold(&rules, &key, state, &[wrote(ERP, round, told, &[("title", title)])]).0;
    }
    assert!((10..30).contains(&round), "{round} rounds");
    assert!(state.truth.fields["title"].loops);
    let what = Settlement::Field { field: "title".to_owned(), value: "C".into() };
    let settled = Entry::Settled { what, by: "ann".to_owned() };
    let state = fold(&rules, &key, state, &[settled]).0;
    assert_eq!(owed(&rules, &key, &state, ERP).unwrap().changed, ["title"]);
}

#[test]
fn what_systems_agreed_on_is_kept_while_a_person_must_decide() {
    let (mut rules, key) = (rules(Kind::Item), item());
    let policy = Some("conflict:x".to_owned());
    rules.fields.push(FieldRule { kind: None, field: "title".to_owned(), owner: None, policy });
    let both = vec![saw(ERP, 1, 5, &[("title", "Bolt".into())]), saw(SHOP, 1, 5, &[("title", "Bolt".into())])];
    let state = fold_all(&rules, &key, &[both]);
    for verdict in [Verdict::Keep, Verdict::Hold("look".to_owned())] {
        let mut folding = Folding::new(&key, &rules, state.clone());
        folding.absorb(&saw(SHOP, 2, 9, &[("title", "Screw".into())]), NOW);
        let question = folding.questions().remove(0);
        assert_eq!(question.base, "Bolt".into());
        folding.answer(&question, verdict);
        assert_eq!(folding.state().truth.fields["title"].value, "Bolt".into());
    }
}
