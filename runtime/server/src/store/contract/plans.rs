use super::*;

pub(super) fn planned(plan: &str, key: &str) -> Planned {
    let step = Step { from: "screw".into(), to: "bolt".into() };
    Planned {
        plan: plan.to_owned(),
        connection: A,
        key: item(key),
        priority: 3,
        at: at(1),
        due_at: at(5),
        write: PlannedWrite {
            remote_id: Some(format!("r-{key}")),
            truth_version: 4,
            base_version: "v1".to_owned(),
            fields: [("title".to_owned(), step)].into(),
        },
        waits: None,
        outcome: None,
    }
}

fn ended(plan: &str, key: &str) -> Change {
    let outcome = PlanOutcome::AlreadyHolds;
    Change::PlanEnded { plan: plan.to_owned(), connection: A, key: item(key), outcome }
}

async fn due(store: &Arc<dyn Inspect>, ms: u64) -> Vec<String> {
    let due = store.planned_due(A, at(ms), 10).await.unwrap();
    due.into_iter().map(|it| format!("{}/{}", it.planned.plan, it.planned.key.key)).collect()
}

pub async fn a_plan_is_handed_in_once<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let changes = [planned("p", "b"), planned("p", "a"), Planned { connection: B, ..planned("p", "a") }];
    commit(&store, 1, changes.map(Change::Plan)).await;
    assert_eq!(store.planned_due(A, at(5), 1).await.unwrap()[0].planned, planned("p", "a"));
    assert_eq!(due(&store, 4).await, Vec::<String>::new());
    assert_eq!(due(&store, 5).await, ["p/a", "p/b"]);
    // An open one stays as it is; one that ended begins anew.
    let again = |key| Change::Plan(Planned { at: at(7), due_at: at(7), ..planned("p", key) });
    commit(&store, 2, [ended("p", "b"), again("a"), again("b")]).await;
    assert_eq!(due(&store, 5).await, ["p/a"]);
    assert_eq!(due(&store, 7).await, ["p/a", "p/b"]);
    assert_eq!(store.plan_counts("p").await.unwrap(), [(String::new(), 3)].into());
    commit(&store, 3, [ended("p", "a"), ended("q", "b")]).await;
    let expect = [(String::new(), 2), ("already-holds".to_owned(), 1)];
    assert_eq!(store.plan_counts("p").await.unwrap(), expect.into());
    // What has an outcome keeps it.
    let outcome = PlanOutcome::Gone;
    commit(&store, 4, [Change::PlanEnded { plan: "p".to_owned(), connection: A, key: item("a"), outcome }]).await;
    assert_eq!(store.plan_counts("p").await.unwrap().get("gone"), None);
}

pub async fn what_waits_steps_aside<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let urgent = Planned { priority: 0, ..planned("p", "z") };
    commit(&store, 1, [planned("p", "a"), urgent].map(Change::Plan)).await;
    assert_eq!(due(&store, 5).await, ["p/z", "p/a"]);
    let waits = |key: &str| Change::PlanWaits {
        plan: "p".to_owned(),
        connection: A,
        key: item(key),
        due_at: at(50),
        waits: "soon".to_owned(),
    };
    commit(&store, 2, [waits("z"), ended("p", "a"), waits("a")]).await;
    assert_eq!(due(&store, 49).await, Vec::<String>::new());
    assert_eq!(due(&store, 50).await, ["p/z"]);
    let rows = store.planned("p", None, 10).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|it| (it.key.key.as_str(), it.waits.as_deref())).collect();
    assert_eq!(seen, [("a", None), ("z", Some("soon"))]);
}

pub async fn what_is_to_be_read_first_is_told<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let created = planned("p", "c");
    let created = Planned { write: PlannedWrite { remote_id: None, ..created.write }, ..created };
    commit(&store, 1, [planned("p", "a"), planned("p", "b"), created].map(Change::Plan)).await;
    let touch = |connection, id: &str| Change::Touch {
        connection,
        kind: Kind::Item,
        remote_id: id.to_owned(),
        cause: Cause::Recheck,
    };
    commit(&store, 1, [touch(A, "r-b"), touch(B, "r-a"), touch(A, "")]).await;
    let due = store.planned_due(A, at(5), 10).await.unwrap();
    assert_eq!(due.iter().map(|it| it.to_read).collect::<Vec<_>>(), [false, true, false]);
}

pub async fn plans_are_listed_in_pages_and_forgotten<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let price = Planned { key: RecordKey::new(Kind::Price, "a"), ..planned("p", "a") };
    let late = Planned { at: at(9), connection: B, ..planned("p", "a") };
    let rows = [late, planned("p", "b"), price, planned("p", "a"), planned("q", "a")];
    commit(&store, 1, rows.map(Change::Plan)).await;
    let (mut seen, mut after) = (Vec::new(), None);
    while let Some(it) = store.planned("p", after.as_ref(), 1).await.unwrap().pop() {
        seen.push(format!("{} {}", it.connection, it.key));
        after = Some((it.connection, it.key));
    }
    assert_eq!(seen, ["1 item/a", "1 item/b", "1 price/a", "2 item/a"]);
    commit(&store, 10, [Change::PlansForgotten { before: at(9) }]).await;
    assert_eq!(store.plan_counts("p").await.unwrap(), [(String::new(), 1)].into());
    assert!(store.plan_counts("q").await.unwrap().is_empty());
}
