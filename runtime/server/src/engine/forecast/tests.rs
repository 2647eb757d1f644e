use std::sync::{Arc, Mutex};

use truthsource_core::budget::{Heard, Limit, Points};
use truthsource_core::record::State;
use truthsource_core::{Decimal, Value};
use truthsource_host::model::{Outcome, Write};

use super::*;
use crate::engine::deliver::deliver;
use crate::engine::fake::{ERP, Fake, House, SHOP, answers};
use crate::engine::lane::Lane;

/// A shop that counts points, on a clock of its own: 100 at the most, 4 back in a second, 50 ms a call.
struct Shop {
    budget: Budget,
    now_ms: u64,
    milli: u64,
    calls: u64,
    measured: Measured,
}

impl Shop {
    fn open() -> Self {
        let (budget, measured) = (Budget::new(Limit::Points), Measured::default());
        Self { budget, now_ms: 0, milli: 100_000, calls: 0, measured }
    }

    fn pass(&mut self, ms: u64) {
        self.milli = (self.milli + ms * 4).min(100_000);
        self.now_ms += ms;
    }

    /// Waits for room until it is not turned away, and is charged.
    fn call(&mut self, class: Class, cost: u64) {
        while !self.try_call(class, cost) {}
    }

    fn try_call(&mut self, class: Class, cost: u64) -> bool {
        let ticket = self.budget.ask(class);
        while self.budget.grant(self.now_ms).is_none() {
            let at = self.budget.next_at(self.now_ms).unwrap();
            self.pass(at - self.now_ms);
        }
        let left = self.milli.checked_sub(cost * 1_000);
        self.milli = left.unwrap_or(self.milli);
        self.pass(50);
        self.calls += 1;
        let points = Some(Points { available: self.milli / 1_000, maximum: 100, per_second: 4 });
        let heard = Heard { points, cost: left.map(|_| cost), needed: Some(cost), ..Heard::default() };
        self.budget.ended(ticket, self.now_ms, &heard);
        left.is_some()
    }

    /// Every third record takes a look before it is written, and calls cost 8 to 12 points.
    fn write(&mut self, writes: Vec<Write>) -> Vec<Outcome> {
        let before = self.calls;
        let n = writes.len() as u64;
        for at in 0..n {
            if at % 3 == 0 {
                self.call(Class::Price, 2);
            }
            self.call(Class::Price, 8 + self.calls % 5);
        }
        self.measured.add(self.calls - before, n);
        let state = |it: Write| State { remote_id: it.remote_id.unwrap(), fields: it.want, ..State::default() };
        writes.into_iter().map(|it| Outcome::Applied(state(it))).collect()
    }
}

async fn price_list(house: &House, records: u64) {
    let amount = |n: i64| Value::Number(Decimal::new(n, 2).unwrap());
    for (connection, cents) in [(ERP, 950), (SHOP, 875)] {
        house.saw(connection, "a", "bolt").await;
        for n in 0..records {
            let list = format!("l{n}");
            let fields = [("item", "a".into()), ("list", list.as_str().into()), ("amount", amount(cents))];
            house.read(connection, Kind::Price, &format!("p{n}"), &fields).await;
        }
    }
    house.fold_all().await;
}

/// What was said on the way about when it will be done, and when it was.
#[tokio::test]
async fn a_forecast_of_a_price_list_under_a_small_budget_is_right_within_a_fifth() {
    let shop = Arc::new(Mutex::new(Shop::open()));
    let written = shop.clone();
    let push = answers(move |writes: Vec<Write>| Ok(written.lock().unwrap().write(writes)));
    let mut house = House::with(Fake { push, ..Fake::default() }).await;
    house.engine.pace.deliver_max = 40;
    price_list(&house, 600).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let mut lane = Lane::take(&house.engine, parties.connections[&SHOP].clone()).await.unwrap().unwrap();
    let mut said = Vec::new();
    loop {
        let owing = house.store.owing().await.unwrap();
        let open = owing.iter().find(|it| it.connection == SHOP).map_or(0, |it| it.open);
        if open == 0 {
            break;
        }
        let account = {
            let shop = shop.lock().unwrap();
            let measured = [((SHOP, Kind::Price), shop.measured)].into();
            Account { connections: [SHOP].into(), measured, ..Account::of(&shop.budget, shop.now_ms) }
        };
        let forecast = forecast(&parties, &owing, &[account]);
        let of_it = forecast.iter().find(|it| it.owing.connection == SHOP).unwrap();
        said.push((open, shop.lock().unwrap().now_ms, of_it.done_in_ms));
        let began = shop.lock().unwrap().now_ms;
        assert!(lane.renew(&house.engine).await.unwrap());
        deliver(&house.engine, &parties, &mut lane).await.unwrap();
        house.fold_all().await;
        house.pass(shop.lock().unwrap().now_ms - began);
    }
    let done = shop.lock().unwrap().now_ms;
    assert_eq!(said[0].2, None, "nothing was written yet, and nothing is made up");
    let late: Vec<_> = said.iter().filter(|it| it.0 <= 540 && it.0 >= 60).collect();
    assert!(late.len() >= 10 && done > 1_000_000, "{done} ms: {said:?}");
    for (open, at, done_in) in late {
        let (forecast, happened) = (done_in.unwrap(), done - at);
        let off = forecast.abs_diff(happened) * 100 / happened;
        assert!(off <= 20, "with {open} open it said {forecast} ms, and it took {happened}");
    }
}

fn owing(connection: ConnectionId, kind: Kind, open: u64) -> Owing {
    Owing { connection, kind, open, begun: 0, undecided: 0, parked: 0 }
}

/// One call a second, and one for each record.
fn account(connections: &[ConnectionId]) -> Account {
    let account = Account::of(&Budget::new(Limit::per_second(1)), 0);
    let mut one = Measured::default();
    one.add(10, 10);
    let measured = connections.iter().flat_map(|id| Kind::ALL.map(|kind| ((*id, kind), one))).collect();
    Account { connections: connections.iter().copied().collect(), measured, ..account }
}

fn seconds(all: &[Forecast]) -> Vec<Option<u64>> {
    all.iter().map(|it| it.done_in_ms.map(|ms| ms / 1_000)).collect()
}

#[tokio::test]
async fn what_is_more_urgent_at_the_account_comes_first() {
    let house = House::with(Fake::default()).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let all = [owing(ERP, Kind::Item, 100), owing(SHOP, Kind::Price, 190)];
    // By themselves, each at its own account.
    assert_eq!(seconds(&forecast(&parties, &all, &[account(&[ERP]), account(&[SHOP])])), [Some(100), Some(190)]);
    // Sharing one: the prices leave one call of twenty to the items.
    assert_eq!(seconds(&forecast(&parties, &all, &[account(&[ERP, SHOP])])), [Some(290), Some(200)]);
    let shut = Account { shut_ms: 30_000, ..account(&[ERP]) };
    assert_eq!(seconds(&forecast(&parties, &all, &[shut])), [Some(130), None], "nobody knows of the shop");
}

#[tokio::test]
async fn what_waits_for_a_plan_holds_up_nothing() {
    let house = House::with(Fake::default()).await;
    house.delivers(SHOP, Deliver::OnApply).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let all = [owing(ERP, Kind::Item, 100), owing(SHOP, Kind::Price, 190)];
    let forecast = forecast(&parties, &all, &[account(&[ERP, SHOP])]);
    assert_eq!(seconds(&forecast), [Some(100), Some(200)]);
    assert_eq!(forecast.iter().map(|it| it.on_apply).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn calls_are_measured_or_what_batches_allow() {
    let house = House::with(Fake::default()).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    let (mut account, all) = (account(&[SHOP]), [owing(SHOP, Kind::Price, 250)]);
    account.measured.clear();
    let by_batches = forecast(&parties, &all, &[account.clone()]).remove(0);
    assert_eq!((by_batches.calls, by_batches.is_measured), (3, false), "100 writes a call");
    let mut measured = Measured::default();
    measured.add(30, 20);
    measured.add(5, 0);
    account.measured = [((SHOP, Kind::Price), measured)].into();
    let measured = forecast(&parties, &all, &[account]).remove(0);
    assert_eq!((measured.calls, measured.calls_each_milli, measured.is_measured), (438, 1_750, true));
}
