//! Why a call gave no answer.

use serde::{Deserialize, Serialize};

use crate::model::Fault;

/// Who has to do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// Whoever wrote the component.
    Author,
    /// The tenant: its data, its grants, its connection's credentials or settings.
    Tenant,
    /// Whoever runs this installation.
    Operator,
    /// Nobody, or the outside system: try again later.
    Later,
}

/// Data at the boundary that breaks a contract of `wit/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct Misfit {
    /// Where in the data: `line 3, unit-price`.
    pub at: String,
    /// What is wrong with it, as a clause for people.
    pub reason: String,
}

impl Misfit {
    /// A misfit at `at`. Both texts are cut to a length that logs can bear, as they may quote a guest.
    pub fn new(at: impl Into<String>, reason: impl Into<String>) -> Self {
        let cut = |text: String| if text.len() <= 200 { text } else { text.chars().take(200).collect() };
        Self { at: cut(at.into()), reason: cut(reason.into()) }
    }

    /// The same misfit, inside of `outer`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self::new(format!("{outer}, {}", self.at), self.reason)
    }
}

/// Why a call gave no answer. Variants differ by who has to act, not by where it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The component spent its fuel: it loops, or the input is too large for it. Same input, same end.
    #[error("the component spent its {fuel_max} units of fuel")]
    OutOfFuel {
        /// What it had.
        fuel_max: u64,
    },
    /// The component computed for too long.
    #[error("the component computed for {cpu_ms_max} ms without an end")]
    OutOfTime {
        /// What it had.
        cpu_ms_max: u64,
    },
    /// The call took too long by the clock: a slow outside system, or a slow machine.
    #[error("no answer within {wall_ms_max} ms")]
    TimedOut {
        /// What it had.
        wall_ms_max: u64,
    },
    /// The component asked for more memory, table elements or instances than it may have, and did not survive it.
    #[error("the component needs more than its {bytes_max} bytes of memory")]
    OutOfMemory {
        /// What it had.
        bytes_max: usize,
    },
    /// The component recursed too deeply.
    #[error("the component's stack overflowed")]
    StackOverflow,
    /// The component tried to move too much data to the host at once.
    #[error("the component moved more than {bytes_max} bytes across the boundary at once")]
    CrossingTooLarge {
        /// What it had.
        bytes_max: usize,
    },
    /// The component called the host more often, or held more host resources, than it may.
    #[error("the component used up its {what}")]
    TooManyCalls {
        /// What there were too many of.
        what: &'static str,
    },
    /// The component failed: an assertion, an index out of bounds, an invalid string.
    #[error("the component trapped: {reason}")]
    Trapped {
        /// wasmtime's words for the trap.
        reason: String,
        /// The innermost guest frames, if the component has names; for its author.
        backtrace: String,
    },
    /// The component's answer breaks its contract.
    #[error("the component's answer does not fit its contract: {0}")]
    BadOutput(Misfit),
    /// What was to be given to the component breaks the contract or is over a limit: nothing ran.
    #[error("the input does not fit the contract: {0}")]
    BadInput(Misfit),
    /// The component refused, in its contract's own words.
    #[error("the component refused: {0}")]
    Refused(Fault),
    /// All places for calls of this tenant or of the whole host were taken for too long.
    #[error("no free place for the call within {waited_ms} ms")]
    Busy {
        /// How long was waited.
        waited_ms: u64,
    },
    /// The component's release failed so often in a row that it is not called for a while: nothing ran.
    #[error("the component failed {failures} times in a row and is left alone for {retry_ms} ms")]
    Failing {
        /// How often.
        failures: u32,
        /// For how long from now.
        retry_ms: u64,
    },
    /// A host function panicked. Our bug; the call's store is gone, the process lives.
    #[error("a host function panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The replayed call asked the host something that its recording does not answer.
    #[error("the replay left its recording: {reason}")]
    Diverged {
        /// Where.
        reason: String,
    },
    /// The host could not run the component at all.
    #[error("the host could not run the component: {reason}")]
    Host {
        /// The whole chain, for the operator.
        reason: String,
    },
}

impl CallError {
    /// A stable name, for counters, filters and clients.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfFuel { .. } => "out-of-fuel",
            Self::OutOfTime { .. } => "out-of-time",
            Self::TimedOut { .. } => "timed-out",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::StackOverflow => "stack-overflow",
            Self::CrossingTooLarge { .. } => "crossing-too-large",
            Self::TooManyCalls { .. } => "too-many-calls",
            Self::Trapped { .. } => "trapped",
            Self::BadOutput(_) => "bad-output",
            Self::BadInput(_) => "bad-input",
            Self::Refused(fault) => fault.code(),
            Self::Busy { .. } => "busy",
            Self::Failing { .. } => "failing",
            Self::Panicked { .. } => "panicked",
            Self::Diverged { .. } => "diverged",
            Self::Host { .. } => "host",
        }
    }

    /// The same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut { .. }
            | Self::Busy { .. }
            | Self::Failing { .. }
            | Self::OutOfTime { .. }
            | Self::Host { .. } => true,
            Self::Refused(fault) => fault.is_retryable(),
            _ => false,
        }
    }

    /// Who has to do something about it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Busy { .. } | Self::TimedOut { .. } => Actor::Later,
            Self::Panicked { .. } | Self::Host { .. } => Actor::Operator,
            Self::BadInput(_) => Actor::Tenant,
            Self::Refused(fault) if fault.is_retryable() => Actor::Later,
            Self::Refused(Fault::Denied(_) | Fault::Invalid(_)) => Actor::Tenant,
            _ => Actor::Author,
        }
    }

    /// The call may already have had an effect outside: a write must be looked up before it is tried again. False
    /// only where the component cannot have run, or said itself that nothing was done.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        !matches!(
            self,
            Self::Busy { .. }
                | Self::Failing { .. }
                | Self::BadInput(_)
                | Self::Refused(Fault::Unavailable(_) | Fault::Throttled(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_a_guest_are_cut() {
        let misfit = Misfit::new("x", "é".repeat(5_000)).within("line 3");
        assert_eq!((misfit.at.as_str(), misfit.reason.chars().count()), ("line 3, x", 200));
    }

    #[test]
    fn every_error_says_who_must_act() {
        let check = |error: CallError, code: &str, retry: bool, actor: Actor| {
            assert_eq!((error.code(), error.is_retryable(), error.actor()), (code, retry, actor));
        };
        check(CallError::OutOfFuel { fuel_max: 1 }, "out-of-fuel", false, Actor::Author);
        check(CallError::Busy { waited_ms: 1 }, "busy", true, Actor::Later);
        check(CallError::Failing { failures: 9, retry_ms: 1 }, "failing", true, Actor::Author);
        check(CallError::Refused(Fault::Throttled(None)), "throttled", true, Actor::Later);
        check(CallError::Refused(Fault::Denied("no".into())), "denied", false, Actor::Tenant);
        check(CallError::Panicked { message: "x".into() }, "panicked", false, Actor::Operator);
    }

    #[test]
    fn a_call_that_never_ran_cannot_have_acted() {
        assert!(!CallError::Busy { waited_ms: 1 }.may_have_acted());
        assert!(!CallError::Failing { failures: 9, retry_ms: 1 }.may_have_acted());
        assert!(CallError::TimedOut { wall_ms_max: 1 }.may_have_acted());
    }
}
