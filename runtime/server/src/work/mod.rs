//! The workers of a tenant: a thin shell that calls the engine's steps when there is something to do.
//!
//! One task understands webhooks and folds; one task per connection works its lane. They hold no state that matters:
//! whatever they were doing when they die is found in the store by the next.

mod folder;
mod laner;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

use crate::engine::Engine;
use crate::store::ConnectionState;

/// How long a worker waits when nobody wakes it: nothing that matters depends on a wake-up arriving.
const IDLE: Duration = Duration::from_millis(500);

/// Wakes the workers of one tenant.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    /// Something was taken in or logged.
    pub fold: Arc<Notify>,
    /// Something is to be read or written: every lane looks, also one that is busy just now, as soon as it is not.
    lanes: Arc<watch::Sender<()>>,
    /// When each connection's system was last heard of.
    heard: Arc<Mutex<BTreeMap<ConnectionId, UnixMs>>>,
}

impl Wakes {
    /// Wakes everybody.
    pub fn all(&self) {
        self.fold.notify_one();
        self.lanes.send_replace(());
    }

    /// These systems sent us something.
    fn heard(&self, connections: &BTreeSet<ConnectionId>, at: UnixMs) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(connections.iter().map(|it| (*it, at)));
    }

    /// When a connection's system was last heard of.
    fn heard_at(&self, connection: ConnectionId) -> Option<UnixMs> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(&connection).copied()
    }
}

/// A tenant's workers. Dropping them stops them between two awaits; [`Workers::stop`] between two steps.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    /// Wakes them.
    pub wakes: Wakes,
}

impl Workers {
    /// Starts a tenant's workers. `intake` wakes them from outside.
    #[must_use]
    pub fn start(engine: Engine, intake: Arc<Notify>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let wakes = Wakes { fold: intake, ..Wakes::default() };
        let mut tasks = JoinSet::new();
        tasks.spawn(folder::run(engine.clone(), wakes.clone(), stopped.clone()));
        tasks.spawn(lanes(engine, wakes.clone(), stopped));
        Self { tasks, stop, wakes }
    }

    /// Lets every worker finish its step and ends them.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        self.wakes.all();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Keeps one lane task per connection that works.
async fn lanes(engine: Engine, wakes: Wakes, mut stopped: watch::Receiver<bool>) {
    let mut woken = wakes.lanes.subscribe();
    let mut running: BTreeMap<ConnectionId, tokio::task::JoinHandle<()>> = BTreeMap::new();
    while !*stopped.borrow() {
        match engine.store.connections().await {
            Ok(connections) => {
                for connection in connections.into_iter().filter(|it| it.state == ConnectionState::Active) {
                    let alive = running.get(&connection.id).is_some_and(|it| !it.is_finished());
                    if !alive {
                        let task = laner::run(engine.clone(), connection.id, wakes.clone(), stopped.clone());
                        running.insert(connection.id, tokio::spawn(task));
                    }
                }
            }
            Err(error) => tracing::error!(%error, "connections were not read"),
        }
        tokio::select! {
            _ = woken.changed() => {}
            _ = stopped.changed() => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
    for (_, lane) in running {
        let _ = lane.await;
    }
}
