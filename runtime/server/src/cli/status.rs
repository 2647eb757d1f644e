//! `truthsource status`

use serde_json::{Value as Json, json};

use super::client::Client;
use super::output::{Column, Output, cell, lines, table};
use super::plan::duration;

const LINES: &[Column] = &[
    ("tenant", &["tenant"]),
    ("quiet", &["quiet"]),
    ("webhooks to understand", &["inbox"]),
    ("to decide again", &["deciding"]),
    ("records to read", &["touched"]),
    ("entries to fold", &["unfolded"]),
    ("entries that wait", &["waiting"]),
    ("debts to pay", &["debts"]),
    ("of them to apply", &["debts_to_apply"]),
    ("oldest debt", &["oldest_debt"]),
    ("parked", &["parked"]),
    ("conflicts for a person", &["conflicts"]),
    ("rows that cannot be read", &["damaged"]),
    ("fields compared", &["accuracy", "fields"]),
    ("accuracy", &["accuracy", "accuracy"]),
    ("at least (95 %)", &["accuracy", "lower_95"]),
];

const FORECAST: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("DEBTS", &["debts"]),
    ("CALLS", &["calls"]),
    ("DONE IN", &["done_in"]),
    ("WHEN", &["when"]),
];

/// When what is owed will have been written.
fn forecast(status: &Json) -> String {
    let items = status["forecast"].as_array().into_iter().flatten().map(|it| {
        let mut it = it.clone();
        it["done_in"] = it["done_in_s"].as_u64().map(duration).into();
        it["when"] = if it["on_apply"] == true { "once a plan is applied".into() } else { it["done_at"].clone() };
        it
    });
    let items: Vec<Json> = items.collect();
    if items.is_empty() { String::new() } else { format!("\n\n{}", table(&json!({"items": items}), FORECAST)) }
}

/// `item 3, price 40`
fn deciding(status: &Json) -> String {
    let kinds = status["deciding"].as_object().into_iter().flatten();
    let kinds: Vec<String> = kinds.map(|(kind, n)| format!("{kind} {}", cell(n))).collect();
    if kinds.is_empty() { "0".to_owned() } else { kinds.join(", ") }
}

/// The connections that nothing is read from or written to, and why.
fn idle(status: &Json) -> String {
    let connections = status["connections"].as_array().into_iter().flatten();
    let idle = connections.filter(|it| it["state"] != "active" || !it["trouble"].is_null());
    let line = |it: &Json| {
        let trouble = it["trouble"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
        format!("\nconnection {} is {}{trouble}", cell(&it["name"]), cell(&it["state"]))
    };
    idle.map(line).collect()
}

/// What is waiting, and whether all is quiet.
pub(super) async fn run(client: &Client, out: &Output) -> anyhow::Result<()> {
    out.show(&client.get(&["status"], &[]).await?, |it| {
        let mut head = it.clone();
        head["deciding"] = deciding(it).into();
        format!("{}{}{}", lines(&head, LINES), idle(it), forecast(it))
    })
}
