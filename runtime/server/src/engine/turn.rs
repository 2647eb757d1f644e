//! One turn of a lane: everything that a connection has to do now, one phase after the other.

use super::connections::Parties;
use super::lane::Lane;
use super::{Did, Engine, Error, deliver, fetch, poll, sweep};

/// Reads what was touched, pays what is owed, polls and sweeps: what people wait for comes first. A system that is
/// down is asked one question, and nothing else until it answers: a write must not be what finds out.
///
/// # Errors
/// When the store fails; a failing system is noted at the lane.
pub async fn turn(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let mut did = Did::default();
    if lane.breaker.is_down() {
        did = poll::probe(engine, parties, lane).await?;
    }
    if lane.is_open(engine) {
        did = did.and(fetch::fetch(engine, parties, lane).await?);
    }
    if lane.is_open(engine) {
        did = did.and(deliver::deliver(engine, parties, lane).await?);
    }
    if lane.is_open(engine) {
        did = did.and(poll::poll(engine, parties, lane).await?);
    }
    if lane.is_open(engine) {
        did = did.and(sweep::sweep(engine, parties, lane).await?);
    }
    Ok(did)
}
