//! The state of one call, owned by its store and dropped with it.

use std::collections::VecDeque;
use std::sync::Arc;

use truthsource_core::UnixMs;

use crate::call::{CallSetup, Reach};
use crate::capability::kv::Pending;
use crate::capability::log::Kept;
use crate::error::CallError;
use crate::limiter::Limiter;
use crate::limits::Limits;
use crate::record::{Detail, FAILURE_BYTES_MAX, HostAnswer, Input, Severity};
use crate::wasi::Virtual;

/// Why a host function ended the call: carried through wasmtime and read back where the call ended.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Stop(#[from] pub(crate) CallError);

/// Where answers of capabilities come from.
pub(crate) enum Source {
    /// The real ones.
    Live,
    /// A recording: nothing leaves the host.
    Recorded(Recorded),
}

/// The answers of a recorded call that were not asked for yet.
pub(crate) struct Recorded(pub(crate) VecDeque<HostAnswer>);

impl Recorded {
    /// The next answer.
    pub(crate) fn next(&mut self) -> wasmtime::Result<HostAnswer> {
        match self.0.pop_front() {
            Some(answer) => Ok(answer),
            None => self.diverged("one question more"),
        }
    }

    /// Ends the call: `asked` is not what was recorded.
    pub(crate) fn diverged<T>(&self, asked: &str) -> wasmtime::Result<T> {
        let reason = format!("it asks {asked}, with {} answers left", self.0.len());
        Err(wasmtime::Error::new(Stop(CallError::Diverged { reason })))
    }
}

/// The state of one call.
pub(crate) struct HostState {
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter,
    pub(crate) reach: Reach,
    pub(crate) source: Source,
    pub(crate) kv: Pending,
    pub(crate) logs: Kept,
    pub(crate) answers: Vec<HostAnswer>,
    /// How much they weigh, kept or not.
    pub(crate) answers_bytes: usize,
    pub(crate) detail: Detail,
    pub(crate) host_calls: u32,
    pub(crate) http_requests: u32,
    pub(crate) epochs: u64,
    pub(crate) now: UnixMs,
    /// The guest may see time pass: connectors only.
    pub(crate) runs_clock: bool,
    /// What the call's randomness is derived from.
    pub(crate) input: Arc<Input>,
    /// Made when the guest first needs it: most rules link it and never call it.
    pub(crate) wasi: Option<Box<Virtual>>,
}

impl HostState {
    /// A state for a call of a rule; see `runs_clock` for connectors.
    pub(crate) fn new(setup: &CallSetup, limits: Limits, input: &Arc<Input>) -> Self {
        Self {
            limits,
            limiter: Limiter::new(&limits),
            reach: if input.is_pure() { Reach::default() } else { setup.reach.clone() },
            source: Source::Live,
            kv: Pending::default(),
            logs: Kept::default(),
            answers: Vec::new(),
            answers_bytes: 0,
            detail: setup.detail,
            host_calls: 0,
            http_requests: 0,
            epochs: 0,
            now: setup.now,
            runs_clock: false,
            input: input.clone(),
            wasi: None,
        }
    }

    /// Counts a call of an imported function.
    pub(crate) fn count_host_call(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls_max {
            return Err(wasmtime::Error::new(Stop(CallError::TooManyCalls { what: "calls of the host" })));
        }
        Ok(())
    }

    /// Keeps an answer of the host, if this call is kept in full or might be because it fails.
    pub(crate) fn keep(&mut self, answer: impl FnOnce() -> HostAnswer) {
        match self.detail {
            Detail::Counters => {}
            Detail::Full => self.answers.push(answer()),
            Detail::Failures | Detail::Receipt => {
                let answer = answer();
                self.answers_bytes += answer.weight();
                if self.answers_bytes <= FAILURE_BYTES_MAX {
                    self.answers.push(answer);
                }
            }
        }
    }

    /// Keeps a log line within the call's limit.
    pub(crate) fn log_line(&mut self, severity: Severity, message: &str) {
        let scrubber = self.reach.http.as_ref().map(|it| it.signer().scrubber());
        self.logs.keep(severity, message, self.limits.log_bytes_max, scrubber.as_deref());
    }
}

// Interfaces of types alone: nothing to answer.
impl crate::bindings::connector::truthsource::types::records::Host for HostState {}
impl crate::bindings::connector::truthsource::connector::powers::Host for HostState {}
impl crate::bindings::connector::truthsource::connector::data::Host for HostState {}
