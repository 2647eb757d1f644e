//! Reads all systems back and compares them with each other and with what people did.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::journal::Actor;
use truthsource_simulators::world::{Cell, Held, OrderHeld, cut};

use super::latency::{Line, Took, held, readers};
use super::law::Word;
use super::traffic::Done;
use super::world::Seat;

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Records that at least one side has.
    pub records: u64,
    /// Fields that were compared.
    pub fields: u64,
    /// Fields that differ or are not what they should be, by class.
    pub mismatches: BTreeMap<&'static str, u64>,
    /// Some of them, in words.
    pub examples: Vec<String>,
    /// What became of orders.
    pub orders: Orders,
}

/// What became of orders.
#[derive(Debug, Default)]
pub struct Orders {
    /// Orders placed in the shop that are in every ERP.
    pub in_erp: u64,
    /// Orders that are in an ERP more often than once.
    pub duplicates: u64,
    /// How long each took.
    pub took: Vec<Took>,
}

/// Examples that are kept.
const EXAMPLES_MAX: usize = 20;

impl Verdict {
    /// Everything that differs, together.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.mismatches.values().sum()
    }

    fn found(&mut self, class: &'static str, what: impl FnOnce() -> String) {
        *self.mismatches.entry(class).or_default() += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(format!("{class}: {}", what()));
        }
    }
}

/// Compares all systems as they are now. `first` is what they held when `changes` began.
#[must_use]
pub fn judge((seats, now): (&[Seat], UnixMs), first: &[Held], changes: &[Line], done: &Done) -> Verdict {
    let held = held(seats, now);
    let mut verdict = Verdict::default();
    compare(seats, &held, done, &mut verdict);
    let said = said_by_people(seats, first, changes);
    if let (Some(owner), Some(first)) = (held.first(), first.first()) {
        let goes_below = seats.first().is_none_or(|it| it.site.goes_below_nothing());
        quantities((owner, first, goes_below), &said, done, &mut verdict);
        last_words((seats, &held), &said, done, &mut verdict);
    }
    orders(seats, done, &mut verdict);
    verdict
}

/// What the owner holds of a field, and of what it cannot hold as it is as much as anybody has of it.
fn whole<'a>(seats: &[Seat], held: &'a [Held], cell: &Cell) -> Option<&'a String> {
    let (owner, owned) = (seats.first()?, held.first()?.get(cell)?);
    let others = held.iter().filter_map(|it| it.get(cell));
    let longer = others.filter(|it| lessened(owner, cell, it) == Some(owned.as_str()));
    Some(longer.max_by_key(|it| it.len()).unwrap_or(owned))
}

/// Every system holds what the owner holds, of what it can hold at all, and nothing else; a shop what is published there.
fn compare(seats: &[Seat], held: &[Held], done: &Done, verdict: &mut Verdict) {
    let cells: BTreeSet<&Cell> = held.iter().flat_map(|it| it.keys()).collect();
    let records: BTreeSet<&str> = cells.iter().map(|it| it.record.as_str()).collect();
    verdict.records = records.len() as u64;
    let Some((_, others)) = held.split_first() else { return };
    for cell in cells {
        let whole = whole(seats, held, cell);
        for (seat, other) in seats.iter().skip(1).zip(others).filter(|_| !done.is_aside(cell)) {
            let (named, at) = (format!("{} {}", cell.record, cell.field), seat.name());
            let is_shop = seat.product.is_shop();
            if !seat.site.can_hold(cell) || !is_shop && done.uncounted.contains(cell) {
                continue;
            }
            // Mapped or asked about it is no difference.
            if done.asked.contains(cell) || [seats[0].product, seat.product].iter().any(|it| done.mapped.contains(it)) {
                continue;
            }
            let computed = done.computed.get(cell).filter(|_| is_shop);
            match (computed.or(whole), other.get(cell)) {
                (None, None) => continue,
                (Some(owner), Some(other)) if owner == other => {}
                (Some(owner), Some(other)) if lessened(seat, cell, owner) == Some(other.as_str()) => {}
                (Some(owner), Some(other)) => {
                    verdict.found("wrong", || format!("{named}: {owner:?} at the owner, {other:?} at {at}"));
                }
                (Some(_), None) => verdict.found("missing", || format!("{named} at {at}")),
                (None, Some(_)) => verdict.found("extra", || format!("{named} at {at}, and not at the owner")),
            }
            verdict.fields += 1;
        }
    }
}

/// What a system has of a value that it cannot hold as it is: of a text that is too long for it, or of stock below nothing.
fn lessened<'a>(seat: &Seat, cell: &Cell, value: &'a str) -> Option<&'a str> {
    if cell.field == "on_hand" {
        let is_below = || value.parse::<Decimal>().is_ok_and(Decimal::is_negative);
        return (!seat.site.goes_below_nothing() && is_below()).then_some("0");
    }
    let room = seat.site.room(cell.field);
    let is_long = matches!(cell.field, "title" | "name") && value.chars().count() > room;
    is_long.then(|| cut(value, room))
}

/// What a person did to a field.
struct Said {
    seat: usize,
    /// What the field held there before.
    was: Option<String>,
    now: String,
}

/// Everything that people did, by field, in the order of time.
fn said_by_people(seats: &[Seat], first: &[Held], changes: &[Line]) -> BTreeMap<Cell, Vec<Said>> {
    let readers = readers(seats);
    let mut held = first.to_vec();
    let mut said: BTreeMap<Cell, Vec<Said>> = BTreeMap::new();
    for (seat, change) in changes {
        let Some((cell, now)) = readers[*seat](change) else { continue };
        let was = held[*seat].insert(cell.clone(), now.clone());
        if change.actor == Actor::Human {
            said.entry(cell).or_default().push(Said { seat: *seat, was, now });
        }
    }
    said
}

/// Every movement of stock counts, wherever it was made: what the owner held at first, and everything since.
fn quantities(
    (owner, first, goes_below): (&Held, &Held, bool),
    said: &BTreeMap<Cell, Vec<Said>>,
    done: &Done,
    verdict: &mut Verdict,
) {
    let number = |text: &String| text.parse::<Decimal>().ok();
    let is_counted = |cell: &Cell| cell.field == "on_hand" && !done.uncounted.contains(cell) && !done.is_aside(cell);
    for (cell, held) in owner.iter().filter(|(cell, _)| is_counted(cell)) {
        let moves = said.get(cell).into_iter().flatten();
        let moved = |it: &Said| number(&it.now)?.checked_sub(it.was.as_ref().and_then(number)?);
        let sum = moves.map(moved).try_fold(Decimal::ZERO, |sum, it| sum.checked_add(it?));
        let opening = first.get(cell).and_then(number);
        let expected = opening.zip(sum).and_then(|(opening, sum)| opening.checked_add(sum));
        // Of less than nothing the owner may hold nothing.
        let expected = expected.map(|it| if goes_below { it } else { it.max(Decimal::ZERO) });
        if number(held) != expected {
            verdict.found("wrong", || format!("{} holds {held}, counted were {expected:?}", cell.record));
        }
    }
}

/// What a person wrote last stands, or another word that nobody who spoke later had been told of: some systems do not say when
/// a field was changed, so such words have no order. The word of others about what is the owner's never stands.
fn last_words((seats, held): (&[Seat], &[Held]), said: &BTreeMap<Cell, Vec<Said>>, done: &Done, verdict: &mut Verdict) {
    for (cell, said) in said.iter().filter(|(cell, _)| cell.field != "on_hand" && !done.is_aside(cell)) {
        let kind = cell.record.split('/').next().unwrap_or_default();
        let word = done.law.word(kind, cell.field);
        let counts = |it: &&Said| match word {
            Word::Owner(seat) => it.seat == seat,
            Word::Newest => true,
            Word::Any => false,
        };
        let heard: Vec<&Said> = said.iter().filter(counts).collect();
        let Some(held) = whole(seats, held, cell).filter(|_| !heard.is_empty()) else { continue };
        let accepted = untold(seats, cell, &heard);
        // Also as a system holds it that has no room for all of it.
        let is_named = |word: &str| done.overruled.contains(&(cell.clone(), word.to_owned()));
        let is_overruled =
            |word: &&String| is_named(word) || seats.iter().any(|it| is_named(cut(word, it.site.room(cell.field))));
        if !accepted.contains(&held) && !accepted.iter().all(is_overruled) {
            verdict.found("wrong", || {
                format!("{} {} holds {held:?}, last said were {accepted:?}", cell.record, cell.field)
            });
        }
    }
}

/// Words that no later one knew of, the last among them: each side's last, unless somebody changed it where it had been told, as
/// far as there is room for it.
fn untold<'a>(seats: &[Seat], cell: &Cell, heard: &[&'a Said]) -> Vec<&'a String> {
    let is_final = |at: usize, word: &Said| {
        let was_told = |it: &Said| {
            it.was
                .as_ref()
                .is_some_and(|was| *was == word.now || lessened(&seats[it.seat], cell, &word.now) == Some(was))
        };
        let mut later = heard.iter().skip(at + 1);
        !later.any(|it| it.seat == word.seat || was_told(it))
    };
    heard.iter().enumerate().filter(|(at, word)| is_final(*at, word)).map(|(_, word)| &word.now).collect()
}

/// Every order of the shop is in every ERP once, with its company, its lines and all that is charged.
fn orders(seats: &[Seat], done: &Done, verdict: &mut Verdict) {
    let shops = seats.iter().filter(|it| it.product.is_shop());
    let placed: BTreeMap<String, OrderHeld> =
        shops.flat_map(|it| it.site.orders()).map(|it| (it.po_number.clone(), it)).collect();
    let erps: Vec<&Seat> = seats.iter().filter(|it| !it.product.is_shop()).collect();
    let mut arrived: BTreeMap<&str, usize> = BTreeMap::new();
    for erp in &erps {
        let mut here: BTreeMap<String, Vec<OrderHeld>> = BTreeMap::new();
        for it in erp.site.orders() {
            here.entry(it.po_number.clone()).or_default().push(it);
        }
        for (number, at) in &done.orders {
            let found = here.remove(number).unwrap_or_default();
            verdict.orders.duplicates += found.len().saturating_sub(1) as u64;
            let (Some(order), Some(placed)) = (found.first(), placed.get(number)) else { continue };
            *arrived.entry(number).or_default() += 1;
            // Of what was called off neither side says any more what it would have been.
            if !placed.cancelled {
                booked(erp, (order, placed), *at, verdict);
            }
        }
        // Whatever is there and was never placed came from nowhere.
        for (number, orders) in here {
            verdict.orders.duplicates += orders.len() as u64;
            verdict.found("extra", || format!("order {number} at {} was never placed", erp.name()));
        }
    }
    verdict.orders.in_erp = arrived.values().filter(|it| **it == erps.len()).count() as u64;
}

fn booked(erp: &Seat, (order, placed): (&OrderHeld, &OrderHeld), at: UnixMs, verdict: &mut Verdict) {
    let (number, name) = (&order.po_number, erp.name());
    let what = format!("order {number} at {name}");
    verdict.orders.took.push(Took { what, made: at, ms: order.created_at.since(at) });
    verdict.fields += 4;
    if order.charges != placed.charges || order.total != placed.total {
        let (there, here) = ((&placed.charges, placed.total), (&order.charges, order.total));
        verdict.found("wrong", || format!("order {number} is charged {here:?} at {name} and {there:?} in the shop"));
    }
    if order.company != placed.company {
        verdict.found("wrong", || format!("order {number} at {name} is {}'s, not {}'s", order.company, placed.company));
    }
    let [mut wanted, mut held] = [placed, order].map(|it| it.lines.clone());
    wanted.sort();
    held.sort();
    if wanted != held {
        verdict.found("wrong", || format!("order {number} has lines {held:?} at {name} and {wanted:?} in the shop"));
    }
}

#[cfg(test)]
mod tests;
