//! What was done under which idempotency key.

use std::collections::BTreeMap;

use truthsource_core::UnixMs;

use super::inventory::Adjusted;

/// The keys that were used, by app and key.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    by_key: BTreeMap<(String, String), Attempt>,
}

#[derive(Debug, Clone)]
struct Attempt {
    fingerprint: String,
    outcome: Option<Adjusted>,
    at: UnixMs,
}

/// What a key says about the call that carries it.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is the first: carry it out.
    New,
    /// It was carried out: this was the result.
    Replay(Adjusted),
    /// The key was used for something else.
    Mismatch,
    /// An earlier call failed under this key.
    PreviousFailed,
}

impl Attempts {
    /// Looks a key up. `fingerprint` is the mutation with all its arguments.
    #[must_use]
    pub fn verdict(&self, now: UnixMs, lifetime_ms: u64, key: &(String, String), fingerprint: &str) -> Verdict {
        match self.by_key.get(key).filter(|it| now.since(it.at) < lifetime_ms) {
            None => Verdict::New,
            Some(attempt) if attempt.fingerprint != fingerprint => Verdict::Mismatch,
            Some(Attempt { outcome: Some(outcome), .. }) => Verdict::Replay(outcome.clone()),
            Some(_) => Verdict::PreviousFailed,
        }
    }

    /// Remembers what came of a key; `None`: it failed.
    pub fn remember(&mut self, now: UnixMs, key: (String, String), fingerprint: String, outcome: Option<Adjusted>) {
        self.by_key.insert(key, Attempt { fingerprint, outcome, at: now });
    }

    /// Forgets keys that are too old to count.
    pub fn forget_old(&mut self, now: UnixMs, lifetime_ms: u64) {
        if self.by_key.len() > KEPT_MAX {
            self.by_key.retain(|_, it| now.since(it.at) < lifetime_ms);
        }
    }
}

/// Keys are only cleared out when there are many.
const KEPT_MAX: usize = 10_000;
