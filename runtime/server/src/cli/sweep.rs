//! `truthsource sweep`

use std::time::Duration;

use clap::Args;
use serde_json::Value as Json;
use truthsource_core::Kind;

use super::client::Client;
use super::output::{Column, Output, table};
use super::{Failure, output};

/// How often is looked how far a sweep is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What to compare.
#[derive(Args)]
pub(super) struct Sweep {
    /// The connection.
    connection: String,
    /// Only this kind.
    #[arg(long)]
    kind: Option<Kind>,
    /// Do not wait for the end.
    #[arg(long)]
    no_wait: bool,
    /// Give up waiting after so many seconds.
    #[arg(long, default_value_t = 3_600)]
    timeout_s: u64,
}

pub(super) const COLUMNS: &[Column] = &[
    ("KIND", &["kind"]),
    ("SWEEP", &["sweep"]),
    ("AT", &["at"]),
    ("PAGES", &["pages"]),
    ("RECORDS", &["records"]),
    ("DRIFTED", &["drifted"]),
    ("FIELDS", &["fields"]),
    ("MISMATCHES", &["mismatches"]),
    ("BY FIELD", &["by_field"]),
    ("ACCURACY", &["accuracy"]),
    ("AT LEAST (95 %)", &["lower_95"]),
];

impl Sweep {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        let query: Vec<_> = self.kind.iter().map(|it| ("kind", it.to_string())).collect();
        let asked = client.post_query(&["connections", &self.connection, "sweep"], &query).await?;
        if self.no_wait {
            return out.show(&asked, |it| format!("asked for at {}", output::cell(&it["asked_at"])));
        }
        let bar = out.progress(format!("sweeping {}", self.connection));
        let wait = tokio::time::timeout(Duration::from_secs(self.timeout_s), self.wait(client, &asked, &bar)).await;
        bar.finish_and_clear();
        let message = format!("the sweep did not end within {} s; it goes on", self.timeout_s);
        wait.map_err(|_| Failure::new("timed-out", message))??;
        let accuracy = client.get(&["accuracy"], &[]).await?;
        let of_this =
            accuracy["items"].as_array().into_iter().flatten().filter(|it| {
                it["connection"] == self.connection.as_str() && kinds(&asked).any(|kind| it["kind"] == kind)
            });
        let report = serde_json::json!({"items": of_this.collect::<Vec<_>>()});
        out.show(&report, |it| table(it, COLUMNS))
    }

    /// Returns once every kind was swept after it was asked for.
    async fn wait(&self, client: &Client, asked: &Json, bar: &indicatif::ProgressBar) -> anyhow::Result<()> {
        let since = moment(&asked["asked_at"]);
        loop {
            let connection = client.get(&["connections", &self.connection], &[]).await?;
            let progress = &connection["progress"];
            let is_done = |kind: &str| moment(&progress[kind]["swept_at"]).is_some_and(|at| Some(at) >= since);
            let open: Vec<&str> = kinds(asked).filter(|it| !is_done(it)).collect();
            let Some(first) = open.first() else { return Ok(()) };
            let seen = output::cell(&progress[*first]["sweep"]["records"]);
            bar.set_message(format!("sweeping {}: {first}, {seen} records", self.connection));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn kinds(asked: &Json) -> impl Iterator<Item = &str> {
    asked["kinds"].as_array().into_iter().flatten().filter_map(Json::as_str)
}

/// Moments are compared as moments: their texts differ in length.
fn moment(text: &Json) -> Option<jiff::Timestamp> {
    text.as_str()?.parse().ok()
}
