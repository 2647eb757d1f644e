//! What is noted in a run.

use std::collections::BTreeMap;

use super::coverage::Moment;

/// What was broken, and what was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Promises that were broken, in words. Empty is good.
    pub violations: Vec<String>,
    /// How often what was reached.
    pub reached: BTreeMap<Moment, u64>,
}

impl Notes {
    /// This was reached once more.
    pub fn reach(&mut self, what: Moment) {
        self.reach_times(what, 1);
    }

    /// This was reached so many times more.
    pub fn reach_times(&mut self, what: Moment, times: u64) {
        *self.reached.entry(what).or_default() += times;
    }

    /// This was broken.
    pub fn broke(&mut self, what: String) {
        self.violations.push(what);
    }
}
