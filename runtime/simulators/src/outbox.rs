//! Webhooks on their way out: when each leaves, and what happens when it is not taken.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use truthsource_core::UnixMs;

use crate::faults::Faults;

/// A webhook that a system sends, or a handshake by which it makes sure that somebody listens there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// How: `POST`, but for a handshake that has no body.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// With which headers, signature included.
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed.
    pub body: Bytes,
    /// Waits after each failed try, in milliseconds; empty: one try and no more.
    pub retries_ms: &'static [u64],
}

/// What a receiver said to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body, or the beginning of one that is out of all proportion.
    pub body: Bytes,
}

impl Answer {
    /// The receiver took it: 2xx.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Webhooks that have not been taken yet, by the moment they leave.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<(UnixMs, u64), (Webhook, usize)>,
    caused: u64,
    numbered: u64,
}

/// A webhook that leaves now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// What leaves.
    pub webhook: Webhook,
    /// How often it failed before.
    pub failures: usize,
}

impl Outbox {
    /// Queues a webhook as the fault menu has it: once, twice, late or never.
    pub fn add(&mut self, now: UnixMs, webhook: Webhook, faults: &Faults) {
        self.caused += 1;
        for delay_ms in faults.departures(self.caused) {
            self.enqueue(now.plus(delay_ms), webhook.clone(), 0);
        }
    }

    /// When the next webhook leaves; `None` if none waits.
    #[must_use]
    pub fn next_at(&self) -> Option<UnixMs> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Takes every webhook that leaves by `now`.
    pub fn take_due(&mut self, now: UnixMs) -> Vec<Departure> {
        let later = self.waiting.split_off(&(now.plus(1), 0));
        let due = std::mem::replace(&mut self.waiting, later);
        due.into_values().map(|(webhook, failures)| Departure { webhook, failures }).collect()
    }

    /// The departure was not answered 2xx: it leaves again later, unless its tries are used up.
    pub fn failed(&mut self, now: UnixMs, departure: Departure) {
        if let Some(wait_ms) = departure.webhook.retries_ms.get(departure.failures) {
            self.enqueue(now.plus(*wait_ms), departure.webhook, departure.failures + 1);
        }
    }

    fn enqueue(&mut self, at: UnixMs, webhook: Webhook, failures: usize) {
        self.numbered += 1;
        self.waiting.insert((at, self.numbered), (webhook, failures));
    }
}
