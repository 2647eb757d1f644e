//! A connection's lane: one worker at a time, one phase after the other.

use truthsource_core::retry::Breaker;
use truthsource_host::CallError;
use truthsource_host::model::Fault;

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
    denials: u32,
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
        Ok(fence.map(|fence| Self { connection, name, fence, ticks: 0, denials: 0, breaker: Breaker::default() }))
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

    /// Notes how a call went. After a failure that concerns the whole system nothing else is tried on the lane until
    /// the breaker lets a probe through: see [`Lane::is_open`].
    pub fn note(&mut self, engine: &Engine, result: Result<(), &CallError>) {
        match result {
            Ok(()) => {
                self.breaker.succeeded();
                self.denials = 0;
            }
            Err(error) if cuts_off(error) => {
                self.denials += u32::from(is_denial(error));
                self.breaker.failed(engine.now(), asked_ms(error), &engine.pace.retry, engine.draw);
            }
            Err(_) => {}
        }
    }

    /// The system answered, and wants to be left alone for a while.
    pub fn wait(&mut self, engine: &Engine, asked_ms: u32) {
        self.breaker.failed(engine.now(), Some(asked_ms.into()), &engine.pace.retry, engine.draw);
    }

    /// Calls may be made now.
    #[must_use]
    pub fn is_open(&self, engine: &Engine) -> bool {
        self.breaker.allows(engine.now())
    }

    /// The system has refused our credentials so often in a row that nothing more is to be tried with them.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.denials >= DENIALS_MAX
    }
}

/// Refusals in a row after which credentials are taken for revoked. One alone may be a token that just ended.
const DENIALS_MAX: u32 = 3;

/// The failure says something about the system or its connector, and not about what was asked of it.
#[must_use]
pub fn cuts_off(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Refused(Fault::Throttled(_) | Fault::Unavailable(_) | Fault::Denied(_))
            | CallError::TimedOut { .. }
            | CallError::Busy { .. }
            | CallError::Failing { .. }
    )
}

fn is_denial(error: &CallError) -> bool {
    matches!(error, CallError::Refused(Fault::Denied(_)))
}

/// How long we are to wait, if somebody said.
fn asked_ms(error: &CallError) -> Option<u64> {
    match error {
        CallError::Failing { retry_ms, .. } => Some(*retry_ms),
        CallError::Refused(Fault::Throttled(asked)) => asked.map(u64::from),
        _ => None,
    }
}
