//! Reads both systems back and compares them with each other and with what people did.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::journal::{Actor, Change};

use super::latency::Took;
use super::reading::{Cell, Held, Names, Side, read, value};
use super::traffic::Done;
use super::world::World;

/// How long before the moment itself a change at the other side counts as made in the same moment.
const SAME_MOMENT_MS: u64 = 4_000;

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
    /// Orders placed in the shop that are in the ERP.
    pub in_erp: u64,
    /// Orders that are in the ERP more often than once.
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

/// Compares both systems. `first` is what they held when `changes` began.
#[must_use]
pub fn judge(world: &World, first: &[Held; 2], changes: &[(Side, Change)], done: &Done) -> Verdict {
    let names = Names::of(world);
    let held = Side::BOTH.map(|side| read(world, &names, side));
    let mut verdict = Verdict::default();
    compare(&held, &mut verdict);
    let said = said_by_people(&names, first, changes);
    quantities(&held[Side::Erp as usize], first, &said, &mut verdict);
    last_words(&held[Side::Erp as usize], &said, &mut verdict);
    orders(world, done, &mut verdict);
    verdict
}

fn compare([erp, shop]: &[Held; 2], verdict: &mut Verdict) {
    let cells: BTreeSet<&Cell> = erp.keys().chain(shop.keys()).collect();
    let records: BTreeSet<&str> = cells.iter().map(|it| it.record.as_str()).collect();
    verdict.records = records.len() as u64;
    verdict.fields = cells.len() as u64;
    for cell in cells {
        match (erp.get(cell), shop.get(cell)) {
            (Some(erp), Some(shop)) if erp == shop => {}
            (Some(erp), Some(shop)) => {
                verdict.found("wrong", || format!("{} {}: ERP {erp:?}, shop {shop:?}", cell.record, cell.field));
            }
            (Some(_), None) => verdict.found("missing", || format!("{} {} in the shop", cell.record, cell.field)),
            (None, _) => verdict.found("extra", || format!("{} {} in the shop alone", cell.record, cell.field)),
        }
    }
}

/// What a person did to a field.
struct Said {
    side: Side,
    at: UnixMs,
    /// What the field held there before.
    was: Option<String>,
    now: String,
}

/// Everything that people did, by field, in the order of time.
fn said_by_people(names: &Names, first: &[Held; 2], changes: &[(Side, Change)]) -> BTreeMap<Cell, Vec<Said>> {
    let mut held = first.clone();
    let mut said: BTreeMap<Cell, Vec<Said>> = BTreeMap::new();
    for (side, change) in changes {
        let Some(cell) = names.cell(*side, change) else { continue };
        let now = value(change);
        let was = held[*side as usize].insert(cell.clone(), now.clone());
        if change.actor == Actor::Human {
            said.entry(cell).or_default().push(Said { side: *side, at: change.at, was, now });
        }
    }
    said
}

/// Every movement of stock counts, wherever it was made: what the ERP held at first, and everything since.
fn quantities(erp: &Held, first: &[Held; 2], said: &BTreeMap<Cell, Vec<Said>>, verdict: &mut Verdict) {
    let number = |text: &String| text.parse::<Decimal>().ok();
    for (cell, held) in erp.iter().filter(|(cell, _)| cell.field == "on_hand") {
        let moves = said.get(cell).into_iter().flatten();
        let moved = |it: &Said| number(&it.now)?.checked_sub(it.was.as_ref().and_then(number)?);
        let sum = moves.map(moved).try_fold(Decimal::ZERO, |sum, it| sum.checked_add(it?));
        let opening = first[Side::Erp as usize].get(cell).and_then(number);
        let expected = opening.zip(sum).and_then(|(opening, sum)| opening.checked_add(sum));
        if number(held) != expected {
            verdict.found("wrong", || format!("{} holds {held}, counted were {expected:?}", cell.record));
        }
    }
}

/// What a person wrote last stands, unless the other side was changed in the same moment: then one of the two does.
/// The shop's word about what the ERP owns never stands.
fn last_words(erp: &Held, said: &BTreeMap<Cell, Vec<Said>>, verdict: &mut Verdict) {
    for (cell, said) in said.iter().filter(|(cell, _)| cell.field != "on_hand") {
        let erp_owns = !matches!(cell.field, "title" | "amount");
        let heard: Vec<&Said> = said.iter().filter(|it| !erp_owns || it.side == Side::Erp).collect();
        let (Some(last), Some(held)) = (heard.last(), erp.get(cell)) else { continue };
        let is_rival = |it: &&&Said| it.side != last.side && last.at.since(it.at) < SAME_MOMENT_MS;
        let rivals = heard.iter().filter(is_rival).map(|it| &it.now);
        let mut accepted = rivals.chain(std::iter::once(&last.now));
        if !accepted.any(|it| it == held) {
            verdict
                .found("wrong", || format!("{} {} holds {held:?}, last said {:?}", cell.record, cell.field, last.now));
        }
    }
}

/// Every order of the shop is in the ERP once, with its company and its lines.
fn orders(world: &World, done: &Done, verdict: &mut Verdict) {
    let codes: BTreeMap<u64, String> = world.erp.customers().into_iter().map(|it| (it.id, it.code)).collect();
    let buyers: BTreeMap<u64, String> = world.shop.companies().into_iter().map(|it| (it.id, it.code)).collect();
    let numbers: BTreeMap<u64, u64> = world.linked.iter().map(|(erp, shop)| (*shop, *erp)).collect();
    let placed: BTreeMap<_, _> =
        world.shop.orders().into_iter().filter_map(|it| Some((it.po_number.clone()?, it))).collect();
    let mut arrived: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for it in world.erp.orders() {
        arrived.entry(it.po_number.clone().unwrap_or_default()).or_default().push(it);
    }
    for (number, at) in &done.orders {
        let found = arrived.remove(number).unwrap_or_default();
        verdict.orders.in_erp += u64::from(!found.is_empty());
        verdict.orders.duplicates += found.len().saturating_sub(1) as u64;
        let (Some(order), Some(placed)) = (found.first(), placed.get(number)) else { continue };
        let what = format!("order {number} at the shop");
        verdict.orders.took.push(Took { what, made: *at, ms: order.created.since(*at) });
        verdict.fields += 2;
        if placed.company.and_then(|it| buyers.get(&it)) != order.entity.and_then(|it| codes.get(&it)) {
            verdict.found("wrong", || format!("order {number} is another company's in the ERP"));
        }
        let mut wanted: Vec<(Option<u64>, Decimal, Option<Decimal>)> = placed
            .lines
            .iter()
            .map(|it| (it.item.and_then(|it| numbers.get(&it).copied()), it.quantity.into(), Some(it.price)))
            .collect();
        let mut held: Vec<_> = order.lines.iter().map(|it| (Some(it.item), it.quantity, it.rate)).collect();
        wanted.sort();
        held.sort();
        if wanted != held {
            verdict
                .found("wrong", || format!("order {number} has lines {held:?} in the ERP and {wanted:?} in the shop"));
        }
    }
    // Whatever is in the ERP and was never placed came from nowhere.
    for (number, orders) in arrived {
        verdict.orders.duplicates += orders.len() as u64;
        verdict.found("extra", || format!("order {number} in the ERP was never placed"));
    }
}
