use proptest::prelude::*;

use super::*;

/// What happens to a budget.
#[derive(Debug, Clone)]
enum Act {
    Ask(Class),
    Pass(u64),
    /// The oldest call ends, and this was heard.
    End(Heard),
    /// The first that waits in a class gives up.
    Withdraw(Class),
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn heard() -> impl Strategy<Value = Heard> {
    let points =
        (0u64..100, 0u64..20).prop_map(|(available, per_second)| Points { available, maximum: 100, per_second });
    (prop::bool::weighted(0.1), prop::option::of(0u64..3_000), prop::option::of(points), prop::option::of(0u64..150))
        .prop_map(|(throttled, retry, points, cost)| {
            let retry_after_ms = retry.filter(|_| throttled);
            Heard { throttled, retry_after_ms, points, cost, needed: cost.map(|it| it * 2) }
        })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => class().prop_map(Act::Ask),
        2 => (0u64..400).prop_map(Act::Pass),
        3 => heard().prop_map(Act::End),
        1 => class().prop_map(Act::Withdraw),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (1u32..6).prop_map(Limit::AtOnce),
        (1u32..6).prop_map(Limit::per_second),
        (1u32..6, 1u32..3).prop_map(|(calls, n)| Limit::Window { calls, ms: 300, at_once: Some(n) }),
        Just(Limit::Points),
        Just(Limit::Unknown),
    ]
}

/// What was granted when, and how many calls were under way then.
fn run(limit: Limit, acts: &[Act]) -> (Vec<(u64, Ticket, usize)>, Budget, u64) {
    let (mut budget, mut now, mut granted, mut under_way) = (Budget::new(limit), 0, Vec::new(), VecDeque::new());
    for act in acts {
        match act {
            Act::Ask(class) => drop(budget.ask(*class)),
            Act::Pass(ms) => now += ms,
            Act::End(heard) => {
                if let Some(ticket) = under_way.pop_front() {
                    budget.ended(ticket, now, heard);
                }
            }
            Act::Withdraw(class) => {
                if let Some(ticket) = budget.waiting[class.at()].front().copied() {
                    budget.withdraw(ticket);
                }
            }
        }
        while let Some(ticket) = budget.grant(now) {
            under_way.push_back(ticket);
            granted.push((now, ticket, budget.in_flight()));
        }
    }
    (granted, budget, now)
}

proptest! {
    #[test]
    fn it_is_never_over_the_limit(limit in limit(), acts in prop::collection::vec(act(), 1..200)) {
        let (granted, ..) = run(limit, &acts);
        match limit {
            Limit::AtOnce(n) => prop_assert!(granted.iter().all(|it| it.2 <= n as usize)),
            Limit::Window { calls, ms, at_once } => {
                for it in granted.windows(calls as usize + 1) {
                    prop_assert!(it[calls as usize].0 - it[0].0 >= ms, "{it:?}");
                }
                prop_assert!(granted.iter().all(|it| at_once.is_none_or(|n| it.2 <= n as usize)));
            }
            Limit::Points | Limit::Unknown => {}
        }
    }

    /// Whoever waits, waits for something that is said: an end, or a moment at which there is room indeed.
    #[test]
    fn it_conserves_work(limit in limit(), acts in prop::collection::vec(act(), 1..200)) {
        let (_, mut budget, now) = run(limit, &acts);
        while let Some(ticket) = budget.in_flight.keys().next().copied() {
            let points = Some(Points { available: 100, maximum: 100, per_second: 5 });
            budget.ended(ticket, now, &Heard { points, ..Heard::default() });
        }
        let waits = budget.waiting().iter().sum::<usize>() > 0;
        prop_assert_eq!(budget.next_at(now).is_some(), waits, "nothing is under way: time alone makes room");
        if let Some(at) = budget.next_at(now) {
            prop_assert!(budget.grant(at.max(now)).is_some());
        }
    }

    /// An account that counts points: it never has to turn a call away that costs what such calls cost.
    #[test]
    fn points_are_never_overdrawn(cost in 1u64..40, per_second in 1u64..30, latencies in prop::collection::vec(1u64..900, 60)) {
        let mut budget = Budget::new(Limit::Points);
        let (mut now, mut milli, mut ends, mut throttled) = (0u64, 100_000u64, Vec::new(), 0);
        ask(&mut budget, Class::Price, 1);
        for latency in &latencies {
            ask(&mut budget, Class::Price, 2);
            while let Some(ticket) = budget.grant(now) {
                match milli.checked_sub(cost * 1_000) {
                    Some(left) => milli = left,
                    None => throttled += 1,
                }
                ends.push((now + latency, ticket));
            }
            ends.sort();
            let next = ends.first().map(|it| it.0).into_iter().chain(budget.next_at(now)).min().unwrap_or(now + 1).max(now + 1);
            milli = (milli + (next - now) * per_second).min(100_000);
            now = next;
            while ends.first().is_some_and(|it| it.0 <= now) {
                let points = Some(Points { available: milli / 1_000, maximum: 100, per_second });
                budget.ended(ends.remove(0).1, now, &Heard { points, cost: Some(cost), ..Heard::default() });
            }
        }
        prop_assert_eq!(throttled, 0);
    }

    #[test]
    fn the_same_acts_have_the_same_grants(limit in limit(), acts in prop::collection::vec(act(), 1..100)) {
        prop_assert_eq!(run(limit, &acts).0, run(limit, &acts).0);
    }

    /// While all wait, each less urgent class has its share, the most urgent all the rest, and sweeps nothing.
    #[test]
    fn nobody_starves(waiting in prop::collection::btree_set(class(), 1..=5), skip in 0usize..100) {
        let mut budget = Budget::new(Limit::AtOnce(1));
        let mut served = Vec::new();
        for _ in 0..skip + 200 {
            for class in &waiting {
                while budget.waiting[class.at()].len() < 2 {
                    budget.ask(*class);
                }
            }
            let ticket = budget.grant(0).unwrap();
            served.push(budget.in_flight[&ticket].class);
            budget.ended(ticket, 0, &Heard::default());
        }
        let first = *waiting.first().unwrap();
        for window in served[skip..].windows(SHARE_EVERY as usize + 2) {
            let times = |class| window.iter().filter(|it| **it == class).count();
            for class in waiting.iter().filter(|it| **it != first) {
                let share = times(*class);
                let expect = if *class == Class::Sweep { 0..=0 } else { 1..=2 };
                prop_assert!(expect.contains(&share), "{class:?} {share} of {window:?}");
            }
            prop_assert!(times(first) >= SHARE_EVERY as usize - 4);
        }
    }
}

fn ask(budget: &mut Budget, class: Class, times: usize) {
    for _ in 0..times {
        budget.ask(class);
    }
}

fn granted(budget: &mut Budget, now_ms: u64) -> Vec<Ticket> {
    std::iter::from_fn(|| budget.grant(now_ms)).collect()
}

#[test]
fn an_account_that_asks_for_patience_gets_it_from_all() {
    let mut budget = Budget::new(Limit::Unknown);
    ask(&mut budget, Class::Price, 1);
    let ticket = granted(&mut budget, 0)[0];
    let retry_after_ms = Some(30_000);
    budget.ended(ticket, 100, &Heard { throttled: true, retry_after_ms, ..Heard::default() });
    ask(&mut budget, Class::Order, 1);
    assert_eq!((budget.grant(30_099), budget.next_at(100)), (None, Some(30_100)));
    assert!(budget.grant(30_100).is_some());
    // Nobody waits for weeks.
    let ticket = *budget.in_flight.keys().next().unwrap();
    let retry_after_ms = Some(u64::MAX);
    budget.ended(ticket, 30_100, &Heard { throttled: true, retry_after_ms, ..Heard::default() });
    ask(&mut budget, Class::Order, 1);
    assert_eq!(budget.next_at(30_100), Some(30_100 + PATIENCE_MS_MAX));
}

/// Somebody else uses the account, too: it takes fewer of our calls at a time than was declared, until it takes more.
#[test]
fn calls_at_a_time_follow_what_the_account_takes() {
    let mut budget = Budget::new(Limit::AtOnce(8));
    ask(&mut budget, Class::Stock, 100);
    let tickets = granted(&mut budget, 0);
    assert_eq!(tickets.len(), 8);
    budget.ended(tickets[0], 10, &Heard { throttled: true, ..Heard::default() });
    assert_eq!(budget.gauge().at_once, Some(4));
    assert!(granted(&mut budget, 10).is_empty());
    tickets[1..].iter().for_each(|it| budget.ended(*it, 10, &Heard::default()));
    let mut most = 0;
    for _ in 0..30 {
        granted(&mut budget, 10);
        most = most.max(budget.in_flight());
        let ticket = *budget.in_flight.keys().next().unwrap();
        budget.ended(ticket, 10, &Heard::default());
    }
    assert_eq!((most, budget.gauge().at_once), (8, Some(8)), "and is asked for more, step by step");
}

#[test]
fn points_are_what_the_account_says() {
    let mut budget = Budget::new(Limit::Points);
    ask(&mut budget, Class::Price, 20);
    let first = budget.grant(0).unwrap();
    assert!(budget.grant(0).is_none(), "one call finds out");
    let points = Points { available: 50, maximum: 100, per_second: 10 };
    budget.ended(first, 0, &Heard { points: Some(points), cost: Some(20), ..Heard::default() });
    let tickets = granted(&mut budget, 0);
    assert_eq!(tickets.len(), 2, "two of 20 points");
    // One costs nothing in the end, and the account says so.
    let points = Points { available: 30, ..points };
    budget.ended(tickets[0], 100, &Heard { points: Some(points), ..Heard::default() });
    assert_eq!(budget.next_at(100), Some(1_100), "20 are under way, and 10 are missing");
    assert!(budget.grant(1_099).is_none() && budget.grant(1_100).is_some());
    assert_eq!(budget.rate_milli(Class::Price), Some(500));
}

#[test]
fn a_sweep_leaves_half_of_the_points() {
    let mut budget = Budget::new(Limit::Points);
    ask(&mut budget, Class::Sweep, 1);
    let first = budget.grant(0).unwrap();
    let points = Points { available: 100, maximum: 100, per_second: 10 };
    budget.ended(first, 0, &Heard { points: Some(points), cost: Some(10), ..Heard::default() });
    ask(&mut budget, Class::Sweep, 10);
    assert_eq!(granted(&mut budget, 0).len(), 5);
    ask(&mut budget, Class::Order, 10);
    assert_eq!(granted(&mut budget, 0).len(), 5, "orders find the other half");
}

/// A window that is spent stays so for minutes: nobody but the most urgent may spend all of it.
#[test]
fn a_sweep_leaves_half_of_a_window_and_a_first_load_a_tenth() {
    let limit = Limit::Window { calls: 100, ms: 300_000, at_once: None };
    for (class, taken, left) in [(Class::Sweep, 50, 50), (Class::Catalogue, 90, 10), (Class::Stock, 100, 0)] {
        let mut budget = Budget::new(limit);
        ask(&mut budget, class, 200);
        assert_eq!(granted(&mut budget, 0).len(), taken, "{class:?}");
        assert_eq!(budget.next_at(0), Some(300_000), "{class:?}");
        ask(&mut budget, Class::Order, 200);
        assert_eq!(granted(&mut budget, 10).len(), left, "{class:?}");
        assert_eq!(budget.gauge().shut_until_ms, 300_000, "{class:?}: nothing is left");
    }
    // None of them is kept out where there is next to nothing.
    let mut budget = Budget::new(Limit::Window { calls: 1, ms: 1_000, at_once: None });
    ask(&mut budget, Class::Sweep, 1);
    assert_eq!(granted(&mut budget, 0).len(), 1);
}

#[test]
fn a_window_is_as_fast_as_it_is_long_and_as_its_calls_at_a_time_let_it() {
    let rate = |calls, ms, at_once| {
        let mut budget = Budget::new(Limit::Window { calls, ms, at_once });
        ask(&mut budget, Class::Order, 1);
        let ticket = budget.grant(0).unwrap();
        budget.ended(ticket, 100, &Heard::default());
        budget.rate_milli(Class::Order)
    };
    assert_eq!(rate(6_000, 300_000, None), Some(20_000));
    assert_eq!(rate(6_000, 300_000, Some(5)), Some(20_000), "fifty a second would be taken");
    assert_eq!(rate(6_000, 300_000, Some(1)), Some(10_000), "one after the other, each a tenth of a second");
    assert_eq!(rate(50, 86_400_000, None), Some(1), "seldom is not never");
}

#[test]
fn what_costs_more_than_there_can_be_goes_alone() {
    let mut budget = Budget::new(Limit::Points);
    ask(&mut budget, Class::Price, 1);
    let first = budget.grant(0).unwrap();
    let points = Points { available: 0, maximum: 100, per_second: 10 };
    budget.ended(first, 0, &Heard { points: Some(points), cost: Some(500), ..Heard::default() });
    ask(&mut budget, Class::Price, 2);
    assert_eq!(budget.next_at(0), Some(10_000));
    assert_eq!(granted(&mut budget, 10_000).len(), 1);
}

#[test]
fn an_account_that_says_nothing_of_points_has_none() {
    let mut budget = Budget::new(Limit::Points);
    ask(&mut budget, Class::Price, 20);
    for _ in 0..3 {
        let tickets = granted(&mut budget, 0);
        assert_eq!(tickets.len(), 1);
        budget.ended(tickets[0], 0, &Heard::default());
    }
    assert_eq!(granted(&mut budget, 0).len(), 17);
}

/// An account that counts points: 100 at the most, 4 back in a second; it turns away what it has no points for.
struct Shop {
    budget: Budget,
    now_ms: u64,
    milli: u64,
    calls: u64,
    turned_away: u64,
}

impl Shop {
    fn pass(&mut self, ms: u64) {
        self.milli = (self.milli + ms * 4).min(100_000);
        self.now_ms += ms;
    }

    /// Makes one call, and says whether it was carried out.
    fn call(&mut self, cost: u64) -> bool {
        let ticket = self.budget.ask(Class::Price);
        while self.budget.grant(self.now_ms).is_none() {
            let at = self.budget.next_at(self.now_ms).unwrap();
            self.pass(at - self.now_ms);
        }
        let left = self.milli.checked_sub(cost * 1_000);
        self.milli = left.unwrap_or(self.milli);
        self.pass(50);
        self.calls += 1;
        self.turned_away += u64::from(left.is_none());
        let points = Some(Points { available: self.milli / 1_000, maximum: 100, per_second: 4 });
        let heard = Heard { points, cost: left.map(|_| cost), needed: Some(cost), ..Heard::default() };
        self.budget.ended(ticket, self.now_ms, &heard);
        left.is_some()
    }
}

/// 600 records, every third of which takes a look before; calls cost 2 or 8 to 12 points.
#[test]
fn a_forecast_from_what_calls_cost_is_right_within_a_fifth() {
    let budget = Budget::new(Limit::Points);
    let mut shop = Shop { budget, now_ms: 0, milli: 100_000, calls: 0, turned_away: 0 };
    let mut said = Vec::new();
    for n in 0..600u64 {
        if n >= 60 {
            let calls = (600 - n) * shop.calls / n;
            let rates = Class::ALL.map(|it| shop.budget.rate_milli(it).unwrap());
            said.push((shop.now_ms, drain([0, 0, calls, 0, 0], rates)[2].unwrap()));
        }
        while n % 3 == 0 && !shop.call(2) {}
        while !shop.call(8 + n % 5) {}
    }
    assert!(shop.turned_away < 10, "{} of {} calls were turned away", shop.turned_away, shop.calls);
    for (at, forecast) in said.iter().take(480) {
        let happened = shop.now_ms - at;
        let off = forecast.abs_diff(happened) * 100 / happened;
        assert!(off <= 20, "at {at} it said {forecast} ms, and it took {happened}");
    }
}
