use truthsource_core::stock::Commitment;

use super::*;

fn aside(row: &Row) -> Change {
    Change::SetAside(Box::new(Damaged { row: Some(row.clone()), why: "broken".to_owned() }))
}

fn question(key: &str) -> Conflict {
    Conflict {
        id: 0,
        at: at(0),
        key: item(key),
        about: About::Field("title".to_owned()),
        claims: BTreeMap::from([("erp".to_owned(), Value::from("Bolt"))]),
        outcome: None,
        reason: "ask".to_owned(),
        policy: String::new(),
    }
}

/// A store with something in every table that a row can be damaged in.
async fn furnished(store: &Arc<dyn Inspect>) {
    let spec = crate::engine::fake::spec();
    let settled = Entry::Settled { what: Settlement::Deleted(A), by: "ann".to_owned() };
    let wanted = Commitment { ordered: Decimal::ONE, open: Decimal::ONE, at: BTreeMap::new(), day: None };
    let cursor = |kind| Change::Cursor { connection: A, kind, row: CursorRow::default() };
    let touch = |id: &str| {
        let (kind, remote_id) = (Kind::Item, id.to_owned());
        Change::Touch { connection: A, kind, remote_id, cause: Cause::Webhook }
    };
    let truth_of = |key: &str| {
        let basis = String::new();
        Change::Truth { key: item(key), truth: truth(3, "Bolt"), natural: Some(key.to_owned()), basis }
    };
    let shadow_of = |connection, key: &str| Change::Shadow { key: item(key), connection, shadow: shadow("7") };
    let changes = [
        Change::NewConnection { name: "erp".to_owned(), spec },
        append(Kind::Item, observed(1, state("7", fields([("title", "Bolt")])))),
        Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry: settled },
        append(Kind::Item, observed(2, state("8", fields([("title", "Nut")])))),
        truth_of("a"),
        truth_of("b"),
        shadow_of(A, "a"),
        shadow_of(B, "b"),
        Change::Owe(debt("a", 3)),
        Change::Owe(Debt { intent: Some(intent("op")), ..debt("b", 3) }),
        Change::Owe(debt("c", 3)),
        touch("7"),
        touch("8"),
        webhook("e1"),
        webhook("e2"),
        cursor(Kind::Item),
        cursor(Kind::Price),
        Change::Conflict(question("a")),
        Change::Conflict(question("b")),
        Change::Plan(plans::planned("p", "a")),
        Change::Plan(plans::planned("p", "b")),
        Change::Commitments { order: "o".to_owned(), items: [("bolt".to_owned(), wanted)].into() },
    ];
    commit(store, 1, changes).await;
}

fn rows() -> [Row; 12] {
    let (kind, key) = (Kind::Item, item("a"));
    [
        Row::Reading { seq: 1, connection: A, kind, remote_id: "7".to_owned() },
        Row::Entry { seq: 2, key: key.clone(), connection: None },
        Row::Truth { key: key.clone() },
        Row::Shadow { key: key.clone(), connection: A },
        Row::Debt { key: key.clone(), connection: A, begun: false },
        Row::Debt { key: item("b"), connection: A, begun: true },
        Row::Touch { seq: 1, connection: A, kind, remote_id: "7".to_owned() },
        Row::Webhook { id: 1, connection: A },
        Row::Cursor { connection: A, kind },
        Row::Question { id: 1, key: key.clone() },
        Row::Planned { plan: "p".to_owned(), key, connection: A },
        Row::Want { order: "o".to_owned(), item: "bolt".to_owned() },
    ]
}

/// What reads the row, and how much it finds.
async fn read(store: &Arc<dyn Inspect>, row: &Row) -> Result<usize> {
    Ok(match row {
        Row::Reading { .. } | Row::Entry { .. } => store.unfolded(9).await?.len(),
        Row::Truth { .. } | Row::Shadow { .. } => store.states(&[item("a"), item("b")].into()).await?.len(),
        Row::Debt { .. } => {
            store.debts_of(&["a", "b", "c"].map(item).into()).await?;
            store.due_debts(A, at(99), 9).await?.len()
        }
        Row::Touch { .. } => store.touched(A, at(99), 9).await?.len(),
        Row::Webhook { .. } => store.inbox(9).await?.len(),
        Row::Cursor { .. } => store.cursors(A).await?.len(),
        Row::Question { .. } => store.conflicts(Some(true), None, 9).await?.len(),
        Row::Planned { .. } => {
            store.planned("p", None, 9).await?;
            store.planned_due(A, at(99), 9).await?.len()
        }
        Row::Want { .. } => store.commitments(&texts(["bolt"]), None).await?.len(),
    })
}

pub async fn s7_a_row_that_cannot_be_read_is_named_and_set_aside<P: Place>() {
    for row in rows() {
        let (_place, store) = P::with_tenant().await;
        furnished(&store).await;
        let whole = read(&store, &row).await.unwrap();
        store.damage(&row).await.unwrap();
        let failed = read(&store, &row).await;
        let named = matches!(&failed, Err(Error::Damaged(it)) if it.row.as_ref() == Some(&row));
        assert!(named, "{row}: {failed:?}");

        commit(&store, 2, [aside(&row)]).await;
        let left = read(&store, &row).await.unwrap();
        let is_blank = matches!(row, Row::Truth { .. } | Row::Shadow { .. });
        assert_eq!(left, if is_blank { whole } else { whole - 1 }, "{row}");
        let seen: Vec<_> = store.set_aside().await.unwrap().into_iter().map(|it| (it.row, it.why)).collect();
        assert_eq!(seen, [(Some(row.clone()), "broken".to_owned())]);
        assert_eq!(store.backlog().await.unwrap().damaged, 1);
        // Whoever meets it at the same time sets it aside once more.
        commit(&store, 3, [aside(&row)]).await;
        assert_eq!(store.set_aside().await.unwrap().len(), 1);

        commit(&store, 4, [Change::Mended(row.clone())]).await;
        assert_eq!((store.set_aside().await.unwrap(), store.backlog().await.unwrap().damaged), (vec![], 0));
        assert_eq!(read(&store, &row).await.unwrap(), left, "{row}");
    }
}

/// The record is there, so that nobody makes another under its name, and nothing is known of it.
pub async fn s7_what_was_set_aside_leaves_a_blank<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    furnished(&store).await;
    let (truth, shadow) = (Row::Truth { key: item("a") }, Row::Shadow { key: item("a"), connection: A });
    commit(&store, 2, [aside(&truth), aside(&shadow)]).await;
    let states = store.states(&[item("a"), item("b")].into()).await.unwrap();
    let blank = &states[&item("a")];
    assert_eq!((blank.truth.version, blank.truth.values()), (1, Fields::new()));
    assert_eq!(blank.shadows, [(A, Shadow::default())].into());
    assert_eq!(states[&item("b")].truth.version, 3);
    let naturals = store.naturals(Kind::Item, &texts(["a"])).await.unwrap();
    assert_eq!(naturals, BTreeMap::from([("a".to_owned(), vec!["a".to_owned()])]));
}

pub async fn s7_a_debt_that_was_begun_is_held_and_another_asked_for_anew<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    furnished(&store).await;
    for row in rows().into_iter().filter(|it| matches!(it, Row::Debt { .. })) {
        store.damage(&row).await.unwrap();
        commit(&store, 20, [aside(&row)]).await;
    }
    let debts = store.debts_of(&["a", "b"].map(item).into()).await.unwrap();
    let seen: Vec<_> = debts.iter().map(|it| (it.state, it.intent.is_some(), it.truth_version)).collect();
    assert_eq!(seen, [(DebtState::Untold, false, 3), (DebtState::Held, false, 3)]);
    assert_eq!(store.untold(at(20), 9).await.unwrap(), [item("a")].into());
}

/// What looks into rows as it writes passes over those that make no sense.
pub async fn s7_what_cannot_be_read_keeps_nobody_from_writing<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    furnished(&store).await;
    for row in rows() {
        store.damage(&row).await.unwrap();
    }
    let supersede = |id: &str| {
        let (kind, remote_id, reason) = (Kind::Item, id.to_owned(), "read again".to_owned());
        Change::Supersede { connection: A, kind, remote_id, reason }
    };
    let retell = Change::RetellOne { connection: B, key: item("a"), due_at: at(5) };
    commit(&store, 2, [supersede("8"), retell, Change::Retell { connection: B, kind: Kind::Item }]).await;
    commit(&store, 3, rows().iter().map(aside)).await;
    assert_eq!(store.unfolded(9).await.unwrap(), []);
    assert!(store.untold(at(99), 9).await.unwrap().contains(&item("a")));
}
