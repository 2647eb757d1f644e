use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use truthsource_core::price::{Pays, PriceRule};
use truthsource_core::record::RecordKey;
use truthsource_core::{Decimal, Kind, Row, UnixMs, Value};
use truthsource_host::model::{Basket, Priced};

use crate::engine::connections::Parties;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers};
use crate::engine::plan::propose;
use crate::engine::rebuild;
use crate::store::{Change, ConnectionSpec, DebtState};

const DAY_MS: u64 = 86_400_000;

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

/// An item costs 10, and 9 from 10 on; the shop is told what `by` makes of that.
async fn house(fake: Fake, by: &str) -> House {
    let house = House::with(fake).await;
    let shop = house.store.connections().await.unwrap().into_iter().find(|it| it.id == SHOP).unwrap();
    let spec = ConnectionSpec { priced_by: Some(by.to_owned()), ..shop.spec };
    house.commit([Change::ConnectionSpec { id: SHOP, read: shop.revision, spec }]).await;
    house.saw(ERP, "bolt", "bolt").await;
    let step = Row::from([("from".to_owned(), number("10")), ("amount".to_owned(), number("9"))]);
    let price = [
        ("list", "base".into()),
        ("item", "bolt".into()),
        ("currency", "EUR".into()),
        ("amount", number("10")),
        ("breaks", Value::Rows(vec![step])),
    ];
    house.read(ERP, Kind::Price, "1", &price).await;
    house.fold_all().await;
    house
}

fn percent(percent: i32, from_quantity: i32, until: Option<UnixMs>) -> Change {
    let pays = Pays::Percent { percent: percent.into(), from_quantity: from_quantity.into() };
    let rule = PriceRule { company: None, item: None, currency: "EUR".to_owned(), from: None, until, pays };
    Change::PriceRule { id: format!("{percent}"), rule: Some(rule) }
}

fn retell() -> Change {
    Change::Retell { connection: SHOP, kind: Kind::Price }
}

/// `amount, from:amount …`
async fn told(house: &House) -> String {
    let key = RecordKey::new(Kind::Price, "base@bolt");
    let states = house.store.states(&[key.clone()].into()).await.unwrap();
    let Some(want) = states[&key].shadows.get(&SHOP).map(|it| it.want.clone()) else { return String::new() };
    let rows = if let Some(Value::Rows(rows)) = want.get("breaks") { rows.clone() } else { Vec::new() };
    let cell = |row: &Row, name: &str| row[name].as_number().unwrap().to_string();
    let rows = rows.iter().map(|row| format!(" {}:{}", cell(row, "from"), cell(row, "amount")));
    let amount = want.get("amount").and_then(Value::as_number).map(|it| it.to_string()).unwrap_or_default();
    format!("{amount}{}", rows.collect::<String>())
}

/// The rules that a plan says the amount passed.
async fn planned_by(house: &House) -> Vec<String> {
    let parties = Parties::load(&house.engine).await.unwrap();
    let at = (&parties.connections[&SHOP], Kind::Price);
    let proposals = propose(&house.engine, &parties, at, None, 10).await.unwrap().0;
    let [it] = &proposals[..] else { panic!("{proposals:?}") };
    it.why["amount"].price_rules.clone()
}

#[tokio::test]
async fn a_list_price_that_is_told_passes_the_rules_for_everybody() {
    let house = house(Fake::default(), "rules").await;
    assert_eq!(told(&house).await, "10 10:9");
    let day = UnixMs(house.engine.now().0 / DAY_MS * DAY_MS);
    house.commit([percent(-10, 0, Some(day.plus(DAY_MS))), percent(-20, 50, None), retell()]).await;
    house.fold_all().await;
    assert_eq!(told(&house).await, "9 10:8.1 50:7.2");
    assert_eq!(planned_by(&house).await, ["-10", "-20"]);
    let rebuilt = rebuild::verify(house.store.as_ref()).await.unwrap();
    assert!(rebuilt.differences.is_empty(), "{:?}", rebuilt.differences);
    // The day after, one of them is over: nobody has to say so.
    house.pass(DAY_MS);
    house.fold_all().await;
    assert_eq!(told(&house).await, "10 10:9 50:7.2");
    assert_eq!(planned_by(&house).await, ["-20"]);
    let states = house.store.states(&[RecordKey::new(Kind::Price, "base@bolt")].into()).await.unwrap();
    let truth = states.values().next().unwrap().truth.values();
    assert_eq!(truth["amount"], number("10"), "the list is what it was");
}

#[tokio::test]
async fn a_list_price_that_is_told_passes_a_component_and_nothing_is_told_without() {
    let is_there = Arc::new(AtomicBool::new(false));
    let filled = is_there.clone();
    let price = answers(move |basket: Basket| {
        assert_eq!((basket.company.as_str(), basket.currency.as_str(), basket.at.0 % DAY_MS), ("", "EUR", 0));
        let half = Decimal::new(5, 1).unwrap();
        let price = |it: &truthsource_host::model::Line| {
            let reached = it.breaks.iter().rfind(|step| step.from_quantity <= it.quantity);
            let unit_price = reached.map_or(it.list_price, |it| it.unit_price) * half;
            Priced { unit_price, reason: "half".to_owned() }
        };
        Ok(filled.load(Ordering::Relaxed).then(|| basket.lines.iter().map(price).collect()))
    });
    let house = house(Fake { price, ..Fake::default() }, "pricing:shop").await;
    let key = RecordKey::new(Kind::Price, "base@bolt");
    let debt = house.debt_of(SHOP, &key).await.unwrap();
    assert_eq!((debt.state, told(&house).await.as_str()), (DebtState::Untold, ""));
    assert!(debt.last_error.unwrap().contains("nothing answers `pricing:shop`"));
    is_there.store(true, Ordering::Relaxed);
    house.pass(600_000);
    house.fold_all().await;
    assert_eq!(told(&house).await, "5 10:4.5");
}
