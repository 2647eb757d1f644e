//! Lines of an order as they are there, and what makes others of them.

use std::collections::BTreeSet;

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::{Decimal, Fault};

use super::batch::Part;
use super::order::{About, Document, about, lines_of};
use super::settings::Place;
use crate::lines::{Lot, kept};
use crate::odata::{Body, Row};

/// How far lines stand apart, where nobody says otherwise.
const STEP: i64 = 10_000;

/// Lines of one sort.
pub(crate) struct Held<'d> {
    rows: Vec<&'d Row>,
    lots: Vec<Lot>,
}

impl<'d> Held<'d> {
    /// The goods; `None` where one of them is no item.
    pub(crate) fn goods(lines: &'d [Row]) -> Result<Option<Self>, Fault> {
        Self::of(lines, About::Goods, |line| line.id("itemId"))
    }

    /// What is charged beside them; `None` where it cannot be told what for.
    pub(crate) fn charges(book: &ChargeBook, lines: &'d [Row]) -> Result<Option<Self>, Fault> {
        let account = |line: &Row| {
            let kind = book.kind_of(&line.text("lineObjectNumber")?)?;
            book.target(kind).map(str::to_owned)
        };
        Self::of(lines, About::Account, account)
    }

    fn of(lines: &'d [Row], sort: About, of: impl Fn(&Row) -> Option<String>) -> Result<Option<Self>, Fault> {
        let mut held = Self { rows: Vec::new(), lots: Vec::new() };
        for line in lines {
            if about(line)? != Some(sort) {
                continue;
            }
            let Some(of) = of(line) else { return Ok(None) };
            let number = |name: &str| Ok::<_, Fault>(line.number(name)?.unwrap_or(Decimal::ZERO));
            held.lots.push(Lot { of, quantity: number("quantity")?, unit_price: number("unitPrice")? });
            held.rows.push(line);
        }
        Ok(Some(held))
    }

    /// These lines in the order of those that are there, where it says nothing.
    pub(crate) fn ordered(&self, mut want: Vec<Lot>) -> Vec<Lot> {
        want.sort_by_key(|lot| self.lots.iter().position(|it| it.of == lot.of).unwrap_or(usize::MAX));
        want
    }

    /// Some of these lines would be new.
    pub(crate) fn lacks(&self, want: &[Lot]) -> bool {
        kept(&self.lots, want).contains(&None)
    }
}

/// The lines of an order, and the places that are taken among them.
pub(crate) struct Table {
    lines: Place,
    /// Those of lines that are removed, too: a batch that comes late would find them free.
    taken: BTreeSet<i64>,
}

impl Table {
    pub(crate) fn of(document: &Document) -> Result<Self, Fault> {
        let taken = document.lines.iter().map(sequence).collect::<Result<_, _>>()?;
        Ok(Self { lines: lines_of(&document.head.must("id")?), taken })
    }

    /// What makes these lines of those that are there; `None` where there is no place for a new one.
    pub(crate) fn changes(
        &mut self,
        held: &Held<'_>,
        want: &[Lot],
        row: impl Fn(&Lot) -> Body,
    ) -> Result<Option<Vec<Part>>, Fault> {
        let kept = kept(&held.lots, want);
        let (mut changed, mut added, mut low) = (Vec::new(), Vec::new(), 0);
        for (at, lot) in want.iter().enumerate() {
            let Some(stays) = kept[at] else {
                let next = kept[at..].iter().flatten().next().map(|it| sequence(held.rows[*it])).transpose()?;
                let run = kept[at..].iter().take_while(|it| it.is_none()).count();
                let Some(place) = self.take(low, next, run) else { return Ok(None) };
                added.push(Part::create(&self.lines, row(lot).number("sequence", whole(place)?)));
                low = place;
                continue;
            };
            low = sequence(held.rows[stays])?;
            if held.lots[stays] != *lot {
                let body = Body::new().number("quantity", lot.quantity).number("unitPrice", lot.unit_price);
                changed.push(Part::change(
                    &self.lines,
                    (&held.rows[stays].must("id")?, &held.rows[stays].etag()),
                    body,
                ));
            }
        }
        changed.append(&mut added);
        for (at, line) in held.rows.iter().enumerate() {
            if !kept.contains(&Some(at)) {
                changed.push(Part::delete(&self.lines, (&line.must("id")?, &line.etag())));
            }
        }
        Ok(Some(changed))
    }

    /// A place of its own behind `low` for the first of a `run` of lines before `next`: behind all others where nothing is
    /// to follow.
    fn take(&mut self, low: i64, next: Option<i64>, run: usize) -> Option<i64> {
        let place = match next {
            None => self.taken.last().unwrap_or(&0).checked_add(STEP)?,
            Some(next) => {
                let step = (next - low) / (i64::try_from(run).ok()? + 1);
                (low + step.max(1)..next).find(|it| !self.taken.contains(it))?
            }
        };
        self.taken.insert(place);
        Some(place)
    }
}

/// Where a line stands.
fn sequence(line: &Row) -> Result<i64, Fault> {
    let place = line.number("sequence")?.and_then(Decimal::whole);
    place.ok_or_else(|| Fault::Protocol("a line without `sequence`".to_owned()))
}

fn whole(place: i64) -> Result<Decimal, Fault> {
    Decimal::new(place, 0).map_err(|error| Fault::Protocol(format!("a line at {place}: {error}")))
}
