use truthsource_core::record::ConnectionId;

use super::*;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers, item};
use crate::engine::rules::{FieldSpec, RULES, RulesSpec};
use crate::store::Change;

async fn proposed(house: &House, connection: ConnectionId, after: Option<&str>, n_max: u32) -> Vec<Proposal> {
    let parties = Parties::load(&house.engine).await.unwrap();
    let at = (&parties.connections[&connection], Kind::Item);
    propose(&house.engine, &parties, at, after, n_max).await.unwrap().0
}

/// Where these slots are filled, and nothing else is.
async fn filled(slots: &'static [&'static str]) -> House {
    let release = answers(|slot: String| Ok(slots.contains(&slot.as_str()).then(|| "d1".to_owned())));
    House::with(Fake { release, ..Fake::default() }).await
}

#[tokio::test]
async fn a_proposal_says_from_to_and_why() {
    let house = filled(&["connector:fake"]).await;
    let owner = FieldSpec { field: "title".to_owned(), owner: Some("erp".to_owned()), ..FieldSpec::default() };
    let value = serde_json::to_value(RulesSpec { fields: vec![owner], ..RulesSpec::default() }).unwrap();
    house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    let proposals = proposed(&house, SHOP, None, 10).await;
    let [it] = &proposals[..] else { panic!("{proposals:?}") };
    let step = Step { from: "screw".into(), to: "bolt".into() };
    assert_eq!((&it.key, &it.write.fields), (&item("a"), &[("title".to_owned(), step)].into()));
    let why = &it.why["title"];
    assert_eq!((why.owner, why.policy.as_str(), why.truth.clone()), (Some(ERP), "owner", Some("bolt".into())));
    assert_eq!(why.version, it.write.truth_version);
    assert!(why.inputs.iter().any(|it| it.connection == ERP && it.now == "bolt".into()), "{why:?}");
    assert_eq!(why.through, ["connector:fake@d1"]);
    assert!(proposed(&house, ERP, None, 10).await.is_empty(), "the owner is owed nothing");
}

/// The digest that decided is told; where none was asked yet, the one that would be.
#[tokio::test]
async fn a_proposal_names_the_policy_that_decided() {
    let house = filled(&["conflict:x"]).await.titles_have_a_policy().await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    let proposals = proposed(&house, SHOP, None, 10).await;
    assert_eq!(proposals[0].why["title"].policy, "conflict:x@d1");
    let policy = "conflict:x@d0".to_owned();
    let (field, outcome) = ("title".to_owned(), "bolt".to_owned());
    let what = What::Decided { field, outcome, policy: policy.clone(), reason: String::new() };
    let event = crate::store::Event { id: 0, at: house.engine.now(), key: item("a"), connection: None, what };
    house.commit([Change::Event(event)]).await;
    assert_eq!(proposed(&house, SHOP, None, 10).await[0].why["title"].policy, policy);
}

#[tokio::test]
async fn proposals_come_in_pages_and_leave_nothing_out() {
    let house = House::with(Fake::default()).await;
    for n in 0..7 {
        house.saw(ERP, &format!("i{n}"), "bolt").await;
        house.saw(SHOP, &format!("i{n}"), "screw").await;
    }
    house.fold_all().await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let at = (&parties.connections[&SHOP], Kind::Item);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (page, last) = propose(&house.engine, &parties, at, after.as_deref(), 3).await.unwrap();
        seen.extend(page.into_iter().map(|it| it.key.key));
        after = last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..7).map(|n| format!("i{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_waits_for_a_person_or_is_under_way_is_not_proposed() {
    let house = House::with(Fake::default()).await;
    house.saw(ERP, "a", "bolt").await;
    house.saw(SHOP, "a", "screw").await;
    house.fold_all().await;
    let debt = house.debt(SHOP, "a").await.unwrap();
    for state in [DebtState::Parked, DebtState::Untold, DebtState::Settling] {
        house.commit([Change::Debt { debt: Debt { state, ..debt.clone() }, token: None }]).await;
        assert!(proposed(&house, SHOP, None, 10).await.is_empty(), "{state:?}");
    }
    let intent = Some(crate::store::contract::intent("op"));
    house.commit([Change::Debt { debt: Debt { intent, ..debt }, token: None }]).await;
    assert!(proposed(&house, SHOP, None, 10).await.is_empty());
}
