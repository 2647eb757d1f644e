//! Rows by id, found by key and by owner, with the versions that a lagging replica would still show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::civil::Date;
use truthsource_core::{Decimal, UnixMs};

use super::guid::Guid;

/// What a column of a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Flag(bool),
    Number(Decimal),
    Text(String),
    Id(Guid),
    Day(Date),
    Moment(UnixMs),
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub id: Guid,
    /// Moves with every save: what etags are made of.
    pub version: u64,
    pub created: UnixMs,
    pub modified: UnixMs,
    cells: BTreeMap<&'static str, Cell>,
}

impl Row {
    pub(super) fn new(id: Guid) -> Self {
        Self { id, version: 0, created: UnixMs(0), modified: UnixMs(0), cells: BTreeMap::new() }
    }

    pub(super) fn cell(&self, column: &str) -> Option<&Cell> {
        self.cells.get(column)
    }

    pub(super) fn set(&mut self, column: &'static str, cell: Cell) {
        self.cells.insert(column, cell);
    }

    pub(super) fn set_text(&mut self, column: &'static str, text: impl Into<String>) {
        self.set(column, Cell::text(text));
    }

    /// Empties a column and gives back what it held.
    pub(super) fn take(&mut self, column: &str) -> Option<Cell> {
        self.cells.remove(column)
    }

    /// The text of a column; empty when it holds none.
    pub(super) fn text(&self, column: &str) -> &str {
        if let Some(Cell::Text(text)) = self.cells.get(column) { text } else { "" }
    }

    /// The number of a column; zero when it holds none.
    pub(super) fn number(&self, column: &str) -> Decimal {
        if let Some(Cell::Number(number)) = self.cells.get(column) { *number } else { Decimal::ZERO }
    }

    /// The reference of a column; the zero GUID when it holds none.
    pub(super) fn reference(&self, column: &str) -> Guid {
        if let Some(Cell::Id(id)) = self.cells.get(column) { *id } else { Guid::ZERO }
    }

    pub(super) fn flag(&self, column: &str) -> bool {
        self.cells.get(column) == Some(&Cell::Flag(true))
    }
}

/// How a table finds rows by something else than their id. `None`: this row is not found that way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    /// What is unique among the rows.
    pub key: fn(&Row) -> Option<String>,
    /// The row that this one belongs to.
    pub owner: fn(&Row) -> Option<Guid>,
}

impl Index {
    /// Rows that are found by id alone.
    pub(super) const NONE: Index = Index { key: |_| None, owner: |_| None };
}

/// Rows of one type.
#[derive(Debug, Clone)]
pub(super) struct Table {
    index: Index,
    rows: BTreeMap<Guid, Arc<Row>>,
    by_key: BTreeMap<String, Guid>,
    by_owner: BTreeSet<(Guid, Guid)>,
    /// The other version of each row that changed of late, in the order of the changes.
    recent: VecDeque<(UnixMs, Guid, Option<Arc<Row>>)>,
    lag_ms: u64,
}

impl Table {
    pub(super) fn new(index: Index) -> Self {
        Self {
            index,
            rows: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_owner: BTreeSet::new(),
            recent: VecDeque::new(),
            lag_ms: 0,
        }
    }

    /// All rows, in the order of their ids.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values().map(|it| &**it)
    }

    /// The rows behind `after`, in the order of their ids.
    pub(super) fn rows_after(&self, after: Guid) -> impl Iterator<Item = &Row> {
        let bounds = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        self.rows.range(bounds).map(|(_, it)| &**it)
    }

    pub(super) fn get(&self, id: Guid) -> Option<&Row> {
        self.rows.get(&id).map(|it| &**it)
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).and_then(|id| self.get(*id))
    }

    /// The rows whose keys begin so, in the order of their keys.
    pub(super) fn keyed_from<'s>(&'s self, beginning: &'s str) -> impl Iterator<Item = &'s Row> {
        let keys = self.by_key.range(beginning.to_owned()..).take_while(move |(key, _)| key.starts_with(beginning));
        keys.filter_map(|(_, id)| self.get(*id))
    }

    /// The rows that belong to `owner`, in the order of their ids.
    pub(super) fn owned_by(&self, owner: Guid) -> impl Iterator<Item = &Row> {
        let bounds = (owner, Guid::ZERO)..;
        let keys = self.by_owner.range(bounds).take_while(move |(it, _)| *it == owner);
        keys.filter_map(|(_, id)| self.get(*id))
    }

    /// Puts a row in place, or away.
    pub(super) fn set(&mut self, now: UnixMs, id: Guid, row: Option<Row>) {
        let before = self.place(id, row.map(Arc::new));
        if self.lag_ms > 0 {
            self.forget(now);
            self.recent.push_back((now, id, before));
        }
    }

    /// How long versions are kept.
    pub(super) fn set_lag(&mut self, lag_ms: u64) {
        self.lag_ms = lag_ms;
        if lag_ms == 0 {
            self.recent.clear();
        }
    }

    /// Goes back to how the rows were `lag_ms` before `now`. To be followed by [`Table::forward`].
    pub(super) fn rewind(&mut self, now: UnixMs) {
        self.forget(now);
        for at in (0..self.recent.len()).rev() {
            self.exchange(at);
        }
    }

    /// Comes back from [`Table::rewind`].
    pub(super) fn forward(&mut self) {
        for at in 0..self.recent.len() {
            self.exchange(at);
        }
    }

    fn forget(&mut self, now: UnixMs) {
        while self.recent.front().is_some_and(|(at, ..)| at.plus(self.lag_ms) <= now) {
            self.recent.pop_front();
        }
    }

    fn exchange(&mut self, at: usize) {
        let Some((_, id, other)) = self.recent.get_mut(at) else { return };
        let (id, row) = (*id, other.take());
        let before = self.place(id, row);
        if let Some((.., other)) = self.recent.get_mut(at) {
            *other = before;
        }
    }

    /// Puts a row in place or away, and gives back the one that was there.
    fn place(&mut self, id: Guid, row: Option<Arc<Row>>) -> Option<Arc<Row>> {
        let before = self.rows.remove(&id);
        if let Some(before) = &before {
            if let Some(key) = (self.index.key)(before).filter(|it| self.by_key.get(it) == Some(&id)) {
                self.by_key.remove(&key);
            }
            if let Some(owner) = (self.index.owner)(before) {
                self.by_owner.remove(&(owner, id));
            }
        }
        if let Some(row) = row {
            if let Some(key) = (self.index.key)(&row) {
                self.by_key.insert(key, id);
            }
            if let Some(owner) = (self.index.owner)(&row) {
                self.by_owner.insert((owner, id));
            }
            self.rows.insert(id, row);
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: Index = Index { key: |it| Some(it.text("code").to_owned()), owner: |it| Some(it.reference("owner")) };

    fn row(n: u64, code: &str) -> Row {
        let mut row = Row::new(Guid::drawn("row", n));
        row.set_text("code", code);
        row.set("owner", Cell::Id(Guid::drawn("owner", n % 2)));
        row
    }

    fn codes(table: &Table) -> BTreeSet<String> {
        table.rows().map(|it| it.text("code").to_owned()).collect()
    }

    #[test]
    fn rows_are_found_by_key_and_by_owner_as_they_change() {
        let mut table = Table::new(INDEX);
        for (n, code) in [(1, "A"), (2, "B"), (3, "C")] {
            table.set(UnixMs(1), row(n, code).id, Some(row(n, code)));
        }
        assert_eq!(table.owned_by(Guid::drawn("owner", 1)).count(), 2);
        assert_eq!(table.keyed_from("B").map(|it| it.text("code")).collect::<Vec<_>>(), ["B"]);
        table.set(UnixMs(2), row(1, "A").id, Some(row(1, "Z")));
        assert!(table.by_key("A").is_none());
        assert_eq!(table.by_key("Z").map(|it| it.id), Some(row(1, "").id));
        table.set(UnixMs(3), row(1, "").id, None);
        assert!(table.by_key("Z").is_none());
        assert_eq!(table.owned_by(Guid::drawn("owner", 1)).count(), 1);
    }

    #[test]
    fn a_lagging_read_misses_what_is_recent_and_nothing_else() {
        let mut table = Table::new(INDEX);
        table.set_lag(100);
        table.set(UnixMs(1_000), row(1, "").id, Some(row(1, "A")));
        table.set(UnixMs(1_050), row(1, "").id, Some(row(1, "B")));
        table.set(UnixMs(1_060), row(1, "").id, None);
        for (now, expect) in [(1_080, None), (1_100, Some("A")), (1_155, Some("B")), (1_160, None)] {
            table.rewind(UnixMs(now));
            assert_eq!(codes(&table).first().map(String::as_str), expect);
            assert_eq!(table.by_key("A").is_some(), expect == Some("A"));
            table.forward();
            assert!(codes(&table).is_empty());
        }
    }
}
