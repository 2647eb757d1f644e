//! What is noted in a run.

use std::collections::BTreeMap;

/// What was broken, and what was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Promises that were broken, in words. Empty is good.
    pub violations: Vec<String>,
    /// How often what was reached, by name: a simulation that never crashes proves nothing about crashes.
    pub reached: BTreeMap<String, u64>,
}

impl Notes {
    /// This was reached once more.
    pub fn reach(&mut self, name: &str) {
        self.reach_times(name, 1);
    }

    /// This was reached so many times more.
    pub fn reach_times(&mut self, name: &str, times: u64) {
        match self.reached.get_mut(name) {
            Some(known) => *known += times,
            None => drop(self.reached.insert(name.to_owned(), times)),
        }
    }

    /// This was broken.
    pub fn broke(&mut self, what: String) {
        self.violations.push(what);
    }
}
