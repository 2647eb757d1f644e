//! Connections: which rows stand on a page, and the cursors between pages.

use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;

use super::search::{Filter, Searchable};
use super::state::table::{Bounds, Direction, Indexed, Row, Table};

/// The most nodes a page holds.
pub const PAGE_MAX: i32 = 250;
/// Up to so many recently changed rows are sorted for a page; beyond, the rows are walked in their order.
const WINDOW_MAX: usize = 2000;

/// Where a page ended: the last node's id, and its value under the sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The id of the node.
    pub last_id: u64,
    /// What it was sorted by.
    pub last_value: String,
}

impl Cursor {
    /// The opaque text that callers hand back.
    #[must_use]
    pub fn to_text(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the opaque text; `None` if it is not one of ours.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
    }
}

/// The paging arguments of a connection.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// How many nodes from the front or from the back.
    pub limit: usize,
    /// Whether they come from the back.
    pub is_last: bool,
    /// Behind this one.
    pub after: Option<Cursor>,
    /// Before this one.
    pub before: Option<Cursor>,
    /// Whether the list stands on its head.
    pub reverse: bool,
}

/// Why paging arguments are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither or both.
    #[error("you must provide one of first or last")]
    NoLimit,
    /// Below zero or too many.
    #[error("first and last must be between 0 and 250")]
    OutOfRange,
    /// Not a cursor.
    #[error("Invalid cursor for current pagination sort.")]
    Cursor,
}

impl Paging {
    /// The arguments as they were sent.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn new(
        first: Option<i32>,
        last: Option<i32>,
        after: Option<&str>,
        before: Option<&str>,
    ) -> Result<Self, Refused> {
        let (limit, is_last) = match (first, last) {
            (Some(first), None) => (first, false),
            (None, Some(last)) => (last, true),
            _ => return Err(Refused::NoLimit),
        };
        if !(0..=PAGE_MAX).contains(&limit) {
            return Err(Refused::OutOfRange);
        }
        let cursor = |text: Option<&str>| text.map(|it| Cursor::from_text(it).ok_or(Refused::Cursor)).transpose();
        let limit = usize::try_from(limit).map_err(|_| Refused::OutOfRange)?;
        Ok(Self { limit, is_last, after: cursor(after)?, before: cursor(before)?, reverse: false })
    }

    /// The bounds in ascending order: what the page lies above and below of.
    fn between(&self) -> (Option<&Cursor>, Option<&Cursor>) {
        if self.reverse {
            (self.before.as_ref(), self.after.as_ref())
        } else {
            (self.after.as_ref(), self.before.as_ref())
        }
    }

    fn direction(&self) -> Direction {
        if self.reverse == self.is_last { Direction::Up } else { Direction::Down }
    }

    /// The page of the nodes found by walking in [`Paging::direction`]; at most one more than the limit is taken.
    fn page<T>(&self, found: impl Iterator<Item = (Cursor, T)>) -> Page<T> {
        let mut nodes: Vec<(Cursor, T)> = found.take(self.limit + 1).collect();
        let has_more = nodes.len() > self.limit;
        nodes.truncate(self.limit);
        if self.is_last {
            nodes.reverse();
        }
        let (has_next, has_previous) =
            if self.is_last { (self.before.is_some(), has_more) } else { (has_more, self.after.is_some()) };
        Page { nodes, has_next, has_previous }
    }
}

/// Some nodes of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The nodes, each with its cursor.
    pub nodes: Vec<(Cursor, T)>,
    /// Whether there are more behind.
    pub has_next: bool,
    /// Whether there are more before.
    pub has_previous: bool,
}

/// What a list is sorted by.
pub enum Order<World, T> {
    /// The id.
    Id,
    /// The moment of the last change, then the id.
    Updated,
    /// A text, then the id. Sorts all that is found.
    By(fn(&World, &T) -> String),
}

/// A list of the rows of a table.
pub struct Listing<'a, World, T> {
    /// The rows.
    pub table: &'a Table<T>,
    /// Which ids are part of the list.
    pub ids: RangeInclusive<u64>,
    /// Which of them are found.
    pub filter: Filter,
    /// Their order.
    pub order: Order<World, T>,
}

impl<World, T: Row + Searchable<World>> Listing<'_, World, T> {
    /// One page of the list, as the search index shows it at `now`.
    #[must_use]
    pub fn page(&self, world: &World, now: UnixMs, paging: &Paging) -> Page<Arc<T>> {
        let (above, below) = paging.between();
        match self.order {
            Order::Id => {
                paging.page(self.found(world, self.in_id_order(now, paging)).map(|(row, _)| (by_id(row), row.clone())))
            }
            Order::Updated => {
                let rows = self.table.by_updated(now, self.updated_bounds(above, below), paging.direction());
                let rows = rows.filter(|(row, _)| self.ids.contains(&row.id()));
                paging.page(self.found(world, rows).map(|(row, shown)| (by_updated(shown), row.clone())))
            }
            Order::By(value) => {
                let rows = self.found(world, self.table.by_id(now, self.ids.clone(), Direction::Up));
                let place = |cursor: &Cursor| (cursor.last_value.clone(), cursor.last_id);
                let mut all: Vec<(Cursor, Arc<T>)> = rows
                    .map(|(row, shown)| (Cursor { last_id: row.id(), last_value: value(world, shown) }, row.clone()))
                    .filter(|(cursor, _)| above.is_none_or(|it| place(it) < place(cursor)))
                    .filter(|(cursor, _)| below.is_none_or(|it| place(cursor) < place(it)))
                    .collect();
                all.sort_by_cached_key(|(cursor, _)| place(cursor));
                if paging.direction() == Direction::Down {
                    all.reverse();
                }
                paging.page(all.into_iter())
            }
        }
    }

    /// How many rows are found.
    #[must_use]
    pub fn count(&self, world: &World, now: UnixMs) -> usize {
        self.found(world, self.table.by_id(now, self.ids.clone(), Direction::Up)).count()
    }

    fn found<'a>(
        &'a self,
        world: &'a World,
        rows: impl Iterator<Item = Indexed<'a, T>> + 'a,
    ) -> impl Iterator<Item = Indexed<'a, T>> + 'a {
        rows.filter(move |(_, shown)| self.filter.finds(world, shown.as_ref()))
    }

    /// The list's ids between the cursors. A narrow window of changes is sorted; everything else is walked.
    fn in_id_order<'a>(&'a self, now: UnixMs, paging: &Paging) -> Box<dyn Iterator<Item = Indexed<'a, T>> + 'a> {
        let (above, below) = paging.between();
        let low = above.map_or(0, |it| it.last_id.saturating_add(1)).max(*self.ids.start());
        let high = below.map_or(u64::MAX, |it| it.last_id.saturating_sub(1)).min(*self.ids.end());
        let ids = low..=high;
        if self.filter.updated_between().0 > UnixMs(0) {
            let recent = self.table.by_updated(now, self.updated_bounds(None, None), Direction::Up);
            let mut recent: Vec<Indexed<'a, T>> = recent.take(WINDOW_MAX + 1).collect();
            if recent.len() <= WINDOW_MAX {
                recent.retain(|(row, _)| ids.contains(&row.id()));
                recent.sort_by_key(|(row, _)| row.id());
                if paging.direction() == Direction::Down {
                    recent.reverse();
                }
                return Box::new(recent.into_iter());
            }
        }
        self.table.by_id(now, ids, paging.direction())
    }

    /// The bounds of a walk by moment of change: the filter's window within the cursors.
    fn updated_bounds(&self, above: Option<&Cursor>, below: Option<&Cursor>) -> Bounds {
        let (from, to) = self.filter.updated_between();
        let place = |cursor: &Cursor| Some((UnixMs(cursor.last_value.parse().ok()?), cursor.last_id));
        let low = match above.and_then(place) {
            Some(place) if place >= (from, 0) => Bound::Excluded(place),
            _ => Bound::Included((from, 0)),
        };
        let high = match below.and_then(place) {
            Some(place) if place <= (to, u64::MAX) => Bound::Excluded(place),
            _ => Bound::Included((to, u64::MAX)),
        };
        (low, high)
    }
}

fn by_id<T: Row>(row: &Arc<T>) -> Cursor {
    Cursor { last_id: row.id(), last_value: row.id().to_string() }
}

fn by_updated<T: Row>(row: &Arc<T>) -> Cursor {
    Cursor { last_id: row.id(), last_value: row.updated().0.to_string() }
}

/// One page of a list that is at hand as (place, node), in ascending order of places.
#[must_use]
pub fn slice<T>(items: impl DoubleEndedIterator<Item = (u64, T)>, paging: &Paging) -> Page<T> {
    let (above, below) = paging.between();
    let (above, below) = (above.map(|it| it.last_id), below.map(|it| it.last_id));
    let between = items.filter(|(place, _)| above.is_none_or(|it| it < *place) && below.is_none_or(|it| *place < it));
    let node = |(place, node): (u64, T)| (Cursor { last_id: place, last_value: place.to_string() }, node);
    match paging.direction() {
        Direction::Up => paging.page(between.map(node)),
        Direction::Down => paging.page(between.rev().map(node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(paging: &Paging) -> (Vec<u64>, bool, bool) {
        let page = slice((1..=5).map(|it| (it, it)), paging);
        (page.nodes.into_iter().map(|(_, node)| node).collect(), page.has_next, page.has_previous)
    }

    fn at(id: u64) -> Option<Cursor> {
        Some(Cursor { last_id: id, last_value: id.to_string() })
    }

    #[test]
    fn pages_go_both_ways() {
        let first = |limit| Paging { limit, ..Paging::default() };
        let last = |limit| Paging { limit, is_last: true, ..Paging::default() };
        assert_eq!(numbers(&first(2)), (vec![1, 2], true, false));
        assert_eq!(numbers(&Paging { after: at(2), ..first(2) }), (vec![3, 4], true, true));
        assert_eq!(numbers(&Paging { after: at(4), ..first(2) }), (vec![5], false, true));
        assert_eq!(numbers(&Paging { reverse: true, ..first(2) }), (vec![5, 4], true, false));
        assert_eq!(numbers(&Paging { reverse: true, after: at(4), ..first(2) }), (vec![3, 2], true, true));
        assert_eq!(numbers(&last(2)), (vec![4, 5], false, true));
        assert_eq!(numbers(&Paging { before: at(4), ..last(2) }), (vec![2, 3], true, true));
        assert_eq!(numbers(&first(0)), (vec![], true, false));
    }

    #[test]
    fn arguments_are_checked() {
        assert_eq!(Paging::new(None, None, None, None).unwrap_err(), Refused::NoLimit);
        assert_eq!(Paging::new(Some(1), Some(1), None, None).unwrap_err(), Refused::NoLimit);
        assert_eq!(Paging::new(Some(251), None, None, None).unwrap_err(), Refused::OutOfRange);
        assert_eq!(Paging::new(Some(1), None, Some("nonsense"), None).unwrap_err(), Refused::Cursor);
        let cursor = Cursor { last_id: 7, last_value: "7".into() };
        assert_eq!(Paging::new(Some(1), None, Some(&cursor.to_text()), None).unwrap().after, Some(cursor));
    }
}
