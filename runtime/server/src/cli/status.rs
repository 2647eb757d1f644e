//! `truthsource status`

use serde_json::Value as Json;

use super::client::Client;
use super::output::{Column, Output, cell, lines};

const LINES: &[Column] = &[
    ("tenant", &["tenant"]),
    ("quiet", &["quiet"]),
    ("webhooks to understand", &["inbox"]),
    ("records to read", &["touched"]),
    ("entries to fold", &["unfolded"]),
    ("entries that wait", &["waiting"]),
    ("debts to pay", &["debts"]),
    ("oldest debt", &["oldest_debt"]),
    ("parked", &["parked"]),
    ("conflicts for a person", &["conflicts"]),
];

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
    out.show(&client.get(&["status"], &[]).await?, |it| format!("{}{}", lines(it, LINES), idle(it)))
}
