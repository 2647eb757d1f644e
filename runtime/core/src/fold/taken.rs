//! Stock that leaves is one move, though two systems book it: the one that shipped it, and the one that is told so and
//! takes it from its own stock. The first is counted; the second is carried out by a write of ours, so that it is known,
//! and the shadow of that stock is shifted by as much instead of a difference being taken.
//!
//! A shift holds wherever it falls among the readings: a counter counts differences between what one system held, and
//! their sum is what it holds now less what it held first, less what was shifted.

use std::collections::BTreeMap;

use super::{Folding, Note};
use crate::record::{Carried, ConnectionId, Fresh};
use crate::value::{summed, text};
use crate::{Decimal, Fields, UnixMs, Value};

/// What the system took from its stock for carrying out a write that told it of `fulfilments`: (item, location) → how
/// much. Only for what the write told and the system holds now: people may have shipped something else meanwhile, which
/// is a move of theirs.
#[must_use]
pub fn taken(base: &Fields, want: &Fields, held: &Fields) -> BTreeMap<(String, String), Decimal> {
    let before = by_item(base);
    let mut told = less(by_item(want), &before);
    for (item, n) in &mut told {
        *n = minus(by_item(held).get(item).copied().unwrap_or_default(), before.get(item)).min(*n);
    }
    let mut taken = BTreeMap::new();
    for (place, n) in less(by_place(held), &by_place(base)) {
        let left = told.entry(place.0.clone()).or_default();
        let n = n.min(*left);
        *left = minus(*left, Some(&n));
        if n > Decimal::ZERO {
            taken.insert(place, n);
        }
    }
    taken
}

/// By how much `now` is more than `before`, where it is.
fn less<K: Ord>(now: BTreeMap<K, Decimal>, before: &BTreeMap<K, Decimal>) -> BTreeMap<K, Decimal> {
    let more = now.into_iter().map(|(key, n)| {
        let n = minus(n, before.get(&key));
        (key, n)
    });
    more.filter(|(_, n)| *n > Decimal::ZERO).collect()
}

/// Nothing where the difference leaves the range of a quantity.
fn minus(n: Decimal, by: Option<&Decimal>) -> Decimal {
    n.checked_sub(by.copied().unwrap_or_default()).unwrap_or_default()
}

fn by_item(fields: &Fields) -> BTreeMap<String, Decimal> {
    summed(fields, "fulfilments", |row| text(row, "item"))
}

fn by_place(fields: &Fields) -> BTreeMap<(String, String), Decimal> {
    summed(fields, "taken", |row| Some((text(row, "item")?, text(row, "location")?)))
}

impl Folding<'_> {
    /// A write to another record moved this one's counters: once, however often it is said.
    pub(super) fn carried(
        &mut self,
        connection: ConnectionId,
        as_of: u64,
        by: &BTreeMap<String, Decimal>,
        (at, sent_at): (UnixMs, Option<UnixMs>),
    ) {
        let seen = self.state.truth.version;
        let shadow = self.state.shadows.entry(connection).or_default();
        let carried = shadow.carried.get_or_insert_with(|| Carried { writes: Vec::new(), at, seen });
        if !note_write(&mut carried.writes, as_of) {
            return;
        }
        (carried.at, carried.seen) = (at, seen);
        let before = shadow.before(shadow.known(by.keys()), at);
        let mut moved = BTreeMap::new();
        for (name, by) in by {
            let Some(held) = shadow.fields.get_mut(name) else { continue };
            let Some(now) = held.value.as_number().and_then(|it| it.checked_add(*by)) else { continue };
            let was = std::mem::replace(&mut held.value, Value::Number(now));
            moved.insert(name.clone(), (Some(was), Value::Number(now)));
        }
        if moved.is_empty() {
            return;
        }
        for (name, by) in by {
            self.shift_counter(name, connection, *by);
        }
        let shadow = self.state.shadows.entry(connection).or_default();
        let changed_at = shadow.fresh.as_ref().and_then(|it| it.changed_at).max(sent_at);
        shadow.fresh = Some(Fresh { changed_at, heard_at: at, before });
        self.notes.push(Note::Moved(connection, moved));
    }

    /// Until when nothing is written to a counter that a write of ours carried along: whoever shipped what left moved its
    /// own stock in the same step, so that the truth is about to follow. `None` once it has.
    #[must_use]
    pub fn settles_at(&self, connection: ConnectionId) -> Option<UnixMs> {
        let carried = self.shadow(connection)?.carried.as_ref()?;
        let has_followed = self.state.truth.fields.values().any(|it| it.version > carried.seen);
        (!has_followed).then(|| carried.at.plus(FOLLOWS_MS))
    }
}

/// Calls to one connection run at once, and are heard of as they are answered: no more of them than this.
const WRITES_MAX: usize = 64;

/// Whether this write was not heard of before. What is older than all that is kept was.
fn note_write(writes: &mut Vec<u64>, as_of: u64) -> bool {
    let is_full = writes.len() == WRITES_MAX;
    let Err(at) = writes.binary_search(&as_of) else { return false };
    if is_full && at == 0 {
        return false;
    }
    writes.insert(at, as_of);
    if is_full {
        writes.remove(0);
    }
    true
}

/// How long the truth has to follow.
pub const FOLLOWS_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Row;

    fn set(columns: &[&str], rows: &[(&str, i32)]) -> Value {
        let row = |(names, n): &(&str, i32)| {
            let mut row: Row = columns
                .iter()
                .zip(names.split('@'))
                .map(|(column, name)| ((*column).to_owned(), name.into()))
                .collect();
            row.insert("quantity".to_owned(), Decimal::from(*n).into());
            row
        };
        Value::Rows(rows.iter().map(row).collect())
    }

    fn order(fulfilments: &[(&str, i32)], taken: &[(&str, i32)]) -> Fields {
        let (told, took) = (set(&["item"], fulfilments), set(&["item", "location"], taken));
        Fields::from([("fulfilments".to_owned(), told), ("taken".to_owned(), took)])
    }

    fn check(base: &Fields, want: &[(&str, i32)], held: &Fields, expect: &[(&str, i32)]) {
        let seen = taken(base, &order(want, &[]), held);
        let seen: Vec<(String, Decimal)> =
            seen.into_iter().map(|((item, at), n)| (format!("{item}@{at}"), n)).collect();
        let expect: Vec<(String, Decimal)> = expect.iter().map(|(at, n)| ((*at).to_owned(), (*n).into())).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn what_was_told_and_taken_is_carried() {
        let nothing = order(&[], &[]);
        check(&nothing, &[("a", 3)], &order(&[("a", 3)], &[("a@main", 3)]), &[("a@main", 3)]);
        check(
            &nothing,
            &[("a", 3)],
            &order(&[("a", 3)], &[("a@main", 1), ("a@out", 2)]),
            &[("a@main", 1), ("a@out", 2)],
        );
        // The second parcel of two.
        let first = order(&[("a", 3)], &[("a@main", 3)]);
        check(&first, &[("a", 3), ("a", 2)], &order(&[("a", 3), ("a", 2)], &[("a@main", 5)]), &[("a@main", 2)]);
    }

    #[test]
    fn what_people_ship_themselves_is_a_move_of_theirs() {
        let nothing = order(&[], &[]);
        let both = order(&[("a", 3), ("b", 1)], &[("a@main", 3), ("b@main", 1)]);
        check(&nothing, &[("a", 3)], &both, &[("a@main", 3)]);
        let more = order(&[("a", 3), ("a", 4)], &[("a@main", 7)]);
        check(&nothing, &[("a", 3)], &more, &[("a@main", 3)]);
        // It was not carried out at all.
        check(&nothing, &[("a", 3)], &nothing, &[]);
        // It is not kept in stock there.
        check(&nothing, &[("a", 3)], &order(&[("a", 3)], &[]), &[]);
    }
}
