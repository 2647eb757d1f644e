//! `truthsource apply`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Failure;
use super::client::Client;
use super::output::{Column, Output, cell, table};
use super::plan::id_of;

/// Writes that are handed in together.
const PART: usize = 200;
/// How often is looked how far a plan is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A plan to be carried out.
#[derive(Args)]
pub(super) struct Apply {
    /// The plan, as `truthsource plan --out` wrote it.
    plan: PathBuf,
    /// Give up waiting after so many seconds; what was handed in goes on, for an hour at the most.
    #[arg(long, default_value_t = 3_600)]
    timeout_s: u64,
}

const COLUMNS: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("OUTCOME", &["outcome"]),
    ("WHAT", &["what"]),
];

impl Apply {
    /// Exits with 0 if every system holds what the plan says: each write was applied, or was there already.
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<ExitCode> {
        let (id, writes) = self.read()?;
        if writes.is_empty() {
            out.show(&json!({"plan": id, "writes": 0, "items": []}), |_| "nothing to apply".to_owned())?;
            return Ok(ExitCode::SUCCESS);
        }
        for part in writes.chunks(PART) {
            let body = json!({"writes": part.iter().map(bare).collect::<Vec<_>>()});
            client.post(&["plans", &id, "apply"], Some(&body)).await?;
        }
        let bar = out.progress(format!("applying {} writes", writes.len()));
        let done = tokio::time::timeout(Duration::from_secs(self.timeout_s), wait(client, &id, &bar)).await;
        bar.finish_and_clear();
        let message = format!("the plan was not carried out within {} s; it goes on", self.timeout_s);
        let mut report = done.map_err(|_| Failure::new("timed-out", message))??;
        report["items"] = client.list(&["plans", &id, "writes"], &[], usize::MAX).await?["items"].take();
        out.show(&report, human)?;
        let is_there = |it: &Json| it["outcome"] == "applied" || it["outcome"] == "already-holds";
        let all = report["items"].as_array().is_some_and(|items| items.iter().all(is_there));
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The plan's name and its writes.
    fn read(&self) -> anyhow::Result<(String, Vec<Json>)> {
        let shown = self.plan.display();
        let text = std::fs::read(&self.plan)
            .map_err(|error| Failure::new("unreadable", format!("cannot read {shown}: {error}")))?;
        let mut plan: Json = serde_json::from_slice(&text)
            .map_err(|error| Failure::new("malformed", format!("{shown} is no plan: {error}")))?;
        let writes = plan["writes"].take();
        let (Some(named), Json::Array(list)) = (plan["plan"].as_str(), &writes) else {
            let message = format!("{shown} is no plan: `truthsource plan --out FILE` writes one");
            return Err(Failure::new("malformed", message).into());
        };
        if id_of(&writes)? != named {
            let message = format!("{shown} was changed since it was planned: plan anew");
            return Err(Failure::new("plan-changed", message).into());
        }
        Ok((named.to_owned(), list.clone()))
    }
}

/// A write as it is handed in: without the reasons.
fn bare(write: &Json) -> Json {
    let mut write = write.clone();
    for (_, step) in write["fields"].as_object_mut().into_iter().flatten() {
        if let Some(members) = step.as_object_mut() {
            members.remove("why");
        }
    }
    write
}

/// Returns once nothing of the plan is open.
async fn wait(client: &Client, id: &str, bar: &indicatif::ProgressBar) -> anyhow::Result<Json> {
    loop {
        let plan = client.get(&["plans", id], &[]).await?;
        let open = plan["open"].as_u64().unwrap_or(0);
        if open == 0 {
            return Ok(plan);
        }
        bar.set_message(format!("applying: {open} of {} writes are open", cell(&plan["writes"])));
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many came to what, and what was not written.
fn human(report: &Json) -> String {
    let outcomes = report["outcomes"].as_object().into_iter().flatten();
    let counts = outcomes.map(|(name, n)| format!("{} {name}", cell(n))).collect::<Vec<_>>().join(", ");
    let items = report["items"].as_array().into_iter().flatten();
    let missed: Vec<Json> = items.filter(|it| it["outcome"] != "applied").map(line).collect();
    match missed.is_empty() {
        true => counts,
        false => format!("{}\n\n{counts}", table(&json!({"items": missed}), COLUMNS)),
    }
}

fn line(item: &Json) -> Json {
    let mut line = item.clone();
    line["what"] = what(item).into();
    line
}

/// `title: screw → nail`, or whatever else there is to say.
fn what(item: &Json) -> String {
    let detail = &item["detail"];
    let fields = detail["fields"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, it)| format!("{name}: {} → {}", cell(&it["from"]), cell(&it["to"])));
    let version = detail["from"].as_u64().map(|from| format!("version {from} → {}", cell(&detail["to"])));
    let held = detail["fields"].as_array().map(|_| format!("a person must decide about {}", cell(&detail["fields"])));
    let words = ["error", "waits"].into_iter().filter_map(|it| detail[it].as_str().map(str::to_owned));
    version.into_iter().chain(fields).chain(held).chain(words).collect::<Vec<_>>().join("; ")
}
