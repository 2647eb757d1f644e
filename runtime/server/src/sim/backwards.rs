//! P7 in the systems themselves: what the engine replaced somewhere does not come back there by its hand, unless somebody
//! said it again.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::UnixMs;
use truthsource_simulators::journal::Actor;
use truthsource_simulators::world::{Cell, cut};

use crate::demo::latency::{Line, readers};
use crate::demo::world::Seat;

/// What a field of a system holds, and what the engine put other values in the place of.
#[derive(Default)]
struct Last {
    now: Option<(Actor, String)>,
    replaced: BTreeSet<String>,
}

/// Fields that every value is said for: stock is moved, and the same count comes again.
fn is_said(cell: &Cell) -> bool {
    matches!(cell.field, "title" | "barcode" | "name" | "amount")
}

/// What went back, in words. A word that something else was decided against may go again, as it may have been heard once more
/// before the system that said it was told.
#[must_use]
pub fn check(seats: &[Seat], changes: &[Line], decided_against: &BTreeSet<(Cell, String)>) -> Vec<String> {
    let readers = readers(seats);
    let lines: Vec<(usize, UnixMs, Actor, Cell, String)> = changes
        .iter()
        .filter_map(|(seat, it)| {
            let (cell, value) = readers[*seat](it)?;
            is_said(&cell).then_some((*seat, it.at, it.actor, cell, value))
        })
        .collect();
    // When people said what last: a word that is said later than it is written was said again.
    let mut said: BTreeMap<(&Cell, &str), UnixMs> = BTreeMap::new();
    for (_, at, _, cell, value) in lines.iter().filter(|(_, _, actor, ..)| *actor == Actor::Human) {
        said.insert((cell, value), *at);
    }
    let mut held: BTreeMap<(usize, &Cell), Last> = BTreeMap::new();
    let mut found = Vec::new();
    for (seat, at, actor, cell, value) in &lines {
        let last = held.entry((*seat, cell)).or_default();
        let before = last.now.replace((*actor, value.clone())).filter(|(_, before)| before != value);
        let Some((by, newer)) = before.filter(|_| *actor == Actor::Api) else { continue };
        let is_back = by == Actor::Api && last.replaced.contains(value);
        last.replaced.insert(newer.clone());
        if !is_back {
            continue;
        }
        let room = seats[*seat].site.room(cell.field);
        let said_at = |text: &str| {
            let words = said.iter().filter(|((of, word), _)| *of == cell && (*word == text || cut(word, room) == text));
            words.map(|(_, at)| *at).max()
        };
        let (was, is) = (said_at(value), said_at(&newer));
        let is_overruled = decided_against.contains(&((*cell).clone(), newer.clone()));
        if !is_overruled && is.is_some_and(|is| was.is_none_or(|was| was < is)) {
            let (record, field, name) = (&cell.record, cell.field, seats[*seat].name());
            found.push(format!("P7: {record} {field} at {name} went from {newer:?} back to {value:?} at {}", at.0));
        }
    }
    found
}
