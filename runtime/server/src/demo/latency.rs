//! How long a change took from one system to the other, told by the journals of all.
//!
//! A change that a person makes at one system is *confirmed* at the first moment at which all systems that hold the field
//! hold the same value again. That needs neither polling nor our own word for it: the systems wrote down when each value
//! came.

use std::collections::BTreeMap;

use truthsource_core::UnixMs;
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::world::{Cell, Held, Reader};

use super::world::Seat;

/// A place in every journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(Vec<usize>);

impl Mark {
    /// The present end of each.
    #[must_use]
    pub fn now(seats: &[Seat]) -> Self {
        Self(seats.iter().map(|it| it.site.system().journal().len()).collect())
    }
}

/// What happened at a system: its place among the systems, and the journal's line.
pub type Line = (usize, Change);

/// What the journals say since a mark, in the order of time.
#[must_use]
pub fn since(seats: &[Seat], mark: &Mark) -> Vec<Line> {
    let journals = seats.iter().zip(&mark.0).enumerate();
    let lines = journals.flat_map(|(seat, (it, from))| {
        let lines = it.site.system().journal().since(*from);
        let here = |at: UnixMs| UnixMs(at.0.saturating_add_signed(-it.ahead_ms));
        lines.into_iter().map(move |line| (seat, Change { at: here(line.at), ..line }))
    });
    let mut all: Vec<Line> = lines.collect();
    all.sort_by_key(|(_, it)| it.at);
    all
}

/// How every system's journal is read, by its place.
#[must_use]
pub fn readers(seats: &[Seat]) -> Vec<Reader> {
    seats.iter().map(|it| it.site.reader()).collect()
}

/// What every system holds, by its place.
#[must_use]
pub fn held(seats: &[Seat], now: UnixMs) -> Vec<Held> {
    seats.iter().map(|it| it.site.held(it.there(now))).collect()
}

/// One change, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Took {
    /// What was changed, and where: `item/bolt-00001 title at the shop`.
    pub what: String,
    /// When it was made.
    pub made: UnixMs,
    /// Until it was confirmed, in milliseconds.
    pub ms: u64,
}

/// How long changes took.
#[derive(Debug, Default)]
pub struct Latencies {
    /// Every confirmed change.
    pub confirmed: Vec<Took>,
    /// Changes that were never confirmed.
    pub open: usize,
}

impl Latencies {
    /// So many per mille of the changes that are counted took no longer than this; 0 when there were none.
    #[must_use]
    pub fn percentile(&self, per_mille: usize, counts: impl Fn(&Took) -> bool) -> u64 {
        let mut times: Vec<u64> = self.confirmed.iter().filter(|it| counts(it)).map(|it| it.ms).collect();
        times.sort_unstable();
        let at = (times.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        times.get(at).copied().unwrap_or(0)
    }

    /// The slowest, slowest first, with how long after `start` each was made.
    #[must_use]
    pub fn slowest(&self, start: UnixMs, n_max: usize) -> Vec<String> {
        let mut all: Vec<&Took> = self.confirmed.iter().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.ms));
        let spelled = |it: &&Took| format!("{} ms: {}, {} ms after the start", it.ms, it.what, it.made.since(start));
        all.iter().take(n_max).map(spelled).collect()
    }
}

/// Follows every field of all systems from what they held at first.
#[must_use]
pub fn measure(seats: &[Seat], first: Vec<Held>, changes: &[Line]) -> Latencies {
    let readers = readers(seats);
    let mut held = first;
    let mut open: BTreeMap<Cell, Vec<Took>> = BTreeMap::new();
    let mut found = Latencies::default();
    for (seat, change) in changes {
        let Some((cell, value)) = readers[*seat](change) else { continue };
        held[*seat].insert(cell.clone(), value);
        let mut values = held.iter().filter_map(|it| it.get(&cell));
        let first = values.next();
        let agree = values.all(|it| Some(it) == first);
        if change.actor == Actor::Human {
            let what = format!("{} {} at the {}", cell.record, cell.field, seats[*seat].name());
            open.entry(cell.clone()).or_default().push(Took { what, made: change.at, ms: 0 });
        }
        if agree {
            let confirmed = open.remove(&cell).unwrap_or_default();
            found.confirmed.extend(confirmed.into_iter().map(|it| Took { ms: change.at.since(it.made), ..it }));
        }
    }
    found.open = open.values().map(Vec::len).sum();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let of = |times: &[u64], per_mille| {
            let took = |ms: &u64| Took { what: String::new(), made: UnixMs(0), ms: *ms };
            Latencies { confirmed: times.iter().map(took).collect(), open: 0 }.percentile(per_mille, |_| true)
        };
        assert_eq!((of(&[], 990), of(&[7], 500)), (0, 7));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!((of(&hundred, 500), of(&hundred, 990), of(&hundred, 1_000)), (50, 99, 100));
    }
}
