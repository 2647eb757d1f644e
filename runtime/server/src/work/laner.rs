//! The worker of one connection: reads what was touched, pays what is owed, polls and sweeps, one after the other.

use std::time::Duration;

use tokio::sync::watch;
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Engine, Error, poll, turn};
use crate::store::{Change, Connection, ConnectionState};

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
                tracing::warn!(error = &error as &dyn std::error::Error, %connection, "a lane failed and goes on");
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
        deny(engine, held).await?;
        return Ok(Next::Ended);
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

/// Nothing is tried with credentials that were revoked, until somebody replaces them.
async fn deny(engine: &Engine, lane: &Lane) -> Result<(), Error> {
    let Connection { id, name, spec, .. } = lane.connection.clone();
    tracing::error!(connection = name, "the system refuses our credentials: the connection stops");
    let trouble = Some("the system refuses our credentials: replace them, or check the connection again".to_owned());
    let mut batch = lane.batch(engine);
    batch.changes.push(Change::Connection { id, spec, state: ConnectionState::Denied, trouble });
    engine.store.commit(batch).await?;
    Ok(())
}
