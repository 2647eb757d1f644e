//! Waiting until a tenant is quiet.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value as Json;
use truthsource_core::UnixMs;

use crate::cli::client::Client;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(100);
/// How long nothing may wait before it counts as quiet.
pub const SETTLED: Duration = Duration::from_millis(500);
/// Longer than this, something is stuck.
const AT_MOST: Duration = Duration::from_secs(1_800);

/// Returns once every kind of every connection was read to its end at least once more, and then nothing waited for
/// [`SETTLED`]. Gives the seconds until then. `tell` is told how it stands. Only what was read from the moment `since` on
/// counts.
///
/// # Errors
/// When the server does not answer, or it takes too long.
pub async fn until_quiet(client: &Client, since: UnixMs, tell: impl Fn(&str)) -> anyhow::Result<f64> {
    let began = tokio::time::Instant::now();
    let mut settled = None;
    loop {
        let status = client.get(&["status"], &[]).await?;
        if status["quiet"] == true && is_read_since(client, since).await? {
            let settled = *settled.get_or_insert_with(tokio::time::Instant::now);
            if settled.elapsed() >= SETTLED {
                return Ok(began.elapsed().as_secs_f64());
            }
        } else {
            settled = None;
            tell(&waits(&status));
        }
        if began.elapsed() > AT_MOST {
            bail!("not quiet after {} s: {}", AT_MOST.as_secs(), waits(&status));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// A pull of every kind of every connection began after this moment and came to its end.
async fn is_read_since(client: &Client, moment: UnixMs) -> anyhow::Result<bool> {
    let listed = client.get(&["connections"], &[]).await?;
    let names: Vec<&str> =
        listed["items"].as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
    for name in names {
        let connection = client.get(&["connections", name], &[]).await?;
        let kinds = connection["spec"]["kinds"].as_object().context("a connection without kinds")?;
        for kind in kinds.keys().filter(|it| *it != "location") {
            let pulled_at = connection["progress"][kind]["pulled_at"].as_str().and_then(|it| it.parse().ok());
            let pulled_at = pulled_at.map_or(0, |it: jiff::Timestamp| u64::try_from(it.as_millisecond()).unwrap_or(0));
            if pulled_at < moment.0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn waits(status: &Json) -> String {
    let parts = ["inbox", "touched", "unfolded", "waiting", "debts"].map(|it| format!("{} {it}", status[it]));
    parts.join(", ")
}
