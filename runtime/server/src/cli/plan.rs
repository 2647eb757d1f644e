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
    ("CALLS TO READ", &["reads"]),
    ("CALLS TO WRITE", &["writes"]),
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
        let costs = costs(client, &writes).await?;
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
        let costs = format!("{}\n{}", table(&json!({"items": plan["costs"]}), COSTS), totals(&plan["costs"]));
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
    let count = counted(&why["count"]).map(|it| format!("; {it}")).unwrap_or_default();
    let rules: Vec<&str> = items(&why["price_rules"]).filter_map(Json::as_str).collect();
    let rules = if rules.is_empty() { String::new() } else { format!("; price rules {}", rules.join(", ")) };
    format!("{}{owner}, version {}: {said}{count}{rules}", short(&cell(&why["policy"])), cell(&why["version"]))
}

/// What a count was worked out of: `10 on hand, 2 reserved, 1 for web, 3 may be sold before a cap of 2`.
fn counted(count: &Json) -> Option<String> {
    let number = |it: &Json| it.as_str().filter(|it| *it != "0").map(str::to_owned);
    let promised = &count["promised"];
    let waiting = promised["unacknowledged"].as_object().into_iter().flatten();
    let waiting = waiting.filter_map(|(name, it)| Some(format!("{} ordered at {name}", number(it)?)));
    let held = ["absolute", "percent", "cover_days"].into_iter();
    let held =
        held.filter_map(|it| Some(format!("{} {} held back", number(&count["hold"][it])?, it.replace('_', " "))));
    let cap = count["hold"]["cap"].as_str().map(|it| format!(" before a cap of {it}")).unwrap_or_default();
    let parts = count["parts"].as_object().into_iter().flatten();
    let part = |(item, it): (&String, &Json)| {
        let takes = cell(&it["quantity"]);
        format!("{takes} each of {} of {item}", it["on_hand"].as_str().unwrap_or("unknown"))
    };
    let told = [
        number(&count["on_hand"]).map(|it| format!("{it} on hand")),
        number(&promised["reserved"]).map(|it| format!("{it} reserved")),
    ];
    let told = told.into_iter().flatten().chain(waiting).chain(held).chain(parts.map(part));
    let free = count["free"].as_str().map(|it| format!("{it} may be sold{cap}"))?;
    Some(told.chain([free]).collect::<Vec<_>>().join(", "))
}

/// A digest is known by its beginning.
fn short(policy: &str) -> String {
    match policy.split_once('@') {
        Some((slot, digest)) => format!("{slot}@{}", digest.chars().take(12).collect::<String>()),
        None => policy.to_owned(),
    }
}

/// What the writes cost, by connection and kind, as the server works it out.
async fn costs(client: &Client, writes: &Json) -> anyhow::Result<Vec<Json>> {
    let mut parts = parts(writes);
    if parts.is_empty() {
        return Ok(parts);
    }
    let asked: Vec<Json> = parts.iter().map(asked).collect();
    let told = client.post(&["plan", "cost"], Some(&json!({"parts": asked}))).await?;
    for (part, cost) in parts.iter_mut().zip(items(&told["items"])) {
        for name in ["reads", "writes", "measured", "done_in_s"] {
            part[name] = cost[name].clone();
        }
        part["done_in"] = cost["done_in_s"].as_u64().map(duration).into();
    }
    Ok(parts)
}

/// How many records and fields are written of each kind to each connection.
fn parts(writes: &Json) -> Vec<Json> {
    let mut parts: Vec<Json> = Vec::new();
    for write in items(writes) {
        let at = parts.iter().position(|it| it["connection"] == write["connection"] && it["kind"] == write["kind"]);
        let at = at.unwrap_or_else(|| {
            let (connection, kind) = (&write["connection"], &write["kind"]);
            parts.push(json!({"connection": connection, "kind": kind, "records": 0, "creates": 0, "fields": 0}));
            parts.len() - 1
        });
        let fields = write["fields"].as_object().map_or(0, serde_json::Map::len) as u64;
        let creates = u64::from(write["remote_id"].is_null());
        for (name, more) in [("records", 1), ("creates", creates), ("fields", fields)] {
            parts[at][name] = (parts[at][name].as_u64().unwrap_or(0) + more).into();
        }
    }
    parts
}

fn asked(part: &Json) -> Json {
    let count = |name: &str| part[name].as_u64().unwrap_or(0);
    let changes = count("records") - count("creates");
    json!({"connection": part["connection"], "kind": part["kind"], "creates": count("creates"), "changes": changes})
}

/// What each connection is asked for in all, a line each.
fn totals(costs: &Json) -> String {
    let mut names: Vec<&Json> = items(costs).map(|it| &it["connection"]).collect();
    names.dedup();
    let line = |name: &&Json| {
        let here = || items(costs).filter(|it| it["connection"] == **name);
        let calls: u64 = here().flat_map(|it| [&it["reads"], &it["writes"]]).filter_map(Json::as_u64).sum();
        // The last of its kinds is what it is done with; of one whose pace is not known nobody can say.
        let done_in: Option<Vec<u64>> = here().map(|it| it["done_in_s"].as_u64()).collect();
        let done_in = done_in.and_then(|it| it.into_iter().max()).map(|it| format!(", done in {}", duration(it)));
        format!("{}: {calls} calls{}", cell(name), done_in.unwrap_or_default())
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_counted_by_connection_and_kind() {
        let write = |connection: &str, kind: &str, remote_id: Json, fields: &[&str]| {
            let fields: serde_json::Map<String, Json> = fields.iter().map(|it| ((*it).to_owned(), json!({}))).collect();
            json!({"connection": connection, "kind": kind, "remote_id": remote_id, "fields": fields})
        };
        let parts = parts(&json!([
            write("shop", "item", json!("1"), &["title", "barcode"]),
            write("shop", "item", Json::Null, &["code", "title"]),
            write("shop", "price", json!("2"), &["amount"]),
        ]));
        let expect = json!({"connection": "shop", "kind": "item", "records": 2, "creates": 1, "fields": 4});
        assert_eq!((&parts[0], parts.len()), (&expect, 2));
        let asked_for = json!({"connection": "shop", "kind": "item", "creates": 1, "changes": 1});
        assert_eq!(asked(&parts[0]), asked_for);
    }

    #[test]
    fn a_count_says_what_it_was_worked_out_of() {
        let count = json!({
            "on_hand": "10", "promised": {"reserved": "2", "unacknowledged": {"web": "1", "b2b": "0"}, "demand": "0"},
            "hold": {"absolute": "0", "percent": "10", "cap": "5"}, "free": "6.3", "tells": "available",
        });
        let expect =
            "10 on hand, 2 reserved, 1 ordered at web, 10 percent held back, 6.3 may be sold before a cap of 5";
        assert_eq!(counted(&count).as_deref(), Some(expect));
        assert_eq!(counted(&Json::Null), None);
        let kit = json!({
            "on_hand": null, "promised": {"reserved": "0"}, "free": "2", "hold": {},
            "parts": {"BOLT": {"quantity": "4", "on_hand": "8"}, "NUT": {"quantity": "1", "on_hand": null}},
        });
        assert_eq!(counted(&kit).as_deref(), Some("4 each of 8 of BOLT, 1 each of unknown of NUT, 2 may be sold"));
    }

    #[test]
    fn a_connection_is_done_with_the_last_of_its_kinds() {
        let cost = |connection: &str, reads: u64, writes: u64, done_in_s: Json| json!({"connection": connection, "reads": reads, "writes": writes, "done_in_s": done_in_s});
        let costs = json!([
            cost("erp", 5, 10, json!(35)),
            cost("erp", 2, 4, json!(7_200)),
            cost("shop", 0, 1, json!(1)),
            cost("shop", 0, 1, Json::Null),
        ]);
        assert_eq!(totals(&costs), "erp: 21 calls, done in 2 h 0 min\nshop: 2 calls");
    }
}
