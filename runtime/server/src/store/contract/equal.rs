//! The same batches leave the same state in every store.

use proptest::prelude::*;
use truthsource_core::stock::Commitment;

use super::places::{Model, Sqlite};
use super::*;

/// Few enough that changes meet.
const IDS: [&str; 4] = ["1", "2", "3", "4"];
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const TOKENS: [&str; 2] = ["x", "y"];

fn connection() -> impl Strategy<Value = ConnectionId> {
    (1u32..=2).prop_map(ConnectionId)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Item, Kind::StockLevel, Kind::Price])
}

fn one_of<const N: usize>(names: [&'static str; N]) -> impl Strategy<Value = String> {
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = RecordKey> {
    (kind(), one_of(KEYS)).prop_map(|(kind, key)| RecordKey { kind, key })
}

fn entry() -> impl Strategy<Value = Entry> {
    (connection(), one_of(IDS), 1u64..5, one_of(KEYS), 0u8..5).prop_map(|(connection, id, as_of, text, form)| {
        let fields = fields([("item", text.as_str()), ("title", text.as_str())]);
        let state = state(&id, fields.clone());
        let tried = fields.clone();
        let observed = |observed| Entry::Observed { connection, cause: Cause::Poll, as_of, observed, tried };
        match form {
            0 => observed(Observed::Absent(id)),
            1 => Entry::Wrote {
                connection,
                as_of,
                sent: fields,
                truth_version: 1,
                of: Fields::new(),
                sent_at: None,
                state,
            },
            2 => {
                let what = Settlement::Field { field: "title".to_owned(), value: Value::Null };
                Entry::Settled { what, by: "ann".to_owned() }
            }
            3 => {
                let by = [("on_hand".to_owned(), Decimal::ONE)].into();
                Entry::Moved { connection, remote_id: id, as_of, by, sent_at: None }
            }
            _ => observed(Observed::Present(state)),
        }
    })
}

fn debt() -> impl Strategy<Value = Debt> {
    let states = vec![DebtState::Due, DebtState::Settling, DebtState::Blocked, DebtState::Held, DebtState::Parked];
    let numbers = (1u64..4, 0u8..3, 0u64..50, 0u32..3);
    (connection(), key(), numbers, prop::sample::select(states), any::<bool>()).prop_map(
        |(connection, key, (truth_version, priority, ms, attempts), state, is_begun)| Debt {
            connection,
            key,
            truth_version,
            priority,
            due_at: at(ms),
            since: at(ms),
            attempts,
            state,
            last_error: (attempts > 1).then(|| "refused".to_owned()),
            intent: is_begun.then(|| intent("op")),
        },
    )
}

fn about() -> impl Strategy<Value = About> {
    prop_oneof![
        Just(About::Field("title".to_owned())),
        connection().prop_map(About::Vanished),
        (connection(), one_of(IDS)).prop_map(|(connection, remote_id)| About::Unlinked { connection, remote_id }),
        (connection(), one_of(IDS)).prop_map(|(connection, remote_id)| About::Unread { connection, remote_id }),
        connection().prop_map(|connection| About::Lost { connection, field: "title".to_owned() }),
        Just(About::Mass),
    ]
}

fn conflict() -> impl Strategy<Value = Conflict> {
    (key(), about(), prop::collection::btree_set(one_of(["erp", "shop"]), 0..3), any::<bool>(), one_of(IDS)).prop_map(
        |(key, about, sides, is_open, reason)| Conflict {
            id: 0,
            at: at(0),
            key,
            about,
            claims: sides.into_iter().map(|it| (it, Value::from(reason.as_str()))).collect(),
            outcome: (!is_open).then_some(Value::Null),
            reason,
            policy: String::new(),
        },
    )
}

fn commitment() -> impl Strategy<Value = Commitment> {
    (0i32..2, prop::option::of(0u32..3)).prop_map(|(open, day)| {
        let at = [(A, Decimal::from(open))].into();
        Commitment { ordered: 2.into(), open: open.into(), at, day }
    })
}

fn change() -> impl Strategy<Value = Change> {
    let place = || (connection(), kind(), one_of(IDS));
    prop_oneof![
        (kind(), entry()).prop_map(|(kind, entry)| append(kind, entry)),
        // The first entries are there; later ones may be, or the batch is refused by both.
        (1u64..12, one_of(KEYS), entry()).prop_map(|(seq, key, entry)| folded(seq, &key, entry)),
        (1u64..12, one_of(TOKENS)).prop_map(|(seq, token)| Change::Wait { seq, token }),
        (1u64..12).prop_map(|seq| Change::Drop { seq, reason: "old".to_owned() }),
        one_of(TOKENS).prop_map(|token| Change::Wake { token }),
        (key(), 1u64..5, prop::option::of(one_of(KEYS)), any::<bool>()).prop_map(|(key, version, natural, is_gone)| {
            let truth = Truth { deleted_at: is_gone.then_some(A), ..truth(version, "t") };
            Change::Truth { key, truth, natural, basis: format!("b{version}") }
        }),
        (key(), connection(), one_of(IDS))
            .prop_map(|(key, connection, id)| { Change::Shadow { key, connection, shadow: shadow(&id) } }),
        (connection(), key(), one_of(IDS))
            .prop_map(|(connection, key, remote_id)| { Change::Link { connection, key, remote_id } }),
        (connection(), key()).prop_map(|(connection, key)| Change::Unlink { connection, key }),
        conflict().prop_map(Change::Conflict),
        (key(), any::<bool>(), about()).prop_map(|(RecordKey { kind, key }, is_one, about)| {
            let (key, outcome, reason) = (is_one.then_some(key), Value::Null, "ann".to_owned());
            Change::ConflictClosed { kind, key, about, outcome, reason }
        }),
        (place(), 1u64..4).prop_map(|((connection, kind, id), sweep)| {
            Change::Swept { connection, kind, sweep, remote_ids: vec![id] }
        }),
        debt().prop_map(Change::Owe),
        (debt(), prop::option::of(one_of(TOKENS))).prop_map(|(debt, token)| Change::Debt { debt, token }),
        debt().prop_map(Change::Paid),
        (connection(), key()).prop_map(|(connection, key)| Change::Retell { connection, kind: key.kind }),
        (connection(), key(), 0u64..50).prop_map(|(connection, key, ms)| Change::RetellOne {
            connection,
            key,
            due_at: at(ms)
        }),
        (one_of(KEYS), prop::collection::btree_map(one_of(KEYS), commitment(), 0..3))
            .prop_map(|(order, items)| Change::Commitments { order, items }),
        (one_of(IDS), prop::option::of((prop::option::of(one_of(KEYS)), prop::option::of(one_of(KEYS))))).prop_map(
            |(id, place)| Change::PriceRule { id, rule: place.map(|(company, item)| price_rule(company, item)) }
        ),
        (connection(), kind()).prop_map(|(connection, kind)| Change::Reread { connection, kind }),
        (prop::option::of(connection()), prop::option::of(key()))
            .prop_map(|(connection, key)| Change::Redrive { connection, key }),
        place().prop_map(|(connection, kind, remote_id)| {
            Change::Touch { connection, kind, remote_id, cause: Cause::Poll }
        }),
        (place(), 0u64..50).prop_map(|((connection, kind, remote_id), ms)| {
            Change::TouchLater { connection, kind, remote_id, due_at: at(ms) }
        }),
        (key(), connection(), one_of(TOKENS), 0u64..50).prop_map(|(key, connection, plan, ms)| {
            let write = PlannedWrite {
                remote_id: (ms % 4 > 0).then(|| IDS[(ms % 4) as usize].to_owned()),
                truth_version: ms,
                base_version: String::new(),
                fields: BTreeMap::new(),
            };
            let (priority, waits, outcome) = ((ms % 3) as u8, None, None);
            Change::Plan(Planned { plan, connection, key, priority, at: at(ms), due_at: at(ms), write, waits, outcome })
        }),
        (key(), connection(), one_of(TOKENS), 0u64..50).prop_map(|(key, connection, plan, ms)| {
            Change::PlanWaits { plan, connection, key, due_at: at(ms), waits: "soon".to_owned() }
        }),
        (key(), connection(), one_of(TOKENS)).prop_map(|(key, connection, plan)| {
            Change::PlanEnded { plan, connection, key, outcome: PlanOutcome::Gone }
        }),
        (0u64..20).prop_map(|ms| Change::PlansForgotten { before: at(ms) }),
        one_of(IDS).prop_map(|id| webhook(&id)),
    ]
}

/// Everything that is read and does not depend on numbers that a store may give as it likes.
async fn look(store: &Arc<dyn Inspect>) -> String {
    let keys: BTreeSet<_> = Kind::ALL.into_iter().flat_map(|kind| KEYS.map(|key| RecordKey::new(kind, key))).collect();
    let mut seen = vec![store.state_hash().await.unwrap()];
    seen.push(format!("{:?}", store.unfolded(100).await.unwrap()));
    seen.push(format!("{:?}", store.backlog().await.unwrap()));
    seen.push(format!("{:?}", store.states(&keys).await.unwrap()));
    seen.push(format!("{:?}", store.debts_of(&keys).await.unwrap()));
    let conflicts = store.conflicts(None, None, 1_000).await.unwrap();
    seen.push(format!("{:?}", conflicts.into_iter().map(|it| Conflict { id: 0, ..it }).collect::<Vec<_>>()));
    seen.push(format!("{:?}", store.commitments(&texts(KEYS), Some(1)).await.unwrap()));
    seen.push(format!("{:?}", store.price_rules(Some("a"), &texts(["b", "c"])).await.unwrap()));
    seen.push(format!("{:?}", store.levels_of(&texts(KEYS)).await.unwrap()));
    seen.push(format!("{:?}", store.owing().await.unwrap()));
    for plan in TOKENS {
        seen.push(format!("{:?}", store.planned(plan, None, 100).await.unwrap()));
        seen.push(format!("{:?}", store.plan_counts(plan).await.unwrap()));
    }
    for connection in [A, B] {
        seen.push(format!("{:?}", store.planned_due(connection, at(25), 100).await.unwrap()));
        seen.push(format!("{:?}", store.begun_debts(connection, at(25), 3).await.unwrap()));
        let touched = store.touched(connection, at(25), 100).await.unwrap();
        seen.push(format!("{:?}", touched.iter().map(|it| (&it.remote_id, it.since, it.attempts)).collect::<Vec<_>>()));
        seen.push(format!("{:?}", store.due_debts(connection, at(25), 3).await.unwrap()));
        for kind in [Kind::Item, Kind::StockLevel, Kind::Price] {
            seen.push(format!("{:?}", store.heard(connection, kind, &texts(IDS)).await.unwrap()));
            seen.push(format!("{:?}", store.links_to(connection, kind, &texts(KEYS)).await.unwrap()));
            seen.push(format!("{:?}", store.unswept(connection, kind, 2).await.unwrap()));
            seen.push(format!("{:?}", store.naturals(kind, &texts(KEYS)).await.unwrap()));
        }
    }
    seen.join("\n")
}

async fn check(batches: Vec<Vec<Change>>) {
    let (_model, model) = Model::with_tenant().await;
    let (_sqlite, sqlite) = Sqlite::with_tenant().await;
    for (n, changes) in batches.into_iter().enumerate() {
        let batch = batch(n as u64, changes);
        let (expect, seen) = (model.commit(batch.clone()).await, sqlite.commit(batch.clone()).await);
        match (&expect, &seen) {
            (Ok(expect), Ok(seen)) => assert_eq!(expect, seen, "{batch:#?}"),
            (Err(Error::Conflict(_)), Err(Error::Conflict(_))) => {}
            other => panic!("{other:?}: {batch:#?}"),
        }
        assert_eq!(look(&model).await, look(&sqlite).await, "{batch:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_same_batches_leave_the_same_state(
        first in prop::collection::vec((kind(), entry()), 6..12),
        batches in prop::collection::vec(prop::collection::vec(change(), 1..7), 1..25),
    ) {
        let first = first.into_iter().map(|(kind, entry)| append(kind, entry)).collect();
        let batches = std::iter::once(first).chain(batches).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(batches));
    }
}
