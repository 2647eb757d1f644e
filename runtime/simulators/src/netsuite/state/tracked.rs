//! A table that can show what it held a while ago.

use std::collections::{BTreeMap, VecDeque};

use truthsource_core::UnixMs;

/// Rows by key, with the versions that a lagging index would still show.
#[derive(Debug, Clone)]
pub(in crate::netsuite) struct Tracked<K, V> {
    rows: BTreeMap<K, V>,
    /// The other version of each row that changed of late, in the order of the changes.
    recent: VecDeque<(UnixMs, K, Option<V>)>,
    lag_ms: u64,
}

impl<K: Ord + Clone, V: Clone> Tracked<K, V> {
    pub(in crate::netsuite) fn new() -> Self {
        Self { rows: BTreeMap::new(), recent: VecDeque::new(), lag_ms: 0 }
    }

    pub(in crate::netsuite) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(in crate::netsuite) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Puts a row in place, or away.
    pub(in crate::netsuite) fn set(&mut self, now: UnixMs, key: K, row: Option<V>) {
        let before = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(&key),
        };
        if self.lag_ms > 0 {
            while self.recent.front().is_some_and(|(at, ..)| at.plus(self.lag_ms) <= now) {
                self.recent.pop_front();
            }
            self.recent.push_back((now, key, before));
        }
    }

    /// How long versions are kept.
    pub(in crate::netsuite) fn set_lag(&mut self, lag_ms: u64) {
        self.lag_ms = lag_ms;
        if lag_ms == 0 {
            self.recent.clear();
        }
    }

    /// Goes back to how the rows were `lag_ms` before `now`. To be followed by [`Tracked::forward`].
    pub(in crate::netsuite) fn rewind(&mut self, now: UnixMs) {
        while self.recent.front().is_some_and(|(at, ..)| at.plus(self.lag_ms) <= now) {
            self.recent.pop_front();
        }
        for at in (0..self.recent.len()).rev() {
            self.exchange(at);
        }
    }

    /// Comes back from [`Tracked::rewind`].
    pub(in crate::netsuite) fn forward(&mut self) {
        for at in 0..self.recent.len() {
            self.exchange(at);
        }
    }

    fn exchange(&mut self, at: usize) {
        let Some((_, key, other)) = self.recent.get_mut(at) else { return };
        *other = match other.take() {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(key),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &mut Tracked<u8, u8>, now: u64) -> Vec<(u8, u8)> {
        table.rewind(UnixMs(now));
        let rows = table.rows().iter().map(|(key, row)| (*key, *row)).collect();
        table.forward();
        rows
    }

    #[test]
    fn a_lagging_read_misses_what_is_recent_and_nothing_else() {
        let mut table = Tracked::new();
        table.set_lag(100);
        table.set(UnixMs(1_000), 1, Some(10));
        table.set(UnixMs(1_050), 1, Some(11));
        table.set(UnixMs(1_060), 2, Some(20));
        table.set(UnixMs(1_070), 1, None);
        assert_eq!(shown(&mut table, 1_080), []);
        assert_eq!(shown(&mut table, 1_100), [(1, 10)]);
        assert_eq!(shown(&mut table, 1_155), [(1, 11)]);
        assert_eq!(shown(&mut table, 1_160), [(1, 11), (2, 20)]);
        assert_eq!(shown(&mut table, 1_170), [(2, 20)]);
        assert_eq!(table.rows().len(), 1);
    }
}
