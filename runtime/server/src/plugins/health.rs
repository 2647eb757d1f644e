//! Which release fails again and again, and is left alone for a while.
//!
//! Failures are counted by release, so that a component that is broken, or that one poisonous input after the other
//! makes fail, costs its tenant that component and nothing else. Only what its author must answer for counts: neither a
//! refusal in the contract's words nor a machine without room says anything about the component.

use std::sync::{Mutex, PoisonError};

use truthsource_core::UnixMs;
use truthsource_host::{Actor, CallError};

use crate::app::Failing;

/// So many failures in a row, without a single answer between them, are the component's and not its input's: one record
/// that makes it fail among five hundred is found in ten.
pub(super) const FAILURES_MAX: u32 = 20;
/// Fuel that takes some five milliseconds to burn: a rule that waited for its turn has not burned so much.
const BUSY_FUEL: u64 = 5_000_000;
/// How long a failing release is left alone at first; doubled with every try that fails.
const REST_MS: u64 = 1_000;
/// The longest that it is left alone.
const REST_MS_MAX: u64 = 60_000;

/// How a release has been answering of late.
#[derive(Debug, Default)]
pub struct Health(Mutex<Record>);

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    code: &'static str,
    since: UnixMs,
    rests_until: UnixMs,
}

impl Health {
    /// Whether the release may be called now. Of those who ask once its rest is over, one is let through.
    ///
    /// # Errors
    /// [`CallError::Failing`].
    pub fn admit(&self, now: UnixMs) -> Result<(), CallError> {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if record.failures < FAILURES_MAX {
            return Ok(());
        }
        if now < record.rests_until {
            let retry_ms = record.rests_until.since(now);
            return Err(CallError::Failing { failures: record.failures, retry_ms });
        }
        record.rest(now);
        Ok(())
    }

    /// Takes note of how a call ended that burned so much fuel, where fuel is counted.
    pub fn note<T>(&self, now: UnixMs, result: &Result<T, CallError>, fuel: Option<u64>) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) | Err(CallError::Refused(_)) => *record = Record::default(),
            Err(error) if is_its_own(error, fuel) => {
                if record.failures == 0 {
                    record.since = now;
                }
                record.failures += 1;
                record.code = error.code();
                record.rest(now);
            }
            Err(_) => {}
        }
    }

    /// How it fails, if it is left alone.
    #[must_use]
    pub fn failing(&self) -> Option<Failing> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Record { failures, code, since, rests_until: retry_at } = *record;
        (failures >= FAILURES_MAX).then_some(Failing { failures, since, code, retry_at })
    }
}

impl Record {
    fn rest(&mut self, now: UnixMs) {
        let doublings = self.failures.saturating_sub(FAILURES_MAX).min(16);
        self.rests_until = now.plus((REST_MS << doublings).min(REST_MS_MAX));
    }
}

/// A panic of ours is noted too: whatever the component did to bring it about, it must not do it again and again. Where
/// many loop at once each ends by the clock before its fuel does: one that was busy all that time has itself to blame.
fn is_its_own(error: &CallError, fuel: Option<u64>) -> bool {
    match error {
        CallError::Panicked { .. } => true,
        CallError::TimedOut { .. } => fuel.is_some_and(|it| it >= BUSY_FUEL),
        CallError::Failing { .. } => false,
        other => other.actor() == Actor::Author,
    }
}

#[cfg(test)]
mod tests {
    use truthsource_host::model::Fault;

    use super::*;

    fn trap() -> Result<(), CallError> {
        Err(CallError::OutOfFuel { fuel_max: 1 })
    }

    fn failing(at: UnixMs) -> Health {
        let health = Health::default();
        (0..FAILURES_MAX).for_each(|_| health.note(at, &trap(), None));
        health
    }

    #[test]
    fn g18_a_release_that_only_fails_is_left_alone() {
        let health = failing(UnixMs(500));
        assert_eq!(
            health.failing(),
            Some(Failing { failures: 20, since: UnixMs(500), code: "out-of-fuel", retry_at: UnixMs(1_500) })
        );
        assert_eq!(health.admit(UnixMs(700)), Err(CallError::Failing { failures: 20, retry_ms: 800 }));
        // One is let through, and its failure doubles the rest.
        assert_eq!(health.admit(UnixMs(1_500)), Ok(()));
        assert!(health.admit(UnixMs(1_500)).is_err());
        health.note(UnixMs(1_510), &trap(), None);
        assert_eq!(health.failing().map(|it| it.retry_at), Some(UnixMs(3_510)));
        assert_eq!(health.admit(UnixMs(3_510)), Ok(()));
        health.note(UnixMs(3_520), &Ok(()), None);
        assert_eq!((health.failing(), health.admit(UnixMs(3_520))), (None, Ok(())));
    }

    #[test]
    fn a_rest_has_an_end() {
        let health = failing(UnixMs(0));
        (0..100).for_each(|_| health.note(UnixMs(0), &trap(), None));
        assert_eq!(health.failing().map(|it| it.retry_at), Some(UnixMs(REST_MS_MAX)));
    }

    #[test]
    fn one_answer_shows_that_it_works() {
        let health = Health::default();
        for _ in 0..10 {
            (0..FAILURES_MAX - 1).for_each(|_| health.note(UnixMs(0), &trap(), None));
            health.note(UnixMs(0), &Ok(()), None);
        }
        assert_eq!(health.admit(UnixMs(0)), Ok(()));
    }

    #[test]
    fn g19_one_that_loops_beside_many_others_is_known_by_its_fuel() {
        let timed_out = || Err::<(), _>(CallError::TimedOut { wall_ms_max: 250 });
        let after = |fuel: Option<u64>| {
            let health = Health::default();
            (0..FAILURES_MAX).for_each(|_| health.note(UnixMs(0), &timed_out(), fuel));
            health.failing().is_some()
        };
        assert_eq!([None, Some(10_000), Some(BUSY_FUEL)].map(after), [false, false, true]);
    }

    #[test]
    fn g12_only_what_the_component_did_counts() {
        let check = |error: CallError, counts: bool| {
            let health = Health::default();
            (0..FAILURES_MAX).for_each(|_| health.note(UnixMs(0), &Err::<(), _>(error.clone()), None));
            assert_eq!(health.failing().is_some(), counts, "{error}");
        };
        check(CallError::Panicked { message: "ours".into() }, true);
        check(CallError::StackOverflow, true);
        check(CallError::Busy { waited_ms: 1 }, false);
        check(CallError::TimedOut { wall_ms_max: 1 }, false);
        check(CallError::Host { reason: "no disk".into() }, false);
        check(CallError::Refused(Fault::Invalid("no".into())), false);
        check(CallError::Failing { failures: 20, retry_ms: 1 }, false);
    }
}
