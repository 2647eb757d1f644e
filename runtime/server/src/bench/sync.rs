//! From one system to the other: the demonstration, measured against what it has to reach.

use std::path::Path;

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Measured, Target};
use crate::cli::output::Output;
use crate::demo::Demo;
use crate::demo::report::Report;
use crate::demo::world::Product;

/// Memory that the server may take at the most, in megabytes, up to so many items.
const RSS_MB_MAX: [(u32, f64); 2] = [(1_000, 250.0), (20_000, 400.0)];

/// How long a change takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Sync {
    /// The systems, as of the demonstration.
    #[arg(long, value_delimiter = ',', default_value = "netsuite,shopify")]
    systems: Vec<Product>,
    /// Items in the first system.
    #[arg(long, default_value_t = 1_000)]
    items: u32,
    /// Seconds of live traffic.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Changes a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
}

impl Sync {
    pub(super) async fn run(&self, components: Option<&Path>, out: &Output) -> anyhow::Result<Measured> {
        let mut runs = Vec::new();
        for seed in self.seed..self.seed + self.seeds {
            let demo = Demo {
                systems: self.systems.clone(),
                items: self.items,
                seconds: self.seconds,
                rate: self.rate,
                seed,
                store: None,
                components: components.map(Path::to_owned),
                keep: false,
                program: None,
            };
            runs.push(demo.measure(None, out).await?);
        }
        let figures = json!({"runs": runs.iter().map(serde_json::to_value).collect::<Result<Vec<Json>, _>>()?});
        Ok((figures, self.targets(&runs)))
    }

    /// Of several runs the worst counts.
    fn targets(&self, runs: &[Report]) -> Vec<Target> {
        let worst = |figure: &dyn Fn(&Report) -> f64| runs.iter().map(figure).fold(0.0, f64::max);
        let sum = |count: &dyn Fn(&Report) -> u64| runs.iter().map(count).sum();
        let mut targets = vec![
            Target::none("mismatches", sum(&|it| it.mismatches.values().sum())),
            Target::none("orders lost", sum(&|it| it.orders.placed.saturating_sub(it.orders.in_erp))),
            Target::none("orders twice", sum(&|it| it.orders.duplicates)),
            Target::none("swap errors", sum(&|it| it.swap.errors)),
            Target::none("changes never confirmed", sum(&|it| it.e2e_ms.open)),
            Target::none("anything else that must not be", sum(&|it| it.failures().len() as u64)),
            Target::none("writes after quiet", sum(&|it| it.writes_after_quiet)),
            Target::below("change to confirmed p99 (ms)", worst(&|it| it.e2e_ms.p99 as f64), 2_000.0),
            Target::below("... while both are there (ms)", worst(&|it| it.e2e_ms.p99_outside_outage as f64), 2_000.0),
        ];
        if self.items <= 1_000 {
            targets.push(Target::below("initial sync (s)", worst(&|it| it.initial_sync_s), 15.0));
        }
        if let Some((_, mb)) = RSS_MB_MAX.iter().find(|(items, _)| self.items <= *items) {
            targets.push(Target::below("memory (MB)", worst(&|it| it.rss_mb_max), *mb));
        }
        targets
    }
}
