use std::sync::{Arc, Mutex};

use truthsource_core::Value;
use truthsource_core::record::{Observed, State};
use truthsource_host::Misfit;
use truthsource_host::model::{Outcome, Rejection, Write};

use super::*;
use crate::engine::fake::{Answer, ERP, Fake, House, SHOP, answers, item};
use crate::engine::fetch::fetch;
use crate::engine::{deliver, plan, priority};
use crate::store::Deliver;

const PLAN: &str = "p";

/// A shop that is written by plans alone, as its people see it, and an engine before it.
struct Stage {
    house: House,
    holds: Arc<Mutex<BTreeMap<String, Fields>>>,
    pushed: Arc<Mutex<Vec<Write>>>,
}

fn title(text: &str) -> Fields {
    [("code".to_owned(), Value::from("a")), ("title".to_owned(), text.into())].into()
}

impl Stage {
    /// The shop holds another title than the truth.
    async fn open(outcome: impl Fn(&Write) -> Answer<Option<Outcome>> + Send + 'static) -> Self {
        let holds: Arc<Mutex<BTreeMap<String, Fields>>> = Arc::default();
        holds.lock().unwrap().insert("a".to_owned(), title("screw"));
        let pushed: Arc<Mutex<Vec<Write>>> = Arc::default();
        let (read, written, noted) = (holds.clone(), holds.clone(), pushed.clone());
        let push = answers(move |writes: Vec<Write>| {
            noted.lock().unwrap().extend(writes.clone());
            let done = writes.iter().map(|write| {
                if let Some(outcome) = outcome(write)? {
                    return Ok(outcome);
                }
                let remote_id = write.remote_id.clone().unwrap_or_else(|| "new".to_owned());
                let mut holds = written.lock().unwrap();
                let held = holds.entry(remote_id.clone()).or_default();
                held.extend(write.changed.iter().map(|name| (name.clone(), write.want[name].clone())));
                Ok(Outcome::Applied(State { remote_id, fields: held.clone(), ..State::default() }))
            });
            done.collect()
        });
        let read = answers(move |(ids, _): (Vec<String>, bool)| {
            let holds = read.lock().unwrap();
            let seen = ids.into_iter().map(|id| match holds.get(&id) {
                Some(fields) => Observed::Present(State { remote_id: id, fields: fields.clone(), ..State::default() }),
                None => Observed::Absent(id),
            });
            Ok(seen.collect())
        });
        let house = House::with(Fake { push, read, ..Fake::default() }).await;
        house.delivers(SHOP, Deliver::OnApply).await;
        house.saw(ERP, "a", "bolt").await;
        house.saw(SHOP, "a", "screw").await;
        house.fold_all().await;
        Self { house, holds, pushed }
    }

    async fn usual() -> Self {
        Self::open(|_| Ok(None)).await
    }

    async fn plan(&self) -> Vec<Planned> {
        let parties = Parties::load(&self.house.engine).await.unwrap();
        let shop = &parties.connections[&SHOP];
        let mut planned = Vec::new();
        for kind in [truthsource_core::Kind::Item, truthsource_core::Kind::Price] {
            let proposed = plan::propose(&self.house.engine, &parties, (shop, kind), None, 100).await.unwrap().0;
            planned.extend(proposed.into_iter().map(|it| Planned {
                plan: PLAN.to_owned(),
                connection: it.connection,
                priority: priority(it.key.kind),
                key: it.key,
                at: self.house.engine.now(),
                due_at: self.house.engine.now(),
                write: it.write,
                waits: None,
                outcome: None,
            }));
        }
        planned
    }

    async fn turn(&self) {
        let parties = Parties::load(&self.house.engine).await.unwrap();
        let mut lane = Lane::take(&self.house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
        lane.look(&self.house.engine).await.unwrap();
        fetch(&self.house.engine, &parties, &mut lane).await.unwrap();
        deliver::deliver(&self.house.engine, &parties, &mut lane).await.unwrap();
    }

    /// Hands it in and works until it waits no more, or for so many turns.
    async fn apply(&self, planned: Vec<Planned>, turns: usize) -> Vec<Option<PlanOutcome>> {
        let now = self.house.engine.now();
        let planned = planned.into_iter().map(|it| Planned { at: now, due_at: now, ..it }).collect();
        hand_in(&self.house.engine, planned).await.unwrap();
        for _ in 0..turns {
            self.turn().await;
            self.house.fold_all().await;
            self.house.pass(LOOK_AGAIN_MS);
        }
        self.outcomes().await
    }

    async fn outcomes(&self) -> Vec<Option<PlanOutcome>> {
        let planned = self.house.store.planned(PLAN, None, 100).await.unwrap();
        planned.into_iter().map(|it| it.outcome).collect()
    }

    fn pushed(&self) -> usize {
        self.pushed.lock().unwrap().len()
    }
}

fn step(from: &str, to: &str) -> BTreeMap<String, Step> {
    [("title".to_owned(), Step { from: from.into(), to: to.into() })].into()
}

#[tokio::test]
async fn nothing_is_written_on_its_own_where_plans_are_applied() {
    let stage = Stage::usual().await;
    for _ in 0..10 {
        stage.turn().await;
        stage.house.fold_all().await;
        stage.house.pass(60_000);
    }
    assert_eq!(stage.pushed(), 0);
    assert!(stage.house.debt(SHOP, "a").await.is_some(), "it is owed");
    // And what is new is owed, too.
    stage.house.saw(ERP, "b", "nut").await;
    stage.house.listed(SHOP, truthsource_core::Kind::Item).await;
    stage.house.fold_all().await;
    stage.turn().await;
    assert_eq!(stage.pushed(), 0);
    stage.house.delivers(SHOP, Deliver::Continuous).await;
    stage.house.pass(1_000);
    stage.turn().await;
    assert_eq!(stage.pushed(), 2);
}

#[tokio::test]
async fn a_plan_is_carried_out_once_and_the_second_time_all_is_there() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    assert_eq!(planned[0].write.fields, step("screw", "bolt"));
    let outcomes = stage.apply(planned.clone(), 3).await;
    assert!(matches!(&outcomes[..], [Some(PlanOutcome::Applied { .. })]), "{outcomes:?}");
    assert_eq!((stage.pushed(), stage.holds.lock().unwrap()["a"]["title"].clone()), (1, "bolt".into()));
    assert_eq!(stage.house.debt(SHOP, "a").await, None, "it is paid by the fold, as every debt");
    assert!(stage.plan().await.is_empty());
    assert_eq!(stage.apply(planned, 3).await, [Some(PlanOutcome::AlreadyHolds)]);
    assert_eq!(stage.pushed(), 1);
}

/// Nobody told us: the record is read before it is written.
#[tokio::test]
async fn p4_what_moved_at_the_system_is_said_and_not_overwritten() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    stage.holds.lock().unwrap().insert("a".to_owned(), title("nail"));
    let outcomes = stage.apply(planned, 3).await;
    assert_eq!(outcomes, [Some(PlanOutcome::MovedAtRemote { fields: step("screw", "nail") })]);
    assert_eq!((stage.pushed(), stage.holds.lock().unwrap()["a"]["title"].clone()), (0, "nail".into()));
}

#[tokio::test]
async fn what_moved_in_the_truth_is_said_and_not_written() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    let from = planned[0].write.truth_version;
    stage.house.pass(10);
    stage.house.saw(ERP, "a", "rivet").await;
    stage.house.fold_all().await;
    let outcomes = stage.apply(planned, 3).await;
    let to = stage.plan().await[0].write.truth_version;
    assert_eq!(outcomes, [Some(PlanOutcome::MovedTruth { from, to, fields: step("bolt", "rivet") })]);
    assert_eq!(stage.pushed(), 0);
}

#[tokio::test]
async fn what_is_gone_is_said() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    stage.holds.lock().unwrap().clear();
    assert_eq!(stage.apply(planned, 3).await, [Some(PlanOutcome::Gone)]);
    assert_eq!(stage.pushed(), 0);
}

#[tokio::test]
async fn what_waits_for_a_person_is_said() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    let key = item("a");
    let mut state = stage.house.store.states(&[key.clone()].into()).await.unwrap().remove(&key).unwrap();
    state.truth.fields.get_mut("title").unwrap().held = Some("who knows".to_owned());
    stage.house.commit([Change::Truth { key, truth: state.truth, natural: None, basis: String::new() }]).await;
    let outcomes = stage.apply(planned, 3).await;
    assert_eq!(outcomes, [Some(PlanOutcome::Held { fields: vec!["title".to_owned()] })]);
    assert_eq!(stage.pushed(), 0);
}

#[tokio::test]
async fn what_the_system_refuses_is_said() {
    let stage = Stage::open(|_| {
        let (code, message) = ("too-long".to_owned(), "at most 3".to_owned());
        Ok(Some(Outcome::Rejected(Rejection { code, message, field: None })))
    })
    .await;
    let outcomes = stage.apply(stage.plan().await, 3).await;
    assert_eq!(outcomes, [Some(PlanOutcome::Failed { error: "too-long: at most 3".to_owned() })]);
    assert!(stage.plan().await.is_empty(), "the dead letter has it");
}

/// An answer makes no sense: the write may have been carried out. It is the same write that is sent again, and the plan
/// hears of its end.
#[tokio::test]
async fn p6_a_write_whose_answer_is_lost_is_one_write_of_its_plan() {
    let lost = std::sync::atomic::AtomicBool::new(false);
    let stage = Stage::open(move |_| match lost.swap(true, std::sync::atomic::Ordering::SeqCst) {
        false => Err(truthsource_host::CallError::BadOutput(Misfit::new("answers", "none"))),
        true => Ok(None),
    })
    .await;
    let outcomes = stage.apply(stage.plan().await, 1).await;
    assert_eq!(outcomes, [None], "nobody knows");
    stage.house.pass(stage.house.engine.pace.retry.cap_ms);
    stage.turn().await;
    let pushed = stage.pushed.lock().unwrap().clone();
    let [first, again] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!(first.op_id, again.op_id);
    let outcomes = stage.outcomes().await;
    assert_eq!(outcomes, [Some(PlanOutcome::Applied { op_id: first.op_id.clone() })]);
}

/// The plan was made for one field; another is owed by now, without the truth having moved.
#[tokio::test]
async fn what_the_plan_does_not_name_is_not_written() {
    let stage = Stage::usual().await;
    let planned = stage.plan().await;
    let key = item("a");
    let mut state = stage.house.store.states(&[key.clone()].into()).await.unwrap().remove(&key).unwrap();
    let mut shadow = state.shadows.remove(&SHOP).unwrap();
    shadow.want.insert("barcode".to_owned(), "4006381333931".into());
    stage.house.commit([Change::Shadow { key, connection: SHOP, shadow }]).await;
    let outcomes = stage.apply(planned, 2).await;
    assert!(matches!(&outcomes[..], [Some(PlanOutcome::Applied { .. })]), "{outcomes:?}");
    let pushed = stage.pushed.lock().unwrap();
    assert_eq!(pushed[0].changed, ["title"]);
    assert_eq!(pushed[0].want.get("barcode"), None);
}

#[tokio::test]
async fn what_cannot_be_tried_in_time_is_not_tried_later() {
    let stage = Stage::open(|_| Ok(Some(Outcome::Retry(Some(3_000_000), "slow down".to_owned())))).await;
    let planned = stage.plan().await;
    assert_eq!(stage.apply(planned, 2).await, [None]);
    stage.house.pass(OPEN_MS);
    stage.turn().await;
    stage.turn().await;
    let outcomes = stage.outcomes().await;
    assert!(matches!(&outcomes[..], [Some(PlanOutcome::Expired { .. })]), "{outcomes:?}");
}

/// A price of an item that the same plan creates.
#[tokio::test]
async fn what_refers_to_what_the_plan_creates_waits_for_it() {
    let stage = Stage::usual().await;
    let kinds = [truthsource_core::Kind::Item, truthsource_core::Kind::Price];
    for kind in kinds {
        stage.house.listed(SHOP, kind).await;
    }
    stage.house.saw(ERP, "b", "nut").await;
    let price = [("item", "b".into()), ("list", "base".into()), ("amount", Value::Number("9.50".parse().unwrap()))];
    stage.house.read(ERP, truthsource_core::Kind::Price, "p-b", &price).await;
    stage.house.fold_all().await;
    let planned = stage.plan().await;
    assert_eq!(planned.iter().filter(|it| it.write.remote_id.is_none()).count(), 2);
    let outcomes = stage.apply(planned, 8).await;
    assert!(outcomes.iter().all(|it| matches!(it, Some(PlanOutcome::Applied { .. }))), "{outcomes:?}");
    let kinds: Vec<_> = stage.pushed.lock().unwrap().iter().map(|it| it.kind).collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(kinds[2], truthsource_core::Kind::Price);
}
