//! How fine a system's times are, and whether anything falls between them.

use truthsource_core::Kind;

use super::rig::Rig;
use super::seen::{begun, difference, stir};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// Grains that systems have, in milliseconds.
const GRAINS: [u64; 6] = [1, 10, 100, 1_000, 60_000, 86_400_000];
/// Edges that changes are made at: within one grain of the second, the minute and the day, and over into the next.
const EDGES_MS: [u64; 3] = [1_000, 60_000, 86_400_000];
/// How long before an edge the first of two changes is made, and how long after it the second.
const STEPS_MS: [(u64, u64); 3] = [(957, 3), (7, 3), (7, 19)];

/// Two changes close to each other, with a pull between them, around every edge: neither is lost.
///
/// # Errors
/// When it cannot be tried.
pub async fn granularity(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, mut known, mut cursor) = begun(stand, kind).await?;
    let mut stamps = Vec::new();
    let mut n = 10;
    for edge_ms in EDGES_MS {
        for (before_ms, then_ms) in STEPS_MS {
            let since = rig.now().0;
            let edge = (since + before_ms).next_multiple_of(edge_ms);
            rig.pass(edge - before_ms - since);
            n += 2;
            let first = stir(&rig, kind, n).await?;
            let (early, between) = rig.delta(kind, &cursor, 0).await?;
            rig.pass(then_ms);
            let second = stir(&rig, kind, n + 1).await?;
            rig.settle(kind);
            let (late, after) = rig.delta(kind, &between, 0).await?;
            let (seen, now) = (early.then(late), rig.list(kind).await?);
            let news = difference(&known, &now);
            stamps.extend(news.iter().filter_map(|it| it.changed_at).map(|it| it.0));
            if let Some(lost) = news.iter().find(|it| !seen.tells(it)) {
                let told = format!(
                    "{first}; a pull; {then_ms} ms later {second}, {before_ms} ms before an edge of {edge_ms} ms; no pull \
                     told of {} as it is",
                    lost.remote_id
                );
                return Ok(Found::refuted(told).measuring(grain_of(&stamps).unwrap_or(edge_ms)));
            }
            (known, cursor) = (now, after);
        }
    }
    measured(&rig, kind, &stamps)
}

fn measured(rig: &Rig, kind: Kind, stamps: &[u64]) -> Result<Found, Halt> {
    let declared = u64::from(rig.power(kind)?.granularity_ms);
    let tries = EDGES_MS.len() * STEPS_MS.len();
    let Some(grain_ms) = grain_of(stamps) else {
        return Ok(Found::proved(format!(
            "{tries} pairs of changes around edges of times; none was lost; no times are told"
        )));
    };
    if grain_ms > declared {
        let told = format!("times of change are multiples of {grain_ms} ms, and {declared} ms are declared");
        return Ok(Found::refuted(told).measuring(grain_ms));
    }
    Ok(Found::proved(format!("{tries} pairs of changes around edges of times; none was lost")).measuring(grain_ms))
}

/// The coarsest grain that all these moments are multiples of; `None` of none.
fn grain_of(stamps: &[u64]) -> Option<u64> {
    if stamps.is_empty() {
        return None;
    }
    GRAINS.into_iter().rev().find(|grain| stamps.iter().all(|it| it.is_multiple_of(*grain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grain_is_what_all_times_are_multiples_of() {
        assert_eq!(grain_of(&[]), None);
        assert_eq!(grain_of(&[1_000, 61_000]), Some(1_000));
        assert_eq!(grain_of(&[120_000, 60_000]), Some(60_000));
        assert_eq!(grain_of(&[120_000, 60_010]), Some(10));
        assert_eq!(grain_of(&[120_000, 7]), Some(1));
    }
}
