//! What must hold at the end of a run.

use std::collections::BTreeMap;

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Kind, UnixMs};
use truthsource_simulators::world::Held;

use crate::demo::judge::{Rivals, judge};
use crate::demo::latency::Line;
use crate::demo::traffic::Done;
use crate::demo::world::Seat;
use crate::store::{TenantStore, What};

/// Reads every system back and compares them with one another and with what people did: P1, P5 and P6.
pub fn systems(
    seats: (&[Seat], UnixMs),
    first: &[Held],
    changes: &[Line],
    placed: &[(String, UnixMs)],
    violations: &mut Vec<String>,
) {
    let done = Done { orders: placed.to_vec(), rivals: Rivals::Untold, ..Done::default() };
    let verdict = judge(seats, first, changes, &done);
    violations.extend(verdict.examples.iter().map(|it| format!("P1, P5: {it}")));
    let orders = &verdict.orders;
    if orders.duplicates > 0 || orders.in_erp != placed.len() as u64 {
        let (in_erp, twice, placed) = (orders.in_erp, orders.duplicates, placed.len());
        violations.push(format!("P6: {placed} orders placed, {in_erp} in every ERP, {twice} too many"));
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
