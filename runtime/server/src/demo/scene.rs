//! Systems that were filled alike, and what was done at them: what a judge is shown in its tests.

use truthsource_core::UnixMs;
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::world::{Cell, Deed, Held, Placed};

use super::latency::{Line, Mark, held, since};
use super::world::{Product, Seat};
use crate::sim::Plan;

/// When everything begins.
pub(crate) const BEGAN: UnixMs = UnixMs(1_767_225_600_000);

/// Systems and what happened.
pub(crate) struct Scene {
    pub seats: Vec<Seat>,
    pub first: Vec<Held>,
    begun: Mark,
    /// Lines of each journal before it began.
    lines: Vec<usize>,
    /// What was done by the engine and not by people: a system, and lines of its journal.
    ours: Vec<(usize, std::ops::Range<usize>)>,
}

/// A deed: so many seconds after the beginning, at which system, by whom.
pub(crate) type Did = (u64, usize, Actor, Deed);

impl Scene {
    /// An ERP, which owns, and a shop, after these deeds. What the engine did was done by its hand as people do it.
    pub fn after(deeds: &[Did]) -> Self {
        Self::of(&[Product::Netsuite, Product::Shopify], deeds)
    }

    pub fn of(products: &[Product], deeds: &[Did]) -> Self {
        let fill = |it: &Product| Seat::fill(*it, BEGAN, &Plan::catalogue(0)).unwrap();
        let seats: Vec<Seat> = products.iter().map(fill).collect();
        let (first, begun) = (held(&seats, BEGAN), Mark::now(&seats));
        let lines = seats.iter().map(|it| it.site.system().journal().len()).collect();
        let mut scene = Self { seats, first, begun, lines, ours: Vec::new() };
        for (seconds, seat, actor, deed) in deeds {
            let site = scene.seats[*seat].site.clone();
            let from = site.system().journal().len();
            site.act(BEGAN.plus(1_000 * seconds), deed).unwrap();
            if *actor == Actor::Api {
                scene.ours.push((*seat, from..site.system().journal().len()));
            }
        }
        scene
    }

    /// What the journals say, each line with whoever did it.
    pub fn changes(&self) -> Vec<Line> {
        let by = |seat: usize, change: Change, at: usize| {
            let is_ours = self.ours.iter().any(|(of, lines)| *of == seat && lines.contains(&at));
            Change { actor: if is_ours { Actor::Api } else { change.actor }, ..change }
        };
        let mut at = self.lines.clone();
        // In each journal lines are in the order of time.
        let lines = since(&self.seats, &self.begun).into_iter().map(|(seat, change)| {
            at[seat] += 1;
            (seat, by(seat, change, at[seat] - 1))
        });
        lines.collect()
    }

    /// Now, long after everything.
    pub fn now(&self) -> UnixMs {
        BEGAN.plus(3_600_000)
    }
}

pub(crate) fn cell(record: &str, field: &str) -> Cell {
    Cell::named(record.to_owned(), field).unwrap()
}

pub(crate) fn retitled(item: &str, title: &str) -> Deed {
    Deed::Retitle { item: item.to_owned(), title: title.to_owned() }
}

pub(crate) fn moved(by: i64) -> Deed {
    Deed::Move { item: "BOLT-1".to_owned(), location: "Main".to_owned(), by }
}

/// So many of a bolt.
pub(crate) fn placed(po_number: &str, company: &str, n: u32) -> Placed {
    let lines = vec![("BOLT-1".to_owned(), n)];
    let (po_number, company) = (po_number.to_owned(), company.to_owned());
    Placed { po_number, company, lines, charges: Vec::new(), waits: Vec::new() }
}

/// What stands first in each of these.
pub(crate) fn heads(found: &[String], letters: usize) -> Vec<String> {
    found.iter().map(|it| it.chars().take(letters).collect()).collect()
}
