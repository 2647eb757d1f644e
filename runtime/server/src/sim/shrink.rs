//! A failing plan, made as small as it can be while it still fails in the same way.

use super::plan::{Act, Habits, Menu, PATIENT, Plan, Tariff};

/// Runs that shrinking may take.
const RUNS_MAX: usize = 600;

/// The smallest plan that was found for which `fails` holds, as it does for `plan`. Leaving something out of a plan leaves
/// everything else as it was, because draws go by name.
pub fn shrink(plan: &Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut shrinking = Shrinking { plan: plan.clone(), runs: 0, fails: &mut fails };
    shrinking.whole();
    shrinking.single();
    shrinking.acts(|it| Some(&mut it.acts));
    shrinking.acts(|it| Some(&mut it.neighbour.as_deref_mut()?.acts));
    shrinking.whole();
    shrinking.single();
    shrinking.plan
}

/// Leaves something out of a plan.
type Without = fn(&mut Plan);

/// What can be left out as a whole, what takes the most time first.
const WITHOUT: [Without; 42] = [
    |it| it.neighbour = None,
    without_last,
    without_last,
    |it| it.faults.first_load = false,
    |it| it.faults.overloaded = 0,
    |it| it.faults.broken = 0,
    |it| it.faults.timeout_before = 0,
    |it| it.faults.timeout_after = 0,
    |it| it.faults.broken_off = 0,
    |it| it.faults.page_for_answer = 0,
    |it| it.faults.unapplied = 0,
    |it| it.faults.signed_out = 0,
    |it| it.faults.locked = 0,
    |it| it.faults.page_max = 0,
    |it| it.faults.webhook_lost = 0,
    |it| it.faults.webhook_duplicate = 0,
    |it| it.faults.webhook_late = 0,
    |it| it.faults.search_lag_ms = 0,
    |it| it.faults.drift = None,
    |it| it.faults.skew = None,
    |it| it.faults.crash_before = 0,
    |it| it.faults.crash_after = 0,
    |it| it.faults.crash_at_cursors = 0,
    |it| it.faults.stalled = 0,
    |it| it.faults.listing_empty = 0,
    |it| it.faults.listing_cut = 0,
    |it| it.faults.crash_at = None,
    |it| it.older.clear(),
    |it| it.shelf = None,
    |it| it.tariff = Tariff::new(),
    |it| it.stock.clear(),
    |it| it.stirs.clear(),
    |it| it.habits.beside = 0,
    |it| it.habits.tries_max = PATIENT,
    |it| it.habits.poll_every_ms = Habits::default().poll_every_ms,
    |it| it.habits.sweep_every_ms = 0,
    |it| it.habits.turn_ms_max = Habits::default().turn_ms_max,
    |it| it.habits.lease_ms = Habits::default().lease_ms,
    |it| it.habits.fetch_max = Habits::default().fetch_max,
    |it| it.habits.fold_max = Habits::default().fold_max,
    |it| it.habits.deliver_max = Habits::default().deliver_max,
    |it| it.faults.outages.clear(),
];

/// The last of the systems, and everything that happens there.
fn without_last(plan: &mut Plan) {
    if plan.systems.len() <= 2 || plan.neighbour.is_some() {
        return;
    }
    plan.systems.pop();
    let last = plan.systems.len();
    plan.acts.retain(|it| it.seat < last);
    let Menu { outages, mute, drift, skew, .. } = &mut plan.faults;
    outages.retain(|it| it.seat < last);
    mute.retain(|it| *it < last);
    drift.take_if(|it| it.seat >= last);
    skew.take_if(|it| it.0 >= last);
}

struct Shrinking<'a> {
    plan: Plan,
    runs: usize,
    fails: &'a mut dyn FnMut(&Plan) -> bool,
}

impl Shrinking<'_> {
    /// Takes the plan as `change` leaves it if it still fails.
    fn take(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut smaller = self.plan.clone();
        change(&mut smaller);
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

    fn whole(&mut self) {
        for leave_out in WITHOUT {
            self.take(leave_out);
        }
    }

    /// Leaves out what is one of several.
    fn single(&mut self) {
        for at in (0..self.plan.reforms.len()).rev() {
            self.take(|it| _ = it.reforms.remove(at));
        }
        for at in (0..self.plan.faults.outages.len()).rev() {
            self.take(|it| _ = it.faults.outages.remove(at));
        }
        for at in (0..self.plan.faults.mute.len()).rev() {
            self.take(|it| _ = it.faults.mute.remove(at));
        }
        for product in self.plan.older.clone() {
            self.take(|it| _ = it.older.remove(&product));
        }
        for id in self.plan.tariff.clone().into_keys() {
            self.take(|it| _ = it.tariff.remove(&id));
        }
    }

    /// Leaves out halves of what people do, then quarters, and at last single acts (ddmin).
    fn acts(&mut self, of: impl Fn(&mut Plan) -> Option<&mut Vec<Act>>) {
        let count = |plan: &mut Plan| of(plan).map_or(0, |it| it.len());
        let mut size = count(&mut self.plan).div_ceil(2);
        while size > 0 && self.runs < RUNS_MAX {
            let mut from = 0;
            let mut any = false;
            while from < count(&mut self.plan) {
                let without = |plan: &mut Plan| {
                    let Some(acts) = of(plan) else { return };
                    acts.drain(from..acts.len().min(from + size));
                };
                if self.take(without) {
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
        assert_eq!(small.habits, Habits { beside: 0, ..Habits::default() });
        assert!(small.systems.len() < 4 || guilty.iter().any(|it| it.seat == 3), "{:?}", small.systems);
        let is_plain = small.shelf.is_none() && small.tariff.is_empty() && small.stock.is_empty();
        assert!(is_plain && small.stirs.is_empty() && small.reforms.is_empty() && small.neighbour.is_none());
    }
}
