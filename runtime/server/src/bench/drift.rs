//! What changes silently, and what it takes to find it.

use clap::Args;
use serde_json::json;
use tokio::time::Instant;
use truthsource_core::Kind;

use super::source::PAGE;
use super::stage::{SHOP, Stage};
use super::{Measured, Target};
use crate::cli::output::Output;
use crate::store::{Accuracy, TenantStore as _, Work};

/// Records of a shop that somebody changes and nobody is told of.
#[derive(Debug, Clone, Args)]
pub(super) struct Drift {
    /// Records.
    #[arg(long, default_value_t = 20_000)]
    records: usize,
    /// How many of them change.
    #[arg(long, default_value_t = 20)]
    drifted: usize,
}

impl Drift {
    pub(super) async fn run(&self, out: &Output) -> anyhow::Result<Measured> {
        let bar = out.progress(format!("loading {} records into two systems", self.records));
        let mut stage = Stage::open(self.records, true).await?;
        stage.settle().await?;
        bar.set_message("sweeping what did not change");
        let (unchanged, quiet_writes, grown) = unchanged(&mut stage).await?;
        bar.set_message("sweeping what drifted");
        let apart = self.records / self.drifted.max(1);
        (0..self.drifted).for_each(|n| stage.shop.drift(n * apart));
        let began = Instant::now();
        let (figure, (pages, reads, writes)) = swept(&mut stage).await?;
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let found = figure.mismatches.values().sum::<u64>();
        let (held, should) = (stage.shop.items(), stage.erp.items());
        let left = should.iter().filter(|(code, it)| held.get(*code) != Some(it)).count();
        let whole = self.records.div_ceil(PAGE) as f64;
        let asked = pages as f64 + (reads as f64 / PAGE as f64).ceil();
        let figures = json!({
            "records": self.records, "drifted": self.drifted, "found": found, "classes": figure.mismatches,
            "pages_of_a_full_read": whole, "pages": pages, "records_read_by_id": reads, "repairs": writes,
            "seconds": seconds, "unchanged": {"records": unchanged.records, "remote_writes": quiet_writes, "rows_added": grown},
        });
        stage.close().await;
        let targets = vec![
            Target::none("drifted and not found", (self.drifted as u64).abs_diff(found)),
            Target::at_most("pages, of a full read", asked / whole, 1.1),
            Target::none("found and not repaired", left as u64),
            Target::none("remote writes of a sweep that finds nothing", quiet_writes),
            Target::at_most("rows it adds, itself among them", grown as f64, 1.0),
        ];
        Ok((figures, targets))
    }
}

/// A sweep that finds nothing: its figure, what it wrote at the shop, and how many rows it added to the store.
async fn unchanged(stage: &mut Stage) -> anyhow::Result<(Accuracy, u64, u64)> {
    let before = rows(stage).await?;
    let (figure, (_, _, writes)) = swept(stage).await?;
    Ok((figure, writes, rows(stage).await?.saturating_sub(before)))
}

async fn rows(stage: &Stage) -> anyhow::Result<u64> {
    use crate::store::Inspect as _;
    // What was asked for is one row, however often.
    let sizes = stage.store.sizes().await?;
    Ok(sizes.iter().filter(|(table, _)| *table != "ask").map(|(_, rows)| rows).sum())
}

/// Sweeps the shop and repairs what it finds. Gives the figure, and the pages, records read by id and writes it took.
async fn swept(stage: &mut Stage) -> anyhow::Result<(Accuracy, (u64, u64, u64))> {
    stage.shop.counted();
    stage.ask(SHOP, Work::Sweep).await?;
    stage.settle().await?;
    let counted = stage.shop.counted();
    let figures = stage.store.accuracy().await?;
    let figure = figures.into_iter().find(|it| it.connection == "shop" && it.kind == Kind::Item);
    Ok((figure.ok_or_else(|| anyhow::anyhow!("the shop was not swept"))?, counted))
}
