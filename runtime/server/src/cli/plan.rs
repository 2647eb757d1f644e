//! `truthsource plan`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};
use truthsource_core::Kind;

use super::Failure;
use super::client::Client;
use super::output::{Column, Output, cell, table};
use crate::auth::digest::{hex, sha256};

/// What would be written.
#[derive(Args)]
pub(super) struct Plan {
    /// Only at this connection.
    #[arg(long)]
    connection: Option<String>,
    /// Only of this kind.
    #[arg(long)]
    kind: Option<Kind>,
    /// Write the plan to a file that `truthsource apply` takes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

const COLUMNS: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("FIELD", &["field"]),
    ("NOW", &["from"]),
    ("WANTED", &["to"]),
    ("WHY", &["why"]),
];

const COSTS: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("RECORDS", &["records"]),
    ("FIELDS", &["fields"]),
    ("CALLS", &["calls"]),
    ("A RECORD", &["calls_per_record"]),
    ("MEASURED", &["measured"]),
    ("DONE IN", &["done_in"]),
];

impl Plan {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        let named = [("connection", self.connection.clone()), ("kind", self.kind.map(|it| it.to_string()))];
        let query: Vec<_> = named.into_iter().filter_map(|(name, it)| Some((name, it?))).collect();
        let bar = out.progress("planning".to_owned());
        let writes = client.list(&["plan"], &query, usize::MAX).await;
        bar.finish_and_clear();
        let writes = writes?["items"].take();
        let status = client.get(&["status"], &[]).await?;
        let costs = costs(&writes, &status["forecast"]);
        let plan = json!({"plan": id_of(&writes)?, "tenant": status["tenant"], "costs": costs, "writes": writes});
        if let Some(file) = &self.out {
            write(file, &plan)?;
        }
        out.show(&plan, |plan| self.human(plan))
    }

    fn human(&self, plan: &Json) -> String {
        let steps: Vec<Json> = items(&plan["writes"]).flat_map(steps).collect();
        if steps.is_empty() {
            return "nothing would change".to_owned();
        }
        let count = format!("{} fields of {} records", steps.len(), items(&plan["writes"]).count());
        let costs = table(&json!({"items": plan["costs"]}), COSTS);
        let file = match &self.out {
            Some(file) => format!("truthsource apply {}", file.display()),
            None => "keep it with --out FILE, and apply it with `truthsource apply FILE`".to_owned(),
        };
        let plan = cell(&plan["plan"]);
        format!("{}\n\n{costs}\n\nplan {plan}: {count}\n{file}", table(&json!({"items": steps}), COLUMNS))
    }
}

/// A plan is named by what is in it.
pub(super) fn id_of(writes: &Json) -> anyhow::Result<String> {
    Ok(hex(&sha256(&[&serde_json::to_vec(writes)?])))
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

/// The fields of a write, one line each.
fn steps(write: &Json) -> Vec<Json> {
    let steps = write["fields"].as_object().into_iter().flatten().map(|(name, step)| {
        json!({
            "connection": write["connection"], "kind": write["kind"], "key": write["key"], "field": name,
            "from": step["from"], "to": step["to"], "why": why(&step["why"]),
        })
    });
    steps.collect()
}

/// Why, on one line: what decided, on whose word, and what has a say besides.
fn why(why: &Json) -> String {
    let owner = why["owner"].as_str().map(|it| format!(" {it}")).unwrap_or_default();
    let said = items(&why["inputs"]).map(|it| format!("{} said {}", cell(&it["connection"]), cell(&it["said"])));
    let said = said.collect::<Vec<_>>().join(", ");
    format!("{}{owner}, version {}: {said}", short(&cell(&why["policy"])), cell(&why["version"]))
}

/// A digest is known by its beginning.
fn short(policy: &str) -> String {
    match policy.split_once('@') {
        Some((slot, digest)) => format!("{slot}@{}", digest.chars().take(12).collect::<String>()),
        None => policy.to_owned(),
    }
}

/// What the writes cost, by connection and kind, as the server forecasts it.
fn costs(writes: &Json, forecast: &Json) -> Vec<Json> {
    let mut costs: Vec<Json> = Vec::new();
    for write in items(writes) {
        let is_same = |it: &&mut Json| it["connection"] == write["connection"] && it["kind"] == write["kind"];
        let fields = write["fields"].as_object().map_or(0, serde_json::Map::len) as u64;
        if let Some(cost) = costs.iter_mut().find(is_same) {
            cost["records"] = (cost["records"].as_u64().unwrap_or(0) + 1).into();
            cost["fields"] = (cost["fields"].as_u64().unwrap_or(0) + fields).into();
            continue;
        }
        let known = items(forecast).find(|it| it["connection"] == write["connection"] && it["kind"] == write["kind"]);
        let known = known.cloned().unwrap_or_default();
        let done_in = known["done_in_s"].as_u64().map(duration);
        costs.push(json!({
            "connection": write["connection"], "kind": write["kind"], "records": 1, "fields": fields,
            "calls": known["calls"], "calls_per_record": known["calls_per_record"], "measured": known["measured"],
            "done_in_s": known["done_in_s"], "done_in": done_in,
        }));
    }
    costs
}

/// `41 min`: for people.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn write(file: &Path, plan: &Json) -> anyhow::Result<()> {
    let unwritable = |error: std::io::Error| {
        let message = format!("cannot write {}: {error}", file.display());
        anyhow::Error::from(Failure::new("unwritable", message))
    };
    std::fs::write(file, format!("{}\n", serde_json::to_string_pretty(plan)?)).map_err(unwritable)
}
