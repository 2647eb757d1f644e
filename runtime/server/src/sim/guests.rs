//! The components of a run: connectors to the simulated systems, with what goes wrong on the way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, Fields, Kind, UnixMs, schema};
use truthsource_host::CallError;
use truthsource_host::model::{
    Conflict, Description, Effect, Fault, FieldPower, Finding, KindPower, Level, Notice, Observed, Outcome, Page, Pull,
    Rate, Standing, State, Verdict, Webhook, Write,
};

use super::plan::{Faults, SYSTEMS};
use super::system::System;
use crate::engine::ports::{Clock, Decided, Guests};
use crate::store::Connection;

/// The clock of a run.
#[derive(Debug, Default)]
pub struct SimClock(AtomicU64);

impl SimClock {
    /// Time goes on.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Milliseconds since the run was set up.
    #[must_use]
    pub fn elapsed(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for SimClock {
    fn now(&self) -> UnixMs {
        // Not 1970: a time of nothing is nothing.
        UnixMs(1_000_000 + self.0.load(Ordering::SeqCst))
    }
}

/// The systems of a run and the way to them.
pub struct SimGuests {
    systems: [Mutex<System>; SYSTEMS],
    clock: Arc<SimClock>,
    draw: Draw,
    faults: Mutex<Faults>,
    calls: AtomicU64,
}

impl SimGuests {
    /// Connectors to these systems.
    #[must_use]
    pub fn new(systems: [System; SYSTEMS], clock: Arc<SimClock>, seed: u64, faults: Faults) -> Self {
        let systems = systems.map(Mutex::new);
        Self { systems, clock, draw: Draw::new(seed), faults: Mutex::new(faults), calls: AtomicU64::new(0) }
    }

    /// A system, for the person at its screens and for the judge.
    pub fn system(&self, at: usize) -> MutexGuard<'_, System> {
        self.systems[at % SYSTEMS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *self.faults() = Faults::default();
    }

    /// What goes wrong now.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, connection: &Connection) -> MutexGuard<'_, System> {
        self.system(connection.id.0 as usize - 1)
    }

    /// A call sets out. Fails when it does not arrive.
    fn set_out(&self) -> Result<u64, CallError> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst);
        let faults = self.faults();
        if self.draw.chance(faults.unreachable, "unreachable", n) {
            return Err(CallError::Refused(Fault::Unavailable("it is down".to_owned())));
        }
        if self.draw.chance(faults.throttled, "throttled", n) {
            return Err(CallError::Refused(Fault::Throttled(Some(50))));
        }
        Ok(n)
    }
}

fn powers() -> Description {
    let kind = |kind: Kind, effect: Effect| KindPower {
        kind,
        fields: schema::of(kind)
            .fields
            .iter()
            .map(|it| FieldPower { name: it.name.to_owned(), writable: true, create_only: false })
            .collect(),
        sees_creates: true,
        sees_updates: true,
        sees_deletes: false,
        granularity_ms: 1,
        lag_ms: 0,
        effect,
        creates: true,
        push_max: 5,
        read_max: 10,
        certain_max: 10,
    };
    Description {
        system: "simulated".to_owned(),
        kinds: vec![
            kind(Kind::Location, Effect::Verify),
            kind(Kind::Item, Effect::Verify),
            kind(Kind::StockLevel, Effect::Conditional),
            kind(Kind::Order, Effect::Keyed),
        ],
        auth: vec!["none".to_owned()],
        webhook: None,
        rate: Rate::Concurrent(2),
        settings: Vec::new(),
    }
}

#[async_trait]
impl Guests for SimGuests {
    async fn describe(&self, _: &Connection) -> Result<Arc<Description>, CallError> {
        Ok(Arc::new(powers()))
    }

    async fn check(&self, _: &Connection) -> Result<Vec<Finding>, CallError> {
        Ok(Vec::new())
    }

    async fn pull(&self, connection: &Connection, pull: &Pull) -> Result<Page, CallError> {
        self.set_out()?;
        let after = pull.cursor.as_deref().and_then(|it| it.parse().ok()).unwrap_or(0);
        let (entries, cursor, more) = self.of(connection).changed(pull.kind, after, 4);
        Ok(Page { entries, unread: Vec::new(), cursor: cursor.to_string(), more })
    }

    async fn read(
        &self,
        connection: &Connection,
        kind: Kind,
        remote_ids: &[String],
        _: bool,
    ) -> Result<Vec<Observed>, CallError> {
        self.set_out()?;
        let system = self.of(connection);
        Ok(remote_ids.iter().map(|id| system.read(kind, id)).collect())
    }

    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError> {
        let n = self.set_out()?;
        let outcomes = {
            let mut system = self.of(connection);
            writes.iter().map(|it| system.write(self.clock.now(), it)).collect()
        };
        if self.draw.chance(self.faults().lost_answer, "lost-answer", n) {
            return Err(CallError::TimedOut { wall_ms_max: 30_000 });
        }
        Ok(outcomes)
    }

    async fn find(&self, connection: &Connection, _: Kind, command_key: &str) -> Result<Option<State>, CallError> {
        self.set_out()?;
        Ok(self.of(connection).find(command_key))
    }

    async fn ensure(&self, _: &Connection) -> Result<Option<Standing>, CallError> {
        Ok(None)
    }

    async fn receive(&self, _: &Connection, webhook: &Webhook) -> Result<Vec<Notice>, CallError> {
        let text = std::str::from_utf8(&webhook.body).unwrap_or_default();
        let kind = webhook.topic.parse().map_err(|_| CallError::Refused(Fault::Invalid("no such topic".to_owned())))?;
        Ok(vec![Notice::Touched(kind, text.to_owned())])
    }

    async fn project(&self, _: &Connection, _: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError> {
        Ok(records.to_vec())
    }

    async fn map_in(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Option<Fields>>>, CallError> {
        Ok(None)
    }

    async fn map_out(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Fields>>, CallError> {
        Ok(None)
    }

    async fn decide(&self, _: &str, _: &[Conflict]) -> Result<Option<Decided>, CallError> {
        Ok(None)
    }

    async fn publish(&self, _: &[Level]) -> Result<Option<Vec<Decimal>>, CallError> {
        Ok(None)
    }

    async fn validate(&self, _: Kind, _: &[Fields]) -> Result<Option<Vec<Verdict>>, CallError> {
        Ok(None)
    }
}
