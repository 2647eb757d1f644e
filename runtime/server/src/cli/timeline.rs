//! `truthsource timeline`

use std::num::NonZeroUsize;

use clap::Args;
use serde_json::Value as Json;
use truthsource_core::Kind;

use super::client::Client;
use super::output::{Output, cell};

/// What happened to a record.
#[derive(Args)]
pub(super) struct Timeline {
    /// Its kind: location, item, company, stock-level, price or order.
    kind: Kind,
    /// Its key.
    #[arg(value_name = "KEY")]
    record: String,
    /// The most events to show: the newest, the last of them at the end.
    #[arg(long, default_value = "1000")]
    limit: NonZeroUsize,
}

impl Timeline {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        let path = ["records", self.kind.as_str(), &self.record, "timeline"];
        let mut events = client.list(&path, &[("newest", "true".to_owned())], self.limit.get()).await?;
        if let Some(items) = events["items"].as_array_mut() {
            items.reverse();
        }
        out.some(&events, |events| {
            let lines = events["items"].as_array().into_iter().flatten().map(line);
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}

/// When, where, what, and whatever else the event says.
fn line(event: &Json) -> String {
    let head = format!("{}  {:<12} {:<10}", cell(&event["at"]), cell(&event["connection"]), cell(&event["event"]));
    let rest = event.as_object().into_iter().flatten();
    let rest = rest.filter(|(name, _)| !matches!(name.as_str(), "at" | "id" | "connection" | "event"));
    let rest = rest.filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name}={}", cell(value)));
    format!("{head} {}", rest.collect::<Vec<_>>().join(" ")).trim_end().to_owned()
}
