//! `truthsource price`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::Failure;
use super::client::Client;
use super::connection::read;
use super::output::{Column, Output, cell, lines, table};

/// What customers pay, and the rules that say so.
#[derive(Subcommand)]
pub(super) enum Price {
    /// What one of an item costs somebody.
    Ask {
        /// The item, by code or key.
        item: String,
        /// The customer, by code or key; nobody in particular by default.
        #[arg(long, default_value = "")]
        company: String,
        /// How many.
        #[arg(long, default_value = "1")]
        quantity: String,
        /// ISO 4217.
        #[arg(long)]
        currency: String,
        /// The moment to price for, as in 2026-01-31T12:00:00Z; now by default.
        #[arg(long)]
        at: Option<String>,
        /// The slot of a pricing component that has the last word.
        #[arg(long)]
        slot: Option<String>,
    },
    /// List the rules.
    Rules,
    /// Set rules, and take away those that are `null`; others stay.
    Set {
        /// Rules by id, as JSON or TOML.
        file: PathBuf,
    },
    /// Take rules away.
    Remove {
        /// Their ids.
        #[arg(required = true)]
        rules: Vec<String>,
    },
}

const PAID: &[Column] = &[
    ("unit price", &["unit_price"]),
    ("why", &["reason"]),
    ("rule", &["rules", "rule"]),
    ("list", &["rules", "list"]),
    ("said", &["rules", "base"]),
    ("from", &["rules", "from_quantity"]),
    ("adjusted by", &["rules", "adjusted_by"]),
];
const RULES: &[Column] = &[
    ("ID", &["id"]),
    ("COMPANY", &["company"]),
    ("ITEM", &["item"]),
    ("CURRENCY", &["currency"]),
    ("FROM", &["from"]),
    ("UNTIL", &["until"]),
    ("PAYS", &["pays"]),
];
/// Rules that the server takes at once.
const CHANGE_MAX: usize = 500;

impl Price {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Ask { item, company, quantity, currency, at, slot } => {
                let line = json!({"item": item, "quantity": quantity});
                let mut basket = json!({"company": company, "currency": currency, "lines": [line]});
                for (name, it) in [("at", at), ("slot", slot)] {
                    if let Some(it) = it {
                        basket[name] = json!(it);
                    }
                }
                let quote = client.post(&["price"], Some(&basket)).await.map_err(alone)?;
                out.show(&quote, |it| lines(&it["lines"][0], PAID))
            }
            Self::Rules => {
                let rules = client.list(&["price-rules"], &[], usize::MAX).await?;
                out.show(&rules, |it| table(it, RULES))
            }
            Self::Set { file } => {
                let rules = read(file)?;
                if rules.as_object().is_none_or(serde_json::Map::is_empty) {
                    let message = format!("{} holds no rules by their ids", file.display());
                    return Err(Failure::new("malformed", message).into());
                }
                change(client, out, rules.as_object().into_iter().flatten().map(|(id, it)| (id.clone(), it.clone())))
                    .await
            }
            Self::Remove { rules } => change(client, out, rules.iter().map(|id| (id.clone(), Json::Null))).await,
        }
    }
}

/// What is wrong with the only line of a basket.
fn alone(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(Failure { code, message }) => Failure::new(&code, message.trim_start_matches("line 0: ")).into(),
        Err(other) => other,
    }
}

async fn change(client: &Client, out: &Output, rules: impl Iterator<Item = (String, Json)>) -> anyhow::Result<()> {
    let (rules, mut done) = (rules.collect::<Vec<_>>(), json!({"set": 0, "removed": 0}));
    for some in rules.chunks(CHANGE_MAX) {
        let some: serde_json::Map<String, Json> = some.iter().cloned().collect();
        let changed = client.put(&["price-rules"], &json!({"rules": some})).await?;
        for name in ["set", "removed"] {
            done[name] = json!(done[name].as_u64().unwrap_or(0) + changed[name].as_u64().unwrap_or(0));
        }
    }
    out.show(&done, |it| format!("{} set, {} removed", cell(&it["set"]), cell(&it["removed"])))
}
