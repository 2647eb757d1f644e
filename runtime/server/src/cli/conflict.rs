//! `truthsource conflict`

use std::num::NonZeroUsize;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::output::{Column, Output, cell, lines, table};

/// What systems disagree about, and what a person says it is.
#[derive(Subcommand)]
pub(super) enum Conflict {
    /// List what waits for a person, newest first.
    List {
        /// Only what waits for a person; so it is by default.
        #[arg(long)]
        open: bool,
        /// What was decided as well.
        #[arg(long, conflicts_with = "open")]
        all: bool,
        /// The most to show.
        #[arg(long, default_value = "1000")]
        limit: NonZeroUsize,
    },
    /// Show one, with what each side said.
    Show {
        /// Its number, as `list` shows it.
        id: u64,
    },
    /// Settle one that waits for a person.
    Settle {
        /// Its number, as `list` shows it.
        id: u64,
        #[command(flatten)]
        answer: Answer,
    },
}

/// What a person says: one of the four.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Answer {
    /// This connection is right. Of a record that vanished there: it is deleted everywhere.
    #[arg(long, value_name = "CONNECTION")]
    take: Option<String>,
    /// This value is right: text as it is, anything else as JSON, `null` for empty.
    #[arg(long, value_name = "JSON-OR-TEXT", allow_hyphen_values = true)]
    value: Option<String>,
    /// The record is created again where it vanished.
    #[arg(long)]
    recreate: bool,
    /// The row that cannot be read is given up, and its record read from its systems.
    #[arg(long)]
    read_again: bool,
}

const COLUMNS: &[Column] = &[
    ("ID", &["id"]),
    ("AT", &["at"]),
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("ABOUT", &["about"]),
    ("CLAIMS", &["said"]),
    ("OUTCOME", &["outcome"]),
    ("WHY", &["reason"]),
];

const LINES: &[Column] = &[
    ("id", &["id"]),
    ("at", &["at"]),
    ("kind", &["kind"]),
    ("key", &["key"]),
    ("about", &["about"]),
    ("waits for a person", &["open"]),
    ("outcome", &["outcome"]),
    ("why", &["reason"]),
    ("policy", &["policy"]),
];

const CLAIMS: &[Column] = &[("CONNECTION", &["connection"]), ("SAYS", &["says"])];

impl Conflict {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::List { all, limit, .. } => {
                let query: Vec<_> = (!all).then(|| ("open", "true".to_owned())).into_iter().collect();
                let found = client.list(&["conflicts"], &query, limit.get()).await?;
                out.some(&found, |it| table(&told(it), COLUMNS))
            }
            Self::Show { id } => out.show(&client.get(&["conflicts", &id.to_string()], &[]).await?, shown),
            Self::Settle { id, answer } => {
                let settled = client.post(&["conflicts", &id.to_string(), "settle"], Some(&answer.word())).await?;
                out.show(&settled, |it| {
                    format!("{}/{}, {}: {}", cell(&it["kind"]), cell(&it["key"]), about(it), cell(&it["outcome"]))
                })
            }
        }
    }
}

impl Answer {
    fn word(&self) -> Json {
        match (&self.take, &self.value) {
            (Some(connection), _) => json!({"take": connection}),
            (_, Some(value)) => json!({"value": meant(value)}),
            _ if self.read_again => json!({"read_again": true}),
            _ => json!({"recreate": self.recreate}),
        }
    }
}

/// A value as people write one. Numbers stay the text that was typed: they lose no digit, and a code of digits is one.
fn meant(text: &str) -> Json {
    match serde_json::from_str(text) {
        Ok(Json::Number(_)) | Err(_) => text.into(),
        Ok(json) => json,
    }
}

/// Conflicts, each on one line.
fn told(conflicts: &Json) -> Json {
    let line = |it: &Json| {
        let mut line = it.clone();
        let claims = it["claims"].as_object().into_iter().flatten();
        let said: Vec<String> = claims.map(|(name, value)| format!("{name}: {}", cell(value))).collect();
        (line["about"], line["said"]) = (about(it).into(), said.join("; ").into());
        line
    };
    json!({"items": conflicts["items"].as_array().into_iter().flatten().map(line).collect::<Vec<_>>()})
}

fn shown(conflict: &Json) -> String {
    let mut head = conflict.clone();
    head["about"] = about(conflict).into();
    let claims = conflict["claims"].as_object().into_iter().flatten();
    let claims: Vec<Json> = claims.map(|(name, value)| json!({"connection": name, "says": value})).collect();
    format!("{}\n\n{}", lines(&head, LINES), table(&json!({"items": claims}), CLAIMS))
}

/// The field, or else what it is about.
fn about(conflict: &Json) -> String {
    cell(if conflict["field"].is_null() { &conflict["about"] } else { &conflict["field"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_was_typed() {
        let check = |text: &str, expect: Json| assert_eq!(meant(text), expect, "{text}");
        check("Bolt M8", json!("Bolt M8"));
        check("-4.50", json!("-4.50"));
        check("4006381333931", json!("4006381333931"));
        check("null", Json::Null);
        check("true", json!(true));
        check("\"null\"", json!("null"));
        check("[{\"from\": \"10\"}]", json!([{"from": "10"}]));
        check("", json!(""));
    }

    #[test]
    fn a_conflict_is_a_line_and_a_page() {
        let held = json!({
            "id": 7, "kind": "item", "key": "bolt-8", "about": "field", "field": "title", "open": true,
            "claims": {"erp": "Bolt", "shop": null}, "reason": "nobody owns it", "policy": "",
        });
        let row = table(&told(&json!({"items": [held]})), COLUMNS);
        assert!(row.contains("7   -   item  bolt-8  title  erp: Bolt; shop: -  -        nobody owns it"), "{row}");
        let page = shown(&held);
        assert!(page.contains("waits for a person  true") && page.contains("erp         Bolt"), "{page}");
    }
}
