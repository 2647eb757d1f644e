//! A failing plan, made as small as it can be while it still fails in the same way.

use super::plan::{Act, Habits, Menu, Plan};

/// Runs that shrinking may take.
const RUNS_MAX: usize = 600;

/// The smallest plan that was found for which `fails` holds, as it does for `plan`. Leaving something out of a plan leaves
/// everything else as it was, because draws go by name.
pub fn shrink(plan: &Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut shrinking = Shrinking { plan: plan.clone(), runs: 0, fails: &mut fails };
    shrinking.faults();
    shrinking.acts();
    shrinking.faults();
    shrinking.plan
}

struct Shrinking<'a> {
    plan: Plan,
    runs: usize,
    fails: &'a mut dyn FnMut(&Plan) -> bool,
}

impl Shrinking<'_> {
    /// Takes `smaller` if it still fails.
    fn take(&mut self, smaller: Plan) -> bool {
        if smaller == self.plan || self.runs >= RUNS_MAX {
            return false;
        }
        self.runs += 1;
        let fails = (self.fails)(&smaller);
        if fails {
            self.plan = smaller;
        }
        fails
    }

    /// Leaves out one kind of fault after the other.
    fn faults(&mut self) {
        type Without = fn(&mut Menu);
        let without: [Without; 25] = [
            |it| it.first_load = false,
            |it| it.overloaded = 0,
            |it| it.broken = 0,
            |it| it.timeout_before = 0,
            |it| it.timeout_after = 0,
            |it| it.broken_off = 0,
            |it| it.unapplied = 0,
            |it| it.signed_out = 0,
            |it| it.locked = 0,
            |it| it.page_max = 0,
            |it| it.webhook_lost = 0,
            |it| it.webhook_duplicate = 0,
            |it| it.webhook_late = 0,
            |it| it.mute.clear(),
            |it| it.search_lag_ms = 0,
            |it| it.outages.clear(),
            |it| it.drift = None,
            |it| it.skew = None,
            |it| it.crash_before = 0,
            |it| it.crash_after = 0,
            |it| it.crash_at_cursors = 0,
            |it| it.stalled = 0,
            |it| it.listing_empty = 0,
            |it| it.listing_cut = 0,
            |it| it.crash_at = None,
        ];
        for at in (0..self.plan.reforms.len()).rev() {
            let mut smaller = self.plan.clone();
            smaller.reforms.remove(at);
            self.take(smaller);
        }
        self.take(Plan { neighbour: None, ..self.plan.clone() });
        self.take(Plan { habits: Habits { beside: 0, ..self.plan.habits.clone() }, ..self.plan.clone() });
        for leave_out in without {
            let mut smaller = self.plan.clone();
            leave_out(&mut smaller.faults);
            self.take(smaller);
        }
    }

    /// Leaves out halves of what people do, then quarters, and at last single acts (ddmin).
    fn acts(&mut self) {
        let mut size = self.plan.acts.len().div_ceil(2);
        while size > 0 && self.runs < RUNS_MAX {
            let mut from = 0;
            let mut any = false;
            while from < self.plan.acts.len() {
                let kept = |(at, act): (usize, &Act)| (at < from || from + size <= at).then(|| act.clone());
                let acts = self.plan.acts.iter().enumerate().filter_map(kept).collect();
                if self.take(Plan { acts, ..self.plan.clone() }) {
                    any = true;
                } else {
                    from += size;
                }
            }
            size = if any && size == 1 { 1 } else { size / 2 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::Product;

    #[test]
    fn what_has_nothing_to_do_with_it_is_left_out() {
        let plan = Plan::of(7, &Product::ALL);
        assert!(plan.acts.len() > 60 && plan.faults.kinds().len() >= 3);
        let guilty = [plan.acts[13].clone(), plan.acts[57].clone()];
        let with = Plan { faults: Menu { webhook_lost: 9, ..plan.faults.clone() }, ..plan };
        let small = shrink(&with, |it| guilty.iter().all(|act| it.acts.contains(act)) && it.faults.webhook_lost > 0);
        assert_eq!(small.acts, guilty);
        assert_eq!(small.faults.kinds(), ["webhook-lost"]);
    }
}
