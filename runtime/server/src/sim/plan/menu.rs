//! What goes wrong in a run.

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_simulators::faults::Faults;

use crate::sim::drift::Drift;

/// How often what goes wrong, in one of a thousand requests, webhooks or commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Menu {
    /// All of it but cut listings goes wrong in the first minute, too, while systems are read for the first time.
    pub first_load: bool,
    /// A request is answered "too many requests".
    pub overloaded: u32,
    /// A request is answered 5xx.
    pub broken: u32,
    /// A request is never carried out, and never answered.
    pub timeout_before: u32,
    /// A request is carried out, and never answered.
    pub timeout_after: u32,
    /// A request is carried out, and its answer breaks off.
    pub broken_off: u32,
    /// A request is carried out, and its answer is a page for people.
    pub page_for_answer: u32,
    /// A write is answered as if it were carried out, and comes to nothing.
    pub unapplied: u32,
    /// Tokens and sessions end before their time.
    pub signed_out: u32,
    /// A write meets a record that somebody has open, where the system knows such; one of several in a request, too.
    pub locked: u32,
    /// A webhook never leaves.
    pub webhook_lost: u32,
    /// A webhook leaves twice.
    pub webhook_duplicate: u32,
    /// A webhook leaves late, by up to a minute, and is overtaken by others.
    pub webhook_late: u32,
    /// Systems that tell nothing any more: as people begin to act, somebody takes our subscriptions away.
    pub mute: Vec<usize>,
    /// Pages have so many rows at the most, where the system says itself whether there are more.
    pub page_max: usize,
    /// Searches miss what happened in the last so many milliseconds.
    pub search_lag_ms: u64,
    /// A field of a system's answers is not there for a while, or of another type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// A system's clock is wrong all day long, and by how many milliseconds it is ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew: Option<(usize, i64)>,
    /// A system cannot be reached for a while.
    pub outages: Vec<Outage>,
    /// The node dies before a commit.
    pub crash_before: u32,
    /// The node dies after a commit, before it knows.
    pub crash_after: u32,
    /// The node dies where it notes how far it has read, before that is there or after.
    pub crash_at_cursors: u32,
    /// A worker stands still before its turn until its lane is another's, and then takes it.
    pub stalled: u32,
    /// A complete listing comes back empty.
    pub listing_empty: u32,
    /// A complete listing comes back without some of what it should have.
    pub listing_cut: u32,
    /// And for certain at this commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_at: Option<CrashAt>,
}

/// A while in which a system refuses every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Which of the systems.
    pub seat: usize,
    /// When it begins, in milliseconds since people began to act.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
}

/// Where the node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashAt {
    /// The commit's number, from one.
    pub commit: u64,
    /// What it writes is there; nobody knows.
    pub stored: bool,
}

impl Menu {
    /// The names of the kinds of faults that are on.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let rates = [
            ("first-load", u64::from(self.first_load)),
            ("overloaded", self.overloaded.into()),
            ("broken", self.broken.into()),
            ("timeout-before", self.timeout_before.into()),
            ("timeout-after", self.timeout_after.into()),
            ("broken-off", self.broken_off.into()),
            ("page-for-answer", self.page_for_answer.into()),
            ("accepted-not-applied", self.unapplied.into()),
            ("token-expiry", self.signed_out.into()),
            ("record-lock", self.locked.into()),
            ("webhook-lost", self.webhook_lost.into()),
            ("webhook-duplicate", self.webhook_duplicate.into()),
            ("webhook-late", self.webhook_late.into()),
            ("mute", self.mute.len() as u64),
            ("search-lag", self.search_lag_ms),
            ("small-pages", self.page_max as u64),
            ("schema-drift", u64::from(self.drift.is_some())),
            ("clock-skew", u64::from(self.skew.is_some())),
            ("outage", self.outages.len() as u64),
            ("crash-before", self.crash_before.into()),
            ("crash-after", self.crash_after.into()),
            ("crash-at-cursors", self.crash_at_cursors.into()),
            ("stalled", self.stalled.into()),
            ("listing-empty", self.listing_empty.into()),
            ("listing-cut", self.listing_cut.into()),
            ("crash-at", u64::from(self.crash_at.is_some())),
        ];
        rates.into_iter().filter(|(_, rate)| *rate > 0).map(|(name, _)| name).collect()
    }

    /// By how many milliseconds the clock of one of the systems is ahead.
    #[must_use]
    pub fn ahead_ms(&self, seat: usize) -> i64 {
        self.skew.filter(|(at, _)| *at == seat).map_or(0, |(_, ms)| ms)
    }

    /// What goes wrong at the door of one of the systems, where people began to act at `begun`.
    #[must_use]
    pub fn at(&self, seat: usize, seed: u64, begun: UnixMs) -> Faults {
        let outage = self.outages.iter().find(|it| it.seat == seat);
        Faults {
            seed: seed.wrapping_mul(31).wrapping_add(seat as u64),
            overloaded: self.overloaded,
            broken: self.broken,
            timeout_before: self.timeout_before,
            timeout_after: self.timeout_after,
            broken_off: self.broken_off,
            page_for_answer: self.page_for_answer,
            unapplied: self.unapplied,
            signed_out: self.signed_out,
            locked: self.locked,
            webhook_lost: self.webhook_lost,
            webhook_duplicate: self.webhook_duplicate,
            webhook_late: self.webhook_late,
            webhook_late_ms_max: 60_000,
            search_lag_ms: self.search_lag_ms,
            page_max: self.page_max,
            latency_ms: 0,
            outage: outage.map(|it| (begun.plus(it.from_ms), begun.plus(it.to_ms))),
        }
    }
}
