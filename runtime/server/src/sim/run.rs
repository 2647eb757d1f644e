//! One run of a plan.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;
use truthsource_simulators::door::{Door, Reply};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::journal::Actor;
use truthsource_simulators::outbox::{Answer, Departure};

use super::cast::Cast;
use super::house::{POLL_EVERY_MS, connect, die, endpoints, engine, host_of, troupe};
use super::plan::{Act, Plan};
use super::stage::{Doors, SimClock};
use super::troupe::{Troupe, hook_of};
use super::{judge, refold};
use crate::demo::account;
use crate::demo::latency::{Line, Mark, held, since};
use crate::demo::world::Seat;
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::ports::Clock as _;
use crate::engine::{Did, Engine, Error, fold, poll, receive, turn};
use crate::http::hooks::{Endpoint, shake, taken};
use crate::store::control::ControlStore as _;
use crate::store::inspect::Inspect as _;
use crate::store::model::{ModelStore, ModelStores};
use crate::store::{Backlog, Batch, DebtState, TenantStore};

/// How long the systems and the engine may take to agree after faults end.
const LIVENESS_MS: u64 = 3_600_000;
/// For how long nothing may be written, once all is quiet.
const QUIET_MS: u64 = 200_000;
/// How long the engine waits where it waits for nothing in particular.
const IDLE_MS: u64 = 500;
/// How long the node waits for a lane that a dead worker holds still, before it looks again.
const LEASED_MS: u64 = 5_000;
/// How often the node may take turns: more, and something goes round in circles.
const TURNS_MAX: u64 = 100_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Promises that were broken, in words. Empty is good.
    pub violations: Vec<String>,
    /// SHA-256 of everything that happened, hex.
    pub trace: String,
    /// What was reached, by name: a simulation that never crashes proves nothing about crashes.
    pub reached: BTreeMap<String, u64>,
    /// How much time passed in it, in milliseconds.
    pub simulated_ms: u64,
    /// What happened to records that broke a promise, and what people and the engine did to them, in the order of time.
    pub story: Vec<String>,
}

/// Carries out a plan.
///
/// # Errors
/// When the run itself cannot be set up; what the engine does wrong is in the outcome.
pub async fn run(cast: &Arc<Cast>, plan: &Plan) -> anyhow::Result<Outcome> {
    let mut world = World::set_up(cast, plan).await?;
    // What people do before a system was read for the first time is part of what it opens with.
    let opened = world.calm_down().await;
    world.begin();
    while world.elapsed() < plan.chaos_ms && world.turns < TURNS_MAX {
        world.turn().await;
    }
    world.heal();
    let calm = world.calm_down().await;
    world.judge(opened && calm).await
}

fn is_idle(backlog: &Backlog) -> bool {
    *backlog == Backlog { conflicts: backlog.conflicts, ..Backlog::default() }
}

struct World<'a> {
    plan: &'a Plan,
    clock: Arc<SimClock>,
    seats: Vec<Seat>,
    doors: Vec<Arc<Door>>,
    network: Arc<Doors>,
    troupe: Arc<Troupe>,
    endpoints: Vec<Arc<Endpoint>>,
    stores: ModelStores,
    store: Arc<ModelStore>,
    engine: Engine,
    lanes: Vec<Option<Lane>>,
    acts: std::iter::Peekable<std::slice::Iter<'a, Act>>,
    crashed: Arc<AtomicBool>,
    /// Faults are on.
    chaos: Arc<AtomicBool>,
    /// When people began to act, and what the systems held then.
    begun: Option<(UnixMs, Vec<truthsource_simulators::world::Held>, Mark)>,
    placed: Vec<(String, UnixMs)>,
    turns: u64,
    boots: u64,
    /// The batch that was committed last.
    last: Arc<Mutex<Option<Batch>>>,
    violations: Vec<String>,
    trace: Sha256,
    reached: BTreeMap<String, u64>,
}

impl<'a> World<'a> {
    async fn set_up(cast: &Arc<Cast>, plan: &'a Plan) -> anyhow::Result<Self> {
        let clock = Arc::new(SimClock::at(plan.begins));
        let fill = |(at, product)| Seat::fill(product, clock.now(), &Plan::catalogue(at));
        let seats: Vec<Seat> = plan.systems.iter().copied().enumerate().map(fill).collect::<anyhow::Result<_>>()?;
        let doors: Vec<Arc<Door>> = seats.iter().map(|it| Arc::new(Door::new(it.site.system()))).collect();
        let by_host = seats.iter().map(host_of).zip(doors.iter().cloned()).collect();
        let network = Arc::new(Doors::new(by_host, clock.clone()));
        let (crashed, chaos) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let stores = ModelStores::new();
        let tenant = stores.add_tenant("sim", clock.now()).await?;
        let store = Arc::new(stores.tenant_store(tenant.id)?);
        let connections = connect(&store, &seats, clock.now()).await?;
        let troupe = Arc::new(troupe(cast, (&clock, &network), &seats, &connections)?);
        let last: Arc<Mutex<Option<Batch>>> = Arc::default();
        die(&stores, plan, (&chaos, &crashed), last.clone());
        let engine = engine(&store, &troupe, &clock, plan.seed);
        let endpoints = endpoints(&engine, &seats).await?;
        let path = |seat: &Seat| hook_of(seat.name()).replace("https://truthsource.sim", "");
        network.receive_at(seats.iter().map(path).zip(endpoints.iter().cloned()).collect());
        let world = Self {
            plan,
            clock,
            lanes: seats.iter().map(|_| None).collect(),
            seats,
            doors,
            network,
            troupe,
            endpoints,
            stores,
            store,
            engine,
            acts: plan.acts.iter().peekable(),
            crashed,
            chaos,
            begun: None,
            placed: Vec::new(),
            turns: 0,
            boots: 0,
            last,
            violations: Vec::new(),
            trace: Sha256::new(),
            reached: BTreeMap::new(),
        };
        world.subscribe()?;
        Ok(world)
    }

    /// Administrators have the systems tell of changes.
    fn subscribe(&self) -> anyhow::Result<()> {
        for (seat, door) in self.seats.iter().zip(&self.doors) {
            let hook = hook_of(seat.name());
            for request in account::subscribe(seat, &format!("http://{}", host_of(seat)), &hook)? {
                let Reply::Answer(answer, _) = door.api(self.clock.now(), &request) else {
                    anyhow::bail!("{} takes no subscription", seat.name());
                };
                account::subscribed(answer.body())?;
            }
        }
        Ok(())
    }

    /// People begin to act, and faults begin.
    fn begin(&mut self) {
        let now = self.clock.now();
        for (at, door) in self.doors.iter().enumerate() {
            door.set_faults(self.plan.faults.at(at, self.plan.seed, now));
        }
        self.chaos.store(true, Ordering::SeqCst);
        self.begun = Some((now, held(&self.seats, now), Mark::now(&self.seats)));
    }

    /// Milliseconds since people began to act.
    fn elapsed(&self) -> u64 {
        self.begun.as_ref().map_or(0, |(begun, ..)| self.clock.now().since(*begun))
    }

    fn heal(&mut self) {
        self.chaos.store(false, Ordering::SeqCst);
        for door in &self.doors {
            door.set_faults(Faults::default());
        }
        // The last acts of people happen before the systems are compared.
        while self.act(u64::MAX) {}
    }

    /// Runs until there was nothing to do for two rounds of polls; false if that does not happen in time.
    async fn calm_down(&mut self) -> bool {
        let by = self.clock.now().plus(LIVENESS_MS);
        let mut calm_since = self.clock.now();
        while self.clock.now().since(calm_since) < 2 * POLL_EVERY_MS {
            if self.clock.now() > by || self.turns > TURNS_MAX {
                return false;
            }
            let written = self.lines();
            self.turn().await;
            let backlog = self.store.backlog().await;
            let is_calm = written == self.lines() && backlog.is_ok_and(|it| is_idle(&it));
            if !is_calm || self.doors.iter().any(|it| it.next_webhook_at().is_some()) {
                calm_since = self.clock.now();
            }
        }
        true
    }

    /// Lines of all journals.
    fn lines(&self) -> usize {
        self.seats.iter().map(|it| it.site.system().journal().len()).sum()
    }

    fn draw(&self) -> Draw {
        Draw::new(self.plan.seed)
    }

    /// People act, webhooks arrive, every worker gets a turn, in an order of the seed's choosing, and time goes on.
    async fn turn(&mut self) {
        self.turns += 1;
        while self.begun.is_some() && self.act(self.elapsed()) {}
        let mut did = self.deliver_hooks().await;
        let workers = self.lanes.len() + 1;
        let first = self.draw().below(workers as u64, "order", self.turns) as usize;
        for n in 0..workers {
            let at = (first + n) % workers;
            let step = if at == self.lanes.len() { self.fold().await } else { self.lane(at).await };
            match step {
                Ok(step) => did = did.and(step),
                Err(error) => self.failed(&error),
            }
        }
        for (name, times) in self.network.take_seen() {
            *self.reached.entry(name.to_owned()).or_default() += times;
        }
        self.pass(did).await;
    }

    /// A moment passes where there is work, and else all the time until something is due.
    async fn pass(&mut self, did: Did) {
        let now = self.clock.now();
        let pause = 1 + self.draw().below(40, "pause", self.turns);
        if did.handled > 0 {
            self.clock.advance(pause);
            return;
        }
        let is_waiting = !self.store.backlog().await.is_ok_and(|it| is_idle(&it));
        // What waits for a lane that nobody has waits for the lane.
        let is_held = self.lanes.iter().all(Option::is_none);
        let idle = if is_waiting && !is_held { IDLE_MS } else { POLL_EVERY_MS };
        let act = self.begun.as_ref().zip(self.acts.clone().next()).map(|((begun, ..), act)| begun.plus(act.at_ms));
        let hook = self.doors.iter().filter_map(|it| it.next_webhook_at()).min();
        let lane = |lane: &Lane| poll::next_at(lane).max(lane.breaker.next_at());
        let lanes = self.lanes.iter().map(|it| it.as_ref().map_or(now.plus(LEASED_MS), lane)).min();
        let next = [act, hook, lanes].into_iter().flatten().min().map_or(idle, |it| it.since(now));
        self.clock.advance(next.clamp(pause, idle.max(pause)));
    }

    /// The next act that is due, if one is.
    fn act(&mut self, elapsed: u64) -> bool {
        let Some(act) = self.acts.next_if(|it| it.at_ms <= elapsed) else { return false };
        let now = self.clock.now();
        let seat = &self.seats[act.seat % self.seats.len()];
        match seat.site.act(now, &act.deed) {
            Ok(()) => count(&mut self.reached, "act"),
            // What a person is not let do did not happen.
            Err(_) => count(&mut self.reached, "act refused"),
        }
        if let truthsource_simulators::world::Deed::Order(order) = &act.deed {
            let is_there = seat.site.orders().iter().any(|it| it.po_number == order.po_number);
            self.placed.extend(is_there.then(|| (order.po_number.clone(), now)));
        }
        self.doors[act.seat % self.seats.len()].collect(now);
        self.troupe.watch().read_on();
        true
    }

    async fn deliver_hooks(&mut self) -> Did {
        let mut handled = 0;
        for at in 0..self.doors.len() {
            let due = self.doors[at].take_webhooks(self.clock.now());
            handled += due.len();
            for departure in due {
                self.deliver(at, departure).await;
            }
        }
        Did { handled, more: false }
    }

    /// A webhook is acknowledged once it is stored, and only then.
    async fn deliver(&mut self, at: usize, departure: Departure) {
        let mut headers = HeaderMap::new();
        for (name, value) in &departure.webhook.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
                headers.append(name, value);
            }
        }
        let now = self.clock.now();
        let uri: Option<http::Uri> = departure.webhook.url.parse().ok();
        let shaken = uri.and_then(|uri| shake(&self.endpoints[at], &uri, &headers));
        if let Some((status, body)) = shaken {
            count(&mut self.reached, "handshake");
            return self.doors[at].webhook_answered(now, departure, Some(&Answer { status, body }));
        }
        let taken = taken(&self.endpoints[at], &headers, &departure.webhook.body, now);
        let status = match taken {
            Err(error) => {
                self.violations.push(format!("W: a webhook of {} was refused: {error:?}", self.seats[at].name()));
                400
            }
            Ok(change) => match self.store.commit(Batch { changes: vec![change], ..Batch::new(now) }).await {
                Ok(committed) => {
                    if committed.fresh.contains(&false) {
                        count(&mut self.reached, "webhook deduplicated");
                    }
                    200
                }
                Err(error) => {
                    self.failed(&error.into());
                    503
                }
            },
        };
        let answer = Answer { status, body: bytes::Bytes::new() };
        self.doors[at].webhook_answered(now, departure, Some(&answer));
    }

    async fn fold(&mut self) -> Result<Did, Error> {
        let received = receive::receive(&self.engine).await?.did;
        if self.store.unfolded(1).await?.is_empty() {
            return Ok(received);
        }
        let parties = Parties::load(&self.engine).await?;
        let before = refold::Before::of(self.store.as_ref(), self.engine.pace.fold_max).await?;
        let folded = fold::fold(&self.engine, &parties).await?;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last.filter(|_| folded.handled > 0) {
            let draws = (self.draw(), self.turns);
            let rearranged = before.check((&self.engine, &parties), &last, draws, &mut self.violations).await?;
            *self.reached.entry("decided in another order".to_owned()).or_default() += rearranged;
        }
        Ok(received.and(folded))
    }

    async fn lane(&mut self, at: usize) -> Result<Did, Error> {
        let parties = Parties::load(&self.engine).await?;
        if self.lanes[at].is_none() {
            let connection = parties.connections.values().nth(at).cloned();
            if let Some(connection) = connection {
                self.lanes[at] = Lane::take(&self.engine, connection).await?;
            }
        }
        let Some(lane) = &mut self.lanes[at] else {
            count(&mut self.reached, "lane held by a dead worker");
            return Ok(Did::default());
        };
        if !lane.renew(&self.engine).await? {
            count(&mut self.reached, "lease lost");
            self.lanes[at] = None;
            return Ok(Did::default());
        }
        if !lane.is_open(&self.engine) {
            count(&mut self.reached, "breaker open");
            return Ok(Did::default());
        }
        let did = turn::turn(&self.engine, &parties, lane, &|| ()).await?;
        self.trace.update([at as u8, did.handled as u8]);
        self.trace.update(self.clock.now().0.to_le_bytes());
        Ok(did)
    }

    /// A step failed. If the node died, another starts with what is stored and nothing else.
    fn failed(&mut self, error: &Error) {
        self.trace.update(error.to_string());
        if self.crashed.swap(false, Ordering::SeqCst) {
            count(&mut self.reached, "crash");
            self.boots += 1;
            self.lanes.iter_mut().for_each(|it| *it = None);
            self.engine.holder = format!("node-{}", self.boots);
        }
    }

    async fn judge(mut self, calm: bool) -> anyhow::Result<Outcome> {
        let mut violations = std::mem::take(&mut self.violations);
        if !calm {
            let backlog = self.store.backlog().await?;
            let held = self.store.conflicts(Some(true), None, 3).await?;
            let held: Vec<String> =
                held.into_iter().map(|it| format!("{} {:?}: {}", it.key, it.about, it.reason)).collect();
            let turns = self.turns;
            for debt in self.store.debts(DebtState::Parked, None, 5).await? {
                violations.push(format!("P1: parked: {debt:?}"));
            }
            violations.push(format!(
                "P1: not settled {LIVENESS_MS} ms after faults ended, in {turns} turns: {backlog:?}, held: {held:?}"
            ));
        }
        let mark = Mark::now(&self.seats);
        let until = self.clock.now().plus(QUIET_MS);
        while self.clock.now() < until {
            self.turn().await;
        }
        let late: Vec<Line> = since(&self.seats, &mark);
        let written: Vec<String> = late
            .iter()
            .filter(|(_, it)| it.actor == Actor::Api)
            .map(|(at, it)| format!("{} {} {} {}", self.seats[*at].name(), it.kind, it.id, it.field))
            .collect();
        if !written.is_empty() {
            violations.push(format!("P2: written after all was quiet: {written:?}"));
        }
        violations.append(&mut self.troupe.watch().breaches);
        let conflicts = self.store.conflicts(None, None, 100_000).await?;
        if let Some((_, first, mark)) = &self.begun {
            let changes = since(&self.seats, mark);
            judge::systems(
                (&self.seats, self.clock.now()),
                first,
                &changes,
                (&self.placed, &conflicts),
                &mut violations,
            );
        }
        judge::history(self.store.as_ref(), &mut violations, &mut self.reached).await?;
        let story = judge::story(self.store.as_ref(), &self.seats, &violations).await?;
        self.trace.update(self.store.state_hash().await?);
        let trace: [u8; 32] = self.trace.finalize().into();
        self.reached.insert("commit".to_owned(), self.stores.commits());
        self.reached.insert("turn".to_owned(), self.turns);
        Ok(Outcome {
            violations,
            trace: truthsource_core::digest::hex(&trace),
            reached: self.reached,
            simulated_ms: self.clock.now().since(self.plan.begins),
            story,
        })
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}
