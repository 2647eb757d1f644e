//! The worker that understands webhooks and folds.

use std::time::Duration;

use tokio::sync::watch;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::receive::{self, Received};
use crate::engine::{Did, Engine, Error, fold};

/// How long to wait after a failure, so that a broken store is not asked in a tight loop.
const FAILED: Duration = Duration::from_millis(200);

pub(super) async fn run(engine: Engine, wakes: Wakes, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let wait = match step(&engine, &wakes).await {
            Ok(Did { handled: 0, .. }) => IDLE,
            Ok(_) => {
                wakes.lanes.send_replace(());
                continue;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "folding failed and is tried again");
                FAILED
            }
        };
        tokio::select! {
            () = wakes.fold.notified() => {}
            _ = stopped.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn step(engine: &Engine, wakes: &Wakes) -> Result<Did, Error> {
    let Received { did: received, heard } = receive::receive(engine).await?;
    wakes.heard(&heard, engine.now());
    let parties = Parties::load(engine).await?;
    Ok(received.and(fold::fold(engine, &parties).await?))
}
