//! How the calls of an engine ended, as numbers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::error::CallError;

/// Calls by outcome.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// Counts a call.
    pub(crate) fn note<T>(&self, end: &Result<T, CallError>) {
        let outcome = end.as_ref().err().map_or("ok", CallError::code);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
