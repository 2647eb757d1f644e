//! The worker that understands webhooks and folds.

use std::time::Duration;

use tokio::sync::watch;
use truthsource_core::UnixMs;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::receive::{self, Received};
use crate::engine::{Did, Engine, Error, damage, fold};
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
            Err(error) if super::set_aside(&engine, &error).await => OVERTAKEN,
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
    damage::mend(engine).await?;
    let Received { did: received, heard } = receive::receive(engine).await?;
    wakes.heard(&heard, engine.now());
    let parties = Parties::load(engine).await?;
    Ok(received.and(fold::fold(engine, &parties).await?))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use truthsource_core::Kind;

    use super::*;
    use crate::engine::fake::{ERP, Fake, House};
    use crate::store::Row;

    /// The row that stands first in the log would fail every fold.
    #[tokio::test]
    async fn s7_one_row_that_cannot_be_read_does_not_stop_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let house = House::in_file(dir.path(), Fake::default()).await;
        house.saw(ERP, "a", "bolt").await;
        house.saw(ERP, "b", "nut").await;
        let (kind, remote_id) = (Kind::Item, "a".to_owned());
        house.damage(Row::Reading { seq: 1, connection: ERP, kind, remote_id }).await;
        let (stop, stopped) = watch::channel(false);
        let folder = tokio::spawn(run(house.engine.clone(), Wakes::default(), stopped));
        let folded = async {
            while house.title("b").await.is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), folded).await.unwrap();
        let seen = house.store.touched(ERP, house.engine.now(), 9).await.unwrap();
        assert_eq!(seen.iter().map(|it| it.remote_id.as_str()).collect::<Vec<_>>(), ["a"]);
        stop.send(true).unwrap();
        folder.await.unwrap();
    }

    /// A node dies after it has stored what a lane heard, and before it wakes whoever folds: nobody ever wakes anybody.
    #[tokio::test]
    async fn c6_c7_what_nobody_was_woken_for_is_folded() {
        let house = House::with(Fake::default()).await;
        let (stop, stopped) = watch::channel(false);
        let folder = tokio::spawn(run(house.engine.clone(), Wakes::default(), stopped));
        for title in ["bolt", "nut"] {
            house.saw(ERP, "a", title).await;
            let folded = async {
                while house.title("a").await != Some(title.into()) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), folded).await.unwrap();
        }
        stop.send(true).unwrap();
        folder.await.unwrap();
    }

    /// What is logged of trouble.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_overtaken_fold_is_no_trouble() {
        let lines = Lines::default();
        let (level, written) = (tracing::Level::INFO, lines.clone());
        let log = tracing_subscriber::fmt().with_max_level(level).with_writer(move || written.clone()).finish();
        let _log = tracing::subscriber::set_default(log);
        let house = House::overtaken().await;
        let (stop, stopped) = watch::channel(false);
        let folder = tokio::spawn(run(house.engine.clone(), Wakes::default(), stopped));
        let folded = async {
            while house.title("a").await != Some("newest".into()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), folded).await.unwrap();
        stop.send(true).unwrap();
        folder.await.unwrap();
        assert_eq!(house.title("b").await, Some("nut".into()));
        assert_eq!(String::from_utf8(lines.0.lock().unwrap().clone()).unwrap(), "");
    }
}
