use super::*;

async fn of(store: &Arc<dyn Inspect>, key: &str) -> Vec<Debt> {
    store.debts_of(&BTreeSet::from([item(key)])).await.unwrap()
}

fn put(debt: Debt) -> Change {
    Change::Debt { debt, token: None }
}

pub async fn a_debt_keeps_its_age_and_intent<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let first = Debt { since: at(1), intent: Some(intent("op-1")), attempts: 3, ..debt("bolt", 1) };
    commit(&store, 0, [Change::Owe(first)]).await;
    let newer = Debt { since: at(50), due_at: at(60), priority: 1, ..debt("bolt", 2) };
    commit(&store, 50, [Change::Owe(newer.clone())]).await;
    let expect = Debt { since: at(1), intent: Some(intent("op-1")), ..newer };
    assert_eq!(of(&store, "bolt").await, [expect]);
    // An intent comes with the debt where none is open.
    commit(&store, 51, [Change::Owe(debt("nut", 1))]).await;
    commit(&store, 52, [Change::Owe(Debt { intent: Some(intent("op-2")), ..debt("nut", 2) })]).await;
    assert_eq!(of(&store, "nut").await[0].intent, Some(intent("op-2")));
}

pub async fn a_parked_debt_waits_for_a_newer_truth<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let error = Some("refused".to_owned());
    let parked = Debt { state: DebtState::Parked, attempts: 9, last_error: error, ..debt("bolt", 4) };
    commit(&store, 0, [put(parked.clone())]).await;
    commit(&store, 1, [Change::Owe(Debt { priority: 0, ..debt("bolt", 4) })]).await;
    assert_eq!(of(&store, "bolt").await, std::slice::from_ref(&parked));
    commit(&store, 2, [Change::Owe(Debt { attempts: 5, due_at: at(70), ..debt("bolt", 5) })]).await;
    let expect = Debt { state: DebtState::Due, attempts: 0, due_at: at(70), ..debt("bolt", 5) };
    assert_eq!(of(&store, "bolt").await, [expect]);
}

pub async fn a_delivery_writes_its_row<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let begun = Debt { intent: Some(intent("op-1")), since: at(1), ..debt("bolt", 1) };
    commit(&store, 0, [Change::Owe(begun)]).await;
    let error = Some("gone".to_owned());
    let row = Debt { state: DebtState::Settling, since: at(7), attempts: 2, last_error: error, ..debt("bolt", 3) };
    commit(&store, 1, [put(row.clone())]).await;
    assert_eq!(of(&store, "bolt").await, [row]);
}

pub async fn p5_what_became_of_an_older_write_does_not_stop_a_newer_truth<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    for (state, open) in [(DebtState::Parked, false), (DebtState::Blocked, false), (DebtState::Parked, true)] {
        let intent = open.then(|| intent("op-1"));
        let read = Debt { intent: Some(super::intent("op-1")), ..debt("bolt", 1) };
        commit(&store, 0, [put(read.clone())]).await;
        // While the write is under way something newer is decided.
        commit(&store, 1, [Change::Owe(Debt { due_at: at(1), ..debt("bolt", 2) })]).await;
        let late = Debt { state, intent: intent.clone(), attempts: 9, last_error: Some("no".to_owned()), ..read };
        let token = (state == DebtState::Blocked).then(|| "t".to_owned());
        commit(&store, 5, [Change::Debt { debt: late.clone(), token }]).await;
        let state = if open { DebtState::Due } else { DebtState::Untold };
        let expect = Debt { truth_version: 2, state, attempts: 0, due_at: at(5), ..late };
        assert_eq!(of(&store, "bolt").await, std::slice::from_ref(&expect));
        commit(&store, 6, [Change::Debt { debt: Debt { intent: None, ..expect.clone() }, token: None }]).await;
        commit(&store, 7, [Change::Paid(Debt { intent: None, ..expect })]).await;
        assert!(of(&store, "bolt").await.is_empty());
    }
}

/// What is decided without the answer of a write does not take its place.
pub async fn p5_what_settles_is_owed_anew_by_whoever_takes_in_the_answer<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let settles = Debt { state: DebtState::Settling, since: at(1), ..debt("bolt", 1) };
    commit(&store, 1, [put(settles.clone())]).await;
    let newer = Debt { due_at: at(2), since: at(2), ..debt("bolt", 2) };
    let one = Change::RetellOne { connection: A, key: item("bolt"), due_at: at(2) };
    let all = Change::Retell { connection: A, kind: Kind::Item };
    let truth = Change::Truth { key: item("bolt"), truth: truth(3, "t"), natural: None, basis: String::new() };
    commit(&store, 2, [truth, Change::Owe(newer.clone()), one, all]).await;
    assert_eq!(of(&store, "bolt").await, [settles]);
    commit(&store, 3, [Change::OweAnew(newer.clone())]).await;
    assert_eq!(of(&store, "bolt").await, [Debt { since: at(1), ..newer }]);
}

pub async fn the_most_urgent_is_due_first<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let owe = |key: &str, priority, ms| Change::Owe(Debt { priority, due_at: at(ms), ..debt(key, 1) });
    let settling = put(Debt { state: DebtState::Settling, ..debt("settling", 1) });
    let elsewhere = Change::Owe(Debt { connection: B, ..debt("a", 1) });
    let changes =
        [owe("d", 2, 1), owe("c", 2, 5), owe("b", 2, 5), owe("a", 0, 9), owe("late", 0, 11), settling, elsewhere];
    commit(&store, 0, changes).await;
    let due = async |ms, n| -> Vec<String> {
        store.due_debts(A, at(ms), n).await.unwrap().into_iter().map(|it| it.key.key).collect()
    };
    assert_eq!(due(10, 10).await, ["a", "d", "b", "c"]);
    assert_eq!(due(10, 2).await, ["a", "d"]);
    assert_eq!(due(11, 10).await, ["a", "late", "d", "b", "c"]);
    assert!(due(0, 10).await.is_empty());
}

pub async fn a_paid_debt_is_gone<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let elsewhere = Debt { connection: B, ..debt("bolt", 1) };
    commit(&store, 0, [Change::Owe(debt("bolt", 1)), Change::Owe(elsewhere.clone())]).await;
    commit(&store, 1, [Change::Paid(debt("bolt", 1))]).await;
    assert_eq!(of(&store, "bolt").await, [elsewhere]);
    // In order: what is owed after it was paid is owed.
    let changes = [Change::Owe(debt("nut", 1)), Change::Paid(debt("nut", 1)), Change::Owe(debt("nut", 2))];
    commit(&store, 2, changes).await;
    assert_eq!(of(&store, "nut").await, [debt("nut", 2)]);
}

pub async fn what_moved_since_it_was_read_is_not_paid<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let read = debt("bolt", 1);
    let moved = [
        Debt { due_at: at(9), ..read.clone() },
        Debt { state: DebtState::Untold, ..read.clone() },
        Debt { intent: Some(intent("op-1")), ..read.clone() },
        debt("bolt", 2),
    ];
    for moved in moved {
        commit(&store, 1, [put(moved.clone()), Change::Paid(read.clone())]).await;
        assert_eq!(of(&store, "bolt").await, [moved]);
    }
    // Not even when it was read with its intent: what was begun is brought to an end first.
    let begun = Debt { intent: Some(intent("op-1")), ..debt("bolt", 2) };
    commit(&store, 2, [put(begun.clone()), Change::Paid(begun.clone())]).await;
    assert_eq!(of(&store, "bolt").await, [begun]);
}

pub async fn every_record_of_a_kind_is_told_anew<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let truth = |key: RecordKey| Change::Truth { key, truth: truth(3, "t"), natural: None, basis: String::new() };
    let keys = ["a", "b", "c", "d"].map(item);
    let other = RecordKey::new(Kind::Price, "a");
    commit(&store, 0, keys.iter().chain([&other]).cloned().map(truth)).await;
    let stuck = Debt { state: DebtState::Parked, attempts: 9, since: at(1), ..debt("b", 3) };
    let begun = Debt { intent: Some(intent("op-1")), ..debt("c", 3) };
    commit(&store, 1, [put(stuck.clone()), put(begun.clone()), Change::Owe(debt("elsewhere", 1))]).await;
    commit(&store, 5, [Change::Retell { connection: A, kind: Kind::Item }]).await;
    let fresh = |key: &str| Debt { state: DebtState::Untold, priority: 0, due_at: at(5), since: at(5), ..debt(key, 3) };
    assert_eq!(of(&store, "a").await, [fresh("a")]);
    assert_eq!(of(&store, "b").await, [Debt { since: at(1), priority: stuck.priority, ..fresh("b") }]);
    assert_eq!(of(&store, "c").await, [begun]);
    assert_eq!(of(&store, "elsewhere").await, [debt("elsewhere", 1)]);
    assert!(store.untold(at(4), 10).await.unwrap().is_empty());
    assert_eq!(store.untold(at(5), 10).await.unwrap(), ["a", "b", "d"].map(item).into());
    assert_eq!(store.untold(at(5), 2).await.unwrap(), ["a", "b"].map(item).into());
    assert!(store.due_debts(A, at(9), 10).await.unwrap().iter().all(|it| it.state == DebtState::Due));
    assert_eq!(store.backlog().await.unwrap().debts, 5);
}

pub async fn c9_parked_debts_are_redriven<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let parked = |connection, key: &str| Debt {
        connection,
        state: DebtState::Parked,
        attempts: 9,
        last_error: Some("refused".to_owned()),
        intent: Some(intent("op-1")),
        ..debt(key, 1)
    };
    let all = [parked(A, "a"), parked(A, "b"), parked(B, "a"), parked(B, "b")];
    commit(&store, 0, all.clone().map(put)).await;
    commit(&store, 0, [put(Debt { state: DebtState::Blocked, ..debt("blocked", 1) })]).await;
    let redrive = |connection, key: Option<&str>| Change::Redrive { connection, key: key.map(item) };
    let left = async || -> Vec<(ConnectionId, String)> {
        let parked = store.debts(DebtState::Parked, None, 10).await.unwrap();
        parked.into_iter().map(|it| (it.connection, it.key.key)).collect()
    };
    commit(&store, 5, [redrive(Some(A), Some("a"))]).await;
    assert_eq!(left().await, [(A, "b".to_owned()), (B, "a".to_owned()), (B, "b".to_owned())]);
    let back = store.due_debts(A, at(5), 10).await.unwrap();
    assert_eq!(back, [Debt { state: DebtState::Due, attempts: 0, due_at: at(5), ..parked(A, "a") }]);
    commit(&store, 6, [redrive(Some(B), None)]).await;
    assert_eq!(left().await, [(A, "b".to_owned())]);
    commit(&store, 7, [redrive(None, None)]).await;
    assert!(left().await.is_empty());
    assert_eq!(store.debts(DebtState::Blocked, None, 10).await.unwrap().len(), 1);
    // With no write in doubt the connector is asked anew what it makes of the truth.
    commit(&store, 8, [put(Debt { intent: None, ..parked(A, "c") })]).await;
    commit(&store, 9, [redrive(Some(A), None)]).await;
    assert_eq!(store.untold(at(9), 10).await.unwrap(), [item("c")].into());
}

pub async fn debts_are_listed_in_pages<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let other = Debt { connection: B, key: RecordKey::new(Kind::Price, "a"), ..debt("a", 1) };
    let changes = [debt("b", 1), debt("a", 1), other, Debt { connection: B, ..debt("z", 1) }].map(Change::Owe);
    commit(&store, 0, changes).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.debts(DebtState::Due, after.as_ref(), 1).await.unwrap();
        let Some(debt) = page.into_iter().next() else { break };
        after = Some((debt.connection, debt.key.clone()));
        seen.push(format!("{} {}", debt.connection, debt.key));
    }
    // Kinds come in order of their names.
    assert_eq!(seen, ["1 item/a", "1 item/b", "2 item/z", "2 price/a"]);
    assert!(store.debts(DebtState::Parked, None, 10).await.unwrap().is_empty());
}

pub async fn the_backlog_counts_what_waits<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    let conflict = Conflict {
        id: 0,
        at: at(0),
        key: item("a"),
        about: About::Field("title".to_owned()),
        claims: BTreeMap::new(),
        outcome: None,
        reason: String::new(),
        policy: String::new(),
    };
    let changes = [
        webhook("e1"),
        Change::Touch { connection: A, kind: Kind::Item, remote_id: "1".to_owned(), cause: Cause::Poll },
        append(Kind::Item, observed(1, state("1", Fields::new()))),
        Change::Owe(Debt { since: at(4), ..debt("a", 1) }),
        put(Debt { since: at(3), state: DebtState::Blocked, ..debt("b", 1) }),
        put(Debt { since: at(2), state: DebtState::Parked, ..debt("c", 1) }),
        Change::Conflict(conflict),
    ];
    commit(&store, 0, changes).await;
    let expect = Backlog {
        inbox: 1,
        touched: 1,
        unfolded: 1,
        waiting: 0,
        debts: 2,
        parked: 1,
        conflicts: 1,
        damaged: 0,
        oldest_debt: Some(at(3)),
    };
    assert_eq!(store.backlog().await.unwrap(), expect);
}

pub async fn what_does_not_exist_yet_is_listed<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let owed = ["a", "b", "c", "d"].map(|key| Change::Owe(debt(key, 1)));
    commit(&store, 0, owed.into_iter().chain([link(&item("b"), "2")])).await;
    commit(&store, 1, [put(Debt { state: DebtState::Parked, ..debt("d", 1) })]).await;
    let keys = async |after: Option<&str>, n_max| -> Vec<String> {
        let found = store.uncreated(A, Kind::Item, after, n_max).await.unwrap();
        found.into_iter().map(|it| it.key.key).collect()
    };
    assert_eq!(keys(None, 9).await, ["a", "c", "d"]);
    assert_eq!(keys(None, 2).await, ["a", "c"]);
    assert_eq!(keys(Some("c"), 9).await, ["d"]);
    assert!(store.uncreated(B, Kind::Item, None, 9).await.unwrap().is_empty());
    assert!(store.uncreated(A, Kind::Price, None, 9).await.unwrap().is_empty());
}

pub async fn what_is_owed_is_listed_and_counted<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let price = Debt { key: RecordKey::new(Kind::Price, "a"), state: DebtState::Blocked, ..debt("a", 1) };
    let begun = Debt { intent: Some(intent("op-1")), ..debt("c", 1) };
    let parked = Debt { state: DebtState::Parked, intent: Some(intent("op-2")), ..debt("d", 1) };
    let untold = Debt { connection: B, state: DebtState::Untold, ..debt("z", 1) };
    let settling = Debt { connection: B, state: DebtState::Settling, ..debt("y", 1) };
    let all = [debt("b", 1), price, begun.clone(), parked, untold, settling];
    commit(&store, 0, all.map(put)).await;
    let keys = async |after: Option<&str>, n_max| -> Vec<String> {
        let found = store.owed(A, Kind::Item, after, n_max).await.unwrap();
        found.into_iter().map(|it| it.key.key).collect()
    };
    assert_eq!(keys(None, 2).await, ["b", "c"]);
    assert_eq!(keys(Some("c"), 9).await, ["d"]);
    let owing =
        |connection, kind, open, begun, undecided, parked| Owing { connection, kind, open, begun, undecided, parked };
    let expect =
        [owing(A, Kind::Item, 2, 1, 0, 1), owing(A, Kind::Price, 1, 0, 0, 0), owing(B, Kind::Item, 0, 0, 2, 0)];
    assert_eq!(store.owing().await.unwrap(), expect);
    assert!(store.begun_debts(A, at(9), 9).await.unwrap().is_empty(), "it is not due");
    assert_eq!(store.begun_debts(A, at(10), 9).await.unwrap(), [begun]);
}
