//! Second versions of policies: asked what the active ones are asked, and never deciding.
//!
//! A version runs beside the active one on what is really asked, one call at a time and for a share of the questions
//! where there are many: whoever folds never waits for it. What it said is counted and forgotten with the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Semaphore;
use truthsource_core::UnixMs;
use truthsource_host::model::{Conflict, Decision};
use truthsource_host::{CallError, CallSetup, Policy};

use super::Active;
use crate::app::{Rivalry, TenantHandle};
use crate::engine::compare::disagreement;
use crate::store::control::TenantId;

/// Disagreements that are remembered.
const EXAMPLES_MAX: usize = 20;
/// Failures in a row after which it is not asked any more.
const FAILURES_MAX: u32 = 20;
/// Questions of one call: what is more is left out.
const QUESTIONS_MAX: usize = 200;

type Key = (TenantId, String);

/// Every slot's second version, where one is compared.
#[derive(Default)]
pub struct Rivals {
    of: RwLock<BTreeMap<Key, Arc<Rival>>>,
}

/// A second version of a policy.
pub struct Rival {
    active: Arc<Active>,
    policy: Policy,
    /// One call at a time.
    turn: Arc<Semaphore>,
    tally: Mutex<Tally>,
}

struct Tally {
    seen: Rivalry,
    examples: VecDeque<crate::engine::compare::Disagreement>,
    failures: u32,
}

impl Rivals {
    /// From now on this release is compared with whatever is active in its slot, from zero.
    pub fn begin(&self, tenant: &TenantHandle, (active, policy): (Arc<Active>, Policy), now: UnixMs) -> Rivalry {
        let seen = Rivalry {
            release: active.id,
            digest: active.release.digest().to_string(),
            since: now,
            ..Rivalry::default()
        };
        let key = (tenant.tenant.id, active.slot.clone());
        let tally = Mutex::new(Tally { seen: seen.clone(), examples: VecDeque::new(), failures: 0 });
        let rival = Rival { active, policy, turn: Arc::new(Semaphore::new(1)), tally };
        self.of.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(rival));
        seen
    }

    /// The second version in a slot.
    pub fn find(&self, tenant: TenantId, slot: &str) -> Option<Arc<Rival>> {
        self.of.read().unwrap_or_else(PoisonError::into_inner).get(&(tenant, slot.to_owned())).cloned()
    }

    /// Forgets a tenant.
    pub fn erase(&self, tenant: TenantId) {
        self.of.write().unwrap_or_else(PoisonError::into_inner).retain(|(whose, _), _| *whose != tenant);
    }

    /// It is compared no more. Gives what was seen.
    pub fn end(&self, tenant: TenantId, slot: &str) -> Option<Rivalry> {
        let ended = self.of.write().unwrap_or_else(PoisonError::into_inner).remove(&(tenant, slot.to_owned()));
        ended.map(|it| it.seen())
    }
}

impl Rival {
    /// What was seen so far.
    pub fn seen(&self) -> Rivalry {
        let tally = self.tally();
        Rivalry { examples: tally.examples.iter().rev().cloned().collect(), ..tally.seen.clone() }
    }

    /// Puts to it what the active release just decided, beside everything else. Where it is still busy with what it was
    /// asked before, or keeps failing, that is only counted.
    pub fn ask(self: &Arc<Self>, setup: CallSetup, conflicts: &[Conflict], decided: &[Decision], at: UnixMs) {
        let (most, n) = (conflicts.len().min(QUESTIONS_MAX), conflicts.len() as u64);
        let turn = self.turn.clone().try_acquire_owned().ok();
        let mut tally = self.tally();
        let Some(turn) = turn.filter(|_| tally.failures < FAILURES_MAX) else {
            tally.seen.skipped += n;
            return;
        };
        tally.seen.skipped += n - most as u64;
        drop(tally);
        let (rival, conflicts, decided) = (self.clone(), conflicts[..most].to_vec(), decided.to_vec());
        tokio::spawn(async move {
            let answer = rival.policy.decide(&setup, conflicts.clone()).await.0;
            rival.note((&conflicts, &decided), answer, at);
            drop(turn);
        });
    }

    fn note(
        &self,
        (conflicts, decided): (&[Conflict], &[Decision]),
        answer: Result<Vec<Decision>, CallError>,
        at: UnixMs,
    ) {
        let mut tally = self.tally();
        tally.seen.asked += conflicts.len() as u64;
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => {
                tracing::debug!(slot = self.active.slot, %error, "a second version of a policy failed");
                tally.seen.failed += conflicts.len() as u64;
                tally.seen.failure = Some(error.to_string());
                tally.failures += 1;
                return;
            }
        };
        tally.failures = 0;
        for ((conflict, is), would) in conflicts.iter().zip(decided).zip(&answers) {
            let Some(found) = disagreement(at, conflict, is, would) else { continue };
            tally.seen.disagreeing += 1;
            tally.examples.push_back(found);
            if tally.examples.len() > EXAMPLES_MAX {
                tally.examples.pop_front();
            }
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
