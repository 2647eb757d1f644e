use super::*;

fn bolt(as_of: u64) -> Entry {
    observed(as_of, state("1", fields([("title", "Bolt")])))
}

pub async fn the_log_is_read_in_order<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let what = Settlement::Field { field: "title".to_owned(), value: Value::Null };
    let settled = Entry::Settled { what, by: "ann".to_owned() };
    let keyed = Change::Append { kind: Kind::Item, key: Some("bolt".to_owned()), entry: settled.clone() };
    commit(&store, 0, [append(Kind::Item, bolt(1)), keyed]).await;
    commit(&store, 3, [append(Kind::Price, bolt(2))]).await;
    let log = store.unfolded(10).await.unwrap();
    assert!(log.is_sorted_by_key(|it| it.seq));
    let seen: Vec<_> = log.iter().map(|it| (it.at, it.kind, it.key.as_deref(), it.entry.clone())).collect();
    let expect = [
        (at(0), Kind::Item, None, bolt(1)),
        (at(0), Kind::Item, Some("bolt"), settled),
        (at(3), Kind::Price, None, bolt(2)),
    ];
    assert_eq!(seen, expect);
    assert_eq!(store.unfolded(2).await.unwrap(), log[..2]);
}

pub async fn an_entry_is_folded_once<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [append(Kind::Item, bolt(1)), append(Kind::Item, bolt(2))]).await;
    let seqs = unfolded(&store).await;
    commit(&store, 1, [folded(seqs[0], "bolt", bolt(1))]).await;
    assert_eq!(unfolded(&store).await, [seqs[1]]);
    let wait = Change::Wait { seq: seqs[0], token: "t".to_owned() };
    let discard = Change::Drop { seq: seqs[0], reason: "old".to_owned() };
    for again in [folded(seqs[0], "bolt", bolt(1)), wait, discard] {
        let refused = store.commit(batch(2, [folded(seqs[1], "bolt", bolt(2)), again])).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!(unfolded(&store).await, [seqs[1]]);
}

pub async fn what_waits_is_woken_by_its_token<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let entries = (1..=3).map(|as_of| append(Kind::Item, bolt(as_of)));
    commit(&store, 0, entries).await;
    let seqs = unfolded(&store).await;
    let wait = |seq, token: &str| Change::Wait { seq, token: token.to_owned() };
    let block = |key: &str, token: &str| Change::Debt {
        debt: Debt { state: DebtState::Blocked, due_at: at(90), ..debt(key, 1) },
        token: Some(token.to_owned()),
    };
    commit(&store, 1, [wait(seqs[0], "x"), wait(seqs[1], "y"), block("a", "x"), block("b", "y")]).await;
    assert_eq!(unfolded(&store).await, [seqs[2]]);
    assert_eq!(store.backlog().await.unwrap().waiting, 2);
    let waiting = async |token: &str, after| {
        store.waiting(token, after, 9).await.unwrap().into_iter().map(|it| it.seq).collect::<Vec<_>>()
    };
    assert_eq!((waiting("x", 0).await, waiting("x", seqs[0]).await), (vec![seqs[0]], vec![]));
    assert_eq!((waiting("y", 0).await, waiting("z", 0).await), (vec![seqs[1]], vec![]));
    commit(&store, 5, [Change::Wake { token: "x".to_owned() }]).await;
    assert_eq!(unfolded(&store).await, [seqs[0], seqs[2]]);
    assert_eq!(store.backlog().await.unwrap().waiting, 1);
    let due = store.due_debts(A, at(5), 10).await.unwrap();
    assert_eq!(due, [Debt { due_at: at(5), ..debt("a", 1) }]);
    let blocked = store.debts(DebtState::Blocked, None, 10).await.unwrap();
    assert_eq!(blocked.iter().map(|it| it.key.key.as_str()).collect::<Vec<_>>(), ["b"]);
    // What waits can be folded as it is, and waits for nothing then.
    commit(&store, 6, [folded(seqs[1], "bolt", bolt(2)), Change::Wake { token: "y".to_owned() }]).await;
    assert_eq!(unfolded(&store).await, [seqs[0], seqs[2]]);
}

pub async fn a_dropped_entry_is_not_folded<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, [append(Kind::Item, bolt(1)), append(Kind::Item, bolt(2))]).await;
    let seqs = unfolded(&store).await;
    commit(&store, 1, [Change::Drop { seq: seqs[0], reason: "a later one says it all".to_owned() }]).await;
    assert_eq!(unfolded(&store).await, [seqs[1]]);
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.unfolded, backlog.waiting), (1, 0));
}

pub async fn a_later_word_supersedes_what_no_fold_has_taken<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let other = observed(3, state("2", fields([("title", "Nut")])));
    commit(&store, 0, [append(Kind::Item, bolt(1)), append(Kind::Item, bolt(2)), append(Kind::Item, other)]).await;
    let seqs = unfolded(&store).await;
    commit(&store, 1, seqs.iter().map(|seq| Change::Wait { seq: *seq, token: "t".to_owned() })).await;
    assert!(!store.unidentified(A, Kind::Item).await.unwrap(), "each was looked at");
    commit(&store, 1, [Change::Wake { token: "t".to_owned() }]).await;
    commit(&store, 1, [Change::Wait { seq: seqs[0], token: "t".to_owned() }]).await;
    assert!(store.unidentified(A, Kind::Item).await.unwrap());
    let (remote_id, reason) = ("1".to_owned(), "it was read since".to_owned());
    let supersede = Change::Supersede { connection: A, kind: Kind::Item, remote_id, reason };
    commit(&store, 2, [supersede, append(Kind::Item, bolt(4))]).await;
    // Neither what was new nor what waited is left; what came with it and what is about another record are.
    let left = unfolded(&store).await;
    assert_eq!((left.len(), left[0]), (2, seqs[2]));
    assert_eq!(store.backlog().await.unwrap().waiting, 0);
    commit(&store, 3, [folded(left[0], "nut", bolt(3)), folded(left[1], "bolt", bolt(4))]).await;
    assert!(!store.unidentified(A, Kind::Item).await.unwrap());
}

pub async fn a_creation_is_found_by_its_command_key<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let command = |key: &str| Change::Command {
        connection: A,
        command_key: "ts-order-1".to_owned(),
        key: RecordKey::new(Kind::Order, key),
    };
    commit(&store, 0, [command("1001")]).await;
    // The first word stands: a command key is for ever one record's.
    commit(&store, 1, [command("1002")]).await;
    let asked = ["ts-order-1".to_owned(), "ts-order-2".to_owned()].into();
    let found = store.commands(A, &asked).await.unwrap();
    assert_eq!(found, [("ts-order-1".to_owned(), "1001".to_owned())].into());
    assert!(store.commands(ConnectionId(9), &asked).await.unwrap().is_empty());
}
