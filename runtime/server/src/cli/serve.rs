//! Running a server.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::output::Output;
use crate::{node, telemetry};

/// Runs until it is told to stop.
pub(super) async fn run(global: &Global, out: &Output) -> anyhow::Result<()> {
    let config = global.configuration()?;
    telemetry::log(&config.log.filter, config.log.format)?;
    // Listened for from the start, so that no signal is lost while the stores open.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let data_dir = config.data_dir.clone();
    let node = node::start(config).await?;
    let started = json!({"url": node.url(), "data_dir": data_dir, "operator_key_file": node.first_key});
    out.show(&started, |it| {
        let key = it["operator_key_file"].as_str().map(|it| format!("\nthe operator's key is in {it}"));
        format!("listening on {}{}", node.url(), key.unwrap_or_default())
    })?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    node.stop().await;
    Ok(())
}
