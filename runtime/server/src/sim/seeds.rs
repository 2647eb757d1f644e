//! Many runs, on every processor, and what came of them together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::coverage::Moment;
use super::notes::Notes;
use super::store::Keeping;
use super::{Cast, Outcome, Plan, run};

/// What runs keep their data in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Stores {
    /// The store as it is meant, in memory.
    Model,
    /// SQLite, in files of the run's own.
    Sqlite,
    /// Both, one after the other, and what they hold at the end must be the same.
    Both,
}

/// What many runs came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Time that passed in them together, in milliseconds.
    pub simulated_ms: u64,
    /// In how many runs each kind of fault was on.
    pub faults_by_kind: BTreeMap<String, u64>,
    /// How often what was reached, in all runs: see [`Tally::coverage`].
    pub reached: BTreeMap<Moment, u64>,
    /// Runs that broke a promise, by seed.
    pub broken: BTreeMap<u64, Broken>,
}

/// A run that broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its plan.
    pub plan: Plan,
    /// What was broken, in words.
    pub violations: Vec<String>,
    /// What happened to the records in question.
    pub story: Vec<String>,
}

impl Tally {
    /// How often each moment that is possible was reached in all runs, by name; 0 where it never was.
    #[must_use]
    pub fn coverage(&self, cast: &Cast, stores: Stores) -> BTreeMap<&'static str, u64> {
        let times = |it: &Moment| self.reached.get(it).copied().unwrap_or(0);
        let possible = Moment::ALL.iter().filter(|it| it.is_possible(cast, stores));
        possible.map(|it| (it.name(), times(it))).collect()
    }

    fn add(&mut self, plan: Plan, outcome: Outcome) {
        self.seeds += 1;
        self.simulated_ms += outcome.simulated_ms;
        for kind in plan.kinds() {
            *self.faults_by_kind.entry(kind.to_owned()).or_default() += 1;
        }
        for (what, times) in &outcome.notes.reached {
            *self.reached.entry(*what).or_default() += times;
        }
        if !outcome.notes.violations.is_empty() {
            let Outcome { notes: Notes { violations, .. }, story, .. } = outcome;
            self.broken.insert(plan.seed, Broken { plan, violations, story });
        }
    }
}

/// Carries out the plans of these numbers on `jobs` threads. After `broken_max` runs that broke a promise no others begin.
///
/// # Errors
/// When a run cannot be set up.
pub fn run_all(
    (cast, stores): (&Arc<Cast>, Stores),
    (plans, jobs, broken_max): (&[u64], usize, usize),
    plan: impl Fn(u64) -> Plan + Sync,
    told: impl Fn(&Tally) + Sync,
) -> anyhow::Result<Tally> {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let failed: Mutex<Option<anyhow::Error>> = Mutex::default();
    let work = || {
        loop {
            let at = usize::try_from(next.fetch_add(1, Ordering::SeqCst)).unwrap_or(usize::MAX);
            let Some(seed) = plans.get(at) else { return };
            let plan = plan(*seed);
            match alone(cast, &plan, stores) {
                Ok(outcome) => {
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.add(plan, outcome);
                    told(&tally);
                    if tally.broken.len() >= broken_max {
                        return;
                    }
                }
                Err(error) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Carries out one plan on this thread alone. On both stores it must come to the same.
///
/// # Errors
/// When it cannot be set up.
pub fn alone(cast: &Arc<Cast>, plan: &Plan, stores: Stores) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let on = |keeping| runtime.block_on(run(cast, plan, keeping));
    match stores {
        Stores::Model => on(Keeping::Model),
        Stores::Sqlite => on(Keeping::Sqlite),
        Stores::Both => {
            let (mut model, sqlite) = (on(Keeping::Model)?, on(Keeping::Sqlite)?);
            if (&model.state, &model.trace) == (&sqlite.state, &sqlite.trace) {
                model.notes.reach(Moment::BothStores);
            } else {
                model.notes.broke(format!("stores: {} in the model, {} in SQLite", model.state, sqlite.state));
            }
            Ok(model)
        }
    }
}
