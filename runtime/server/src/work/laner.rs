//! The worker of one connection: reads what was touched, pays what is owed, polls and sweeps, one after the other.

use std::time::Duration;

use tokio::sync::watch;
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

use super::{IDLE, Wakes};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Did, Engine, Error, deliver, fetch, poll, sweep};
use crate::store::ConnectionState;

/// How long to wait after a failure of the store.
const FAILED: Duration = Duration::from_millis(200);

pub(super) async fn run(engine: Engine, connection: ConnectionId, wakes: Wakes, mut stopped: watch::Receiver<bool>) {
    let mut lane = None;
    while !*stopped.borrow() {
        let wait = match step(&engine, connection, &mut lane).await {
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
            () = wakes.lanes.notified() => {}
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

async fn step(engine: &Engine, id: ConnectionId, lane: &mut Option<Lane>) -> Result<Next, Error> {
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
    if !held.breaker.allows(engine.now()) {
        return Ok(Next::Wait(until(engine, held.breaker.next_at())));
    }
    let did = cycle(engine, &parties, held).await?;
    if did.handled > 0 || did.more {
        return Ok(Next::Again);
    }
    Ok(Next::Wait(until(engine, poll::next_at(engine, held).await?)))
}

/// One turn of a lane: what people wait for first.
async fn cycle(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let fetched = fetch::fetch(engine, parties, lane).await?;
    let delivered = deliver::deliver(engine, parties, lane).await?;
    let polled = poll::poll(engine, parties, lane).await?;
    let swept = sweep::sweep(engine, parties, lane).await?;
    Ok(fetched.and(delivered).and(polled).and(swept))
}

fn until(engine: &Engine, at: UnixMs) -> Duration {
    Duration::from_millis(at.since(engine.now()).max(1)).min(IDLE)
}
