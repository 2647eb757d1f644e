//! The worker that understands webhooks and folds.

use std::time::Duration;

use tokio::sync::watch;
use truthsource_core::UnixMs;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::receive::{self, Received};
use crate::engine::{Did, Engine, Error, fold};
use crate::store;

/// How long to wait after a failure, so that a broken store is not asked in a tight loop.
const FAILED: Duration = Duration::from_millis(200);

/// And after others had settled what was to be folded: that is no failure, and the next fold sees.
const OVERTAKEN: Duration = Duration::from_millis(5);

/// How long what was put off waits to be taken up again.
const PUT_OFF_MS: u64 = 5_000;

pub(super) async fn run(engine: Engine, wakes: Wakes, mut stopped: watch::Receiver<bool>) {
    let mut taken_up = UnixMs(0);
    while !*stopped.borrow() {
        let wait = match step(&engine, &wakes, &mut taken_up).await {
            Ok(Did { handled: 0, .. }) => IDLE,
            Ok(_) => {
                wakes.lanes.send_replace(());
                continue;
            }
            Err(Error::Store(store::Error::Conflict(why))) => {
                tracing::debug!(why, "what was to be folded was read again since");
                OVERTAKEN
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

async fn step(engine: &Engine, wakes: &Wakes, taken_up: &mut UnixMs) -> Result<Did, Error> {
    if engine.now().since(*taken_up) >= PUT_OFF_MS {
        fold::take_up(engine).await?;
        *taken_up = engine.now();
    }
    let Received { did: received, heard } = receive::receive(engine).await?;
    wakes.heard(&heard, engine.now());
    let parties = Parties::load(engine).await?;
    Ok(received.and(fold::fold(engine, &parties).await?))
}
