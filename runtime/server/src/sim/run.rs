//! One run of a plan.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;
use truthsource_simulators::door::{Door, Reply};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::journal::Actor;
use truthsource_simulators::outbox::Departure;
use truthsource_simulators::world::{Deed, Held};

use super::cast::Cast;
use super::house::{connect, endpoints, engine, host_of, regime, troupe};
use super::intake::Intake;
use super::judge;
use super::node::Node;
use super::notes::Notes;
use super::plan::{Act, Plan, Reform};
use super::stage::{Doors, SimClock};
use super::store::{Files, Keeping, MortalStore, open};
use super::troupe::{Troupe, hook_of};
use crate::demo::account;
use crate::demo::latency::{Line, Mark, held, since};
use crate::demo::world::Seat;
use crate::engine::Did;
use crate::engine::ports::Clock as _;
use crate::http::hooks::Endpoint;
use crate::store::{Backlog, Batch, DebtState, Inspect as _, TenantStore as _};

/// How long the systems and the engine may take to agree after faults end.
const LIVENESS_MS: u64 = 3_600_000;
/// How much longer than a round of polls all must be quiet, before it counts as such.
const MARGIN_MS: u64 = 20_000;
/// How long all must be quiet before people begin to act.
const OPENING_MS: u64 = 5_000;
/// How long the engine waits where it waits for nothing in particular.
const IDLE_MS: u64 = 500;
/// How often the node may take turns: more, and something goes round in circles (I16). Days that go well take some hundreds,
/// and those of a quick node some thousands.
const TURNS_MAX: u64 = 15_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What was broken, and what was reached.
    pub notes: Notes,
    /// SHA-256 of everything that happened, hex.
    pub trace: String,
    /// SHA-256 of what is stored at the end, hex.
    pub state: String,
    /// How much time passed in it, in milliseconds.
    pub simulated_ms: u64,
    /// What happened to records that broke a promise, and what people and the engine did to them, in the order of time.
    pub story: Vec<String>,
}

/// Carries out a plan.
///
/// # Errors
/// When the run itself cannot be set up; what the engine does wrong is in the outcome.
pub async fn run(cast: &Arc<Cast>, plan: &Plan, keeping: Keeping) -> anyhow::Result<Outcome> {
    let (mut world, files) = World::set_up(cast, plan, keeping).await?;
    // What people do before a system was read for the first time is part of what it opens with.
    let opened = world.calm_down(OPENING_MS).await;
    world.begin();
    while world.elapsed() < plan.chaos_ms && !world.is_over() {
        world.turn().await;
    }
    world.heal();
    let calm = world.calm_down(world.quiet_ms()).await;
    let outcome = world.judge(opened && calm).await;
    if let Some(files) = files {
        files.close().await;
    }
    outcome
}

fn is_idle(backlog: &Backlog) -> bool {
    *backlog == Backlog { conflicts: backlog.conflicts, ..Backlog::default() }
}

/// Whether a system has the order, and it was not called off.
fn stands(seat: &Seat, po_number: &str) -> bool {
    seat.site.orders().iter().any(|it| it.po_number == po_number && !it.cancelled)
}

struct World<'a> {
    plan: &'a Plan,
    clock: Arc<SimClock>,
    seats: Vec<Seat>,
    doors: Vec<Arc<Door>>,
    network: Arc<Doors>,
    troupe: Arc<Troupe>,
    endpoints: Vec<Arc<Endpoint>>,
    intake: Intake,
    store: Arc<MortalStore>,
    node: Node,
    acts: std::iter::Peekable<std::slice::Iter<'a, Act>>,
    reforms: std::iter::Peekable<std::slice::Iter<'a, Reform>>,
    /// When people began to act, and what the systems held then.
    begun: Option<(UnixMs, Vec<Held>, Mark)>,
    orders: judge::Orders,
    turns: u64,
    notes: Notes,
    trace: Sha256,
}

impl<'a> World<'a> {
    async fn set_up(cast: &Arc<Cast>, plan: &'a Plan, keeping: Keeping) -> anyhow::Result<(Self, Option<Files>)> {
        let clock = Arc::new(SimClock::at(plan.begins));
        let fill = |(at, product)| Seat::fill(product, clock.now(), &Plan::catalogue(at));
        let seats: Vec<Seat> = plan.systems.iter().copied().enumerate().map(fill).collect::<anyhow::Result<_>>()?;
        let doors: Vec<Arc<Door>> = seats.iter().map(|it| Arc::new(Door::new(it.site.system()))).collect();
        let by_host = seats.iter().map(host_of).zip(doors.iter().cloned()).collect();
        let network = Arc::new(Doors::new(by_host, clock.clone()));
        let (kept, files) = open(keeping, clock.now()).await?;
        let store = Arc::new(MortalStore::new(kept, plan.seed, plan.faults.clone()));
        let connections = connect(&store, (&seats, plan), clock.now()).await?;
        let troupe = Arc::new(troupe(cast, (&clock, &network), (plan, &seats), &connections)?);
        let engine = engine(&store, &troupe, &clock, plan);
        let endpoints = endpoints(&engine, &seats).await?;
        let path = |seat: &Seat| hook_of(seat.name()).replace("https://truthsource.sim", "");
        network.receive_at(seats.iter().map(path).zip(endpoints.iter().cloned()).collect());
        let world = Self {
            plan,
            clock,
            node: Node::new(engine, store.clone(), (seats.len(), plan.shelf.clone())),
            seats,
            doors,
            network,
            troupe,
            endpoints,
            intake: Intake::default(),
            store,
            acts: plan.acts.iter().peekable(),
            reforms: plan.reforms.iter().peekable(),
            begun: None,
            orders: judge::Orders::default(),
            turns: 0,
            notes: Notes::default(),
            trace: Sha256::new(),
        };
        world.subscribe()?;
        Ok((world, files))
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
        self.store.set_chaos(true);
        self.troupe.set_chaos(true);
        self.begun = Some((now, held(&self.seats, now), Mark::now(&self.seats)));
    }

    /// Milliseconds since people began to act.
    fn elapsed(&self) -> u64 {
        self.begun.as_ref().map_or(0, |(begun, ..)| self.clock.now().since(*begun))
    }

    fn heal(&mut self) {
        self.store.set_chaos(false);
        self.troupe.set_chaos(false);
        for door in &self.doors {
            door.set_faults(Faults::default());
        }
        // The last acts of people happen before the systems are compared.
        while self.act(u64::MAX) {}
    }

    /// For how long nothing may happen, once all is quiet: long enough for everything to be polled once more.
    fn quiet_ms(&self) -> u64 {
        self.plan.habits.poll_every_ms + MARGIN_MS
    }

    /// Runs until there was nothing to do for this long; false if that does not happen in time.
    async fn calm_down(&mut self, quiet_ms: u64) -> bool {
        let by = self.clock.now().plus(LIVENESS_MS);
        let mut calm_since = self.clock.now();
        while self.clock.now().since(calm_since) < quiet_ms {
            if self.clock.now() > by {
                return false;
            }
            if self.is_over() {
                return true;
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

    /// A promise was broken: what comes after tells nothing more.
    fn is_over(&self) -> bool {
        !self.notes.violations.is_empty() || !self.troupe.watch().breaches.is_empty()
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
        if self.turns == TURNS_MAX {
            self.notes.broke(format!("I16: {TURNS_MAX} turns, and there is always something to do"));
        }
        while self.begun.is_some() && self.act(self.elapsed()) {}
        while self.begun.is_some() && self.reform().await {}
        let mut did = self.deliver_hooks().await;
        let workers = self.seats.len() + 1;
        let first = self.draw().below(workers as u64, "order", self.turns) as usize;
        for n in 0..workers {
            match self.work((first + n) % workers).await {
                Ok(step) => did = did.and(step),
                Err(error) => {
                    self.trace.update(error.to_string());
                    self.node.bury(&mut self.notes);
                }
            }
        }
        for (name, times) in self.network.take_seen() {
            self.notes.reach_times(name, times);
        }
        self.pass(did).await;
    }

    /// A turn of one of the workers.
    async fn work(&mut self, at: usize) -> Result<Did, crate::engine::Error> {
        let (draw, turn) = (self.draw(), self.turns);
        if at == self.seats.len() {
            return self.node.fold((draw, turn), &mut self.notes).await;
        }
        let is_chaos = self.begun.is_some() && self.elapsed() < self.plan.chaos_ms;
        let stalls = is_chaos && draw.chance(self.plan.faults.stalled, &format!("worker {at} stalls"), turn);
        let did = self.node.lane(at, stalls, &mut self.notes).await?;
        self.trace.update([at as u8, did.handled as u8]);
        self.trace.update(self.clock.now().0.to_le_bytes());
        Ok(did)
    }

    /// A moment passes where there is work, and else all the time until something is due.
    async fn pass(&mut self, did: Did) {
        let now = self.clock.now();
        let pause = 1 + self.draw().below(self.plan.habits.turn_ms_max, "pause", self.turns);
        if did.handled > 0 {
            self.clock.advance(pause);
            return;
        }
        let is_waiting = !self.store.backlog().await.is_ok_and(|it| is_idle(&it));
        // What waits for a lane that nobody has waits for the lane.
        let idle = if is_waiting && !self.node.is_locked_out() { IDLE_MS } else { self.plan.habits.poll_every_ms };
        let act = self.begun.as_ref().zip(self.acts.clone().next()).map(|((begun, ..), act)| begun.plus(act.at_ms));
        let hook = self.doors.iter().filter_map(|it| it.next_webhook_at()).min();
        let next = [act, hook, self.node.next_at()].into_iter().flatten().min().map_or(idle, |it| it.since(now));
        self.clock.advance(next.clamp(pause, idle.max(pause)));
    }

    /// The next act that is due, if one is.
    fn act(&mut self, elapsed: u64) -> bool {
        let Some(act) = self.acts.next_if(|it| it.at_ms <= elapsed) else { return false };
        let now = self.clock.now();
        let seat = &self.seats[act.seat % self.seats.len()];
        let stood = matches!(&act.deed, Deed::Cancel { po_number } if stands(seat, po_number));
        let did = seat.site.act(now, &act.deed);
        match (&did, &act.deed) {
            // What a person is not let do did not happen.
            (Err(_), _) => self.notes.reach("act refused"),
            (Ok(()), Deed::Parcel { .. } | Deed::Ship { .. }) => self.notes.reach("order left"),
            (Ok(()), _) => self.notes.reach("act"),
        }
        match &act.deed {
            Deed::Order(order) => {
                let is_there = seat.site.orders().iter().any(|it| it.po_number == order.po_number);
                self.orders.placed.extend(is_there.then(|| (order.po_number.clone(), now)));
            }
            // Nobody calls off what is not there yet.
            Deed::Cancel { po_number } if stood && !stands(seat, po_number) => {
                self.orders.called_off.insert(po_number.clone());
                self.notes.reach("order called off");
            }
            _ => {}
        }
        let shops = self.seats.iter().filter(|it| it.product.is_shop());
        let free = shops.flat_map(|it| it.site.orders()).filter(|it| !it.waits).map(|it| it.po_number);
        self.orders.free.extend(free);
        self.doors[act.seat % self.seats.len()].collect(now);
        self.troupe.watch().read_on();
        true
    }

    /// The next change of rules that is due, if one is.
    async fn reform(&mut self) -> bool {
        let elapsed = self.elapsed();
        let Some(reform) = self.reforms.next_if(|it| it.at_ms <= elapsed) else { return false };
        let change = regime(reform.to, &self.seats);
        // Whoever is not told whether it was stored says it again.
        loop {
            let batch = Batch { changes: vec![change.clone()], ..Batch::new(self.clock.now()) };
            let stored = self.store.commit(batch).await.is_ok();
            self.node.bury(&mut self.notes);
            if stored {
                break;
            }
        }
        self.node.look_again();
        let connections = self.seats.len();
        let owned = reform.to.owned().map(|(kind, field, seat)| (kind, field, seat % connections));
        self.troupe.watch().rules_changed(owned, self.clock.now());
        self.notes.reach("rules changed");
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

    async fn deliver(&mut self, at: usize, departure: Departure) {
        let now = self.clock.now();
        let told = (&self.endpoints[at], &departure.webhook);
        let answer = self.intake.answer(self.store.as_ref(), told, now, &mut self.notes).await;
        self.node.bury(&mut self.notes);
        self.doors[at].webhook_answered(now, departure, Some(&answer));
    }

    async fn judge(mut self, calm: bool) -> anyhow::Result<Outcome> {
        if !calm {
            self.unsettled().await?;
        }
        let is_over = self.is_over();
        if !is_over {
            self.listen().await;
        }
        let mut notes = self.notes;
        notes.violations.append(&mut self.troupe.watch().breaches);
        let conflicts = self.store.conflicts(None, None, 100_000).await?;
        if let Some((_, first, mark)) = self.begun.as_ref().filter(|_| !is_over) {
            let changes = since(&self.seats, mark);
            let (seats, said) = ((&self.seats[..], self.clock.now()), (&self.orders, &conflicts[..]));
            judge::systems(seats, (first, self.plan.shelf.as_ref()), &changes, said, &mut notes.violations);
        }
        judge::history(self.store.as_ref(), &mut notes).await?;
        judge::books(self.store.as_ref(), &mut notes.violations).await?;
        if !is_over {
            judge::decided(&self.node.engine, &mut notes).await?;
        }
        let story = judge::story(self.store.as_ref(), &self.seats, &notes.violations).await?;
        let state = self.store.state_hash().await?;
        self.trace.update(&state);
        let trace: [u8; 32] = self.trace.finalize().into();
        notes.reach_times("commit", self.store.commits());
        notes.reach_times("turn", self.turns);
        for (function, times) in self.troupe.calls() {
            notes.reach_times(function, times);
        }
        let simulated_ms = self.clock.now().since(self.plan.begins);
        Ok(Outcome { notes, trace: truthsource_core::digest::hex(&trace), state, simulated_ms, story })
    }

    /// P1 does not hold: what waits, and for what.
    async fn unsettled(&mut self) -> anyhow::Result<()> {
        for debt in self.store.debts(DebtState::Parked, None, 5).await? {
            self.notes.broke(format!("P1: parked: {debt:?}"));
        }
        let backlog = self.store.backlog().await?;
        let held = self.store.conflicts(Some(true), None, 3).await?;
        let held: Vec<String> =
            held.into_iter().map(|it| format!("{} {:?}: {}", it.key, it.about, it.reason)).collect();
        let turns = self.turns;
        self.notes.broke(format!(
            "P1: not settled {LIVENESS_MS} ms after faults ended, in {turns} turns: {backlog:?}, held: {held:?}"
        ));
        Ok(())
    }

    /// All is quiet, and stays so: nobody writes any more (P2).
    async fn listen(&mut self) {
        let mark = Mark::now(&self.seats);
        let until = self.clock.now().plus(self.quiet_ms());
        while self.clock.now() < until && !self.is_over() {
            self.turn().await;
        }
        let late: Vec<Line> = since(&self.seats, &mark);
        let ours = late.iter().filter(|(_, it)| it.actor == Actor::Api);
        let written: Vec<String> =
            ours.map(|(at, it)| format!("{} {} {} {}", self.seats[*at].name(), it.kind, it.id, it.field)).collect();
        if !written.is_empty() {
            self.notes.broke(format!("P2: written after all was quiet: {written:?}"));
        }
    }
}
