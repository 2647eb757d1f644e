//! The workers of a tenant: a thin shell that calls the engine's steps when there is something to do.
//!
//! One task understands webhooks and folds; one task per connection works its lane. They hold no state that matters:
//! whatever they were doing when they die is found in the store by the next, and `keep` sees to it that there is one.

mod folder;
mod keep;
mod laner;
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

pub(crate) use keep::{Pauses, keep};
pub use roster::{Post, Roster, Worker};

use crate::app::TenantHandle;
use crate::engine::{Engine, damage};
use crate::store::ConnectionState;
use crate::store::control::TenantId;

/// How long a worker waits when nobody wakes it: nothing that matters depends on a wake-up arriving.
const IDLE: Duration = Duration::from_millis(500);

/// How long workers that are cut off, and the store that is told so, are waited for.
const CUT_OFF: Duration = Duration::from_secs(1);

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
    tenant: TenantId,
    roster: Arc<Roster>,
    engine: Engine,
    /// Wakes them.
    pub wakes: Wakes,
}

impl Workers {
    /// Starts a tenant's workers, and enters them in the roster until they are gone.
    #[must_use]
    pub fn start(engine: Engine, tenant: &TenantHandle, roster: &Arc<Roster>) -> Self {
        Self::start_with(engine, tenant, roster, Pauses::USUAL)
    }

    fn start_with(engine: Engine, tenant: &TenantHandle, roster: &Arc<Roster>, pauses: Pauses) -> Self {
        let (stop, stopped) = watch::channel(false);
        let wakes = Wakes { fold: tenant.wake.clone(), ..Wakes::default() };
        let folder = Post::of(roster, &tenant.tenant, Worker::Folder);
        let crew = Crew { engine: engine.clone(), wakes: wakes.clone(), pauses, stopped: stopped.clone() };
        let mut tasks = JoinSet::new();
        let (folding, laning, post) = (crew.clone(), crew, folder.beside(Worker::Lanes));
        tasks.spawn(keep(folder, pauses, stopped.clone(), move || folding.clone().fold()));
        tasks.spawn(keep(post.clone(), pauses, stopped, move || laning.clone().keep_lanes(post.clone())));
        roster.begin(tenant.tenant.id);
        Self { tasks, stop, tenant: tenant.tenant.id, roster: roster.clone(), engine, wakes }
    }

    /// Lets every worker finish its step within `grace`, and lets go of their lanes. Gives those that were cut off: what
    /// they were doing is found in the store by the next.
    pub async fn stop(mut self, grace: Duration) -> Vec<Worker> {
        let _ = self.stop.send(true);
        self.wakes.all();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let mut cut_off = Vec::new();
        if tokio::time::timeout(grace, ended).await.is_err() {
            cut_off = self.roster.at_work(self.tenant);
            // Between two awaits they end at once.
            let _ = tokio::time::timeout(CUT_OFF, self.tasks.shutdown()).await;
        }
        self.let_go().await;
        cut_off
    }

    /// Whoever takes the lanes next need not wait for leases to end. A worker that goes on all the same is fenced off then.
    async fn let_go(&self) {
        let release = self.engine.store.release(&self.engine.holder);
        match tokio::time::timeout(CUT_OFF, release).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lanes were not let go: their leases end by themselves"),
            Err(_) => tracing::warn!("lanes were not let go: their leases end by themselves"),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.roster.end(self.tenant);
    }
}

/// What every worker of a tenant is given.
#[derive(Clone)]
struct Crew {
    engine: Engine,
    wakes: Wakes,
    pauses: Pauses,
    stopped: watch::Receiver<bool>,
}

impl Crew {
    async fn fold(self) {
        folder::run(self.engine, self.wakes, self.stopped).await;
    }

    async fn lane(self, connection: ConnectionId) {
        laner::run(self.engine, connection, self.wakes, self.stopped).await;
    }

    /// Keeps one lane per connection that works.
    async fn keep_lanes(mut self, post: Post) {
        let mut woken = self.wakes.lanes.subscribe();
        // They end with this: a lane that nobody looks after would not be stopped, either.
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<ConnectionId, AbortHandle> = BTreeMap::new();
        while !*self.stopped.borrow() {
            while tasks.try_join_next().is_some() {}
            match self.engine.store.connections().await {
                Ok(connections) => {
                    for connection in connections.into_iter().filter(|it| it.state == ConnectionState::Active) {
                        if running.get(&connection.id).is_none_or(AbortHandle::is_finished) {
                            let lane = self.keep_lane(&post, connection.id);
                            running.insert(connection.id, tasks.spawn(lane));
                        }
                    }
                }
                Err(error) => tracing::error!(%error, "connections were not read"),
            }
            tokio::select! {
                _ = woken.changed() => {}
                _ = self.stopped.changed() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    fn keep_lane(&self, post: &Post, connection: ConnectionId) -> impl Future<Output = ()> + Send + use<> {
        let crew = self.clone();
        let post = post.beside(Worker::Lane(connection));
        keep(post, self.pauses, self.stopped.clone(), move || crew.clone().lane(connection))
    }
}

/// Sets aside the row that a step failed on, if it failed on one: the next step goes on without it.
async fn set_aside(engine: &Engine, failed: &crate::engine::Error) -> bool {
    damage::set_aside(engine, failed).await.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a row that cannot be read was not set aside");
        false
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use truthsource_core::draw::Draw;
    use truthsource_host::CallError;

    use super::*;
    use crate::engine::Pace;
    use crate::engine::fake::{Fake, Gate, House, answers};
    use crate::engine::ports::Clock;
    use crate::store::control::Tenant;
    use crate::store::model::ModelStore;

    const LONG: Duration = Duration::from_secs(600);

    fn tenant(engine: &Engine) -> TenantHandle {
        let tenant = Tenant { id: TenantId(1), name: "acme".to_owned(), created_at: UnixMs(0), shard: 0 };
        TenantHandle::new(tenant, engine.store.clone())
    }

    /// Workers whose two lanes wait for answers of their systems.
    async fn waiting(gate: &Arc<Gate>) -> (House, Workers, Arc<Roster>) {
        let pull = answers(|_| Err(CallError::Busy { waited_ms: 1 }));
        let house = House::with(Fake { gate: Some(gate.clone()), pull, ..Fake::default() }).await;
        let roster = Arc::new(Roster::default());
        let workers = Workers::start(house.engine.clone(), &tenant(&house.engine), &roster);
        gate.asked.acquire_many(2).await.unwrap().forget();
        (house, workers, roster)
    }

    /// The lanes can be taken by another at once.
    async fn are_free(house: &House) -> bool {
        let take = async |lane: &str| house.store.lease(lane, "other", house.engine.now(), 10).await.unwrap().is_some();
        take("connection/1").await && take("connection/2").await
    }

    #[tokio::test]
    async fn c12_work_in_hand_is_finished_before_the_workers_end() {
        let gate = Arc::new(Gate::default());
        let (house, workers, roster) = waiting(&gate).await;
        let mut stopping = Box::pin(workers.stop(LONG));
        assert!(futures::poll!(stopping.as_mut()).is_pending());
        assert!(!are_free(&house).await, "they are at it");
        gate.go.add_permits(100);
        assert_eq!(stopping.await, []);
        assert_eq!(roster.at_work(TenantId(1)), []);
        assert!(are_free(&house).await);
    }

    #[tokio::test]
    async fn c12_what_takes_too_long_is_cut_off_and_said_and_its_lane_let_go() {
        let gate = Arc::new(Gate::default());
        let (house, workers, _roster) = waiting(&gate).await;
        let cut_off = workers.stop(Duration::from_millis(20)).await;
        let lanes = [1, 2].map(|it| Worker::Lane(ConnectionId(it)));
        assert_eq!(cut_off, [Worker::Lanes, lanes[0], lanes[1]]);
        assert!(are_free(&house).await);
        // Nobody is left who would go on.
        gate.go.add_permits(100);
        tokio::task::yield_now().await;
        assert_eq!(gate.asked.available_permits(), 0);
    }

    /// A clock that is broken when it is first looked at.
    #[derive(Default)]
    struct Broken {
        looks: AtomicU64,
        looked: Notify,
    }

    impl Clock for Broken {
        fn now(&self) -> UnixMs {
            self.looked.notify_one();
            assert!(self.looks.fetch_add(1, Ordering::SeqCst) > 0, "asked to");
            UnixMs(1_000_000)
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_worker_stops_its_work_for_a_moment_only() {
        let (clock, roster) = (Arc::new(Broken::default()), Arc::new(Roster::default()));
        let engine = Engine {
            store: Arc::new(ModelStore::new()),
            guests: Arc::new(Fake::default()),
            clock: clock.clone(),
            draw: Draw::new(1),
            holder: "test".to_owned(),
            pace: Pace::default(),
        };
        let handle = tenant(&engine);
        let first = Duration::from_millis(50);
        let workers = Workers::start_with(engine, &handle, &roster, Pauses { first, ..Pauses::USUAL });
        clock.looked.notified().await;
        assert!(!roster.works_for(TenantId(1)));
        // Somebody looks again: the folder was begun anew.
        clock.looked.notified().await;
        assert!(roster.works_for(TenantId(1)));
        assert_eq!(roster.failures()["folder"], 1);
        assert_eq!(workers.stop(LONG).await, []);
        assert!(!roster.works_for(TenantId(1)));
    }
}
