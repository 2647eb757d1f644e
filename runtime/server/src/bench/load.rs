//! How fast a first load gets into the store, and how fast a small part of it that changed goes through.

use clap::Args;
use serde_json::json;
use tokio::time::Instant;
use truthsource_core::Kind;

use super::stage::{ERP, Stage};
use super::{Measured, Target};
use crate::cli::output::Output;
use crate::demo::usage::Watch;
use crate::engine::rebuild;
use crate::store::{TenantStore as _, Work};

/// A first load from a system in this process.
#[derive(Debug, Clone, Args)]
pub(super) struct Load {
    /// Records.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// A second system is to be told of all of them: what it is owed is part of the load, what it takes is not.
    #[arg(long)]
    told: bool,
}

impl Load {
    pub(super) async fn run(&self, out: &Output) -> anyhow::Result<Measured> {
        let mut stage = Stage::open(self.records, self.told).await?;
        let bar = out.progress(format!("loading {} records", self.records));
        let watch = Watch::start(std::process::id());
        let began = Instant::now();
        stage.load().await?;
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let known = stage.store.linked(ERP, Kind::Item).await?;
        let rate = known as f64 / seconds;
        let (cpu_ms, rss_mb) = (watch.cpu_ms(), watch.peak_mb());
        let figures = json!({
            "records": known, "seconds": seconds, "records_per_second": rate, "told": self.told,
            "cpu_ms": cpu_ms, "rss_mb_max": rss_mb,
        });
        stage.close().await;
        let targets = vec![
            Target::at_least("records a second", rate, 10_000.0),
            Target::none("records not there", (self.records as u64).abs_diff(known)),
        ];
        Ok((figures, targets))
    }
}

/// A small part of many records changes.
#[derive(Debug, Clone, Args)]
pub(super) struct Delta {
    /// Records.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// One in so many changes.
    #[arg(long, default_value_t = 100)]
    one_in: usize,
}

impl Delta {
    pub(super) async fn run(&self, out: &Output) -> anyhow::Result<Measured> {
        let bar = out.progress(format!("loading {} records into two systems", self.records));
        let watch = Watch::start(std::process::id());
        let mut stage = Stage::open(self.records, true).await?;
        stage.settle().await?;
        stage.erp.counted();
        stage.shop.counted();
        let changed: Vec<usize> = (0..self.records).step_by(self.one_in.max(1)).collect();
        changed.iter().for_each(|n| stage.erp.change(*n, 1));
        bar.set_message(format!("{} of them change", changed.len()));
        let began = Instant::now();
        stage.ask(ERP, Work::Poll).await?;
        stage.settle().await?;
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let (pages, ..) = stage.erp.counted();
        let (_, _, writes) = stage.shop.counted();
        // Before both are compared, which takes as much again.
        let rss_mb = watch.peak_mb();
        let shops = stage.shop.items();
        let wrong = stage.erp.items().iter().filter(|(code, it)| shops.get(*code) != Some(it)).count();
        let figures = json!({
            "records": self.records, "changed": changed.len(), "seconds": seconds, "pages": pages,
            "writes": writes, "rss_mb_max": rss_mb,
        });
        stage.close().await;
        let targets = vec![
            Target::below("a change of a part (s)", seconds, 5.0),
            Target::below("memory (MB)", rss_mb, 400.0),
            Target::none("records that differ", wrong as u64),
            Target::none("writes of too many or too few", writes.abs_diff(changed.len() as u64)),
        ];
        Ok((figures, targets))
    }
}

/// Folding everything again.
#[derive(Debug, Clone, Args)]
pub(super) struct Refold {
    /// Records.
    #[arg(long, default_value_t = 20_000)]
    records: usize,
}

impl Refold {
    pub(super) async fn run(&self, out: &Output) -> anyhow::Result<Measured> {
        let bar = out.progress(format!("loading {} records into two systems", self.records));
        let mut stage = Stage::open(self.records, true).await?;
        stage.settle().await?;
        bar.set_message("folding again");
        let began = Instant::now();
        let seen = rebuild::verify(&*stage.store).await?;
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let figures = json!({
            "records": seen.records, "rulings": seen.rulings, "entries": seen.entries, "seconds": seconds,
            "records_per_second": seen.records as f64 / seconds, "sha256": seen.rebuilt_sha256,
        });
        stage.close().await;
        Ok((figures, vec![Target::none("records that differ", seen.differing)]))
    }
}
