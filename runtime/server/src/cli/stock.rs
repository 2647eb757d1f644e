//! `truthsource stock`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::connection::read;
use super::output::{Column, Output, cell, lines, table};

/// What there is, what is promised of it, and what each channel may sell.
#[derive(Subcommand)]
pub(super) enum Stock {
    /// Show a stock level.
    Show {
        /// Its key: `bolt-8@main`.
        level: String,
    },
    /// Show kits, buffers, and where orders leave from; with a file, replace them.
    Rules {
        /// The rules to be, as JSON or TOML.
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
    },
}

const LEVEL: &[Column] = &[
    ("item", &["item"]),
    ("location", &["location"]),
    ("on hand", &["on_hand"]),
    ("reserved", &["promised", "reserved"]),
    ("not acknowledged", &["promised", "unacknowledged"]),
    ("ordered in 28 days", &["promised", "demand"]),
];
const PUBLISHED: &[Column] = &[
    ("CHANNEL", &["channel"]),
    ("MAY SELL", &["free"]),
    ("AT MOST", &["hold", "cap"]),
    ("ITS OWN ORDERS", &["own"]),
    ("TOLD", &["told"]),
    ("AS", &["tells"]),
    ("HOLDS", &["holds"]),
];
const PARTS: &[Column] = &[
    ("PART", &["item"]),
    ("A KIT TAKES", &["quantity"]),
    ("ON HAND", &["on_hand"]),
    ("RESERVED", &["promised", "reserved"]),
    ("NOT ACKNOWLEDGED", &["promised", "unacknowledged"]),
];

impl Stock {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Show { level } => out.show(&client.get(&["stock", level], &[]).await?, shown),
            Self::Rules { set: None } => out.show(&client.get(&["stock-rules"], &[]).await?, whole),
            Self::Rules { set: Some(file) } => out.show(&client.put(&["stock-rules"], &read(file)?).await?, whole),
        }
    }
}

fn shown(level: &Json) -> String {
    let own = &level["promised"]["own"];
    let channel = |(name, it): (&String, &Json)| {
        let mut row = it.clone();
        (row["channel"], row["own"]) = (json!(name), own[name].clone());
        row
    };
    let part = |(item, it): (&String, &Json)| {
        let mut row = it.clone();
        row["item"] = json!(item);
        row["promised"]["unacknowledged"] = json!(by_channel(&it["promised"]["unacknowledged"]));
        row
    };
    let rows = |of: &Json, row: &dyn Fn((&String, &Json)) -> Json| json!({"items": of.as_object().into_iter().flatten().map(row).collect::<Vec<_>>()});
    let mut head = level.clone();
    head["promised"]["unacknowledged"] = json!(by_channel(&level["promised"]["unacknowledged"]));
    let mut parts = vec![lines(&head, LEVEL)];
    if level["parts"].is_object() {
        parts.push(table(&rows(&level["parts"], &part), PARTS));
    }
    parts.push(match level["published"].as_object().is_none_or(serde_json::Map::is_empty) {
        true => "no channel is told what it may sell of it".to_owned(),
        false => table(&rows(&level["published"], &channel), PUBLISHED),
    });
    parts.join("\n\n")
}

/// `shop 3, web 2`
fn by_channel(quantities: &Json) -> String {
    let named = quantities.as_object().into_iter().flatten().map(|(name, n)| format!("{name} {}", cell(n)));
    let named: Vec<String> = named.collect();
    if named.is_empty() { "0".to_owned() } else { named.join(", ") }
}

fn whole(rules: &Json) -> String {
    serde_json::to_string_pretty(rules).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_shown_with_its_parts_and_channels() {
        let nothing = json!({"reserved": "0", "unacknowledged": {}, "own": {"shop": "3"}, "demand": "0"});
        let wanted = json!({"reserved": "2", "unacknowledged": {"shop": "6"}, "own": {}, "demand": "0"});
        let level = json!({
            "item": "kit", "location": "main", "on_hand": null, "promised": nothing,
            "parts": {"a": {"quantity": "2", "on_hand": "9", "promised": wanted}},
            "published": {"shop": {"tells": "on-hand", "hold": {}, "free": "0", "told": "3", "holds": "4"}},
        });
        let seen = shown(&level);
        assert!(seen.contains("a     2            9        2         shop 6"), "{seen}");
        assert!(seen.contains("shop     0         -        3               3     on-hand  4"), "{seen}");
        let nowhere = shown(&json!({"item": "kit", "published": {}}));
        assert!(nowhere.ends_with("no channel is told what it may sell of it"), "{nowhere}");
    }
}
