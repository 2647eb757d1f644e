use std::sync::Arc;

use truthsource_core::budget::{Budget, Limit};

use super::*;
use crate::engine::fake::{ERP, Fake, House, SHOP};
use crate::engine::trust::Word;
use crate::store::Deliver;

/// One call a second, whoever makes it; nothing was measured.
fn account(connections: &[ConnectionId]) -> Account {
    let account = Account::of(&Budget::new(Limit::per_second(1)), 0);
    Account { connections: connections.iter().copied().collect(), ..account }
}

fn part(connection: ConnectionId, kind: Kind, creates: u64, changes: u64) -> Part {
    Part { connection, kind, creates, changes }
}

fn owing(connection: ConnectionId, kind: Kind, open: u64) -> Owing {
    Owing { connection, kind, open, begun: 0, undecided: 0, parked: 0 }
}

async fn parties(guests: Fake) -> Parties {
    Parties::load(&House::with(guests).await.engine).await.unwrap()
}

/// Reads, writes, and seconds until it is done.
fn seen(costs: &[Cost]) -> Vec<(u64, u64, Option<u64>)> {
    costs.iter().map(|it| (it.reads, it.writes, it.done_in_ms.map(|ms| ms / 1_000))).collect()
}

#[tokio::test]
async fn a_plan_costs_its_own_reads_and_writes() {
    let plan = [part(SHOP, Kind::Price, 7, 250)];
    // Far more is owed than is in the plan.
    let owing = [owing(SHOP, Kind::Price, 9_000)];
    let of = async |guests: Fake, account: Account| cost(&parties(guests).await, &plan, &owing, &[account]).remove(0);

    // 250 changes are read 2 at a time: 125 calls. 257 writes go 100 at a time: 3. At one a second that is 128 s.
    let plain = of(Fake::default(), account(&[SHOP])).await;
    assert_eq!((seen(std::slice::from_ref(&plain)), plain.is_measured), (vec![(125, 3, Some(128))], false));

    // Certain readings go 10 at a time: 25 calls; 25 + 3 = 28 s.
    let certain = of(Fake { certain_max: 10, ..Fake::default() }, account(&[SHOP])).await;
    assert_eq!(seen(&[certain]), [(25, 3, Some(28))]);

    // Without a certificate each change is read once more before it is sent: 125 + 125; 253 s.
    let careful = Fake { word: Word::Certified(Arc::default()), ..Fake::default() };
    assert_eq!(seen(&[of(careful, account(&[SHOP])).await]), [(250, 3, Some(253))]);

    // So far 20 writes took 30 calls, 1.5 each: 257 × 1.5 = 385.5, so 386; with the 125 reads 511 s.
    let mut measured = Measured::default();
    measured.add(30, 20);
    let by_experience = Account { measured: [((SHOP, Kind::Price), measured)].into(), ..account(&[SHOP]) };
    let measured = of(Fake::default(), by_experience).await;
    assert_eq!((seen(std::slice::from_ref(&measured)), measured.is_measured), (vec![(125, 386, Some(511))], true));

    // What is left alone for half a minute begins later; of an account that nobody knows nothing is said.
    assert_eq!(
        seen(&[of(Fake::default(), Account { shut_ms: 30_000, ..account(&[SHOP]) }).await]),
        [(125, 3, Some(158))]
    );
    assert_eq!(seen(&[of(Fake::default(), account(&[ERP])).await]), [(125, 3, None)]);
}

#[tokio::test]
async fn a_plan_waits_for_what_is_more_urgent_at_the_account() {
    let house = House::with(Fake::default()).await;
    let one = || Account { measured: each_takes_one(), ..account(&[ERP, SHOP]) };
    // 10 prices: 5 reads and 10 writes. 4 items: 2 reads and 4 writes.
    let plan = [part(SHOP, Kind::Price, 0, 10), part(SHOP, Kind::Item, 0, 4)];
    let owing = [owing(ERP, Kind::Order, 19), owing(SHOP, Kind::Price, 500), owing(SHOP, Kind::Item, 500)];

    // Of 20 calls 18 are orders while all three wait, and one each of the plan's: 19 orders end after 21.1 s, with 1.05
    // calls of each kind made. The 13.94 prices that are left have 19 of 20 then: 14.7 s, in which 0.73 items are
    // written. The 4.2 items that are left end at 40 s, which is 19 + 15 + 6.
    let parties = Parties::load(&house.engine).await.unwrap();
    assert_eq!(seen(&cost(&parties, &plan, &owing, &[one()])), [(5, 10, Some(35)), (2, 4, Some(40))]);

    // What waits for somebody to apply it is in nobody's way: 15 prices with 19 of 20 calls take 15.8 s, all 21 calls 21.
    house.delivers(ERP, Deliver::OnApply).await;
    let parties = Parties::load(&house.engine).await.unwrap();
    assert_eq!(seen(&cost(&parties, &plan, &owing, &[one()])), [(5, 10, Some(15)), (2, 4, Some(21))]);
}

fn each_takes_one() -> std::collections::BTreeMap<(ConnectionId, Kind), Measured> {
    let mut one = Measured::default();
    one.add(10, 10);
    [ERP, SHOP].into_iter().flat_map(|id| Kind::ALL.map(|kind| ((id, kind), one))).collect()
}
