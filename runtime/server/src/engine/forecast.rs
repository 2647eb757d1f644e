//! When what is owed will have been written, under the budgets of the accounts.

mod cost;

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;
use truthsource_core::budget::{Budget, Class, Reading, Work, drain};
use truthsource_core::record::ConnectionId;

use super::connections::Parties;
use crate::store::{Deliver, Owing};
pub use cost::{Cost, Part, cost};

/// Writes of which the older ones count half.
const WRITES_REMEMBERED: u64 = 2_000;

/// What writes took so far: the older count less and less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    calls: u64,
    writes: u64,
}

impl Measured {
    /// So many calls wrote so many records.
    pub fn add(&mut self, calls: u64, writes: u64) {
        (self.calls, self.writes) = (self.calls + calls, self.writes + writes);
        if self.writes > WRITES_REMEMBERED {
            (self.calls, self.writes) = (self.calls / 2, self.writes / 2);
        }
    }

    /// Calls for each record, in thousandths; `None` while none was written.
    #[must_use]
    pub fn calls_milli(&self) -> Option<u64> {
        (self.writes > 0).then(|| (self.calls * 1_000).div_ceil(self.writes))
    }
}

/// What an account can do.
#[derive(Debug, Clone)]
pub struct Account {
    /// The connections that lead to it.
    pub connections: BTreeSet<ConnectionId>,
    /// Calls of each class that it takes, in thousandths a second, when the class has it for itself; `None` while that
    /// is not known.
    pub rates_milli: [Option<u64>; Class::ALL.len()],
    /// What is known of its limits.
    pub reading: Reading,
    /// For how long it is to be left alone, in milliseconds.
    pub shut_ms: u64,
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait, by class.
    pub waiting: [usize; Class::ALL.len()],
    /// What writes took so far.
    pub measured: BTreeMap<(ConnectionId, Kind), Measured>,
}

impl Account {
    /// Of a budget, as it is now. The connections are the caller's business.
    #[must_use]
    pub fn of(budget: &Budget, now_ms: u64) -> Self {
        let reading = budget.gauge();
        Self {
            connections: BTreeSet::new(),
            rates_milli: Class::ALL.map(|it| budget.rate_milli(it)),
            reading,
            shut_ms: reading.shut_until_ms.saturating_sub(now_ms),
            in_flight: budget.in_flight(),
            waiting: budget.waiting(),
            measured: BTreeMap::new(),
        }
    }
}

/// When a connection will have been told what it is owed of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// What it is owed.
    pub owing: Owing,
    /// Its urgency.
    pub class: Class,
    /// It is written when somebody applies a plan; the forecast is for the case that this is now.
    pub on_apply: bool,
    /// Calls for each record, in thousandths.
    pub calls_each_milli: u64,
    /// They were measured; else they are what its connector's batches allow at best.
    pub is_measured: bool,
    /// Calls that are left.
    pub calls: u64,
    /// How long they take, with everything that is more urgent at the account; `None` where its pace is not known.
    pub done_in_ms: Option<u64>,
}

/// A forecast for everything that is owed, in the order of `owing`.
#[must_use]
pub fn forecast(parties: &Parties, owing: &[Owing], accounts: &[Account]) -> Vec<Forecast> {
    let mut all: Vec<Forecast> = owing.iter().map(|it| needs(parties, *it, accounts)).collect();
    for account in accounts {
        let here = |it: &Forecast| account.connections.contains(&it.owing.connection);
        let by_itself = work(all.iter().filter(|it| here(it) && !it.on_apply));
        let with_plans = work(all.iter().filter(|it| here(it)));
        let rates: Work = account.rates_milli.map(Option::unwrap_or_default);
        let (by_itself, with_plans) = (drain(by_itself, rates), drain(with_plans, rates));
        for it in all.iter_mut().filter(|it| here(it)) {
            let done = if it.on_apply { with_plans } else { by_itself };
            it.done_in_ms = done[it.class as usize].map(|done| if it.calls > 0 { done + account.shut_ms } else { 0 });
        }
    }
    all
}

fn work<'a>(all: impl Iterator<Item = &'a Forecast>) -> Work {
    let mut work = Work::default();
    all.for_each(|it| work[it.class as usize] += it.calls);
    work
}

/// What is owed in calls.
fn needs(parties: &Parties, owing: Owing, accounts: &[Account]) -> Forecast {
    let Owing { connection, kind, open, .. } = owing;
    let account = accounts.iter().find(|it| it.connections.contains(&connection));
    let measured = account.and_then(|it| it.measured.get(&(connection, kind))?.calls_milli());
    let push_max = parties.kind_power(connection, kind).map_or(1, |it| u64::from(it.push_max.max(1)));
    let spec = parties.connections.get(&connection).map(|it| &it.spec);
    let calls = match measured {
        Some(milli) => open.saturating_mul(milli).div_ceil(1_000),
        None => open.div_ceil(push_max),
    };
    Forecast {
        owing,
        class: Class::of(kind),
        on_apply: spec.is_some_and(|it| it.deliver == Deliver::OnApply),
        calls_each_milli: measured.unwrap_or(1_000u64.div_ceil(push_max)),
        is_measured: measured.is_some(),
        calls,
        done_in_ms: None,
    }
}

#[cfg(test)]
mod tests;
