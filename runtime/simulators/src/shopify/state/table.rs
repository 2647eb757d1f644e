//! Rows by id and by the moment of their last change, and what the search index still shows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use truthsource_core::UnixMs;

/// What a [`Table`] holds.
pub trait Row: Clone {
    /// Its number, unique in its table.
    fn id(&self) -> u64;
    /// When it last changed, in whole seconds.
    fn updated(&self) -> UnixMs;
}

/// Which way a list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest up.
    Up,
    /// From the largest down.
    Down,
}

/// Rows of one kind. Rows are shared, so that an answer can be written while the table moves on.
#[derive(Debug)]
pub struct Table<T> {
    rows: BTreeMap<u64, Arc<T>>,
    by_updated: BTreeSet<(UnixMs, u64)>,
    /// What the search index shows instead of the row.
    lagging: BTreeMap<u64, Shown<T>>,
    lag_ms: u64,
    prune_at: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), by_updated: BTreeSet::new(), lagging: BTreeMap::new(), lag_ms: 0, prune_at: 64 }
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), by_updated: self.by_updated.clone(), lagging: self.lagging.clone(), ..*self }
    }
}

/// What a walk by (moment of change, id) lies between.
pub type Bounds = (Bound<(UnixMs, u64)>, Bound<(UnixMs, u64)>);

/// Older states of a row, each with the moment until which the index shows it; `None`: it shows nothing yet.
type Shown<T> = Vec<(UnixMs, Option<Arc<T>>)>;

/// A row as it is, and as the search index has it.
pub type Indexed<'a, T> = (&'a Arc<T>, &'a Arc<T>);

impl<T: Row> Table<T> {
    /// The row with this id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Arc<T>> {
        self.rows.get(&id)
    }

    /// Whether there is a row with this id.
    #[must_use]
    pub fn has(&self, id: u64) -> bool {
        self.rows.contains_key(&id)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.rows.values()
    }

    /// Adds or replaces a row.
    pub fn put(&mut self, now: UnixMs, row: T) -> Arc<T> {
        let (id, row) = (row.id(), Arc::new(row));
        let old = self.rows.insert(id, row.clone());
        if let Some(old) = &old {
            self.by_updated.remove(&(old.updated(), id));
        }
        self.by_updated.insert((row.updated(), id));
        self.keep_showing(now, id, old);
        row
    }

    /// Changes a row in place; `None` if there is none.
    pub fn edit(&mut self, now: UnixMs, id: u64, change: impl FnOnce(&mut T)) -> Option<Arc<T>> {
        let old = (self.lag_ms > 0).then(|| self.rows.get(&id).cloned()).flatten();
        let row = self.rows.get_mut(&id)?;
        let before = row.updated();
        change(Arc::make_mut(row));
        let (row, after) = (row.clone(), row.updated());
        if before != after {
            self.by_updated.remove(&(before, id));
            self.by_updated.insert((after, id));
        }
        self.keep_showing(now, id, old);
        Some(row)
    }

    /// Takes a row away.
    pub fn remove(&mut self, id: u64) -> Option<Arc<T>> {
        let row = self.rows.remove(&id)?;
        self.by_updated.remove(&(row.updated(), id));
        self.lagging.remove(&id);
        Some(row)
    }

    /// How long the search index takes to learn of a change, from now on.
    pub fn set_lag(&mut self, lag_ms: u64) {
        self.lag_ms = lag_ms;
        if lag_ms == 0 {
            self.lagging.clear();
        }
    }

    /// Rows with ids in `ids`, in their order, that the index shows.
    pub fn by_id(
        &self,
        now: UnixMs,
        ids: RangeInclusive<u64>,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = Indexed<'_, T>> + '_> {
        if ids.is_empty() {
            return Box::new(std::iter::empty());
        }
        let rows = self.rows.range(ids).filter_map(move |(_, row)| Some((row, self.indexed(now, row)?)));
        match direction {
            Direction::Up => Box::new(rows),
            Direction::Down => Box::new(rows.rev()),
        }
    }

    /// Rows whose (moment of change, id), as the index has it, lies between the bounds, in that order.
    pub fn by_updated(
        &self,
        now: UnixMs,
        bounds: Bounds,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = Indexed<'_, T>> + '_> {
        if is_empty(&bounds) {
            return Box::new(std::iter::empty());
        }
        let current = self.by_updated.range(bounds);
        let current: Box<dyn Iterator<Item = &(UnixMs, u64)>> = match direction {
            Direction::Up => Box::new(current),
            Direction::Down => Box::new(current.rev()),
        };
        let rows = current.filter_map(|(_, id)| self.rows.get(id));
        if self.lagging.is_empty() {
            return Box::new(rows.map(|row| (row, row)));
        }
        let fresh = rows.filter(move |row| self.shown_instead(now, row.id()).is_none()).map(|row| (row, row));
        Box::new(merged(fresh, self.lagging_between(now, bounds, direction), direction))
    }

    /// The rows the index has an older state of, whose older state lies between the bounds.
    fn lagging_between(&self, now: UnixMs, bounds: Bounds, direction: Direction) -> Vec<Indexed<'_, T>> {
        let shown = self.lagging.keys().filter_map(|id| {
            let (row, old) = (self.rows.get(id)?, self.shown_instead(now, *id)?.as_ref()?);
            std::ops::RangeBounds::contains(&bounds, &(old.updated(), *id)).then_some((row, old))
        });
        let mut shown: Vec<Indexed<'_, T>> = shown.collect();
        shown.sort_by_key(|(_, old)| (old.updated(), old.id()));
        if direction == Direction::Down {
            shown.reverse();
        }
        shown
    }

    /// The row as the index has it; `None` if the index does not know it yet.
    fn indexed<'a>(&'a self, now: UnixMs, row: &'a Arc<T>) -> Option<&'a Arc<T>> {
        if self.lagging.is_empty() {
            return Some(row);
        }
        match self.shown_instead(now, row.id()) {
            Some(old) => old.as_ref(),
            None => Some(row),
        }
    }

    fn shown_instead(&self, now: UnixMs, id: u64) -> Option<&Option<Arc<T>>> {
        let states = self.lagging.get(&id)?;
        states.iter().find(|(until, _)| *until > now).map(|(_, old)| old)
    }

    fn keep_showing(&mut self, now: UnixMs, id: u64, old: Option<Arc<T>>) {
        if self.lag_ms == 0 {
            return;
        }
        self.lagging.entry(id).or_default().push((now.plus(self.lag_ms), old));
        if self.lagging.len() >= self.prune_at {
            self.lagging.retain(|_, states| {
                states.retain(|(until, _)| *until > now);
                !states.is_empty()
            });
            self.prune_at = 2 * self.lagging.len() + 64;
        }
    }
}

/// A range the standard library would refuse.
fn is_empty((low, high): &Bounds) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (low, high) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Included(low), Included(high)) => low > high,
        (Included(low) | Excluded(low), Included(high) | Excluded(high)) => low >= high,
    }
}

/// Two walks in one order as one.
fn merged<'a, T: Row + 'a>(
    fresh: impl Iterator<Item = Indexed<'a, T>> + 'a,
    lagging: Vec<Indexed<'a, T>>,
    direction: Direction,
) -> impl Iterator<Item = Indexed<'a, T>> + 'a {
    let (mut fresh, mut lagging) = (fresh.peekable(), lagging.into_iter().peekable());
    let place = |(_, shown): &Indexed<'a, T>| (shown.updated(), shown.id());
    std::iter::from_fn(move || match (fresh.peek(), lagging.peek()) {
        (Some(left), Some(right)) => {
            let left_first = (place(left) < place(right)) == (direction == Direction::Up);
            if left_first { fresh.next() } else { lagging.next() }
        }
        (Some(_), None) => fresh.next(),
        (None, _) => lagging.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Note(u64, UnixMs);

    impl Row for Note {
        fn id(&self) -> u64 {
            self.0
        }
        fn updated(&self) -> UnixMs {
            self.1
        }
    }

    const ALL: Bounds = (Bound::Unbounded, Bound::Unbounded);

    fn order(table: &Table<Note>, now: u64, direction: Direction) -> Vec<(u64, u64)> {
        let rows = table.by_updated(UnixMs(now), ALL, direction);
        rows.map(|(row, shown)| (row.id(), shown.updated().0)).collect()
    }

    #[test]
    fn the_index_lags_and_the_rows_do_not() {
        let mut table = Table::default();
        for id in 1..=3 {
            table.put(UnixMs(0), Note(id, UnixMs(id * 1000)));
        }
        table.set_lag(500);
        table.edit(UnixMs(9000), 1, |note| note.1 = UnixMs(9000));
        table.put(UnixMs(9100), Note(4, UnixMs(9000)));

        assert_eq!(order(&table, 9200, Direction::Up), [(1, 1000), (2, 2000), (3, 3000)]);
        assert_eq!(order(&table, 9200, Direction::Down), [(3, 3000), (2, 2000), (1, 1000)]);
        assert_eq!(table.get(1).map(|it| it.updated()), Some(UnixMs(9000)));
        assert_eq!(table.by_id(UnixMs(9200), 0..=u64::MAX, Direction::Up).count(), 3);

        assert_eq!(order(&table, 9550, Direction::Up), [(2, 2000), (3, 3000), (1, 9000)]);
        assert_eq!(order(&table, 9600, Direction::Up), [(2, 2000), (3, 3000), (1, 9000), (4, 9000)]);
    }

    #[test]
    fn bounds_hold_for_what_the_index_shows() {
        let mut table = Table::default();
        table.set_lag(500);
        table.put(UnixMs(0), Note(1, UnixMs(1000)));
        table.edit(UnixMs(9000), 1, |note| note.1 = UnixMs(9000));
        let late = (Bound::Included((UnixMs(8000), 0)), Bound::Unbounded);
        assert_eq!(table.by_updated(UnixMs(9100), late, Direction::Up).count(), 0);
        assert_eq!(table.by_updated(UnixMs(9600), late, Direction::Up).count(), 1);
        let empty = (Bound::Excluded((UnixMs(8000), 0)), Bound::Excluded((UnixMs(8000), 0)));
        assert_eq!(table.by_updated(UnixMs(9600), empty, Direction::Up).count(), 0);
    }

    #[test]
    fn a_removed_row_is_gone_at_once() {
        let mut table = Table::default();
        table.put(UnixMs(0), Note(1, UnixMs(1000)));
        table.set_lag(500);
        assert!(table.remove(1).is_some());
        assert_eq!(order(&table, 1, Direction::Up), []);
        assert_eq!(table.len(), 0);
    }
}
