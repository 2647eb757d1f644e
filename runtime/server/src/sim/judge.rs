//! What must hold at the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Kind, UnixMs, Value, schema};
use truthsource_simulators::world::{Cell, Held, OrderHeld};

use super::cast::Cast;
use super::coverage::Moment;
use super::notes::Notes;
use super::plan::{Shelf, WARE};
use super::shelf::{Shown, shown};
use super::wares;
use crate::demo::judge::{Verdict, judge};
use crate::demo::latency::Line;
use crate::demo::traffic::Done;
use crate::demo::world::Seat;
use crate::engine::fold::foresee::foresee;
use crate::engine::rules::RULES;
use crate::engine::{Engine, rebuild};
use crate::store::{About, Conflict, TenantStore, What};

/// Reads every system back and compares them with one another and with what people did: P1, P5 and P6.
pub fn systems(
    seats: (&[Seat], UnixMs),
    (first, shelf, cast): (&[Held], Option<&Shelf>, &Cast),
    changes: &[Line],
    (orders, conflicts, asked): (&Orders, &[Conflict], &BTreeSet<Cell>),
    violations: &mut Vec<String>,
) {
    let overruled = overruled(first, conflicts);
    let placed = orders.placed.iter().map(|(number, at)| (number.clone(), *at)).collect();
    let owner = seats.0.first().map(|it| it.site.held(it.there(seats.1))).unwrap_or_default();
    let Shown { computed, uncounted } = shelf.map(|it| shown(seats, &owner, it)).unwrap_or_default();
    let names: Vec<String> = seats.0.iter().map(|it| it.called.clone()).collect();
    let done = Done {
        orders: placed,
        overruled,
        computed,
        uncounted,
        aside: Some(WARE.to_lowercase()),
        law: cast.setup.law(&names),
        mapped: seats.0.iter().map(|it| it.product).filter(|it| cast.mappings.contains_key(it)).collect(),
        asked: asked.clone(),
        ..Done::default()
    };
    found(&judge(seats, first, changes, &done), violations);
    fates(seats.0, orders, violations);
}

/// What was found, as broken promises.
fn found(verdict: &Verdict, violations: &mut Vec<String>) {
    violations.extend(verdict.examples.iter().map(|it| format!("P1, P5: {it}")));
    if verdict.orders.duplicates > 0 {
        violations.push(format!("P6: {} orders too many", verdict.orders.duplicates));
    }
}

/// What must hold once all systems were read for the first time, and before anybody acts: the owner holds what it held
/// (P3), and nobody was made twice (P6). `owned`: what the owner held and what each holds now.
#[must_use]
pub fn opening(seats: &[Seat], (owned, held): (&Held, &[Held])) -> Vec<String> {
    let now = held.first();
    let moved = owned.iter().filter_map(|(cell, was)| {
        let is = now.and_then(|it| it.get(cell));
        (is != Some(was)).then(|| {
            let Cell { record, field } = cell;
            format!("P3: {record} {field} at the owner was {was:?} before anybody acted, and is {is:?}")
        })
    });
    moved.chain(seats.iter().flat_map(|it| wares::twins(it, |_| false))).collect()
}

/// What people did about orders.
#[derive(Debug, Default)]
pub struct Orders {
    /// Those that were placed, by the buyer's number, and when.
    pub placed: BTreeMap<String, UnixMs>,
    /// Those of them that nothing kept any more, at some time.
    pub free: BTreeSet<String>,
    /// Those of them that were called off.
    pub called_off: BTreeSet<String>,
}

/// Every order that stands is booked at every ERP; one that was called off is so wherever it is; and what has left of one is
/// known in every shop, parcel by parcel.
fn fates(seats: &[Seat], orders: &Orders, violations: &mut Vec<String>) {
    let held = |seat: &Seat| -> BTreeMap<String, OrderHeld> {
        let sorted = seat.site.orders().into_iter().map(|mut it| {
            it.parcels.sort();
            (it.po_number.clone(), it)
        });
        sorted.collect()
    };
    let held: Vec<BTreeMap<String, OrderHeld>> = seats.iter().map(held).collect();
    let ships = seats.iter().position(|it| !it.product.is_shop());
    for number in orders.placed.keys() {
        let booked = seats.iter().zip(&held).find(|(seat, here)| !seat.product.is_shop() && here.contains_key(number));
        if let Some((seat, _)) = booked.filter(|_| !orders.free.contains(number)) {
            violations.push(format!("P6: order/{number} is booked at {} and waits in the shop", seat.name()));
        }
        let is_off = orders.called_off.contains(number);
        // What was called off may have been booked before, or not.
        let erps = seats.iter().zip(&held).filter(|(seat, _)| !seat.product.is_shop());
        for (seat, _) in erps.filter(|(_, here)| !is_off && orders.free.contains(number) && !here.contains_key(number))
        {
            violations.push(format!("P6: order/{number} stands, and is not booked at {}", seat.name()));
        }
        for (seat, here) in seats.iter().zip(&held) {
            let Some(order) = here.get(number) else { continue };
            if order.cancelled != is_off {
                let (is, at) = (if is_off { "stands" } else { "is called off" }, seat.name());
                violations.push(format!("P1: order/{number} {is} at {at}"));
            }
            let Some(shipped) = ships.and_then(|at| held[at].get(number)).filter(|_| seat.product.is_shop()) else {
                continue;
            };
            if order.parcels != shipped.parcels {
                let (there, here) = (&shipped.parcels, &order.parcels);
                violations.push(format!("P1: of order/{number} left {there:?}, and {} holds {here:?}", seat.name()));
            }
        }
    }
}

/// Words that were heard and overruled.
fn overruled(first: &[Held], conflicts: &[Conflict]) -> BTreeSet<(Cell, String)> {
    words(first, conflicts, |_, _| true)
}

/// Words that something else was decided against.
pub fn decided_against(first: &[Held], conflicts: &[Conflict]) -> BTreeSet<(Cell, String)> {
    words(first, conflicts, |said, outcome| outcome.is_some_and(|it| it != said))
}

/// What was said in conflicts, of those words about which it is so, and of what was decided.
fn words(
    first: &[Held],
    conflicts: &[Conflict],
    is_so: impl Fn(&Value, Option<&Value>) -> bool,
) -> BTreeSet<(Cell, String)> {
    let names = names(first);
    let mut words = BTreeSet::new();
    for (cell, conflict) in conflicts.iter().filter_map(|it| Some((cell_of(&names, it)?, it))) {
        let said = conflict.claims.values().filter(|it| is_so(it, conflict.outcome.as_ref()));
        words.extend(said.map(|it| (cell.clone(), spelled(it))));
    }
    words
}

/// Fields of which a person is asked what they are.
pub fn asked(first: &[Held], conflicts: &[Conflict]) -> BTreeSet<Cell> {
    let names = names(first);
    conflicts.iter().filter(|it| it.outcome.is_none()).filter_map(|it| cell_of(&names, it)).collect()
}

/// Keys are in lower case, and names of records are as people write them.
fn names(first: &[Held]) -> BTreeMap<String, &String> {
    first.iter().flat_map(|it| it.keys()).map(|it| (it.record.to_lowercase(), &it.record)).collect()
}

/// The field that a conflict is about.
fn cell_of(names: &BTreeMap<String, &String>, conflict: &Conflict) -> Option<Cell> {
    let About::Field(field) = &conflict.about else { return None };
    Cell::named((*names.get(&record_of(&conflict.key))?).clone(), field)
}

/// A value as people spell it; rows are no word that anybody says by itself.
fn spelled(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Null | Value::Rows(_) => String::new(),
    }
}

/// What people call a record. A price is named the other way round.
pub fn record_of(key: &RecordKey) -> String {
    match (key.kind, key.key.split_once('@')) {
        (Kind::Price, Some((list, item))) => format!("price/{list}/{item}"),
        _ => key.to_string(),
    }
}

/// Looks through the timelines: what was applied never goes back (P7).
///
/// # Errors
/// When the store fails.
pub async fn history(store: &dyn TenantStore, notes: &mut Notes) -> anyhow::Result<()> {
    for kind in Kind::ALL {
        for key in store.records(kind, None, 1_000).await? {
            let key = RecordKey::new(kind, key);
            let mut applied: BTreeMap<ConnectionId, u64> = BTreeMap::new();
            for event in store.timeline(&key, 0, 10_000).await? {
                notes.reach(Moment::from(&event.what));
                let (Some(connection), What::Confirmed { version, .. }) = (event.connection, &event.what) else {
                    continue;
                };
                let before = applied.insert(connection, *version).unwrap_or(0);
                if before > *version {
                    notes.broke(format!("P7: {key} at {connection} went from version {before} back to {version}"));
                }
            }
        }
    }
    Ok(())
}

/// Everything is folded again: the same must come out, letter for letter.
///
/// # Errors
/// When the store fails.
pub async fn books(store: &dyn TenantStore, violations: &mut Vec<String>) -> anyhow::Result<()> {
    let rebuilt = rebuild::verify(store).await?;
    violations.extend(rebuilt.differences.iter().map(|it| format!("P8: folded again it differs: {it:?}")));
    Ok(())
}

/// Everything is decided once more, on copies, by the rules of now: nothing may come out otherwise, and nothing be owed.
///
/// # Errors
/// When the store fails.
pub async fn decided(engine: &Engine, notes: &mut Notes) -> anyhow::Result<()> {
    let rules = engine.store.setting(RULES).await?.map(serde_json::from_value).transpose()?.unwrap_or_default();
    let foreseen = foresee(engine, &rules, (None, RECORDS_MAX)).await?;
    notes.reach_times(Moment::OnceMore, foreseen.records);
    let otherwise = foreseen.otherwise.iter().map(|it| format!("P8: {} by the rules of now: {it:?}", it.key));
    notes.violations.extend(otherwise);
    notes.violations.extend(foreseen.writes.iter().map(|it| format!("P1: {} by the rules of now: {it:?}", it.key)));
    let keys = foreseen.records;
    anyhow::ensure!(foreseen.next.is_none(), "there are more than {keys} records");
    let reviewed = engine.store.accounts(None, RECORDS_MAX).await?.into_iter().collect();
    let rulings = engine.store.rulings(&reviewed).await?;
    notes.reach_times(Moment::Again, rulings.iter().filter(|it| it.ruling.reviewed).count() as u64);
    Ok(())
}

/// More records than there are in a run.
const RECORDS_MAX: u32 = 10_000;

/// The most lines of a story.
const STORY_MAX: usize = 400;

/// What happened to the records that violations name: what the journals of the systems say, and the timelines.
///
/// # Errors
/// When the store fails.
pub async fn story(store: &dyn TenantStore, seats: &[Seat], violations: &[String]) -> anyhow::Result<Vec<String>> {
    let named = |record: &str| violations.iter().any(|it| it.to_lowercase().contains(&record.to_lowercase()));
    let mut lines: Vec<(UnixMs, String)> = Vec::new();
    for seat in seats {
        let reader = seat.site.reader();
        for change in seat.site.system().journal().since(0) {
            let Some((cell, value)) = reader(&change) else { continue };
            if named(&cell.record) {
                let told = format!("{} {:?} at {}: {} = {value:?}", cell.record, change.actor, seat.name(), cell.field);
                lines.push((change.at, told));
            }
        }
    }
    for kind in Kind::ALL {
        for key in store.records(kind, None, 1_000).await? {
            let key = RecordKey::new(kind, key);
            let record = record_of(&key);
            // What is called like it, too: of two that were made under one name.
            let states = store.states(&BTreeSet::from([key.clone()])).await?;
            let called = states.get(&key).map(|it| it.truth.values()).unwrap_or_default();
            // And an order by the buyer's number.
            let ordered = called.get("po_number").and_then(Value::as_text).map(str::to_owned);
            let called = schema::of(kind).natural_key(&called).into_iter().chain(ordered);
            let mut called = called.map(|it| record_of(&RecordKey::new(kind, it)));
            if !named(&record) && !called.any(|it| named(&it)) {
                continue;
            }
            for event in store.timeline(&key, 0, 10_000).await? {
                lines.push((event.at, format!("{record} {:?} {:?}", event.connection, event.what)));
            }
        }
    }
    lines.sort();
    lines.truncate(STORY_MAX);
    Ok(lines.into_iter().map(|(at, it)| format!("{} {it}", at.0)).collect())
}

#[cfg(test)]
mod tests;
