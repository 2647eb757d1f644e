//! What a plan costs: its own reads and writes, and how long they take.

use truthsource_core::Kind;
use truthsource_core::budget::{Class, Work, drain};
use truthsource_core::record::ConnectionId;

use super::{Account, Measured, forecast, work};
use crate::engine::connections::Parties;
use crate::store::Owing;

/// What a plan writes of a kind to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub connection: ConnectionId,
    /// What.
    pub kind: Kind,
    /// Records that are created.
    pub creates: u64,
    /// Records that are changed: each is read first.
    pub changes: u64,
}

/// What a part of a plan costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// What for.
    pub part: Part,
    /// Calls that read what is to be changed, as the connector's batches allow at best.
    pub reads: u64,
    /// Calls that write.
    pub writes: u64,
    /// Writes were measured; else they are what the connector's batches allow at best.
    pub is_measured: bool,
    /// How long it takes, with the rest of the plan at the account and what is more urgent there; `None` where its pace
    /// is not known.
    pub done_in_ms: Option<u64>,
}

/// What each part costs if the plan is applied now, in the order of `plan`.
#[must_use]
pub fn cost(parties: &Parties, plan: &[Part], owing: &[Owing], accounts: &[Account]) -> Vec<Cost> {
    let mut costs: Vec<Cost> = plan.iter().map(|it| calls(parties, *it, accounts)).collect();
    // What is planned is not written once more as a debt.
    let is_planned = |it: &Owing| plan.iter().any(|part| (part.connection, part.kind) == (it.connection, it.kind));
    let others: Vec<Owing> = owing.iter().filter(|it| !is_planned(it)).copied().collect();
    let others = forecast(parties, &others, accounts);
    for account in accounts {
        let here = |it: &ConnectionId| account.connections.contains(it);
        let mut all: Work = work(others.iter().filter(|it| here(&it.owing.connection) && !it.on_apply));
        for it in costs.iter().filter(|it| here(&it.part.connection)) {
            all[Class::of(it.part.kind) as usize] += it.reads + it.writes;
        }
        let done = drain(all, account.rates_milli.map(Option::unwrap_or_default));
        for it in costs.iter_mut().filter(|it| here(&it.part.connection)) {
            it.done_in_ms = done[Class::of(it.part.kind) as usize].map(|done| done + account.shut_ms);
        }
    }
    costs
}

fn calls(parties: &Parties, part: Part, accounts: &[Account]) -> Cost {
    let Part { connection, kind, creates, changes } = part;
    let power = parties.kind_power(connection, kind);
    let (push_max, read_max) = power.map_or((1, 1), |it| (it.push_max.max(1), it.read_max.max(1)));
    let read_max = parties.certain_max(connection, kind).map_or(u64::from(read_max), |it| it as u64);
    // All of them when the plan is handed in; once more the writes of a call where nobody saw the connector compare.
    let first = changes.div_ceil(read_max);
    let looks = if parties.care(connection, kind).reads_first {
        changes.div_ceil(read_max.min(u64::from(push_max)))
    } else {
        0
    };
    let account = accounts.iter().find(|it| it.connections.contains(&connection));
    let measured = account.and_then(|it| it.measured.get(&(connection, kind))).and_then(Measured::calls_milli);
    let records = creates.saturating_add(changes);
    let writes = match measured {
        Some(milli) => records.saturating_mul(milli).div_ceil(1_000),
        None => records.div_ceil(u64::from(push_max)),
    };
    Cost { part, reads: first + looks, writes, is_measured: measured.is_some(), done_in_ms: None }
}

#[cfg(test)]
mod tests;
