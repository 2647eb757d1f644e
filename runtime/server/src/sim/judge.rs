//! What must hold at the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Decimal, Kind, Value};

use super::guests::SimGuests;
use super::plan::{SHOP, SYSTEMS};
use super::run::{ITEMS, OPENING, OWNER, item_of, level_of};
use crate::store::{TenantStore, What};

/// Reads every system back and compares them with one another and with what people did.
pub fn systems(guests: &SimGuests, moved: &BTreeMap<u64, i64>, violations: &mut Vec<String>) {
    for at in 0..SYSTEMS {
        violations.append(&mut guests.system(at).breaches);
    }
    for item in 0..ITEMS {
        for field in ["title", "barcode"] {
            let seen: BTreeSet<Option<Value>> = (0..SYSTEMS).map(|at| item_field(guests, at, item, field)).collect();
            if seen.len() != 1 || seen.contains(&None) {
                violations.push(format!("P1: {field} of item {item} differs: {seen:?}"));
            }
        }
        let expected = Decimal::from(OPENING) + Decimal::from(moved.get(&item).copied().unwrap_or(0) as i32);
        for at in 0..SYSTEMS {
            let level = level_of(&guests.system(at), item).map(|it| it.1);
            if level != Some(expected) {
                let name = guests.system(at).name;
                violations.push(format!("P5: item {item} at {name} is {level:?}, and {expected} were counted"));
            }
        }
    }
    orders(guests, violations);
}

fn item_field(guests: &SimGuests, at: usize, item: u64, field: &str) -> Option<Value> {
    let system = guests.system(at);
    let id = item_of(&system, item)?;
    system.value(Kind::Item, &id, field).cloned()
}

/// Every order of the shop is in the ERP, exactly once (P6).
fn orders(guests: &SimGuests, violations: &mut Vec<String>) {
    let numbers = |at: usize| {
        let system = guests.system(at);
        let mut numbers: Vec<Option<Value>> =
            system.all(Kind::Order).map(|(_, it)| it.get("number").cloned()).collect();
        numbers.sort();
        numbers
    };
    let (placed, arrived) = (numbers(SHOP), numbers(OWNER));
    if placed != arrived {
        violations.push(format!("P6: orders placed {placed:?}, orders in the ERP {arrived:?}"));
    }
}

/// Looks through the timelines: what was applied never goes back (P7).
///
/// # Errors
/// When the store fails.
pub async fn history(
    store: &dyn TenantStore,
    violations: &mut Vec<String>,
    reached: &mut BTreeMap<String, u64>,
) -> anyhow::Result<()> {
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
                *reached.entry(name.to_owned()).or_default() += 1;
                let (Some(connection), What::Confirmed { version, .. }) = (event.connection, &event.what) else {
                    continue;
                };
                let before = applied.insert(connection, *version).unwrap_or(0);
                if before > *version {
                    violations.push(format!("P7: {key} at {connection} went from version {before} back to {version}"));
                }
            }
        }
    }
    Ok(())
}
