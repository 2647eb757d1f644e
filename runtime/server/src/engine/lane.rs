//! A connection's lane: one worker at a time, one phase after the other.

use std::collections::BTreeMap;

use truthsource_core::plant::{self, Bug};
use truthsource_core::retry::Breaker;
use truthsource_core::{Kind, UnixMs};
use truthsource_host::CallError;
use truthsource_host::model::Fault;

use super::subscribe::Watch;
use super::{Engine, Error};
use crate::store::{Asks, Batch, Change, Connection, CursorRow};

/// A lane that is held. Every batch that is decided under it carries its fence, so that a worker that lost its lease
/// without noticing cannot write.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Whose.
    pub connection: Connection,
    name: String,
    fence: u64,
    leased_until: UnixMs,
    ticks: u64,
    denials: u32,
    /// What was asked for when the turn began.
    pub asks: Asks,
    /// How far each kind was read. Nobody else moves them while the lane is held; `None` when that is to be read anew.
    cursors: Option<BTreeMap<Kind, CursorRow>>,
    /// Keeps us away from a system that is down.
    pub breaker: Breaker,
    /// When the system is asked next whether it still tells.
    pub watch: Watch,
}

impl Lane {
    /// Takes the lane of a connection, or `None` while another worker holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(engine: &Engine, connection: Connection) -> Result<Option<Self>, Error> {
        let name = format!("connection/{}", connection.id);
        let now = engine.now();
        let fence = engine.store.lease(&name, &engine.holder, now, engine.pace.lease_ms).await?;
        let leased_until = now.plus(engine.pace.lease_ms);
        Ok(fence.map(|fence| Self {
            connection,
            name,
            fence,
            leased_until,
            ticks: 0,
            denials: 0,
            asks: Asks::default(),
            cursors: None,
            breaker: Breaker::default(),
            watch: Watch::default(),
        }))
    }

    /// Looks at what there is to do: every turn begins with it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(&mut self, engine: &Engine) -> Result<(), Error> {
        self.asks = engine.store.asks(self.connection.id).await?;
        if self.cursors.is_none() {
            self.cursors = Some(engine.store.cursors(self.connection.id).await?);
        }
        Ok(())
    }

    /// How far a kind was read.
    #[must_use]
    pub fn cursor(&self, kind: Kind) -> CursorRow {
        self.cursors.as_ref().and_then(|it| it.get(&kind)).cloned().unwrap_or_default()
    }

    /// Moves a kind's cursor, together with what else is in the batch.
    ///
    /// # Errors
    /// When the store fails; where the cursor stands is then read anew.
    pub async fn commit_at(
        &mut self,
        engine: &Engine,
        kind: Kind,
        row: CursorRow,
        mut batch: Batch,
    ) -> Result<(), Error> {
        let mut cursors = self.cursors.take();
        batch.changes.push(Change::Cursor { connection: self.connection.id, kind, row: row.clone() });
        engine.store.commit(batch).await?;
        if let Some(cursors) = &mut cursors {
            cursors.insert(kind, row);
        }
        self.cursors = cursors;
        Ok(())
    }

    /// Renews the lease once half of it has passed; false when it was lost. Until then nobody else can have taken it
    /// but by our own name, and then no batch of this lane is taken any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renew(&mut self, engine: &Engine) -> Result<bool, Error> {
        let now = engine.now();
        if now.plus(engine.pace.lease_ms / 2) < self.leased_until {
            return Ok(true);
        }
        let renewed = engine.store.renew(&self.name, self.fence, now, engine.pace.lease_ms).await?;
        self.leased_until = if renewed { now.plus(engine.pace.lease_ms) } else { now };
        Ok(renewed)
    }

    /// The number of the next read or write: higher than any before on this connection, across restarts.
    pub fn tick(&mut self) -> u64 {
        self.ticks += 1;
        let before = if plant::on(Bug::TicksRestart) { 0 } else { self.fence << TICK_BITS };
        before + self.ticks
    }

    /// An empty batch that counts only while the lane is ours.
    #[must_use]
    pub fn batch(&self, engine: &Engine) -> Batch {
        if plant::on(Bug::SkipFence) {
            return Batch::new(engine.now());
        }
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

/// How many bits of a number count within one holding of the lane: a thousand a second last thirty years, and the
/// fences above them as many takings.
const TICK_BITS: u32 = 40;

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

/// The same, and nothing about the question: it can be asked again as it is. A question that only ran out of time may
/// be what takes so long.
#[must_use]
pub fn is_away(error: &CallError) -> bool {
    cuts_off(error) && !matches!(error, CallError::TimedOut { .. })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::engine::connections::Parties;
    use crate::engine::fake::{ERP, Fake, House, SHOP, answers};
    use crate::engine::turn::turn;

    #[tokio::test]
    async fn c8_a_lease_is_renewed_before_anyone_else_may_take_it() {
        let house = House::with(Fake::default()).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let erp = || parties.connections[&ERP].clone();
        let mut lane = Lane::take(&house.engine, erp()).await.unwrap().unwrap();
        let other = Engine { holder: "other".to_owned(), ..house.engine.clone() };
        for _ in 0..5 {
            house.pass(house.engine.pace.lease_ms / 2);
            assert!(lane.renew(&house.engine).await.unwrap());
            assert!(Lane::take(&other, erp()).await.unwrap().is_none());
        }
        house.pass(house.engine.pace.lease_ms);
        assert!(Lane::take(&other, erp()).await.unwrap().is_some());
        assert!(!lane.renew(&house.engine).await.unwrap(), "it is another's");
    }

    /// The node died with the lane in its hands: the next one does not wait, and what the first may still write is void.
    #[tokio::test]
    async fn c3_a_lane_that_was_just_taken_is_taken_again_at_once() {
        let house = House::with(Fake::default()).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let take = async || Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap();
        let mut dead = take().await.unwrap();
        let mut next = take().await.unwrap();
        assert!(dead.tick() < next.tick());
        let late = house.store.commit(dead.batch(&house.engine)).await;
        assert!(matches!(late, Err(crate::store::Error::Fenced)), "{late:?}");
        house.pass(house.engine.pace.lease_ms / 2);
        assert!(!dead.renew(&house.engine).await.unwrap() && next.renew(&house.engine).await.unwrap());
        house.store.commit(next.batch(&house.engine)).await.unwrap();
    }

    /// Of a system that asks to be left alone for weeks nothing is asked for an hour; the other's lane goes on.
    #[tokio::test]
    async fn p2_whoever_asks_for_patience_gets_it_within_bounds_and_alone() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let pull = answers(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(CallError::Refused(Fault::Throttled(Some(u32::MAX))))
        });
        let house = House::with(Fake { pull, ..Fake::default() }).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let take = async |id| Lane::take(&house.engine, parties.connections[&id].clone()).await.unwrap().unwrap();
        let (mut erp, shop) = (take(ERP).await, take(SHOP).await);
        turn(&house.engine, &parties, &mut erp, &|| ()).await.unwrap();
        assert_eq!((asked.load(Ordering::Relaxed), erp.is_open(&house.engine)), (1, false));
        assert!(shop.is_open(&house.engine));
        let hour = house.engine.pace.retry.asked_ms_max;
        house.pass(hour - 1);
        assert!(!erp.is_open(&house.engine));
        house.pass(1);
        assert!(erp.is_open(&house.engine));
    }

    #[tokio::test]
    async fn numbers_rise_from_one_holding_to_the_next() {
        let house = House::with(Fake::default()).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
        // A year of a thousand calls a second.
        lane.ticks = 365 * 86_400 * 1_000;
        let last = lane.tick();
        house.pass(house.engine.pace.lease_ms);
        let mut next = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
        assert!(next.tick() > last);
    }
}
