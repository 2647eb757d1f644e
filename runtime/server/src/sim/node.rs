//! The node of a run: its workers, which may die together or stand still one by one.

use std::sync::Arc;

use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;

use super::coverage::Moment;
use super::notes::Notes;
use super::plan::{Beside, Shelf};
use super::store::MortalStore;
use super::{refold, shelf};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::{Did, Engine, Error, fold, poll, receive, turn};
use crate::store;

/// How long the node waits for a lane that a dead worker holds still, before it looks again.
const LEASED_MS: u64 = 5_000;

/// A node and what it holds; only the store survives it.
pub struct Node {
    /// Its engine.
    pub engine: Engine,
    store: Arc<MortalStore>,
    lanes: Vec<Option<Lane>>,
    /// Workers that stand still, each with the lane that it thinks it has.
    stalled: Vec<Option<Stalled>>,
    parties: Option<Arc<Parties>>,
    holders: u64,
    /// How stock is published, where it is.
    shelf: Option<Shelf>,
}

/// What decides about a turn, and its number.
pub type Draws = (Draw, u64);

struct Stalled {
    lane: Lane,
    until: UnixMs,
}

impl Node {
    /// A node with a worker for each of so many connections.
    #[must_use]
    pub fn new(engine: Engine, store: Arc<MortalStore>, (connections, shelf): (usize, Option<Shelf>)) -> Self {
        let lanes = (0..connections).map(|_| None).collect();
        let stalled = (0..connections).map(|_| None).collect();
        Self { engine, store, lanes, stalled, parties: None, holders: 0, shelf }
    }

    /// The tenant changed its rules.
    pub fn look_again(&mut self) {
        self.parties = None;
    }

    /// Who takes part: read once in a node's life, unless the rules are changed.
    async fn parties(&mut self) -> Result<Arc<Parties>, Error> {
        if let Some(parties) = &self.parties {
            return Ok(parties.clone());
        }
        let parties = Arc::new(Parties::load(&self.engine).await?);
        self.parties = Some(parties.clone());
        Ok(parties)
    }

    /// Understands webhooks and folds what is in the log, and has every fold decided again (P8).
    ///
    /// # Errors
    /// As the engine's steps.
    pub async fn fold(&mut self, draws: Draws, beside: Option<Beside>, notes: &mut Notes) -> Result<Did, Error> {
        let parties = self.parties().await?;
        let Some(Beside { access, lane }) = beside else { return self.fold_alone(&parties, draws, notes).await };
        if !self.is_ready(lane, &parties, notes).await? {
            return self.fold_alone(&parties, draws, notes).await;
        }
        let Some(mut own) = self.lanes[lane].take() else { return Ok(Did::default()) };
        let other = async || turn::turn(&self.engine, &parties, &mut own, &|| ()).await;
        let turnstile = &self.store.turnstile;
        let (folded, other) = turnstile.within(access, self.fold_alone(&parties, draws, notes), other).await?;
        self.lanes[lane] = Some(own);
        let Some(other) = other else { return folded };
        notes.reach(Moment::LaneInAFold);
        match folded {
            // What was to be folded was read again since: the next fold sees.
            Err(Error::Store(store::Error::Conflict(_))) => {
                notes.reach(Moment::FoldAnew);
                Ok(other)
            }
            folded => Ok(folded?.and(other)),
        }
    }

    async fn fold_alone(&self, parties: &Parties, draws: Draws, notes: &mut Notes) -> Result<Did, Error> {
        // What a node decided that died over it is looked at by nobody.
        drop(self.store.take_told());
        let received = receive::receive(&self.engine).await?.did;
        let folded = fold::fold(&self.engine, parties).await?;
        if let Some(last) = self.store.take_folded() {
            let rearranged = refold::check((&self.engine, parties), &last, draws, &mut notes.violations).await?;
            notes.reach_times(Moment::OtherOrder, rearranged);
        }
        if let Some(shelf) = &self.shelf {
            let shops = parties.rules.connections.iter().filter(|(_, it)| it.publishes.is_some());
            let shops = (shelf, &shops.map(|(id, _)| *id).collect());
            shelf::check(self.store.as_ref(), shops, (self.store.take_told(), self.engine.now()), notes).await?;
        }
        Ok(received.and(folded))
    }

    /// One turn of a connection's worker, with a fold before some access of it to the store. With `stalls` it stands still
    /// instead, until its lane is another's.
    ///
    /// # Errors
    /// As the engine's steps.
    pub async fn lane(
        &mut self,
        at: usize,
        (stalls, draws, beside): (bool, Draws, Option<Beside>),
        notes: &mut Notes,
    ) -> Result<Did, Error> {
        let parties = self.parties().await?;
        self.wake(at, &parties, notes).await?;
        if !self.is_ready(at, &parties, notes).await? {
            return Ok(Did::default());
        }
        if stalls && self.stalled[at].is_none() {
            notes.reach(Moment::Stalled);
            self.stall(at);
            return Ok(Did::default());
        }
        let Some(mut own) = self.lanes[at].take() else { return Ok(Did::default()) };
        let turn = turn::turn(&self.engine, &parties, &mut own, &|| ());
        let (did, other) = match beside {
            None => (turn.await, None),
            Some(Beside { access, .. }) => {
                let fold = async || self.fold_alone(&parties, draws, notes).await;
                self.store.turnstile.within(access, turn, fold).await?
            }
        };
        if other.is_some() {
            notes.reach(Moment::FoldInALane);
        }
        self.lanes[at] = Some(own);
        Ok(did?.and(other.unwrap_or_default()))
    }

    /// The connection's worker holds its lane, and its system may be asked.
    async fn is_ready(&mut self, at: usize, parties: &Parties, notes: &mut Notes) -> Result<bool, Error> {
        if self.lanes[at].is_none()
            && let Some(connection) = parties.connections.values().nth(at).cloned()
        {
            self.lanes[at] = Lane::take(&self.engine, connection).await?;
        }
        let Some(lane) = &mut self.lanes[at] else {
            notes.reach(Moment::LaneOfTheDead);
            return Ok(false);
        };
        if !lane.renew(&self.engine).await? {
            notes.reach(Moment::LeaseLost);
            self.lanes[at] = None;
            return Ok(false);
        }
        let is_open = lane.is_open(&self.engine);
        if !is_open {
            notes.reach(Moment::BreakerOpen);
        }
        Ok(is_open)
    }

    /// A worker stands still with its lane. Whoever comes after it has another name, and must wait for the lease to end.
    fn stall(&mut self, at: usize) {
        let until = self.engine.now().plus(self.engine.pace.lease_ms + 2 * LEASED_MS);
        self.stalled[at] = self.lanes[at].take().map(|lane| Stalled { lane, until });
        self.rename();
    }

    /// A worker that stood still goes on with what it was about to do. Where its lane is another's meanwhile, nothing that
    /// it does may count.
    async fn wake(&mut self, at: usize, parties: &Parties, notes: &mut Notes) -> Result<(), Error> {
        let now = self.engine.now();
        let Some(Stalled { mut lane, .. }) = self.stalled[at].take_if(|it| it.until <= now) else { return Ok(()) };
        let (is_lost, stored) = (self.lanes[at].is_some(), self.store.stored());
        let done = turn::turn(&self.engine, parties, &mut lane, &|| ()).await;
        if is_lost && self.store.stored() > stored {
            notes.broke(format!("C8: the worker of {} had lost its lease, and wrote", lane.connection.name));
        }
        match done {
            Err(Error::Store(store::Error::Fenced)) => notes.reach(Moment::Fenced),
            Ok(_) => notes.reach(Moment::StalledInVain),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The node died: another begins with what is stored and nothing else.
    pub fn perish(&mut self) {
        self.lanes.iter_mut().for_each(|it| *it = None);
        self.stalled.iter_mut().for_each(|it| *it = None);
        self.parties = None;
        self.rename();
    }

    fn rename(&mut self) {
        self.holders += 1;
        self.engine.holder = format!("node-{}", self.holders);
    }

    /// Nobody of the node holds any lane: all of them are a dead one's still.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        self.lanes.iter().all(Option::is_none)
    }

    /// It holds every lane.
    #[must_use]
    pub fn is_manned(&self) -> bool {
        self.lanes.iter().all(Option::is_some)
    }

    /// When the next worker has something to do, as far as it is known.
    #[must_use]
    pub fn next_at(&self) -> Option<UnixMs> {
        let now = self.engine.now();
        let lane = |lane: &Lane| poll::next_at(lane).max(lane.breaker.next_at());
        let lanes = self.lanes.iter().map(|it| it.as_ref().map_or(now.plus(LEASED_MS), lane));
        lanes.chain(self.stalled.iter().flatten().map(|it| it.until)).min()
    }
}
