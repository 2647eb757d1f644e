//! What the demonstration found out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::swap::Swap;

/// The report. Times are in the unit that their name ends with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Items the ERP began with.
    pub items: u32,
    /// What everything was drawn from.
    pub seed: u64,
    /// Records that were compared at the end.
    pub records: u64,
    /// Fields that were read back from the systems and compared.
    pub fields_checked: u64,
    /// Fields that were not what they should be, by class; empty is good.
    pub mismatches: BTreeMap<&'static str, u64>,
    /// The share of fields that were right.
    pub accuracy: f64,
    /// What that share is at least, with 95 % confidence.
    pub accuracy_lower_95: f64,
    /// From a change at one system to its confirmation at the other.
    pub e2e_ms: Latency,
    /// The slowest changes, in words.
    pub slowest: Vec<String>,
    /// Orders.
    pub orders: Orders,
    /// Pricing while rules were swapped.
    pub swap: Swap,
    /// Conflicts that were decided, by who decided them.
    pub conflicts: BTreeMap<String, u64>,
    /// Conflicts that wait for a person.
    pub conflicts_open: u64,
    /// Changes that people made.
    pub changes: u64,
    /// Writes that the engine made at either system after all was quiet.
    pub writes_after_quiet: u64,
    /// From the first check to quiet.
    pub initial_sync_s: f64,
    /// From the end of traffic to quiet.
    pub quiet_after_s: f64,
    /// The most memory the server and the compilers it started held at once.
    pub rss_mb_max: f64,
    /// Processor time of the server for each change.
    pub cpu_ms_per_change: f64,
    /// Some of what went wrong, in words.
    pub examples: Vec<String>,
}

/// How long changes took.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// 99 of 100 of those took no longer that were not made while one side was away.
    pub p99_outside_outage: u64,
    /// The longest.
    pub max: u64,
    /// How many were confirmed.
    pub confirmed: u64,
    /// How many never were.
    pub open: u64,
}

/// What became of orders.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Orders {
    /// Placed in the shop.
    pub placed: u64,
    /// Found in the ERP.
    pub in_erp: u64,
    /// Found more than once, or from nowhere.
    pub duplicates: u64,
}

impl Report {
    /// Everything that must not be, in words; empty is good.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let wrong: u64 = self.mismatches.values().sum();
        let runaway = self.swap.runaway_calls - self.swap.runaway_stopped;
        let counted = [
            (wrong, "fields are wrong"),
            (self.orders.placed - self.orders.in_erp.min(self.orders.placed), "orders are lost"),
            (self.orders.duplicates, "orders are duplicates"),
            (self.swap.errors, "prices went wrong during swaps"),
            (runaway, "calls of a rule that loops were not stopped"),
            (self.e2e_ms.open, "changes were never confirmed"),
            (self.writes_after_quiet, "writes came after all was quiet"),
        ];
        // Nothing wrong among nothing is no proof.
        let proved = [
            (self.fields_checked > 0, "no field was compared"),
            (self.e2e_ms.confirmed > 0, "no change was confirmed"),
            (self.swap.calls > 0, "no price was asked for"),
            (self.swap.releases > 1, "no rule was swapped"),
        ];
        let wrong = counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        let empty = proved.into_iter().filter(|(is_proved, _)| !is_proved).map(|(_, what)| what.to_owned());
        wrong.chain(empty).collect()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<22}{value}");
        };
        let by = |counts: &BTreeMap<String, u64>| {
            let parts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} by {name}")).collect();
            if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
        };
        let wrong: Vec<String> = self.mismatches.iter().map(|(class, n)| format!("{n} {class}")).collect();
        line("read back", format!("{} records, {} fields, from all systems", self.records, self.fields_checked));
        line("mismatches", if wrong.is_empty() { "0".to_owned() } else { wrong.join(", ") });
        line(
            "accuracy",
            format!("{:.4} %, at least {:.4} % (95 %)", self.accuracy * 100.0, self.accuracy_lower_95 * 100.0),
        );
        let Latency { p50, p99, p99_outside_outage, max, confirmed, .. } = self.e2e_ms;
        line("change to confirmed", format!("p50 {p50} ms, p99 {p99} ms, max {max} ms, of {confirmed} changes"));
        line("", format!("p99 {p99_outside_outage} ms of those made while all sides were there"));
        let Orders { placed, in_erp, duplicates } = self.orders;
        line("orders", format!("{placed} placed, {in_erp} in every ERP, {duplicates} duplicates"));
        line("conflicts", format!("{}; {} wait for a person", by(&self.conflicts), self.conflicts_open));
        let Swap { calls, errors, releases, activate_ms, runaway_calls, runaway_stopped } = self.swap;
        line("swaps", format!("{calls} prices by {releases} releases, {errors} errors; activated in {activate_ms} ms"));
        line("rule that loops", format!("{runaway_stopped} of {runaway_calls} calls stopped by their budget"));
        line("initial sync", format!("{:.1} s", self.initial_sync_s));
        line("quiet", format!("{:.1} s after the last change", self.quiet_after_s));
        line("writes after quiet", self.writes_after_quiet.to_string());
        line("server", format!("{:.0} MB at most, {:.1} ms of CPU a change", self.rss_mb_max, self.cpu_ms_per_change));
        for example in &self.examples {
            line("!", example.clone());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_that_must_not_be_fails() {
        let good = Report {
            fields_checked: 9,
            orders: Orders { placed: 3, in_erp: 3, duplicates: 0 },
            e2e_ms: Latency { confirmed: 2, ..Latency::default() },
            swap: Swap { calls: 7, releases: 2, ..Swap::default() },
            ..Report::default()
        };
        assert!(good.failures().is_empty());
        let wrong = Report { mismatches: [("wrong", 1)].into(), ..good.clone() };
        let lost = Report { orders: Orders { placed: 4, in_erp: 3, duplicates: 0 }, ..good.clone() };
        let twice = Report { orders: Orders { placed: 3, in_erp: 3, duplicates: 1 }, ..good.clone() };
        let swap = Report { swap: Swap { errors: 1, ..good.swap.clone() }, ..good.clone() };
        let endless =
            Report { swap: Swap { runaway_calls: 2, runaway_stopped: 1, ..good.swap.clone() }, ..good.clone() };
        let unswapped = Report { swap: Swap { releases: 1, ..good.swap.clone() }, ..good.clone() };
        let unasked = Report { swap: Swap { calls: 0, ..good.swap.clone() }, ..good.clone() };
        let open = Report { e2e_ms: Latency { open: 1, ..good.e2e_ms }, ..good.clone() };
        let unmoved = Report { e2e_ms: Latency { confirmed: 0, ..good.e2e_ms }, ..good.clone() };
        let unread = Report { fields_checked: 0, ..good.clone() };
        let loud = Report { writes_after_quiet: 1, ..good };
        for bad in [wrong, lost, twice, swap, endless, unswapped, unasked, open, unmoved, unread, loud] {
            assert_eq!(bad.failures().len(), 1, "{bad:?}");
        }
    }
}
