//! What must hold at the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Kind, UnixMs, Value};
use truthsource_simulators::world::{Cell, Held};

use super::notes::Notes;
use crate::demo::judge::{Rivals, judge};
use crate::demo::latency::Line;
use crate::demo::traffic::Done;
use crate::demo::world::Seat;
use crate::engine::rebuild;
use crate::store::{About, Conflict, TenantStore, What};

/// Reads every system back and compares them with one another and with what people did: P1, P5 and P6.
pub fn systems(
    seats: (&[Seat], UnixMs),
    first: &[Held],
    changes: &[Line],
    (placed, conflicts): (&[(String, UnixMs)], &[Conflict]),
    violations: &mut Vec<String>,
) {
    let overruled = overruled(first, conflicts);
    let done = Done { orders: placed.to_vec(), rivals: Rivals::Untold, overruled, ..Done::default() };
    let verdict = judge(seats, first, changes, &done);
    violations.extend(verdict.examples.iter().map(|it| format!("P1, P5: {it}")));
    let orders = &verdict.orders;
    if orders.duplicates > 0 || orders.in_erp != placed.len() as u64 {
        let (in_erp, twice, placed) = (orders.in_erp, orders.duplicates, placed.len());
        violations.push(format!("P6: {placed} orders placed, {in_erp} in every ERP, {twice} too many"));
    }
}

/// Words that were heard and overruled.
fn overruled(first: &[Held], conflicts: &[Conflict]) -> BTreeSet<(Cell, String)> {
    // Keys are in lower case, and names of records are as people write them.
    let names: BTreeMap<String, &String> =
        first.iter().flat_map(|it| it.keys()).map(|it| (it.record.to_lowercase(), &it.record)).collect();
    let mut words = BTreeSet::new();
    for conflict in conflicts {
        let About::Field(field) = &conflict.about else { continue };
        let Some(record) = names.get(&record_of(&conflict.key)) else { continue };
        let Some(cell) = Cell::named((*record).clone(), field) else { continue };
        words.extend(conflict.claims.values().map(|it| (cell.clone(), spelled(it))));
    }
    words
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
fn record_of(key: &RecordKey) -> String {
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
                let name = match &event.what {
                    What::Confirmed { .. } => "write confirmed",
                    What::Failed { .. } => "write failed",
                    What::Decided { .. } => "conflict decided",
                    What::Parked { .. } => "debt parked",
                    _ => continue,
                };
                notes.reach(name);
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

/// The most lines of a story.
const STORY_MAX: usize = 400;

/// What happened to the records that violations name: what the journals of the systems say, and the timelines.
///
/// # Errors
/// When the store fails.
pub async fn story(store: &dyn TenantStore, seats: &[Seat], violations: &[String]) -> anyhow::Result<Vec<String>> {
    let named = |record: &str| violations.iter().any(|it| it.to_lowercase().contains(record));
    let mut lines: Vec<(UnixMs, String)> = Vec::new();
    for seat in seats {
        let reader = seat.site.reader();
        for change in seat.site.system().journal().since(0) {
            let Some((cell, value)) = reader(&change) else { continue };
            if named(&cell.record.to_lowercase()) {
                let told = format!("{} {:?} at {}: {} = {value:?}", cell.record, change.actor, seat.name(), cell.field);
                lines.push((change.at, told));
            }
        }
    }
    for kind in Kind::ALL {
        for key in store.records(kind, None, 1_000).await? {
            let key = RecordKey::new(kind, key);
            let record = record_of(&key);
            if !named(&record) {
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
