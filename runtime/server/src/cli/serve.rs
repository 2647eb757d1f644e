//! Running a server.

use anyhow::bail;
use clap::Args;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::output::Output;
use crate::{node, telemetry};

/// How long to run.
#[derive(Args)]
pub(super) struct Serve {
    /// Stop when standard input ends: for a server that belongs to another process.
    #[arg(long)]
    until_stdin_ends: bool,
}

/// Runs until it is told to stop.
pub(super) async fn run(serve: &Serve, global: &Global, out: &Output) -> anyhow::Result<()> {
    let config = global.configuration()?;
    telemetry::log(&config.log.filter, config.log.format)?;
    // Listened for from the start, so that no signal is lost while the stores open.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let data_dir = config.data_dir.clone();
    let node = node::start(config, node::Ground::machine()?).await?;
    let started = json!({"url": node.url(), "data_dir": data_dir, "operator_key_file": node.first_key});
    out.show(&started, |it| {
        let key = it["operator_key_file"].as_str().map(|it| format!("\nthe operator's key is in {it}"));
        format!("listening on {}{}", node.url(), key.unwrap_or_default())
    })?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends(), if serve.until_stdin_ends => {}
    }
    tracing::info!("stopping; a second signal does not wait for what is under way");
    tokio::select! {
        () = node.stop() => Ok(()),
        () = async { tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} } } => {
            bail!("told twice to stop: what was under way was cut off, and the next start finds it")
        }
    }
}

/// Whatever comes is read and forgotten.
async fn stdin_ends() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 256]);
    while stdin.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}
