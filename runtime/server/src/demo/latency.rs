//! How long a change took from one system to the other, told by the journals of both.
//!
//! A change that a person makes at one system is *confirmed* at the first moment at which both systems hold the same
//! value again. That needs neither polling nor our own word for it: the systems wrote down when each value came.

use std::collections::BTreeMap;

use truthsource_core::UnixMs;
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::system::System as _;

use super::reading::{Cell, Held, Names, Side, value};
use super::world::World;

/// A place in both journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark([usize; 2]);

impl Mark {
    /// The present end of both.
    #[must_use]
    pub fn now(world: &World) -> Self {
        Self([world.erp.journal().len(), world.shop.journal().len()])
    }
}

/// What both journals say since a mark, in the order of time.
#[must_use]
pub fn since(world: &World, mark: Mark) -> Vec<(Side, Change)> {
    let [erp, shop] = mark.0;
    let erp = world.erp.journal().since(erp).into_iter().map(|it| (Side::Erp, it));
    let shop = world.shop.journal().since(shop).into_iter().map(|it| (Side::Shop, it));
    let mut all: Vec<_> = erp.chain(shop).collect();
    all.sort_by_key(|(_, it)| it.at);
    all
}

/// How long changes took.
#[derive(Debug, Default)]
pub struct Latencies {
    /// Milliseconds of every confirmed change, ascending.
    pub confirmed_ms: Vec<u64>,
    /// Changes that were never confirmed.
    pub open: usize,
}

impl Latencies {
    /// The share `per_mille` of changes took no longer than this; 0 when there were none.
    #[must_use]
    pub fn percentile(&self, per_mille: usize) -> u64 {
        let last = self.confirmed_ms.len().saturating_sub(1);
        let at = (self.confirmed_ms.len() * per_mille).div_ceil(1_000).saturating_sub(1).min(last);
        self.confirmed_ms.get(at).copied().unwrap_or(0)
    }

    /// Adds the time that something else took.
    pub fn add(&mut self, ms: impl IntoIterator<Item = u64>) {
        self.confirmed_ms.extend(ms);
        self.confirmed_ms.sort_unstable();
    }
}

/// Follows every field of both systems from what they held at first.
#[must_use]
pub fn measure(names: &Names, first: [Held; 2], changes: &[(Side, Change)]) -> Latencies {
    let mut held = first;
    let mut open: BTreeMap<Cell, Vec<UnixMs>> = BTreeMap::new();
    let mut found = Latencies::default();
    for (side, change) in changes {
        let Some(cell) = names.cell(*side, change) else { continue };
        held[*side as usize].insert(cell.clone(), value(change));
        let [here, there] = [*side, side.other()].map(|it| held[it as usize].get(&cell));
        let agree = here == there;
        if change.actor == Actor::Human {
            open.entry(cell.clone()).or_default().push(change.at);
        }
        if agree {
            let confirmed = open.remove(&cell).unwrap_or_default();
            found.confirmed_ms.extend(confirmed.into_iter().map(|made| change.at.since(made)));
        }
    }
    found.open = open.values().map(Vec::len).sum();
    found.confirmed_ms.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let of = |times: &[u64]| Latencies { confirmed_ms: times.to_vec(), open: 0 };
        assert_eq!(of(&[]).percentile(990), 0);
        assert_eq!(of(&[7]).percentile(500), 7);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!((of(&hundred).percentile(500), of(&hundred).percentile(990)), (50, 99));
        assert_eq!(of(&hundred).percentile(1_000), 100);
    }
}
