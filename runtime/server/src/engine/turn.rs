//! One turn of a lane: everything that a connection has to do now, one phase after the other.

use super::connections::Parties;
use super::lane::Lane;
use super::{Did, Engine, Error, deliver, fetch, poll, subscribe, sweep};

/// Reads what was touched, pays what is owed, polls and sweeps by a page: what people wait for comes first, and never
/// waits for more than a page. A system that is down is asked one question, and nothing else until it answers: a write
/// must not be what finds out.
///
/// `logged` is called as soon as there is something to fold: whoever folds need not wait for the end of the turn.
///
/// # Errors
/// When the store fails; a failing system is noted at the lane.
pub async fn turn(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    logged: &(dyn Fn() + Sync),
) -> Result<Did, Error> {
    let tell = |did: Did| {
        if did.handled > 0 {
            logged();
        }
        did
    };
    lane.look(engine).await?;
    let mut did = Did::default();
    let was_down = lane.breaker.is_down();
    if was_down {
        did = tell(poll::probe(engine, parties, lane).await?);
    }
    if lane.is_open(engine) {
        did = did.and(subscribe::subscribe(engine, parties, lane).await?);
    }
    if lane.is_open(engine) {
        did = did.and(tell(fetch::fetch(engine, parties, lane).await?));
    }
    if was_down && lane.is_open(engine) {
        did = did.and(tell(poll::poll_urgent(engine, parties, lane).await?));
    }
    if lane.is_open(engine) {
        did = did.and(tell(deliver::deliver(engine, parties, lane).await?));
    }
    if lane.is_open(engine) {
        did = did.and(tell(poll::poll(engine, parties, lane).await?));
    }
    if lane.is_open(engine) {
        did = did.and(sweep::sweep(engine, parties, lane).await?);
    }
    Ok(did)
}
