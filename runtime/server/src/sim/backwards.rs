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

#[cfg(test)]
mod tests {
    use truthsource_simulators::journal::Actor::{self, Api, Human};

    use super::*;
    use crate::demo::scene::{Did, Scene, cell, moved, retitled};

    const ERP: usize = 0;
    const SHOP: usize = 1;

    fn said(seconds: u64, seat: usize, by: Actor, title: &str) -> Did {
        (seconds, seat, by, retitled("BOLT-1", title))
    }

    #[test]
    fn p7_what_was_replaced_and_comes_back_is_seen() {
        // The ERP says one thing and then another, the shop is told both, and what comes then is the case.
        let told = |rest: &[Did]| {
            let first = [said(1, ERP, Human, "a"), said(2, SHOP, Api, "a"), said(3, ERP, Human, "b")];
            [&first[..], &[said(4, SHOP, Api, "b")], rest].concat()
        };
        let back = said(6, SHOP, Api, "a");
        let overruled: BTreeSet<(Cell, String)> = [(cell("item/bolt-1", "title"), "b".to_owned())].into();
        let none = BTreeSet::new();
        let stock = |by: i64, at: u64| (at, SHOP, Api, moved(by));
        let cases = [
            ("nothing else", told(&[]), &none, 0),
            ("it goes back", told(std::slice::from_ref(&back)), &none, 1),
            ("it goes back and forth", told(&[back.clone(), said(7, SHOP, Api, "b")]), &none, 1),
            ("somebody said it again", told(&[said(5, ERP, Human, "a"), back.clone()]), &none, 0),
            ("a person did it", told(&[said(6, SHOP, Human, "a")]), &none, 0),
            ("what a person put there is no older word", told(&[said(5, SHOP, Human, "c"), back.clone()]), &none, 0),
            ("something was decided against it", told(&[back]), &overruled, 0),
            ("stock is moved", vec![stock(-1, 1), stock(-1, 2), stock(1, 3)], &none, 0),
        ];
        for (what, deeds, against, n) in cases {
            let scene = Scene::after(&deeds);
            let found = check(&scene.seats, &scene.changes(), against);
            assert_eq!(found.len(), n, "{what}: {found:?}");
            assert!(
                found.iter().all(|it| it.starts_with("P7: item/bolt-1 title at shop went from \"b\" back to \"a\""))
            );
        }
    }
}
