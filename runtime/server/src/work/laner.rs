//! The worker of one connection: reads what was touched, pays what is owed, polls and sweeps, one after the other.

use std::time::Duration;

use tokio::sync::watch;
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Engine, Error, poll, turn};
use crate::store::{self, Change, Connection, ConnectionState};

/// How long to wait after a failure of the store.
const FAILED: Duration = Duration::from_millis(200);

pub(super) async fn run(engine: Engine, connection: ConnectionId, wakes: Wakes, mut stopped: watch::Receiver<bool>) {
    let mut lane = None;
    let mut woken = wakes.lanes.subscribe();
    while !*stopped.borrow() {
        woken.mark_unchanged();
        let wait = match step(&engine, connection, &wakes, &mut lane).await {
            Ok(Next::Again) => {
                wakes.fold.notify_one();
                continue;
            }
            Ok(Next::Wait(wait)) => wait,
            Ok(Next::Ended) => return,
            Err(error) => {
                if super::set_aside(&engine, &error).await {
                    wakes.fold.notify_one();
                } else {
                    tracing::warn!(error = &error as &dyn std::error::Error, %connection, "a lane failed and goes on");
                }
                lane = None;
                FAILED
            }
        };
        tokio::select! {
            _ = woken.changed() => {}
            _ = stopped.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

enum Next {
    Again,
    Wait(Duration),
    Ended,
}

async fn step(engine: &Engine, id: ConnectionId, wakes: &Wakes, lane: &mut Option<Lane>) -> Result<Next, Error> {
    let parties = Parties::load(engine).await?;
    let Some(connection) = parties.connections.get(&id).filter(|it| it.state == ConnectionState::Active) else {
        return Ok(Next::Ended);
    };
    if lane.is_none() {
        *lane = Lane::take(engine, connection.clone()).await?;
    }
    let Some(held) = lane else { return Ok(Next::Wait(IDLE)) };
    held.connection = connection.clone();
    if !held.renew(engine).await? {
        *lane = None;
        return Ok(Next::Wait(IDLE));
    }
    if let Some(at) = wakes.heard_at(id) {
        held.breaker.heard(at);
    }
    if !held.is_open(engine) {
        return Ok(Next::Wait(until(engine, held.breaker.next_at())));
    }
    let did = turn::turn(engine, &parties, held, &|| wakes.fold.notify_one()).await?;
    if held.is_denied() {
        if deny(engine, held).await? {
            return Ok(Next::Ended);
        }
        // What was refused may have been replaced: the lane begins anew with what is there now.
        *lane = None;
        return Ok(Next::Again);
    }
    if !held.is_open(engine) {
        return Ok(Next::Wait(until(engine, held.breaker.next_at())));
    }
    if did.handled > 0 || did.more {
        return Ok(Next::Again);
    }
    Ok(Next::Wait(until(engine, poll::next_at(held))))
}

fn until(engine: &Engine, at: UnixMs) -> Duration {
    Duration::from_millis(at.since(engine.now()).max(1)).min(IDLE)
}

/// Nothing is tried with credentials that were revoked, until somebody replaces them. False if the connection was changed
/// since the turn began: then nothing is known of what it is now.
async fn deny(engine: &Engine, lane: &Lane) -> Result<bool, Error> {
    let Connection { id, name, revision: read, .. } = lane.connection.clone();
    let trouble = Some("the system refuses our credentials: replace them, or check the connection again".to_owned());
    let mut batch = lane.batch(engine);
    batch.changes.push(Change::ConnectionState { id, read, state: ConnectionState::Denied, trouble });
    match engine.store.commit(batch).await {
        Ok(_) => {
            tracing::error!(connection = name, "the system refuses our credentials: the connection stops");
            Ok(true)
        }
        Err(store::Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use truthsource_core::draw::Draw;

    use super::*;
    use crate::engine::Pace;
    use crate::engine::fake::Fake;
    use crate::sim::stage::SimClock;
    use crate::store::model::ModelStore;
    use crate::store::{Batch, TenantStore as _};

    async fn engine_with(store: &ModelStore) -> Engine {
        let spec = serde_json::json!({"connector": "connector:x", "egress": [], "rank": 0, "kinds": {}});
        let spec = serde_json::from_value(spec).unwrap();
        change(store, Change::NewConnection { name: "a".to_owned(), spec }).await;
        let (clock, guests) = (Arc::new(SimClock::at(UnixMs(1_000_000))), Fake::default());
        let (draw, holder, pace) = (Draw::new(1), "test".to_owned(), Pace::default());
        Engine { store: Arc::new(store.clone()), guests: Arc::new(guests), clock, draw, holder, pace }
    }

    async fn change(store: &ModelStore, change: Change) {
        store.commit(Batch { changes: vec![change], ..Batch::new(UnixMs(0)) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_denial_takes_back_nothing_that_was_done_meanwhile() {
        let store = ModelStore::new();
        let engine = engine_with(&store).await;
        let now = async || store.connections().await.unwrap().remove(0);
        let set = async |state| {
            let read = now().await.revision;
            change(&store, Change::ConnectionState { id: ConnectionId(1), read, state, trouble: None }).await;
        };
        set(ConnectionState::Active).await;
        let lane = Lane::take(&engine, now().await).await.unwrap().unwrap();
        set(ConnectionState::Paused).await;
        assert!(!deny(&engine, &lane).await.unwrap());
        assert_eq!((now().await.state, now().await.trouble), (ConnectionState::Paused, None));
        set(ConnectionState::Active).await;
        let lane = Lane::take(&engine, now().await).await.unwrap().unwrap();
        assert!(deny(&engine, &lane).await.unwrap());
        assert_eq!(now().await.state, ConnectionState::Denied);
    }
}
