//! Every integration test, in one binary.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod at_least_once;
mod conformance;
mod convergence;
mod doors;
mod ledger;
mod orders;
mod plans;
mod policies;
mod simulation;
mod stock;
mod tidy;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value as Json;
use truthsource::demo::setup::TENANT;
use truthsource_tests::Stage;

/// The server as a program of its own.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_truthsource-under-test"))
}

/// Runs the program on the stage's server; whether it ended well, and what it said.
async fn shell(stage: &Stage, words: &[&str]) -> (bool, Json) {
    let mut command = Command::new(program());
    command.arg("--data-dir").arg(&stage.data_dir).args(["--tenant", TENANT, "--json"]).args(words);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = if ended.stdout.is_empty() { &ended.stderr } else { &ended.stdout };
    (ended.status.success(), serde_json::from_slice(said).unwrap())
}

/// Waits until this is so. Nothing is quiet while somebody who is owed something does not listen.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("{what} never came"));
}
