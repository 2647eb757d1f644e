//! A connection's lane: one worker at a time, one phase after the other.

use truthsource_core::retry::Breaker;
use truthsource_host::CallError;

use super::{Engine, Error};
use crate::store::{Batch, Connection};

/// A lane that is held. Every batch that is decided under it carries its fence, so that a worker that lost its lease
/// without noticing cannot write.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Whose.
    pub connection: Connection,
    name: String,
    fence: u64,
    ticks: u64,
    /// Keeps us away from a system that is down.
    pub breaker: Breaker,
}

impl Lane {
    /// Takes the lane of a connection, or `None` while another worker holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(engine: &Engine, connection: Connection) -> Result<Option<Self>, Error> {
        let name = format!("connection/{}", connection.id);
        let fence = engine.store.lease(&name, &engine.holder, engine.now(), engine.pace.lease_ms).await?;
        Ok(fence.map(|fence| Self { connection, name, fence, ticks: 0, breaker: Breaker::default() }))
    }

    /// Renews the lease; false when it was lost.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renew(&mut self, engine: &Engine) -> Result<bool, Error> {
        Ok(engine.store.renew(&self.name, self.fence, engine.now(), engine.pace.lease_ms).await?)
    }

    /// The number of the next read or write: higher than any before on this connection, across restarts.
    pub fn tick(&mut self) -> u64 {
        self.ticks += 1;
        (self.fence << 24) + self.ticks
    }

    /// An empty batch that counts only while the lane is ours.
    #[must_use]
    pub fn batch(&self, engine: &Engine) -> Batch {
        Batch::fenced(engine.now(), &self.name, self.fence)
    }

    /// Notes how a call went, for the breaker. Gives the wait after a failure.
    pub fn note(&mut self, engine: &Engine, result: Result<(), &CallError>) -> u64 {
        let Err(error) = result else {
            self.breaker.succeeded();
            return 0;
        };
        let wait_ms = engine.pace.retry.wait_ms(self.breaker.failures() + 1, asked_ms(error), engine.draw, &self.name);
        self.breaker.failed(engine.now(), wait_ms);
        wait_ms
    }
}

/// How long the outside system asked us to wait, if it did.
fn asked_ms(error: &CallError) -> Option<u64> {
    match error {
        CallError::Refused(truthsource_host::model::Fault::Throttled(asked)) => asked.map(u64::from),
        _ => None,
    }
}
