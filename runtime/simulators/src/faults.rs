//! What may go wrong between us and a system, and how often.

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;

/// The menu of faults. Rates are per mille of requests or webhooks; all are zero at the start. Which request is hit
/// follows from the seed and the request's number alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Decides who is hit.
    pub seed: u64,
    /// Answered "too many requests" without being carried out.
    pub overloaded: u32,
    /// Answered 5xx without being carried out.
    pub broken: u32,
    /// Never carried out, never answered.
    pub timeout_before: u32,
    /// Carried out, never answered.
    pub timeout_after: u32,
    /// Carried out, and the connection breaks before the answer.
    pub broken_off: u32,
    /// Carried out, and answered "200" with a page for people, as something in between has put there.
    pub page_for_answer: u32,
    /// Answered as if carried out, and not carried out: success means accepted, and what was accepted comes to nothing.
    pub unapplied: u32,
    /// Before it every token and session that the system gave out ends.
    pub signed_out: u32,
    /// Writes that meet a record which somebody else has open; each of several in one request may.
    pub locked: u32,
    /// Webhooks that never leave.
    pub webhook_lost: u32,
    /// Webhooks that leave twice.
    pub webhook_duplicate: u32,
    /// Webhooks that leave late, by up to `webhook_late_ms_max`.
    pub webhook_late: u32,
    /// How late a late webhook is at the most.
    pub webhook_late_ms_max: u64,
    /// How long after a change search-backed reads may still miss it.
    pub search_lag_ms: u64,
    /// Rows of a page at the most, whatever is asked for; 0: as many as the system gives.
    pub page_max: usize,
    /// How long the system takes to answer.
    pub latency_ms: u64,
    /// The system refuses connections from the first moment to before the second.
    pub outage: Option<(UnixMs, UnixMs)>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 0,
            overloaded: 0,
            broken: 0,
            timeout_before: 0,
            timeout_after: 0,
            broken_off: 0,
            page_for_answer: 0,
            unapplied: 0,
            signed_out: 0,
            locked: 0,
            webhook_lost: 0,
            webhook_duplicate: 0,
            webhook_late: 0,
            webhook_late_ms_max: 5_000,
            search_lag_ms: 0,
            page_max: 0,
            latency_ms: 0,
            outage: None,
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// It is carried out and answered.
    None,
    /// It is answered "too many requests".
    Overloaded,
    /// It is answered 5xx.
    Broken,
    /// The connection is refused.
    Refused,
    /// It is lost on the way there.
    TimeoutBefore,
    /// Its answer is lost on the way back.
    TimeoutAfter,
    /// It is carried out, and the connection breaks before the answer.
    BrokenOff,
    /// It is carried out, and its answer is a page for people.
    PageForAnswer,
    /// It is answered as if it were carried out.
    Unapplied,
    /// Whoever signed in must sign in again.
    SignedOut,
}

impl Faults {
    /// Rows of a page, of `size` that are asked for.
    #[must_use]
    pub fn page(page_max: usize, size: usize) -> usize {
        if page_max == 0 { size } else { size.min(page_max) }
    }

    /// What happens to the `n`th request.
    #[must_use]
    pub fn hit(&self, now: UnixMs, n: u64) -> Hit {
        if self.outage.is_some_and(|(from, to)| from <= now && now < to) {
            return Hit::Refused;
        }
        let draw = Draw::new(self.seed);
        let menu = [
            (self.overloaded, "overloaded", Hit::Overloaded),
            (self.broken, "broken", Hit::Broken),
            (self.timeout_before, "timeout-before", Hit::TimeoutBefore),
            (self.timeout_after, "timeout-after", Hit::TimeoutAfter),
            (self.broken_off, "broken-off", Hit::BrokenOff),
            (self.page_for_answer, "page-for-answer", Hit::PageForAnswer),
            (self.unapplied, "unapplied", Hit::Unapplied),
            (self.signed_out, "signed-out", Hit::SignedOut),
        ];
        let hit = menu.into_iter().find(|(rate, purpose, _)| draw.chance(*rate, purpose, n));
        hit.map_or(Hit::None, |(_, _, hit)| hit)
    }

    /// When the copies of the `n`th webhook leave, as delays in milliseconds: none for a lost one, two for a
    /// duplicated one.
    #[must_use]
    pub fn departures(&self, n: u64) -> Vec<u64> {
        let draw = Draw::new(self.seed);
        if draw.chance(self.webhook_lost, "webhook-lost", n) {
            return Vec::new();
        }
        let late = draw.chance(self.webhook_late, "webhook-late", n);
        let delay = if late { draw.below(self.webhook_late_ms_max, "webhook-lateness", n) } else { 0 };
        let mut departures = vec![delay];
        if draw.chance(self.webhook_duplicate, "webhook-duplicate", n) {
            departures.push(delay + draw.below(200, "webhook-second", n));
        }
        departures
    }
}
