//! `truthsource status`

use super::client::Client;
use super::output::{Column, Output, lines};

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

/// What is waiting, and whether all is quiet.
pub(super) async fn run(client: &Client, out: &Output) -> anyhow::Result<()> {
    out.show(&client.get(&["status"], &[]).await?, |it| lines(it, LINES))
}
