//! Measurements of what the project promises, each against its target: `bench intake`, `bench call`, `bench sync`,
//! and of what is ours alone, between systems in this process: `bench load`, `bench delta`, `bench drift`, `bench refold`.
//!
//! These are no tests: machines are busy, and a number that is missed is reported with the others. The exit code says
//! whether every target was met.

mod call;
mod drift;
pub mod intake;
mod load;
mod source;
mod stage;
mod sync;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use crate::cli::output::Output;

/// What is to be measured.
#[derive(Debug, Clone, Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
    /// Where the built components are.
    #[arg(long, global = true, value_name = "DIR")]
    components: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Webhooks that are signed, deduplicated, durable and acknowledged, a second.
    Intake(intake::Intake),
    /// What a pricing call in a fresh instance costs, and how much of it is ours.
    Call(call::Call),
    /// How long a change takes from one system to the other, with everything in between.
    Sync(sync::Sync),
    /// Records of a first load that get into the store, a second.
    Load(load::Load),
    /// How long it takes when a small part of many records changes.
    Delta(load::Delta),
    /// Whether a sweep finds all that drifted silently, and what that takes.
    Drift(drift::Drift),
    /// How long it takes to fold everything again.
    Refold(load::Refold),
}

impl Bench {
    /// Measures and prints.
    ///
    /// # Errors
    /// When it cannot be measured.
    pub async fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        let components = self.components.as_deref();
        let (figures, targets) = match &self.what {
            What::Intake(intake) => intake.run(components, out).await?,
            What::Call(call) => call.run(components).await?,
            What::Sync(sync) => sync.run(components, out).await?,
            What::Load(load) => load.run(out).await?,
            What::Delta(delta) => delta.run(out).await?,
            What::Drift(drift) => drift.run(out).await?,
            What::Refold(refold) => refold.run(out).await?,
        };
        let met = targets.iter().all(Target::is_met);
        let mut report = figures;
        report["targets"] = targets.iter().map(Target::json).collect();
        report["met"] = met.into();
        out.show(&report, |it| text(it, &targets))?;
        Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Figures by name, and the targets they are measured against.
type Measured = (Json, Vec<Target>);

/// Which side of its bound a figure has to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtLeast,
    AtMost,
    Below,
}

/// A figure with its bound.
#[derive(Debug, Clone)]
struct Target {
    name: &'static str,
    figure: f64,
    side: Side,
    bound: f64,
}

impl Target {
    fn below(name: &'static str, figure: f64, bound: f64) -> Self {
        Self { name, figure, side: Side::Below, bound }
    }

    fn at_least(name: &'static str, figure: f64, bound: f64) -> Self {
        Self { name, figure, side: Side::AtLeast, bound }
    }

    fn at_most(name: &'static str, figure: f64, bound: f64) -> Self {
        Self { name, figure, side: Side::AtMost, bound }
    }

    /// Nothing of this may be.
    fn none(name: &'static str, count: u64) -> Self {
        Self::below(name, count as f64, 1.0)
    }

    fn is_met(&self) -> bool {
        match self.side {
            Side::AtLeast => self.figure >= self.bound,
            Side::AtMost => self.figure <= self.bound,
            Side::Below => self.figure < self.bound,
        }
    }

    fn wanted(&self) -> String {
        let side = match self.side {
            Side::AtLeast => "at least",
            Side::AtMost => "at most",
            Side::Below => "below",
        };
        format!("{side} {}", self.bound)
    }

    fn json(&self) -> Json {
        json!({"name": self.name, "figure": self.figure, "wanted": self.wanted(), "met": self.is_met()})
    }
}

fn text(report: &Json, targets: &[Target]) -> String {
    let figures = report.as_object().into_iter().flatten();
    let figures = figures.filter(|(name, _)| *name != "targets" && *name != "met");
    let mut lines: Vec<String> = figures.map(|(name, value)| format!("  {name:<26}{value}")).collect();
    for target in targets {
        let mark = if target.is_met() { "met   " } else { "MISSED" };
        lines.push(format!("{mark}  {:<36} {:.1}, wanted {}", target.name, target.figure, target.wanted()));
    }
    lines.join("\n")
}

/// The time below which so many per mille of `sorted` lie.
fn percentile(sorted: &[Duration], per_mille: usize) -> Duration {
    let at = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_on_its_side_of_the_bound() {
        assert!(Target::below("p99", 49.9, 50.0).is_met() && !Target::below("p99", 50.0, 50.0).is_met());
        assert!(
            Target::at_least("rate", 3_000.0, 3_000.0).is_met() && !Target::at_least("rate", 2_999.0, 3_000.0).is_met()
        );
        assert!(Target::none("lost", 0).is_met() && !Target::none("lost", 1).is_met());
    }

    #[test]
    fn a_percentile_was_measured() {
        let times: Vec<Duration> = (0..1_000).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 990), Duration::from_millis(990));
        assert_eq!(percentile(&times[..1], 990), Duration::from_millis(0));
        assert_eq!(percentile(&[], 500), Duration::ZERO);
    }
}
